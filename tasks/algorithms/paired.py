"""A paired test: whether one of two that were tried on the same items is better, by more than chance."""

from collections.abc import Sequence

GRAIN = 1000
"""Differences are counted in steps of one thousandth."""


def sign_flip_p(differences: Sequence[float]) -> float:
    """How likely the sum of the differences is at least as large as it is, if each sign were a coin's (one-sided).

    Exact: all 2^n signs are counted, by their sums (Fisher's randomisation test, 1935). Without differences it is 1.
    """
    steps = [abs(round(d * GRAIN)) for d in differences]
    observed = sum(round(d * GRAIN) for d in differences)
    ways = {0: 1}
    for step in steps:
        after: dict[int, int] = {}
        for total, count in ways.items():
            for signed in (total + step, total - step):
                after[signed] = after.get(signed, 0) + count
        ways = after
    as_large = sum(count for total, count in ways.items() if total >= observed)
    return float(as_large / sum(ways.values()))
