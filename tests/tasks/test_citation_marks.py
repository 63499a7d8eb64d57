"""Citations in a text: the same work known again, and taken out without a word of the sentence."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.citation_marks import same_work, stands_in, with_note, without_marker, work_key

WORDS = st.lists(st.sampled_from(["one", "2", "and", "three", "(four)", "a,", "b"]), min_size=1, max_size=8)


@pytest.mark.parametrize(
    ("sentence", "marker", "without"),
    [
        ("It rose [1].", "[1]", "It rose."),
        ("It rose [1, 2].", "1", "It rose [2]."),
        ("It rose [1, 2].", "2", "It rose [1]."),
        ("It rose [1; 2; 3].", "2", "It rose [1; 3]."),
        ("1 in 3 rose [1].", "1", "1 in 3 rose."),
        ("It rose (Gao et al., 2022), they say.", "(Gao et al., 2022)", "It rose, they say."),
        ("See https://a.b/c for it.", "https://a.b/c", "See for it."),
        ("It rose [10].", "1", "It rose [10]."),
        ("It rose.", "", "It rose."),
        ("It rose.", "rose", "It rose."),
    ],
)
def test_a_citation_is_taken_out_with_its_brackets(sentence: str, marker: str, without: str) -> None:
    assert without_marker(sentence, marker) == without
    assert stands_in(marker, sentence) is (without != sentence)


@settings(deadline=None)
@given(WORDS, st.integers(0, 8))
def test_no_word_goes_with_it(words: list[str], at: int) -> None:
    before = " ".join([*words[:at], "[7]", *words[at:]])
    after = without_marker(before, "[7]")
    assert re.findall(r"\w+", after) == re.findall(r"\w+", " ".join(words))
    assert without_marker(after, "[7]") == after


@pytest.mark.parametrize(
    ("sentence", "noted"),
    [("It rose.", "It rose [x]."), ("It rose", "It rose [x]"), ('"It rose!"', '"It rose [x]!"'), ("", " [x]")],
)
def test_a_note_stands_before_the_full_stop(sentence: str, noted: str) -> None:
    assert with_note(sentence, "[x]") == noted


@pytest.mark.parametrize(
    ("cited", "found", "same"),
    [
        (("RARR", "Gao"), ("RARR: Researching and Revising", "Luyu Gao, Ni Lao"), True),
        (("Researching and revising what models say", ""), ("Revising what language models say", "x"), True),
        (("RARR", "Smith et al."), ("RARR", "Gao et al."), False),
        (("Bees of Peru", "Gao"), ("RARR", "Gao"), False),
        (("", ""), ("Anything", "Anyone"), True),
        (("RARR", "Gao"), ("", ""), True),
    ],
)
def test_a_citation_fits_the_work_that_was_found(cited: tuple[str, str], found: tuple[str, str], same: bool) -> None:
    assert same_work(*cited, *found) is same


def test_one_work_has_one_key() -> None:
    keys = {work_key(i, "", "") for i in ("10.1/X", "doi:10.1/x", "https://doi.org/10.1/x", "doi: 10.1/x.")}
    assert keys == {"10.1/x"}
    assert work_key("", "A Title!", "[1]") == work_key("", "a title", "[2]") == "a title"
    assert work_key("", "", " [3] ") == "[3]"
