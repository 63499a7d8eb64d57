"""Made tools: retirement, examples dealt in two halves, the gate, and what a use comes to."""

from typing import Any

import pytest

from tasks.algorithms.made_tools import (
    examples,
    gated_tool,
    judged_tool,
    making,
    new_tool,
    next_tool,
    no_revision,
    proof,
    reaches_out,
    shown_tools,
    signature_of,
    solved_task,
    tool_answer,
    tool_answered,
    tool_use,
    tools_in_use,
    use_of,
)
from tasks.reply import Replies, Reply, failed, reply

CODE = 'def add_tax(net: float) -> float:\n    """Adds the tax."""\n    return net * 1.1\n'
TESTS = [reply(data={"tests": ["from add_tax import add_tax\nassert add_tax(10) > 10"] * 3})]
WRITTEN = [reply(data={"name": "add_tax", "code": CODE})]
PROMPT = [reply("tax on 9")]


def recalled(key: str, **fields: Any) -> Reply:
    return reply("Adds.", key=key, score=0.9, data={"fields": {"name": key, "signature": "def", "code": "x"} | fields})


def past(text: str, score: float | None = 0.6, answer: str = "a") -> Reply:
    return reply(text, key=text, score=score, data={"fields": {"answer": answer}})


def outcome(key: str, *latest: float) -> Reply:
    return reply(key=key, data={"latest": list(latest)})


@pytest.mark.parametrize(
    ("latest", "retired"),
    [((0.0, 0.0, 0.0), True), ((0.0, 1.0, 0.0), False), ((1.0,) * 8 + (0.0,) * 2, False), ((1.0,) * 10, False)],
)
def test_a_tool_that_failed_three_of_its_last_ten_uses_is_retired(latest: tuple[float, ...], retired: bool) -> None:
    made = tools_in_use([recalled("old"), recalled("new")], [outcome("old", *latest)], k=3)
    assert [t.key for t in made["tools"]] == (["new"] if retired else ["old", "new"])
    assert [t.key for t in made["retired"]] == (["old"] if retired else [])


def test_older_failures_and_memories_that_are_no_tools_do_not_count() -> None:
    made = tools_in_use(
        [recalled("a"), reply("junk", data={}), recalled("b", code="")], [outcome("a", *[1.0] * 10, 0, 0, 0)], 3
    )
    assert [t.key for t in made["tools"]] == ["a"]
    assert made["tools"][0].data()["name"] == "a"
    assert len(tools_in_use([recalled(str(n)) for n in range(5)], [], k=3)["tools"]) == 3


@pytest.mark.parametrize(("number", "picked"), [(1, ["a"]), (2, ["b"]), (0, []), (3, []), (-1, [])])
def test_the_judge_names_a_tool_or_none(number: int, picked: list[str]) -> None:
    tools = [recalled("a"), recalled("b")]
    assert [t.key for t in judged_tool(tools, [reply(data={"tool": number})])] == picked
    assert judged_tool(tools, [failed("down")]) == judged_tool(tools, []) == []
    assert shown_tools([recalled("a").but(data={"signature": "def a(x)"})])[0].text == "[1] def a(x)\nAdds."


def test_six_tasks_of_the_same_kind_are_dealt_in_turn() -> None:
    tasks = [past(f"tax on {n}") for n in range(8)]
    made = examples([*tasks, past("cats", 0.4)], PROMPT, least=0.5, of_each=3)
    assert [e.text.splitlines()[0][-1] for e in made["shown"]] == ["0", "2", "4"]
    assert [e.text.splitlines()[0][-1] for e in made["held"]] == ["1", "3", "5"]
    assert making([], made["shown"]) == "make"
    assert making([recalled("a")], made["shown"]) == making([], []) == "leave"


@pytest.mark.parametrize(
    "few",
    [
        [past(f"tax on {n}") for n in range(5)],
        [past("tax on 1")] * 8,
        [past(f"tax on {n}", 0.49) for n in range(8)],
        [past(f"tax on {n}", None) for n in range(8)],
        [past(f"tax on {n}", answer="") for n in range(8)],
        [*(past(f"tax on {n}") for n in range(5)), past("Tax on 9")],
    ],
)
def test_fewer_make_no_tool(few: Replies) -> None:
    """The last of them is the very task that is asked now."""
    assert examples(few, PROMPT, least=0.5, of_each=3) == {"shown": [], "held": []}


def test_a_tool_is_a_function_with_a_docstring_and_tests() -> None:
    (made,) = new_tool(WRITTEN, TESTS)
    assert (made.key, made.text, len(made.data()["tests"])) == ("add_tax", "Adds the tax.", 3)
    assert signature_of(WRITTEN)[0].text == "from add_tax import add_tax\ndef add_tax(net: float)"
    for wrong in (failed("down"), reply(data={"name": "add_tax", "code": "def add_tax(x): return 1"})):
        assert new_tool([wrong], TESTS) == signature_of([wrong]) == []
    assert new_tool(WRITTEN, [failed("down")]) == []


def test_a_revision_meets_the_same_tests() -> None:
    before = new_tool(WRITTEN, TESTS)
    other = [reply(data={"name": "add_tax", "code": CODE.replace("1.1", "1.2")})]
    assert next_tool(before, other)[0].data()["tests"] == before[0].data()["tests"]
    assert "1.2" in next_tool(before, other)[0].data()["code"]
    assert next_tool(before, [failed("down")]) == next_tool(before, []) == before


def test_all_tests_must_come_to_their_end() -> None:
    tool = new_tool(WRITTEN, TESTS)
    cases = [reply(key="test 1", data={"mark": "m"}), failed("it asserts nothing", key="test 2")]
    passing = reply("x", key="test 1", data={"ok": True, "values": {"passed": "m"}})
    bad = reply("AssertionError", key="test 1", data={"ok": False, "values": {}})
    assert proof(tool, cases[:1], [passing]).data()["passed"]
    assert "test 2: it asserts nothing" in proof(tool, cases, [passing]).text
    assert proof(tool, cases[:1], [bad]).text == "test 1: AssertionError"
    assert proof(tool, cases[:1], []).text == "test 1: it was not run"
    assert not proof([], [], []).data()["passed"]
    last = [proof(tool, cases[:1], [bad])]
    assert [no_revision(last, turn=t, turns=3) for t in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("code", "wrong"),
    [
        ("import math\ndef f(x): return sorted(x)", ""),
        ("def f(x):\n    x.remove(1)\n    return x", ""),
        ("import socket", "socket"),
        ("import urllib.request", "urllib"),
        ("import shutil", "shutil"),
        ("def f(x): open('a', 'w')", "open"),
        ("def f(p): p.write_text('x')", "write_text"),
        ("def f(x): eval(x)", "eval"),
    ],
)
def test_the_gate_lets_no_network_and_no_files_through(code: str, wrong: str) -> None:
    assert wrong in reaches_out(code)
    assert bool(reaches_out(code)) == bool(wrong)


def test_only_a_proved_and_harmless_tool_is_kept() -> None:
    tool, good = new_tool(WRITTEN, TESTS), [reply(data={"passed": True})]
    assert gated_tool(tool, good) == tool
    assert gated_tool([], good) == []
    assert gated_tool(tool, [reply(data={"passed": False})])[0].cause == "its tests do not all pass"
    spy = [tool[0].but(data={**tool[0].data(), "code": "import socket\n" + CODE})]
    assert gated_tool(spy, good)[0].status == "rejected"


def test_a_use_went_well_if_it_gave_a_value() -> None:
    tool = [new_tool(WRITTEN, TESTS)[0].but(key="id")]
    use = use_of(tool, [reply(data={"args": {"net": 10, "flag": None}})])
    assert use.data()["code"].endswith("from add_tax import add_tax\nans = add_tax(**{'flag': None, 'net': 10})\n")
    (went,) = tool_use(tool, [use], [reply(data={"ok": True, "values": {"ans": 11.0}})])
    assert (went.key, went.text, went.data()["went"], tool_answered([went])) == ("id", "11.0", 1.0, True)
    (lost,) = tool_use(tool, [use_of(tool, [failed("down")])], [])
    assert (lost.data()["went"], lost.data()["error"], tool_answered([lost])) == (0.0, "down", False)
    assert tool_use([], [], []) == tool_use([failed("x")], [], []) == []


def test_what_the_model_solved_alone_is_remembered_and_its_failures_are_not() -> None:
    (task,) = solved_task(PROMPT, [reply(" 9.9 ")], most=100)
    assert (task.text, task.data()) == ("tax on 9", {"answer": "9.9"})
    assert solved_task(PROMPT, [failed("down")], 100) == solved_task(PROMPT, [], 100) == []


def test_a_tool_that_failed_is_said_beside_the_models_answer() -> None:
    used = [reply("boom", key="id", data={"went": 0.0, "name": "add_tax", "error": "Traceback\nboom"})]
    made = tool_answer(used, [reply("9.9")], [], [], [], [], [])
    assert (made.outcome, made.text) == ("degraded", "9.9\n\nTool:\n- add_tax failed: boom")
    assert tool_answer([], [reply("9.9")], [], [], [], [], []).outcome == "answered"
