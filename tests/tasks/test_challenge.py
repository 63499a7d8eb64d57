"""Challenged answers: what is stated where, when the same is disputed again, and how both orders rule."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.challenge import (
    objection_state,
    ruled,
    same_point,
    stated_answer,
    stated_objection,
    stood,
    verdict_memory,
)
from tasks.reply import Replies, failed, reply


def turns(*given: tuple[str, str]) -> Replies:
    return [reply(text, key=str(n), data={"role": role, "text": text}) for n, (role, text) in enumerate(given)]


def test_what_is_given_goes_before_the_history() -> None:
    history = turns(("assistant", "old"), ("user", "no"))
    assert [r.text for r in stated_answer([reply("given")], history)] == ["given"]
    assert [r.text for r in stated_objection([reply(" ")], history)] == ["no"]


@pytest.mark.parametrize("history", [[], turns(("user", "hello")), turns(("user", "q"), ("assistant", "a"))])
def test_only_what_follows_the_last_answer_is_an_objection(history: Replies) -> None:
    assert stated_objection([reply("")], history) == []


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=40), st.text(max_size=40))
def test_the_same_point_is_so_from_either_side(one: str, other: str) -> None:
    assert same_point(one, other) == same_point(other, one)
    assert same_point(one, one)


POINTS = [("the year of the treaty", "the treaty's year is wrong", True), ("the year", "the river", False)]


@pytest.mark.parametrize(("one", "other", "same"), POINTS)
def test_points_are_told_apart_by_their_words(one: str, other: str, same: bool) -> None:
    assert same_point(one, other) == same


def earlier(times: int, answer: str = "A") -> Replies:
    state = [objection_state([reply(answer)], [reply("no")], [], [])]
    before = {"by": "examination", "verdict": "held", "claim": "the year"}
    (memory,) = verdict_memory(state, [reply("It stands.", data=before)])
    return [reply(memory.text, data={"fields": memory.data()}) for _ in range(times)]


@pytest.mark.parametrize(
    ("bare", "times", "course"),
    [(True, 0, "examine"), (True, 1, "repeat"), (True, 2, "offer"), (True, 9, "offer"), (False, 3, "examine")],
)
def test_only_bare_repetition_is_not_examined(bare: bool, times: int, course: str) -> None:
    said = [reply(data={"claim": "", "bare": bare, "evidence": []})]
    assert objection_state([reply("a")], [reply("no")], said, earlier(times)).data()["course"] == course
    assert objection_state([reply("another")], [reply("no")], said, earlier(times)).data()["course"] == "examine"


def test_a_repeated_verdict_does_not_grow() -> None:
    said = [reply(data={"claim": "", "bare": True, "evidence": []})]
    state = [objection_state([reply("A")], [reply("no")], said, earlier(1))]
    (kept,) = verdict_memory(state, [stood(state, [], [])])
    assert kept.data()["text"] == "It stands."


PAIR = [reply("ours", key="p1"), reply("theirs", key="p2")]
VERDICTS = {"first": "second", "second": "first", "tie": "tie"}


@settings(deadline=None, max_examples=60)
@given(*[st.sampled_from(["first", "second", "tie", "broken"])] * 2, st.booleans())
def test_only_the_same_side_in_both_orders_decides(one: str, other: str, supported: bool) -> None:
    said = [
        failed("down", key=k) if v == "broken" else reply(key=k, data={"verdict": v, "reason": "so"})
        for k, v in (("1-2", one), ("2-1", other))
    ]
    checks = [reply(data={"verdict": "supported" if supported else "unknown"})]
    verdict = ruled(PAIR, said, checks).data()["verdict"]
    if (one, other) == ("first", "second"):
        assert verdict == ("amended" if supported else "held")
    elif (one, other) == ("second", "first"):
        assert verdict == "withdrawn"
    else:
        assert verdict == "undecided"
