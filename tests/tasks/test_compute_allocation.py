"""Allocation of calls as pure functions: difficulty, gains, allotments, and what a question comes to."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.compute_allocation import (
    PRIOR_GAIN,
    Standing,
    allotted,
    gain,
    graded,
    made_answers,
    nothing_to_allot,
    pairs_to_judge,
    questions,
    results,
    spent,
    with_questions,
)
from tasks.reply import Replies, Reply, failed, reply

TIERS = [reply("strong")]
TASKS = {"revise": "R", "sample": "S"}


def answer(
    number: int,
    question: str = "q1",
    final: str = "a",
    score: float | None = 0.5,
    verdict: str = "unknown",
    **data: Any,
) -> Reply:
    fields = {"question": question, "kind": "probe", "reserve": False, "final": final, "score": score, "faults": ""}
    text = f"Answer: {final}" if final else "none"
    return reply(text, key=f"a{number}", data={**fields, "verdict": verdict, "lost": "", **data})


def budget(calls: int) -> Replies:
    return [reply(str(calls))]


def asked(count: int) -> Replies:
    return [reply(f"question {n}", key=f"q{n}") for n in range(1, count + 1)]


ANSWERS = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from("abc"), st.one_of(st.none(), st.floats(0, 1))), max_size=20
)


@settings(deadline=None)
@given(ANSWERS, st.integers(0, 40), st.integers(1, 8))
def test_an_allotment_keeps_within_round_and_budget_and_gives_the_settled_nothing(
    given_: list[tuple[int, str, float | None]], calls: int, width: int
) -> None:
    rows = [answer(n, f"q{q}", final, score) for n, (q, final, score) in enumerate(given_, 1)]
    jobs = allotted(asked(4), rows, [], budget(calls), TIERS, TASKS, width, 1)
    assert len(jobs) <= max(0, min(width, calls - spent(rows)))
    reserved = sum(j.data()["reserve"] for j in jobs)
    assert len(jobs) + 2 * reserved <= max(0, min(width, calls - spent(rows)))
    for q in asked(4):
        standing = Standing(q, [r for r in rows if r.data()["question"] == q.key])
        mine = [j for j in jobs if j.data()["question"] == q.key]
        assert not (standing.settled and mine)
        assert 0 <= standing.difficulty <= 1
        assert all(j.data()["kind"] == ("sample" if standing.difficulty >= 0.6 else "revise") for j in mine)
    assert nothing_to_allot(asked(4), rows, [], budget(calls), TIERS, TASKS) is (not jobs)


@pytest.mark.parametrize(
    ("finals", "scores", "difficulty"),
    [("aaa", (1, 1, 1), 0.0), ("aab", (0.5, 0.5, 0.5), 5 / 12), ("abc", (0, 0, 0), 5 / 6), ("", (), 1.0)],
)
def test_difficulty_is_one_less_the_mean_of_agreement_and_score(
    finals: str, scores: tuple[float, ...], difficulty: float
) -> None:
    rows = [answer(n, final=f, score=s) for n, (f, s) in enumerate(zip(finals, scores, strict=True), 1)]
    assert Standing(asked(1)[0], rows).difficulty == pytest.approx(difficulty)


def test_gains_are_flat_until_fifty_runs_are_known_and_then_the_slope_of_the_curve() -> None:
    def past(uses: int) -> Replies:
        means = {0: 0.2, 1: 0.5, 2: 0.505}
        return [reply(key=f"bin 4, {n} calls", data={"uses": uses, "mean": m}) for n, m in means.items()]

    assert gain(past(16), 4, 0) == PRIOR_GAIN
    assert gain(past(17), 4, 0) == pytest.approx(0.3)
    assert gain(past(17), 4, 1) == pytest.approx(0.005)
    assert gain(past(17), 4, 2) == PRIOR_GAIN, "the curve has no such point"
    assert gain(past(17), 3, 0) == PRIOR_GAIN
    rows = [answer(n, final=f, score=0.0) for n, f in enumerate("abc", 1)]
    assert len(allotted(asked(1), rows, past(17), budget(32), TIERS, TASKS, 8, 1)) == 1, "the second gains too little"
    assert len(allotted(asked(1), rows, past(1), budget(32), TIERS, TASKS, 8, 1)) == 6


@pytest.mark.parametrize(("verdicts", "settled"), [("ss", True), ("us", False), ("sus", False), ("uss", True)])
def test_a_medium_question_is_settled_once_supported_twice_running(verdicts: str, settled: bool) -> None:
    names = {"s": "supported", "u": "unknown"}
    rows = [answer(n) for n in range(3)]
    rows += [answer(9 + n, verdict=names[v], kind="revise") for n, v in enumerate(verdicts)]
    assert Standing(asked(1)[0], rows).settled is settled


def test_a_revision_works_on_the_last_version_and_its_faults() -> None:
    rows = [answer(1), answer(2), answer(3), answer(4, final="b", score=0.8, kind="revise", faults="F")]
    (job,) = allotted(asked(1), rows, [], budget(32), TIERS, TASKS, 8, 2)
    assert (job.key, job.data()["answer"], job.data()["faults"], job.data()["task"]) == (
        "q1 r2.1",
        "Answer: b",
        "F",
        "R",
    )


def test_a_hard_question_is_ranked_by_score_times_share_and_judged_in_both_orders() -> None:
    finals = [("a", 0.9), ("b", 0.5), ("b", 0.6)]
    rows = [answer(n, final=f, score=s) for n, (f, s) in enumerate(finals, 1)]
    rows.append(answer(4, final="c", score=0.1, kind="sample", reserve=True))
    pairs = pairs_to_judge(asked(1), rows)
    assert [(p.key, p.data()["first"], p.data()["second"]) for p in pairs] == [
        ("q1 1-2", "Answer: b", "Answer: a"),
        ("q1 2-1", "Answer: a", "Answer: b"),
    ]
    both = [reply(key="q1 1-2", data={"verdict": "second"}), reply(key="q1 2-1", data={"verdict": "first"})]
    assert results(asked(1), rows, both)[0].data()["final"] == "a"
    assert results(asked(1), rows, both[:1])[0].data()["final"] == "b"
    assert results(asked(1), rows, [])[0].data()["route"] == "hard"
    assert pairs_to_judge(asked(1), rows[:3]) == []


def test_of_revisions_the_last_supported_counts_else_the_best_scored() -> None:
    probes = [answer(n, final="p", score=0.7) for n in range(3)]
    one = answer(5, final="r1", score=0.4, kind="revise", verdict="supported")
    two = answer(6, final="r2", score=0.9, kind="revise", verdict="refuted")
    assert results(asked(1), [*probes, one, two], [])[0].data()["final"] == "r1"
    assert (
        results(asked(1), [*probes, one.but(data={**one.data(), "verdict": "unknown"})], [])[0].data()["final"] == "p"
    )


def test_a_question_that_nobody_answered_is_a_failed_result() -> None:
    rows = [failed("down", key="a1").but(data=answer(1).data())]
    (one,) = results(asked(1), rows, [])
    assert (one.ok, one.cause) == (False, "down")
    assert with_questions(rows, asked(1)) == []


def test_answers_are_numbered_on_and_graded_by_key() -> None:
    made = [reply("Answer: x", key="q2 · s1"), failed("down", key="q1 r1.1")]
    jobs = [reply(key="q1 r1.1", data={"question": "q1", "kind": "sample", "reserve": True})]
    rows = made_answers(made, jobs, [answer(1)])
    assert [(r.key, r.data()["question"], r.data()["kind"], r.data()["final"]) for r in rows] == [
        ("a2", "q2", "probe", "x"),
        ("a3", "q1", "sample", ""),
    ]
    done = graded(rows, [failed("no verdict", key="a2")])
    assert [(r.data()["score"], r.data()["lost"]) for r in done] == [(None, "no verdict"), (None, "down")]
    assert spent([*rows]) == 4


def test_questions_are_different_and_the_prompt_stands_in_for_none() -> None:
    said = [reply(data={"questions": ["One?", "one? ", "Two?"]})]
    assert [q.text for q in questions([reply("p")], said, 6)] == ["One?", "Two?"]
    assert [q.text for q in questions([reply("p")], [failed("x")], 6)] == ["p"]
