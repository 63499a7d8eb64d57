"""Votes on final answers: who may win, who abstained, and what is said where nobody won."""

from tasks.answers import Group, groups
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, reply


@pure
def majority(replies: Replies, finals: Replies, same: Replies, quorum: int) -> Slots:
    """The answer of strictly more than half of the valid ones, with tally and dissent; else no consensus, never a pick.

    `replies` are all that were asked for, `finals` the answers read out of them, `same` what the judge said of pairs.
    Fails the run where fewer than `quorum` answers are valid.
    """
    abstained = _abstained(replies, finals)
    valid = len([f for f in finals if f.ok])
    if valid < quorum:
        raise Refuse(f"{valid} valid answers, {quorum} are needed: {'; '.join(abstained) or 'nobody else was asked'}")
    tally = groups(finals, same)
    first = tally[0]
    won = 2 * first.votes > valid
    unjudged = [v.key for v in same if not v.ok]
    data = {
        "final_answer": first.text if won else None,
        "agreement": first.votes / valid,
        "tally": _table(tally),
        "valid": valid,
        "abstained": abstained,
        "unjudged_pairs": unjudged,
    }
    losers = tally[1:] if won else tally
    head = (
        f"{first.text}\n\n{first.votes} of {valid} models agree: {', '.join(first.voters)}."
        if won
        else f"No consensus: none of {len(tally)} answers has more than half of {valid} votes."
    )
    answer = reply(
        "\n".join(
            [head, *_lines("Dissent:" if won else "Answers:", losers), *_abstentions(abstained), *_uncompared(same)]
        ),
        key="answer",
        data=data,
        score=first.votes / valid if won else None,
        outcome="answered" if won else "no_consensus",
    )
    return {"answer": [answer], "dissent": _of(replies, losers)}


@pure
def plurality(replies: Replies, finals: Replies) -> Slots:
    """The answer that most valid attempts reach; of tied ones that with the lowest sample.

    Gives the shortest attempt that reached it, and agreement = votes / valid. Fails the run where none is valid.
    """
    abstained = _abstained(replies, finals)
    tally = groups(finals)
    if not tally:
        raise Refuse(f"no attempt ended with an answer: {'; '.join(abstained)}")
    valid = sum(g.votes for g in tally)
    first = tally[0]
    path = min(_of(replies, [first]), key=lambda r: len(r.text))
    data = {
        "final_answer": first.text,
        "agreement": first.votes / valid,
        "tally": _table(tally),
        "valid": valid,
        "tied": len(tally) > 1 and tally[1].votes == first.votes,
        "shortest_path": path.key,
        "abstained": abstained,
    }
    lines = [
        first.text,
        "",
        f"{first.votes} of {valid} attempts reach it.",
        *_lines("Others:", tally[1:]),
        *_abstentions(abstained),
        "",
        "The shortest way to it:",
        path.text,
    ]
    answer = reply("\n".join(lines), key="answer", data=data, score=first.votes / valid, model=path.model)
    return {"answer": [answer], "dissent": _of(replies, tally[1:])}


def _abstained(replies: Replies, finals: Replies) -> list[str]:
    """Who has no valid answer, and why."""
    valid = {f.key for f in finals if f.ok}
    causes = {f.key: f.cause for f in finals if not f.ok} | {r.key: r.cause or r.status for r in replies if not r.ok}
    return [f"{r.key}: {causes.get(r.key, 'no answer')}" for r in replies if r.key not in valid]


def _table(tally: list[Group]) -> list[dict[str, object]]:
    return [{"answer": g.text, "votes": g.votes, "voters": list(g.voters)} for g in tally]


def _lines(title: str, tally: list[Group]) -> list[str]:
    return [title, *(f"- {g.text} ({g.votes}: {', '.join(g.voters)})" for g in tally)] if tally else []


def _abstentions(abstained: list[str]) -> list[str]:
    return ["No valid answer:", *(f"- {a}" for a in abstained)] if abstained else []


def _uncompared(same: Replies) -> list[str]:
    """Answers that nobody could compare count as different: that can only cost a majority, never make one."""
    lost = [v for v in same if not v.ok]
    return [f"{len(lost)} pairs of answers could not be compared: {lost[0].cause}"] if lost else []


def _of(replies: Replies, chosen: list[Group]) -> list[Reply]:
    voters = {v for g in chosen for v in g.voters}
    return [r for r in replies if r.key in voters]
