"""Slots of a form: which are missing and in what order, whether a value is right, and what an answer changes.

A suggestion never becomes a value by itself: a slot is confirmed by what the person said, or by their yes to a
suggestion that this very question offered.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict

from tasks.reply import Replies, Reply, reply

AT_ONCE = 3
"""How many slots one question asks for at most."""
FAILS = 2
"""After so many values that broke a rule a slot takes what was said as free text, flagged for review."""
Kind = Literal["text", "integer", "number", "date", "boolean", "choice"]
Order = Literal["less", "at_most", "equal", "different", "at_least", "more"]
Known = int | float | date | bool | str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Condition(_Part):
    """A slot is needed only where another one has one of these values."""

    slot: str
    values: tuple[str, ...]


class Slot(_Part):
    """One thing to know. `depends_on` are slots whose correction opens this one again."""

    name: str
    label: str
    type: Kind = "text"
    required: bool = True
    depends_on: tuple[str, ...] = ()
    when: Condition | None = None
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    """Bounds of a number, or of a text's length."""
    rule: str = ""
    """What else a person must know of a right value, in plain words."""


class CrossRule(_Part):
    """How the values of two slots must stand to one another; `says` it in plain words."""

    left: str
    order: Order
    right: str
    says: str


class Frame(_Part):
    """What an intake asks for, and the pattern that takes what it gathered."""

    title: str
    pattern: str = ""
    slots: tuple[Slot, ...]
    rules: tuple[CrossRule, ...] = ()

    def slot(self, name: str) -> Slot | None:
        """The slot of that name."""
        return next((s for s in self.slots if s.name == name), None)


class Entry(_Part):
    """How a slot stands. Only what is confirmed, or free text after two fails, is a value."""

    status: Literal["open", "confirmed", "free_text"] = "open"
    value: str = ""
    suggestion: str = ""
    source: str = ""
    """Where the suggestion comes from."""
    fails: int = 0
    problem: str = ""
    """What was wrong with the last answer, in plain words."""

    @property
    def settled(self) -> bool:
        return self.status != "open"


Form = dict[str, Entry]


def frame_in(given: Replies) -> Frame:
    """The frame that a reply carries."""
    return Frame.model_validate(given[0].data())


def form_in(slots: Replies) -> Form:
    """How each slot stands, from the replies that carry it."""
    return {r.key: Entry.model_validate(r.data()) for r in slots}


def as_replies(frame: Frame, form: Mapping[str, Entry]) -> Replies:
    """One reply a slot: key is its name, text its value, fields its definition and how it stands."""
    return [
        reply(form[s.name].value, key=s.name, data=s.model_dump(mode="json") | form[s.name].model_dump(mode="json"))
        for s in frame.slots
    ]


def tidied(frame: Frame) -> Frame:
    """The frame with plain names, and without what contradicts itself: a second slot of a name, references to nothing,
    a choice among nothing, bounds that nothing meets.
    """
    frame = _plainly_named(frame)
    unique = {s.name: s for s in reversed(frame.slots) if s.name}
    slots = tuple(_tidied(unique[n], unique) for n in dict.fromkeys(s.name for s in frame.slots if s.name))
    types = {s.name: s.type for s in slots}
    rules = tuple(r for r in frame.rules if r.left != r.right and _comparable(r, types))
    return frame.model_copy(update={"slots": slots, "rules": rules})


def plain_name(name: str) -> str:
    """A name in lower case, digits and underscores."""
    return OTHER_SIGNS.sub("_", name.casefold())[:60].strip("_")


def _plainly_named(frame: Frame) -> Frame:
    def named(slot: Slot) -> Slot:
        when = slot.when.model_copy(update={"slot": plain_name(slot.when.slot)}) if slot.when else None
        upstream = tuple(map(plain_name, slot.depends_on))
        return slot.model_copy(update={"name": plain_name(slot.name), "depends_on": upstream, "when": when})

    rules = tuple(r.model_copy(update={"left": plain_name(r.left), "right": plain_name(r.right)}) for r in frame.rules)
    return frame.model_copy(update={"slots": tuple(map(named, frame.slots)), "rules": rules})


def _tidied(slot: Slot, known: Mapping[str, Slot]) -> Slot:
    when = slot.when if slot.when and slot.when.slot in known and slot.when.slot != slot.name else None
    upstream = dict.fromkeys([*slot.depends_on, *([when.slot] if when else [])])
    bounds = [b for b in (slot.least, slot.most) if b is not None]
    senseless = bounds != sorted(bounds) or not all(map(math.isfinite, bounds))
    return slot.model_copy(
        update={
            "when": when,
            "depends_on": tuple(n for n in upstream if n in known and n != slot.name),
            "type": "text" if slot.type == "choice" and not slot.choices else slot.type,
            **({"least": None, "most": None} if senseless else {}),
        }
    )


def _comparable(rule: CrossRule, types: Mapping[str, Kind]) -> bool:
    families = [{"integer": "number"}.get(t, t) if t else None for t in (types.get(rule.left), types.get(rule.right))]
    if None in families or families[0] != families[1]:
        return False
    return families[0] in ("number", "date") or rule.order in ("equal", "different")


def applies(frame: Frame, form: Form, slot: Slot, above: frozenset[str] = frozenset()) -> bool:
    """Whether a slot's condition holds: the slot that it hangs on is settled, applies itself, and has such a value."""
    if slot.when is None:
        return True
    other = frame.slot(slot.when.slot)
    if other is None or slot.name in above or not form[other.name].settled:
        return False
    wanted = {(read(other, v)[0] or v).casefold() for v in slot.when.values}
    return form[other.name].value.casefold() in wanted and applies(frame, form, other, above | {slot.name})


def dependents(frame: Frame, name: str) -> tuple[str, ...]:
    """The slots that depend on one, directly or through others, in the frame's order."""
    found, edge = {name}, {name}
    while edge:
        edge = {s.name for s in frame.slots if edge & set(s.depends_on)} - found
        found |= edge
    return tuple(s.name for s in frame.slots if s.name in found - {name})


def wanted(frame: Frame, form: Form) -> tuple[Slot, ...]:
    """The required slots that are open and whose conditions hold: those asked again first, then by how many others
    depend on each.
    """
    missing = [s for s in frame.slots if s.required and not form[s.name].settled and applies(frame, form, s)]
    return tuple(sorted(missing, key=lambda s: (not form[s.name].problem, -len(dependents(frame, s.name)))))


def read(slot: Slot, text: str) -> tuple[str, str]:
    """A value as it is kept, and what is wrong with it in plain words; one of the two is empty."""
    bare = text.replace("\x00", "").strip()
    try:
        known = parsed(slot, bare)
    except ValueError:
        return "", _needs(slot)
    size = len(bare) if slot.type == "text" else known
    if not bare or (slot.type in SIZED and isinstance(size, int | float) and not _within(slot, size)):
        return "", _needs(slot)
    return (str(known).lower() if slot.type == "boolean" else str(known)), ""


def parsed(slot: Slot, text: str) -> Known:
    """A text as the slot's type; ValueError where it is none."""
    if slot.type == "integer":
        return int(_digits(text))
    if slot.type == "number":
        number = float(_digits(text))
        if not math.isfinite(number):
            raise ValueError(text)
        return int(number) if number == int(number) else number
    if slot.type == "date":
        return date.fromisoformat(text)
    if slot.type == "boolean":
        return YES_NO[text.casefold()] if text.casefold() in YES_NO else _raise(text)
    if slot.type == "choice":
        return next((c for c in slot.choices if c.casefold() == text.casefold()), "") or _raise(text)
    return text


def _raise(text: str) -> str:
    raise ValueError(text)


def _digits(text: str) -> str:
    if not NUMBER.fullmatch(text):
        raise ValueError(text)
    return text.replace(",", "").replace(" ", "")


def _within(slot: Slot, size: float) -> bool:
    return not ((slot.least is not None and size < slot.least) or (slot.most is not None and size > slot.most))


def _needs(slot: Slot) -> str:
    kind = f"one of {', '.join(slot.choices)}" if slot.type == "choice" else NEEDED[slot.type]
    size = f", {_bounds(slot)}" if slot.type in SIZED and _bounds(slot) else ""
    unit = " characters" if size and slot.type == "text" else ""
    return f"{slot.label} must be {kind}{size}{unit}" + (f" ({slot.rule})" if slot.rule else "")


def _bounds(slot: Slot) -> str:
    low, high = (None if bound is None else f"{Decimal(str(bound)).normalize():f}" for bound in (slot.least, slot.most))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else ""


@dataclass(frozen=True)
class Claim:
    """What a model read out of an answer for one slot: a value, or a yes to its suggestion, with the words it is in."""

    value: str
    quote: str
    accepts: bool


@dataclass(frozen=True)
class Said:
    """An answer, what was read out of it by slot, and the slots that the question asked for."""

    text: str
    claims: Mapping[str, Claim]
    asked: frozenset[str]


def heard(answer: str, extracted: Reply, asked: frozenset[str], frame: Frame) -> Said:
    """What an answer says: claims on slots that exist whose quote stands in the answer; the last on a slot counts."""
    claims = {}
    for found in extracted.data().get("found", []):
        claim = Claim(str(found["value"]), found["quote"], found["accepts_suggestion"])
        if frame.slot(found["slot"]) and _plain(claim.quote) and _plain(claim.quote) in _plain(answer):
            claims[found["slot"]] = claim
    return Said(answer, claims, asked)


def taken(frame: Frame, before: Form, said: Said) -> Form:
    """The form after an answer: values taken or refused, corrections written over, their dependents open again."""
    form, fresh, problems = dict(before), dict[str, str](), dict[str, str]()
    for name, claim in said.claims.items():
        slot, entry = frame.slot(name), before[name]
        if slot is None:
            continue
        text = entry.suggestion if claim.accepts else claim.value
        if claim.accepts and not (name in said.asked and entry.suggestion):
            continue
        value, problem = read(slot, text)
        if entry.settled and value == entry.value:
            continue
        if name not in said.asked and not _says(said.text, claim.value):
            # Nobody asked for it and the person did not write it: at most a suggestion, to be confirmed.
            form[name] = entry if problem else Entry(suggestion=value, source="your answer", fails=entry.fails)
        elif problem:
            problems[name], fresh[name] = problem, claim.value or claim.quote
        else:
            form[name], fresh[name] = Entry(status="confirmed", value=value), claim.value or text
    for rule in frame.rules:
        if broken(frame, form, rule):
            blamed = [n for n in (rule.left, rule.right) if n in fresh and n not in problems]
            problems |= dict.fromkeys(blamed, rule.says)
    for name, problem in problems.items():
        form[name] = _failed(before[name], fresh[name], problem)
    return _reopened(frame, before, form, keep=frozenset(fresh))


def _failed(entry: Entry, given: str, problem: str) -> Entry:
    """One more value that broke a rule: asked again with the rule, or taken as free text."""
    if entry.fails + 1 >= FAILS:
        return Entry(status="free_text", value=given, fails=entry.fails + 1, problem=problem)
    return Entry(fails=entry.fails + 1, problem=problem)


def _reopened(frame: Frame, before: Form, form: Form, keep: frozenset[str]) -> Form:
    """Where a settled value changed, what depends on it must be confirmed anew: the old value is its suggestion."""
    changed = [n for n, e in before.items() if e.settled and (form[n].status, form[n].value) != (e.status, e.value)]
    stale = {d for name in changed for d in dependents(frame, name)} - keep
    return {
        n: Entry(suggestion=e.value if e.status == "confirmed" else "", source="before the correction")
        if n in stale and e.settled
        else e
        for n, e in form.items()
    }


def broken(frame: Frame, form: Form, rule: CrossRule) -> bool:
    """Whether two confirmed values break a rule between them."""
    sides = []
    for name in (rule.left, rule.right):
        slot, entry = frame.slot(name), form[name]
        if slot is None or entry.status != "confirmed":
            return False
        sides.append(parsed(slot, entry.value))
    left, right = sides
    if rule.order in ("equal", "different"):
        return (left == right) != (rule.order == "equal")
    holds = {"less": left < right, "at_most": left <= right, "at_least": left >= right, "more": left > right}  # type: ignore[operator]
    return not holds[rule.order]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,;:!?\"'")


def _says(answer: str, value: str) -> bool:
    """Whether the answer holds this very value, as a word or number of its own."""
    heard, wanted = (THOUSANDS.sub("", _plain(t)) for t in (answer, value))
    return bool(wanted) and re.search(rf"(?<![\w.-]){re.escape(wanted)}(?!\w|\.\d)", heard) is not None


OTHER_SIGNS = re.compile(r"[^a-z0-9]+")
NUMBER = re.compile(r"[+-]?\d+(?:[, ]\d{3})*(?:\.\d+)?")
THOUSANDS = re.compile(r"(?<=\d)[, ](?=\d{3}(?!\d))")
YES_NO = {"true": True, "yes": True, "false": False, "no": False}
NEEDED: dict[Kind, str] = {
    "text": "a text",
    "integer": "a whole number",
    "number": "a number",
    "date": "a date (year-month-day)",
    "boolean": "yes or no",
}
SIZED = ("text", "integer", "number")
