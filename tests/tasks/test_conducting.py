"""The conductor's moves as pure functions: what is refused, what is malformed, when it ends, what is condensed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.algorithms.conducting import (
    condensed_history,
    conducted,
    conducted_answer,
    history_fits,
    older_rounds,
    read_move,
    round_entry,
    route,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply

ACTIONS = ("expert", "code", "final")


def decided(action: str, **fields: str) -> Replies:
    return [reply(data={"action": action, **fields})]


def entry(action: str, turn: int = 1, given: Replies = [], **fields: str) -> Reply:  # noqa: B006 (never written to)
    return round_entry([read_move(decided(action, **fields), [])], given, turn)


@given(st.sampled_from([*ACTIONS, "", "refused", "x"]), st.text(max_size=5), st.text(max_size=5), st.text(max_size=5))
def test_every_move_is_one_of_five(action: str, name: str, code: str, answer: str) -> None:
    fields = {"name": name, "instructions": name, "code": code, "answer": answer}
    move = read_move(decided(action, **fields), [])
    assert move.data()["action"] in {*ACTIONS, "refused", "malformed"}
    assert route([move]) in {"expert", "code", "nobody"}
    if action not in ACTIONS:
        assert move.data()["action"] == "malformed"


def test_a_failed_call_is_malformed_and_says_why() -> None:
    move = read_move([failed("down")], [])
    assert (move.data()["action"], move.text) == ("malformed", "Format error: down")


@pytest.mark.parametrize(
    ("asked", "verified"),
    [("Is 4 right?", True), ("Is 40 right?", False), ("is  4\nright?", True), ("Is it 4", True), ("", False)],
)
def test_an_answer_counts_as_verified_only_where_it_stands_in_the_brief_as_a_whole(asked: str, verified: bool) -> None:
    log = [entry("expert", given=[reply("yes")], name="E", instructions=asked or "-", purpose="verify")]
    assert read_move(decided("final", answer="4"), log).data()["verified"] is verified


def test_an_expert_that_gave_nothing_has_verified_nothing() -> None:
    log = [entry("expert", given=[failed("down")], name="E", instructions="Is 4 right?", purpose="verify")]
    assert log[0].data()["lost"] == ["down"]
    assert read_move(decided("final", answer="4"), log).data()["action"] == "refused"


@given(st.lists(st.booleans(), max_size=8))
def test_it_ends_at_a_conclusion_or_after_three_malformed_moves_in_a_row(good: list[bool]) -> None:
    log = [entry("code" if g else "x", n, given=[reply("1")], code="1") for n, g in enumerate(good, 1)]
    assert conducted(log, 3) is (good[-3:] == [False] * 3)
    assert not conducted([], 3)


def test_a_history_is_condensed_by_the_models_own_context() -> None:
    history = [reply("word " * 100, key=f"round {n}") for n in range(4)]
    small, unknown = [reply(data={"context_tokens": 500})], [reply(data={"context_tokens": None})]
    assert not history_fits(history, small, 0.6)
    assert history_fits(history, unknown, 0.6)
    assert history_fits(history[:2], small, 0.6), "the last two rounds stay"
    assert [h.key for h in older_rounds(history)] == ["round 0", "round 1"]
    assert [h.key for h in condensed_history(history, [reply("f")])] == ["findings so far", "round 2", "round 3"]
    assert condensed_history(history, [failed("down")]) == history
    assert condensed_history(history, []) == history


def test_nothing_to_answer_with_fails_the_run() -> None:
    with pytest.raises(Refuse, match="down"):
        conducted_answer([entry("x")], [failed("down")])
