"""Run: whose run it is and how it was asked for; every node of a graph is handed it."""

import hashlib
from typing import Literal

from pydantic import BaseModel, ConfigDict

from utils.one_schema import OneSchema

Grain = Literal["auto", "node"]


class Run(OneSchema, BaseModel):
    """One run, as it was fixed at its first start: a resumed run has the same values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant_id: str
    user_id: str
    run_id: str
    workflow: str
    pattern: str = ""
    domain: str = "general"
    models: list[str] = []
    started: str = ""
    """ISO 8601 with zone: what pure functions get as `now`."""
    prompt: str = ""
    rehearsal: bool = False
    grain: Grain = "auto"
    """On a cluster: bodies walked inside one node, or a node for each of their blocks."""

    def seed(self, path: str) -> int:
        """The seed that a function at this path gets: the same in every try of the run."""
        return int.from_bytes(hashlib.sha256(f"{self.run_id}/{path}".encode()).digest()[:6], "big")
