"""A plan carried out step by step: attempts until one is verified, one re-plan, and what the whole came to."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

MOST_STEPS = 8
SUPPORTED = "supported"


@pure
def repeatable(tools: Replies) -> Replies:
    """The tools, as a step that fails may use them again. Fails the run, before anything is paid, where one writes."""
    if writing := [t.key for t in ok_of(tools) if t.data()["writes"]]:
        raise Refuse(f"{', '.join(writing)} would be called again for a step that fails: name tools that do not write")
    return tools


@pure
def planned_steps(plan: Replies, results: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """The steps of a plan as items, numbered on from those that were executed; none of a plan that failed.

    Text is the step as it is worked on: action, expected result and check.
    """
    steps = [s for p in ok_of(plan) for s in p.data()["steps"]][:MOST_STEPS]
    return [_step(n, s) for n, s in enumerate(steps, len(results) + 1)]


def _step(number: int, given: dict[str, Any]) -> Reply:
    text = f"{given['action']}\nExpected result: {given['expected_result']}\nCheck: {given['check']}"
    return reply(text, key=f"step {number}", data=given)


@pure
def route(step: Replies) -> str:
    """Who does a step: `tool` or `model`."""
    return "tool" if step[0].data()["needs_tool"] else "model"


@pure
def executed(made: Replies) -> Reply:
    """The result alone of what an executor said: its reasoning stays with it."""
    one = made[-1]
    return one.but(text=str(one.data()["result"]).strip(), fields="") if one.ok else one


@pure
def attempted(step: Replies, result: Replies, verdict: Replies) -> Reply:
    """An attempt at a step: its result, and whether it was verified. What could not be verified is unknown."""
    one, said = result[-1], next((v.data() for v in ok_of(verdict)), None)
    unseen = f"it failed: {one.cause}" if not one.ok else f"it could not be verified: {_cause(verdict)}"
    data = {
        "verdict": said["verdict"] if said and one.ok else "unknown",
        "reason": said["reason"] if said and one.ok else unseen,
    }
    return reply(one.text or one.fields if one.ok else "", key=step[0].key, data=data, model=one.model)


def _cause(verdict: Replies) -> str:
    return next(iter(causes(verdict)), "there was no verdict")


@pure
def is_supported(attempts: Replies) -> bool:
    """Whether the last attempt was verified."""
    return bool(attempts) and attempts[-1].data()["verdict"] == SUPPORTED


@pure
def step_result(step: Replies, attempts: Replies) -> Reply:
    """What a step came to: its verified result, or why there is none."""
    last = attempts[-1]
    done = is_supported(attempts)
    data = {
        "step": step[0].key,
        "action": step[0].data()["action"],
        "result": last.text if done else "",
        "supported": done,
        "reason": last.data()["reason"],
        "attempts": len(attempts),
    }
    text = last.text if done else f"(not achieved: {data['reason']})"
    return reply(text, key=step[0].key, data=data, model=last.model)


@pure
def needs_no_plan(result: Replies, plans: Replies) -> bool:
    """Whether the plan stands: the step was done, or there was a re-plan before."""
    return bool(result[-1].data()["supported"]) or bool(plans)


@pure
def next_steps(queue: Replies, result: Replies, results: Replies, replan: Replies) -> Replies:
    """The steps to come: those left, those of the re-plan after a failure, none after a second one."""
    if result[-1].data()["supported"]:
        return queue
    return planned_steps(replan, [*results, *result])


@pure
def plan_outcome(written: Replies, results: Replies, judged: Replies, plans: Replies, left: Replies) -> Reply:
    """The answer, the goal that was not met stated first. `quality` is the share of executed steps that were verified.

    The goal counts as met if the judge says so, no step is left and the last one executed was verified. Without a
    judge nobody knows, and the answer is unchecked.
    """
    rows = [r.data() for r in results]
    said = next((j.data() for j in ok_of(judged)), None)
    stopped = bool(left) or not rows or not rows[-1]["supported"]
    met = said["goal_met"] and not stopped if said else False
    data = {
        "goal_met": met,
        "missing": said["missing"] if said else [],
        "steps": rows,
        "not_reached": [s.data()["action"] for s in left],
        "replanned": bool(plans),
        "quality": sum(r["supported"] for r in rows) / len(rows) if rows else 0.0,
        "lost": causes([*written, *judged, *plans]),
    }
    final = next((w.text.strip() for w in ok_of(written)), "") or _results(rows)
    outcome: Outcome = "answered"
    if stopped or (said and not met):
        outcome = "incomplete"
    elif not said:
        outcome = "unchecked"
    elif data["lost"]:
        outcome = "degraded"
    lines = [*_head(outcome, rows, data), final]
    return reply(
        "\n".join(lines), key="answer", data=data, model=next((w.model for w in ok_of(written)), ""), outcome=outcome
    )


def _head(outcome: Outcome, rows: list[dict[str, Any]], data: dict[str, Any]) -> list[str]:
    if outcome == "unchecked":
        return ["Whether the goal was met could not be judged.", ""]
    if outcome != "incomplete":
        return []
    failed = [f"{r['step']} was not achieved: {r['action']} ({r['reason']})" for r in rows if not r["supported"]]
    missing = [*data["missing"], *(failed[-1:] if rows and not rows[-1]["supported"] else [])]
    return ["The goal was not met.", *section("Missing", [*missing, *data["not_reached"]]), ""]


def _results(rows: list[dict[str, Any]]) -> str:
    return "\n".join(f"{r['step']}: {r['result'] or 'not achieved'}" for r in rows)
