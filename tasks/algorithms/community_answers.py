"""Answers from an entity graph: what lies around an entity, points out of community reports, and claims that stand.

A source is what an answer may cite: key is its number, text what its chunks say, fields places (ids of chunks or
reports, which stand in the answer instead of the number).
"""

import random
import re
from typing import Any

from tasks.algorithms.delegation import CITATION
from tasks.algorithms.entity_graph import at_level, documents_of
from tasks.algorithms.sentences import sentence_spans
from tasks.chunking import about_tokens, chunks, within_tokens
from tasks.functions import pure
from tasks.recalled import fields_of
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

LEVEL = 2
"""Of the reports that an answer about the whole corpus is drawn from."""


@pure
def graph_of(
    context: Replies, stored: Replies, new: Replies, index: Replies, reports: Replies, tokens: int, overlap: int
) -> Slots:
    """The corpus as it is: its `chunks`, and the `entities`, `relations` and `reports` of a graph of this very state.

    `ready` is there where there is such a graph; its text says what was lost when it was made.
    """
    state = context[0].data()["hash"]
    corpus = new[0].data() if new else fields_of(stored[0]) if stored else {"documents": []}
    graphs = [fields_of(i) for i in index if fields_of(i)["hash"] == state] if state else []
    made: Slots = {"chunks": chunks(documents_of(corpus), tokens, overlap), "entities": [], "relations": []}
    if not graphs:
        return made | {"reports": [], "ready": []}
    graph = graphs[0]
    named = [reply(key=c["id"], data=c) for c in graph["communities"]]
    level = {c.key for c in at_level(named, LEVEL)}
    own = [(r, fields_of(r)) for r in reports if fields_of(r)["hash"] == state]
    return made | {
        "entities": [
            reply(f"{e['name']} ({e['kind']}): {e['description']}", key=e["name"], data=e | {"id": e["name"]})
            for e in graph["entities"]
        ],
        "relations": [reply(f"{r['source']} - {r['target']}: {r['description']}", data=r) for r in graph["relations"]],
        "reports": [reply(r.text, key=f["id"], data=f) for r, f in own if f["id"] in level],
        "ready": [reply("; ".join(graph["lost"]), key="graph")],
    }


@pure
def course(ready: Replies, chunks: Replies, judged: Replies) -> str:
    """none without a corpus, passages without a graph of it, else local or global; global where nobody could judge."""
    if not chunks:
        return "none"
    if not ready:
        return "passages"
    return str(judged[0].data()["about"]) if ok_of(judged) else "global"


@pure
def neighbourhood(found: Replies, entities: Replies, relations: Replies, chunks: Replies, tokens: int) -> Slots:
    """The entities found and those one step away (`facts`), and their chunks as `sources`, within so many tokens.

    The chunks of what was found come first, then those of ties to neighbours.
    """
    by_name, by_id = {e.key: e for e in entities}, {c.key: c for c in chunks}
    hits = list(dict.fromkeys(f.data()["document"] for f in ok_of(found) if f.data().get("document") in by_name))
    ties = [r for r in relations if r.data()["source"] in hits or r.data()["target"] in hits]
    near = dict.fromkeys(n for r in ties for n in (r.data()["source"], r.data()["target"]) if n not in hits)
    wanted = [c for name in hits for c in by_name[name].data()["chunks"]]
    wanted += [c for r in ties for c in r.data()["chunks"]]
    used = within_tokens([by_id[c] for c in dict.fromkeys(wanted) if c in by_id], tokens)
    facts = [by_name[n].text for n in [*hits, *near] if n in by_name] + [r.text for r in ties]
    return {
        "facts": [reply("\n".join(f"- {fact}" for fact in _fill_texts(facts, tokens // 4)), key="facts")]
        if facts
        else [],
        "sources": _sources(used),
    }


def _fill_texts(texts: list[str], tokens: int) -> list[str]:
    return [r.text for r in within_tokens([reply(t) for t in texts], tokens)]


@pure
def found_sources(found: Replies, chunks: Replies) -> Replies:
    """The chunks that were found, as sources."""
    by_id = {c.key: c for c in chunks}
    return _sources([by_id[f.data()["document"]] for f in ok_of(found) if f.data()["document"] in by_id])


def _sources(passages: Replies) -> Replies:
    """Chunks as sources, numbered from 1."""
    return [reply(p.text, key=str(n), data={"places": [p.key]}) for n, p in enumerate(passages, 1)]


@pure
def batches(reports: Replies, tokens: int, seed: int) -> Replies:
    """The reports in an order drawn by lot, in batches of so many tokens."""
    order = random.Random(seed).sample(reports, len(reports))  # noqa: S311 (a draw that a replay repeats)
    made: list[list[Reply]] = []
    room = 0
    for one in order:
        size = about_tokens(one.text)
        if not made or size > room:
            made.append([])
            room = tokens
        made[-1].append(one)
        room -= size
    return [
        reply(
            "\n\n".join(f"Report {r.key}:\n{r.text}" for r in batch), key=f"b{n}", data={"ids": [r.key for r in batch]}
        )
        for n, batch in enumerate(made, 1)
    ]


@pure
def helpful_points(batches: Replies, mapped: Replies, reports: Replies, chunks: Replies, tokens: int) -> Slots:
    """The points that help at all, the most helpful first, as many as fit: `points` to be seen, and their `sources`.

    A point keeps the reports of its own batch alone; one that names none of them is dropped.
    """
    seen, by_id = {b.key: b.data()["ids"] for b in batches}, {c.key: c for c in chunks}
    chunks_of = {r.key: r.data()["chunks"] for r in reports}
    rows = []
    for one in ok_of(mapped):
        for point in one.data()["points"]:
            own = [i for i in dict.fromkeys(point["reports"]) if i in seen.get(one.key, [])]
            if own and point["helpfulness"] > 0:
                rows.append((point["helpfulness"], point["point"], own))
    ranked = sorted(rows, key=lambda row: -row[0])
    fitting = within_tokens([reply(text, score=value, data={"places": own}) for value, text, own in ranked], tokens)
    points = [p.but(key=str(n)) for n, p in enumerate(fitting, 1)]
    sources = []
    for point in points:
        places = point.data()["places"]
        cited = dict.fromkeys(c for place in places for c in chunks_of[place] if c in by_id)
        sources.append(
            reply("\n\n".join(f"[{c}] {by_id[c].text}" for c in cited), key=point.key, data={"places": places})
        )
    return {"points": points, "sources": sources}


@pure
def marked(written: Replies) -> Replies:
    """The text with numbers that stand after a full stop before it, so that each belongs to its own sentence."""
    return [w.but(text=BEHIND.sub(r" \2\1", w.text)) if w.ok else w for w in written]


@pure
def corpus_answer(
    written: Replies,
    sources: Replies,
    claims: Replies,
    verdicts: Replies,
    refuted: Replies,
    course: str,
    ready: Replies,
    lost: Replies = [],  # noqa: B006 (never written to)
) -> Reply:
    """The answer without the claims that were refuted, its citations by the ids of chunks or reports.

    Where nothing in the corpus helps, or nothing of the answer stands, it says so.
    """
    text = _places(_without(ok_of(written)[0].text, refuted), sources) if ok_of(written) else ""
    checked = ok_of(claims)
    dropped = [r.data() for r in refuted]
    trouble = [*causes(written), *causes(claims), *causes(verdicts), *causes(lost), *(r.text for r in ready if r.text)]
    trouble += [NOT_INDEXED] if not ready else []
    data: dict[str, Any] = {
        "route": course,
        "refuted": dropped,
        "sources": [{"number": s.key, "places": s.data()["places"]} for s in sources],
        "lost": trouble,
    }
    if checked and len(ok_of(verdicts)) == len(checked):
        data["quality"] = 1 - len([r for r in refuted if r.key.startswith("c")]) / len(checked)
    outcome: Outcome = "incomplete" if not text else "degraded" if trouble else "answered"
    notes = [NOT_INDEXED] if text and not ready else []
    missing = FAILED if causes(written) or causes(lost) else NOTHING
    shown = "\n\n".join([text or missing, *notes])
    model = ok_of(written)[0].model if ok_of(written) else ""
    return reply(shown, key="answer", data=data, outcome=outcome, model=model)


def _without(text: str, refuted: Replies) -> str:
    """The text without the sentences that were refuted, and without the lines that are empty then."""
    wrong = {r.data()["claim"] for r in refuted}
    kept, last = [], 0
    for start, end in sentence_spans(text):
        kept += [text[last:start], GONE if text[start:end] in wrong else text[start:end]]
        last = end
    lines = "".join([*kept, text[last:]]).splitlines()
    left = [line for line in lines if GONE not in line or not EMPTY_ITEM.fullmatch(line.replace(GONE, ""))]
    return "\n".join(re.sub(f" ?{GONE}", "", line).rstrip() for line in left).strip()


def _places(text: str, sources: Replies) -> str:
    """Numbers in brackets as the ids that they stand for; a number that no source has is taken out."""
    places = {s.key: s.data()["places"] for s in sources}

    def named(match: re.Match[str]) -> str:
        found = dict.fromkeys(p for n in re.findall(r"\d+", match.group(0)) for p in places.get(n, []))
        return f"[{', '.join(found)}]" if found else ""

    return re.sub(CITATION, named, text)


@pure
def no_corpus(corpus: Replies) -> Reply:
    """That there is nothing to look into."""
    return reply(
        f"There are no documents in the corpus '{corpus[0].text}' yet: give --documents.",
        key="answer",
        data={"route": "none", "lost": []},
        outcome="incomplete",
    )


BEHIND = re.compile(r"([.!?])[ \t]*(\[\d+(?:\s*,\s*\d+)*\])(?=\s|$)")
GONE = "\x00"
"""Where a sentence was taken out; no reply holds it otherwise."""
EMPTY_ITEM = re.compile(r"\s*(?:[-*]|\d+[.)])?\s*")
NOTHING = "The corpus does not answer this."
FAILED = "No answer could be written: calls failed."
NOT_INDEXED = "The corpus is not indexed yet: this rests on single passages; ask again once its graph is made."
