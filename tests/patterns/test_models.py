"""How many models a pattern gets: all that are named within its bounds, of a tier as many as it needs."""

import pytest

from tasks.functions import find_pattern
from tasks.opening import Asked, open_asked
from tests.fake_openai import no_provider
from utils.errors import BadInput

__all__ = ["no_provider"]

pytestmark = pytest.mark.usefixtures("no_provider", "database")
REHEARSAL = [f"rehearsal/{name}" for name in ("ada", "bruno", "carla", "doris", "emil", "frieda", "gustav")]


def models_of(pattern: str, models: str) -> list[str]:
    return open_asked(find_pattern(pattern), {"prompt": "What?"}, Asked(models=models)).run.models


@pytest.mark.parametrize(
    ("pattern", "count"), [("consensus_voting", 3), ("ai_debate", 2), ("ai_judge", 3), ("think_tank_swarm", 7)]
)
def test_of_a_tier_a_pattern_with_a_bound_gets_as_many_as_it_needs(pattern: str, count: int) -> None:
    assert models_of(pattern, "") == models_of(pattern, "rehearsal")
    assert len(models_of(pattern, "")) == count


def test_all_that_are_named_take_part() -> None:
    assert models_of("consensus_voting", ",".join(REHEARSAL[:5])) == REHEARSAL[:5]


@pytest.mark.parametrize(
    ("pattern", "named", "says"),
    [
        ("consensus_voting", 2, "needs 3 distinct models"),
        ("ai_debate", 1, "needs 2 distinct models"),
        ("ai_debate", 3, "at most 2 models"),
        ("ai_judge", 4, "at most 3 models"),
    ],
)
def test_too_few_or_too_many_names_are_bad_input(pattern: str, named: int, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        models_of(pattern, ",".join(REHEARSAL[:named]))
