"""Code as a step: what a reply says of it, sessions over the turns of a loop, and functions that are paid for once."""

from typing import Any

import pytest

from tasks.calls import Spot
from tasks.code import run_code, session_path, source_of
from tasks.estimate import estimate
from tasks.reply import Reply, reply
from tasks.run import Run
from tasks.spec import Carry, Function, Graph, Loop, Step, Tool, see
from tasks.toolbox import catalogue, run_tool
from tests.fake_openai import FakeOpenAI
from tests.fake_tools import ToolServer
from tests.tasks.conftest import Give
from tests.tasks.graphs import PROMPT, spec
from tests.tasks.toy_tools import DONE, SCHEMA, Crash
from utils.errors import RunFailed
from utils.sandbox import capabilities
from utils.sandbox_policy import missing_confinement

pytestmark = pytest.mark.skipif(not capabilities()["confined"], reason=missing_confinement())
LLM = {"ask": {"prompt": "Answer: {{text}}", "model": "openai/small"}}


def ran(run: Run, code: str, path: str = "s@1/run", **rest: Any) -> Reply:
    return run_code(Spot(run, path), code=[reply(code)], **rest)["out"][0]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (reply("x = 1"), "x = 1"),
        (reply("Here:\n```python\nx = 1\n```\nand\n```py\ny = 2\n```"), "x = 1\ny = 2"),
        (reply("words", data={"code": "x = 1"}), "x = 1"),
        (reply("words", data={"code": "```python\nx = 1\n```"}), "x = 1"),
    ],
)
def test_code_is_found_in_a_reply(said: Reply, code: str) -> None:
    assert source_of(said) == code
    assert source_of(reply("words", data={"cell": "z"}), "cell") == "z"


def test_a_result_and_a_traceback_are_both_ok_replies(run: Run) -> None:
    good = ran(run, "ans = 6 * 7\nprint('hi')", wants=["ans"])
    assert (good.ok, good.text, good.data()["values"], good.data()["ok"]) == (True, "hi\n", {"ans": 42}, True)
    bad = ran(run, "1 / 0")
    assert bad.ok
    assert (bad.data()["ok"], bad.data()["error"]) == (False, "ZeroDivisionError: division by zero")
    assert "ZeroDivisionError" in bad.text
    late = ran(run, "while True: pass", seconds=0.3)
    assert (late.data()["ended"], late.text) == ("time", "TimeUp: the code ran longer than 0.3 s and was stopped\n")


def test_without_code_nothing_is_run(run: Run) -> None:
    for code in ([], [reply("  ")]):
        (done,) = run_code(Spot(run, "x"), code=code)["out"]
        assert (done.ok, done.data()["error"]) == (False, "call")


def test_views_and_inputs_become_variables_and_files_are_written(run: Run) -> None:
    code = "print(context, notes, n)\nprint(open('d/a.txt').read())\nopen('b.txt', 'w').write('made')"
    files, notes = [reply("text", key="d/a.txt")], [reply("a"), reply("b")]
    done = ran(run, code, files=files, inputs={"n": 3}, context=[reply("one")], notes=notes)
    assert done.text == "one ['a', 'b'] 3\ntext\n4\n"
    (file,) = done.data()["files"]
    assert (file["path"], file["size"], file["text"]) == ("b.txt", 4, "made")
    assert done.files == [file["sha256"]]


def test_a_file_outside_is_told(run: Run) -> None:
    done = ran(run, "1", files=[reply("x", key="../x")])
    assert (done.ok, done.data()["error"]) == (False, "arguments")


def test_a_session_goes_on_over_the_turns_of_a_loop(give: Give) -> None:
    cells = "print('start'); x = 1|x += 1; print(x)|x *= 10; print(x)|print(x)"
    pick = Function(fn="tests.tasks.test_code.nth", args={"cells": cells})
    body = Graph(
        blocks=(
            Step(id="write", does=pick),
            Step(id="run", does=Tool(name="tasks.code.run_code"), sees=see(code="write", earlier="done")),
        ),
        gives={"done": "run"},
    )
    loop = Loop(id="session", carries={"done": Carry(next="done", how="append")}, body=body, turns=4)
    out = give(spec(loop, gives={"out": "session.done"}, inputs=()))["out"]
    assert [r.text for r in out] == ["start\n", "2\n", "20\n", "20\n"]


def nth(turn: int, cells: str) -> Reply:
    """The cell of a turn."""
    return reply(cells.split("|")[turn - 1])


nth.__pure__ = True  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("path", "root"), [("a@2/run", "a/run"), ("a@2/b@3/run", "a@2/b/run"), ("a@1[3]/run", "a[3]/run"), ("run", "run")]
)
def test_a_session_stands_outside_the_turn_of_its_loop(path: str, root: str) -> None:
    assert session_path(path) == root


def test_tools_are_functions(run: Run, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda a: {"data": {"results": [{"title": a["query"]}]}})
    tools = catalogue(Spot(run, "x"), tools=[reply("calculator"), reply("web")])["out"]
    code = "print(calculator('2+3') + 1, web(query='q', k=2)['results'][0]['title'])"
    assert ran(run, code, tools=tools).text == "6 q\n"
    assert tool_server.of("web") == [{"query": "q", "k": 2}]
    wrong = ran(run, "try:\n    web()\nexcept RuntimeError as e:\n    print(e)", tools=tools)
    assert "'query' is a required property" in wrong.text
    assert "<sandbox>" not in ran(run, "web()", tools=tools).text
    assert "NameError" in ran(run, "grimoire(query='x')", tools=tools).text
    assert "NameError" in ran(run, "code('1')", tools=catalogue(Spot(run, "x"), tools=[reply("code")])["out"]).text


def test_calls_of_earlier_cells_are_not_made_again(run: Run, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda a: {"text": f"answer {len(tool_server.calls)}"})
    tools = catalogue(Spot(run, "x"), tools=[reply("web")])["out"]
    first = ran(run, "a = web('q'); b = web('q'); print(a, b)", "s@1/run", tools=tools)
    second = ran(run, "print(a, b, web('q'))", "s@2/run", tools=tools, earlier=[first])
    assert (first.text, second.text) == ("answer 1 answer 2\n", "answer 1 answer 2 answer 3\n")
    assert len(tool_server.calls) == 3
    assert ran(run, "print(a, b, web('q'))", "s@2/run", tools=tools, earlier=[first]).text == second.text
    assert len(tool_server.calls) == 3


def test_another_session_asks_anew(run: Run, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda a: {"text": str(len(tool_server.calls))})
    tools = catalogue(Spot(run, "x"), tools=[reply("web")])["out"]
    assert ran(run, "print(web('q'))", "o@1/s@1/run", tools=tools).text == "1\n"
    assert ran(run, "print(web('q'))", "o@2/s@1/run", tools=tools).text == "2\n"
    assert ran(run, "print(web('q')) ", "o@2/s@1/run", tools=tools).text == "3\n"


def test_a_writing_function_is_begun_once(run: Run, tool_server: ToolServer) -> None:
    DONE.clear()
    at = "tests.tasks.toy_tools.make_crashing"
    tool_server.configure(send={"at": at, "arguments": SCHEMA, "writes": True, "description": "S"})
    tools = catalogue(Spot(run, "x"), tools=[reply("send")])["out"]
    with pytest.raises(Crash):
        ran(run, "send(to='ada')", tools=tools)
    assert "a person must look" in ran(run, "send(to='ada')", tools=tools).text
    assert DONE == ["ada"]


def test_a_model_is_a_function_that_is_paid_once(run: Run, fake_openai: FakeOpenAI) -> None:
    code = "print(ask('one'))\nprint(ask('two'))"
    first = ran(run, code, asks=LLM, most_calls=5)
    assert first.text == "You said: Answer: one\nYou said: Answer: two\n"
    assert (first.calls, first.tokens, len(fake_openai.requests)) == (2, 36, 2)
    second = ran(run, "print(ask('three'))", "s@2/run", asks=LLM, most_calls=5, earlier=[first])
    assert (second.calls, len(fake_openai.requests)) == (1, 3)


def test_a_session_makes_no_more_calls_than_it_may(run: Run, fake_openai: FakeOpenAI) -> None:
    done = ran(run, "for n in range(5):\n    ask(str(n))", asks=LLM, most_calls=3)
    assert done.data()["error"] == "RuntimeError: 3 calls are allowed, and they are made"
    assert len(fake_openai.requests) == 3


def test_models_in_code_count_in_the_estimate(run: Run) -> None:
    args: dict[str, Any] = {"asks": LLM, "most_calls": 30}
    step = Step(id="run", does=Tool(name="tasks.code.run_code", args=args), sees=see(code="prompt"))
    assert estimate(spec(step, inputs=(PROMPT,))).most_calls == 30
    with pytest.raises(RunFailed, match="`asks` needs `most_calls`"):
        ran(run, "1", asks=LLM)


def test_a_sessions_calls_count_once_for_all_turns() -> None:
    args: dict[str, Any] = {"asks": LLM, "most_calls": 30}
    cell = Step(id="run", does=Tool(name="tasks.code.run_code", args=args), sees=see(code="prompt", earlier="ran"))
    body = Graph(blocks=(cell,), gives={"ran": "run"})
    loop = Loop(id="turns", carries={"ran": Carry(next="ran", how="append")}, turns=5, body=body)
    assert estimate(Graph(inputs=(PROMPT,), blocks=(loop,), gives={"ran": "turns.ran"})).most_calls == 30


def test_code_is_a_tool_too(run: Run) -> None:
    done = run_tool(Spot(run, "x"), tool="code", arguments={"code": "len(documents[0])"}, documents=[reply("four")])[
        "out"
    ][0]
    assert (done.key, done.text) == ("code", "4\n")
