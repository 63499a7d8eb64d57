"""Thought-templates: which memory is one, what may become one, and what the check makes of a solution."""

from typing import Any

import pytest

from tasks.algorithms.templates import (
    chosen_template,
    core_query,
    new_template,
    not_supported,
    stored_already,
    template_found,
    templated_answer,
)
from tasks.reply import Replies, Reply, failed, reply

FIELDS = {
    "description": "Making a target.",
    "steps": ["Pair them.", "Check."],
    "when_to_use": "When numbers are given.",
}


def memory(score: float | None, fields: Any = FIELDS) -> Replies:
    return [reply("summary", key="m1", score=score, data={"kind": "thought_template", "fields": fields})]


def core(*values: str) -> Replies:
    variables = [{"name": "n", "value": v} for v in values]
    data = {"problem_class": "targets", "objective": "Reach it.", "constraints": ["once each", " "]}
    return [reply(data={**data, "variables": variables})]


def adapted() -> Replies:
    return [reply(data={"base": "maths", "steps": ["Name.", "Solve."]})]


@pytest.mark.parametrize(
    ("recalled", "found"),
    [
        (memory(0.7), True),
        (memory(0.69), False),
        (memory(None), False),
        ([], False),
        (memory(0.9, {"description": "x"}), False),
        (memory(0.9, "junk"), False),
        (memory(0.9, {**FIELDS, "steps": [" "]}), False),
        ([failed("down")], False),
    ],
)
def test_a_memory_is_used_where_it_is_similar_and_a_template(recalled: Replies, found: bool) -> None:
    assert template_found(recalled, 0.7) is found
    made = chosen_template(recalled, adapted(), 0.7)
    assert made.data() == {"template_id": "m1" if found else "coarse:maths", "from_memory": found}
    assert "1. Pair them.\n2. Check." in made.text if found else made.text == "1. Name.\n2. Solve."


def test_a_problem_is_looked_up_by_its_kind_and_not_by_its_values() -> None:
    assert core_query(core("4711")).text == "targets Reach it. once each"


@pytest.mark.parametrize(
    ("values", "fields", "kept"),
    [
        (("24", "4711"), FIELDS, True),
        (("4711",), {**FIELDS, "steps": ["Start at 4711.", "Check."]}, False),
        (("Anna",), {**FIELDS, "description": "Ages, as for anna."}, False),
        (("Ann",), {**FIELDS, "description": "Annual sums."}, True),
        (("2",), {**FIELDS, "steps": ["Take 2 of them.", "Check."]}, True),
        ((), {**FIELDS, "description": " ", "when_to_use": ""}, False),
    ],
)
def test_a_template_holds_no_telling_value_of_its_problem(
    values: tuple[str, ...], fields: dict[str, Any], kept: bool
) -> None:
    made = new_template(core(*values), [reply(data=fields)])
    assert bool(made) is kept
    assert not kept or made[0].data()["steps"] == fields["steps"]


def test_nothing_distilled_is_nothing_new() -> None:
    assert new_template(core(), []) == new_template(core(), [failed("down")]) == []


@pytest.mark.parametrize(("score", "there"), [(0.7, True), (0.69, False), (None, False)])
def test_only_what_is_unlike_all_that_is_stored_is_stored(score: float | None, there: bool) -> None:
    assert stored_already([reply("t")], memory(score), 0.7) is there
    assert stored_already([], [], 0.7)
    assert not stored_already([reply("t")], [], 0.7)


@pytest.mark.parametrize(
    ("check", "worked", "outcome"),
    [
        (reply(data={"verdict": "supported", "reason": "-"}), 1.0, "answered"),
        (reply(data={"verdict": "refuted", "reason": "twice"}), 0.0, "undecided"),
        (reply(data={"verdict": "unknown", "reason": "-"}), 0.5, "unchecked"),
        (failed("down"), 0.5, "unchecked"),
    ],
)
def test_the_check_makes_the_outcome(check: Reply, worked: float, outcome: str) -> None:
    made = templated_answer([reply("It is so.")], [chosen_template([], adapted(), 0.7)], [check], [], [])
    assert (made.data()["worked"], made.outcome, made.data()["stored"]) == (worked, outcome, False)
    assert not_supported([check]) is (worked < 1)
    assert ("twice" in made.text) is (outcome == "undecided")
