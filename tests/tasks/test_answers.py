"""Final answers: read out, brought into one form, grouped."""

from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.answers import after_marker, differing_pairs, final_answer, groups, normalised
from tasks.quantities import canonical_quantity
from tasks.reply import Replies, Reply, failed, reply

SAME = [
    ("42", " 42. ", "**42**", "42.0", "4.2e1", '"42"', "$42$", r"\boxed{42}"),
    ("1,000 m", "1000m", "1 km", "1 kilometre", "1 000 metres", "100000 cm"),
    ("$1.5 million", "1500000 USD", "1,500,000 dollars", "1500000$"),
    ("50%", "50 percent", "50.00 %"),
    ("1/2", "0.5", ".5", "½"),
    ("-3", "\u22123", "-3.0"),
    ("10 min", "600 s", "600 seconds"),
    ("Paris", "paris", "PARIS.", "\u201cParis\u201d", "_Paris_"),
    ("don't know", "Don\u2019t  know"),
    ("90 km/h", "25 m/s"),
]
DIFFERENT = [
    ("42", "42 m"),
    ("5!", "5"),
    ("1/3", "0.333"),
    ("50 %", "0.5"),
    ("5 pounds", "5 lb"),
    ("5 pounds", "£5"),
    ("12 34", "1234"),
    ("'a' or 'b'", "a' or 'b"),
    ("3 m", "3 min"),
    ("20 °C", "20 °F"),
    ("$5m", "5 m"),
]


def finals(*answers: str) -> Replies:
    return [final_answer([reply(f"FINAL: {a}", key=f"v{n}")], "FINAL") for n, a in enumerate(answers, 1)]


def yes(*pairs: str) -> Replies:
    return [reply(key=p, data={"same": True}) for p in pairs]


@pytest.mark.parametrize("forms", SAME)
def test_forms_of_one_answer_are_equal(forms: tuple[str, ...]) -> None:
    assert len({normalised(f) for f in forms}) == 1, {f: normalised(f) for f in forms}


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_answers_stay_different(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.fractions(-(10**12), 10**12, max_denominator=10**4), st.sampled_from(["", "km", "%", "usd", "mg"]))
def test_a_quantity_is_its_own_canonical_form(value: object, unit: str) -> None:
    form = canonical_quantity(f"{value} {unit}")
    assert form is not None
    assert canonical_quantity(form) == form


@given(st.integers(-(10**12), 10**12))
def test_thousands_may_be_grouped(number: int) -> None:
    assert normalised(f"{number:,}") == normalised(str(number)) == str(number)


@pytest.mark.parametrize("text", ["1e999999999", "9" * 41, "1/0", "1,00,0", "five", "5 florins", "$5 eur", ""])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert canonical_quantity(text) is None


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("reasons\nFINAL: 42", "42"),
        ("**FINAL: 42**", "42"),
        ("**Final answer:** Paris", "Paris"),
        ("- FINAL ANSWER: yes", "yes"),
        ("FINAL:\n\n  7", "7"),
        ("FINAL: 3\nno, wait\nFINAL: 4", "4"),
        ("FINAL\uff1a42", "42"),
        ("The final: x", "x"),
        ("it is FINAL: 3", ""),
        ("FINAL:", ""),
        ("FINAL: <answer>", ""),
        ("SEMIFINAL: 3", ""),
        ("", ""),
    ],
)
def test_the_last_marked_line_is_the_answer(text: str, answer: str) -> None:
    assert after_marker(text, "FINAL") == answer


LONG = {
    "blank lines": "\n" * 50_000,
    "digits": "9" * 50_000,
    "stars": "*" * 50_000,
    "markers": "FINAL:\n" * 10_000,
    "quotes": "FINAL: " + "'" * 50_000,
}


@pytest.mark.parametrize("kind", LONG)
def test_no_reply_takes_long_to_read(kind: str) -> None:
    started = perf_counter()
    normalised(after_marker(LONG[kind], "FINAL") or LONG[kind])
    assert perf_counter() - started < 3


def test_an_unmarked_or_failed_reply_abstains_under_its_own_key() -> None:
    unmarked = final_answer([reply("42", key="m")], "FINAL")
    assert (unmarked.ok, unmarked.key) == (False, "m")
    assert final_answer([failed("it broke", key="m")], "FINAL").cause == "it broke"


def test_pairs_are_of_different_answers_and_carry_no_names() -> None:
    pairs = differing_pairs(finals("a", "b", "A", "c"))
    assert [p.key for p in pairs] == ["1-2", "1-3", "2-3"]
    assert pairs[0].data() == {"first": "a", "second": "b"}
    assert "v1" not in "".join(p.model_dump_json() for p in pairs)
    assert differing_pairs(finals("a", "A")) == []


def test_groups_connect_pairs_and_skip_failed_verdicts() -> None:
    four = finals("a", "b", "c", "d")
    assert [g.voters for g in groups(four, yes("1-2", "2-3"))] == [("v1", "v2", "v3"), ("v4",)]
    assert len(groups(four, [yes("1-2")[0].but(status="failed")])) == 4
    assert len(groups(four, [failed("no", key="1-2"), reply(key="3-4", data={"same": False})])) == 4


@given(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=7),
    st.lists(st.sampled_from(["1-2", "1-3", "2-3", "2-4", "3-4"]), unique=True),
)
def test_each_vote_counts_once_and_connecting_never_splits(answers: list[str], pairs: list[str]) -> None:
    given_finals = finals(*answers)
    distinct = len({*answers})
    linked = [p for p in pairs if int(p[-1]) <= distinct]
    apart, joined = groups(given_finals), groups(given_finals, yes(*linked))
    assert sorted(v for g in joined for v in g.voters) == sorted(f.key for f in given_finals)
    assert len(joined) <= len(apart) == distinct
    assert joined[0].votes >= apart[0].votes
    assert [g.votes for g in joined] == sorted((g.votes for g in joined), reverse=True)


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=7))
def test_groups_do_not_depend_on_who_voted_when(answers: list[str]) -> None:
    def sizes(rs: list[Reply]) -> dict[str, int]:
        return {g.text: g.votes for g in groups(rs)}

    assert sizes(finals(*answers)) == sizes(finals(*reversed(answers)))
