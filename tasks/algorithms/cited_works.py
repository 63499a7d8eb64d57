"""An audit of citations: which statements have which, what each resolves to, and what it bears out (ALCE)."""

from typing import Any

from tasks.algorithms.citation_marks import same_work, stands_in, work_key
from tasks.chunking import named
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply
from tasks.tool_calls import name_of

RESOLVER, BROWSER = "resolver", "browser"
FOUND, FABRICATED, UNRESOLVED = "found", "fabricated", "unresolved"
SUPPORTED = "supported"


@pure
def nothing_to_resolve(documents: Replies, tools: Replies) -> bool:
    """Whether there is nothing by which a citation could be resolved."""
    return not ok_of(documents) and not _has(tools, RESOLVER)


def _has(tools: Replies, name: str) -> bool:
    return name in [name_of(t) for t in ok_of(tools)]


@pure
def cited_statements(extracted: Replies, sentences: Replies, most: int) -> Slots:
    """The `statements`, the distinct `citations` and the `pairs` of both, at most so many.

    A citation whose marker stands neither in the statement's sentence nor in the next one is none. A skipped reply at
    the end of the pairs says how many are left out. Fields of a statement: sentence; of a citation: id, title, authors;
    of a pair: statement, citation, sentence, markers, entry (of the list of references).
    """
    places = ok_of(sentences)
    statements: Replies = []
    citations: dict[str, Reply] = {}
    pairs: dict[tuple[str, str], dict[str, Any]] = {}
    for said in (s for e in ok_of(extracted) for s in e.data()["statements"]):
        at = next((n for n, s in enumerate(places) if s.data()["number"] == said["sentence_no"]), None)
        if at is None:
            continue
        name = f"statement {len(statements) + 1}"
        statements.append(reply(said["text"], key=name, data={"sentence": places[at].key}))
        for cited in said["citations"]:
            place = next((p for p in places[at : at + 2] if stands_in(cited["marker"], p.text)), None)
            if place is None:
                continue
            known = work_key(cited["id"], cited["title"], cited["marker"])
            work = citations.setdefault(known, _citation(len(citations) + 1, cited)).key
            pair = {"statement": name, "citation": work, "sentence": place.key, "markers": [], "entry": cited["entry"]}
            pairs.setdefault((name, work), pair)["markers"].append(cited["marker"].strip())
    texts = {s.key: s.text for s in statements}
    made = [reply(texts[p["statement"]], key=f"{p['statement']} {p['citation']}", data=p) for p in pairs.values()]
    left = len(made) - most
    note = [reply(key="(cut)", status="skipped", cause=f"{left} citations beyond {most}")] if left > 0 else []
    used = {p.data()["citation"] for p in made[:most]}
    return {
        "statements": statements,
        "citations": [c for c in citations.values() if c.key in used],
        "pairs": [*made[:most], *note],
    }


def _citation(number: int, cited: dict[str, str]) -> Reply:
    data = {k: cited[k].strip() for k in ("id", "title", "authors")}
    return reply(data["title"] or data["id"] or cited["marker"], key=f"c{number}", data=data)


@pure
def resolver_call(citation: Replies, documents: Replies, tools: Replies) -> Reply:
    """The call of the resolver for a citation; a skipped reply where it is a document, or cannot be resolved."""
    data = citation[0].data()
    if _document(data, documents) is not None:
        return reply(key=RESOLVER, status="skipped", cause="it is one of the documents")
    wanted = data["id"] or data["title"]
    if not wanted or not _has(tools, RESOLVER):
        why = "it names neither an id nor a title" if not wanted else "there is no resolver for it"
        return reply(key=RESOLVER, status="skipped", cause=why)
    return reply(key=RESOLVER, data={"tool": RESOLVER, "args": {"id": wanted[:2000]}})


def _document(citation: dict[str, Any], documents: Replies) -> Reply | None:
    """The document that a citation names by its id."""
    wanted = citation["id"].strip().casefold()
    return next((one for one, name in named(documents) if wanted and name.casefold() == wanted), None)


@pure
def page_call(resolved: Replies, tools: Replies) -> Reply:
    """The call that opens a work that was resolved; a skipped reply where it was not, or there is no browser."""
    url = str(resolved[0].data().get("url") or "") if ok_of(resolved) else ""
    if not url or resolved[0].data().get("exists") is False or not _has(tools, BROWSER):
        return reply(key=BROWSER, status="skipped", cause="there is no page to open")
    return reply(key=BROWSER, data={"tool": BROWSER, "args": {"url": url}})


@pure
def cited_work(citation: Replies, documents: Replies, call: Replies, resolved: Replies, page: Replies) -> Reply:
    """What a citation resolves to. Text is the work's text, as far as it can be read; key that of the citation.

    Fields: status (found, fabricated where it does not exist or is another work, unresolved where nobody could tell),
    why, title, url, lost.
    """
    said = citation[0].data()
    document = _document(said, documents)
    if document is not None:
        found = {"exists": True, "title": document.data().get("title") or "", "authors": document.data().get("authors")}
        return _work(citation[0], {**found, "url": said["id"]}, document.text, "")
    found = resolved[0].data() if ok_of(resolved) else {}
    if not isinstance(found.get("exists"), bool):
        lost = first_cause(resolved) or ("the resolver gave no answer" if resolved else "")
        data = {"status": UNRESOLVED, "why": lost or first_cause(call), "title": said["title"], "url": "", "lost": lost}
        return reply(key=citation[0].key, data=data)
    text = page[0].text if ok_of(page) else str(found.get("text") or found.get("abstract") or "")
    trouble = next((r.cause for r in page if not r.ok), "")
    return _work(citation[0], found, text, trouble)


def _work(citation: Reply, found: dict[str, Any], text: str, lost: str) -> Reply:
    said, title = citation.data(), str(found.get("title") or "")
    listed = found.get("authors") or ""
    authors = ", ".join(map(str, listed)) if isinstance(listed, list) else str(listed)
    why = ""
    if not found["exists"]:
        why = "it does not exist"
    elif not same_work(said["title"], said["authors"], title, authors):
        why = f'it is another work: "{title}" by {authors or "unnamed authors"}'
    data = {"status": FABRICATED if why else FOUND, "why": why, "title": title, "url": str(found.get("url") or "")}
    return reply("" if why else text.strip(), key=citation.key, data={**data, "lost": lost})


@pure
def readable_pairs(pairs: Replies, works: Replies) -> Replies:
    """The pairs whose citation resolves to a work of which there is text."""
    texts = {w.key for w in ok_of(works) if w.text}
    return [p for p in ok_of(pairs) if p.data()["citation"] in texts]


@pure
def work_of(pair: Replies, works: Replies) -> Replies:
    """The work that a pair cites."""
    return [w for w in works if w.key == pair[0].data()["citation"]]


@pure
def best_passages(pair: Replies, passages: Replies, ranked: Replies, most: int) -> Reply:
    """A pair with its passages, those that were ranked first; as they were found where no rank can be read."""
    by_key = {p.key: p for p in passages}
    wanted = [str(i).strip(" []") for r in ok_of(ranked) for i in r.data()["ranking"]]
    order = list(dict.fromkeys([*(i for i in wanted if i in by_key), *by_key]))[:most]
    text = "\n\n".join(f"[{key}] {by_key[key].text.strip()}" for key in order)
    return reply(text, key=pair[0].key, data={**pair[0].data(), "lost": first_cause([*passages, *ranked])})


@pure
def joint_checks(statements: Replies, kept: Replies) -> Replies:
    """The statements that have passages, with those of all their citations together in the field `passages`."""
    return [c for s in statements if (c := _check(s, s.key, _of(s, kept))).data()["passages"]]


def _of(statement: Reply, kept: Replies) -> Replies:
    return [k for k in ok_of(kept) if k.data()["statement"] == statement.key and k.text]


def _check(statement: Reply, key: str, kept: Replies) -> Reply:
    return reply(statement.text, key=key, data={"passages": "\n\n".join(k.text for k in kept)})


@pure
def single_checks(statements: Replies, kept: Replies, verdicts: Replies) -> Replies:
    """A check a citation, of that citation alone, for supported statements that have two or more; keyed as the pairs.

    One citation alone is what the statement was supported by.
    """
    good = {v.key for v in ok_of(verdicts) if v.data()["verdict"] == SUPPORTED}
    several = [(s, mine) for s in statements if s.key in good and len(mine := _of(s, kept)) > 1]
    return [_check(s, k.key, [k]) for s, mine in several for k in mine]


@pure
def other_checks(statements: Replies, kept: Replies, alone: Replies) -> Replies:
    """A check of the other citations without it, for each that does not support its statement alone."""
    weak = {a.key for a in ok_of(alone) if a.data()["verdict"] != SUPPORTED}
    return [
        _check(s, k.key, [o for o in _of(s, kept) if o.key != k.key])
        for s in statements
        for k in _of(s, kept)
        if k.key in weak
    ]


@pure
def judged_statements(statements: Replies, pairs: Replies, works: Replies, kept: Replies, verdicts: Replies) -> Replies:
    """The statements with their verdict: supported, refuted, unknown, or unread where that could not be found out.

    A statement without a citation, or with fabricated ones only, is unknown. Fields: sentence, verdict, reason.
    """
    made = {v.key: v for v in verdicts}
    status = {w.key: w for w in works}
    rows = []
    for one in statements:
        cited = [status.get(p.data()["citation"]) for p in ok_of(pairs) if p.data()["statement"] == one.key]
        said = made.get(one.key)
        missing = [w for w in cited if w is None or not w.ok or _unread(w)]
        verdict, reason = ("unknown", "it has no citation that resolves") if said is None else _said(said)
        if verdict != SUPPORTED and (missing or (said is not None and not said.ok)):
            verdict, reason = "unread", _why_unread(said, missing)
        rows.append(one.but(data={**one.data(), "verdict": verdict, "reason": reason}))
    return rows


def _unread(work: Reply) -> bool:
    data = work.data()
    return data["status"] == UNRESOLVED or (data["status"] == FOUND and not work.text)


def _said(verdict: Reply) -> tuple[str, str]:
    data = verdict.data()
    return str(data.get("verdict", "unknown")), str(data.get("reason", ""))


def _why_unread(said: Reply | None, missing: list[Reply | None]) -> str:
    if said is not None and not said.ok:
        return f"it could not be judged: {said.cause}"
    known = next((w for w in missing if w is not None), None)
    why = str((known.data().get("why") if known.ok else known.cause) or "") if known else ""
    return why or "the work that it cites could not be read"


@pure
def unsupported_statements(judged: Replies, searcher: Replies, k: int) -> Replies:
    """The statements that nothing supports, as calls of the search (fields tool and args); none without a search."""
    tool = searcher[0].data()["tool"]
    bad = [j for j in judged if j.data()["verdict"] in ("refuted", "unknown")]
    return [
        reply(j.text, key=j.key, data={"tool": tool, "args": {"query": j.text[:2000], "k": k}}) for j in bad if tool
    ]


@pure
def new_source(statement: Replies, evidence: Replies, found: Replies, verdict: Replies) -> Reply:
    """What the one try for another source came to: fields `place` (empty where none supports) and lost."""
    said = verdict[0].data() if ok_of(verdict) else {}
    places = {e.key: e.data()["place"] for e in evidence}
    good = said.get("verdict") == SUPPORTED
    place = places.get(str(said.get("source", "")).strip("[] "), "") if good else ""
    return reply(place, key=statement[0].key, data={"place": place, "lost": first_cause([*found, *verdict])})
