"""What becomes of an answer once Cato has checked it: accepted, revised, shown to a person, or blocked."""

import json

from tasks.functions import pure
from tasks.reply import Replies, Reply, reply
from tasks.result import Verdict

LAST_TURN = 3
"""Two revisions at most; on the third turn nobody can ask for another."""


def verdict_of(replies: Replies) -> Verdict:
    """Cato's verdict from its reply."""
    return Verdict.model_validate(json.loads(replies[0].fields))


def confidence_of(answer: Reply, verdict: Verdict | None) -> float | None:
    """The minimum of the agreement share, Cato's epistemic score and the quality score, of those that exist."""
    data = answer.data()
    scores = [data.get("agreement"), data.get("quality"), verdict.score if verdict else None]
    known = [float(s) for s in scores if isinstance(s, int | float) and not isinstance(s, bool)]
    return min(known) if known else None


@pure
def needed(answer: Replies, verdict: Replies, asked: Replies, human_below: float, turn: int) -> Replies:
    """Whether a person must decide, whether the models revise first, and why (DESIGN.md, The frame; Outcomes)."""
    gate = verdict_of(verdict)
    confidence = confidence_of(answer[0], gate)
    reasons = []
    if asked and asked[0].text == "true":
        reasons.append("approval was asked for")
    if gate.verdict == "escalate":
        reasons.append(f"safety check: {'; '.join(gate.reasons) or gate.risk_level}")
    if confidence is not None and confidence < human_below:
        reasons.append(f"confidence {confidence:.2f} is below {human_below:.2f}")
    if gate.verdict == "revise" and turn == LAST_TURN:
        reasons.append(f"two revisions did not settle it: {'; '.join(gate.reasons)}")
    revise = gate.verdict == "revise" and turn < LAST_TURN
    ask = bool(reasons) and gate.verdict != "block" and not revise
    data = {"ask": ask, "revise": revise, "block": gate.verdict == "block", "reasons": reasons}
    return [reply("; ".join(reasons) or gate.verdict, key="need", data=data)]


@pure
def nobody_asked(need: Replies, turn: int, last: bool) -> bool:
    """Whether this turn's Ask is skipped: nobody needs to decide, or it is the other Ask's turn."""
    return not need[0].data()["ask"] or last != (turn == LAST_TURN)


@pure
def nobody_waits(need: Replies) -> bool:
    """Whether no person is asked in this turn."""
    return not need[0].data()["ask"]


@pure
def settle(answer: Replies, verdict: Replies, need: Replies, decision: Replies, last: Replies) -> Replies:
    """What this turn decided: accept, revise, edit, reject or block, with the guidance for a revision."""
    wanted, gate = need[0].data(), verdict_of(verdict)
    person = next(iter(decision or last), None)
    if wanted["block"]:
        return [reply("; ".join(gate.reasons), key="block", data={"reviewed": False})]
    if wanted["revise"]:
        return [reply("\n".join(gate.reasons), key="revise", data={"reviewed": False})]
    if person is None:
        return [reply(key="accept", data={"reviewed": False})]
    chosen = {"approve": "accept"}.get(person.key, person.key)
    data = {**person.data(), "reviewed": True, "original": answer[0].text if chosen == "edit" else ""}
    return [reply(person.data().get("text", ""), key=chosen, data=data)]


@pure
def not_revised(settled: Replies) -> bool:
    """Whether no revision was asked for."""
    return settled[0].key != "revise"


@pure
def next_answer(answer: Replies, settled: Replies, revised: Replies) -> Replies:
    """The answer after this turn: the person's own text, the revised one, or the same."""
    before = answer[0]
    if settled[0].key == "edit":
        return [before.but(text=settled[0].text, data={**before.data(), "edited": True})]
    fresh = [r for r in revised if r.ok]
    if settled[0].key == "revise" and fresh:
        kept = {k: v for k, v in before.data().items() if k not in ("disagreements",)}
        return [before.but(text=fresh[0].text, model=fresh[0].model, data={**kept, "revised": True})]
    return [before]


@pure
def is_settled(decision: Replies) -> bool:
    """Whether the loop of checks ends: everything but a revision settles it."""
    return bool(decision) and decision[-1].key != "revise"
