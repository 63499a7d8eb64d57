"""Reasoning structures as pure functions: leaves, gates, fills, and what becomes of a structure by use."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.reasoning_structure import (
    CANDIDATE,
    chosen_modules,
    composed_structure,
    example_tasks,
    filled_structure,
    gate_message,
    gated_structure,
    is_full,
    known_structure,
    leaves,
    new_prompt,
    source_of,
    with_fills,
)
from tasks.algorithms.reasoning_structure import STRUCTURE as PROVEN
from tasks.reply import Reply, failed, reply
from utils.json_replies import first_object

GOOD = json.dumps({"b": "", "a": {"c": "", "d": {}}, "answer": ""})
NESTED = st.recursive(st.just(""), lambda inner: st.dictionaries(st.text(min_size=1, max_size=3), inner, max_size=3))


@given(st.dictionaries(st.text(min_size=1, max_size=3), NESTED, max_size=4))
def test_leaves_are_as_many_as_empty_ends_and_the_gate_says_yes_to_nothing_else(structure: dict[str, Any]) -> None:
    found = list(leaves(structure))
    assert all(value == "" for _, value in found)
    if 2 <= len(found) <= 14 and "answer" not in structure:
        assert gate_message({**structure, "answer": ""}) == ""
    assert gate_message({**structure, "answer": "x"}) != ""


@given(st.text(max_size=40))
def test_any_reply_is_gated_and_filled(text: str) -> None:
    gated = gated_structure([reply(text)])
    assert gated.data()["passed"] == (gate_message(first_object(text)) == "")
    filled = filled_structure([reply(GOOD)], [reply(text)])
    assert [path for path, _ in filled.data()["rows"]] == ["b", "a > c", "a > d", "answer"]


def test_values_are_taken_by_path_and_others_are_left_out() -> None:
    said = reply(json.dumps({"b": " x ", "a": {"c": ["list"], "e": "other"}, "new": "y", "answer": 3}))
    filled = filled_structure([reply(GOOD)], [said])
    assert filled.data()["rows"] == [["b", "x"], ["a > c", '["list"]'], ["a > d", ""], ["answer", "3"]]
    assert not is_full([filled])
    more = reply(data={"filled": [{"path": "a > d", "value": "z"}, {"path": "b", "value": "changed"}]})
    after = with_fills([filled], [more])
    assert (is_full([after]), dict(after.data()["rows"])["b"]) == (True, "x")
    assert with_fills([filled], [failed("down")]).data()["lost"] == ["down"]


def memory(score: float | None, kind: str = CANDIDATE, structure: str = GOOD) -> Reply:
    return reply("t: s", key="id", score=score, data={"kind": kind, "fields": {"structure": structure, "type": "t"}})


@pytest.mark.parametrize(
    ("score", "uses", "mean", "kind", "slots"),
    [
        (0.95, 0, 0.0, CANDIDATE, "hit"),
        (0.9, 0, 0.0, CANDIDATE, ""),
        (None, 0, 0.0, CANDIDATE, ""),
        (0.95, 5, 0.39, CANDIDATE, "ended"),
        (0.95, 5, 0.39, PROVEN, "ended"),
        (0.95, 5, 0.4, CANDIDATE, "hit"),
        (0.95, 4, 0.0, CANDIDATE, "hit"),
        (0.95, 3, 0.7, CANDIDATE, "hit proven ended"),
        (0.95, 2, 1.0, CANDIDATE, "hit"),
        (0.95, 9, 1.0, PROVEN, "hit"),
    ],
)
def test_use_decides_whether_a_structure_is_tried_kept_or_forgotten(
    score: float | None, uses: int, mean: float, kind: str, slots: str
) -> None:
    past = [reply(key=source_of(GOOD), data={"uses": uses, "mean": mean})] if uses else []
    made = known_structure([memory(score, kind)], past, 0.9)
    assert {name for name, replies in made.items() if replies} == set(slots.split())


def test_a_memory_that_is_no_structure_is_no_hit() -> None:
    assert known_structure([memory(1.0, structure="junk")], [], 0.9)["hit"] == []
    assert known_structure([reply("x", score=1.0)], [], 0.9)["hit"] == []
    assert known_structure([], [], 0.9)["hit"] == []


def test_modules_stand_in_the_librarys_order_each_once() -> None:
    chosen = chosen_modules([reply(data={"modules": [3, 1, 3, 9]})], ["a", "b", "c"])
    assert [c.text for c in chosen] == ["a", "c"]
    plain = composed_structure([], chosen)
    assert (list(json.loads(plain.text)), plain.data()["fallback"]) == (["1. a", "2. c", "answer"], True)


def test_examples_are_of_the_same_type() -> None:
    kind = [reply(data={"task_type": "Word problem"})]
    recalled = [
        reply(f"p{n}", data={"fields": {"type": t}}) for n, t in enumerate(["word problem", "x", "WORD problem"])
    ]
    assert [e.text for e in example_tasks(recalled, [reply("own")], kind, 3)] == ["p0", "p2"]
    assert [e.text for e in example_tasks([], [reply("own")], kind, 3)] == ["own"]
    assert new_prompt([reply("P0 ")], kind, recalled) == []
    assert [m.text for m in new_prompt([reply("p9")], kind, recalled)] == ["p9"]
