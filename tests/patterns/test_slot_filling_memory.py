"""Slot-filling intake that stopped early: what is remembered of it, and how a later one goes on from there."""

import pytest

from tests.patterns.harness import Stage, between
from tests.patterns.intake_talk import ANSWER, PROMPT, SCHOOL, STOP, SUM, USE, Models, found, frame, talk
from utils.db import tenant_transaction
from utils.settings import settings
from workflows.patterns.reasoning.self_refine import WRITER
from workflows.patterns.user_facing.slot_filling_intake import DESIGNER

pytestmark = pytest.mark.usefixtures("by_words")


def test_stopped_early_it_is_remembered_and_resumed_with_suggestions(stage: Stage) -> None:
    models = Models(
        frame(SCHOOL, SUM),
        {
            "Elm": [found("school", "Elm")],
            "yes, 900": [found("school", "Elm", "yes", accepts=True), found("sum", "900")],
        },
    )
    first = talk(stage, models, (ANSWER, "Elm"), (STOP, ""))
    assert first.played.answer.outcome == "incomplete"
    assert first.data["remembered"]
    assert "- School: Elm\n- Sum: (missing)" in first.played.answer.text
    assert remembered() == [(PROMPT, {"school": "Elm"}, True)]
    assert first.of(WRITER) == []
    again = talk(stage, models, (ANSWER, "yes, 900"), (USE, ""), run_id="later")
    assert again.of(DESIGNER) == [], "the frame is known"
    assert "- School - suggested: Elm (from your unfinished intake)" in again.shown[0]
    assert "- School - suggested" in between(again.extractions[0].question, "question")
    assert again.data["slots"] == {"school": "Elm", "sum": "900"}
    assert [valid for *_, valid in remembered()] == [False], "it is finished"


def test_stopped_again_the_later_state_takes_the_place_of_the_earlier(stage: Stage) -> None:
    models = Models(frame(SCHOOL, SUM), {"Elm": [found("school", "Elm")], "900": [found("sum", "900")]})
    talk(stage, models, (ANSWER, "Elm"), (STOP, ""))
    talk(stage, models, (ANSWER, "900"), (STOP, ""), run_id="later")
    assert [(values, valid) for _, values, valid in remembered()] == [
        ({"school": "Elm"}, False),
        ({"sum": "900"}, True),
    ]


def test_stopping_on_the_review_screen_keeps_it_for_later(stage: Stage) -> None:
    models = Models(frame(SCHOOL), {"Elm": [found("school", "Elm")]})
    done = talk(stage, models, (ANSWER, "Elm"), (STOP, ""))
    assert (done.data["remembered"], done.data["missing"]) == (True, [])
    assert done.of(WRITER) == []


def test_a_finished_intake_leaves_no_memory(stage: Stage) -> None:
    talk(stage, Models(frame(SCHOOL), {"Elm": [found("school", "Elm")]}), (ANSWER, "Elm"), (USE, ""))
    assert remembered() == []


def test_a_request_of_another_kind_does_not_take_up_the_stored_frame(stage: Stage) -> None:
    models = Models(frame(SCHOOL))
    talk(stage, models, (STOP, ""))
    other = talk(stage, models, (STOP, ""), run_id="other", prompt="Plan the annual meeting of a sailing club")
    assert len(other.of(DESIGNER)) == 1


def remembered() -> list[tuple[str, dict[str, str], bool]]:
    """Every remembered intake, oldest first: its prompt, its values, and whether it still stands."""
    with tenant_transaction(settings().tenant_id) as cursor:
        cursor.execute("SELECT content, fields -> 'values', valid_to IS NULL FROM memories ORDER BY created_at")
        return [(content, values, valid) for content, values, valid in cursor.fetchall()]
