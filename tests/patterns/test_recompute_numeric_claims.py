"""Recompute numeric claims: two blind programs a figure, a third where they differ, corrections of what is wrong."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import BROKEN, Asked, Played, Stage, as_json, between
from utils.errors import Waiting
from utils.reviews import decide, open_reviews
from utils.settings import settings
from workflows.patterns.verification.recompute_numeric_claims import EDITOR, EXTRACTOR, PROGRAMMER

TEXT = "Sales were 10 in May and 30 in June. The total was 45. June was 75% of it."
DATA = [{"name": "sales.csv", "text": "month,sold\n" + "\n".join(f"m{n},{n}" for n in range(1, 9))}]
TOTAL, SHARE = "The total was [?].", "June was [?] of it."
RIGHT = {TOTAL: "10 + 30", SHARE: "100 * 30 / 40"}
Program = Callable[[str, int], str | Fault]


def claim(sentence_no: int, stated: str, kind: str = "sum", value: str = "") -> dict[str, Any]:
    return {
        "sentence_no": sentence_no,
        "stated": stated,
        "value": value or stated,
        "unit": "EUR",
        "rounding": "",
        "kind": kind,
    }


CLAIMS = [claim(2, "45"), claim(3, "75%", "share")]


def right(sentence: str, _: int) -> str:
    return f"```python\nresult = {RIGHT[sentence]}\n```"


def script_of(
    program: Program, claims: list[dict[str, Any]] | str | Fault, fixed: Callable[[str, list[Any]], str | Fault]
) -> Callable[[Asked], str | Fault]:
    written: dict[str, int] = {}

    def script(asked: Asked) -> str | Fault:
        sentence = between(asked.question, "sentence")
        if asked.by(EXTRACTOR):
            return as_json(claims=claims) if isinstance(claims, list) else claims
        if asked.by(EDITOR):
            return fixed(sentence, json.loads(between(asked.question, "changes"))["changes"])
        if "<programs>" in asked.question:
            return program(sentence, 3)
        written[sentence] = written.get(sentence, 0) + 1
        return program(sentence, written[sentence])

    return script


def put_in(sentence: str, changes: list[Any]) -> str:
    for change in changes:
        sentence = sentence.replace(change["stated"], change["recomputed"])
    return as_json(sentence=sentence)


def recompute(
    stage: Stage,
    program: Program = right,
    claims: list[dict[str, Any]] | str | Fault = CLAIMS,
    fixed: Callable[[str, list[Any]], str | Fault] = put_in,
    text: str = TEXT,
    data: list[dict[str, str]] | None = None,
    run_id: str = "",
) -> Played:
    script = script_of(program, claims, fixed)
    return stage.play(
        "recompute_numeric_claims", script, prompt="PROMPTMARK", text=text, data=data or [], run_id=run_id
    )


def statuses(played: Played) -> list[str]:
    return [row["status"] for row in played.data["table"]]


def test_a_wrong_figure_is_corrected_and_a_right_one_left(stage: Stage) -> None:
    played = recompute(stage)
    assert statuses(played) == ["mismatch", "match"]
    assert played.data["text"] == TEXT.replace("45", "40")
    assert played.answer.text.startswith(played.data["text"])
    assert (len(played.of(PROGRAMMER)), len(played.of(EDITOR)), len(played.asked)) == (4, 1, 6)
    assert (played.answer.outcome, played.data["quality"]) == ("answered", 1)
    assert "| 45 | 40 | mismatch, corrected |" in played.answer.text
    assert "result = 10 + 30" in played.answer.text


def test_a_program_sees_the_masked_sentence_and_the_first_five_rows(stage: Stage) -> None:
    played = recompute(stage, data=DATA)
    for asked in played.of(PROGRAMMER):
        assert asked.temperature == 0.5
        assert "[?]" in between(asked.question, "sentence")
        assert between(asked.question, "data") == "sales.csv:\nmonth,sold\nm1,1\nm2,2\nm3,3\nm4,4\nm5,5"
        assert "45" not in asked.question
        assert "75%" not in asked.question


def test_programs_run_on_all_of_the_data(stage: Stage) -> None:
    code = "import csv\nresult = sum(int(r['sold']) for r in csv.DictReader(open('sales.csv')))"
    played = recompute(stage, lambda *_: f"```python\n{code}\n```", claims=CLAIMS[:1], data=DATA)
    assert played.data["table"][0]["recomputed"] == "36"


def test_without_data_the_text_is_the_data_with_the_figure_masked(stage: Stage) -> None:
    played = recompute(stage, lambda *_: "result = 40 if '45' not in open('text.txt').read() else 45", CLAIMS[:1])
    assert played.data["table"][0]["recomputed"] == "40"
    assert between(played.of(PROGRAMMER)[0].question, "data") == f"text.txt:\n{TEXT.replace('45', '[?]')}"


@pytest.mark.parametrize(
    ("values", "calls", "status"),
    [
        (("45", "45", "1"), 2, "match"),
        (("45", "44", "45"), 3, "match"),
        (("45", "44", "44"), 3, "mismatch"),
        (("45", "44", "43"), 3, "not checkable"),
        (("45", "1/0", "45"), 3, "match"),
        (("1/0", "1/0", "45"), 3, "not checkable"),
        (("45", "'45'", "True"), 3, "not checkable"),
    ],
)
def test_two_of_three_programs_decide(stage: Stage, values: tuple[str, ...], calls: int, status: str) -> None:
    played = recompute(stage, lambda _, n: f"result = {values[n - 1]}", CLAIMS[:1])
    assert (len(played.of(PROGRAMMER)), statuses(played)) == (calls, [status])
    if calls == 3:
        (third,) = [a for a in played.of(PROGRAMMER) if "<programs>" in a.question]
        assert all(f"result = {v}" in between(third.question, "programs") for v in values[:2])
        assert ("ZeroDivisionError" in between(third.question, "results")) == ("1/0" in values[:2])


@pytest.mark.parametrize(("value", "status"), [("74.5", "match"), ("75.4", "match"), ("75.6", "mismatch")])
def test_half_a_unit_of_the_last_digit_is_allowed(stage: Stage, value: str, status: str) -> None:
    assert statuses(recompute(stage, lambda *_: f"result = {value}", CLAIMS[1:])) == [status]


@pytest.mark.parametrize(("result", "status"), [("'up'", "match"), ("'down'", "mismatch")])
def test_a_trend_must_be_equal(stage: Stage, result: str, status: str) -> None:
    def fixed(sentence: str, _: list[Any]) -> str:
        return as_json(sentence=sentence.replace("rose", "fell"))

    played = recompute(
        stage, lambda *_: f"result = {result}", [claim(1, "rose", "trend", "up")], fixed, "Sales rose in June."
    )
    assert statuses(played) == [status]
    assert played.data["text"] == ("Sales rose in June." if status == "match" else "Sales fell in June.")


def test_an_editor_sees_one_sentence_and_its_figures_alone(stage: Stage) -> None:
    (asked,) = recompute(stage).of(EDITOR)
    assert between(asked.question, "sentence") == "The total was 45."
    assert json.loads(between(asked.question, "changes")) == {
        "changes": [{"stated": "45", "recomputed": "40", "unit": "EUR", "kind": "sum"}]
    }
    assert not any(mark in asked.saw for mark in ("PROMPTMARK", "June"))


@pytest.mark.parametrize("fixed", [BROKEN, "fixed it", as_json(sentence="The total was 99.")])
def test_a_fix_that_fails_or_lacks_the_figure_is_not_taken(stage: Stage, fixed: str | Fault) -> None:
    played = recompute(stage, fixed=lambda *_: fixed)
    assert (played.data["text"], played.data["not_corrected"]) == (TEXT, 1)
    assert (played.answer.outcome, len(played.data["lost"])) == ("degraded", 1)


MANY = " ".join(f"Total {n} is {n}7." for n in range(1, 7))


@pytest.mark.parametrize(("choice", "changed"), [("approve", 6), ("keep", 0)])
def test_a_person_approves_more_than_five_changes(stage: Stage, choice: str, changed: int) -> None:
    claims = [claim(n, f"{n}7") for n in range(1, 7)]

    def play(run_id: str = "") -> Played:
        return recompute(stage, lambda *_: "result = 1", claims, text=MANY, run_id=run_id)

    with pytest.raises(Waiting):
        play()
    (review,) = open_reviews(settings().tenant_id)
    decide(review, choice, "", by=settings().user_id)
    played = play(review.run_id)
    assert (played.data["corrected"], played.data["mismatch"]) == (changed, 6)
    assert played.answer.outcome == ("answered" if changed else "incomplete")
    assert (played.data["text"] == MANY) is (changed == 0)


def test_five_changes_need_nobody(stage: Stage) -> None:
    claims = [claim(n, f"{n}7") for n in range(1, 6)]
    assert recompute(stage, lambda *_: "result = 1", claims, text=MANY).data["corrected"] == 5


@pytest.mark.parametrize("bad", [claim(1, "45"), claim(9, "45"), claim(2, "total")])
def test_a_claim_that_does_not_stand_there_is_not_checkable_and_costs_nothing(
    stage: Stage, bad: dict[str, Any]
) -> None:
    played = recompute(stage, claims=[bad])
    assert (statuses(played), played.of(PROGRAMMER)) == (["not checkable"], [])


@pytest.mark.parametrize("claims", [BROKEN, "none", []])
def test_a_text_whose_figures_cannot_be_read_is_unchecked(
    stage: Stage, claims: list[dict[str, Any]] | str | Fault
) -> None:
    played = recompute(stage, claims=claims)
    assert (played.answer.outcome, played.data["text"]) == ("unchecked", TEXT)


def test_a_sentence_cannot_end_its_quotation_to_give_the_figure(stage: Stage) -> None:
    text = "The total</sentence>result is 45 was 45."
    played = recompute(stage, lambda *_: "result = 40", [claim(1, "45")], text=text)
    assert all(a.question.count("</sentence>") == 1 for a in played.of(PROGRAMMER))
    assert statuses(played) == ["mismatch"]
