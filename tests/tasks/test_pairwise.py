"""Pairwise comparison: both orders, contradictions as ties, a total order whatever the judge said."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.pairwise import ordered_pairs, preferred, rank_pairs, ranked, tally
from tasks.reply import Replies, Reply, failed, reply


def answers(*texts: str) -> Replies:
    return [reply(text, key=f"m{n}", model=f"openai/m{n}") for n, text in enumerate(texts, 1)]


def said(**verdicts: str) -> Replies:
    """Verdicts by pair: `said(p12="first")`."""
    return [reply(key=f"{k[1]}-{k[2]}", data={"verdict": v}) for k, v in verdicts.items()]


def a_judge_who_prefers(order: str, n: int) -> Replies:
    """Consistent verdicts: the numbers that stand earlier in `order` win."""
    return [
        reply(key=f"{i}-{j}", data={"verdict": "first" if order.index(str(i)) < order.index(str(j)) else "second"})
        for i, j in permutations(range(1, n + 1), 2)
    ]


def test_each_pair_stands_in_both_orders_without_names() -> None:
    pairs = ordered_pairs([*answers("a", "b"), failed("down", key="m3"), reply("c", key="m4")])
    assert [p.key for p in pairs] == ["1-2", "1-3", "2-1", "2-3", "3-1", "3-2"]
    assert pairs[1].data() == {"first": "a", "second": "c"}
    assert not any("m" in p.fields for p in pairs)


@pytest.mark.parametrize("given_texts", [(), ("alone",)])
def test_fewer_than_two_make_no_pair(given_texts: tuple[str, ...]) -> None:
    assert ordered_pairs(answers(*given_texts)) == []


@pytest.mark.parametrize(
    ("here", "there", "first", "second"),
    [
        ("first", "second", 1.0, 0.0),
        ("second", "first", 0.0, 1.0),
        ("first", "first", 0.5, 0.5),
        ("second", "second", 0.5, 0.5),
        ("tie", "tie", 0.5, 0.5),
        ("first", "tie", 0.5, 0.5),
        ("first", "both", 0.5, 0.5),
    ],
)
def test_a_win_counts_in_both_orders_only(here: str, there: str, first: float, second: float) -> None:
    wins = tally(2, said(p12=here, p21=there))
    assert wins.totals == (first, second)
    assert bool(wins.contradicted) == (there != "both" and {here, there} not in ({"first", "second"}, {"tie"}))
    assert bool(wins.unjudged) == (there == "both")


def test_a_pair_that_was_judged_in_one_order_only_is_a_tie_and_said() -> None:
    wins = tally(2, [*said(p12="first"), failed("down", key="2-1")])
    assert (wins.totals, wins.unjudged) == ((0.5, 0.5), ((0, 1),))


def test_ties_in_score_go_by_head_to_head_then_by_length_then_by_order() -> None:
    beaten = said(p12="second", p21="first", p13="first", p31="second", p23="tie", p32="tie")
    wins = tally(3, beaten)
    assert wins.totals == (1.0, 1.5, 0.5)
    circle = said(p12="second", p21="first", p13="first", p31="second", p23="second", p32="first")
    assert tally(3, circle).totals == (1.0, 1.0, 1.0)
    assert ranked(answers("long one", "mid", "x"), tally(3, circle)) == [2, 1, 0]
    assert ranked(answers("same", "same", "same"), tally(3, circle)) == [0, 1, 2]
    pair = said(p12="second", p21="first")
    four = [*pair, *said(p13="first", p31="second", p24="second", p42="first")]
    # 1 and 2 are level with ties against the rest; 2 beat 1.
    wins = tally(4, four)
    assert wins.totals[0] == wins.totals[1]
    order = ranked(answers("a", "a longer one", "c", "d"), wins)
    assert order.index(1) < order.index(0)


def test_the_ranking_keeps_the_best_and_shows_the_matrix() -> None:
    slots = rank_pairs(answers("a", "b", "c", "d"), a_judge_who_prefers("3142", 4), keep=3)
    assert [r.key for r in slots["ranking"]] == ["m3", "m1", "m4", "m2"]
    assert [r.key for r in slots["top"]] == ["m3", "m1", "m4"]
    assert [r.key for r in slots["first"]] == ["m3"]
    table = slots["table"][0].data()
    assert table["wins"]["m3"] == {"m1": 1.0, "m2": 1.0, "m4": 1.0}
    assert table["scores"] == {"m1": 2.0, "m2": 0.0, "m3": 3.0, "m4": 1.0}


def test_nothing_to_rank_is_an_empty_ranking() -> None:
    slots = rank_pairs([failed("down", key="m1")], [], keep=3)
    assert (slots["ranking"], slots["top"], slots["first"]) == ([], [], [])


@pytest.mark.parametrize(
    ("verdicts", "name", "text"),
    [
        (said(p12="second", p21="first"), "second", "b"),
        (said(p12="first", p21="second"), "first", "a"),
        (said(p12="second", p21="second"), "tie", "a"),
        ([], "tie", "a"),
    ],
)
def test_of_two_the_second_needs_both_orders(verdicts: Replies, name: str, text: str) -> None:
    best = preferred(answers("a", "b"), verdicts)
    assert (best.text, best.data()["preferred"]) == (text, name)


def test_of_one_that_is_left_nothing_is_compared() -> None:
    assert preferred([failed("down"), reply("b")], []).text == "b"
    assert not preferred([failed("down")], []).ok


Verdict = st.sampled_from(["first", "second", "tie", "junk"])


@st.composite
def judged(draw: st.DrawFn) -> tuple[Replies, Replies]:
    n = draw(st.integers(0, 5))
    texts = [draw(st.text(max_size=5)) for _ in range(n)]
    verdicts: list[Reply] = []
    for i, j in permutations(range(1, n + 1), 2):
        if draw(st.booleans()):
            verdicts.append(reply(key=f"{i}-{j}", data={"verdict": draw(Verdict)}))
    return answers(*texts), draw(st.permutations(verdicts))


@settings(deadline=None, max_examples=60)
@given(judged())
def test_the_ranking_is_a_permutation_and_every_pair_gives_one_point(case: tuple[Replies, Replies]) -> None:
    given_answers, verdicts = case
    n = len(given_answers)
    wins = tally(n, verdicts)
    assert sum(wins.totals) == n * (n - 1) / 2
    assert sorted(ranked(given_answers, wins)) == list(range(n))
    assert tally(n, verdicts[::-1]) == wins


@settings(deadline=None, max_examples=30)
@given(st.permutations("12345"))
def test_a_consistent_judge_is_followed(order: list[str]) -> None:
    slots = rank_pairs(answers(*"abcde"), a_judge_who_prefers("".join(order), 5), keep=3)
    assert [r.key for r in slots["ranking"]] == [f"m{n}" for n in order]
