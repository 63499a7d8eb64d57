"""A line of roles that hands documents on: gates between them, files in the order of what they need, tests that decide.

Requirements have ids; a gate lets a document pass that fits its schema and covers every one of them.
"""

import re
from collections.abc import Sequence
from typing import Any

from tasks.algorithms.marked_tests import has_passed, marked_cell, untested, wrong_python
from tasks.code import source_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, first_cause, ok_of, reply

MOST_SHOWN = 2000
"""Characters of one failure that an engineer is shown."""


def _ids(prd: Replies) -> list[str]:
    return list(dict.fromkeys(r["id"].strip() for p in ok_of(prd) for r in p.data()["requirements"]))


def _gate(document: Replies, problems: Sequence[str]) -> Reply:
    """What is wrong with a document, a line each."""
    found = list(problems) if ok_of(document) else [f"it could not be had: {first_cause(document) or 'nothing came'}"]
    return reply("\n".join(f"- {p}" for p in found), key="gate", data={"passed": not found, "problems": found})


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted({n for n in names if names.count(n) > 1})


def _coverage(prd: Replies, covered: Sequence[str]) -> list[str]:
    """Which requirements are not covered, and which ids there are not."""
    ids = _ids(prd)
    missing = [f"requirement {i} is not covered" for i in ids if i not in covered]
    return missing + [f"there is no requirement {i}" for i in dict.fromkeys(covered) if i not in ids]


@pure
def gate_passed(gate: Replies) -> bool:
    """Whether a document was handed on as it is."""
    return bool(gate[-1].data()["passed"])


@pure
def handed_over(made: Replies, repaired: Replies, role: str) -> Reply:
    """The document that goes on: the repaired one, if it was had. Fails the run where there is none."""
    if not (usable := ok_of([*made, *repaired])):
        raise Refuse(f"the {role} gave no document: {first_cause([*made, *repaired])}")
    return usable[-1]


@pure
def gate_requirements(prd: Replies) -> Reply:
    """Requirements have an id each, of its own."""
    ids = [r["id"].strip() for p in ok_of(prd) for r in p.data()["requirements"]]
    return _gate(prd, [f"the id {i or '(empty)'} stands for two requirements" for i in _repeated(ids)])


@pure
def gate_design(prd: Replies, design: Replies) -> Reply:
    """Files have plain relative names of their own, interfaces belong to one of them, requirements are covered."""
    given = [d.data() for d in ok_of(design)]
    files = [f for d in given for f in d["files"]]
    paths = [f["path"] for f in files]
    problems = [f"'{p}' is no relative path of a Python module, such as app/store.py" for p in paths if not _is_path(p)]
    problems += [f"the file {p} stands twice" for p in _repeated(paths)]
    strays = dict.fromkeys(i["file"] for d in given for i in d["interfaces"] if i["file"] not in paths)
    problems += [f"an interface belongs to {s}, which is no file of the design" for s in strays]
    return _gate(design, problems + _coverage(prd, [i for f in files for i in f["requirements"]]))


def _is_path(path: str) -> bool:
    return PATH.fullmatch(path) is not None


@pure
def gate_tasks(prd: Replies, design: Replies, tasks: Replies) -> Reply:
    """Each file of the design has one task, tasks depend on one another without a cycle, requirements are covered."""
    paths = [f["path"] for d in ok_of(design) for f in d.data()["files"]]
    rows = [t for p in ok_of(tasks) for t in p.data()["tasks"]]
    named = [t["file"] for t in rows]
    problems = [f"the file {p} has no task" for p in paths if p not in named]
    problems += [f"{f} is no file of the design" for f in dict.fromkeys(named) if f not in paths]
    problems += [f"the file {f} has two tasks" for f in _repeated(named)]
    needs = {t["file"]: t["depends_on"] for t in rows}
    problems += [
        f"{f} depends on {d}, which has no task" for f, all_of in needs.items() for d in all_of if d not in needs
    ]
    known = {f: [d for d in all_of if d in needs] for f, all_of in needs.items()}
    if stuck := [f for f in known if f not in _orderly(known)]:
        problems.append(f"{', '.join(stuck)} depend on one another in a cycle")
    return _gate(tasks, problems + _coverage(prd, [i for t in rows for i in t["requirements"]]))


def _orderly(needs: dict[str, list[str]]) -> list[str]:
    """Those that can be done in an order in which each comes after what it needs, in that order."""
    done: list[str] = []
    while ready := [f for f, all_of in needs.items() if f not in done and set(all_of) <= set(done)]:
        done.append(ready[0])
    return done


@pure
def tasks_in_order(tasks: Replies, design: Replies) -> Replies:
    """The tasks as items, key the file, each after what it depends on; text says what it is to do.

    Of two for one file the first counts, a file without a task gets one, and a cycle is cut where it was written first.
    """
    files = {f["path"]: f for d in ok_of(design) for f in d.data()["files"] if _is_path(f["path"])}
    if not files:
        raise Refuse("the design names no Python module")
    rows = {t["file"]: t for p in ok_of(tasks) for t in reversed(p.data()["tasks"]) if t["file"] in files}
    needs = {f: [d for d in rows[f]["depends_on"] if d in files and d != f] if f in rows else [] for f in files}
    order = _orderly(needs)
    order += [f for f in needs if f not in order]
    items = []
    for place, path in enumerate(order):
        ids = list(dict.fromkeys([*files[path]["requirements"], *(rows[path]["requirements"] if path in rows else [])]))
        depends_on = [d for d in needs[path] if d in order[:place]]
        text = f"File: {path}\nPurpose: {files[path]['purpose']}\nRequirements: {', '.join(ids)}"
        text += f"\nDepends on: {', '.join(depends_on) or 'no other file'}"
        items.append(reply(text, key=path, data={"requirements": ids, "depends_on": depends_on}))
    return items


@pure
def needed_files(task: Replies, files: Replies) -> Replies:
    """The files that a task's file depends on."""
    return [f for f in files if f.key in task[0].data()["depends_on"]]


@pure
def gate_file(task: Replies, written: Replies) -> Reply:
    """A file is Python and names the requirements that it meets."""
    text = source_of(ok_of(written)[-1]) if ok_of(written) else ""
    problems = [f"it is no Python: {why}" for why in [wrong_python(text)] if why]
    problems += [f"requirement {i} is not named in it" for i in task[0].data()["requirements"] if not _names(text, i)]
    return _gate(written, problems)


def _names(text: str, requirement: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(requirement)}(?!\w)", text) is not None


@pure
def file_of(task: Replies, made: Replies, repaired: Replies) -> Reply:
    """The file of a task, key its path, with the `problems` that are left; one that could not be had is empty."""
    usable = ok_of([*made, *repaired])[-1:]
    text = source_of(usable[0]) if usable else ""
    data = {**task[0].data(), "problems": gate_file(task, usable or [*made, *repaired]).data()["problems"]}
    return reply(text.strip("\n"), key=task[0].key, data=data, model=usable[0].model if usable else "")


@pure
def gate_tests(prd: Replies, tests: Replies) -> Reply:
    """Each requirement has one test, which is Python and checks something."""
    rows = [t for p in ok_of(tests) for t in p.data()["tests"]]
    named = [t["requirement"].strip() for t in rows]
    problems = [f"requirement {r} has two tests" for r in _repeated(named)]
    wrong = {t["requirement"].strip(): untested(source_of(reply(t["code"]))) for t in rows}
    problems += [f"the test of {r}: {why}" for r, why in wrong.items() if why]
    return _gate(tests, problems + _coverage(prd, named))


@pure
def cases_of(prd: Replies, tests: Replies, seed: int) -> Replies:
    """A reply a requirement: key its id, fields code (the cell that runs its test) and `mark`, what the cell ends with
    if the test passed, and which no file can know. A requirement without a usable test is a failed reply.
    """
    rows = {t["requirement"].strip(): t for p in ok_of(tests) for t in reversed(p.data()["tests"])}
    made = []
    for one in _ids(prd):
        code = source_of(reply(rows[one]["code"])) if one in rows else ""
        why = untested(code) if one in rows else "it has no test"
        mark = f"{seed:x} {one}"
        case = reply(code, key=one, data={"code": marked_cell(code, mark), "mark": mark})
        made.append(failed(why, key=one) if why else case)
    return made


@pure
def run_report(cases: Replies, ran: Replies, files: Replies) -> Reply:
    """What a run of all tests gave: `passed` and `failed` requirements, and of each failure what and which `files`.

    Those are the files that its traceback names, or, where it names none, those that are to meet the requirement.
    """
    results = {r.key: r for r in ran}
    tested = [c for c in cases if c.ok]
    failures = [
        _failure(c, results.get(c.key), files) for c in tested if not has_passed(results.get(c.key), c.data()["mark"])
    ]
    lost = [f["requirement"] for f in failures]
    data = {
        "passed": [c.key for c in tested if c.key not in lost],
        "failed": lost,
        "untested": [f"{c.key}: {c.cause}" for c in cases if not c.ok],
        "failures": failures,
    }
    text = "\n\n".join(f"Test of {f['requirement']}:\n{f['failure']}" for f in failures)
    return reply(text or "(all tests pass)", key="run", data=data)


def _failure(case: Reply, ran: Reply | None, files: Replies) -> dict[str, Any]:
    told = (ran.text if ran.ok else ran.cause) if ran else "it was not run"
    named = [f.key for f in files if re.search(rf'[/"]{re.escape(f.key)}"', told)]
    owners = [f.key for f in files if case.key in f.data()["requirements"]]
    shown = told if len(told) <= MOST_SHOWN else f"[...]\n{told[-MOST_SHOWN:]}"
    return {"requirement": case.key, "failure": shown, "files": named or owners or [f.key for f in files]}


@pure
def all_passed(runs: Replies) -> bool:
    """Whether no test failed in the last run."""
    return bool(runs) and not runs[-1].data()["failed"]


@pure
def faulty_files(run: Replies, files: Replies, turn: int, turns: int) -> Replies:
    """The files that failures name; none after the last run, since nothing would test what became of them."""
    if turn >= turns:
        return []
    named = {name for f in run[-1].data()["failures"] for name in f["files"]}
    return [f for f in files if f.key in named]


@pure
def revised_files(files: Replies, revised: Replies) -> Replies:
    """The files with their revisions; one that was not had, or is no Python, leaves its file as it was."""
    new = {r.key: source_of(r).strip("\n") for r in ok_of(revised)}
    return [f.but(text=new[f.key]) if f.key in new and not wrong_python(new[f.key]) else f for f in files]


@pure
def delivered(files: Replies, runs: Replies, revised: Replies, gates: Replies) -> Reply:
    """The files with what their tests say. `quality` is the share of requirements whose test passes.

    Incomplete where a test fails, a requirement has none or a gate was not passed; degraded where calls were lost.
    """
    last = runs[-1].data()
    count = len(last["passed"]) + len(last["failed"]) + len(last["untested"])
    open_points = [p for g in gates for p in g.data()["problems"]] + [
        f"{f.key}: {p}" for f in files for p in f.data()["problems"]
    ]
    data = {
        **{k: last[k] for k in ("passed", "failed", "untested")},
        "runs": len(runs),
        "files": [f.key for f in files],
        "gates": open_points,
        "quality": len(last["passed"]) / count if count else 0.0,
        "lost": causes(revised),
    }
    whole = not (last["failed"] or last["untested"] or open_points)
    outcome: Outcome = "incomplete" if not whole else "degraded" if data["lost"] else "answered"
    lines = [f"{len(last['passed'])} of {count} requirements pass their test."]
    lines += [f"- {r} fails its test." for r in last["failed"]] + [f"- {u}" for u in last["untested"]]
    lines += [f"- {p}" for p in open_points]
    lines += [f"\n{f.key}\n```python\n{f.text}\n```" for f in files]
    model = next((f.model for f in files if f.model), "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)


@pure
def gates_of(requirements: Replies, design: Replies, tasks: Replies, tests: Replies) -> Replies:
    """What was left open at each gate, by the name of its document."""
    named = {"requirements": requirements, "design": design, "tasks": tasks, "tests": tests}
    return [g[-1].but(key=name) for name, g in named.items() if g]


PATH = re.compile(r"(?:[A-Za-z_]\w*/){0,3}[A-Za-z_]\w*\.py")
