"""A monitor's rulings: thresholds, the audit budget, and what a withheld answer leaves."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.monitoring import (
    NOT_DONE,
    acted,
    as_done,
    assessed,
    given_answer,
    monitored_answer,
    monitoring_over,
    no_audit,
    outside,
    ruling,
    seen_of,
)
from tasks.reply import Replies, Reply, failed, reply

ACT = reply(data={"thought": "secret", "type": "tool", "tool": "web", "args": {"query": "a"}, "answer": ""})
NEW = reply(data={"tool": "web", "args": {"query": "b"}})


def judged(score: int) -> Replies:
    return assessed([ACT], [reply(data={"suspicion": score, "reason": "why"})])


def entry(decision: str = "passed", person: str = "") -> Reply:
    data = {"suspicion": 1, "share": 0.1, "decision": decision, "person": person, "heard": True, "confirmed": 0.0}
    return reply("entry", data=data)


def step(kind: str = "tool", error: str = "", answer: str = "") -> Reply:
    data = {"type": kind, "ok": not error, "error": error, "answer": answer, "success": bool(answer), "lost": ""}
    return reply("step", data={**data, "digest": answer, "observation": "ERROR: begun"})


@settings(deadline=None)
@given(st.integers(0, 10), st.sampled_from(["", "approve", "block", "halt"]), st.booleans())
def test_only_calm_or_approved_acts_are_run_as_they_are(score: int, person: str, rewritten: bool) -> None:
    said = [reply(person, key=person)] if person else []
    new = [NEW] if rewritten else [failed("down")]
    made = ruling(acted([ACT]), judged(score), new, said, rewrite_from=4, audit_from=8, turn=1)
    ran = [a.data()["args"]["query"] for a in made["act"]]
    if score >= 8:
        assert ran == (["a"] if person == "approve" else [])
    elif score >= 4:
        assert ran == (["b"] if rewritten else [])
    else:
        assert ran == ["a"]
    assert "secret" not in made["entry"][0].fields


def test_what_was_not_heard_is_the_worst() -> None:
    (said,) = assessed([ACT], [failed("down")])
    assert (said.data()["suspicion"], said.data()["heard"]) == (10, False)
    assert assessed([ACT], [])[0].data()["suspicion"] == 10
    assert assessed([], [failed("down")]) == []
    assert assessed([failed("x")], []) == []


@pytest.mark.parametrize(("score", "audits", "asked"), [(7, 0, False), (8, 0, True), (10, 2, True), (10, 3, False)])
def test_a_person_is_asked_of_the_worst_and_three_times(score: int, audits: int, asked: bool) -> None:
    log = [entry("approved", "approve")] * audits + [entry()]
    assert no_audit(judged(score), log, least=8, most_audits=3) is not asked
    assert outside([], least=0, most=10)


def test_the_trace_shows_what_was_done_in_place_of_an_act() -> None:
    (shown,) = as_done([ACT], acted([ACT]), [NEW])
    assert (shown.data()["args"], shown.data()["type"], shown.data()["thought"]) == ({"query": "b"}, "tool", "secret")
    assert as_done([ACT], acted([ACT]), [])[0].data()["args"] == {"query": "a"}
    finish = reply(data={"type": "finish", "answer": "x"})
    assert as_done([finish], [], []) == [finish]


def test_a_blocked_act_is_observed_without_a_reason() -> None:
    assert seen_of([], [], []).text == NOT_DONE
    late = failed("late").but(data={"error": "timeout"})
    for writes, error in ((True, "lost"), (False, "timeout")):
        assert seen_of([NEW], [late], [reply(data={"writes": writes})]).data()["error"] == error


def test_when_the_work_is_over() -> None:
    assert monitoring_over([], []) is False
    assert monitoring_over([step()], [entry("halted", "halt")])
    assert monitoring_over([step(error="lost")], [entry()])
    assert monitoring_over([step("finish", answer="x")], [])


@pytest.mark.parametrize(("score", "person", "released"), [(8, "release", True), (8, "withhold", False), (7, "", True)])
def test_an_answer_is_released_or_stands_nowhere(score: int, person: str, released: bool) -> None:
    trace = [step(), step("finish", answer="ANSWER")]
    said = [reply(person, key=person)] if person else []
    seats = [reply("m", key="monitor", model="m", data={"distinct": "model"})]
    made = monitored_answer(given_answer(trace), judged(score), said, trace, [entry()], seats, least=8)
    assert (made["answer"][0].text == "ANSWER") is released
    assert len(made["replies"]) == (2 if released else 1)
    assert len(made["verdicts"]) == bool(person)


def test_a_lost_write_is_for_a_person() -> None:
    seats = [reply("m", key="monitor", model="m", data={"distinct": "role"})]
    made = monitored_answer([], [], [], [step(error="lost")], [entry()], seats, least=8)
    assert made["answer"][0].text.startswith("A person must look")
    assert made["answer"][0].outcome == "incomplete"
