"""The search over workflows as pure functions: the draw, the backup, the stop, the front and the verdict."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.workflow_search import (
    admitted,
    backed_up,
    contestants,
    front,
    search_over,
    selected,
    simplest,
    split_by_spread,
    verdict,
)
from tasks.reply import Replies, Reply, failed, reply

CAP = [reply(data={"usd": 1.0})]


def node(key: str, score: float, cost: float = 1.0) -> Reply:
    data = {"score": score, "cost": cost, "used": cost, "digest": key, "tried": [], "change": key, "parent": ""}
    return reply(key, key=key, data=data)


def result(example: str, run: int, score: float) -> Reply:
    data = {"example": example, "run": run, "score": score, "cost": 1.0, "calls": 1, "lost": "", "reason": ""}
    return reply(key=f"{example} · {run}", data={**data, "prompt": "p", "expected": "x", "answer": "a"})


def row(still: bool) -> Reply:
    return reply(data={"still": still})


def spent(cost: float) -> Replies:
    return [reply(data={"cost": cost})]


def test_what_varies_most_validates_and_of_those_alike_the_harder() -> None:
    examples = [reply(key=f"e{n}") for n in range(1, 6)]
    scores = {"e1": (1, 1), "e2": (0, 0), "e3": (1, 0), "e4": (1, 1), "e5": (0, 0)}
    scored = [result(e, r, s) for e, pair in scores.items() for r, s in enumerate(pair, 1)]
    for share, chosen in ((0.2, {"e3"}), (0.4, {"e3", "e2"}), (0.01, {"e3"})):
        split = split_by_spread(examples, scored, share)
        assert {e.key for e in split["validation"]} == chosen
        assert {e.key for e in split["test"]} == scores.keys() - chosen


def test_the_draw_is_mixed_over_the_best_and_the_root() -> None:
    nodes = [node("g0", 0.0), *(node(f"g{n}", 0.5 + n / 100) for n in range(1, 8))]
    drawn = Counter(selected(nodes, seed, 5).key for seed in range(2000))
    assert set(drawn) == {"g0", "g3", "g4", "g5", "g6", "g7"}
    even, sharp = 0.2 / 6, 0.8 / sum(2.718281828 ** (-0.4 * k) for k in range(5))
    assert drawn["g7"] / 2000 == pytest.approx(even + sharp, abs=0.04)
    assert drawn["g0"] / 2000 == pytest.approx(even, abs=0.02)
    assert selected(nodes, 7, 5) == selected(nodes, 7, 5)


def test_a_proposal_is_admitted_repaired_or_nothing() -> None:
    root = simplest(25)
    said = {"change": "c", "blocks": root.data()["blocks"], "answer": "answer"}
    same = admitted([reply(data=said)], [root], [root], 1, 25)
    assert (same["graph"], same["problem"][0].text) == ([], "the very same graph was tried before")
    (new,) = admitted([reply(data=said)], [root], [], 4, 25)["graph"]
    assert (new.key, new.data()["parent"], new.data()["calls"]) == ("g4", "g0", 1)
    assert admitted([failed("lost")], [root], [], 1, 25) == {"graph": [], "problem": []}


def test_a_change_and_its_gain_stay_with_the_parent() -> None:
    nodes, proposed = [node("g0", 0.5), node("g1", 0.6)], [reply(data={"change": "CHANGE"})]
    made = node("g2", 0.0)
    scored = [result("e1", run, 1.0) for run in (1, 2)]
    after = backed_up(nodes, [nodes[1]], [made], scored, proposed, [], 2)
    assert [n.key for n in after["nodes"]] == ["g0", "g1", "g2"]
    assert after["nodes"][1].data()["tried"] == [{"change": "CHANGE", "gain": pytest.approx(0.4), "problem": ""}]
    assert after["nodes"][0].data()["tried"] == []
    assert (after["row"][0].data()["top"], after["row"][0].data()["still"]) == (["g2", "g1", "g0"], False)
    refused = backed_up(nodes, [nodes[1]], [], [], proposed, [reply("WHY")], 2)
    assert refused["nodes"][1].data()["tried"][0] == {"change": "CHANGE", "gain": None, "problem": "WHY"}
    assert refused["row"][0].data()["still"] is True


@pytest.mark.parametrize(
    ("still", "cost", "over"),
    [
        ([True] * 5, 0.0, True),
        ([True] * 4, 0.0, False),
        ([True, True, False, True, True], 0.0, False),
        ([False, *[True] * 5], 0.0, True),
        ([False], 0.7, True),
        ([False], 0.69, False),
    ],
)
def test_it_stops_when_the_best_stand_still_or_the_money_is_spent(still: list[bool], cost: float, over: bool) -> None:
    assert search_over([row(s) for s in still], spent(cost), CAP, 0.7) is over


def test_without_a_cap_only_standing_still_ends_it() -> None:
    assert not search_over([row(False)], spent(99), [reply(data={"usd": None})], 0.7)


POINTS = st.lists(st.tuples(st.integers(0, 4), st.integers(1, 4)), min_size=1, max_size=8)


@given(POINTS)
def test_the_front_is_what_nobody_beats(points: list[tuple[int, int]]) -> None:
    nodes = [node(f"g{n}", score / 4, cost) for n, (score, cost) in enumerate(points)]
    kept = {n.key for n in front(nodes, 99)}
    for one in nodes[1:]:
        mine = one.data()
        others = [o.data() for o in nodes if o.key != one.key]
        beaten = any(
            o["score"] >= mine["score"]
            and o["cost"] <= mine["cost"]
            and (o["score"], o["cost"]) != (mine["score"], mine["cost"])
            for o in others
        )
        assert (one.key in kept) is not beaten
    assert "g0" not in kept
    assert len(front(nodes, 2)) <= 2


def test_nobody_is_tested_where_nothing_was_found() -> None:
    assert contestants([], [reply(key="self_refine")]) == []


def outcome(key: str, score: float, cost: float = 1.0) -> Reply:
    return reply(key=key, data={"score": score, "cost": cost, "used": cost, "unjudged": 0, "lost": []})


@pytest.mark.parametrize(
    ("results", "winner"),
    [
        ({"g1": 0.52, "rival": 0.5}, ["g1"]),
        ({"g1": 0.519, "rival": 0.5}, []),
        ({"g1": 0.9, "rival": 0.89}, []),
        ({"g1": 0.7, "g2": 0.8, "rival": 0.1}, ["g2"]),
        ({"g1": 0.8, "g2": 0.8, "rival": 0.1}, ["g1"]),
        ({"g1": 0.4, "rival": 0.1}, []),
    ],
)
def test_the_winner_gains_two_points_over_the_root_and_every_rival(
    results: dict[str, float], winner: list[str]
) -> None:
    scored = [result("e1", 1, 0.5), result("e2", 1, 1.0)]
    found: dict[str, Any] = verdict(
        scored,
        [reply(key="e1")],
        [outcome(k, s) for k, s in results.items()],
        [node(k, 1.0) for k in results if k != "rival"],
        0.02,
    )
    assert [w.key for w in found["winner"]] == winner
    assert [t.key for t in found["table"]] == ["g0", *results]


def test_nobody_wins_where_a_rival_could_not_be_tested() -> None:
    results = [outcome("g1", 1.0), failed("BROKE", key="rival")]
    found = verdict([result("e1", 1, 0.0)], [reply(key="e1")], results, [node("g1", 1.0)], 0.02)
    assert found["winner"] == []
    assert not found["table"][-1].ok
