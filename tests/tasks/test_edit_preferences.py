"""Preferences read out of edits: the size of an edit, its course, and which guess explains it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.edit_preferences import course, dated_preferences, edited, explanation, hypotheses, situation
from tasks.reply import Reply, failed, reply

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=8).map(" ".join)


def edit_of(draft: str, text: str) -> Reply:
    return edited([reply(draft)], [reply(text, key="edit", data={"text": text})])


@pytest.mark.parametrize(
    ("cost", "where"), [(0, "confirm"), (0.049, "confirm"), (0.05, "learn"), (0.6, "learn"), (0.61, "ask")]
)
def test_the_course_by_cost(cost: float, where: str) -> None:
    assert course([reply(data={"cost": cost})], small=0.05, large=0.6) == where


@settings(deadline=None)
@given(WORDS, WORDS)
def test_the_cost_is_of_the_draft_and_an_empty_edit_leaves_it(draft: str, text: str) -> None:
    made = edit_of(draft, text)
    assert made.text == (text or draft)
    assert (made.data()["cost"] == 0) == (made.text.split() == draft.split())
    assert made.data()["distance"] <= max(len(draft.split()), len(made.text.split()))


@pytest.mark.parametrize(
    ("redo", "kept"), [("a b c d e f g h x y", True), ("a b c d e f g h x z", True), ("a b", False)]
)
def test_a_fifth_nearer_is_enough(redo: str, kept: bool) -> None:
    edit = edit_of("1 2 3 4 5 f g h i j", "a b c d e f g h i j")
    assert edit.data()["distance"] == 5
    guess, made = [reply("Likes.", key="h1")], [reply(redo, key="h1")]
    found = explanation([reply("s")], guess, [failed("down", key="h2"), *made], [edit], nearer=0.2)
    assert [f.data()["preference"] for f in found] == (["Likes."] if kept else [])


def test_equal_drafts_count_for_the_earlier_guess() -> None:
    edit = edit_of("a b c", "x y z")
    guesses = hypotheses([reply(data={"preference": p}) for p in ("One.", "one.", "Two.")])
    assert [g.text for g in guesses] == ["One.", "Two."]
    redone = [reply("x y z", key="h2"), reply("x y z", key="h1")]
    (found,) = explanation([reply("s")], guesses, redone, [edit], nearer=0.2)
    assert found.data()["preference"] == "One."


def test_what_does_not_fit_is_left_out_and_the_oldest_comes_first() -> None:
    def kept(score: float | None, since: str) -> Reply:
        return reply("s", key=since, score=score, data={"since": since, "fields": {"preference": since}})

    rows = [kept(0.9, "2026-02-01"), kept(None, "2026-01-01"), kept(0.2, "2026-03-01")]
    assert [r.text for r in dated_preferences(rows, least=0.5)] == ["2026-01-01", "2026-02-01"]
    assert len(situation([reply("w " * 500)]).text.split()) == 200
