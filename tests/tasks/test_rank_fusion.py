"""Rank fusion: reciprocal ranks over lists, whatever their order; the ranking that is taken; the answer's outcome."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.rank_fusion import best_passages, fused_passages, fusion_answer, queries
from tasks.reply import Replies, Reply, failed, reply

IDS = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def ranking(name: str, ids: list[str]) -> Reply:
    listed = [{"id": f"d:{i}", "title": "", "text": f"text {i}", "score": 0.6} for i in ids]
    return reply(key=name, data={"passages": listed, "trouble": ""})


def test_the_question_comes_first_and_lost_rewritings_are_kept_as_lost() -> None:
    made = queries([reply("q", key="prompt")], [reply("broad", key="broader"), failed("down", key="jargon")])
    assert [(m.key, m.ok) for m in made] == [("original", True), ("broader", True), ("jargon", False)]


@settings(deadline=None)
@given(st.lists(IDS, max_size=4))
def test_scores_are_sums_of_reciprocal_ranks(lists: list[list[str]]) -> None:
    made = fused_passages([ranking(str(n), ids) for n, ids in enumerate(lists)], keep=40)
    wanted = {
        f"d:{i}": sum(1 / (61 + ids.index(i)) for ids in lists if i in ids) for i in {i for ids in lists for i in ids}
    }
    assert {p.data()["place"]: p.score for p in made} == pytest.approx(wanted)
    assert [p.score for p in made] == sorted((p.score or 0 for p in made), reverse=True)
    assert all(len(p.data()["lists"]) == sum(p.data()["place"][2:] in ids for ids in lists) for p in made)


def test_the_order_of_the_lists_does_not_matter() -> None:
    lists = [ranking("x", ["a", "b", "c"]), ranking("y", ["b", "d"]), ranking("z", ["b", "a"])]
    orders = {tuple(p.data()["place"] for p in fused_passages(list(o), keep=2)) for o in permutations(lists)}
    assert orders == {("d:b", "d:a")}


def test_lists_that_failed_or_are_junk_count_for_nothing() -> None:
    assert fused_passages([failed("down", key="x"), reply("junk", key="y")], keep=5) == []


@pytest.mark.parametrize(
    ("ranked", "kept"),
    [
        ([reply(data={"ranking": ["P3", "P1", "P3", "P9"]})], ["P3", "P1"]),
        ([reply(data={"ranking": ["[p2]"]})], ["P2"]),
        ([reply(data={"ranking": []})], []),
        ([failed("down")], ["P1", "P2"]),
        ([], ["P1", "P2"]),
    ],
)
def test_the_ranking_picks_and_the_fused_order_stands_in_for_a_lost_one(ranked: Replies, kept: list[str]) -> None:
    fused = fused_passages([ranking("x", ["a", "b", "c"])], keep=40)
    assert [p.key for p in best_passages(fused, ranked, keep=2)] == kept


@pytest.mark.parametrize(
    ("text", "lost", "outcome"),
    [
        ("So [P1].", [], "answered"),
        ("So [P1] [P7].", [], "degraded"),
        ("So [P1].", [failed("down", key="jargon")], "degraded"),
        ("They do not say.", [], "unchecked"),
    ],
)
def test_outcomes(text: str, lost: Replies, outcome: str) -> None:
    lists = [ranking("original", ["a"]), ranking("broader", ["a"])]
    fused = fused_passages(lists, keep=40)
    made = fusion_answer([reply("d")], [reply("q", key="original"), *lost], lists, fused, [], fused, [reply(text)])
    assert (made.outcome, made.data()["low_coverage"]) == (outcome, False)
    assert made.data()["found_by"] == [{"id": "d:a", "lists": ["original", "broader"]}]
