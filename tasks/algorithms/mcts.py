"""Monte Carlo tree search over reasoning steps: selection by UCT with virtual loss, rollouts, backup, and the vote.

A node is a reply: key is its path ("0", "0.2.1"), text the step that leads to it, fields id, depth, before (the state
that the step starts from), state (null until a model has made it), terminal, answer, reward (null until judged),
visits, value (the sum of the rewards backed up through it) and lost.
"""

from dataclasses import dataclass, field
from math import inf, log, sqrt
from statistics import fmean
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, first_cause, ok_of, reply

ROOT = "0"
START = "Nothing has been done yet."


@pure
def root_state() -> Reply:
    """Where the search starts: nothing has been done."""
    return reply(key=ROOT, data=_node(ROOT, 0, "") | {"state": START})


def _node(name: str, depth: int, before: str) -> dict[str, Any]:
    """A node that nobody has tried."""
    made: dict[str, Any] = {"id": name, "depth": depth, "before": before, "state": None, "terminal": False}
    return made | {"answer": "", "reward": None, "visits": 0, "value": 0.0, "lost": ""}


@pure
def planted(root: Replies, steps: Replies, branch: int) -> Replies:
    """The tree of the root and its children."""
    return [root[0], *_children(root[0], steps, branch)]


def _children(node: Reply, steps: Replies, branch: int) -> Replies:
    """At most `branch` different next steps, in order."""
    texts = distinct(s for e in ok_of(steps) for s in e.data()["steps"])
    data = node.data()
    return [
        reply(text, key=f"{node.key}.{n}", data=_node(f"{node.key}.{n}", data["depth"] + 1, data["state"]))
        for n, text in enumerate(texts[:branch], 1)
    ]


@dataclass
class _Tree:
    """The nodes by key, and how often and how well each was visited, virtual visits included."""

    nodes: dict[str, Reply]
    visits: dict[str, int] = field(default_factory=dict)
    value: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Replies) -> "_Tree":
        by_key = {n.key: n for n in nodes}
        data = {k: n.data() for k, n in by_key.items()}
        return cls(by_key, {k: d["visits"] for k, d in data.items()}, {k: d["value"] for k, d in data.items()})

    def children(self, key: str) -> list[str]:
        depth = key.count(".") + 1
        return [k for k in self.nodes if k.startswith(f"{key}.") and k.count(".") == depth]

    def leaf(self, c: float) -> str:
        """From the root down: an untried child first, else the one with the highest UCT; the earlier of those alike."""
        key = ROOT
        while children := self.children(key):
            key = max(children, key=lambda k: self._uct(k, key, c))
        return key

    def _uct(self, key: str, parent: str, c: float) -> float:
        if not self.visits[key]:
            return inf
        mean = self.value[key] / self.visits[key]
        return mean + c * sqrt(log(max(self.visits[parent], 1)) / self.visits[key])

    def visited(self, key: str, value: float) -> None:
        """One visit along the whole path to a node."""
        for name in path_to(key):
            self.visits[name] += 1
            self.value[name] += value

    def rewards(self, key: str) -> list[float]:
        """The rewards that are known along the path to a node."""
        found = (self.nodes[k].data()["reward"] for k in path_to(key))
        return [r for r in found if r is not None]


def path_to(key: str) -> list[str]:
    """The nodes from the root to this one."""
    parts = key.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)]


@pure
def selected(tree: Replies, width: int, c: float) -> Replies:
    """The leaves of the next `width` simulations; a virtual loss drives each away from those chosen before it.

    A leaf that was chosen more than once stands once, with its `times`.
    """
    search, chosen = _Tree.of(tree), list[str]()
    for _ in range(width):
        chosen.append(search.leaf(c))
        search.visited(chosen[-1], 0.0)
    return [
        search.nodes[k].but(data={**search.nodes[k].data(), "times": chosen.count(k)}) for k in dict.fromkeys(chosen)
    ]


@pure
def has_state(here: Replies) -> bool:
    """Whether a model has made the state of this node."""
    return here[0].data()["state"] is not None


@pure
def arrived(here: Replies, moved: Replies) -> Reply:
    """The node with the state that its step leads to. It is terminal only with an answer."""
    data = here[0].data()
    if not moved:
        return here[0].but(data={**data, "lost": ""})
    if not moved[0].ok:
        return here[0].but(data={**data, "lost": first_cause(moved)})
    said = moved[0].data()
    answer = said["answer"].strip()
    terminal = said["terminal"] is True and bool(normalised(answer))
    made = {"state": said["state"].strip(), "terminal": terminal, "answer": answer if terminal else "", "lost": ""}
    return here[0].but(data={**data, **made})


@pure
def not_to_judge(node: Replies) -> bool:
    """Whether there is nothing to judge: the node has a reward, or no state."""
    data = node[0].data()
    return data["reward"] is not None or data["state"] is None


@pure
def what_to_judge(node: Replies) -> str:
    """goal at a terminal state, else step."""
    return "goal" if node[0].data()["terminal"] else "step"


@pure
def not_to_expand(node: Replies, depth: int) -> bool:
    """Whether the path ends here: it is terminal, as deep as paths may be, or has no state."""
    data = node[0].data()
    return data["state"] is None or data["terminal"] or data["depth"] >= depth


@pure
def stepped(node: Replies, score: Replies, steps: Replies, branch: int) -> Slots:
    """The node with its reward and its children, and the first of them to go on with: greedy, as a rollout goes."""
    data = node[0].data()
    lost = data["lost"] or first_cause([*score, *steps])
    reward = float(score[0].data()["score"]) if ok_of(score) else data["reward"]
    here = node[0].but(data={**data, "reward": reward, "lost": lost})
    children = _children(here, steps, branch)
    return {"made": [here, *children], "here": children[:1]}


@pure
def climbed(here: Replies) -> bool:
    """Whether a simulation has come to its end."""
    return not here


@pure
def backed_up(tree: Replies, leaves: Replies, made: Replies) -> Replies:
    """The tree with what its simulations made, and the mean reward along each path backed up as often as it was chosen.

    A reward that could not be judged is left out of the mean; a path without any counts as 0.
    """
    nodes = {n.key: n for n in tree}
    fresh = {m.data()["id"]: m.but(key=m.data()["id"], at=[]) for m in ok_of(made)}
    search = _Tree.of(list((nodes | fresh).values()))
    for leaf in leaves:
        tried = [k for k, m in fresh.items() if k == leaf.key or k.startswith(f"{leaf.key}.")]
        ends = [k for k in tried if fresh[k].data()["reward"] is not None or fresh[k].data()["lost"]]
        end = max(ends, key=lambda k: k.count("."), default=leaf.key)
        rewards = search.rewards(end)
        for _ in range(leaf.data()["times"]):
            search.visited(end, fmean(rewards) if rewards else 0.0)
    return [_counted(search, n) for n in search.nodes.values()]


def _counted(search: _Tree, node: Reply) -> Reply:
    data = {k: v for k, v in node.data().items() if k != "times"}
    return node.but(data={**data, "visits": search.visits[node.key], "value": search.value[node.key]})


@pure
def search_over(tree: Replies, simulations: int, sure: float, times: int) -> bool:
    """Whether so many simulations are done, or a terminal state with a reward of `sure` was visited so many times."""
    data = [n.data() for n in tree]
    good = (d for d in data if d["terminal"] and (d["reward"] or 0.0) >= sure)
    return any(d["visits"] >= simulations for d in data if d["id"] == ROOT) or any(d["visits"] >= times for d in good)


@pure
def best_path(tree: Replies) -> Reply:
    """The path to answer along: of the answer whose completed paths have the largest sum of rewards, the best one.

    A tie goes to the answer with most visits, then to the earlier one. Without a completed path it is the most visited
    path, and `complete` is false. Fields: complete, answer, path (steps), table (answers with their sums), agreement.
    """
    search = _Tree.of(tree)
    votes: dict[str, list[str]] = {}
    for node in tree:
        if node.data()["terminal"] and node.data()["reward"] is not None:
            votes.setdefault(normalised(node.data()["answer"]), []).append(node.key)
    if not votes:
        key = ROOT
        while children := [k for k in search.children(key) if search.visits[k]]:
            key = max(children, key=lambda k: search.visits[k])
        return reply(key=key, data={"complete": False, "answer": "", "path": _steps(search, key), "table": []})
    worth = {k: fmean(search.rewards(k)) for keys in votes.values() for k in keys}
    rows = [_row(search, keys, worth) for keys in votes.values()]
    first = max(rows, key=lambda r: (round(r["sum"], 9), r["visits"]))
    best = max(first["nodes"], key=lambda k: worth[k])
    total = sum(r["sum"] for r in rows)
    data = {
        "complete": True,
        "answer": first["answer"],
        "path": _steps(search, best),
        "table": [{k: v for k, v in r.items() if k != "nodes"} for r in rows],
        "agreement": first["sum"] / total if total else 1 / len(rows),
    }
    return reply(first["answer"], key=best, data=data, score=worth[best])


def _row(search: _Tree, keys: list[str], worth: dict[str, float]) -> dict[str, Any]:
    return {
        "answer": search.nodes[keys[0]].data()["answer"],
        "sum": sum(worth[k] for k in keys),
        "paths": len(keys),
        "visits": sum(search.visits[k] for k in keys),
        "nodes": keys,
    }


def _steps(search: _Tree, key: str) -> list[dict[str, Any]]:
    nodes = [search.nodes[k] for k in path_to(key)[1:]]
    return [{"step": n.text, "state": n.data()["state"] or "", "reward": n.data()["reward"]} for n in nodes]


@pure
def is_complete(best: Replies) -> bool:
    """Whether a path reached an answer."""
    return best[0].data()["complete"] is True


@pure
def search_answer(best: Replies, written: Replies, tree: Replies) -> Reply:
    """The winning answer with its path, and the tree with visit counts; incomplete where no path was completed."""
    found = best[0].data()
    nodes = [n.data() | {"step": n.text} for n in tree]
    lost = [f"{d['id']}: {d['lost']}" for d in nodes if d["lost"]]
    steps = [f"{n}. {s['step']}" for n, s in enumerate(found["path"], 1)]
    text = "\n".join([found["answer"], "", *steps]) if found["complete"] else f"{INCOMPLETE}\n\n{written[0].text}"
    kept = ("id", "step", "reward", "visits", "terminal", "answer")
    data = {
        "final_answer": found["answer"],
        "path": found["path"],
        "answers": found["table"],
        "simulations": next(d["visits"] for d in nodes if d["id"] == ROOT),
        "tree": [{k: d[k] for k in kept} for d in nodes if d["visits"]],
        "lost": lost,
    }
    data |= {"agreement": found["agreement"]} if found["complete"] else {}
    outcome: Outcome = "incomplete" if not found["complete"] else "degraded" if lost else "answered"
    model = written[0].model if written else ""
    return reply(text, key="answer", data=data, score=best[0].score, model=model, outcome=outcome)


INCOMPLETE = "Incomplete: no line of reasoning reached its end. The most visited one leads to this."
