"""Edits: what the gate keeps never changes numbers, names or quotations, and undoing all gives the text back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.edits import changed_fixture, edited_text, gated_edits, spliced, unedited
from tasks.reply import Replies, failed, reply

TEXT = 'One cat sat. Two dogs ran to Rome on 5 June. She said "stop it" twice.'


def proposed(*edits: tuple[str, str]) -> Replies:
    return [reply(data={"edits": [{"old": o, "new": n, "reason": "r"} for o, n in edits]})]


def editing(budget: float) -> Replies:
    return [reply("may", key="pass", data={"budget": budget})]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ("It cost 1,000.", "It cost 1000.", "numbers"),
        ("It cost 5 or 6.", "It cost 6 or 5.", ""),
        ("We met Ann Lee.", "We met Anne Lee.", "names"),
        ("We met Ann. Ann left.", "We met Ann. She left.", "names"),
        ("the cat sat. it ran", "the cat sat. It ran", ""),
        ('He said "no".', "He said “no”.", ""),
        ('He said "no".', "He said no.", "quotations"),
        ("# Title\nText", "Text", ""),
    ],
)
def test_what_an_edit_may_not_change(before: str, after: str, what: str) -> None:
    assert changed_fixture(before, after) == (f"it changes {what}" if what else "")


WORDS = st.sampled_from([*TEXT.split(), "a", "", "cat sat", "ran to", "on 5", "said", "twice."])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(WORDS, WORDS), max_size=6), st.floats(0, 1))
def test_whatever_is_proposed_fixtures_stay_and_the_log_accounts_for_it(
    edits: list[tuple[str, str]], budget: float
) -> None:
    made = gated_edits(editing(budget), proposed(*edits), [reply(TEXT)])
    after = made["text"][0].text
    assert changed_fixture(TEXT, after) == ""
    assert len(made["log"]) == len(edits)
    assert unedited(made["log"]) == all(e.data()["status"] == "dropped" for e in made["log"])
    supported = [reply(data={"verdict": "supported", "pairs": []})]
    assert edited_text([reply(TEXT)], made["log"], supported, []).data()["text"] == after
    refuted = [reply(data={"verdict": "refuted", "pairs": [{"before": TEXT, "after": ""}]})]
    assert edited_text([reply(TEXT)], made["log"], refuted, []).data()["text"] == TEXT


def test_a_pass_that_failed_changes_nothing() -> None:
    made = gated_edits(editing(1), [failed("down")], [reply(TEXT)])
    assert (made["text"][0].text, made["log"]) == (TEXT, [])
    answer = edited_text([reply(TEXT)], [], [], [failed("down", key="tone")])
    assert (answer.text, answer.outcome) == (f"{TEXT}\n\nNo edit was proposed.", "degraded")


def test_overlapping_edits_and_overlapping_places_do_not_stand() -> None:
    made = gated_edits(editing(1), proposed(("cat sat", "cat was"), ("sat.", "slept.")), [reply(TEXT)])
    assert made["log"][1].data()["why"] == "it overlaps an earlier edit"
    assert gated_edits(editing(1), proposed(("aa", "b")), [reply("aaa")])["log"][0].data()["status"] == "dropped"


@given(st.permutations([((0, 1), "x"), ((1, 2), "yy"), ((3, 4), "")]))
def test_splicing_does_not_depend_on_the_order(edits: list[tuple[tuple[int, int], str]]) -> None:
    assert spliced("abcd", edits) == "xyyc"
