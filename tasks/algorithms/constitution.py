"""Written principles: which bear on an answer, revisions that touch one sentence, and what still breaks which."""

from typing import Any

from tasks.algorithms.pairwise import SECOND, preferred
from tasks.algorithms.quotes import folded
from tasks.algorithms.sections import section
from tasks.algorithms.sentences import sentence_spans
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

FIRST_PRIORITY, LAST_PRIORITY = 1, 3


@pure
def constitution(given: Replies, recalled: Replies) -> Replies:
    """All principles, each once, those given before those remembered; field `priority`, 1 (the highest) to 3.

    A principle without a priority in these bounds has the lowest. Keys are numbers from 1.
    """
    found: dict[str, Reply] = {}
    for one in [*given, *ok_of(recalled)]:
        data = one.data()
        fields = data["fields"] if isinstance(data.get("fields"), dict) else data
        if text := folded(one.text):
            found.setdefault(text.casefold(), reply(text, data={"priority": _priority(fields.get("priority"))}))
    return [one.but(key=str(n)) for n, one in enumerate(found.values(), 1)]


def _priority(value: object) -> int:
    known = isinstance(value, int) and FIRST_PRIORITY <= value <= LAST_PRIORITY
    return value if known and isinstance(value, int) else LAST_PRIORITY


@pure
def bearing(principles: Replies, screened: Replies, most: int) -> Replies:
    """The principles that could bear on the answer, by priority, at most so many; unscreened ones count among them."""
    free = {s.key for s in ok_of(screened) if s.data()["bears"] is False}
    return sorted((p for p in principles if p.key not in free), key=_rank)[:most]


def _rank(principle: Reply) -> int:
    return int(principle.data()["priority"])


@pure
def offence(critique: Replies, text: Replies) -> Replies:
    """The sentences that a critique's quoted span touches, with `span` and `problem`; none where it quotes nothing.

    Fields `start` and `end` are their place. A span that does not stand in the text is no finding.
    """
    found: Replies = []
    for one in ok_of(critique):
        data, whole = one.data(), text[0].text
        start = whole.find(data["span"]) if data["violates"] and data["span"].strip() else -1
        if start >= 0:
            end = start + len(data["span"])
            touched = [s for s in sentence_spans(whole) if s[0] < end and start < s[1]]
            first, last = min([start, *(s[0] for s in touched)]), max([end, *(s[1] for s in touched)])
            fields = {"span": data["span"], "problem": data["problem"], "start": first, "end": last}
            found.append(reply(whole[first:last], key="offence", data=fields))
    return found


@pure
def within(made: Replies, found: Replies, text: Replies) -> Reply:
    """The revised text, with `inside`: whether all but the sentences of the finding is as it was; `after` is theirs.

    `message` says what is wrong for the next try. White space at both ends is nothing.
    """
    one = made[-1]
    if not one.ok:
        return one.but(status="success", text="", data={"inside": False, "message": f"no revision: {one.cause}"})
    place, whole, new = found[0].data(), text[0].text, one.text.strip()
    before, after = whole[: place["start"]].lstrip(), whole[place["end"] :].rstrip()
    inside = new.startswith(before) and new.endswith(after) and len(new) >= len(before) + len(after)
    message = "" if inside else "It changed the answer outside the sentence that may change."
    changed = new[len(before) : len(new) - len(after)] if inside else ""
    return one.but(text=new, data={"inside": inside, "message": message, "after": changed})


@pure
def is_within(tries: Replies) -> bool:
    """Whether the last try changed nothing that it may not."""
    return bool(tries) and tries[-1].data()["inside"] is True


@pure
def before_and_after(text: Replies, tries: Replies) -> Replies:
    """The text and its revision, or nothing where no try kept within its sentence."""
    return [text[0].but(key="before"), tries[-1].but(key="after")] if is_within(tries) else []


@pure
def kept_revision(
    principle: Replies,
    text: Replies,
    critique: Replies,
    found: Replies,
    tries: Replies,
    pair: Replies,
    verdicts: Replies,
) -> Slots:
    """`text` is the revision where a judge prefers it in both orders, else the text as it was; `entry` says which."""
    won = bool(pair) and preferred(pair, verdicts).data()["preferred"] == SECOND
    state = "no objection" if not found else "revised" if won else "not revised"
    data = {
        "principle": principle[0].text,
        "priority": principle[0].data()["priority"],
        "state": state if ok_of(critique) else "unchecked",
        "problem": found[0].data()["problem"] if found else "",
        "before": found[0].text if found else "",
        "after": tries[-1].data()["after"] if won else "",
        "lost": causes([*critique, *verdicts]),
    }
    entry = reply(state, key=principle[0].key, data=data)
    return {"text": [tries[-1].but(key="answer", data={}) if won else text[0]], "entry": [entry]}


@pure
def broken(principles: Replies, checks: Replies) -> Replies:
    """The principles that are no longer satisfied, the highest priority last: what is revised last stands."""
    return sorted(_broken(principles, checks), key=_rank, reverse=True)


def _broken(principles: Replies, checks: Replies) -> Replies:
    no = {c.key for c in ok_of(checks) if c.data()["satisfied"] is False}
    return [p for p in principles if p.key in no]


@pure
def forbidden(principles: Replies, checks: Replies) -> Replies:
    """The principles of the first priority that are still broken."""
    return [p for p in _broken(principles, checks) if _rank(p) == FIRST_PRIORITY]


@pure
def first_and_last(first: Replies, last: Replies, barred: Replies) -> Replies:
    """The first answer and the last one, where they differ and the last one may be given."""
    same = first[0].text.strip() == last[0].text.strip()
    return [] if barred or same else [last[0].but(key="last"), first[0].but(key="first")]


@pure
def still_useful(pair: Replies, verdicts: Replies) -> bool:
    """Whether the last answer did not lose to the first in both orders."""
    return not pair or preferred(pair, verdicts).data()["preferred"] != SECOND


@pure
def constitutional_answer(
    last: Replies, restored: Replies, active: Replies, log: Replies, screened: Replies, checks: Replies, barred: Replies
) -> Reply:
    """The answer with the log of principle, sentence before and after; a refusal that names what it would break.

    `fired` is the share of the principles at hand that changed the answer. Without any principle, with an answer that
    was restored after the last check, or with principles that nobody could check, the answer is unchecked.
    """
    entries = [e.data() for e in log]
    made = (ok_of(restored) or last)[0]
    fired = {e["principle"] for e in entries if e["state"] == "revised"}
    open_ones = [p.text for p in _broken(active, checks)]
    lost = [*causes([*screened, *checks, *restored]), *(c for e in entries for c in e["lost"])]
    data: dict[str, Any] = {
        "log": entries,
        "open": open_ones,
        "refused_by": [b.text for b in barred],
        "restored": bool(ok_of(restored)),
        "fired": round(len(fired) / len(active), 6) if active else 0.0,
        "lost": lost,
    }
    unchecked = not screened or data["restored"] or any(not c.ok for c in checks)
    outcome: Outcome = "unchecked" if unchecked else "incomplete" if open_ones else "degraded" if lost else "answered"
    lines = [made.text]
    if barred:
        outcome = "undecided"
        lines = ["No answer is given, since it would break a principle of the first priority:"]
        lines += [f"- {b.text}" for b in barred]
    else:
        changes = [f'{e["principle"]}: "{e["before"]}" -> "{e["after"]}"' for e in entries if e["state"] == "revised"]
        lines += section("What the principles changed", changes)
        lines += section("Principles that it may still break", open_ones)
    return reply("\n".join(lines), key="answer", data=data, model=made.model, outcome=outcome)


@pure
def joined(first: Replies, second: Replies) -> Replies:
    """The entries of both passes, in order, with keys of their own."""
    return [*first, *(s.but(key=f"{s.key} again") for s in second)]
