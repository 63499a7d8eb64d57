"""Shingles: runs of words by which copied text is known again (Broder 1997)."""

import re

WORD = re.compile(r"\w+")


def shingles(text: str, size: int) -> frozenset[tuple[str, ...]]:
    """Every run of `size` words, without case and punctuation; of a shorter text the one run that it is."""
    words = WORD.findall(text.casefold())
    return frozenset(tuple(words[n : n + size]) for n in range(max(1, len(words) - size + 1))) if words else frozenset()


def shared(text: str, other: str, size: int) -> float:
    """The share of a text's shingles that another one has too, in [0, 1]; 0 for a text without words."""
    own = shingles(text, size)
    return len(own & shingles(other, size)) / len(own) if own else 0.0
