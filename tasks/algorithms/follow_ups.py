"""Follow-up questions, asked one at a time: what was asked, what was found, and when to stop asking."""

from tasks.algorithms.passages import sources
from tasks.answers import normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, first_cause, ok_of, reply

NOT_FOUND = "NOT FOUND"
MOST_IN_VAIN = 2
"""So many questions in a row that found nothing end the asking."""


@pure
def follow_up(step: Replies, asked: Replies) -> Reply:
    """The question that is to be looked up, or a skipped reply where there is none: a final answer, or a repetition."""
    if not ok_of(step):
        return reply(status="skipped", cause=f"no question: {first_cause(step)}")
    data = step[-1].data()
    question = data["question"].strip()
    if data["type"] == "final":
        return reply(status="skipped", cause="final")
    if not normalised(question):
        return reply(status="skipped", cause="no question: it is empty")
    if normalised(question) in {normalised(a.data()["question"]) for a in asked}:
        return reply(question, status="skipped", cause="repeated")
    return reply(question, key="question")


@pure
def looked_up(question: Replies, passages: Replies, found: Replies) -> Replies:
    """The question with its answer, as one reply or none: fields question, answer, found, sources, lost.

    Without passages, or where the reading failed, the answer is NOT FOUND. Key is the question.
    """
    one = question[0]
    if not one.ok:
        return []
    text = found[0].text.strip() if ok_of(found) else ""
    here = bool(text) and not text.upper().strip(" .\"'*`").startswith(NOT_FOUND)
    data = {
        "question": one.text,
        "answer": text if here else NOT_FOUND,
        "found": here,
        "sources": sources(passages) if here else [],
        "lost": first_cause(found) if ok_of(passages) else "",
    }
    return [reply(f"{one.text}\n{data['answer']}", key=one.text[:120], data=data)]


@pure
def asking_over(question: Replies, asked: Replies) -> bool:
    """Whether the last step is final or repeats a question, or the last two answers are NOT FOUND."""
    if question and question[-1].cause in ("final", "repeated"):
        return True
    last = asked[-MOST_IN_VAIN:]
    return len(last) == MOST_IN_VAIN and not any(a.data()["found"] for a in last)


@pure
def answered_itself(step: Replies) -> bool:
    """Whether the last step is a final answer."""
    last = step[-1:]
    return bool(last) and last[0].ok and last[0].data()["type"] == "final" and bool(last[0].data()["answer"].strip())


@pure
def self_asked(step: Replies, asked: Replies, best: Replies) -> Reply:
    """The answer with what was asked on the way to it.

    Where the asking ended without a final answer it is the best one that can be given, and incomplete. Fails the run
    where there is neither.
    """
    final = answered_itself(step)
    if not final and not ok_of(best):
        raise Refuse(f"no answer: {first_cause(best) or 'none was given'}")
    text = step[-1].data()["answer"].strip() if final else best[0].text
    rows = [a.data() for a in asked]
    missing = [r["question"] for r in rows if not r["found"]]
    lost = [r["lost"] for r in rows if r["lost"]]
    lines = [text, *_way(rows)]
    data = {"asked": rows, "not_found": missing, "final": final, "lost": lost}
    outcome: Outcome = "incomplete" if not final else "degraded" if lost else "answered"
    model = step[-1].model if final else best[0].model
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)


def _way(rows: list[dict[str, object]]) -> list[str]:
    return (
        ["", "Asked on the way:", *(f"- {r['question']} {r['answer']}{_from(r['sources'])}" for r in rows)]
        if rows
        else []
    )


def _from(found: object) -> str:
    ids = [str(s["id"]) for s in found] if isinstance(found, list) else []
    return f" ({', '.join(ids)})" if ids else ""
