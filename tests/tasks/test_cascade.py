"""Cascade: thresholds, acceptance at the bound, the cost of the strongest alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.cascade import accepted, calibrated, cascaded, rungs, scored, tried
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply


def ladder(n: int) -> Replies:
    cards = {"price_known": True, "price_in": 1e-6, "price_out": 4e-6}
    return [reply(f"m{i}", key=f"m{i}", data=cards) for i in range(1, n + 1)]


@pytest.mark.parametrize(("n", "needed"), [(2, [0.8, None]), (3, [0.8, 0.7, None]), (4, [0.8, 0.7, 0.7, None])])
def test_one_threshold_a_model_but_the_last(n: int, needed: list[float | None]) -> None:
    made = rungs(ladder(n), [], [])
    assert [r.data()["threshold"] for r in made["queue"]] == needed
    assert [s.text for s in made["scorer"]] == ["m1"]


def test_what_the_strongest_alone_costs_is_told_by_tokens() -> None:
    queue = rungs(ladder(2), [], [])["queue"]
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
    queue = rungs(ladder(2), [], [])["queue"]
    answer = reply("x") if ok else failed("down")
    one = tried(queue[:1], [answer], [reply(data={"reliability": score})])
    assert accepted([one]) == (ok and score >= 0.8)
    assert accepted([tried(queue[1:], [answer], [])]) == ok


def rated(model: str, **tenths: tuple[int, float]) -> Replies:
    """So many answers of each tenth, and how many of them people took."""
    return [
        reply(key=f"{model} {int(t[1:]) / 10}", data={"uses": uses, "mean": mean}) for t, (uses, mean) in tenths.items()
    ]


@pytest.mark.parametrize(
    ("past", "threshold"),
    [
        (rated("m1", s8=(10, 0.0), s9=(9, 1.0)), 0.8),
        (rated("m2", s8=(40, 0.0)), 0.8),
        (rated("m1", s8=(10, 0.0), s9=(10, 1.0)), 0.9),
        (rated("m1", s8=(10, 0.6), s9=(10, 1.0)), 0.8),
        (rated("m1", s6=(20, 0.9), s9=(1, 1.0)), 0.6),
        (rated("m1", s6=(4, 1.0), s9=(20, 1.0)), 0.9),
        (rated("m1", s8=(20, 0.5), s9=(20, 0.7)), 1.0),
    ],
    ids=["too few", "another's", "over-confident", "made up for", "too modest", "a score seen too seldom", "never"],
)
def test_a_threshold_is_where_people_took_as_many_as_are_needed(past: Replies, threshold: float) -> None:
    assert calibrated(0.8, "m1", past) == threshold
    assert rungs(ladder(2), [], past)["queue"][0].data()["threshold"] == threshold
    assert rungs(ladder(2), [reply("0.3")], past)["queue"][0].data()["threshold"] == 0.3, "as it was given"


@settings(deadline=None, max_examples=60)
@given(st.dictionaries(st.integers(0, 10), st.tuples(st.integers(1, 40), st.floats(0, 1)), max_size=11))
def test_a_threshold_stays_in_its_bounds(tenths: dict[int, tuple[int, float]]) -> None:
    past = rated("m1", **{f"s{t}": of for t, of in tenths.items()})
    assert 0 <= calibrated(0.8, "m1", past) <= 1


@pytest.mark.parametrize(("score", "key"), [(0.85, ["m1 0.8"]), (1.0, ["m1 1.0"]), (None, [])])
def test_what_is_taken_is_told_by_model_and_tenth(score: float | None, key: list[str]) -> None:
    assert [s.key for s in scored([reply(data={"model": "m1", "quality": score})])] == key
