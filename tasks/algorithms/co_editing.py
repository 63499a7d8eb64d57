"""A document that is edited with a person: blocks, tracked changes that a gate lets through, versions, and the log."""

import re
from hashlib import sha256
from typing import Any

from tasks.algorithms.edits import only_place, spliced
from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

LONGEST = 60_000
"""Characters of a document."""
ACCEPTED, REJECTED, AMENDED, LEFT = "accepted", "rejected", "amended", "left"
QUIET_ROUNDS = 2


@pure
def document_blocks(prompt: Replies, document: Replies) -> Replies:
    """The blocks of the document (of the prompt where none is given), keyed b1, b2 ..., each with the hash of its text.

    Fails the run, before anything is paid, where it is too long.
    """
    text = _given(document) or prompt[0].text
    if len(text) > LONGEST:
        raise Refuse(f"the document has {len(text):,} characters, at most {LONGEST:,} are allowed")
    parts = [p for p in re.split(r"\n[ \t]*\n", text.strip()) if p.strip()]
    return [_block(f"b{n}", p) for n, p in enumerate(parts, 1)]


def _given(document: Replies) -> str:
    return next((d.text for d in document if d.text.strip()), "")


def _block(key: str, text: str) -> Reply:
    return reply(text, key=key, data={"hash": sha256(text.encode()).hexdigest()[:16]})


@pure
def version(blocks: Replies) -> Reply:
    """A version of the document."""
    return reply("\n\n".join(b.text for b in blocks), key="v0", data={"blocks": [[b.key, b.text] for b in blocks]})


@pure
def shown_document(blocks: Replies) -> Reply:
    """The document with the id of each block before it."""
    return reply("\n\n".join(f"[{b.key}]\n{b.text}" for b in blocks), key="document")


@pure
def first_locks(locks: Replies) -> Replies:
    """The ids of blocks that were frozen from the start."""
    return [reply(i, key=i) for r in locks for i in BLOCK.findall(r.text)]


@pure
def round_screen(
    blocks: Replies, locks: Replies, versions: Replies, ahead: Replies, rounds: Replies, turn: int
) -> Reply:
    """What the person sees before they say what to do next, with what the last round could not propose."""
    lines = [shown_document(blocks).text, "", f"Version {len(versions)}, round {turn}."]
    lines += [f"Locked: {', '.join(k.key for k in locks)}"] if locks else []
    lines += section("Proposed with your next round, to keep it consistent", [_change(a.data()) for a in ahead])
    lines += section("Not proposed in the last round", [_dropped(d) for r in rounds[-1:] for d in r.data()["dropped"]])
    return reply("\n".join(lines), key="round")


@pure
def has_instruction(document: Replies, turn: int) -> bool:
    """Whether the prompt is the instruction of the first round: it is where a document is given beside it."""
    return turn == 1 and bool(_given(document))


@pure
def wish(said: Replies, prompt: Replies) -> Reply:
    """What is wanted in this round: key is edit, lock, unlock, undo or done; field `selection` the blocks it is for."""
    one = said[-1] if said else reply(prompt[0].text, key="edit")
    head = SELECTION.match(one.text) if one.key == "edit" else None
    ids = BLOCK.findall(head.group(1) if head else one.text if one.key in ("lock", "unlock") else "")
    return reply(one.text[head.end() :].strip() if head else one.text, key=one.key, data={"selection": ids})


@pure
def no_edit(wish: Replies) -> bool:
    """Whether nothing is to be edited in this round."""
    return wish[0].key != "edit"


@pure
def rejected_edits(log: Replies) -> Replies:
    """The edits that the person turned down in earlier rounds, with their reasons."""
    return [r for r in log if r.data()["status"] == REJECTED]


@pure
def gated_changes(blocks: Replies, wish: Replies, proposed: Replies, ahead: Replies, locks: Replies) -> Slots:
    """`out` are the changes that may stand, keyed 1, 2 ..., those kept ahead first; `dropped` the others, and why.

    One stands if its block exists, is not locked, is as it was when the change was proposed and lies in the selection
    (where there is one), and its old text occurs in it exactly once, outside any earlier change.
    """
    if no_edit(wish):
        return {"out": [], "dropped": []}
    now = {b.key: b for b in blocks}
    frozen, chosen = {k.key for k in locks}, set(wish[0].data()["selection"])
    new = [{**e, "hash": _hash(now.get(e["block"]))} for p in ok_of(proposed) for e in p.data()["edits"]]
    kept: Replies = []
    dropped: Replies = []
    for edit, own in [*((a.data(), False) for a in ahead), *((e, True) for e in new)]:
        why = _unfit(edit, now.get(edit["block"]), frozen, chosen if own else set(), kept)
        one = reply(edit["new"], key=str(len(kept) + 1), data={**edit, "why": why})
        (dropped if why else kept).append(one)
    return {"out": kept, "dropped": dropped}


def _hash(block: Reply | None) -> str:
    return block.data()["hash"] if block else ""


def _unfit(edit: dict[str, Any], block: Reply | None, frozen: set[str], chosen: set[str], kept: Replies) -> str:
    if block is None:
        return "there is no such block"
    if block.key in frozen:
        return "the block is locked"
    if chosen and block.key not in chosen:
        return "it is outside your selection"
    if edit["hash"] != _hash(block):
        return "the block has changed since"
    if edit["old"] == edit["new"]:
        return "it changes nothing"
    place = only_place(edit["old"], block.text)
    if place is None:
        return "its old text does not stand there exactly once"
    others = [only_place(k.data()["old"], block.text) for k in kept if k.data()["block"] == block.key]
    if any(o and place[0] < o[1] and o[0] < place[1] for o in others):
        return "it overlaps another change"
    return ""


@pure
def new_information(changes: Replies) -> Replies:
    """The changes that bring something the document did not say."""
    return [c for c in changes if c.data()["new_information"]]


@pure
def still_unknown(changes: Replies, rows: Replies) -> Replies:
    """The changes that the documents neither support nor refute."""
    known = {r.key for r in ok_of(rows) if r.data()["verdict"] != "unknown"}
    return [c for c in changes if c.key not in known]


@pure
def flagged(changes: Replies, rows: Replies, more: Replies) -> Replies:
    """The changes, those with new information flagged supported, refuted or unverified, by the web where it knows."""
    verdicts = {r.key: r.data() for r in ok_of(rows)}
    verdicts |= {r.key: r.data() for r in ok_of(more) if r.data()["verdict"] != "unknown"}
    return [_flagged(c, verdicts.get(c.key)) for c in changes]


def _flagged(change: Reply, row: dict[str, Any] | None) -> Reply:
    flag, source = "", ""
    if change.data()["new_information"]:
        verdict = row["verdict"] if row else "unknown"
        flag, source = ("unverified" if verdict == "unknown" else verdict), row["source"] if row else ""
    return change.but(data={**change.data(), "flag": flag, "source": source})


@pure
def change_screen(changes: Replies, dropped: Replies) -> Reply:
    """The changes as a person decides on them, and those that could not stand."""
    lines = (
        ["Changes:", *(f"{c.key}. {_change(c.data())}" for c in changes)] if changes else ["No change can be proposed."]
    )
    lines += section("Not proposed", [_dropped(d.data()) for d in dropped])
    return reply("\n".join(lines), key="changes")


def _change(data: dict[str, Any]) -> str:
    flag = f" [new information, {data['flag']}]" if data.get("flag") else ""
    return f'{data["block"]}: "{data["old"]}" -> "{data["new"]}" ({data["reason"]}){flag}'


def _dropped(data: dict[str, Any]) -> str:
    return f"{_change(data)}: {data['why']}"


def verdicts(changes: Replies, said: Replies) -> dict[str, tuple[str, str]]:
    """What the person decided of each change: status, and the amended text or the reason.

    accept_all leaves out what was refuted. Parts of a decision are apart by ';' or lines: `accept 1 3`, `reject 2:
    why`, `amend 4: new text`. What nobody speaks of is left.
    """
    how = said[-1].key if said else ""
    decided = {c.key: (LEFT, "") for c in changes}
    if how == "accept_all":
        return {c.key: (LEFT if c.data()["flag"] == "refuted" else ACCEPTED, "") for c in changes}
    if how == "reject_all":
        return {c.key: (REJECTED, "") for c in changes}
    for part in re.split(r"[;\n]", said[-1].text) if said else []:
        if found := DECISION.match(part):
            status = {"accept": ACCEPTED, "reject": REJECTED, "amend": AMENDED}[found.group(1).lower()]
            text = (found.group(3) or "").strip()
            for number in re.findall(r"\d+", found.group(2)):
                if number in decided and (text or status != AMENDED):
                    decided[number] = (status, text)
    return decided


@pure
def applied(blocks: Replies, changes: Replies, said: Replies, wish: Replies, versions: Replies, turn: int) -> Slots:
    """`blocks` after this round: all accepted changes at once, or the version that is gone back to; `log` the changes
    with what was decided; `version` the new version, if there is one.
    """
    if wish[0].key == "undo":
        back = _back_to(wish[0].text, versions)
        return {"blocks": back or blocks, "log": [], "version": [version(back)] if back else []}
    decided = verdicts(changes, said)
    log = [_entry(c, decided[c.key], turn) for c in changes]
    taken = [e for e in log if e.data()["status"] in (ACCEPTED, AMENDED)]
    if not taken:
        return {"blocks": blocks, "log": log, "version": []}
    new = [_edited(b, [e.data() for e in taken if e.data()["block"] == b.key]) for b in blocks]
    return {"blocks": new, "log": log, "version": [version(new)]}


def _back_to(text: str, versions: Replies) -> Replies:
    number = re.search(r"\d+", text)
    place = int(number.group()) if number else -1
    return [_block(k, t) for k, t in versions[place].data()["blocks"]] if 0 <= place < len(versions) else []


def _entry(change: Reply, decided: tuple[str, str], turn: int) -> Reply:
    status, text = decided
    data = {**change.data(), "status": status, "round": turn, "said": text}
    return reply(
        f"{_change(change.data())}: {status}{f', {text}' if text else ''}", key=f"r{turn}.{change.key}", data=data
    )


def _edited(block: Reply, edits: list[dict[str, Any]]) -> Reply:
    spans = [(only_place(e["old"], block.text), e["said"] if e["status"] == AMENDED else e["new"]) for e in edits]
    return _block(block.key, spliced(block.text, [(s, new) for s, new in spans if s])) if edits else block


@pure
def taken_changes(log: Replies) -> Replies:
    """The changes of a round that were accepted, as they were accepted."""
    return [e for e in log if e.data()["status"] in (ACCEPTED, AMENDED)]


@pure
def follow_ups(judged: Replies, blocks: Replies, wish: Replies, ahead: Replies, most: int) -> Replies:
    """Edits that keep the document consistent, to be proposed in the next round of editing, with the hash of their
    blocks; those of before where this one was none.
    """
    if no_edit(wish):
        return ahead
    now = {b.key: b for b in blocks}
    edits = [e for j in ok_of(judged) for e in j.data()["edits"]][:most]
    made = [{**e, "new_information": False, "hash": _hash(now.get(e["block"]))} for e in edits]
    return [reply(e["new"], key=str(n), data=e) for n, e in enumerate(made, 1)]


@pure
def changed_locks(locks: Replies, wish: Replies) -> Replies:
    """The locked blocks after this round."""
    ids = wish[0].data()["selection"]
    if wish[0].key == "lock":
        return [*locks, *(reply(i, key=i) for i in ids if i not in {k.key for k in locks})]
    return [k for k in locks if k.key not in ids] if wish[0].key == "unlock" else locks


@pure
def round_row(wish: Replies, log: Replies, dropped: Replies, proposed: Replies, judged: Replies) -> Reply:
    """What a round came to."""
    data = {
        "wish": wish[0].key,
        "accepted": len(taken_changes(log)),
        "dropped": [d.data() for d in dropped],
        "lost": causes([*proposed, *judged]),
    }
    return reply(wish[0].text, key="round", data=data)


@pure
def editing_over(rounds: Replies) -> bool:
    """Whether the person is done, or the last two rounds of editing changed nothing."""
    edits = [r.data()["accepted"] for r in rounds if r.data()["wish"] == "edit"][-QUIET_ROUNDS:]
    quiet = len(edits) == QUIET_ROUNDS and not any(edits)
    return bool(rounds) and (rounds[-1].data()["wish"] == "done" or (quiet and rounds[-1].data()["wish"] == "edit"))


@pure
def edit_reasons(log: Replies) -> Replies:
    """What the person's decisions tell, to be remembered: edits with their reasons, accepted and rejected."""
    told = [e for e in log if e.data()["status"] != LEFT]
    return [reply(e.text, data={n: e.data()[n] for n in ("status", "old", "new", "reason", "said")}) for e in told]


@pure
def co_edited(
    blocks: Replies, versions: Replies, log: Replies, rounds: Replies, ended: Replies, ahead: Replies
) -> Reply:
    """The document with its change log; every version stands in the data."""
    lost = [why for r in rounds for why in r.data()["lost"]]
    data = {
        "versions": [v.text for v in versions],
        "log": [e.data() for e in log],
        "rounds": [{"instruction": r.text, **r.data()} for r in rounds],
        "ended": ended[0].data()["by"],
        "not_proposed": [a.data() for a in ahead],
        "lost": lost,
    }
    lines = ["\n\n".join(b.text for b in blocks), *section("Change log", [e.text for e in log])]
    lines += section("Left to do, to keep it consistent", [_change(a.data()) for a in ahead])
    lines += ["", f"{len(versions)} versions, from 0 (yours) to {len(versions) - 1}, are kept."]
    outcome: Outcome = "degraded" if lost else "answered"
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


BLOCK = re.compile(r"\bb\d+\b")
SELECTION = re.compile(r"\s*((?:b\d+)(?:\s*,\s*b\d+)*)\s*:")
DECISION = re.compile(r"\s*(accept|reject|amend)\s+((?:\d+[\s,]*)+)(?::(.*))?$", re.IGNORECASE | re.DOTALL)
