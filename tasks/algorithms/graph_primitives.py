"""Primitives of graphs that are written at run time: stop when a field says so, branch by a field, keep the best."""

from math import inf

from tasks.functions import pure
from tasks.reply import Replies, Reply, failed, first_cause, ok_of


@pure
def field_is(seen: Replies, field: str, value: str) -> bool:
    """Whether a field of the last reply has this value, in any case; a failed reply, or none, has none."""
    return _said(seen, field) == value.strip().casefold()


@pure
def field_of(seen: Replies, field: str) -> str:
    """The value of a field of the last reply, in lower case; empty for a failed reply, or none."""
    return _said(seen, field)


@pure
def highest(replies: Replies, scores: Replies, field: str) -> Reply:
    """The reply whose score, by its key, is highest in that field; the earliest of those alike; one unscored last."""
    worth = {s.key: _number(s, field) for s in ok_of(scores)}
    good = ok_of(replies)
    if not good:
        return failed(first_cause(replies) or "there is nothing to choose from")
    return max(good, key=lambda r: worth.get(r.key, -inf))


def _said(seen: Replies, field: str) -> str:
    value = seen[-1].data().get(field, "") if seen and seen[-1].ok else ""
    return str(value).strip().casefold()


def _number(scored: Reply, field: str) -> float:
    value = scored.data().get(field)
    return float(value) if isinstance(value, int | float) else -inf
