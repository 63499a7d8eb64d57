"""Columns: total on what a panel may have given."""

import pytest

from tasks.algorithms.columns import side_by_side
from tasks.functions import Refuse
from tasks.reply import failed, reply

CARD = reply("a", key="a", data={"price_known": True})


def test_a_model_that_was_not_asked_has_no_column() -> None:
    made = side_by_side([CARD, CARD.but(key="b")], [reply("x", key="a", cost=0.25, latency=12.6)])
    assert made.data()["columns"] == [
        {"model": "a", "answer": "x", "error": "", "latency_ms": 13, "tokens": 0, "cost_usd": 0.25}
    ]


def test_without_any_answer_it_refuses() -> None:
    with pytest.raises(Refuse, match="down"):
        side_by_side([CARD], [failed("down", key="a")])
    with pytest.raises(Refuse, match="none was asked"):
        side_by_side([], [])
