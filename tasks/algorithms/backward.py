"""Backward chaining: a tree of goals, proved from facts and rules depth first, with results kept by normalised goal.

A node is a reply: key is its path ("0", "0.r3.1": the first subgoal of rule r3 of the root), text the goal, fields its
parent, rule, depth, verdict ("" while it is open), facts and why. A rule that was selected for a goal is a field of
that goal: its subgoals and whether its consequent asserts or negates the goal.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, first_cause, ok_of, reply

SUPPORTED, REFUTED, UNKNOWN = "supported", "refuted", "unknown"
ROOT = "0"


@pure
def knowledge(extracted: Replies) -> Slots:
    """Facts f1..fn and rules r1..rn, each once, and the root of the search: the goal."""
    data = extracted[0].data()
    facts = distinct(data["facts"])
    rules = {normalised(f"{r['if']} > {r['then']}"): r for r in data["rules"] if r["if"].strip() and r["then"].strip()}
    root = {**_OPEN, "parent": "", "rule": "", "depth": 0}
    return {
        "facts": [reply(t, key=f"f{n}", data={"id": f"f{n}", "fact": t}) for n, t in enumerate(facts, 1)],
        "rules": [
            reply(
                f"if {r['if'].strip()} then {r['then'].strip()}",
                key=f"r{n}",
                data={"id": f"r{n}", "if": r["if"].strip(), "then": r["then"].strip()},
            )
            for n, r in enumerate(rules.values(), 1)
        ],
        "nodes": [reply(data["goal"].strip(), key=ROOT, data=root)],
    }


@lru_cache(maxsize=4096)
def _form(goal: str) -> str:
    return normalised(goal)


class _Tree:
    """The nodes of a search, and what follows from those that were visited."""

    def __init__(self, nodes: Replies) -> None:
        self.nodes = {n.key: {**n.data(), "goal": n.text, "form": _form(n.text)} for n in nodes}
        self.cached: dict[str, str] = {}
        self._settled: dict[str, str] = {}
        while (found := self._results()) != self.cached:
            self.cached, self._settled = found, {}

    def _results(self) -> dict[str, str]:
        """Verdict by normalised goal: proofs, disproofs, and an unknown that no bound, cycle or failure cut short."""
        found: dict[str, str] = {}
        for key, node in self.nodes.items():
            verdict = self.settled(key) if node["verdict"] else ""
            if verdict in (SUPPORTED, REFUTED) or (verdict == UNKNOWN and not self.is_cut(key)):
                found.setdefault(node["form"], verdict)
        return found

    def above(self, key: str) -> Iterator[dict[str, Any]]:
        """The nodes on the path to this one, the nearest first."""
        while key := self.nodes[key]["parent"]:
            yield self.nodes[key]

    def on_path(self, key: str) -> bool:
        """Whether the same goal stands above this node."""
        return any(node["form"] == self.nodes[key]["form"] for node in self.above(key))

    def settled(self, key: str) -> str:
        """The verdict of a node; empty while it is open."""
        if key not in self._settled:
            self._settled[key] = self._verdict(key)
        return self._settled[key]

    def _verdict(self, key: str) -> str:
        node = self.nodes[key]
        if node["verdict"] in (SUPPORTED, REFUTED):
            return str(node["verdict"])
        if self.on_path(key):
            return UNKNOWN
        if not node["verdict"]:
            return self.cached.get(node["form"], "")
        return next((said for rule in node["rules"] if (said := self.by_rule(key, rule)) != UNKNOWN), UNKNOWN)

    def by_rule(self, key: str, rule: dict[str, Any]) -> str:
        """What a rule makes of a goal: its sign where all its subgoals are supported; empty while one is open."""
        if rule["sign"] not in (SUPPORTED, REFUTED) or not rule["subgoals"]:
            return UNKNOWN
        verdict = next((v for k in subgoals_of(key, rule) if (v := self.settled(k)) != SUPPORTED), SUPPORTED)
        return str(rule["sign"]) if verdict == SUPPORTED else UNKNOWN if verdict else ""

    def is_cut(self, key: str) -> bool:
        """Whether a bound, a cycle or a failed call stands at or below a node."""
        node = self.nodes[key]
        below = (k for rule in node["rules"] for k in subgoals_of(key, rule))
        return bool(node["why"] or node["lost"]) or self.on_path(key) or any(self.is_cut(k) for k in below)

    def next_open(self, key: str = ROOT) -> str:
        """The first open node, depth first; empty where nothing is open that could still settle the root."""
        if self.settled(key):
            return ""
        node = self.nodes[key]
        if not node["verdict"]:
            return key
        rule = next(r for r in node["rules"] if not self.by_rule(key, r))
        return self.next_open(next(k for k in subgoals_of(key, rule) if not self.settled(k)))


def subgoals_of(key: str, rule: dict[str, Any]) -> list[str]:
    """The nodes of a rule's subgoals."""
    return [f"{key}.{rule['id']}.{n}" for n in range(1, len(rule["subgoals"]) + 1)]


@pure
def next_goal(nodes: Replies) -> Reply:
    """The goal to look at next: depth first, rules and subgoals in order; what is settled is not looked at again."""
    key = _Tree(nodes).next_open()
    return next((n for n in nodes if n.key == key), reply(key="", status="skipped", cause="nothing is open"))


@pure
def root_settled(nodes: Replies) -> bool:
    """Whether the root is proved, disproved or out of rules."""
    return bool(_Tree(nodes).settled(ROOT))


@pure
def fact_verdict(goal: Replies, check: Replies, facts: Replies) -> Reply:
    """What the facts say of a goal. A verdict that names no fact that there is, or whose check failed, is unknown."""
    lost, said = first_cause(check), check[0].data() if check and check[0].ok else {}
    ids = [i for i in dict.fromkeys(said.get("facts", [])) if i in {f.key for f in facts}]
    verdict = said.get("verdict", UNKNOWN) if ids else UNKNOWN
    return reply(goal[0].text, key=goal[0].key, data={"verdict": verdict, "facts": ids, "lost": lost})


@pure
def needs_no_rules(goal: Replies, verdict: Replies, rules: Replies, depth: int) -> bool:
    """Whether the facts settled the goal, there is no rule, or the goal stands as deep as goals may."""
    return verdict[0].data()["verdict"] != UNKNOWN or not rules or goal[0].data()["depth"] >= depth


@pure
def selected_rules(selection: Replies, rules: Replies, most: int) -> Replies:
    """The rules that were selected, the shortest antecedent first, at most `most`."""
    named = {i for s in ok_of(selection) for i in s.data()["rules"]}
    chosen = sorted((r for r in rules if r.key in named), key=lambda r: len(r.data()["if"].split()))
    return chosen[:most]


@pure
def grown(
    nodes: Replies,
    goal: Replies,
    verdict: Replies,
    rules: Replies,
    selection: Replies,
    selected: Replies,
    antecedents: Replies,
    signs: Replies,
    depth: int,
    subgoals: int,
) -> Replies:
    """The tree after one goal was looked at: its verdict by the facts, its rules, and their subgoals as open nodes."""
    here, found = goal[0], verdict[0].data()
    tried = [_tried(rule, antecedents, signs, subgoals) for rule in selected]
    lost = [found["lost"], first_cause(selection), *(t["lost"] for t in tried)]
    deep = found["verdict"] == UNKNOWN and bool(rules) and here.data()["depth"] >= depth
    data = {
        **here.data(),
        "verdict": found["verdict"],
        "facts": found["facts"],
        "why": "depth" if deep else "",
        "rules": tried,
        "lost": next((cause for cause in lost if cause), ""),
    }
    made = [
        reply(text, key=f"{here.key}.{t['id']}.{n}", data={**_OPEN, **_below(here, str(t["id"]))})
        for t in tried
        for n, text in enumerate(t["subgoals"], 1)
    ]
    return [*(n.but(data=data) if n.key == here.key else n for n in nodes), *made]


def _below(above: Reply, rule: str) -> dict[str, object]:
    return {"parent": above.key, "rule": rule, "depth": above.data()["depth"] + 1}


def _tried(rule: Reply, antecedents: Replies, signs: Replies, most: int) -> dict[str, Any]:
    parts = next((a for a in antecedents if a.key == rule.key), None)
    sign = next((s for s in signs if s.key == rule.key), None)
    goals = [g.strip() for g in parts.data()["subgoals"] if g.strip()][:most] if parts and parts.ok else []
    said = sign.data()["sign"] if sign and sign.ok else UNKNOWN
    verdict = {"asserts": SUPPORTED, "negates": REFUTED}.get(said, UNKNOWN)
    lost = first_cause([r for r in (parts, sign) if r is not None])
    return {"id": rule.key, "text": rule.text, "subgoals": goals, "sign": verdict, "lost": lost}


@pure
def proof_answer(nodes: Replies, facts: Replies, rules: Replies, ended: Replies) -> Reply:
    """proved, disproved or unknown, with the proof tree; an unknown that a bound cut short is incomplete."""
    tree = _Tree(nodes)
    verdict = tree.settled(ROOT)
    visited = [n for n in nodes if n.data()["verdict"]]
    lost = [f"{n.key}: {n.data()['lost']}" for n in visited if n.data()["lost"]]
    cut = not verdict or any(n.data()["why"] for n in visited)
    said = {SUPPORTED: "proved", REFUTED: "disproved"}.get(verdict, "unknown")
    texts = {one.key: one.text for one in (*facts, *rules)}
    proof = _proof(tree, ROOT, texts, 0) if said != "unknown" else []
    incomplete = said == "unknown" and cut
    outcome: Outcome = "answered"
    if said == "unknown":
        outcome = "incomplete" if incomplete else "degraded" if lost else "undecided"
    head = f"{nodes[0].text}: {said}"
    why = ["", *proof] if proof else ["", _unknown(incomplete, len(visited))]
    data = {
        "goal": nodes[0].text,
        "final_answer": said,
        "nodes_visited": len(visited),
        "incomplete": incomplete,
        "proof": proof,
        "facts": [f.data() for f in facts],
        "rules": [r.data() for r in rules],
        "tree": [
            {
                "node": n.key,
                "goal": n.text,
                "verdict": tree.settled(n.key),
                "facts": n.data()["facts"],
                "rules": [r["id"] for r in n.data()["rules"]],
            }
            for n in nodes
        ],
        "turns": ended[0].data()["turns"],
        "lost": lost,
    }
    return reply("\n".join([head, *why]), key="answer", data=data, outcome=outcome)


def _unknown(incomplete: bool, visited: int) -> str:
    if incomplete:
        return f"The search reached its bound after {visited} goals, so nothing is settled."
    return f"The facts and rules neither prove nor disprove it ({visited} goals were looked at)."


def _proof(tree: _Tree, key: str, texts: dict[str, str], indent: int) -> list[str]:
    """The lines that settle a node: by its facts, by a rule and its subgoals, or as a goal that was settled before."""
    node, pad = tree.nodes[key], "  " * indent
    verdict = tree.settled(key)
    if node["facts"] and node["verdict"] == verdict:
        shown = "; ".join(f"{i}: {texts[i]}" for i in node["facts"])
        return [f"{pad}- {node['goal']} [{verdict} by {shown}]"]
    for rule in node["rules"]:
        if tree.by_rule(key, rule) == verdict:
            lines = [f"{pad}- {node['goal']} [{verdict} by {rule['id']}: {rule['text']}]"]
            return lines + [line for k in subgoals_of(key, rule) for line in _proof(tree, k, texts, indent + 1)]
    return [f"{pad}- {node['goal']} [{verdict}, as shown for the same goal]"]


_OPEN: dict[str, object] = {"verdict": "", "facts": [], "why": "", "rules": [], "lost": ""}
