"""The paired test: exact, one-sided, and honest about few items."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.paired import sign_flip_p

DIFFERENCES = st.lists(st.integers(-8, 8).map(lambda n: n / 8), max_size=8)


@pytest.mark.parametrize(
    ("differences", "p"), [([], 1), ([0, 0], 1), ([1], 0.5), ([1] * 4, 1 / 16), ([1] * 5, 1 / 32), ([-1, -1], 1)]
)
def test_few_items_prove_little(differences: list[float], p: float) -> None:
    assert sign_flip_p(differences) == p


@given(DIFFERENCES)
def test_it_is_the_share_of_all_signs_with_a_sum_at_least_as_large(differences: list[float]) -> None:
    steps = [round(d * 1000) for d in differences]
    sums = [sum(s * abs(d) for s, d in zip(signs, steps, strict=True)) for signs in product((1, -1), repeat=len(steps))]
    assert sign_flip_p(differences) == sum(s >= sum(steps) for s in sums) / len(sums)


@given(DIFFERENCES)
def test_the_order_does_not_matter_and_both_sides_make_more_than_one(differences: list[float]) -> None:
    assert sign_flip_p(differences) == sign_flip_p(differences[::-1])
    assert sign_flip_p(differences) + sign_flip_p([-d for d in differences]) >= 1


def test_forty_items_take_no_time() -> None:
    assert sign_flip_p([n / 997 for n in range(40)]) < 1e-9
