"""Sentences of a text as replies, each with its exact place, so that the text can be marked without being changed."""

import re
from collections.abc import Mapping

from tasks.functions import pure
from tasks.reply import Replies, Reply, ok_of, reply

TOO_MANY = "(cut)"


@pure
def sentences(given: Replies, most: int) -> Replies:
    """The sentences of a text, keyed by number: fields number, start and end.

    Those beyond `most` are not given; a skipped reply at the end says how many they are.
    """
    text = next((g.text for g in ok_of(given)), "")
    spans = sentence_spans(text)
    made = [
        reply(text[start:end], key=str(n), data={"number": n, "start": start, "end": end})
        for n, (start, end) in enumerate(spans[:most], 1)
    ]
    beyond = len(spans) - len(made)
    return [*made, Reply(key=TOO_MANY, status="skipped", cause=f"{beyond} sentences beyond {most}")] if beyond else made


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Where each sentence or line that holds a word begins and ends, without the white space around it."""
    ends = [
        m.end() for m in SENTENCE_END.finditer(text) if not ABBREVIATED.search(text[max(0, m.end() - 12) : m.end()])
    ]
    spans = zip([0, *ends], [*ends, len(text)], strict=True)
    trimmed = [(b - len(text[b:e].lstrip()) + len(text[b:e]), b + len(text[b:e].rstrip())) for b, e in spans]
    return [(b, e) for b, e in trimmed if b < e and WORD.search(text, b, e)]


def replaced(text: str, sentences: Replies, new: Mapping[str, str]) -> str:
    """The text with each sentence that `new` names by key replaced; everything between them stays as it is."""
    made, at = "", 0
    for one in ok_of(sentences):
        place = one.data()
        made += text[at : place["start"]] + new.get(one.key, one.text)
        at = place["end"]
    return made + text[at:]


SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*\s+(?=\S)|[。！？]\s*|\n\s*")
ABBREVIATED = re.compile(r"(?:^|[\s(])(?:[A-Z]|Dr|Mr|Mrs|Ms|Prof|St|vs|cf|No|approx|e\.g|i\.e)\.\s*$")
"""A full stop after an initial or such a word ends no sentence."""
WORD = re.compile(r"\w")
