"""How figures, step names and foreign text stand before a person: on the terminal, in a Deck, in a report."""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_BIDI = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]")
_PLACE = re.compile(r"@(\d+)|\[(\d+)\]")


def money(usd: float | None) -> str:
    """An amount in USD: cents where they matter, more digits for small ones; None is an unknown price."""
    if usd is None:
        return "unknown"
    if usd == 0 or usd >= 1:
        return f"${usd:,.2f}"
    return f"${usd:.4f}" if usd >= 0.0001 else "<$0.0001"


def cost_text(usd: float, unknown_calls: int) -> str:
    """What calls cost, and that some of them have a price which nobody knows."""
    if not unknown_calls:
        return money(usd)
    return f"{money(usd)} + unknown" if usd else "cost unknown"


def duration(seconds: float) -> str:
    """A span of time: 84 ms, 4.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def plural(number: int, noun: str) -> str:
    """`1 call`, `1,234 calls`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage."""
    return f"{share * 100:.0f} %"


def step_name(path: str) -> str:
    """A block path as a person would say it: `body/vote@2/judge[0]/weigh` is `weigh (item 1, turn 2)`."""
    name = _PLACE.sub("", path.rpartition("/")[2]).partition(".")[0].replace("-", " ")
    places = []
    for turn, item in reversed(_PLACE.findall(path)):
        if item:
            places.append(f"item {int(item) + 1}")
        elif int(turn) > 1:
            places.append(f"turn {turn}")
    return f"{name} ({', '.join(places)})" if places else name


def printable(text: str) -> str:
    """Foreign text without what acts on a terminal, cannot be written, or turns the reading direction around unseen."""
    return _BIDI.sub("", _CONTROL.sub("\ufffd", _ESCAPE.sub("", text.replace("\r\n", "\n"))))


def clipped(text: str, most: int) -> str:
    """A text cut to `most` characters, with an ellipsis where it was longer."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
