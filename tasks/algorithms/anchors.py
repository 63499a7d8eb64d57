"""Test anchors (AlphaCodium): tests passed one by one, and no repair of the code may break one that has passed.

A test is a reply with the fields input (arguments as they stand in a call), expected, covers and given (whether it came
with the task); its text is what it says. The code is a reply whose text is a module.
"""

import ast
from collections.abc import Sequence
from typing import Any

from tasks.algorithms.gates import passed
from tasks.algorithms.marked_tests import wrong_python
from tasks.algorithms.sections import section
from tasks.code import source_of
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

FUNCTION = "solve"
PASSED, FAILED, DROPPED, KNOWN_FAILURE, NOT_RUN = "passed", "failed", "dropped", "known failure", "not run"
MOST_MESSAGE = 1500


@pure
def understood(extracted: Replies) -> Reply:
    """The task as it was extracted, with the name of a function that Python can have."""
    said = extracted[-1].data()
    name = said["function"].strip()
    return extracted[-1].but(key="task", text="", data={**said, "function": name if name.isidentifier() else FUNCTION})


@pure
def queued_tests(task: Replies, made: Replies, most: int) -> Slots:
    """The given tests, then the further ones, at most so many; `unusable` are those that are no Python or too many."""
    given = _tests(task[0], task[0].data()["given_tests"], given=True)
    further = _tests(task[0], [t for m in ok_of(made) for t in m.data()["tests"]], given=False)
    readable = [t for t in (*given, *further) if not _wrong(t)]
    unusable = [_entry(t, DROPPED, f"it is no Python: {why}") for t in (*given, *further) if (why := _wrong(t))]
    beyond = [_entry(t, NOT_RUN, f"{most} tests are the most that are run") for t in readable[most:]]
    return {"queue": readable[:most], "unusable": unusable + beyond}


def _tests(task: Reply, said: Sequence[dict[str, Any]], *, given: bool) -> Replies:
    kind, name = ("given" if given else "further"), task.data()["function"]
    return [
        reply(f"{name}({t['input']}) must give {t['expected']}", key=f"{kind} {n}", data={**t, "given": given})
        for n, t in enumerate(said, 1)
    ]


def _wrong(test: Reply) -> str:
    """Why a test is no call and value in Python; empty where it is."""
    call, value = f"f(\n{test.data()['input']}\n)", test.data()["expected"].strip()
    if wrong := wrong_python(call) or wrong_python(f"(\n{value}\n)"):
        return wrong
    body = ast.parse(call).body
    whole = len(body) == 1 and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Call)
    return "" if whole and value else "it is no call and no value"


@pure
def picked_approach(approaches: Replies, ranked: Replies) -> Replies:
    """The approach that the ranking names; the first where it was lost, none where there is none."""
    usable = ok_of(approaches)
    number = next((r.data()["best"] for r in ok_of(ranked)), 1)
    return usable[number - 1 : number] or usable[:1]


@pure
def first_module(written: Replies) -> Reply:
    """The code as a module."""
    return _module(written[-1])


def _module(written: Reply) -> Reply:
    return reply(source_of(written).strip("\n"), key="code", model=written.model)


@pure
def no_code(revised: Replies) -> bool:
    """Whether no revision was made, or one that is no Python."""
    return not any(not wrong_python(source_of(r)) for r in ok_of(revised))


@pure
def check_program(task: Replies, code: Replies, test: Replies, anchors: Replies, seed: int) -> Slots:
    """`program` runs one test and all anchors on the code, which is `files`; it marks what passed by a word that the
    code cannot know.
    """
    word = f"passed {seed:x}"
    parts = [_CHECK.format(name=task[0].data()["function"], key=t.key, **_call(t)) for t in (*test, *anchors)]
    cell = _PROGRAM.format(name=task[0].data()["function"], checks="\n".join(parts), word=word)
    files = [_module(code[-1]).but(key="solution.py")]
    return {"program": [reply(key="program", data={"code": cell, "word": word})], "files": files}


def _call(test: Reply) -> dict[str, str]:
    return {k: test.data()[k] for k in ("input", "expected")}


@pure
def check_seen(test: Replies, anchors: Replies, program: Replies, ran: Replies) -> Reply:
    """What a program gave: fields passed (the test), broken (anchors that failed) and lost; text is what is told."""
    one = ran[-1]
    found = (one.data().get("values") or {}).get("results") if one.ok else None
    results: dict[str, Any] = found if isinstance(found, dict) else {}
    word = program[0].data()["word"]
    ended = str(one.data().get("error") or "") if one.ok else f"it was not run: {one.cause}"
    told = {t.key: _told(results.get(t.key), word, ended) for t in (*test, *anchors)}
    message = told[test[0].key]
    broken = [a for a in anchors if told[a.key]]
    data = {"passed": not message, "message": message, "broken": [f"{a.text}: {told[a.key]}" for a in broken]}
    return reply("\n".join([message or PASSED, *_broken(data)]), key=test[0].key, data={**data, "lost": []})


def _told(result: object, word: str, ended: str) -> str:
    """Why a test did not pass; empty where it did."""
    if result == word:
        return ""
    return str(result)[:MOST_MESSAGE] if isinstance(result, str) else ended or "it did not come to its end"


def _broken(data: dict[str, Any]) -> list[str]:
    return [f"It breaks a test that passed before: {b}" for b in data["broken"]]


@pure
def kept_code(code: Replies, seen: Replies, revised: Replies, again: Replies) -> Slots:
    """The revised code with its run; the code as it was where there is no revision, or where it breaks an anchor."""
    before = seen[-1]
    if no_code(revised):
        why = first_cause(revised) or "a revision was no Python"
        return {"code": code, "seen": [before.but(data={**before.data(), "lost": [*before.data()["lost"], why]})]}
    broken = _broken(again[-1].data())
    if broken:
        told = f"{before.data()['message']}\nA revision was discarded.\n" + "\n".join(broken)
        return {"code": code, "seen": [before.but(text=told)]}
    made = again[-1]
    return {
        "code": [_module(ok_of(revised)[-1])],
        "seen": [made.but(data={**made.data(), "lost": before.data()["lost"]})],
    }


@pure
def not_to_judge(test: Replies, seen: Replies) -> bool:
    """Whether a test is not doubted: it passed, or it came with the task."""
    return passed(seen) or bool(test[0].data()["given"])


@pure
def settled_test(test: Replies, seen: Replies, judged: Replies) -> Slots:
    """The `entry` of a test in the log, and the test itself as a new `anchor` if it passed."""
    one, data = test[0], seen[-1].data()
    if data["passed"]:
        return {"entry": [_entry(one, PASSED, "", data["lost"])], "anchor": [one]}
    said = next((j.data() for j in ok_of(judged)), None)
    lost = [*data["lost"], *causes(judged)]
    if said and said["wrong"] == "yes":
        return {"entry": [_entry(one, DROPPED, said["reason"], lost)], "anchor": []}
    status = FAILED if one.data()["given"] else KNOWN_FAILURE
    return {"entry": [_entry(one, status, data["message"], lost)], "anchor": []}


def _entry(test: Reply, status: str, reason: str, lost: Sequence[str] = ()) -> Reply:
    data = {"test": test.text, "given": test.data()["given"], "covers": test.data().get("covers", "")}
    return reply(
        f"{test.text}: {status}", key=test.key, data={**data, "status": status, "reason": reason, "lost": lost}
    )


@pure
def given_test_failed(log: Replies) -> bool:
    """Whether a test that came with the task still fails: then the run stops."""
    return bool(log) and log[-1].data()["status"] == FAILED


@pure
def anchored_code(
    code: Replies, log: Replies, left: Replies, unusable: Replies, approaches: Replies, ranked: Replies, made: Replies
) -> Reply:
    """The code with its tests and what became of them. `quality` is the share of tests that passed of those that count.

    A given test that fails makes it incomplete, a known failure or what was lost degraded, no test at all unchecked.
    """
    rows = [e.data() for e in (*log, *(_entry(t, NOT_RUN, "") for t in left), *unusable)]
    counts = {s: sum(r["status"] == s for r in rows) for s in (PASSED, FAILED, KNOWN_FAILURE, DROPPED, NOT_RUN)}
    counted = counts[PASSED] + counts[FAILED] + counts[KNOWN_FAILURE]
    data: dict[str, Any] = {
        "code": code[-1].text,
        "tests": rows,
        **{status.replace(" ", "_"): n for status, n in counts.items()},
        "lost": [*causes(approaches), *causes(ranked), *causes(made), *(t for r in rows for t in r["lost"])],
    }
    if counted:
        data["quality"] = counts[PASSED] / counted
    outcome: Outcome = "answered"
    if counts[FAILED]:
        outcome = "incomplete"
    elif not counted:
        outcome = "unchecked"
    elif counts[KNOWN_FAILURE] or data["lost"]:
        outcome = "degraded"
    head = ["A test that came with the task still fails.", ""] if counts[FAILED] else []
    lines = [*head, "```python", data["code"], "```", *section("Tests", [_line(r) for r in rows])]
    return reply("\n".join(lines), key="answer", data=data, model=code[-1].model, outcome=outcome)


def _line(row: dict[str, Any]) -> str:
    reason = f" ({' '.join(row['reason'].split())})" if row["reason"] else ""
    return f"{row['test']}: {row['status']}{reason}"


_CHECK = """\
def _check():
    got = {name}(
{input}
)
    wanted = (
{expected}
)
    near = isinstance(wanted, float) and isinstance(got, (int, float)) and math.isclose(got, wanted, rel_tol=1e-9)
    assert got == wanted or near, f"it gave {{got!r}}, {{wanted!r}} is expected"
_tests[{key!r}] = _check
"""
_PROGRAM = """\
import math, sys
sys.path.insert(0, ".")
from solution import {name}
_tests, results = {{}}, {{}}
{checks}
for _key, _test in _tests.items():
    try:
        _test()
        results[_key] = {word!r}
    except BaseException as error:
        results[_key] = f"{{type(error).__name__}}: {{error}}"
"""
