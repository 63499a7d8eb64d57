"""Long texts: what is passed on between sections, which are revised, and what the whole comes to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.longform import first_words, joined, kept_memory, last_words, named_sections
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

TEXTS = st.text(alphabet="ab \n", max_size=80)


def sections(n: int) -> Replies:
    return [reply(f"text {i}", key=f"section {i}", data={"number": i, "title": f"T{i}"}) for i in range(1, n + 1)]


def critique(*named: list[int]) -> Replies:
    return [reply(data={"issues": [{"sections": n, "issue": str(n)} for n in named]})]


@given(TEXTS, st.integers(1, 20))
def test_no_more_words_than_are_allowed_and_none_made_up(text: str, most: int) -> None:
    assert first_words(text, most).split() == text.split()[:most]
    assert first_words(first_words(text, most), most) == first_words(text, most)


@given(TEXTS, st.integers(1, 20))
def test_the_last_words_are_the_last(text: str, most: int) -> None:
    assert [r.text.split() for r in last_words([reply("x"), reply(text)], most)] == [text.split()[-most:]]


def test_before_the_first_section_there_are_no_last_words() -> None:
    assert last_words([], 5) == []
    assert [r.text for r in last_words([reply("a b"), failed("down")], 1)] == ["b"]


def test_a_memory_that_could_not_be_renewed_stands() -> None:
    before = [reply("old", key="memory")]
    assert kept_memory(before, [failed("down")], 5) == before
    assert kept_memory([], [failed("down")], 5) == [], "a failed memory would keep the next section from being written"
    assert [r.text for r in kept_memory(before, [reply("new one")], 1)] == ["new"]


@pytest.mark.parametrize(
    ("given_critique", "named"),
    [
        (critique([2], [2, 3]), {"section 2": 2, "section 3": 1}),
        (critique([9]), {}),
        (critique(), {}),
        ([failed("down")], {}),
    ],
)
def test_named_sections_carry_their_own_issues(given_critique: Replies, named: dict[str, int]) -> None:
    found = named_sections(sections(3), given_critique)
    assert {f.key: len(f.data()["issues"]) for f in found} == named


def test_a_section_that_was_not_written_is_not_revised() -> None:
    written = [*sections(1), failed("down", key="section 2").but(data={"number": 2, "title": "T2"})]
    assert [n.key for n in named_sections(written, critique([1, 2]))] == ["section 1"]


def test_without_a_section_there_is_no_text() -> None:
    with pytest.raises(Refuse, match="down"):
        joined([failed("down", key="section 1")], critique(), [], [])
