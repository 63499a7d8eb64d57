"""Which patterns a graph may take up by name."""

from tasks.calls import Spot
from tasks.known_patterns import usable_patterns
from tasks.run import Run


def usable(*models: str, most_calls: int = 100_000) -> set[str]:
    run = Run(tenant_id="", user_id="", run_id="", workflow="", models=list(models))
    return {r.key for r in usable_patterns(Spot(run, "usable"), most_calls=most_calls)["out"]}


def test_one_that_takes_up_others_by_name_is_never_among_them() -> None:
    assert "self_refine" in usable("a")
    assert "slot_filling_intake" not in usable("a", "b", "c")


def test_a_pattern_needs_its_number_of_different_models() -> None:
    assert "consensus_voting" not in usable("a", "b", "b")
    assert "consensus_voting" in usable("a", "b", "c")


def test_a_pattern_that_may_call_too_often_is_left_out() -> None:
    assert "self_refine" in usable("a", most_calls=7)
    assert "self_refine" not in usable("a", most_calls=6)
