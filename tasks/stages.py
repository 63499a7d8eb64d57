"""Stages of a deliverable and the gates between them, as a person decides them."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, reply

LEAST, MOST = 3, 6
NO_GO = "the third rework did not lead to a go"


@pure
def stages_in_order(stages: Replies) -> Replies:
    """The stages as they are worked through, each as text for the person who decides.

    Fails the run, before anything is paid, where they are too few or many.
    """
    if not LEAST <= len(stages) <= MOST:
        raise Refuse(f"{len(stages)} stages: {LEAST} to {MOST} are needed, each with name, deliverable and criteria")
    return [s.but(text=_stage_text(s.key, s.get("deliverable"), s.get("criteria"))) for s in stages]


def _stage_text(name: str, deliverable: str, criteria: str | list[str]) -> str:
    listed = [criteria] if isinstance(criteria, str) else criteria
    return "\n".join([f"{name}: {deliverable}", *(f"- {c}" for c in listed)])


@pure
def findings(check: Replies) -> Reply:
    """A check against the criteria as lines that a person reads; one that failed says why."""
    if not check[0].ok:
        return reply(f"The deliverable could not be checked: {check[0].cause}", key="check")
    lines = [
        f"{'pass' if c['pass'] else 'FAIL'}: {c['criterion']} ({c['evidence']})" for c in check[0].data()["checks"]
    ]
    return reply("\n".join(lines) or "No criterion was checked.", key="check")


@pure
def decided(decisions: Replies) -> bool:
    """Whether the last decision on a stage ends its loop."""
    return bool(decisions) and decisions[-1].key in ("go", "kill")


@pure
def gate(stage: Replies, drafts: Replies, decisions: Replies) -> Slots:
    """What a stage came to: its deliverable where a person said go, and every decision for the log."""
    last, name = decisions[-1], stage[0].key
    went = last.key == "go"
    log = [_entry(name, number, d) for number, d in enumerate(decisions, 1)]
    if last.key == "rework":
        log.append(reply(NO_GO, key=f"{name} · bound", data={"stage": name, "decision": "kill", "notes": NO_GO}))
    approved = [drafts[-1].but(key=name)] if went else []
    return {"approved": approved, "log": log}


def _entry(stage: str, number: int, decision: Reply) -> Reply:
    said = decision.data()
    data = {
        "stage": stage,
        "turn": number,
        "decision": decision.key,
        "person": said.get("by", ""),
        "time": said.get("at", ""),
        "notes": said.get("text", ""),
    }
    return reply(f"{stage}: {decision.key}", key=f"{stage} · {number}", data=data)


@pure
def killed(log: Replies) -> bool:
    """Whether the last gate ended the work."""
    return bool(log) and log[-1].data()["decision"] == "kill"


@pure
def dossier(approved: Replies, log: Replies) -> Reply:
    """All approved deliverables and the decision log; after a kill the stage and the reason come first."""
    entries = [entry.data() for entry in log]
    dead = entries[-1] if killed(log) else None
    lines = []
    if dead:
        lines += [f"Killed at stage '{dead['stage']}': {dead['notes'] or 'no reason given'}", ""]
    for one in approved:
        lines += [f"## {one.key}", one.text, ""]
    lines += ["## Decisions", *(_line(e) for e in entries)]
    data = {
        "approved": [{"stage": a.key, "deliverable": a.text} for a in approved],
        "decisions": entries,
        "killed_at": dead["stage"] if dead else "",
        "reason": dead["notes"] if dead else "",
    }
    return reply("\n".join(lines), key="answer", data=data, outcome="incomplete" if dead else "answered")


def _line(entry: dict[str, str]) -> str:
    who = f" by {entry['person']}" if entry.get("person") else ""
    when = f" at {entry['time']}" if entry.get("time") else ""
    notes = f": {entry['notes']}" if entry["notes"] else ""
    return f"- {entry['stage']}: {entry['decision']}{who}{when}{notes}"
