"""A tree of tasks that grows only where a task failed: what is done next, what a node came to, what goes upward.

Prasad et al. 2023, ADaPT. A node is a reply: key is its path (1, 1.2, 1.2.3), text its task, fields are depth, status
(open, split, done or failed), logic (AND or OR, where it is split), answer, reason (of a failure) and ran.
"""

from typing import Any, Literal

from tasks.algorithms.agents import FINISH
from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply

ROOT = "1"
MOST_RUNS, MOST_DEPTH = 30, 3
OPEN, SPLIT, DONE, FAILED = "open", "split", "done", "failed"
NO_RUNS = "no executor run is left"
STOPS = {"AND": FAILED, "OR": DONE}
"""What a subtask comes to when those after it are not needed."""


@pure
def planted(prompt: Replies) -> Replies:
    """The tree with its root alone: the whole task, not yet tried."""
    return [_node(ROOT, prompt[0].text, 1)]


def _node(key: str, text: str, depth: int) -> Reply:
    data = {"depth": depth, "status": OPEN, "logic": "", "answer": "", "reason": "", "ran": False, "lost": []}
    return reply(text, key=key, data=data)


@pure
def root_settled(tree: Replies) -> bool:
    """Whether the root has come to its end."""
    return _status(tree[0]) in (DONE, FAILED)


def _status(node: Reply) -> str:
    return str(node.data()["status"])


def _children(tree: Replies, key: str) -> Replies:
    depth = key.count(".") + 1
    return [n for n in tree if n.key.startswith(f"{key}.") and n.key.count(".") == depth]


@pure
def next_node(tree: Replies) -> Reply:
    """The node whose turn it is: an open one is run; a split one is joined once its subtasks decide it.

    Subtasks go one after another: joined by AND until one fails, by OR until one is done.
    """
    node = tree[0]
    while _status(node) == SPLIT:
        below = _waiting(tree, node)
        if below is None:
            break
        node = below
    return node


def _waiting(tree: Replies, node: Reply) -> Reply | None:
    """The subtask that decides a node next, if any is needed still."""
    for child in _children(tree, node.key):
        if _status(child) in (OPEN, SPLIT):
            return child
        if _status(child) == STOPS[node.data()["logic"]]:
            return None
    return None


@pure
def action(node: Replies) -> Literal["run", "join"]:
    """What is done with the node whose turn it is."""
    return "run" if _status(node[0]) == OPEN else "join"


@pure
def handed_down(tree: Replies, node: Replies) -> Slots:
    """`task` is what the node is to do, `context` the results of the subtasks before it, where all are needed."""
    one = node[0]
    parent, _, _ = one.key.rpartition(".")
    siblings = _children(tree, parent) if parent else []
    needed = any(n.key == parent and n.data()["logic"] == "AND" for n in tree)
    before = [_shown(n) for n in siblings if needed and _status(n) == DONE]
    return {"task": [reply(one.text, key=one.key)], "context": before}


def _shown(node: Reply) -> Reply:
    data = node.data()
    result = data["answer"] or f"(none: {data['reason']})"
    said = {DONE: "yes", FAILED: f"no: {data['reason']}"}.get(data["status"], "not tried")
    return reply(f"Subtask: {node.text}\nDone: {said}\nResult: {result}", key=node.key)


@pure
def sub_results(tree: Replies, node: Replies) -> Replies:
    """What the subtasks of a node came to, those that were not needed left out."""
    return [_shown(n) for n in _children(tree, node[0].key) if _status(n) in (DONE, FAILED)]


@pure
def no_success(attempt: Replies) -> bool:
    """Whether the executor itself does not say that the task is done."""
    data = attempt[-1].data() if ok_of(attempt[-1:]) else {}
    return not (data.get("success") is True and data.get("ended_by") == FINISH)


@pure
def attempted(attempt: Replies, checked: Replies) -> Reply:
    """Whether a try did its task: the executor says so and the checker agrees. Text is why not."""
    last = attempt[-1] if attempt else Reply(status="failed", cause="nothing was done")
    lost = causes([last, *checked])
    if not last.ok:
        reason = f"there was no answer: {last.cause}"
    elif no_success(attempt):
        reason = f"it could not be done: {last.text}"
    elif not ok_of(checked):
        reason = f"it could not be checked: {first_cause(checked) or 'there is no verdict'}"
    else:
        said = checked[-1].data()
        reason = "" if said["done"] is True else f"it is not borne out: {said['reason']}"
    answer = last.text if last.ok else ""
    return reply(reason[:2000], key="tried", data={"ok": not reason, "answer": answer, "lost": lost}, model=last.model)


@pure
def no_split(tried: Replies, node: Replies, tree: Replies) -> bool:
    """Whether a task is not split: it was done, it is as deep as may be, or nothing could be run any more."""
    return bool(tried[0].data()["ok"]) or node[0].data()["depth"] >= MOST_DEPTH or _runs(tree) + 1 >= MOST_RUNS


@pure
def grown(tree: Replies, node: Replies, tried: Replies, plan: Replies) -> Replies:
    """The tree after a try: the node is done, or split by the plan, or failed."""
    one, said = node[0], tried[0].data()
    changes = {"ran": True, "answer": said["answer"], "reason": tried[0].text, "lost": [*said["lost"], *causes(plan)]}
    made = ok_of(plan)[-1:]
    if said["ok"]:
        return _left(_changed(tree, one.key, changes | {"status": DONE}))
    if not made:
        return _left(_changed(tree, one.key, changes | {"status": FAILED}))
    parts = [str(s).strip() for s in made[0].data()["subtasks"]]
    split = _changed(tree, one.key, changes | {"status": SPLIT, "logic": made[0].data()["logic"]})
    depth = one.data()["depth"] + 1
    return _left([*split, *(_node(f"{one.key}.{n}", text, depth) for n, text in enumerate(parts, 1))])


@pure
def joined(tree: Replies, node: Replies, written: Replies) -> Replies:
    """The tree after a node was joined: done where its subtasks say so by AND or OR, whatever the text says."""
    one = node[0]
    states = [_status(c) for c in _children(tree, one.key)]
    need = all if one.data()["logic"] == "AND" else any
    done = bool(states) and need(s == DONE for s in states)
    failures = [c.data()["reason"] for c in _children(tree, one.key) if _status(c) == FAILED]
    answer = next((w.text.strip() for w in ok_of(written)), "") or _texts(tree, one.key)
    changes = {
        "status": DONE if done else FAILED,
        "answer": answer,
        "reason": "" if done else f"a subtask failed: {failures[-1] if failures else 'none was tried'}",
        "lost": [*one.data()["lost"], *causes(written)],
    }
    return _left(_changed(tree, one.key, changes))


def _texts(tree: Replies, key: str) -> str:
    return "\n\n".join(c.data()["answer"] for c in _children(tree, key) if c.data()["answer"])


def _changed(tree: Replies, key: str, changes: dict[str, Any]) -> Replies:
    return [n.but(data={**n.data(), **changes}) if n.key == key else n for n in tree]


def _runs(tree: Replies) -> int:
    return sum(bool(n.data()["ran"]) for n in tree)


def _left(tree: Replies) -> Replies:
    """Once all runs are used, whatever would be run next has failed."""
    while _runs(tree) >= MOST_RUNS and not root_settled(tree) and _status(next_node(tree)) == OPEN:
        tree = _changed(tree, next_node(tree).key, {"status": FAILED, "reason": NO_RUNS})
    return tree


@pure
def tree_answer(tree: Replies) -> Reply:
    """The root's answer, whether it succeeded, and the tree. Fails the run where there is no answer at all."""
    root, rows = tree[0].data(), [{"id": n.key, "task": n.text, **n.data()} for n in tree]
    if not root["answer"]:
        raise Refuse(f"no answer: {root['reason'] or 'the task was not tried'}")
    done = root["status"] == DONE
    lost = [text for row in rows for text in row["lost"]]
    data = {"success": done, "runs": _runs(tree), "depth": max(r["depth"] for r in rows), "tree": rows, "lost": lost}
    outcome: Outcome = "incomplete" if not done else "degraded" if lost else "answered"
    failed = [f"{n.text} ({n.data()['reason']})" for n in tree[1:] if n.data()["status"] == FAILED]
    lines = [root["answer"]]
    if not done:
        lines = ["The task was not done.", "", root["answer"], *section("What failed", failed or [root["reason"]])]
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome)
