"""Pairwise comparison: pairs in both orders without names, verdicts reconciled, and who wins how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations

from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, failed, ok_of, reply

FIRST, SECOND, TIE = "first", "second", "tie"


@pure
def ordered_pairs(answers: Replies) -> Replies:
    """Every ordered pair of the answers that succeeded, n (n - 1) items: fields `first` and `second`, without names.

    Key is `i-j`, the numbers of both among those that succeeded, from 1.
    """
    numbered = list(enumerate(ok_of(answers), 1))
    return [
        reply(key=f"{i}-{j}", data={"first": one.text, "second": other.text})
        for (i, one), (j, other) in permutations(numbered, 2)
    ]


@dataclass(frozen=True)
class Wins:
    """Who beat whom among n: `wins[i][j]` is 1 for a win of i over j, .5 for a tie, 0 for a loss or no comparison."""

    wins: tuple[tuple[float, ...], ...]
    contradicted: tuple[tuple[int, int], ...]
    """Pairs (from 0) whose two verdicts name different winners, or of which one is a tie: they count as a tie."""
    unjudged: tuple[tuple[int, int], ...]
    """Pairs of which a verdict is missing: they count as a tie, too."""

    @cached_property
    def totals(self) -> tuple[float, ...]:
        """wins + 0.5 ties of each."""
        return tuple(sum(row) for row in self.wins)

    def among(self, i: int, others: Sequence[int]) -> float:
        """What i won against these alone."""
        return sum(self.wins[i][j] for j in others)


def tally(n: int, verdicts: Replies, field: str = "verdict") -> Wins:
    """Both orders of each pair reconciled. `verdicts` have the keys of `ordered_pairs`; one that failed is missing."""
    said = {v.key: v.data().get(field) for v in verdicts if v.ok}
    wins = [[0.0] * n for _ in range(n)]
    contradicted, unjudged = [], []
    for i in range(n):
        for j in range(i + 1, n):
            here, there = _winner(said.get(f"{i + 1}-{j + 1}"), i, j), _winner(said.get(f"{j + 1}-{i + 1}"), j, i)
            if here is None or there is None:
                unjudged.append((i, j))
            elif here != there:
                contradicted.append((i, j))
            if here == there and here in (i, j):
                wins[here][i + j - here] = 1.0
            else:
                wins[i][j] = wins[j][i] = 0.5
    return Wins(tuple(map(tuple, wins)), tuple(contradicted), tuple(unjudged))


def _winner(verdict: object, first: int, second: int) -> int | None:
    """Who won by a verdict: one of both, -1 for a tie, None where it says nothing of the kind."""
    return {FIRST: first, SECOND: second, TIE: -1}.get(str(verdict))


def ranked(answers: Sequence[Reply], wins: Wins) -> list[int]:
    """Positions of the answers, the best first; ties by head-to-head among the tied, then the shorter, the earlier."""

    def place(i: int) -> tuple[float, float, int, int]:
        tied = [j for j, total in enumerate(wins.totals) if total == wins.totals[i] and j != i]
        return -wins.totals[i], -wins.among(i, tied), len(answers[i].text), i

    return sorted(range(len(answers)), key=place)


@pure
def rank_pairs(answers: Replies, verdicts: Replies, keep: int) -> Slots:
    """Those that succeeded by wins + 0.5 ties: `ranking` has all with their score, `top` the best `keep`, `first` one.

    `table` is one reply: the win matrix in rank order, what was contradicted and what nobody judged, by key.
    """
    good = ok_of(answers)
    wins = tally(len(good), verdicts)
    order = ranked(good, wins)
    ranking = [good[i].but(score=wins.totals[i]) for i in order]
    names = [good[i].key for i in order]
    data = {
        "ranking": names,
        "scores": {good[i].key: wins.totals[i] for i in order},
        "wins": {good[i].key: {good[j].key: wins.wins[i][j] for j in order if j != i} for i in order},
        "contradicted": [[good[i].key, good[j].key] for i, j in wins.contradicted],
        "unjudged": [[good[i].key, good[j].key] for i, j in wins.unjudged],
    }
    table = reply(" > ".join(names), key="table", data=data)
    return {"ranking": ranking, "top": ranking[:keep], "first": ranking[:1], "table": [table]}


@pure
def preferred(pair: Replies, verdicts: Replies) -> Reply:
    """Of two texts the one that a judge prefers in both orders; a tie or a contradiction keeps the first.

    `verdicts` are those of `ordered_pairs(pair)`. Fields: `preferred` (first, second or tie) and `agreed`. Where only
    one succeeded it is preferred; where none did, the reply is a failed one.
    """
    good = ok_of(pair)[:2]
    if len(good) < 2:
        return good[0].but(data={"preferred": FIRST, "agreed": True}) if good else failed("nothing to compare")
    wins = tally(2, verdicts)
    name = TIE if wins.totals[0] == wins.totals[1] else FIRST if wins.totals[0] > wins.totals[1] else SECOND
    data = {"preferred": name, "agreed": not (wins.contradicted or wins.unjudged)}
    return good[1 if name == SECOND else 0].but(data=data)
