"""Hiding given values in a problem, probing candidates, and who wins by what was recovered."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.masking import best_recovered, candidates, masked_conditions, probes
from tasks.answers import final_answer
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

PROBLEM = "Anna has 4 boxes with 12 eggs each. She sells 1.5 of\nthe boxes. How many eggs are left?"


def conditions(*pairs: tuple[str, str], text: str = PROBLEM, most: int = 5) -> Replies:
    found = reply(data={"conditions": [{"passage": p, "value": v} for p, v in pairs]})
    return masked_conditions([reply(text)], [found], most)


def finals(answers: str) -> Replies:
    return [final_answer([reply(f"Answer: {a}", key=f"s{n}")], "Answer") for n, a in enumerate(answers, 1)]


@pytest.mark.parametrize(
    ("passage", "value", "masked"),
    [
        ("Anna has 4 boxes", "4", "Anna has X boxes with 12"),
        ("with 12 eggs each", "12", "4 boxes with X eggs"),
        ("she sells 1.5 of the boxes", "1.5", "sells X of\nthe"),
        ("She sells 1.5 of", "1", None),
        ("4 boxes with 12 eggs", "2", None),
        ("Anna has 5 boxes", "5", None),
        ("Anna has 4 boxes", "5", None),
        ("Anna has 4 boxes", " ", None),
        ("", "4", None),
        ("How many eggs (.*)", "eggs", None),
    ],
)
def test_a_value_is_hidden_only_where_it_stands_word_for_word(passage: str, value: str, masked: str | None) -> None:
    made = conditions((passage, value))
    assert [c.data()["hidden"] for c in made] == ([value] if masked else [])
    assert masked is None or masked in made[0].text


def test_the_same_place_is_hidden_once_and_no_more_than_asked() -> None:
    twice = [("Anna has 4 boxes", "4"), ("has 4 boxes", "4"), ("12 eggs", "12"), ("sells 1.5 of", "1.5")]
    assert [c.data()["hidden"] for c in conditions(*twice)] == ["4", "12", "1.5"]
    assert [c.key for c in conditions(*twice, most=2)] == ["k1", "k2"]


def test_nothing_is_hidden_where_the_extraction_failed() -> None:
    assert masked_conditions([reply(PROBLEM)], [failed("down")], 5) == []
    assert masked_conditions([reply(PROBLEM)], [], 5) == []


@given(st.text("abcd", min_size=1, max_size=9))
def test_the_most_frequent_answers_are_the_candidates(answers: str) -> None:
    made = candidates(finals(answers), 3)
    votes = [c.data()["votes"] for c in made]
    assert votes == sorted((answers.count(a) for a in set(answers)), reverse=True)[:3]
    assert len(probes(made, conditions(("4 boxes", "4")))) == (len(made) if len(made) > 1 else 0)


def test_without_an_answer_there_is_no_candidate() -> None:
    with pytest.raises(Refuse, match="no attempt"):
        candidates([failed("down", key="s1")], 3)


def judged(hits: dict[str, list[str | None]], answers: str = "aab") -> Reply:
    """Probes of one condition, hidden value 4, by candidate: what each recovered, None for a failed call."""
    given_values = conditions(("4 boxes", "4"))
    made = [
        failed("down", key=f"{c}/k1 · s{n}") if said is None else reply(f"X: {said}", key=f"{c}/k1 · s{n}")
        for c, values in hits.items()
        for n, said in enumerate(values, 1)
    ]
    read = [final_answer([m], "X") for m in made]
    paths = [reply("way", key=f"s{n}") for n in range(1, len(answers) + 1)]
    slots = best_recovered(paths, candidates(finals(answers), 3), given_values, made, read)
    return slots["answer"][0]


def test_the_share_decides_and_not_the_frequency() -> None:
    data = judged({"c1": ["5", "4", "x"], "c2": ["4", "4.0", "7"]}).data()
    assert (data["final_answer"], data["quality"]) == ("b", pytest.approx(2 / 3))
    assert data["margin"] == pytest.approx(1 / 3)


def test_alike_shares_go_to_the_more_frequent() -> None:
    assert judged({"c1": ["4"], "c2": ["4"]}).data()["final_answer"] == "a"


def test_a_failed_probe_is_no_miss_and_a_silent_one_is() -> None:
    answer = judged({"c1": ["4", None, None], "c2": ["4", "", "4"]})
    rows = {r["answer"]: (r["recovered"], r["probes"], r["lost"]) for r in answer.data()["scores"]}
    assert rows == {"a": (1, 1, 2), "b": (2, 3, 0)}
    assert (answer.data()["final_answer"], answer.outcome) == ("a", "degraded")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["4", "5", ""]), min_size=1, max_size=3))
def test_where_all_probes_failed_or_were_skipped_it_is_unchecked(values: list[str]) -> None:
    answer = judged({"c1": [None] * len(values), "c2": [None]})
    assert (answer.outcome, answer.data()["verified"], answer.data()["final_answer"]) == ("unchecked", False, "a")
    assert answer.data()["agreement"] == pytest.approx(2 / 3)
    shares = judged({"c1": [*values], "c2": ["9"]}).data()["scores"]
    assert all(0 <= r["score"] <= 1 for r in shares)
