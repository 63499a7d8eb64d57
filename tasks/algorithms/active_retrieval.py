"""Active retrieval (FLARE): sentences whose writer marks what it is unsure of, looked up one by one and written anew.

A draft is a sentence with its marks; a piece is what of it goes into the text. Fields of a piece: retrieved, dropped
(spans that were taken out), end, paragraph (whether it begins one) and lost.
"""

import re
from typing import Any

from tasks.algorithms.cited_passages import cited, labelled, place_of, rows, source_lines
from tasks.algorithms.evidence import no_web, nothing_to_search
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import sentence_spans
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from tasks.tool_calls import found

LETTER = "E"
GAP, OTHER_GAP = "[?]", "[...]"
FEW_WORDS = 2
"""A sentence of no more words than these, once its spans are out, says nothing."""


@pure
def drafted(made: Replies) -> Reply:
    """The next sentence, and no more than one: fields spans (that its writer is unsure of), end and paragraph."""
    if not ok_of(made):
        return made[-1].but(key="draft")
    said = made[-1].data()
    text = MARK_AFTER_STOP.sub(r"[/UNSURE]\1", said["sentence"].strip())
    places = sentence_spans(text)
    sentence = text[slice(*places[0])] if places else ""
    data = {
        "spans": _spans(sentence),
        "end": not sentence or (said["end"] and len(places) == 1),
        "paragraph": said["paragraph"],
    }
    return reply(sentence, key="draft", data=data, model=made[-1].model)


def _spans(sentence: str) -> list[str]:
    found = [" ".join(m.group(1).split()) for m in MARKED.finditer(sentence)]
    return [span for span in found if span]


def _unmarked(sentence: str) -> str:
    return MARKS.sub("", sentence).strip()


def _without_spans(sentence: str) -> str:
    """The sentence without what is marked, its blanks and commas mended; empty where too little is left."""
    text = MARKS.sub("", MARKED.sub("", sentence))
    text = re.sub(r"\(\s*\)", "", text)
    text = re.sub(r"\s+([,.;:!?…])", r"\1", " ".join(text.split()))
    text = re.sub(r"[,;:]+(?=[.!?…]|$)|,(?=,)", "", text)
    return text if len(re.findall(r"\w+", text)) > FEW_WORDS else ""


@pure
def no_look_up(draft: Replies, pieces: Replies, documents: Replies, tools: Replies, most: int) -> bool:
    """Whether nothing is looked up: the writer is sure, there is nothing to search, or `most` look-ups were made."""
    unsure = bool(ok_of(draft)) and bool(draft[-1].data()["spans"])
    used = sum(p.data()["retrieved"] for p in ok_of(pieces))
    return not unsure or used >= most or nothing_to_search(documents, tools)


@pure
def masked(draft: Replies) -> Reply:
    """The sentence with its first unsure span as a gap, the others left out."""
    text = draft[-1].text if ok_of(draft) else ""
    gaps = iter([GAP])
    return reply(_unmarked(MARKED.sub(lambda _: next(gaps, OTHER_GAP), text)), key="masked")


@pure
def search_query(asked: Replies, masked: Replies) -> Reply:
    """The question for the gap; the sentence around it where nobody could ask."""
    said = next((" ".join(a.text.split()) for a in ok_of(asked)), "")
    plain = masked[-1].text.replace(GAP, " ").replace(OTHER_GAP, " ")
    return reply(said or " ".join(plain.split()), key="query")


@pure
def web_not_needed(query: Replies, hits: Replies, tools: Replies, least: float) -> bool:
    """Whether the web is left alone: nothing is looked up, the documents answer well enough, or there is no web."""
    return not query or no_web(tools) or bool(_good(hits, least))


def _good(hits: Replies, least: float) -> Replies:
    """The passages, if the best of them is good enough; those without a score were found by their words."""
    passages = ok_of(hits)
    return passages if any(p.score is None or p.score >= least for p in passages) else []


@pure
def look_up_context(
    query: Replies, hits: Replies, web: Replies, context: Replies, sources: Replies, k: int, least: float
) -> Slots:
    """`context` is what was looked up last, under labels that no other passage has; `sources` all that ever was."""
    if not query:
        return {"context": context, "sources": sources}
    passages = _good(hits, least)[:k] or found(web, "results", k)
    known = {(place_of(s), s.text.partition("\n")[2]): s for s in sources}
    now = []
    for one in passages:
        made = labelled([one], LETTER, len(known) + 1)[0]
        now.append(known.setdefault((place_of(made), made.text.partition("\n")[2]), made))
    return {"context": now, "sources": list(known.values())}


@pure
def nothing_to_rewrite(query: Replies, context: Replies) -> bool:
    """Whether the sentence is not written anew: nothing was looked up, or nothing found."""
    return not query or not context


@pure
def sentence_piece(
    draft: Replies,
    query: Replies,
    hits: Replies,
    web: Replies,
    rewritten: Replies,
    asked: Replies = [],  # noqa: B006 (never written to)
) -> Reply:
    """What goes into the text: a sure sentence as it is, a rewritten one, or one without what nothing bears out."""
    one = draft[-1]
    if not one.ok:
        return one.but(key="piece")
    data = one.data()
    second = next((w.text.strip() for w in ok_of(rewritten)), "")
    text = second or one.text
    lost = [*causes(asked), *causes(hits), *causes(web), *causes(rewritten)]
    # A rewriting that failed leaves the sentence without its spans, as if nothing had been found.
    piece = {"retrieved": bool(query), "dropped": _spans(text), "end": data["end"], "paragraph": data["paragraph"]}
    final = _without_spans(text) if piece["dropped"] else _unmarked(text)
    return reply(final, key="piece", data={**piece, "rewritten": bool(second), "lost": lost}, model=one.model)


@pure
def text_so_far(pieces: Replies, piece: Replies) -> Replies:
    """The pieces with the last one as a text; nothing before the first."""
    text = _joined([*pieces, *piece])
    return [reply(text, key="text")] if text else []


def _joined(pieces: Replies) -> str:
    text = ""
    for piece in (p for p in ok_of(pieces) if p.text):
        text += (("\n\n" if piece.data()["paragraph"] else " ") if text else "") + piece.text
    return text


@pure
def writing_over(pieces: Replies) -> bool:
    """Whether the writer said that this was the end, or could not be reached."""
    return bool(pieces) and (not pieces[-1].ok or pieces[-1].data()["end"])


@pure
def active_answer(pieces: Replies, sources: Replies) -> Reply:
    """The text with the places that it cites, and the spans that were left out since nothing bears them out.

    `quality` is the share of sentences that lost nothing. Without an end it is incomplete; fails the run where there
    is no sentence at all.
    """
    written = [p for p in ok_of(pieces) if p.text or p.data()["dropped"]]
    if not written:
        raise Refuse(f"no sentence could be written: {first_cause(pieces) or 'the text is empty'}")
    final = cited(_joined(pieces), sources, LETTER)
    unsure = [span for p in written for span in p.data()["dropped"]]
    data: dict[str, Any] = {
        "sentences": len(written),
        "retrievals": sum(p.data()["retrieved"] for p in written),
        "rewritten": sum(p.data()["rewritten"] for p in written),
        "unsure": unsure,
        "sources": rows(final.passages),
        "invented": list(final.invented),
        "lost": [*causes(pieces), *(t for p in written for t in p.data()["lost"])],
        "quality": sum(not p.data()["dropped"] for p in written) / len(written),
    }
    outcome: Outcome = "answered"
    if not (pieces[-1].ok and pieces[-1].data()["end"]):
        outcome = "incomplete"
    elif data["lost"] or final.invented:
        outcome = "degraded"
    lines = [
        final.text or NOTHING_SURE,
        *section("Left out, since nothing that was found bears it out", unsure),
        *section("Sources", source_lines(final.passages)),
    ]
    if outcome == "incomplete":
        lines += ["", UNFINISHED]
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)


MARKS = re.compile(r"\[/?UNSURE\]", re.IGNORECASE)
MARKED = re.compile(r"\[UNSURE\](.*?)(?:\[/UNSURE\]|$)", re.IGNORECASE | re.DOTALL)
MARK_AFTER_STOP = re.compile(r"([.!?…]+)\s*\[/UNSURE\]", re.IGNORECASE)
NOTHING_SURE = "(Nothing could be said that was sure or borne out.)"
UNFINISHED = "The text was not finished."
