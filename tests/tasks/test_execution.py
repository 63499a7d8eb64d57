"""Carrying out a plan: what counts as done, what comes next, and what is said at the end."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.execution import (
    attempted,
    executed,
    is_supported,
    next_steps,
    plan_outcome,
    planned_steps,
    repeatable,
    route,
    step_result,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def plan(n: int) -> Reply:
    step = {"id": "s1", "action": "do", "expected_result": "done", "check": "look", "needs_tool": False}
    return reply(data={"steps": [step] * n})


def result(*, supported: bool, number: int = 1) -> Reply:
    data = {"step": f"step {number}", "action": "do", "result": "r", "supported": supported, "reason": "why"}
    return reply("r", key=f"step {number}", data=data)


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12))
def test_steps_are_numbered_on_and_bounded(steps: int, before: int) -> None:
    made = planned_steps([plan(steps)], [result(supported=True)] * before)
    assert [s.key for s in made] == [f"step {n}" for n in range(before + 1, before + 1 + min(steps, 8))]


def test_a_plan_that_failed_has_no_steps() -> None:
    assert planned_steps([failed("down")]) == []
    assert planned_steps([]) == []


@pytest.mark.parametrize(("needs_tool", "body"), [(True, "tool"), (False, "model")])
def test_who_does_a_step(needs_tool: bool, body: str) -> None:
    assert route([reply(data={"needs_tool": needs_tool})]) == body


def test_reasoning_stays_with_the_executor() -> None:
    made = executed([reply("raw", data={"reasoning": "secret", "result": " 54 "})])
    assert (made.text, made.fields) == ("54", "")
    assert not executed([failed("down")]).ok


@pytest.mark.parametrize(
    ("made", "verdict", "supported"),
    [
        ([reply("r")], [reply(data={"verdict": "supported", "reason": ""})], True),
        ([reply("r")], [reply(data={"verdict": "unknown", "reason": ""})], False),
        ([reply("r")], [failed("down")], False),
        ([reply("r")], [], False),
        ([failed("down")], [reply(data={"verdict": "supported", "reason": ""})], False),
    ],
)
def test_only_a_result_that_a_verifier_supports_counts(made: Replies, verdict: Replies, supported: bool) -> None:
    attempt = attempted([reply(key="step 1", data={"action": "do"})], made, verdict)
    assert is_supported([attempt]) is supported
    outcome = step_result([reply(key="step 1", data={"action": "do"})], [attempt])
    assert outcome.data()["result"] == ("r" if supported else "")


def test_tools_that_write_are_refused() -> None:
    reads, writes = reply(key="web", data={"writes": False}), reply(key="send", data={"writes": True})
    assert repeatable([reads, failed("gone", key="x")]) == [reads, failed("gone", key="x")]
    with pytest.raises(Refuse, match="send would be called again"):
        repeatable([reads, writes])


def test_what_comes_next() -> None:
    left = planned_steps([plan(2)])
    assert next_steps(left, [result(supported=True)], [], []) == left
    assert [s.key for s in next_steps(left, [result(supported=False)], [], [plan(1)])] == ["step 2"]
    assert next_steps(left, [result(supported=False)], [], []) == []


def test_a_judge_cannot_call_a_stopped_run_done() -> None:
    met = [reply(data={"goal_met": True, "missing": []})]
    for results, left in (([], []), ([result(supported=False)], []), ([result(supported=True)], [plan(1)])):
        steps = planned_steps(left)
        made = plan_outcome([reply("text")], results, met, [], steps)
        assert (made.outcome, made.data()["goal_met"]) == ("incomplete", False)
        assert made.text.startswith("The goal was not met.")
    done = plan_outcome([reply("text")], [result(supported=True)], met, [], [])
    assert (done.text, done.outcome) == ("text", "answered")
