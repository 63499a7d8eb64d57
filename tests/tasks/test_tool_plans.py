"""Plans of tool calls: what names what, what may be run, and what is put in the place of a name."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.tool_plans import (
    EVIDENCE,
    MODEL,
    filled_call,
    line_call,
    line_found,
    line_problem,
    names_in,
    plan_lines,
    rewoo_answer,
    substituted,
    who_finds,
    with_model,
)
from tasks.calculator import CALCULATOR
from tasks.reply import Replies, Reply, failed, reply
from tasks.toolbox import describe

TOOLS = [describe(CALCULATOR)]
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab #E$12 ", max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=8,
)


def plan(*lines: tuple[str, dict[str, Any]]) -> Replies:
    return [reply(data={"lines": [{"plan": "why", "tool": tool, "args": args} for tool, args in lines]})]


def table(kind: str) -> Reply:
    schema = {"type": "object", "properties": {"rows": {"type": kind}}, "required": ["rows"]}
    return reply("table", key="table", data={"name": "table", "arguments": schema, "writes": False, "undo": ""})


@settings(deadline=None)
@given(PLAIN)
def test_nothing_found_leaves_a_value_as_it_is(value: object) -> None:
    assert substituted(value, {}, EVIDENCE) == value


@settings(deadline=None)
@given(PLAIN)
def test_once_all_is_found_nothing_is_named_any_more(value: object) -> None:
    found = dict.fromkeys(names_in(value, EVIDENCE), "found")
    assert names_in(substituted(value, found, EVIDENCE), EVIDENCE) == []


def test_what_was_found_is_not_looked_through_for_names() -> None:
    assert substituted("#E1", {"#E1": "#E2", "#E2": "no"}, EVIDENCE) == "#E2"


def test_a_longer_name_is_another_name() -> None:
    assert substituted("#E1 #E12", {"#E1": "a"}, EVIDENCE) == "a #E12"


@pytest.mark.parametrize(
    ("kind", "text", "valid"),
    [("integer", "54", True), ("array", "[1]", True), ("string", "54", True), ("integer", "many", False)],
)
def test_a_name_alone_may_stand_for_what_the_tool_wants(kind: str, text: str, valid: bool) -> None:
    call = filled_call("table", {"rows": "#E1"}, {"#E1": text}, EVIDENCE, [table(kind)])
    assert call.data()["valid"] is valid


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (plan(("calculator", {})), ""),
        (plan(("calculator", {}), ("calculator", {"expression": ["#E1"]})), ""),
        (plan(), "0 lines"),
        (plan(*[("calculator", {})] * 3), "3 lines"),
        (plan(("web", {})), "no tool 'web'"),
        (plan(("calculator", {"a": {"b": "#E1"}})), "names #E1"),
        ([failed("down")], "down"),
        ([], "none was made"),
    ],
)
def test_what_is_wrong_with_a_plan(given: Replies, problem: str) -> None:
    said = line_problem(given, TOOLS, most=2)
    assert problem in said.text
    assert bool(said.text) is bool(problem)
    assert bool(plan_lines(given, [], TOOLS, most=2)) is (problem == "")


def test_the_re_plan_comes_first_where_it_holds() -> None:
    first, second = plan(("calculator", {})), plan(("calculator", {}), ("calculator", {}))
    assert len(plan_lines(first, second, TOOLS, most=8)) == 2
    assert len(plan_lines(first, plan(("web", {})), TOOLS, most=8)) == 1


def test_the_model_is_one_tool_more_and_takes_the_place_of_its_name() -> None:
    assert [t.key for t in with_model([*TOOLS, reply("mine", key=MODEL, data={"name": MODEL})])] == [
        "calculator",
        MODEL,
    ]
    tools = with_model(TOOLS)
    (line,) = plan_lines(plan((MODEL, {"input": "x"})), [], tools, most=8)
    call = line_call([line], [], tools)
    assert (who_finds([call]), call.data()["input"]) == ("model", "x")
    (bad,) = plan_lines(plan((MODEL, {})), [], tools, most=8)
    assert who_finds([line_call([bad], [], tools)]) == "tool"


@pytest.mark.parametrize(("result", "text", "ok"), [(reply("54"), "54", True), (failed("down"), "ERROR: down", False)])
def test_what_a_line_found_stands_under_its_name(result: Reply, text: str, ok: bool) -> None:
    (line,) = plan_lines(plan(("calculator", {"expression": "1"})), [], TOOLS, most=8)
    made = line_found([line], [line_call([line], [], TOOLS)], [result])
    assert (made.key, made.text, made.ok, made.data()["ok"]) == ("#E1", text, True, ok)


def test_a_call_whose_outcome_is_unknown_is_said_first() -> None:
    (line,) = plan_lines(plan(("calculator", {})), [], TOOLS, most=8)
    lost = failed("send was begun").but(data={"error": "lost"})
    call = line_call([line], [], TOOLS)
    seen = line_found([line], [call.but(data={**call.data(), "writes": True})], [lost])
    answer = rewoo_answer([reply("done")], [line], [seen], [reply("")], [])
    assert answer.text.startswith("A person must look before anything else is done: ERROR: send was begun")
    assert answer.outcome == "incomplete"
