"""Numbers and units in one canonical form, so that "1,000 m", "1 km" and "1 kilometre" are the same answer."""

import re
from fractions import Fraction

LONGEST = 40
"""Characters of a number; a longer one is compared as text."""
MOST_EXPONENT = 99


def canonical_quantity(text: str) -> str | None:
    """A number with or without a unit as `<number>` or `<number> <base unit>`; None where the text is none."""
    found = QUANTITY.fullmatch(text.strip()) if len(text) <= 2 * LONGEST else None
    if found is None:
        return None
    before, digits, scale, after = (found.group(name) or "" for name in ("before", "number", "scale", "after"))
    value = _value(digits)
    unit = _unit(before, after)
    if value is None or unit is None:
        return None
    base, factor = unit
    return f"{_shown(value * SCALES.get(scale, 1) * factor)} {base}".rstrip()


def _value(digits: str) -> Fraction | None:
    plain = digits.replace("\u2212", "-").replace(",", "").replace("_", "").replace(" ", "")
    exponent = re.search(r"e([+-]?\d+)$", plain)
    if len(plain) > LONGEST or (exponent and abs(int(exponent.group(1))) > MOST_EXPONENT):
        return None
    try:
        return Fraction(plain)
    except (ValueError, ZeroDivisionError):
        return None


def _unit(before: str, after: str) -> tuple[str, Fraction] | None:
    """The base unit and its factor; None where a word is no unit, or two disagree."""
    named = [w for w in (before, after) if w]
    if any(w not in _UNITS for w in named):
        return None
    units = {_UNITS[w] for w in named}
    if len(units) > 1:
        return None
    return next(iter(units), ("", Fraction(1)))


def _shown(value: Fraction) -> str:
    """A decimal where it ends, a fraction where it does not."""
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    places = 0
    while value.denominator != 1 and (value * 10**places).denominator != 1:
        places += 1
    digits = str(abs(int(value * 10**places))).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{'-' if value < 0 else ''}{whole}{'.' if part else ''}{part}"


SCALES = {"thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12}

_BASES: dict[str, dict[str, str]] = {
    "m": {
        "m meter meters metre metres": "1",
        "km kilometer kilometers kilometre kilometres": "1000",
        "cm centimeter centimeters centimetre centimetres": "1/100",
        "mm millimeter millimeters millimetre millimetres": "1/1000",
        "mi mile miles": "1609.344",
        "ft foot feet": "0.3048",
        "inch inches": "0.0254",
    },
    "g": {
        "g gram grams gramme grammes": "1",
        "kg kilogram kilograms kilogramme kilogrammes": "1000",
        "mg milligram milligrams": "1/1000",
        "t tonne tonnes": "1000000",
        "lb lbs": "453.59237",
    },
    "s": {
        "s sec secs second seconds": "1",
        "ms millisecond milliseconds": "1/1000",
        "min mins minute minutes": "60",
        "h hr hrs hour hours": "3600",
        "day days": "86400",
        "week weeks": "604800",
    },
    "l": {"l liter liters litre litres": "1", "ml milliliter milliliters millilitre millilitres": "1/1000"},
    "m/s": {"m/s": "1", "km/h kph kmh": "5/18", "mph": "0.44704"},
    "%": {"% percent": "1"},
    "°": {"° degree degrees": "1"},
    "°c": {"°c celsius": "1"},
    "°f": {"°f fahrenheit": "1"},
    "usd": {"$ usd dollar dollars": "1", "cent cents": "1/100"},
    "eur": {"€ eur euro euros": "1"},
    "gbp": {"£ gbp": "1"},
    "month": {"month months": "1"},
    "year": {"year years": "1"},
}
"""Base unit -> its names, with what one of them is in the base. "Pounds" may be mass or money, so they stay text."""

_UNITS = {
    name: (base, Fraction(factor))
    for base, rows in _BASES.items()
    for row, factor in rows.items()
    for name in row.split()
}

QUANTITY = re.compile(
    r"(?P<before>[$€£])?\s*"
    r"(?P<number>[-+\u2212]?(?:\d{1,3}(?:[, _]\d{3})+(?:\.\d+)?|\d+/\d+|\d*\.?\d+|\d+\.)(?:e[-+]?\d+)?)\s*"
    r"(?P<scale>thousand|million|billion|trillion)?\s*"
    r"(?P<after>[a-z%°$€£][a-z/°]*)?"
)
