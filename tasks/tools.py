"""Tools, memories and signals: what a step does beside calling a model and computing.

A tool is a function marked `@tool`, named by its dotted path; a store of memories is a module `tasks.<store>` with
`recall(query, k, spot, **args)` and `remember(spot, **views, **args)`, the args being those of the Recall or Remember.
What they returned is recorded by block path and read back on resume.
"""

import importlib
import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from tasks.calls import Spot
from tasks.reply import Replies, Reply, Slots, canonical
from tasks.spec import OUT, At, Recall, Remember, Signal, Tool
from tasks.views import Scope, value_of
from utils.errors import RunFailed
from utils.ledger import record

F = TypeVar("F", bound=Callable[..., Slots])


def tool(fn: F) -> F:
    """Marks a function that a Tool may name: `fn(spot, **views and args) -> Slots`. It must be safe to do twice."""
    fn.__tool__ = True  # type: ignore[attr-defined]
    return fn


def perform_tool(action: Tool, views: dict[str, Replies], scope: Scope[Replies], spot: Spot) -> Slots:
    """What a tool gives, from the record where it has run before."""
    name = value_of(action.name, scope)
    args = {n: value_of(v, scope) if isinstance(v, At) else v for n, v in action.args.items()}
    fn = _find(name)
    return recorded(spot, "tool", lambda: fn(spot, **views, **args))


def recall(action: Recall, views: dict[str, Replies], spot: Spot) -> Replies:
    """The memories that fit the query, best first."""
    store = _store(action.store)
    query = "\n".join(r.text for r in views["query"])
    return recorded(spot, "recall", lambda: {OUT: store.recall(query, action.k, spot, **action.args)})[OUT]


def remember(action: Remember, views: dict[str, Replies], spot: Spot) -> Replies:
    """What the store took of what it was offered."""
    store = _store(action.store)
    return recorded(spot, "remember", lambda: {OUT: store.remember(spot, **views, **action.args)})[OUT]


def signal(action: Signal, value: float, spot: Spot) -> Replies:
    """A learning signal as a reply: `conclude` writes it with the run's others."""
    strength = min(1.0, max(0.0, value))
    data = {"signal_type": action.signal, "value": strength, "source": action.source}
    return [Reply(key=action.signal, score=strength, fields=canonical(data))]


def recorded(spot: Spot, kind: str, make: Callable[[], Slots]) -> Slots:
    """Slots that are made once and read back ever after."""
    path = spot.path if spot.member == 0 else f"{spot.path}#{spot.member}"
    text = record(UUID(spot.run.tenant_id), spot.run.run_id, path, kind, lambda: dump(make()))
    return load(text)


def dump(slots: Slots) -> str:
    """Slots as JSON text."""
    return canonical({n: [r.model_dump(mode="json") for r in replies] for n, replies in slots.items()})


def load(text: str) -> Slots:
    """Slots back from their JSON text."""
    return {n: [Reply.model_validate(r) for r in replies] for n, replies in json.loads(text).items()}


def _find(name: str) -> Callable[..., Slots]:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None) if module.startswith("tasks.") else None
    if not getattr(found, "__tool__", False):
        raise RunFailed(f"unknown tool '{name}'")
    return found  # type: ignore[return-value]


def _store(name: str) -> Any:
    try:
        return importlib.import_module(f"tasks.{name}")
    except ModuleNotFoundError as error:
        raise RunFailed(f"unknown store of memories '{name}'") from error
