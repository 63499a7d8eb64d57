"""Corrective retrieval: grades, the three routes, strips that together are their passage, and what is kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.corrective import (
    GOOD,
    POOR,
    corrected_answer,
    graded,
    knowledge,
    relevant_strips,
    route,
    strips,
    web_searches,
)
from tasks.reply import Replies, Reply, failed, reply

HITS = [reply("one", key="d:1"), reply("two", key="d:2"), failed("words alone", key="(vectors)")]


def scored(*scores: float) -> Replies:
    return [reply(str(n), key=f"d:{n}", score=s) for n, s in enumerate(scores)]


@pytest.mark.parametrize(
    ("scores", "taken"),
    [((0.7, 0.1), "correct"), ((0.69, 0.3), "ambiguous"), ((0.3,), "ambiguous"), ((0.29, 0.0), "wrong"), ((), "wrong")],
)
def test_the_best_grade_decides_the_route(scores: tuple[float, ...], taken: str) -> None:
    assert route(scored(*scores)) == route(scored(*reversed(scores))) == taken


def test_a_lost_grade_is_neither_good_nor_wrong() -> None:
    made = graded(HITS, [reply(key="d:1", data={"score": 0.9}), failed("down", key="d:2")])
    assert [(m.key, m.score) for m in made] == [("d:1", 0.9), ("d:2", POOR)]
    assert route(graded(HITS, [])) == "ambiguous"


@pytest.mark.parametrize(("least", "kept"), [(GOOD, ["d:0"]), (POOR, ["d:0", "d:1"]), (0.0, ["d:0", "d:1", "d:2"])])
def test_knowledge_is_what_is_good_enough(least: float, kept: list[str]) -> None:
    assert [p.key for p in knowledge(scored(0.7, 0.3, 0.1), [], least=least)["passages"]] == kept


def test_pages_are_taken_once_and_lost_searches_are_kept_apart() -> None:
    results = [{"url": f"http://{n}", "title": "", "text": "x" * 5000} for n in (1, 1, 2, 3)]
    web = [reply(data={"results": results}), reply(data={"results": results[:1]}), failed("down")]
    made = knowledge([], web, each=3)
    assert [p.key for p in made["passages"]] == ["http://1", "http://2"]
    assert all(len(p.text) < 2100 for p in made["passages"])
    assert [p.cause for p in made["lost"]] == ["down"]
    assert knowledge() == {"passages": [], "lost": []}


@pytest.mark.parametrize(
    ("rewritten", "queries"),
    [
        ([reply(data={"queries": ["a  b", "a b", "c", " "]})], ["a b", "c"]),
        ([failed("down")], ["the question"]),
        ([], ["the question"]),
    ],
)
def test_searches_are_the_queries_or_the_question(rewritten: Replies, queries: list[str]) -> None:
    made = web_searches([reply("the question")], rewritten, k=5, most=3)
    assert [m.data() for m in made] == [{"tool": "web", "args": {"query": q, "k": 5}} for q in queries]


@settings(deadline=None)
@given(st.lists(st.sampled_from(["One.", "Two two!", "Three?"]), max_size=9), st.integers(1, 4))
def test_strips_hold_every_sentence_once_in_order(sentences: list[str], size: int) -> None:
    passage = reply(" ".join(sentences), key="d:1", data={"title": "T"})
    made = strips([passage], size)
    assert " ".join(s.text for s in made) == passage.text
    assert len(made) == -(-len(sentences) // size)
    assert all(s.data() == {"place": "d:1", "title": "T"} for s in made)


def test_only_strips_judged_relevant_are_kept_and_so_many_at_most() -> None:
    made = strips([reply("One. Two. Three. Four.", key="d:1")], 1)
    judged = [
        reply(key=s.key, data={"relevant": said}) for s, said in zip(made, ["yes", "no", "yes", "yes"], strict=True)
    ]
    judged[3] = failed("down", key=made[3].key)
    assert [k.text for k in relevant_strips(made, judged, keep=9)] == ["[S1]\nOne.", "[S2]\nThree."]
    assert [k.key for k in relevant_strips(made, judged, keep=1)] == ["S1"]
    assert relevant_strips(made, [], keep=9) == []


@pytest.mark.parametrize(
    ("text", "lost", "score", "outcome"),
    [
        ("So [S1].", [], 0.9, "answered"),
        ("So [S1].", [failed("down")], 0.9, "degraded"),
        ("So [S1][S4].", [], 0.9, "degraded"),
        ("So [S1].", [], 0.5, "degraded"),
        ("They do not say.", [], 0.9, "unchecked"),
    ],
)
def test_outcomes(text: str, lost: list[Reply], score: float, outcome: str) -> None:
    """Without a web search, a route that wants one says so."""
    kept = relevant_strips(strips([reply("A.", key="d:0")], 3), [reply(key="d:0/1", data={"relevant": "yes"})], keep=30)
    made = corrected_answer([], [], scored(score), lost, [reply()], kept, [reply(text)], [])
    assert (made.outcome, made.data()["used_share"]) == (outcome, 1.0)
