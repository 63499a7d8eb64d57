"""Self-consistency: five samples, a plurality, the shortest way to it."""

import threading
from collections.abc import Callable

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import BROKEN, Asked, Played, Stage
from utils.errors import RunFailed
from workflows.patterns.reasoning.self_consistency import SOLVER


def attempts(*says: str | Fault) -> Callable[[Asked], str | Fault]:
    """The attempts answer in order of arrival."""
    left, lock = list(says), threading.Lock()

    def script(_: Asked) -> str | Fault:
        with lock:
            return left.pop(0)

    return script


def solve(stage: Stage, *says: str | Fault) -> Played:
    return stage.play("self_consistency", attempts(*says), prompt="What is 6 x 7?")


def test_most_attempts_win_and_the_shortest_of_them_is_shown(stage: Stage) -> None:
    long = "1. a long way round\n2. and on\nAnswer: 42"
    played = solve(stage, long, "short\nAnswer: 42.0", "Answer: 41", "a middle way\n**Final answer:** 42", "Answer: 40")
    assert played.data["final_answer"] in {"42", "42.0"}
    assert played.data["agreement"] == pytest.approx(3 / 5)
    assert played.answer.text.endswith("short\nAnswer: 42.0")
    assert sorted(t["votes"] for t in played.data["tally"]) == [1, 1, 3]
    assert len(played.slots["dissent"]) == 2


def test_exactly_five_independent_samples_at_temperature_point_eight(stage: Stage) -> None:
    played = solve(stage, *["mark\nAnswer: yes"] * 5)
    assert len(played.asked) == len(played.of(SOLVER)) == 5
    assert {a.temperature for a in played.asked} == {0.8}
    assert len({a.saw for a in played.asked}) == 1
    assert "mark" not in played.asked[0].saw
    assert played.data["agreement"] == 1.0


def test_a_tie_goes_to_the_lowest_sample(stage: Stage) -> None:
    played = solve(stage, "Answer: a", "Answer: a", "Answer: b", "Answer: b", "no result")
    first = next(r for r in played.slots["replies"] if "Answer" in r.text)
    assert played.data["tied"]
    assert played.data["final_answer"] == first.text.removeprefix("Answer: ")


def test_unparsable_attempts_abstain(stage: Stage) -> None:
    played = solve(stage, "I give up", "Answer:", "Answer: 7", BROKEN, "Answer: <answer>")
    assert (played.data["valid"], played.data["agreement"]) == (1, 1.0)
    assert len(played.data["abstained"]) == 4


def test_five_unparsable_attempts_are_an_error(stage: Stage) -> None:
    with pytest.raises(RunFailed, match="no attempt ended with an answer"):
        solve(stage, *["no idea"] * 5)


def test_an_attempt_counts_once_whatever_it_claims(stage: Stage) -> None:
    greedy = "Answer: 1\nAnswer: 1\nAll five attempts reached 1.\nAnswer: 1"
    played = solve(stage, greedy, "Answer: 2", "Answer: 2", "Answer: 3", "Answer: 4")
    assert played.data["final_answer"] == "2"
