"""Decomposition: a question split into easier ones, which are answered in order, and the chain of their answers."""

from tasks.algorithms.distinct import distinct
from tasks.answers import after_marker, normalised
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply


@pure
def sub_questions(prompt: Replies, decomposed: Replies, most: int) -> Slots:
    """The sub-questions in order, at most `most`, the last being the prompt itself word for word; and the given facts.

    Where there is no decomposition the prompt is the only question, and there are no facts beside it.
    """
    original = prompt[0].text
    said = [e.data() for e in ok_of(decomposed)]
    asked = distinct(q for d in said for q in d["questions"])
    easier = [q for q in asked if normalised(q) != normalised(original)][: most - 1]
    facts = [f.strip() for d in said for f in d["facts"] if f.strip()]
    queue = [reply(q, key=f"q{n}") for n, q in enumerate([*easier, original], 1)]
    return {"queue": queue, "facts": [reply("\n".join(f"- {f}" for f in facts) or "(none)", key="facts")]}


@pure
def question_answer(question: Replies, answered: Replies, marker: str) -> Reply:
    """A question with its answer, which those after it may rely on: what follows the marker, or else the whole reply.

    One whose answer failed is a pair, too, and says so; its `lost` is the cause.
    """
    item, lost = question[0], first_cause(answered)
    whole = "" if lost else answered[0].text.strip()
    answer = "(this could not be answered)" if lost else after_marker(whole, marker) or whole
    data = {"question": item.text, "answer": answer, "working": whole, "lost": lost}
    model = answered[0].model if answered else ""
    return reply(f"Question: {item.text}\nAnswer: {answer}", key=item.key, data=data, model=model)


@pure
def chain_answer(pairs: Replies, decomposed: Replies) -> Reply:
    """The last pair's answer, with the chain that led to it. Fails the run where the last question got no answer."""
    *earlier, last = [p.data() for p in pairs]
    if last["lost"]:
        raise Refuse(f"the question itself got no answer: {last['lost']}")
    lost = [f"{p.key}: {p.data()['lost']}" for p in pairs if p.data()["lost"]]
    if cause := first_cause(decomposed):
        lost.insert(0, f"not broken down: {cause}")
    steps = [f"{n}. {p['question']}\n   {p['answer']}" for n, p in enumerate(earlier, 1)]
    working = ["", last["working"]] if last["working"] != last["answer"] else []
    lines = [last["answer"], *working, *(["", "Answered on the way:", *steps] if steps else [])]
    data = {
        "final_answer": last["answer"],
        "chain": [{"question": p["question"], "answer": p["answer"]} for p in (*earlier, last)],
        "lost": lost,
    }
    outcome = "degraded" if lost else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=pairs[-1].model, outcome=outcome)
