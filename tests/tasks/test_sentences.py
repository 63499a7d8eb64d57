"""Sentences: exact places, so that nothing but what is replaced changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.sentences import replaced, sentence_spans, sentences
from tasks.reply import failed, ok_of, reply

TEXTS = st.text(alphabet="ab.!?\n \"')*0。", max_size=80)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Dr. Who met J. Smith. He paid 3.5 EUR!", ["Dr. Who met J. Smith.", "He paid 3.5 EUR!"]),
        ("# Title\n\n- one\n- two\n***\nEnd", ["# Title", "- one", "- two", "End"]),
        ('"Why?" he said. No. 4 left.', ['"Why?"', "he said.", "No. 4 left."]),
        ("一。二。", ["一。", "二。"]),
        (" \n...", []),
    ],
)
def test_sentences_and_lines_that_hold_a_word(text: str, found: list[str]) -> None:
    assert [s.text for s in sentences([reply(text)], most=9)] == found


@given(TEXTS)
def test_spans_lie_in_order_and_cover_every_word(text: str) -> None:
    spans = sentence_spans(text)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    outside = [text[a:b] for a, b in zip([0, *edges[1::2]], [*edges[::2], len(text)], strict=True)]
    assert not any(c.isalnum() for part in outside for c in part)


@given(TEXTS, st.integers(0, 3))
def test_replacing_by_itself_changes_nothing_and_by_another_only_that(text: str, at: int) -> None:
    found = sentences([reply(text)], most=99)
    assert replaced(text, found, {}) == text
    if at < len(found):
        one = found[at]
        new = replaced(text, found, {one.key: "NEW"})
        start, end = one.data()["start"], one.data()["end"]
        assert new == f"{text[:start]}NEW{text[end:]}"


def test_what_is_beyond_the_bound_is_said_and_nothing_gives_nothing() -> None:
    found = sentences([reply("One. Two. Three.")], most=2)
    assert [s.text for s in ok_of(found)] == ["One.", "Two."]
    assert (found[-1].status, found[-1].cause) == ("skipped", "1 sentences beyond 2")
    assert sentences([], most=2) == []
    assert sentences([failed("late")], most=2) == []
