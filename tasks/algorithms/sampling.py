"""Sampling until the leading answer is statistically safe: the Beta test on two counts, and the vote it ends in."""

from math import comb

from tasks.answers import groups
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply


@pure
def of_turn(given: Replies, turn: int) -> Reply:
    """The reply of this turn of a Loop under a key of its own, so that the samples of all turns can be told apart."""
    return given[0].but(key=f"s{turn}")


def lead_probability(first: int, second: int) -> float:
    """P(x > 0.5) for x ~ Beta(first + 1, second + 1): how safe the lead of the largest count over the next is.

    By the binomial sum that equals the regularised incomplete beta function at integers (Aggarwal et al. 2023).
    """
    n = first + second + 1
    return float(sum(comb(n, k) for k in range(first + 1)) / 2**n)


@pure
def lead_is_safe(finals: Replies, at_least: float) -> bool:
    """Whether the two largest counts of equal answers put the lead at `at_least`; those without an answer count not."""
    return _lead(finals) >= at_least


def _lead(finals: Replies) -> float:
    votes = [g.votes for g in groups(finals)]
    return lead_probability(votes[0], votes[1] if len(votes) > 1 else 0) if votes else 0.0


@pure
def adaptive_vote(samples: Replies, finals: Replies, at_least: float) -> Slots:
    """The answer with the largest count, of tied ones the one reached first, with the first sample that reached it.

    Undecided where the samples ran out before the lead was safe. Fails the run where no sample has an answer.
    """
    tally = groups(finals)
    abstained = causes(finals)
    if not tally:
        raise Refuse(f"no sample ended with an answer: {'; '.join(abstained) or 'none was drawn'}")
    valid, first, lead = sum(g.votes for g in tally), tally[0], _lead(finals)
    path = next(s for s in samples if s.key == first.voters[0])
    data = {
        "final_answer": first.text,
        "agreement": first.votes / valid,
        "samples_used": len(samples),
        "p_lead": lead,
        "tally": [{"answer": g.text, "votes": g.votes, "voters": list(g.voters)} for g in tally],
        "tied": len(tally) > 1 and tally[1].votes == first.votes,
        "abstained": abstained,
    }
    safe = lead >= at_least
    others = ["Others:", *(f"- {g.text} ({g.votes})" for g in tally[1:])] if tally[1:] else []
    lines = [
        first.text,
        "",
        f"{first.votes} of {valid} samples reach it; the lead is {'safe' if safe else 'not safe'} (p = {lead:.3f}).",
        *others,
        *([f"Without an answer: {len(abstained)} of {len(samples)}."] if abstained else []),
        "",
        "The first way to it:",
        path.text,
    ]
    outcome = "answered" if safe else "undecided"
    answer = reply("\n".join(lines), key="answer", data=data, score=lead, model=path.model, outcome=outcome)
    losers = {v for g in tally[1:] for v in g.voters}
    return {"answer": [answer], "dissent": [s for s in ok_of(samples) if s.key in losers]}
