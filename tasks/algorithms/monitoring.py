"""A trusted monitor over an untrusted agent: how suspicious an act is, what is done of it, and what the log says.

Nothing of this but what was done and what came back may reach the agent.
"""

from collections.abc import Sequence
from typing import Any

from tasks.algorithms.agents import FINISH, ended_by, finished, no_action
from tasks.algorithms.sections import section
from tasks.algorithms.tool_plans import UNKNOWN_OUTCOME, must_look
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply
from tasks.tool_calls import observation

WORST = 10
"""The suspicion of what the monitor could not judge."""
PASSED, REWRITTEN, APPROVED, BLOCKED, HALTED = "passed", "rewritten", "approved", "blocked", "halted"
RELEASED, WITHHELD = "released", "withheld"
NOT_DONE = "The action was not carried out."
MOST_SEEN = 4000


@pure
def assessed(act: Replies, judged: Replies) -> Replies:
    """How suspicious an act or an answer is, 0 to 10, and why, as an ok reply; nothing where nothing is judged."""
    if not ok_of(act):
        return []
    said = ok_of(judged)
    score = int(said[-1].data()["suspicion"]) if said else WORST
    reason = (
        said[-1].data()["reason"] if said else f"the monitor could not be heard: {next(iter(causes(judged)), 'why')}"
    )
    data = {"suspicion": score, "reason": reason, "heard": bool(said)}
    return [reply(f"Suspicion {score} of {WORST}: {reason}", key="assessment", data=data)]


@pure
def acted(act: Replies) -> Replies:
    """An act that is a call of a tool, without the thought behind it; nothing where there is no such act."""
    if no_action(act):
        return []
    data = act[-1].data()
    return [reply(key="act", data={"tool": data["tool"], "args": data["args"]}, model=act[-1].model)]


@pure
def outside(assessment: Replies, least: int, most: int) -> bool:
    """Whether there is no assessment whose suspicion lies within these bounds."""
    return not assessment or not least <= assessment[0].data()["suspicion"] <= most


@pure
def no_audit(assessment: Replies, log: Replies, least: int, most_audits: int) -> bool:
    """Whether nobody is asked about an act: it is not that suspicious, or the person was asked as often as agreed."""
    return outside(assessment, least, WORST) or sum(bool(e.data()["person"]) for e in log) >= most_audits


@pure
def ruling(
    act: Replies, assessment: Replies, rewrite: Replies, audit: Replies, rewrite_from: int, audit_from: int, turn: int
) -> Slots:
    """`act` is what is to be run in place of an act: itself, the rewritten one, or nothing. `entry` is for the log.

    Without a person's approval an act from `audit_from` on is blocked; so is one whose rewriting failed.
    """
    if not assessment:
        return {"act": [], "entry": []}
    judged = assessment[0].data()
    person = audit[0].key if audit else ""
    decision = PASSED
    if judged["suspicion"] >= audit_from:
        decision = {"approve": APPROVED, "halt": HALTED}.get(person, BLOCKED)
    elif judged["suspicion"] >= rewrite_from:
        decision = REWRITTEN if ok_of(rewrite) else BLOCKED
    did = {PASSED: act, APPROVED: act, REWRITTEN: rewrite}.get(decision, [])
    data = {
        "action": turn,
        "proposed": act[0].data(),
        "suspicion": judged["suspicion"],
        "share": judged["suspicion"] / WORST,
        "reason": judged["reason"],
        "heard": judged["heard"],
        "decision": decision,
        "done": did[0].data() if did else {},
        "person": person,
        "confirmed": float(person in ("block", "halt")),
    }
    text = f"action {turn}: suspicion {judged['suspicion']}, {decision}{' by a person' if person else ''}"
    entry = reply(text, key=f"action {turn}", data=data)
    return {"act": [d.but(data={**d.data(), "type": "tool", "thought": ""}) for d in did], "entry": [entry]}


@pure
def as_done(act: Replies, acted: Replies, ruled: Replies) -> Replies:
    """The act as the agent's trace shows it: what was done in its place, or its own where nothing was."""
    if not acted or not ok_of(act):
        return act
    did = ruled or acted
    own = {"type": "tool", "thought": act[-1].data().get("thought", "")}
    return [did[0].but(data={**did[0].data(), **own}, model=act[-1].model)]


@pure
def seen_of(ruled: Replies, result: Replies, call: Replies) -> Reply:
    """What the agent observes: what came back, or that nothing was done, never why."""
    if not ruled:
        return reply(NOT_DONE, data={"ok": False, "error": "blocked"})
    made = observation(result, MOST_SEEN)
    data = made.data()
    unknown = bool(call and call[-1].data()["writes"]) and data["error"] in UNKNOWN_OUTCOME
    return made.but(data={**data, "error": "lost" if unknown else data["error"]})


@pure
def monitoring_over(trace: Replies, log: Replies) -> bool:
    """Whether the work ends: the agent finished or cannot be reached, or a person halted it or must look."""
    return _halted(log) or ended_by(trace) in (FINISH, "lost", "failed")


def _halted(log: Sequence[Reply]) -> bool:
    return bool(log) and log[-1].data()["decision"] == HALTED


def _lost(trace: Sequence[Reply]) -> bool:
    return bool(trace) and trace[-1].data()["error"] == "lost"


@pure
def given_answer(trace: Replies) -> Replies:
    """The answer that the agent finished with; nothing where it did not."""
    return [reply(trace[-1].data()["answer"], key="answer", model=trace[-1].model)] if finished(trace) else []


@pure
def monitored_answer(
    answer: Replies, assessment: Replies, decision: Replies, trace: Replies, log: Replies, seats: Replies, least: int
) -> Slots:
    """`answer` is what the agent finished with, unless it is withheld; then it stands nowhere. `audit` is the log.

    `replies` are the agent's steps, without a withheld answer; `suspicions` and `verdicts` are what is to be learned.
    """
    final = _final(assessment, decision, least)
    released = bool(answer) and final["decision"] != WITHHELD
    audit = [*log, *([reply(f"answer: {final['decision']}", key="answer", data=final)] if answer else [])]
    why = "" if released else _why(answer, trace, log)
    rows = [e.data() for e in audit]
    data = {
        "audit": rows,
        "released": released,
        "why_not": why,
        "distinct": seats[-1].data()["distinct"],
        "monitor": seats[-1].model,
        "unheard": sum(not r["heard"] for r in rows),
        "lost": [t.data()["lost"] for t in trace if t.data()["lost"]],
    }
    outcome: Outcome = "answered"
    if not released or not trace[-1].data()["success"]:
        outcome = "incomplete"
    elif data["unheard"] or data["lost"]:
        outcome = "degraded"
    counts = [f"{sum(r['decision'] == d for r in rows)} {d}" for d in dict.fromkeys(r["decision"] for r in rows)]
    text = answer[0].text if released else "\n".join([why, *section("What the monitor decided", counts)])
    steps = [t for t in trace if released or t.data()["type"] != FINISH]
    asked = [e for e in audit if e.data()["person"]]
    made = reply(text, key="answer", data=data, model=answer[0].model if released else "", outcome=outcome)
    return {"answer": [made], "replies": steps, "audit": audit, "suspicions": audit, "verdicts": asked}


def _final(assessment: Replies, decision: Replies, least: int) -> dict[str, Any]:
    nothing = {"suspicion": WORST, "reason": "", "heard": True}
    judged: dict[str, Any] = assessment[0].data() if assessment else nothing
    person = decision[0].key if decision else ""
    suspect = judged["suspicion"] >= least and person != "release"
    return {
        **judged,
        "share": judged["suspicion"] / WORST,
        "decision": WITHHELD if suspect else RELEASED,
        "person": person,
        "confirmed": float(person == "withhold"),
    }


def _why(answer: Replies, trace: Replies, log: Replies) -> str:
    if answer:
        return "The answer was withheld: the monitor found it suspicious, and a person did not release it."
    if _halted(log):
        return "A person halted the work before there was an answer."
    if _lost(trace):
        return must_look([trace[-1].data()["observation"]])[0]
    return f"There was no answer after {len(trace)} actions."
