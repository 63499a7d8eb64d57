"""Readings of a request: what samples take it to mean, how far they spread, and the one that is answered."""

from math import log2
from typing import Any

from tasks.algorithms.points import connected
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

BUTTONS = ("first", "second", "third")
OTHER = "other"
LONGEST = 400
"""Characters of a reading."""


@pure
def readings(
    samples: Replies, sure: Replies, border: Replies, judged: Replies, most: int, below: float, share: float
) -> Slots:
    """The `most` commonest readings, the commonest first, then the earliest; and their `spread`.

    Samples are one reading where they are nearly the same, or on the border and judged to mean the same; its text is
    that of its first sample. Fields of a reading: share. Fields of the spread: entropy (bits), shares, clear (the
    entropy is below `below`, or one reading has at least `share`), unjudged (border pairs that nobody could judge).
    """
    said = {s.key: " ".join(s.text.split())[:LONGEST] for s in ok_of(samples) if s.text.strip()}
    alike = {str(p) for j in ok_of(judged) for p in j.data()["same"]}
    pairs = [*sure, *(b for b in border if b.key in alike)]
    groups = connected(list(said), [(p.data()["one"], p.data()["other"]) for p in pairs])
    groups = sorted(groups, key=lambda g: -len(g))
    shares = [len(g) / len(said) for g in groups]
    entropy = -sum(s * log2(s) for s in shares)
    found = [reply(said[g[0]], key=str(n), data={"share": len(g) / len(said)}) for n, g in enumerate(groups, 1)]
    data = {
        "entropy": abs(round(entropy, 6)),
        "shares": shares,
        "clear": not shares or entropy < below or shares[0] >= share,
        "unjudged": [] if ok_of(judged) else [b.key for b in border],
    }
    return {"out": found[:most], "spread": [reply(f"{len(shares)} readings", key="spread", data=data)]}


@pure
def is_clear(spread: Replies) -> bool:
    """Whether there is nothing to ask."""
    return bool(spread[0].data()["clear"])


@pure
def nothing_to_compare(spread: Replies, answers: Replies) -> bool:
    """Whether the request is clear, or there are no two answers to compare."""
    return is_clear(spread) or len(ok_of(answers)) < 2


@pure
def need_not_ask(spread: Replies, judged: Replies, options: Replies, buttons: int) -> bool:
    """Whether this question, with so many buttons, is not asked.

    It is where the request is not clear, has so many readings, and nobody found that their answers come to the same:
    what could not be compared may differ.
    """
    same = any(not j.data()["differ"] for j in ok_of(judged))
    return is_clear(spread) or same or len(options) != buttons


@pure
def question(readings: Replies, judged: Replies) -> Reply:
    """What the person is asked: one question, and a line a button."""
    asked = next((j.data()["question"].strip() for j in ok_of(judged)), "") or "What do you mean?"
    lines = [f"{name}: {r.text}" for name, r in zip(BUTTONS, readings, strict=False)]
    return reply("\n".join([asked, "", *lines, "other: something else, in your own words"]), key="question")


@pure
def settled(readings: Replies, spread: Replies, judged: Replies, said: Replies, before: Replies) -> Reply:
    """The reading that is answered, and `how` it was come by.

    clear: there was no doubt; same: all readings come to the same; chosen: by a person; other: in a person's own
    words; assumed: the commonest, since nobody said.
    """
    known = next((r.data()["kind"] for r in before), "")
    kind = next((j.data()["kind"].strip() for j in ok_of(judged)), "") or known
    decided = said[-1] if said else None
    how = "clear" if is_clear(spread) else "same"
    text = readings[0].text if readings else ""
    if decided is not None:
        how = "assumed" if decided.data().get("by") == "expiry" else "chosen"
        if decided.key == OTHER:
            how, text = OTHER, decided.text
        else:
            text = dict(zip(BUTTONS, (r.text for r in readings), strict=False)).get(decided.key, text)
    data = {
        "how": how,
        "kind": kind,
        "readings": [{"text": r.text, **r.data()} for r in readings],
        **{n: spread[0].data()[n] for n in ("entropy", "shares", "unjudged")},
    }
    return reply(text, key="reading", data=data)


@pure
def is_settled(reading: Replies) -> bool:
    """Whether the last round ended without the person's own words, which may be read in ways of their own."""
    return bool(reading) and reading[-1].data()["how"] != OTHER


@pure
def learned(prompt: Replies, reading: Replies, said: Replies) -> Replies:
    """What a person meant by a request of that kind, to be remembered; nothing where nobody said."""
    data: dict[str, Any] = reading[0].data()
    if not said or data["how"] == "assumed":
        return []
    asked = " ".join(prompt[0].text.split())[:200]
    kind = data["kind"] or "request"
    text = f"{kind}: by '{asked}' the person meant: {reading[0].text}"
    others = [r["text"] for r in data["readings"] if r["text"] != reading[0].text]
    return [reply(text, data={"kind": kind, "meant": reading[0].text, "others": others})]


@pure
def clarified(
    written: Replies,
    reading: Replies,
    said: Replies,
    samples: Replies,
    border: Replies,
    answers: Replies,
    differ: Replies,
) -> Reply:
    """The answer; a reading that nobody was asked about although there were others stands before it in one line."""
    data = reading[0].data()
    head = STATED.get(data["how"], "")
    lost = causes([*samples, *border, *answers, *differ])
    made = {**data, "reading": reading[0].text, "asked": len(said), "lost": lost}
    lines = [f"{head} {reading[0].text}", ""] if head else []
    outcome: Outcome = "degraded" if lost else "answered"
    text = "\n".join([*lines, written[0].text])
    return reply(text, key="answer", data=made, model=written[0].model, outcome=outcome)


STATED = {"same": "Taken to mean:", "assumed": "You did not say which you meant; this assumes:"}
