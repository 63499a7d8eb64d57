"""The recognizers behind `utils/phi.py`. Heavy to import: only `utils/phi.py` does so, when first needed.

Presidio's own, each with a score that fits a text without named-entity recognition, and patterns for what
Presidio lacks (seed 002's sanitize_phi; the identifiers of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2)).
Nothing here reaches the network: the spaCy pipeline is blank, and no public-suffix list is asked for.
"""

import ipaddress
import logging
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import Any

import regex
import spacy
from presidio_analyzer import (
    AnalyzerEngine,
    EntityRecognizer,
    LemmaContextAwareEnhancer,
    Pattern,
    PatternRecognizer,
    RecognizerRegistry,
    RecognizerResult,
)
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    IbanRecognizer,
    IpRecognizer,
    MacAddressRecognizer,
    PhoneRecognizer,
    UsItinRecognizer,
    UsMbiRecognizer,
    UsPassportRecognizer,
    UsSsnRecognizer,
)

from utils.phi_cues import CUED, PERSONS, CuedPattern

THRESHOLD = 0.4
"""What a weak pattern reaches with a context word beside it, and not without."""


def build() -> Callable[[str], list[tuple[str, int, int, float]]]:
    """The analyzer as a function: text -> (entity, start, end, score), unordered and possibly overlapping."""
    # At lower levels Presidio logs the words that it looks at; an IBAN that fails its check even as an error.
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)
    engine = AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=_recognizers()),
        nlp_engine=_Tokenizer(),
        context_aware_enhancer=LemmaContextAwareEnhancer(context_matching_mode="whole_word"),
        default_score_threshold=THRESHOLD,
    )

    def analyse(text: str) -> list[tuple[str, int, int, float]]:
        return [
            (found.entity_type, at + found.start, at + found.end, found.score)
            for at, piece in _pieces(text)
            for found in engine.analyze(text=piece, language="en")
        ]

    analyse(" ")  # compiles every pattern, before threads share them
    return analyse


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """The text in overlapping pieces: Presidio's time grows with the square of a text's length."""
    start = 0
    while start < len(text):
        end = _break_after(text, start + PIECE)
        yield start, text[start : _break_after(text, end + OVERLAP)]
        start = end


def _break_after(text: str, at: int) -> int:
    """The end of the line that `at` is in, else of the word, where one ends within the overlap."""
    ends = (text.find(mark, at, at + OVERLAP) + 1 for mark in "\n ")
    return next((end for end in ends if end), min(at + OVERLAP, len(text)))


class _Tokenizer(NlpEngine):  # type: ignore[misc]  # Presidio has no types
    """spaCy's English tokenizer, for Presidio's context words. Nothing else of a pipeline."""

    def __init__(self) -> None:
        self._nlp = spacy.blank("en")
        self._one_at_a_time = Lock()

    def load(self) -> None:
        """Nothing to load: a blank pipeline has no model."""

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        tokens = self._tokens(SURROGATES.sub("\ufffd", text))
        words = [word.lower() for word, _ in tokens]
        artifacts = NlpArtifacts(
            entities=[],
            tokens=[word for word, _ in tokens],
            tokens_indices=[start for _, start in tokens],
            lemmas=words,
            nlp_engine=self,
            language=language,
        )
        # Presidio only asks what is in it, for each word around each finding.
        artifacts.keywords = frozenset(artifacts.keywords)
        return artifacts

    def _tokens(self, text: str) -> list[tuple[str, int]]:
        # The memory zone forgets the words afterwards: a service would else keep every word that it ever saw.
        # The tokenizer is called past nlp(), whose limit of a million characters is meant for parsers.
        with self._one_at_a_time, self._nlp.memory_zone():
            return [(token.text, token.idx) for token in self._nlp.tokenizer(text)]

    def process_batch(self, texts: Iterable[str], language: str, **_: object) -> Iterator[tuple[str, NlpArtifacts]]:
        return ((text, self.process_text(text, language)) for text in texts)

    def is_stopword(self, word: str, language: str) -> bool:
        return False  # spaCy's list holds "call", which is a cue for a phone number

    def is_punct(self, word: str, language: str) -> bool:
        return not any(map(str.isalnum, word))

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return ["en"]


class _Email(EmailRecognizer):  # type: ignore[misc]
    """Presidio asks the public-suffix list, over the network, and so drops alice@mail.corp too.

    A last label of letters keeps that, and still drops react@18.2.0.
    """

    def validate_result(self, pattern_text: str) -> bool:
        label = pattern_text.rpartition(".")[2]
        return len(label) > 1 and label.isalpha()


class _Phone(PhoneRecognizer):  # type: ignore[misc]
    """Presidio takes any ten digits that could be a number: bare digits need a context word here."""

    def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
        results = super().analyze(text, entities, nlp_artifacts)
        for result in results:
            result.entity_type = "PHONE"
            if text[result.start : result.end].isdigit():
                result.score = WEAK
        return list(results)

    def get_supported_entities(self) -> list[str]:
        return ["PHONE"]


class _Ip(IpRecognizer):  # type: ignore[misc]
    """Without the addresses that stand for no machine in particular, and without a::b of source code."""

    def invalidate_result(self, pattern_text: str) -> bool:
        try:
            address = ipaddress.ip_address(pattern_text)
        except ValueError:
            return True
        is_code = address.version == 6 and not any(map(str.isdigit, pattern_text))
        return address.is_loopback or address.is_unspecified or is_code


def _recognizers() -> list[EntityRecognizer]:
    return [
        _Email(supported_entity="EMAIL", patterns=[EMAIL]),
        _Phone(supported_regions=("US", "GB"), context=PHONE_WORDS),
        PatternRecognizer("PHONE", name="formatted phone", patterns=PHONES, context=PHONE_WORDS),
        UsSsnRecognizer(supported_entity="SSN", context=["social", "ssn", "ssns", "ss"]),
        UsItinRecognizer(supported_entity="TAX ID", context=["itin", "taxpayer", "taxid", "tin"]),
        CreditCardRecognizer(supported_entity="CARD", patterns=CARDS),
        IbanRecognizer(supported_entity="IBAN"),
        _Ip(supported_entity="IP", patterns=[IPV4, IPV6]),
        MacAddressRecognizer(supported_entity="MAC"),
        UsPassportRecognizer(supported_entity="PASSPORT", context=["passport"]),
        UsMbiRecognizer(supported_entity="HEALTH PLAN", context=["medicare", "mbi", "beneficiary"]),
        *(_cued(entity, patterns) for entity, patterns in CUED.items()),
        _cued("PERSON", PERSONS),
    ]


def _cued(entity: str, patterns: tuple[CuedPattern, ...]) -> PatternRecognizer:
    """Cased patterns: a name is told by its capitals; cues that may be in any case say so themselves."""
    return PatternRecognizer(
        entity,
        name=f"cued {entity}",
        patterns=[Pattern(cued.name, cued.pattern, cued.score) for cued in patterns],
        global_regex_flags=regex.MULTILINE,
    )


PIECE = 10_000
OVERLAP = 500
WEAK = 0.05
SURROGATES = regex.compile("[\ud800-\udfff]")
# Presidio's takes the "user=" of user=jane@example.org too.
EMAIL = Pattern("address", r"(?<![\w.%+-])[\w%+-]+(?:[.'][\w%+-]+)*@\w+(?:[-.]+\w+)*\.\w+(?!\w)", 0.5)
PHONE_WORDS = ["phone", "telephone", "tel", "cell", "cellphone", "mobile", "call", "fax", "text", "whatsapp"]
PHONES = [
    # The usual ways to write a North American number, whether or not its area code is given out.
    Pattern("3-3-4", r"(?<![\w.+-])(?:\+?1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])\d{3}[-. ]\d{4}(?![\w-])", 0.4),
    Pattern("3-4", r"(?<![\w.-])\d{3}[-.]\d{4}(?![\w-])", WEAK),
]
# Issuers' prefixes with their lengths (ISO/IEC 7812); Presidio's pattern takes any 1, 3 or 6 and misses
# Mastercard's 2-series. Presidio checks Luhn.
CARDS = [
    Pattern(
        "issuers",
        r"(?<![\w.-])(?:"
        r"(?:4\d{3}|5[1-5]\d\d|2[2-7]\d\d|6011|64[4-9]\d|65\d\d|35\d\d)(?:[- ]?\d{4}){3}"
        r"|3[47]\d\d[- ]?\d{6}[- ]?\d{5}|3[068]\d\d[- ]?\d{6}[- ]?\d{4}"
        r")(?![\w-])",
        0.5,
    )
]
OCTET = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
# "version 1.2.3.4" and a fifth part are no addresses.
IPV4 = Pattern("IPv4", rf"(?<![\w.])(?<!version )(?:{OCTET}\.){{3}}{OCTET}(?!\w|\.\d)", 0.6)
# Presidio's takes "fe80::" of fe80::1. Python's ipaddress then says which of these are addresses.
IPV6 = Pattern("IPv6", r"(?<![\w:.])(?=[\da-f]*:[\da-f]*:)[\da-f:]{3,39}(?![\w:])", 0.6)
