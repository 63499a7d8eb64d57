"""A swarm of agents of whom one holds control: where it starts, what a turn does, and when control may pass on.

An event is a reply with the fields by, type (reply, tool, handoff, refused, nothing or limit), to, reason, ok, error
and reply; its text is what every later agent is shown of it.
"""

from collections.abc import Sequence
from typing import Any

from tasks.algorithms.agents import listed
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from tasks.tool_calls import name_of

ACTIVE = "active_agent"
"""The kind of memory that says who holds control of a conversation."""
MOST = 4
"""Handoffs in one message of the user."""
LOST = "lost"
"""The error of a writing tool whose outcome nobody knows."""
HUMAN = "a person"
NOBODY = "This could not be answered: the conversation was closed without a reply."


@pure
def swarm(agents: Replies, tools: Replies, models: Replies) -> Replies:
    """The agents by name, text their instructions; fields name, tools, handoffs and model: one of the models, in turn.

    Fails the run, before anything is paid, where names are not unique, or one names a tool or agent that is not there.
    """
    rows = [a.data() for a in agents]
    names = [r["name"].strip() for r in rows]
    known = {name_of(t) for t in ok_of(tools)}
    for name, row in zip(names, rows, strict=True):
        if not name or names.count(name) > 1:
            raise Refuse(f"the agent's name '{name}' is empty or there twice: give each one of its own")
        if strange := [t for t in row.get("tools", []) if t not in known]:
            raise Refuse(f"agent '{name}': its tool '{strange[0]}' cannot be used here: name it with --tools")
        if strange := [h for h in row.get("handoffs", []) if h not in names or h == name]:
            raise Refuse(f"agent '{name}' cannot hand over to '{strange[0]}': it is no other agent")
    given = [m.text for m in models if m.text] or [""]
    return [
        reply(r["instructions"], key=n, data=_agent(n, r, given[i % len(given)]))
        for i, (n, r) in enumerate(zip(names, rows, strict=True))
    ]


def _agent(name: str, row: dict[str, Any], model: str) -> dict[str, Any]:
    return {"name": name, "tools": row.get("tools", []), "handoffs": row.get("handoffs", []), "model": model}


def _remembered(agents: Replies, recalled: Replies) -> Reply | None:
    names = [str((r.data().get("fields") or {}).get("agent")) for r in ok_of(recalled)[:1]]
    return next((a for a in agents if a.key in names), None)


@pure
def needs_no_triage(agents: Replies, recalled: Replies) -> bool:
    """Whether it is clear who starts: who had control last, or the only agent."""
    return len(agents) == 1 or _remembered(agents, recalled) is not None


@pure
def first_active(agents: Replies, recalled: Replies, picked: Replies) -> Reply:
    """Who starts: who had control last, else whom triage picked, else the first; `started_by` and `lost` say so."""
    before = _remembered(agents, recalled)
    said = next((p.data()["agent"].strip().casefold() for p in ok_of(picked)), None)
    chosen = next((a for a in agents if a.key.casefold() == said), None)
    by = "memory" if before else "triage" if chosen else "the only one" if len(agents) == 1 else "the first"
    one = before or chosen or agents[0]
    return one.but(data={**one.data(), "started_by": by, "lost": first_cause(picked)})


@pure
def own_tools(active: Replies, tools: Replies) -> Replies:
    """The tools of the agent that holds control."""
    return [t for t in ok_of(tools) if name_of(t) in active[0].data()["tools"]]


@pure
def colleagues(active: Replies, agents: Replies) -> Replies:
    """The agents to whom it may hand over, with what they are for."""
    return listed([a for a in agents if a.key in active[0].data()["handoffs"]])


@pure
def no_tool(turn: Replies) -> bool:
    """Whether a turn calls no tool."""
    return not ok_of(turn) or turn[-1].data()["type"] != "tool"


@pure
def effect(active: Replies, agents: Replies, events: Replies, made: Replies, call: Replies, seen: Replies) -> Slots:
    """What a turn comes to: the `event`, and who is `active` after it."""
    who = active[0].key
    said = made[-1].data() if ok_of(made) else {}
    event = _event(who, "nothing", f"{who} could not be heard.", ok=False, error=first_cause(made) or "no turn")
    if said.get("type") == "reply":
        text = said["reply"].strip()
        event = _event(who, "reply", f"{who}: {text}", reply=text)
        if not text:
            event = _event(who, "refused", f"{who} gave an empty reply: it was not sent.", ok=False)
    elif said.get("type") == "tool":
        shown = seen[-1].text if seen else "ERROR: nothing came back"
        read, result = call[-1].text if call else "a tool", seen[-1].data() if seen else {}
        ok, error = bool(result.get("ok")), str(result.get("error", ""))
        event = _event(who, "tool", f"{who} called {read}\nIt gave: {shown}", ok=ok, error=error)
    elif said.get("type") == "handoff":
        event = _handed_over(active[0], said["to"].strip(), said["reason"].strip(), events)
    to = event.data()["to"] if event.data()["type"] == "handoff" else ""
    return {"event": [event], "active": [a for a in agents if a.key == to] or active}


def _event(by: str, kind: str, text: str, **more: Any) -> Reply:
    data = {"by": by, "type": kind, "to": "", "reason": "", "ok": True, "error": "", "reply": ""}
    return reply(text, key=by, data=data | more)


def _handed_over(active: Reply, to: str, reason: str, events: Replies) -> Reply:
    """Control passes to an agent that is allowed, that is not who has just given it without anything new, and not more
    than MOST times.
    """
    who, chain = active.key, [e.data() for e in events]
    passed = [n for n, e in enumerate(chain) if e["type"] == "handoff"]
    wrong = ""
    if to not in active.data()["handoffs"]:
        wrong = f"{who} may not hand over to {to or 'nobody'}."
    elif (
        passed
        and chain[passed[-1]]["by"] == to
        and not any(e["type"] == "tool" and e["ok"] for e in chain[passed[-1] :])
    ):
        wrong = f"{to} has just handed over, and no tool has given anything new since."
    if wrong:
        return _event(who, "refused", f"REFUSED: {wrong} {who} is in charge.", to=to, reason=reason, ok=False)
    kind = "limit" if len(passed) >= MOST else "handoff"
    text = f"{who} handed over to {to}: {reason}"
    return _event(who, kind, text, to=to, reason=reason)


@pure
def turns_over(events: Replies) -> bool:
    """Whether the user has a reply, or a person must take over."""
    last = events[-1].data() if events else {}
    return last.get("type") in ("reply", "limit") or last.get("error") == LOST


@pure
def replied(events: Replies) -> bool:
    """Whether an agent replied to the user."""
    return bool(events) and events[-1].data()["type"] == "reply"


@pure
def to_remember(active: Replies, recalled: Replies, session: Replies) -> Replies:
    """Who holds control of the conversation, to be remembered; nothing without one, or where that is known."""
    before = [str((r.data().get("fields") or {}).get("agent")) for r in ok_of(recalled)]
    if before == [active[-1].key] or not any(s.text.strip() for s in session):
        return []
    return [reply(f"{active[-1].key} is in charge of this conversation.", key=ACTIVE, data={"agent": active[-1].key})]


@pure
def swarm_answer(events: Replies, active: Replies, first: Replies, takeover: Replies) -> Reply:
    """The reply to the user, by the agent in charge or by a person, with who is active and how control passed."""
    chain = [e.data() for e in events]
    by_person = next((t.text.strip() for t in ok_of(takeover) if t.key == "reply"), "")
    text = chain[-1]["reply"] if replied(events) else by_person
    passed = [{k: e[k] for k in ("by", "to", "reason")} for e in chain if e["type"] == "handoff"]
    lost = [*causes(first), *([first[0].data()["lost"]] if first[0].data()["lost"] else []), *_lost(chain)]
    data = {
        "active": active[-1].key,
        "started_with": first[0].key,
        "started_by": first[0].data()["started_by"],
        "handoffs": passed,
        "refused": sum(e["type"] == "refused" for e in chain),
        "replied_by": active[-1].key if replied(events) else HUMAN if by_person else "",
        "taken_over": "" if replied(events) else _why(chain),
        "turns": len(chain),
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if not text else "degraded" if lost else "answered"
    model = active[-1].data()["model"] if replied(events) else ""
    return reply(text or NOBODY, key="answer", data=data, model=model, outcome=outcome)


def _why(chain: Sequence[dict[str, Any]]) -> str:
    last = chain[-1] if chain else {}
    if last.get("type") == "limit":
        return f"more than {MOST} handoffs"
    return "the outcome of a tool is not known" if last.get("error") == LOST else f"no reply in {len(chain)} turns"


def _lost(chain: Sequence[dict[str, Any]]) -> list[str]:
    return [e["error"] for e in chain if e["type"] == "nothing"]
