"""Written principles: order, what bears, revisions that touch one sentence, what is kept and what still breaks."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.constitution import (
    bearing,
    before_and_after,
    broken,
    constitution,
    constitutional_answer,
    first_and_last,
    forbidden,
    kept_revision,
    offence,
    within,
)
from tasks.reply import Replies, failed, reply

TEXT = [reply("One is fine. Two is bad. Three is fine.", key="answer")]
FOUND = [reply("Two is bad.", key="offence", data={"span": "is bad", "problem": "-", "start": 13, "end": 24})]


def principles(*priorities: int) -> Replies:
    return constitution([reply(f"P{n}.", data={"priority": p}) for n, p in enumerate(priorities)], [])


def checks(*satisfied: bool) -> Replies:
    return [reply(key=str(n), data={"satisfied": s}) for n, s in enumerate(satisfied, 1)]


def critique(span: str, *, violates: bool = True) -> Replies:
    return [reply(data={"violates": violates, "span": span, "problem": "-"})]


def test_remembered_principles_join_the_given_ones_each_once() -> None:
    kept = [
        reply("be  BRIEF", data={"kind": "principle", "fields": {"priority": 1}}),
        reply("Be kind", data={"kind": "principle", "fields": {"priority": 2}}),
        reply("Be true", data={"kind": "principle", "fields": {"priority": "high"}}),
    ]
    made = constitution([reply("Be brief", data={"priority": 3}), reply(" ", data={})], [*kept, failed("down")])
    assert [(p.key, p.text, p.data()["priority"]) for p in made] == [
        ("1", "Be brief", 3),
        ("2", "Be kind", 2),
        ("3", "Be true", 3),
    ]
    assert constitution([], []) == []


@given(st.lists(st.integers(1, 3), max_size=12), st.integers(0, 8))
@settings(deadline=None)
def test_those_that_bear_come_by_priority_no_more_than_allowed(priorities: list[int], most: int) -> None:
    made = bearing(principles(*priorities), [], most)
    assert [p.data()["priority"] for p in made] == sorted(priorities)[:most]


def test_only_a_clear_no_leaves_a_principle_out() -> None:
    screened = [reply(key="1", data={"bears": False}), failed("down", key="2"), reply(key="3", data={"bears": True})]
    assert [p.key for p in bearing(principles(1, 1, 1), screened, 8)] == ["2", "3"]


@pytest.mark.parametrize(
    ("span", "sentence"),
    [
        ("is bad", "Two is bad."),
        ("fine. Two", "One is fine. Two is bad."),
        ("Three is fine.", "Three is fine."),
        ("nowhere", None),
        ("", None),
        (" ", None),
    ],
)
def test_a_finding_is_the_whole_sentences_of_a_span_that_is_there(span: str, sentence: str | None) -> None:
    assert [f.text for f in offence(critique(span), TEXT)] == ([sentence] if sentence else [])
    assert offence(critique(span, violates=False), TEXT) == offence([failed("down")], TEXT) == []


@given(st.text(alphabet="abc. ", max_size=30))
@settings(deadline=None)
def test_whatever_takes_the_sentences_place_is_inside(new: str) -> None:
    made = within([reply(f"One is fine. {new} Three is fine.")], FOUND, TEXT)
    assert made.data()["inside"] is True
    assert made.data()["after"] == new


@pytest.mark.parametrize(
    "text", ["One was fine. Two. Three is fine.", "One is fine. Two. Three is not.", "One is fine. Three", ""]
)
def test_a_change_elsewhere_is_not(text: str) -> None:
    made = within([reply(text)], FOUND, TEXT)
    assert made.data()["inside"] is False
    assert before_and_after(TEXT, [made]) == []


def test_a_revision_that_failed_says_so_to_the_next_try() -> None:
    made = within([failed("late")], FOUND, TEXT)
    assert (made.ok, made.data()["message"]) == (True, "no revision: late")


@pytest.mark.parametrize(
    ("verdicts", "state"),
    [(("second", "first"), "revised"), (("second", "second"), "not revised"), (("tie", "tie"), "not revised")],
)
def test_a_revision_is_kept_if_both_orders_prefer_it(verdicts: tuple[str, str], state: str) -> None:
    tries = [within([reply("One is fine. Good. Three is fine.")], FOUND, TEXT)]
    said = [reply(key=k, data={"verdict": v}) for k, v in zip(("1-2", "2-1"), verdicts, strict=True)]
    made = kept_revision(principles(1), TEXT, critique("is bad"), FOUND, tries, before_and_after(TEXT, tries), said)
    assert made["entry"][0].data()["state"] == state
    assert ("Good." in made["text"][0].text) == (state == "revised")


def test_the_highest_priority_is_revised_last_and_alone_forbids() -> None:
    held = principles(1, 3, 2, 1)
    no = checks(False, False, False, True)
    assert [p.data()["priority"] for p in broken(held, no)] == [3, 2, 1]
    assert [p.key for p in forbidden(held, no)] == ["1"]
    assert broken(held, [failed("down", key="1")]) == []


def test_only_two_answers_that_differ_and_may_be_given_are_compared() -> None:
    first, last = [reply("a", key="x")], [reply("b", key="x")]
    assert [p.text for p in first_and_last(first, last, [])] == ["b", "a"]
    assert first_and_last(first, last, principles(1)) == first_and_last(first, first, []) == []


def test_an_answer_that_nobody_could_check_is_unchecked_and_a_barred_one_is_not_given() -> None:
    held, screened = principles(1), [reply(key="1", data={"bears": True})]
    unchecked = constitutional_answer(TEXT, [], held, [], screened, [failed("down", key="1")], [])
    assert unchecked.outcome == "unchecked"
    barred = constitutional_answer(TEXT, [], held, [], screened, checks(False), held)
    assert barred.outcome == "undecided"
    assert "P0." in barred.text
    assert "Two is bad" not in barred.text
    assert constitutional_answer(TEXT, [], held, [], screened, checks(True), []).text == TEXT[0].text
