"""Quotes: verbatim but for white space."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.quotes import folded, occurs

TEXTS = st.text(alphabet="aB \n\t", max_size=30)


@given(TEXTS, TEXTS, TEXTS)
def test_a_part_occurs_however_its_white_space_is_cut(before: str, part: str, after: str) -> None:
    broken = part.replace(" ", "\n \t")
    assert occurs(broken, f"{before} {part} {after}") is bool(part.strip())


@given(TEXTS)
def test_folding_twice_is_folding_once(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@pytest.mark.parametrize(
    ("part", "whole", "any_case", "found"),
    [
        ("", "text", False, False),
        (" \n", "a b", False, False),
        ("Total: 12", "The  total: 12", False, False),
        ("Total: 12", "The  total:\n12", True, True),
        ("12", "1 2", False, False),
    ],
)
def test_letters_count_as_they_stand(part: str, whole: str, any_case: bool, found: bool) -> None:
    assert occurs(part, whole, any_case=any_case) is found
