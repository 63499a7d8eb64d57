"""Reading a document for one who may not see it: what may be told of it, jobs for each chunk, findings with quotes."""

import re
from typing import Any

from tasks.algorithms.quotes import occurs
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, canonical, ok_of, reply

MOST_HEADINGS, HEADING_CHARS = 60, 120


@pure
def overview(document: Replies, title: Replies, chunks: Replies, jobs: int, most: int) -> Reply:
    """What may be told of a document without showing it: title, length, headings, and how many jobs fit a round."""
    text = "".join(d.text for d in document)
    headings = [h.strip()[:HEADING_CHARS] for h in HEADING.findall(text)][:MOST_HEADINGS]
    lines = [
        f"Title: {''.join(t.text for t in title).strip() or '(none)'}",
        f"Length: {len(text)} characters in {len(chunks)} chunks",
        f"Jobs that can be read in a round: {_jobs_that_fit(len(chunks), jobs, most)}",
        "Headings:",
        *(f"- {h}" for h in headings or ["(none)"]),
    ]
    return reply("\n".join(lines), key="overview")


def _jobs_that_fit(count: int, jobs: int, most: int) -> int:
    return max(1, min(jobs, most // max(1, count)))


@pure
def reading_jobs(plan: Replies, chunks: Replies, jobs: int, most: int, turn: int) -> Slots:
    """`jobs` of a round, each different, as many as fit; `cells` are every one with every chunk, at most `most`."""
    texts = dict.fromkeys(j["job"].strip() for p in ok_of(plan) for j in p.data()["jobs"])
    wanted = [t for t in texts if t][: _jobs_that_fit(len(chunks), jobs, most)]
    made = [reply(text, key=f"round {turn}, job {n}", data={"job": text}) for n, text in enumerate(wanted, 1)]
    cells = [
        reply(key=f"{job.key}, chunk {n}", data={"job": job.text, "chunk": c.text, "number": n})
        for job in made
        for n, c in enumerate(chunks, 1)
    ]
    return {"jobs": made, "cells": cells[:most]}


@pure
def findings(cells: Replies, read: Replies) -> Slots:
    """`kept` are the answers that were found and whose quote stands in the chunk; `unread` the cells nobody could read.

    White space and case may differ, nothing else.
    """
    by_key = {c.key: c for c in cells}
    kept = [_finding(by_key[r.key], r) for r in ok_of(read) if _holds(by_key[r.key], r)]
    return {"kept": kept, "unread": [r for r in read if not r.ok]}


def _holds(cell: Reply, read: Reply) -> bool:
    said = read.data()
    return said["found"] == "yes" and occurs(said["quote"], cell.data()["chunk"], any_case=True)


def _finding(cell: Reply, read: Reply) -> Reply:
    said, of = read.data(), cell.data()
    data = {"job": of["job"], "answer": said["answer"], "quote": said["quote"], "chunk": of["number"]}
    return reply(said["answer"], key=read.key, data=data, model=read.model)


@pure
def outward(kept: Replies, allowed: Replies, new: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """The findings as they may leave the machine: without their quotes, unless the user allows them."""
    quotes = allowed[0].text == "true"
    return [_without_quote(f, quotes) for f in [*kept, *new]]


def _without_quote(finding: Reply, quotes: bool) -> Reply:
    data = {k: v for k, v in finding.data().items() if k != "quote" or quotes}
    return finding.but(text=canonical(data), data=data)


@pure
def reading_over(concluded: Replies, chunks: Replies) -> bool:
    """Whether the last conclusion is final, or there is nothing to read."""
    return not chunks or (bool(concluded) and concluded[-1].data()["decision"] == "final")


@pure
def read_answer(concluded: Replies, jobs: Replies, kept: Replies, unread: Replies, allowed: Replies) -> Slots:
    """The answer with jobs and findings by chunk; incomplete, with what is missing, where no conclusion was final.

    Quotes stand in the fields, and in the text only where they may leave the machine, since others read the text.
    `replies` are the findings as they may leave it.
    """
    replies = outward(kept, allowed)
    if not concluded:
        answer = reply("No document was given: name its text with --document.", key="answer", outcome="incomplete")
        return {"answer": [answer], "replies": replies}
    said = concluded[-1].data()
    final = said["decision"] == "final"
    data = {
        "decision": said["decision"],
        "missing": [] if final else said["missing"],
        "jobs": [j.text for j in jobs],
        "findings": [k.data() for k in kept],
        "unread": len(unread),
        "quotes_shown": allowed[0].text == "true",
    }
    lines = [said["answer"], *([] if final else ["", "Incomplete. Missing:", *(f"- {m}" for m in said["missing"])])]
    lines += ["", "What was looked for:", *(f"- {j.text}" for j in jobs)]
    lines += ["Found in the document:", *(_line(r.data()) for r in replies)] if replies else ["Nothing was found."]
    outcome = "incomplete" if not final else "degraded" if unread else "answered"
    answer = reply("\n".join(lines), key="answer", data=data, model=concluded[-1].model, outcome=outcome)
    return {"answer": [answer], "replies": replies}


def _line(finding: dict[str, Any]) -> str:
    quote = f' "{finding["quote"]}"' if "quote" in finding else ""
    return f"- chunk {finding['chunk']}: {finding['answer']}{quote}"


HEADING = re.compile(
    r"^(?:#{1,6}[ \t]+|(?:\d+\.)+\d*[ \t]+|(?:Chapter|Section|Article|Part|Appendix)[ \t])\S.*$", re.MULTILINE
)
