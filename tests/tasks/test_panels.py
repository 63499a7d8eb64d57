"""Seats of a panel: a distinct model family, else a distinct model, else a distinct role, and tagged which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.functions import Refuse
from tasks.panels import DISTINCT, least_distinct, seats
from tasks.reply import Replies, reply
from utils.models import family

NAMES = ["openai/gpt-a", "openai/gpt-b", "anthropic/claude-a", "gemini/gemini-a", "groq/openai/gpt-c", "xai/grok-a"]
POOLS = st.lists(st.sampled_from(NAMES), max_size=8)


def of(names: list[str]) -> Replies:
    return [reply(n) for n in names]


def roles(count: int) -> dict[str, str]:
    return {f"seat-{n}": f"role {n}" for n in range(count)}


def tags(panel: Replies) -> list[str]:
    return [s.data()["distinct"] for s in panel]


def test_families_first_then_models_then_roles() -> None:
    panel = seats(of(["openai/gpt-a", "openai/gpt-b", "anthropic/claude-a"]), roles(5))
    assert [s.text for s in panel] == [
        "openai/gpt-a",
        "anthropic/claude-a",
        "openai/gpt-b",
        "openai/gpt-a",
        "openai/gpt-b",
    ]
    assert tags(panel) == ["family", "family", "model", "role", "role"]
    assert least_distinct(panel) == "role"


def test_a_role_is_given_to_those_who_share_a_model_alone() -> None:
    panel = seats(of(["openai/gpt-a", "anthropic/claude-a"]), roles(3))
    assert [s.data()["role"] for s in panel] == ["role 0", "", "role 2"]


def test_a_taken_model_sits_only_where_there_is_no_other() -> None:
    taken = [reply("a draft", model="openai/gpt-a")]
    two = seats(of(["openai/gpt-a", "openai/gpt-b"]), roles(2), taken)
    assert [(s.text, s.data()["distinct"]) for s in two] == [("openai/gpt-b", "model"), ("openai/gpt-b", "role")]
    (alone,) = seats(of(["openai/gpt-a"]), roles(1), taken)
    assert (alone.text, alone.data()["distinct"], alone.data()["role"]) == ("openai/gpt-a", "role", "role 0")


def test_a_reply_without_a_model_takes_none() -> None:
    (seat,) = seats(of(["openai/gpt-a"]), roles(1), [reply("a text that was supplied")])
    assert (seat.text, tags([seat])) == ("openai/gpt-a", ["family"])


def test_seats_of_one_panel_are_taken_for_the_next() -> None:
    first = seats(of(NAMES), roles(2))
    assert {s.text for s in first}.isdisjoint(s.text for s in seats(of(NAMES), roles(2), first))


@pytest.mark.parametrize(("least", "refused"), [("family", True), ("model", False), ("role", False)])
def test_below_the_least_the_run_fails_and_says_for_whom(least: str, refused: bool) -> None:
    models = of(["openai/gpt-a", "openai/gpt-b"])
    if not refused:
        assert len(seats(models, roles(2), least=least)) == 2
        return
    with pytest.raises(Refuse, match=r"no distinct family is left for seat-1 \(models: openai/gpt-a, openai/gpt-b\)"):
        seats(models, roles(2), least=least)


def test_without_any_model_the_runs_first_one_sits() -> None:
    assert [(s.text, s.data()["distinct"]) for s in seats([], roles(2))] == [("", "family"), ("", "role")]
    assert least_distinct([]) == "family"


@given(POOLS, st.integers(0, 8), POOLS)
def test_each_tag_is_true_and_none_could_be_better(pool: list[str], count: int, taken: list[str]) -> None:
    panel = seats(of(pool), roles(count), [reply(model=t) for t in taken])
    before = list(taken)
    free = [n for n in pool if n not in taken] or pool or [""]
    for seat in panel:
        families = {family(b) for b in before}
        best = (
            "family"
            if any(family(n) not in families for n in free)
            else "model"
            if any(n not in before for n in free)
            else "role"
        )
        mine = "family" if family(seat.text) not in families else "model" if seat.text not in before else "role"
        assert seat.data()["distinct"] == best == mine
        assert seat.text in free
        before.append(seat.text)
    assert [s.key for s in panel] == list(roles(count))
    assert least_distinct(panel) == max(tags(panel), key=DISTINCT.index, default="family")


@given(st.permutations(NAMES), st.integers(0, 8))
def test_how_distinct_a_panel_is_does_not_depend_on_the_order_of_the_models(pool: list[str], count: int) -> None:
    assert tags(seats(of(pool), roles(count))) == tags(seats(of(NAMES), roles(count)))


@given(POOLS, st.integers(1, 12))
def test_models_sit_about_equally_often(pool: list[str], count: int) -> None:
    panel = [s.text for s in seats(of(pool), roles(count))]
    often = [panel.count(n) for n in dict.fromkeys(pool or [""])]
    assert max(often) - min(often) <= 1
