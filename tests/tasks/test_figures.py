"""Figures: numbers as texts write them, equality within half a last digit, votes that need two, masks that hide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.figures import (
    MASK,
    agreed,
    data_files,
    files_for,
    matches,
    number_in,
    numeric_claims,
    shown,
    value_of,
)
from tasks.algorithms.sentences import sentences
from tasks.reply import Reply, failed, reply


def run(result: object, ok: bool = True) -> Reply:
    return reply(data={"ok": ok, "values": {} if result is None else {"result": result}})


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,240", "1240"),
        ("12.50%", "12.50"),
        ("\u22125", "-5"),
        ("12,40", None),
        ("ten", None),
        ("", None),
        ("1e9", None),
    ],
)
def test_numbers_as_texts_write_them(text: str, number: str | None) -> None:
    found = number_in(text)
    assert (None if found is None else str(found)) == number


@given(st.decimals(min_value=-10_000, max_value=10_000, places=2), st.floats(-0.02, 0.02))
def test_a_figure_matches_within_half_a_unit_of_its_last_digit(stated: object, off: float) -> None:
    value = float(str(stated)) + off
    if abs(abs(off) - 0.005) > 1e-6:
        assert matches(str(stated), "sum", str(stated), value) is (abs(off) < 0.005)


@given(st.integers(-(10**6), 10**6), st.integers(0, 3), st.booleans())
def test_what_is_shown_in_the_form_of_a_figure_matches_it(number: int, places: int, commas: bool) -> None:
    value = number / 10**places
    form = f"{1234567:,.{places}f}" if commas else f"{1234567:.{places}f}"
    assert matches(shown(form, value), "mean", "", value)


def test_rank_and_trend_are_equal_or_not() -> None:
    assert matches("third", "rank", "3", 3.0)
    assert not matches("third", "rank", "3", 3.4)
    assert matches("rose", "trend", "Up", "up")
    assert not matches("rose", "trend", "up", "down")
    assert not matches("12", "sum", "12", "up")


@given(st.lists(st.sampled_from([1.0, 2.0, "up", None, True]), max_size=4))
def test_a_value_needs_two_runs(results: list[object]) -> None:
    runs = [run(r) for r in results]
    usable = [r for r in results if isinstance(r, float | str)]
    found = agreed(runs)
    assert (found is not None) is any(usable.count(v) >= 2 for v in usable)
    if found is not None:
        assert found[0] == results[found[1]]
        assert usable.count(found[0]) >= 2


def test_a_run_that_raised_or_failed_has_no_value() -> None:
    assert value_of(run(1, ok=False)) is None
    assert value_of(failed("no sandbox")) is None
    assert value_of(run([1])) is None
    assert value_of(Reply(fields='{"ok":true,"values":{"result":Infinity}}')) is None
    assert value_of(run(" Up ")) == "up"


def test_a_claim_hides_its_figure_wherever_it_stands_in_its_sentence() -> None:
    text = [reply("Of 145, 45 rose. The 45 fell by 45.5.")]
    said = {"sentence_no": 1, "stated": "45", "value": "45", "unit": "", "rounding": "", "kind": "sum"}
    claims = [said, {**said, "sentence_no": 2}, {**said, "sentence_no": 7}]
    found = numeric_claims([reply(data={"claims": claims})], text, sentences(text, most=9), [], most=9)
    assert [c.text for c in found] == [f"Of 145, {MASK} rose.", f"The {MASK} fell by 45.5.", ""]
    assert [c.ok for c in found] == [True, True, False]
    assert files_for(found[:1], [])[0].text == f"Of 145, {MASK} rose. The 45 fell by 45.5."


def test_files_have_safe_names_each_its_own() -> None:
    data = [reply(data={"name": n, "text": "x"}) for n in ("../a b.csv", "../a b.csv", "", "..")]
    names = [f.key for f in data_files(data)]
    assert names == ["a_b.csv", "2_a_b.csv", "data3.csv", "data4.csv"]
