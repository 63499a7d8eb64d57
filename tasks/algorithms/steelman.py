"""Two sides that restate each other: whose restatement the owner signed, who may criticise, and what stays open."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.debates import SIDES, plain
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, ok_of, reply


@pure
def directions(cases: Replies, seats: Replies) -> Replies:
    """Each side with the other's case, which it is to restate: key is the side, text the case of its owner."""
    case = {c.key: c.text for c in cases}
    model = {side: seat.text for side, seat in zip(SIDES, seats, strict=False)}
    return [
        reply(case[owner], key=side, data={"owner": owner, "restater_model": model[side], "owner_model": model[owner]})
        for side, owner in (SIDES, SIDES[::-1])
        if case.keys() >= {side, owner}
    ]


@pure
def attempt(restated: Replies, sign: Replies, turn: int) -> Replies:
    """A restatement with what its owner said of it; nothing where there is none. What nobody could sign is unsigned."""
    return [
        r.but(
            key=f"attempt {turn}",
            text=r.data()["restatement"],
            data={
                **r.data(),
                "signed": any(s.data()["ok"] is True for s in ok_of(sign)),
                "missing": next((s.data()["missing"] for s in ok_of(sign)), ""),
                "lost": [s.cause for s in sign if not s.ok],
            },
        )
        for r in ok_of(restated)
    ]


@pure
def is_signed(attempts: Replies) -> bool:
    """Whether the last attempt was signed."""
    return bool(attempts) and attempts[-1].data()["signed"]


@pure
def restatement(side: Replies, attempts: Replies) -> Reply:
    """The last attempt of a side, under its key."""
    if not attempts:
        return failed("it made no restatement", key=side[0].key)
    lost = [why for a in attempts for why in a.data()["lost"]]
    return attempts[-1].but(key=side[0].key, data={**attempts[-1].data(), "attempts": len(attempts), "lost": lost})


@pure
def licensed(steel: Replies, cases: Replies, seats: Replies) -> Replies:
    """The sides that may criticise: those whose restatement was signed, with their own case and it."""
    case = {c.key: c.text for c in cases}
    model = {side: seat.text for side, seat in zip(SIDES, seats, strict=False)}
    return [
        reply(s.text, key=s.key, data={"own_case": case[s.key], "restatement": s.text, "model": model[s.key]})
        for s in ok_of(steel)
        if s.data()["signed"]
    ]


@pure
def quoted_points(licence: Replies, rebuttals: Replies) -> Replies:
    """The points of each rebuttal that quote the signed restatement word for word; the others are struck."""
    restated = {one.key: plain(one.text) for one in licence}
    kept = []
    for rebuttal in ok_of(rebuttals):
        points = rebuttal.data()["points"]
        good = [p for p in points if plain(p["quote"]) and plain(p["quote"]) in restated[rebuttal.key]]
        text = "\n".join(f'On "{p["quote"]}": {p["point"]}' for p in good)
        kept.append(rebuttal.but(text=text, data={"points": good, "struck": len(points) - len(good)}))
    return kept


@pure
def exchange(
    positions: Replies,
    cases: Replies,
    steel: Replies,
    licence: Replies,
    rebuttals: Replies,
    criticised: Replies,
    crux: Replies,
) -> Reply:
    """What both accept, the cruxes, the signed restatements and the rebuttals. No winner is named.

    A side without a licence leaves the exchange incomplete.
    """
    said = crux[0].data()
    sides = {p.key: p.text for p in positions}
    may = [one.key for one in licence]
    restated = {s.key: s.data() for s in ok_of(steel)}
    lost = [*causes([*steel, *rebuttals]), *(f"{k}: {why}" for k, s in restated.items() for why in s["lost"])]
    data = {
        **said,
        "positions": sides,
        "cases": {c.key: c.text for c in cases},
        "restatements": {
            k: {n: s[n] for n in ("restatement", "agreed", "learned", "signed", "missing", "attempts")}
            for k, s in restated.items()
        },
        "rebuttals": {r.key: r.data()["points"] for r in criticised},
        "struck": sum(r.data()["struck"] for r in criticised),
        "unlicensed": [side for side in sides if side not in may],
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if data["unlicensed"] else "degraded" if lost else "answered"
    return reply(_text(data), key="answer", data=data, model=crux[0].model, outcome=outcome)


def _text(data: dict[str, Any]) -> str:
    cruxes = [f"{c['crux']} ({c['kind']}) It would be settled by: {c['settled_by']}" for c in data["cruxes"]]
    restated = [
        f"Side {k} on the other's case ({'signed' if s['signed'] else 'never signed'}): {s['restatement']}"
        for k, s in data["restatements"].items()
    ]
    points = [f'Side {k} on "{p["quote"]}": {p["point"]}' for k, ps in data["rebuttals"].items() for p in ps]
    return "\n".join(
        [
            *(f"Side {side}: {text}" for side, text in data["positions"].items()),
            *section("What the disagreement turns on", cruxes),
            *section("Both accept", data["accepted"]),
            *section("Each restates the other", restated),
            *section("Criticism, of what was signed", points),
            *section("Without a licence to criticise", [f"Side {side}" for side in data["unlicensed"]]),
        ]
    )
