"""Trials of a pattern: who is tried on what, how often, what came of it, and how good that was.

An example is a reply: key e1, e2 ..., text what is asked, fields prompt and expected. A result adds example, run,
answer, trace, lost (why there is no answer), calls, cost (USD), score in [0, 1] (null where nobody could judge it)
and reason.
"""

from collections.abc import Iterable, Sequence
from math import isfinite
from statistics import fmean, pstdev
from typing import Any

from tasks.algorithms.supplied_code import code_call
from tasks.answers import after_marker, normalised
from tasks.functions import pure
from tasks.reply import Replies, Reply, first_cause, ok_of, reply

MARKER, ASKED = "Answer", "prompt"
MOST_ANSWER = 4000
"""Characters of an answer that a metric or a judge sees: its end, where the final answer stands."""
MOST_CELL = 60_000
"""Characters of a cell that scores results, about."""


@pure
def numbered_examples(given: Replies) -> Replies:
    """The examples, keyed e1, e2 ... in order."""
    rows = [(g.text, str(g.data().get("expected", ""))) for g in given]
    return [
        reply(asked, key=f"e{n}", data={"prompt": asked, "expected": expected})
        for n, (asked, expected) in enumerate(rows, 1)
    ]


@pure
def trials(examples: Replies, runs: int = 1, of: Replies | None = None) -> Replies:
    """Each example so many times; nothing where there is nothing (`of`) to try."""
    if of is not None and not ok_of(of):
        return []
    return [
        e.but(key=f"{e.key} · {run}", data={**e.data(), "example": e.key, "run": run})
        for e in examples
        for run in range(1, runs + 1)
    ]


@pure
def question(item: Replies) -> Reply:
    """What a trial asks, without what is expected."""
    return reply(item[0].text, key=ASKED)


@pure
def outcome(item: Replies, answers: Replies, trace: Replies, spent: Replies) -> Reply:
    """What came of one trial."""
    good = ok_of(answers)
    cost = spent[0].data()
    data = {
        **item[0].data(),
        "answer": good[-1].text if good else "",
        "trace": "\n".join(_traced(t) for t in trace),
        "lost": "" if good else first_cause(answers) or "it gave no answer",
        "calls": cost["calls"],
        "cost": cost["cost"],
    }
    return reply(data["answer"], key=item[0].key, data=data)


def _traced(made: Reply) -> str:
    """What one block gave; the trial's own key stands before that of the block."""
    name = made.key.removeprefix(f"{ASKED} · ")
    return f"[{name}] {made.text or made.fields}" if made.ok else f"[{name}] failed: {made.cause}"


@pure
def metric_calls(results: Replies, metric: Replies) -> Replies:
    """The calls of the code tool that score the results by a supplied `score(answer, expected)`; none without it."""
    if not metric:
        return []
    cases = ([[_end(r), r.data()["expected"]] for r in batch] for batch in _batches(results))
    return [code_call(f"{metric[0].text}\n\n_cases = {case!r}\n{SCORE_ALL}") for case in cases]


@pure
def to_judge(results: Replies, metric: Replies) -> Replies:
    """The answers that a judge scores: all that there are, where no metric does."""
    return [] if metric else [_for_judge(r) for r in ok_of(results) if not r.data()["lost"]]


@pure
def scored(results: Replies, metric: Replies, measured: Replies, judged: Replies | None = None) -> Replies:
    """The results with score and reason: by the metric, else by the judge where there is one, else right or wrong.

    A trial without an answer is worth 0, and so is one on which the metric fails.
    """
    if metric:
        found = [row for n, batch in enumerate(_batches(results)) for row in _measured(measured, n, len(batch))]
    elif judged is not None:
        by_key = {j.key: j for j in judged}
        found = [_judged(by_key.get(r.key)) for r in results]
    else:
        found = [_exact(r) for r in results]
    return [_with_score(r, *row) for r, row in zip(results, found, strict=True)]


def _with_score(result: Reply, score: float | None, reason: str) -> Reply:
    data = result.data()
    if data["lost"]:
        score, reason = 0.0, f"no answer: {data['lost']}"
    return result.but(score=score, data={**data, "score": score, "reason": reason})


def _for_judge(result: Reply) -> Reply:
    data = result.data()
    return result.but(data={"prompt": data["prompt"], "expected": data["expected"], "answer": _end(result)})


def _end(result: Reply) -> str:
    return str(result.data()["answer"])[-MOST_ANSWER:]


def _batches(results: Sequence[Reply]) -> list[list[Reply]]:
    batches: list[list[Reply]] = []
    room = 0
    for one in results:
        size = len(repr([_end(one), one.data()["expected"]]))
        if not batches or size > room:
            batches.append([])
            room = MOST_CELL
        batches[-1].append(one)
        room -= size
    return batches


def _measured(measured: Replies, batch: int, size: int) -> list[tuple[float | None, str]]:
    ran = next((m for m in measured if m.at[:1] == [batch]), None)
    rows = ran.data().get("final") if ran and ran.ok else None
    if not isinstance(rows, list) or len(rows) != size:
        why = (ran.cause or str(ran.data().get("error", ""))) if ran else "it was not run"
        return [(0.0, f"the metric failed: {why or 'it gave no scores'}")] * size
    return [_row(row) for row in rows]


def _row(row: Any) -> tuple[float, str]:
    match row:
        case [int() | float() as value, str() as why] if isfinite(value):
            return min(1.0, max(0.0, float(value))), why
    return 0.0, "the metric gave no number"


def _judged(judged: Reply | None) -> tuple[float | None, str]:
    if judged is None or not judged.ok:
        return None, f"not judged: {judged.cause if judged else 'nobody was asked'}"
    said = judged.data()
    return float(said["score"]) / 100, str(said["reason"])


def _exact(result: Reply) -> tuple[float | None, str]:
    """Right where the final answer, or the whole text without one, is the expected one in the form of answers."""
    data = result.data()
    wanted = normalised(data["expected"])
    said = {normalised(data["answer"]), normalised(after_marker(data["answer"], MARKER))}
    return (1.0, "right") if wanted in said else (0.0, "not the expected answer")


def mean_score(results: Iterable[Reply]) -> float:
    """The mean of the scores that there are; 0 without any."""
    return fmean([s for r in results if (s := r.data()["score"]) is not None] or [0.0])


def by_example(results: Iterable[Reply]) -> dict[str, list[float]]:
    """The scores of each example, over its runs."""
    found: dict[str, list[float]] = {}
    for one in results:
        data = one.data()
        if data["score"] is not None:
            found.setdefault(data["example"], []).append(data["score"])
    return found


def measures(results: Replies) -> dict[str, float]:
    """Mean score, its spread over the runs (standard deviation), and the mean cost (USD) and calls of one trial."""
    runs: dict[int, Replies] = {}
    for one in results:
        runs.setdefault(one.data()["run"], []).append(one)
    return {
        "score": mean_score(results),
        "spread": pstdev([mean_score(run) for run in runs.values()]) if runs else 0.0,
        "cost": fmean([r.data()["cost"] for r in results] or [0.0]),
        "calls": fmean([r.data()["calls"] for r in results] or [0.0]),
    }


def worst(results: Replies, most: int, answer: int = 600) -> list[dict[str, Any]]:
    """Of so many examples the run with the lowest score, the worst first, without those that are full."""
    rows: dict[str, dict[str, Any]] = {}
    for one in sorted(results, key=lambda r: (r.data()["score"] is None, r.data()["score"])):
        data = one.data()
        if data["score"] is not None and data["score"] < 1:
            rows.setdefault(data["example"], data)
    return [
        {
            "asked": d["prompt"][:answer],
            "expected": d["expected"][:answer],
            "answer": d["answer"][-answer:],
            "score": d["score"],
            "reason": d["reason"][:answer],
        }
        for d in list(rows.values())[:most]
    ]


SCORE_ALL = """
def _scored(answer, expected):
    try:
        given = score(answer, expected)
        value, why = given if isinstance(given, tuple) else (given, "by the metric")
        return [float(value), str(why)[:500]]
    except Exception as error:
        return [0.0, f"the metric failed: {type(error).__name__}: {error}"[:500]]


final_answer([_scored(answer, expected) for answer, expected in _cases])
"""
