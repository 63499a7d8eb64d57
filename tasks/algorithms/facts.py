"""Stored facts kept true: which of what was said may be kept, what it does to what is known, and whether it holds.

The operations are those of Mem0 (Chhikara et al. 2025): add, update, invalidate, or nothing.
"""

from collections import Counter
from datetime import datetime
from typing import Any

from tasks.algorithms.dates import day
from tasks.algorithms.sections import section
from tasks.algorithms.sensitive import PROTECTED, SECRET, sensitivity
from tasks.algorithms.sentences import WORD
from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

ADD, UPDATE, INVALIDATE, NOOP = "ADD", "UPDATE", "INVALIDATE", "NOOP"
BY_USER = ("user", "user_confirmed")
NEW, OLD, NEITHER = "new", "old", "neither"
FACT = ("subject", "predicate", "value", "said_by", "date")


@pure
def permitted_facts(extracted: Replies, consent: Replies, now: str, most: int) -> Slots:
    """The facts that may be `kept`, keyed f1, f2 ..., and why others were `dropped`, without their values.

    What the user neither said nor confirmed goes, secrets always, protected data without consent. Of several on the
    same subject and predicate the last counts. A fact without a date holds from today.
    """
    agreed = any(c.text == "true" for c in consent)
    today = datetime.fromisoformat(now).date()
    kept: dict[tuple[str, str], dict[str, str]] = {}
    dropped: Replies = []
    for said in [f for e in ok_of(extracted) for f in e.data()["facts"]][:most]:
        if why := _unfit(said, agreed):
            dropped.append(reply(f"{why}: not kept", key=f"dropped {len(dropped) + 1}"))
        else:
            fact = {k: " ".join(str(said[k]).split()) for k in FACT} | {
                "date": (day(said["date"]) or today).isoformat()
            }
            kept.pop(about(fact), None)
            kept[about(fact)] = fact
    return {"kept": [reply(stated(f), key=f"f{n}", data=f) for n, f in enumerate(kept.values(), 1)], "dropped": dropped}


def _unfit(said: dict[str, str], agreed: bool) -> str:
    found = sensitivity(f"{said['subject']} {said['predicate']} {said['value']}")
    if SECRET in (found, said["sensitivity"]):
        return "a secret or credential"
    if PROTECTED in (found, said["sensitivity"]) and not agreed:
        return "health or other protected data, without consent"
    if said["said_by"] not in BY_USER:
        return "something that the user neither said nor confirmed"
    named = WORD.search(said["subject"]) and WORD.search(said["predicate"])
    return "" if named else "a fact without subject or predicate"


def about(fact: dict[str, Any]) -> tuple[str, str]:
    """What a fact is about: at most one value of it holds at a time."""
    return normalised(str(fact.get("subject", ""))), normalised(str(fact.get("predicate", "")))


def stated(fact: dict[str, Any]) -> str:
    """A fact as text."""
    return f"{fact['subject']}: {fact['predicate']}: {fact['value'] or 'no longer true'}"


@pure
def known_facts(recalled: Replies) -> Replies:
    """What is known, under labels: fields of the fact, `label` (n1 ...) and `id`."""
    rows = [(r, r.data().get("fields") or {}) for r in ok_of(recalled)]
    return [
        reply(r.text, key=f"n{n}", data={k: str(f.get(k, "")) for k in FACT} | {"label": f"n{n}", "id": r.key})
        for n, (r, f) in enumerate(rows, 1)
    ]


@pure
def operation(fact: Replies, near: Replies, judged: Replies) -> Reply:
    """What a fact does to what is known: fields op, reason, fact, old (that it is done to, or null), lost.

    With nothing near it is added. One that could not be judged, or whose judge names nothing that is known, does
    nothing, and that is said.
    """
    if not near:
        said: dict[str, Any] = {"op": ADD, "id": "", "reason": "nothing like it is known"}
    elif ok_of(judged):
        said = judged[0].data()
    else:
        said = {"op": NOOP, "id": "", "reason": "it could not be judged", "lost": first_cause(judged) or "no judgement"}
    old = next((n.data() for n in near if n.key == str(said["id"]).strip()), None)
    lost = str(said.get("lost", ""))
    op = said["op"]
    if op in (UPDATE, INVALIDATE) and old is None:
        op, lost = NOOP, f"{op} of '{said['id']}', which is not known"
    if op == ADD and not fact[0].data()["value"]:
        op = NOOP
    data = {"op": op, "reason": said["reason"], "fact": fact[0].data(), "old": old if op != ADD else None, "lost": lost}
    return reply(f"{op} {fact[0].text}", key=fact[0].key, data=data)


@pure
def reconciliation(operations: Replies) -> Slots:
    """What becomes of each operation (`plan`, field does: write, ask, open or nothing), and what is written: the `new`
    facts, the `old` ones that end, and the one `question` that only a person can settle.

    A known fact is touched once. It is invalidated where the dates are in order, else asked about: the first such.
    """
    plan: Replies = []
    touched: set[str] = set()
    for one in ok_of(operations):
        data = one.data()
        known = data["old"]["id"] if data["old"] else ""
        does = "nothing" if data["op"] == NOOP else "write"
        if does == "write" and known in touched:
            does, data["lost"] = "nothing", "another fact of this exchange changes it already"
        elif data["op"] == INVALIDATE and not _in_order(data["old"], data["fact"]):
            does = "open" if any(p.data()["does"] == "ask" for p in plan) else "ask"
        touched |= {known} - {""} if does in ("write", "ask") else set()
        plan.append(one.but(data={**data, "does": does}))
    writes = [p for p in plan if p.data()["does"] == "write"]
    return {
        "plan": plan,
        "new": [n for p in writes for n in _version(p)],
        "old": [_ended(p.data()["old"]) for p in writes if p.data()["old"]],
        "question": [_question(p) for p in plan if p.data()["does"] == "ask"],
    }


def _in_order(old: dict[str, str], fact: dict[str, str]) -> bool:
    """Whether the dates say that a fact came after the one that is known; a retraction may be of the same day."""
    before, after = day(old["date"]), day(fact["date"])
    return before is not None and after is not None and (before < after or (before == after and not fact["value"]))


def _version(one: Reply) -> Replies:
    """The new version of a fact; none of a retraction."""
    fact, old = one.data()["fact"], one.data()["old"]
    data = {**fact, "replaces": old["id"] if old else ""}
    return [reply(stated(fact), key=one.key, data=data)] if fact["value"] else []


def _ended(old: dict[str, str]) -> Reply:
    return reply(stated(old), key=old["id"], data={k: old[k] for k in FACT})


def _question(one: Reply) -> Reply:
    old, fact = one.data()["old"], one.data()["fact"]
    lines = [f"old: {stated(old)} (as of {old['date']})", f"new: {stated(fact)} (as of {fact['date']})"]
    return reply("\n".join(lines), key=one.key, data=one.data())


@pure
def settled(question: Replies, said: Replies) -> Slots:
    """What the person's answer writes: the `new` fact, and the `old` one that ends."""
    choice = said[-1].key if ok_of(said) else OLD
    if not question or choice == OLD:
        return {"new": [], "old": []}
    return {
        "new": _version(question[0]) if choice == NEW else [],
        "old": [_ended(question[0].data()["old"])],
    }


@pure
def double_facts(stored: Replies, valid: Replies) -> Replies:
    """What must not be after a write: a fact that was refused, or two valid values of the subject and predicate of one
    that was stored.
    """
    refused = [reply(f"not stored: {s.cause}", key=f"refused {n}") for n, s in enumerate(stored, 1) if not s.ok]
    facts = {r.key: about(r.data().get("fields") or {}) for r in ok_of(valid)} | {
        s.key: about(s.data()) for s in ok_of(stored)
    }
    counts = Counter(facts.values())
    written = dict.fromkeys(facts[s.key] for s in ok_of(stored))
    doubles = [f"{counts[pair]} values of {': '.join(pair)} would hold at once" for pair in written if counts[pair] > 1]
    return [*refused, *(reply(text, key=f"double {n}") for n, text in enumerate(doubles, 1))]


@pure
def to_restore(old: Replies, valid: Replies) -> Replies:
    """The facts that were ended, as they were; not those that still hold."""
    holding = {v.key for v in valid}
    return [o for o in old if o.key not in holding]


@pure
def written_facts(
    extracted: Replies,
    dropped: Replies,
    plan: Replies,
    operations: Replies,
    said: Replies,
    first: Replies,
    first_faults: Replies,
    second: Replies,
    second_faults: Replies,
) -> Reply:
    """The changes, each with how it is undone; what was not kept, what is open and what was rolled back."""
    rows = [p.data() for p in plan]
    ids = {s.text: s.key for s in (*ok_of(first), *ok_of(second))}
    choice = said[-1].key if ok_of(said) else OLD
    failed = {"write": bool(first_faults), "ask": bool(second_faults)}
    changes = [_change(r, choice, ids) for r in rows if _stands(r, choice) and not failed[r["does"]]]
    left = [f"{stated(r['old'])}, or {stated(r['fact'])}?" for r in rows if r["does"] == "open"]
    faults = [f.text for f in (*first_faults, *second_faults)]
    lost = [*causes(extracted), *causes(operations), *(f"{stated(r['fact'])}: {r['lost']}" for r in rows if r["lost"])]
    data: dict[str, Any] = {
        "changes": changes,
        "unchanged": [stated(r["fact"]) for r in rows if r["op"] == NOOP and not r["lost"]],
        "dropped": [d.text for d in dropped],
        "open": left,
        "rolled_back": faults,
        "lost": lost,
    }
    outcome: Outcome = "degraded" if lost else "answered"
    if not ok_of(extracted):
        outcome = "unchecked"
    elif faults or left:
        outcome = "incomplete"
    return reply("\n".join(_report(data)).strip(), key="answer", data=data, outcome=outcome)


def _stands(row: dict[str, Any], choice: str) -> bool:
    """Whether an operation was to change anything."""
    return row["does"] == "write" or (row["does"] == "ask" and choice != OLD)


def _change(row: dict[str, Any], choice: str, ids: dict[str, str]) -> dict[str, Any]:
    """A change with its undo: what to say to have it as it was."""
    fact, old = row["fact"], row["old"]
    added = bool(fact["value"]) and (row["does"] == "write" or choice == NEW)
    op = ADD if old is None else UPDATE if added else INVALIDATE
    what = {
        ADD: stated(fact),
        UPDATE: f"{stated(old)} -> {stated(fact)}" if old else "",
        INVALIDATE: f"{stated(old)}, no longer" if old else "",
    }[op]
    return {
        "op": op,
        "change": what,
        "undo": f"It is true again: {stated(old)}." if old else f"Forget this: {stated(fact)}.",
        "reason": row["reason"],
        "id": ids.get(stated(fact), "") if added else "",
        "ended": old["id"] if old else "",
    }


def _report(data: dict[str, Any]) -> list[str]:
    changes = [f"{c['op']}: {c['change']} (to undo, say: {c['undo']})" for c in data["changes"]]
    return [
        *(section("Changes", changes) or ["No change."]),
        *section("Not kept", data["dropped"]),
        *section("Open, which of these holds", data["open"]),
        *section("Rolled back", data["rolled_back"]),
    ]
