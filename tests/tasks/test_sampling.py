"""The Beta test on two counts against its integral, and the vote that it ends in."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.sampling import adaptive_vote, lead_is_safe, lead_probability, of_turn
from tasks.answers import final_answer
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

COUNTS = st.integers(0, 40)
DRAWS = st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=12)


def drawn(answers: list[str]) -> tuple[Replies, Replies]:
    """An empty answer is a sample without one."""
    samples = [of_turn([reply(f"way {n}\nAnswer: {a}" if a else "no idea")], turn=n) for n, a in enumerate(answers, 1)]
    return samples, [final_answer([s], "Answer") for s in samples]


@pytest.mark.parametrize(
    ("first", "second", "p"), [(0, 0, 0.5), (1, 0, 0.75), (3, 0, 0.9375), (4, 0, 0.96875), (5, 1, 0.9375)]
)
def test_known_values(first: int, second: int, p: float) -> None:
    assert lead_probability(first, second) == p


@settings(deadline=None, max_examples=30)
@given(COUNTS, COUNTS)
def test_it_is_the_integral_of_the_beta_density_above_one_half(first: int, second: int) -> None:
    def density(x: float) -> float:
        return float(x**first * (1 - x) ** second)

    def integral(low: float) -> float:
        width = (1 - low) / 2000
        odd = sum(density(low + width * k) for k in range(1, 2000, 2))
        even = sum(density(low + width * k) for k in range(2, 2000, 2))
        return (density(low) + 4 * odd + 2 * even + density(1)) * width / 3

    assert lead_probability(first, second) == pytest.approx(integral(0.5) / integral(0.0), rel=1e-4, abs=1e-9)


@given(COUNTS, COUNTS)
def test_it_grows_with_the_lead_and_mirrors(first: int, second: int) -> None:
    assert lead_probability(first + 1, second) > lead_probability(first, second)
    assert lead_probability(first, second) + lead_probability(second, first) == pytest.approx(1)


@given(DRAWS)
def test_the_largest_count_wins_and_of_tied_ones_the_answer_reached_first(answers: list[str]) -> None:
    samples, finals = drawn(answers)
    valid = [a for a in answers if a]
    if not valid:
        with pytest.raises(Refuse, match="no sample ended with an answer"):
            adaptive_vote(samples, finals, 0.95)
        return
    made = adaptive_vote(samples, finals, 0.95)
    answer = made["answer"][0]
    won = max(valid, key=lambda a: (valid.count(a), -valid.index(a)))
    assert answer.data()["final_answer"] == won
    assert f"way {answers.index(won) + 1}\n" in answer.text
    assert answer.data()["samples_used"] == len(answers)
    assert answer.outcome == ("answered" if lead_is_safe(finals, 0.95) else "undecided")
    assert len(made["dissent"]) == len([a for a in valid if a != won])


def test_a_sample_that_failed_counts_nowhere() -> None:
    samples, finals = drawn(["a"] * 4)
    lost = of_turn([failed("down")], turn=5)
    assert lead_is_safe([*finals, final_answer([lost], "Answer")], 0.95)
    data = adaptive_vote([*samples, lost], [*finals, final_answer([lost], "Answer")], 0.95)["answer"][0].data()
    assert (data["agreement"], data["abstained"]) == (1.0, ["s5: down"])
    assert not lead_is_safe([], 0.5)
