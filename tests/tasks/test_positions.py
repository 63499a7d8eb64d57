"""Answers held and revised over rounds: what stands, unanimity, the vote and its ties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.positions import most_held, standing, unanimous
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

ANSWERS = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=5)
ENDED = [reply(key="ended", data={"turns": 2, "by": "bound"})]


def held(answers: list[str], changes: list[int] | None = None) -> Replies:
    """An empty answer is a failed reply."""
    given = changes or [0] * len(answers)
    return [
        reply(key=f"s{n}", data={"reasoning": "r", "final_answer": a, "changes": c})
        if a
        else failed("lost", key=f"s{n}")
        for n, (a, c) in enumerate(zip(answers, given, strict=True))
    ]


def winner(agents: Replies) -> Reply:
    return most_held(agents, ENDED)["answer"][0]


@given(ANSWERS)
def test_no_answer_has_more_holders_than_the_winner_and_the_share_is_of_all(answers: list[str]) -> None:
    if not any(answers):
        with pytest.raises(Refuse, match="lost"):
            winner(held(answers))
        return
    data = winner(held(answers)).data()
    votes = answers.count(data["final_answer"])
    assert votes == max(answers.count(a) for a in answers if a)
    assert data["agreement"] == votes / len(answers)
    assert sum(t["votes"] for t in data["tally"]) == len([a for a in answers if a])


def test_where_all_differ_the_least_changed_wins_then_the_lowest_index() -> None:
    assert winner(held(["a", "b", "c"], [2, 1, 1])).data()["final_answer"] == "b"
    assert winner(held(["a", "b", "c"], [0, 0, 0])).data()["final_answer"] == "a"
    assert winner(held(["a", "b", "b"], [0, 2, 2])).data()["final_answer"] == "b", "a majority comes first"


@given(ANSWERS, ANSWERS)
def test_a_round_never_loses_an_answer_and_a_failed_one_changes_nothing(before: list[str], after: list[str]) -> None:
    one, two = held(before), held(after)
    stood = standing(one, two, 1)
    assert [s.key for s in stood] == [o.key for o in one]
    for n, (b, s) in enumerate(zip(one, stood, strict=True)):
        now = after[n] if n < len(after) else ""
        assert s.data().get("final_answer", "") == (now or before[n])
        assert s.data().get("changes", 0) == (1 if before[n] and now and now != before[n] else 0)
        assert s.ok or not b.ok


def test_the_same_number_in_another_form_is_no_change() -> None:
    (stood,) = standing(held(["1,000 m"]), held(["1 km"]), 1)
    assert stood.data()["changes"] == 0


@pytest.mark.parametrize(
    ("answers", "all_agree"),
    [(["a", "a", "A."], True), (["a", "a", "b"], False), (["a", "a", ""], False), (["a"], False)],
)
def test_unanimous_means_all_of_them(answers: list[str], all_agree: bool) -> None:
    assert unanimous(held(answers), 3) is all_agree


def test_an_answer_of_nothing_but_marks_is_none() -> None:
    assert not unanimous(held([".", ".", "."]), 3)
    with pytest.raises(Refuse, match="all are empty"):
        winner(held(["."]))
