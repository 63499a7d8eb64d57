"""An author examined on its own claims: questions, answers given without sight of one another, rulings."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, first_cause, ok_of, reply

TO_CORRECT = ("contradicted", "evasive")


@pure
def questions_asked(examiner: Replies, turn: int) -> Replies:
    """The examiner's questions of this turn, each by itself; none where it is done or could not be heard."""
    said = [e.data() for e in ok_of(examiner)]
    texts = [q.strip() for s in said if not s["done"] for q in s["questions"]]
    unique = list(dict.fromkeys(t for t in texts if t))
    return [reply(text, key=f"{turn}.{n}") for n, text in enumerate(unique, 1)]


@pure
def examined(questions: Replies, answers: Replies) -> Replies:
    """Each question with its answer. A question that was not answered because the call failed is left out."""
    said = {a.key: a for a in ok_of(answers)}
    return [
        q.but(
            text=f"Question: {q.text}\nAnswer: {said[q.key].text}",
            data={"question": q.text, "answer": said[q.key].text},
        )
        for q in questions
        if q.key in said
    ]


@pure
def heard(examiner: Replies, answers: Replies, turn: int) -> Reply:
    """Whether all of a turn could be heard; else the first reason why not."""
    why = first_cause([*examiner, *answers])
    return failed(why, key=f"turn {turn}") if why else reply(key=f"turn {turn}")


@pure
def examination_over(questions: Replies) -> bool:
    """Whether the last turn asked nothing: the examiner is done, or could not be heard."""
    return not questions


@pure
def nothing_examined(record: Replies) -> bool:
    """Whether there is no answer to rule on."""
    return not record


@pure
def ruled(claim: Replies, record: Replies, ruling: Replies, turns: Replies) -> Reply:
    """A claim with its examination, its ruling and what was lost; unexamined, with the reason, without a ruling."""
    given = ok_of(ruling)
    why = first_cause([*ruling, *turns]) or "the examiner asked nothing"
    said = given[0].data() if given else {"verdict": "unexamined", "first": "", "second": "", "reason": why}
    lost = causes([*turns, *(r.but(key="ruling") for r in ruling)])
    data = {"claim": claim[0].text, **said, "record": [r.data() for r in record], "lost": lost}
    return reply(f"{said['verdict']}: {claim[0].text}", key=claim[0].key, data=data)


@pure
def rulings_table(claims: Replies, rows: Replies) -> Replies:
    """A row a claim, in the order of the claims; a claim whose examination broke is unexamined."""
    made = {r.key: r for r in ok_of(rows)}
    broken = {r.key: r.cause for r in rows if not r.ok}
    return [made.get(c.key) or _unexamined(c, broken.get(c.key, "it was not examined")) for c in claims]


def _unexamined(claim: Reply, why: str) -> Reply:
    data = {
        "claim": claim.text,
        "verdict": "unexamined",
        "first": "",
        "second": "",
        "reason": why,
        "record": [],
        "lost": [why],
    }
    return reply(f"unexamined: {claim.text}", key=claim.key, data=data)


@pure
def nothing_to_correct(table: Replies) -> bool:
    """Whether no claim was contradicted or evaded."""
    return not any(row.data()["verdict"] in TO_CORRECT for row in table)


@pure
def cross_examined(answer: Replies, revised: Replies, table: Replies, extracted: Replies) -> Reply:
    """The answer with its rulings; unchecked where no claim was examined. `score` is the share that is consistent."""
    final = revised[0] if revised else answer[0]
    rows = [row.data() for row in table]
    lost = [*causes(extracted), *(f"{row.key}, {why}" for row in table for why in row.data()["lost"])]
    counts = {v: sum(r["verdict"] == v for r in rows) for v in ("consistent", *TO_CORRECT, "unexamined")}
    data = {
        "rulings": rows,
        **counts,
        "revised": not nothing_to_correct(table),
        "original": answer[0].text,
        "lost": lost,
    }
    unchecked = counts["unexamined"] == len(rows)
    outcome: Outcome = "unchecked" if unchecked else "degraded" if counts["unexamined"] or lost else "answered"
    lines = [final.text, *section("Rulings on its claims", [_shown(r) for r in rows])]
    share = counts["consistent"] / len(rows) if rows else None
    return reply("\n".join(lines), key="answer", data=data, score=share, model=final.model, outcome=outcome)


def _shown(row: dict[str, Any]) -> str:
    pair = f' ("{row["first"]}" against "{row["second"]}")' if row["verdict"] == "contradicted" else ""
    return f"{row['verdict']}: {row['claim']}{pair}"
