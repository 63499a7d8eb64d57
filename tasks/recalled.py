"""Memories as a pattern recalls and reads them."""

from typing import Any

from pydantic import JsonValue

from tasks.reply import Reply
from tasks.spec import Recall, Step, see


def latest_memories(block_id: str, kind: str, k: int, scope: str = "user", **sees: str) -> Step:
    """A Step that recalls the last k memories of a kind in a scope, the newest first."""
    args: dict[str, JsonValue] = {"kinds": [kind], "scope": scope, "order": "latest"}
    return Step(id=block_id, does=Recall(store="memories", k=k, args=args), sees=see(**sees))


def fields_of(memory: Reply) -> dict[str, Any]:
    """The fields that a memory was stored with; empty for a reply that is none."""
    found = memory.data().get("fields")
    return found if isinstance(found, dict) else {}
