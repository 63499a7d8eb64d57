"""Routing: the score, what excludes a model, the prior and what ratings make of it, ties, the default."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.routing import (
    LATENCY,
    LONGEST_MS,
    RATING,
    UNKNOWN,
    answered,
    features,
    outcomes,
    quality,
    rank_models,
    routed,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, Slots, failed, reply


def card(name: str, tier: str = "standard", price: float = 1e-6, **more: Any) -> Reply:
    known = {"context_tokens": 1000, "tools": True, "vision": True, "price_in": price, "price_out": price}
    return reply(name, key=name, data={"tier": tier, **known, **more})


def past(source: str, mean: float, uses: int = 1, signal: str = RATING) -> Reply:
    return reply(source, key=source, score=mean, data={"signal": signal, "source": source, "uses": uses, "mean": mean})


def rank(
    pool: Replies,
    *,
    cap: str = "0",
    weights: tuple[str, ...] = ("0.6", "0.3", "0.1"),
    seen: Replies = [],  # noqa: B006 (never written to)
    **found: Any,
) -> Slots:
    needs = {**UNKNOWN["needs"], **found.pop("needs", {})}
    data = {**UNKNOWN, "est_output_tokens": 100, "classified": True, "cause": "", **found, "needs": needs}
    given_weights = [reply(w) for w in weights]
    asked = [reply("x" * 400)]
    return rank_models(pool, [reply(data=data)], asked, [reply("own")], [reply(cap)], given_weights, seen, 3)


def names(replies: Replies) -> list[str]:
    return [r.text for r in replies]


POOL = [card("cheap", "budget", 1e-6), card("mid", "standard", 2e-6), card("strong", "flagship", 5e-6)]


@pytest.mark.parametrize(("complexity", "first"), [(1, "cheap"), (2, "cheap"), (5, "strong")])
def test_easy_requests_stay_cheap_and_hard_ones_get_a_strong_model(complexity: int, first: str) -> None:
    assert names(rank(POOL, complexity=complexity)["queue"])[0] == first


def test_the_score_is_quality_less_scaled_cost_less_scaled_latency() -> None:
    pool = [card("a", price=1e-6), card("b", price=2e-6), card("c", price=3e-6)]
    times = [past("a", 0.1, signal=LATENCY), past("b", 0.3, signal=LATENCY)]
    scores = {r.text: r.score for r in rank(pool, complexity=1, seen=times)["table"]}
    assert scores["a"] == pytest.approx(0.6 - 0.1 / 3)
    assert scores["b"] == pytest.approx(0.6 - 0.15 - 0.1)
    assert scores["c"] == pytest.approx(0.6 - 0.3)


def test_weights_may_turn_it_round_and_ties_go_to_the_cheaper() -> None:
    assert names(rank(POOL, complexity=5, weights=("0", "1", "0"))["queue"])[0] == "cheap"
    dear_first = [card("dear", price=2e-6), card("cheap", price=1e-6)]
    assert names(rank(dear_first, weights=("0.6", "0", "0"))["queue"]) == ["cheap", "dear"]


@pytest.mark.parametrize("weights", [("1", "1"), ("a", "1", "1"), ("2", "0", "0"), ("nan", "0", "0")])
def test_wrong_weights_refuse(weights: tuple[str, ...]) -> None:
    with pytest.raises(Refuse, match="weight"):
        rank(POOL, weights=weights)


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"needs": {"context_tokens": 950}}, "a context of 1050 tokens excludes 3"),
        ({"needs": {"tools": True}}, "tools excludes 3"),
        ({"needs": {"vision": True}}, "vision excludes 3"),
        ({"cap": "0.0000001"}, "the cap of 1e-07 USD excludes 3"),
    ],
)
def test_where_none_fits_it_names_the_limit(limits: dict[str, Any], says: str) -> None:
    blind = [c.but(data={**c.data(), "tools": False, "vision": False}) for c in POOL]
    with pytest.raises(Refuse, match=f"none of 3 models fits: {says}"):
        rank(blind, **limits)
    with pytest.raises(Refuse, match="no model is enabled"):
        rank([])


def test_an_unknown_context_is_no_limit_and_the_cap_keeps_the_cheap() -> None:
    assert names(rank([card("own", context_tokens=None)], needs={"context_tokens": 10**6})["queue"]) == ["own"]
    assert names(rank(POOL, complexity=5, cap="0.0005")["table"]) == ["cheap", "mid"]


def test_ratings_outweigh_the_prior_by_their_number() -> None:
    assert quality("flagship", None, 5) == 1.0
    assert quality("flagship", past("code/5/x", 0.0, 10), 5) == pytest.approx(0.5)
    assert quality("flagship", past("code/5/x", 0.0, 90), 5) == pytest.approx(0.1)
    assert quality("budget", past("code/5/x", 1.0, 90), 5) == pytest.approx(0.9)


def test_what_became_of_a_model_counts_for_requests_of_the_same_kind_alone() -> None:
    poor = [past("code/5/strong", 0.0, 90), past("code/5/strong", 1.0, 90, signal=LATENCY)]
    assert names(rank(POOL, complexity=5, domain="code", seen=poor)["queue"])[0] != "strong"
    assert names(rank(POOL, complexity=5, domain="math", seen=poor)["queue"])[0] == "strong"
    table = {r.text: r.data() for r in rank(POOL, complexity=5, domain="code", seen=poor)["table"]}
    assert (table["strong"]["uses"], table["mid"]["uses"]) == (90, 0)


def test_each_attempt_is_learned_from_with_its_time() -> None:
    found = [reply(data={**UNKNOWN, "classified": True, "domain": "code", "complexity": 2})]
    tries = [
        failed("down", key="a"),
        reply(" ", key="b"),
        reply("done", key="c").but(latency=LONGEST_MS / 4),
        reply("slow", key="d").but(latency=LONGEST_MS * 2),
    ]
    learned = [(o.data()["kind"], o.data()["worked"], o.data()["time"]) for o in outcomes(tries, found)]
    assert learned == [("code/2/a", 0, 1), ("code/2/b", 0, 1), ("code/2/c", 1, 0.25), ("code/2/d", 1, 1)]
    assert outcomes(tries, [features([failed("x")])]) == []


def test_what_nobody_classified_goes_to_the_default_model() -> None:
    found = features([failed("down")]).data()
    assert (found["complexity"], found["classified"], found["cause"]) == (3, False, "down")
    pool = [*POOL, card("own", "flagship", 9e-6)]
    assert names(rank(pool, classified=False)["queue"])[0] == "own"
    assert names(rank(pool)["queue"])[0] != "own"


def test_an_empty_answer_is_none() -> None:
    assert not answered([reply("  ")])
    assert not answered([])
    with pytest.raises(Refuse, match="none was asked"):
        routed([], [features([failed("x")])], [])


Card = st.builds(
    lambda n, t, p: card(f"m{n}", t, p), st.integers(0, 99), st.sampled_from(["free", "flagship", ""]), st.floats(0, 1)
)


@settings(deadline=None, max_examples=50)
@given(st.lists(Card, min_size=1, max_size=6, unique_by=lambda c: c.text), st.integers(1, 5))
def test_scores_are_bounded_and_do_not_depend_on_the_order_of_the_pool(pool: Replies, complexity: int) -> None:
    made = rank(pool, complexity=complexity)
    assert all(-0.4 <= (r.score or 0) <= 0.6 for r in made["table"])
    backwards = rank(pool[::-1], complexity=complexity)
    assert {r.text: r.score for r in made["table"]} == {r.text: r.score for r in backwards["table"]}
    assert len(made["queue"]) == min(3, len(pool))
