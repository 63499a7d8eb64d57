"""A job carried out under approval: which steps need a yes, what was approved, what runs, and the log of it all."""

import re
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, canonical, causes, failed, ok_of, reply
from tasks.tool_calls import call_digest, cut

IRREVERSIBLE = ("pay", "delete", "publish", "send")
ASKED_KINDS = ("write", *IRREVERSIBLE)
NEVER_TRUSTED = ("pay", "delete", "publish")
WORKSPACE = ("calculator", "code", "documents", "grimoire", "resolver", "sql_schema", "web")
"""Tools that only read, or write in the run's own sandbox."""
IN_A_ROW = 5
MOST_RESULT = 4000
FREE, ASK, JUDGE = "free", "ask", "judge"


@pure
def planned(plan: Replies, log: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """The steps of the last plan that came, each id once and none that the log has; text is how a person sees them."""
    taken = {r.key for r in log}
    found: dict[str, Reply] = {}
    for step in (s for p in ok_of(plan)[-1:] for s in p.data()["steps"]):
        if step["id"] not in taken:
            found.setdefault(step["id"], _step(step))
    return list(found.values())


def _step(step: dict[str, Any]) -> Reply:
    return reply(
        f"{step['id']}. {step['what']} ({step['tool']}; {step['effect']}; cost: {step['cost']})",
        key=step["id"],
        data=step,
    )


@pure
def edited_plan(steps: Replies, edited: Replies) -> Replies:
    """The plan as it was edited; as it was where that failed."""
    return planned(edited) or steps


@pure
def plan_card(steps: Replies) -> Reply:
    """The plan as a person approves it, in order."""
    return reply("\n".join(s.text for s in steps) or "(no steps)", key="plan")


@pure
def plan_settled(said: Replies) -> bool:
    """Whether the plan is approved or the job stopped."""
    return bool(said) and said[-1].key in ("approve", "stop")


@pure
def approved_steps(steps: Replies, said: Replies) -> Replies:
    """The steps to carry out: none without approval."""
    return steps if said and said[-1].key == "approve" else []


@pure
def filled_step(step: Replies, log: Replies) -> Reply:
    """The step with the results of earlier ones in place of [[id]] in its arguments."""
    results = {r.key: r.data()["result"] for r in log if r.data()["status"] == "done"}
    data = step[0].data()
    return _step({**data, "args": _filled(data["args"], results)})


def _filled(value: Any, results: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {k: _filled(v, results) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, results) for v in value]
    return RESULT.sub(lambda m: results.get(m[1], m[0]), value) if isinstance(value, str) else value


def shape(call: Reply) -> str:
    """Tool and names of its arguments."""
    return canonical([call.data()["tool"], sorted(call.data()["arguments"])])


@pure
def risk_rule(step: Replies, call: Replies, trusted: Replies) -> Reply:
    """What the rules say of a step: free, ask, or judge where they do not know the tool. What cannot be run is free.

    They ask for what writes, sends, pays, deletes or publishes, by the step's kind, by the tool's own word or by its
    name. What a person trusts is not asked again, but for what pays, deletes or publishes.
    """
    data, tool = call[-1].data(), call[-1].data()["tool"].lower()
    kind = next((k for k in IRREVERSIBLE if k in tool or k == step[0].data()["action"]), step[0].data()["action"])
    if not data["valid"]:
        return _risk(FREE, kind, "it cannot be run")
    if shape(call[-1]) in {t.key for t in trusted} and kind not in NEVER_TRUSTED:
        return _risk(FREE, kind, "you said not to ask again", by="trust")
    if kind in ASKED_KINDS or data["writes"]:
        return _risk(ASK, kind, f"it would {kind}" if kind in ASKED_KINDS else "it changes something outside")
    return _risk(FREE, kind, "it only reads") if tool in WORKSPACE else _risk(JUDGE, kind, "the tool is not known")


def _risk(risk: str, kind: str, why: str, by: str = "rule") -> Reply:
    return reply(risk, key="risk", data={"risk": risk, "kind": kind, "why": why, "by": by})


@pure
def no_judge(rule: Replies) -> bool:
    """Whether the rules know."""
    return rule[-1].text != JUDGE


@pure
def risk(rule: Replies, judged: Replies) -> Reply:
    """free or ask: where the rules do not know, a step is free only if it was judged surely reversible."""
    if not no_judge(rule):
        sure = any(j.data()["reversible"] == "yes" for j in ok_of(judged))
        kind = rule[-1].data()["kind"]
        return _risk(FREE if sure else ASK, kind, "it can be undone" if sure else "it may not be undone", by="judge")
    return rule[-1]


@pure
def is_free(risk: Replies) -> bool:
    """Whether nobody is asked."""
    return risk[-1].text == FREE


@pure
def step_card(step: Replies, call: Replies, risk: Replies) -> Reply:
    """What a person decides on: what, why, the exact arguments, effect and cost; field `digest` is that of the call."""
    data, asked = step[0].data(), call[-1].data()
    lines = [
        f"Step {step[0].key}: {data['what']}",
        f"Why: {data['why']}",
        f"Tool: {asked['tool']}",
        f"Arguments: {canonical(asked['arguments'])}",
        f"Effect: {data['effect']}",
        f"Cost: {data['cost']}",
        f"You are asked because {risk[-1].data()['why']}.",
    ]
    if asked["undo"]:
        lines.append(f"{asked['undo']} takes it back.")
    return reply("\n".join(lines), key="card", data={"digest": asked["digest"]})


@pure
def decision(risk: Replies, said: Replies, card: Replies) -> Reply:
    """What was decided: run, change, skip or stop; by whom; and the digest of the call that was shown."""
    by = "you" if said else risk[-1].data()["by"]
    data = {"choice": said[-1].key if said else "run", "by": by, "digest": card[-1].data()["digest"]}
    return reply(data["choice"], key="decision", data={**data, "kind": risk[-1].data()["kind"], "asked": bool(said)})


@pure
def no_change(said: Replies) -> bool:
    """Whether the step is not to be changed."""
    return not said or said[-1].key != "change"


@pure
def changed_step(step: Replies, revised: Replies) -> Reply:
    """The step as it was changed, under its own id; as it was where that failed."""
    good = ok_of(revised)
    return _step({**good[-1].data(), "id": step[0].key, "needs": step[0].data()["needs"]}) if good else step[0]


@pure
def is_decided(decision: Replies) -> bool:
    """Whether the step needs no further look."""
    return bool(decision) and decision[-1].text != "change"


@pure
def approved_call(call: Replies, decision: Replies) -> Reply:
    """The call to run, if it is the very one that was shown; else a failed reply."""
    one, said = call[-1], decision[-1].data()
    if said["choice"] != "run":
        return failed(f"not run: {said['choice']}", key=one.key, status="skipped")
    if RESULT.search(canonical(one.data()["arguments"])):
        return failed("it needs the result of a step that was not done", key=one.key, status="rejected")
    if not one.data()["valid"]:
        return failed(one.data()["message"], key=one.key, status="rejected")
    if call_digest(one.data()["tool"], one.data()["arguments"]) != said["digest"]:
        return failed("the arguments are not those that were shown", key=one.key, status="rejected")
    return one


@pure
def not_lost(ran: Replies) -> bool:
    """Whether it is known what became of a call."""
    return not ran or ran[-1].data().get("error") != "lost"


@pure
def step_entry(step: Replies, call: Replies, ran: Replies, decision: Replies, told: Replies) -> Reply:
    """The log's entry of a step: status done, failed, skipped or stopped, approved by, result."""
    said = decision[-1].data()
    one = (ran or call)[-1]
    status = {"skip": "skipped", "change": "skipped", "stop": "stopped"}.get(said["choice"], "")
    result = cut(one.text or one.fields, MOST_RESULT) if one.ok and ran else one.cause
    if not status:
        status = "done" if one.ok and ran else "failed"
    if told:
        status, result = {"done": "done", "not_done": "failed"}.get(told[-1].key, "stopped"), "as you said"
    kept = {n: step[0].data()[n] for n in ("what", "tool", "args", "needs")}
    data = {**kept, **said, "status": status, "result": result}
    return reply(f"{step[0].key}. {kept['what']}: {status}. {result}", key=step[0].key, data=data)


@pure
def job_stopped(log: Replies) -> bool:
    """Whether the person stopped the job."""
    return bool(log) and log[-1].data()["status"] == "stopped"


def _dependents(key: str, queue: Replies) -> set[str]:
    """The steps that need one, by way of others too."""
    found = {key}
    for _ in queue:
        found |= {s.key for s in queue if found & set(s.data()["needs"])}
    return found - {key}


@pure
def need_no_plan(entry: Replies, queue: Replies, plans: Replies, most: int) -> bool:
    """Whether the rest of the plan stands: it was done, the job stopped, nobody needs it, or there were `most`."""
    status = entry[-1].data()["status"]
    return status in ("done", "stopped") or not _dependents(entry[-1].key, queue) or len(plans) >= most


@pure
def next_queue(queue: Replies, entry: Replies, replan: Replies, log: Replies) -> Replies:
    """The steps to come: those left; those of the new plan; without one, those that do not need what was not done."""
    if entry[-1].data()["status"] in ("done", "stopped"):
        return queue
    if ok_of(replan):
        return planned(replan, [*log, *entry])
    out = _dependents(entry[-1].key, queue)
    return [s for s in queue if s.key not in out]


@pure
def trust_offer(log: Replies, entry: Replies, offered: Replies) -> Replies:
    """The tool and arguments that were approved five times in a row, to be offered once; nothing where there is none.

    Never what pays, deletes or publishes.
    """
    asked = [r.data() for r in [*log, *entry] if r.data()["asked"]][-IN_A_ROW:]
    shapes = {canonical([r["tool"], sorted(r["args"])]) for r in asked}
    if len(asked) < IN_A_ROW or len(shapes) > 1 or any(r["choice"] != "run" for r in asked):
        return []
    one = shapes.pop()
    if one in {o.key for o in offered} or any(r["kind"] in NEVER_TRUSTED for r in asked):
        return []
    names = ", ".join(sorted(asked[-1]["args"])) or "none"
    return [reply(f"{asked[-1]['tool']} with the arguments {names}", key=one)]


@pure
def now_trusted(offer: Replies, said: Replies) -> Replies:
    """What the person no longer wants to be asked about."""
    return offer if said and said[-1].key == "stop_asking" else []


@pure
def job_log(steps: Replies, said: Replies, log: Replies, left: Replies, plans: Replies) -> Reply:
    """What was done: each step, who approved it, and its result; steps that were never reached are named."""
    rows = [{"step": r.key, **r.data()} for r in log]
    reached = {r.key for r in log}
    known = {s.key: s for s in [*steps, *planned(plans), *left]}
    undone = [s.data()["what"] for s in known.values() if s.key not in reached]
    statuses = [r["status"] for r in rows]
    data = {
        "log": rows,
        "approved": bool(said) and said[-1].key == "approve",
        "stopped": job_stopped(log) or (bool(said) and said[-1].key == "stop"),
        "not_done": undone,
        "replans": len(ok_of(plans)),
        "lost": causes(plans),
    }
    outcome: Outcome = "answered"
    if not data["approved"] or data["stopped"] or undone or "skipped" in statuses:
        outcome = "incomplete"
    elif "failed" in statuses or data["lost"]:
        outcome = "degraded"
    head = "The plan was not approved; nothing was done." if not data["approved"] else _head(data)
    lines = [head, *section("Steps", [f"{r.text} (approved by {r.data()['by']})" for r in log])]
    lines += section("Not done", undone)
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


def _head(data: dict[str, Any]) -> str:
    done = sum(r["status"] == "done" for r in data["log"])
    stop = " You stopped the job." if data["stopped"] else ""
    return f"{done} of {len(data['log'])} steps were done.{stop}"


RESULT = re.compile(r"\[\[\s*(s\d+)\s*\]\]")
