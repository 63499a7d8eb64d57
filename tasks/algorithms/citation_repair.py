"""The outcome of an audit of citations: recall and precision, and the answer with its citations put right."""

from typing import Any

from tasks.algorithms.citation_marks import with_note, without_marker
from tasks.algorithms.cited_works import FABRICATED, FOUND, SUPPORTED
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import replaced
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

NEEDED = "[citation needed]"
KEPT, IRRELEVANT, REPLACED = "kept", "irrelevant", "replaced"


@pure
def audited_pairs(pairs: Replies, works: Replies, judged: Replies, alone: Replies, others: Replies) -> Replies:
    """Each pair with what becomes of its citation: kept, fabricated, irrelevant or replaced, and whether it is precise.

    Irrelevant is one that does not support its statement alone while the others do. Precise: it resolves, belongs to a
    supported statement and is not irrelevant.
    """
    status = {w.key: w.data().get("status", "") for w in works if w.ok}
    verdict = {j.key: j.data()["verdict"] for j in judged}
    weak = {a.key for a in ok_of(alone) if a.data()["verdict"] != SUPPORTED}
    enough = {o.key for o in ok_of(others) if o.data()["verdict"] == SUPPORTED}
    rows = []
    for pair in ok_of(pairs):
        data = pair.data()
        resolves, said = status.get(data["citation"], ""), verdict[data["statement"]]
        becomes = KEPT
        if resolves == FABRICATED:
            becomes = FABRICATED
        elif pair.key in weak & enough:
            becomes = IRRELEVANT
        elif said in ("refuted", "unknown"):
            becomes = REPLACED
        precise = resolves == FOUND and said == SUPPORTED and becomes == KEPT
        rows.append(pair.but(data={**data, "becomes": becomes, "precise": precise}))
    return rows


def repaired(
    text: str, sentences: Replies, rows: Replies, judged: Replies, fixes: Replies
) -> tuple[str, list[dict[str, str]]]:
    """The text with its citations put right, and the log of the changes. Words of statements are never changed.

    A citation goes where every statement that has it there can do without; a statement that nothing supports gets its
    new source, or [citation needed]. Works that are cited no more leave the list of references.
    """
    new = {s.key: s.text for s in ok_of(sentences)}
    log: list[dict[str, str]] = []
    for sentence, marker, citation, why in _dropped(rows):
        new[sentence] = without_marker(new[sentence], marker)
        log.append({"sentence": sentence, "change": f"{marker} removed", "why": why, "citation": citation})
    places = {f.key: f.data()["place"] for f in ok_of(fixes)}
    for one in (j for j in judged if j.data()["verdict"] in ("refuted", "unknown")):
        sentence, place = one.data()["sentence"], places.get(one.key, "")
        note = f"[{place}]" if place else NEEDED
        if note not in new[sentence]:
            new[sentence] = with_note(new[sentence], note)
        log.append({"sentence": sentence, "change": f"{note} added", "why": one.data()["verdict"], "citation": ""})
    return _without_entries(replaced(text, sentences, new), rows), log


def _dropped(rows: Replies) -> list[tuple[str, str, str, str]]:
    """Sentence, marker, citation and why, of the markers that no statement of their sentence keeps."""
    uses: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in (r.data() for r in rows):
        for marker in row["markers"]:
            uses.setdefault((row["sentence"], marker), []).append(row)
    return [
        (sentence, marker, cited[0]["citation"], cited[0]["becomes"])
        for (sentence, marker), cited in uses.items()
        if all(c["becomes"] != KEPT for c in cited)
    ]


def _without_entries(text: str, rows: Replies) -> str:
    """Without the lines of the list of references whose work no statement cites any more."""
    kept = {r.data()["citation"] for r in rows if r.data()["becomes"] == KEPT}
    gone = {r.data()["entry"].strip() for r in rows if r.data()["citation"] not in kept} - {""}
    return "\n".join(line for line in text.split("\n") if line.strip() not in gone)


@pure
def citations_audited(
    answer: Replies,
    sentences: Replies,
    extracted: Replies,
    pairs: Replies,
    works: Replies,
    judged: Replies,
    rows: Replies,
    kept: Replies,
    alone: Replies,
    others: Replies,
    fixes: Replies,
) -> Reply:
    """The answer with repaired citations, recall, precision, the fabricated ones and the changes.

    Recall and precision are those of the answer as it was; `quality` is the share of statements that a citation
    supports now. Without a statement it is unchecked; what could not be read is left as it is, and said.
    """
    verdicts = [j.data()["verdict"] for j in judged]
    text, log = repaired(answer[0].text, sentences, rows, judged, fixes)
    mended = sum(bool(f.data()["place"]) for f in ok_of(fixes))
    table = [r.data() for r in rows]
    made = [w for w in works if w.ok]
    lost = [*causes(extracted), *causes(works), *causes(kept), *causes(alone), *causes(others), *causes(fixes)]
    lost += [r.data()["lost"] for r in (*made, *ok_of(kept), *ok_of(fixes)) if r.data()["lost"]]
    cut = [r.cause for r in (*sentences, *pairs) if not r.ok]
    unread = [{"statement": j.text, "why": j.data()["reason"]} for j in judged if j.data()["verdict"] == "unread"]
    data: dict[str, Any] = {
        "text": text,
        "statements": [{"statement": j.text, **j.data()} for j in judged],
        "citations": table,
        "recall": verdicts.count(SUPPORTED) / len(verdicts) if verdicts else None,
        "precision": sum(t["precise"] for t in table) / len(table) if table else None,
        "fabricated": [_fabricated(w, table) for w in made if w.data()["status"] == FABRICATED],
        "changes": log,
        "unread": unread,
        "not_audited": cut,
        "lost": lost,
    }
    if verdicts:
        data["quality"] = (verdicts.count(SUPPORTED) + mended) / len(verdicts)
    outcome: Outcome = "unchecked" if not verdicts else "incomplete" if cut or unread else "answered"
    outcome = "degraded" if lost and outcome == "answered" else outcome
    shown = "\n".join([text, *_report(data, extracted)])
    return reply(shown, key="answer", data=data, score=data.get("quality"), outcome=outcome)


def _fabricated(work: Reply, table: list[dict[str, Any]]) -> dict[str, str]:
    markers = dict.fromkeys(m for t in table if t["citation"] == work.key for m in t["markers"])
    return {"citation": ", ".join(markers), "why": work.data()["why"]}


def _report(data: dict[str, Any], extracted: Replies) -> list[str]:
    if not data["statements"]:
        why = first_cause(extracted) if extracted else "there are neither --documents nor a resolver in RADIANT_TOOLS"
        return ["", f"Citations were not checked: {why or 'there is no statement to check'}."]
    figures = [f"recall {data['recall']:.2f}"]
    figures += [f"precision {data['precision']:.2f}"] if data["precision"] is not None else []
    return [
        "",
        f"Citations as they were: {', '.join(figures)}.",
        *section("Made up", [f"{f['citation']}: {f['why']}" for f in data["fabricated"]]),
        *section("Changes", [f"sentence {c['sentence']}: {c['change']} ({c['why']})" for c in data["changes"]]),
        *section("Could not be read, left as they are", [f"{u['statement']} ({u['why']})" for u in data["unread"]]),
        *section("Not audited", data["not_audited"]),
    ]
