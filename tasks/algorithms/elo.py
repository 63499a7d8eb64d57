"""Elo ratings (Elo 1978): the expected score of a match, and both ratings after it."""

START = 1200.0
K = 32.0
SCALE = 400.0


def expected(one: float, other: float) -> float:
    """The score (0..1) that a player of the first rating can expect against one of the second."""
    return float(1 / (1 + 10 ** ((other - one) / SCALE)))


def after_match(one: float, other: float, score: float, k: float = K) -> tuple[float, float]:
    """Both ratings after a match in which the first scored 1 (won), 0.5 (drew) or 0 (lost); their sum stays."""
    change = k * (score - expected(one, other))
    return one + change, other - change
