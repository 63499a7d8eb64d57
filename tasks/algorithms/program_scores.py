"""Programs that a search makes: what it is given, edits, and their scores by an evaluator that they cannot touch.

A program defines `solve(case)`; the evaluator defines `score(case, output)`, which gives a number or several by name,
more being better. The two run apart: the program's outputs are data to the evaluator.
"""

import json
import re
from math import isfinite
from statistics import fmean
from typing import Any

from tasks.algorithms.marked_tests import wrong_python
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, canonical, first_cause, ok_of, reply
from utils.errors import BadInput

PROGRAM, EVALUATOR = "program.py", "evaluator.py"
START, END = "# EVOLVE-BLOCK-START", "# EVOLVE-BLOCK-END"
MOST_PROGRAM, MOST_ERROR, MOST_SHOWN = 30_000, 2000, 8000


@pure
def what_is_given(evaluator: Replies, program: Replies, cases: Replies, held_out: Replies) -> str:
    """search where anything is given to search with, else nothing."""
    return "search" if _text(evaluator).strip() or _text(program).strip() or cases or held_out else "nothing"


@pure
def what_is_needed() -> Reply:
    """The answer where nothing was given that a program could be scored by: nothing was asked or paid."""
    return reply(NEEDED, key="answer", outcome="incomplete")


@pure
def search_material(
    evaluator: Replies, program: Replies, cases: Replies, held_out: Replies, target: Replies, quick: int, times: int
) -> Slots:
    """What the search runs on: files, cases as JSON text, the cells that run and score a program, the target.

    `starts` is the seed program so many times. Raises BadInput for what is missing or cannot be used.
    """
    seed, judge = _text(program), _text(evaluator)
    _usable("evaluator", judge, "def score(")
    _usable("program", seed, "def solve(")
    if not changeable(seed):
        raise BadInput(f"--program marks nothing that may change: put lines `{START}` and `{END}` around it")
    known, held = [c.data() for c in cases], [c.data() for c in held_out]
    if len(known) < quick or not held:
        raise BadInput(f"{len(known)} --cases and {len(held)} --held_out: at least {quick} and 1 are needed")
    if any(h in known for h in held):
        raise BadInput("a case of --held_out is among --cases: held-out cases are those that the search never sees")
    shown = canonical(known)
    return {
        "evaluator": [reply(judge, key=EVALUATOR)],
        "starts": [reply(seed, key=f"run {n}") for n in range(1, times + 1)],
        "quick": [reply(canonical(known[:quick]), key="quick")],
        "cases": [reply(shown, key="cases")],
        "held": [reply(canonical(held), key="held")],
        "shown": [reply(shown[:MOST_SHOWN], key="cases")],
        "run": [reply(RUN, key="run")],
        "score": [reply(SCORE, key="score")],
        "target": _target(_text(target)),
    }


def _text(given: Replies) -> str:
    return given[0].text if given else ""


def _usable(option: str, code: str, defines: str) -> None:
    if not code.strip():
        raise BadInput(f"--{option} is needed: Python with `{defines}...)`")
    if wrong := wrong_python(code):
        raise BadInput(f"--{option} is no Python: {wrong}")
    if defines not in code:
        raise BadInput(f"--{option}: Python with `{defines}...)` is right")


def _target(text: str) -> Replies:
    if not text.strip():
        return []
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise BadInput(f"--target '{text[:40]}' is no number")
    return [reply(text.strip(), key="target", score=value)]


def changeable(program: str) -> list[tuple[int, int]]:
    """Where what may change stands, from after the line that begins one to before the line that ends it."""
    return [m.span(1) for m in BLOCK.finditer(program)]


@pure
def program_file(program: Replies) -> Reply:
    """A program as the file that is run."""
    return reply(program[0].text, key=PROGRAM, data={"error": ""})


@pure
def applied_edits(parent: Replies, child: Replies) -> Reply:
    """The parent with the search and replace blocks of a reply, as the file that is run; or the error of the first that
    does not fit.

    A search text must occur exactly once in what may change. A whole program that is no Python is an error too.
    """
    if not ok_of(child):
        return reply(key=PROGRAM, data={"error": f"there is no edit: {first_cause(child)}"})
    before = after = parent[0].text
    edits = [(m["search"].strip("\n"), m["replace"].strip("\n")) for m in EDIT.finditer(child[-1].text)]
    error = "" if edits else "there is no SEARCH/REPLACE block in the reply"
    for search, put in edits:
        after, error = _edited(after, search, put)
        if error:
            break
    error = error or _unfit(before, after)
    return reply("" if error else after, key=PROGRAM, data={"error": error})


def _edited(program: str, search: str, put: str) -> tuple[str, str]:
    if START in put or END in put:
        return program, "a REPLACE text may not hold the marks of a block"
    places = [at for start, end in changeable(program) for at in _places(search, program, start, end)]
    if len(places) != 1:
        found = "nowhere" if not places else f"{len(places)} times"
        return program, f"a SEARCH text stands {found} in what may change, and must stand there once: {search[:300]!r}"
    return program[: places[0]] + put + program[places[0] + len(search) :], ""


def _places(part: str, text: str, start: int, end: int) -> list[int]:
    found: list[int] = []
    at = text.find(part, start, end) if part.strip() else -1
    while at >= 0:
        found.append(at)
        at = text.find(part, at + 1, end)
    return found


def _unfit(before: str, after: str) -> str:
    if after == before:
        return "the edits change nothing"
    if len(after) > MOST_PROGRAM:
        return f"the program has {len(after):,} characters, {MOST_PROGRAM:,} are allowed"
    wrong = wrong_python(after)
    return f"the edited program is no Python: {wrong}" if wrong else ""


@pure
def not_applied(file: Replies) -> bool:
    """Whether there is no program to run."""
    return not file or bool(file[0].data()["error"])


@pure
def outputs_of(ran: Replies, cases: Replies) -> Reply:
    """What a program gave for the cases, as JSON text; field `error` where it gave no output for each."""
    if not ran:
        return reply(key="outputs", data={"error": "it was not run"})
    data: dict[str, Any] = ran[-1].data() if ran[-1].ok else {"error": ran[-1].cause}
    said = (data.get("values") or {}).get("outputs")
    if data.get("error") or not _list_of(said, len(json.loads(cases[0].text))):
        told = f"{data.get('error') or 'it gave no outputs'}\n{data.get('output', '')}"
        return reply(key="outputs", data={"error": told.strip()[-MOST_ERROR:]})
    return reply(str(said), key="outputs", data={"error": ""})


def _list_of(text: object, length: int) -> bool:
    try:
        found = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(found, list) and len(found) == length


@pure
def no_outputs(outputs: Replies) -> bool:
    """Whether there is nothing to score."""
    return bool(outputs[0].data()["error"])


@pure
def stage_result(outputs: Replies, scored: Replies) -> Reply:
    """A stage of the evaluation: fields passed, error, vector (the mean of each score over the cases) and score (the
    mean of those).
    """
    error, rows = str(outputs[0].data()["error"]), list[dict[str, float]]()
    if not error:
        unscored: dict[str, Any] = {"error": first_cause(scored) or "it was not scored"}
        data = ok_of(scored)[-1].data() if ok_of(scored) else unscored
        error = str(data.get("error") or "")
        error = f"the evaluator: {error}\n{data.get('output', '')}".strip()[-MOST_ERROR:] if error else ""
        rows = _rows((data.get("values") or {}).get("scores"))
        if not error and not rows:
            error = "the evaluator gave no finite numbers, or not the same ones for every case"
    vector = {} if error else {name: fmean(r[name] for r in rows) for name in rows[0]}
    score = fmean(vector.values()) if vector else None
    found = {"passed": not error, "error": error, "vector": vector, "score": score}
    return reply(error or f"score {score:g}", key="stage", data=found, score=score)


def _rows(scores: object) -> list[dict[str, float]]:
    """The scores of each case by name; nothing where one is no finite number, or the names differ."""
    rows = [_vector(s) for s in scores] if isinstance(scores, list) else []
    return rows if rows and rows[0] and all(r.keys() == rows[0].keys() for r in rows) else []


def _vector(given: object) -> dict[str, float]:
    named = given if isinstance(given, dict) else dict(enumerate(given if isinstance(given, list) else [given], 1))
    fine = all(isinstance(v, int | float) and not isinstance(v, bool) and _finite(v) for v in named.values())
    return {str(k): float(v) for k, v in sorted(named.items())} if fine else {}


def _finite(number: float) -> bool:
    try:
        return abs(float(number)) < MOST_SCORE
    except OverflowError:
        return False


def passes(stage: Reply) -> bool:
    """Whether a stage of the evaluation was passed."""
    return stage.ok and bool(stage.data()["passed"])


@pure
def not_passed(stage: Replies) -> bool:
    """Whether a stage of the evaluation was not passed."""
    return not stage or not passes(stage[-1])


EDIT = re.compile(
    r"^<{5,9} ?SEARCH[ \t]*\n(?P<search>.*?)^={5,9}[ \t]*\n(?P<replace>.*?)^>{5,9} ?REPLACE", re.DOTALL | re.MULTILINE
)
BLOCK = re.compile(rf"^[ \t]*{re.escape(START)}[^\n]*\n(.*?)^[ \t]*{re.escape(END)}", re.DOTALL | re.MULTILINE)
NEEDED = """\
Nothing was searched: a search needs more than a prompt.
- evaluator: Python that defines score(case, output)
- program: Python that defines solve(case), with the evolvable block marked
- cases: at least three, as a JSON list of objects, and held_out: at least one that the search never sees"""
MOST_SCORE = 1e150
"""Beyond it a score is no number that could be averaged."""
RUN = """\
import json, sys
sys.path.insert(0, ".")
from program import solve
outputs = json.dumps([solve(case) for case in json.loads(cases)], allow_nan=False)"""
SCORE = """\
import json, sys
sys.path.insert(0, ".")
from evaluator import score
scores = [score(case, output) for case, output in zip(json.loads(cases), json.loads(outputs), strict=True)]"""
