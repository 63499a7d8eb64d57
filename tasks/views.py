"""What a step sees: the picked replies of a view, and how they stand in a prompt."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from tasks.check import PLACEHOLDER
from tasks.reply import Replies, Reply, canonical, first_cause, ok_of
from tasks.spec import OUT, At, Pick, Sees, View
from utils.errors import RunFailed

V = TypeVar("V")


@dataclass(frozen=True)
class Scope(Generic[V]):
    """The values in sight, by `name.slot`. On the cluster host a value is a promise, else a list of replies."""

    values: Mapping[str, V]

    def at(self, ref: str) -> V:
        return self.values[ref if "." in ref else f"{ref}.{OUT}"]

    def has(self, ref: str) -> bool:
        return (ref if "." in ref else f"{ref}.{OUT}") in self.values

    def with_slots(self, name: str, slots: Mapping[str, V]) -> "Scope[V]":
        """This scope and what a block gave."""
        return Scope({**self.values, **{f"{name}.{slot}": value for slot, value in slots.items()}})

    def with_names(self, names: Mapping[str, V]) -> "Scope[V]":
        """This scope and single values: inputs, an item, a turn, slots of a loop."""
        return Scope({**self.values, **{f"{name}.{OUT}": value for name, value in names.items()}})


def pick(view: View, replies: Replies, default: Pick, own: frozenset[str] = frozenset()) -> Replies:
    """The replies that a view shows. `own` are the keys of the current item and member."""
    how = view.pick or default
    if how is Pick.ANY:
        picked = replies
    else:
        picked = ok_of(replies)
        if how is Pick.OWN:
            picked = [r for r in picked if r.key in own]
        elif how is Pick.OTHERS:
            picked = [r for r in picked if r.key not in own]
    return picked[-view.last :] if view.last else picked


@dataclass(frozen=True)
class Seen:
    """One view, resolved: how it is to be shown, all that its ref gave, and what was picked of it."""

    view: View
    source: Replies
    picked: Replies


def look(sees: Sees, scope: Scope[Replies], default: Pick, own: frozenset[str] = frozenset()) -> dict[str, Seen]:
    """Every view of a block, resolved in its scope."""
    found = {}
    for name, view in sees.items():
        source = scope.at(view.ref)
        found[name] = Seen(view, source, pick(view, source, default, own))
    return found


def nothing_ok(seen: Mapping[str, Seen]) -> str:
    """Why a call is not worth making: the first cause of a view that has replies, but none that succeeded."""
    for name, one in seen.items():
        if one.source and one.view.pick is not Pick.ANY and not ok_of(one.source):
            return f"{name}: {first_cause(one.source)}"
    return ""


def value_of(value: str | At, scope: Scope[Replies]) -> str:
    """A literal, or the field that an At names; RunFailed where there is no such reply."""
    if isinstance(value, str):
        return value
    replies = scope.at(value.ref)
    try:
        found = replies[value.index].get(value.field)
    except IndexError as error:
        raise RunFailed(f"'{value.ref}' has {len(replies)} replies, and number {value.index} is asked for") from error
    if found is None:
        raise RunFailed(f"a reply of '{value.ref}' has no field '{value.field}'")
    return found if isinstance(found, str) else canonical(found)


def fill(template: str, seen: Mapping[str, Seen]) -> str:
    """A prompt with its placeholders replaced by what the step sees.

    A tag that the prompt itself writes is inert in what it quotes, so that no quotation can end early.
    """
    tags = frozenset(TAG.findall(template))

    def shown(match: re.Match[str]) -> str:
        name, field = match.group(1), match.group(2)[1:]
        one = seen[name]
        if field:
            value = one.picked[0].get(field) if one.picked else ""
            return inert(value if isinstance(value, str) else canonical(value), tags)
        return show(one, tags)

    return PLACEHOLDER.sub(shown, template)


def show(seen: Seen, tags: frozenset[str] = frozenset()) -> str:
    """A view as text: one reply stands bare, several stand in <reply> tags, so that none can pass for another.

    `tags` are those that the replies may not write.
    """
    if not seen.picked:
        return "(none)"
    if len(seen.picked) == 1:
        return inert(_content(seen.picked[0], seen.view.fields), tags)
    blocks = []
    for number, one in enumerate(seen.picked, 1):
        name = str(number) if seen.view.unnamed or not one.key else one.key
        content = _content(one, seen.view.fields)
        blocks.append(f'<reply from="{_attribute(name)}">\n{inert(content, tags | {REPLY})}\n</reply>')
    return "\n".join(blocks)


def _content(reply: Reply, fields: tuple[str, ...]) -> str:
    if not reply.ok:
        return f"(no reply: {reply.cause or reply.status})"
    if fields:
        return canonical({name: reply.get(name) for name in fields})
    return reply.text or reply.fields


def _attribute(name: str) -> str:
    return name.replace('"', "'").replace("<", "(").replace(">", ")").replace("\n", " ")


def inert(text: str, tags: frozenset[str]) -> str:
    if not tags:
        return text
    return re.sub(rf"<(?=\s*/?\s*(?:{'|'.join(sorted(tags))})\b)", "< ", text, flags=re.IGNORECASE)


REPLY = "reply"
TAG = re.compile(r"</?([a-z][a-z0-9_]*)")
