"""Edit distance: known values, and what makes it a distance."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.edit_distance import edit_distance

TEXTS = st.text(alphabet="abc", max_size=8)


@pytest.mark.parametrize(
    ("before", "after", "distance"),
    [("kitten", "sitting", 3), ("", "", 0), ("", "abc", 3), ("abc", "", 3), ("abc", "abc", 0), ("flaw", "lawn", 2)],
)
def test_known_distances(before: str, after: str, distance: int) -> None:
    assert edit_distance(before, after) == distance


def test_lists_are_compared_by_items() -> None:
    assert edit_distance(["the", "cat", "sat"], ["the", "dog", "sat", "down"]) == 2


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_it_is_a_metric(one: str, two: str, three: str) -> None:
    direct = edit_distance(one, two)
    assert direct == edit_distance(two, one)
    assert (direct == 0) == (one == two)
    assert direct <= edit_distance(one, three) + edit_distance(three, two)


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_it_lies_between_the_difference_of_the_lengths_and_the_longer_one(one: str, two: str) -> None:
    assert abs(len(one) - len(two)) <= edit_distance(one, two) <= max(len(one), len(two))
