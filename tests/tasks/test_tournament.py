"""The tournament's rules: Elo, who meets whom, what enters, what breeds, when it ends."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.elo import K, after_match, expected
from tasks.algorithms.tournament import (
    admitted,
    breeding,
    children,
    cut_pool,
    debated_orders,
    first_pool,
    literature,
    matches,
    newcomers,
    next_pool,
    nobody_asked,
    persons_word,
    ranked_pool,
    rated,
    settled_goal,
    shortlist,
    speeches,
    top_unchanged,
    tournament_report,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

RATINGS = st.floats(800, 1600)


def hypothesis(number: int, elo: float = 1200.0, played: int = 1, **review: str) -> Reply:
    data: dict[str, Any] = {"claim": f"c{number}", "origin": "gaps 1", "parents": [], "elo": elo, "matches": played}
    return reply(f"claim {number}", key=f"H{number}", data={**data, "review": review})


def verdicts(*rows: tuple[str, str]) -> Replies:
    return [reply(key=k, data={"verdict": v, "reason": "r"}) for k, v in rows]


@given(RATINGS, RATINGS, st.sampled_from([0.0, 0.5, 1.0]))
def test_a_match_keeps_the_sum_and_moves_neither_rating_by_more_than_k(one: float, other: float, score: float) -> None:
    new_one, new_other = after_match(one, other, score)
    assert new_one + new_other == pytest.approx(one + other)
    assert abs(new_one - one) <= K
    assert (new_one - one) * (score - expected(one, other)) >= 0
    assert expected(one, other) + expected(other, one) == pytest.approx(1)


@given(st.lists(st.tuples(RATINGS, st.integers(0, 2)), max_size=20))
def test_matches_are_different_pairs_within_the_bound_and_every_newcomer_has_its_share(
    players: list[tuple[float, int]],
) -> None:
    pool = [hypothesis(n, elo, played) for n, (elo, played) in enumerate(players, 1)]
    slots = matches(pool, [], [], 30, 3)
    keys = [m.key for m in slots["all"]]
    assert len(keys) == len(set(keys)) == min(30, len(pool) * (len(pool) - 1) // 2)
    assert len(slots["debated"]) == -(-len(keys) // 4)
    assert len(slots["plain"]) == 2 * (len(keys) - len(slots["debated"]))
    new = [h.key for h in pool if h.data()["matches"] == 0]
    if 3 * len(new) <= 30:
        assert all(
            sum(k in (m.data()["one"], m.data()["other"]) for m in slots["all"]) >= min(3, len(pool) - 1) for k in new
        )


def test_alike_and_close_pairs_come_first_and_those_that_have_met_last() -> None:
    pool = [hypothesis(1, 1300), hypothesis(2, 1290), hypothesis(3, 900), hypothesis(4, 880)]
    alike = [reply(data={"one": "H4", "other": "H1"}, score=1.5)]
    first = matches(pool, alike, [], 2, 0)["all"]
    assert {m.key for m in first} == {"H1-H4", "H1-H2"}
    assert {m.key for m in matches(pool, alike, first, 1, 0)["all"]} == {"H3-H4"}
    top = matches(pool, [], [], 30, 0)["debated"]
    assert [m.key for m in top] == ["H1-H2", "H1-H3"]


@pytest.mark.parametrize(
    ("here", "there", "moves"), [("first", "second", 1), ("second", "first", -1), ("first", "first", 0)]
)
def test_a_win_needs_both_orders_and_a_split_is_a_draw(here: str, there: str, moves: int) -> None:
    pool = [hypothesis(1), hypothesis(2)]
    played = matches(pool, [], [], 30, 3)["all"]
    slots = rated(pool, played, verdicts(("H1-H2 · H1-H2", here), ("H1-H2 · H2-H1", there)), [])
    assert slots["pool"][0].data()["elo"] == 1200 + moves * K / 2
    assert (len(slots["reasons"]), slots["lost"]) == (1, [])


def test_a_match_without_both_verdicts_counts_for_nothing() -> None:
    pool = [hypothesis(1), hypothesis(2)]
    played = matches(pool, [], [], 30, 3)["all"]
    slots = rated(pool, played, [], [*verdicts(("H1-H2", "first")), failed("down", key="H2-H1")])
    assert slots["pool"] == pool
    assert [x.text for x in slots["lost"]] == ["H2-H1: down"]


def test_a_debate_is_shown_under_the_place_of_its_side() -> None:
    (match,) = matches([hypothesis(1), hypothesis(2)], [], [], 30, 3)["all"]
    transcript = speeches([reply("for one", key="one"), failed("x", key="other")], 1)
    here, there = debated_orders([match], transcript)
    assert (here.data()["debate"], there.data()["debate"]) == ("First, turn 1: for one", "Second, turn 1: for one")
    assert (here.key, there.key) == ("H1-H2", "H2-H1")


def test_newcomers_are_numbered_on_and_none_comes_twice() -> None:
    said = {"claim": "c", "rationale": "r", "test": "t"}
    proposed = [reply(key="gaps 1", data=said), reply(key="gaps 2", data=said), failed("x")]
    made = newcomers(proposed, [reply("idea", key="a person")], [hypothesis(1)], [hypothesis(2)])
    assert [(m.key, m.data()["origin"], m.data()["elo"]) for m in made] == [
        ("H3", "gaps 1", 1200.0),
        ("H4", "a person", 1200.0),
    ]
    assert newcomers(proposed, [], made, []) == []


@pytest.mark.parametrize(
    ("changes", "why"),
    [({}, ""), ({"safe": False}, "unsafe"), ({"novel": "refuted"}, "not novel"), ({"plausible": "unknown"}, "")],
)
def test_what_is_refuted_or_unsafe_does_not_enter(changes: dict[str, Any], why: str) -> None:
    review = {"plausible": "supported", "novel": "supported", "testable": "supported", "safe": True, "reason": "r"}
    slots = admitted([hypothesis(1)], [reply(key="H1", data={**review, **changes})])
    assert [o.data()["why"] for o in slots["out"]] == ([why] if why else [])
    assert len(slots["in"]) == (not why)


def test_what_nobody_reviewed_does_not_enter_and_an_empty_pool_fails_the_run() -> None:
    slots = admitted([hypothesis(1), hypothesis(2)], [failed("down", key="H1")])
    assert [o.data()["why"] for o in slots["out"]] == ["not reviewed"] * 2
    with pytest.raises(Refuse, match="H1: not reviewed"):
        first_pool([], slots["out"], [])


def test_the_best_merge_the_longest_is_simplified_the_least_known_repaired_and_the_first_opposed() -> None:
    pool = [hypothesis(n, 1300 - n) for n in range(1, 7)]
    pool[3] = pool[3].but(text="a much longer claim")
    pool[1] = hypothesis(2, 1298, novel="unknown")
    tasks = breeding(pool, 5)
    assert {t.key: t.data()["parents"] for t in tasks} == {
        "merge": ["H1", "H2"],
        "simplify": ["H4"],
        "repair": ["H2"],
        "oppose": ["H1"],
    }
    assert [t.key for t in breeding(pool[:1], 5)] == ["simplify", "repair", "oppose"]
    assert breeding([], 5) == []
    assert children(tasks, [reply(key="merge", data={"claim": "x"})])[0].data()["parents"] == ["H1", "H2"]


def test_a_person_adds_and_takes_out_by_lines() -> None:
    said = [reply(key="change", data={"text": "+ one\n-h3\nnothing\n+ One\n+"})]
    slots = persons_word(said)
    assert ([i.text for i in slots["ideas"]], [v.text for v in slots["vetoes"]]) == (["one"], ["H3"])
    assert persons_word([]) == {"ideas": [], "vetoes": []}
    moved = next_pool([hypothesis(3), hypothesis(4)], [hypothesis(5, 1250)], slots["vetoes"])
    assert [h.key for h in moved["pool"]] == ["H5", "H4"]
    assert [o.data()["why"] for o in moved["out"]] == ["vetoed"]


def test_the_pool_is_cut_to_the_best() -> None:
    slots = cut_pool([hypothesis(n, 1200 + n) for n in range(1, 4)], [hypothesis(9)], 2)
    assert [h.key for h in slots["pool"]] == ["H3", "H2"] == [h.key for h in ranked_pool(slots["pool"])]
    assert [o.data()["why"] for o in slots["out"]] == ["duplicate", "cut"]


@pytest.mark.parametrize(
    ("tops", "over"), [("aaa", True), ("aa", False), ("baa", False), ("baaa", True), ("aba", False), ("", False)]
)
def test_a_top_that_stays_for_two_generations_ends_it(tops: str, over: bool) -> None:
    log = [reply(data={"top": [t]}) for t in tops]
    assert top_unchanged(log, 2) is over
    assert nobody_asked([reply("true")], log[:-1], log[-1:], 1, 4, 2) is over
    assert nobody_asked([reply("true")], [], [], 4, 4, 2)
    assert nobody_asked([reply("false")], [], [], 1, 4, 2)


def test_literature_is_numbered_documents_first_and_each_once() -> None:
    found = literature([reply("one", key="d:1"), failed("x")], [reply("one"), reply("two", data={"title": "T"})], 20)
    assert [f.text for f in found] == ["[L1] one", "[L2] T: two"]
    assert len(literature([reply(str(n)) for n in range(30)], [], 20)) == 20


def test_a_goal_is_the_persons_own_only_where_they_wrote_one() -> None:
    goal = [reply("goal")]
    assert settled_goal(goal, [reply(key="confirm", data={"text": ""})]).text == "goal"
    assert settled_goal(goal, [reply(key="edit", data={"text": " mine "})]).text == "mine"


def test_whoever_writes_the_report_sees_the_id_even_of_a_single_hypothesis() -> None:
    assert [b.text for b in shortlist([hypothesis(2, reason="Fits.")], 5)] == ["claim 2\nReview of H2: Fits."]


def test_a_report_takes_ratings_from_the_pool_alone_and_drops_what_is_not_there() -> None:
    row = {"claim": "C", "evidence": "E", "test": "T", "risk": "R"}
    written = [reply(data={"entries": [{"id": "h2", **row}, {"id": "H77", **row}]})]
    best = [hypothesis(2, 1250), hypothesis(1)]
    made = tournament_report(best, best, written, [], [], [reply(key="L1", data={})], [])
    assert [(r["id"], r["elo"], r["written"]) for r in made.data()["shortlist"]] == [
        ("H2", 1250, True),
        ("H1", 1200, False),
    ]
    assert made.outcome == "degraded"
