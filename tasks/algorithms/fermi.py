"""Fermi estimates: two routes to one quantity, ranges for their factors, and what a simulation makes of both."""

from collections.abc import Mapping
from math import exp, floor, isfinite, log, log10
from statistics import median
from typing import Any

from tasks.algorithms.units import NoFormula, formula_unit, names_in, shown, unit_of, value_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, failed, first_cause, ok_of, reply

Z95 = 1.6448536269514722
"""The 95 % quantile of the standard normal distribution."""
FACTOR = 3.0
"""Routes agree where the ratio of their medians lies within 1/3 and 3."""


@pure
def checked_routes(models: Replies) -> Replies:
    """Each route with its `problem`: why its formula does not have the unit that it says; empty where it has."""
    return [_checked(m) for m in models]


def _checked(model: Reply) -> Reply:
    if not model.ok:
        return model
    data = model.data()
    names = [f["name"] for f in data["factors"]]
    problem = "two factors have the same name" if len(set(names)) < len(names) else ""
    try:
        wanted = unit_of(data["unit"])
        found = formula_unit(data["formula"], {f["name"]: f["unit"] for f in data["factors"]})
        used = names_in(data["formula"])
        if not used:
            problem = "it names no factor"
        elif found != wanted:
            problem = f"its unit is {shown(found)}, and it should be {shown(wanted)}"
    except NoFormula as error:
        return model.but(data={**data, "approach": model.key, "problem": str(error)})
    kept = [f for f in data["factors"] if f["name"] in used]
    return model.but(data={**data, "factors": kept, "approach": model.key, "problem": problem})


@pure
def faulty(routes: Replies) -> Replies:
    """The routes whose formula must be revised."""
    return [r for r in ok_of(routes) if r.data()["problem"]]


@pure
def sound_routes(routes: Replies, revised: Replies) -> Replies:
    """The routes whose formula holds, at once or once revised. Fails the run where none does."""
    again = {r.key: _checked(r) for r in revised}
    final = [again.get(r.key, r) for r in routes]
    sound = [r for r in ok_of(final) if not r.data()["problem"]]
    if not sound:
        why = "; ".join(f"{r.key}: {r.data()['problem'] if r.ok else r.cause}" for r in final)
        raise Refuse(f"no formula holds: {why}")
    return sound


def _factor_key(factor: Mapping[str, str]) -> str:
    return f"{factor['name']} [{shown(unit_of(factor['unit']))}]"


@pure
def distinct_factors(routes: Replies) -> Replies:
    """The factors of all routes, each once: text is what it means, fields name, meaning and unit."""
    found: dict[str, Reply] = {}
    for factor in (f for r in routes for f in r.data()["factors"]):
        found.setdefault(_factor_key(factor), reply(factor["meaning"], key=_factor_key(factor), data=factor))
    return list(found.values())


@pure
def median_ranges(factors: Replies, samples: Replies) -> Replies:
    """A range a factor: the median of each percentile over its samples; a failed reply where it has none."""
    return [_range(f, [s for s in samples if s.key.rpartition(" · ")[0] == f.key]) for f in factors]


def _range(factor: Reply, samples: Replies) -> Reply:
    given = [s.data() for s in ok_of(samples)]
    rows = [sorted(float(g[p]) for p in ("low", "mid", "high")) for g in given]
    if not rows:
        return failed(first_cause(samples) or "nobody was asked", key=factor.key)
    low, mid, high = sorted(median(column) for column in zip(*rows, strict=True))
    data = {**factor.data(), "low": low, "mid": mid, "high": high, "reasons": [g["reason"] for g in given]}
    return reply(factor.text, key=factor.key, data={**data, "lost": first_cause(samples), "revised": False})


@pure
def simulated(routes: Replies, ranges: Replies, seed: int, draws: int) -> Replies:
    """Each route by Monte Carlo: factors lognormal by their 5 % and 95 % values, the same draws for both routes.

    Fields low, mid, high (5, 50 and 95 %), unit, formula, and `shares`, each factor's share of the variance (squared
    rank correlations, scaled to 1). A route whose factors are not all known, or that is not positive, fails.
    """
    known = {r.key: r.data() for r in ok_of(ranges)}
    return [_simulated(route, known, seed, draws) for route in routes]


def _simulated(route: Reply, known: Mapping[str, dict[str, Any]], seed: int, draws: int) -> Reply:
    import numpy

    data = route.data()
    keys = {f["name"]: _factor_key(f) for f in data["factors"]}
    if missing := [k for k in keys.values() if k not in known]:
        return failed(f"no value for {', '.join(missing)}", key=route.key)
    order = sorted(known)
    drawn = {
        name: _draws(known[key], numpy.random.default_rng([seed % 2**32, order.index(key)]).standard_normal(draws))
        for name, key in keys.items()
    }
    with numpy.errstate(all="ignore"):
        result = numpy.asarray(value_of(data["formula"], drawn), dtype=float) * numpy.ones(draws)
    result = result[numpy.isfinite(result)]
    low, mid, high = (float(v) for v in numpy.percentile(result, [5, 50, 95])) if result.size == draws else (0, 0, 0)
    if not (mid > 0 and low > 0 and isfinite(high)):
        return failed("its value is not a positive number", key=route.key)
    ranks = {keys[name]: _squared_rank_correlation(values, result) for name, values in drawn.items()}
    total = sum(ranks.values())
    shares = {key: value / total if total else 0.0 for key, value in ranks.items()}
    kept = {"formula": data["formula"], "unit": data["unit"], "shares": shares, "low": low, "mid": mid, "high": high}
    return reply(f"{data['formula']} = {readable(mid)}", key=route.key, data=kept)


def _draws(factor: Mapping[str, Any], normal: Any) -> Any:
    import numpy

    low, high = log(factor["low"]), log(factor["high"])
    return numpy.exp((low + high) / 2 + (high - low) / (2 * Z95) * normal)


def _squared_rank_correlation(one: Any, other: Any) -> float:
    import numpy

    if numpy.ptp(one) == 0 or numpy.ptp(other) == 0:
        return 0.0
    first, second = (numpy.argsort(numpy.argsort(values)) for values in (one, other))
    return float(numpy.corrcoef(first, second)[0, 1] ** 2)


@pure
def routes_agree(sims: Replies) -> bool:
    """Whether there is nothing to reconcile: one route is left, the units of two cannot be compared, or the ratio of
    their medians lies within 1/3..3.
    """
    ratio = _ratio(sims)
    return ratio is None or not _comparable(sims) or 1 / FACTOR <= ratio <= FACTOR


def _comparable(sims: Replies) -> bool:
    return len({unit_of(s.data()["unit"]) for s in ok_of(sims)}) == 1


def _ratio(sims: Replies) -> float | None:
    """The ratio of the two medians; None where there are not two."""
    made = [s.data() for s in ok_of(sims)]
    if len(made) < 2:
        return None
    return float(made[0]["mid"]) / float(made[1]["mid"])


@pure
def widest_factors(sims: Replies, ranges: Replies, most: int) -> Replies:
    """The factors with the largest share of the variance of a route, at most `most`, with their values."""
    shares: dict[str, float] = {}
    for sim in ok_of(sims):
        for key, share in sim.data()["shares"].items():
            shares[key] = max(share, shares.get(key, 0.0))
    chosen = sorted(shares, key=lambda k: (-shares[k], k))[:most]
    by_key = {r.key: r for r in ok_of(ranges)}
    return [by_key[k] for k in chosen]


@pure
def revised_ranges(ranges: Replies, revised: Replies) -> Replies:
    """The ranges with those that were revised in their place; one whose revision failed stays, and says so."""
    again = {r.key: r for r in revised}
    return [_revised(r, again[r.key]) if r.key in again else r for r in ranges]


def _revised(before: Reply, now: Reply) -> Reply:
    data = before.data()
    if not now.ok:
        return before.but(data={**data, "lost": first_cause([now])})
    said = now.data()
    low, mid, high = sorted(float(said[p]) for p in ("low", "mid", "high"))
    new = {"low": low, "mid": mid, "high": high, "reasons": [*data["reasons"], said["reason"]], "revised": True}
    return before.but(data={**data, **new})


@pure
def fermi_estimate(models: Replies, routes: Replies, ranges: Replies, sims: Replies) -> Reply:
    """The geometric mean of the routes' medians, the union of their ranges, and all that they rest on.

    Routes that still differ by more than a factor of three, or have different units, are both shown, undecided. With
    one route only the estimate is not cross-checked. Fails the run where there is none.
    """
    made = ok_of(sims)
    if not made:
        raise Refuse(f"no route has a value: {first_cause(sims) or 'none is left'}")
    results = [s.data() for s in made]
    ratio = _ratio(sims)
    same_unit = _comparable(made)
    agree = ratio is not None and same_unit and routes_agree(sims)
    estimate = exp(sum(log(r["mid"]) for r in results) / len(results))
    factors = [r.data() | {"key": r.key} for r in ok_of(ranges)]
    top = max(((s, k) for r in results for k, s in r["shares"].items()), default=(0.0, ""))
    kept = {r.key: r.data() for r in routes}
    data = {
        "estimate": estimate if agree or ratio is None else None,
        "low": min(r["low"] for r in results) if same_unit else None,
        "high": max(r["high"] for r in results) if same_unit else None,
        "unit": results[0]["unit"] if same_unit else "",
        "ratio": ratio,
        "low_confidence": ratio is not None and not agree,
        "routes": [{"route": s.key, **s.data()} for s in made],
        "factors": [{k: v for k, v in f.items() if k != "reasons"} for f in factors],
        "dominant_factor": top[1],
        "dropped": [m.key for m in models if m.key not in kept or m.key not in {s.key for s in made}],
        "lost": [f"{r.key}: {r.data()['lost']}" for r in ok_of(ranges) if r.data()["lost"]],
    }
    outcome: Outcome = "answered" if agree else "undecided" if ratio is not None else "unchecked"
    if outcome == "answered" and data["lost"]:
        outcome = "degraded"
    return reply("\n".join(_lines(data, factors, same_unit)), key="answer", data=data, outcome=outcome)


def _lines(data: dict[str, Any], factors: list[dict[str, Any]], same_unit: bool) -> list[str]:
    unit = data["unit"]
    if data["low_confidence"]:
        why = "differ by more than a factor of three" if same_unit else "have different units"
        head = [f"Low confidence: the two routes {why}.", *(_route_line(r) for r in data["routes"])]
    else:
        spread = f"{readable(data['low'])} to {readable(data['high'])} {unit}"
        head = [f"About {readable(data['estimate'])} {unit} (5 % to 95 %: {spread})"]
        head += [] if data["ratio"] is not None else ["Not cross-checked: only one route to it held."]
    rows = [
        f"| {f['meaning']} | {readable(f['low'])} | {readable(f['mid'])} | {readable(f['high'])} | {f['unit']} |"
        for f in factors
    ]
    formulas = [f"- {r['route']}: {r['formula']} = {readable(r['mid'])} {r['unit']}" for r in data["routes"]]
    table = ["", "| factor | 5 % | 50 % | 95 % | unit |", "|---|---|---|---|---|", *rows]
    return [*head, "", "How:", *formulas, *table, "", f"What it depends on most: {data['dominant_factor']}"]


def _route_line(route: dict[str, Any]) -> str:
    span = f"{readable(route['low'])} to {readable(route['high'])}"
    return f"- {route['route']}: about {readable(route['mid'])} {route['unit']} (5 % to 95 %: {span})"


def readable(value: float) -> str:
    """A number with two significant digits, as people write it."""
    if value <= 0 or not isfinite(value):
        return f"{value:g}"
    size = floor(log10(value))
    if size < -3 or size > 14:
        return f"{value:.1e}"
    rounded = round(value, 1 - size)
    return f"{rounded:,.0f}" if size >= 1 else f"{rounded:g}"
