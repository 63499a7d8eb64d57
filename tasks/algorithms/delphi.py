"""Delphi: anonymous estimates over rounds, the group's median and spread, and whether they have come together."""

from datetime import date, timedelta
from math import isfinite
from statistics import median, quantiles
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.panels import seats
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

NARROW = 0.15
"""An item has converged where its IQR is at most this share of |median|; a date's median counts in days from today."""
NARROW_RATING = 1.0
RATINGS = (1, 9)
LEAST_ESTIMATES = 3
"""Below so many estimates an item has no result."""
REASON_WORDS = 80


@pure
def items_to_estimate(decomposed: Replies, most: int) -> Replies:
    """The items, each once. Fails the run where there are none."""
    found: dict[str, dict[str, Any]] = {}
    for given in (i for d in ok_of(decomposed) for i in d.data()["items"]):
        if text := given["item"].strip():
            found.setdefault(text.casefold(), {**given, "item": text})
    if not found:
        raise Refuse("the question names nothing to estimate")
    return [reply(i["item"], key=f"item {n}", data=i) for n, i in enumerate(list(found.values())[:most], 1)]


@pure
def experts(profiled: Replies, models: Replies) -> Replies:
    """The experts by number, each with a profile to speak in and a model of its own as far as there are as many."""
    profiles = [p["profile"] for d in ok_of(profiled) for p in d.data()["profiles"]]
    panel = seats(models, {f"expert {n}": p for n, p in enumerate(profiles, 1)})
    return [s.but(data={**s.data(), "model": s.text, "role": p}) for s, p in zip(panel, profiles, strict=True)]


@pure
def estimates(items: Replies, experts: Replies, made: Replies, now: str, before: Replies | None = None) -> Replies:
    """Each expert's estimate of every item: the new one where it is valid, else the one before; and which ones moved.

    A number is finite, a rating from 1 to 9, a date YYYY-MM-DD. `values` are the numbers, of a date the days from now.
    """
    earlier = {b.key: b.data() for b in before or []}
    given = {m.key: {e["item"]: e for e in m.data()["estimates"]} for m in ok_of(made)}
    nothing: dict[str, Any] = {"estimates": {}, "values": {}}
    return [_held(e.key, items, given.get(e.key, {}), earlier.get(e.key, nothing), now) for e in experts]


def _held(expert: str, items: Replies, given: dict[str, Any], last: dict[str, Any], now: str) -> Reply:
    said, values = dict(last["estimates"]), dict(last["values"])
    for item in items:
        one = given.get(item.key)
        value = None if one is None else _value(one["estimate"], item.data()["kind"], now)
        if value is not None:
            said[item.key], values[item.key] = one, value
    moved = [k for k, v in values.items() if last["values"].get(k) != v]
    return reply(key=expert, data={"estimates": said, "values": values, "moved": moved})


def _value(raw: object, kind: str, now: str) -> float | None:
    if kind == "date":
        try:
            return float((date.fromisoformat(str(raw)[:10]) - date.fromisoformat(now[:10])).days)
        except ValueError:
            return None
    try:
        number = float(str(raw).replace(",", ""))
    except ValueError:
        return None
    in_scale = kind != "rating" or RATINGS[0] <= number <= RATINGS[1]
    return number if isfinite(number) and in_scale else None


@pure
def statistics(items: Replies, experts: Replies, estimates: Replies, now: str) -> Slots:
    """Per item the median and the quartiles, without a name; and the estimates that lie outside the quartiles.

    An item with fewer than three estimates has neither.
    """
    stats, outside = [], []
    for item in items:
        values = {e.key: e.data()["values"][item.key] for e in estimates if item.key in e.data()["values"]}
        data = {**item.data(), **_spread(list(values.values()), item.data()["kind"], now)}
        stats.append(reply(item.text, key=item.key, data=data))
        low, high = _quartiles(list(values.values()))
        said = {e.key: e.data()["estimates"] for e in estimates}
        outside += [
            _outlier(item, expert, said[expert.key][item.key], values[expert.key], data)
            for expert in experts
            if data["median"] is not None and expert.key in values and not low <= values[expert.key] <= high
        ]
    return {"stats": stats, "outside": outside}


def _outlier(item: Reply, expert: Reply, said: dict[str, Any], value: float, stats: dict[str, Any]) -> Reply:
    shown = {n: stats[n] for n in ("item", "unit", "median", "q1", "q3")}
    who = {"role": expert.data()["role"], "model": expert.data()["model"], "item_key": item.key, "value": value}
    return reply(item.text, key=f"{expert.key} · {item.key}", data={**said, **shown, **who})


def _quartiles(values: list[float]) -> tuple[float, float]:
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    first, _, third = quantiles(values, n=4, method="inclusive")
    return first, third


def _spread(values: list[float], kind: str, now: str) -> dict[str, Any]:
    if len(values) < LEAST_ESTIMATES:
        return {"median": None, "q1": None, "q3": None, "iqr": None, "estimates": len(values), "converged": False}
    middle, (first, third) = median(values), _quartiles(values)
    wide = NARROW_RATING if kind == "rating" else NARROW * abs(middle)
    return {
        "median": _shown(middle, kind, now),
        "q1": _shown(first, kind, now),
        "q3": _shown(third, kind, now),
        "iqr": round(third - first, 6),
        "estimates": len(values),
        "converged": third - first <= wide + 1e-9,
    }


def _shown(value: float, kind: str, now: str) -> float | str:
    if kind != "date":
        return round(value, 6)
    try:
        return (date.fromisoformat(now[:10]) + timedelta(days=round(value))).isoformat()
    except OverflowError:
        return f"{value:g} days from now"


@pure
def settled(stats: Replies, estimates: Replies) -> bool:
    """Whether every item has converged, or no estimate moved in the last round."""
    return all(s.data()["converged"] for s in stats) or not any(e.data()["moved"] for e in estimates)


@pure
def outlier_reasons(outside: Replies, why: Replies) -> Replies:
    """Why some estimates lie outside, without a name, by item and value; at most 80 words each.

    Where a justification failed, the reason given with the estimate stands in.
    """
    said = {w.key: w.text for w in ok_of(why)}
    ordered = sorted(outside, key=lambda o: (o.data()["item_key"], o.data()["value"]))
    return [
        reply(
            f"{o.data()['item_key']}, estimate {o.data()['estimate']}: {_cut(said.get(o.key) or o.data()['reason'])}",
            key=f"reason {n}",
        )
        for n, o in enumerate(ordered, 1)
    ]


def _cut(text: str) -> str:
    words = text.split()
    return " ".join(words[:REASON_WORDS]) + (" ..." if len(words) > REASON_WORDS else "")


@pure
def failures(made: Replies, why: Replies, turn: int) -> Replies:
    """What failed in a round after the first."""
    return [r.but(key=f"round {turn + 1} · {r.key}") for r in [*why, *made] if not r.ok]


@pure
def delphi_report(stats: Replies, outside: Replies, first: Replies, lost: Replies, ended: Replies) -> Reply:
    """Per item the final median, IQR and whether it converged, with the reasons of those still outside.

    `agreement` is the share of the items that converged.
    """
    rounds = 1 + ended[0].data()["turns"]
    rows = [{**s.data(), "id": s.key, "rounds": rounds, "outside": _reasons(s.key, outside)} for s in stats]
    share = sum(r["converged"] for r in rows) / len(rows)
    failed_ = causes([*(f.but(key=f"round 1 · {f.key}") for f in first), *lost])
    data = {"items": rows, "rounds_used": rounds, "converged": share == 1, "agreement": share, "lost": failed_}
    outcome: Outcome = (
        "incomplete"
        if any(r["median"] is None for r in rows)
        else "no_consensus"
        if not share
        else "degraded"
        if failed_
        else "answered"
    )
    lines = [_line(r) for r in rows]
    reasons = [f"{r['item']} {o['estimate']}: {o['reason']}" for r in rows for o in r["outside"]]
    lines += section("Still outside the middle half", reasons)
    return reply("\n".join(lines), key="answer", data=data, score=share, outcome=outcome)


def _reasons(item: str, outside: Replies) -> list[dict[str, Any]]:
    return [
        {"estimate": o.data()["estimate"], "reason": _cut(o.data()["reason"])}
        for o in sorted(outside, key=lambda o: float(o.data()["value"]))
        if o.data()["item_key"] == item
    ]


def _line(row: dict[str, Any]) -> str:
    if row["median"] is None:
        return f"{row['item']} No result: {row['estimates']} valid estimates."
    unit = f" {row['unit']}" if row["unit"] and row["kind"] != "date" else ""
    how = "converged" if row["converged"] else "not converged"
    half = f"middle half {row['q1']} to {row['q3']}"
    return f"{row['item']} {row['median']}{unit} ({half}; {how} after {row['rounds']} rounds)"
