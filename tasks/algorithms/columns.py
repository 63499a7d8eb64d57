"""Answers next to one another, each as it was given."""

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, first_cause, ok_of, reply


@pure
def side_by_side(panel: Replies, answers: Replies) -> Reply:
    """A column a model in the order of `panel`: its full answer or its error, latency (ms), tokens and cost (USD).

    Nothing is ranked or merged. The cost of a model without a known price is not known (null), never zero. Fails the
    run where no model answered.
    """
    if not ok_of(answers):
        raise Refuse(f"no model answered: {first_cause(answers) or 'none was asked'}")
    by_key = {a.key: a for a in answers}
    columns = [_column(card, by_key[card.key]) for card in panel if card.key in by_key]
    lost = [c["model"] for c in columns if c["error"]]
    text = "\n\n".join(_shown(c) for c in columns)
    outcome = "degraded" if lost else "answered"
    return reply(text, key="answer", data={"columns": columns, "failed": lost}, outcome=outcome)


def _column(card: Reply, answer: Reply) -> dict[str, object]:
    return {
        "model": card.key,
        "answer": answer.text if answer.ok else "",
        "error": "" if answer.ok else answer.cause or answer.status,
        "latency_ms": round(answer.latency),
        "tokens": answer.tokens,
        "cost_usd": answer.cost if card.data()["price_known"] else None,
    }


def _shown(column: dict[str, object]) -> str:
    if column["error"]:
        return f"## {column['model']}\n(no answer: {column['error']})"
    cost = "cost not known" if column["cost_usd"] is None else f"{column['cost_usd']:.6f} USD"
    return f"## {column['model']}\n({column['latency_ms']} ms, {column['tokens']} tokens, {cost})\n\n{column['answer']}"
