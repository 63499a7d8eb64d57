"""Objections to the claims that a recommendation rests on: which hold, what follows, and what stays open."""

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, reply

REVERSED_FROM = 3
"""So many objections that hold reverse a recommendation; fewer revise it."""


@pure
def objection_table(claims: Replies, objections: Replies, checks: Replies) -> Replies:
    """A row a claim: the counter-case, and whether it holds. One that nobody made or could check is unknown."""
    made = {o.key: o for o in objections}
    checked = {c.key: c for c in checks}
    return [_row(c, made.get(c.key), checked.get(c.key)) for c in claims]


def _row(claim: Reply, objection: Reply | None, check: Reply | None) -> Reply:
    data = {"claim": claim.text, "counter_case": "", "would_have_to_be_true": "", "verdict": "unknown"}
    if objection is None or not objection.ok:
        why = objection.cause if objection else "it was not asked for"
        return reply(claim.text, key=claim.key, data={**data, "reason": f"no counter-case: {why}", "lost": True})
    data |= objection.data()
    if check is None or not check.ok:
        why = check.cause if check else "it was not asked for"
        return reply(claim.text, key=claim.key, data={**data, "reason": f"not checked: {why}", "lost": True})
    return reply(claim.text, key=claim.key, data={**data, **check.data(), "lost": False})


@pure
def objections_that_hold(table: Replies) -> Replies:
    """The rows whose counter-case a check supports."""
    return [row for row in table if row.data()["verdict"] == "supported"]


@pure
def course(holding: Replies) -> str:
    """What the objections that hold call for: keep, revise, or replace from three on."""
    return "keep" if not holding else "revise" if len(holding) < REVERSED_FROM else "replace"


@pure
def challenged(draft: Replies, decision: Replies, table: Replies, extracted: Replies, advocate: Replies) -> Reply:
    """The decision as text for people, with every claim, its objection and the verdict; unknown ones are open risks.

    A recommendation whose claims could not be read, or that rests on none, is unchecked.
    """
    rows = [row.data() for row in table]
    said, first = decision[0].data(), draft[0].data()
    lost = [*causes(extracted), *(f"{row.key}: {row.data()['reason']}" for row in table if row.data()["lost"])]
    risks = [r for r in rows if r["verdict"] == "unknown"]
    counts = {v: sum(r["verdict"] == v for r in rows) for v in ("supported", "refuted", "unknown")}
    data = {
        **said,
        **counts,
        "course": course(objections_that_hold(table)),
        "draft": first["recommendation"],
        "table": rows,
        "open_risks": [r["counter_case"] or r["reason"] for r in risks],
        "advocate": advocate[-1].data()["distinct"] if advocate else "role",
        "lost": lost,
    }
    outcome: Outcome = (
        "unchecked" if len(risks) == len(rows) and (lost or not rows) else "degraded" if lost else "answered"
    )
    lines = [
        said["recommendation"],
        "",
        said["reasoning"],
        *section("Objections", [f"{r['verdict']}: {r['claim']} Against it: {r['counter_case'] or '-'}" for r in rows]),
        *section("Open risks, not applied", [f"{r['claim']} ({r['reason']})" for r in risks]),
    ]
    return reply("\n".join(lines), key="answer", data=data, model=decision[0].model, outcome=outcome)
