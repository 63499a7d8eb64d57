"""Skeletons of answers: points read out of numbered lines, expanded apart, repeats reduced to what is new."""

import re
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Replies, Reply, causes, first_cause, ok_of, reply

LEAST_POINTS = 2


@pure
def stands_apart(judged: Replies) -> str:
    """`skeleton` where a judge said that the parts of an answer stand apart, else `plain`, also without a verdict."""
    return "skeleton" if any(j.data()["stands_apart"] is True for j in ok_of(judged)) else "plain"


@pure
def skeleton_points(skeleton: Replies, most: int) -> Replies:
    """The points of numbered lines, each once, no more than `most`, in order; keys are their numbers, anew from 1."""
    lines = [m.group(1).strip("*_ \t") for s in ok_of(skeleton) for m in NUMBERED.finditer(s.text)]
    return [reply(text, key=str(n)) for n, text in enumerate(distinct(lines)[:most], 1)]


@pure
def enough_points(points: Replies) -> str:
    """`expand` from two points on, else `plain`."""
    return "expand" if len(points) >= LEAST_POINTS else "plain"


@pure
def plain_answer(written: Replies, lacking: Replies, why: str) -> Reply:
    """An answer without a skeleton, and why it has none; degraded where the judge or the skeleton failed."""
    lost = causes(lacking)
    made = written[0]
    data: dict[str, Any] = {"mode": "plain", "why": first_cause(lacking) or why, "failed": lost}
    return reply(made.text, key="answer", data=data, model=made.model, outcome="degraded" if lost else "answered")


@pure
def expanded_answer(
    points: Replies, expanded: Replies, repeats: Replies, revised: Replies, trouble: Replies, nothing: str
) -> Reply:
    """The points in order with their text, and how each came about.

    A repeat has what its revision says is new; it leaves the answer where that is `nothing`, and stays as it was where
    the revision failed. A point whose expansion failed stands bare. What failed makes the answer degraded.
    """
    texts = {e.key: e.text.strip() for e in ok_of(expanded)}
    like = {r.key: r.data()["like"] for r in repeats}
    renewed = {r.key: r.text.strip() for r in ok_of(revised)}
    said = {**texts, **renewed}
    gone = {key for key, text in renewed.items() if normalised(text) == normalised(nothing)}
    shown = [(p.text, said.get(p.key, "")) for p in points if p.key not in gone]
    lost = [f"point {cause}" for cause in causes([*expanded, *revised])] + [t.text for t in trouble]
    data = {
        "mode": "skeleton",
        "points": [_row(p, texts, like, renewed, gone) for p in points],
        "failed": lost,
    }
    lines = [f"{n}. {title}{': ' if text else ''}{text}" for n, (title, text) in enumerate(shown, 1)]
    model = next((e.model for e in ok_of(expanded)), "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome="degraded" if lost else "answered")


def _row(
    point: Reply, texts: dict[str, str], like: dict[str, str], renewed: dict[str, str], gone: set[str]
) -> dict[str, Any]:
    state = "expanded" if point.key in texts else "bare"
    if point.key in renewed:
        state = "left out" if point.key in gone else "only what is new"
    return {"point": point.text, "state": state, "repeats": like.get(point.key, "")}


NUMBERED = re.compile(r"^[ \t*_#>-]*\d{1,2}[*_]*[.):][*_]*[ \t]+(\S.*)$", re.MULTILINE)
