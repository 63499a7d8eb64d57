"""Answers that agents hold and revise over rounds: what stands, whether all agree, and who wins the vote."""

from tasks.answers import Group, groups, normalised
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply


@pure
def standing(before: Replies, revised: Replies, turn: int) -> Replies:
    """Each agent's answer after a round: the revised one, or the last where the revision failed or says nothing.

    `changes` counts how often the agent's normalised answer became another one, `lost` what failed on the way.
    """
    now = {r.key: r for r in revised}
    return [_stands(b, now[b.key], turn) if b.key in now else b for b in before]


def _stands(before: Reply, now: Reply, turn: int) -> Reply:
    old = before.data()
    lost = old.get("lost", [])
    if not _form(now):
        why = now.cause or "no final answer"
        return before.but(data={**old, "lost": [*lost, f"round {turn}: {why}"]}) if before.ok else before
    moved = bool(_form(before)) and _form(before) != _form(now)
    why_before = [] if before.ok else [f"at the start: {before.cause}"]
    data = {**now.data(), "changes": old.get("changes", 0) + moved, "lost": [*lost, *why_before]}
    return now.but(data=data)


@pure
def unanimous(answers: Replies, of: int) -> bool:
    """Whether `of` agents answer, and all the same."""
    forms = [_form(a) for a in answers]
    return len(forms) == of and all(forms) and len(set(forms)) == 1


@pure
def most_held(answers: Replies, ended: Replies) -> Slots:
    """The answer that most agents hold; where all differ that of the one who changed least, then the first.

    agreement = its holders / all agents, those without an answer included. Fails the run where nobody answers.
    """
    finals = [reply(str(a.data()["final_answer"]), key=a.key, data={"same_as": _form(a)}) for a in answers if _form(a)]
    tally = groups(finals)
    if not tally:
        raise Refuse(f"no agent gave a final answer: {'; '.join(causes(answers)) or 'all are empty'}")
    by_key = {a.key: a for a in answers}
    won = tally[0] if tally[0].votes > 1 else min(tally, key=lambda g: by_key[g.voters[0]].data().get("changes", 0))
    others = [g for g in tally if g is not won]
    rounds = ended[0].data()["turns"]
    lost = [*causes(answers), *(f"{a.key}: {why}" for a in ok_of(answers) for why in a.data().get("lost", []))]
    holder = by_key[won.voters[0]]
    data = {
        "final_answer": won.text,
        "agreement": won.votes / len(answers),
        "tally": [{"answer": g.text, "votes": g.votes, "voters": list(g.voters)} for g in [won, *others]],
        "rounds_used": rounds,
        "changes": {a.key: a.data().get("changes", 0) for a in ok_of(answers)},
        "lost": lost,
    }
    answer = reply(
        _text(won, others, len(answers), rounds, str(holder.data().get("reasoning", "")), lost),
        key="answer",
        data=data,
        score=won.votes / len(answers),
        model=holder.model,
        outcome="degraded" if lost else "answered",
    )
    losers = {v for g in others for v in g.voters}
    return {"answer": [answer], "dissent": [a for a in answers if a.key in losers]}


def _text(won: Group, others: list[Group], agents: int, rounds: int, reasoning: str, lost: list[str]) -> str:
    head = f"{won.votes} of {agents} agents hold this answer after {rounds} rounds of revision."
    if won.votes == 1 and others:
        head = f"All agents differ after {rounds} rounds of revision; this one changed its answer least."
    dissent = ["", "Others:", *(f"- {g.text} ({g.votes})" for g in others)] if others else []
    failures = ["", "What failed:", *(f"- {why}" for why in lost)] if lost else []
    return "\n".join([won.text, "", reasoning, "", head, *dissent, *failures])


def _form(answer: Reply) -> str:
    """The form in which an answer is compared; empty where there is none."""
    return normalised(str(answer.data().get("final_answer", ""))) if answer.ok else ""
