"""Claims of a draft, checked one by one against answers that were found without it."""

from tasks.functions import pure
from tasks.reply import Replies, Reply, ok_of, reply


@pure
def claims_of(extracted: Replies, most: int) -> Replies:
    """The claims as items, each once; none where the extraction failed."""
    texts = [c.strip() for e in ok_of(extracted) for c in e.data()["claims"]]
    unique = list(dict.fromkeys(t for t in texts if t))[:most]
    return [reply(text, key=f"claim {n}") for n, text in enumerate(unique, 1)]


@pure
def verification_table(claims: Replies, questions: Replies, answers: Replies, verdicts: Replies) -> Replies:
    """A row a claim: what was asked, what was answered without seeing it, and whether that supports the claim.

    A claim that could not be checked is unknown, with the reason.
    """
    return [_row(c, *({r.key: r for r in of}.get(c.key) for of in (questions, answers, verdicts))) for c in claims]


def _row(claim: Reply, question: Reply | None, answer: Reply | None, verdict: Reply | None) -> Reply:
    checked = verdict is not None and verdict.ok
    said = verdict.data() if verdict is not None and checked else {}
    why = "" if verdict is None else verdict.cause
    data = {
        "claim": claim.text,
        "question": question.text if question is not None and question.ok else "",
        "answer": answer.text if answer is not None and answer.ok else "",
        "verdict": said.get("verdict", "unknown"),
        "reason": said.get("reason", f"it could not be checked: {why or 'no verdict'}"),
    }
    return reply(f"{data['verdict']}: {claim.text}", key=claim.key, data=data)


@pure
def all_supported(table: Replies) -> bool:
    """Whether there is nothing to revise: no claim is refuted and none is unknown."""
    return all(row.data()["verdict"] == "supported" for row in table)


@pure
def verified(baseline: Replies, revised: Replies, table: Replies, extracted: Replies) -> Reply:
    """The answer with its table. One that had no claim to check, or whose claims could not be read, is unchecked."""
    final = revised[0] if revised else baseline[0]
    verdicts = [row.data()["verdict"] for row in table]
    data = {
        "table": [row.data() for row in table],
        "supported": verdicts.count("supported"),
        "refuted": verdicts.count("refuted"),
        "unknown": verdicts.count("unknown"),
        "revised": not all_supported(table),
        "baseline": baseline[0].text,
        "lost": extracted[0].cause if not extracted[0].ok else "",
    }
    share = verdicts.count("supported") / len(verdicts) if verdicts else None
    outcome = "answered" if table else "unchecked"
    return reply(final.text, key="answer", data=data, score=share, model=final.model, outcome=outcome)
