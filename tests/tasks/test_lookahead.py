"""Looking ahead: merging, means, ties, and when imagining is not worth it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.lookahead import (
    best_action,
    candidates,
    dream_over,
    dreamt,
    ended_by,
    imagining_skipped,
    lookahead_answer,
    looked_step,
    no_next_action,
)
from tasks.reply import Replies, Reply, failed, reply

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOLS = [
    reply("look", key="look", data={"name": "look", "arguments": SCHEMA, "writes": False, "undo": ""}),
    reply("book", key="book", data={"name": "book", "arguments": SCHEMA, "writes": True, "undo": ""}),
]


def act(tool: str = "look", n: object = 1, kind: str = "tool") -> Reply:
    return reply(data={"type": kind, "tool": tool, "args": {"n": n}})


def vote(verdict: str, hard: bool = False) -> Reply:
    return reply(data={"verdict": verdict, "hard_to_undo": hard})


def step(surprise: float | None = None, **rest: Any) -> Reply:
    data: dict[str, Any] = {
        "surprise": surprise,
        "type": "tool",
        "unknown": False,
        "progress": True,
        "lost": [],
        "digest": "d",
    }
    return reply("", data={**data, "observation": "o", **rest})


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["look", "book", "none"]), st.sampled_from([1, 2, "x"])), max_size=8))
def test_candidates_are_distinct_valid_and_most_proposed_first(proposed: list[tuple[str, object]]) -> None:
    made = candidates([act(t, n) for t, n in proposed], TOOLS, keep=3)
    valid = [(t, n) for t, n in proposed if t != "none" and n != "x"]
    votes = [c.data()["votes"] for c in made["cands"]]
    assert votes == sorted(votes, reverse=True)
    assert len(made["cands"]) == min(3, len(set(valid)))
    assert len(made["refused"]) == len(proposed) - len(valid)
    assert len({c.data()["digest"] for c in made["cands"]}) == len(made["cands"])


def test_finishing_is_one_action_however_it_is_said() -> None:
    made = candidates([act("", 1, "finish"), act("x", 2, "finish"), failed("down")], TOOLS, keep=3)
    assert [c.data()["votes"] for c in made["cands"]] == [2]


def cands(*tools: str) -> Replies:
    return candidates([act(t, n) for n, t in enumerate(tools)], TOOLS, keep=3)["cands"]


def dreams(of: Replies) -> Replies:
    return [dreamt([c], [reply(data={"observation": "s", "terminal": True})], []) for c in of]


@pytest.mark.parametrize(
    ("votes", "best"),
    [
        ([["off"] * 2, ["complete"] * 2], 1),
        ([["complete", "off"], ["on_track"] * 2], 1),
        ([[], ["off", "off"]], 1),
        ([[], []], 1),
        ([["complete", ""], ["on_track"] * 2], 0),
    ],
)
def test_the_highest_mean_wins_and_a_reversible_action_a_tie(votes: list[list[str]], best: int) -> None:
    options = cands("book", "look")
    said = [vote(v) if v else failed("down") for one in votes for v in (one or ["", ""])]
    (chosen,) = best_action(options, dreams(options), said, members=2)
    assert chosen.key == options[best].key


def test_without_dreams_votes_decide() -> None:
    options = candidates([act("book"), act("book"), act("look")], TOOLS, keep=3)["cands"]
    assert best_action(options, [], [], members=3)[0].data()["tool"] == "book"
    assert best_action([], [], [], members=3) == []


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=12))
def test_imagining_is_skipped_three_steps_at_a_time(surprises: list[float]) -> None:
    trace: Replies = []
    skipped: list[bool] = []
    for one in surprises:
        skipped.append(imagining_skipped(trace))
        trace.append(step(None if skipped[-1] else one))
    text = "".join("s" if s else "d" for s in skipped).rstrip("s")
    assert all(len(run) == 3 for run in text.replace("d", " ").split())
    assert all(len(run) >= 3 for run in text.replace("s", " ").split()[:-1])


@pytest.mark.parametrize(
    ("surprises", "skip"), [([0.8] * 3, True), ([0.7] * 3, False), ([1.0] * 2, False), ([0.0, 1, 1, 1], True)]
)
def test_the_mean_of_the_last_three_decides(surprises: list[float], skip: bool) -> None:
    assert imagining_skipped([step(s) for s in surprises]) is skip


def test_when_a_dream_ends() -> None:
    state, terminal = (reply(data={"observation": "s", "terminal": t}) for t in (False, True))
    assert dream_over([act()], []) is False
    assert dream_over([act()], [state]) is False
    assert dream_over([act()], [terminal])
    assert dream_over([act(kind="finish")], [])
    assert dream_over([failed("down")], [state])
    assert dream_over([act()], [failed("down")])
    assert [no_next_action([state], turn, 2) for turn in (1, 2)] == [False, True]
    assert no_next_action([failed("down")], 1, 2)


def test_what_is_progress_and_when_the_work_is_over() -> None:
    options = cands("look")
    best = best_action(options, dreams(options), [vote("off")] * 3, members=3)
    seen = [reply("new", data={"ok": True, "error": ""})]
    first = looked_step([], best, [], [], [], [], seen, [], turn=1)
    assert first.data()["progress"]
    again = looked_step([first], best, [], [], [], [], seen, [], turn=2)
    assert not again.data()["progress"]
    nothing = looked_step([], [], [reply("no such tool")], [], [], [], [], [], turn=3)
    assert "no such tool" in nothing.text
    assert ended_by([first, again, again]) == ""
    assert ended_by([first, again, again, nothing]) == "stuck"
    assert ended_by([]) == ""


def test_a_write_of_unknown_outcome_is_for_a_person() -> None:
    options = cands("book")
    best = best_action(options, dreams(options), [vote("off")] * 3, members=3)
    seen = [reply("ERROR: book was begun", data={"ok": False, "error": "lost"})]
    trace = [looked_step([], best, [], [], [], [], seen, [], turn=1)]
    answer = lookahead_answer([reply("written")], trace)
    assert (ended_by(trace), answer.outcome) == ("unknown", "incomplete")
    assert answer.text.startswith("A person must look")
