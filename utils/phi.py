"""Takes personal and health information out of a text, and puts it back.

Recognition is by pattern (Presidio's recognizers and those of `utils/phi_recognizers.py`): no model, no
network. What that means:

- **Found**: e-mail, phone, SSN, ITIN, card (Luhn), IBAN, IP and MAC address; with a cue beside it also
  record, health-plan, provider and account numbers, passport, driver licence, ZIP, and dates of birth,
  admission, discharge and death; US street addresses.
- **Names** only where something says that they are names: a title (Dr. Roe), "patient Jane Roe",
  "my name is", a label (Name:, From:, Attn:), a greeting, a signature, letters after the name (RN, M.D.);
  then every further mention of that name, and of its surname, in the same review. A bare name, as in
  "I met Jane Roe yesterday", stays: a person must read before a text is called anonymous.
- **Not found**: cities, employers, ages, rare diagnoses, relations, and whatever is spelled out in words.
  Outside the English-speaking world only e-mail, IBAN, card, addresses of machines and +phone numbers.
- **Kept** on purpose: nine and five bare digits, years, prices, versions, order numbers, dates without a
  cue, URLs, loopback addresses.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

from utils.settings import settings


class Finding(NamedTuple):
    """Personal information at text[start:end]. `score` is the recognizer's confidence, 0 to 1."""

    entity: str
    start: int
    end: int
    score: float


@dataclass(frozen=True)
class Sanitised:
    """A text without what was found in it. Pass `placeholders` on as `known` for the next text of a review."""

    text: str
    placeholders: Mapping[str, str]
    """Placeholder -> original, those of `known` included."""
    found: tuple[Finding, ...]
    """Offsets into the original text, in order, never overlapping."""


def sanitise(text: str, known: Mapping[str, str] | None = None) -> Sanitised:
    """Replace personal information by placeholders such as "[EMAIL 1]".

    A placeholder stands for one spelling, throughout the text and every text that shares `known`:
    `restore(sanitise(text).text, sanitise(text).placeholders) == text` for every text. What looks like a
    placeholder in the text already is kept, and renamed only where `known` uses that placeholder.
    """
    names = _Placeholders(known or {}, text)
    found = tuple(_findings(text, names.originals()))
    parts: list[str] = []
    at = 0
    for entity, start, end, _ in _replacements(text, found):
        parts += text[at:start], names.of(entity, text[start:end])
        at = end
    parts.append(text[at:])
    return Sanitised("".join(parts), names.placeholders, found)


def outward(text: str) -> str:
    """The text as it may reach a provider: as it is where RADIANT_PHI is `allow`, else without personal data."""
    return text if settings().phi == "allow" else sanitise(text).text


def restore(text: str, placeholders: Mapping[str, str]) -> str:
    """Put the originals back. A placeholder that `placeholders` does not hold stays as it is."""
    return PLACEHOLDER.sub(lambda match: placeholders.get(match[0], match[0]), text)


def contains_personal(text: str) -> bool:
    """Whether `sanitise` would find anything."""
    return bool(_recognised(text))


def load() -> None:
    """Load the analyzer, once a process: about 2 s, two thirds of it spaCy's import, which Presidio needs.

    Every function here loads it when first needed. Calling this from a thread while a run waits for its
    models hides the time.
    """
    _analyzer()


_Analyzer = Callable[[str], list[tuple[str, int, int, float]]]
_loading = Lock()


@lru_cache(maxsize=1)
def _loaded() -> _Analyzer:
    from utils.phi_recognizers import build

    return build()


def _analyzer() -> _Analyzer:
    # lru_cache alone would let two threads load side by side.
    with _loading:
        return _loaded()


class _Placeholders:
    """Gives each original its placeholder, and never one that the text holds already."""

    def __init__(self, known: Mapping[str, str], text: str) -> None:
        self.placeholders = dict(known)
        for match in PLACEHOLDER.finditer(text):
            # A look-alike stands for itself from here on, so that no later text gives it another meaning.
            self.placeholders.setdefault(match[0], match[0])
        self._by_original = {
            (_entity(placeholder), original): placeholder for placeholder, original in self.placeholders.items()
        }
        self._last = Counter[str]()

    def originals(self) -> dict[str, str]:
        """Original -> entity, of what earlier texts held."""
        return {original: entity for entity, original in self._by_original if not PLACEHOLDER.fullmatch(original)}

    def of(self, entity: str, original: str) -> str:
        placeholder = self._by_original.get((entity, original))
        if placeholder is None:
            placeholder = self._free(entity)
            self.placeholders[placeholder] = original
            self._by_original[entity, original] = placeholder
        return placeholder

    def _free(self, entity: str) -> str:
        while True:
            self._last[entity] += 1
            placeholder = f"[{entity} {self._last[entity]}]"
            if placeholder not in self.placeholders:
                return placeholder


def _entity(placeholder: str) -> str:
    return placeholder[1:-1].rpartition(" ")[0]


def _replacements(text: str, found: tuple[Finding, ...]) -> list[Finding]:
    """What to replace, in order: the findings, and the look-alikes that no finding touches."""
    alike = (Finding(_entity(m[0]), m.start(), m.end(), 0.0) for m in PLACEHOLDER.finditer(text))
    return _without_overlaps([*found, *alike])


def _findings(text: str, known: Mapping[str, str]) -> list[Finding]:
    """What was recognised, then every other mention of the same originals."""
    recognised = _recognised(text)
    originals = {**known, **{text[found.start : found.end]: found.entity for found in recognised}}
    return _without_overlaps([*recognised, *_mentions(text, originals)])


def _recognised(text: str) -> list[Finding]:
    return _without_overlaps(Finding(*result) for result in _analyzer()(text))


def _mentions(text: str, originals: Mapping[str, str]) -> Iterator[Finding]:
    """Further mentions of what a cue gave away once: names of two words or more, their surnames, long ids."""
    wanted: dict[str, str] = {}
    for original, entity in originals.items():
        words = original.split()
        if entity == "PERSON" and len(words) > 1 and "," not in original:
            wanted[original] = entity
            if len(words[-1]) > 2 and words[-1][0].isupper():
                wanted[words[-1]] = entity
        elif entity in REPEATED and len(original) >= 6:
            wanted[original] = entity
    if wanted:
        longest_first = sorted(wanted, key=lambda original: (-len(original), original))
        pattern = rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)"
        for match in re.finditer(pattern, text):
            yield Finding(wanted[match[0]], match.start(), match.end(), MENTION_SCORE)


def _without_overlaps(findings: Iterable[Finding]) -> list[Finding]:
    """The best of those that overlap: by score, then length, then position and entity. In text order."""
    best = sorted(findings, key=lambda f: (-f.score, f.start - f.end, f.start, f.entity))
    covered = bytearray(max((finding.end for finding in best), default=0))
    kept = []
    for finding in best:
        if not any(covered[finding.start : finding.end]):
            covered[finding.start : finding.end] = b"\1" * (finding.end - finding.start)
            kept.append(finding)
    return sorted(kept, key=lambda finding: finding.start)


ENTITIES = (
    "ACCOUNT",
    "ADDRESS",
    "CARD",
    "DATE",
    "EMAIL",
    "HEALTH PLAN",
    "IBAN",
    "IP",
    "LICENCE",
    "MAC",
    "MRN",
    "PASSPORT",
    "PERSON",
    "PHONE",
    "PROVIDER",
    "SSN",
    "TAX ID",
    "ZIP",
)
REPEATED = frozenset(ENTITIES) - {"PERSON", "ZIP"}
MENTION_SCORE = 0.35
PLACEHOLDER = re.compile(rf"\[(?:{'|'.join(ENTITIES)}) [0-9]+\]")
