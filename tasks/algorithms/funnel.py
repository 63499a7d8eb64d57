"""A funnel of options: constraints, scores and ranks that narrow them, and the account of who left where and why."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tasks.algorithms.longform import first_words
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, failed, ok_of, reply

UNCHECKED = "it could not be checked"


@pure
def options(samples: Replies, most_words: int) -> Replies:
    """The options as they came, by number, of so many words at most."""
    return [reply(first_words(s.text, most_words), key=f"option {n}") for n, s in enumerate(ok_of(samples), 1)]


@pure
def numbered(texts: Replies) -> Replies:
    """The texts as one numbered list; nothing where there are none."""
    lines = [f"{n}. {' '.join(t.text.split())}" for n, t in enumerate(texts, 1)]
    return [reply("\n".join(lines), key="list")] if lines else []


@pure
def nothing_to_check(options: Replies, constraints: Replies) -> bool:
    """Whether there is no option, or no constraint."""
    return not options or not constraints


@pure
def within_constraints(options: Replies, verdicts: Replies, constraints: Replies) -> Slots:
    """`passed` are the options that meet every constraint, `left` the others with the constraint that each fails.

    One that could not be checked has not passed.
    """
    said = {v.key: v.data() for v in ok_of(verdicts)}
    why = {o.key: _failing(said.get(o.key), constraints) for o in options} if constraints else {}
    return {
        "passed": [o for o in options if not why.get(o.key)],
        "left": [o.but(data={"reason": why[o.key]}) for o in options if why.get(o.key)],
    }


def _failing(said: dict[str, Any] | None, constraints: Replies) -> str:
    if said is None:
        return UNCHECKED
    if said["met"]:
        return ""
    known = 1 <= said["fails"] <= len(constraints)
    return f"it fails: {constraints[said['fails'] - 1].text}" if known else "it fails a constraint that was not named"


@pure
def best_by_mean(options: Replies, scores: Replies, keep: int) -> Slots:
    """`kept` are the `keep` options of the highest mean score, the best first, ties as they came; `left` the others.

    One that could not be scored stands last.
    """
    means = {s.key: _mean(s) for s in ok_of(scores)}
    ranked = sorted(options, key=lambda o: -means.get(o.key, 0.0))
    scored = [o.but(score=means.get(o.key)) for o in ranked]
    left = [o.but(data={"reason": _below(o, keep)}) for o in scored[keep:]]
    return {"kept": scored[:keep], "left": left}


def _mean(scored: Reply) -> float:
    data = scored.data()
    return float(sum(data[name] for name in CRITERIA)) / len(CRITERIA)


def _below(option: Reply, keep: int) -> str:
    score = "not scored" if option.score is None else f"mean {option.score:.1f}"
    return f"below place {keep} by score ({score})"


@pure
def listings(proposals: Replies) -> Replies:
    """The proposals as a list in their order and as one in reverse, so that a place gains nothing."""
    usable = ok_of(proposals)
    return [_listing("in order", usable), _listing("reversed", usable[::-1])]


def _listing(name: str, proposals: Sequence[Reply]) -> Reply:
    rows = [{"number": n, "proposal": p.text} for n, p in enumerate(proposals, 1)]
    return reply(canonical(rows), key=name, data={"order": [p.key for p in proposals]})


@pure
def mean_places(proposals: Replies, listings: Replies, rankings: Replies) -> Slots:
    """The proposals by their mean place, ties as they stood; `lost` are the rankings that name them not each once."""
    orders = {o.key: o.data()["order"] for o in listings}
    places: dict[str, list[int]] = {p.key: [] for p in ok_of(proposals)}
    lost = [r for r in rankings if not r.ok]
    for one in ok_of(rankings):
        order, ranking = orders[one.key], one.data()["ranking"]
        if sorted(ranking) != list(range(1, len(order) + 1)):
            lost.append(failed("it does not rank every proposal once", key=one.key))
            continue
        for place, number in enumerate(ranking, 1):
            places[order[number - 1]].append(place)
    mean = {key: sum(p) / len(p) if p else 0.0 for key, p in places.items()}
    ranked = sorted(ok_of(proposals), key=lambda p: mean[p.key])
    return {"ranked": [p.but(score=mean[p.key]) for p in ranked], "lost": lost}


@pure
def funnel_report(
    samples: Replies,
    dropped: Replies,
    trouble: Replies,
    failing: Replies,
    behind: Replies,
    chosen: Replies,
    scores: Replies,
    proposals: Replies,
    ranked: Replies,
    lost: Replies,
    keep: int,
) -> Reply:
    """The finalists in full, the runners-up a line each, and how many left at each stage and why."""
    texts = {o.key: o.text for o in chosen}
    finalists, others = ranked[:keep], ranked[keep:]
    stages = [
        _stage("sampled", len(samples), [s.cause for s in samples if not s.ok]),
        _stage("without near duplicates", len(ok_of(samples)) - len(dropped), _reasons(dropped)),
        _stage("within the constraints", len(behind) + len(chosen), _reasons(failing)),
        _stage("kept by score", len(chosen), _reasons(behind)),
        _stage("worked out", len(ok_of(proposals)), [p.cause for p in proposals if not p.ok]),
        _stage("finalists", len(finalists), [f"mean place {o.score:.1f}" for o in others if o.score]),
    ]
    unchecked = [f"{f.key}: {UNCHECKED}" for f in failing if f.data()["reason"] == UNCHECKED]
    troubles = [t.text for t in trouble] + unchecked + causes([*samples, *scores, *proposals, *lost])
    data = {
        "finalists": [{"option": texts[f.key], "proposal": f.text, "mean_place": f.score} for f in finalists],
        "runners_up": [{"option": texts[o.key], "mean_place": o.score} for o in others],
        "stages": stages,
        "lost": troubles,
    }
    worst = Counter(_reasons(failing)).most_common(1)
    outcome: Outcome = "incomplete" if not finalists else "degraded" if troubles else "answered"
    if finalists and not any(f.score for f in ranked) and len(ranked) > 1:
        outcome = "unchecked"
    lines = _lines(data) if finalists else [f"No option is left. Most often: {worst[0][0] if worst else 'no option'}."]
    lines += section("How they were narrowed", [_stage_line(s) for s in stages])
    model = finalists[0].model if finalists else ""
    return reply("\n".join(lines).strip(), key="answer", data=data, model=model, outcome=outcome)


def _reasons(left: Replies) -> list[str]:
    return [str(one.data()["reason"]) for one in left]


def _stage(name: str, count: int, reasons: list[str]) -> dict[str, Any]:
    return {"stage": name, "count": count, "left": len(reasons), "reasons": dict(Counter(reasons).most_common())}


def _lines(data: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for number, one in enumerate(data["finalists"], 1):
        lines += [f"## {number}. {' '.join(one['option'].split())}", "", one["proposal"].strip(), ""]
    return [*lines, *section("Runners-up", [" ".join(o["option"].split()) for o in data["runners_up"]])]


def _stage_line(stage: dict[str, Any]) -> str:
    reasons = "; ".join(f"{count} x {reason}" for reason, count in stage["reasons"].items())
    return f"{stage['stage']}: {stage['count']}" + (f" ({stage['left']} left: {reasons})" if reasons else "")


CRITERIA = ("novelty", "value", "feasibility")
