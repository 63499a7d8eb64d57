"""Two sides in two orders: the mean decides, the place does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.ranking import WEIGHTS, both_orders, rank_sides
from tasks.reply import Replies, Reply, reply

SCORE = st.integers(0, 100).map(lambda n: n / 10)
SIDE = st.tuples(SCORE, SCORE, SCORE)
Scores = tuple[float, float, float]
POSITIONS = [reply("yes", key="A"), reply("no", key="B")]
SAID = [reply(f"speech of {s}", key=f"side {s}", data={"side": s}) for s in "AB"]


def judged(first: tuple[Scores, Scores], second: tuple[Scores, Scores]) -> Reply:
    """The ranking where the judge gave (A, B) these scores in the first order, and these in the second."""
    orders = both_orders(POSITIONS, SAID)

    def fields(scores: Scores) -> dict[str, object]:
        return {c: {"score": s, "quote": "speech"} for c, s in zip(WEIGHTS, scores, strict=True)}

    replies: Replies = [
        reply(key="A-B", data={"x": fields(first[0]), "y": fields(first[1]), "reason": "-"}),
        reply(key="B-A", data={"x": fields(second[1]), "y": fields(second[0]), "reason": "-"}),
    ]
    return rank_sides(orders, replies, POSITIONS, SAID)


def total(scores: Scores) -> float:
    return sum(w * s for w, s in zip(WEIGHTS.values(), scores, strict=True))


@given(SIDE, SIDE, SIDE, SIDE)
def test_the_totals_are_weighted_means_of_both_orders(a1: Scores, b1: Scores, a2: Scores, b2: Scores) -> None:
    data = judged((a1, b1), (a2, b2)).data()
    assert data["totals"]["A"] == pytest.approx((total(a1) + total(a2)) / 2, abs=1e-5)
    assert data["totals"]["B"] == pytest.approx((total(b1) + total(b2)) / 2, abs=1e-5)


@given(SIDE, SIDE, SIDE, SIDE)
def test_swapping_the_sides_swaps_the_winner(a1: Scores, b1: Scores, a2: Scores, b2: Scores) -> None:
    here = judged((a1, b1), (a2, b2)).data()["winner"]
    there = judged((b1, a1), (b2, a2)).data()["winner"]
    assert there == {"A": "B", "B": "A", "draw": "draw"}[here]


@given(SIDE, SIDE)
def test_the_place_alone_never_wins(x: Scores, y: Scores) -> None:
    assert judged((x, y), (y, x)).data()["winner"] == "draw"


def test_both_orders_show_the_same_words_under_swapped_labels() -> None:
    one, two = both_orders(POSITIONS, SAID)
    shown = [[(t["side"], t.get("text")) for t in o.data()["transcript"] if "text" in t] for o in (one, two)]
    assert shown == [
        [("Side X", "speech of A"), ("Side Y", "speech of B")],
        [("Side X", "speech of B"), ("Side Y", "speech of A")],
    ]
