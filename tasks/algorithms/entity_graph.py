"""The entity graph of a corpus: what was read out of its chunks, merged; its communities in three levels, and reports.

Source: Edge et al. 2024, From Local to Global (arXiv 2404.16130). An entity is a reply: key is its name, text its name,
kind and description, fields name, kind, description, chunks. A relation has the fields source, target, description,
weight, chunks; a claim id, subject, text, chunk; a community id, level (1 the widest), parent, entities.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.leiden import communities
from tasks.answers import normalised
from tasks.chunking import about_tokens
from tasks.functions import Refuse, pure
from tasks.recalled import fields_of
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply

CORPUS, INDEX, REPORT = "graph_corpus", "graph_index", "graph_report"
"""The kinds of memory: the documents of a corpus, the graph of one state of it, the reports on its communities."""
LEVELS = 3
MOST_MEMBERS = 10
"""A community of more entities comes apart into smaller ones at the next level."""
MOST_DESCRIPTIONS, MOST_CHARS = 3, 600


@pure
def not_indexed(corpora: Replies, indexes: Replies) -> bool:
    """Whether a corpus has no graph of the state that it is in."""
    return bool(_waiting(corpora, indexes))


def _waiting(corpora: Replies, indexes: Replies) -> Replies:
    """The corpora without a graph of their present state, the one that waits longest first."""
    done = {(fields_of(i)["project"], fields_of(i)["hash"]) for i in indexes}
    return [c for c in reversed(corpora) if (fields_of(c)["project"], fields_of(c)["hash"]) not in done]


@pure
def corpus_to_index(corpora: Replies, indexes: Replies, reports: Replies) -> Slots:
    """The corpus to index: its `name`, `state`, `documents`, and the graph (`index`) and `reports` to replace."""
    waiting = _waiting(corpora, indexes)
    if not waiting:
        raise Refuse("every corpus is indexed")
    own = fields_of(waiting[0])
    name = own["project"]
    return {
        "name": [reply(name, key="name")],
        "state": [reply(own["hash"], key="state")],
        "documents": documents_of(own),
        "index": [i for i in indexes if fields_of(i)["project"] == name],
        "reports": [r for r in reports if fields_of(r)["project"] == name],
    }


def documents_of(corpus: dict[str, Any]) -> Replies:
    """The documents of a remembered corpus, named by title and number."""
    rows = corpus["documents"]
    return [reply(d["text"], key=d["title"], data={"id": f"d{n}", "title": d["title"]}) for n, d in enumerate(rows, 1)]


@pure
def with_known(chunks: Replies, extracted: Replies) -> Replies:
    """The chunks that could be read, with the names of what was found in them, for the second look."""
    found = {e.key: e.data() for e in ok_of(extracted)}
    return [
        c.but(data={**c.data(), "known": [e["name"] for e in found[c.key]["entities"]]})
        for c in chunks
        if c.key in found
    ]


@pure
def entity_graph(chunks: Replies, extracted: Replies, gleaned: Replies) -> Slots:
    """The `entities`, `relations` and `claims` of all chunks; equal entities are one, and ties add up.

    `lost` says which chunks could not be read, or not looked at a second time.
    """
    read = [(e.key, e.data()) for e in [*ok_of(extracted), *ok_of(gleaned)]]
    names = _Names([entity["name"] for _, data in read for entity in data["entities"]])
    mentions: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    ties: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    claims: list[dict[str, Any]] = []
    for chunk, data in read:
        for entity in data["entities"]:
            if name := names.of(entity["name"]):
                mentions.setdefault(name, []).append((chunk, entity))
        for tie in data["relations"]:
            one, other = names.of(tie["source"]), names.of(tie["target"])
            if one and other and one != other:
                ties.setdefault((min(one, other), max(one, other)), []).append((chunk, tie))
        for claim in data["claims"]:
            if name := names.of(claim["subject"]):
                claims.append({"id": f"c{len(claims) + 1}", "subject": name, "text": claim["text"], "chunk": chunk})
    if not mentions:
        raise Refuse(f"no entity was found in {len(chunks)} chunks: {'; '.join(causes(extracted)) or 'they name none'}")
    return {
        "entities": [_entity(name, found) for name, found in mentions.items()],
        "relations": [_relation(*pair, found) for pair, found in ties.items()],
        "claims": [reply(c["text"], key=c["id"], data=c) for c in claims],
        "lost": [reply(cause, key=str(n)) for n, cause in enumerate(causes([*extracted, *gleaned]), 1)],
    }


class _Names:
    """Names as they were first written, by the form in which they are compared."""

    def __init__(self, names: Iterable[str]) -> None:
        self.first: dict[str, str] = {}
        for name in names:
            if form := normalised(name):
                self.first.setdefault(form, " ".join(name.split()))

    def of(self, name: str) -> str:
        return self.first.get(normalised(name), "")


def _entity(name: str, found: Sequence[tuple[str, dict[str, Any]]]) -> Reply:
    kind = Counter(e["kind"] for _, e in found).most_common(1)[0][0]
    described = _joined(e["description"] for _, e in found)
    chunks = list(dict.fromkeys(chunk for chunk, _ in found))
    data = {"name": name, "kind": kind, "description": described, "chunks": chunks}
    return reply(f"{name} ({kind}): {described}", key=name, data=data)


def _relation(source: str, target: str, found: Sequence[tuple[str, dict[str, Any]]]) -> Reply:
    data = {
        "source": source,
        "target": target,
        "description": _joined(t["description"] for _, t in found),
        "weight": float(sum(t["strength"] for _, t in found)),
        "chunks": list(dict.fromkeys(chunk for chunk, _ in found)),
    }
    return reply(f"{source} - {target}: {data['description']}", key=f"{source} - {target}", data=data)


def _joined(descriptions: Iterable[str]) -> str:
    return "; ".join(distinct(descriptions)[:MOST_DESCRIPTIONS])[:MOST_CHARS]


@pure
def community_levels(entities: Replies, relations: Replies, most: int) -> Slots:
    """The communities of two or more entities in three levels, at most so many a level, the largest first.

    One that does not come apart stands for itself at the levels below. `cut` says how many are left out.
    """
    weights = {(r.data()["source"], r.data()["target"]): r.data()["weight"] for r in relations}
    found: Replies = []
    cut: Replies = []
    above = [("", [e.key for e in entities])]
    for level in range(1, LEVELS + 1):
        made: list[tuple[str, list[str]]] = []
        for parent, members in above:
            whole = len(members) <= MOST_MEMBERS and parent
            parts = [members] if whole else communities(members, weights)
            made += [(parent, part) for part in parts if len(part) > 1 and (part != members or not parent)]
        made.sort(key=lambda one: -len(one[1]))
        named = [(f"{level}.{n}", parent, part) for n, (parent, part) in enumerate(made[:most], 1)]
        if len(made) > most:
            cut.append(reply(f"{len(made) - most} communities of level {level} beyond {most}", key=str(level)))
        found += [
            reply(key=name, data={"id": name, "level": level, "parent": parent, "entities": part})
            for name, parent, part in named
        ]
        above = [(name, part) for name, _, part in named]
    return {"out": found, "cut": cut}


def at_level(found: Sequence[Reply], level: int) -> Replies:
    """The communities of a level, and those of the levels above that did not come apart."""
    parents = {c.data()["parent"] for c in found}
    return [c for c in found if c.data()["level"] == level or (c.data()["level"] < level and c.key not in parents)]


@pure
def to_report(
    level: int,
    communities: Replies,
    entities: Replies,
    relations: Replies,
    claims: Replies,
    tokens: int,
    below: Replies = [],  # noqa: B006 (never written to)
) -> Replies:
    """What the report on each community of a level is written from: the reports on its children, then what it holds."""
    reports = {r.data()["id"]: r for r in ok_of(below)}
    own = [c for c in communities if c.data()["level"] == level]
    made = []
    for one in own:
        members = set(one.data()["entities"])
        children = [c.key for c in communities if c.data()["parent"] == one.key and c.key in reports]
        ties = [r for r in relations if {r.data()["source"], r.data()["target"]} <= members]
        lines = [f"Report {name}: {reports[name].text}" for name in children]
        lines += [f"Claim [{c.key}, {c.data()['chunk']}]: {c.text}" for c in claims if c.data()["subject"] in members]
        lines += [
            f"Relation [{', '.join(r.data()['chunks'])}]: {r.text}"
            for r in sorted(ties, key=lambda r: -r.data()["weight"])
        ]
        lines += [f"Entity [{', '.join(e.data()['chunks'])}]: {e.text}" for e in entities if e.key in members]
        made.append(reply("\n".join(_within(lines, tokens)), key=one.key, data=one.data()))
    return made


def _within(lines: Iterable[str], tokens: int) -> list[str]:
    """The first lines that fit, one at least."""
    kept: list[str] = []
    for line in lines:
        tokens -= about_tokens(line)
        if tokens < 0 and kept:
            break
        kept.append(line)
    return kept


@pure
def reports_on(
    communities: Replies,
    written: Replies,
    chunks: Replies,
    state: Replies,
    name: Replies,
    below: Replies = [],  # noqa: B006 (never written to)
) -> Replies:
    """The reports that were written, as they are remembered, after those of the levels below: with the chunks that each
    cites. A report that failed is a failed reply.
    """
    known, by_key = {c.key for c in chunks}, {c.key: c.data() for c in communities}
    made = []
    for one in written:
        if not one.ok:
            made.append(one)
            continue
        cited = [c for c in dict.fromkeys(_marks(one.text)) if c in known]
        data = {**by_key[one.key], "project": name[0].text, "hash": state[0].text, "chunks": cited}
        made.append(reply(one.text, key=one.key, data=data))
    return [*below, *made]


def _marks(text: str) -> list[str]:
    """What stands in square brackets, item by item."""
    return [item.strip() for part in text.split("[")[1:] for item in part.partition("]")[0].split(",")]


@pure
def index_memory(
    name: Replies,
    state: Replies,
    entities: Replies,
    relations: Replies,
    communities: Replies,
    chunks: Replies,
    reports: Replies,
    lost: Replies,
    cut: Replies,
) -> Reply:
    """The graph as it is remembered, once its reports are."""
    data = {
        "project": name[0].text,
        "hash": state[0].text,
        "entities": [e.data() for e in entities],
        "relations": [r.data() for r in relations],
        "communities": [c.data() for c in communities],
        "chunks": len(chunks),
        "lost": [*(n.text for n in [*lost, *cut]), *causes(reports)],
    }
    return reply(f"entity graph of the corpus {name[0].text}", data=data)


@pure
def index_report(memory: Replies, stored: Replies) -> Reply:
    """What was indexed, in one line."""
    data = memory[0].data()
    sizes = f"{data['chunks']} chunks, {len(data['entities'])} entities, {len(data['relations'])} relations"
    text = f"Indexed '{data['project']}': {sizes}, {len(data['communities'])} communities."
    lost = [*data["lost"], *causes(stored)]
    text += f" Lost: {'; '.join(lost)}." if lost else ""
    return reply(text, key="answer", data={"lost": lost}, outcome="degraded" if lost else "answered")
