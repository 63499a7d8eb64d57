"""The entity graph: entities merged over chunks, ties that add up, three levels of communities, and their reports."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.entity_graph import (
    MOST_MEMBERS,
    at_level,
    community_levels,
    corpus_to_index,
    entity_graph,
    not_indexed,
    reports_on,
    to_report,
    with_known,
)
from tasks.chunking import about_tokens
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

CHUNKS = [reply("text one", key="d1:1"), reply("text two", key="d1:2")]


def found(chunk: str, *names: str, ties: tuple[tuple[str, str, int], ...] = (), claim: str = "") -> Reply:
    data: dict[str, Any] = {
        "entities": [{"name": n, "kind": "thing", "description": f"{n} in {chunk}"} for n in names],
        "relations": [{"source": a, "target": b, "description": "tied", "strength": s} for a, b, s in ties],
        "claims": [{"subject": claim, "text": "a claim"}] if claim else [],
    }
    return reply(key=chunk, data=data)


def test_equal_names_are_one_entity_and_ties_in_both_directions_add_up() -> None:
    first = found("d1:1", "Harbour  Board", "Barrier", ties=(("Harbour Board", "Barrier", 3),), claim="barrier")
    second = found("d1:2", "harbour board", ties=(("BARRIER", "Harbour Board", 4), ("Barrier", "Nobody", 9)))
    made = entity_graph(CHUNKS, [first], [second])
    assert [e.key for e in made["entities"]] == ["Harbour Board", "Barrier"]
    assert made["entities"][0].data()["chunks"] == ["d1:1", "d1:2"]
    (tie,) = made["relations"]
    assert (tie.data()["weight"], tie.data()["chunks"]) == (7, ["d1:1", "d1:2"])
    assert [(c.key, c.data()["subject"], c.data()["chunk"]) for c in made["claims"]] == [("c1", "Barrier", "d1:1")]


def test_what_could_not_be_read_is_told_and_nothing_at_all_fails() -> None:
    made = entity_graph(CHUNKS, [found("d1:1", "A"), failed("LOST", key="d1:2")], [failed("AGAIN", key="d1:1")])
    assert [n.text for n in made["lost"]] == ["d1:2: LOST", "d1:1: AGAIN"]
    with pytest.raises(Refuse, match="no entity was found in 2 chunks: d1:1: LOST"):
        entity_graph(CHUNKS, [failed("LOST", key="d1:1")], [])
    with pytest.raises(Refuse, match="they name none"):
        entity_graph(CHUNKS, [found("d1:1"), found("d1:2", "  ")], [])


def test_only_chunks_that_were_read_are_looked_at_again() -> None:
    again = with_known(CHUNKS, [found("d1:1", "A", "B"), failed("LOST", key="d1:2")])
    assert [(a.key, a.data()["known"]) for a in again] == [("d1:1", ["A", "B"])]


def entity(name: str) -> Reply:
    return reply(
        f"{name} (thing)", key=name, data={"name": name, "kind": "thing", "description": "", "chunks": ["d1:1"]}
    )


def tie(one: str, other: str, weight: float = 1.0) -> Reply:
    data = {"source": min(one, other), "target": max(one, other), "description": "tied", "weight": weight}
    return reply(f"{one} - {other}", data={**data, "chunks": ["d1:1"]})


def cliques(groups: int, size: int) -> tuple[Replies, Replies]:
    """Cliques in a chain, each tied to the next by one entity."""
    names = [[f"g{g:02}n{n}" for n in range(size)] for g in range(groups)]
    ties = [tie(a, b) for group in names for a, b in combinations(group, 2)]
    ties += [tie(names[g][0], names[g + 1][1]) for g in range(groups - 1)]
    return [entity(n) for group in names for n in group], ties


def test_large_communities_come_apart_below_and_small_ones_stand_for_themselves() -> None:
    entities, relations = cliques(40, 6)
    made = community_levels(entities, relations, 300)["out"]
    first = [c for c in made if c.data()["level"] == 1]
    assert len(first) > 1
    assert any(c.data()["level"] == 2 for c in made)
    for one in made:
        children = [c for c in made if c.data()["parent"] == one.key]
        assert set().union(*(c.data()["entities"] for c in children)) <= set(one.data()["entities"])
        assert not children or len(one.data()["entities"]) > MOST_MEMBERS
    covered = [n for c in at_level(made, 2) for n in c.data()["entities"]]
    assert len(covered) == len(set(covered)) == len(entities)


def test_a_single_entity_is_no_community_and_what_is_beyond_the_most_is_told() -> None:
    entities, relations = cliques(4, 3)
    entities, relations = [*entities, entity("alone")], relations[:-3]
    made = community_levels(entities, relations, 2)
    assert len([c for c in made["out"] if c.data()["level"] == 1]) == 2
    assert [c.text for c in made["cut"]] == ["2 communities of level 1 beyond 2"]
    assert all("alone" not in c.data()["entities"] for c in made["out"])
    assert community_levels([entity("a")], [], 9)["out"] == []


@settings(deadline=None, max_examples=40)
@given(st.sets(st.tuples(st.integers(0, 29), st.integers(0, 29)).filter(lambda e: e[0] < e[1]), max_size=80))
def test_every_level_is_disjoint_and_lies_within_the_level_above(edges: set[tuple[int, int]]) -> None:
    entities = [entity(f"n{n:02}") for n in range(30)]
    made = community_levels(entities, [tie(f"n{a:02}", f"n{b:02}") for a, b in edges], 300)["out"]
    by_key = {c.key: set(c.data()["entities"]) for c in made}
    for level in (1, 2, 3):
        names = [n for c in made if c.data()["level"] == level for n in c.data()["entities"]]
        assert len(names) == len(set(names))
    assert all(by_key[c.key] < by_key[c.data()["parent"]] for c in made if c.data()["parent"])


def test_a_report_is_written_from_child_reports_claims_ties_and_entities_within_its_tokens() -> None:
    parent = reply(key="1.1", data={"id": "1.1", "level": 1, "parent": "", "entities": ["a", "b"]})
    child = reply(key="2.1", data={"id": "2.1", "level": 2, "parent": "1.1", "entities": ["a", "b"]})
    claims = [
        reply("said", key="c1", data={"subject": "a", "chunk": "d1:1"}),
        reply("x", key="c2", data={"subject": "z"}),
    ]
    below = [reply("CHILD", key="2.1", data=child.data()), failed("LOST", key="2.2")]
    (made,) = to_report(
        1, [parent, child], [entity("a"), entity("b")], [tie("a", "b"), tie("a", "z")], claims, 99, below
    )
    assert made.text.splitlines() == [
        "Report 2.1: CHILD",
        "Claim [c1, d1:1]: said",
        "Relation [d1:1]: a - b",
        "Entity [d1:1]: a (thing)",
        "Entity [d1:1]: b (thing)",
    ]
    (short,) = to_report(1, [parent], [entity("a"), entity("b")], [], claims, 12)
    assert about_tokens(short.text) <= 13
    (one,) = to_report(1, [parent], [entity("a")], [], claims[:1], 1)
    assert one.text == "Claim [c1, d1:1]: said"


def test_a_report_keeps_the_chunks_that_it_cites_and_that_there_are() -> None:
    community = reply(key="1.1", data={"id": "1.1", "level": 1, "parent": "", "entities": []})
    written = [reply("So it is [c1, d1:2]. And [d1:1; d9:9] [d1:2, d8:8", key="1.1"), failed("LOST", key="1.2")]
    made = reports_on([community], written, CHUNKS, [reply("HASH")], [reply("NAME")], below=[reply("deep", key="2.1")])
    assert [m.key for m in made] == ["2.1", "1.1", "1.2"]
    assert made[1].data()["chunks"] == ["d1:2"]
    assert (made[1].data()["hash"], made[1].data()["project"]) == ("HASH", "NAME")
    assert not made[2].ok


def memory(name: str, state: str) -> Reply:
    own = {"project": name, "hash": state, "documents": [{"title": "T", "text": "x"}]}
    return reply(key=f"{name} {state}", data={"fields": own})


def test_the_corpus_that_waits_longest_is_indexed_and_only_its_own_is_replaced() -> None:
    corpora = [memory("new", "1"), memory("old", "2"), memory("done", "3")]
    indexes = [memory("done", "3"), memory("old", "1"), memory("new", "9")]
    assert not_indexed(corpora, indexes)
    made = corpus_to_index(corpora, indexes, [memory("old", "1"), memory("new", "9")])
    assert (made["name"][0].text, made["state"][0].text) == ("old", "2")
    assert [r.key for r in made["index"] + made["reports"]] == ["old 1", "old 1"]
    assert [(d.text, d.data()["id"]) for d in made["documents"]] == [("x", "d1")]
    assert not not_indexed(corpora[2:], indexes)
    with pytest.raises(Refuse):
        corpus_to_index(corpora[2:], indexes, [])
