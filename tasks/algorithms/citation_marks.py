"""Citations as they stand in a text: which work one names, whether that work was found, and taking one out."""

import re

WORD = re.compile(r"\w+")
BRACKETED = re.compile(r"\[[^\[\]]*\]|\([^()]*\)")
PREFIX = re.compile(
    r"^(?:https?://(?:dx\.)?doi\.org/|doi:\s*|https?://arxiv\.org/(?:abs|pdf)/|arxiv:\s*)", re.IGNORECASE
)
NO_NAMES = frozenset({"and", "al", "et", "others", "und"})
ALIKE = 0.6
"""Two titles with such a share of words in common (Dice) are the same."""


def work_key(identifier: str, title: str, marker: str) -> str:
    """What two citations of one work have in common: the bare DOI, arXiv id or URL, else the title, else the marker."""
    bare = PREFIX.sub("", identifier.strip()).rstrip("/.").casefold()
    return bare or " ".join(WORD.findall(title.casefold())) or marker.strip()


def same_work(title: str, authors: str, found_title: str, found_authors: str) -> bool:
    """Whether what a citation says of its work fits the work that was found; what one of them does not say is no fault.

    Titles fit by most of their words, or where one begins with the other (a subtitle left out); authors by one name.
    """
    cited, found = WORD.findall(title.casefold()), WORD.findall(found_title.casefold())
    if cited and found:
        short, long = sorted((cited, found), key=len)
        shared = 2 * len(set(cited) & set(found)) / (len(set(cited)) + len(set(found)))
        if long[: len(short)] != short and shared < ALIKE:
            return False
    names, known = (_names(a) for a in (authors, found_authors))
    return not names or not known or bool(names & known)


def _names(authors: str) -> set[str]:
    """Names without initials and fillers."""
    return {w for w in WORD.findall(authors.casefold()) if len(w) > 1 and w not in NO_NAMES}


def stands_in(marker: str, sentence: str) -> bool:
    """Whether a marker cites something in a sentence."""
    return without_marker(sentence, marker) != sentence


def without_marker(sentence: str, marker: str) -> str:
    """The sentence without a citation; brackets and commas that are left empty go with it, words never do.

    A bare number or name counts only inside brackets, so that "1" is taken out of "[1, 2]" and not out of "1 in 3".
    """
    bare = marker.strip()
    if not bare:
        return sentence
    whole = re.compile(rf"(?<!\w){re.escape(bare)}(?!\w)")
    if WORD.fullmatch(bare):
        after = BRACKETED.sub(lambda m: whole.sub("", m.group()), sentence)
    else:
        after = whole.sub("", sentence)
    return sentence if after == sentence else _tidied(after)


def _tidied(text: str) -> str:
    for pattern, instead in LEFT_OVER:
        text = pattern.sub(instead, text)
    return text.strip()


def with_note(sentence: str, note: str) -> str:
    """The sentence with a note at its end, before the full stop."""
    end = END.search(sentence)
    at = end.start() if end else len(sentence)
    return f"{sentence[:at].rstrip()} {note}{sentence[at:]}"


END = re.compile(r"[.!?…]+[\"'”’]*\s*$")
LEFT_OVER = (
    (re.compile(r"[,;]\s*(?=[,;])"), ""),
    (re.compile(r"(?<=[\[(])\s*[,;]\s*"), ""),
    (re.compile(r"\s*[,;]\s*(?=[\])])"), ""),
    (re.compile(r"\[\s*\]|\(\s*\)"), ""),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"[ \t]+(?=[.,;:!?](?:\s|$))"), ""),
)
