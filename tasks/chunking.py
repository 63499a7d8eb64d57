"""Cuts documents into chunks at the ends of sentences or paragraphs. A chunk is a span of its document.

A token is taken as four characters, or one of a script that has no spaces: providers count differently, within a fifth.
"""

import re
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Literal

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, ok_of, reply

Unit = Literal["sentence", "paragraph"]
Span = tuple[int, int]


@pure
def chunks(documents: Replies, tokens: int, overlap: int = 0, cut_at: Unit = "sentence", at_most: int = 0) -> Replies:
    """Chunks of up to so many tokens, in document order; each begins with the last `overlap` tokens before it, in whole
    units. Fails the run where there are more than `at_most` (0: any number).

    Key is `document:number`; fields are id, document, title, number (within its document), start, end (characters),
    tokens, digest (SHA-256 of the text).
    """
    made = [chunk for one, name in named(documents) for chunk in _of_document(one, name, (tokens, overlap), cut_at)]
    if at_most and len(made) > at_most:
        raise Refuse(f"the documents make {len(made):,} chunks of {tokens:,} tokens: at most {at_most:,} are allowed")
    return made


def named(documents: Replies) -> list[tuple[Reply, str]]:
    """The documents that have a text, with a name for each that no other has: its id, else its key, else its number."""
    seen: dict[str, int] = {}
    found = []
    for number, one in enumerate(ok_of(documents), 1):
        if not one.text.strip():
            continue
        given = str(one.data().get("id") or "") or ("" if one.key in ("", one.text) else one.key) or str(number)
        seen[given] = seen.get(given, 0) + 1
        found.append((one, given if seen[given] == 1 else f"{given}#{seen[given]}"))
    return found


def about_tokens(text: str) -> int:
    """About how many tokens a text has."""
    dense = len(DENSE.findall(text))
    return dense + -(-(len(text) - dense) // CHARACTERS)


def within_tokens(replies: Sequence[Reply], tokens: float) -> Replies:
    """The first of them that fit into so many tokens, up to the first that does not."""
    kept: Replies = []
    for one in replies:
        tokens -= about_tokens(one.text)
        if tokens < 0:
            break
        kept.append(one)
    return kept


def _of_document(one: Reply, name: str, sizes: tuple[int, int], cut_at: Unit) -> Iterator[Reply]:
    text, title = one.text, str(one.data().get("title") or "")
    for number, (start, end) in enumerate(_packed(text, _units(text, cut_at, sizes[0]), *sizes), 1):
        piece = text[start:end]
        digest = sha256(piece.encode()).hexdigest()
        data = {"id": f"{name}:{number}", "document": name, "title": title, "number": number}
        data |= {"start": start, "end": end, "tokens": about_tokens(piece), "digest": digest}
        yield reply(piece, key=f"{name}:{number}", data=data)


def _units(text: str, cut_at: Unit, tokens: int) -> list[Span]:
    """Spans that together are the text: paragraphs where asked for, sentences where these are too long, else pieces."""
    spans = _split(text, (0, len(text)), PARAGRAPH) if cut_at == "paragraph" else [(0, len(text))]
    small = []
    for span in spans:
        sentences = [span] if _tokens(text, span) <= tokens and cut_at == "paragraph" else _split(text, span, SENTENCE)
        for sentence in sentences:
            small += [sentence] if _tokens(text, sentence) <= tokens else _pieces(text, sentence, tokens)
    return small


def _tokens(text: str, span: Span) -> int:
    return about_tokens(text[span[0] : span[1]])


def _split(text: str, span: Span, end: "re.Pattern[str]") -> list[Span]:
    start, stop = span
    ends = [*(m.end() for m in end.finditer(text, start, stop) if m.end() < stop), stop]
    return [(a, b) for a, b in zip([start, *ends[:-1]], ends, strict=True) if a < b]


def _pieces(text: str, span: Span, tokens: int) -> list[Span]:
    """Pieces of what has no end of a sentence, at white space where there is any."""
    pieces, (start, stop) = [], span
    while start < stop:
        end = min(stop, start + CHARACTERS * tokens)
        while _tokens(text, (start, end)) > tokens:
            end = start + max(1, (end - start) * 3 // 4)
        blank = max(text.rfind(" ", start + 1, end), text.rfind("\n", start + 1, end))
        end = blank + 1 if end < stop and blank > start else end
        pieces.append((start, end))
        start = end
    return pieces


def _packed(text: str, units: list[Span], tokens: int, overlap: int) -> Iterator[Span]:
    """As many units as fit, from those that repeat the end of the chunk before."""
    first = done = 0
    while done < len(units):
        last = done + 1
        while last < len(units) and _tokens(text, (units[first][0], units[last][1])) <= tokens:
            last += 1
        yield units[first][0], units[last - 1][1]
        done = first = last
        while first > 0 and done < len(units) and _repeats(text, units, (first - 1, done), tokens, overlap):
            first -= 1


def _repeats(text: str, units: list[Span], place: tuple[int, int], tokens: int, overlap: int) -> bool:
    """Whether the next chunk may begin at a unit: no more than `overlap` is repeated, and its first new unit fits."""
    start, new = units[place[0]][0], place[1]
    return _tokens(text, (start, units[new][0])) <= overlap and _tokens(text, (start, units[new][1])) <= tokens


CHARACTERS = 4
DENSE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*\s+|[。！？]\s*|\n\s*")
PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
