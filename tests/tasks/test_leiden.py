"""Leiden: known graphs come apart where they should, every community is connected, and nothing depends on order."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.leiden import communities, modularity
from tasks.algorithms.points import connected

Edges = dict[tuple[str, str], float]


def clique(*nodes: str) -> Edges:
    return dict.fromkeys(combinations(nodes, 2), 1.0)


def test_two_cliques_with_one_bridge_are_two_communities() -> None:
    edges = {**clique("a", "b", "c", "d"), **clique("e", "f", "g", "h"), ("d", "e"): 1.0}
    assert communities("abcdefgh", edges) == [list("abcd"), list("efgh")]


def test_a_ring_of_cliques_comes_apart_into_its_cliques() -> None:
    names = [[f"{c}{n}" for n in range(5)] for c in "abcdef"]
    edges: Edges = {pair: w for group in names for pair, w in clique(*group).items()}
    edges |= {(names[i][0], names[(i + 1) % 6][1]): 1.0 for i in range(6)}
    assert sorted(communities([n for g in names for n in g], edges)) == sorted(names)


def test_weights_decide() -> None:
    square = {("a", "b"): 9.0, ("c", "d"): 9.0, ("b", "c"): 1.0, ("d", "a"): 1.0}
    assert communities("abcd", square) == [["a", "b"], ["c", "d"]]
    across = {("a", "b"): 1.0, ("c", "d"): 1.0, ("b", "c"): 9.0, ("d", "a"): 9.0}
    assert communities("abcd", across) == [["a", "d"], ["b", "c"]]


def test_zacharys_club_is_split_as_well_as_is_known() -> None:
    found = communities([str(n) for n in range(34)], {(str(a), str(b)): 1.0 for a, b in KARATE})
    assert modularity(found, {(str(a), str(b)): 1.0 for a, b in KARATE}) == pytest.approx(0.4198, abs=0.002)
    assert len(found) == 4


@pytest.mark.parametrize(
    ("nodes", "edges"), [("", {}), ("abc", {}), ("ab", {("a", "a"): 5.0}), ("ab", {("a", "x"): 1})]
)
def test_who_is_tied_to_nobody_is_alone(nodes: str, edges: Edges) -> None:
    assert communities(nodes, edges) == [[n] for n in nodes]


EDGES = st.dictionaries(
    st.tuples(st.sampled_from("abcdefghij"), st.sampled_from("abcdefghij")).filter(lambda e: e[0] < e[1]),
    st.integers(1, 5).map(float),
    max_size=25,
)


@settings(deadline=None, max_examples=150)
@given(EDGES)
def test_communities_are_a_partition_connected_and_no_worse_than_none(edges: Edges) -> None:
    found = communities("abcdefghij", edges)
    assert sorted(n for g in found for n in g) == list("abcdefghij")
    for group in found:
        assert len(connected(group, [e for e in edges if set(e) <= set(group)])) == 1
    assert modularity(found, edges) >= modularity([[n] for n in "abcdefghij"], edges) - 1e-9
    assert modularity(found, edges) >= modularity([list("abcdefghij")], edges) - 1e-9


@settings(deadline=None, max_examples=50)
@given(EDGES)
def test_the_order_and_the_direction_of_edges_do_not_matter(edges: Edges) -> None:
    turned = {(b, a): w for (a, b), w in reversed(edges.items())}
    assert sorted(communities("abcdefghij", edges)) == sorted(communities("abcdefghij", turned))


KARATE = [
    *((0, n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31)),
    *((1, n) for n in (2, 3, 7, 13, 17, 19, 21, 30)),
    *((2, n) for n in (3, 7, 8, 9, 13, 27, 28, 32)),
    *((3, 7), (3, 12), (3, 13), (4, 6), (4, 10), (5, 6), (5, 10), (5, 16), (6, 16), (8, 30), (8, 32), (8, 33)),
    *((9, 33), (13, 33), (14, 32), (14, 33), (15, 32), (15, 33), (18, 32), (18, 33), (19, 33), (20, 32), (20, 33)),
    *((22, 32), (22, 33), (23, 25), (23, 27), (23, 29), (23, 32), (23, 33), (24, 25), (24, 27), (24, 31), (25, 31)),
    *((26, 29), (26, 33), (27, 33), (28, 31), (28, 33), (29, 32), (29, 33), (30, 32), (30, 33), (31, 32), (31, 33)),
    (32, 33),
]
"""Zachary 1977: the ties of a club that split."""
