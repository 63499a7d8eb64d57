"""Revision: how much two versions differ, and when criticism is settled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.revision import changed_share, no_major_issue, review_settled
from tasks.reply import Reply, failed, reply

TEXTS = st.text(alphabet="ab c.\n", max_size=60)


def critique(*severities: str) -> Reply:
    return reply(data={"issues": [{"severity": s, "quote": "", "fix": "f"} for s in severities]})


@given(TEXTS, TEXTS)
def test_the_share_is_bounded_and_zero_for_the_same_text_only(before: str, after: str) -> None:
    share = changed_share(before, after)
    assert 0 <= share <= 1
    assert (share == 0) == (before == after)


@pytest.mark.parametrize(
    ("before", "after", "share"),
    [
        ("", "", 0.0),
        ("", "abc", 1.0),
        ("abcd", "", 1.0),
        ("x" * 100, "x" * 99 + "y", 0.01),
        ("one two three four", "one two three five", 3 / 18),
        ("word " * 20, "word " * 19, 0.05),
    ],
)
def test_letters_are_counted(before: str, after: str, share: float) -> None:
    assert changed_share(before, after) == pytest.approx(share)


def test_what_differs_altogether_and_is_long_counts_whole() -> None:
    assert changed_share("a" * 5000, "b" * 4000) == 1.0


@pytest.mark.parametrize(
    ("critiques", "settled"),
    [([], True), ([critique()], True), ([critique("minor")], True), ([failed("down")], True)],
)
def test_without_a_major_issue_there_is_nothing_to_do(critiques: list[Reply], settled: bool) -> None:
    assert no_major_issue(critiques) is settled


def test_only_the_last_critique_counts() -> None:
    assert not no_major_issue([critique(), critique("minor", "major")])
    assert no_major_issue([critique("major"), critique("minor")])


@pytest.mark.parametrize(
    ("drafts", "settled"),
    [
        ([reply("x" * 100), reply("x" * 99)], True),
        ([reply("x" * 100), reply("x" * 98)], False),
        ([reply("x" * 100), failed("down")], False),
        ([reply("x" * 100)], False),
        ([], False),
    ],
)
def test_a_revision_below_two_per_cent_settles(drafts: list[Reply], settled: bool) -> None:
    assert review_settled([critique("major")], drafts, 0.02) is settled
