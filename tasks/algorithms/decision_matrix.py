"""A weighted decision matrix: weights from pairwise comparisons, scores with their spread, and how robust a winner is.

Weights and consistency: Saaty 1980, The Analytic Hierarchy Process.
"""

import math
import re
from collections.abc import Sequence
from itertools import combinations
from statistics import median
from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

OPTIONS, CRITERIA = (2, 8), (4, 5)
RANDOM_INDEX = {4: 0.90, 5: 1.12}
"""Mean consistency index of random matrices, by size (Saaty 1980)."""
INCONSISTENT = 0.1
RE_ASKED = 2
MODERATE = 3
"""The strength that counts where the person's word is no number from 1 to 9."""
DRAWS = 10_000
WEIGHTS_VARY = 0.2
WIDE = 4
"""Readings so far apart make a cell worth a look."""
ROBUST = 0.6
ITERATIONS = 200

Matrix = dict[str, Any]


@pure
def board(options: Replies, criteria: Replies) -> Reply:
    """Options and criteria as extracted, each once. Fails the run where they are too few to compare."""
    return _board(_named(options[0].data()["options"]), _named(criteria[0].data()["criteria"]))


def _named(found: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """Those with a name, the first of each."""
    once: dict[str, dict[str, str]] = {}
    for one in found:
        clean = {k: " ".join(v.split()) for k, v in one.items()}
        if clean["name"]:
            once.setdefault(clean["name"].casefold(), clean)
    return list(once.values())


def _board(options: list[dict[str, str]], criteria: list[dict[str, str]]) -> Reply:
    if problem := _out_of_bounds(options, criteria):
        raise Refuse(f"{problem}: say in the request what is to be chosen among, and what matters")
    return _shown_board(options, criteria)


def _out_of_bounds(options: Sequence[object], criteria: Sequence[object]) -> str:
    for what, found, (least, most) in (("options", options, OPTIONS), ("criteria", criteria, CRITERIA)):
        if not least <= len(found) <= most:
            return f"{len(found)} {what}, {least} to {most} are needed"
    return ""


def _shown_board(options: list[dict[str, str]], criteria: list[dict[str, str]], problem: str = "") -> Reply:
    lines = [f"option: {o['name']} | {o['what']}" for o in options]
    lines += [f"criterion: {c['name']} | {c['direction']} | {c['scale']}" for c in criteria]
    data = {"options": options, "criteria": criteria}
    return reply(
        "\n".join([*([f"{problem}; nothing was changed."] if problem else []), *lines]), key="board", data=data
    )


@pure
def edited_board(board: Replies, said: Replies) -> Reply:
    """The board as the person edits it: lines as they are shown, which replace all options, all criteria, or both."""
    old = board[0].data()
    if not said or said[-1].key != "edit":
        return _shown_board(old["options"], old["criteria"])
    rows: dict[str, list[list[str]]] = {"option": [], "criterion": []}
    for line in re.split(r"[\n;]", said[-1].text):
        kind, colon, rest = line.partition(":")
        if colon and kind.strip().casefold() in rows:
            rows[kind.strip().casefold()].append([p.strip() for p in rest.split("|")])
    options = _named([{"name": r[0], "what": r[1] if len(r) > 1 else ""} for r in rows["option"]])
    criteria = _named([_criterion(r) for r in rows["criterion"]])
    options, criteria = options or old["options"], criteria or old["criteria"]
    problem = _out_of_bounds(options, criteria)
    if problem or not (rows["option"] or rows["criterion"]):
        return _shown_board(old["options"], old["criteria"], problem or "No line begins with option: or criterion:")
    return _shown_board(options, criteria)


def _criterion(row: Sequence[str]) -> dict[str, str]:
    lower = len(row) > 1 and row[1].casefold().startswith("lower")
    direction = "lower is better" if lower else "higher is better"
    return {"name": row[0], "direction": direction, "scale": row[2] if len(row) > 2 else ""}


@pure
def board_agreed(said: Replies) -> bool:
    """Whether the person takes the board as it is."""
    return bool(said) and said[-1].key == "use"


@pure
def criteria_pairs(board: Replies) -> Replies:
    """Every two criteria, to be compared."""
    names = [c["name"] for c in board[0].data()["criteria"]]
    return [_pair(a, b) for a, b in combinations(names, 2)]


def _pair(first: str, second: str, again: bool = False) -> Reply:
    text = f"first: {first}\nsecond: {second}"
    note = "\nThis comparison fits the others least: look at it once more." if again else ""
    return reply(text + note, key=f"{first} or {second}", data={"first": first, "second": second})


@pure
def compared(pair: Replies, said: Replies) -> Reply:
    """One comparison: how many times as much the first matters as the second, 1/9 to 9."""
    found = re.fullmatch(r"\s*([1-9])\s*", said[0].text)
    strength = int(found[1]) if found else MODERATE
    ratio = {"first": float(strength), "second": 1 / strength}.get(said[0].key, 1.0)
    return pair[0].but(data={**pair[0].data(), "ratio": ratio})


@pure
def pairs_left(queue: Replies, board: Replies, judged: Replies, new: Replies) -> Replies:
    """The pairs still to be compared; then the most inconsistent one again, where needed, twice at most."""
    done = [*judged, *new]
    names = [c["name"] for c in board[0].data()["criteria"]]
    asked_again = len(done) - len(names) * (len(names) - 1) // 2
    if queue or asked_again >= RE_ASKED:
        return queue
    weights, ratio = ahp_weights(names, done)
    if ratio <= INCONSISTENT:
        return []
    latest = {(d.data()["first"], d.data()["second"]): d.data()["ratio"] for d in done}
    of = dict(zip(names, weights, strict=True))
    worst = max(latest, key=lambda p: abs(math.log(latest[p] * of[p[1]] / of[p[0]])))
    return [_pair(*worst, again=True)]


def ahp_weights(names: Sequence[str], judged: Replies) -> tuple[list[float], float]:
    """The principal eigenvector of the comparisons (sum 1) and their consistency ratio; the last word on a pair counts.

    A pair without a comparison counts as equal.
    """
    place, n = {name: i for i, name in enumerate(names)}, len(names)
    table = [[1.0] * n for _ in names]
    for one in judged:
        data = one.data()
        i, j = place[data["first"]], place[data["second"]]
        table[i][j], table[j][i] = data["ratio"], 1 / data["ratio"]
    weights, largest = [1 / n] * n, float(n)
    for _ in range(ITERATIONS):
        product = [sum(a * w for a, w in zip(row, weights, strict=True)) for row in table]
        largest = sum(product)
        weights = [p / largest for p in product]
    return weights, max(0.0, (largest - n) / (n - 1) / RANDOM_INDEX[n])


@pure
def cells(board: Replies) -> Replies:
    """Every option by every criterion, each a cell to be scored."""
    data = board[0].data()
    return [
        reply(
            f"{o['name']}: {c['name']}",
            key=f"{o['name']} / {c['name']}",
            data={"option": o["name"], "about": o["what"]}
            | {"criterion": c["name"], "direction": c["direction"], "scale": c["scale"]},
        )
        for o in data["options"]
        for c in data["criteria"]
    ]


@pure
def seats_for(models: Replies, seats: int) -> Replies:
    """The models in turn, so many seats."""
    names = [m.text for m in models if m.text] or [""]
    return [reply(names[n % len(names)], key=f"seat {n + 1}") for n in range(seats)]


@pure
def scored_matrix(board: Replies, judged: Replies, cells: Replies, readings: Replies, seed: int) -> Reply:
    """The matrix: weights, and of each cell the median of its readings with the least and the most.

    A cell without any reading may be anything: 5, from 0 to 10.
    """
    names = [c["name"] for c in board[0].data()["criteria"]]
    weights, consistency = ahp_weights(names, judged)
    matrix: Matrix = {
        "options": [o["name"] for o in board[0].data()["options"]],
        "criteria": names,
        "weights": weights,
        "consistency": consistency,
        "cells": [_cell(c, readings) for c in cells],
        "lost": causes(readings),
    }
    return _analysed(matrix, seed)


def _cell(cell: Reply, readings: Replies) -> dict[str, Any]:
    own = [r.data() for r in ok_of(readings) if r.key.rpartition(" · ")[0] == cell.key]
    scores = [float(r["score"]) for r in own]
    return {
        "option": cell.data()["option"],
        "criterion": cell.data()["criterion"],
        "score": float(median(scores)) if scores else 5.0,
        "low": min(scores, default=0.0),
        "high": max(scores, default=10.0),
        "reasons": [r["reason"] for r in own],
        "by": "models" if scores else "nobody",
    }


def _analysed(matrix: Matrix, seed: int, problem: str = "") -> Reply:
    """The matrix with its totals, shares of wins, and weights at which the winner changes; shown as text."""
    options, weights = matrix["options"], matrix["weights"]
    scores = _grid(matrix, "score")
    totals = [sum(w * s for w, s in zip(weights, row, strict=True)) for row in scores]
    order = sorted(range(len(options)), key=lambda o: (-totals[o], o))
    whole = {
        **matrix,
        "totals": {options[o]: round(totals[o], 4) for o in order},
        "shares": dict(zip(options, _shares(matrix, seed), strict=True)),
        "winner": options[order[0]],
        "runner_up": options[order[1]],
        "changes_at": {
            c: changing_weight(weights[n], [row[n] for row in scores], totals, order[0])
            for n, c in enumerate(matrix["criteria"])
        },
    }
    return reply(_shown(whole, problem), key="matrix", data=whole, score=whole["shares"][whole["winner"]])


def _grid(matrix: Matrix, field: str) -> list[list[float]]:
    width = len(matrix["criteria"])
    values = [float(c[field]) for c in matrix["cells"]]
    return [values[n : n + width] for n in range(0, len(values), width)]


def _shares(matrix: Matrix, seed: int) -> list[float]:
    """How often each option wins, over draws of weights within a fifth, scores within their spread; ties are split."""
    import numpy as np

    rng = np.random.default_rng(seed)
    low, high = np.array(_grid(matrix, "low")), np.array(_grid(matrix, "high"))
    weights = np.array(matrix["weights"]) * rng.uniform(1 - WEIGHTS_VARY, 1 + WEIGHTS_VARY, (DRAWS, low.shape[1]))
    weights /= weights.sum(axis=1, keepdims=True)
    scores = low + (high - low) * rng.random((DRAWS, *low.shape))
    totals = np.einsum("doc,dc->do", scores, weights)
    best = np.isclose(totals, totals.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return [round(float(s), 4) for s in shares]


def changing_weight(weight: float, scores: Sequence[float], totals: Sequence[float], winner: int) -> float | None:
    """The weight of one criterion nearest to its own at which another option draws level with the winner.

    The other weights keep their proportions. None where the winner stays ahead at every weight.
    """
    if weight >= 1:
        return None
    rest = [(t - weight * s) / (1 - weight) for t, s in zip(totals, scores, strict=True)]
    found: list[float] = []
    for other in range(len(totals)):
        slope = (scores[winner] - scores[other]) - (rest[winner] - rest[other])
        if other != winner and abs(slope) > 1e-12:
            at = -(rest[winner] - rest[other]) / slope
            if -1e-9 <= at <= 1 + 1e-9:
                found.append(min(max(at, 0.0), 1.0))
    nearest = min(found, key=lambda at: abs(at - weight), default=None)
    return None if nearest is None else round(nearest, 4)


@pure
def moved_matrix(matrix: Replies, said: Replies, seed: int) -> Reply:
    """The matrix after the person moved a weight or a score: computed anew, and nobody else is asked."""
    data = matrix[0].data()
    if said[-1].key != "move":
        return _analysed(data, seed)
    text = said[-1].text.strip()
    found = re.fullmatch(r"(weight|score)\s+(.+?)\s*=\s*(\d+(?:\.\d+)?)\s*(%?)", text, re.IGNORECASE)
    new = None
    if found:
        value = float(found[3]) / (100 if found[4] else 1)
        new = (_with_weight if found[1].casefold() == "weight" else _with_score)(data, found[2], value)
    if new is None:
        return _analysed(data, seed, "That could not be followed; nothing was changed.")
    return _analysed(new, seed)


def _with_weight(data: Matrix, name: str, value: float) -> Matrix | None:
    places = [n for n, c in enumerate(data["criteria"]) if c.casefold() == name.casefold()]
    if not places or not 0 <= value <= 1:
        return None
    others = 1 - data["weights"][places[0]]
    equal = (1 - value) / (len(data["weights"]) - 1)
    scaled = [w * (1 - value) / others if others > 1e-9 else equal for w in data["weights"]]
    return {**data, "weights": [value if n == places[0] else w for n, w in enumerate(scaled)]}


def _with_score(data: Matrix, name: str, value: float) -> Matrix | None:
    if value > 10:
        return None
    same = [n for n, c in enumerate(data["cells"]) if f"{c['option']} / {c['criterion']}".casefold() == name.casefold()]
    if not same:
        return None
    new = {"score": value, "low": value, "high": value, "by": "you"}
    return {**data, "cells": [{**c, **new} if n == same[0] else c for n, c in enumerate(data["cells"])]}


@pure
def moves_end(said: Replies) -> bool:
    """Whether the person moves nothing more."""
    return bool(said) and said[-1].key == "done"


def _shown(m: Matrix, problem: str) -> str:
    lines = [problem, ""] if problem else []
    lines += [f"{o}: {t:.2f} of 10, wins {m['shares'][o]:.0%} of the draws" for o, t in m["totals"].items()]
    lines += ["", "Weights:"]
    for name, weight in zip(m["criteria"], m["weights"], strict=True):
        at = m["changes_at"][name]
        change = "at no weight does the winner change" if at is None else f"the winner changes at {at:.2f}"
        lines.append(f"- {name}: {weight:.2f} ({change})")
    lines += ["", "Scores:"]
    for c in m["cells"]:
        wide = " <- far apart, worth a look" if c["high"] - c["low"] >= WIDE else ""
        lines.append(f"- {c['option']} / {c['criterion']}: {c['score']:g} ({c['low']:g} to {c['high']:g}){wide}")
        lines += [f"  {c['reasons'][0]}"] if c["reasons"] else []
    if m["consistency"] > INCONSISTENT:
        lines += ["", f"The comparisons of criteria contradict one another (consistency {m['consistency']:.2f})."]
    return "\n".join(lines)


@pure
def recommended(matrix: Replies, written: Replies) -> Reply:
    """The recommendation in words; a winner of too few draws is a toss-up, and that comes first."""
    data = matrix[0].data()
    share = data["shares"][data["winner"]]
    unread = [f"{c['option']} / {c['criterion']}" for c in data["cells"] if c["by"] == "nobody"]
    toss_up = share < ROBUST
    lines = []
    if toss_up:
        top = f"{data['winner']} and {data['runner_up']}"
        lines += [f"A toss-up between {top}: {data['winner']} wins {share:.0%} of the draws.", ""]
    text = written[0].text if ok_of(written) else f"The recommendation could not be put in words.\n\n{matrix[0].text}"
    lines.append(text)
    if unread:
        lines += ["", f"Nobody could score: {', '.join(unread)}."]
    outcome: Outcome = "undecided" if toss_up else "degraded" if unread or not ok_of(written) else "answered"
    return reply("\n".join(lines), key="answer", data={**data, "toss_up": toss_up, "agreement": share}, outcome=outcome)
