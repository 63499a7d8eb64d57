"""Pages of a long text: every word on one page, each page within its bounds whatever is picked."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.gists import (
    first_window,
    gist_answer,
    next_window,
    page_of,
    paragraphs,
    sentence_claims,
    single_break,
    stored_pages,
)
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply

LENGTHS = st.lists(st.integers(1, 700), min_size=1, max_size=8)


def book(lengths: list[int]) -> str:
    words = (" ".join(f"p{n}w{w}{'.' if w % 50 == 49 else ''}" for w in range(c)) for n, c in enumerate(lengths))
    return "\n\n".join(words)


@settings(deadline=None, max_examples=40)
@given(LENGTHS, st.integers(0, 9))
def test_every_word_stands_on_one_page_of_300_to_600_words(lengths: list[int], pick: int) -> None:
    text = book(lengths)
    units = paragraphs([reply(text)], [])
    window, pages = first_window(units), list[Replies]()
    while window:
        picked = [] if single_break(window) else [reply(data={"break": pick})]
        pages.append([page_of(window, picked, units, turn=len(pages) + 1)])
        window = next_window(pages[-1], units)
    counts = [len(p[0].text.split()) for p in pages]
    assert [w for p in pages for w in p[0].text.split()] == text.split()
    assert all(300 <= c <= 600 for c in counts[:-1])
    assert counts[-1] <= 600


def test_a_paragraph_without_any_end_of_a_sentence_is_cut_by_words() -> None:
    assert [u.data()["words"] for u in paragraphs([], [reply("w " * 700)])] == [300, 300, 100]
    with pytest.raises(Refuse):
        paragraphs([], [reply(" \n ")])


def test_a_page_that_the_store_did_not_take_is_read_from_what_was_made() -> None:
    made = [reply(f"g{n}", key=str(n), data={"page": n, "text": f"t{n}"}) for n in (1, 2)]
    kept = reply("g1", data={"fields": {"page": 1, "text": "t1"}})
    assert [p.text for p in stored_pages(made, [kept])] == ["g1", "g2"]
    assert stored_pages(made, []) == made


def test_a_text_longer_than_the_pages_is_incomplete() -> None:
    page = reply("g", key="1", data={"page": 1, "text": "t"})
    rest = [reply("window")]
    cut = [reply("t", key="1", data={"lost": ""})]
    nothing: list[Replies] = [[] for _ in range(7)]
    final = gist_answer([reply("A.")], [], [page], cut, rest, *nothing)
    assert (final.outcome, "goes on" in final.text) == ("incomplete", True)
    assert sentence_claims([failed("down")], [], most=15) == []
