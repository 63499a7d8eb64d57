"""Language agent tree search (Zhou et al. 2023): a tree of actions that were really done, searched by UCT.

A node is a reply: key is its path ("0", "0.2.1"), text what was done and observed on the way to it, fields depth, act,
action, observation, cells (of the session of code, as it is restored), files, terminal, answer, votes, value (what it
promises), reward (null until known), evidence, visits and total (of the rewards backed up through it).
"""

from math import log, sqrt
from typing import Any

from tasks.algorithms.mcts import ROOT, path_to
from tasks.code import CODE
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, canonical, causes, ok_of, reply
from tasks.tool_calls import checked, cut

FINISH = "finish"
OBSERVED = 2000
"""Characters of an observation that are shown."""
CLEAN = "import random\nrandom.seed(0)"
"""The first cell of every session: random numbers too are the same each time that a session is restored."""
SILENT = "(no output)"
NOTHING = "(none)"
"""The way to the root."""


@pure
def how_to_search(tools: Replies) -> str:
    """tree where what was done can be restored, else loop: a tool that writes cannot be tried on five ways at once."""
    return "loop" if any(t.data()["writes"] for t in ok_of(tools)) else "tree"


@pure
def clean_session() -> Reply:
    """A session of code in which nothing was done yet."""
    return reply(key="clean", data={"cell": CLEAN})


@pure
def action_root() -> Reply:
    """Where the search starts: nothing was done yet."""
    return _node(ROOT, NOTHING, {"act": {}, "action": "", "observation": "", "cells": [CLEAN], "files": []}, depth=0)


def _node(key: str, text: str, made: dict[str, Any], depth: int) -> Reply:
    data = {"depth": depth, "terminal": False, "answer": "", "votes": 0, "value": 0.0, "reward": None, "evidence": ""}
    return reply(text, key=key, data={**data, "visits": 0, "total": 0.0, **made})


@pure
def selected_leaf(tree: Replies, c: float, depth: int) -> Replies:
    """The leaf that the highest UCT leads to from the root; nothing where every way has ended.

    A node that was never visited counts by what it promises; the earlier one of those alike is taken.
    """
    nodes = {n.key: n.data() for n in tree}
    here, live = ROOT, _live(nodes, depth)
    while children := [k for k in nodes if k in live and k.rpartition(".")[0] == here]:
        visits = nodes[here]["visits"]
        here = max(children, key=lambda k: _uct(nodes[k], visits, c))
    return [n for n in tree if n.key == here and here in live]


def _uct(node: dict[str, Any], parent_visits: int, c: float) -> float:
    visits = max(node["visits"], 1)
    mean = node["total"] / visits if node["visits"] else node["value"]
    return float(mean + c * sqrt(log(max(parent_visits, 1)) / visits))


def _live(nodes: dict[str, dict[str, Any]], depth: int) -> set[str]:
    """The nodes below which something is left to try: a way to go on, or an end that was not rewarded."""
    parents = {k.rpartition(".")[0] for k in nodes}
    open_leaves = [k for k, d in nodes.items() if k not in parents and _untried(d, depth)]
    return {name for leaf in open_leaves for name in path_to(leaf)}


def _untried(node: dict[str, Any], depth: int) -> bool:
    return not node["visits"] if node["terminal"] else bool(node["depth"] < depth)


@pure
def way_ended(here: Replies, depth: int) -> bool:
    """Whether there is nothing to do next: no action could be had, or the way is at its end or as deep as may be."""
    return not here or here[0].data()["terminal"] or here[0].data()["depth"] >= depth


@pure
def proposed_acts(samples: Replies, tools: Replies) -> Replies:
    """The actions that may be done, equal ones once with their `votes`; what is no call of a tool is left out."""
    acts: dict[str, dict[str, Any]] = {}
    for said in (s.data() for s in ok_of(samples)):
        if said["type"] == FINISH:
            answer = said["answer"].strip()
            key, act = canonical([FINISH, answer]), {"type": FINISH, "tool": "", "args": {}, "answer": answer}
            if not answer:
                continue
        else:
            call = checked(said["tool"].strip(), said["args"], tools).data()
            if not call["valid"]:
                continue
            kind = "cell" if call["tool"] == CODE.name else "tool"
            key, act = call["digest"], {"type": kind, "tool": call["tool"], "args": call["arguments"], "answer": ""}
            act |= {"code": call["arguments"].get("code", "")} if kind == "cell" else {}
        acts.setdefault(key, {**act, "thought": said["thought"].strip(), "votes": 0})["votes"] += 1
    return [reply(_shown(a), key=f"act {n}", data=a) for n, a in enumerate(acts.values(), 1)]


def _shown(act: dict[str, Any]) -> str:
    if act["type"] == FINISH:
        return f"finish: {act['answer']}"
    return f"```python\n{act['code']}\n```" if act["type"] == "cell" else f"{act['tool']}({canonical(act['args'])})"


@pure
def no_cell(act: Replies) -> bool:
    """Whether an action is no code."""
    return bool(act[0].data()["type"] != "cell")


@pure
def no_tool(act: Replies) -> bool:
    """Whether an action calls no tool but code."""
    return bool(act[0].data()["type"] != "tool")


@pure
def session_of(here: Replies) -> Replies:
    """The cells that restore the session as it stood at a node."""
    return [reply(key=f"cell {n}", data={"cell": c}) for n, c in enumerate(here[0].data()["cells"], 1)]


@pure
def done_act(act: Replies, cell: Replies, ran: Replies) -> Reply:
    """What an action gave: fields act, observation, cell (where later ones build on it), files, terminal and answer.

    A cell that met a limit leaves the session as it was.
    """
    said, result = act[0].data(), (*cell, *ran)
    seen = "" if said["type"] == FINISH else "ERROR: nothing was observed"
    if result:
        one = result[-1]
        seen = cut(one.text or one.fields or SILENT, OBSERVED) if one.ok else f"ERROR: {one.cause or one.status}"
    kept = next((r.data() for r in ok_of(cell) if r.data()["ended"] in ("done", "error")), None)
    data = {
        "act": said,
        "action": act[0].text,
        "observation": seen,
        "cell": said["code"] if kept else "",
        "files": [{"path": f["path"], "text": f["text"]} for f in kept["files"]] if kept else [],
        "terminal": said["type"] == FINISH,
        "answer": said["answer"],
        "votes": said["votes"],
    }
    return reply(seen, key=act[0].key, data=data)


@pure
def children_of(here: Replies, tried: Replies) -> Replies:
    """The nodes that a node's actions lead to, those proposed most often first; of equal observations the first stays.

    Cells that print nothing differ in what they leave behind, and answers in what they say.
    """
    before = here[0].data()
    unlike: dict[str, Reply] = {}
    for one in sorted(ok_of(tried), key=lambda t: -t.data()["votes"]):
        data = one.data()
        alike = data["observation"].strip() in ("", SILENT)
        unlike.setdefault(data["action"] if alike else data["observation"], one)
    return [_child(here[0], before, n, one.data()) for n, one in enumerate(unlike.values(), 1)]


def _child(parent: Reply, before: dict[str, Any], number: int, made: dict[str, Any]) -> Reply:
    cell, depth = made.pop("cell"), before["depth"] + 1
    lines = [f"{depth}. {made['act']['thought']}", f"Action: {made['action']}"]
    lines += [] if made["terminal"] else [f"Observation: {made['observation']}"]
    made["cells"] = [*before["cells"], *([cell] if cell else [])]
    made["files"] = made["files"] if cell else before["files"]
    return _node(
        f"{parent.key}.{number}", "\n".join([*([parent.text] if before["depth"] else []), *lines]), made, depth
    )


@pure
def valued(here: Replies, children: Replies, judged: Replies, samples: Replies, width: int) -> Slots:
    """`made` are the children with their value, `here` the best of them, `end` where the way has come to.

    Value is half what a judge promises (0 where it was lost) and half the share of the samples that chose the action.
    """
    promised = [j.data()["promise"] if j.ok else 0.0 for j in judged]
    made = [
        n.but(data={**n.data(), "value": 0.5 * p + 0.5 * n.data()["votes"] / width})
        for n, p in zip(children, promised, strict=True)
    ]
    best = max(made, key=lambda n: n.data()["value"], default=None)
    lost = [reply(why, key="lost") for why in causes([*samples, *judged])]
    return {"made": made, "here": [best] if best else [], "end": [best] if best else here, "lost": lost}


@pure
def backed_up(tree: Replies, made: Replies, end: Replies, rewarded: Replies) -> Replies:
    """The tree with what a round made, and the reward of its end counted in every node up to the root.

    A way without an end counts 0; an end whose reward was lost counts what it promised.
    """
    nodes = {n.key: n for n in [*tree, *made]}
    if not end:
        return list(nodes.values())
    last = nodes[end[0].key].data()
    said = rewarded[-1].data() if rewarded else {"reward": None, "evidence": ""}
    worth = said["reward"] if said["reward"] is not None else last["value"] if last["terminal"] else 0.0
    nodes[end[0].key] = nodes[end[0].key].but(data={**last, "reward": said["reward"], "evidence": said["evidence"]})
    for name in path_to(end[0].key):
        data = nodes[name].data()
        nodes[name] = nodes[name].but(data={**data, "visits": data["visits"] + 1, "total": data["total"] + worth})
    return list(nodes.values())


@pure
def tree_searched(tree: Replies, spent: Replies, max_calls: Replies, depth: int) -> bool:
    """Whether an end has reward 1, the calls are spent, or every way has ended."""
    nodes = {n.key: n.data() for n in tree}
    return why_ended(nodes, spent, max_calls, depth) != "bound"


def why_ended(nodes: dict[str, dict[str, Any]], spent: Replies, max_calls: Replies, depth: int) -> str:
    """reward, exhausted or calls; bound where nothing but the number of rounds ends it."""
    if any((d["reward"] or 0.0) >= 1 for d in nodes.values()):
        return "reward"
    if not _live(nodes, depth):
        return "exhausted"
    return "calls" if spent[0].data()["calls"] >= float(max_calls[0].text) else "bound"
