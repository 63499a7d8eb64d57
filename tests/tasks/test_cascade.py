"""Cascade: thresholds, acceptance at the bound, the cost of the strongest alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.cascade import accepted, cascaded, rungs, tried
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply


def ladder(n: int) -> Replies:
    cards = {"price_known": True, "price_in": 1e-6, "price_out": 4e-6}
    return [reply(f"m{i}", key=f"m{i}", data=cards) for i in range(1, n + 1)]


@pytest.mark.parametrize(("n", "needed"), [(2, [0.8, None]), (3, [0.8, 0.7, None]), (4, [0.8, 0.7, 0.7, None])])
def test_one_threshold_a_model_but_the_last(n: int, needed: list[float | None]) -> None:
    made = rungs(ladder(n), [])
    assert [r.data()["threshold"] for r in made["queue"]] == needed
    assert [s.text for s in made["scorer"]] == ["m1"]


def test_what_the_strongest_alone_costs_is_told_by_tokens() -> None:
    queue = rungs(ladder(2), [])["queue"]
    one = tried(queue[:1], [reply("x" * 40, tokens=110, cost=0.5)], [reply(data={"reliability": 0.9}, cost=0.25)])
    data = cascaded([one], ladder(2)).data()
    assert (data["cost_usd"], data["strong_alone_usd"]) == (0.75, pytest.approx(100e-6 + 10 * 4e-6))
    last = tried(queue[1:], [reply("y", cost=2.0)], [])
    assert cascaded([one, last], ladder(2)).data()["strong_alone_usd"] == 2.0


def test_nothing_tried_refuses() -> None:
    with pytest.raises(Refuse, match="none was tried"):
        cascaded([], ladder(2))
    assert not accepted([])


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1), st.booleans())
def test_accepted_at_the_threshold_and_never_a_failed_answer(score: float, ok: bool) -> None:
    queue = rungs(ladder(2), [])["queue"]
    answer = reply("x") if ok else failed("down")
    one = tried(queue[:1], [answer], [reply(data={"reliability": score})])
    assert accepted([one]) == (ok and score >= 0.8)
    assert accepted([tried(queue[1:], [answer], [])]) == ok
