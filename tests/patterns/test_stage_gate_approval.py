"""Stage gates: a person says go, rework or kill; the run waits, and goes on where it stood without paying again."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import Asked, Played, Stage, as_json, between
from utils.errors import RunFailed, Waiting
from utils.reviews import decide, open_reviews
from utils.settings import settings
from workflows.patterns.sequential.stage_gate_approval import CHECKER, DEVELOPER

PASSED = as_json(checks=[{"criterion": "done", "pass": True, "evidence": "it is"}])
NAMES = ["scope", "design", "delivery"]
STAGES: list[dict[str, Any]] = [{"name": n, "deliverable": f"the {n}", "criteria": [f"{n} is done"]} for n in NAMES]
Decision = tuple[str, str]


class Gates:
    """A run whose reviews a person decides one by one, with all that it asked the models."""

    def __init__(self, stage: Stage, check: str | Fault = PASSED, **inputs: Any) -> None:
        self.stage, self.check = stage, check
        self.inputs = {"prompt": "Build a shed.", **inputs}
        self.asked: list[Asked] = []
        self.shown: list[str] = []
        self.run_id = ""

    def go_on(self) -> Played | None:
        """Runs until it waits (None) or ends."""
        try:
            played = self.stage.play("stage_gate_approval", self._script, run_id=self.run_id, **self.inputs)
        except Waiting:
            played = None
        self.asked += self.stage.asked()
        return played

    def decided(self, *decisions: Decision) -> Played:
        """Decides in turn; the run must wait before each and end after the last."""
        for choice, notes in decisions:
            assert self.go_on() is None
            (review,) = open_reviews(settings().tenant_id)
            self.run_id = review.run_id
            self.shown.append(review.shown)
            decide(review, choice, notes, by=settings().user_id)
        played = self.go_on()
        assert played is not None
        return played

    def of(self, system: str) -> list[Asked]:
        return [a for a in self.asked if a.by(system)]

    def _script(self, asked: Asked) -> str | Fault:
        if asked.by(CHECKER):
            return self.check
        name = json.loads(between(asked.question, "stage"))["name"]
        return f"deliverable {len(self.of(DEVELOPER))} of {name}"


GO: Sequence[Decision] = [("go", "")] * 3


def test_three_times_go_gives_all_deliverables_and_the_log(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    played = gates.decided(*GO)
    assert played.answer.outcome == "answered"
    assert [a["stage"] for a in played.data["approved"]] == NAMES
    assert [(d["stage"], d["decision"]) for d in played.data["decisions"]] == [(n, "go") for n in NAMES]
    assert all(UUID(d["person"]) == settings().user_id and d["time"] for d in played.data["decisions"])
    assert all(r.text in played.answer.text for r in played.slots["replies"])


def test_a_resumed_run_pays_for_nothing_twice(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    gates.decided(*GO)
    assert (len(gates.of(DEVELOPER)), len(gates.of(CHECKER))) == (3, 3)


def test_the_person_sees_deliverable_and_check(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    gates.decided(*GO)
    assert "deliverable 0 of scope" in gates.shown[0]
    assert "pass: done (it is)" in gates.shown[0]


def test_a_stage_sees_what_was_approved_before_and_the_notes_on_itself(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    gates.decided(("go", ""), ("rework", "NOTE ONE"), ("rework", "NOTE TWO"), ("go", ""), ("go", ""))
    scope, first, second, third, delivery = (d.question for d in gates.of(DEVELOPER))
    assert between(scope, "approved") == between(scope, "notes") == between(first, "notes") == "(none)"
    assert "deliverable 0 of scope" in between(first, "approved")
    assert "NOTE ONE" in between(second, "notes")
    assert "NOTE ONE" in between(third, "notes")
    assert "NOTE TWO" in between(third, "notes")
    assert "NOTE" not in delivery
    assert "deliverable 3 of design" in between(delivery, "approved")
    assert "deliverable 1 of design" not in delivery
    for check in gates.of(CHECKER):
        assert "NOTE" not in check.saw
        assert "shed" not in check.saw


def test_kill_ends_the_work_and_its_reason_comes_first(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    played = gates.decided(("go", ""), ("kill", "no budget"))
    assert played.answer.outcome == "incomplete"
    assert played.answer.text.startswith("Killed at stage 'design': no budget")
    assert [a["stage"] for a in played.data["approved"]] == ["scope"]
    assert len(gates.of(DEVELOPER)) == 2


def test_the_third_rework_without_go_is_a_kill(stage: Stage) -> None:
    gates = Gates(stage, stages=STAGES)
    played = gates.decided(*[("rework", f"again {n}") for n in range(3)])
    assert (played.data["killed_at"], played.data["approved"]) == ("scope", [])
    assert "third rework" in played.data["reason"]
    assert [d["decision"] for d in played.data["decisions"]] == ["rework", "rework", "rework", "kill"]
    assert len(gates.of(DEVELOPER)) == 3


def test_a_check_that_cannot_be_read_still_reaches_the_person(stage: Stage) -> None:
    gates = Gates(stage, check="All good.", stages=STAGES)
    played = gates.decided(*GO)
    assert played.answer.outcome == "answered"
    assert "could not be checked" in gates.shown[0]


def test_without_stages_the_usual_three_are_taken(stage: Stage) -> None:
    assert [a["stage"] for a in Gates(stage).decided(*GO).data["approved"]] == NAMES


@pytest.mark.parametrize("count", [2, 7])
def test_too_few_or_too_many_stages_are_refused(stage: Stage, count: int) -> None:
    stages = [{**STAGES[0], "name": f"stage {n}"} for n in range(count)]
    with pytest.raises(RunFailed, match="3 to 6 are needed"):
        Gates(stage, stages=stages).go_on()
    assert stage.asked() == ()
