"""Corrective retrieval: grades decide where knowledge comes from, and only strips that bear on a question are read."""

from collections.abc import Sequence
from typing import Any

from tasks.algorithms.cited_passages import cited, labelled, place_of, rows, source_lines
from tasks.algorithms.evidence import web_call
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import sentence_spans
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply
from tasks.tool_calls import cut, found

LETTER = "S"
CORRECT, WRONG, AMBIGUOUS = "correct", "wrong", "ambiguous"
GOOD, POOR = 0.7, 0.3
MOST_PAGE = 2000
"""Characters of one web page that are read."""


@pure
def graded(hits: Replies, grades: Replies) -> Replies:
    """The passages with their grades as score; one whose grade was lost counts as POOR, neither good nor wrong."""
    made = {g.key: float(g.data()["score"]) for g in ok_of(grades)}
    return [h.but(score=made.get(h.key, POOR)) for h in ok_of(hits)]


@pure
def route(graded: Replies) -> str:
    """Where knowledge comes from, by the best grade: the documents (correct), the web (wrong) or both (ambiguous)."""
    best = max((g.score or 0.0 for g in graded), default=0.0)
    return CORRECT if best >= GOOD else WRONG if best < POOR else AMBIGUOUS


@pure
def web_searches(prompt: Replies, rewritten: Replies, k: int, most: int) -> Replies:
    """The calls of the web search, each query once; the question itself where no rewriting was made."""
    texts = [" ".join(q.split()) for r in ok_of(rewritten) for q in r.data()["queries"]]
    queries = list(dict.fromkeys(t for t in texts if t))[:most] or [p.text for p in prompt]
    return [web_call([reply(q)], k).but(key=f"search {n}", text=q) for n, q in enumerate(queries, 1)]


@pure
def knowledge(
    graded: Replies = [],  # noqa: B006 (never written to)
    web: Replies = [],  # noqa: B006
    rewritten: Replies = [],  # noqa: B006
    least: float = 0.0,
    each: int = 5,
) -> Slots:
    """The `passages` graded `least` or better and what the web gave, each page once; `lost` is what of that failed."""
    pages = [p.but(text=cut(p.text, MOST_PAGE)) for p in found(web, "results", each)]
    lost = [r for r in (*rewritten, *web) if not r.ok]
    return {"passages": [g for g in graded if (g.score or 0.0) >= least] + pages, "lost": lost}


@pure
def strips(passages: Replies, sentences: int) -> Replies:
    """The passages in strips of up to so many sentences, keyed by passage and number; field `place` the passage."""
    return [strip for p in ok_of(passages) for strip in _strips(p, sentences)]


def _strips(passage: Reply, sentences: int) -> Replies:
    spans = sentence_spans(passage.text)
    groups = [spans[n : n + sentences] for n in range(0, len(spans), sentences)]
    title = str(passage.data().get("title") or "")
    return [
        reply(passage.text[g[0][0] : g[-1][1]], key=f"{passage.key}/{n}", data={"place": passage.key, "title": title})
        for n, g in enumerate(groups, 1)
    ]


@pure
def relevant_strips(strips: Replies, judged: Replies, keep: int) -> Replies:
    """The first `keep` strips that were judged relevant, under labels; one that could not be judged is left out."""
    yes = {j.key for j in ok_of(judged) if j.data()["relevant"] == "yes"}
    return labelled([s for s in strips if s.key in yes][:keep], LETTER)


@pure
def corrected_answer(
    hits: Replies,
    grades: Replies,
    graded: Replies,
    lost: Replies,
    judged: Replies,
    kept: Replies,
    written: Replies,
    searchable: Replies,
) -> Reply:
    """The answer with the places that it cites; that the evidence was not found, where no strip is left.

    `searchable` are the tools; a search that the route wanted and that there was not is among what was `lost`.
    """
    taken = route(graded)
    troubles = [*causes(hits), *causes(grades), *causes(lost), *causes(judged), *causes(written)]
    if taken != CORRECT and "web" not in [t.key for t in ok_of(searchable)]:
        troubles.append(NO_WEB)
    data: dict[str, Any] = {
        "route": taken,
        "grades": [{"id": g.key, "grade": g.score} for g in graded],
        "judged": len(ok_of(judged)),
        "used": len(kept),
        "used_share": len(kept) / len(ok_of(judged)) if ok_of(judged) else 0.0,
        "lost": troubles,
    }
    if not ok_of(written):
        return _without(data, kept)
    final = cited(written[-1].text.strip(), kept, LETTER)
    data |= {"sources": rows(final.passages), "invented": list(final.invented)}
    outcome: Outcome = "answered"
    if not final.passages:
        outcome = "unchecked"
    elif troubles or final.invented:
        outcome = "degraded"
    lines = [final.text, *section("Sources", source_lines(final.passages))]
    return reply("\n".join(lines), key="answer", data=data, model=written[-1].model, outcome=outcome)


def _without(data: dict[str, Any], kept: Sequence[Reply]) -> Reply:
    places = list(dict.fromkeys(place_of(k) for k in kept))
    lines = [UNWRITTEN if kept else NOTHING, *section("Sources", places), *section("Not searched", data["lost"])]
    data |= {"sources": rows(kept), "invented": []}
    return reply("\n".join(lines), key="answer", data=data, outcome="incomplete")


NOTHING = "The evidence was not found: nothing that was searched bears on the question."
UNWRITTEN = "Evidence was found, but no answer could be written from it."
NO_WEB = "there is no web search: name one in RADIANT_TOOLS"
