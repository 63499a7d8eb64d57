"""The decision matrix: weights, consistency, turning points, moves; total on junk."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.decision_matrix import (
    DRAWS,
    ahp_weights,
    board,
    cells,
    changing_weight,
    compared,
    criteria_pairs,
    edited_board,
    moved_matrix,
    pairs_left,
    scored_matrix,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

NAMES = ["cost", "speed", "care", "calm"]
BOARD = board(
    [reply(data={"options": [{"name": n, "what": "a thing"} for n in ("Shed", "Tent")]})],
    [reply(data={"criteria": [{"name": n, "direction": "higher is better", "scale": "points"} for n in NAMES]})],
)


def judged(weights: list[float], names: list[str] = NAMES) -> Replies:
    pairs = combinations(zip(names, weights, strict=True), 2)
    return [reply(data={"first": a, "second": b, "ratio": x / y}) for (a, x), (b, y) in pairs]


def matrix(shed: int, tent: int, *more: int) -> Reply:
    """Two options with the same score on every criterion; more readings of the first one's first cell."""
    made = cells([BOARD])
    readings = [
        reply(key=f"{c.key} · r", data={"score": shed if c.key.startswith("Shed") else tent, "reason": "so"})
        for c in made
    ]
    readings += [reply(key="Shed / cost · r", data={"score": m, "reason": "so"}) for m in more]
    return scored_matrix([BOARD], judged([1, 1, 1, 1]), made, readings, seed=1)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.5, 4), min_size=4, max_size=5))
def test_consistent_comparisons_give_back_their_weights(weights: list[float]) -> None:
    names = [f"c{n}" for n in range(len(weights))]
    found, ratio = ahp_weights(names, judged(weights, names))
    assert found == pytest.approx([w / sum(weights) for w in weights], abs=1e-6)
    assert ratio == pytest.approx(0, abs=1e-6)


def test_without_comparisons_all_weigh_the_same() -> None:
    assert ahp_weights(NAMES, []) == ([0.25] * 4, 0)


@pytest.mark.parametrize(
    ("choice", "text", "ratio"),
    [("first", "5", 5), ("second", " 4 ", 0.25), ("equal", "equal", 1), ("first", "a lot", 3), ("first", "12", 3)],
)
def test_a_strength_is_one_to_nine_else_moderate(choice: str, text: str, ratio: float) -> None:
    (first, *_) = criteria_pairs([BOARD])
    assert compared([first], [reply(text, key=choice)]).data()["ratio"] == ratio


def test_the_worst_pair_comes_back_twice_where_comparisons_contradict_one_another() -> None:
    done = judged([1, 1, 1, 1])
    done[0] = done[0].but(data={**done[0].data(), "ratio": 9.0})
    done[3] = done[3].but(data={**done[3].data(), "ratio": 9.0})
    done[1] = done[1].but(data={**done[1].data(), "ratio": 1 / 9})
    *before, last = done
    (again,) = pairs_left([], [BOARD], before, [last])
    assert {again.data()["first"], again.data()["second"]} <= {"cost", "speed", "care"}
    assert len(pairs_left([], [BOARD], done, [done[0]])) == 1
    assert pairs_left([], [BOARD], [*done, done[0]], [done[0]]) == []
    assert pairs_left([], [BOARD], judged([4, 3, 2, 1])[:-1], judged([4, 3, 2, 1])[-1:]) == []


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 10), min_size=4, max_size=4), st.floats(0.05, 0.9))
def test_at_its_turning_point_another_option_draws_level(scores: list[int], weight: float) -> None:
    own, rest = scores[:2], scores[2:]
    totals = [weight * s + (1 - weight) * r for s, r in zip(own, rest, strict=True)]
    winner = totals.index(max(totals))
    at = changing_weight(weight, own, totals, winner)
    gaps = [t * (own[0] - own[1]) + (1 - t) * (rest[0] - rest[1]) for t in (0.0, 1.0)]
    if at is None:
        assert gaps[0] * gaps[1] > 0 or gaps[0] == gaps[1]
    else:
        assert at * (own[0] - own[1]) + (1 - at) * (rest[0] - rest[1]) == pytest.approx(0, abs=2e-3)


def test_a_clear_winner_wins_every_draw_and_equals_share_them() -> None:
    assert matrix(9, 2).data()["shares"] == {"Shed": 1.0, "Tent": 0.0}
    assert matrix(5, 5).data()["shares"] == {"Shed": 0.5, "Tent": 0.5}
    assert DRAWS == 10_000


def test_a_cell_is_the_median_of_its_readings_and_their_spread_is_shown() -> None:
    made = matrix(5, 4, 6, 10)
    first = made.data()["cells"][0]
    assert (first["score"], first["low"], first["high"]) == (6, 5, 10)
    assert made.text.count("worth a look") == 1


def test_a_cell_without_readings_may_be_anything() -> None:
    made = scored_matrix([BOARD], [], cells([BOARD]), [failed("down", key="Shed / cost · r")], seed=1)
    assert {(c["score"], c["low"], c["high"], c["by"]) for c in made.data()["cells"]} == {(5.0, 0.0, 10.0, "nobody")}


@pytest.mark.parametrize("text", ["", "weight charm = 1", "weight cost = 3", "score Shed / cost = 11", "cost = 1"])
def test_a_move_that_cannot_be_followed_changes_nothing(text: str) -> None:
    before = matrix(9, 2)
    after = moved_matrix([before], [reply(text, key="move")], seed=1)
    assert after.data() == before.data()
    assert "could not be followed" in after.text


def test_a_moved_weight_leaves_the_others_their_proportions_and_a_moved_score_has_no_spread() -> None:
    after = moved_matrix([matrix(9, 2)], [reply("weight COST = 40%", key="move")], seed=1).data()
    assert after["weights"] == pytest.approx([0.4, 0.2, 0.2, 0.2])
    one = moved_matrix([matrix(5, 5, 9)], [reply("score shed / cost = 1.5", key="move")], seed=1).data()["cells"][0]
    assert (one["score"], one["low"], one["high"], one["by"]) == (1.5, 1.5, 1.5, "you")


def test_an_edit_replaces_one_kind_of_line_and_refuses_what_is_out_of_bounds() -> None:
    said = [reply("option: Hut | small; option: Cave; option: hut", key="edit")]
    assert [o["name"] for o in edited_board([BOARD], said).data()["options"]] == ["Hut", "Cave"]
    assert edited_board([BOARD], said).data()["criteria"] == BOARD.data()["criteria"]
    for junk in ("option: Hut", "a tent, please"):
        after = edited_board([BOARD], [reply(junk, key="edit")])
        assert after.data() == BOARD.data()
        assert after.text != BOARD.text


def test_one_option_named_twice_is_no_choice() -> None:
    twice = [reply(data={"options": [{"name": n, "what": ""} for n in ("Shed", "shed")]})]
    with pytest.raises(Refuse, match="1 options"):
        board(twice, [reply(data={"criteria": BOARD.data()["criteria"]})])
