"""A sketch with holes: markers and contracts, the programs that check a fill and the whole, and what they came to."""

import ast
import re
from textwrap import indent
from typing import Any

from tasks.algorithms.sections import section
from tasks.code import source_of
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply


@pure
def sketched(sketch: Replies) -> Reply:
    """A sketch with what is wrong with it: a marker that is missing, doubled or not alone in its line, a test that is
    no Python.
    """
    said = sketch[-1].data()
    skeleton, holes = said["skeleton"], said["holes"]
    problems = _problems(skeleton, holes)
    return reply(skeleton, key="sketch", data={"skeleton": skeleton, "holes": holes, "problems": problems})


def _problems(skeleton: str, holes: list[dict[str, str]]) -> list[str]:
    ids = [h["id"] for h in holes]
    found = [f"two holes are called {i}" for i in dict.fromkeys(ids) if ids.count(i) > 1]
    alone = [m.group(2) for m in MARKER.finditer(skeleton)]
    found += [WRONG_MARKER.format(id=i, times=alone.count(i)) for i in dict.fromkeys(ids) if alone.count(i) != 1]
    found += [f"the marker {m} has no hole" for m in dict.fromkeys(alone) if m not in ids]
    return found + [f"the test of {h['id']} is no Python: {wrong}" for h in holes if (wrong := _syntax(h["test"]))]


def _syntax(code: str) -> str:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return str(error) or type(error).__name__
    return ""


@pure
def first_round(checks: Replies) -> bool:
    """Whether nothing has been checked yet."""
    return not checks


@pure
def faults(fills: Replies, checks: Replies) -> Replies:
    """What failed in the last round: the holes with their messages, and the whole."""
    found = [reply(f"{f.key}: {f.data()['message']}", key=f.key) for f in fills if not _passed(f)]
    if checks and not _passed(checks[-1]):
        found.append(reply(f"the whole: {checks[-1].data()['message']}", key="whole"))
    return found


@pure
def current_sketch(before: Replies, revised: Replies) -> Reply:
    """The revised sketch; the one before where there is none."""
    return sketched(ok_of(revised)) if ok_of(revised) else before[0]


@pure
def holes_to_fill(sketch: Replies, before: Replies, fills: Replies) -> Replies:
    """The holes that are new or whose contract changed, as items; none while the sketch itself is wrong."""
    data = sketch[0].data()
    if data["problems"]:
        return []
    old = {h["id"]: h for h in before[0].data()["holes"]}
    filled = {f.key for f in fills}
    return [
        reply(h["must_provide"], key=h["id"], data=h)
        for h in data["holes"]
        if h["id"] not in filled or h != old[h["id"]]
    ]


@pure
def hole_program(hole: Replies, fill: Replies, seed: int) -> Reply:
    """The fill, then the hole's test; the last line gives a word that the fill cannot know, so that no early end
    passes.
    """
    code = source_of(fill[-1]).strip("\n") if fill[-1].ok else ""
    return _program(code, [hole[0].data()["test"]], seed)


@pure
def whole_program(sketch: Replies, fills: Replies, seed: int) -> Reply:
    """The skeleton with its fills, then the test of every hole; `complete` says whether each hole has passed."""
    tests = [h["test"] for h in sketch[0].data()["holes"]]
    made = _program(assembled(sketch[0], fills), tests, seed)
    return made.but(data={**made.data(), "complete": _complete(sketch[0], fills)})


def _program(code: str, tests: list[str], seed: int) -> Reply:
    word = f"reached {seed:x}"
    program = "\n\n".join([code, *tests, f"final_answer({word!r})\n"])
    return reply(program, key="program", data={"code": program, "filled": code, "word": word})


def assembled(sketch: Reply, fills: Replies) -> str:
    """The skeleton with each marker replaced by its fill; an open hole says so, with what it must provide."""
    made = {f.key: f.text for f in fills if _passed(f)}
    wanted = {h["id"]: h["must_provide"] for h in sketch.data()["holes"]}

    def filled(match: re.Match[str]) -> str:
        margin, hole = match.group(1), match.group(2)
        if hole in made:
            return indent(made[hole], margin)
        return f"{margin}# OPEN {hole}: {' '.join(wanted.get(hole, 'no contract').split())}"

    return MARKER.sub(filled, sketch.data()["skeleton"])


def _complete(sketch: Reply, fills: Replies) -> bool:
    ids = {h["id"] for h in sketch.data()["holes"]}
    return not sketch.data()["problems"] and ids == {f.key for f in fills if _passed(f)}


@pure
def incomplete(program: Replies) -> bool:
    """Whether there is no whole to run: a hole is open."""
    return not program[0].data()["complete"]


@pure
def fill_verdict(hole: Replies, fill: Replies, program: Replies, ran: Replies) -> Reply:
    """A fill with `passed` and the check's `message`."""
    one = fill[-1]
    message = f"there is no fill: {one.cause}" if not one.ok else _message(ran, program[0].data()["word"])
    data = {"passed": not message, "message": message}
    return one.but(key=hole[0].key, status="success", text=program[0].data()["filled"], data=data)


def _message(ran: Replies, word: str) -> str:
    """Why a program did not pass; empty where it ran to its last line."""
    one = ran[-1]
    if not one.ok:
        return f"it was not run: {one.cause}"
    data = one.data()
    if data["ok"] and data["final"] == word:
        return ""
    return str(data["error"] or "it ended before its tests were through") + _tail(str(data["output"]))


def _tail(output: str) -> str:
    return f"\n{output.strip()[-MOST_OUTPUT:]}" if output.strip() else ""


@pure
def last_fill(attempts: Replies) -> Reply:
    """The last attempt at a hole, with how many there were."""
    return attempts[-1].but(data={**attempts[-1].data(), "attempts": len(attempts)})


@pure
def current_fills(sketch: Replies, before: Replies, made: Replies) -> Replies:
    """The fills of the sketch's holes, in its order: those just made, else those that stand."""
    known = {f.key: f for f in before} | {f.key: _with_verdict(f) for f in made}
    return [known[h["id"]] for h in sketch[0].data()["holes"] if h["id"] in known]


def _with_verdict(fill: Reply) -> Reply:
    if fill.ok:
        return fill
    return fill.but(status="success", data={"passed": False, "message": fill.cause or fill.status, "attempts": 0})


@pure
def whole_verdict(sketch: Replies, fills: Replies, program: Replies, ran: Replies) -> Reply:
    """Whether the whole passed, and why not: what is wrong with the sketch, the open holes, or the run."""
    problems = sketch[0].data()["problems"]
    if not problems and not _complete(sketch[0], fills):
        have = {f.key for f in fills if _passed(f)}
        problems = [f"open: {', '.join(h['id'] for h in sketch[0].data()['holes'] if h['id'] not in have)}"]
    message = "; ".join(problems) or _message(ran, program[0].data()["word"])
    return reply(message or "passed", key="whole", data={"passed": not message, "message": message})


def _passed(one: Reply) -> bool:
    return one.data().get("passed") is True


@pure
def filled_sketch(sketch: Replies, fills: Replies, checks: Replies, draft: Replies, revised: Replies) -> Reply:
    """The assembled program with its check log; incomplete, with the open holes marked, where a check still fails."""
    last, whole = sketch[0], checks[-1]
    by_key = {f.key: f for f in fills}
    log = [_entry(h["id"], by_key.get(h["id"])) for h in last.data()["holes"]]
    log.append(
        {"check": "whole", "passed": _passed(whole), "message": whole.data()["message"], "attempts": len(checks)}
    )
    done = _passed(whole)
    data = {
        "program": assembled(last, fills),
        "checks": log,
        "open": [entry["check"] for entry in log if not entry["passed"]],
        "revised": len(checks) > 1,
        "informal": draft[0].text,
        "quality": sum(entry["passed"] for entry in log) / len(log),
        "lost": causes(revised),
    }
    outcome: Outcome = "answered" if done else "incomplete"
    head = [] if done else [f"Incomplete: {whole.data()['message'].splitlines()[0]}", ""]
    text = [*head, "```python", data["program"], "```", *section("Checks", map(_line, log))]
    return reply("\n".join(text), key="answer", data=data, model=draft[0].model, outcome=outcome)


def _entry(name: str, fill: Reply | None) -> dict[str, Any]:
    if fill is None:
        return {"check": name, "passed": False, "message": "it was never filled", "attempts": 0}
    data = fill.data()
    return {"check": name, "passed": _passed(fill), "message": data["message"], "attempts": data["attempts"]}


def _line(entry: dict[str, Any]) -> str:
    message = (entry["message"].splitlines() or [""])[0]
    return f"{entry['check']}: {'passed' if entry['passed'] else f'FAILED ({message})'}"


MARKER = re.compile(r"^([ \t]*)(?:#[ \t]*)?(H\d{1,2})[ \t]*$", re.MULTILINE)
MOST_OUTPUT = 1_500
WRONG_MARKER = "the marker {id} stands {times} times alone in a line, once is right"
