"""Calibrated confidence: signals combined by a logistic whose weights are fitted to what turned out, and its error.

Expected calibration error: Naeini et al. 2015. The fit is Newton's method, with steps halved where they
overshoot, on the penalised log-likelihood.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, log
from statistics import fmean
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Replies, Reply, ok_of, reply

SIGNALS = ("samples", "models", "sources")
EQUAL = (0.0, 1 / 3, 1 / 3, 1 / 3)
"""Bias and weights before there are labels enough."""
LEAST_LABELS = 100
NEAREST = 0.02
"""How near to 0 or 1 a signal counts at most."""
PENALTY = 1.0
STEPS = 50
SMALLEST = 1e-9
BINS = 10
WEEK = timedelta(days=7)
Weights = Sequence[float]


def logit(share: float) -> float:
    """The log-odds of a share, kept NEAREST away from 0 and 1."""
    kept = min(1 - NEAREST, max(NEAREST, share))
    return log(kept / (1 - kept))


def probability(signals: Sequence[float | None], weights: Weights = EQUAL) -> float | None:
    """The probability that a claim is true, in (0, 1); a signal that is missing leaves its weight to the others.

    None where there is none.
    """
    have = [(logit(s), w) for s, w in zip(signals, weights[1:], strict=True) if s is not None]
    if not have:
        return None
    present, everything = sum(w for _, w in have), sum(weights[1:])
    scale = everything / present if len(have) < len(signals) and present else 1.0
    return _sigmoid(weights[0] + scale * sum(x * w for x, w in have))


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-max(-30.0, min(30.0, x))))


def fitted(rows: Sequence[tuple[Sequence[float], bool]]) -> tuple[float, ...]:
    """Bias and weights that fit signals to labels, drawn towards EQUAL by a penalty."""
    weights = list(EQUAL)
    data = [([1.0, *(logit(s) for s in signals)], right) for signals, right in rows]
    for _ in range(STEPS):
        step, size = _newton(weights, data), 1.0
        now = _likelihood(weights, data)
        # A full step may overshoot where few labels tell against much certainty.
        while size > SMALLEST and _likelihood(_moved(weights, step, size), data) < now:
            size /= 2
        weights = _moved(weights, step, size)
        if max(abs(s) for s in step) * size < SMALLEST:
            break
    return tuple(round(w, 6) for w in weights)


Labelled = Sequence[tuple[list[float], bool]]


def _moved(weights: Sequence[float], step: Sequence[float], size: float) -> list[float]:
    return [w + size * s for w, s in zip(weights, step, strict=True)]


def _chance(weights: Sequence[float], x: Sequence[float]) -> float:
    return _sigmoid(sum(w * v for w, v in zip(weights, x, strict=True)))


def _likelihood(weights: Sequence[float], data: Labelled) -> float:
    """The log-likelihood of the labels, less the penalty."""
    ps = [_chance(weights, x) for x, _ in data]
    fit = sum(log(p if right else 1 - p) for p, (_, right) in zip(ps, data, strict=True))
    return fit - PENALTY / 2 * sum((w - e) ** 2 for w, e in zip(weights, EQUAL, strict=True))


def _newton(weights: Sequence[float], data: Labelled) -> list[float]:
    """The step to the top of the parabola that touches the likelihood here."""
    size = len(weights)
    slope = [PENALTY * (e - w) for w, e in zip(weights, EQUAL, strict=True)]
    curve = [[PENALTY if i == j else 0.0 for j in range(size)] for i in range(size)]
    for x, right in data:
        p = _chance(weights, x)
        for i in range(size):
            slope[i] += (right - p) * x[i]
            for j in range(size):
                curve[i][j] += p * (1 - p) * x[i] * x[j]
    return _solved(curve, slope)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """The solution of a positive definite system, by elimination."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        for k in range(i + 1, size):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    found = [0.0] * size
    for i in reversed(range(size)):
        found[i] = (rows[i][size] - sum(rows[i][j] * found[j] for j in range(i + 1, size))) / rows[i][i]
    return found


def calibration_error(pairs: Sequence[tuple[float, bool]]) -> float | None:
    """The expected calibration error in [0, 1]: how far stated probabilities lie from shares that were right."""
    if not pairs:
        return None
    bins: dict[int, list[tuple[float, bool]]] = {}
    for p, right in pairs:
        bins.setdefault(min(BINS - 1, int(p * BINS)), []).append((p, right))
    return sum(len(b) / len(pairs) * abs(fmean(p for p, _ in b) - fmean(r for _, r in b)) for b in bins.values())


def weights_for(tables: Replies, task: str) -> tuple[Weights, int]:
    """The weights of a kind of task and how many labels they rest on: EQUAL while these are too few."""
    for table in ok_of(tables):
        fields: Any = table.data()["fields"]
        if fields["task"] == task:
            enough = fields["labels"] >= LEAST_LABELS
            return (fields["weights"] if enough else EQUAL), int(fields["labels"])
    return EQUAL, 0


def _by_task(labels: Replies) -> dict[str, list[dict[str, Any]]]:
    """The labels of each kind of task, the latest of each claim alone."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for one in labels:
        fields = one.data()["fields"]
        found.setdefault(fields["task"], {}).setdefault(fields["prediction"], fields)
    return {task: list(of.values()) for task, of in sorted(found.items())}


@pure
def refit_due(labels: Replies, tables: Replies, now: str) -> bool:
    """Whether there are labels later than the last fit, and a week has gone since it."""
    if not labels:
        return False
    last = max((datetime.fromisoformat(t.data()["since"]) for t in tables), default=None)
    new = max(datetime.fromisoformat(one.data()["since"]) for one in labels)
    return last is None or (new > last and datetime.fromisoformat(now) - last >= WEEK)


@pure
def refitted(labels: Replies, now: str) -> Replies:
    """A table a kind of task: weights (fitted from LEAST_LABELS on), labels, and the calibration error of what was
    stated and of what these weights would have stated.
    """
    return [_table(task, of) for task, of in _by_task(labels).items()]


def _table(task: str, labels: list[dict[str, Any]]) -> Reply:
    rows = [([0.5 if s is None else s for s in one["signals"]], bool(one["right"])) for one in labels]
    weights = fitted(rows) if len(rows) >= LEAST_LABELS else EQUAL
    stated = calibration_error([(one["p"], bool(one["right"])) for one in labels])
    after = calibration_error([(probability(s, weights) or 0.5, right) for s, right in rows])
    data = {"task": task, "weights": list(weights), "labels": len(rows), "error": stated, "error_after": after}
    text = f"{task}: {len(rows)} labelled claims, expected calibration error {stated:.3f}"
    if len(rows) >= LEAST_LABELS:
        text += f", {after:.3f} with new weights {[round(w, 2) for w in weights]}"
    return reply(text, key=task, data=data)


@pure
def refit_report(tables: Replies) -> Reply:
    """What was fitted, and the error that is left."""
    return reply("\n".join(["Calibration", *section("Kinds of task", [t.text for t in tables])]), key="answer")
