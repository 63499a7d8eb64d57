"""Monte Carlo tree search as pure functions: selection, virtual loss, backup and the vote over completed paths."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.mcts import (
    arrived,
    backed_up,
    best_path,
    path_to,
    planted,
    root_state,
    search_over,
    selected,
    stepped,
)
from tasks.reply import Replies, Reply, failed, reply

BRANCH = 3


def steps(*texts: str) -> Reply:
    return reply(data={"steps": list(texts)})


def start(width: int = BRANCH) -> Replies:
    return planted([root_state()], [steps(*(f"step {n}" for n in range(width)))], BRANCH)


def simulate(tree: Replies, leaves: Replies, rewards: dict[str, float], deep: int = 2) -> Replies:
    """Every leaf is tried down to `deep`, where it is terminal; the reward of a node is given, else 0.5."""
    made: Replies = []
    for leaf in leaves:
        here = [leaf]
        while here:
            name, depth = here[0].data()["id"], here[0].data()["depth"]
            said = reply(
                data={"state": f"at {name}", "terminal": depth == deep, "answer": name if depth == deep else ""}
            )
            node = arrived(here, [] if here[0].data()["state"] else [said])
            more = [steps("x", "y", "z")] if depth < deep and not here[0].data()["state"] else []
            slots = stepped([node], [reply(data={"score": rewards.get(name, 0.5)})], more, BRANCH)
            made += [m.but(key=f"{leaf.key} · {m.key}") for m in slots["made"]]
            here = slots["here"]
    return backed_up(tree, leaves, made)


def visits(tree: Replies) -> dict[str, int]:
    return {n.key: n.data()["visits"] for n in tree if n.data()["visits"]}


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.sampled_from(["0.1", "0.2", "0.3", "0.1.1", "0.2.1"]), st.floats(0, 1)), st.integers(1, 5))
def test_visits_and_values_add_up_along_every_path(rewards: dict[str, float], rounds: int) -> None:
    tree = start()
    for _ in range(rounds):
        tree = simulate(tree, selected(tree, 4, 1.4), rewards)
    data = {n.key: n.data() for n in tree}
    assert data["0"]["visits"] == 4 * rounds
    for key, node in data.items():
        below = [d for k, d in data.items() if k != key and path_to(k)[:-1] == path_to(key)]
        assert sum(d["visits"] for d in below) <= node["visits"]
        assert 0 <= node["value"] <= node["visits"] + 1e-9
        assert "times" not in node
    assert sum(data[k]["visits"] for k in ("0.1", "0.2", "0.3")) == 4 * rounds


def test_a_virtual_loss_drives_simulations_apart_and_what_is_left_over_counts_twice() -> None:
    leaves = selected(start(), 4, 1.4)
    assert [leaf.key for leaf in leaves] == ["0.1", "0.2", "0.3"]
    assert [leaf.data()["times"] for leaf in leaves] == [2, 1, 1]
    assert [leaf.key for leaf in selected(start(), 2, 1.4)] == ["0.1", "0.2"]


def test_uct_goes_where_the_mean_reward_is_high_but_leaves_nothing_untried() -> None:
    tree = start()
    tree = simulate(tree, selected(tree, 3, 1.4), {"0.2": 1.0, "0.2.1": 1.0, "0.1": 0.0, "0.3": 0.0})
    assert visits(tree) == {"0": 3, "0.1": 1, "0.2": 1, "0.3": 1, "0.1.1": 1, "0.2.1": 1, "0.3.1": 1}
    assert [leaf.key for leaf in selected(tree, 1, 1.4)] == ["0.2.2"]
    assert {leaf.key for leaf in selected(tree, 4, 1.4)} == {"0.2.2", "0.2.3", "0.1.2", "0.3.2"}
    value = {n.key: n.data()["value"] for n in tree}
    assert (value["0.2"], value["0.1"], value["0"]) == (1.0, 0.25, 1.5), "the mean reward along each path"


def test_a_terminal_leaf_is_visited_again_without_being_made_anew() -> None:
    tree = simulate(start(1), selected(start(1), 1, 1.4), {}, deep=1)
    again = backed_up(tree, selected(tree, 4, 1.4), [])
    assert visits(again) == {"0": 5, "0.1": 5}
    assert next(n.data()["value"] for n in again if n.key == "0.1") == pytest.approx(2.5)


@pytest.mark.parametrize(("reward", "times", "over"), [(0.95, 3, True), (0.95, 2, False), (0.94, 9, False)])
def test_a_sure_terminal_state_visited_three_times_ends_it(reward: float, times: int, over: bool) -> None:
    tree = simulate(start(1), selected(start(1), times, 1.4), {"0.1": reward}, deep=1)
    assert search_over(tree, 24, 0.95, 3) is over
    assert search_over(tree, times, 2.0, 99), "as many simulations as there may be"


def test_lost_calls_leave_the_node_untried_or_without_reward() -> None:
    leaf = selected(start(1), 1, 1.4)
    dead = stepped([arrived(leaf, [failed("down")])], [], [], BRANCH)
    tree = backed_up(start(1), leaf, dead["made"])
    assert visits(tree) == {"0": 1, "0.1": 1}
    assert [n.data()["lost"] for n in tree] == ["", "down"]
    assert not best_path(tree).data()["complete"]
    moved = arrived(leaf, [reply(data={"state": "s", "terminal": True, "answer": "a"})])
    unjudged = backed_up(start(1), leaf, stepped([moved], [failed("down")], [], BRANCH)["made"])
    assert unjudged[1].data()["value"] == 0.0
    assert not best_path(unjudged).data()["complete"]


def test_it_is_terminal_only_with_an_answer() -> None:
    leaf = selected(start(1), 1, 1.4)
    assert not arrived(leaf, [reply(data={"state": "s", "terminal": True, "answer": " "})]).data()["terminal"]


def ended(*paths: tuple[str, float, int]) -> Replies:
    """A root and terminal children: answer, reward, visits."""
    tree = start(0)
    for n, (answer, reward, count) in enumerate(paths, 1):
        data = {**root_state().data(), "id": f"0.{n}", "depth": 1, "terminal": True}
        data |= {"answer": answer, "reward": reward, "visits": count, "value": reward * count}
        tree.append(reply(f"step {n}", key=f"0.{n}", data=data))
    return tree


@pytest.mark.parametrize(
    ("paths", "answer", "best"),
    [
        ([("7", 0.9, 1), ("8", 0.5, 1), ("8.0", 0.6, 1)], "8", "0.3"),
        ([("7", 0.6, 1), ("8", 0.6, 3)], "8", "0.2"),
        ([("7", 0.6, 2), ("8", 0.6, 2)], "7", "0.1"),
        ([("7", 0.0, 1), ("8", 0.0, 1)], "7", "0.1"),
    ],
)
def test_the_largest_sum_of_rewards_wins_then_the_most_visits_then_the_earlier(
    paths: list[tuple[str, float, int]], answer: str, best: str
) -> None:
    made = best_path(ended(*paths))
    assert (made.data()["answer"], made.key) == (answer, best)
    assert 0 < made.data()["agreement"] <= 1
