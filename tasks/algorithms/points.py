"""Points of several answers: labelled without names, scored, merged where they say the same, traced to their models."""

from collections.abc import Iterable, Sequence
from string import ascii_uppercase
from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply

CRITERIA = ("correctness", "relevance", "specificity")
HIGHEST = 5


@pure
def labelled(extracted: Replies) -> Replies:
    """Each point once, with the letter of its answer as label: key `A1`, and `sources`, which nobody is shown.

    `extracted` are replies with `points`, keyed by model; letters follow their order, A for the first that succeeded.
    Fails the run where there is no point at all.
    """
    good = ok_of(extracted)
    made = []
    for letter, one in zip(ascii_uppercase, good, strict=False):
        texts = [(p["text"].strip(), p["kind"]) for p in one.data()["points"]]
        for number, (text, kind) in enumerate(dict.fromkeys(t for t in texts if t[0]), 1):
            data = {"id": f"{letter}{number}", "text": text, "kind": kind, "label": letter, "sources": [one.key]}
            made.append(reply(text, key=f"{letter}{number}", data=data))
    if not made:
        raise Refuse("no point could be found in any answer")
    return made


@pure
def best_points(points: Replies, judged: Replies, enough: float, least: int) -> Slots:
    """`best` are the points whose mean score is `enough`, at least `least` of them; `conflicts` pairs that contradict.

    Duplicates are one point: that with the higher score (the earlier of those alike), with the sources of all. A point
    that the judge left out has no score, and counts as 0. Of two conflicting points one at least is kept.
    """
    said = judged[0].data() if judged and judged[0].ok else {}
    by_key = {p.key: p for p in points}
    scores = _scores(said.get("scores", []), by_key)
    groups = connected([p.key for p in points], _pairs(said.get("duplicates", []), by_key))
    merged = [_merged([by_key[k] for k in group], scores) for group in groups]
    order = sorted(merged, key=lambda p: -(p.score or 0.0))
    above = sum(1 for p in order if (p.score or 0.0) >= enough)
    best = order[: max(above, least)]
    stands_for = {k: p.key for group, p in zip(groups, merged, strict=True) for k in group}
    kept = {p.key for p in best}
    conflicts = dict.fromkeys(
        tuple(sorted((stands_for[a], stands_for[b]))) for a, b in _pairs(said.get("contradictions", []), by_key)
    )
    shown = [_conflict(by_key[a], by_key[b]) for a, b in conflicts if a != b and {a, b} & kept]
    return {"best": best, "conflicts": shown}


def _scores(given: list[dict[str, Any]], known: Iterable[str]) -> dict[str, float]:
    """Mean score of each point, by the first line that the judge gave it."""
    means: dict[str, float] = {}
    for row in given:
        if row["id"] in known:
            means.setdefault(row["id"], sum(row[c] for c in CRITERIA) / len(CRITERIA))
    return means


def _pairs(given: list[list[str]], known: Iterable[str]) -> list[tuple[str, str]]:
    return [(p[0], p[1]) for p in given if len(p) == 2 and p[0] in known and p[1] in known and p[0] != p[1]]


def connected(keys: Sequence[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Keys in groups that a chain of pairs connects; groups and their members in the order of `keys`."""
    group = {k: [k] for k in keys}
    for a, b in pairs:
        if group[a] is not group[b]:
            group[a].extend(group[b])
            for member in group[b]:
                group[member] = group[a]
    return [sorted(group[k], key=list(keys).index) for k in keys if min(group[k], key=list(keys).index) == k]


def _merged(same: list[Reply], scores: dict[str, float]) -> Reply:
    best = max(same, key=lambda p: scores.get(p.key, 0.0))
    labels = sorted({p.data()["label"] for p in same})
    sources = list(dict.fromkeys(s for p in same for s in p.data()["sources"]))
    data = {"text": best.text, "kind": best.data()["kind"], "labels": labels, "sources": sources}
    return best.but(score=scores.get(best.key), data=data)


def _conflict(one: Reply, other: Reply) -> Reply:
    return reply(key=f"{one.key} against {other.key}", data={"one": one.text, "other": other.text})


@pure
def extracted_best(written: Replies, best: Replies, conflicts: Replies, answers: Replies, extracted: Replies) -> Reply:
    """The answer with its provenance (point -> models), the conflicts stated in it, and the mean score as quality."""
    provenance = [{"point": p.text, "models": p.data()["sources"], "score": p.score} for p in best]
    lost = causes([*answers, *extracted])
    scored = [p.score for p in best if p.score is not None]
    data = {
        "provenance": provenance,
        "conflicts": [c.data() for c in conflicts],
        "quality": round(sum(scored) / len(scored) / HIGHEST, 6) if scored else None,
        "failed": lost,
    }
    lines = [written[0].text, "", "Where its points come from:"]
    lines += [f"- {p['point']} ({', '.join(p['models'])})" for p in provenance]
    outcome = "degraded" if lost else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)
