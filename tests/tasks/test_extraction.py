"""Extraction: what is wrong with a field, what a repair may touch, and what becomes of fields that still fail."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.extraction import (
    extracted_record,
    record_errors,
    repaired_record,
    settled_record,
    typed_value,
    wanted_fields,
)
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply
from tasks.walk import input_replies

DOCUMENT = [reply("Invoice 7 of 2026-03-01.\nTotal  due: 12.50 EUR, by 2026-04-01.")]
FIELDS: list[dict[str, Any]] = [
    {"name": "total", "required": True, "schema": {"type": "number"}},
    {"name": "issued", "schema": {"type": "string", "format": "date"}},
    {"name": "due", "schema": {"type": "string", "format": "date"}},
]
RULE = {"left": "issued", "order": "less", "right": "due", "says": "It is due after it was issued."}
NAMES = st.sampled_from(["total", "issued", "due", "ghost"])
ENTRIES = st.lists(st.tuples(NAMES, st.none() | st.integers() | st.text(max_size=5)), max_size=8)


def wanted(*fields: dict[str, Any], rules: list[dict[str, Any]] | None = None) -> tuple[Replies, Replies]:
    given_rules = input_replies(rules or [])
    return wanted_fields(input_replies(list(fields or FIELDS)), given_rules), given_rules


def said(**values: Any) -> Replies:
    """Entries by name: a value, or a value and its quote."""
    pairs = {n: v if isinstance(v, tuple) else (v, str(v)) for n, v in values.items()}
    return [reply(data={"fields": [{"name": n, "value": v, "quote": q} for n, (v, q) in pairs.items()]})]


def errors(rules: list[dict[str, Any]] | None = None, **values: Any) -> dict[str, str]:
    fields, given_rules = wanted(rules=rules)
    found = record_errors(fields, given_rules, [extracted_record(fields, said(**values))], DOCUMENT)
    return {e.key: e.text for e in found}


RIGHT: dict[str, Any] = {"total": (12.5, "Total due: 12.50"), "issued": "2026-03-01", "due": "2026-04-01"}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, {}),
        ({"issued": (None, "")}, {}),
        ({"total": (None, "")}, {"total": "required"}),
        ({"total": ("12.5", "Total due: 12.50")}, {"total": "does not fit"}),
        ({"total": (12.5, "Total: 12.50")}, {"total": "quote is not in the document"}),
        ({"total": (12.5, "")}, {"total": "quote is not in the document"}),
        ({"issued": ("1 March", "2026-03-01")}, {"issued": "does not fit"}),
    ],
)
def test_schema_presence_and_quote_are_checked(changes: dict[str, Any], wrong: dict[str, str]) -> None:
    found = errors(**{**RIGHT, **changes})
    assert set(found) == set(wrong)
    assert all(wrong[name] in found[name] for name in wrong)


@pytest.mark.parametrize(
    ("order", "broken"),
    [("less", False), ("at_most", False), ("different", False), ("more", True), ("at_least", True), ("equal", True)],
)
def test_a_broken_rule_is_an_error_of_both_sides(order: str, broken: bool) -> None:
    found = errors([{**RULE, "order": order}], **RIGHT)
    assert set(found) == ({"issued", "due"} if broken else set())


def test_a_rule_says_nothing_of_a_value_that_is_not_there_and_everything_of_what_cannot_be_compared() -> None:
    assert errors([{**RULE, "order": "more"}], **{**RIGHT, "due": (None, "")}) == {}
    mixed = errors([{**RULE, "left": "total"}], **RIGHT)
    assert set(mixed) == {"total", "due"}


@given(ENTRIES, st.sets(NAMES))
def test_a_repair_touches_what_failed_and_nothing_else(entries: list[tuple[str, Any]], failing: set[str]) -> None:
    fields, _ = wanted()
    before = extracted_record(fields, said(**RIGHT))
    reply_ = [reply(data={"fields": [{"name": n, "value": v, "quote": ""} for n, v in entries]})]
    wrong = [reply(key=name) for name in failing & {f.key for f in fields}]
    after = repaired_record([before], wrong, reply_).data()["fields"]
    assert set(after) == {"total", "issued", "due"}
    for name, entry in before.data()["fields"].items():
        assert name in failing or after[name] == entry


def test_an_extraction_that_failed_is_an_error_of_every_field_until_a_reply_says_what_there_is() -> None:
    fields, rules = wanted()
    lost = [extracted_record(fields, [failed("down")])]
    wrong = record_errors(fields, rules, lost, DOCUMENT)
    assert {e.key: e.text for e in wrong} == dict.fromkeys(RIGHT, "the extraction failed")
    still = [repaired_record(lost, wrong, [failed("down")])]
    assert len(record_errors(fields, rules, still, DOCUMENT)) == 3
    mended = [repaired_record(still, wrong, said(total=RIGHT["total"]))]
    assert record_errors(fields, rules, mended, DOCUMENT) == []


def test_a_rule_falls_with_the_optional_field_that_broke_it() -> None:
    fields = [{**FIELDS[1], "required": True}, FIELDS[2]]
    made, rules = wanted(*fields, rules=[RULE])
    record = [extracted_record(made, said(issued="2026-04-01", due="2026-03-01"))]
    wrong = record_errors(made, rules, record, DOCUMENT)
    assert {e.key for e in wrong} == {"issued", "due"}
    settled = settled_record(made, rules, record, wrong, DOCUMENT, said(), [])
    assert [d.key for d in settled["dropped"]] == ["due"]
    assert settled["open"] == []
    assert settled["record"][0].data()["fields"]["due"]["value"] is None


@pytest.mark.parametrize(
    ("text", "kind", "value", "fits"),
    [
        ("12", "string", "12", True),
        ("12", "number", 12, True),
        ("true", "boolean", True, True),
        ("twelve", "number", "twelve", False),
        ('["a"]', "array", ["a"], True),
    ],
)
def test_what_a_person_types_takes_the_type_of_the_field(text: str, kind: str, value: Any, fits: bool) -> None:
    found, wrong = typed_value(text, {"type": kind})
    assert (found, not wrong) == (value, fits)


@pytest.mark.parametrize(
    ("fields", "rules", "wrong"),
    [
        ([FIELDS[0], FIELDS[0]], [], "same name"),
        ([{"name": "a", "schema": {"type": "nothing"}}], [], "schema is wrong"),
        ([FIELDS[0]], [RULE], "on issued, due, which is no field"),
    ],
)
def test_what_cannot_be_checked_is_refused(fields: list[Any], rules: list[Any], wrong: str) -> None:
    with pytest.raises(Refuse, match=wrong):
        wanted(*fields, rules=rules)
