"""One tool among many: cards without schemas, a shortlist, and what counts as settled, unknown or done."""

import pytest

from tasks.algorithms.registered_tools import (
    call_settled,
    capability,
    filled_call,
    nothing_to_explain,
    registry_answer,
    shortlist,
    tool_attempt,
    tool_cards,
    tool_found,
    tools_found,
    tried_enough,
)
from tasks.reply import Replies, Reply, failed, reply
from tasks.tool_calls import tool_error

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def entry(name: str, *, writes: bool = False) -> Reply:
    data = {"name": name, "description": f"does {name}", "arguments": SCHEMA, "writes": writes, "undo": ""}
    return reply(f"{name} SCHEMA", key=name, data=data)


TOOLS = [entry("a"), entry("b"), entry("c"), failed("no setting", key="d")]
CARDS = tool_cards(TOOLS)
CALL = filled_call([entry("a")], [reply(data={"args": {"n": 1}})])
WRITE = filled_call([entry("w", writes=True)], [reply(data={"args": {"n": 1}})])


def hit(name: str, score: float = 0.6) -> Reply:
    return reply(name, key=f"{name}:1", data={"document": name}, score=score)


@pytest.mark.parametrize(
    ("written", "need"),
    [
        ([reply("one\n\ntwo\nthree\nfour")], "one\ntwo\nthree"),
        ([reply("  ")], "ask"),
        ([failed("down")], "ask"),
        ([], "ask"),
    ],
)
def test_a_need_has_three_lines_at_most(written: Replies, need: str) -> None:
    assert capability([reply("ask")], written, lines=3).text == need


def test_cards_hold_no_schema_and_each_tool_is_found_once() -> None:
    assert [c.text for c in CARDS] == ["a: does a", "b: does b", "c: does c"]
    found = tools_found([hit("b"), hit("b", 0.4), hit("zzz"), failed("words alone")], CARDS)
    assert [(f.key, f.score) for f in found] == [("b", 0.6)]


@pytest.mark.parametrize(
    ("ranked", "names"),
    [
        ([reply(data={"ranking": ["c", "a", "c", "zzz", "d"]})], ["c", "a"]),
        ([reply(data={"ranking": ["b"]})], []),
        ([reply(data={"ranking": []})], []),
        ([failed("down")], ["a", "c"]),
        ([], ["a", "c"]),
    ],
)
def test_the_shortlist_holds_what_was_found_and_ranked(ranked: Replies, names: list[str]) -> None:
    """`b` was not found: a ranking cannot bring it in."""
    hits = tools_found([hit("a"), hit("c")], CARDS)
    assert [s.key for s in shortlist(hits, ranked, TOOLS, keep=5)] == names


@pytest.mark.parametrize(
    ("filled", "valid"),
    [([reply(data={"args": {"n": 1}})], True), ([reply(data={"args": {"n": "x"}})], False), ([failed("x")], False)],
)
def test_arguments_are_checked_against_the_schema(filled: Replies, valid: bool) -> None:
    assert filled_call([entry("a")], filled).data()["valid"] is valid


@pytest.mark.parametrize(
    ("call", "result", "settled", "unknown"),
    [
        (CALL, reply("fine"), True, False),
        (CALL, tool_error("failed", "down"), False, False),
        (CALL, tool_error("arguments", "no n"), False, False),
        (WRITE, tool_error("arguments", "no n"), False, False),
        (WRITE, tool_error("unavailable", "not here"), False, False),
        (WRITE, tool_error("timeout", "slow"), True, True),
        (WRITE, tool_error("failed", "down"), True, True),
        (WRITE, tool_error("lost", "begun before"), True, True),
    ],
)
def test_a_write_that_may_have_been_done_is_not_done_again(
    call: Reply, result: Reply, settled: bool, unknown: bool
) -> None:
    assert call_settled([call], [result]) is settled
    made = tool_attempt([entry("x")], [call], [result], [], [])
    assert (made.data()["unknown"], tried_enough([made])) == (unknown, unknown or result.ok)
    assert nothing_to_explain(TOOLS, [made]) is unknown


def test_an_attempt_is_its_second_try_where_there_is_one() -> None:
    made = tool_attempt([entry("a")], [CALL], [tool_error("failed", "down")], [CALL], [reply("fine")])
    assert (made.key, made.text, made.data()["tries"], made.data()["went"]) == ("a", "fine", 2, 1.0)
    lost = tool_attempt([entry("a")], [CALL], [tool_error("failed", "one")], [CALL], [tool_error("failed", "two")])
    assert (lost.data()["ok"], lost.data()["message"], lost.data()["error"]) == (False, "two", "failed")
    assert (tool_found([lost, made]), tool_found([made, lost]), tool_found([])) == ("used", "none", "none")


def test_nothing_at_all_is_said() -> None:
    made = registry_answer([], [], [], [], [], [], [], [])
    assert (made.outcome, "RADIANT_TOOLS" in made.text) == ("incomplete", True)
