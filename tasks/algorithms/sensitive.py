"""What is not kept of a person: secrets never, protected data only with consent (categories of GDPR, article 9)."""

import re

SECRET, PROTECTED = "secret", "protected"
CREDENTIAL = re.compile(
    r"\b(?:pass(?:word|code|phrase)|passwd|pin(?: code| number)?|api[ _-]?key|secret|(?:access|bearer|auth)[ _-]?token|"
    r"private[ _-]?key|credentials?|cvv|cvc|security code|recovery code|seed phrase|one-time code|otp)\b",
    re.IGNORECASE,
)
KEY = re.compile(
    r"-----BEGIN|\bsk-[\w-]{8,}|\bgh[pousr]_\w{16,}|\bAKIA[0-9A-Z]{12,}|\beyJ[\w-]{8,}\.[\w-]{8,}|\b\d{3}-\d{2}-\d{4}\b"
)
DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){12,18}(?!\d)")
SPECIAL = re.compile(
    r"\b(?:diagnos\w*|disease\w*|illness\w*|disorder\w*|disabilit\w+|medicat\w+|prescri\w+|allerg\w+|pregnan\w+|"
    r"therap\w+|surger\w+|cancer\w*|diabet\w+|depress\w+|hiv|asthma\w*|blood (?:type|pressure)|health condition\w*|"
    r"religio\w+|politic(?:al)? (?:view|opinion|part)\w*|party member\w*|sexual\w*|sex life|ethnic\w*|racial\w*|"
    r"trade union\w*|union member\w*|biometric\w*|fingerprint\w*|genetic\w*|criminal record)\b",
    re.IGNORECASE,
)


def sensitivity(text: str) -> str:
    """`secret`, `protected`, or nothing: by the words and numbers of a text alone."""
    if CREDENTIAL.search(text) or KEY.search(text) or any(_is_card(m.group()) for m in DIGITS.finditer(text)):
        return SECRET
    return PROTECTED if SPECIAL.search(text) else ""


def _is_card(number: str) -> bool:
    """Whether digits have the check digit of a payment card (Luhn)."""
    digits = [int(d) for d in number if d.isdigit()][::-1]
    return sum(d if n % 2 == 0 else sum(divmod(2 * d, 10)) for n, d in enumerate(digits)) % 10 == 0
