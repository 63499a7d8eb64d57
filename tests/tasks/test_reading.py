"""Reading in parts: chunks by number, groups of neighbours, and levels that lose nothing."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.reading import (
    condensed,
    handed_over,
    neighbours,
    next_level,
    numbered_chunks,
    purpose,
    relayed,
)
from tasks.functions import Refuse
from tasks.reply import Replies, failed, reply


def level(n: int) -> Replies:
    return [reply(f"text {i}", key=str(i)) for i in range(1, n + 1)]


def test_chunks_are_numbered_over_all_documents() -> None:
    documents = [reply("One. Two.", key="x"), failed("gone"), reply("Three.", key="y")]
    made = numbered_chunks(documents, [reply("prompt")], tokens=2, at_most=9)
    assert [c.key for c in made] == [str(n) for n in range(1, len(made) + 1)]
    assert "".join(c.text for c in made) == "One. Two.Three."
    assert [c.text for c in numbered_chunks([], [reply("prompt")], tokens=2, at_most=9)] == ["prompt"]


@pytest.mark.parametrize(
    ("documents", "general", "asked"),
    [([reply("text")], "general", "Why?\n\nText."), ([], "general", "general"), ([], "", "Why?")],
)
def test_what_a_text_is_read_for(documents: Replies, general: str, asked: str) -> None:
    assert purpose([reply("Why?\n\nText.")], documents, general).text == asked


@settings(deadline=None)
@given(st.integers(0, 40), st.integers(2, 7))
def test_a_level_up_keeps_order_and_loses_nothing(n: int, size: int) -> None:
    below = level(n)
    groups = neighbours(below, size, most_tokens=-1)
    assert all(2 <= len(g.text.split("\n\n")) <= size for g in groups)
    above = next_level(below, [failed("down", key=g.key) for g in groups], size)
    assert "\n\n".join(r.text for r in above) == "\n\n".join(r.text for r in below)
    if groups:
        assert len(above) == -(-n // size)


def test_failed_items_are_in_no_group() -> None:
    (group,) = neighbours([*level(2), failed("down", key="3"), *level(1)], 6, most_tokens=0)
    assert group.text == "text 1\n\ntext 2\n\ntext 1"


def test_what_is_short_enough_is_not_grouped() -> None:
    assert neighbours(level(3), 6, most_tokens=6) == []
    assert len(neighbours(level(3), 6, most_tokens=5)) == 1


def test_nothing_read_gives_no_note() -> None:
    with pytest.raises(Refuse, match="1: down"):
        handed_over([], [failed("down", key="1")])
    with pytest.raises(Refuse):
        handed_over([], [])


def test_a_summary_says_what_it_cites_and_lacks() -> None:
    chunks = numbered_chunks([reply("One.", key="a"), reply("Two.", key="b")], [], tokens=9, at_most=9)
    made = condensed([reply("X. [1,7]")], chunks, [reply("s", key="1"), failed("down", key="2")], [], [], [], [])
    assert (made.data()["cited"], made.data()["unknown_chunks"]) == (["1"], ["7"])
    assert (made.data()["not_covered"], made.outcome) == (["2"], "degraded")


def test_an_answer_lists_the_chunks_that_were_skipped() -> None:
    chunks = numbered_chunks([reply("One.", key="a")], [], tokens=9, at_most=9)
    made = relayed([reply("A.")], [], [failed("down", key="1")], chunks, "not there")
    assert made.text.endswith("- chunk 1: a, characters 0 to 4")
    assert (made.data()["found"], made.data()["lost"]) == (True, ["1: down"])
