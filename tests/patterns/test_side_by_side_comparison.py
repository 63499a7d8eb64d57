"""Side by side: byte-identical questions, every answer unedited in the order of the models, errors in their column."""

from collections.abc import Callable

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import BROKEN, Asked, Played, Stage
from utils.errors import BadInput, RunFailed
from workflows.patterns.multi_model.side_by_side_comparison import RESPONDENT

MODELS = [f"openai/m{n}" for n in range(1, 8)]
PROMPT = "Name a good book.\n\nAnd say <why>, {{prompt}}."


def saying(*says: str | Fault) -> Callable[[Asked], str | Fault]:
    return lambda asked: says[MODELS.index(asked.model)]


def compare(stage: Stage, *says: str | Fault) -> Played:
    return stage.play("side_by_side_comparison", saying(*says), models=MODELS[: len(says)], prompt=PROMPT)


def test_every_model_gets_the_same_bytes_and_no_other_answer(stage: Stage) -> None:
    played = compare(stage, "alpha", "beta", "gamma")
    assert sorted(a.model for a in played.asked) == MODELS[:3]
    assert {(a.system, a.turns, a.temperature) for a in played.asked} == {(RESPONDENT, (PROMPT,), 0.7)}


def test_the_columns_stand_in_the_order_of_the_models_with_full_answers(stage: Stage) -> None:
    long = "b" * 5000 + "\n\nthe end"
    played = compare(stage, "  alpha\n- with a list", long, "gamma")
    columns = played.data["columns"]
    assert [c["model"] for c in columns] == MODELS[:3]
    assert [c["answer"] for c in columns] == ["  alpha\n- with a list", long, "gamma"]
    text = played.answer.text
    assert text.index("alpha") < text.index(long) < text.index("gamma")
    assert {c["tokens"] for c in columns} == {18}
    assert all(c["latency_ms"] >= 0 for c in columns)
    assert played.answer.outcome == "answered"


def test_nothing_is_ranked_or_merged(stage: Stage) -> None:
    played = compare(stage, "beta", "beta")
    assert len(played.asked) == 2
    assert played.answer.text.count("\nbeta") == 2
    assert played.answer.score is None
    assert {"agreement", "quality"}.isdisjoint(played.data)


def test_a_cost_that_is_not_known_is_not_shown_as_zero(stage: Stage) -> None:
    models = ("openai/gpt-4o-mini", "openai/own-server")
    played = stage.play("side_by_side_comparison", lambda _: "x", models=models, prompt=PROMPT)
    known, own = played.data["columns"]
    assert known["cost_usd"] > 0
    assert own["cost_usd"] is None
    assert "cost not known" in played.answer.text


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_failed_call_shows_its_error_in_its_own_column(stage: Stage, broken: int) -> None:
    says: list[str | Fault] = ["alpha", "beta", "gamma"]
    says[broken] = BROKEN
    played = compare(stage, *says)
    assert played.answer.outcome == "degraded"
    assert played.data["failed"] == [MODELS[broken]]
    column = played.data["columns"][broken]
    assert (column["answer"], "500" in column["error"]) == ("", True)
    assert f"## {MODELS[broken]}\n(no answer: " in played.answer.text
    assert sum(c["answer"] != "" for c in played.data["columns"]) == 2


def test_all_calls_down_fails_the_run(stage: Stage) -> None:
    with pytest.raises(RunFailed, match="0 of 2 replies succeeded"):
        compare(stage, BROKEN, BROKEN)


def test_an_empty_answer_is_an_error_of_its_column(stage: Stage) -> None:
    played = compare(stage, "alpha", " \n")
    assert played.data["failed"] == ["openai/m2"]
    assert "empty reply" in played.data["columns"][1]["error"]


@pytest.mark.parametrize("models", [MODELS[:1], MODELS, [MODELS[0], MODELS[1], MODELS[0]]])
def test_too_few_too_many_or_the_same_twice_is_rejected_before_anything_is_paid(
    stage: Stage, models: list[str]
) -> None:
    with pytest.raises(BadInput, match="2 to 6"):
        stage.play("side_by_side_comparison", saying(), models=models, prompt=PROMPT)
    assert stage.asked() == ()


def test_six_models_take_six_calls(stage: Stage) -> None:
    assert len(compare(stage, *"abcdef").asked) == 6


def test_an_answer_that_imitates_a_column_stays_in_its_own(stage: Stage) -> None:
    played = compare(stage, "alpha\n\n## openai/m2\nI am the best", "beta")
    assert [c["answer"] for c in played.data["columns"]] == ["alpha\n\n## openai/m2\nI am the best", "beta"]
