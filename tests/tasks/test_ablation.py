"""Ablation: what is masked, which effects follow from flips, which reasons share a driver's words; total on junk."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.ablation import changed, compared, drivers, effects, factors, places, variants, whole, without
from tasks.reply import Replies, failed, reply

WORDS = st.lists(st.sampled_from(["apple", "bread", "cheese", "date"]), min_size=1, max_size=8).map(" ".join)


@settings(deadline=None, max_examples=60)
@given(WORDS, st.lists(WORDS, max_size=3))
def test_nothing_that_was_taken_away_is_left_and_the_rest_stays_in_order(text: str, parts: list[str]) -> None:
    left = without(parts, text, " | ")
    if parts:
        assert places(parts[0], left) == []
    kept = [w for w in left.split() if w != "|"]
    remaining = iter(text.split())
    assert all(word in remaining for word in kept)


def test_words_are_whole_and_white_space_is_folded() -> None:
    assert places("the cat", "concatenate the\n cat") == [(12, 20)]
    assert places("  ", "any") == []


GIVEN = [whole([reply("Ask. It rains. I am tall.")], [reply("It rains.", key="d", data={"title": ""})])]


def found(*given: tuple[str, list[str]]) -> Replies:
    return factors(GIVEN, [reply(data={"factors": [{"name": n, "passages": p} for n, p in given]})], most=2)


def test_factors_must_stand_somewhere_once_and_leave_a_request() -> None:
    made = found(
        ("rain", ["It rains.", "gone"]),
        ("same", ["It rains."]),
        ("none", ["gone"]),
        ("all", [GIVEN[0].data()["prompt"]]),
        ("tall", ["tall"]),
        ("third", ["Ask"]),
    )
    assert [(f.key, f.text) for f in made] == [("f1", "rain"), ("f2", "tall")]
    assert [v.key for v in variants(GIVEN, made)] == ["whole", "f1", "f2"]
    assert variants(GIVEN, made)[1].data()["sources"] == "d:\n[...]"


@pytest.mark.parametrize("decomposed", [[], [failed("down")]])
def test_without_factors_only_the_whole_is_answered(decomposed: Replies) -> None:
    assert variants(GIVEN, factors(GIVEN, decomposed, most=12)) == GIVEN


def verdicts(**same: list[bool]) -> tuple[Replies, Replies]:
    answers = [reply("a", key=f"{v} · s{n}") for v, of in same.items() for n in range(len(of))]
    said = [reply(key=f"{v} · s{n}", data={"same": s}) for v, of in same.items() for n, s in enumerate(of)]
    return answers, said


@settings(deadline=None, max_examples=60)
@given(st.lists(st.booleans(), max_size=3), st.lists(st.booleans(), max_size=3))
def test_effects_lie_between_minus_one_and_one_and_only_great_ones_drive(base: list[bool], one: list[bool]) -> None:
    rows = effects(found(("rain", ["It rains."])), *verdicts(whole=base, f1=one))
    effect = rows[1].data()["effect"]
    assert (effect is None) == (not base or not one)
    assert effect is None or -1 <= effect <= 1
    assert bool(drivers(rows)) == (effect is not None and effect >= 0.6)


def test_a_reason_has_the_strongest_class_that_it_touches() -> None:
    made = found(("rain", ["It rains."]), ("tall", ["I am tall."]))
    rows = effects(made, *verdicts(whole=[True], f1=[True], f2=[False]))
    reasons = [{"reason": "r", "passage": p} for p in ("rains. I am", "rains", "gone")]
    data = compared(GIVEN, [reply(data={"reasons": reasons})], rows).data()
    assert [r["class"] for r in data["reasons"]] == ["driver", "idle", "untested"]
    assert data["unstated"] == []
    assert compared(GIVEN, [failed("down")], rows).data()["unstated"] == ["tall"]


@pytest.mark.parametrize(
    ("old", "new", "ok"),
    [("tall", "small", True), ("tall", " tall", False), ("rains", "snows", False), ("gone", "x", False)],
)
def test_a_change_replaces_words_of_a_driver(old: str, new: str, ok: bool) -> None:
    made = found(("rain", ["It rains."]), ("tall", ["I am tall."]))
    rows = drivers(effects(made, *verdicts(whole=[True], f1=[True], f2=[False])))
    assert changed(GIVEN, [reply(data={"old": old, "new": new})], rows).ok == ok
