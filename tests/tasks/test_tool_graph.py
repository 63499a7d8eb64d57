"""A graph of tool calls: cycles, waves, retries, and what is skipped."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.tool_graph import (
    after_wave,
    approved,
    drawn,
    graph_answer,
    graph_nodes,
    graph_problem,
    joined,
    nothing_runnable,
    ready_calls,
    template_misfit,
    to_retry,
    writes_nothing,
)
from tasks.calculator import CALCULATOR
from tasks.reply import Replies, Reply, failed, reply
from tasks.toolbox import describe

TOOLS = [describe(CALCULATOR)]
EDGES = st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=14)


def plan(edges: set[tuple[int, int]], size: int = 7) -> Replies:
    """Each node depends on those that an edge leads to."""
    nodes = [
        {
            "id": f"n{i}",
            "tool": "calculator",
            "args": {"expression": "1"},
            "deps": sorted(f"n{b}" for a, b in edges if a == i),
        }
        for i in range(size)
    ]
    return [reply(data={"nodes": nodes})]


def waves(nodes: Replies, bad: set[str], writes: bool = False) -> tuple[Replies, list[list[str]]]:
    """Runs a graph in which some calls always fail: what came of it, and who was called in each wave."""
    todo, results, called = nodes, list[Reply](), list[list[str]]()
    while not nothing_runnable(todo, results):
        ready = ready_calls(todo, results, TOOLS, most=3)
        ran = [failed("down") if c.key in bad else reply("1") for c in ready["calls"]]
        retried = to_retry(ready["calls"], ran)
        after = after_wave(todo, results, ready["nodes"], ran, retried, [failed("down") for _ in retried])
        called.append([c.key for c in ready["calls"]])
        todo, results = after["todo"], after["results"]
    assert todo == []
    return results, called


@settings(deadline=None)
@given(EDGES, st.sets(st.sampled_from([f"n{i}" for i in range(7)])))
def test_every_node_has_one_end_in_an_order_that_respects_its_deps(edges: set[tuple[int, int]], bad: set[str]) -> None:
    nodes = graph_nodes(plan(edges), [], TOOLS, [], most=15)
    acyclic = graph_problem(plan(edges), TOOLS, [], most=15).text == ""
    assert bool(nodes) is acyclic
    results, called = waves(nodes, bad)
    assert sorted(r.key for r in results) == sorted(n.key for n in nodes)
    assert all(len(wave) <= 3 for wave in called)
    assert len(called) <= 15
    state = {r.key: r.data()["state"] for r in results}
    for one in nodes:
        deps = {state[d] for d in one.data()["deps"]}
        wanted = "skipped" if deps - {"done"} else "failed" if one.key in bad else "done"
        assert state[one.key] == wanted
    waits = {n: i for i, wave in enumerate(called) for n in wave}
    assert all(waits[d] < waits[n.key] for n in nodes if n.key in waits for d in n.data()["deps"])


@settings(deadline=None)
@given(EDGES)
def test_every_node_of_a_graph_is_drawn_once(edges: set[tuple[int, int]]) -> None:
    nodes = graph_nodes(plan(edges), [], TOOLS, [], most=15)
    assert drawn(nodes).text.count("- n") == len(nodes)


def test_what_will_be_put_in_need_not_fit_yet_and_the_rest_must() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}, "t": {"type": "string"}}, "required": ["n"]}
    assert template_misfit({"n": "$a"}, schema) == ""
    assert "integer" in template_misfit({"n": "many"}, schema)
    assert "required" in template_misfit({"t": "$a"}, schema)
    assert "schema is wrong" in template_misfit({"n": 1}, {"type": 7})


def test_only_a_rejection_keeps_nodes_from_running() -> None:
    nodes = graph_nodes(plan(set(), 2), [], TOOLS, [], most=15)
    assert approved(nodes, [], [])["todo"] == nodes
    assert approved(nodes, [reply("approve", key="approve")], [])["todo"] == nodes
    said = approved(nodes, [reply("no", key="reject", data={"text": "no"})], [])
    assert (said["todo"], [r.data()["state"] for r in said["results"]]) == ([], ["skipped", "skipped"])


def test_a_call_that_writes_is_not_made_again() -> None:
    calls = [reply("w", key="w", data={"writes": True}), reply("r", key="r", data={"writes": False})]
    assert [c.key for c in to_retry(calls, [failed("x"), failed("y")])] == ["r"]
    assert to_retry(calls, [reply("1"), reply("2")]) == []


def test_what_writes_and_has_no_known_outcome_is_said_first() -> None:
    data = {
        "id": "w",
        "tool": "send",
        "args": {},
        "deps": [],
        "writes": True,
        "state": "failed",
        "result": "ERROR: late",
    }
    finish = reply(data={"verdict": "finish", "missing": []})
    for error, first in (("timeout", True), ("lost", True), ("failed", False)):
        made = graph_answer([reply("Done.")], [reply("", key="w", data={**data, "error": error})], [finish], [])
        assert made.text.startswith("A person must look") is first
        assert made.outcome == ("incomplete" if first else "degraded")


def test_a_judge_who_was_not_heard_ends_the_rounds() -> None:
    assert joined([failed("down")])
    assert joined([reply(data={"verdict": "finish", "missing": []})])
    assert not joined([reply(data={"verdict": "replan", "missing": []})])
    assert writes_nothing([])
