"""Speculation as pure functions: thresholds, modes, what is wasted, and when it is worth it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.speculation import (
    AHEAD,
    JUDGE,
    LEAST_THETA,
    THETA,
    fast_step,
    needs_no_draft,
    opening,
    reasoned,
    settled,
    speculated,
    strong_writes,
    verdict,
    worth_it,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def drafted(text: str = "f", done: bool = False) -> Reply:
    return reply(data={"step": text, "done": done}, calls=1, tokens=10)


def written(complete: bool = False) -> Reply:
    return reply(data={"step": "s", "complete": complete, "answer": "A" if complete else ""})


def turn_of(state: Replies, number: int, digit: str) -> dict[str, Replies]:
    """One turn: the fast model writes if it may, the strong one if it must."""
    aided = not strong_writes(state, number)
    step = fast_step(state, [], [drafted()], number)
    check = [reply(digit, key=JUDGE), drafted("ahead").but(key=AHEAD)] if aided else []
    said = verdict(step, check, state)
    strong = [] if said.data()["accepted"] else [written()]
    return settled(state, step, check, [said], strong, [], [], number)


@given(st.lists(st.integers(0, 9), max_size=60))
def test_thresholds_stay_between_five_and_seven_and_every_turn_makes_one_step(digits: list[int]) -> None:
    state: Replies = [opening()]
    for number, digit in enumerate(digits, 1):
        before = state[0].data()
        slots = turn_of(state, number, str(digit))
        state, row = slots["state"], slots["row"][0].data()
        assert LEAST_THETA <= state[0].data()["theta"] <= before["theta"] <= THETA
        assert len(slots["step"]) == 1
        assert row["accepted"] == (row["scored"] and digit >= before["theta"])
        assert len(slots["pending"]) == row["accepted"]
        assert 0 <= state[0].data()["unaided"] <= 3
    assert not reasoned([])


def test_the_first_step_is_the_strong_models_and_three_rejections_give_it_three() -> None:
    state: Replies = [opening()]
    by = []
    for number in range(1, 9):
        slots = turn_of(state, number, "0")
        state = slots["state"]
        by.append(slots["row"][0].data()["scored"])
    assert by == [False, True, True, True, False, False, False, True]


@pytest.mark.parametrize(
    ("said", "score"), [("7", 7), (" 9\n", 9), ("10", None), ("seven", None), ("", None), ("8.", 8), ("8 good", 8)]
)
def test_a_score_is_one_digit(said: str, score: int | None) -> None:
    made = verdict([drafted()], [reply(said, key=JUDGE)], [opening()])
    assert made.data() == {"score": score, "accepted": score is not None and score >= THETA}
    assert not verdict([], [reply("9", key=JUDGE)], [opening()]).data()["accepted"]
    assert not verdict([drafted()], [failed("x", key=JUDGE)], [opening()]).data()["accepted"]


def test_a_step_that_is_done_is_followed_by_the_strong_model_and_what_was_ahead_is_wasted() -> None:
    check = [reply("9", key=JUDGE), drafted("ahead").but(key=AHEAD)]
    step = [drafted(done=True)]
    slots = settled([opening()], step, check, [verdict(step, check, [opening()])], [], [], [], 2)
    assert strong_writes(slots["state"], 3)
    assert slots["pending"] == []
    row: dict[str, Any] = slots["row"][0].data()
    assert (row["wasted"], row["wasted_calls"], row["wasted_tokens"]) == (1, 1, 10)
    assert needs_no_draft(slots["state"], [], 3)
    again = settled(slots["state"], [], [], [verdict([], [], slots["state"])], [written()], [], [], 3)
    assert not strong_writes(again["state"], 4)


def test_two_failures_running_end_it_and_nothing_at_all_fails_the_run() -> None:
    state: Replies = [opening()]
    rows: Replies = []
    for number in (1, 2):
        slots = settled(state, [], [], [verdict([], [], state)], [failed("down")], [], [], number)
        state, rows = slots["state"], [*rows, *slots["row"]]
    assert reasoned(rows)
    assert not reasoned(rows[:1])
    with pytest.raises(Refuse, match="down"):
        speculated(rows, [], [failed("down")], [])
    assert speculated(rows, [], [reply("closed")], []).outcome == "incomplete"


@pytest.mark.parametrize(
    ("uses", "mean", "way"), [(3, 0.39, "plain"), (3, 0.4, "speculate"), (2, 0.0, "speculate"), (0, 0.0, "speculate")]
)
def test_a_kind_of_task_is_skipped_after_three_poor_runs(uses: int, mean: float, way: str) -> None:
    past = [reply(key="code", data={"uses": uses, "mean": mean})]
    assert worth_it([reply(data={"kind": "code"})], past) == way
    assert worth_it([failed("x")], past) == "speculate"
