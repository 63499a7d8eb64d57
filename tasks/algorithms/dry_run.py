"""A plan of tool calls, rehearsed in imagined worlds before it is done: its risk, what was done of it, what was undone.

ToolEmu (Ruan et al. 2023): a model plays the tools, once as they usually are and once as they hurt most.
"""

from typing import Any

from tasks.algorithms.sections import section
from tasks.algorithms.tool_plans import UNKNOWN_OUTCOME, must_look
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, canonical, causes, ok_of, reply
from tasks.tool_calls import checked, name_of

TYPICAL = "typical"
GO, RUN, REVISE, ASK, EDIT, CANCEL = "go", "run", "revise", "ask", "edit", "cancel"
"""What comes of a rehearsal: done unasked, done by a person's word, planned anew, and what a person may say beside."""
UNDO = "undo"
HARMLESS, WORST = 1, 3
"""Up to the one a plan is done unasked; the other is asked of a person, and counts where nobody could judge."""
REVISABLE = 2
DONE, FAILED, CONTRADICTED, UNKNOWN = "done", "failed", "contradicted", "unknown"


@pure
def planned_calls(plan: Replies, tools: Replies, before: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """The calls of a plan in order, each checked; those of `before` where there is no plan.

    Fields are those of `read_call` with entry (what is known of the tool) and reversible (what the plan claims).
    """
    if not ok_of(plan):
        return before
    entries = {name_of(t): t.text for t in ok_of(tools)}
    made = []
    for number, said in enumerate(plan[-1].data()["steps"], 1):
        call = checked(said["tool"].strip(), said["args"], tools)
        data = {**call.data(), "number": number, "entry": entries.get(said["tool"].strip(), "an unknown tool")}
        data |= {"args": said["args"], "reversible": said["reversible"]}
        text = f"{number}. {said['tool']}({canonical(said['args'])})"
        made.append(reply(text, key=f"step {number}", data=data))
    return made


@pure
def in_worlds(worlds: dict[str, str]) -> Replies:
    """The worlds in which a plan is rehearsed: key is its name, text how its tools behave."""
    return [reply(text, key=name) for name, text in worlds.items()]


@pure
def not_to_rehearse(steps: Replies) -> bool:
    """Whether there is nothing to rehearse: no step, or one that cannot be called as it stands."""
    return not steps or any(not s.data()["valid"] for s in steps)


@pure
def emulated(step: Replies, said: Replies) -> Reply:
    """A step as a world played it: output and effects. An ok reply, whatever failed."""
    one = said[-1]
    data = {"step": step[0].key, "output": "", "effects": "", "played": one.ok, "cause": one.cause}
    if one.ok:
        data |= {k: one.data()[k] for k in ("output", "effects")}
    text = f"{step[0].text}\nOutput: {data['output']}\nEffects: {data['effects']}"
    return reply(text if one.ok else f"{step[0].text}\n(could not be played)", key=step[0].key, data=data)


@pure
def world_broke(trace: Replies) -> bool:
    """Whether a step could not be played, so that what follows would rest on nothing."""
    return bool(trace) and not trace[-1].data()["played"]


@pure
def world_trace(world: Replies, steps: Replies, trace: Replies) -> Reply:
    """What happened in a world, as one reply under its name; the text does not say which world it is."""
    whole = len(trace) == len(steps) and not world_broke(trace)
    played = {t.key: f"{t.data()['output']}\n{t.data()['effects']}".strip() for t in trace if t.data()["played"]}
    data = {"whole": whole, "played": played, "lost": [t.data()["cause"] for t in trace if not t.data()["played"]]}
    return reply("\n\n".join(t.text for t in trace), key=world[0].key, data=data)


@pure
def risk(steps: Replies, traces: Replies, judged: Replies, rounds: Replies, worlds: int, revisions: int) -> Reply:
    """The worst severity over the worlds, the harms, and what is to be done: go, revise or ask.

    A call that does not fit is to be revised. What could not be played or judged counts as the worst. Once so many
    plans were revised, a person is asked.
    """
    wrong = [
        {"step": s.data()["number"], "harm": s.data()["message"], "severity": REVISABLE}
        for s in steps
        if not s.data()["valid"]
    ]
    harms = wrong + [h for j in ok_of(judged) for h in j.data()["harms"]]
    severity = max((h["severity"] for h in harms), default=0)
    unjudged = not not_to_rehearse(steps) and (
        len(ok_of(judged)) < worlds or not all(t.data()["whole"] for t in traces)
    )
    severity = WORST if unjudged else severity
    decision = GO if severity <= HARMLESS else ASK
    if severity == REVISABLE and sum(r.data()["decision"] == REVISE for r in rounds) < revisions:
        decision = REVISE
    lines = [f"severity {h['severity']}, step {h['step']}: {h['harm']}" for h in harms if h["severity"]]
    lines += ["It could not be rehearsed or judged in full, which counts as the worst."] if unjudged else []
    lost = causes(judged) + [why for t in traces for why in t.data()["lost"]]
    data = {"severity": severity, "harms": harms, "decision": decision, "unjudged": unjudged, "lost": lost}
    return reply("\n".join(lines) or "no harm was found", key="risk", data=data)


@pure
def decided_otherwise(risk: Replies) -> bool:
    """Whether nobody need be asked."""
    return bool(risk[0].data()["decision"] != ASK)


@pure
def effects(steps: Replies, traces: Replies) -> Reply:
    """What would change, step by step and world beside world, for a person."""
    lines = []
    for step in steps:
        undo = step.data()["undo"]
        back = (
            f"{undo} takes it back" if undo else "nothing takes it back" if step.data()["writes"] else "it only reads"
        )
        wrong = step.data()["writes"] and not undo and step.data()["reversible"] == "yes"
        lines += [f"{step.text} [{back}{', though the plan says that it can be' if wrong else ''}]"]
        lines += [f"  {t.key}: {t.data()['played'].get(step.key, '(not played)')}" for t in traces]
    return reply("\n".join(lines) or "(no step)", key="effects")


@pure
def needs_no_revision(risk: Replies, person: Replies) -> bool:
    """Whether the plan stays as it is."""
    return _decision(risk, person) not in (REVISE, EDIT)


def _decision(risk: Replies, person: Replies) -> str:
    return person[-1].key if person else str(risk[0].data()["decision"])


@pure
def rehearsal(risk: Replies, person: Replies, traces: Replies) -> Reply:
    """One round: its risk, what was decided, and what the typical world foresees for each step."""
    typical: dict[str, str] = next((t.data()["played"] for t in traces if t.key == TYPICAL), {})
    data = {**risk[0].data(), "decision": _decision(risk, person), "person": bool(person), "foreseen": typical}
    data["worlds"] = {t.key: t.text for t in traces}
    return reply(f"severity {data['severity']}: {data['decision']}", key="rehearsal", data=data)


@pure
def rehearsed(rounds: Replies) -> bool:
    """Whether it is decided if the plan is done."""
    return bool(rounds) and rounds[-1].data()["decision"] in (GO, RUN, CANCEL)


@pure
def released(steps: Replies, rounds: Replies) -> Replies:
    """The steps that are to be done, with what is foreseen for each; none unless the plan was let go."""
    last = rounds[-1].data()
    if last["decision"] not in (GO, RUN):
        return []
    return [s.but(data={**s.data(), "foreseen": last["foreseen"].get(s.key, "")}) for s in steps]


@pure
def not_to_compare(step: Replies, seen: Replies) -> bool:
    """Whether there is nothing to hold against what was foreseen: the step failed, or nothing was foreseen."""
    return not seen[0].data()["ok"] or not step[0].data()["foreseen"]


@pure
def carried_out(step: Replies, seen: Replies, compared: Replies) -> Reply:
    """What became of a step. What could not be held against what was foreseen counts as contradicting it."""
    given, got = step[0].data(), seen[0].data()
    said = next((c.data() for c in ok_of(compared)), None)
    state, why = DONE, ""
    if not got["ok"]:
        state, why = FAILED, seen[0].text
        if given["writes"] and got["error"] in UNKNOWN_OUTCOME:
            state = UNKNOWN
    elif said is None or said["contradicts"]:
        state, why = CONTRADICTED, said["why"] if said else "it could not be compared with what was foreseen"
    data = {k: given[k] for k in ("number", "tool", "args", "writes", "undo", "foreseen")}
    data |= {"state": state, "why": why, "real": seen[0].text, "held": float(state == DONE), "call": step[0].text}
    return reply(f"{step[0].text}: {state}" + (f" ({why})" if why else ""), key=step[0].key, data=data)


@pure
def as_foreseen(outcome: Replies) -> bool:
    """Whether a step was done as foreseen, so that nobody need be asked."""
    return bool(outcome[0].data()["state"] == DONE)


@pure
def to_be_undone(said: Replies) -> bool:
    """Whether a person wants what was done taken back."""
    return bool(said) and said[-1].key == UNDO


@pure
def undo_calls(done: Replies, said: Replies) -> Replies:
    """The calls that take back what was done, the last first: of what changed something and has a tool for it.

    A step of which nobody knows whether it was done is left to a person.
    """
    if not to_be_undone(said):
        return []
    able = [d for d in done if d.data()["undo"] and d.data()["state"] in (DONE, CONTRADICTED)]
    return [
        reply(
            f"{d.data()['undo']}({canonical(d.data()['args'])})",
            key=d.key,
            data={"tool": d.data()["undo"], "args": d.data()["args"]},
        )
        for d in reversed(able)
    ]


@pure
def undone(step: Replies, result: Replies) -> Reply:
    """What became of taking a step back."""
    one = result[-1]
    data = {"step": step[0].key, "ok": one.ok, "cause": one.cause, "call": step[0].text}
    return reply(f"{step[0].text}: {'taken back' if one.ok else one.cause}", key=step[0].key, data=data)


@pure
def dry_run_report(steps: Replies, rounds: Replies, done: Replies, said: Replies, back: Replies) -> Reply:
    """What was done and what was not, plainly. `quality` is the share of steps that came as foreseen."""
    rows, decision = [d.data() for d in done], str(rounds[-1].data()["decision"])
    gone = {b.key for b in back if b.data()["ok"]}
    standing = [d for d in done if d.data()["state"] in (DONE, CONTRADICTED) and d.key not in gone]
    unknown = [d.data()["why"] for d in done if d.data()["state"] == UNKNOWN]
    tried = {d.key for d in done}
    left = [*(d.text for d in done if d.data()["state"] == FAILED), *(s.text for s in steps if s.key not in tried)]
    data = {
        "decision": decision,
        "severity": rounds[-1].data()["severity"],
        "rounds": [r.data() for r in rounds],
        "steps": rows,
        "undone": [b.data() for b in back],
        "not_done": left,
        "decisions": [one.key for one in said],
        "lost": [why for r in rounds for why in r.data()["lost"]],
        "quality": sum(r["held"] for r in rows) / len(steps) if steps else 1.0,
    }
    outcome: Outcome = "answered"
    if unknown or left or back or any(r["state"] == CONTRADICTED for r in rows):
        outcome = "incomplete"
    elif data["lost"]:
        outcome = "degraded"
    lines = [*must_look(unknown), _head(decision, steps, standing)]
    lines += section("Done", (_done(d.data()) for d in standing))
    lines += section("Taken back", (b.data()["call"] for b in back if b.data()["ok"]))
    lines += section("Could not be taken back", (b.text for b in back if not b.data()["ok"]))
    lines += section("Not done", left)
    lines += section("What was foreseen as harm", _harms(rounds[-1]))
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


def _head(decision: str, steps: Replies, standing: Replies) -> str:
    if not steps:
        return "Nothing had to be done."
    if decision not in (GO, RUN):
        return "Nothing was done: " + ("a person cancelled it." if decision == CANCEL else "no plan was let go.")
    return f"{len(standing)} of {len(steps)} steps were done."


def _done(row: dict[str, Any]) -> str:
    other = f" Other than foreseen: {row['why']}" if row["state"] == CONTRADICTED else ""
    return f"{row['call']}: {row['real']}{other}"


def _harms(last: Reply) -> list[str]:
    return [f"step {h['step']}, severity {h['severity']}: {h['harm']}" for h in last.data()["harms"] if h["severity"]]
