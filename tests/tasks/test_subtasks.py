"""Subtasks: what a plan must satisfy, who is matched, which are ready; total on plans of any shape."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.subtasks import (
    SUCCESS,
    integrated,
    matched,
    outcomes,
    plan_problem,
    settled_plan,
    some_done,
    wave,
)
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply


def plan(*tasks: tuple[str, list[str]], kind: str = "code") -> Replies:
    rows = [{"id": i, "text": f"do {i}", "type": kind, "depends_on": needs} for i, needs in tasks]
    return [reply(data={"subtasks": rows})]


def card(name: str, tier: str = "standard", price: float = 1.0, *, vision: bool = True) -> Reply:
    return reply(name, key=name, data={"tier": tier, "price_in": price, "price_out": price, "vision": vision})


@pytest.mark.parametrize(
    ("given_plan", "says"),
    [
        (plan(("a", []), ("b", ["a"])), ""),
        (plan(("a", []), ("a", [])), "the id a stands twice"),
        (plan(("a", ["z"])), "a depends on z, which does not exist"),
        (plan(("a", ["a"])), "a depend on one another in a cycle"),
        (plan(("a", []), ("b", ["c"]), ("c", ["b"])), "b, c depend on one another in a cycle"),
        (plan(), "the plan has no subtask"),
        ([failed("down")], "down"),
        ([], "there is no plan"),
    ],
)
def test_what_is_wrong_with_a_plan(given_plan: Replies, says: str) -> None:
    assert plan_problem(given_plan).text == says


def test_the_second_plan_counts_where_it_holds_then_the_first_then_the_whole_prompt() -> None:
    good, bad, prompt = plan(("a", [])), plan(("b", ["b"])), [reply("everything")]
    assert [s.key for s in settled_plan(good, [], prompt)] == ["a"]
    assert [s.key for s in settled_plan(bad, good, prompt)] == ["a"]
    (whole,) = settled_plan(bad, bad, prompt)
    assert (whole.key, whole.text, whole.data()["depends_on"]) == ("whole", "everything", [])


def past(source: str, mean: float, uses: int) -> Reply:
    return reply(source, key=source, score=mean, data={"signal": SUCCESS, "source": source, "uses": uses, "mean": mean})


POOL = [card("dear", "flagship", 9), card("strong", "flagship", 5), card("cheap", "budget", 1, vision=False)]


def test_the_most_capable_is_matched_then_the_cheaper_with_one_backup() -> None:
    subtasks = settled_plan(plan(("a", [])), [], [])
    (one,) = matched(subtasks, POOL, [], [])
    assert (one.data()["model"], one.data()["backup"]) == ("strong", "dear")
    known = [reply(data={"model": "cheap", "type": "code", "score": 1.0})]
    (one,) = matched(subtasks, POOL, known, [])
    assert (one.data()["model"], one.data()["backup"]) == ("cheap", "strong")
    (one,) = matched(subtasks, POOL[:1], [], [])
    assert (one.data()["model"], one.data()["backup"]) == ("dear", "dear")


def test_past_results_of_the_same_type_count_by_their_number_unless_a_score_is_given() -> None:
    subtasks = settled_plan(plan(("a", [])), [], [])
    poor = [past("code/strong", 0.0, 50), past("code/dear", 0.2, 50), past("writing/cheap", 0.0, 50)]
    (one,) = matched(subtasks, POOL, [], poor)
    assert (one.data()["model"], one.data()["backup"]) == ("cheap", "dear")
    (one,) = matched(subtasks, POOL, [], [past("code/strong", 0.9, 1)])
    assert one.data()["model"] == "dear", "one result that was less than perfect"
    known = [reply(data={"model": "strong", "type": "code", "score": 1.0})]
    assert matched(subtasks, POOL, known, poor)[0].data()["model"] == "strong"


def test_who_was_asked_is_learned_of_and_who_answered_for_another() -> None:
    subtasks = [reply(k, key=k, data={"type": "code", "model": "strong", "backup": "dear"}) for k in "abc"]
    results = [reply("x", key="a", model="strong"), reply("x", key="b", model="dear"), failed("down", key="c")]
    learned = [(o.data()["kind"], o.data()["worked"]) for o in outcomes(results, subtasks)]
    assert learned == [
        ("code/strong", 1),
        *(("code/strong", 0), ("code/dear", 1)),
        *(("code/strong", 0), ("code/dear", 0)),
    ]


def test_who_cannot_see_gets_no_vision() -> None:
    subtasks = settled_plan(plan(("a", []), kind="vision"), [], [])
    known = [reply(data={"model": "cheap", "type": "vision", "score": 1.0})]
    assert matched(subtasks, POOL, known, [])[0].data()["model"] == "strong"
    with pytest.raises(Refuse, match="type vision"):
        matched(subtasks, POOL[2:], known, [])


def test_a_wave_has_what_is_ready_with_its_inputs_alone() -> None:
    todo = settled_plan(plan(("a", []), ("b", ["a"]), ("c", ["a", "b"])), [], [])
    slots = wave(todo[1:], [reply("result of a", key="a"), reply("other", key="x")])
    assert [r.key for r in slots["ready"]] == ["b"]
    assert slots["ready"][0].data()["inputs"] == [{"id": "a", "output": "result of a"}]
    assert [r.key for r in slots["left"]] == ["c"]
    lost = wave(todo[1:2], [failed("down", key="a")])["ready"][0]
    assert lost.data()["inputs"] == [{"id": "a", "missing": "down"}]


def test_without_any_result_it_refuses() -> None:
    with pytest.raises(Refuse, match="a: down"):
        some_done([failed("down", key="a")], [reply(key="a")])


def test_what_is_missing_is_named() -> None:
    todo = matched(settled_plan(plan(("a", []), ("b", [])), [], []), POOL, [], [])
    results = some_done([failed("down", key="b"), reply("x", key="a")], todo)
    made = integrated([reply("whole")], results, todo, [reply("")], [])
    assert made.text == "whole\n\nMissing:\n- do b (down)"
    assert (made.data()["success"], made.data()["missing"], made.outcome) == (0.5, ["b"], "incomplete")


IDS = st.sampled_from("abcdef")
Tasks = st.lists(st.tuples(IDS, st.lists(IDS, max_size=3)), max_size=6)


@settings(deadline=None, max_examples=100)
@given(Tasks)
def test_a_plan_that_holds_is_done_in_as_many_waves_as_subtasks_at_most(tasks: list[tuple[str, list[str]]]) -> None:
    given_plan = plan(*tasks)
    todo: Any = settled_plan(given_plan, [], [reply("p")])
    results: Replies = []
    for _ in range(max(1, len(tasks))):
        slots = wave(todo, results)
        results += [reply("done", key=r.key) for r in slots["ready"]]
        todo = slots["left"]
    assert todo == []
    assert (len(results) == len(tasks)) or plan_problem(given_plan).text
