"""Recursive calls: what the root is told, what a cell may call, which quotes are missing, and when it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.code_actions import of_session
from tasks.algorithms.recursive_calls import (
    HEAD,
    answered_or_over,
    block_record,
    environment,
    missing_quotes,
    next_cell,
    recursive_answer,
    whole_input,
)
from tasks.reply import Reply, failed, reply


def entry(**changes: Any) -> Reply:
    data = {"has_final": False, "final": "", "kind": "", "missing": [], "calls": 0, "cost": 0.0, "lost": [], "code": ""}
    return reply("output", data={**data, **changes})


@given(st.text(min_size=HEAD + 1, max_size=3 * HEAD))
def test_the_root_is_told_the_beginning_and_no_more(text: str) -> None:
    told = environment([reply(text)], [], [reply("0")], 200, 1, 20).text
    assert text[:HEAD] in told
    assert len(told) < HEAD + 200


def test_the_input_is_the_text_else_the_documents_else_the_prompt() -> None:
    document = reply("{}", data={"title": "T", "text": "body"})
    assert [w.text for w in whole_input([reply("text")], [document], [reply("p")])] == ["text"]
    assert [(w.key, w.text) for w in whole_input([reply(" ")], [document], [reply("p")])] == [("T", "body")]
    assert [w.text for w in whole_input([], [], [reply("p")])] == ["p"]


@pytest.mark.parametrize(
    ("calls", "cost", "budget", "left"), [(0, 0, "0", 200), (150, 9, "0", 50), (300, 0, "0", 0), (5, 0.5, "0.5", 0)]
)
def test_a_cell_may_make_the_calls_that_are_left(calls: int, cost: float, budget: str, left: int) -> None:
    log = [entry(calls=calls, cost=cost)]
    (cell,) = next_cell([reply("```python\nx = 1\n```")], log, [reply(budget)], 200)
    assert (cell.text, cell.data()["cell"]) == ("x = 1", f"_allow({left})\nx = 1")


@pytest.mark.parametrize("said", [reply("x = 1"), reply("```python\n\n```"), failed("down")])
def test_what_holds_no_block_is_not_run(said: Reply) -> None:
    assert next_cell([said], [], [], 200) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ('He said "one two".', []),
        ('He said "one three".', ["one three"]),
        ("He said “one ... four”.", []),
        ("He said “one … nine”, “one … nine”.", ["one … nine"]),
        ('A "word" alone is none', []),
        ("«one  two»", []),
        ("", []),
    ],
)
def test_quoted_passages_of_two_words_must_stand_in_a_text(text: str, missing: list[str]) -> None:
    assert missing_quotes(text, [reply("other"), reply("one\ntwo three four")]) == missing


@pytest.mark.parametrize(
    ("log", "over"),
    [
        ([], False),
        ([entry()] * 19, False),
        ([entry()] * 20, True),
        ([entry(has_final=True)], True),
        ([entry(has_final=True, missing=["q"])], False),
        ([entry(has_final=True, missing=["q"]), entry()], True),
        ([*[entry()] * 19, entry(has_final=True, missing=["q"])], False),
    ],
)
def test_it_ends_with_an_answer_one_turn_to_mend_it_or_the_last_turn(log: list[Reply], over: bool) -> None:
    assert answered_or_over(log, 20) is over


@pytest.mark.parametrize(
    ("final", "text"),
    [({"kind": "value", "text": " a "}, "a"), ("plain", "plain"), ([1], "[1]"), ({"kind": "value", "text": " "}, "")],
)
def test_whatever_code_sets_as_final_is_text(final: object, text: str) -> None:
    ran = reply("", data={"ended": "done", "has_final": True, "final": final})
    data = block_record([reply("x")], [reply("c")], [ran], [], 1).data()
    assert (data["final"], data["has_final"]) == (text, bool(text))


def test_a_block_that_met_a_limit_leaves_the_session_and_says_so() -> None:
    ran = reply("late", data={"ended": "time", "has_final": False})
    assert of_session([ran]) == []
    assert "goes on without this block" in block_record([reply("x")], [reply("c")], [ran], [], 1).text
    assert "ERROR: no sandbox" in block_record([reply("x")], [reply("c")], [failed("no sandbox")], [], 1).text


def test_the_last_answer_counts_and_none_is_incomplete() -> None:
    log = [entry(has_final=True, final="one", missing=["q q"]), entry(has_final=True, final="two", calls=3)]
    assert (recursive_answer(log, 200).text, recursive_answer(log, 200).outcome) == ("two", "answered")
    assert recursive_answer(log[:1], 200).outcome == "degraded"
    assert recursive_answer([], 200).outcome == "incomplete"
    assert recursive_answer(log, 3).data()["exhausted"]
