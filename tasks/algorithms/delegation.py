"""Work that a lead delegates: briefs, the workers' reports, what they leave open, and claims held against reports."""

import re
from typing import Any

from tasks.algorithms.longform import first_words
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import sentence_spans
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

REFUTED, SUPPORTED = "refuted", "supported"


@pure
def briefs(made: Replies, reports: Replies) -> Replies:
    """The briefs of a decomposition, numbered on from the reports that there are; none of one that failed later on.

    Text is all that a worker sees. Fails the run where the first decomposition failed.
    """
    given = [b for m in ok_of(made)[-1:] for b in m.data()["briefs"]]
    if not given and not reports:
        raise Refuse(f"the work could not be split: {first_cause(made) or 'there are no briefs'}")
    return [_brief(n, b) for n, b in enumerate(given, len(reports) + 1)]


def _brief(number: int, given: dict[str, Any]) -> Reply:
    lines = [given["objective"], f"Leave alone: {given['exclude']}" if given["exclude"].strip() else ""]
    lines += [f"Form of the report: {given['format']}", ASKED]
    return reply("\n".join(line for line in lines if line), key=str(number), data=given)


@pure
def worker_start(brief: Replies, tools: Replies, seats: Replies) -> Slots:
    """What a worker starts with: its brief, the tools that it allows (all where it names none), its steps and model."""
    data = brief[0].data()
    allowed = [t for t in ok_of(tools) if t.key in data["tools"]]
    return {
        "brief": [reply(brief[0].text, key=brief[0].key)],
        "tools": allowed or tools,
        "steps": [reply(str(data["effort"]), key="steps")],
        "model": seats[-1:],
    }


@pure
def some_answer(answers: Replies) -> bool:
    """Whether the last attempt gave an answer."""
    return bool(ok_of(answers[-1:]))


@pure
def report(brief: Replies, answers: Replies) -> Reply:
    """A worker's report under its brief's key, which its text names; failed where there is none."""
    data = {"objective": brief[0].data()["objective"]}
    last = answers[-1] if answers else Reply(status="failed", cause="nothing was done")
    if not last.ok:
        return last.but(key=brief[0].key, text="", data=data)
    said = {name: last.data().get(name) for name in ("ended_by", "success", "steps")}
    text = f"Report {brief[0].key} on: {data['objective']}\n\n{last.text}"
    return reply(text, key=brief[0].key, data=data | said, model=last.model)


@pure
def summaries(reports: Replies, fresh: Replies, words: int) -> Replies:
    """The beginning of each report, which is its summary, in at most so many words."""
    return [r.but(text=first_words(r.text, words)) for r in ok_of([*reports, *fresh])]


@pure
def open_gaps(before: Replies, fresh: Replies, judged: Replies) -> Replies:
    """What is still open: points of the judgement, and the objectives of workers that gave no report.

    Where there is no new report, what was open before still is.
    """
    said = [str(g) for j in ok_of(judged)[-1:] for g in j.data()["gaps"]]
    if not ok_of(fresh):
        said = [g.text for g in before]
    lost = [f"There is no report on this: {r.data()['objective']}" for r in fresh if not r.ok]
    points = list(dict.fromkeys(t.strip() for t in (*said, *lost) if t.strip()))
    return [reply(text, key=f"gap {n}") for n, text in enumerate(points, 1)]


@pure
def covered(gaps: Replies) -> bool:
    """Whether nothing is open."""
    return not gaps


@pure
def cited_claims(draft: Replies, reports: Replies, most: int) -> Slots:
    """`claims` are the sentences that cite reports as [n], with the reports' texts; `unfounded` those that cite one
    that does not exist. Those beyond `most` are left out of the claims, which a skipped reply says.
    """
    known = {r.key: r for r in ok_of(reports)}
    text = next((d.text for d in ok_of(draft)), "")
    found, unfounded = list[Reply](), list[Reply]()
    for start, end in sentence_spans(text):
        cited = _cited(text[start:end])
        data: dict[str, Any] = {"claim": text[start:end], "cites": cited}
        if missing := [c for c in cited if c not in known]:
            reason = f"it cites report {missing[0]}, which does not exist"
            unfounded.append(reply(data["claim"], key=f"u{len(unfounded) + 1}", data=data | {"reason": reason}))
        elif cited:
            data["reports"] = "\n\n".join(known[c].text for c in cited)
            found.append(reply(data["claim"], key=f"c{len(found) + 1}", data=data))
    beyond = len(found) - most
    note = [Reply(key="(cut)", status="skipped", cause=f"{beyond} claims beyond {most}")] if beyond > 0 else []
    return {"claims": [*found[:most], *note], "unfounded": unfounded}


def _cited(sentence: str) -> list[str]:
    return list(dict.fromkeys(n for group in CITATION.findall(sentence) for n in re.findall(r"\d+", group)))


@pure
def refuted_claims(claims: Replies, verdicts: Replies, unfounded: Replies) -> Replies:
    """The claims that do not stand, with the reason; what could not be verified is not refuted."""
    said = {v.key: v.data() for v in ok_of(verdicts)}
    wrong = [c for c in ok_of(claims) if said.get(c.key, {}).get("verdict") == REFUTED]
    rows = [{"claim": c.text, "cites": c.data()["cites"], "reason": said[c.key]["reason"]} for c in wrong]
    return [*(reply(c.text, key=c.key, data=row) for c, row in zip(wrong, rows, strict=True)), *unfounded]


@pure
def nothing_refuted(refuted: Replies) -> bool:
    """Whether every claim stands."""
    return not refuted


@pure
def delegated_answer(
    draft: Replies,
    revised: Replies,
    refuted: Replies,
    claims: Replies,
    verdicts: Replies,
    reports: Replies,
    gaps: Replies,
    judged: Replies,
) -> Reply:
    """The final text with the reports that it rests on, what is not covered, and what was refuted and still stands.

    `quality` is the share of the verified claims that were supported, refuted ones that were revised left out. Where
    the text cites nothing, or nobody could say what is not covered, it is unchecked.
    """
    final = next((r for r in ok_of(revised)), draft[0])
    standing = refuted if not ok_of(revised) else []
    words = [v.data()["verdict"] for v in ok_of(verdicts)]
    kept = [w for w in words if w != REFUTED or standing]
    lost = causes([*claims, *verdicts, *revised, *judged])
    rows = [{"id": r.key, "ok": r.ok, "model": r.model, "cause": r.cause, **r.data()} for r in reports]
    data: dict[str, Any] = {
        "reports": rows,
        "gaps": [g.text for g in gaps],
        "claims": len(ok_of(claims)),
        "refuted": [r.data() for r in refuted],
        "revised": bool(ok_of(revised)),
        "lost": lost,
    }
    if kept:
        data["quality"] = kept.count(SUPPORTED) / len(kept)
    outcome: Outcome = "incomplete" if gaps else "degraded" if lost or standing else "answered"
    if not gaps and not (ok_of(judged) and (ok_of(claims) or refuted)):
        outcome = "unchecked"
    cited = _cited(final.text)
    lines = [final.text.strip()]
    lines += section("Not borne out by the reports", [f"{r.text} ({r.data()['reason']})" for r in standing])
    lines += section("Not covered", data["gaps"])
    lines += section("Reports", [f"[{r.key}] {r.data()['objective']}" for r in ok_of(reports) if r.key in cited])
    return reply("\n".join(lines), key="answer", data=data, model=final.model, outcome=outcome)


CITATION = re.compile(r"\[(\d+(?:\s*,\s*\d+)*)\]")
ASKED = """\
Begin the report with a summary of at most 500 words that holds every result. Say for each result what it rests on, \
and what you could not find out."""
