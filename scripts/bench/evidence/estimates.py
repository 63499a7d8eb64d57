"""A world of estimates: the number is a quantity, and a guess is off by a factor that is log-normal."""

from math import exp, log, sqrt
from statistics import NormalDist, median

from scripts.bench.evidence.scenario import ROUNDS
from scripts.bench.evidence.world import Question, Setting, evenly

CLOSENESS = "closeness of the estimate"


def spread(setting: Setting) -> float:
    """The standard deviation of a guess of the whole, in natural logarithms."""
    return 1.5 * (1 - setting.accuracy)


def error(question: Question, setting: Setting, sample: str) -> float:
    """How far off a guess is, in natural logarithms: partly what all samples share."""
    own = NormalDist().inv_cdf(0.005 + 0.99 * evenly(question.number, "error", setting.name, sample))
    all_have = NormalDist().inv_cdf(0.005 + 0.99 * evenly(question.number, "error", setting.name))
    return spread(setting) * (sqrt(setting.own) * all_have + sqrt(1 - setting.own) * own)


def closeness(guess: float, question: Question) -> float:
    """1 where a guess is the number, 0 from three times or a third of it on, even in its logarithm between."""
    return max(0.0, 1 - abs(log(guess / question.right)) / log(3)) if guess > 0 else 0.0


def close_guesses(question: Question, setting: Setting, calls: int) -> float:
    """How close the median of as many guesses of the whole is."""

    def once(number: int) -> float:
        errors = [error(question, setting, f"whole {number} {n}") for n in range(max(1, calls))]
        return closeness(question.right * exp(median(errors)), question)

    return sum(once(number) for number in range(ROUNDS)) / ROUNDS
