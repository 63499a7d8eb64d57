"""A text is supplied where it has more than white space."""

import pytest

from tasks.algorithms.supplied import is_supplied, joined, latest_of, neither_given, none_given, none_ok
from tasks.reply import failed, reply
from tasks.walk import input_replies


@pytest.mark.parametrize(
    ("value", "supplied"), [("", False), (" \n", False), ("a plan", True), ([], False), (None, False)]
)
def test_more_than_white_space_is_a_text(value: object, supplied: bool) -> None:
    assert is_supplied(input_replies(value)) is supplied


def test_what_failed_leaves_what_stood_before() -> None:
    before, made = [reply("old")], [reply("new"), failed("down")]
    assert latest_of(before, made) == made[:1]
    assert latest_of(before, made[1:]) == latest_of(before, []) == before


def test_failed_replies_are_nothing_to_go_by() -> None:
    assert none_ok([])
    assert none_ok([failed("down")])
    assert not none_ok([failed("down"), reply("x")])


def test_what_failed_is_given_all_the_same() -> None:
    down = [failed("down")]
    assert (none_given([]), none_given(down)) == (True, False)
    assert neither_given([], [])
    assert not neither_given(down, [])
    assert not neither_given([], down)
    assert joined(down, [reply("x")]) == [*down, reply("x")]
