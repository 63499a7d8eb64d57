"""Handoffs: one agent in charge, whatever turns come; four handoffs at most; never back without anything new."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.handoffs import (
    MOST,
    colleagues,
    effect,
    first_active,
    needs_no_triage,
    own_tools,
    swarm,
    swarm_answer,
    to_remember,
    turns_over,
)
from tasks.reply import Replies, Reply, failed, reply

NAMES = ["a", "b", "c"]
TOOLS = [reply("t", key="t", data={"name": "t"}), reply("u", key="u", data={"name": "u"})]
ROWS = [{"name": n, "instructions": n, "tools": ["t"], "handoffs": [m for m in NAMES if m != n]} for n in NAMES]
AGENTS = swarm([reply(data=r) for r in ROWS], TOOLS, [reply("m1"), reply("m2")])


def turn(kind: str, to: str = "") -> Reply:
    return reply(data={"type": kind, "reply": "", "to": to, "reason": "", "tool": "t", "args": {}})


def seen(*, ok: bool, error: str = "") -> Replies:
    return [reply("seen", data={"ok": ok, "error": error})]


def remembered(agent: str) -> Replies:
    return [reply("x", data={"fields": {"agent": agent}})]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["tool", "handoff", "reply", "lost"]), st.sampled_from([*NAMES, "z"]))))
def test_one_agent_is_in_charge_and_control_never_bounces(turns: list[tuple[str, str]]) -> None:
    active, events = AGENTS[:1], list[Reply]()
    for kind, to in turns:
        made = failed("down") if kind == "lost" else turn(kind, to)
        gave = effect(active, AGENTS, events, [made], [], seen(ok=True))
        active, events = gave["active"], [*events, *gave["event"]]
        assert len(active) == 1
        if turns_over(events):
            break
    chain = [e.data() for e in events if e.data()["type"] in ("handoff", "tool")]
    passed = [e for e in chain if e["type"] == "handoff"]
    assert len(passed) <= MOST
    assert all(one["to"] == other["by"] for one, other in pairwise(passed))
    assert not any(
        one["type"] == other["type"] == "handoff" and one["by"] == other["to"] for one, other in pairwise(chain)
    )


@pytest.mark.parametrize(("tool_result", "kind"), [(seen(ok=True), "handoff"), (seen(ok=False), "refused")])
def test_only_a_result_is_something_new(tool_result: Replies, kind: str) -> None:
    first = effect(AGENTS[:1], AGENTS, [], [turn("handoff", "b")], [], [])
    events = first["event"]
    events = [*events, *effect(first["active"], AGENTS, events, [turn("tool")], [], tool_result)["event"]]
    back = effect(first["active"], AGENTS, events, [turn("handoff", "a")], [], [])
    assert back["event"][0].data()["type"] == kind
    assert back["active"][0].key == ("a" if kind == "handoff" else "b")


def test_a_tool_of_unknown_outcome_ends_the_turns() -> None:
    event = effect(AGENTS[:1], AGENTS, [], [turn("tool")], [], seen(ok=False, error="lost"))["event"]
    assert turns_over(event)
    assert not turns_over(effect(AGENTS[:1], AGENTS, [], [turn("tool")], [], seen(ok=False, error="failed"))["event"])
    assert not turns_over([])
    closed = swarm_answer(event, AGENTS[:1], [first_active(AGENTS, [], [])], [])
    assert (closed.outcome, closed.data()["taken_over"]) == ("incomplete", "the outcome of a tool is not known")


@pytest.mark.parametrize(
    ("recalled", "picked", "start", "by"),
    [
        (remembered("c"), [reply(data={"agent": "b"})], "c", "memory"),
        (remembered("gone"), [reply(data={"agent": " B "})], "b", "triage"),
        ([], [reply(data={"agent": "gone"})], "a", "the first"),
        ([], [failed("down")], "a", "the first"),
    ],
)
def test_who_starts(recalled: Replies, picked: Replies, start: str, by: str) -> None:
    one = first_active(AGENTS, recalled, picked)
    assert (one.key, one.data()["started_by"]) == (start, by)
    assert needs_no_triage(AGENTS, recalled) == (by == "memory")
    assert needs_no_triage(AGENTS[:1], [])


def test_tools_colleagues_and_models() -> None:
    assert [t.key for t in own_tools(AGENTS[:1], TOOLS)] == ["t"]
    assert [c.key for c in colleagues(AGENTS[:1], AGENTS)] == ["b", "c"]
    assert [a.data()["model"] for a in AGENTS] == ["m1", "m2", "m1"]


def test_what_is_remembered_is_new_and_of_a_session() -> None:
    session = [reply("s1")]
    assert to_remember(AGENTS[:1], remembered("a"), session) == []
    assert to_remember(AGENTS[:1], [], [reply("")]) == []
    assert to_remember(AGENTS[:1], remembered("b"), session)[0].data() == {"agent": "a"}
