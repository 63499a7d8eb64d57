"""Readings of a request: groups of samples, their entropy, and which one is answered; total on junk."""

from math import log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.readings import learned, need_not_ask, readings, settled
from tasks.reply import Replies, failed, reply


def spread(texts: list[str], pairs: list[tuple[int, int]]) -> tuple[Replies, Replies]:
    samples = [reply(t, key=f"s{n}") for n, t in enumerate(texts)]
    sure = [reply(key=f"{a}-{b}", data={"one": f"s{a}", "other": f"s{b}"}) for a, b in pairs]
    slots = readings(samples, sure, [], [], most=3, below=0.5, share=0.75)
    return slots["out"], slots["spread"]


PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12)


@settings(deadline=None, max_examples=80)
@given(PAIRS)
def test_shares_sum_to_one_and_the_entropy_lies_between_none_and_all_apart(pairs: list[tuple[int, int]]) -> None:
    found, state = spread([f"t{n}" for n in range(8)], pairs)
    data = state[0].data()
    assert sum(data["shares"]) == pytest.approx(1)
    assert data["shares"] == sorted(data["shares"], reverse=True)
    assert 0 <= data["entropy"] <= log2(8) + 1e-6
    assert len(found) == min(3, len(data["shares"]))
    assert data["clear"] == (data["entropy"] < 0.5 or data["shares"][0] >= 0.75)


@settings(deadline=None, max_examples=40)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(pairs: list[tuple[int, int]], random: st.DataObject) -> None:
    turned = [(b, a) for a, b in pairs]
    random.shuffle(turned)  # type: ignore[attr-defined]
    assert spread(list("abcdefgh"), pairs) == spread(list("abcdefgh"), turned)


@pytest.mark.parametrize("samples", [[], [failed("down", key="s1")], [reply("  ", key="s1")]])
def test_without_samples_there_is_no_reading_and_nothing_to_ask(samples: Replies) -> None:
    slots = readings(samples, [], [], [], most=3, below=0.5, share=0.75)
    assert slots["out"] == []
    assert need_not_ask(slots["spread"], [], slots["out"], buttons=2)
    assert settled([], slots["spread"], [], [], []).text == ""


def test_border_pairs_count_only_if_a_judge_connects_them() -> None:
    samples = [reply("a", key="s1"), reply("b", key="s2")]
    border = [reply(key="1-2", data={"one": "s1", "other": "s2"})]
    joined = readings(samples, [], border, [reply(data={"same": ["1-2", "7-8"]})], most=3, below=0.5, share=0.75)
    assert [r.text for r in joined["out"]] == ["a"]
    apart = readings(samples, [], border, [failed("down")], most=3, below=0.5, share=0.75)
    assert len(apart["out"]) == 2
    assert apart["spread"][0].data()["unjudged"] == ["1-2"]


def test_a_kind_that_was_known_before_stays_and_nothing_is_learned_of_an_assumption() -> None:
    found, state = spread(["a", "b"], [])
    before = [reply("x", data={"kind": "trip", "how": "other"})]
    by_expiry = [reply("first", key="first", data={"by": "expiry"})]
    assumed = settled(found, state, [], by_expiry, before)
    assert (assumed.data()["how"], assumed.data()["kind"]) == ("assumed", "trip")
    assert learned([reply("p")], [assumed], by_expiry) == []
