"""Trade-offs: distances of combinations, domination, letters and what a person's words choose; total on junk."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.tradeoffs import (
    chosen,
    decision,
    far_combinations,
    farthest,
    lettered,
    midpoint,
    undominated,
    with_point,
)
from tasks.reply import Replies, failed, reply

NAMES = ["cost", "speed", "care"]
DIMENSIONS = [
    reply(data={"dimensions": [{"name": n, "comes_first": f"{n} first", "gives_way": f"{n} last"} for n in NAMES]})
]
OPTIONS = lettered(far_combinations(DIMENSIONS, []), seed=1)


def scored(rows: dict[str, list[int]]) -> Replies:
    cells = [
        {"answer": k, "dimension": n, "score": s, "reason": "so"}
        for k, row in rows.items()
        for n, s in zip(NAMES, row, strict=True)
    ]
    return [reply(data={"cells": cells})]


def said(choice: str, text: str) -> Replies:
    return [reply(text, key=choice)]


@pytest.mark.parametrize(("count", "nearest"), [(3, 2), (4, 2), (5, 3)])
def test_four_points_are_as_far_apart_as_any_and_none_gives_way_in_everything(count: int, nearest: int) -> None:
    points = farthest(count)
    apart = [sum(a != b for a, b in zip(p, q, strict=True)) for p, q in combinations(points, 2)]
    assert (len(set(points)), min(apart)) == (4, nearest)
    assert (0.0,) * count not in points


def test_combinations_go_round_the_models() -> None:
    made = far_combinations(DIMENSIONS, [reply("m1"), reply("m2"), reply("m3")])
    assert [m.data()["model"] for m in made] == ["m1", "m2", "m3", "m1"]


TABLES = st.fixed_dictionaries({k: st.lists(st.integers(1, 5), min_size=3, max_size=3) for k in "ABCD"})


@settings(deadline=None, max_examples=60)
@given(TABLES)
def test_what_is_left_is_dominated_and_two_to_four_are_kept(rows: dict[str, list[int]]) -> None:
    slots = undominated(OPTIONS, scored(rows), DIMENSIONS)
    assert 2 <= len(slots["kept"]) <= 4
    assert {o.key for o in [*slots["kept"], *slots["left"]]} == set("ABCD")
    for one in slots["left"]:
        better = rows[one.data()["reason"][0]]
        assert all(b >= s for b, s in zip(better, rows[one.key], strict=True))
        assert better != rows[one.key]


@pytest.mark.parametrize("judged", [[], [failed("down")], [reply(data={"cells": []})]])
def test_without_scores_nothing_is_dropped(judged: Replies) -> None:
    assert [o.key for o in undominated(OPTIONS, judged, DIMENSIONS)["kept"]] == list("ABCD")


def test_the_first_word_on_a_cell_counts_and_unknown_ones_do_not() -> None:
    rows = scored({"A": [1, 1, 1], "B": [2, 2, 2], "C": [3, 1, 1], "D": [1, 3, 1]})
    cells: list[Any] = rows[0].data()["cells"]
    cells += [{"answer": "A", "dimension": n, "score": 5, "reason": "so"} for n in NAMES]
    cells += [{"answer": "A", "dimension": "charm", "score": 5, "reason": "so"}]
    left = undominated(OPTIONS, [reply(data={"cells": cells})], DIMENSIONS)["left"]
    assert [o.key for o in left] == ["A"]


@pytest.mark.parametrize(
    ("choice", "text", "ends"),
    [
        ("pick", "A", True),
        ("pick", "b", True),
        ("pick", "a nice one", False),
        ("pick", "A or B", False),
        ("pick", "Z", False),
        ("mix", "A: the plan; C: the cost", True),
        ("mix", "A", False),
        ("between", "A and B", False),
    ],
)
def test_a_choice_ends_the_rounds_where_it_can_be_followed(choice: str, text: str, ends: bool) -> None:
    assert chosen(said(choice, text), OPTIONS) is ends
    assert decision(said(choice, text), [], OPTIONS)["out"][0].key == (choice if ends else "none")


def test_a_point_between_is_midway_and_gets_a_letter_of_its_own() -> None:
    middle = midpoint(said("between", "A, B"), OPTIONS)
    a, b = (OPTIONS[n].data()["point"] for n in (0, 1))
    assert middle[0].data()["point"] == [(x + y) / 2 for x, y in zip(a, b, strict=True)]
    assert "50% of the way" in middle[0].text
    more = with_point(OPTIONS[:2], middle, [reply("midway")], OPTIONS[2:])
    assert [o.key for o in more] == ["A", "B", "E"]
    assert with_point(OPTIONS, middle, [failed("down")], []) == OPTIONS


@pytest.mark.parametrize(("choice", "text"), [("pick", "A"), ("between", "A"), ("between", "A, B, C")])
def test_there_is_no_midpoint_without_exactly_two(choice: str, text: str) -> None:
    assert midpoint(said(choice, text), OPTIONS) == []
