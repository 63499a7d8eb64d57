"""Texts that differ, compared in the form in which answers are."""

from collections.abc import Iterable

from tasks.answers import normalised


def distinct(texts: Iterable[str]) -> list[str]:
    """The texts that say something, each once and as it was first put, in order."""
    found: dict[str, str] = {}
    for text in texts:
        if form := normalised(text):
            found.setdefault(form, text.strip())
    return list(found.values())
