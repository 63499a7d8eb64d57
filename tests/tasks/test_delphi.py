"""Delphi: medians and quartiles, convergence, what moved, and that nobody's order or name counts."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.delphi import estimates, experts, items_to_estimate, outlier_reasons, settled, statistics
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

NOW = "2040-01-01T10:00:00+00:00"
VALUES = st.lists(st.integers(-1000, 1000), min_size=1, max_size=5)


def items(kind: str = "number") -> Replies:
    return [reply("How many?", key="item 1", data={"item": "How many?", "kind": kind, "unit": ""})]


def panel(count: int) -> Replies:
    return experts([reply(data={"profiles": [{"profile": f"p{n}"} for n in range(count)]})], [reply("m")])


def said(values: list[Any]) -> Replies:
    """None did not answer."""
    return [
        failed("late", key=f"expert {n}")
        if v is None
        else reply(
            key=f"expert {n}",
            data={"estimates": [{"item": "item 1", "estimate": v, "low": v, "high": v, "reason": "r"}]},
        )
        for n, v in enumerate(values, 1)
    ]


def held(values: list[Any], kind: str = "number", before: Replies | None = None) -> Replies:
    return estimates(items(kind), panel(len(values)), said(values), NOW, before)


def spread(values: list[Any], kind: str = "number") -> dict[str, Any]:
    made = statistics(items(kind), panel(len(values)), held(values, kind), NOW)
    return {**made["stats"][0].data(), "outside": [o.data()["value"] for o in made["outside"]]}


@given(VALUES.flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_who_estimates_what_does_not_matter(values: tuple[list[int], list[int]]) -> None:
    one, other = spread(values[0]), spread(values[1])
    assert sorted(one.pop("outside")) == sorted(other.pop("outside"))
    assert one == other


@given(VALUES)
def test_at_most_two_lie_outside_the_quartiles(values: list[int]) -> None:
    found = spread(values)
    assert len(found["outside"]) <= 2
    if len(values) >= 3:
        assert found["q1"] <= found["median"] <= found["q3"]
        assert all(v < found["q1"] or v > found["q3"] for v in found["outside"])
    else:
        assert (found["median"], found["converged"], found["outside"]) == (None, False, [])


@given(st.integers(-1000, 1000))
def test_all_alike_has_converged(value: int) -> None:
    assert spread([value] * 5)["converged"]


@given(VALUES)
def test_the_same_again_moves_nothing_and_ends_the_rounds(values: list[int]) -> None:
    before = held(values)
    assert all(e.data()["moved"] == ["item 1"] for e in before)
    after = held(values, before=before)
    assert not any(e.data()["moved"] for e in after)
    assert settled([reply(data={"converged": False})], after)
    assert not settled([reply(data={"converged": False})], before)
    assert settled([reply(data={"converged": True})], before)


def test_what_fails_or_is_not_valid_leaves_the_last_estimate() -> None:
    before = held([1, 2, 3])
    after = held([None, "many", 4], before=before)
    assert [(e.data()["values"]["item 1"], e.data()["moved"]) for e in after] == [(1, []), (2, []), (4, ["item 1"])]


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("number", "1,200.5", 1200.5),
        ("number", "inf", None),
        ("number", "", None),
        ("rating", 9, 9),
        ("rating", 0, None),
        ("rating", "9.5", None),
        ("date", "2040-01-31", 30),
        ("date", "2039-12-31T00:00", -1),
        ("date", 30, None),
        ("date", "2040-13-01", None),
    ],
)
def test_an_estimate_is_valid_for_its_kind(kind: str, raw: Any, value: float | None) -> None:
    assert held([raw], kind)[0].data()["values"].get("item 1") == value


def test_dates_stand_as_dates_and_converge_by_their_distance_from_today() -> None:
    near = spread(["2040-01-05", "2040-01-11", "2040-01-21"], "date")
    assert (near["median"], near["converged"]) == ("2040-01-11", False)
    far = spread(["2040-12-05", "2040-12-11", "2040-12-21"], "date")
    assert (far["median"], far["converged"]) == ("2040-12-11", True)


def test_reasons_go_by_value_and_name_nobody() -> None:
    made = statistics(items(), panel(5), held([50, 10, 30, 20, 40]), NOW)
    why = [reply("high", key="expert 1 · item 1"), failed("late", key="expert 2 · item 1")]
    assert [r.text for r in outlier_reasons(made["outside"], why)] == [
        "item 1, estimate 10: r",
        "item 1, estimate 50: high",
    ]


def test_items_are_taken_once_and_there_has_to_be_one() -> None:
    given_items = [{"item": i, "kind": "number", "unit": ""} for i in ("How many?", "how many? ", " ")]
    assert [i.key for i in items_to_estimate([reply(data={"items": given_items})], 5)] == ["item 1"]
    with pytest.raises(Refuse, match="nothing to estimate"):
        items_to_estimate([reply(data={"items": given_items[2:]})], 5)
