"""Trials of a task: each is evaluated, a failed one leaves a lesson, and the next one starts anew with the lessons."""

import ast
from typing import Any, Literal

from tasks.algorithms.gates import passed
from tasks.algorithms.longform import first_words
from tasks.algorithms.supplied import none_ok
from tasks.code import source_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from utils.errors import BadInput

REFLECTION = "reflection"
"""The kind of memory in which lessons are kept: its text is the task, its field `lesson` what was learned."""
LESSON_WORDS = 120
EVIDENCE = 2000
"""Characters of evidence that are kept of an evaluation."""


@pure
def recalled_lessons(recalled: Replies, least: float) -> Replies:
    """The lessons of remembered tasks that fit at least so well."""
    fitting = [r for r in ok_of(recalled) if r.score is not None and r.score >= least]
    lessons = dict.fromkeys(str((r.data().get("fields") or {}).get("lesson") or "").strip() for r in fitting)
    return [reply(text, key=f"memory {n}") for n, text in enumerate((t for t in lessons if t), 1)]


@pure
def runnable_tests(tests: Replies) -> Replies:
    """The tests as one reply, or none. Raises BadInput for tests that are no Python."""
    code = source_of(tests[0]).strip() if tests else ""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError) as error:
        raise BadInput(f"--tests is no Python: {error}") from error
    return [reply(code, key="tests")] if code else []


@pure
def trial(prompt: Replies, lessons: Replies, turn: int, most: int = 3) -> Slots:
    """`start` is the task as it is given to the agent, `recent` the last lessons: all that a trial starts from."""
    return {"start": [reply(prompt[0].text, key=f"trial {turn}")], "recent": lessons[-most:]}


@pure
def evaluator(tests: Replies) -> Literal["tests", "judge"]:
    """Who evaluates: the tests where there are any."""
    return "tests" if tests else "judge"


@pure
def cell_of_tests(tests: Replies, attempt: Replies, seed: int) -> Slots:
    """`cell` runs the tests, and shows by a word that nothing in the answer knows that it came to their end; `files` is
    the answer's code.
    """
    word = f"came to the end {seed}"
    cell = f"{tests[0].text}\nfinal_answer({word!r})"
    code = source_of(attempt[0]) if attempt else ""
    return {"cell": [reply(data={"code": cell, "word": word})], "files": [reply(code, key="solution.py")]}


@pure
def verdict_of_tests(attempt: Replies, cell: Replies, ran: Replies) -> Reply:
    """The verdict of the tests: passed if they came to their end without an error."""
    if none_ok(attempt) or not ok_of(ran):
        return _unknown(attempt, ran, "tests")
    data = ran[-1].data()
    passed = bool(data.get("ok")) and data.get("final") == cell[0].data()["word"]
    evidence = "all tests passed" if passed else str(data.get("error") or "the tests did not come to their end")
    shown = evidence if passed else f"{evidence}\n{data.get('output', '')}".strip()
    return _verdict("tests", passed, shown)


@pure
def judged(attempt: Replies, verdict: Replies) -> Reply:
    """The verdict of the judge; where there is none, it is not known whether the trial passed."""
    if none_ok(attempt) or not ok_of(verdict):
        return _unknown(attempt, verdict, "judge")
    said = verdict[-1].data()
    return _verdict("judge", said["passed"] is True, str(said["evidence"]))


def _verdict(by: str, passed: bool, evidence: str, *, known: bool = True) -> Reply:
    data = {"passed": passed, "evidence": evidence[:EVIDENCE], "by": by, "known": known}
    return reply(f"{'passed' if passed else 'failed' if known else 'not known'}: {data['evidence']}", data=data)


def _unknown(attempt: Replies, made: Replies, by: str) -> Reply:
    if none_ok(attempt):
        return _verdict(by, False, f"there was no answer: {first_cause(attempt)}", known=False)
    return _verdict(by, False, f"it could not be evaluated: {first_cause(made)}", known=False)


@pure
def no_failure(verdict: Replies) -> bool:
    """Whether there is nothing to learn from: the trial passed, or nobody knows."""
    return passed(verdict) or not verdict or not verdict[-1].data()["known"]


@pure
def lesson(made: Replies, turn: int) -> Replies:
    """What a reflection taught, cut at 120 words, as one reply or none."""
    return [
        r.but(text=first_words(r.text, LESSON_WORDS), key=f"trial {turn}") for r in ok_of(made)[-1:] if r.text.strip()
    ]


@pure
def nothing_proven(verdicts: Replies) -> bool:
    """Whether no lesson has shown its worth: the last trial failed, or none failed before it."""
    return not passed(verdicts) or not any(v.data()["known"] and not v.data()["passed"] for v in verdicts)


@pure
def reflections(prompt: Replies, lessons: Replies, recalled: Replies) -> Replies:
    """This run's own lessons as memories of its task."""
    known = {r.text for r in recalled}
    own = [r for r in lessons if r.text not in known]
    return [reply(prompt[0].text, key=r.key, data={"lesson": r.text}) for r in own]


@pure
def trials_answer(attempts: Replies, verdicts: Replies, lessons: Replies, made: Replies) -> Reply:
    """The last answer with its trials, whether it passed, and the lessons. `reward` is 1 / trials, 0 without a pass.

    `made` are the reflections as they were made, failed ones too. Fails the run where no trial gave an answer.
    """
    answered = ok_of(attempts)
    if not answered:
        raise Refuse(f"none of {len(attempts)} trials gave an answer: {first_cause(attempts)}")
    last, done = answered[-1], passed(verdicts)
    rows = [_row(n, a, v) for n, (a, v) in enumerate(zip(attempts, verdicts, strict=True), 1)]
    data = {
        "trials": len(attempts),
        "passed": done,
        "lessons": [r.text for r in lessons],
        "reward": 1 / len(attempts) if done else 0.0,
        "rows": rows,
        "lost": causes([*attempts, *made]) + [r["evidence"] for r in rows if not r["known"] and r["answered"]],
    }
    unknown = bool(verdicts) and not verdicts[-1].data()["known"] and attempts[-1].ok
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    if not done:
        outcome = "unchecked" if unknown else "incomplete"
    head = "" if done else f"{HEADS[outcome].format(trials=len(attempts), why=rows[-1]['evidence'])}\n\n"
    return reply(f"{head}{last.text}", key="answer", data=data, model=last.model, outcome=outcome)


def _row(number: int, attempt: Reply, verdict: Reply) -> dict[str, Any]:
    said = {name: verdict.data()[name] for name in ("passed", "evidence", "by", "known")}
    return {"trial": number, "answered": attempt.ok, "ended_by": attempt.data().get("ended_by", ""), **said}


HEADS = {
    "unchecked": "Whether this answer is right could not be evaluated: {why}",
    "incomplete": "This answer did not pass, after {trials} trials. What is wrong with it: {why}",
}
