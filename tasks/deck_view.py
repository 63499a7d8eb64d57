"""DeckView: all that the Deck of a run shows, gathered from its result, its trace, the ledger and the reviews."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from tasks.estimate import Estimate
from tasks.functions import find_pattern, pattern_files
from tasks.reply import Reply
from tasks.result import Result, Signal
from tasks.run import Run
from tasks.spec import GraphSpec, Use
from tasks.trace import Traced
from utils.ledger import LedgerRow
from utils.reviews import Review


@dataclass(frozen=True)
class DeckView:
    """A run as its Deck shows it. `graph` is the whole graph that was walked, its frame included."""

    run: Run
    result: Result
    graph: GraphSpec
    traced: Sequence[Traced] = ()
    signals: Sequence[Signal] = ()
    lessons: Sequence[Reply] = ()
    learned: Sequence[Reply] = ()
    """What the Librarian made of the run; one that is not ok says why it was not kept."""
    ledger: Sequence[LedgerRow] = ()
    reviews: Sequence[Review] = ()
    estimate: Estimate | None = None

    @property
    def used(self) -> Mapping[str, GraphSpec]:
        """The run's pattern, by the path of the block that named it at run time; a run may outlive its pattern."""
        named = [b.id for b in self.graph.blocks if isinstance(b, Use) and not isinstance(b.pattern, str)]
        if not named or self.result.pattern not in pattern_files():
            return {}
        return dict.fromkeys(named, find_pattern(self.result.pattern))

    @property
    def graph_digest(self) -> str:
        """The first half of the SHA-256 of the graph's canonical JSON."""
        return sha256(self.graph.to_json().encode()).hexdigest()[:32]

    @property
    def ran(self) -> tuple[Traced, ...]:
        """What ran, and what no trace tells of yet: questions that are still open, and the writing of this page."""
        waiting = (
            Traced(r.path, "ask", "waiting", r.opened_at.timestamp(), 0.0, {})
            for r in self.reviews
            if r.status == "open"
        )
        return (*self.traced, *waiting, *self._writing())

    def _writing(self) -> Iterator[Traced]:
        """The last block, where it is the only one without a trace: it is the one that has this page written."""
        ran = {re.split(r"[/@\[.]", t.path)[0] for t in self.traced}
        if [b for b in self.graph.blocks if b.id not in ran] == [self.graph.blocks[-1]] and ran:
            until = max(t.started + t.ms / 1000 for t in self.traced)
            yield Traced(self.graph.blocks[-1].id, "step", "finished", until, 0.0, {})


@dataclass(frozen=True)
class Sum:
    """Settled calls added up. `cost_usd` holds the known prices, `unknown_calls` counts the calls without one."""

    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0
    unknown_calls: int = 0


def total(rows: Iterable[LedgerRow]) -> Sum:
    """The sum of ledger rows, unknown prices kept apart."""
    settled = [r for r in rows if r.state == "settled"]
    return Sum(
        len(settled),
        sum((r.prompt_tokens or 0) + (r.completion_tokens or 0) for r in settled),
        sum(r.cost_usd or 0.0 for r in settled),
        sum(r.cost_usd is None for r in settled),
    )
