"""A funnel: who leaves at each stage and why, means, both orders of a ranking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.funnel import best_by_mean, listings, mean_places, numbered, options, within_constraints
from tasks.reply import Replies, Reply, failed, reply

SCORES = st.lists(st.none() | st.integers(1, 10), max_size=12)
RULES = [reply("no staff"), reply("under 100 EUR")]


def many(n: int) -> Replies:
    return [reply(f"text {i}", key=f"option {i}") for i in range(1, n + 1)]


def scores(values: list[int | None]) -> Replies:
    return [
        failed("late", key=f"option {n}")
        if v is None
        else reply(key=f"option {n}", data={"novelty": v, "value": v, "feasibility": v})
        for n, v in enumerate(values, 1)
    ]


def verdict(*, met: bool, fails: int = 0) -> Reply:
    return reply(key="option 1", data={"met": met, "fails": fails})


@given(SCORES, st.integers(1, 6))
def test_nobody_left_out_scored_higher_than_one_kept(values: list[int | None], keep: int) -> None:
    made = best_by_mean(many(len(values)), scores(values), keep)
    kept, left = made["kept"], made["left"]
    assert len(kept) == min(keep, len(values))
    assert {o.key for o in [*kept, *left]} == {o.key for o in many(len(values))}
    assert min([o.score or 0 for o in kept], default=0) >= max([o.score or 0 for o in left], default=0)


def test_ties_stand_as_they_came_and_the_unscored_last() -> None:
    made = best_by_mean(many(4), scores([None, 5, 7, 5]), 3)
    assert [o.key for o in made["kept"]] == ["option 3", "option 2", "option 4"]
    assert made["left"][0].data()["reason"] == "below place 3 by score (not scored)"


@pytest.mark.parametrize(
    ("verdicts", "reason"),
    [
        ([verdict(met=True)], ""),
        ([verdict(met=True, fails=2)], ""),
        ([verdict(met=False, fails=2)], "it fails: under 100 EUR"),
        ([verdict(met=False)], "it fails a constraint that was not named"),
        ([verdict(met=False, fails=9)], "it fails a constraint that was not named"),
        ([failed("down", key="option 1")], "it could not be checked"),
        ([], "it could not be checked"),
    ],
)
def test_an_option_passes_only_if_it_was_found_to(verdicts: Replies, reason: str) -> None:
    made = within_constraints(many(1), verdicts, RULES)
    assert [o.data()["reason"] for o in made["left"]] == ([reason] if reason else [])
    assert len(made["passed"]) == (not reason)


def test_without_constraints_all_pass() -> None:
    assert within_constraints(many(3), [], [])["passed"] == many(3)
    assert numbered([]) == []


@given(st.permutations([1, 2, 3, 4]))
def test_a_judge_of_places_gains_nothing(ranking: list[int]) -> None:
    proposals = many(4)
    shown = listings(proposals)
    by_place = [reply(key=one.key, data={"ranking": ranking}) for one in shown]
    made = mean_places(proposals, shown, by_place)
    assert {r.key: r.score for r in made["ranked"]} == {
        f"option {n}": (ranking.index(n) + ranking.index(5 - n)) / 2 + 1 for n in range(1, 5)
    }


@given(st.permutations([1, 2, 3, 4]))
def test_a_judge_of_proposals_is_followed(order: list[int]) -> None:
    proposals = many(4)
    shown = listings(proposals)
    best_first = [f"option {n}" for n in order]
    said = [
        reply(key=one.key, data={"ranking": [one.data()["order"].index(k) + 1 for k in best_first]}) for one in shown
    ]
    assert [r.key for r in mean_places(proposals, shown, said)["ranked"]] == best_first


@pytest.mark.parametrize("ranking", [[1, 1], [1], [1, 2, 3], [2, 3]])
def test_a_ranking_that_is_none_is_lost_and_the_order_stands(ranking: list[int]) -> None:
    proposals = many(2)
    shown = listings(proposals)
    made = mean_places(proposals, shown, [reply(key=shown[0].key, data={"ranking": ranking}), failed("down")])
    assert [r.key for r in made["ranked"]] == ["option 1", "option 2"]
    assert len(made["lost"]) == 2


def test_options_are_cut_to_their_words() -> None:
    assert [o.text for o in options([reply("a b c"), failed("down"), reply("d")], 2)] == ["a b", "d"]
