"""Tools that a strong model makes once and cheap ones use after (LATM): examples, tests, the gate, uses and retirement.

A tool is a reply: key is its id (that of the memory), text its docstring, fields name, signature, code and tests.
"""

import ast
from typing import Any, Literal

from tasks.algorithms.code_actions import OF_FILES, forbidden
from tasks.algorithms.distinct import distinct
from tasks.algorithms.gates import passed
from tasks.algorithms.marked_tests import has_passed
from tasks.algorithms.programs import ANS, trouble, value_of
from tasks.algorithms.sections import section
from tasks.algorithms.skills import new_skill
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

TOOL, PAST_TASK, USE = "made_tool", "past_task", "made_tool_use"
"""The kinds of memory of tools and of tasks that none served, and the signal that says how a use went."""
RETIRED_BY, OF_LAST = 3, 10
"""A tool that fails so many of its last uses is not used again."""
WRITING = OF_FILES | {"write", "writelines", "write_text", "write_bytes", "mkdir", "makedirs", "touch", "unlink"}
FILE_MODULES = frozenset({"tempfile", "shutil", "sqlite3", "shelve", "dbm"})


@pure
def tools_in_use(recalled: Replies, outcomes: Replies, k: int) -> Slots:
    """The k best `tools` that are not retired, as they were recalled; and those that are, to be ended."""
    latest = {o.key: o.data()["latest"][:OF_LAST] for o in ok_of(outcomes)}
    stored = [r for r in ok_of(recalled) if _is_tool(r.data().get("fields"))]
    retired = [r for r in stored if sum(v < 0.5 for v in latest.get(r.key, [])) >= RETIRED_BY]
    gone = {r.key for r in retired}
    tools = [r.but(data=r.data()["fields"]) for r in stored if r.key not in gone]
    return {"tools": tools[:k], "retired": retired}


def _is_tool(fields: object) -> bool:
    return isinstance(fields, dict) and all(fields.get(n) for n in ("name", "signature", "code"))


@pure
def shown_tools(tools: Replies) -> Replies:
    """Each tool by number, with its signature and docstring, without its code."""
    return [reply(f"[{n}] {_shown(t)}", key=str(n)) for n, t in enumerate(tools, 1)]


def _shown(tool: Reply) -> str:
    return f"{tool.data()['signature']}\n{tool.text}"


@pure
def judged_tool(tools: Replies, judged: Replies) -> Replies:
    """The tool that solves the task exactly by the judge, if there is one."""
    number = next((j.data()["tool"] for j in ok_of(judged)), 0)
    return tools[number - 1 : number] if number > 0 else []


@pure
def examples(past: Replies, prompt: Replies, least: float, of_each: int) -> Slots:
    """Of past tasks that are of the same kind, each once: so many `shown`, and as many `held` out; none of too few.

    They are dealt in turn, so that neither has the more similar ones.
    """
    alike = [p for p in ok_of(past) if (p.score or 0.0) >= least and p.data()["fields"].get("answer")]
    texts = distinct([prompt[0].text, *(p.text for p in alike)])[1:]
    by_text = {p.text.strip(): p for p in reversed(alike)}
    found = [_example(n, by_text[t]) for n, t in enumerate(texts[: 2 * of_each], 1) if t in by_text]
    return {"shown": found[::2], "held": found[1::2]} if len(found) == 2 * of_each else {"shown": [], "held": []}


def _example(number: int, past: Reply) -> Reply:
    return reply(f"Task: {past.text}\nAnswer: {past.data()['fields']['answer']}", key=f"example {number}")


@pure
def making(tool: Replies, shown: Replies) -> Literal["make", "leave"]:
    """Whether a tool is made: none fits, and there are examples enough."""
    return "make" if shown and not tool else "leave"


@pure
def left_alone(tool: Replies) -> Slots:
    """The `tool` that fits, if there is one; nothing was made and nothing lost."""
    return {"tool": tool, "made": [], "lost": []}


@pure
def new_tool(written: Replies, tests: Replies) -> Replies:
    """The function with the tests, as a tool; none if it is no function of its name with a docstring, or untested."""
    said = written[-1].data() if ok_of(written) else {}
    cases = [t for one in ok_of(tests) for t in one.data()["tests"]]
    if not said or not cases:
        return []
    return new_skill([reply(data={"name": said["name"], "code": said["code"], "tests": cases})])


@pure
def signature_of(written: Replies) -> Replies:
    """How a function is called, and how it is imported, without its docstring or body; none where it is no function."""
    said = written[-1].data() if ok_of(written) else {}
    made = new_skill([reply(data={**said, "tests": []})]) if said else []
    return [reply(f"from {m.key} import {m.key}\n{m.data()['signature']}", key=m.key) for m in made]


@pure
def proof(tool: Replies, cases: Replies, ran: Replies) -> Reply:
    """Whether all tests of a tool pass: field passed; text is what came of those that did not."""
    by_key = {r.key: r for r in ran}
    failing = [c for c in cases if not c.ok or not has_passed(by_key.get(c.key), c.data()["mark"])]
    told = [f"{c.key}: {_came(c, by_key.get(c.key))}" for c in failing]
    if not tool or not cases:
        told = ["it is no Python function of its name with a docstring, or there are no tests"]
    return reply("\n\n".join(told) or "all tests pass", key="proof", data={"passed": not told})


def _came(case: Reply, ran: Reply | None) -> str:
    if not case.ok:
        return case.cause
    if ran is None:
        return "it was not run"
    return ran.text if ran.ok else ran.cause


@pure
def no_revision(proof: Replies, turn: int, turns: int) -> bool:
    """Whether a tool is not revised: it passes, or there is no turn left in which it could be tested."""
    return turn >= turns or passed(proof)


@pure
def next_tool(before: Replies, revised: Replies) -> Replies:
    """The revised function under the same tests; the one before where there is none."""
    return new_tool(revised, [b for b in before if b.data()["tests"]]) or before


@pure
def calls_lost(written: Replies, tests: Replies, revised: Replies) -> Replies:
    """The calls that failed while a tool was made."""
    return [r for r in (*written, *tests, *revised) if not r.ok]


@pure
def gated_tool(tool: Replies, proof: Replies) -> Replies:
    """The tool, if it passes its tests and neither reaches out nor writes files; a rejected reply that says why not."""
    if not tool:
        return []
    wrong = "" if passed(proof) else "its tests do not all pass"
    wrong = wrong or reaches_out(tool[-1].data()["code"])
    return [tool[-1].but(status="rejected", cause=wrong)] if wrong else [tool[-1]]


def reaches_out(code: str) -> str:
    """Why code is no tool: it uses the network or files; empty where it does not."""
    if wrong := forbidden(code):
        return wrong
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if used := next((m for m in modules if m.partition(".")[0] in FILE_MODULES), ""):
                return f"it imports {used}"
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in WRITING:
                return f"it calls {name}"
    return ""


@pure
def use_of(tool: Replies, filled: Replies) -> Reply:
    """The program that calls a tool with the arguments; failed where they could not be had."""
    if not ok_of(filled):
        return reply(key="use", status="failed", cause=first_cause(filled) or "there are no arguments")
    name, args = tool[-1].data()["name"], filled[-1].data()["args"]
    cell = f"import sys\nsys.path.insert(0, '.')\nfrom {name} import {name}\n{ANS} = {name}(**{args!r})\n"
    return reply(key="use", data={"code": cell, "args": args})


@pure
def tool_use(tool: Replies, use: Replies, ran: Replies) -> Replies:
    """The one use of a tool, keyed by its id: text what it gave, or why it gave nothing; `went` is 1 or 0."""
    if not ok_of(tool):
        return []
    value = value_of(ran)
    why = "" if value else first_cause(use) or trouble(ran).text
    data = {"went": 1.0 if value else 0.0, "name": tool[-1].data()["name"], "error": why.strip()[-600:]}
    return [reply(value[0].text if value else why, key=tool[-1].key, data=data)]


@pure
def tool_answered(used: Replies) -> bool:
    """Whether a tool gave the answer."""
    return bool(used) and bool(used[-1].data()["went"])


@pure
def solved_task(prompt: Replies, alone: Replies, most: int) -> Replies:
    """The task with its answer, as a memory of what no tool served; none of an answer that failed."""
    texts = [a.text.strip()[:most] for a in ok_of(alone) if a.text.strip()]
    return [reply(prompt[0].text[:most], key="task", data={"answer": texts[-1]})] if texts else []


@pure
def tool_answer(
    used: Replies, alone: Replies, judged: Replies, made: Replies, stored: Replies, retired: Replies, lost: Replies
) -> Reply:
    """What the tool gave, or the strong model where no tool did.

    Fields: tool (its id), made (whether it is new), examples, retired and why a tool could not be made or used.
    """
    done = tool_answered(used)
    final = used[-1] if done else ok_of(alone)[-1]
    failure = "" if done or not used else used[-1].data()["error"]
    data: dict[str, Any] = {
        "by": "tool" if done else "model",
        "tool": used[-1].key if done else "",
        "name": used[-1].data()["name"] if used else "",
        "made": bool(ok_of(made)),
        "not_made": first_cause(made),
        "failed": failure,
        "retired": [r.key for r in retired],
        "lost": [*causes(judged), *causes(lost), *causes(stored)],
    }
    trouble_met = bool(data["lost"] or failure or data["not_made"])
    outcome: Outcome = "degraded" if trouble_met else "answered"
    notes = [f"{data['name']} failed: {failure.splitlines()[-1]}"] if failure else []
    lines = [final.text.strip(), *section("Tool", notes)]
    return reply("\n".join(lines), key="answer", data=data, model=final.model, outcome=outcome)
