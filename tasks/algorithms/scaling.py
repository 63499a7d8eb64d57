"""Values brought to one scale, so that they can be weighed against each other."""

from collections.abc import Sequence


def scaled(values: Sequence[float]) -> list[float]:
    """The values between their least (0) and their greatest (1); all 0 where they do not differ."""
    low, high = min(values, default=0.0), max(values, default=0.0)
    return [(v - low) / (high - low) if high > low else 0.0 for v in values]
