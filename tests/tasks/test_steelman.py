"""Steelman: a licence needs a signature, and a point a quotation of what was signed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.steelman import attempt, directions, is_signed, licensed, quoted_points, restatement
from tasks.reply import Replies, failed, reply

CASES = [reply("case a", key="A"), reply("case b", key="B")]
SEATS = [reply("m1", key="A"), reply("m2", key="B"), reply("m3", key="rapporteur")]
SIGNS = st.lists(st.sampled_from([True, False, None]), max_size=3)


def attempts_of(signs: list[bool | None]) -> Replies:
    """None is a signature that could not be had."""
    made: Replies = []
    for turn, ok in enumerate(signs, 1):
        restated = [reply(data={"restatement": f"r{turn}", "agreed": [], "learned": ""})]
        sign = [failed("late") if ok is None else reply(data={"ok": ok, "missing": ""})]
        made += attempt(restated, sign, turn)
    return made


@given(SIGNS)
def test_a_side_is_licensed_where_its_last_attempt_was_signed(signs: list[bool | None]) -> None:
    attempts = attempts_of(signs)
    last = bool(signs) and signs[-1] is True
    assert is_signed(attempts) is last
    steel = [restatement([CASES[0]], attempts)]
    assert [one.key for one in licensed(steel, CASES, SEATS)] == (["A"] if last else [])
    assert steel[0].ok is bool(signs)


def test_each_side_restates_the_others_case() -> None:
    found = [(d.key, d.text, d.data()["restater_model"], d.data()["owner_model"]) for d in directions(CASES, SEATS)]
    assert found == [("A", "case b", "m1", "m2"), ("B", "case a", "m2", "m1")]
    assert directions(CASES[:1], SEATS) == []


def test_a_failed_restatement_is_no_attempt() -> None:
    assert attempt([failed("late")], [failed("not called")], 1) == []


@pytest.mark.parametrize(
    ("quote", "kept"), [("small teams", True), ("SMALL   teams.", True), ("large teams", False), (" . ", False)]
)
def test_a_point_quotes_what_was_signed(quote: str, kept: bool) -> None:
    licence = [reply("What small teams lack is hours.", key="A")]
    (one,) = quoted_points(licence, [reply(key="A", data={"points": [{"quote": quote, "point": "p"}]})])
    assert (len(one.data()["points"]), one.data()["struck"]) == ((1, 0) if kept else (0, 1))
