"""Evidence for research questions: numbered sources, notes on them, and a report whose citations can be checked."""

import re
from typing import Any

from tasks.algorithms.quotes import occurs
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, first_cause, ok_of, reply
from tasks.tool_calls import cut, name_of

WEB = "web"
MOST_TEXT = 4000
"""Characters of one web result that are read."""


@pure
def nothing_to_search(documents: Replies, tools: Replies) -> bool:
    """Whether there are neither documents nor a web search."""
    return not ok_of(documents) and no_web(tools)


@pure
def no_web(tools: Replies) -> bool:
    """Whether the tools have no web search."""
    return WEB not in [name_of(t) for t in ok_of(tools)]


@pure
def research_questions(decomposed: Replies) -> Replies:
    """The questions as items, each once, keyed q1, q2 ..."""
    return _numbered("q", [q for d in ok_of(decomposed) for q in d.data()["questions"]])


@pure
def gap_questions(analysis: Replies) -> Replies:
    """The gaps of an analysis as further questions, keyed gap 1, gap 2 ..."""
    return _numbered("gap ", [g for a in ok_of(analysis) for g in a.data()["gaps"]])


def _numbered(name: str, texts: list[str]) -> Replies:
    unique = dict.fromkeys(t.strip() for t in texts if t.strip())
    return [reply(t, key=f"{name}{n}") for n, t in enumerate(unique, 1)]


@pure
def no_gaps(analysis: Replies) -> bool:
    """Whether an analysis names nothing that is missing; one that failed names nothing."""
    return not gap_questions(analysis)


@pure
def web_call(question: Replies, k: int) -> Reply:
    """The call of the web search for a question."""
    return reply(key=WEB, data={"tool": WEB, "args": {"query": question[0].text[:2000], "k": k}})


@pure
def numbered_sources(questions: Replies, hits: Replies, web: Replies, k: int, known: Replies = []) -> Slots:  # noqa: B006 (never written to)
    """All `sources` so far, keyed S1, S2 ..., the same passage under one number; and a `sheet` a question.

    `hits` and `web` come from the questions by their first index. Fields of a sheet: question, ids, evidence (text
    under ids) and lost (why a search failed). `readable` are the sheets that have evidence.
    """
    sources = {_place(s): s for s in known}
    sheets = []
    for index, question in enumerate(questions):
        mine = [r for r in (*hits, *web) if r.at[:1] == [index]]
        found = [s for r in ok_of(mine) for s in _sources(r, k)]
        ids = [sources.setdefault(_place(f), f.but(key=f"S{len(sources) + 1}")).key for f in found]
        sheets.append(_sheet(question, list(dict.fromkeys(ids)), list(sources.values()), first_cause(mine)))
    readable = [s for s in sheets if s.data()["ids"]]
    return {"sources": list(sources.values()), "sheets": sheets, "readable": readable}


def _place(source: Reply) -> tuple[str, str]:
    return str(source.get("place")), source.text


def _sources(found: Reply, k: int) -> Replies:
    """A passage of a document, or what a web search gave."""
    data = found.data()
    if "results" not in data:
        place = str(data.get("id") or found.key)
        return [reply(found.text, data={"kind": "document", "place": place, "title": str(data.get("title") or "")})]
    results = [r for r in data["results"] if isinstance(r, dict)] if isinstance(data["results"], list) else []
    pages = [{n: str(r.get(n) or "") for n in ("url", "title", "text")} for r in results[:k]]
    return [
        reply(cut(p["text"], MOST_TEXT), data={"kind": WEB, "place": p["url"], "title": p["title"]})
        for p in pages
        if p["text"].strip()
    ]


def _sheet(question: Reply, ids: list[str], sources: Replies, lost: str) -> Reply:
    evidence = [f"[{s.key}] {s.data()['title']}".strip() + f"\n{s.text.strip()}" for s in sources if s.key in ids]
    data = {"question": question.text, "ids": ids, "evidence": "\n\n".join(evidence), "lost": lost}
    return reply(question.text, key=question.key, data=data)


@pure
def notes(sheets: Replies, extracted: Replies, sources: Replies, before: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """A note a question, after those of `before`: its findings, each with the source that it stands in.

    A finding whose source is not among its question's own does not count; one whose quote does not stand in its source
    says so.
    """
    made, texts = {e.key: e for e in extracted}, {s.key: s.text for s in sources}
    return [*before, *(_note(s, made.get(s.key), texts) for s in sheets)]


def _note(sheet: Reply, extracted: Reply | None, texts: dict[str, str]) -> Reply:
    given = sheet.data()
    said = extracted.data()["findings"] if extracted is not None and extracted.ok else []
    said = [{**f, "source_id": _bare(f["source_id"])} for f in said]
    kept = [f for f in said if f["source_id"] in given["ids"]]
    findings = [{**f, "quoted": occurs(f["quote"], texts[f["source_id"]], any_case=True)} for f in kept]
    lost = [given["lost"], "" if extracted is None or extracted.ok else extracted.cause]
    lines = [f"- {_finding(f)}" for f in findings] or ["- (no source that was found answers this)"]
    data = {
        "question": sheet.text,
        "findings": findings,
        "refused": len(said) - len(kept),
        "lost": "; ".join(t for t in lost if t),
    }
    return reply("\n".join([f"Question: {sheet.text}", *lines]), key=sheet.key, data=data)


def _finding(found: dict[str, Any]) -> str:
    quote = f'"{found["quote"]}"' if found["quoted"] else "no such quote in the source"
    return f"{found['statement']} [{found['source_id']}] ({quote}; confidence {found['confidence']})"


@pure
def no_findings(notes: Replies) -> bool:
    """Whether nothing was found that a report could rest on."""
    return not any(n.data()["findings"] for n in notes)


@pure
def uncited(report: Replies, sources: Replies) -> Reply:
    """What is wrong with a report's citations, a line each: a source that does not exist, a finding that has none."""
    known = {s.key for s in sources}
    lines = [line for r in ok_of(report) for line in _failures(_said(r), known)]
    return reply("\n".join(lines), key="citations", data={"failures": lines})


@pure
def all_cited(failures: Replies) -> bool:
    """Whether nothing is wrong with the citations."""
    return not failures[-1].data()["failures"]


def _said(report: Reply) -> dict[str, Any]:
    """The fields of a report, ids without brackets."""
    said = report.data()
    for part in ("findings", "conflicts"):
        said[part] = [{**one, "sources": [_bare(s) for s in one["sources"]]} for one in said[part]]
    return said


def _bare(source: str) -> str:
    return source.strip(" []")


def _failures(report: dict[str, Any], known: set[str]) -> list[str]:
    lines = [f'findings: "{f["statement"]}" cites no source' for f in report["findings"] if not f["sources"]]
    for part in ("findings", "conflicts"):
        for one in report[part]:
            lines += [f'{part}: "{one["statement"]}" cites {s}, which does not exist' for s in _unknown(one, known)]
    invented = [i for i in dict.fromkeys(CITED.findall(report["summary"])) if i not in known]
    return lines + [f"summary: it cites {i}, which does not exist" for i in invented]


def _unknown(statement: dict[str, Any], known: set[str]) -> list[str]:
    return [s for s in dict.fromkeys(statement["sources"]) if s not in known]


@pure
def research_report(
    report: Replies, revised: Replies, sources: Replies, notes: Replies, analysis: Replies, again: Replies
) -> Reply:
    """The report in its sections, the sources that it cites last; a statement whose citation fails says `uncited`.

    `quality` is the share of findings with sources that exist. Where nothing was found it says so, and is incomplete.
    """
    lost = [f"{n.key}: {n.data()['lost']}" for n in notes if n.data()["lost"]]
    lost += [
        f"{what}: {cause}"
        for what, made in (("analysis", [*analysis, *again]), ("revision", revised))
        if (cause := first_cause(made))
    ]
    final = next(iter([*ok_of(revised), *ok_of(report)]), None)
    data: dict[str, Any] = {
        "questions": [{"id": n.key, "question": n.data()["question"], "findings": n.data()["findings"]} for n in notes],
        "gaps": [g.text for g in gap_questions(analysis)],
        "lost": lost,
    }
    if final is None:
        return reply(NOTHING, key="answer", data={**data, "sources": [], "uncited": []}, outcome="incomplete")
    said, known = _said(final), {s.key: s for s in sources}
    failures = _failures(said, set(known))
    sound = [f for f in said["findings"] if f["sources"] and not _unknown(f, set(known))]
    cited = [s for s in sources if s.key in _cited(said)]
    data |= {
        "uncited": failures,
        "sources": [{"id": s.key, **s.data()} for s in cited],
        "quality": len(sound) / len(said["findings"]) if said["findings"] else 0.0,
    }
    outcome: Outcome = "degraded" if failures or lost else "answered"
    text = "\n".join(_sections(said, known, cited)).strip()
    return reply(text, key="answer", data=data, model=final.model, outcome=outcome)


def _cited(report: dict[str, Any]) -> set[str]:
    named = [s for part in ("findings", "conflicts") for one in report[part] for s in one["sources"]]
    return {*named, *CITED.findall(report["summary"])}


def _sections(report: dict[str, Any], known: dict[str, Reply], cited: Replies) -> list[str]:
    summary = CITED.sub(lambda m: m.group() if m.group(1) in known else "(uncited)", report["summary"])
    lines = ["Summary:", summary.strip()]
    lines += section("Findings", [_statement(f, known, must=True) for f in report["findings"]])
    lines += section("Conflicts", [_statement(c, known, must=False) for c in report["conflicts"]])
    lines += section("Limits", report["limits"])
    return lines + section("Sources", [_source(s) for s in cited])


def _statement(said: dict[str, Any], known: dict[str, Reply], *, must: bool) -> str:
    ids = [s for s in dict.fromkeys(said["sources"]) if s in known]
    wrong = bool(_unknown(said, set(known))) or (must and not ids)
    return " ".join([said["statement"].strip(), *(f"[{i}]" for i in ids), *(["(uncited)"] if wrong else [])])


def _source(source: Reply) -> str:
    data = source.data()
    return f"[{source.key}] " + ", ".join(t for t in (data["title"], data["place"]) if t)


CITED = re.compile(r"\[(S\d+)\]")
NOTHING = (
    "No report: no source was found that answers the research questions. Give documents with --documents, or a web "
    "search in RADIANT_TOOLS."
)
