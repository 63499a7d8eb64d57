"""Versions of one master text for several targets: its facts, the gates of each version, and what they came to."""

from typing import Any

from tasks.algorithms.quotes import occurs
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, ok_of, reply

LEAST, MOST = 2, 8
MOST_FACTS = 25
TOLERANCE = 0.10
OPTIONAL = "(optional)"


@pure
def targets_in_order(targets: Replies) -> Replies:
    """The targets, each as text for whoever writes. Fails the run, before anything is paid, for too few or too many of
    them, or two of one name."""
    if not LEAST <= len(targets) <= MOST:
        raise Refuse(f"{len(targets)} targets: {LEAST} to {MOST} are needed, each with name and length in words")
    if len({t.key for t in targets}) < len(targets):
        raise Refuse("two targets have the same name")
    return [t.but(text=_target_text(t)) for t in targets]


def _target_text(target: Reply) -> str:
    data = target.data()
    lines = [f"For: {target.key}", f"Length: {data['length']} words"]
    lines += [f"Tone: {data['tone']}"] if data.get("tone") else []
    return "\n".join([*lines, *(f"Must have, letter by letter: {m}" for m in _must_have(data))])


def _must_have(target: dict[str, Any]) -> list[str]:
    given = target.get("must_have") or []
    return [given] if isinstance(given, str) else list(given)


@pure
def listed_facts(extracted: Replies) -> Reply:
    """Facts as a list that a person can read and write: a line each, those that need not be kept marked as optional."""
    facts = [f for e in ok_of(extracted) for f in e.data()["facts"]]
    lines = [f"- {f['text'].strip()}{'' if f['must_keep'] else f' {OPTIONAL}'}" for f in facts]
    return reply("\n".join(lines), key="facts")


@pure
def no_approval(approve: Replies) -> bool:
    """Whether the user asked for no approval."""
    return all(a.text == "false" for a in approve)


@pure
def master_not_edited(decision: Replies) -> bool:
    """Whether the master text stands as it was written."""
    return _edit_of(decision, "edit_master") == ""


def _edit_of(decision: Replies, choice: str) -> str:
    return next((str(d.data().get("text") or "").strip() for d in decision if d.key == choice), "")


@pure
def settled_master(written: Replies, decision: Replies) -> Reply:
    """The master text: the person's own, or as it was written."""
    return written[0].but(key="master", text=_edit_of(decision, "edit_master") or written[0].text)


@pure
def settled_facts(extracted: Replies, again: Replies, decision: Replies) -> Reply:
    """The facts, numbered f1, f2 ...: the person's own list, those of an edited master, or the first ones.

    Text lists them with what must be kept; field `facts` has id, text and must_keep.
    """
    edited = [t.strip(" -*") for t in _edit_of(decision, "edit_facts").splitlines() if t.strip(" -*")]
    said = [f for e in ok_of(again) or ok_of(extracted) for f in e.data()["facts"]]
    given = [(t.removesuffix(OPTIONAL).strip(), not t.endswith(OPTIONAL)) for t in edited]
    given = (given or [(f["text"].strip(), f["must_keep"]) for f in said])[:MOST_FACTS]
    facts = [{"id": f"f{n}", "text": t, "must_keep": keep} for n, (t, keep) in enumerate(given, 1)]
    lines = [f"{f['id']} ({'must be kept' if f['must_keep'] else 'optional'}): {f['text']}" for f in facts]
    return reply("\n".join(lines) or "(no facts)", key="facts", data={"facts": facts})


@pure
def first_versions(targets: Replies, written: Replies) -> Replies:
    """A version a target, none of them checked; one that could not be written says so."""
    made = {w.key: w for w in written}
    return [_version(t, made.get(t.key) or failed("it was never written", key=t.key)) for t in targets]


def _version(target: Reply, made: Reply) -> Reply:
    state = {"target": target.text, **target.data(), "passed": False, "facts": {}, "rounds": 0}
    failures = [] if made.ok else [f"it could not be written: {made.cause}"]
    return made.but(key=target.key, text=made.text.strip(), data={**state, "failures": failures, "current": False})


@pure
def not_yet_passed(versions: Replies) -> Replies:
    """The versions that were written and did not pass."""
    return [v for v in ok_of(versions) if not v.data()["passed"]]


@pure
def all_passed(versions: Replies) -> bool:
    """Whether there is nothing left to check."""
    return not not_yet_passed(versions)


@pure
def checked_versions(versions: Replies, checks: Replies, facts: Replies) -> Replies:
    """The versions after a check of those that had not passed: whether they pass now, and the failures of the rest.

    A version passes if each fact that must be kept is supported, it says nothing that the master lacks, its length is
    within a tenth of the target's, and all that it must have stands in it. A check that failed passes nothing.
    """
    made = {c.key: c for c in checks}
    return [_checked(v, made[v.key], facts) if v.key in made else v for v in versions]


def _checked(version: Reply, check: Reply, facts: Replies) -> Reply:
    data = version.data()
    verdicts, failures = _verdicts(check, facts)
    failures += _rules(version.text, data)
    state = {"passed": not failures, "facts": verdicts, "failures": failures, "rounds": data["rounds"] + 1}
    return version.but(data={**data, **state, "current": True})


def _verdicts(check: Reply, facts: Replies) -> tuple[dict[str, str], list[str]]:
    """The verdict a fact, and what is wrong. A fact that nobody names is unknown; of two verdicts the worse counts."""
    said = check.data() if check.ok else {"facts": [], "additions": []}
    found: dict[str, str] = {}
    for one in said["facts"]:
        worst = max(one["verdict"], found.get(one["id"], "supported"), key=BADNESS.index)
        found[one["id"]] = worst
    known = facts[0].data()["facts"]
    verdicts = {f["id"]: found.get(f["id"], "unknown") for f in known}
    lost = [] if check.ok else [f"it could not be checked: {check.cause}"]
    lost += [
        f"{f['id']} is {verdicts[f['id']]}: {f['text']}"
        for f in known
        if check.ok and (verdicts[f["id"]] != "supported" if f["must_keep"] else verdicts[f["id"]] == "refuted")
    ]
    return verdicts, lost + [f"the master does not say: {a['sentence']}" for a in said["additions"]]


def _rules(text: str, target: dict[str, Any]) -> list[str]:
    words, wanted = len(text.split()), target["length"]
    wrong = []
    if abs(words - wanted) > TOLERANCE * wanted:
        wrong.append(f"it has {words} words: {wanted} are wanted, give or take a tenth")
    return wrong + [f"'{m}' is missing" for m in _must_have(target) if not occurs(m, text, any_case=True)]


@pure
def revised_versions(versions: Replies, revised: Replies) -> Replies:
    """The versions with the revised ones in place; a revision that failed leaves the version as it was."""
    made = {r.key: r for r in ok_of(revised)}
    return [_revised(v, made[v.key]) if v.key in made else v for v in versions]


def _revised(version: Reply, made: Reply) -> Reply:
    return version.but(text=made.text.strip(), data={**version.data(), "current": False})


@pure
def adapted(versions: Replies, master: Replies, facts: Replies) -> Reply:
    """Master, versions, and a table of facts by versions; a version that fails is marked, not dropped.

    What was revised after its last check counts as failing: nobody looked at it again. `quality` is the share that
    passed.
    """
    known = facts[0].data()["facts"]
    passed = [v for v in versions if v.ok and v.data()["passed"]]
    rows = [{"name": v.key, "text": v.text, **{n: v.data()[n] for n in SHOWN}} for v in versions]
    data = {
        "master": master[0].text,
        "facts": known,
        "versions": rows,
        "quality": len(passed) / len(versions) if versions else 0.0,
        "lost": causes(versions),
    }
    parts = ["## Master", "", master[0].text]
    for one in versions:
        parts += ["", f"## {one.key}{_mark(one)}", "", one.text if one.ok else "(This version could not be written.)"]
    outcome: Outcome = "answered" if len(passed) == len(versions) else "incomplete"
    text = "\n".join([*parts, "", "## Facts", "", *_table(known, versions)])
    return reply(text, key="answer", data=data, model=master[0].model, outcome=outcome)


def _mark(version: Reply) -> str:
    data = version.data()
    if data["passed"]:
        return ""
    since = " Revised since, and not checked again." if version.ok and not data["current"] and data["rounds"] else ""
    return f" (FAILS: {'; '.join(data['failures']) or 'it was not checked'}.{since})"


def _table(facts: list[dict[str, Any]], versions: Replies) -> list[str]:
    lines = [_cells(["fact", *(v.key for v in versions)]), _cells(["---"] * (len(versions) + 1))]
    for fact in facts:
        marks = [v.data()["facts"].get(fact["id"], "unknown") for v in versions]
        lines.append(_cells([f"{fact['id']} {fact['text']}{'' if fact['must_keep'] else f' {OPTIONAL}'}", *marks]))
    return lines


def _cells(cells: list[str]) -> str:
    return f"| {' | '.join(c.replace('|', '/').replace(chr(10), ' ') for c in cells)} |"


BADNESS = ("supported", "unknown", "refuted")
SHOWN = ("passed", "failures", "facts", "rounds", "current", "length")
