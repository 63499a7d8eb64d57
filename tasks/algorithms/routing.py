"""Routing: what a request needs, which models could do it, and which one is worth its price."""

from collections.abc import Callable
from typing import Any

from tasks.algorithms.scaling import scaled
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, reply

STRENGTH = {"free": 2.0, "budget": 2.5, "standard": 3.5, "premium": 4.25, "flagship": 5.0}
"""The complexity (1..5) up to which a model of a tier is expected to do well; beyond it FALLS_BY a level."""
FALLS_BY = 0.4
PRIOR_WEIGHT = 10
"""So many ratings of its own outweigh half of what is expected of a model's tier."""
UNKNOWN: dict[str, Any] = {
    "complexity": 3,
    "domain": "chat",
    "needs": {"context_tokens": 0, "tools": False, "vision": False},
    "est_output_tokens": 1000,
}
"""What a request is taken for that nobody could classify."""
CHARS_A_TOKEN = 4
RATING, LATENCY = "routing", "routing_latency"
"""The signals that are learned: of `domain/complexity/model` whether it answered, of the model its time."""
LONGEST_MS = 60_000.0
"""What counts as the longest time that an answer takes: latency is learned as a share of it."""


@pure
def features(classified: Replies) -> Reply:
    """What the classifier found, or UNKNOWN; `classified` says which, `cause` why not."""
    one = classified[0]
    data = {**(one.data() if one.ok else UNKNOWN), "classified": one.ok, "cause": "" if one.ok else one.cause}
    return reply(f"{data['domain']}, complexity {data['complexity']}", key="features", data=data)


def quality(tier: str, past: Reply | None, complexity: int) -> float:
    """Expected quality (0..1) of a model: its tier's prior, with weight 10, and the mean of its past ratings."""
    beyond = max(0.0, complexity - STRENGTH.get(tier, STRENGTH["standard"]))
    return weighed(max(0.0, 1.0 - FALLS_BY * beyond), past)


def weighed(prior: float, past: Reply | None) -> float:
    """What is expected (0..1) after past outcomes: the prior counts as PRIOR_WEIGHT of them."""
    uses, mean = (past.data()["uses"], past.data()["mean"]) if past else (0, 0.0)
    return float((PRIOR_WEIGHT * prior + uses * mean) / (PRIOR_WEIGHT + uses))


def by_source(past: Replies, signal: str) -> dict[str, Reply]:
    """Outcomes of one signal by what they are of."""
    return {one.data()["source"]: one for one in past if one.ok and one.data()["signal"] == signal}


@pure
def rank_models(
    pool: Replies,
    features: Replies,
    prompt: Replies,
    models: Replies,
    cap: Replies,
    weights: Replies,
    past: Replies,
    keep: int,
) -> Slots:
    """The models that fit, by w0 quality - w1 cost - w2 latency, both scaled 0..1; of those alike the cheaper first.

    `past` are outcomes of RATING and LATENCY; a model without a known time is taken for a quick one.
    `queue` are the best `keep`, `table` has the score of each. Where nobody classified the request the run's first
    model leads. `cap` is USD for the call, 0 for none. Fails the run, naming the limits, where no model fits.
    """
    found = features[0].data()
    length = max(sum(len(p.text) for p in prompt) // CHARS_A_TOKEN, found["needs"]["context_tokens"])
    fits = _fitting(pool, found, length, float(cap[0].text))
    costs = [_cost(card, length, found["est_output_tokens"]) for card in fits]
    scaled_cost = scaled(costs)
    times, ratings = by_source(past, LATENCY), by_source(past, RATING)
    scaled_latency = scaled([(times[c.text].score or 0.0) if c.text in times else 0.0 for c in fits])
    by = _weights(weights)
    rows = []
    for card, cost, dear, slow in zip(fits, costs, scaled_cost, scaled_latency, strict=True):
        rated = ratings.get(_kind(found, card.text))
        expected = quality(card.data()["tier"], rated, found["complexity"])
        score = by[0] * expected - by[1] * dear - by[2] * slow
        data = {"model": card.text, "quality": round(expected, 6), "cost_usd": cost, "score": round(score, 6)}
        data["uses"] = rated.data()["uses"] if rated else 0
        rows.append(reply(card.text, key=card.key, score=data["score"], data=data))
    default = models[0].text if models and not found["classified"] else ""
    ranked = sorted(rows, key=lambda r: (r.text != default, -(r.score or 0.0), r.data()["cost_usd"]))
    return {"queue": ranked[:keep], "table": ranked}


def _kind(found: dict[str, Any], model: str) -> str:
    return f"{found['domain']}/{found['complexity']}/{model}"


def _weights(given: Replies) -> list[float]:
    try:
        numbers = [float(w.text) for w in given]
    except ValueError as error:
        raise Refuse(f"a weight is no number: {error}") from error
    if len(numbers) != 3 or not all(0 <= n <= 1 for n in numbers):
        raise Refuse("weights: three numbers from 0 to 1 are needed, for quality, cost and latency")
    return numbers


def _fitting(pool: Replies, found: dict[str, Any], length: int, cap: float) -> list[Reply]:
    """The models that none of the limits excludes, one limit after the other, so that each says whom it excluded."""
    needs, tokens = found["needs"], length + found["est_output_tokens"]
    left = list(pool)
    said = []
    limits: list[tuple[str, Callable[[dict[str, Any]], bool]]] = [
        (f"a context of {tokens} tokens", lambda d: d["context_tokens"] is None or d["context_tokens"] >= tokens),
        ("tools", lambda d: d["tools"] or not needs["tools"]),
        ("vision", lambda d: d["vision"] or not needs["vision"]),
    ]
    for name, allows in limits:
        kept = [card for card in left if allows(card.data())]
        said += [f"{name} excludes {len(left) - len(kept)}"] if len(kept) < len(left) else []
        left = kept
    if cap:
        kept = [card for card in left if _cost(card, length, found["est_output_tokens"]) <= cap]
        said += [f"the cap of {cap:g} USD excludes {len(left) - len(kept)}"] if len(kept) < len(left) else []
        left = kept
    if not left:
        raise Refuse(f"none of {len(pool)} models fits: {', '.join(said) or 'no model is enabled'}")
    return left


def _cost(card: Reply, read: int, written: int) -> float:
    data = card.data()
    return float(read * data["price_in"] + written * data["price_out"])


@pure
def attempt(candidate: Replies, answer: Replies) -> Reply:
    """A model's answer under its own name."""
    return answer[0].but(key=candidate[0].key)


@pure
def answered(attempts: Replies) -> bool:
    """Whether the last attempt gave an answer with something in it."""
    return bool(attempts) and attempts[-1].ok and bool(attempts[-1].text.strip())


@pure
def outcomes(attempts: Replies, features: Replies) -> Replies:
    """What is to be learned, one an attempt: `worked` (1 or 0) of `kind`, and of `model` its share of LONGEST_MS.

    An attempt that failed took as long as can be. Nothing is learned of a request that nobody could classify.
    """
    found = features[0].data()
    if not found["classified"]:
        return []
    learned = []
    for one in attempts:
        worked = answered([one])
        time = min(1.0, one.latency / LONGEST_MS) if worked else 1.0
        data = {"model": one.key, "kind": _kind(found, one.key), "worked": float(worked), "time": time}
        learned.append(reply(one.key, key=one.key, data=data))
    return learned


@pure
def routed(attempts: Replies, features: Replies, table: Replies) -> Reply:
    """The answer with the chosen model, the reason and the score table. Fails the run where no attempt succeeded."""
    lost = causes(attempts)
    if not answered(attempts):
        raise Refuse(f"no model answered: {'; '.join(lost) or 'none was asked'}")
    final, found = attempts[-1], features[0].data()
    reason = (
        f"{found['domain']}, complexity {found['complexity']} of 5"
        if found["classified"]
        else f"the request could not be classified ({found['cause']}), so the default model leads"
    )
    rows = [r.data() for r in table]
    data = {
        "model": final.key,
        "reason": reason,
        "features": found,
        "table": rows,
        "failed": lost,
    }
    lines = [final.text, "", f"Answered by {final.key}: {reason}.", *(f"- failed: {one}" for one in lost)]
    lines += ["Scores (expected quality, expected cost in USD):"]
    lines += [f"- {r['model']}: {r['score']:.3f} ({r['quality']:.2f}, {r['cost_usd']:.6f})" for r in rows]
    outcome = "degraded" if lost or not found["classified"] else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=final.model, outcome=outcome)
