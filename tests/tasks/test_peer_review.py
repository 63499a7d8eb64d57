"""Peer review: ids, resolved weaknesses, the prior of the scores, and how far a chair may go."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.peer_review import (
    LEVELS,
    chair_decision,
    numbered_reviews,
    prior,
    responses,
    unresolved,
    updated_reviews,
)
from tasks.reply import Reply, failed, reply

SCORES = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 5)), min_size=2, max_size=3)


def prior_of(scores: list[tuple[int, int]]) -> Reply:
    return prior([reply(key=str(n), data={"score": s, "confidence": c}) for n, (s, c) in enumerate(scores)])


def meta(decision: str, deviation: str) -> Reply:
    return reply(data={"decision": decision, "reasons": "r", "deviation": deviation})


@given(SCORES.flatmap(lambda s: st.tuples(st.just(s), st.permutations(s))))
def test_the_prior_lies_among_the_scores_whatever_their_order(
    scores: tuple[list[tuple[int, int]], list[tuple[int, int]]],
) -> None:
    one, other = (prior_of(s).data() for s in scores)
    assert one == other
    assert min(s for s, _ in scores[0]) - 1e-6 <= one["mean"] <= max(s for s, _ in scores[0]) + 1e-6


@pytest.mark.parametrize(
    ("score", "levels"),
    [(10, ["accept"]), (7, ["accept"]), (6, ["minor", "major"]), (5, ["minor", "major"]), (4, ["reject"])],
)
def test_bounds_of_the_prior(score: int, levels: list[str]) -> None:
    assert prior_of([(score, 1), (score, 5)]).data()["levels"] == levels


@given(SCORES, st.sampled_from(LEVELS), st.sampled_from(["", " ", "a reason"]))
def test_a_decision_is_off_the_prior_by_one_level_at_most_and_only_with_a_reason(
    scores: list[tuple[int, int]], wanted: str, deviation: str
) -> None:
    before = prior_of(scores)
    made = chair_decision([meta(wanted, deviation)], [before]).data()["decision"]
    near = [LEVELS.index(level) for level in before.data()["levels"]]
    off = min(abs(LEVELS.index(made) - n) for n in near)
    assert off <= (1 if deviation.strip() else 0)
    if min(abs(LEVELS.index(wanted) - n) for n in near) <= (1 if deviation.strip() else 0):
        assert made == wanted


@given(SCORES)
def test_without_a_chair_the_scores_decide(scores: list[tuple[int, int]]) -> None:
    before = prior_of(scores)
    assert chair_decision([failed("late")], [before]).data()["decision"] in before.data()["levels"]


def test_ids_are_the_codes_own_and_only_the_owner_resolves() -> None:
    def one(key: str, *weaknesses: str) -> Reply:
        return reply(key=key, data={"score": 5, "confidence": 1, "weaknesses": list(weaknesses)})

    reviews = numbered_reviews([one("a", "x", " ", "y"), one("b", "z"), failed("late", key="c")], {"a": "role a"})
    given_reviews: list[dict[str, Any]] = [r.data() for r in reviews if r.ok]
    assert [w["id"] for r in given_reviews for w in r["weaknesses"]] == ["a-1", "a-2", "b-1"]
    assert reviews[0].data()["role"] == "role a"
    rows = responses(reviews, [reply(data={"responses": [{"id": "zz", "stance": "concede", "response": ""}]})])
    assert [(r.key, r.data()["stance"]) for r in rows] == [(i, "unanswered") for i in ("a-1", "a-2", "b-1")]
    second = [reply(key="a", data={"score": 9, "resolved": ["a-2", "b-1", "zz"], "comment": ""})]
    updated = updated_reviews(reviews, second)
    assert [(u.key, u.data()["score"], u.data()["resolved"]) for u in updated] == [("a", 9, ["a-2"]), ("b", 5, [])]
    assert [r.key for r in unresolved(rows, updated)] == ["a-1", "b-1"]
