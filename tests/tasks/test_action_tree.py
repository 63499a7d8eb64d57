"""A tree of real actions: UCT, what is open, equal actions and observations, values, backup, ends and their replay."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.action_ends import (
    acts_to,
    best_end,
    most_visited,
    nothing_failed,
    replayed_end,
    reward_of_tests,
    reward_of_verdict,
    short_reflection,
)
from tasks.algorithms.action_tree import (
    action_root,
    backed_up,
    children_of,
    done_act,
    how_to_search,
    proposed_acts,
    selected_leaf,
    tree_searched,
    valued,
)
from tasks.reply import Replies, Reply, failed, reply

TOOLS = [reply("look", key="look", data={"name": "look", "arguments": {}, "writes": False, "undo": ""})]


def node(key: str, visits: int = 0, total: float = 0.0, **more: Any) -> Reply:
    root = action_root()
    data = {**root.data(), "depth": key.count("."), "visits": visits, "total": total, "action": f"do {key}"}
    return root.but(key=key, data={**data, **more})


def leaf(*tree: Reply) -> list[str]:
    return [n.key for n in selected_leaf(list(tree), c=1.0, depth=8)]


def sample(tool: str = "look", **args: Any) -> Reply:
    return reply(data={"thought": "T", "type": "tool", "tool": tool, "args": args, "answer": ""})


def test_the_leaf_is_the_one_that_uct_leads_to() -> None:
    assert leaf(node("0")) == ["0"]
    assert leaf(node("0", 2), node("0.1", 1, 0.2), node("0.2", 1, 0.6)) == ["0.2"]
    assert leaf(node("0", 9), node("0.1", 1, 0.4), node("0.2", 8, 4.0)) == ["0.1"], "seldom visited"
    assert leaf(node("0", 1), node("0.1", value=0.3), node("0.2", value=0.7)) == ["0.2"], "by what it promises"
    assert leaf(node("0", 1), node("0.1", value=0.7), node("0.2", value=0.7)) == ["0.1"], "the earlier one"


def test_ways_that_have_ended_are_not_chosen_again() -> None:
    done = node("0.1", 5, 5.0, terminal=True, reward=0.5)
    assert leaf(node("0", 6), done, node("0.2", 1, 0.0)) == ["0.2"]
    assert leaf(node("0", 6), done) == []
    assert leaf(node("0", 1), node("0.1", terminal=True)) == ["0.1"], "an end that was not rewarded yet"
    deep = [node("0" + ".1" * d, 1) for d in range(9)]
    assert leaf(*deep) == []
    assert leaf(*deep[:8]) == [deep[7].key]


@pytest.mark.parametrize(
    ("more", "calls", "over"),
    [({}, 10, False), ({"reward": 1.0}, 10, True), ({"reward": 0.9}, 10, False), ({}, 50, True)],
)
def test_it_ends_at_reward_one_or_when_the_calls_are_spent(more: dict[str, Any], calls: int, over: bool) -> None:
    spent, most = [reply(data={"calls": calls})], [reply("50")]
    assert tree_searched([node("0", 1), node("0.1", 1, **more)], spent, most, depth=8) is over
    assert tree_searched([node("0", 1, terminal=True)], spent, most, depth=8) is True, "exhausted"


def test_equal_actions_are_one_with_their_votes_and_what_is_no_call_is_left_out() -> None:
    said = [sample(a=1, b=2), sample(b=2, a=1), sample("none"), failed("down"), sample(a=2)]
    acts = proposed_acts(said, TOOLS)
    assert [(a.data()["args"], a.data()["votes"]) for a in acts] == [({"a": 1, "b": 2}, 2), ({"a": 2}, 1)]
    empty = reply(data={"thought": "", "type": "finish", "tool": "", "args": {}, "answer": " "})
    assert proposed_acts([empty], TOOLS) == []


def done(action: str, seen: str, votes: int = 1, cell: str = "") -> Reply:
    act = {"thought": "T", "type": "tool"}
    data = {"act": act, "action": action, "observation": seen, "cell": cell, "files": [], "terminal": False}
    return reply(seen, data={**data, "answer": "", "votes": votes})


@given(st.permutations([done("a", "x", 3), done("b", "x", 1), done("c", "y", 2)]))
@settings(deadline=None)
def test_of_equal_observations_the_one_proposed_most_often_stays(tried: list[Reply]) -> None:
    found = children_of([action_root()], tried)
    assert [(c.key, c.data()["action"]) for c in found] == [("0.1", "a"), ("0.2", "c")]


def test_cells_that_print_nothing_differ_and_build_on_the_way_before_them() -> None:
    found = children_of(
        [action_root()], [done("a", "(no output)", cell="x = 1"), done("b", "(no output)", cell="x = 2")]
    )
    assert [c.data()["cells"][1:] for c in found] == [["x = 1"], ["x = 2"]]
    assert children_of([found[0]], [done("c", "y", cell="z")])[0].data()["cells"][1:] == ["x = 1", "z"]
    assert children_of([action_root()], [failed("x")]) == []


@pytest.mark.parametrize(("ended", "kept"), [("done", "x = 1"), ("error", "x = 1"), ("time", ""), ("memory", "")])
def test_a_cell_that_met_a_limit_leaves_the_session_as_it_was(ended: str, kept: str) -> None:
    act = [reply("a", data={"type": "cell", "code": "x = 1", "answer": "", "votes": 1})]
    made = done_act(act, [reply("out", data={"ended": ended, "files": []})], [])
    assert (made.data()["cell"], made.data()["observation"]) == (kept, "out")
    assert done_act(act, [failed("gone")], []).data()["observation"] == "ERROR: gone"


def test_a_value_is_half_promise_and_half_share() -> None:
    children = [node("0.1", votes=1), node("0.2", votes=4)]
    judged = [reply(data={"promise": 1.0}), failed("down", key="j")]
    made = valued([action_root()], children, judged, [failed("late", key="s")], width=5)
    assert [n.data()["value"] for n in made["made"]] == [pytest.approx(0.6), pytest.approx(0.4)]
    assert [n.key for n in made["here"]] == ["0.1"]
    assert [r.text for r in made["lost"]] == ["s: late", "j: down"]
    nothing = valued([action_root()], [], [], [], width=5)
    assert (nothing["here"], nothing["end"]) == ([], [action_root()])


@pytest.mark.parametrize(
    ("more", "reward", "worth"),
    [({"terminal": True}, 0.5, 0.5), ({"terminal": True, "value": 0.7}, None, 0.7), ({"value": 0.7}, None, 0.0)],
)
def test_a_reward_counts_in_every_node_up_to_the_root(more: dict[str, Any], reward: float | None, worth: float) -> None:
    tree, made = [node("0", 1, 1.0), node("0.2", 1, 1.0)], [node("0.1"), node("0.1.1", **more)]
    said = [reply(data={"reward": reward, "evidence": "E"})] if more.get("terminal") else []
    found = {n.key: n.data() for n in backed_up(tree, made, made[1:], said)}
    assert [(found[k]["visits"], found[k]["total"]) for k in ("0", "0.1", "0.1.1", "0.2")] == [
        (2, 1.0 + worth),
        (1, worth),
        (1, worth),
        (1, 1.0),
    ]
    assert found["0.1.1"]["reward"] == reward


def test_the_best_end_is_by_reward_then_visits_then_the_earlier() -> None:
    def ends(*rows: tuple[float | None, int]) -> Replies:
        return [node(f"0.{n}", visits, terminal=True, reward=r) for n, (r, visits) in enumerate(rows, 1)]

    assert [b.key for b in best_end(ends((0.5, 9), (1.0, 1), (None, 9)))] == ["0.2"]
    assert [b.key for b in best_end(ends((0.5, 1), (0.5, 2), (0.5, 2)))] == ["0.2"]
    assert best_end([node("0", 3), node("0.1", 0, terminal=True)]) == []


def test_the_way_to_an_end_is_done_again_without_its_stop() -> None:
    tree = [node("0"), node("0.1", observation="SEEN"), node("0.2"), node("0.1.1", terminal=True)]
    assert [(a.text, a.data()["observed"]) for a in acts_to(tree, tree[3:])] == [("do 0.1", "SEEN")]
    assert acts_to(tree, []) == []
    files = [{"path": "a.txt", "text": "new"}]
    log = [
        reply(data={"cell": "clean"}),
        reply(data={"cell": "x", "files": files}),
        reply(data={"cell": "", "files": []}),
    ]
    assert replayed_end(tree[3:], log)[0].data()["files"] == files
    assert most_visited([node("0", 3), node("0.1", 3), node("0.2", 1)])[0].key == "0.1"


@pytest.mark.parametrize(
    ("final", "reward"),
    [({"passed": 1, "of": 2, "failures": ["WHY"]}, 0.5), (None, 0.0), ("passed", 0.0), ({"passed": 0, "of": 0}, 0.0)],
)
def test_tests_reward_what_passed_of_them(final: object, reward: float) -> None:
    assert reward_of_tests([reply(data={"ok": True, "final": final, "error": ""})]).score == reward
    assert reward_of_tests([reply(data={"ok": False, "final": final, "error": "E"})]).score == 0.0
    assert reward_of_tests([failed("unavailable")]).score is None


def test_only_a_judged_end_below_one_is_learned_from_in_three_lines() -> None:
    verdicts = [reply(data={"goal": g, "evidence": "E"}) for g in ("met", "partly", "not")]
    rewards = [reward_of_verdict([v]) for v in verdicts] + [reward_of_verdict([failed("x")])]
    assert [r.score for r in rewards] == [1.0, 0.5, 0.0, None]
    assert [nothing_failed([r]) for r in rewards] == [True, False, False, True]
    assert nothing_failed([]) is True
    assert short_reflection([reply("1\n\n2\n3\n4")], turn=2)[0].text == "1\n2\n3"
    assert short_reflection([failed("x")], turn=2) == short_reflection([reply(" ")], turn=2) == []


def test_one_tool_that_writes_makes_it_a_loop() -> None:
    writes = reply(data={"writes": True})
    assert how_to_search(TOOLS) == how_to_search([*TOOLS, failed("x")]) == "tree"
    assert how_to_search([*TOOLS, writes]) == "loop"
