"""Chain of density: which entities count, the gate's bounds, and the pick."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.density import density_gate, first_version, novel_entities, picked_version, shuffled
from tasks.reply import Replies, Reply, failed, reply

VERSIONS = [reply(f"text {n}", key=f"version {n}", data={"entities": [], "words": 2}) for n in range(1, 6)]


def version(text: str, *entities: str) -> Reply:
    return reply(text, key="version 1", data={"entities": list(entities), "words": len(text.split())})


def missing(*names: str) -> Replies:
    return [reply(data={"entities": list(names)})]


def test_entities_of_the_first_version_are_those_it_names_each_once() -> None:
    made = reply(data={"summary": "Port  Ellis floods.", "entities": ["port ellis", "Port Ellis", "Ghost", " "]})
    assert first_version([made]).data()["entities"] == ["port ellis"]


def test_an_entity_counts_if_the_source_has_it_and_the_summary_does_not() -> None:
    found = [reply(data={"missing": ["the  Barrier", "Port Ellis", "Atlantis", "the barrier", "1953"]})]
    source = [reply("In 1953 Port Ellis had no plan.\nThe barrier came later.")]
    data = novel_entities(found, source, [version("Port Ellis floods.")], 3).data()
    assert (data["entities"], data["refused"]) == (["the  Barrier", "1953"], ["Port Ellis", "Atlantis"])
    assert novel_entities(found, source, [version("Port Ellis floods.")], 1).data()["entities"] == ["the  Barrier"]


def test_an_extraction_that_failed_names_nothing_and_says_so() -> None:
    data = novel_entities([failed("down", key="find")], [reply("x")], [version("y")], 3).data()
    assert (data["entities"], data["lost"]) == ([], ["find: down"])


@pytest.mark.parametrize(("words", "passed"), [(71, False), (72, True), (88, True), (89, False)])
def test_the_length_is_bounded_on_both_sides(words: int, passed: bool) -> None:
    text = " ".join(["Ellis", "1953", *["word"] * (words - 2)])
    made = density_gate([reply(text)], missing("1953"), [version("x", "Ellis")], 72, 88)
    assert made.data()["passed"] is passed


@pytest.mark.parametrize("dropped", ["Ellis", "1953"])
def test_no_entity_old_or_new_may_be_missing(dropped: str) -> None:
    text = "Ellis 1953".replace(dropped, "word")
    made = density_gate([reply(text)], missing("1953"), [version("x", "Ellis")], 1, 9).data()
    assert (made["passed"], made["message"]) == (False, f"'{dropped}' does not stand in it")


@given(st.integers(0, 2**32))
def test_the_judge_sees_every_version_once(seed: int) -> None:
    shown = shuffled(VERSIONS, seed)
    assert sorted(v.key for v in shown) == [v.key for v in VERSIONS]
    assert shuffled(VERSIONS, seed) == shown


@given(st.integers(-1, 7), st.integers(0, 99))
def test_the_pick_is_what_stands_under_the_number(number: int, seed: int) -> None:
    shown = shuffled(VERSIONS, seed)
    answer = picked_version(VERSIONS, shown, [reply(data={"version": number, "reason": "r"})], [])
    known = 1 <= number <= 5
    assert answer.data()["picked"] == (shown[number - 1].key if known else "version 5")
    assert answer.outcome == ("answered" if known else "unchecked")


def test_a_single_version_needs_no_verdict() -> None:
    assert picked_version(VERSIONS[:1], VERSIONS[:1], [], []).outcome == "answered"
