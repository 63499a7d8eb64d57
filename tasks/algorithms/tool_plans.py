"""Plans of tool calls whose arguments name the results of earlier ones: checked, filled in, and what they found."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, canonical, causes, ok_of, reply
from tasks.tool_calls import checked, name_of, observation

EVIDENCE = re.compile(r"#E\d+")
"""How a line of a ReWOO plan names what an earlier line found."""
MODEL = "llm"
"""The tool that is a model: it answers a text, and sees nothing else."""
UNKNOWN_OUTCOME = ("lost", "timeout")
"""Errors of a writing tool after which nobody knows whether it did its work."""
MOST_FOUND = 4000
"""Characters of a tool's result that are kept."""
_MODEL_ENTRY = reply(
    f"{MODEL}: A language model that answers one text by itself: it knows, summarises, compares or extracts. It sees "
    'nothing but that text.\narguments: {"input": string}',
    key=MODEL,
    data={
        "name": MODEL,
        "description": "A language model that answers one text.",
        "arguments": {
            "type": "object",
            "properties": {"input": {"type": "string", "minLength": 1}},
            "required": ["input"],
            "additionalProperties": False,
        },
        "writes": False,
        "undo": "",
    },
)


def names_in(value: object, mark: re.Pattern[str]) -> list[str]:
    """What the texts of a JSON value name by a mark, each once, in order."""
    return list(dict.fromkeys(name for text in _texts(value) for name in mark.findall(text)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _texts(part)


def substituted(value: Any, found: Mapping[str, str], mark: re.Pattern[str]) -> Any:
    """A JSON value whose texts have what they name replaced by what was found; what is not there stands as it is."""
    if isinstance(value, str):
        return mark.sub(lambda name: found.get(name.group(), name.group()), value)
    if isinstance(value, dict):
        return {key: substituted(part, found, mark) for key, part in value.items()}
    return [substituted(part, found, mark) for part in value] if isinstance(value, list) else value


def filled_call(
    tool: str, args: dict[str, Any], found: Mapping[str, str], mark: re.Pattern[str], tools: Replies
) -> Reply:
    """A call with what its arguments name put in, checked against the catalogue, as `read_call` gives it.

    An argument that is nothing but a name may stand for a number, a list or an object where the tool wants one.
    """
    call = checked(tool, substituted(args, found, mark), tools)
    if call.data()["valid"] or call.data()["error"] != "arguments":
        return call
    typed = checked(tool, {key: _typed(part, found, mark) for key, part in args.items()}, tools)
    return typed if typed.data()["valid"] else call


def _typed(part: Any, found: Mapping[str, str], mark: re.Pattern[str]) -> Any:
    if isinstance(part, str) and mark.fullmatch(part.strip()):
        try:
            return json.loads(found.get(part.strip(), ""))
        except ValueError:
            return substituted(part, found, mark)
    return substituted(part, found, mark)


def must_look(unknown: Iterable[str]) -> list[str]:
    """What an answer begins with where nobody knows whether a writing tool did its work."""
    return [f"A person must look before anything else is done: {text}" for text in unknown]


@pure
def with_model(tools: Replies) -> Replies:
    """The catalogue and, as one tool more, a model."""
    return [*(t for t in tools if name_of(t) != MODEL), _MODEL_ENTRY]


@pure
def line_problem(plan: Replies, tools: Replies, most: int) -> Reply:
    """What is wrong with a plan of lines, empty where nothing is.

    Wrong are its length, a tool that does not exist, and a line that names itself or a later one.
    """
    return reply(_problem(plan, tools, most), key="problem")


def _problem(plan: Replies, tools: Replies, most: int) -> str:
    if not ok_of(plan):
        return f"there is no plan: {next(iter(causes(plan)), 'none was made')}"
    lines = plan[-1].data()["lines"]
    if not 1 <= len(lines) <= most:
        return f"the plan has {len(lines)} lines: 1 to {most} are allowed"
    known = {name_of(t) for t in ok_of(tools)}
    for number, line in enumerate(lines, 1):
        if line["tool"] not in known:
            return f"line #E{number}: there is no tool '{line['tool']}': the tools are {', '.join(sorted(known))}"
        ahead = [n for n in names_in(line["args"], EVIDENCE) if not 0 < int(n[2:]) < number]
        if ahead:
            return f"line #E{number} names {ahead[0]}, which is no earlier line"
    return ""


@pure
def plan_lines(plan: Replies, replan: Replies, tools: Replies, most: int) -> Replies:
    """The lines of the last plan that holds, none where neither does. Key is the name of what a line finds."""
    for one in (replan, plan):
        if not _problem(one, tools, most):
            return [_line(n, line) for n, line in enumerate(one[-1].data()["lines"], 1)]
    return []


def _line(number: int, line: dict[str, Any]) -> Reply:
    text = f"Plan: {line['plan']}\n#E{number} = {line['tool']}[{canonical(line['args'])}]"
    return reply(text, key=f"#E{number}", data={k: line[k] for k in ("plan", "tool", "args")})


@pure
def line_call(line: Replies, evidence: Replies, tools: Replies) -> Reply:
    """The call of a line, with the evidence that it names put in; of a model, its text as the field `input`."""
    data = line[0].data()
    call = filled_call(data["tool"], data["args"], {e.key: e.text for e in evidence}, EVIDENCE, tools)
    said = call.data()
    return call.but(data={**said, "input": str(said["arguments"].get("input", ""))})


@pure
def who_finds(call: Replies) -> str:
    """Who carries a call out: `model` or `tool`, which also says what is wrong with a call that does not fit."""
    data = call[0].data()
    return "model" if data["valid"] and data["tool"] == MODEL else "tool"


@pure
def line_found(line: Replies, call: Replies, result: Replies) -> Reply:
    """What a line found, or ERROR and why: an ok reply either way, under the line's name."""
    seen, asked = observation(result, MOST_FOUND), call[0].data()
    data = {**{k: asked[k] for k in ("tool", "arguments", "writes")}, **seen.data()}
    return reply(seen.text, key=line[0].key, data=data)


@pure
def rewoo_answer(written: Replies, lines: Replies, evidence: Replies, problem: Replies, again: Replies) -> Reply:
    """The solver's answer with the plan and what each line found; `quality` is the share of lines without an error.

    Without a plan that holds nothing was looked up, which is said first; so is a writing tool whose outcome is unknown.
    """
    rows = [{"name": e.key, "text": e.text, **e.data()} for e in evidence]
    errors = [f"{r['name']}: {r['text']}" for r in rows if not r["ok"]]
    data = {
        "plan": [{"name": one.key, **one.data()} for one in lines],
        "evidence": rows,
        "errors": errors,
        "plan_problems": [p.text for p in (*problem, *again) if p.text],
        "replanned": bool(again),
        "quality": sum(r["ok"] for r in rows) / len(rows) if rows else 0.0,
    }
    lost = must_look(r["text"] for r in rows if r["writes"] and r["error"] in UNKNOWN_OUTCOME)
    head = lost if lines else [NOTHING_PLANNED]
    outcome: Outcome = "incomplete" if lost else "degraded" if errors or not lines else "answered"
    text = "\n\n".join([*head, written[0].text.strip()])
    return reply(text, key="answer", data=data, model=written[0].model, outcome=outcome)


NOTHING_PLANNED = "No plan of look-ups held, so nothing was looked up. From general knowledge alone:"
