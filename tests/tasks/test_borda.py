"""Borda by mean relative position: sheets without one's own answer, complete orders only, disputes, bounds."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.borda import council, malformed, review_sheets
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

PANEL = [reply(f"openai/m{n}", key=f"openai/m{n}") for n in range(1, 5)]
ANSWERS = [p.but(text=f"text {n}") for n, p in enumerate(PANEL, 1)]


def review(sheet: Reply, order: list[str]) -> Reply:
    """A review that puts these models in order, where it saw them."""
    letter = {key: own for own, key in sheet.data()["letters"].items()}
    ranking = [letter.get(key, key) for key in order if key != sheet.key]
    remarks = [{"letter": own, "strength": "s", "flaw": "f"} for own in ranking]
    return reply(key=sheet.key, data={"ranking": ranking, "remarks": remarks})


def reviewed(orders: dict[str, list[str]], answers: Replies = ANSWERS) -> dict[str, Replies]:
    sheets = review_sheets(PANEL, answers, seed=7)
    reviews = [review(s, orders[s.key]) for s in sheets if s.key in orders]
    return council(answers, sheets, reviews, [], least=2)


KEYS = [p.key for p in PANEL]


def test_nobody_sees_their_own_answer_and_letters_are_shuffled_for_each() -> None:
    sheets = review_sheets(PANEL, ANSWERS, seed=7)
    for sheet in sheets:
        assert sorted(sheet.data()["letters"].values()) == [k for k in KEYS if k != sheet.key]
        assert [a["letter"] for a in sheet.data()["answers"]] == ["A", "B", "C"]
        assert "openai" not in str(sheet.data()["answers"])
    shuffles = {tuple(review_sheets(PANEL, ANSWERS, seed=n)[0].data()["letters"].values()) for n in range(30)}
    assert len(shuffles) == 6
    assert sheets == review_sheets(PANEL, ANSWERS, seed=7)


def test_who_has_no_answer_reviews_all_the_others() -> None:
    answers = [failed("down", key=KEYS[0]), *ANSWERS[1:]]
    sheets = review_sheets(PANEL, answers, seed=1)
    assert [len(s.data()["letters"]) for s in sheets] == [3, 2, 2, 2]


def test_the_mean_of_position_over_answers_ranked() -> None:
    slots = reviewed({KEYS[0]: KEYS, KEYS[1]: KEYS, KEYS[2]: KEYS, KEYS[3]: KEYS})
    assert [(r.key, r.data()["positions"]) for r in slots["league"]] == [
        ("A", [1, 1, 1]),
        ("B", [1, 2, 2]),
        ("C", [2, 2, 3]),
        ("D", [3, 3, 3]),
    ]
    assert [r.data()["mean"] for r in slots["league"]] == pytest.approx([1 / 3, 5 / 9, 7 / 9, 1.0])
    assert slots["disputed"] == []


def test_positions_two_apart_are_a_dispute() -> None:
    slots = reviewed({KEYS[0]: KEYS, KEYS[1]: [KEYS[3], KEYS[2], KEYS[0]]})
    assert {d.key for d in slots["disputed"]} == {"D"}
    assert slots["disputed"][0].data()["positions"] == [3, 1]
    assert len(slots["disputed"][0].data()["remarks"]) == 2


@pytest.mark.parametrize("order", [["A"], ["A", "A", "B"], ["A", "B", "C", "D"], ["A", "B", "Z"], []])
def test_an_order_that_is_not_complete_is_asked_again_with_what_is_wrong(order: list[str]) -> None:
    sheets = review_sheets(PANEL, ANSWERS, seed=7)
    bad = reply(key=KEYS[0], data={"ranking": order, "remarks": []})
    (redo,) = malformed(sheets, [bad, failed("down", key=KEYS[1]), review(sheets[2], KEYS)])
    assert redo.key == KEYS[0]
    assert "each of A, B, C" in redo.data()["problem"]
    slots = council(ANSWERS, sheets, [bad, *(review(s, KEYS) for s in sheets[1:])], [bad], least=2)
    assert len(slots["reviews"]) == 3
    assert slots["names"][0].data()["dropped"][0].startswith(KEYS[0])


def test_the_second_try_takes_the_place_of_the_first() -> None:
    sheets = review_sheets(PANEL, ANSWERS, seed=7)
    bad = reply(key=KEYS[0], data={"ranking": [], "remarks": []})
    slots = council(ANSWERS, sheets, [bad, review(sheets[1], KEYS)], [review(sheets[0], KEYS)], least=2)
    assert [r.data()["by"] for r in slots["reviews"]] == KEYS[:2]
    assert slots["names"][0].data()["dropped"] == []


def test_fewer_complete_reviews_than_needed_refuse() -> None:
    with pytest.raises(Refuse, match="1 complete reviews, 2 are needed"):
        reviewed({KEYS[0]: KEYS})
    with pytest.raises(Refuse, match="nobody reviewed"):
        council([], [], [], [], least=2)


@settings(deadline=None, max_examples=40)
@given(st.dictionaries(st.sampled_from(KEYS), st.sampled_from(list(permutations(KEYS))), min_size=2))
def test_means_stay_in_bounds_and_do_not_depend_on_the_order_of_reviewers(orders: dict[str, tuple[str, ...]]) -> None:
    slots = reviewed({k: list(o) for k, o in orders.items()})
    means = {r.key: r.data()["mean"] for r in slots["league"]}
    assert all(0 < m <= 1 for m in means.values())
    sheets = review_sheets(PANEL, ANSWERS, seed=7)
    backwards = [review(s, list(orders[s.key])) for s in reversed(sheets) if s.key in orders]
    again = council(ANSWERS, sheets, backwards, [], least=2)
    assert {r.key: r.data()["mean"] for r in again["league"]} == pytest.approx(means)
