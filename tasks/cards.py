"""Replies as cards of a Deck: who said it, what it took, the text, and the fields as a table."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup

from tasks.markdown import plain, rendered
from tasks.reply import Reply
from utils.display import clipped, duration, money, printable

MOST_CHARS = 20_000
"""Characters of one reply that a Deck shows."""
MOST_MARKDOWN = 150_000
"""Characters of all replies together that are rendered as Markdown; beyond, text stands as it is, which is quick."""
MOST_REPLIES = 400
TONES = {"pass": "good", "success": "good", "ran": "good", "finished": "good", "approve": "good"} | dict.fromkeys(
    ("block", "failed", "timeout", "rejected", "reject"), "bad"
)
"""Verdict, status or decision -> its colour; `wait` for every other."""


@dataclass(frozen=True)
class Card:
    """One reply as it is shown."""

    who: str
    status: str
    tone: str
    facts: str
    cause: str
    body: Markup
    table: Markup


@dataclass
class Cards:
    """Makes cards until the page has enough of them, and Markdown until rendering it would take long."""

    markdown_left: int = MOST_MARKDOWN
    left: int = MOST_REPLIES
    cut: int = 0
    seen: set[str] = field(default_factory=set)
    """What the page has shown: the text of each reply, or its fields where it has no text."""

    def of(self, replies: Iterable[Reply], *, fields: bool = True) -> tuple[Card, ...]:
        """The cards of replies; without `fields` they show those only where there is no text."""
        return tuple(c for r in replies if (c := self._card(r, fields)))

    def fresh(self, replies: Iterable[Reply]) -> tuple[Card, ...]:
        """The cards of those that the page has not shown yet and that say something."""
        said = (r for r in replies if r.text or r.fields or r.cause)
        return tuple(c for r in said if (r.text or r.fields) not in self.seen for c in self.of([r]))

    def lessons(self, replies: Iterable[Reply]) -> tuple[Card, ...]:
        """Lessons go by what they say: their keys tell a person nothing. Beside it, how they match and are trusted."""
        made = ((r, c) for r in replies for c in self.of([r]))
        return tuple(
            replace(
                card,
                who=clipped(printable(lesson.text), 200),
                facts=_standing(lesson),
                body=card.body if len(lesson.text) > 200 else Markup(),
            )
            for lesson, card in made
        )

    def _card(self, reply: Reply, fields: bool) -> Card | None:
        if self.left == 0:
            self.cut += 1
            return None
        self.left -= 1
        self.seen.add(reply.text or reply.fields)
        fielded = table(reply.fields)
        is_json = bool(fielded) and reply.text.lstrip().startswith(("{", "```"))
        return Card(
            who=clipped(printable(reply.key or reply.model or "reply"), 120),
            status=reply.status,
            tone=TONES.get(reply.status, "wait"),
            facts=_facts_of(reply),
            cause=clipped(printable(reply.cause), 600),
            body=Markup() if is_json else self._text(reply.text),
            table=fielded if fields or is_json or not reply.text else Markup(),
        )

    def _text(self, text: str) -> Markup:
        shown = cut(text, MOST_CHARS)
        self.markdown_left -= len(shown)
        return rendered(shown) if self.markdown_left > 0 else plain(shown)


def _facts_of(reply: Reply) -> str:
    parts = [reply.model] if reply.model else []
    parts += [f"{reply.tokens:,} tokens"] if reply.tokens else []
    parts += [money(reply.cost)] if reply.cost else []
    parts += [duration(reply.latency / 1000)] if reply.latency else []
    parts += [f"score {reply.score:.2f}"] if reply.score is not None else []
    parts += [reply.outcome.replace("_", " ")] if reply.outcome != "answered" else []
    return clipped(printable(" · ".join(parts)), 300)


def _standing(lesson: Reply) -> str:
    confidence = lesson.get("confidence")
    parts = [f"match {lesson.score:.2f}"] if lesson.score is not None else []
    parts += [f"confidence {confidence:.2f}"] if isinstance(confidence, float) else []
    return " · ".join(parts)


EMPTY: Sequence[object] = (None, "", [], {})
_TABLE = Markup('<table class="fields"><tbody>{}</tbody></table>')
_FIELD = Markup('<tr><th scope="row">{}</th><td dir="auto">{}</td></tr>')


def table(fields: str) -> Markup:
    """Fields as a table, nested values as lists and tables of their own; nothing where there are none."""
    try:
        data = json.loads(fields) if fields else {}
    except (ValueError, RecursionError):
        return Markup()
    return _value(data, 0, [400]) if isinstance(data, dict) and data else Markup()


def _value(value: Any, depth: int, left: list[int]) -> Markup:
    """`left` counts down over a whole table, so that no reply can fill a page with cells."""
    left[0] -= 1
    if left[0] < 0:
        return Markup("…")
    if isinstance(value, dict) and value and depth < 4:
        told = [(clipped(printable(k), 80).replace("_", " "), v) for k, v in value.items() if v not in EMPTY]
        rows = [_FIELD.format(name, _value(v, depth + 1, left)) for name, v in told]
        return _TABLE.format(Markup("".join(rows[:100])))  # noqa: S704 -- rows are escaped
    if isinstance(value, list) and value and depth < 4:
        items = [Markup("<li>{}</li>").format(_value(v, depth + 1, left)) for v in value[:100]]
        return Markup("<ul>{}</ul>").format(Markup("".join(items)))  # noqa: S704 -- items are escaped
    if isinstance(value, str):
        return Markup("{}").format(clipped(printable(value), 3000))
    if isinstance(value, bool) or value is None:
        return Markup("{}").format({True: "yes", False: "no", None: "–"}[value])
    return Markup("{}").format(clipped(printable(json.dumps(value, ensure_ascii=False)), 1000))


def cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}\n\n… and {len(text) - most:,} characters more"
