"""How each block of a graph ran, over all its turns and items: for the picture and the table of steps."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tasks.deck_view import Sum, total
from tasks.reply import Reply
from tasks.trace import Traced
from utils.ledger import LedgerRow

State = Literal["ran", "skipped", "failed", "waiting", "idle", "plan"]
"""plan: of no run at all."""
_TURN, _ITEM = re.compile(r"@(\d+)"), re.compile(r"\[(\d+)\]")


@dataclass(frozen=True)
class Shown:
    """One block as it ran. `ms` is the time in which at least one of its turns or items was under way."""

    state: State = "idle"
    ms: float = 0.0
    replies: tuple[Reply, ...] = ()
    turns: int = 0
    items: int = 0
    ended_by: str = ""
    sum: Sum = field(default_factory=Sum)


def folded(path: str) -> str:
    """A block path without turns and items: the block's place in its specification."""
    return _ITEM.sub("", _TURN.sub("", path))


class Ran:
    """What ran, by the block's place in the specification."""

    def __init__(self, traced: Sequence[Traced], ledger: Sequence[LedgerRow]) -> None:
        self._traced: dict[str, list[Traced]] = {}
        for one in traced:
            self._traced.setdefault(folded(one.path), []).append(one)
        self._ledger = [(folded(row.path), row) for row in ledger]
        self._turns = _counts(_TURN, traced, first=1)
        self._items = _counts(_ITEM, traced, first=0)

    def at(self, place: str) -> Shown:
        """How the block at a place ran; a pattern that was walked in place has no trace of its own."""
        own = self._traced.get(place, [])
        inside = [t for path, many in self._traced.items() if _within(path, place) for t in many]
        ended = [r for t in own for r in t.slots.get("ended", [])]
        return Shown(
            state=_state(own) if self._traced else "plan",
            ms=_covered(own or inside),
            replies=tuple(r for t in own for r in t.slots.get("out", [])),
            turns=int(ended[-1].data().get("turns", 0)) if ended else self._turns.get(place, 0),
            items=self._items.get(place, 0),
            ended_by=str(ended[-1].data().get("by", "")) if ended else "",
            sum=total(row for path, row in self._ledger if path == place or _within(path, place)),
        )


def _counts(number: re.Pattern[str], traced: Iterable[Traced], first: int) -> dict[str, int]:
    """How many turns or items the block at each place came to."""
    most: dict[str, int] = {}
    for one in traced:
        for match in number.finditer(one.path):
            place = folded(one.path[: match.start()])
            most[place] = max(most.get(place, 0), int(match.group(1)) + 1 - first)
    return most


def _within(path: str, place: str) -> bool:
    return path.startswith((f"{place}/", f"{place}."))


def _state(traced: Iterable[Traced]) -> State:
    states = {t.state for t in traced}
    if "waiting" in states:
        return "waiting"
    if "failed" in states:
        return "failed"
    if "finished" in states:
        return "ran"
    return "skipped" if "skipped" in states else "idle"


def _covered(traced: Iterable[Traced]) -> float:
    """The length of the union of their spans, in ms: what ran side by side counts once."""
    spans = sorted((t.started * 1000, t.started * 1000 + t.ms) for t in traced)
    covered, until = 0.0, float("-inf")
    for start, end in spans:
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered
