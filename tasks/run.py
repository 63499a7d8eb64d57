"""Run: whose run it is and how it was asked for; every node of a graph is handed it."""

import hashlib

from pydantic import BaseModel, ConfigDict


class Run(BaseModel):
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

    def seed(self, path: str) -> int:
        """The seed that a function at this path gets: the same in every try of the run."""
        return int.from_bytes(hashlib.sha256(f"{self.run_id}/{path}".encode()).digest()[:6], "big")
