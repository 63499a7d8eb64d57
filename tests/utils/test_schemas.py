"""Schemas and expressions of others: what fits, and that none holds up the process."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils import schemas
from utils.schemas import matches, regex_problem, validator

ENDLESS, TEXT = r"^(a|aa)+$", "a" * 60 + "!"


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schemas, "SECONDS", 0.05)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20))
def test_what_matches_is_what_python_matches(text: str) -> None:
    for expression in (r"\d{2}", r"^\s*$", r"(?i)abc", r"[^a-z]+$"):
        assert matches(expression, text) == bool(re.search(expression, text))


@pytest.mark.usefixtures("short")
def test_an_endless_search_ends() -> None:
    with pytest.raises(TimeoutError):
        matches(ENDLESS, TEXT)


@pytest.mark.usefixtures("short")
def test_an_endless_pattern_of_a_schema_is_a_misfit() -> None:
    (problem,) = validator({"properties": {"x": {"pattern": ENDLESS}}}).iter_errors({"x": TEXT})
    assert (problem.json_path, "not matched within" in problem.message) == ("$.x", True)


@pytest.mark.parametrize(("value", "fits"), [("ab1", True), ("ab", False), (7, True)])
def test_a_pattern_binds_texts_alone(value: object, fits: bool) -> None:
    assert validator({"pattern": r"\d"}).is_valid(value) is fits


def test_a_schema_keeps_its_own_draft() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True}
    assert not validator(old).is_valid(1)


@pytest.mark.parametrize(("expression", "wrong"), [("(", True), (r"\d+", False), ("", False)])
def test_an_expression_that_is_none_is_said(expression: str, wrong: bool) -> None:
    assert bool(regex_problem(expression)) is wrong
