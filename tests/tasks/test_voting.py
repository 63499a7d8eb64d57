"""Votes: strict majority, plurality, quorum, ties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.answers import final_answer
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply
from tasks.voting import majority, plurality

VOTES = st.lists(st.sampled_from(["a", "b", "c", ""]), min_size=1, max_size=9)


def ballots(answers: list[str]) -> tuple[Replies, Replies]:
    """Replies and what was read out of them; an empty answer abstains."""
    replies = [reply(f"because\nFINAL: {a}" if a else "because", key=f"m{n}") for n, a in enumerate(answers)]
    return replies, [final_answer([r], "FINAL") for r in replies]


def elect(answers: list[str], quorum: int = 1) -> Reply:
    replies, finals = ballots(answers)
    made = majority(replies, finals, [], quorum)
    return made["answer"][0]


@given(VOTES)
def test_a_winner_has_strictly_more_than_half_and_there_is_one_if_somebody_has(answers: list[str]) -> None:
    valid = [a for a in answers if a]
    if not valid:
        return
    elected = elect(answers)
    best = max(valid, key=valid.count)
    if 2 * valid.count(best) > len(valid):
        assert (elected.data()["final_answer"], elected.outcome) == (best, "answered")
    else:
        assert (elected.data()["final_answer"], elected.outcome) == (None, "no_consensus")
    assert elected.data()["agreement"] == valid.count(best) / len(valid)


@given(VOTES, st.integers(1, 9))
def test_the_quorum_counts_valid_answers(answers: list[str], quorum: int) -> None:
    if len([a for a in answers if a]) >= quorum:
        assert elect(answers, quorum)
        return
    with pytest.raises(Refuse):
        elect(answers, quorum)


@given(VOTES)
def test_every_reply_is_counted_as_vote_or_abstention(answers: list[str]) -> None:
    if not any(answers):
        return
    data = elect(answers).data()
    assert sum(t["votes"] for t in data["tally"]) + len(data["abstained"]) == len(answers)


@given(VOTES)
def test_the_plurality_is_the_first_of_the_most_frequent(answers: list[str]) -> None:
    valid = [a for a in answers if a]
    replies, finals = ballots(answers)
    if not valid:
        with pytest.raises(Refuse):
            plurality(replies, finals)
        return
    data = plurality(replies, finals)["answer"][0].data()
    most = max(valid.count(a) for a in valid)
    assert data["final_answer"] == next(a for a in valid if valid.count(a) == most)
    assert data["agreement"] == most / len(valid)
    assert data["tied"] == (len({a for a in valid if valid.count(a) == most}) > 1)


def test_the_shortest_way_to_the_winner_is_shown() -> None:
    replies = [reply(f"{'x' * n}\nFINAL: {a}", key=str(n)) for n, a in ((9, "a"), (5, "a"), (1, "b"))]
    made = plurality(replies, [final_answer([r], "FINAL") for r in replies])
    assert made["answer"][0].data()["shortest_path"] == "5"
    assert [d.key for d in made["dissent"]] == ["1"]


def test_a_failed_call_is_an_abstention_with_its_cause() -> None:
    replies = [*ballots(["a", "a", "a"])[0], failed("timed out", key="late", status="timeout")]
    finals = [final_answer([r], "FINAL") for r in replies if r.ok]
    data = majority(replies, finals, [], 3)["answer"][0].data()
    assert data["abstained"] == ["late: timed out"]
    assert data["agreement"] == 1.0
