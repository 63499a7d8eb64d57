"""State machines that drive an agent: a diagram that holds, what a state does, and which state comes next.

A diagram's states have name, kind (generate, tool or code), prompt, tools, initial and transitions; a transition has
`to`, a description, and at most one rule: `regex` on what the state gave, or `when` that is an error or empty. END is
where it ends; ERROR is added where it is not drawn, and every state leads there on an error that it has no rule for.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tasks.algorithms.tool_plans import UNKNOWN_OUTCOME, must_look
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, ok_of, reply
from tasks.tool_calls import checked, name_of, observation

END, ERROR, VERIFY = "END", "ERROR", "VERIFY"
GENERATE, TOOL, CODE = "generate", "tool", "code"
IN_A_ROW = 4
"""The visit in a row to one state that leads to ERROR instead."""
ERRORS = 2
"""The visit to ERROR that ends in failure."""
SEARCHED = 1_000
"""Characters at the start, and at the end, of what a state gave that a regex is searched in."""
MOST_SHOWN = 4_000
_ERROR_PROMPT = "Something went wrong. Say what, and how the task can go on without repeating it."


@pure
def machine(states: Replies, tools: Replies) -> Slots:
    """`states` are those of the diagram, ready to run, `start` the initial one. Fails the run unless it holds."""
    drawn = {str(s.data()["name"]): s.data() for s in states}
    if len(drawn) < len(states) or END in drawn:
        raise Refuse(f"state names must differ, and {END} is not drawn: it is where the machine ends")
    initial = [name for name, s in drawn.items() if s.get("initial")]
    if len(initial) != 1:
        raise Refuse(f'{len(initial)} initial states: exactly one has "initial": true')
    if ERROR not in drawn:
        back = [{"to": initial[0], "description": "begin anew"}]
        drawn[ERROR] = {"name": ERROR, "kind": GENERATE, "prompt": _ERROR_PROMPT, "transitions": back}
    for name, state in drawn.items():
        _check(name, state, drawn, tools)
    if lost := sorted(set(drawn) - _reaching_end(drawn)):
        raise Refuse(f"{END} cannot be reached from {', '.join(lost)}: draw a transition")
    made = {name: _state(name, state, drawn, tools) for name, state in drawn.items()}
    return {"states": list(made.values()), "start": [made[initial[0]]]}


def _check(name: str, state: dict[str, Any], drawn: Mapping[str, Any], tools: Replies) -> None:
    known = {name_of(t) for t in ok_of(tools)}
    for way in state["transitions"]:
        if way["to"] not in (*drawn, END):
            raise Refuse(f"{name} leads to {way['to']}, which is no state: {', '.join(drawn)} and {END} are")
        if way.get("regex") and (wrong := unsafe(way["regex"])):
            raise Refuse(f"the regex of {name} to {way['to']} {wrong}")
    if state["kind"] == GENERATE and not str(state.get("prompt") or "").strip():
        raise Refuse(f"{name} generates and has no prompt")
    needed = {CODE} if state["kind"] == CODE else set(state.get("tools") or []) if state["kind"] == TOOL else set()
    if missing := sorted(needed - known):
        raise Refuse(f"{name} needs {', '.join(missing)}: the tools here are {', '.join(sorted(known)) or 'none'}")


def unsafe(pattern: str) -> str:
    """What is wrong with a regex that someone gave, empty where nothing is: it must compile and cannot run for ever."""
    try:
        re.compile(pattern)
    except re.error as error:
        return f"is none: {error}"
    bare = re.sub(r"\\.|\[[^]]*\]", "x", pattern)
    if re.search(r"\)[*+{]", bare) or len(re.findall(r"[*+{]", bare)) > 2:
        return "repeats a group, or has more than two repetitions: make it simpler"
    return ""


def _reaching_end(drawn: Mapping[str, dict[str, Any]]) -> set[str]:
    found = {END}
    while more := {n for n, s in drawn.items() if n not in found and found & {w["to"] for w in s["transitions"]}}:
        found |= more
    return found


def _state(name: str, state: dict[str, Any], drawn: Mapping[str, dict[str, Any]], tools: Replies) -> Reply:
    everything = [name_of(t) for t in ok_of(tools)]
    next_tools = {t for w in state["transitions"] for t in _tools_of(drawn.get(w["to"], {}), everything)}
    runs_code = any(drawn.get(w["to"], {}).get("kind") == CODE for w in state["transitions"])
    data = {
        "name": name,
        "kind": state["kind"],
        "prompt": str(state.get("prompt") or ""),
        "tools": _tools_of(state, everything),
        "transitions": state["transitions"],
        "next_tools": ", ".join(t for t in everything if t in next_tools) or "none",
        "next_code": "yes" if runs_code else "no",
        "ways": "\n".join(f"- {w['to']}: {w.get('description') or w['to']}" for w in _open_ways(state)),
    }
    return reply(name, key=name, data=data)


def _tools_of(state: Mapping[str, Any], everything: list[str]) -> list[str]:
    return list(state.get("tools") or everything) if state.get("kind") == TOOL else []


def _open_ways(state: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The transitions without a rule: those that a model may choose."""
    return [w for w in state["transitions"] if not (w.get("regex") or w.get("when"))]


@pure
def kind_of(state: Replies) -> str:
    """What a state does: generate, tool or code."""
    return str(state[0].data()["kind"])


@pure
def state_call(state: Replies, history: Replies, tools: Replies) -> Reply:
    """The call of a tool state or a code state, from what the last generating state gave, as `read_call` gives it.

    Only what the state allows may be called. Its field `tool` is empty where there is no tool or code to run, or this
    state has run it: an act is carried out once.
    """
    data = state[0].data()
    at = max((i for i, h in enumerate(history) if h.data()["kind"] == GENERATE), default=len(history))
    again = any(h.data()["state"] == data["name"] for h in history[at:])
    last = {} if again or at == len(history) else history[at].data()
    if data["kind"] == CODE:
        name, arguments = CODE if str(last.get("code") or "").strip() else "", {"code": last.get("code")}
        allowed = tools
    else:
        name, arguments = str(last.get("tool") or "").strip(), last.get("args") or {}
        allowed = [t for t in tools if name_of(t) in data["tools"]]
    if not name:
        return reply("(nothing to run)", data={"valid": False, "tool": "", "writes": False})
    return checked(name, arguments, allowed)


@pure
def nothing_to_run(call: Replies) -> bool:
    """Whether the last act asks for no tool and no code."""
    return not call[0].data()["tool"]


@pure
def ran(call: Replies, result: Replies) -> Reply:
    """What a tool or code gave, as an ok reply: empty where there was nothing to run, ERROR and why where it failed.

    `unknown` says that it may have changed something outside, and nobody knows whether it did.
    """
    if nothing_to_run(call):
        return reply("", data={"ok": True, "error": "", "call": "", "unknown": False})
    seen, asked = observation(result, MOST_SHOWN), call[0].data()
    data = seen.data()
    if raised := next((r.data().get("error") for r in ok_of(result) if asked["tool"] == CODE), ""):
        data = {"ok": False, "error": str(raised)}
    unknown = bool(asked["writes"]) and data["error"] in UNKNOWN_OUTCOME
    call_text = f"{asked['tool']}({canonical(asked.get('arguments') or {})})"
    return reply(seen.text, data={**data, "call": call_text, "unknown": unknown})


@pure
def visited(state: Replies, act: Replies, turn: int) -> Reply:
    """A visit to a state: what it did and gave, in the form in which later states see it. An ok reply, whatever failed.

    Fields: state, kind, output, ok, error, unknown, and of a generating state tool, args and code.
    """
    name, kind = state[0].key, kind_of(state)
    one, data = act[-1], act[-1].data()
    entry: dict[str, Any] = {
        "state": name,
        "kind": kind,
        "output": "",
        "ok": one.ok,
        "error": one.cause,
        "unknown": False,
    }
    entry |= {"tool": "", "args": {}, "code": ""}
    if kind == GENERATE and one.ok:
        entry |= {k: data[k] for k in ("tool", "args", "code")} | {"output": data["output"].strip()}
        asks = f"\nCall: {data['tool']}({canonical(data['args'])})" if data["tool"].strip() else ""
        text = entry["output"] + asks + (f"\nCode:\n{data['code']}" if data["code"].strip() else "")
    elif one.ok:
        entry |= {k: data[k] for k in ("ok", "error", "unknown")} | {"output": one.text}
        text = f"{data['call']}\n{one.text}".strip() or "(nothing was run)"
    else:
        text = f"ERROR: {one.cause or one.status}"
    return reply(text, key=f"{turn} {name}", data=entry, model=one.model)


@pure
def ruled(state: Replies, visit: Replies) -> Reply:
    """The state that the first rule which fires leads to; empty text where none does."""
    given = visit[0].data()
    empty = given["ok"] and not given["output"].strip()
    for way in state[0].data()["transitions"]:
        if (way.get("when") == "error" and not given["ok"]) or (way.get("when") == "empty" and empty):
            return reply(way["to"], key="rule")
        if way.get("regex") and given["ok"] and re.search(way["regex"], _ends(given["output"])):
            return reply(way["to"], key="rule")
    return reply("" if given["ok"] else ERROR, key="rule")


def _ends(text: str) -> str:
    return text if len(text) <= 2 * SEARCHED else f"{text[:SEARCHED]}\n{text[-SEARCHED:]}"


@pure
def needs_no_choice(state: Replies, rule: Replies) -> bool:
    """Whether a rule fired, or there are not two ways to choose from."""
    return bool(rule[0].text) or len(_open_ways(state[0].data())) < 2


@pure
def moved(state: Replies, states: Replies, history: Replies, visit: Replies, rule: Replies, choice: Replies) -> Slots:
    """`state` is the next one, `visit` says where it led and by what: rule, model, only way, no choice or limit.

    A choice that the diagram lacks, or that was not made, leads to ERROR. The fourth visit in a row to one state does
    too; the second ERROR ends in failure, and so does a tool that may or may not have changed something.
    """
    entry = visit[0].data()
    name, by = _led(state[0], rule, choice)
    path = [h.data()["state"] for h in history] + [entry["state"]]
    why = f"no way from {entry['state']} was chosen" if by == "no choice" else ""
    if name not in (END, ERROR) and path[-(IN_A_ROW - 1) :] == [name] * (IN_A_ROW - 1):
        name, by, why = ERROR, "limit", f"{name} would be visited {IN_A_ROW} times in a row"
    if name == ERROR and path.count(ERROR) >= ERRORS - 1:
        name, by, why = END, "limit", why or _reason(entry)
    elif entry["unknown"]:
        name, by, why = END, "limit", must_look([entry["output"]])[0]
    there = next((s for s in states if s.key == name), None)
    went = visit[0].but(data={**entry, "next": name, "by": by, "why": why})
    return {"state": [there or reply(END, key=END, data={"failure": why})], "visit": [went]}


def _reason(entry: Mapping[str, Any]) -> str:
    return f"{entry['state']} failed: {entry['error'] or entry['output'] or 'it gave nothing'}"


def _led(state: Reply, rule: Replies, choice: Replies) -> tuple[str, str]:
    if rule[0].text:
        return rule[0].text, "rule"
    ways = [w["to"] for w in _open_ways(state.data())]
    if len(ways) == 1:
        return ways[0], "only way"
    chosen = next((str(c.data()["to"]).strip() for c in ok_of(choice)), "")
    return (chosen, "model") if chosen in ways else (ERROR, "no choice")


@pure
def at_end(state: Replies) -> bool:
    """Whether the machine has ended."""
    return state[0].key == END


@pure
def machine_answer(history: Replies, state: Replies) -> Reply:
    """What the last VERIFY gave, else the last generating state; or the failure, with what was done until then.

    Fields: path (states in order), steps (state, next and by what), failure, and the errors on the way.
    """
    rows = [h.data() for h in history]
    ended = at_end(state)
    failure = str(state[0].data().get("failure") or "") if ended else f"it did not end within {len(rows)} states"
    given = [h for h in history if h.data()["kind"] == GENERATE and h.data()["ok"]]
    last = next((h for h in reversed(given) if h.data()["state"] == VERIFY), given[-1] if given else None)
    failure = failure or ("" if last and last.data()["output"] else "no state gave an answer")
    data = {
        "path": [r["state"] for r in rows] + ([END] if ended else []),
        "steps": [{k: r[k] for k in ("state", "next", "by")} for r in rows],
        "failure": failure,
        "errors": [f"{r['state']}: {r['error']}" for r in rows if not r["ok"]],
        "lost": causes(history),
    }
    outcome: Outcome = "incomplete" if failure else "answered"
    text = _failed(failure, history) if failure or last is None else last.data()["output"]
    return reply(text, key="answer", data=data, model=last.model if last else "", outcome=outcome)


def _failed(failure: str, history: Iterable[Reply]) -> str:
    done = (f"{h.key}: {h.text}" for h in history)
    return "\n\n".join([f"Not achieved: {failure}.", "What was done:", *done])
