"""Fermi estimates: routes that hold, medians, the simulation against its closed form, and the cross-check."""

from math import exp, log, sqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.fermi import (
    Z95,
    checked_routes,
    distinct_factors,
    faulty,
    fermi_estimate,
    median_ranges,
    readable,
    revised_ranges,
    routes_agree,
    simulated,
    sound_routes,
    widest_factors,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

A = {"name": "a", "meaning": "how many a", "unit": "a"}
B = {"name": "b", "meaning": "b of one a", "unit": "b / a"}


def route(key: str = "top-down", formula: str = "a * b", unit: str = "b", factors: Any = (A, B)) -> Reply:
    return reply(key=key, data={"formula": formula, "unit": unit, "factors": list(factors)})


def sample(low: float, mid: float, high: float) -> Reply:
    return reply(data={"low": low, "mid": mid, "high": high, "reason": "-"})


def ranges(**values: tuple[float, float, float]) -> Replies:
    factors = distinct_factors(checked_routes([route()]))
    return median_ranges(factors, [sample(*values[f.data()["name"]]).but(key=f"{f.key} · s1") for f in factors])


def test_a_route_must_have_the_unit_that_it_says() -> None:
    made = checked_routes([route(), route("bottom-up", unit="a"), failed("down", key="x")])
    assert [m.data().get("problem") for m in made] == ["", "its unit is b, and it should be a", None]
    assert [f.key for f in faulty(made)] == ["bottom-up"]
    assert [r.key for r in sound_routes(made, [route("bottom-up")])] == ["top-down", "bottom-up"]
    assert [r.key for r in sound_routes(made, [failed("down", key="bottom-up")])] == ["top-down"]
    with pytest.raises(Refuse, match="no formula holds: bottom-up: its unit"):
        sound_routes(made[1:2], [])


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (route(formula="a * c"), "not declared"),
        (route(formula="7", unit="1"), "no factor"),
        (route(factors=(A, B, A)), "same name"),
        (route(unit="b !"), "no formula"),
    ],
)
def test_what_is_wrong_with_a_route(bad: Reply, why: str) -> None:
    assert why in checked_routes([bad])[0].data()["problem"]


def test_factors_are_those_that_formulas_use_each_once() -> None:
    other = {"name": "c", "meaning": "unused", "unit": "c"}
    made = distinct_factors(checked_routes([route(factors=(A, B, other)), route("bottom-up", "a * b / 2")]))
    assert [f.key for f in made] == ["a [a]", "b [b / a]"]


@settings(deadline=None)
@given(st.permutations([(1.0, 2.0, 3.0), (2.0, 4.0, 9.0), (5.0, 1.0, 100.0)]))
def test_medians_do_not_depend_on_the_order_and_are_sorted(rows: list[tuple[float, float, float]]) -> None:
    factor = [reply("how many", key="a [a]", data=A)]
    made = median_ranges(factor, [sample(*r).but(key=f"a [a] · s{n}") for n, r in enumerate(rows)])[0].data()
    assert (made["low"], made["mid"], made["high"]) == (1.0, 4.0, 9.0)


def test_a_factor_that_nobody_could_estimate_fails_its_routes() -> None:
    factors = distinct_factors(checked_routes([route()]))
    made = median_ranges(factors, [failed("down", key="a [a] · s1"), sample(1, 2, 3).but(key="b [b / a] · s1")])
    assert [m.ok for m in made] == [False, True]
    (sim,) = simulated(checked_routes([route()]), made, 1, 100)
    assert "no value for a [a]" in sim.cause


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**63), st.floats(1.1, 5), st.floats(1.1, 5))
def test_a_product_of_lognormals_is_lognormal(seed: int, one: float, two: float) -> None:
    known = ranges(a=(10 / one, 10, 10 * one), b=(3 / two, 3, 3 * two))
    (sim,) = simulated(checked_routes([route()]), known, seed, 10_000)
    data = sim.data()
    sigmas = [log(one) / Z95, log(two) / Z95]
    spread = exp(Z95 * sqrt(sum(s * s for s in sigmas)))
    assert data["mid"] == pytest.approx(30, rel=0.1)
    assert data["high"] == pytest.approx(30 * spread, rel=0.2)
    assert data["low"] == pytest.approx(30 / spread, rel=0.2)
    assert sum(data["shares"].values()) == pytest.approx(1)
    assert data["shares"]["a [a]"] == pytest.approx(sigmas[0] ** 2 / sum(s * s for s in sigmas), abs=0.08)
    assert simulated(checked_routes([route()]), known, seed, 10_000)[0] == sim


@pytest.mark.parametrize("formula", ["a - 2 * a", "a / (b * a - b * a)"])
def test_what_is_not_positive_is_no_estimate(formula: str) -> None:
    known = ranges(a=(1, 2, 3), b=(1, 2, 3))
    assert not simulated([route(formula=formula)], known, 1, 100)[0].ok


def sims(*medians: float) -> Replies:
    return [
        reply(
            key=f"r{n}",
            data={"formula": "a * b", "unit": "b", "shares": {"a [a]": 0.9 - n / 10, "b [b / a]": 0.1}}
            | {"low": m / 2, "mid": m, "high": m * 2},
        )
        for n, m in enumerate(medians)
    ]


@pytest.mark.parametrize(("medians", "agree"), [((1, 3), True), ((3, 1), True), ((1, 3.1), False), ((5,), True)])
def test_within_a_factor_of_three_they_agree(medians: tuple[float, ...], agree: bool) -> None:
    made = sims(*medians)
    assert routes_agree(made) is agree
    known = ranges(a=(1, 2, 3), b=(1, 2, 3))
    answer = fermi_estimate([], [route("r0"), route("r1")], known, made)
    assert answer.outcome == ("unchecked" if len(medians) == 1 else "answered" if agree else "undecided")
    data = answer.data()
    assert (data["low"], data["high"]) == (min(medians) / 2, max(medians) * 2)
    wanted = sqrt(medians[0] * medians[-1])
    assert data["estimate"] == (pytest.approx(wanted) if agree else None)
    assert data["dominant_factor"] == "a [a]"


def test_the_widest_are_revised_and_a_lost_revision_keeps_the_range() -> None:
    known = ranges(a=(1, 2, 3), b=(1, 2, 3))
    assert [w.key for w in widest_factors(sims(1, 9), known, 2)] == ["a [a]", "b [b / a]"]
    assert [w.key for w in widest_factors(sims(1, 9), known, 1)] == ["a [a]"]
    made = revised_ranges(known, [sample(4, 6, 5).but(key="a [a]"), failed("down", key="b [b / a]")])
    first, second = (m.data() for m in made)
    assert (first["low"], first["mid"], first["high"], first["revised"]) == (4, 5, 6, True)
    assert (second["mid"], second["revised"], second["lost"]) == (2, False, "down")


def test_without_a_route_there_is_no_estimate() -> None:
    with pytest.raises(Refuse, match="no route has a value: down"):
        fermi_estimate([], [], [], [failed("down")])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (123456, "120,000"),
        (99.6, "100"),
        (12.34, "12"),
        (1.234, "1.2"),
        (0.01234, "0.012"),
        (2e-9, "2.0e-09"),
        (0, "0"),
    ],
)
def test_numbers_are_readable(value: float, text: str) -> None:
    assert readable(value) == text
