"""The toolbox: which tools a run has, how a call is checked, a writing tool that is begun once, servers of tools."""

import json
from typing import Any

import pytest

from tasks.calls import Spot
from tasks.opening import Asked, open_asked
from tasks.reply import Reply, failed, reply
from tasks.run import Run
from tasks.spec import At, Fan, Function, GraphSpec, Input, Step, Tool, see
from tasks.tool_calls import found, observation, read_call, same_calls, valid_call
from tasks.toolbox import catalogue, check_tools, needed_tools, run_tool, tools_input
from tests.fake_tools import ToolServer
from tests.tasks.conftest import Give
from tests.tasks.graphs import PROMPT, spec
from tests.tasks.toy_tools import DONE, SCHEMA, Crash
from utils.errors import BadInput
from utils.settings import settings


@pytest.fixture
def spot(run: Run) -> Spot:
    return Spot(run, "rounds@1/run")


def error_of(one: Reply) -> tuple[str, str]:
    assert not one.ok
    return one.data()["error"], one.cause


# Which tools there are.


def test_without_names_it_lists_what_can_be_used_and_writes_nothing(spot: Spot, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda arguments: {"text": "x"})
    tool_server.serve("send", lambda arguments: {"text": "x"}, writes=True)
    names = [r.key for r in catalogue(spot)["out"]]
    assert {"calculator", "grimoire", "web"} <= set(names)
    assert not {"send", "documents", "sql", "browser"} & set(names)
    given = catalogue(spot, documents=[reply("d")], database=[reply("CREATE TABLE t (a)")])["out"]
    assert {"documents", "sql", "sql_schema"} <= {r.key for r in given}


def test_an_entry_says_what_a_model_must_know(spot: Spot, tool_server: ToolServer) -> None:
    tool_server.serve("send", lambda arguments: {}, writes=True, undo="unsend", description="Sends.", arguments=SCHEMA)
    entry, missing, unknown = catalogue(spot, tools=[reply("send"), reply("web"), reply("calculater")])["out"]
    assert entry.text.startswith("send: Sends.\narguments: {")
    assert entry.text.endswith("unsend takes it back.")
    assert (entry.data()["writes"], entry.data()["undo"], entry.data()["arguments"]) == (True, "unsend", SCHEMA)
    assert error_of(missing) == ("unavailable", missing.cause)
    assert 'set RADIANT_TOOLS to JSON that says where it is, such as {"web":' in missing.cause
    assert unknown.cause == "unknown tool 'calculater': did you mean calculator?"


@pytest.mark.parametrize(
    ("names", "given", "why"),
    [
        (["calculater"], set(), "unknown tool 'calculater': did you mean calculator?"),
        (["calculator", "web"], set(), "the tool 'web' is not configured: set RADIANT_TOOLS"),
        (["documents"], set(), "the tool 'documents' has nothing to look into: give the run --documents"),
        (["sql"], set(), "the tool 'sql' is not configured"),
    ],
)
def test_a_tool_that_cannot_be_used_is_bad_input(database: str, names: list[str], given: set[str], why: str) -> None:
    with pytest.raises(BadInput, match=why):
        check_tools(names, frozenset(given))


def test_a_tool_that_has_what_it_needs_passes(database: str) -> None:
    check_tools(["documents", "sql", "calculator"], frozenset({"documents", "database"}))


def test_code_needs_a_machine_that_confines_it(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    code = Step(id="c", does=Tool(name="tasks.code.run_code"), sees=see(code="prompt"))
    with pytest.raises(BadInput, match="code cannot be confined on riscv64"):
        open_asked(spec(code), {"prompt": "p"}, Asked(models="rehearsal/ada"))


def needing(*names: str) -> GraphSpec:
    """A pattern that names tools outright, and takes others from its input."""
    steps = [
        Step(id=f"s{n}", does=Tool(name="tasks.toolbox.run_tool", args={"tool": name, "arguments": {}}))
        for n, name in enumerate(names)
    ]
    listed = Step(id="listed", does=Tool(name="tasks.toolbox.catalogue"), sees=see("tools", "prompt"))
    gives = {s.id: s.id for s in [*steps, listed]}
    return spec(*steps, listed, inputs=(PROMPT, tools_input()), gives=gives)


def test_a_graph_needs_what_its_steps_name(database: str) -> None:
    assert needed_tools(needing("web", "sql")) == {"web", "sql"}
    code = Step(id="c", does=Tool(name="tasks.code.run_code"), sees=see(code="prompt"))
    assert needed_tools(spec(code)) == {"code"}


@pytest.mark.parametrize(
    ("needs", "tools", "why"),
    [
        (["web"], "[]", "'web' is not configured"),
        ([], '["webb"]', "unknown tool 'webb'"),
        ([], '["sql"]', "'sql' is not"),
    ],
)
def test_a_run_is_refused_before_anything_is_written(database: str, needs: list[str], tools: str, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        open_asked(needing(*needs), {"prompt": "p", "tools": tools}, Asked(models="rehearsal/ada", run_id="refused"))
    opened = open_asked(needing(), {"prompt": "p", "tools": "[]"}, Asked(models="rehearsal/ada", run_id="refused"))
    assert not opened.resumed


@pytest.mark.parametrize(
    ("placed", "why"),
    [
        ('{"web": 3}', "RADIANT_TOOLS.web"),
        ('{"web": {"at": ""}}', "RADIANT_TOOLS.web.at"),
        ("{", "no JSON"),
        ('{"web": "no.such.factory"}', "neither a URL nor a factory"),
        ('{"web": "sqlite:x.db"}', "only sql can be at a sqlite: file"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(
    database: str, monkeypatch: pytest.MonkeyPatch, placed: str, why: str
) -> None:
    monkeypatch.setenv("RADIANT_TOOLS", placed)
    settings.cache_clear()
    with pytest.raises(BadInput, match=why):
        check_tools(["web"])


# What a model may ask for.

ENTRY = reply("send", key="send", data={"name": "send", "arguments": SCHEMA, "writes": True, "undo": "unsend"})


@pytest.mark.parametrize(
    "act",
    [
        reply(data={"tool": "send", "args": {"to": "ada"}}),
        reply(data={"tool": " send ", "arguments": {"to": "ada"}}),
        reply(data={"tool": "send", "args": '{"to": "ada"}'}),
        reply('I will send it.\n```json\n{"tool": "send", "args": {"to": "ada"}}\n```'),
    ],
)
def test_a_call_is_read_from_fields_or_text(act: Reply) -> None:
    read = read_call([failed("earlier"), act], [ENTRY])
    data = read.data()
    assert valid_call([read])
    assert (data["tool"], data["arguments"], data["writes"], data["undo"]) == ("send", {"to": "ada"}, True, "unsend")
    assert read.text == 'send({"to":"ada"})'


@pytest.mark.parametrize(
    ("act", "kind", "message"),
    [
        (failed("down"), "call", "there is no call"),
        (reply("just words"), "call", "no tool is named: give one of send"),
        (reply(data={"tool": 7}), "call", "no tool is named"),
        (reply(data={"tool": "sendd", "args": {}}), "unknown", "no tool 'sendd': did you mean send?"),
        (reply(data={"tool": "os.system", "args": {}}), "unknown", "the tools are send"),
        (reply(data={"tool": "send", "args": {}}), "arguments", "'to' is a required property"),
        (reply(data={"tool": "send", "args": {"to": 1}}), "arguments", r"\$.to: 1 is not of type 'string'"),
        (reply(data={"tool": "send", "args": {"to": "a", "bcc": "b"}}), "arguments", "'bcc' was unexpected"),
        (reply(data={"tool": "send", "args": [1]}), "arguments", "no JSON object"),
        (reply(data={"tool": "send", "args": "[" * 5000}), "arguments", "'to' is a required property"),
        (reply('{"tool": "send", "args": {"to": NaN}}'), "arguments", "NaN"),
        (reply('{"tool": "send", "args": {"to": "\\ud800"}}'), "arguments", "half a character"),
    ],
)
def test_a_call_that_may_not_run_says_why(act: Reply, kind: str, message: str) -> None:
    import re

    read = read_call([act], [ENTRY])
    assert read.ok
    assert not valid_call([read])
    assert read.data()["error"] == kind
    assert re.search(message, read.text)


def test_equal_calls_have_equal_digests() -> None:
    def call(to: str) -> Reply:
        return read_call([reply(data={"tool": "send", "args": {"to": to}})], [ENTRY])

    assert same_calls([call("b"), call("a"), call("a"), call("a")])
    assert not same_calls([call("a"), call("b"), call("a")])
    assert not same_calls([call("a"), call("a")])


def test_an_observation_is_what_a_model_may_read() -> None:
    assert observation([reply("x" * 5000, key="t")]).text == "x" * 4000 + "\n[cut: 1,000 more characters]"
    wrong = observation([failed("no such page", key="browser").but(data={"error": "failed"})])
    assert (wrong.ok, wrong.text, wrong.data()) == (True, "ERROR: no such page", {"ok": False, "error": "failed"})
    assert observation([]).text == "(nothing)"


def test_what_tools_list_becomes_replies_each_once() -> None:
    one = reply(
        data={"results": [{"url": "u1", "text": "A"}, {"url": "u2", "title": "B"}, {"url": "u3"}, 7, {"text": "C"}]}
    )
    two = reply(data={"results": [{"url": "u1", "text": "again"}, {"id": "p:1", "text": "D", "score": 0.5}]})
    junk = [reply("no list"), reply(data={"results": "x"}), failed("down")]
    made = found([one, *junk, two])
    assert [(r.key, r.text, r.score) for r in made] == [
        ("u1", "A", None),
        ("u2", "B", None),
        ("3", "C", None),
        ("p:1", "D", 0.5),
    ]
    assert made[0].data() == {"url": "u1", "text": "A"}
    assert [r.key for r in found([one, two], each=1)] == ["u1"]
    assert found([reply(data={"passages": [{"text": "P"}]})], "passages")[0].text == "P"


# Running.


def test_a_call_runs_and_gives_one_reply(spot: Spot) -> None:
    (done,) = run_tool(spot, tool="calculator", arguments={"expression": "6*7"})["out"]
    assert (done.key, done.text, done.data()) == ("calculator", "42", {"value": 42})
    (done,) = run_tool(spot, call=[reply('{"tool": "calculator", "args": {"expression": "1/4"}}')])["out"]
    assert done.text == "0.25"


def test_errors_are_failed_replies(spot: Spot) -> None:
    def ran(**rest: Any) -> tuple[str, str]:
        return error_of(run_tool(spot, **rest)["out"][0])

    assert ran(tool="calculator", arguments={"expression": "1/0"})[0] == "failed"
    assert ran(tool="calculator", arguments={})[0] == "arguments"
    assert ran(tool="web", arguments={"query": "x"})[0] == "unavailable"
    assert ran(call=[failed("down")])[0] == "call"
    assert ran(call=[])[0] == "call"
    assert ran(call=[reply('{"tool": "tasks.toolbox.run_tool"}')])[0] == "unknown"


def test_only_what_the_run_has_may_be_called(spot: Spot) -> None:
    tools = catalogue(spot, tools=[reply("grimoire")])["out"]
    call = reply('{"tool": "calculator", "args": {"expression": "1"}}')
    assert error_of(run_tool(spot, call=[call], tools=tools)["out"][0]) == (
        "unknown",
        "there is no tool 'calculator': the tools are grimoire",
    )
    forged = read_call([call], catalogue(spot, tools=[reply("calculator")])["out"])
    assert error_of(run_tool(spot, call=[forged], tools=tools)["out"][0])[0] == "unknown"


def test_a_step_runs_the_tool_that_an_earlier_reply_names(give: Give) -> None:
    act = Step(id="act", does=Function(fn="tests.tasks.toys.say", args={"text": '{"expression": "2+2"}'}))
    name = Step(id="name", does=Function(fn="tests.tasks.toys.say", args={"text": "calculator"}))
    args: dict[str, Any] = {"tool": At(ref="name"), "arguments": At(ref="act")}
    done = Step(id="done", does=Tool(name="tasks.toolbox.run_tool", args=args))
    assert give(spec(act, name, done, inputs=()))["out"][0].text == "4"


def test_a_fan_runs_calls_side_by_side(give: Give, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda arguments: {"text": arguments["query"].upper()})
    calls = Input(name="calls", type="texts", help="Calls.")
    fan = Fan(id="ran", does=Tool(name="tasks.toolbox.run_tool"), over="calls", at_most=3, sees=see(call="item"))
    asked = [json.dumps({"tool": "web", "args": {"query": q}}) for q in ("a", "b")] + ["nonsense"]
    out = give(spec(fan, inputs=(calls,)), calls=asked)["out"]
    assert [(r.ok, r.text) for r in out] == [(True, "A"), (True, "B"), (False, "")]


def test_what_a_tool_gave_is_read_back(give: Give, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda arguments: {"text": str(len(tool_server.calls))})
    step = Step(id="s", does=Tool(name="tasks.toolbox.run_tool", args={"tool": "web", "arguments": {"query": "q"}}))
    graph = spec(step, inputs=())
    assert [give(graph)["out"][0].text for _ in range(3)] == ["1", "1", "1"]


def test_catalogue_gate_call_and_observation_make_a_graph(give: Give) -> None:
    """What an agent's turn is made of, here with a call that is written down."""
    said = '{"tool": "calculator", "args": {"expression": "6*7"}}'
    graph = spec(
        Step(id="catalogue", does=Tool(name="tasks.toolbox.catalogue"), sees=see("tools")),
        Step(id="act", does=Function(fn="tests.tasks.toys.say", args={"text": said})),
        Step(id="safe", does=Function(fn="tasks.tool_calls.read_call"), sees=see(act="act", tools="catalogue")),
        Step(id="ran", does=Tool(name="tasks.toolbox.run_tool"), sees=see(call="safe", tools="catalogue")),
        Step(id="seen", does=Function(fn="tasks.tool_calls.observation"), sees=see(result="ran")),
        inputs=(tools_input(),),
    )
    assert give(graph, tools=["calculator"])["out"][0].text == "42"


@pytest.mark.parametrize(("writes", "again"), [(True, "lost"), (False, "sent")])
def test_a_writing_tool_is_begun_once(give: Give, tool_server: ToolServer, *, writes: bool, again: str) -> None:
    DONE.clear()
    tool_server.configure(
        send={"at": "tests.tasks.toy_tools.make_crashing", "arguments": SCHEMA, "writes": writes, "description": "S"}
    )
    step = Step(id="s", does=Tool(name="tasks.toolbox.run_tool", args={"tool": "send", "arguments": {"to": "ada"}}))
    graph = spec(step, inputs=())
    with pytest.raises(Crash):
        give(graph)
    for _ in range(2):
        (second,) = give(graph)["out"]
        assert (second.data().get("error") if writes else second.text) == again
    assert ["ada"] * (1 if writes else 2) == DONE


# Servers and factories.


def test_a_server_is_asked_by_the_protocol(spot: Spot, tool_server: ToolServer) -> None:
    results = {"results": [{"title": "T", "url": "u", "text": "x"}]}
    tool_server.serve("web", lambda arguments: {"text": "one result", "data": results}, token="t0")
    (done,) = run_tool(spot, tool="web", arguments={"query": "q", "k": 3})["out"]
    assert (done.text, done.data()) == ("one result", results)
    (call,) = tool_server.calls
    assert (call.tool, call.arguments, call.headers["authorization"]) == ("web", {"query": "q", "k": 3}, "Bearer t0")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": "quota is used up"}, "web: quota is used up"),
        (b"<html>", "answered 200, and no JSON object"),
        ([1], "no JSON object"),
        ({}, "answered neither a text nor data"),
        ({"text": 1}, "answered neither a text nor data"),
        (b"[" * 100_000, "no JSON object"),
        (b" " * 5_000_001, "more than 5,000,000 bytes"),
    ],
)
def test_what_a_server_does_wrong_is_the_tools_error(
    spot: Spot, tool_server: ToolServer, answer: Any, why: str
) -> None:
    tool_server.serve("web", lambda arguments: answer)
    kind, cause = error_of(run_tool(spot, tool="web", arguments={"query": "q"})["out"][0])
    assert kind == "failed"
    assert why in cause


def test_a_server_that_does_not_answer_is_a_timeout(spot: Spot, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda arguments: tool_server.released.wait(5), timeout=0.1)
    kind, cause = error_of(run_tool(spot, tool="web", arguments={"query": "q"})["out"][0])
    assert (kind, cause) == ("timeout", "the tool server of 'web' gave no answer in 0.1 s")


def test_no_server_is_an_error_that_names_no_secret(spot: Spot, tool_server: ToolServer) -> None:
    tool_server.configure(web={"at": "http://127.0.0.1:9/", "token": "t0-secret"})
    kind, cause = error_of(run_tool(spot, tool="web", arguments={"query": "q"})["out"][0])
    assert (kind, cause) == ("failed", "the tool server of 'web' cannot be asked: ConnectionError")


def test_personal_data_does_not_leave_the_house(
    spot: Spot, tool_server: ToolServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool_server.serve("web", lambda arguments: {"text": "x"})
    monkeypatch.setenv("RADIANT_PHI", "redact")
    settings.cache_clear()
    run_tool(spot, tool="web", arguments={"query": "mail ada@example.com"})
    assert "ada@example.com" not in tool_server.of("web")[0]["query"]


def test_what_postgres_cannot_store_is_made_clean(give: Give, tool_server: ToolServer) -> None:
    tool_server.serve("web", lambda arguments: {"text": "a\x00b", "data": {"x": "c\x00d"}})
    step = Step(id="s", does=Tool(name="tasks.toolbox.run_tool", args={"tool": "web", "arguments": {"query": "q"}}))
    (done,) = give(spec(step, inputs=()))["out"]
    assert (done.text, done.data()) == ("a b", {"x": "c d"})


def test_a_factory_gives_a_tool_in_python(spot: Spot, tool_server: ToolServer) -> None:
    tool_server.configure(double={"at": "tests.tasks.toy_tools.make_object", "description": "Doubles."})
    assert run_tool(spot, tool="double", arguments={"n": 4})["out"][0].data() == {"twice": 8}
    kind, cause = error_of(run_tool(spot, tool="double", arguments={})["out"][0])
    assert (kind, cause) == ("failed", "double failed: KeyError: 'n'")
