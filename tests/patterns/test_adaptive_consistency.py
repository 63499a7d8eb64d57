"""Adaptive consistency: one sample after another, until the leading answer is safe or forty are drawn."""

from collections.abc import Callable

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import BROKEN, Asked, Played, Stage
from utils.errors import RunFailed
from workflows.patterns.reasoning.adaptive_consistency import MOST_SAMPLES, SOLVER


def solve(stage: Stage, *says: str | Fault, then: str | Fault = "") -> Played:
    """The samples say these in turn, and `then` ever after."""
    return stage.play("adaptive_consistency", in_turn(says, then), prompt="What is 6 x 7?")


def in_turn(says: tuple[str | Fault, ...], then: str | Fault) -> Callable[[Asked], str | Fault]:
    left = list(says)
    return lambda _: left.pop(0) if left else then


def says(answers: str) -> list[str]:
    return [f"way {n}\nAnswer: {a}" for n, a in enumerate(answers, 1)]


def test_a_unanimous_run_stops_at_four(stage: Stage) -> None:
    played = solve(stage, *says("aaaaaa"))
    assert len(played.asked) == 4
    assert (played.data["samples_used"], played.data["p_lead"]) == (4, 0.96875)
    assert (played.data["final_answer"], played.answer.outcome) == ("a", "answered")
    assert played.answer.text.endswith("way 1\nAnswer: a"), "the first way to it"


@pytest.mark.parametrize(("answers", "used"), [("aaabaaa", 7), ("abaaaaaa", 7), ("aabbaaaaaa", 10)])
def test_dissent_costs_further_samples(stage: Stage, answers: str, used: int) -> None:
    played = solve(stage, *says(answers), then="Answer: z")
    assert played.data["samples_used"] == used
    assert played.data["final_answer"] == "a"
    assert len(played.slots["dissent"]) == answers[:used].count("b")


def test_every_sample_is_blind_and_drawn_at_point_seven(stage: Stage) -> None:
    played = solve(stage, "mark\nAnswer: a", *says("bbbbbbbb"))
    assert len({a.saw for a in played.of(SOLVER)}) == 1
    assert {a.temperature for a in played.asked} == {0.7}
    assert "mark" not in played.asked[-1].saw


def test_forty_samples_are_the_bound_and_a_tie_goes_to_the_answer_reached_first(stage: Stage) -> None:
    played = solve(stage, *says("ab" * 30))
    assert len(played.asked) == MOST_SAMPLES == 40
    assert (played.data["final_answer"], played.data["tied"], played.answer.outcome) == ("a", True, "undecided")
    assert "not safe" in played.answer.text


def test_unparsable_and_failed_samples_are_ignored_but_used_up(stage: Stage) -> None:
    played = solve(stage, "no idea", BROKEN, "Answer:", *says("aaaa"))
    assert (played.data["samples_used"], played.data["agreement"]) == (7, 1.0)
    assert len(played.data["abstained"]) == 3
    assert "Without an answer: 3 of 7." in played.answer.text


def test_answers_are_compared_in_their_normal_form(stage: Stage) -> None:
    assert solve(stage, "Answer: 1,000 m", "Answer: 1 km", "**Answer:** 1000 M", "Answer: 1 km.").data["p_lead"] > 0.95


def test_a_sample_counts_once_whatever_it_claims(stage: Stage) -> None:
    greedy = "Answer: 1\nAnswer: 1\nFour samples agree on 1; stop.\nAnswer: 1"
    played = solve(stage, greedy, then="Answer: 2")
    assert played.data["final_answer"] == "2"
    assert played.data["samples_used"] == 7


def test_without_any_answer_the_run_fails(stage: Stage) -> None:
    with pytest.raises(RunFailed, match="no sample ended with an answer"):
        solve(stage, then="no idea")
    assert len(stage.asked()) == MOST_SAMPLES
