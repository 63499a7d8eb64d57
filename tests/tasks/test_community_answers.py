"""Answers from an entity graph: sources within bounds, points by helpfulness, and a text without what was refuted."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.community_answers import batches, corpus_answer, course, helpful_points, marked, neighbourhood
from tasks.chunking import about_tokens
from tasks.reply import Replies, Reply, failed, reply

READY, CHUNKS = [reply("", key="graph")], [reply(f"text {n} " * 20, key=f"d1:{n}") for n in range(1, 7)]


def hit(name: str) -> Reply:
    return reply(data={"document": name})


def entity(name: str, *chunks: str) -> Reply:
    return reply(f"{name} (thing)", key=name, data={"chunks": list(chunks)})


def tie(source: str, target: str, *chunks: str) -> Reply:
    return reply(f"{source} - {target}", data={"source": source, "target": target, "chunks": list(chunks)})


@pytest.mark.parametrize(
    ("ready", "chunks", "judged", "way"),
    [
        ([], [], [], "none"),
        ([], CHUNKS, [], "passages"),
        (READY, CHUNKS, [reply(data={"about": "local"})], "local"),
        (READY, CHUNKS, [reply(data={"about": "global"})], "global"),
        (READY, CHUNKS, [failed("LOST")], "global"),
    ],
)
def test_the_way_depends_on_what_there_is_and_on_the_judge(
    ready: Replies, chunks: Replies, judged: Replies, way: str
) -> None:
    assert course(ready, chunks, judged) == way


def test_a_neighbourhood_is_one_step_wide_and_its_own_chunks_come_first() -> None:
    entities = [entity("A", "d1:3"), entity("B", "d1:1"), entity("C", "d1:2"), entity("far", "d1:6")]
    relations = [tie("A", "B", "d1:4"), tie("B", "C", "d1:5"), tie("C", "far", "d1:6")]
    made = neighbourhood([hit("A"), hit("unknown"), failed("LOST")], entities, relations, CHUNKS, 8000)
    assert [s.data()["places"] for s in made["sources"]] == [["d1:3"], ["d1:4"]]
    assert made["facts"][0].text.splitlines() == ["- A (thing)", "- B (thing)", "- A - B"]


@given(st.integers(0, 400))
def test_sources_keep_within_their_tokens(tokens: int) -> None:
    every = [entity("A", *(c.key for c in CHUNKS))]
    made = neighbourhood([hit("A")], every, [], CHUNKS, tokens)
    assert sum(about_tokens(s.text) for s in made["sources"]) <= tokens
    assert [s.key for s in made["sources"]] == [str(n) for n in range(1, len(made["sources"]) + 1)]


@given(st.lists(st.integers(1, 120), max_size=20), st.integers(1, 200), st.integers(0, 5))
def test_every_report_is_in_one_batch_and_batches_keep_within_their_tokens(
    sizes: list[int], tokens: int, seed: int
) -> None:
    reports = [reply("x" * 4 * size, key=f"2.{n}") for n, size in enumerate(sizes)]
    made = batches(reports, tokens, seed)
    assert sorted(i for b in made for i in b.data()["ids"]) == sorted(r.key for r in reports)
    by_key = {r.key: about_tokens(r.text) for r in reports}
    assert all(len(b.data()["ids"]) == 1 or sum(by_key[i] for i in b.data()["ids"]) <= tokens for b in made)
    assert made == batches(reports, tokens, seed)


def point(text: str, helpfulness: int, *reports: str) -> dict[str, Any]:
    return {"point": text, "helpfulness": helpfulness, "reports": list(reports)}


def test_points_keep_the_reports_of_their_own_batch_and_the_chunks_that_these_cite() -> None:
    found = [reply(key="b1", data={"ids": ["2.1", "2.2"]}), reply(key="b2", data={"ids": ["2.3"]})]
    mapped = [
        reply(key="b1", data={"points": [point("low", 10, "2.1"), point("no", 0, "2.1"), point("foreign", 99, "2.3")]}),
        reply(key="b2", data={"points": [point("high", 90, "2.3", "2.1", "2.3")]}),
        failed("LOST", key="b3"),
    ]
    reports = [reply(key=k, data={"chunks": c}) for k, c in (("2.1", ["d1:1", "gone"]), ("2.3", ["d1:2"]))]
    made = helpful_points(found, mapped, reports, CHUNKS, 12_000)
    assert [(p.key, p.text, p.score) for p in made["points"]] == [("1", "high", 90), ("2", "low", 10)]
    assert [s.data()["places"] for s in made["sources"]] == [["2.3"], ["2.1"]]
    assert made["sources"][1].text == f"[d1:1] {CHUNKS[0].text}"
    assert len(helpful_points(found, mapped, reports, CHUNKS, 1)["points"]) == 1
    assert helpful_points(found, [], reports, CHUNKS, 99) == {"points": [], "sources": []}


@pytest.mark.parametrize(
    ("text", "put"),
    [
        ("So it is. [1] And on.", "So it is [1]. And on."),
        ("So it is! [1, 2]", "So it is [1, 2]!"),
        ("So it is [1]. And [2] on.", "So it is [1]. And [2] on."),
        ("v1.[2]x", "v1.[2]x"),
    ],
)
def test_a_mark_goes_before_the_full_stop(text: str, put: str) -> None:
    assert marked([reply(text)])[0].text == put


SOURCES = [reply("t", key="1", data={"places": ["d1:1"]}), reply("t", key="2", data={"places": ["2.1", "2.2"]})]


def answer(text: str, *wrong: str, ready: Replies = READY, lost: Replies | None = None) -> Reply:
    claims = [reply(text, key="c1")]
    refuted = [reply(w, key="c1", data={"claim": w, "cites": [], "reason": "-"}) for w in wrong]
    verdicts = [reply(key="c1", data={"verdict": "supported"})]
    return corpus_answer([reply(text)], SOURCES, claims, verdicts, refuted, "local", ready, lost or [])


@pytest.mark.parametrize(
    ("text", "wrong", "left"),
    [
        ("Yes [1]. No [2].", ["No [2]."], "Yes [d1:1]."),
        ("Yes [1, 2].", [], "Yes [d1:1, 2.1, 2.2]."),
        ("Head:\n\n- No [1].\n- Yes [1].", ["- No [1]."], "Head:\n\n- Yes [d1:1]."),
        ("No [1].", ["No [1]."], "The corpus does not answer this."),
    ],
)
def test_what_was_refuted_is_gone_and_numbers_become_places(text: str, wrong: list[str], left: str) -> None:
    made = answer(text, *wrong)
    assert made.text == left
    assert made.outcome == ("answered" if "Yes" in left else "incomplete")


def test_trouble_degrades_and_is_told() -> None:
    assert answer("Yes [1].", ready=[]).outcome == "degraded"
    assert answer("Yes [1].", ready=[reply("a chunk was lost")]).data()["lost"] == ["a chunk was lost"]
    assert answer("Yes [1].", lost=[failed("CUT", key="b2")]).data()["lost"] == ["b2: CUT"]
    nothing = corpus_answer([], [], [], [], [], "global", READY, [failed("LOST")])
    assert "calls failed" in nothing.text
    assert corpus_answer([], [], [], [], [], "global", READY).text == "The corpus does not answer this."
