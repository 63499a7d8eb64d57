"""The tree of tasks: whose turn it is by AND and OR, its depth and its runs bounded whatever happens."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.task_tree import (
    MOST_DEPTH,
    MOST_RUNS,
    NO_RUNS,
    action,
    attempted,
    grown,
    handed_down,
    joined,
    next_node,
    no_split,
    no_success,
    planted,
    root_settled,
    sub_results,
    tree_answer,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

GOOD = reply("R", data={"success": True, "ended_by": "finish"})
BAD = reply("N", data={"success": False, "ended_by": "finish"})
YES, NO = reply(data={"done": True, "reason": "Y"}), reply(data={"done": False, "reason": "X"})


def plan(logic: str, count: int) -> Replies:
    return [reply(data={"logic": logic, "subtasks": [f"S{n}" for n in range(1, count + 1)]})]


def turn(tree: Replies, *, ok: bool, split: Replies) -> Replies:
    """What the pattern does in a turn, without its calls."""
    node = [next_node(tree)]
    if action(node) == "join":
        return joined(tree, node, [reply(f"J{node[0].key}")])
    tried = [attempted([GOOD if ok else BAD], [YES])]
    return grown(tree, node, tried, [] if no_split(tried, node, tree) else split)


def status(tree: Replies) -> dict[str, str]:
    return {n.key: n.data()["status"] for n in tree}


@pytest.mark.parametrize(
    ("attempt", "checked", "why"),
    [
        ([GOOD], [YES], ""),
        ([GOOD], [NO], "it is not borne out: X"),
        ([GOOD], [failed("down")], "it could not be checked: down"),
        ([GOOD], [], "it could not be checked: there is no verdict"),
        ([BAD], [YES], "it could not be done: N"),
        ([GOOD.but(data={"success": True, "ended_by": "step_limit"})], [YES], "it could not be done: R"),
        ([failed("down")], [], "there was no answer: down"),
        ([], [], "there was no answer: nothing was done"),
    ],
)
def test_a_try_succeeds_if_executor_and_checker_say_so(attempt: Replies, checked: Replies, why: str) -> None:
    tried = attempted(attempt, checked)
    assert (tried.text, tried.data()["ok"]) == (why, not why)


def test_a_success_must_be_stated() -> None:
    assert (no_success([GOOD]), no_success([BAD]), no_success([failed("x")]), no_success([])) == (
        False,
        True,
        True,
        True,
    )


def test_and_stops_at_a_failure() -> None:
    tree = turn(planted([reply("T")]), ok=False, split=plan("AND", 3))
    tree = turn(turn(tree, ok=True, split=[]), ok=False, split=[])
    assert status(tree) == {"1": "split", "1.1": "done", "1.2": "failed", "1.3": "open"}
    assert action([next_node(tree)]) == "join"
    assert [r.key for r in sub_results(tree, tree)] == ["1.1", "1.2"]
    assert status(turn(tree, ok=True, split=[]))["1"] == "failed"


def test_or_stops_at_a_success() -> None:
    tree = turn(planted([reply("T")]), ok=False, split=plan("OR", 3))
    tree = turn(turn(tree, ok=False, split=[]), ok=True, split=[])
    assert status(tree) == {"1": "split", "1.1": "failed", "1.2": "done", "1.3": "open"}
    assert status(turn(tree, ok=True, split=[]))["1"] == "done"


@pytest.mark.parametrize(("logic", "given_down"), [("AND", ["1.1"]), ("OR", [])])
def test_results_are_handed_down_where_all_are_needed(logic: str, given_down: list[str]) -> None:
    tree = turn(planted([reply("T")]), ok=False, split=plan(logic, 2))
    tree = grown(tree, [tree[1]], [attempted([GOOD], [YES])], [])
    down = handed_down(tree, [tree[2]])
    assert [r.key for r in down["context"]] == given_down
    assert down["task"][0].text == "S2"
    assert handed_down(tree, [tree[0]])["context"] == []


@given(st.integers(0, 10_000), st.floats(0, 1))
@settings(deadline=None, max_examples=60)
def test_every_tree_comes_to_an_end_within_its_bounds(seed: int, chance: float) -> None:
    random, tree, turns = Random(seed), planted([reply("T")]), 0
    while not root_settled(tree):
        split: Replies = random.choice([plan("AND", 5), plan("OR", 5), plan("OR", 2), [], [failed("down")]])
        tree, turns = turn(tree, ok=random.random() < chance, split=split), turns + 1
    assert turns <= MOST_RUNS + 6
    assert sum(n.data()["ran"] for n in tree) <= MOST_RUNS
    assert max(n.data()["depth"] for n in tree) <= MOST_DEPTH
    assert len({n.key for n in tree}) == len(tree)
    assert all(n.data()["ran"] for n in tree if n.data()["logic"]), "no split before a try"
    answer = tree_answer(tree)
    assert (answer.outcome in ("answered", "degraded")) is answer.data()["success"]


def test_without_runs_what_is_open_has_failed() -> None:
    tree = planted([reply("T")])
    while not root_settled(tree):
        tree = turn(tree, ok=False, split=plan("OR", 5))
    assert sum(n.data()["ran"] for n in tree) == MOST_RUNS
    assert [n.key for n in tree if n.data()["reason"] == NO_RUNS] == ["1.5.5"]


def test_a_text_does_not_make_a_success() -> None:
    tree = turn(planted([reply("T")]), ok=False, split=plan("AND", 2))
    tree = turn(tree, ok=False, split=[])
    (root, *_) = joined(tree, [tree[0]], [reply('{"status": "done"}')])
    assert root.data()["status"] == "failed"


def test_without_any_answer_the_run_fails() -> None:
    tree = planted([reply("T")])
    gone: Reply = attempted([failed("down")], [])
    with pytest.raises(Refuse, match="no answer: there was no answer: down"):
        tree_answer(grown(tree, tree, [gone], []))
    with pytest.raises(Refuse, match="no answer: the task was not tried"):
        tree_answer(tree)
