"""Units and formulas: what fits together, what is no formula, and values."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.units import NoFormula, formula_unit, names_in, shown, unit_of, value_of

NAMES = st.sampled_from(["apple", "box", "year"])
UNITS = st.dictionaries(NAMES, st.integers(-3, 3).filter(bool), max_size=3)


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("people", "person"),
        ("tunings per piano per year", "tuning / (piano * year)"),
        ("piano tuners / city", "piano_tuner/city"),
        ("m^2", "m * m"),
        ("$ / month", "usd/month"),
        ("%", "1"),
        ("", "dimensionless"),
        ("share", "fraction"),
        ("cities", "city"),
        ("km/h", "km * h**-1"),
    ],
)
def test_units_in_other_words(text: str, same: str) -> None:
    assert unit_of(text) == unit_of(same)


@settings(deadline=None)
@given(UNITS)
def test_a_unit_comes_back_from_how_it_is_shown(parts: dict[str, int]) -> None:
    unit = tuple(sorted(parts.items()))
    assert unit_of(shown(unit)) == unit


@pytest.mark.parametrize(
    ("formula", "unit"),
    [
        ("a * b", "cup"),
        ("a * b / a", "cup / person"),
        ("a + 2 * a", "person"),
        ("(a * b) ** 2", "cup ** 2"),
        ("a ^ 2 / a", "person"),
        ("-a", "person"),
        ("a \u00d7 b", "cup"),
    ],
)
def test_the_unit_of_a_formula(formula: str, unit: str) -> None:
    assert formula_unit(formula, {"a": "person", "b": "cups per person"}) == unit_of(unit)


@pytest.mark.parametrize(
    ("formula", "why"),
    [
        ("a + b", "it adds"),
        ("a * c", "not declared"),
        ("a **  b", "whole number"),
        ("a ** 9", "whole number"),
        ("a ** 1.5", "whole number"),
        ("__import__('os')", "more in it"),
        ("a.b", "more in it"),
        ("a if a else b", "more in it"),
        ("'a'", "more in it"),
        ("True", "more in it"),
        ("a *", "no formula"),
        ("", "no formula"),
        ("a" * 501, "longer than"),
        ("(" * 300, "no formula"),
    ],
)
def test_no_formula(formula: str, why: str) -> None:
    with pytest.raises(NoFormula, match=why):
        formula_unit(formula, {"a": "person", "b": "cup / person"})


@settings(deadline=None)
@given(st.floats(0.1, 100), st.floats(0.1, 100))
def test_values_are_those_of_arithmetic(a: float, b: float) -> None:
    made = value_of("(a + 2) * b ** 2 / -a - b", {"a": a, "b": b})
    assert made == pytest.approx((a + 2) * b**2 / -a - b)
    assert names_in("b + a * b") == ["b", "a"]
