"""Profiles: own texts and which of them are shown, items that may be used, claims that may not, and the summary."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.profiles import (
    MOST_WORDS,
    examples,
    new_profile,
    own_texts,
    profile_due,
    profile_items,
    texts_to_read,
    unsupported,
    usable_items,
    versions,
)
from tasks.reply import Replies, Reply, failed, reply


def own(text: str, genre: str = "", since: int = 1) -> Reply:
    return reply(text, key=f"id {text}", data={"fields": {"genre": genre}, "since": f"2026-01-01T00:{since:02}"})


def profile(*items: object, until: int = 0) -> Replies:
    return [reply("p", data={"fields": {"items": list(items), "until": f"2026-01-01T00:{until:02}"}})]


def test_own_texts_are_kept_once_with_their_genre() -> None:
    given_texts = [reply(" a ", data={"text": "a", "genre": " E-Mail "}), reply("b", data={}), reply("a"), reply(" ")]
    assert [(t.text, t.data()["genre"]) for t in own_texts(given_texts)] == [("a", "e-mail"), ("b", "")]


def test_those_of_the_same_genre_come_first_then_the_most_similar() -> None:
    found = [own("a"), own("b", "report"), own("c", "e-mail"), own("d", "e-mail"), own("a"), failed("x")]
    assert [e.text for e in examples(found, [reply("E-Mail ")], keep=4)] == ["c", "d", "a", "b"]
    assert [e.text for e in examples(found, [reply("E-Mail ")], keep=1)] == ["c"]
    assert [e.text for e in examples(found, [reply("")], keep=4)] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("kept", [[], [failed("x")], [reply("p")], [reply("p", data={"fields": {"items": [" "]}})]])
def test_without_a_profile_there_are_no_items(kept: Replies) -> None:
    assert profile_items(kept) == []


def test_only_items_that_were_found_fit_are_used() -> None:
    items = profile_items(profile("a", "b", "c", "d"))
    said = [reply(key=f"item {n}", data={"use": use}) for n, use in enumerate(["yes", "no", "sensitive"], 1)]
    assert [i.text for i in usable_items(items, [*said, failed("x", key="item 4")])] == ["a"]


def claims(*wheres: str) -> Replies:
    return [reply(data={"claims": [{"claim": f"claim {w}", "where": w} for w in wheres]})]


def test_a_personal_version_counts_if_it_was_checked_and_then_without_what_has_no_support() -> None:
    base, personal, dropped = [reply("base")], [reply("in person")], [reply("less")]
    bad = unsupported(claims("neutral", "none", "profile"))
    assert [c.text for c in bad] == ["claim none"]
    assert [v.text for v in versions(base, personal, claims("neutral"), [], [])] == ["base", "in person"]
    assert [v.text for v in versions(base, personal, claims("none"), bad, dropped)] == ["base", "less"]
    assert [v.text for v in versions(base, personal, claims("none"), bad, [failed("x")])] == ["base"]
    assert [v.text for v in versions(base, personal, [failed("x")], [], [])] == ["base"]
    assert [v.text for v in versions(base, [failed("x")], [failed("x")], [], [])] == ["base"]


def test_a_new_profile_is_due_after_so_many_newer_texts() -> None:
    texts = [own(str(n), since=n) for n in range(1, 26)]
    assert profile_due(texts, [], every=25)
    assert not profile_due(texts[1:], [], every=25)
    assert not profile_due(texts, profile("a", until=1), every=25)
    assert profile_due([own("x", since=30), *texts], profile("a", until=1), every=25)


def test_the_newest_are_read_and_the_profile_remembers_until_when() -> None:
    texts = [own(str(n), since=n) for n in range(9, 0, -1)]
    read = texts_to_read(texts, profile("a", until=3), most=4)
    assert [t.text for t in read] == ["9", "8", "7", "6"]
    (made,) = new_profile([reply(data={"items": ["short", " "]})], read)
    assert made.data() == {"items": ["short"], "until": "2026-01-01T00:09"}
    assert new_profile([failed("x")], read) == []
    assert new_profile([reply(data={"items": ["short"]})], []) == []


@given(st.lists(st.text(alphabet="ab ", max_size=400), max_size=12))
def test_a_profile_never_has_more_words_than_it_may(items: list[Any]) -> None:
    made = new_profile([reply(data={"items": items})], texts_to_read([own("x")], [], 1))
    assert sum(len(m.text.split()) for m in made) <= MOST_WORDS


@given(st.lists(st.sampled_from(["a", "b", "c", "d", "e"]), max_size=12), st.integers(1, 6))
def test_no_text_is_shown_twice_and_no_more_than_asked_for(names: list[str], keep: int) -> None:
    shown = [e.text for e in examples([own(n) for n in names], [reply("x")], keep)]
    assert len(shown) == len(set(shown)) == min(keep, len(set(names)))
