"""Reading as a person does: pages up to natural breaks, a gist of each, pages opened again, what rests on gists."""

import re
from typing import Any

from tasks.algorithms.citation_marks import with_note
from tasks.algorithms.longform import first_words
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import replaced, sentence_spans
from tasks.chunking import PARAGRAPH
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

LEAST_WORDS, MOST_WORDS = 300, 600
"""Of a page; the last one may be shorter."""
PAGE = re.compile(r"\[page\s+(\d+)\]", re.IGNORECASE)
GIST_ONLY, CONTRADICTED = "[from gist only]", "[contradicted by an opened page]"


@pure
def paragraphs(documents: Replies, prompt: Replies) -> Replies:
    """The paragraphs of the documents, or of the prompt where there are none, with their `words`.

    One of more words than a page may have at least is cut at ends of sentences, so that there is always a break to
    pick. Fails the run where there is no word to read.
    """
    texts = [d.text for d in ok_of(documents)] or [prompt[0].text]
    parts = [p for t in texts for whole in PARAGRAPH.split(t.strip()) for p in _pieces(whole)]
    if not parts:
        raise Refuse("there is no text to read: give --documents")
    return [reply(p, key=str(n), data={"words": len(p.split())}) for n, p in enumerate(parts)]


def _pieces(paragraph: str) -> list[str]:
    if len(paragraph.split()) <= LEAST_WORDS:
        return [paragraph.strip()] if paragraph.strip() else []
    pieces: list[list[str]] = []
    for start, end in sentence_spans(paragraph):
        words = paragraph[start:end].split()
        for at in range(0, len(words), LEAST_WORDS):
            part = words[at : at + LEAST_WORDS]
            if pieces and len(pieces[-1]) + len(part) <= LEAST_WORDS:
                pieces[-1] += part
            else:
                pieces.append(list(part))
    return [" ".join(p) for p in pieces]


@pure
def first_window(units: Replies) -> Replies:
    """The window on the beginning of the text."""
    return _window(units, 0)


def _window(units: Replies, start: int) -> Replies:
    """At most a page's words from a paragraph on, with a number at every paragraph end where the page may break.

    Fields: start, and breaks, the paragraph after each numbered end. None where the text is at its end.
    """
    if start >= len(units):
        return []
    shown, breaks, words, end = [], list[int](), 0, start
    while end < len(units) and words + units[end].data()["words"] <= MOST_WORDS:
        words += units[end].data()["words"]
        end += 1
        if words >= LEAST_WORDS:
            breaks.append(end)
        shown.append(units[end - 1].text + (f"\n[[{len(breaks)}]]" if words >= LEAST_WORDS else ""))
    breaks = [end] if end == len(units) else breaks
    return [reply("\n\n".join(shown), key="window", data={"start": start, "breaks": breaks})]


@pure
def single_break(window: Replies) -> bool:
    """Whether there is nothing to pick: the text ends here, or one paragraph end alone is in reach."""
    return len(window[0].data()["breaks"]) == 1


@pure
def page_of(window: Replies, picked: Replies, units: Replies, turn: int) -> Reply:
    """The page up to the break that was picked, the last one in reach where none can be read; key is its number."""
    data = window[0].data()
    chosen = picked[0].data()["break"] if ok_of(picked) else 0
    end = data["breaks"][chosen - 1] if 1 <= chosen <= len(data["breaks"]) else data["breaks"][-1]
    text = "\n\n".join(u.text for u in units[data["start"] : end])
    return reply(text, key=str(turn), data={"page": turn, "end": end, "lost": first_cause(picked)})


@pure
def next_window(page: Replies, units: Replies) -> Replies:
    """The window on what comes after a page, none at the end of the text."""
    return _window(units, page[0].data()["end"])


@pure
def gist_memories(pages: Replies, gists: Replies, most: int) -> Replies:
    """What is remembered of each page: its gist, of so many words at most, with the fields page and text.

    The first words of the page stand for a gist that failed.
    """
    made = {g.key: g.text for g in ok_of(gists) if g.text.strip()}
    return [
        reply(
            " ".join(first_words(made.get(p.key, p.text), most).split()),
            key=p.key,
            data={"page": p.data()["page"], "text": p.text},
        )
        for p in pages
    ]


@pure
def stored_pages(memories: Replies, recalled: Replies) -> Replies:
    """The pages as the store has them, in order; as they were made where it took one not. Key is the page, text the
    gist, field `text` the whole page.
    """
    found = {r.data()["fields"]["page"]: r for r in ok_of(recalled)}
    return [
        m.but(text=r.text, data={"page": n, "text": r.data()["fields"]["text"]}) if (r := found.get(n)) else m
        for m in memories
        for n in [m.data()["page"]]
    ]


@pure
def with_opened(pages: Replies, opened: Replies) -> Replies:
    """All pages in order: those that were opened in full, the others as their gists."""
    here = {o.key for o in opened}
    return [
        p.but(key=f"page {p.key}, in full", text=p.data()["text"], fields="")
        if p.key in here
        else p.but(key=f"page {p.key}, gist", fields="")
        for p in pages
    ]


@pure
def newly_opened(judged: Replies, pages: Replies, opened: Replies) -> Replies:
    """The page that the judge wants to read next, in full; none if they are ready, or name no page that is closed."""
    said = judged[0].data() if ok_of(judged) else {"ready": True}
    wanted = "" if said["ready"] else str(said["page"])
    closed = [p for p in pages if p.key not in {o.key for o in opened}]
    return [
        p.but(text=p.data()["text"], data={"page": p.data()["page"], "why": said["why"]})
        for p in closed
        if p.key == wanted
    ]


@pure
def nothing_opened(opened: Replies) -> bool:
    """Whether no page was opened."""
    return not opened


@pure
def sentence_claims(extracted: Replies, sentences: Replies, most: int) -> Replies:
    """The claims as items, with the key of the `sentence` that makes each (empty where it names none)."""
    by_number = {s.data()["number"]: s.key for s in ok_of(sentences)}
    found = [c for e in ok_of(extracted) for c in e.data()["claims"]][:most]
    return [
        reply(c["text"], key=f"claim {n}", data={"sentence": by_number.get(c["sentence_no"], "")})
        for n, c in enumerate(found, 1)
    ]


@pure
def gist_answer(
    written: Replies,
    sentences: Replies,
    pages: Replies,
    cut: Replies,
    left: Replies,
    gists: Replies,
    stored: Replies,
    judged: Replies,
    opened: Replies,
    extracted: Replies,
    claims: Replies,
    verdicts: Replies,
) -> Reply:
    """The answer, each sentence that rests on gists alone marked; `quality` is the share of claims that pages bear out.

    Incomplete where the text is longer than could be read; unchecked where pages were opened and no claim was checked.
    """
    said = {v.key: v.data()["verdict"] for v in ok_of(verdicts)}
    rows = [{"claim": c.text, **c.data(), "verdict": said.get(c.key, "unknown")} for c in claims]
    marks = {r["sentence"]: GIST_ONLY for r in rows if r["verdict"] == "unknown"}
    marks |= {r["sentence"]: CONTRADICTED for r in rows if r["verdict"] == "refuted"}
    new = {s.key: with_note(s.text, marks[s.key]) for s in ok_of(sentences) if s.key in marks}
    known = {p.key for p in pages}
    invented = [n for n in dict.fromkeys(PAGE.findall(written[0].text)) if n not in known]
    lost = [*(f"page {c.key}: {c.data()['lost']}" for c in cut if c.data()["lost"]), *causes(gists), *causes(stored)]
    lost += [*causes(judged), *causes(extracted), *causes(verdicts)]
    lost += [f"page {n} is cited, and there is none" for n in invented]
    unread = "the text goes on after the last page that could be read" if left else ""
    text = replaced(written[0].text, sentences, new)
    data: dict[str, Any] = {
        "text": text,
        "pages": len(pages),
        "opened": [{"page": o.data()["page"], "why": o.data()["why"]} for o in opened],
        "claims": rows,
        "unread": unread,
        "lost": lost,
    }
    if rows:
        data["quality"] = sum(r["verdict"] == "supported" for r in rows) / len(rows)
    outcome: Outcome = "answered"
    if unread:
        outcome = "incomplete"
    elif opened and not ok_of(extracted):
        outcome = "unchecked"
    elif lost:
        outcome = "degraded"
    lines = [text, *section("Not read", [unread] if unread else [])]
    lines += [] if opened else ["", "From gists only: no page was opened again."]
    return reply(
        "\n".join(lines), key="answer", data=data, score=data.get("quality"), model=written[0].model, outcome=outcome
    )
