"""Peer review: weaknesses with ids, what the author made of each, scores before and after, and the chair's decision."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

LEVELS = ("accept", "minor", "major", "reject")
ACCEPT_FROM, REVISE_FROM = 7, 5
"""Mean score (1 to 10) from which on a work is accepted, and from which on it is revised rather than rejected."""
MOST_SCORE = 10


@pure
def numbered_reviews(reviews: Replies, roles: dict[str, str]) -> Replies:
    """The reviews with an id for every weakness, and the role in which each was written."""
    return [r.but(data=_numbered(r, roles.get(r.key, ""))) if r.ok else r for r in reviews]


def _numbered(review: Reply, role: str) -> dict[str, Any]:
    data = review.data()
    given = [w.strip() for w in data["weaknesses"] if w.strip()]
    return {
        **data,
        "role": role,
        "weaknesses": [{"id": f"{review.key}-{n}", "text": w} for n, w in enumerate(given, 1)],
    }


@pure
def responses(reviews: Replies, rebuttal: Replies) -> Replies:
    """A row a weakness with the author's stance and response; one that the author passed over is unanswered."""
    said = {r["id"]: r for one in ok_of(rebuttal) for r in one.data()["responses"]}
    rows = []
    for weakness in (w for r in ok_of(reviews) for w in r.data()["weaknesses"]):
        found = said.get(weakness["id"], {"stance": "unanswered", "response": ""})
        data = {"weakness": weakness["text"], "stance": found["stance"], "response": found["response"]}
        rows.append(reply(f"{found['stance']}: {weakness['text']}", key=weakness["id"], data=data))
    return rows


@pure
def nothing_conceded(rows: Replies) -> bool:
    """Whether the author conceded no weakness, so that there is nothing to revise."""
    return not any(r.data()["stance"] == "concede" for r in rows)


@pure
def updated_reviews(reviews: Replies, second: Replies) -> Replies:
    """Each referee's score after the rebuttal, and which of their own weaknesses are resolved.

    Where a referee did not say, the first score stands and nothing is resolved.
    """
    said = {s.key: s.data() for s in ok_of(second)}
    return [_updated(r, said.get(r.key)) for r in ok_of(reviews)]


def _updated(review: Reply, second: dict[str, Any] | None) -> Reply:
    first = review.data()
    own = [w["id"] for w in first["weaknesses"]]
    resolved = [i for i in own if second and i in second["resolved"]]
    data = {
        "score_before": first["score"],
        "score": second["score"] if second else first["score"],
        "confidence": first["confidence"],
        "resolved": resolved,
        "open": [i for i in own if i not in resolved],
        "comment": second["comment"] if second else "",
    }
    return reply(f"{data['score']} of {MOST_SCORE}", key=review.key, data=data, model=review.model)


@pure
def prior(updated: Replies) -> Reply:
    """The decision that the confidence-weighted mean score calls for; between the bounds minor or major."""
    rows = [u.data() for u in updated]
    weight = sum(r["confidence"] for r in rows)
    mean = sum(r["confidence"] * r["score"] for r in rows) / weight if weight else 0.0
    levels = ["accept"] if mean >= ACCEPT_FROM else ["minor", "major"] if mean >= REVISE_FROM else ["reject"]
    said = f"{' or '.join(levels)} (mean score {mean:.2f} of {MOST_SCORE})"
    return reply(said, key="prior", data={"mean": round(mean, 6), "levels": levels})


@pure
def chair_decision(meta: Replies, prior: Replies) -> Reply:
    """The chair's decision, at most one level off the prior, and off it only with a reason; without a chair the prior.

    Without a chair the prior's upper half of minor or major is minor.
    """
    levels, mean = prior[0].data()["levels"], prior[0].data()["mean"]
    near = [LEVELS.index(level) for level in levels]
    heard = ok_of(meta)
    if not heard:
        half = levels[0] if mean >= (ACCEPT_FROM + REVISE_FROM) / 2 else levels[-1]
        return _decision(half, "The chair could not be heard; the scores decide.", mean, wanted="")
    said = heard[0].data()
    slack = 1 if said["deviation"].strip() else 0
    index = min(max(LEVELS.index(said["decision"]), near[0] - slack), near[-1] + slack)
    return _decision(
        LEVELS[min(max(index, 0), len(LEVELS) - 1)], said["reasons"], mean, said["decision"], said["deviation"]
    )


@pure
def second_decision(meta: Replies, before: Replies) -> Reply:
    """The chair's decision on the second revision; without a chair the first one stands."""
    heard = ok_of(meta)
    if not heard:
        return before[0].but(data={**before[0].data(), "lost": causes(meta)})
    said = heard[0].data()
    return _decision(said["decision"], said["reasons"], before[0].data()["mean"], said["decision"])


def _decision(level: str, reasons: str, mean: float, wanted: str, deviation: str = "") -> Reply:
    data = {"decision": level, "reasons": reasons, "mean": mean, "wanted": wanted, "deviation": deviation, "lost": []}
    return reply(f"{level}: {reasons}", key="decision", data=data)


@pure
def is_not_major(decision: Replies) -> bool:
    """Whether no second revision is due."""
    return bool(decision[-1].data()["decision"] != "major")


@pure
def unresolved(rows: Replies, updated: Replies) -> Replies:
    """The weaknesses that their referees did not find resolved."""
    open_ = {i for u in updated for i in u.data()["open"]}
    return [r for r in rows if r.key in open_]


@pure
def reviewed(
    reviews: Replies,
    rebuttal: Replies,
    rows: Replies,
    updated: Replies,
    second: Replies,
    meta: Replies,
    decision: Replies,
    work: Replies,
    ended: Replies,
) -> Reply:
    """The work as it stands last, with the decision, the reviews, the rebuttal and what is still open."""
    said = decision[0].data()
    lost = [*causes([*reviews, *rebuttal, *second, *meta]), *said["lost"]]
    left = unresolved(rows, updated)
    data = {
        "work": work[0].text,
        "decision": said["decision"],
        "reasons": said["reasons"],
        "mean": said["mean"],
        "quality": said["mean"] / MOST_SCORE,
        "deviation": said["deviation"],
        "reviews": [{"referee": r.key, **r.data()} for r in ok_of(reviews)],
        "rebuttal": [{"id": r.key, **r.data()} for r in rows],
        "updated": [{"referee": u.key, **u.data()} for u in updated],
        "unresolved": [r.key for r in left],
        "second_revision": ended[0].data()["turns"] == 1,
        "lost": lost,
    }
    outcome: Outcome = "degraded" if lost else "answered"
    lines = [
        work[0].text,
        "",
        f"Decision: {said['decision']} (mean score {said['mean']:.1f} of {MOST_SCORE}). {said['reasons']}",
        *section("Not resolved in the eyes of a referee", [f"{r.key}: {r.data()['weakness']}" for r in left]),
    ]
    score = said["mean"] / MOST_SCORE
    return reply("\n".join(lines), key="answer", data=data, score=score, model=work[0].model, outcome=outcome)
