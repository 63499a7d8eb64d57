"""Evidence: sources keep their numbers, notes rest on their own sources, and every citation is checked."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.evidence import (
    gap_questions,
    no_gaps,
    notes,
    nothing_to_search,
    numbered_sources,
    research_report,
    uncited,
)
from tasks.reply import Replies, Reply, failed, reply

QUESTIONS = [reply("Q one?", key="q1"), reply("Q two?", key="q2")]
SOURCES = [reply("Tides  rise.", key="S1", data={"kind": "document", "place": "d:1", "title": "D"})]


def hit(index: int, text: str, place: str) -> Reply:
    return reply(text, key=place, data={"id": place, "title": ""}, at=[index])


def web(index: int, results: Any) -> Reply:
    return reply("", key="web", data={"results": results}, at=[index])


def report(findings: list[tuple[str, list[str]]], summary: str = "s") -> Reply:
    listed = [{"statement": s, "sources": ids} for s, ids in findings]
    return reply(data={"summary": summary, "findings": listed, "conflicts": [], "limits": []})


def test_the_same_passage_has_one_number_for_all_questions() -> None:
    made = numbered_sources(QUESTIONS, [hit(0, "a", "d:1"), hit(1, "b", "d:2"), hit(1, "a", "d:1")], [], 5)
    assert [s.key for s in made["sources"]] == ["S1", "S2"]
    assert [s.data()["ids"] for s in made["sheets"]] == [["S1"], ["S2", "S1"]]


@pytest.mark.parametrize("junk", [None, "text", [1, None], [{"url": 3}], [{"text": "  "}]])
def test_results_that_are_none_are_no_sources(junk: Any) -> None:
    made = numbered_sources(QUESTIONS, [failed("down", key="(vectors)", at=[1])], [web(0, junk)], 5)
    assert (made["sources"], made["readable"]) == ([], [])
    assert [s.data()["lost"] for s in made["sheets"]] == ["", "down"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("abc")), max_size=8))
def test_sources_found_again_change_nothing(found: list[tuple[int, str]]) -> None:
    hits = [hit(i, text, f"d:{text}") for i, text in found]
    first = numbered_sources(QUESTIONS, hits, [], 5)
    again = numbered_sources(QUESTIONS, hits, [], 5, known=first["sources"])
    assert again == first
    assert len({s.key for s in first["sources"]}) == len(first["sources"]) == len({text for _, text in found})


def test_a_finding_needs_a_source_of_its_own_question_and_says_whether_it_quotes() -> None:
    made = [
        reply(
            key="q1",
            data={
                "findings": [
                    {"statement": "A", "quote": "tides rise", "source_id": "[S1]", "confidence": 1},
                    {"statement": "B", "quote": "no", "source_id": "S1", "confidence": 1},
                    {"statement": "C", "quote": "tides", "source_id": "S2", "confidence": 1},
                ]
            },
        )
    ]
    sheet = reply("Q one?", key="q1", data={"question": "Q one?", "ids": ["S1"], "evidence": "", "lost": ""})
    (note,) = notes([sheet], made, SOURCES)
    assert [(f["statement"], f["quoted"]) for f in note.data()["findings"]] == [("A", True), ("B", False)]
    assert note.data()["refused"] == 1
    assert notes([sheet], [failed("down", key="q1")], SOURCES, [note])[1].data()["lost"] == "down"


def test_failures_name_the_statement() -> None:
    made = uncited([report([("A", []), ("B", ["S1", "S9"]), ("C", ["S1"])], "See [S8].")], SOURCES)
    assert made.data()["failures"] == [
        'findings: "A" cites no source',
        'findings: "B" cites S9, which does not exist',
        "summary: it cites S8, which does not exist",
    ]
    assert uncited([failed("down")], SOURCES).text == ""


def test_a_statement_with_a_source_that_does_not_exist_keeps_the_others_and_is_marked() -> None:
    answer = research_report([report([("B", ["S1", "S9"])])], [], SOURCES, [], [], [])
    assert "- B [S1] (uncited)" in answer.text
    assert answer.data()["quality"] == 0.0


@pytest.mark.parametrize("made", [[], [failed("down")], [reply(data={"gaps": [" "]})]])
def test_what_names_no_gap_leaves_none(made: Replies) -> None:
    assert no_gaps(made)
    assert gap_questions(made) == []


def test_there_is_nothing_to_search_without_documents_and_web() -> None:
    web_entry, other = reply(key="web", data={"name": "web"}), reply(key="code", data={"name": "code"})
    assert nothing_to_search([], [other, failed("none", key="web")])
    assert not nothing_to_search([], [web_entry])
    assert not nothing_to_search([reply("text")], [])
