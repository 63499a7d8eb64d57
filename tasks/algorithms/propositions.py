"""A store of propositions: premises, and what was shown to follow from at most three that stand in it already.

A proposition is a reply: key is its id (p1, p2 ...), text its statement, fields are id, statement and `parents`. An id
is given only when the proposition is stored, so that its parents come before it: the store has no cycle, and its order
is topological.
"""

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply

MOST_PARENTS = 3


@pure
def premises(extracted: Replies) -> Slots:
    """The premises as the first propositions, each once, and the goal."""
    data = extracted[0].data()
    known = [_proposition(n, text, []) for n, text in enumerate(distinct(data["premises"]), 1)]
    return {"known": known, "goal": [reply(data["goal"].strip(), key="goal")]}


def _proposition(number: int, statement: str, parents: list[str]) -> Reply:
    name = f"p{number}"
    return reply(statement, key=name, data={"id": name, "statement": statement, "parents": parents})


@pure
def candidate(proposal: Replies, known: Replies, rejected: Replies) -> Reply:
    """The proposal with the texts of its parents in `given`; a rejected reply where it is no candidate at all.

    It is none if it is known, was checked and rejected before, or names a parent that is not in the store.
    """
    if lost := first_cause(proposal):
        return reply(key="candidate", status="rejected", cause=f"no proposal: {lost}")
    data = proposal[0].data()
    statement, named = data["proposition"].strip(), list(dict.fromkeys(data["parents"]))
    texts = {p.key: p.text for p in known}
    parents = [n for n in named if n in texts]
    stored = {normalised(t): n for n, t in texts.items()}
    form, cause = normalised(statement), ""
    if not form:
        cause = "it says nothing"
    elif form in stored:
        cause = f"it is known as {stored[form]}"
    elif form in {normalised(r.text) for r in rejected if r.data()["checked"]}:
        cause = "it was rejected before"
    elif len(parents) < len(named) or not 0 < len(named) <= MOST_PARENTS:
        cause = f"it does not rest on 1 to {MOST_PARENTS} known propositions: {', '.join(named) or 'none'}"
    fields = {"proposition": statement, "parents": parents, "given": [texts[n] for n in parents]}
    status = "rejected" if cause else "success"
    return reply(statement, key="candidate", data=fields, status=status, cause=cause)


@pure
def stored(known: Replies, rejected: Replies, candidate: Replies, verdict: Replies, turn: int) -> Slots:
    """The store after a turn: a candidate that its parents support joins it, any other is rejected, with the cause.

    One that nobody could check is rejected, too, but may be proposed again.
    """
    one = candidate[0]
    cause, checked = one.cause, one.ok and bool(ok_of(verdict))
    if one.ok:
        said = verdict[0].data() if checked else {}
        ruling = said.get("verdict", "unknown")
        cause = "" if ruling == "supported" else f"{ruling}: {said.get('reason') or first_cause(verdict)}"
    if not cause:
        joined = _proposition(len(known) + 1, one.text, one.data()["parents"])
        return {"known": [*known, joined], "rejected": rejected}
    data = {"turn": turn, "cause": cause, "checked": checked}
    lost = reply(one.text or "(nothing was proposed)", key=f"r{turn}", data=data)
    return {"known": known, "rejected": [*rejected, lost]}


@pure
def goal_report(report: Replies, known: Replies) -> Reply:
    """The report with `ready` true only where it names the propositions that it rests on, and all of them are known."""
    said = report[0].data() if report and report[0].ok else {}
    ids = list(dict.fromkeys(said.get("ids", [])))
    ready = said.get("ready") is True and bool(ids) and set(ids) <= {p.key for p in known}
    answer = str(said.get("answer", "")).strip() if ready else ""
    data = {"ready": ready, "answer": answer, "ids": ids if ready else [], "lost": first_cause(report)}
    return reply(answer, key="report", data=data)


@pure
def goal_settled(report: Replies) -> bool:
    """Whether the last report says so."""
    return bool(report) and report[-1].data()["ready"] is True


@pure
def goal_open(report: Replies) -> bool:
    """Whether there is no proof to write."""
    return not goal_settled(report)


@pure
def settled_or_stuck(report: Replies, rejected: Replies, turn: int, most: int) -> bool:
    """Whether the goal is settled, or the last `most` turns were all rejections."""
    return goal_settled(report) or {r.data()["turn"] for r in rejected} >= set(range(turn - most + 1, turn + 1))


@pure
def proof(known: Replies, report: Replies) -> Replies:
    """The propositions that the report rests on and all that these follow from, premises first, in their order."""
    needed = set(report[-1].data()["ids"]) if report else set()
    for one in reversed(known):
        if one.key in needed:
            needed |= set(one.data()["parents"])
    return [p for p in known if p.key in needed]


@pure
def proven_answer(written: Replies, report: Replies, known: Replies, rejected: Replies, goal: Replies) -> Reply:
    """The written proof, or what could be proven where the goal is not settled; with all propositions and parents."""
    last = report[-1].data()
    lines_of = proof(known, report) if last["ready"] else [p for p in known if p.data()["parents"]]
    data = {
        "goal": goal[0].text,
        "settled": last["ready"],
        "final_answer": last["answer"],
        "ids_used": last["ids"],
        "propositions": [p.data() for p in known],
        "rejected": [{"proposition": r.text, "cause": r.data()["cause"]} for r in rejected],
        "lost": first_cause(written) or ("" if last["ready"] else last["lost"]),
    }
    if not last["ready"]:
        found = _listed(lines_of) or ["(nothing beyond the premises)"]
        text = "\n".join([f"Not settled: {goal[0].text}", "", "Proven so far:", *found])
        return reply(text, key="answer", data=data, outcome="undecided")
    made = ok_of(written)
    text = made[0].text if made else "\n".join([last["answer"], "", "Because:", *_listed(lines_of)])
    model = made[0].model if made else ""
    return reply(text, key="answer", data=data, model=model, outcome="answered" if made else "degraded")


def _listed(propositions: Replies) -> list[str]:
    return [
        f"- {p.key}: {p.text} ({'from ' + ', '.join(p.data()['parents']) if p.data()['parents'] else 'given'})"
        for p in propositions
    ]
