"""A cascade of models by price: who is tried next, when an answer is good enough, and what that cost."""

from collections.abc import Sequence
from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply

THRESHOLDS = (0.8, 0.7)
"""The reliability that the first model and the later ones need, unless others are given."""
LEAST_RATED, LEAST_OF_SCORE = 20, 5
"""So many rated answers of a model, and so many of one tenth of the scores, tell something of its scores."""
CHARS_A_TOKEN = 4


@pure
def rungs(ladder: Replies, thresholds: Replies, past: Replies) -> Slots:
    """`queue` are the models of the ladder in its order, each with the score that its answer needs.

    The last needs none. Without given thresholds they are calibrated by what people decided on earlier answers.
    `scorer` is the first, the cheapest. Fails the run, before anything is paid, where the thresholds given are not one
    number from 0 to 1 for each model but the last.
    """
    needed = _thresholds([t.text for t in thresholds], len(ladder) - 1)
    if not thresholds:
        needed = [calibrated(n, card.text, past) for n, card in zip(needed, ladder, strict=False)]
    queue = [
        reply(
            card.text,
            key=card.key,
            data={"tier": number, "tiers": len(ladder), "threshold": threshold, "last": threshold is None},
        )
        for number, (card, threshold) in enumerate(zip(ladder, [*needed, None], strict=True), 1)
    ]
    return {"queue": queue, "scorer": queue[:1]}


def _thresholds(given: Sequence[str], count: int) -> list[float]:
    if not given:
        return [THRESHOLDS[min(i, len(THRESHOLDS) - 1)] for i in range(count)]
    try:
        numbers = [float(g) for g in given]
    except ValueError as error:
        raise Refuse(f"a threshold is no number: {error}") from error
    if len(numbers) != count or not all(0 <= n <= 1 for n in numbers):
        raise Refuse(f"thresholds {', '.join(given)}: {count} numbers from 0 to 1 are needed, one a model but the last")
    return numbers


def calibrated(needed: float, model: str, past: Replies) -> float:
    """The lowest score from which on people took as many of a model's answers as are needed, in [0, 1].

    A score counts where enough answers of its tenth were rated; with fewer than LEAST_RATED rated answers of the model
    the scorer is believed, and where no score was borne out only a perfect one will do.
    """
    rated = {float(p.key.removeprefix(f"{model} ")): p for p in past if p.key.rpartition(" ")[0] == model}
    if sum(p.data()["uses"] for p in rated.values()) < LEAST_RATED:
        return needed
    for score in sorted(s for s, p in rated.items() if p.data()["uses"] >= LEAST_OF_SCORE):
        above = [p.data() for s, p in rated.items() if s >= score]
        if sum(a["uses"] * a["mean"] for a in above) >= needed * sum(a["uses"] for a in above):
            return score
    return 1.0


@pure
def scored(settled: Replies) -> Replies:
    """The answer as taken, by its model and the tenth of its score, until a person decides; none without a score."""
    data = settled[0].data()
    if data["quality"] is None:
        return []
    return [reply(key=f"{data['model']} {int(data['quality'] * 10) / 10}", data={"taken": 1.0})]


@pure
def is_last(rung: Replies) -> bool:
    """Whether there is no stronger model after this one."""
    return bool(rung[0].data()["last"])


@pure
def tried(rung: Replies, answer: Replies, score: Replies) -> Reply:
    """One model's try: its answer, the scorer's reliability (null without one), and whether it is accepted.

    An answer that nobody could score is not accepted, unless it is the last model's.
    """
    one, place = answer[0], rung[0].data()
    reliability = score[0].data()["reliability"] if score and score[0].ok else None
    enough = place["last"] or (reliability is not None and reliability >= place["threshold"])
    data = {
        "tier": place["tier"],
        "model": rung[0].text,
        "score": reliability,
        "threshold": place["threshold"],
        "accepted": one.ok and enough,
        "error": one.cause if not one.ok else "",
        "not_scored": score[0].cause if one.ok and score and not score[0].ok else "",
        "cost_usd": one.cost + sum(s.cost for s in score),
        "answer_cost_usd": one.cost,
    }
    return one.but(key=f"tier {place['tier']}", score=reliability, data=data)


@pure
def accepted(tries: Replies) -> bool:
    """Whether the last try ends the climb."""
    return bool(tries) and tries[-1].data()["accepted"] is True


@pure
def cascaded(tries: Replies, ladder: Replies) -> Reply:
    """The accepted answer with its tier, the scores of all tiers, and the cost against the strongest model alone.

    Where the strongest failed, the best scored answer below its threshold, degraded. Fails the run without any answer.
    `first_score` (0 where the first tier failed) is what thresholds are calibrated on.
    """
    good = ok_of(tries)
    if not good:
        raise Refuse(f"no model of the cascade answered: {first_cause(tries) or 'none was tried'}")
    final = good[-1] if accepted(tries) else max(good, key=lambda t: t.score or 0.0)
    mine = final.data()
    rows = [_row(t.data()) for t in tries]
    known = all(c.data()["price_known"] for c in ladder if c.text in {r["model"] for r in rows})
    data: dict[str, Any] = {
        "tier": mine["tier"],
        "model": mine["model"],
        "scores": rows,
        "accepted": mine["accepted"],
        "quality": mine["score"],
        "first_score": rows[0]["score"] or 0.0,
        "cost_usd": sum(t.data()["cost_usd"] for t in tries) if known else None,
        "strong_alone_usd": _strong_alone(final, ladder[-1], tries),
    }
    outcome = "answered" if mine["accepted"] and not any(r["error"] for r in rows) else "degraded"
    text = "\n".join([final.text, "", *_shown(data, ladder)])
    return reply(text, key="answer", data=data, score=mine["score"], model=final.model, outcome=outcome)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return {n: one[n] for n in ("tier", "model", "score", "threshold", "accepted", "error", "not_scored")}


def _strong_alone(final: Reply, strongest: Reply, tries: Replies) -> float | None:
    """What the strongest model cost, or about would have for as many tokens; None where its price is not known."""
    card = strongest.data()
    if not card["price_known"]:
        return None
    own = [t for t in ok_of(tries) if t.data()["model"] == strongest.text]
    if own:
        return float(own[-1].data()["answer_cost_usd"])
    written = min(final.tokens, len(final.text) // CHARS_A_TOKEN)
    return float((final.tokens - written) * card["price_in"] + written * card["price_out"])


def _shown(data: dict[str, Any], ladder: Replies) -> list[str]:
    spent, alone = ("not known" if v is None else f"{v:.6f} USD" for v in (data["cost_usd"], data["strong_alone_usd"]))
    head = f"Answered by {data['model']}, tier {data['tier']} of {len(ladder)}."
    if not data["accepted"]:
        head += " No stronger model answered, and its reliability is below what was asked for."
    return [head, *(_line(r) for r in data["scores"]), f"Cost: {spent}; {ladder[-1].text} alone: {alone}."]


def _line(row: dict[str, Any]) -> str:
    if row["error"]:
        return f"- {row['model']}: failed ({row['error']})"
    if row["threshold"] is None:
        return f"- {row['model']}: the last, not scored"
    if row["score"] is None:
        return f"- {row['model']}: could not be scored ({row['not_scored']})"
    return f"- {row['model']}: reliability {row['score']:.2f}, {row['threshold']:.2f} needed"
