"""A jury's ballots: points per criterion, how far the jurors lie apart, and the verdict by medians."""

from collections.abc import Sequence
from statistics import median

from tasks.functions import pure
from tasks.panels import least_distinct
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

LEAST, MOST = 1, 5
"""The points of a criterion; an answer passes where every median is at least PASSING."""
PASSING = 3
APART = 2
"""A comment dissents where its points lie this far from the median, or farther."""


@pure
def spread(ballots: Replies, criteria: Sequence[str]) -> float:
    """The largest total of a juror less the smallest; 0 where fewer than two voted."""
    totals = [sum(_points(b, c) for c in criteria) for b in ok_of(ballots)]
    return max(totals) - min(totals) if totals else 0


@pure
def jurors_agree(ballots: Replies, criteria: list[str], below: float, quorum: int) -> bool:
    """Whether no further juror is needed: as many as the quorum voted, and their totals are less than `below` apart."""
    return len(ok_of(ballots)) >= quorum and spread(ballots, criteria) < below


@pure
def jury_verdict(
    draft: Replies, seats: Replies, ballots: Replies, extra: Replies, criteria: list[str], quorum: int
) -> Reply:
    """The draft with the median of each criterion, whether it passes, and the comments that dissent.

    Below the quorum of ballots nothing is decided: no medians, no pass, and the draft is unchecked. `quality` is the
    mean of the medians in [0, 1].
    """
    text, everyone = draft[0].text, [*ballots, *extra]
    voted = ok_of(everyone)
    decided = len(voted) >= quorum
    medians = {c: median(_points(b, c) for b in voted) for c in criteria} if decided else {}
    passed = all(m >= PASSING for m in medians.values()) if decided else None
    dissent = _dissent(voted, medians)
    tags = {s.key: s.data()["distinct"] for s in seats}
    sat = {b.key for b in everyone}
    data = {
        "draft": text,
        "passed": passed,
        "medians": medians,
        "spread": spread(ballots, criteria),
        "dissent": dissent,
        "ballots": [{"juror": b.key, "distinct": tags.get(b.key, "role"), **b.data()} for b in voted],
        "distinct": least_distinct([s for s in seats if s.key in sat]),
        "lost": causes(everyone),
    }
    if decided:
        data["quality"] = sum((m - LEAST) / (MOST - LEAST) for m in medians.values()) / len(medians)
    outcome: Outcome = "unchecked" if not decided else "degraded" if data["lost"] else "answered"
    lines = [text, "", _head(passed, len(voted), quorum), *_report(medians, dissent), *_failures(causes(everyone))]
    return reply("\n".join(lines), key="answer", data=data, model=draft[0].model, outcome=outcome)


def _points(ballot: Reply, criterion: str) -> int:
    return int(ballot.data()[criterion]["points"])


def _dissent(voted: Replies, medians: dict[str, float]) -> list[dict[str, object]]:
    return [
        {"juror": b.key, "criterion": c, "points": _points(b, c), "median": m, "comment": b.data()[c]["comment"]}
        for b in voted
        for c, m in medians.items()
        if abs(_points(b, c) - m) >= APART
    ]


def _head(passed: bool | None, voted: int, quorum: int) -> str:
    if passed is None:
        return f"Not assessed: {voted} jurors voted, {quorum} are needed."
    return f"The jury of {voted} {'passes this text' if passed else 'does not pass this text'}."


def _report(medians: dict[str, float], dissent: list[dict[str, object]]) -> list[str]:
    rows = [f"- {c}: {m:g} of {MOST}" for c, m in medians.items()]
    apart = [f"- {d['juror']}, {d['criterion']} {d['points']}: {d['comment']}" for d in dissent]
    return [*(["Medians:", *rows] if rows else []), *(["Dissent:", *apart] if apart else [])]


def _failures(lost: list[str]) -> list[str]:
    return ["Not heard:", *(f"- {why}" for why in lost)] if lost else []
