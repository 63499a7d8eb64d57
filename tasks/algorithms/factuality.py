"""Atomic facts of an answer, each looked up and judged, and the factuality scores that follow (FActScore, SAFE)."""

from typing import Any

from tasks.algorithms.evidence import MOST_TEXT, WEB, no_web
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, first_cause, ok_of, reply
from tasks.tool_calls import cut

DOCUMENTS = "documents"
VERDICTS = ("supported", "unknown", "refuted")
"""The better first; a sentence has the worst of its facts."""
COLOURS = {"supported": "green", "unknown": "amber", "refuted": "red", "": "none"}


@pure
def searcher(documents: Replies, tools: Replies) -> Reply:
    """What evidence is looked up with: the documents where there are any, else the web, else nothing (field tool)."""
    tool = DOCUMENTS if ok_of(documents) else "" if no_web(tools) else WEB
    return reply(tool or "nothing to search", key="searcher", data={"tool": tool})


@pure
def documents_searcher(documents: Replies) -> Reply:
    """The documents as what evidence is looked up in, where there are any."""
    return reply(DOCUMENTS, key="searcher", data={"tool": DOCUMENTS if ok_of(documents) else ""})


@pure
def web_searcher(tools: Replies) -> Reply:
    """The web as what evidence is looked up in, where the tools have it."""
    return reply(WEB, key="searcher", data={"tool": "" if no_web(tools) else WEB})


@pure
def atomic_facts(extracted: Replies, sentences: Replies, most: int) -> Replies:
    """The facts as items, each once, with the field sentence_no (0 where it names no sentence of the answer)."""
    numbers = {s.data()["number"] for s in ok_of(sentences)}
    found: dict[str, int] = {}
    for fact in (f for e in ok_of(extracted) for f in e.data()["facts"]):
        if text := fact["text"].strip():
            found.setdefault(text, fact["sentence_no"] if fact["sentence_no"] in numbers else 0)
    return [
        reply(text, key=f"fact {n}", data={"sentence_no": found[text]}) for n, text in enumerate(list(found)[:most], 1)
    ]


@pure
def relevant_facts(facts: Replies, judged: Replies) -> Replies:
    """The facts that were not found irrelevant: one that could not be judged stays in the score."""
    out = {j.key for j in ok_of(judged) if j.data()["relevant"] == "no"}
    return [f for f in facts if f.key not in out]


@pure
def next_search(step: Replies, asked: Replies, searcher: Replies, k: int) -> Reply:
    """The call of the next search (fields tool and args); a skipped reply where the evidence is enough or the query was
    asked before, a failed one where the step failed.
    """
    if not ok_of(step):
        return failed(first_cause(step) or "no query", key="query")
    said = step[-1].data()
    query = " ".join(said["query"].split())
    if said["enough"] or not query:
        return reply(key="query", status="skipped", cause="enough")
    if query.casefold() in {a.text.casefold() for a in asked}:
        return reply(query, key="query", status="skipped", cause="asked before")
    return reply(query, key="query", data={"tool": searcher[0].data()["tool"], "args": {"query": query, "k": k}})


@pure
def only_search(query: Replies, searcher: Replies, k: int) -> Reply:
    """The call of the one search for a text (fields tool and args); a skipped reply where nothing can be searched."""
    tool = searcher[0].data()["tool"]
    text = " ".join(query[0].text.split())[:2000]
    if not tool or not text:
        return reply(text, key="query", status="skipped", cause="nothing to search")
    return reply(text, key="query", data={"tool": tool, "args": {"query": text, "k": k}})


@pure
def found_evidence(hits: Replies, k: int) -> Replies:
    """What one search found, as `with_evidence` has it."""
    return with_evidence([], hits, k)


@pure
def no_search(query: Replies) -> bool:
    """Whether the last step asked for nothing more."""
    return not query or not query[-1].ok


@pure
def with_evidence(known: Replies, hits: Replies, k: int) -> Replies:
    """The evidence so far and at most `k` pieces of what a search found, each once; keys E1, E2 ..., field place."""
    places = {(e.data()["place"], e.text): e for e in known}
    for place, text in [piece for hit in ok_of(hits) for piece in _pieces(hit.data())[:k]]:
        places.setdefault((place, text), reply(text, key=f"E{len(places) + 1}", data={"place": place}))
    return list(places.values())


def _pieces(data: dict[str, Any]) -> list[tuple[str, str]]:
    """Place and text of passages of documents or of results of the web."""
    rows = data.get("passages") or data.get("results") or []
    found = [r for r in rows if isinstance(r, dict)] if isinstance(rows, list) else []
    texts = [(str(r.get("id") or r.get("url") or ""), cut(str(r.get("text") or "").strip(), MOST_TEXT)) for r in found]
    return [(place, text) for place, text in texts if text]


@pure
def no_evidence(evidence: Replies) -> bool:
    """Whether nothing was found."""
    return not evidence


@pure
def fact_row(fact: Replies, evidence: Replies, verdict: Replies, hits: Replies, asked: Replies) -> Reply:
    """A fact with its verdict and the place of the evidence that it rests on.

    `hits` are what the searches found, `asked` what they were for. Without evidence, without a verdict, or by evidence
    that there is not, it is unknown.
    """
    said = verdict[0].data() if ok_of(verdict) else {}
    places = {e.key: e.data()["place"] for e in evidence}
    source = str(said.get("source", "")).strip("[] ")
    known = said.get("verdict", "unknown") if source in places else "unknown"
    trouble = first_cause(verdict) or first_cause(r for r in [*hits, *asked] if r.status != "skipped")
    why = said.get("reason") or ("no evidence was found" if not evidence else "it was not judged")
    data = {
        "fact": fact[0].text,
        "sentence_no": fact[0].data().get("sentence_no", 0),
        "verdict": known,
        "source": places.get(source, "") if known != "unknown" else "",
        "reason": why,
        "lost": trouble,
    }
    return reply(f"{known}: {fact[0].text}", key=fact[0].key, data=data)


def scores(supported: int, relevant: int, k: int) -> dict[str, float | None]:
    """Precision, recall at `k` facts and their harmonic mean F1, 0 where nothing is supported."""
    recall = min(supported / k, 1.0)
    precision = supported / relevant if relevant else None
    f1 = 2 * precision * recall / (precision + recall) if precision and supported else 0.0
    return {"precision": precision, "recall": recall, "f1": f1}


@pure
def fact_scored(
    answer: Replies,
    sentences: Replies,
    facts: Replies,
    judged: Replies,
    rows: Replies,
    extracted: Replies,
    searcher: Replies,
    k: int,
) -> Reply:
    """The answer unchanged, with its factuality; `quality` is the precision, what could not be scored is unchecked.

    A fact whose whole check failed is unknown and said.
    """
    table = [_whole(r, facts) for r in rows]
    counts = {v: sum(t["verdict"] == v for t in table) for v in VERDICTS}
    found = scores(counts["supported"], len(table), k)
    lost = [*causes(extracted), *causes(judged), *(f"{t['fact']}: {t['lost']}" for t in table if t["lost"])]
    cut_off = [s.cause for s in sentences if not s.ok]
    coloured = [_coloured(s, table) for s in ok_of(sentences)]
    data: dict[str, Any] = {
        **found,
        **counts,
        "relevant": len(table),
        "irrelevant": len(facts) - len(table),
        "at": k,
        "facts": table,
        "sentences": coloured,
        "searched": searcher[0].data()["tool"],
        "not_checked": cut_off,
        "lost": lost,
    }
    if table:
        data["quality"] = found["precision"]
    outcome: Outcome = "unchecked" if not table else "incomplete" if cut_off else "degraded" if lost else "answered"
    text = "\n".join([answer[0].text, "", *_report(data)])
    return reply(text, key="answer", data=data, score=data.get("quality"), model=answer[0].model, outcome=outcome)


def _whole(row: Reply, facts: Replies) -> dict[str, Any]:
    if row.ok:
        return row.data()
    fact = next((f for f in facts if f.key == row.key), None)
    number = fact.data()["sentence_no"] if fact else 0
    empty = {"verdict": "unknown", "source": "", "reason": "it could not be checked"}
    return {"fact": fact.text if fact else row.key, "sentence_no": number, **empty, "lost": row.cause}


def _coloured(sentence: Reply, table: list[dict[str, Any]]) -> dict[str, Any]:
    number = sentence.data()["number"]
    mine = [t["verdict"] for t in table if t["sentence_no"] == number]
    worst = max(mine, key=VERDICTS.index, default="")
    return {"number": number, "text": sentence.text, "worst": worst, "colour": COLOURS[worst]}


def _report(data: dict[str, Any]) -> list[str]:
    if not data["relevant"]:
        why = "there is nothing to search: give --documents, or name a web search in RADIANT_TOOLS"
        return [f"Not scored: {why if not data['searched'] else 'no fact of it could be checked'}."]
    head = f"Factuality: precision {data['precision']:.2f}, F1 at {data['at']} facts {data['f1']:.2f}"
    counts = ", ".join(f"{data[v]} {v}" for v in ("supported", "refuted", "unknown"))
    facts = {v: [t for t in data["facts"] if t["verdict"] == v] for v in VERDICTS}
    return [
        f"{head} ({counts}, {data['irrelevant']} irrelevant).",
        *section("Refuted", [f"{t['fact']} {t['reason']} ({t['source']})" for t in facts["refuted"]]),
        *section("Unknown", [t["fact"] for t in facts["unknown"]]),
        *section("Sentences", [f"{s['number']}: {s['colour']}" for s in data["sentences"]]),
    ]
