"""Round table: the order of speakers, agreement of all, and the vote weighted by confidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.round_table import consensus, last_round, speaking_order, spoken, weighted_vote
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

SEATS = [reply(f"m{n}", key=f"seat-{n}", data={}) for n in range(1, 5)]
ENDED = [reply(data={"turns": 4, "by": "bound"})]
STATE = [consensus([], [], 4)]
VOTES = st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 10)), min_size=1, max_size=4)
Votes = list[tuple[str, int]]


def record(votes: Votes, number: int = 2) -> Replies:
    return [
        reply(
            key=f"round {number} · seat-{n}",
            data={"seat": f"seat-{n}", "round": number, "answer": a, "confidence": c / 10, "reasons": "r"},
        )
        for n, (a, c) in enumerate(votes, 1)
    ]


def elected(votes: Votes) -> dict[str, object]:
    return weighted_vote(record(votes), [], ENDED, [], STATE, 4)["answer"][0].data()


@given(VOTES)
def test_no_answer_weighs_more_than_the_elected_one(votes: Votes) -> None:
    weight = {a: sum(c for b, c in votes if b == a) for a, _ in votes}
    highest = {a: max(c for b, c in votes if b == a) for a, _ in votes}
    won = str(elected(votes)["final_answer"])
    assert (weight[won], highest[won]) == max((weight[a], highest[a]) for a in weight)
    assert elected(votes)["agreement"] == len([a for a, _ in votes if a == won]) / 4


@given(VOTES.flatmap(lambda v: st.tuples(st.just(v), st.permutations(v))))
def test_who_holds_an_answer_does_not_matter(votes: tuple[Votes, Votes]) -> None:
    one, other = (elected(v) for v in votes)
    weights = [[(t["weight"], t["highest"]) for t in e["tally"]] for e in (one, other)]  # type: ignore[attr-defined]
    assert weights[0] == weights[1]


def test_a_seat_votes_with_what_it_said_last() -> None:
    opened, turns = record([("a", 9), ("b", 1)], 1), record([("b", 1)], 2)
    data = weighted_vote(opened, turns, ENDED, [], STATE, 4)["answer"][0].data()
    assert (data["final_answer"], [t["seats"] for t in data["tally"]]) == ("b", [["seat-1", "seat-2"]])
    assert [r.key for r in last_round(opened, turns)] == ["round 2 · seat-1"]
    assert last_round(opened, []) == opened


def test_without_any_answer_there_is_nothing_to_vote_on() -> None:
    with pytest.raises(Refuse, match="nobody"):
        weighted_vote([], [], ENDED, [], STATE, 4)


@given(st.integers(1, 8))
def test_every_seat_speaks_once_a_round_and_each_round_another_begins(turn: int) -> None:
    order = speaking_order(SEATS, turn)
    assert sorted(s.key for s in order) == [s.key for s in SEATS]
    assert order[0].key != speaking_order(SEATS, turn + 1)[0].key
    assert {s.data()["round"] for s in order} == {turn + 1}


@pytest.mark.parametrize(
    ("spoke", "judge_says", "agreed"), [(4, True, True), (4, False, False), (3, True, False), (4, None, False)]
)
def test_all_agree_where_all_spoke_and_a_judge_says_so(spoke: int, judge_says: bool | None, agreed: bool) -> None:
    judged = [failed("late")] if judge_says is None else [reply(data={"agreed": judge_says, "answer": "x"})]
    assert consensus(record([("a", 5)] * spoke), judged, 4).data()["agreed"] is agreed


def test_a_lost_speech_is_kept_apart() -> None:
    (seat, *_) = speaking_order(SEATS, 1)
    made = spoken([seat], [failed("late")])
    assert (made["said"], [r.key for r in made["lost"]]) == ([], ["round 2 · seat-2"])
