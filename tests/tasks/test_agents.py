"""Agents that act: which task is theirs, what a step leaves in the trace, when they stop; total on any reply."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.algorithms.agents import acting_over, agent_answer, assignment, ended_by, finished, no_action, trace_entry
from tasks.functions import Refuse
from tasks.reply import Replies, Reply, failed, reply
from tasks.tool_calls import observation, read_call, tool_error

TOOLS = [reply("calculator", key="calculator", data={"name": "calculator", "arguments": {"type": "object"}})]
JUNK: st.SearchStrategy[dict[str, Any]] = st.dictionaries(
    st.sampled_from(["type", "tool", "args", "answer", "thought", "success"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("finish") | st.just({"a": 1}),
)


def act(name: str = "calculator", **args: Any) -> Reply:
    return reply(key="act", model="m", data={"thought": "T", "type": "tool", "tool": name, "args": args})


def finish(answer: str, *, success: bool = True) -> Reply:
    return reply(model="m", data={"thought": "T", "type": "finish", "answer": answer, "success": success})


def entry(one: Reply, result: Reply | None = None, turn: int = 1) -> Reply:
    if no_action([one]):
        return trace_entry([one], [], [observation([])], turn)
    call = read_call([one], TOOLS)
    return trace_entry([one], [call], [observation([result or reply("54")])], turn)


def test_the_task_is_the_prompt_where_none_is_given() -> None:
    prompt = [reply("All of it.")]
    for nothing in ([], [reply("")], [reply("  ")], [failed("gone")], [reply("All of it.")]):
        assert assignment(prompt, nothing) == {"task": prompt, "whole": []}
    assert assignment(prompt, [reply("A part.")]) == {"task": [reply("A part.")], "whole": prompt}


def test_a_step_shows_thought_action_and_observation() -> None:
    made = entry(act(expression="54"), turn=4)
    assert (made.key, made.model) == ("step 4", "m")
    assert made.text == 'Thought: T\nAction: calculator({"expression":"54"})\nObservation: 54'
    assert entry(finish("54")).text == "Thought: T\nFinish: 54"


@pytest.mark.parametrize(
    ("trace", "why"),
    [
        ([], ""),
        ([finish("54")], "finish"),
        ([finish(" ")], ""),
        ([act(a=1), act(a=1)], ""),
        ([act(a=1), act(a=1), act(a=1)], "repeated"),
        ([act(a=1), act(a=2), act(a=1)], ""),
        ([act(a=1, b=2), act(b=2, a=1), act(a=1, b=2)], "repeated"),
        ([act("other"), act("other"), act("other")], "repeated"),
        ([failed("down"), failed("down"), failed("another")], "failed"),
        ([failed("down"), act(), failed("down")], ""),
        ([act(a=n) for n in range(5)], "step_limit"),
        ([*(act(a=n) for n in range(4)), finish("54")], "finish"),
    ],
)
def test_when_the_work_is_over(trace: Replies, why: str) -> None:
    steps = [entry(one) for one in trace]
    assert ended_by(steps, [reply("5")]) == why
    assert acting_over(steps, [reply("5")]) is bool(why)


def test_a_writing_tool_whose_outcome_is_unknown_is_for_a_person() -> None:
    steps = [entry(act(to="a"), tool_error("lost", "send was begun before"))]
    assert ended_by(steps, [reply("5")]) == "lost"
    answer = agent_answer(steps, [reply("BEST")], [reply("5")])
    assert answer.text.startswith("Not finished: a person must look before this goes on: ERROR: send was begun before")


@pytest.mark.parametrize(("success", "outcome"), [(True, "answered"), (False, "incomplete")])
def test_the_answer_is_the_agents_own(success: bool, outcome: str) -> None:
    answer = agent_answer([entry(act()), entry(finish("54", success=success))], [])
    assert (answer.text, answer.outcome, answer.data()["success"]) == ("54", outcome, success)


def test_without_an_answer_the_run_fails() -> None:
    with pytest.raises(Refuse, match="no answer after 0 steps: none was given"):
        agent_answer([], [])
    with pytest.raises(Refuse, match="no answer after 1 steps: down"):
        agent_answer([entry(act())], [failed("down")])


@given(st.lists(JUNK, max_size=6), st.text(max_size=4))
@settings(deadline=None, max_examples=60)
def test_total_on_junk_and_never_over_the_limit(said: list[dict[str, Any]], limit: str) -> None:
    steps = [entry(reply(data=fields), turn=n) for n, fields in enumerate(said, 1)]
    assert acting_over(steps, [reply("1")]) is bool(steps)
    assert acting_over(steps, [reply(limit)]) in (True, False)
    answer = agent_answer(steps, [reply("BEST")])
    assert answer.text == steps[-1].data()["answer"] if finished(steps) else answer.outcome == "incomplete"
