"""The to-do list: what enters and leaves it, its order and its bound, why the work ends; total on junk and failures."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.task_queue import (
    first_queue,
    memory_of,
    needs_no_order,
    new_tasks,
    not_asked,
    outlines,
    queue_of,
    queue_report,
    reprioritised,
    task_result,
    to_compare,
    work_over,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def made(*rows: tuple[str, int]) -> Replies:
    return [reply(data={"tasks": [{"id": "x", "task": t, "priority": p} for t, p in rows]})]


def order(**priorities: int) -> Replies:
    return [reply(data={"order": [{"id": k, "priority": p} for k, p in priorities.items()]})]


def done(key: str = "t1", text: str = "R") -> Reply:
    return task_result([task(key)], [reply(text)])


def task(key: str, priority: int = 50) -> Reply:
    return reply(f"do {key}", key=key, data={"task": f"do {key}", "priority": priority})


def judged(met: bool) -> Replies:
    return [reply(data={"met": met, "reason": "R"})]


def test_tasks_are_numbered_by_the_turn_that_made_them() -> None:
    assert [t.key for t in new_tasks(made(("A", 1), (" ", 2), ("B", 3)))] == ["t1", "t2"]
    assert [t.key for t in new_tasks(made(("A", 1)), turn=4)] == ["t4.1"]
    assert new_tasks([failed("down")]) == new_tasks([]) == []


def test_the_first_queue_is_in_order_and_not_empty() -> None:
    assert [t.text for t in first_queue(new_tasks(made(("A", 1), ("B", 9), ("C", 9))), [])] == ["B", "C", "A"]
    with pytest.raises(Refuse, match="no task to begin with: down"):
        first_queue([], [failed("down")])


def test_a_result_keeps_its_task_and_only_a_good_one_is_remembered() -> None:
    good, bad = done(), task_result([task("t1")], [failed("down")])
    assert (memory_of([good])[0].text, memory_of([bad])) == ("do t1\nR", [])
    assert (bad.key, bad.data()["task"], task_result([task("t1")], []).ok) == ("t1", "do t1", False)


def test_earlier_tasks_come_first_in_the_comparison() -> None:
    compared = to_compare([done("a")], [task("b")], [task("c")], [task("d")])
    assert [(c.key, c.text) for c in compared] == [(k, f"do {k}") for k in "abcd"]


TASKS = st.lists(st.integers(1, 100), max_size=25).map(lambda ps: [task(f"t{n}", p) for n, p in enumerate(ps)])


@given(TASKS, st.integers(0, 25))
@settings(deadline=None)
def test_the_queue_is_the_highest_of_what_was_kept(queue: Replies, split: int) -> None:
    kept = [done("old"), *queue[1:]]
    made_queue = queue_of(kept, queue[:split], queue[split:])
    priorities = [t.data()["priority"] for t in made_queue]
    assert len(made_queue) == min(15, len(queue[1:]))
    assert priorities == sorted((t.data()["priority"] for t in queue[1:]), reverse=True)[:15]


@given(TASKS, st.dictionaries(st.sampled_from(["t0", "t1", "t2", "t99"]), st.integers(-5, 500)))
@settings(deadline=None)
def test_a_new_order_adds_and_drops_nothing(queue: Replies, given_now: dict[str, int]) -> None:
    again = reprioritised(queue, order(**given_now))
    assert sorted(t.key for t in again) == sorted(t.key for t in queue)
    priorities = [t.data()["priority"] for t in again]
    assert priorities == sorted(priorities, reverse=True)
    assert all(1 <= p <= 100 for p in priorities)


def test_without_an_order_priorities_stay() -> None:
    queue = [task("a", 9), task("b", 5)]
    assert reprioritised(queue, [failed("down")]) == reprioritised(queue, []) == queue
    assert (needs_no_order(queue), needs_no_order(queue[:1]), needs_no_order([])) == (False, True, True)


def test_the_judge_is_asked_at_every_fourth_task() -> None:
    assert [turn for turn in range(1, 21) if not not_asked(turn)] == [4, 8, 12, 16, 20]


@pytest.mark.parametrize(
    ("said", "tokens", "over"),
    [
        ([], 99, False),
        ([], 100, True),
        (judged(True), 0, True),
        (judged(False), 0, False),
        ([failed("down")], 0, False),
    ],
)
def test_the_work_is_over_when_the_objective_is_met_or_the_budget_spent(said: Replies, tokens: int, over: bool) -> None:
    assert work_over(said, [reply(data={"tokens": tokens})], [reply("100")]) is over


def test_outlines_are_of_what_was_done() -> None:
    assert [o.text for o in outlines([done("a", "word " * 200), failed("x")], [done("b")])] == [
        f"do a\n{' '.join(['word'] * 150)}",
        "do b\nR",
    ]


@pytest.mark.parametrize(
    ("by", "said", "expected"),
    [
        ("empty", [], ("empty", "answered")),
        ("empty", judged(False), ("empty", "incomplete")),
        ("empty", [failed("down")], ("empty", "degraded")),
        ("test", judged(True), ("met", "answered")),
        ("test", [], ("budget", "incomplete")),
        ("bound", [], ("bound", "incomplete")),
    ],
)
def test_the_report_says_why_the_work_ended(by: str, said: Replies, expected: tuple[str, str]) -> None:
    more: dict[str, Any] = {"spent": [], "ordered": [], "trouble": [], "ended": [reply(data={"by": by})]}
    answer = queue_report([reply("REPORT")], [done()], [task("t2")], said, **more)
    assert (answer.data()["ended_by"], answer.outcome) == expected
    assert answer.text == "REPORT\n\nDone:\n- do t1\n\nLeft to do:\n- do t2"
    worse = queue_report([reply("REPORT")], [done()], [], said, **{**more, "trouble": [reply("WORDS"), reply("WORDS")]})
    assert worse.data()["lost"][-1:] == ["WORDS"]
    with pytest.raises(Refuse, match="none of 1 tasks could be done: down"):
        queue_report([], [failed("down")], [], said, **more)
