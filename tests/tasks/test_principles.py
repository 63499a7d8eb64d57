"""Principles cited by number, and the passages behind them."""

import pytest

from tasks.algorithms.passages import passages, sources
from tasks.algorithms.principles import cited_answer, numbered_principles
from tasks.reply import Reply, failed, reply

PRINCIPLES = numbered_principles([reply(data={"principles": ["One.", "Two\n lines.", "One.", " ", "Three."]})])


def answered(text: str) -> Reply:
    return cited_answer([reply(text)], [reply("In general?")], [PRINCIPLES], [])


def test_principles_are_numbered_once_each_on_a_line() -> None:
    assert PRINCIPLES.text == "[1] One.\n[2] Two lines.\n[3] Three."


@pytest.mark.parametrize(
    ("text", "cited", "unknown", "outcome"),
    [
        ("So it is [2], and [1, 3].", [1, 2, 3], [], "answered"),
        ("So it is [4].", [], [4], "unchecked"),
        ("So it is [1] [0].", [1], [0], "unchecked"),
        ("No principle applies here; by plain reasoning, yes.", [], [], "answered"),
        ("None of the principles applies.", [], [], "answered"),
        ("It is so.", [], [], "unchecked"),
        ("In [1999] it was so.", [], [], "unchecked"),
        ("", [], [], "unchecked"),
    ],
)
def test_what_is_cited_and_whether_it_exists(text: str, cited: list[int], unknown: list[int], outcome: str) -> None:
    made = answered(text)
    assert (made.data()["cited"], made.data()["unknown_citations"], made.outcome) == (cited, unknown, outcome)
    assert ("No principle has the number" in made.text) is bool(unknown)


def test_passages_are_those_that_were_found() -> None:
    one = reply("text", key="d:1", data={"id": "d:1", "document": "d", "title": "D", "start": 0, "end": 4, "fused": 1})
    note = failed("by words alone", key="(vectors)")
    assert passages([one, note]) == [one]
    assert sources([one, note]) == [{"id": "d:1", "document": "d", "title": "D", "start": 0, "end": 4}]
