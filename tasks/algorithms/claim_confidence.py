"""Confidence in the claims of an answer: three signals each, a band, what is struck, and what later turned out."""

from statistics import fmean
from typing import Any

from tasks.algorithms.ablation import places
from tasks.algorithms.calibration import probability, weights_for
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

BANDS = (("high", 0.9), ("medium", 0.6), ("low", 0.3), ("struck", 0.0))
"""From the best; with the least probability of each."""
SOURCES = {"supported": 1.0, "unknown": 0.5, "refuted": 0.0}
FITS = 0.8
"""So well a correction must match a claim to be about it."""


@pure
def stated_claims(extracted: Replies, most: int) -> Replies:
    """The claims, keyed c1, c2 ...: fields passage (where the answer says it), needed (by its conclusion) and task."""
    found: dict[str, dict[str, Any]] = {}
    for one in ok_of(extracted):
        for claim in one.data()["claims"]:
            if text := claim["claim"].strip():
                found.setdefault(text, {**claim, "task": one.data()["task"]})
    return [reply(t, key=f"c{n}", data=d) for n, (t, d) in enumerate(list(found.items())[:most], 1)]


@pure
def rated_claims(
    claims: Replies, samples: Replies, entailed: Replies, estimates: Replies, checks: Replies, tables: Replies
) -> Replies:
    """The claims with their signals, probability (the score) and band.

    Signals are the share of fresh answers that entail the claim, the mean of the probabilities that other models
    give, and what the sources say; one that is missing is null. A claim without any is not rated.
    """
    said = [set(e.data()["entailed"]) for e in ok_of(entailed)]
    rows = {c.key: c.data()["verdict"] for c in ok_of(checks)}
    made = []
    for n, claim in enumerate(claims):
        given = [e.data()["probability"] / 100 for e in ok_of(estimates) if e.at[:1] == [n]]
        signals = [
            fmean(claim.key in s for s in said) if said else None,
            fmean(given) if given else None,
            SOURCES[rows.get(claim.key, "unknown")],
        ]
        made.append(_rated(claim, signals, tables))
    return made


def _rated(claim: Reply, signals: list[float | None], tables: Replies) -> Reply:
    weights, labels = weights_for(tables, claim.data()["task"])
    p = None if signals[0] is None and signals[1] is None else probability(signals, weights)
    data = {**claim.data(), "claim": claim.text, "signals": signals, "p": p, "band": band(p), "labels": labels}
    return claim.but(data=data, score=p)


def band(p: float | None) -> str:
    """The band of a probability: high, medium, low or struck; unrated where there is none."""
    return "unrated" if p is None else next(name for name, least in BANDS if p >= least)


@pure
def low_claims(rated: Replies) -> Replies:
    """The claims of which something should be settled."""
    return [r for r in rated if r.data()["band"] == "low"]


@pure
def struck_claims(rated: Replies) -> Replies:
    """The claims that are too unlikely to stand."""
    return [r for r in rated if r.data()["band"] == "struck"]


@pure
def with_confidence(
    answer: Replies,
    revised: Replies,
    rated: Replies,
    settling: Replies,
    extracted: Replies,
    samples: Replies,
    entailed: Replies,
    estimates: Replies,
) -> Reply:
    """The answer with a band behind each claim, the lowest band that its conclusion rests on, and what would raise it.

    The text is unchanged but for claims that were struck; where they could not be taken out, they are marked. `quality`
    is the least probability among the claims that the conclusion needs.
    """
    struck = [r.data() for r in struck_claims(rated)]
    text = (ok_of(revised) or answer)[-1].text
    stands = [r.data() for r in rated if r.data()["band"] != "struck" or not ok_of(revised)]
    marked, unplaced = _marked(text, stands)
    kept = [s for s in stands if s["band"] != "struck"]
    needed = [s for s in kept if s["needed"] and s["p"] is not None]
    overall = min(needed, key=lambda s: s["p"])["band"] if needed else "low" if rated else "unrated"
    settles = {s.key: s.text.strip() for s in ok_of(settling)}
    lost = causes([*extracted, *samples, *entailed, *estimates, *settling, *revised])
    data: dict[str, Any] = {
        "overall": overall,
        "claims": [r.data() for r in rated],
        "struck": [s["claim"] for s in struck],
        "settles": {r.text: settles[r.key] for r in rated if r.key in settles},
        "lost": lost,
    }
    if needed:
        data["quality"] = min(s["p"] for s in needed)
    rates = any(r.score is not None for r in rated)
    outcome: Outcome = "unchecked" if not rates else "degraded" if lost else "answered"
    lines = [marked, "", f"Confidence overall: {overall}." if rates else "Its confidence could not be rated."]
    lines += section("Stated too, in other words", [f"{u['claim']} [{u['band']}]" for u in unplaced])
    lines += section("Would settle what is low", [f"{claim} {how}" for claim, how in data["settles"].items()])
    lines += section("Left out, as probably wrong", data["struck"] if ok_of(revised) else [])
    return reply("\n".join(lines), key="answer", data=data, model=answer[0].model, outcome=outcome)


def _marked(text: str, claims: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """A text with the band of each claim behind its passage, and the claims whose passage it does not have."""
    marks: list[tuple[int, str]] = []
    unplaced = []
    for claim in claims:
        found = places(claim["passage"], text)
        if found:
            marks.append((found[0][1], "probably wrong" if claim["band"] == "struck" else claim["band"]))
        else:
            unplaced.append(claim)
    for end, name in sorted(marks, key=lambda m: m[0], reverse=True):
        text = f"{text[:end]} [{name}]{text[end:]}"
    return text, unplaced


@pure
def predictions(rated: Replies) -> Replies:
    """What was stated of each claim, to be remembered until it is known what turned out."""
    kept = ("task", "claim", "signals", "p", "band")
    return [reply(r.text, key=r.key, data={n: r.data()[n] for n in kept}) for r in rated if r.score is not None]


@pure
def labelled_claims(corrections: Replies, found: Replies) -> Replies:
    """What turned out of claims that were rated before, one a correction that is about such a claim."""
    made = []
    for n, correction in enumerate(corrections):
        hits = [f for f in ok_of(found) if f.at[:1] == [n] and f.score is not None and f.score >= FITS]
        if hits:
            fields = {**hits[0].data()["fields"], "prediction": f"{hits[0].data()['origin']}: {hits[0].text}"}
            made.append(reply(hits[0].text, data={**fields, "right": bool(correction.data()["right"])}))
    return made
