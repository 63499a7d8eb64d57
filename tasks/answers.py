"""Final answers: read out of replies, brought into one form, and grouped where they are the same."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import combinations

from tasks.functions import pure
from tasks.quantities import canonical_quantity
from tasks.reply import Replies, Reply, failed, reply


@pure
def final_answer(given: Replies, marker: str) -> Reply:
    """The final answer of one reply: what follows its last line that begins with the marker and a colon.

    A reply without such a line, or with nothing after it, is a failed reply: it abstains.
    """
    source = given[0]
    if not source.ok:
        return failed(source.cause or source.status, key=source.key)
    text = after_marker(source.text, marker)
    if not normalised(text):
        return failed(f"it does not end with '{marker}: ...'", key=source.key)
    return reply(text, key=source.key, data={"final_answer": text, "same_as": normalised(text)})


def after_marker(text: str, marker: str) -> str:
    """What stands after the last line that begins with the marker; on the next line where that one ends there."""
    line = re.compile(
        rf"^[ \t*_#>`~-]*(?:the\s+)?(?:final\s+)?{re.escape(marker)}(?:\s+answer)?[*_`]*\s*[:\uff1a][*_`]*[ \t]*"
        r"(.*(?:\n\s*\S.*)?)",
        re.IGNORECASE | re.MULTILINE,
    )
    found = line.findall(text)
    if not found:
        return ""
    here, _, below = found[-1].partition("\n")
    answer = _bare(_even(here)) or _bare(_even(below))
    return "" if PLACEHOLDER_ECHO.fullmatch(answer) else answer


def normalised(text: str) -> str:
    """The form in which answers are compared: trimmed, case-folded, numbers and units canonical."""
    before, now = "", _folded(text)
    while now != before:
        before, now = now, _folded(now)
    return now


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    if boxed := BOXED.fullmatch(plain.strip().strip("$")):
        plain = boxed.group(1)
    plain = " ".join(_bare(plain).rstrip(TRAILING).translate(PLAIN).split())
    return canonical_quantity(plain) or plain


def _even(line: str) -> str:
    """Without the bold mark at its end that opened before the marker."""
    return line.rstrip().removesuffix("**") if line.count("**") % 2 else line


def _bare(text: str) -> str:
    """Without the mark-up that wraps a whole answer."""
    bare = text.strip()
    while (inner := WRAPPED.fullmatch(bare)) is not None:
        bare = inner.group(2).strip()
    return bare


@dataclass(frozen=True)
class Group:
    """Those who gave the same answer, in the order in which they gave it. `text` is as the first of them put it."""

    text: str
    voters: tuple[str, ...]

    @property
    def votes(self) -> int:
        return len(self.voters)


@pure
def differing_pairs(finals: Replies) -> Replies:
    """Each pair of different answers once, unnamed, for a judge to say whether they mean the same."""
    distinct = list(enumerate(_distinct(finals).values(), 1))
    return [
        reply(key=f"{i}-{j}", data={"first": a.text, "second": b.text}) for (i, a), (j, b) in combinations(distinct, 2)
    ]


def groups(finals: Replies, same: Replies = []) -> list[Group]:  # noqa: B006 (never written to)
    """Equal answers as groups, the largest first, then the earliest: connected by form, or by a judge's yes.

    `same` are the judge's replies to `differing_pairs`, by key; one that failed connects nothing.
    """
    distinct = list(_distinct(finals))
    root = {str(i): str(i) for i in range(1, len(distinct) + 1)}

    def top(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for verdict in same:
        if verdict.ok and verdict.data().get("same") is True:
            one, _, other = verdict.key.partition("-")
            low, high = sorted((top(one), top(other)), key=int)
            root[high] = low
    number = {form: str(i) for i, form in enumerate(distinct, 1)}
    members: dict[str, list[Reply]] = {}
    for final in finals:
        if final.ok:
            members.setdefault(top(number[final.data()["same_as"]]), []).append(final)
    made = [Group(rs[0].text, tuple(r.key for r in rs)) for rs in members.values()]
    return sorted(made, key=lambda g: -g.votes)


def _distinct(finals: Replies) -> dict[str, Reply]:
    """The first reply of each form, in order."""
    found: dict[str, Reply] = {}
    for final in finals:
        if final.ok:
            found.setdefault(final.data()["same_as"], final)
    return found


WRAPPED = re.compile(r"(\*\*|__|\*|_|`|\$\$|\$|\"|')(?=\S)((?:(?!\1).)*\S)\1", re.DOTALL)
BOXED = re.compile(r"\\boxed\{(.*)\}", re.DOTALL)
PLACEHOLDER_ECHO = re.compile(r"<[^<>]*>")
"""`<answer>`: the format repeated instead of filled in."""
TRAILING = " \t\n.;,"
PLAIN = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u2212": "-",
        "\u2044": "/",
    }
)
"""Typographic quotes, dashes and the fraction slash as they are on a keyboard."""
