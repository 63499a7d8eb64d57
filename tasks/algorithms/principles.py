"""Principles that an answer cites by number."""

import re

from tasks.algorithms.passages import sources
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, reply


@pure
def numbered_principles(extracted: Replies) -> Reply:
    """The principles as one numbered text, each once; the field `principles` lists them."""
    texts = list(dict.fromkeys(" ".join(p.split()) for p in extracted[0].data()["principles"] if p.strip()))
    return reply("\n".join(f"[{n}] {t}" for n, t in enumerate(texts, 1)), key="principles", data={"principles": texts})


@pure
def cited_answer(written: Replies, general: Replies, principles: Replies, passages: Replies) -> Reply:
    """The answer with the general question and the principles, and which of them it cites.

    An answer that cites none and does not say that none applies is unchecked; so is one that cites a number which no
    principle has.
    """
    texts = principles[0].data()["principles"]
    text = written[0].text
    cited = sorted({int(n) for group in CITATION.findall(text) for n in re.findall(r"\d+", group)})
    unknown = [n for n in cited if not 1 <= n <= len(texts)]
    none_applies = NONE_APPLIES.search(text) is not None
    outcome: Outcome = "unchecked" if unknown or not (cited or none_applies) else "answered"
    notes = [f"No principle has the number {', '.join(map(str, unknown))}."] if unknown else []
    data = {
        "general_question": general[0].text,
        "principles": texts,
        "cited": [n for n in cited if n not in unknown],
        "unknown_citations": unknown,
        "none_applies": none_applies,
        "sources": sources(passages),
    }
    lines = [text, "", f"General question: {general[0].text}", "Principles:", principles[0].text, *notes]
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)


CITATION = re.compile(r"\[(\d{1,2}(?:\s*[,;]\s*\d{1,2})*)\]")
NONE_APPLIES = re.compile(r"\bno(?:ne)?\b[^.\n]{0,60}\bappl(?:y|ies)\b", re.IGNORECASE)
