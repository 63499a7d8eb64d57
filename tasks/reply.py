"""Reply: what every step gives, and all that the state of a run (board, tree, queue, transcript) is made of."""

import json
from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from utils.one_schema import OneSchema

Status = Literal["success", "failed", "timeout", "rejected", "skipped"]
Outcome = Literal["answered", "no_consensus", "undecided", "incomplete", "degraded", "unchecked"]


class Reply(OneSchema, BaseModel):
    """One reply. `tokens`, `calls`, `cost` (USD) and `latency` (ms) are those of making this very reply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = ""
    """Who or what it is of; unique in its list."""
    text: str = ""
    fields: str = ""
    """JSON text of an object, checked against the step's schema; empty where there is none."""
    score: float | None = None
    status: Status = "success"
    cause: str = ""
    """Why it is not a success, in one line."""
    outcome: Outcome = "answered"
    at: list[int] = []
    """Item and member indices, outermost first."""
    files: list[str] = []
    model: str = ""
    tokens: int = 0
    calls: int = 0
    tries: int = 1
    """Which try of its step gave it; what an earlier one was asked may be asked again when the run resumes."""
    cost: float = 0.0
    latency: float = 0.0

    @property
    def ok(self) -> bool:
        return self.status == "success"

    def data(self) -> dict[str, Any]:
        """The fields as an object, empty where there are none."""
        loaded = json.loads(self.fields) if self.fields else {}
        return loaded if isinstance(loaded, dict) else {}

    def get(self, field: str) -> Any:
        """A field of `data`, or one of the reply itself; None where there is neither."""
        data = self.data()
        if field in data:
            return data[field]
        return getattr(self, field) if field in type(self).model_fields else None

    def but(self, **changes: Any) -> "Reply":
        """A copy with other values; `data` may be given as an object."""
        if "data" in changes:
            changes["fields"] = canonical(changes.pop("data"))
        return self.model_copy(update=changes)


Replies: TypeAlias = list[Reply]
Slots: TypeAlias = dict[str, list[Reply]]


def canonical(value: Any) -> str:
    """Canonical JSON text: sorted keys, no white space, NaN refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def reply(text: str = "", *, key: str = "", data: dict[str, Any] | None = None, **rest: Any) -> Reply:
    """A reply that a pure function makes, with its fields given as an object."""
    return Reply(key=key, text=text, fields="" if data is None else canonical(data), **rest)


def ok_of(replies: Iterable[Reply]) -> Replies:
    """The replies that succeeded, in order."""
    return [r for r in replies if r.ok]


def failed(cause: str, *, key: str = "", status: Status = "failed", at: Iterable[int] = ()) -> Reply:
    """A reply that says what went wrong."""
    return Reply(key=key, status=status, cause=cause, at=list(at))


def first_cause(replies: Iterable[Reply]) -> str:
    """The first reason why a reply of a list is not a success; empty where all are."""
    return next((r.cause or r.status for r in replies if not r.ok), "")


def causes(replies: Iterable[Reply]) -> list[str]:
    """Who is not a success, and why: `key: cause`, or the cause alone where there is no key; in order."""
    return [f"{r.key}: {r.cause or r.status}" if r.key else r.cause or r.status for r in replies if not r.ok]
