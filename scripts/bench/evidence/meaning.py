"""What a simulated model reads in a prompt, and what the names in a schema ask of it.

A candidate is a number of the question's options that stands in what the prompt quotes. A name in a schema says
whether a value speaks for what is judged (`supported`, `score`) or against it (`refuted`, `severity`, `issues`).
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Leaning = Literal["for", "against", "neither", ""]


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


@dataclass(frozen=True)
class Section:
    """One labelled part of a prompt that quotes an answer."""

    label: str
    text: str
    candidate: int


def candidates(text: str, options: Sequence[int]) -> list[int]:
    """The options that stand in a text, in its order, each as often as it stands there."""
    known = {str(o): o for o in options}
    return [known[found] for found in NUMBER.findall(text) if found in known]


def sections(prompt: str, options: Sequence[int]) -> list[Section]:
    """The parts of a prompt that quote one answer each: replies, JSON by label, lines with a key, tags of their own."""
    for found in (_found(REPLY, prompt), list(_labelled(prompt)), _found(LINE, prompt), _found(TAG, prompt)):
        quoting = [Section(label, text, last) for label, text in found if (last := _last(text, options))]
        if len(quoting) > 1 and len({s.label for s in quoting}) == len(quoting):
            return quoting
    return []


def _found(pattern: re.Pattern[str], prompt: str) -> list[tuple[str, str]]:
    return [(m[1].strip(), m[2]) for m in pattern.finditer(prompt)]


def _labelled(prompt: str) -> Iterator[tuple[str, str]]:
    """What JSON that a prompt quotes says under each label."""
    for _, quoted in _found(TAG, prompt):
        with suppress(ValueError):
            yield from _entries(json.loads(quoted))


def _entries(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for label, said in value.items():
            yield from _entries(said) if isinstance(said, list) else ((label, json.dumps(said)),)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, dict):
                yield next((str(one[name]) for name in one if name in LABELS), ""), json.dumps(one)


def _last(text: str, options: Sequence[int]) -> int:
    return next(reversed(candidates(text, options)), 0)


def leaning(name: str) -> Leaning:
    """Whether a value, or a field, of that name speaks for what is judged."""
    parts = set(re.split(r"[^a-z]+", name.lower())) - {""}
    plain = name.lower().replace("_", " ").strip()
    if parts & NEITHER or plain in NEITHER:
        return "neither"
    if parts & AGAINST or plain in AGAINST:
        return "against"
    return "for" if parts & FOR or plain in FOR else ""


def split(values: Sequence[object]) -> dict[Leaning, list[object]]:
    """Values of an enumeration by what they say; empty where they do not oppose one another."""
    sides: dict[Leaning, list[object]] = {}
    for value in values:
        sides.setdefault(leaning(str(value)), []).append(value)
    return sides if sides.get("for") and sides.get("against") else {}


LABELS = words("id key item name label letter number claim_id source_id sentence candidate option claim statement")
"""Names of fields that say what an entry of a list is about."""
SAMENESS = words("same equal equivalent match matches same_meaning contradicts duplicate identical")
"""Names of fields that ask whether answers are alike, not whether they are right."""
NUMBER = re.compile(r"(?<!\d)\d{4}(?!\d)")
REPLY = re.compile(r'<reply from="([^"]*)">\n(.*?)\n</reply>', re.DOTALL)
LINE = re.compile(r"^[\[(]?([A-Za-z]?\w{0,12}-?\d{0,3})[\])]?[.:)] (.+)$", re.MULTILINE)
TAG = re.compile(r"<([a-z][a-z0-9_]*)>\n(.*?)\n</\1>", re.DOTALL)
FOR = words(
    "supported support supports yes true correct right pass passed passes accept accepted accepts approve "
    "approved "
    "agree agreed agrees valid sound ok good holds hold keep kept done complete completed solved resolved met meets "
    "satisfied ready final finish finished sure success successful consistent relevant enough covered same safe "
    "reliable score points confidence quality value correctness probability likelihood agreement credibility "
    "feasibility relevance helpfulness usefulness progress promise goal sufficient entails terminal asserts release "
    "found proceed answerable match matches certain prevented c cc"
)
AGAINST = words(
    "refuted refute refutes no false incorrect wrong fail failed fails reject rejected rejects disagree "
    "disagrees "
    "invalid unsound bad drop dropped incomplete unsolved unresolved unmet violated violates impossible contradicted "
    "inconsistent irrelevant insufficient different unsafe issue issues flaw flaws error errors gap gaps missing "
    "weakness weaknesses contradiction contradictions conflict conflicts objection objections attack attacks problem "
    "problems severity damage risk risks harm harms suspicion surprise unsupported major more revise redo replan "
    "blocking hole unanswered violations repeats duplicates withhold loop i ii negates findings"
)
NEITHER = words("unknown neither tie minor mixed unsure undecided evasive likely partial n draw equal")
