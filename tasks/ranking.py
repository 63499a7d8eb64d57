"""Two sides judged in both orders: what the judge is shown, and who wins on the mean of both."""

from typing import Any

from tasks.debates import SIDES, plain
from tasks.functions import pure
from tasks.reply import Replies, Reply, reply

WEIGHTS = {"logic": 0.4, "evidence": 0.4, "persuasion": 0.2}
LABELS = ("x", "y")
CLOSE, CONTESTED = 0.5, 1.0
"""A difference below CLOSE is a draw; one below CONTESTED too where the two orders name different winners."""


@pure
def both_orders(positions: Replies, transcript: Replies) -> Replies:
    """The transcript twice, the sides unnamed: Side X is A in the first and B in the second."""
    return [
        reply(key="-".join(order), data={"order": list(order), "transcript": _shown(order, positions, transcript)})
        for order in (SIDES, SIDES[::-1])
    ]


def _shown(order: tuple[str, ...], positions: Replies, transcript: Replies) -> list[dict[str, str]]:
    label = {side: f"Side {name.upper()}" for side, name in zip(order, LABELS, strict=True)}
    claims = {p.key: p.text for p in positions}
    rounds = sorted({t.data().get("round", 1) for t in transcript})
    shown = [{"side": label[s], "position": claims[s]} for s in order]
    for number in rounds:
        said = {t.data()["side"]: t for t in transcript if t.data().get("round", 1) == number}
        shown += [{"side": label[s], "phase": said[s].data().get("phase", "text"), "text": said[s].text} for s in order]
    return shown


@pure
def rank_sides(orders: Replies, scores: Replies, positions: Replies, transcript: Replies) -> Reply:
    """Winner or draw by total = 0.4 logic + 0.4 evidence + 0.2 persuasion, each the mean over both orders (0..10)."""
    order_of = {o.key: o.data()["order"] for o in orders}
    judged = {s.key: dict(zip(order_of[s.key], (s.data()[name] for name in LABELS), strict=True)) for s in scores}
    table = {
        side: {c: _mean([sides[side][c]["score"] for sides in judged.values()]) for c in WEIGHTS} for side in SIDES
    }
    totals = {side: round(_total(table[side]), 6) for side in SIDES}
    winners = {_leader({s: _total({c: j[s][c]["score"] for c in WEIGHTS}) for s in SIDES}) for j in judged.values()}
    gap = round(abs(totals["A"] - totals["B"]), 6)
    draw = gap < CLOSE or ({*SIDES} <= winners and gap < CONTESTED)
    winner = "" if draw else _leader(totals)
    quotes = [
        _quote(side, c, j[side][c], key, transcript) for key, j in judged.items() for side in SIDES for c in WEIGHTS
    ]
    claims = {p.key: p.text for p in positions}
    data = {
        "winner": winner or "draw",
        "totals": totals,
        "scores": {side: {**table[side], "total": totals[side]} for side in SIDES},
        "positions": claims,
        "difference": gap,
        "orders_agree": not {*SIDES} <= winners,
        "quotes": quotes,
        "reasons": [s.data()["reason"] for s in scores],
    }
    return reply(
        _text(winner, claims, data),
        key="answer",
        data=data,
        score=totals[winner] / 10 if winner else None,
        model=scores[0].model,
        outcome="answered" if winner else "undecided",
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _total(scores: dict[str, float]) -> float:
    return sum(weight * scores[criterion] for criterion, weight in WEIGHTS.items())


def _leader(totals: dict[str, float]) -> str:
    """The side ahead; empty where neither is."""
    first, second = SIDES
    return "" if totals[first] == totals[second] else first if totals[first] > totals[second] else second


def _quote(side: str, criterion: str, given: dict[str, Any], order: str, transcript: Replies) -> dict[str, Any]:
    """A score with the passage that it rests on, and whether that side really said it."""
    said = plain(" ".join(t.text for t in transcript if t.data()["side"] == side))
    passage = given["quote"]
    found = bool(plain(passage)) and plain(passage) in said
    return {"side": side, "order": order, "criterion": criterion, **given, "found": found}


def _text(winner: str, claims: dict[str, str], data: dict[str, Any]) -> str:
    head = (
        f"Side {winner} wins: {claims[winner]}" if winner else "A draw: the difference is too small to name a winner."
    )
    rows = [
        f"Side {side}: logic {s['logic']:g}, evidence {s['evidence']:g}, persuasion {s['persuasion']:g}, "
        f"total {s['total']:.2f}"
        for side, s in data["scores"].items()
    ]
    quoted = [
        f'- Side {q["side"]}, {q["criterion"]} {q["score"]:g}: "{q["quote"]}"' + ("" if q["found"] else " (not found)")
        for q in data["quotes"]
    ]
    return "\n".join([head, "", *rows, "", *data["reasons"], "", "Passages that the scores rest on:", *quoted])
