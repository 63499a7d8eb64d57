"""Escalation: which path two answers take, whatever came of the comparison."""

import pytest

from tasks.algorithms.escalation import differences, escalated, path
from tasks.reply import Replies, failed, reply

TWO: Replies = [reply("a", key="cheap-1"), reply("b", key="cheap-2")]
YES = [reply(data={"agree": "yes", "differences": []})]
NO = [reply(data={"agree": "no", "differences": []})]
DOWN = [failed("down")]


@pytest.mark.parametrize(
    ("cheap", "compared", "way"),
    [
        (TWO, YES, "agreed"),
        (TWO, NO, "settled"),
        (TWO, DOWN, "settled"),
        (TWO, [], "settled"),
        ([TWO[0], *DOWN], YES, "settled"),
        (DOWN * 2, [], "alone"),
        ([], [], "alone"),
    ],
)
def test_the_path(cheap: Replies, compared: Replies, way: str) -> None:
    assert path(cheap, compared) == way
    answer = escalated([reply("final")], cheap, [], compared)["answer"][0]
    assert (answer.data()["path"], answer.data()["agreed"]) == (way, 1.0 if way == "agreed" else 0.0)


def test_no_comparison_has_no_differences() -> None:
    assert differences([]) == differences(DOWN) == []
