"""Analysis of competing hypotheses: evidence against each counts, evidence for it never does (Heuer 1999, ch. 8)."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

AGAINST = {"CC": 0, "C": 0, "N": 0, "I": 1, "II": 2}
"""What a mark adds to a hypothesis's inconsistency: consistent and neutral ones nothing."""
GAP = 2
"""The least inconsistent hypothesis is picked where the next has at least so much more."""


@pure
def rival_hypotheses(decomposed: Replies, count: int) -> Replies:
    """The hypotheses as H1, H2 ... Fails the run unless there are `count` different ones."""
    given = [h for d in ok_of(decomposed) for h in d.data()["hypotheses"]]
    texts = [h["hypothesis"].strip() for h in given]
    if len({t.casefold() for t in texts if t}) != count or len(texts) != count:
        raise Refuse(f"the question gave no {count} different hypotheses")
    return [
        reply(t, key=f"H{n}", data={"hypothesis": t, "unpopular": h["unpopular"]})
        for n, (t, h) in enumerate(zip(texts, given, strict=True), 1)
    ]


@pure
def evidence_rows(extracted: Replies, most: int) -> Replies:
    """The pieces of evidence as E1, E2 ..., each once."""
    found: dict[str, dict[str, Any]] = {}
    for row in (e for x in ok_of(extracted) for e in x.data()["evidence"]):
        if text := row["statement"].strip():
            found.setdefault(text.casefold(), {**row, "statement": text})
    return [reply(r["statement"], key=f"E{n}", data=r) for n, r in enumerate(list(found.values())[:most], 1)]


@pure
def matrix(evidence: Replies, hypotheses: Replies, marks: Replies) -> Replies:
    """A row a piece of evidence, with its mark for every hypothesis and its diagnosticity, the number of distinct ones.

    A row that does not tell hypotheses apart, or that nobody could judge, does not count.
    """
    judged = {m.key: m.data()["marks"] for m in ok_of(marks)}
    rows = []
    for one in evidence:
        given = {h.key: judged[one.key][h.key] for h in hypotheses} if one.key in judged else {}
        diagnosticity = len(set(given.values()))
        counts = diagnosticity > 1
        rows.append(one.but(data={**one.data(), "marks": given, "diagnosticity": diagnosticity, "counts": counts}))
    return rows


@pure
def least_contradicted(hypotheses: Replies, matrix: Replies) -> Reply:
    """The hypothesis with the least inconsistency, the sum of credibility x (I = 1, II = 2); undecided below GAP."""
    scores = _scores(hypotheses, matrix)
    ranked = sorted(hypotheses, key=lambda h: scores[h.key])
    winner = _winner(scores)
    data = {
        "winner": winner,
        "ranking": [{"id": h.key, "hypothesis": h.text, "inconsistency": scores[h.key]} for h in ranked],
        "gap": _gap(scores),
        "rows": sum(r.data()["counts"] for r in matrix),
    }
    head = next((h.text for h in hypotheses if h.key == winner), "")
    rows = [f"{r['id']}, inconsistency {r['inconsistency']}: {r['hypothesis']}" for r in data["ranking"]]
    said = (
        f"Least contradicted: {head}" if winner else f"Undecided: the two least contradicted are {data['gap']} apart."
    )
    return reply("\n".join([said, "", *rows]), key="pick", data=data, outcome="answered" if winner else "undecided")


@pure
def decisive_rows(hypotheses: Replies, matrix: Replies) -> Replies:
    """The rows without any one of which another hypothesis, or none, would be picked."""
    winner = _winner(_scores(hypotheses, matrix))
    found = []
    for row in (r for r in matrix if r.data()["counts"]):
        without = _winner(_scores(hypotheses, [r for r in matrix if r.key != row.key]))
        if without != winner:
            text = f"{row.text} Without it: {without or 'undecided'}."
            found.append(reply(text, key=row.key, data={"statement": row.text, "without": without or "undecided"}))
    return found


@pure
def analysis(
    pick: Replies, matrix: Replies, decisive: Replies, advocates: Replies, marks: Replies, ahead: Replies
) -> Reply:
    """The pick with its matrix, the rows that it hangs on, and what evidence to look for next."""
    chosen = pick[0]
    lost = causes([*advocates, *marks, *ahead])
    next_ = [e for a in ok_of(ahead) for e in a.data()["next"]]
    data = {
        **chosen.data(),
        "matrix": [{"id": r.key, **r.data()} for r in matrix],
        "decisive": [{"id": r.key, **r.data()} for r in decisive],
        "next_evidence": next_,
        "one_sided": [a.key for a in ok_of(advocates) if not any(e["against"] for e in a.data()["evidence"])],
        "lost": lost,
    }
    outcome: Outcome = "undecided" if chosen.outcome == "undecided" else "degraded" if lost else "answered"
    lines = [
        chosen.text,
        *section("Evidence", [_shown(r) for r in matrix]),
        *section("The result hangs on", [r.text for r in decisive]),
        *section("Evidence to look for next", [f"{e['evidence']} ({e['would_show']})" for e in next_]),
    ]
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


def _scores(hypotheses: Replies, rows: Replies) -> dict[str, int]:
    counted = [r.data() for r in rows if r.data()["counts"]]
    return {h.key: sum(r["credibility"] * AGAINST[r["marks"][h.key]] for r in counted) for h in hypotheses}


def _gap(scores: dict[str, int]) -> int:
    ordered = sorted(scores.values())
    return ordered[1] - ordered[0] if len(ordered) > 1 else 0


def _winner(scores: dict[str, int]) -> str:
    return min(scores, key=lambda h: scores[h]) if _gap(scores) >= GAP else ""


def _shown(row: Reply) -> str:
    data = row.data()
    marks = ", ".join(f"{h} {m}" for h, m in data["marks"].items()) or "not judged"
    aside = "" if data["counts"] or not data["marks"] else "; tells none apart"
    return f"{row.text} ({data['source']}, credibility {data['credibility']}: {marks}{aside})"
