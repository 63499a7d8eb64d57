"""Co-editing: gates, decisions, versions; total on junk, and nothing changes that was not accepted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.co_editing import (
    applied,
    changed_locks,
    document_blocks,
    editing_over,
    flagged,
    gated_changes,
    verdicts,
    version,
    wish,
)
from tasks.reply import Replies, failed, reply

TEXT = "one two\n\nthree four\n\nfive six"
BLOCKS = document_blocks([reply(TEXT)], [])
WISH = [wish([reply("do", key="edit")], [])]
WORDS = st.sampled_from(["one", "two", "three", "four", "five", "six", "o", ""])
EDITS = st.lists(
    st.tuples(st.sampled_from(["b1", "b2", "b3", "b4"]), WORDS, st.sampled_from(["X", "Y", ""])), max_size=6
)


def proposed(edits: list[tuple[str, str, str]]) -> Replies:
    made = [{"block": b, "old": o, "new": n, "reason": "r", "new_information": False} for b, o, n in edits]
    return [reply(data={"edits": made})]


@settings(deadline=None, max_examples=100)
@given(EDITS, st.sets(st.integers(1, 6)))
def test_only_accepted_changes_of_what_stands_once_are_applied(
    edits: list[tuple[str, str, str]], yes: set[int]
) -> None:
    slots = gated_changes(BLOCKS, WISH, proposed(edits), [], [reply(key="b3")])
    changes = flagged(slots["out"], [], [])
    assert len(changes) + len(slots["dropped"]) == len(edits)
    said = [reply(f"accept {' '.join(map(str, sorted(yes)))}", key="decide")] if yes else []
    after = applied(BLOCKS, changes, said, WISH, [version(BLOCKS)], turn=1)
    touched = {c.data()["block"] for c in changes if int(c.key) in yes}
    for old, new in zip(BLOCKS, after["blocks"], strict=True):
        assert (old == new) == (old.key not in touched)
    assert after["blocks"][2] == BLOCKS[2]
    assert bool(after["version"]) == bool(touched)


CHANGES = [
    reply("n", key=k, data={"block": "b1", "old": "o", "new": "n", "flag": f}) for k, f in (("1", ""), ("2", "refuted"))
]


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        ("accept_all", "", ["accepted", "left"]),
        ("reject_all", "", ["rejected", "rejected"]),
        ("decide", "ACCEPT 1, 2", ["accepted", "accepted"]),
        ("decide", "amend 1\nreject 2: no; accept 9", ["left", "rejected"]),
        ("decide", "whatever you like", ["left", "left"]),
    ],
)
def test_decisions_are_read_by_number(how: str, text: str, expected: list[str]) -> None:
    decided = verdicts(CHANGES, [reply(text, key=how)])
    assert [decided[c.key][0] for c in CHANGES] == expected


@pytest.mark.parametrize("said", [[], [failed("down")]])
def test_without_a_proposal_there_is_nothing_to_decide(said: Replies) -> None:
    assert gated_changes(BLOCKS, WISH, said, [], []) == {"out": [], "dropped": []}


def test_a_selection_stands_before_the_instruction() -> None:
    one = wish([reply("b2, b3: shorter: much", key="edit")], [])
    assert (one.text, one.data()["selection"]) == ("shorter: much", ["b2", "b3"])
    assert wish([], [reply("b1 is fine")]).data()["selection"] == []


def test_locks_come_and_go() -> None:
    held = changed_locks([], [wish([reply("b1 and b2", key="lock")], [])])
    assert [h.key for h in held] == ["b1", "b2"]
    assert changed_locks(held, [wish([reply("b2", key="unlock")], [])]) == held[:1]


def row(wanted: str, accepted: int) -> Replies:
    return [reply(data={"wish": wanted, "accepted": accepted})]


@pytest.mark.parametrize(
    ("rounds", "over"),
    [
        ([], False),
        (row("done", 0), True),
        (row("edit", 0), False),
        (row("edit", 0) + row("edit", 0), True),
        (row("edit", 0) + row("lock", 0), False),
        (row("edit", 0) + row("lock", 0) + row("edit", 0), True),
        (row("edit", 1) + row("edit", 0), False),
    ],
)
def test_two_quiet_rounds_of_editing_end_it(rounds: Replies, over: bool) -> None:
    assert editing_over(rounds) == over
