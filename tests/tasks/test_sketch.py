"""Sketches: markers, what is filled again, how fills come together, and what counts as passed."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.sketch import (
    assembled,
    current_fills,
    fill_verdict,
    hole_program,
    holes_to_fill,
    sketched,
    whole_verdict,
)
from tasks.reply import Replies, Reply, failed, reply

Hole = dict[str, str]


def hole(name: str, test: str = "assert True", must: str = "f") -> Hole:
    return {"id": name, "given": "", "must_provide": must, "test": test}


def sketch(skeleton: str, *holes: Hole) -> Reply:
    return sketched([reply(data={"skeleton": skeleton, "holes": list(holes)})])


def fill(name: str, text: str = "x = 1", *, passed: bool = True) -> Reply:
    return reply(text, key=name, data={"passed": passed, "message": "" if passed else "no", "attempts": 1})


def ran(**data: Any) -> Replies:
    return [reply(data={"ok": True, "error": "", "output": "", "final": None, **data})]


TWO = sketch("H1\nH2\nprint(1)", hole("H1"), hole("H2"))


@pytest.mark.parametrize(
    ("skeleton", "holes", "problem"),
    [
        ("H1\nH2", [hole("H1"), hole("H2")], ""),
        ("# H1\n    H2  ", [hole("H1"), hole("H2")], ""),
        ("H1\nx = H2", [hole("H1"), hole("H2")], "H2 stands 0 times"),
        ("H1\nH1\nH2", [hole("H1"), hole("H2")], "H1 stands 2 times"),
        ("H1\nH2\nH3", [hole("H1"), hole("H2")], "H3 has no hole"),
        ("H1\nH2", [hole("H1"), hole("H1"), hole("H2")], "two holes are called H1"),
        ("H1\nH2", [hole("H1", test="assert ("), hole("H2")], "test of H1 is no Python"),
        ("H1\nH2", [hole("H1", test="(" * 5000), hole("H2")], "test of H1 is no Python"),
        ("H1\nH2", [hole("H1", test="\x00"), hole("H2")], "test of H1 is no Python"),
    ],
)
def test_what_is_wrong_with_a_sketch_is_named(skeleton: str, holes: list[Hole], problem: str) -> None:
    problems = sketch(skeleton, *holes).data()["problems"]
    assert len(problems) == bool(problem)
    assert all(problem in p for p in problems)


def test_fills_take_the_place_and_margin_of_their_markers() -> None:
    made = sketch("def a():\n    H1\nH10\nH2", hole("H1"), hole("H2", must="g()"), hole("H10"))
    text = assembled(made, [fill("H1", "x = 1\ny = 2"), fill("H2", "no", passed=False), fill("H10", "z = 3")])
    assert text == "def a():\n    x = 1\n    y = 2\nz = 3\n# OPEN H2: g()"


@given(st.sets(st.sampled_from(["H1", "H2"])), st.sets(st.sampled_from(["H1", "H2"])))
def test_only_new_or_changed_holes_are_filled_again(changed: set[str], filled: set[str]) -> None:
    now = sketch("H1\nH2\nH3", *[hole(n, must="new" if n in changed else "f") for n in ("H1", "H2")], hole("H3"))
    todo = holes_to_fill([now], [TWO], [fill(n, passed=False) for n in sorted(filled)])
    assert {t.key for t in todo} == {"H3"} | changed | ({"H1", "H2"} - filled)


def test_a_sketch_that_is_wrong_is_not_filled() -> None:
    assert holes_to_fill([sketch("H1", hole("H1"), hole("H2"))], [TWO], []) == []


def test_new_fills_replace_old_ones_and_holes_that_are_gone_lose_theirs() -> None:
    now = sketch("H1\nH3", hole("H1"), hole("H3"))
    fills = current_fills([now], [fill("H1", "old"), fill("H2")], [fill("H3"), fill("H1", "new")])
    assert [(f.key, f.text) for f in fills] == [("H1", "new"), ("H3", "x = 1")]
    lost = current_fills([now], [], [failed("down", key="H1")])
    assert [(f.ok, f.data()["passed"], f.data()["message"]) for f in lost] == [(True, False, "down")]


@pytest.mark.parametrize(
    ("end", "passed"),
    [
        ({"final": "reached 7"}, True),
        ({"final": "reached 8"}, False),
        ({"final": None}, False),
        ({"final": "reached 7", "ok": False, "error": "AssertionError"}, False),
    ],
)
def test_a_fill_passes_only_if_the_last_line_was_reached(end: dict[str, Any], passed: bool) -> None:
    item, written = [reply(data=hole("H1"))], [reply("```python\nx = 1\n```")]
    program = [hole_program(item, written, 7)]
    verdict = fill_verdict(item, written, program, ran(**end))
    assert verdict.data()["passed"] is passed
    assert verdict.text == "x = 1"
    assert program[0].data()["code"] == "x = 1\n\nassert True\n\nfinal_answer('reached 7')\n"


def test_a_whole_with_an_open_hole_has_not_passed_whatever_ran() -> None:
    program = [reply(data={"word": "w", "code": ""})]
    verdict = whole_verdict([TWO], [fill("H1"), fill("H2", passed=False)], program, ran(final="w"))
    assert verdict.data() == {"passed": False, "message": "open: H2"}
    assert whole_verdict([TWO], [fill("H1"), fill("H2")], program, ran(final="w")).data()["passed"]
