"""Shingles: copies are known again whatever their case and punctuation."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.shingles import shared, shingles

TEXTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=12).map(" ".join)


def test_runs_of_words() -> None:
    assert shingles("A b, c! d", 3) == {("a", "b", "c"), ("b", "c", "d")}
    assert shingles("a b", 8) == {("a", "b")}
    assert shingles(" ... ", 8) == frozenset()


@pytest.mark.parametrize(
    ("text", "other", "share"), [("a b c", "x a b c y", 1), ("a b c d", "a b c e", 0.5), ("", "a", 0), ("a", "b", 0)]
)
def test_the_share_is_of_the_text_itself(text: str, other: str, share: float) -> None:
    assert shared(text, other, 3) == share


@settings(deadline=None)
@given(TEXTS, TEXTS, st.integers(1, 9))
def test_it_is_a_share_and_a_copy_has_all(text: str, other: str, size: int) -> None:
    assert 0 <= shared(text, other, size) <= 1
    assert shared(text, text.upper() + "!", size) == (1 if text else 0)
