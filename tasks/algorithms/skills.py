"""A library of skills: functions that earlier runs wrote and proved, found again, used in programs, and judged by use.

A skill is a memory: its text says what it does, its fields are name, signature, code and tests.
"""

import ast
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.algorithms.marked_tests import has_passed, marked_cell, untested, wrong_python
from tasks.code import source_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

SKILL = "skill"
"""The kind of memory that a skill is kept as."""
SUCCESS = "skill_success"
"""The signal that says how an attempt with a skill went."""


@pure
def ranked_skills(recalled: Replies, outcomes: Replies, k: int, least: float) -> Replies:
    """The k skills for which similarity times success rate is highest; none less similar than `least`.

    The rate of a skill is (successes + 1) / (uses + 2), so that one that was never used counts as even. Text is what a
    programmer sees of it; fields name, code, similarity and rate. Of two with one name the better one stays.
    """
    known = {o.key: o.data() for o in ok_of(outcomes)}
    rows = []
    for one in ok_of(recalled):
        fields, similarity = one.data().get("fields") or {}, one.score or 0.0
        if similarity < least or not _is_skill(fields):
            continue
        past = known.get(one.key, {"uses": 0, "mean": 0.0})
        rate = (past["mean"] * past["uses"] + 1) / (past["uses"] + 2)
        shown = f"from {fields['name']} import {fields['name']}\n{fields['signature']}\n    {one.text}"
        data = {"name": fields["name"], "code": fields["code"], "similarity": similarity, "rate": rate}
        rows.append(reply(shown, key=one.key, score=similarity * rate, data=data))
    rows.sort(key=lambda r: (-(r.score or 0.0), r.key))
    by_name = {r.data()["name"]: r for r in reversed(rows)}
    return [r for r in rows if by_name[r.data()["name"]] is r][:k]


def _is_skill(fields: object) -> bool:
    needed = ("name", "signature", "code")
    return isinstance(fields, dict) and all(isinstance(fields.get(n), str) and fields[n] for n in needed)


@pure
def skill_files(skills: Replies) -> Replies:
    """The skills as modules, key the file's name."""
    return [reply(s.data()["code"], key=f"{s.data()['name']}.py") for s in skills]


@pure
def program_of(made: Replies) -> Reply:
    """A program; its field `code` is the cell that runs it beside its skills. Empty, with `lost`, if it was not had."""
    source = source_of(made[-1]).strip("\n") if ok_of(made) else ""
    lost = "" if source else first_cause(made) or "there is no code in it"
    data = {"code": f"import sys; sys.path.insert(0, '.')\n{source}" if source else "", "lost": lost}
    return reply(source, key="program", data=data, model=made[-1].model if made else "")


@pure
def nothing_run(program: Replies) -> bool:
    """Whether there is no program."""
    return bool(program[-1].data()["lost"])


@pure
def without_source(ran: Replies, most: int) -> Reply:
    """What a run printed, and the error that ended it, without the lines of the program that a traceback quotes."""
    shown = [TRACEBACK.sub("", r.text) if r.ok else f"ERROR: {r.cause}" for r in ran]
    return reply("\n".join(shown)[:most] or "(nothing was run)", key="run")


@pure
def checked(program: Replies, ran: Replies, check: Replies) -> Reply:
    """Whether the task is done: the verifier says so and the program came to its end. `judged`: there was a verdict."""
    lost = program[-1].data()["lost"] or ("" if ok_of(check) else first_cause(check) or "it was not checked")
    said = check[-1].data() if ok_of(check) and not lost else {"success": False, "critique": lost}
    ended = bool(ran) and ran[-1].ok and bool(ran[-1].data()["ok"])
    success = bool(said["success"]) and ended
    critique = said["critique"] if success or not said["success"] else "The program ended with an error."
    data = {"success": success, "critique": critique, "judged": not lost, "lost": lost}
    return reply(str(critique), key="check", data=data)


@pure
def succeeded(checks: Replies) -> bool:
    """Whether the last program did the task."""
    return bool(checks) and bool(checks[-1].data()["success"])


def _imported(code: str, names: Sequence[str]) -> dict[str, str]:
    """Local name -> skill, of the skills that a program imports."""
    found: dict[str, str] = {}
    for node in ast.walk(ast.parse(code)) if not wrong_python(code) else ():
        if isinstance(node, ast.Import):
            found |= {a.asname or a.name: a.name for a in node.names if a.name in names}
        elif isinstance(node, ast.ImportFrom) and node.module in names:
            found |= {a.asname or a.name: str(node.module) for a in node.names}
    return found


@pure
def used_skills(program: Replies, skills: Replies, checks: Replies) -> Replies:
    """The skills that the last program imports, by their ids; `value` is 1 if it did the task, else 0.

    None where nobody could tell whether it did.
    """
    if not checks or not checks[-1].data()["judged"]:
        return []
    by_name = {s.data()["name"]: s for s in skills}
    used = dict.fromkeys(_imported(program[-1].text, list(by_name)).values())
    value = float(succeeded(checks))
    return [reply(by_name[n].text, key=by_name[n].key, data={"name": n, "value": value}) for n in used]


@pure
def nothing_to_learn(program: Replies, skills: Replies, checks: Replies) -> bool:
    """Whether no skill is to be made: the task was not done, or by no more than one call of one skill."""
    return not succeeded(checks) or bare_call(program[-1].text, [s.data()["name"] for s in skills])


def bare_call(code: str, names: Sequence[str]) -> bool:
    """Whether a program only calls one skill, once, and shows what it gives."""
    local = _imported(code, names)
    body = [n for n in ast.parse(code).body if not isinstance(n, ast.Import | ast.ImportFrom)] if local else []
    nodes = [n for statement in body for n in ast.walk(statement)]
    calls = [_called(n) for n in nodes if isinstance(n, ast.Call)]
    skilled = [c for c in calls if c in local]
    plain = all(c in local or c in SHOWING for c in calls) and not any(isinstance(n, WORKING) for n in nodes)
    return len(skilled) == 1 and plain


def _called(call: ast.Call) -> str:
    target = call.func.value if isinstance(call.func, ast.Attribute) else call.func
    return target.id if isinstance(target, ast.Name) else ""


@pure
def new_skill(made: Replies) -> Replies:
    """The skill that was made, as the one memory to store; none if it is no function of its name with a docstring."""
    data = made[-1].data() if ok_of(made) else {}
    name, code = str(data.get("name", "")).strip(), source_of(reply(str(data.get("code", "")))).strip("\n")
    if not NAME.fullmatch(name) or name in sys.stdlib_module_names or wrong_python(code):
        return []
    functions = [n for n in ast.parse(code).body if isinstance(n, ast.FunctionDef) and n.name == name]
    doc = ast.get_docstring(functions[-1]) if functions else None
    if not doc:
        return []
    signature = f"def {name}({ast.unparse(functions[-1].args)})"
    tests = [source_of(reply(t)) for t in data["tests"]]
    return [reply(" ".join(doc.split()), key=name, data=_fields(name, signature, code, tests))]


def _fields(name: str, signature: str, code: str, tests: Sequence[str]) -> dict[str, Any]:
    return {"name": name, "signature": signature, "code": code, "tests": list(tests)}


@pure
def proof_cases(skill: Replies, seed: int) -> Replies:
    """The tests of a new skill as cells that end with a mark; one that tests nothing is a failed reply."""
    made = []
    for one in skill:
        for number, test in enumerate(one.data()["tests"], 1):
            mark, why = f"{seed:x} {number}", untested(test)
            cell = reply(key=f"test {number}", data={"code": marked_cell(test, mark), "mark": mark})
            made.append(cell if not why else reply(key=f"test {number}", status="failed", cause=why))
    return made


@pure
def not_to_store(skill: Replies, cases: Replies, ran: Replies, similar: Replies, least: float) -> bool:
    """Whether there is no skill, its tests did not all pass, or one as similar as `least` is stored."""
    return not skill or bool(_failing(cases, {r.key: r for r in ran})) or _most_similar(similar) >= least


def _failing(cases: Replies, ran: Mapping[str, Reply]) -> list[str]:
    return [c.key for c in cases if not c.ok or not has_passed(ran.get(c.key), c.data()["mark"])]


def _most_similar(similar: Replies) -> float:
    return max((s.score or 0.0 for s in ok_of(similar)), default=0.0)


@pure
def skilled_answer(ran: Replies, checks: Replies, used: Replies, stored: Replies, lost: Replies) -> Reply:
    """What the last program gave, with the skills that it used and the id of the new one, if one was stored.

    Fails the run where no program was ever run.
    """
    if not ok_of(ran):
        raise Refuse(f"no program was run: {checks[-1].data()['lost'] or first_cause(ran) or 'none was written'}")
    done, last = succeeded(checks), checks[-1].data()
    result = ran[-1].data()
    final = result["final"] if isinstance(result["final"], str) else str(result["final"])
    data = {
        "success": done,
        "attempts": len(checks),
        "critique": last["critique"],
        "skills_used": [u.key for u in used],
        "new_skill": next((s.key for s in ok_of(stored)), None),
        "lost": [*(c.data()["lost"] for c in checks if c.data()["lost"]), *causes(lost), *causes(stored)],
    }
    outcome: Outcome = "answered" if done else "incomplete"
    if not done and not any(c.data()["judged"] for c in checks):
        outcome = "unchecked"
    elif done and data["lost"]:
        outcome = "degraded"
    head = "" if done else f"{UNFINISHED.format(attempts=len(checks), why=last['critique'])}\n\n"
    text = (final if result["has_final"] else ran[-1].text).strip()
    return reply(head + text, key="answer", data=data, model=checks[-1].model, outcome=outcome, files=ran[-1].files)


UNFINISHED = "Not confirmed after {attempts} programs: {why}\nWhat the last one gave:"
NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")
TRACEBACK = re.compile(
    r'(?:^Traceback \(most recent call last\):\n|^  File "<[^"\n]*>", line \d+.*\n)(?:[ \t]+.*\n)*', re.MULTILINE
)
SHOWING = frozenset({"print", "final_answer", "str", "repr", "list", "dict", "json"})
WORKING = (ast.For, ast.While, ast.If, ast.FunctionDef, ast.Lambda, ast.ClassDef, ast.With, ast.Try, ast.comprehension)
