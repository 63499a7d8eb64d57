"""The toolbox: tools by name, which ones a run has, and the one step that runs whichever a model calls.

`catalogue` says what there is, `read_call` (tasks/tool_calls.py) checks what a model asks for, `run_tool` does it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from pydantic import JsonValue

from tasks.calls import Spot
from tasks.functions import find_pattern
from tasks.refs import actions_of, bodies_of
from tasks.reply import Replies, Reply, Slots, canonical, failed, ok_of, reply
from tasks.spec import OUT, Graph, Input, Tool, Use
from tasks.tool_calls import checked, name_of, read_call, tool_error
from tasks.tools import tool
from utils.errors import BadInput, unknown
from utils.ledger import record

MOST_TEXT = 200_000
"""Characters that a tool may give; what a model sees of them is cut further, by `observation`."""


@dataclass(frozen=True)
class Errand:
    """What a tool is asked: arguments that fit its schema, where it runs, and what the run gave it to work on."""

    arguments: Mapping[str, Any]
    spot: Spot
    sources: Mapping[str, Replies]


@dataclass(frozen=True)
class NamedTool:
    """A tool that a model may call by name. `run` gives one reply; its errors are failed replies (`tool_error`)."""

    name: str
    description: str
    arguments: Mapping[str, Any]
    """JSON schema of an object."""
    run: Callable[[Errand], Reply]
    writes: bool = False
    """Whether it changes anything outside the run: then it is never done twice."""
    undo: str = ""
    """The tool that takes it back when called with the same arguments."""
    lacks: Callable[[frozenset[str]], str] = lambda given: ""
    """What is missing before it can be used where these inputs are given, in one line; empty where nothing is."""


def known_tools() -> dict[str, NamedTool]:
    """Every tool by name, those of the settings included, whether it can be used here or not."""
    from tasks.built_in_tools import BUILT_IN
    from tasks.tool_roles import role_tools

    return {t.name: t for t in (*BUILT_IN, *role_tools())}


def check_tools(names: Sequence[str], given: frozenset[str] = frozenset()) -> None:
    """BadInput, in one line, for a tool that does not exist, or that cannot be used where these inputs are given."""
    tools = known_tools()
    for name in names:
        if name not in tools:
            raise unknown("tool", name, tools)
        if missing := tools[name].lacks(given):
            raise BadInput(missing)


def needed_tools(graph: Graph) -> frozenset[str]:
    """The tools that a graph's steps name outright, those of the patterns that it uses included."""
    return frozenset(_needed(graph))


def _needed(graph: Graph) -> Iterator[str]:
    for block in graph.blocks:
        for action in actions_of(block):
            if isinstance(action, Tool) and isinstance(action.name, str):
                literal = action.args.get("tool") if action.name == RUN_TOOL else NEEDS.get(action.name)
                yield from [literal] if isinstance(literal, str) else []
        for body in bodies_of(block).values():
            yield from _needed(body)
        if isinstance(block, Use) and isinstance(block.pattern, str):
            yield from _needed(find_pattern(block.pattern))


def tools_input(*default: str) -> Input:
    """The input `tools`: which tools a pattern has."""
    return Input(
        name="tools",
        type="texts",
        help="Tools by name, as a JSON list; empty means all that can be used here and write nothing.",
        default=list(default),
        most=50,
    )


@tool
def catalogue(spot: Spot, *, tools: Replies = [], **sources: Replies) -> Slots:  # noqa: B006 (never written to)
    """A reply for each tool that `tools` names, or for every usable one that does not write where it names none.

    Key is the name, text what a model is told of it, fields are name, description, arguments, writes and undo. One that
    cannot be used gives a failed reply. `sources` are what the tools work on, such as `documents`.
    """
    known, given = known_tools(), frozenset(n for n, replies in sources.items() if replies)
    names = list(dict.fromkeys(name_of(r) for r in ok_of(tools)))
    if not names:
        names = [t.name for t in known.values() if not t.writes and not t.lacks(given)]
    return {OUT: [_entry(name, known.get(name), given) for name in names]}


@tool
def run_tool(
    spot: Spot,
    *,
    call: Replies = [],  # noqa: B006 (never written to)
    tools: Replies | None = None,
    tool: str = "",
    arguments: JsonValue = None,
    most: int = MOST_TEXT,
    **sources: Replies,
) -> Slots:
    """One call of one tool; gives one reply, failed with a cause and the field `error` where it went wrong.

    What is called stands in the view `call` (as a model or `read_call` gave it), or in `tool` and `arguments` (an
    object, or JSON text by an At). Only what the view `tools` names may be called, if there is one. Views beside these
    are the sources that tools work on.
    """
    asked = _asked(call, tool, arguments, _allowed(tools, tool))
    made = run_checked(asked, Errand(asked.data()["arguments"], spot, sources))
    return {OUT: [made.but(text=made.text[:most])]}


def run_checked(call: Reply, errand: Errand) -> Reply:
    """Runs a call that `checked` found valid; one that it did not is a failed reply."""
    data = call.data()
    if not data["valid"]:
        return tool_error(data["error"], data["message"], key=data["tool"])
    found = known_tools()[data["tool"]]
    if missing := found.lacks(frozenset(n for n, replies in errand.sources.items() if replies)):
        return tool_error("unavailable", missing, key=found.name)
    return _once(found, errand, data["digest"]).but(key=found.name)


def _allowed(tools: Replies | None, tool: str) -> Replies:
    """The catalogue that a call is checked against, as it stands now."""
    known = known_tools()
    names = [tool] if tools is None and tool else list(known) if tools is None else [name_of(r) for r in ok_of(tools)]
    return [describe(known[name]) for name in names if name in known]


def _asked(call: Replies, tool: str, arguments: JsonValue, allowed: Replies) -> Reply:
    if tool:
        return checked(tool, {} if arguments is None else arguments, allowed)
    last = ok_of(call)[-1:]
    if last and last[0].data().get("valid") is False:
        return last[0]
    # What `read_call` gave is read once more: the catalogue that it was checked against may have been anything.
    return read_call(call, allowed)


def _once(found: NamedTool, errand: Errand, digest: str) -> Reply:
    """A writing tool is begun once: where a begun one left no result, nobody knows what it did."""
    if found.writes:
        spot, mine = errand.spot, canonical({"call": digest, "by": uuid4().hex})
        begun = record(UUID(spot.run.tenant_id), spot.run.run_id, f"{spot.path}#{spot.member}", BEGUN, lambda: mine)
        if begun != mine:
            return tool_error("lost", UNKNOWN.format(name=found.name), key=found.name)
    try:
        return found.run(errand)
    except TimeoutError as error:
        return tool_error("timeout", str(error) or f"{found.name} took too long", key=found.name)


def _entry(name: str, found: NamedTool | None, given: frozenset[str]) -> Reply:
    if found is None:
        return failed(unknown("tool", name, known_tools()).message, key=name)
    missing = found.lacks(given)
    return tool_error("unavailable", missing, key=name) if missing else describe(found)


def describe(found: NamedTool) -> Reply:
    """A tool's entry in the catalogue."""
    data = {"name": found.name, "description": found.description, "arguments": dict(found.arguments)}
    text = f"{found.name}: {found.description}\narguments: {canonical(data['arguments'])}"
    if found.writes:
        text += f"\nIt changes something outside; {f'{found.undo} takes it back' if found.undo else 'for good'}."
    return reply(text, key=found.name, data={**data, "writes": found.writes, "undo": found.undo})


RUN_TOOL = "tasks.toolbox.run_tool"
NEEDS = {"tasks.code.run_code": "code"}
"""Steps that need what a tool needs, though they do not name it."""
BEGUN = "tool begun"
UNKNOWN = "{name} was begun before and left no result: a person must look whether it was done"
