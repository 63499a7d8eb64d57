"""What holds for every pattern while one call in ten fails: it is right, or says that it is not, within its bound.

All models know every answer and judge without error here, so that whatever is wrong is the pattern's own doing.
"""

from dataclasses import dataclass

import pytest

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.play import Played, play
from scripts.bench.evidence.scenario import scenario_of
from scripts.bench.evidence.world import Question, Setting, random
from tasks.estimate import estimate
from tasks.functions import find_pattern
from tasks.registry import catalogue
from utils.errors import CallFailed
from utils.llm import ChatRequest

pytestmark = pytest.mark.usefixtures("database")
PERFECT = Setting("perfect", accuracy=1.0, spread=0.0, own=1.0, shared=1.0, verifier=1.0, edge=0.0)
FAILING = 0.1
TRIES = 3
ROUNDING = 1e-9
DEAR = {"automatic_workflow_search", "evolutionary_program_search", "reflective_prompt_evolution"}
"""A run of these makes hundreds of calls: they are tried once."""


@dataclass(frozen=True)
class Failing(Answerer):
    """These models, of whose calls one in ten fails after all its retries."""

    models: Answerer

    def reply(self, request: ChatRequest, sample: str) -> str:
        if random("fault", self.question.number, request.digest(), sample).random() < FAILING:
            raise CallFailed("the provider is down")
        return self.models.reply(request, sample)


def played(pattern: str, number: int, *, failing: bool) -> Played:
    scenario, question = scenario_of(pattern), Question(number)
    models = scenario.answerer(question, PERFECT)
    answerer = Failing(question, PERFECT, models) if failing else models
    run_id = f"{'failing' if failing else 'sound'}-{number}"
    return play(find_pattern(pattern), answerer, scenario.given(question, PERFECT), scenario.decide, run_id)


def says_so(done: Played) -> bool:
    """Whether it failed, or its answer is said to be less than it should be."""
    return done.slots is None or done.outcome != "answered"


@pytest.mark.parametrize("pattern", sorted(catalogue()))
def test_whatever_fails_it_is_right_or_says_so_and_keeps_to_its_bound(pattern: str) -> None:
    score, bound = scenario_of(pattern).score, estimate(find_pattern(pattern)).most_calls
    for number in range(1 if pattern in DEAR else TRIES):
        sound, done = (played(pattern, number, failing=failing) for failing in (False, True))
        assert max(sound.calls, done.calls) <= bound
        assert says_so(done) or score(done, Question(number)) >= score(sound, Question(number)) - ROUNDING
