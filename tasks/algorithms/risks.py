"""Risks of a plan: merged causes, their ratings, the top ones, and what was done about each."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply


@pure
def merged_causes(extracted: Replies, stories: Replies, most: int) -> Replies:
    """The causes as items, each once, with the roles that named it: of those who told a story, whatever is claimed."""
    told = [s.key for s in ok_of(stories)]
    found: dict[str, dict[str, Any]] = {}
    for cause in (c for e in ok_of(extracted) for c in e.data()["causes"]):
        text = cause["cause"].strip()
        if not text:
            continue
        row = found.setdefault(text.casefold(), {"cause": text, "first_sign": cause["first_sign"], "roles": []})
        row["roles"] = [t for t in told if t in {*row["roles"], *cause["named_by"]}]
    return [reply(r["cause"], key=f"cause {n}", data=r) for n, r in enumerate(list(found.values())[:most], 1)]


@pure
def top_risks(risks: Replies, ratings: Replies, keep: int) -> Slots:
    """The risk table, the gravest first, and its `keep` first rows: likelihood x damage, ties by the number of roles.

    A risk that nobody could rate stands last, without a figure, and is never among the first.
    """
    rated = {r.key: r.data() for r in ok_of(ratings)}
    rows = [r.but(data={**r.data(), **_rating(rated.get(r.key))}) for r in risks]
    ranked = sorted(rows, key=lambda r: (-(r.data()["risk"] or 0), -len(r.data()["roles"])))
    return {"table": ranked, "top": [r for r in ranked if r.data()["risk"] is not None][:keep]}


def _rating(given: dict[str, Any] | None) -> dict[str, Any]:
    if given is None:
        return {"likelihood": None, "damage": None, "risk": None}
    return {
        "likelihood": given["likelihood"],
        "damage": given["damage"],
        "risk": given["likelihood"] * given["damage"],
    }


@pure
def hardened_plan(
    plan: Replies, stories: Replies, table: Replies, top: Replies, ratings: Replies, fixes: Replies, revised: Replies
) -> Reply:
    """The hardened plan with its risk table and tripwires, and whether each top cause is prevented or accepted.

    A top cause that the plan neither prevents nor accepts with a reason leaves it incomplete.
    """
    said = revised[0].data()
    treated = {t["cause"]: t for t in said["treatment"] if t["reason"].strip()}
    fixed = {f.key: f.data() for f in ok_of(fixes)}
    risks = [
        {
            "id": r.key,
            **r.data(),
            "treatment": treated[r.key]["how"] if r.key in treated else "none",
            "reason": treated[r.key]["reason"] if r.key in treated else "",
        }
        for r in top
    ]
    open_ = [r["id"] for r in risks if r["treatment"] == "none"]
    lost = causes([*stories, *ratings, *fixes])
    data = {
        "plan": said["plan"],
        "original": plan[0].text,
        "risks": risks,
        "table": [{"id": r.key, **r.data()} for r in table],
        "tripwires": [{"id": k, **{n: f[n] for n in ("sign", "threshold", "fallback")}} for k, f in fixed.items()],
        "untreated": open_,
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if open_ else "degraded" if lost else "answered"
    return reply(_text(data), key="answer", data=data, model=revised[0].model, outcome=outcome)


def _text(data: dict[str, Any]) -> str:
    rows = [_risk(r) for r in data["risks"]]
    wires = [f"{t['sign']}: {t['threshold']}; then {t['fallback']}" for t in data["tripwires"]]
    other = [_risk(r) for r in data["table"] if r["id"] not in {one["id"] for one in data["risks"]}]
    return "\n".join(
        [
            data["plan"],
            *section("Likeliest and worst causes of failure", rows),
            *section("Tripwires", wires),
            *section("Other causes", other),
        ]
    )


def _risk(row: dict[str, Any]) -> str:
    size = "not rated" if row["risk"] is None else f"{row['likelihood']} x {row['damage']} = {row['risk']}"
    named = f"named by {len(row['roles'])}"
    how = f"; {row['treatment']}: {row['reason']}" if row.get("reason") else ""
    how = how or ("; neither prevented nor accepted" if row.get("treatment") == "none" else "")
    return f"{row['cause']} ({size}, {named}{how})"
