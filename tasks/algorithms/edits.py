"""Edits of a text as replacements: which may stand, what they give when applied, and which touch a sentence."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tasks.algorithms.revision import changed_share
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

Span = tuple[int, int]


@pure
def passes_in_order(passes: list[dict[str, Any]]) -> Replies:
    """The passes as items: key is the name, text what the pass may change, field `budget` the share of characters."""
    return [reply(p["may"], key=p["name"], data={"budget": p["budget"]}) for p in passes]


@pure
def gated_edits(editing: Replies, made: Replies, text: Replies) -> Slots:
    """The `text` after a pass with the edits that stand, and the `log` of all of them, kept or dropped and why.

    An edit stands if its old words occur exactly once in the text before the pass, overlap no other edit, leave
    numbers, names and quotations as they are and keep the sum of changed characters within the budget. Once the budget
    is used up no later edit stands.
    """
    one, before = editing[0], text[0].text
    allowed = one.data()["budget"] * len(before)
    kept: list[tuple[Span, str]] = []
    log: Replies = []
    spent, over = 0.0, False
    for edit in (e for m in ok_of(made) for e in m.data()["edits"]):
        span = only_place(edit["old"], before)
        why = "the budget of the pass is used up" if over else _unfit(edit, span, kept, before)
        if not why and span:
            cost = changed_share(edit["old"], edit["new"]) * max(len(edit["old"]), len(edit["new"]))
            over = spent + cost > allowed
            why = "it exceeds the budget of the pass" if over else ""
            if not over:
                spent += cost
                kept.append((span, edit["new"]))
        log.append(_entry(one.key, len(log) + 1, edit, why))
    return {"text": [reply(spliced(before, kept), key="text")], "log": log}


def _entry(name: str, number: int, edit: dict[str, str], why: str) -> Reply:
    data = {"pass": name, **edit, "status": "dropped" if why else "kept", "why": why}
    return reply(f'"{edit["old"]}" -> "{edit["new"]}"', key=f"{name} {number}", data=data)


def only_place(part: str, text: str) -> Span | None:
    """Where a part stands, if it stands exactly once, overlapping places counted too."""
    start = text.find(part) if part else -1
    return None if start < 0 or text.find(part, start + 1) >= 0 else (start, start + len(part))


def _unfit(edit: dict[str, str], span: Span | None, kept: list[tuple[Span, str]], before: str) -> str:
    if edit["old"] == edit["new"]:
        return "it changes nothing"
    if span is None:
        return f"its old words occur {'more than once' if edit['old'] and edit['old'] in before else 'nowhere'}"
    if any(span[0] < end and start < span[1] for (start, end), _ in kept):
        return "it overlaps an earlier edit"
    return changed_fixture(before, spliced(before, [*kept, (span, edit["new"])]))


def spliced(text: str, edits: list[tuple[Span, str]]) -> str:
    """A text with replacements at spans that do not overlap."""
    for (start, end), new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def changed_fixture(before: str, after: str) -> str:
    """What no edit may change and this one does: numbers, quotations or names; empty where all are as they were.

    A name is a word with a capital that does not only begin sentences; where it stands counts as little as its order.
    """
    names = _names(before) | _names(after)
    pairs = (
        ("numbers", Counter(NUMBER.findall(before)), Counter(NUMBER.findall(after))),
        ("quotations", _quotations(before), _quotations(after)),
        ("names", _counted(before, names), _counted(after, names)),
    )
    return next((f"it changes {what}" for what, old, new in pairs if old != new), "")


def _names(text: str) -> set[str]:
    return {m.group(1) for m in NAME.finditer(text) if not BEGINNING.search(text[max(0, m.start() - 8) : m.start()])}


def _counted(text: str, names: set[str]) -> Counter[str]:
    return Counter(w for w in WORD.findall(text) if w in names)


def _quotations(text: str) -> Counter[str]:
    return Counter(next(g for g in m.groups() if g is not None) for m in QUOTATION.finditer(text))


@pure
def unedited(log: Replies) -> bool:
    """Whether no edit stands, so that there is nothing to verify."""
    return not any(e.data()["status"] == "kept" for e in log)


@dataclass(frozen=True)
class _Letter:
    """A letter of the edited text: the place in the original that it comes from (-1: new), the edits that made it."""

    letter: str
    origin: int
    edits: frozenset[str]


@dataclass
class _Trail:
    """A text that remembers which edits touched which letters, of its own and of the original."""

    letters: list[_Letter]
    touched: dict[str, set[int]]

    def text(self) -> str:
        return "".join(one.letter for one in self.letters)

    def apply(self, name: str, span: Span, new: str) -> None:
        start, end = span
        old = self.letters[start:end]
        earlier = frozenset(e for one in old for e in one.edits)
        self.touched[name] = {one.origin for one in old if one.origin >= 0}.union(*(self.touched[e] for e in earlier))
        by = earlier | {name}
        self.letters[start:end] = [_Letter(c, -1, by) for c in new]
        if not new:  # what was taken out touches the letters on either side
            for place in (start - 1, start):
                if 0 <= place < len(self.letters):
                    one = self.letters[place]
                    self.letters[place] = _Letter(one.letter, one.origin, one.edits | by)


def _replay(original: str, log: Replies, without: set[str]) -> tuple[_Trail, set[str]]:
    """The edits that were kept, pass after pass, without some; and those that stand nowhere without these."""
    trail = _Trail([_Letter(c, n, frozenset()) for n, c in enumerate(original)], {})
    lost: set[str] = set()
    wanted = [e for e in log if e.data()["status"] == "kept" and e.key not in without]
    for name in dict.fromkeys(e.data()["pass"] for e in wanted):
        before, ready = trail.text(), []
        for entry in (e for e in wanted if e.data()["pass"] == name):
            span = only_place(entry.data()["old"], before)
            if span is None:
                lost.add(entry.key)
            else:
                ready.append((span, entry))
        for span, entry in sorted(ready, key=lambda r: r[0], reverse=True):
            trail.apply(entry.key, span, entry.data()["new"])
    return trail, lost


def _touching(original: str, log: Replies, pairs: list[dict[str, str]]) -> tuple[set[str], int]:
    """The edits that touch the sentences of the pairs, and how many pairs stand in neither text."""
    trail, _ = _replay(original, log, set())
    after = trail.text()
    found: set[str] = set()
    nowhere = 0
    for pair in pairs:
        old, new = _place(pair["before"], original), _place(pair["after"], after)
        nowhere += old is None and new is None
        if new:
            found |= {e for one in trail.letters[slice(*new)] for e in one.edits}
        if old:
            found |= {name for name, places in trail.touched.items() if any(old[0] <= p < old[1] for p in places)}
    return found, nowhere


def _place(sentence: str, text: str) -> Span | None:
    """Where a sentence stands first, white space folded."""
    words = sentence.split()
    found = re.search(r"\s+".join(map(re.escape, words)), text) if words else None
    return found.span() if found else None


@pure
def edited_text(prompt: Replies, log: Replies, meaning: Replies, made: Replies) -> Reply:
    """The edited text, then the log of all passes; edits that touch a sentence whose meaning changed are undone.

    An edit that stands nowhere without an undone one is undone with it. A text whose meaning nobody could check, or a
    change that cannot be found in it, leaves the answer unchecked.
    """
    original = prompt[0].text
    said = [m.data() for m in ok_of(meaning)]
    pairs = [p for d in said if d["verdict"] == "refuted" for p in d["pairs"]]
    touching, nowhere = _touching(original, log, pairs)
    trail, lost = _replay(original, log, touching)
    rows = [_row(e, touching, lost) for e in log]
    refuted = any(d["verdict"] == "refuted" for d in said)
    unsure = (not unedited(log) and not said) or (refuted and (nowhere > 0 or not touching))
    data = {
        "text": trail.text(),
        "edits": rows,
        "verdict": said[0]["verdict"] if said else "",
        "pairs": pairs,
        "pairs_not_found": nowhere,
        "lost": causes([*made, *meaning]),
    }
    outcome: Outcome = "answered"
    if unsure:
        outcome = "unchecked"
    elif data["lost"]:
        outcome = "degraded"
    lines = [trail.text(), *([] if not unsure else ["", UNSURE]), *_log(rows)]
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


def _row(entry: Reply, touching: set[str], lost: set[str]) -> dict[str, Any]:
    row = entry.data()
    if entry.key in touching:
        return {**row, "status": "undone", "why": "it touches a sentence whose meaning changed"}
    return {**row, "status": "undone", "why": "it rests on an edit that was undone"} if entry.key in lost else row


def _log(rows: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for name in dict.fromkeys(r["pass"] for r in rows):
        lines += section(f"Edits for {name}", [_line(r) for r in rows if r["pass"] == name])
    return lines or ["", "No edit was proposed."]


def _line(row: dict[str, Any]) -> str:
    why = f" ({row['why']})" if row["why"] else ""
    return f'{row["status"]}: "{row["old"]}" -> "{row["new"]}": {row["reason"]}{why}'


WORD = re.compile(r"\w+(?:[-'’]\w+)*")
NAME = re.compile(r"(?<!\w)([^\W\d_a-zß-öø-ÿ]\w*(?:[-'’]\w+)*)")
BEGINNING = re.compile(r"(?:[.!?:…][\"'”’)\]]*\s+|(?:^|\n)\s*(?:[-*#>•]\s*)*|[\"“„«(\[]\s*)$")
NUMBER = re.compile(r"\d(?:[\d.,:/]*\d)?")
QUOTATION = re.compile(r'"([^"\n]*)"|“([^”\n]*)”|„([^“\n]*)“|«([^»\n]*)»')
UNSURE = "Whether this text says the same as the original could not be settled: compare the two before you use it."
