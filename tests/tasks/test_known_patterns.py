"""Which patterns a graph may take up by name."""

import pytest

from tasks.calls import Spot
from tasks.known_patterns import usable_patterns
from tasks.registry import ensure_synced
from tasks.reply import reply
from tasks.run import Run
from utils.accounts import ensure_personal
from utils.patterns import switch
from utils.settings import settings

pytestmark = pytest.mark.usefixtures("database")


def usable(*models: str, most_calls: int = 100_000, slot: str = "out", prompt: str = "Is it so?") -> set[str]:
    run = Run(tenant_id=str(settings().tenant_id), user_id="", run_id="", workflow="", models=list(models))
    spot, asked = Spot(run, "usable"), [reply(prompt)]
    found = usable_patterns(spot, prompt=asked, most_calls=most_calls, at_most=3, always="self_refine")
    return {r.key for r in found[slot]}


def test_one_that_takes_up_others_by_name_is_never_among_them() -> None:
    assert "self_refine" in usable("a")
    assert "slot_filling_intake" not in usable("a", "b", "c")


def test_a_pattern_needs_its_number_of_different_models() -> None:
    assert "consensus_voting" not in usable("a", "b", "b")
    assert "consensus_voting" in usable("a", "b", "c")


def test_a_pattern_that_may_call_too_often_is_left_out() -> None:
    assert "self_refine" in usable("a", most_calls=7)
    assert "self_refine" not in usable("a", most_calls=6)


def test_a_disabled_pattern_is_never_among_them() -> None:
    tenant, user = settings().tenant_id, settings().user_id
    ensure_personal(tenant, user)
    ensure_synced(tenant)
    switch(tenant, user, "self_refine", enabled=False)
    assert "self_refine" not in usable("a")
    assert "chain_of_verification" in usable("a")


def test_of_many_those_that_fit_the_prompt_are_shown_and_the_one_that_always_is() -> None:
    few = usable("a", "b", "c", slot="shown", prompt="Let two sides debate it, and a judge decide.")
    assert len(few) == 3
    assert {"self_refine", "ai_debate"} <= few
