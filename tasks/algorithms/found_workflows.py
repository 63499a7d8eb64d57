"""Workflows that a search has found: reviewed, kept on trial, used for tasks of their kind, tried again weekly."""

from datetime import datetime
from typing import Any

from tasks.algorithms.workflow_search import ROOT
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, failed, ok_of, reply

WORKFLOW = "workflow"
"""The kind of memory in which they are kept: text is the kind of task."""
GAIN = "workflow_gain"
TRIAL, ACTIVE, RETIRED = "trial", "active", "retired"
FITS = 0.5
KEPT_EXAMPLES = 30
"""So many examples of the test set are kept for trying a workflow again."""


@pure
def course(examples: Replies) -> str:
    """search where there are examples to search with, else use."""
    return "search" if examples else "use"


@pure
def screen(winner: Replies, nodes: Replies, table: Replies) -> Reply:
    """What a reviewer sees: the figures, how the workflow came about, and the workflow itself."""
    rows = [f"- {t.key}: {100 * t.data()['score']:.1f} points, {t.data()['used']:.1f} calls" for t in ok_of(table)]
    graph = {"blocks": winner[0].data()["blocks"], "answer": winner[0].data()["answer"]}
    return reply(
        "\n".join(["On the test set:", *rows, "", "Changes:", *_lineage(winner[0], nodes), "", canonical(graph)])
    )


def _lineage(node: Reply, nodes: Replies) -> list[str]:
    """The changes that led from the root to a node, the first first."""
    by_key = {n.key: n for n in nodes}
    changes: list[str] = []
    here: Reply | None = node
    while here:
        changes.append(f"- {here.key}: {here.data()['change']}")
        here = by_key.get(here.data()["parent"])
    return changes[::-1]


@pure
def to_remember(
    winner: Replies, said: Replies, prompt: Replies, test: Replies, metric: Replies, nodes: Replies, now: str
) -> Replies:
    """The workflow as it is remembered, on trial; nothing where none won, or the reviewer does not want it."""
    if not winner or not said or said[0].key != "keep":
        return []
    data = winner[0].data()
    fields = {
        "graph": winner[0].text,
        "root": next(n.text for n in nodes if n.key == ROOT),
        "status": TRIAL,
        "test": data["test"],
        "test_root": data["test_root"],
        "changes": _lineage(winner[0], nodes),
        "examples": [{k: t.data()[k] for k in ("prompt", "expected")} for t in test[:KEPT_EXAMPLES]],
        "metric": metric[0].text if metric else "",
        "tried_at": now,
    }
    return [reply(prompt[0].text, data=fields)]


@pure
def search_answer(
    nodes: Replies, log: Replies, table: Replies, winner: Replies, said: Replies, stored: Replies, ended: Replies
) -> Reply:
    """What was found, with the tree, the figures on the test set, and whether it is stored."""
    kept, won = ok_of(stored), winner[0] if winner else None
    best = [t.data() for t in ok_of(table)]
    lost = [*causes(table), *causes(stored), *(p for r in log if (p := r.data()["problem"]))]
    lines = [_headline(won, bool(kept), said), "", "On the test set:"]
    lines += [f"- {b['who']}: {100 * b['score']:.1f} points, {b['used']:.1f} calls a task" for b in best]
    lines += ["", "Changes:", *_lineage(won, nodes)] if won else []
    lines += ["", canonical({k: won.data()[k] for k in ("blocks", "answer")})] if won else []
    unjudged = sum(n.data()["unjudged"] for n in nodes) + sum(b.get("unjudged", 0) for b in best)
    data: dict[str, Any] = {
        "winner": won.key if won else None,
        "graph": won.text if won else None,
        "stored": kept[0].key if kept else None,
        "test": [{k: b[k] for k in ("who", "score", "cost", "used")} for b in best],
        "tree": [_branch(n) for n in nodes],
        "iterations": len(log),
        "ended": ended[0].data()["by"],
        "quality": max((b["score"] for b in best), default=0.0) if won is None else won.data()["test"],
        "lost": lost,
    }
    failed = causes(table) or causes(stored) or unjudged
    outcome: Outcome = "degraded" if failed else "answered" if won else "undecided"
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)


def _headline(won: Reply | None, kept: bool, said: Replies) -> str:
    if won is None:
        return "No workflow does better than the simplest one and the known patterns by two points."
    if kept:
        return f"The workflow {won.key} does better, and is kept on trial."
    choice = said[0].key if said else ""
    return f"The workflow {won.key} does better, and is not kept" + (f": {choice}." if choice else ".")


def _branch(node: Reply) -> dict[str, Any]:
    names = ("change", "parent", "calls", "score", "spread", "cost", "used", "tried")
    return {"id": node.key, **{n: node.data()[n] for n in names}}


@pure
def fitting(recalled: Replies, root: Replies) -> Reply:
    """The stored workflow that fits the task and is not retired, else the simplest one."""
    good = [r for r in ok_of(recalled) if r.score is not None and r.score >= FITS]
    for one in good:
        fields = one.data()["fields"]
        if fields["status"] != RETIRED:
            return reply(fields["graph"], key=one.key, data={"task": one.text, "status": fields["status"]})
    return reply(root[0].text, key=ROOT, data={"task": "", "status": ""})


@pure
def used_answer(given: Replies, workflow: Replies) -> Reply:
    """What the workflow answered, and which one it was."""
    if not given:
        return failed(f"the workflow {workflow[0].key} gave no answer", key="answer")
    data = workflow[0].data()
    own = {"workflow": workflow[0].key, "status": data["status"], "task": data["task"]}
    return given[-1].but(key="answer", data={**given[-1].data(), **own})


@pure
def due_again(stored: Replies, now: str, days: int) -> bool:
    """Whether a workflow that is not retired was last tried so many days ago."""
    return bool(_stale(stored, now, days))


def _stale(stored: Replies, now: str, days: int) -> Replies:
    waiting = [(r.data()["fields"]["tried_at"], n, r) for n, r in enumerate(stored)]
    waiting = [w for w in waiting if w[2].data()["fields"]["status"] != RETIRED]
    return [r for at, _, r in sorted(waiting, key=lambda w: w[:2]) if _days(at, now) >= days]


def _days(since: str, now: str) -> float:
    return (datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds() / 86400


@pure
def next_to_try(stored: Replies, now: str, days: int) -> Slots:
    """The workflow that waits longest as `job`, it and the root as `pair`, its `examples` and its `program`."""
    job = _stale(stored, now, days)[:1]
    if not job:
        return {"job": [], "pair": [], "examples": [], "program": []}
    fields = job[0].data()["fields"]
    pair = [reply(fields["graph"], key=job[0].key), reply(fields["root"], key=ROOT)]
    examples = [reply(e["prompt"], key=f"e{n}", data=e) for n, e in enumerate(fields["examples"], 1)]
    return {"job": job, "pair": pair, "examples": examples, "program": [reply(fields["metric"])]}


@pure
def tried_again(job: Replies, results: Replies, least: float, now: str) -> Slots:
    """The workflow with its new status: active where it is still so much better than the root, else retired.

    Where a trial could not be made or judged its status stays. `gains`: 1 or 0, for the outcomes.
    """
    known = {r.key: r.data() for r in ok_of(results)}
    if not job or len(known) < 2:
        return {"memory": [], "gains": []}
    own, root = known[job[0].key], known[ROOT]
    fields = job[0].data()["fields"]
    sure = not (own["unjudged"] or root["unjudged"] or own["lost"] or root["lost"])
    better = own["score"] >= root["score"] + least - 1e-9
    status = (ACTIVE if better else RETIRED) if sure else fields["status"]
    new = {**fields, "status": status, "test": own["score"], "test_root": root["score"], "tried_at": now}
    gains = [reply(key=job[0].key, data={"gain": 1.0 if better else 0.0})] if sure else []
    return {"memory": [reply(job[0].text, data=new)], "gains": gains}


@pure
def again_report(job: Replies, memory: Replies) -> Reply:
    """What the weekly trial came to, in one line."""
    if not job or not memory:
        return reply("No workflow could be tried again.", key="answer", outcome="incomplete")
    data = memory[0].data()
    figures = f"{100 * data['test']:.1f} points against {100 * data['test_root']:.1f} of the simplest"
    return reply(
        f"Tried again: '{job[0].text[:80]}': {figures}; {data['status']}.",
        key="answer",
        data={"status": data["status"]},
    )
