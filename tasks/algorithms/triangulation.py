"""Triangulation: independent sources for each claim, their stance, and a vote weighted by how reliable they are."""

from typing import Any
from urllib.parse import urlsplit

from tasks.algorithms.quotes import occurs
from tasks.algorithms.shingles import shared
from tasks.chunking import named
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from tasks.tool_calls import cut

MOST_TEXT = 4000
"""Characters of a page that are read."""
COPIED, SHINGLE = 0.6, 8
"""A page that shares more of its runs of so many words with a kept one is a copy."""
DECISIVE, WITNESSES = 0.7, 2
"""The share of the weight, and the number of sources, that settle a claim."""
UNRATED = 1
"""What a source weighs whose reliability could not be judged: as little as one can."""
METADATA = ("url", "publisher", "title", "type", "date", "author")
SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "net", "or", "org"})


@pure
def claim_searches(claims: Replies, searcher: Replies, k: int) -> Replies:
    """The claims as calls of the search (fields tool and args)."""
    tool = searcher[0].data()["tool"]
    return [c.but(data={"tool": tool, "args": {"query": c.text[:2000], "k": k}}) for c in claims]


@pure
def independent_sources(claims: Replies, searched: Replies, documents: Replies, most: int) -> Slots:
    """The distinct `sources`, keyed S1, S2 ... (text and fields: metadata), and `pairs` of a claim with one of them.

    Of a claim's pages one a publisher is kept, none that copies a kept one, and at most `most`, best first. Fields of a
    pair: claim, source, page.
    """
    sources: dict[str, Reply] = {}
    pairs = []
    for index, claim in enumerate(claims):
        pages = [p for r in ok_of(searched) if r.at[:1] == [index] for p in _pages(r.data(), documents)]
        for page in _independent(pages)[:most]:
            one = sources.setdefault(page["place"], _source(len(sources) + 1, page))
            data = {"claim": claim.key, "source": one.key, "page": page["text"]}
            pairs.append(reply(claim.text, key=f"{claim.key} {one.key}", data=data))
    return {"sources": list(sources.values()), "pairs": pairs}


def _pages(data: dict[str, Any], documents: Replies) -> list[dict[str, str]]:
    """What a search found as pages; passages of one document are one page."""
    rows = data.get("results") or data.get("passages") or []
    found = [r for r in rows if isinstance(r, dict) and str(r.get("text") or "").strip()]
    if "passages" not in data:
        return [_page(r, str(r.get("url") or r.get("title") or ""), str(r["text"])) for r in found]
    about = {name: one.data() for one, name in named(documents)}
    texts: dict[str, list[str]] = {}
    for row in found:
        texts.setdefault(str(row.get("document") or ""), []).append(str(row["text"]).strip())
    return [_page(about.get(name, {}), name, "\n".join(parts)) for name, parts in texts.items()]


def _page(row: dict[str, Any], place: str, text: str) -> dict[str, str]:
    known = {k: " ".join(str(row.get(k) or "").split()) for k in METADATA}
    known["publisher"] = publisher(known["url"]) or known["publisher"] or place
    return {**known, "place": place, "text": cut(text.strip(), MOST_TEXT)}


def publisher(url: str) -> str:
    """The domain under which a page is published, empty where there is none: `news.example.co.uk` is example.co.uk."""
    try:
        host = (urlsplit(url).hostname or "").casefold()
    except ValueError:
        return ""
    labels = host.split(".")
    short = len(labels[-1]) == 2 and len(labels) > 2 and labels[-2] in SECOND_LEVEL
    return host if host.replace(".", "").isdigit() else ".".join(labels[-3 if short else -2 :])


def _independent(pages: list[dict[str, str]]) -> list[dict[str, str]]:
    kept: list[dict[str, str]] = []
    for page in pages:
        known = page["publisher"] in {k["publisher"] for k in kept}
        if not known and not any(shared(page["text"], k["text"], SHINGLE) > COPIED for k in kept):
            kept.append(page)
    return kept


def _source(number: int, page: dict[str, str]) -> Reply:
    data = {k: page[k] for k in (*METADATA, "place")}
    lines = [f"{k}: {page[k] or 'not known'}" for k in METADATA]
    return reply("\n".join(lines), key=f"S{number}", data=data)


@pure
def weighed_claims(claims: Replies, pairs: Replies, stances: Replies, sources: Replies, ratings: Replies) -> Replies:
    """A row a claim: its verdict by weighted vote, and its sources with stance, quote and weight.

    A stance whose quote does not stand in its page is unknown, as is one that failed. Fewer than two sources with a
    stance are insufficient.
    """
    weights = {r.key: r.data()["reliability"] for r in ok_of(ratings)}
    made, about = {s.key: s for s in stances}, {s.key: s for s in sources}
    rows = []
    for claim in claims:
        mine = [p for p in pairs if p.data()["claim"] == claim.key]
        cells = [_cell(p, made.get(p.key), about[p.data()["source"]], weights) for p in mine]
        rows.append(reply(claim.text, key=claim.key, data={"claim": claim.text, **verdict(cells), "sources": cells}))
    return rows


def _cell(pair: Reply, stance: Reply | None, source: Reply, weights: dict[str, int]) -> dict[str, Any]:
    said = stance.data() if stance is not None and stance.ok else {}
    quoted = occurs(str(said.get("quote", "")), pair.data()["page"], any_case=True)
    return {
        "source": source.key,
        "place": source.data()["place"],
        "publisher": source.data()["publisher"],
        "stance": said.get("verdict", "unknown") if quoted else "unknown",
        "quote": said.get("quote", "") if quoted else "",
        "weight": weights.get(source.key, UNRATED),
    }


def verdict(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """True, false, disputed or insufficient, with the weight on either side and the leading side's `share` of it."""
    sides = {side: [c["weight"] for c in cells if c["stance"] == side] for side in ("supported", "refuted")}
    pro, contra = (sum(weights) for weights in sides.values())
    said = {"for": pro, "against": contra, "share": max(pro, contra) / (pro + contra) if pro + contra else 0.0}
    if sum(map(len, sides.values())) < WITNESSES:
        return {"verdict": "insufficient", **said, "share": 0.0}
    for name, side, weight in (("true", "supported", pro), ("false", "refuted", contra)):
        # In whole numbers: 7 of 10 is 70 %, whatever a float makes of it.
        if round(weight * 100) >= round(DECISIVE * 100) * (pro + contra) and len(sides[side]) >= WITNESSES:
            return {"verdict": name, **said}
    return {"verdict": "disputed", **said}


@pure
def triangulated(
    text: Replies,
    rows: Replies,
    extracted: Replies,
    searched: Replies,
    ratings: Replies,
    stances: Replies,
    searcher: Replies,
) -> Reply:
    """The claims with their verdicts and sources; the text itself is not changed.

    `agreement` is the mean of the leading side's share of the weight, 0 for a claim with too few sources. Without a
    claim, or anything to search, it is unchecked.
    """
    table = [r.data() for r in rows]
    lost = [*causes(extracted), *causes(searched), *causes(ratings), *causes(stances)]
    data: dict[str, Any] = {
        "text": text[0].text,
        "claims": table,
        **{v: sum(t["verdict"] == v for t in table) for v in ("true", "false", "disputed", "insufficient")},
        "lost": lost,
    }
    if table:
        data["agreement"] = sum(t["share"] for t in table) / len(table)
    outcome: Outcome = "unchecked" if not table else "degraded" if lost else "answered"
    lines = [line for t in table for line in _lines(t)] or [_why_not(extracted, searcher)]
    return reply("\n".join(lines).strip(), key="answer", data=data, score=data.get("agreement"), outcome=outcome)


def _why_not(extracted: Replies, searcher: Replies) -> str:
    if not searcher[0].data()["tool"]:
        return "Not checked: there is nothing to search: give --documents, or name a web search in RADIANT_TOOLS."
    return f"Not checked: {first_cause(extracted) or 'the text makes no claim that could be checked'}."


def _lines(row: dict[str, Any]) -> list[str]:
    head = f"{row['verdict'].upper()}: {row['claim']} (weight {row['for']} for, {row['against']} against)"
    return ["", head, *(_source_line(c) for c in row["sources"])] + (
        [] if row["sources"] else ["- no source was found"]
    )


def _source_line(cell: dict[str, Any]) -> str:
    quote = f': "{cell["quote"]}"' if cell["quote"] else ""
    return f"- {cell['stance']}, reliability {cell['weight']} of 5, {cell['place']}{quote}"
