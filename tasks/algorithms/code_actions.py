"""Agents that act by writing code: what they may call, which cells are refused, and what a session of cells leaves."""

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from tasks.code import CODE, source_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply
from tasks.tool_calls import cut

ANSWER, CELL, NOTHING = "answer", "cell", "nothing"
"""What a turn is: the answer, a cell of code, or none at all, since the model's call failed."""
KEPT = ("done", "error")
"""A session goes on with cells that ended so; one that met a limit would meet it again each time that it is run."""


@pure
def signatures(tools: Replies) -> Replies:
    """The tools as Python functions, a reply each: signature and what it does. Code itself is none of them."""
    return [
        reply(f"def {t.key}({_parameters(t.data())})\n    {t.data()['description']}", key=t.key)
        for t in ok_of(tools)
        if t.key != CODE.name
    ]


def _parameters(tool: dict[str, Any]) -> str:
    """Those that it requires first, as code may pass them by position."""
    schema = tool["arguments"]
    needed, known = schema.get("required", []), schema.get("properties", {})
    shown = [_parameter(name, known.get(name, {}), name in needed) for name in dict.fromkeys([*needed, *known])]
    return ", ".join(shown) if shown or known else "**arguments"


def _parameter(name: str, schema: Any, needed: bool) -> str:
    given = schema if isinstance(schema, dict) else {}
    kind = PYTHON.get(str(given.get("type")), "")
    typed = f"{name}: {kind}" if kind else name
    return typed if needed else f"{typed} = {given.get('default')!r}"


@pure
def file_heads(files: Replies, most: int = 500) -> Replies:
    """Files as one who is to read them by code sees them: the name, the size and how they begin."""
    return [reply(f"{f.key}, {len(f.text):,} characters:\n{cut(f.text, most)}", key=f.key) for f in files]


@pure
def gated_cell(act: Replies) -> Reply:
    """The cell of a turn as a reply that holds its code, or a refused one, whose text says what is forbidden.

    Forbidden are imports that reach out of the sandbox and paths of files that lie outside its directory. It tells the
    model early: what keeps code in is the sandbox itself.
    """
    if not ok_of(act) or act[-1].data()["type"] != CELL:
        return reply(key=NOTHING, data={"safe": False})
    code = source_of(act[-1], CELL)
    blocks = FENCED.findall(code)
    code = "\n".join(b.strip("\n") for b in blocks) if blocks else code
    wrong = "the cell is empty" if not code.strip() else forbidden(code)
    return reply(f"REFUSED: {wrong}" if wrong else code, key=CELL, data={"safe": not wrong, "cell": code})


def forbidden(code: str) -> str:
    """What a cell may not do, in one line; empty where there is nothing, or it is no Python: a traceback says so."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    return next((wrong for node in ast.walk(tree) for wrong in _wrongs(node)), "")


def _wrongs(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        yield from (f"importing {m} is forbidden" for m in modules if OUTWARD.match(m))
    elif isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if isinstance(node.func, ast.Name) and called in HIDING:
            yield f"{called} is forbidden: write the code itself"
        elif called in OF_FILES:
            given = [*node.args, *(k.value for k in node.keywords)]
            names = (c.value for a in given for c in ast.walk(a) if isinstance(c, ast.Constant))
            yield from (f"the path {n!r} lies outside the working directory" for n in names if _outside(n))


def _outside(path: object) -> bool:
    return isinstance(path, str) and (OUTSIDE.match(path) is not None or ".." in re.split(r"[\\/]", path))


@pure
def not_safe(cell: Replies) -> bool:
    """Whether there is no cell that may be run."""
    return not cell[-1].data()["safe"]


@pure
def cell_record(act: Replies, cell: Replies, ran: Replies, turn: int, most: int) -> Reply:
    """A turn as the model is shown it: its thought, its cell and the output, cut at `most` characters.

    Fields: type, cell, output, ok, answered, answer, lost. A turn with an empty answer is not answered.
    """
    said = act[-1].data() if ok_of(act) else {}
    data: dict[str, Any] = {"type": said.get("type", NOTHING), "cell": "", "output": "", "ok": False, "lost": ""}
    data |= {"answer": "", "answered": False}
    if not said:
        data["lost"] = first_cause(act) or "there is no turn"
        data["output"] = f"ERROR: your turn could not be had: {data['lost']}"
    elif said["type"] == ANSWER:
        data |= {"answer": said["answer"].strip(), "answered": bool(said["answer"].strip())}
        data["output"] = "" if data["answered"] else "ERROR: the answer is empty"
    else:
        data |= {"cell": cell[-1].data()["cell"], **(_ran(ran[-1], most) if ran else {"output": cell[-1].text})}
    parts = [said.get("thought", ""), f"```python\n{data['cell']}\n```" if data["cell"] else data["answer"]]
    parts.append(f"Output:\n{data['output']}" if data["output"] else "")
    return reply("\n".join(p for p in parts if p), key=f"turn {turn}", data=data, model=act[-1].model if act else "")


def _ran(ran: Reply, most: int) -> dict[str, Any]:
    if not ran.ok:
        return {"output": f"ERROR: {ran.cause}"}
    data = ran.data()
    lost = "" if data["ended"] in KEPT else "\n[the session goes on without this cell: what it set is gone]"
    final = data["final"] if isinstance(data["final"], str) else json.dumps(data["final"], ensure_ascii=False)
    has_final = bool(data["has_final"] and final.strip())
    return {
        "output": cut(ran.text, most) + lost,
        "ok": data["ok"],
        "answer": final.strip() if has_final else "",
        "answered": has_final,
    }


@pure
def of_session(ran: Replies) -> Replies:
    """The run of a cell, if later cells of the session build on it."""
    return [r for r in ok_of(ran) if r.data()["ended"] in KEPT]


@pure
def answered(cells: Replies) -> bool:
    """Whether the last turn gave the answer, in words or by final_answer() in its cell."""
    return bool(cells) and bool(cells[-1].data()["answered"])


@pure
def written_files(runs: Replies) -> Replies:
    """The files that a session wrote, the last version of each: key is the path, text its content as far as kept."""
    files = {f["path"]: f for r in ok_of(runs) for f in r.data()["files"]}
    return [reply(f["text"], key=path, data=f, files=[f["sha256"]]) for path, f in sorted(files.items())]


@pure
def code_answer(cells: Replies, best: Replies, files: Replies) -> Reply:
    """The answer of the last turn, or the best one from the cells, which says that it is unfinished.

    Fails the run where there is neither.
    """
    done, turns = answered(cells), [c.data() for c in cells]
    if not done and not ok_of(best):
        raise Refuse(f"no answer after {len(cells)} turns: {'; '.join(causes(best)) or 'none was given'}")
    lost = [t["lost"] for t in turns if t["lost"]]
    data = {
        "step_limit": not done,
        "turns": len(cells),
        "cells": sum(bool(t["cell"]) for t in turns),
        "errors": sum(not t["ok"] for t in turns if t["cell"]),
        "files": [f.key for f in files],
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if not done else "degraded" if lost else "answered"
    text = turns[-1]["answer"] if done else f"{UNFINISHED.format(turns=len(cells))}\n\n{best[-1].text.strip()}"
    model = (cells if done else best)[-1].model
    return reply(text, key="answer", data=data, model=model, outcome=outcome, files=[d for f in files for d in f.files])


UNFINISHED = "Not finished: stopped after {turns} turns. The best answer from what was found until then:"
FENCED = re.compile(r"```(?:python|py)?[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
OUTSIDE = re.compile(r"[/\\~]|[A-Za-z]:[\\/]")
PYTHON = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}
OF_FILES = frozenset({"open", "Path", "PurePath", "FileIO", "listdir", "scandir", "walk", "glob", "rglob", "chdir"})
HIDING = frozenset({"__import__", "eval", "exec", "compile"})
OUTWARD = re.compile(
    r"(os|sys|subprocess|socket|socketserver|ssl|http|urllib\.request|ftplib|smtplib|poplib|imaplib|xmlrpc|webbrowser"
    r"|multiprocessing|ctypes|pty|fcntl|mmap|signal|resource|importlib|runpy|builtins)(\.|$)"
)
