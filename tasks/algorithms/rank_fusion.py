"""Several rankings of passages fused into one (Cormack, Clarke and Buettcher 2009), and the answer that rests on it."""

from tasks.algorithms.cited_passages import cited, labelled, place_of, rows, source_lines
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply
from tasks.retrieval import fused_ranks
from tasks.tool_calls import found

LETTER = "P"
ORIGINAL = "original"
AGREED = 2
"""So many lists that found the same passage; where none is found so often, coverage is low."""


@pure
def queries(prompt: Replies, rewritten: Replies) -> Replies:
    """The question itself and every way in which it was put otherwise."""
    return [reply(p.text, key=ORIGINAL) for p in prompt] + rewritten


@pure
def fused_passages(lists: Replies, keep: int) -> Replies:
    """The passages of all lists, each once, best first by reciprocal rank fusion, under labels.

    Score is the fused score; field `lists` the queries that found it. Where two are alike the earlier found is first.
    """
    by_list = {one.key: found([one], "passages") for one in ok_of(lists)}
    passages = {p.key: p for ranking in by_list.values() for p in ranking}
    scores = fused_ranks([[p.key for p in ranking] for ranking in by_list.values()])
    best = sorted(scores, key=lambda k: -scores[k])[:keep]
    made = []
    for key in best:
        names = [name for name, ranking in by_list.items() if key in [p.key for p in ranking]]
        made.append(passages[key].but(score=scores[key], data={**passages[key].data(), "lists": names}))
    return labelled(made, LETTER)


@pure
def best_passages(fused: Replies, ranked: Replies, keep: int) -> Replies:
    """Those that the ranking names, in its order; the first of the fused order where the ranking was lost."""
    if not ok_of(ranked):
        return fused[:keep]
    by_label = {p.key: p for p in fused}
    names = dict.fromkeys(n.strip(" []").upper() for n in ok_of(ranked)[-1].data()["ranking"])
    return [by_label[n] for n in names if n in by_label][:keep]


@pure
def fusion_answer(
    documents: Replies,
    queries: Replies,
    lists: Replies,
    fused: Replies,
    ranked: Replies,
    top: Replies,
    written: Replies,
) -> Reply:
    """The answer with the chunk ids that it cites, and a notice where no passage was found by two lists.

    Without documents, without a relevant passage or without a text it is incomplete; a text that cites nothing is
    unchecked.
    """
    found_by = [{"id": place_of(p), "lists": p.data()["lists"]} for p in fused]
    low = not any(len(p.data()["lists"]) >= AGREED for p in fused)
    troubles = list(dict.fromkeys(t for one in ok_of(lists) if (t := one.data().get("trouble"))))
    data = {
        "queries": [{"name": q.key, "text": q.text} for q in ok_of(queries)],
        "found_by": found_by,
        "low_coverage": low,
        "lost": [*causes(queries), *causes(lists), *troubles, *causes(ranked), *causes(written)],
    }
    if not ok_of(written):
        why = NOTHING if documents else NO_DOCUMENTS
        why = UNWRITTEN if top else why
        text = "\n".join([why, *section("Passages", source_lines(top))])
        return reply(text, key="answer", data={**data, "sources": [], "invented": []}, outcome="incomplete")
    final = cited(written[-1].text.strip(), top, LETTER)
    data |= {"sources": rows(final.passages), "invented": list(final.invented)}
    outcome: Outcome = "answered"
    if not final.passages:
        outcome = "unchecked"
    elif data["lost"] or final.invented:
        outcome = "degraded"
    lines = [final.text, *section("Sources", source_lines(final.passages)), *(["", LOW.format(lists=len(lists))] * low)]
    return reply("\n".join(lines), key="answer", data=data, model=written[-1].model, outcome=outcome)


NO_DOCUMENTS = "There is nothing to search: give the run --documents, a JSON list or @file."
NOTHING = "No passage of the documents was found that bears on the question."
UNWRITTEN = "Passages were found, but no answer could be written from them."
LOW = "Low coverage: no passage was found by more than one of {lists} searches, so much may have been missed."
