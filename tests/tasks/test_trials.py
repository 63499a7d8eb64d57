"""Trials: who is tried how often, what a metric, a judge or the expected answer make of it, and what is summed up."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.trials import (
    by_example,
    measures,
    metric_calls,
    numbered_examples,
    outcome,
    question,
    scored,
    to_judge,
    trials,
    worst,
)
from tasks.reply import Replies, Reply, failed, reply

SPENT = [reply(data={"calls": 2, "cost": 0.5})]
METRIC = [reply("def score(answer, expected): return 1")]


def examples(*expected: str) -> Replies:
    return numbered_examples([reply(f"ask {e}", data={"prompt": f"ask {e}", "expected": e}) for e in expected])


def result(trial: Reply, answer: str | None) -> Reply:
    given = [failed("BROKE")] if answer is None else [reply(answer)]
    return outcome([trial], given, [], SPENT)


def results(answers: dict[str, list[str | None]]) -> Replies:
    """The answers to each example, named by what is expected, run by run."""
    numbered = {e.data()["expected"]: e for e in examples(*answers)}
    return [
        result(t, answers[t.data()["expected"]][t.data()["run"] - 1])
        for e in numbered.values()
        for t in trials([e], len(answers[e.data()["expected"]]))
    ]


def scores(found: Replies) -> list[float | None]:
    return [f.data()["score"] for f in found]


def test_each_example_is_tried_so_often_and_asked_without_what_is_expected() -> None:
    made = trials(examples("x", "y"), 2)
    assert [(t.key, t.text) for t in made] == [
        ("e1 · 1", "ask x"),
        ("e1 · 2", "ask x"),
        ("e2 · 1", "ask y"),
        ("e2 · 2", "ask y"),
    ]
    assert question([made[0]]).fields == ""
    assert trials(examples("x"), 2, of=[]) == []
    assert trials(examples("x"), 2, of=[failed("no graph")]) == []


@pytest.mark.parametrize(
    ("answer", "score"),
    [("4", 1), ("So.\nAnswer: 4.0", 1), ("**4**", 1), ("Answer: 5", 0), ("4 or 5", 0), ("", 0), (None, 0)],
)
def test_without_a_metric_the_final_answer_is_the_expected_one_or_not(answer: str | None, score: float) -> None:
    assert scores(scored(results({"4": [answer]}), [], [])) == [score]


def test_a_metric_scores_in_batches_and_what_it_cannot_score_is_worth_nothing() -> None:
    made = results({"x": ["a" * 5000] * 30, "y": [None]})
    calls = metric_calls(made, METRIC)
    assert len(calls) == 3
    assert all(len(c.data()["args"]["code"]) < 100_000 for c in calls)
    sizes = [c.data()["args"]["code"].count("'x']") for c in calls]
    ran = [reply(data={"final": [[0.25, "why"]] * sizes[0]}, at=[0]), failed("no sandbox", at=[1])]
    found = scored(made, METRIC, ran)
    assert scores(found) == [*[0.25] * sizes[0], *[0.0] * (31 - sizes[0])]
    assert found[sizes[0]].data()["reason"] == "the metric failed: no sandbox"
    assert found[-1].data()["reason"] == "no answer: BROKE"


@pytest.mark.parametrize(
    ("final", "score"), [([[2, "w"]], 1), ([[-1, "w"]], 0), ([["1", "w"]], 0), ("all", 0), ([], 0), ([[0.5, "w"]], 0.5)]
)
def test_a_score_is_a_number_from_0_to_1_whatever_the_metric_says(final: Any, score: float) -> None:
    found = scored(results({"x": ["a"]}), METRIC, [reply(data={"final": final}, at=[0])])
    assert scores(found) == [score]


def test_a_judge_sees_every_answer_that_there_is_and_its_failure_is_no_score() -> None:
    made = results({"x": ["a", "b", None]})
    shown = to_judge(made, [])
    assert [json.loads(s.fields) for s in shown] == [{"prompt": "ask x", "expected": "x", "answer": a} for a in "ab"]
    assert to_judge(made, METRIC) == []
    judged = [reply(key="e1 · 1", data={"score": 70, "reason": "good"}), failed("lost", key="e1 · 2")]
    assert scores(scored(made, [], [], judged)) == [0.7, None, 0]


def test_measures_are_means_and_the_spread_is_that_of_the_runs() -> None:
    found = scored(results({"x": ["x", "0"], "y": ["y", "y"]}), [], [])
    assert measures(found) == {"score": 0.75, "spread": 0.25, "cost": 0.5, "calls": 2}
    assert by_example(found) == {"e1": [1, 0], "e2": [1, 1]}
    assert measures([])["score"] == 0


def test_the_worst_stand_first_each_example_once_and_full_ones_not_at_all() -> None:
    found = scored(results({"x": ["0", "0"], "y": ["y"], "z": [None]}), [], [])
    assert [w["expected"] for w in worst(found, 5)] == ["x", "z"]
    assert len(worst(found, 1)) == 1


@given(st.lists(st.lists(st.sampled_from(["x", "0", None]), min_size=1, max_size=4), min_size=1, max_size=5))
def test_every_trial_keeps_its_place_and_no_mean_leaves_its_bounds(answers: list[list[str | None]]) -> None:
    made = [r for own in answers for r in results({"x": own})]
    found = scored(made, [], [])
    assert [f.key for f in found] == [m.key for m in made]
    assert 0 <= measures(found)["score"] <= 1
