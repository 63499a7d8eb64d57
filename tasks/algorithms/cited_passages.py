"""Passages under short labels that an answer cites, and the answer with the passages' own ids in their place."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tasks.functions import pure
from tasks.reply import Replies, Reply
from tasks.tool_calls import cut

MOST_TEXT = 4000
"""Characters of one passage that a model reads."""
UNCITED = "(uncited)"


def labelled(passages: Sequence[Reply], letter: str, first: int = 1) -> Replies:
    """The passages as a model reads them, keyed by label (P1, P2 ...): text is label, title and text; field `place` is
    the passage's own key.
    """
    return [_labelled(f"{letter}{n}", p) for n, p in enumerate(passages, first)]


def _labelled(label: str, passage: Reply) -> Reply:
    data = passage.data()
    head = " ".join(t for t in (f"[{label}]", str(data.get("title") or "")) if t)
    body = cut(passage.text.strip(), MOST_TEXT)
    return passage.but(key=label, text=f"{head}\n{body}", data={**data, "place": data.get("place") or passage.key})


def place_of(passage: Reply) -> str:
    """Where a labelled passage stands: its own id, or its address."""
    return str(passage.data()["place"])


@dataclass(frozen=True)
class Cited:
    """A text with the places of what it cites; `invented` are labels that no passage has."""

    text: str
    passages: Replies
    invented: tuple[str, ...]


def cited(text: str, passages: Sequence[Reply], letter: str) -> Cited:
    """Each label in brackets replaced by the passage's place, each invented one by `(uncited)`."""
    known = {p.key: p for p in passages}
    used: dict[str, None] = {}

    def placed(match: re.Match[str]) -> str:
        labels = [label.upper() for label in re.findall(r"\w+", match.group(1))]
        used.update(dict.fromkeys(labels))
        return " ".join(dict.fromkeys(f"[{place_of(known[n])}]" if n in known else UNCITED for n in labels))

    label = rf"{letter}\d+"
    made = re.sub(rf"\[({label}(?:\s*[,;]\s*{label})*)\]", placed, text, flags=re.IGNORECASE)
    return Cited(made, [known[n] for n in used if n in known], tuple(n for n in used if n not in known))


@pure
def nothing_given(documents: Replies) -> bool:
    """Whether there are no documents to look into."""
    return not any(d.ok and d.text.strip() for d in documents)


def source_lines(passages: Sequence[Reply]) -> list[str]:
    """A line for each place that is cited, with its title."""
    lines = [" ".join(t for t in (f"[{place_of(p)}]", str(p.data().get("title") or "")) if t) for p in passages]
    return list(dict.fromkeys(lines))


def rows(passages: Sequence[Reply]) -> list[dict[str, object]]:
    """Passages as they stand in an answer's fields: label, place, title and text."""
    return [
        {"label": p.key, "place": place_of(p), "title": str(p.data().get("title") or ""), "text": p.text}
        for p in passages
    ]
