"""Chunks: spans of their documents, cut where a sentence or a paragraph ends, with or without overlap."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.chunking import about_tokens, chunks
from tasks.functions import Refuse
from tasks.reply import failed, reply

TEXTS = st.text(alphabet="ab .\n!漢。", min_size=1, max_size=300)


def spans(text: str, tokens: int, overlap: int = 0, **rest: object) -> list[str]:
    return [c.text for c in chunks([reply(text)], tokens, overlap, **rest)]  # type: ignore[arg-type]


def test_sentences_stay_whole() -> None:
    assert spans("One is here. Two is here. Three.", 7) == ["One is here. Two is here. ", "Three."]


def test_paragraphs_stay_whole_where_they_fit() -> None:
    text = "First line. Second.\n\nA paragraph of its own.\n\nEnd."
    assert spans(text, 10, cut_at="paragraph") == ["First line. Second.\n\n", "A paragraph of its own.\n\nEnd."]


def test_overlap_repeats_whole_sentences_before() -> None:
    assert spans("Aaaa aaa. Bbbb bbb. Cccc ccc. Dddd ddd.", 6, 3) == [
        "Aaaa aaa. Bbbb bbb. ",
        "Bbbb bbb. Cccc ccc. ",
        "Cccc ccc. Dddd ddd.",
    ]


def test_a_chunk_says_where_it_stands() -> None:
    documents = [reply("One. Two.", data={"id": "report", "title": "A report", "text": "One. Two."}), reply("Three.")]
    first, second, third = chunks(documents, 2)
    assert (first.key, second.key, third.key) == ("report:1", "report:2", "2:1")
    data = second.data()
    assert (data["document"], data["title"], data["start"], data["end"]) == ("report", "A report", 5, 9)
    assert len(data["digest"]) == 64
    assert data["digest"] != first.data()["digest"]


def test_same_names_are_told_apart_and_what_is_empty_or_failed_is_left_out() -> None:
    documents = [reply("A.", key="d"), reply("B.", key="d"), reply("  "), failed("gone")]
    assert [c.key for c in chunks(documents, 5)] == ["d:1", "d#2:1"]


def test_more_than_allowed_fails_the_run() -> None:
    with pytest.raises(Refuse, match="make 3 chunks of 1 tokens: at most 2 are allowed"):
        chunks([reply("Aa. Bb. Cc.")], 1, at_most=2)


def test_scripts_without_spaces_count_a_token_a_character() -> None:
    assert about_tokens("漢字漢字") == 4
    assert about_tokens("four") == 1


@settings(deadline=None)
@given(TEXTS, st.integers(1, 20), st.sampled_from(["sentence", "paragraph"]))
def test_without_overlap_the_chunks_are_the_document(text: str, tokens: int, cut_at: str) -> None:
    made = spans(text, tokens, cut_at=cut_at)
    assert "".join(made) == (text if text.strip() else "")
    assert all(about_tokens(c) <= tokens for c in made)


@settings(deadline=None)
@given(TEXTS, st.integers(1, 20), st.integers(0, 20))
def test_with_overlap_every_chunk_is_bounded_and_brings_something_new(text: str, tokens: int, overlap: int) -> None:
    made = [(c.data()["start"], c.data()["end"]) for c in chunks([reply(text)], tokens, overlap)]
    for (_, last), (start, end) in pairwise(made):
        assert start <= last < end
        assert about_tokens(text[start:last]) <= overlap
        assert about_tokens(text[start:end]) <= tokens
    if made:
        assert (made[0][0], made[-1][1]) == (0, len(text))
