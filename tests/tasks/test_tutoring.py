"""Tutoring: traced mastery, levels, what verifies a solution, when to come back; total on junk."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.tutoring import (
    asked_question,
    computed_alike,
    first_state,
    learned_skills,
    learner_state,
    step_over,
    traced,
    verification,
    weakest,
)
from tasks.reply import Replies, failed, reply

SEEN = st.lists(st.tuples(st.sampled_from(["right", "partial", "wrong", "gave_up"]), st.integers(0, 4)), max_size=8)


@settings(deadline=None, max_examples=80)
@given(st.floats(0.01, 0.99), SEEN)
def test_mastery_is_a_probability_and_a_right_reply_raises_it(mastery: float, seen: list[tuple[str, int]]) -> None:
    after = traced(mastery, seen)
    assert 0 < after < 1
    assert traced(after, [("right", 0)]) > traced(after, [("right", 4)]) > after
    assert traced(after, [("right", 0)]) > traced(after, [("wrong", 0)])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(["right", "partial", "wrong", "gave_up", "unjudged"]), max_size=8))
def test_levels_only_rise_and_a_step_ends_once(words: list[str]) -> None:
    state: Replies = [first_state([])]
    for word in words:
        if step_over(state):
            break
        before = state[0].data()["level"]
        judged = [reply(data={"verdict": word, "misconception": ""})] if word in ("right", "partial", "wrong") else []
        if word == "unjudged":
            judged = [failed("down")]
        lost = state[0].data()["lost"]
        state = [
            learner_state(state, [reply("x", key="give_up" if word == "gave_up" else "reply")], judged, [reply("?")])
        ]
        assert state[0].data()["lost"] == [*lost, *(["down"] if word == "unjudged" else [])]
        assert before <= state[0].data()["level"] <= min(4, before + 1)
        assert (state[0].data()["status"] == "mastered") == (word == "right")


SOLUTION = [reply(data={"answer": "5 m", "solution": "s", "program": "p"})]


@pytest.mark.parametrize(("text", "alike"), [("5 m", True), ("working\n5 m\n", True), ("6 m", False), ("", False)])
def test_the_last_line_of_a_program_is_compared(text: str, alike: bool) -> None:
    assert computed_alike(SOLUTION, [reply(text)]) == alike


@pytest.mark.parametrize("judged", [[], [failed("down")], [reply(data={"same": False})]])
def test_without_a_yes_nothing_is_verified(judged: Replies) -> None:
    assert verification(SOLUTION, [], [], judged).data()["verified"] is False
    assert verification([failed("down")], [], [], [reply(data={"same": True})]).data()["verified"] is False


def row(n: int, mastered: bool, level: int, skill: str = "s") -> Replies:
    data = {
        "mastered": mastered,
        "level": level,
        "turns": 1,
        "goal": "g",
        "result": "r",
        "skill": skill,
        "seen": [["right", 0]],
    }
    return [reply(key=f"step {n}", data=data)]


def test_the_weakest_are_the_unmastered_then_the_most_helped_in_their_order() -> None:
    rows = row(1, True, 3) + row(2, True, 0) + row(3, False, 1)
    assert [r.key for r in weakest(rows, 2)] == ["step 1", "step 3"]
    assert weakest([], 2) == []


def test_a_skill_of_two_steps_is_one_memory_and_comes_back_later_the_better_it_is() -> None:
    rows = row(1, True, 0, "Adding") + row(2, True, 0, "adding")
    known = [reply("x", key="id", data={"fields": {"skill": "ADDING", "mastery": 0.9, "times": 4}})]
    (one,) = learned_skills(rows, known, [], [], now="2026-01-01T10:00:00+00:00")
    assert one.data()["times"] == 6
    assert date.fromisoformat(one.data()["review"]) == date(2026, 1, 22)
    (new,) = learned_skills(
        row(1, False, 4, "x"), [], row(1, False, 4), [reply(data={"verdict": "wrong"})], now="2026-01-01"
    )
    assert new.data()["review"] < one.data()["review"]


def test_without_a_question_the_goal_is_asked_for() -> None:
    step = [reply(key="step 1", data={"goal": "find x"})]
    assert "find x" in asked_question(step, [failed("down")], [], [first_state(step)]).text
