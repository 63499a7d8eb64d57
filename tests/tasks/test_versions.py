"""Versions: what passes, what a person's facts come to, and that no version is lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.versions import (
    adapted,
    all_passed,
    checked_versions,
    first_versions,
    revised_versions,
    settled_facts,
    settled_master,
)
from tasks.reply import Replies, Reply, failed, reply

FACTS = [
    reply(
        data={
            "facts": [
                {"id": "f1", "text": "One", "must_keep": True},
                {"id": "f2", "text": "Two", "must_keep": False},
            ]
        }
    )
]
TARGET = reply("For: a", key="a", data={"name": "a", "length": 20})


def versions(words: int) -> Replies:
    return first_versions([TARGET], [reply("word " * words, key="a")])


def verdicts(*of: tuple[str, str], additions: int = 0) -> Reply:
    facts = [{"id": i, "verdict": v, "sentence": ""} for i, v in of]
    return reply(key="a", data={"facts": facts, "additions": [{"sentence": "new"}] * additions})


@pytest.mark.parametrize(("words", "passes"), [(17, False), (18, True), (22, True), (23, False)])
def test_the_length_may_differ_by_a_tenth(words: int, passes: bool) -> None:
    assert all_passed(checked_versions(versions(words), [verdicts(("f1", "supported"))], FACTS)) is passes


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        ([("f1", "supported"), ("f2", "unknown")], True),
        ([("f1", "supported"), ("f2", "refuted")], False),
        ([("f1", "supported"), ("f1", "refuted")], False),
        ([("f9", "supported")], False),
        ([], False),
    ],
)
def test_what_must_be_kept_is_supported_and_nothing_is_refuted(given: list[tuple[str, str]], passes: bool) -> None:
    assert all_passed(checked_versions(versions(20), [verdicts(*given)], FACTS)) is passes


@settings(deadline=None)
@given(st.lists(st.sampled_from(["supported", "refuted", "unknown"]), max_size=5))
def test_the_order_of_verdicts_does_not_count(of: list[str]) -> None:
    first = checked_versions(versions(20), [verdicts(*(("f1", v) for v in of))], FACTS)
    assert first == checked_versions(versions(20), [verdicts(*(("f1", v) for v in reversed(of)))], FACTS)


def test_a_check_that_failed_passes_nothing_and_a_revision_that_failed_changes_nothing() -> None:
    made = checked_versions(versions(20), [failed("down", key="a")], FACTS)
    assert made[0].data()["failures"] == ["it could not be checked: down"]
    assert revised_versions(made, [failed("down", key="a")]) == made
    assert checked_versions(made, [], FACTS) == made


def test_a_person_may_write_the_facts_or_the_master() -> None:
    extracted = [reply(data={"facts": [{"id": "x", "text": "Old", "must_keep": True}]})]
    own = [reply(key="edit_facts", data={"text": "- New\n\n* Maybe (optional)\n"})]
    assert [(f["id"], f["text"], f["must_keep"]) for f in settled_facts(extracted, [], own).data()["facts"]] == [
        ("f1", "New", True),
        ("f2", "Maybe", False),
    ]
    assert settled_facts(extracted, [failed("down")], []).data()["facts"][0]["text"] == "Old"
    assert settled_master([reply("M")], [reply(key="edit_master", data={"text": " "})]).text == "M"
    assert settled_master([reply("M")], [reply(key="edit_master", data={"text": "N"})]).text == "N"


def test_a_version_that_was_never_written_is_marked() -> None:
    answer = adapted(first_versions([TARGET], []), [reply("M")], FACTS)
    assert "## a (FAILS: it could not be written: it was never written.)" in answer.text
    assert (answer.outcome, answer.data()["quality"]) == ("incomplete", 0.0)
