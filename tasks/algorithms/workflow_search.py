"""A search over workflows: which one is changed next, what came of the change, the front, and who wins on the test.

A node is a reply: key g0 (the simplest workflow), g1 ...; text its specification as JSON; fields change (what was
changed), parent, blocks and answer (as they were written), digest, calls (at most), score and spread on the
validation set, cost (USD) and used (calls) of a trial, failures, and tried (the changes made to it, with their gain).
"""

import random
from math import ceil, exp
from statistics import fmean, pstdev
from typing import Any

from tasks.algorithms.trials import by_example, measures, worst
from tasks.algorithms.workflow_graphs import SIMPLEST, digest, written
from tasks.estimate import estimate
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply
from utils.errors import SpecError

ROOT = "g0"
BEST, STILL, FAILURES = 3, 5, 5
UNIFORM, ALPHA = 0.2, 0.4
"""The share of the uniform draw, and the sharpness of the other, by scores in points (AFlow)."""


@pure
def simplest(most_calls: int) -> Reply:
    """The node that the search starts from: one call."""
    return _node(ROOT, SIMPLEST, "answer", "the simplest workflow: one call", "", most_calls)


def _node(key: str, blocks: list[Any], answer: str, change: str, parent: str, most_calls: int) -> Reply:
    spec = written(blocks, answer, most_calls)
    data = {"change": change, "parent": parent, "blocks": blocks, "answer": answer, "digest": digest(spec)}
    return reply(spec.to_json(), key=key, data={**data, "calls": estimate(spec).most_calls, "tried": []})


@pure
def split_by_spread(examples: Replies, scored: Replies, share: float) -> Slots:
    """`validation`: the share of the examples whose scores vary most, of those alike the harder; `test`: the others."""
    scores = by_example(scored)

    def place(example: Reply) -> tuple[float, float]:
        own = scores.get(example.key, [0.0])
        return (-round(pstdev(own), 9), round(fmean(own), 9))

    chosen = {e.key for e in sorted(examples, key=place)[: ceil(share * len(examples))]}
    validation = [e for e in examples if e.key in chosen]
    return {"validation": validation, "test": [e for e in examples if e.key not in chosen]}


@pure
def planted(root: Replies, scored: Replies, validation: Replies) -> Reply:
    """The root as it did on the validation set."""
    return _measured(root[0], _on(scored, validation))


def _on(scored: Replies, examples: Replies) -> Replies:
    keys = {e.key for e in examples}
    return [s for s in scored if s.data()["example"] in keys]


def _measured(node: Reply, scored: Replies) -> Reply:
    found = measures(scored)
    own = {"score": found["score"], "spread": found["spread"], "cost": found["cost"], "used": found["calls"]}
    failures = {"failures": worst(scored, FAILURES), "unjudged": sum(s.data()["score"] is None for s in scored)}
    return node.but(score=found["score"], data={**node.data(), **own, **failures})


def _ranked(nodes: Replies) -> Replies:
    """The best score first, of those alike the cheapest, then the earliest."""
    return sorted(nodes, key=lambda n: (-round(n.data()["score"], 9), *_price(n)))


def _price(node: Reply) -> tuple[float, float]:
    """USD of a trial; where that says nothing its calls do."""
    data = node.data()
    return round(data["cost"], 9), round(data["used"], 9)


@pure
def selected(nodes: Replies, seed: int, most: int) -> Reply:
    """The workflow that is changed next: drawn among the best and the root, partly evenly, partly by score."""
    best = _ranked(nodes)[:most]
    pool = [*best, *(n for n in nodes if n.key == ROOT and n not in best)]
    highest = max(n.data()["score"] for n in pool)
    sharp = [exp(ALPHA * 100 * (n.data()["score"] - highest)) for n in pool]
    weights = [UNIFORM / len(pool) + (1 - UNIFORM) * s / sum(sharp) for s in sharp]
    return random.Random(seed).choices(pool, weights)[0]  # noqa: S311 (a draw that a replay repeats)


@pure
def admitted(proposed: Replies, parent: Replies, nodes: Replies, turn: int, most_calls: int) -> Slots:
    """`graph`: the proposed workflow where it may be tried; else `problem` says why not, with what was proposed."""
    if not ok_of(proposed):
        return {"graph": [], "problem": []}
    said = proposed[-1].data()
    try:
        node = _node(f"g{turn}", said["blocks"], said["answer"], said["change"], parent[0].key, most_calls)
    except SpecError as error:
        return {"graph": [], "problem": [reply(error.message, data=said)]}
    if any(n.data()["digest"] == node.data()["digest"] for n in nodes):
        return {"graph": [], "problem": [reply("the very same graph was tried before", data=said)]}
    return {"graph": [node], "problem": []}


@pure
def backed_up(
    nodes: Replies, parent: Replies, graph: Replies, scored: Replies, proposed: Replies, problem: Replies, turn: int
) -> Slots:
    """The workflows with the new one, the change and its gain at its parent; and the turn's `row`."""
    made = [_measured(graph[0], scored)] if graph else []
    said = ok_of(proposed)
    change = said[0].data()["change"] if said else ""
    gain = made[0].data()["score"] - parent[0].data()["score"] if made else None
    why = "" if made else first_cause(problem) or (problem[-1].text if problem else first_cause(proposed))
    known = [_with_change(n, change, gain, why) if n.key == parent[0].key and change else n for n in nodes]
    after = [*known, *made]
    top = [n.key for n in _ranked(after)[:BEST]]
    data = {"turn": turn, "parent": parent[0].key, "change": change, "gain": gain, "problem": why}
    data |= {"top": top, "still": top == [n.key for n in _ranked(nodes)[:BEST]], "made": [m.key for m in made]}
    return {"nodes": after, "row": [reply(change or why, key=f"t{turn}", data=data)]}


def _with_change(node: Reply, change: str, gain: float | None, problem: str) -> Reply:
    data = node.data()
    return node.but(data={**data, "tried": [*data["tried"], {"change": change, "gain": gain, "problem": problem}]})


@pure
def search_over(log: Replies, spent: Replies, cap: Replies, share: float) -> bool:
    """Whether the best three have not changed for five turns, or the search's share of the money is spent."""
    last = log[-STILL:]
    if len(last) == STILL and all(r.data()["still"] for r in last):
        return True
    usd = cap[0].data()["usd"]
    return usd is not None and spent[0].data()["cost"] >= share * usd


@pure
def front(nodes: Replies, most: int) -> Replies:
    """The workflows, but for the root, that no other beats in score at its price or in price at its score."""
    kept = [n for n in nodes if not any(_beats(o, n) for o in nodes)]
    return [n for n in _ranked(kept) if n.key != ROOT][:most]


def _beats(one: Reply, other: Reply) -> bool:
    mine, its = round(one.data()["score"], 9), round(other.data()["score"], 9)
    return mine >= its and _price(one) <= _price(other) and (mine, _price(one)) != (its, _price(other))


@pure
def contestants(front: Replies, rivals: Replies) -> Replies:
    """Who is run on the test set; nobody where there is no workflow beside the root."""
    return [*front, *rivals] if front else []


@pure
def tested(item: Replies, scored: Replies) -> Reply:
    """How one contestant did on the test set."""
    found = measures(scored)
    unjudged = sum(s.data()["score"] is None for s in scored)
    lost = [s.data()["lost"] for s in scored if s.data()["lost"]]
    data = {
        "score": found["score"],
        "cost": found["cost"],
        "used": found["calls"],
        "unjudged": unjudged,
        "lost": lost[:5],
    }
    return reply(item[0].key, key=item[0].key, score=found["score"], data=data)


@pure
def verdict(scored: Replies, test: Replies, results: Replies, front: Replies, least: float) -> Slots:
    """`winner`: of the front who does best on the test set, if so much better than the root and every rival.

    `table`: all who were tested, the root by its own runs. A rival that could not be tested lets nobody win.
    """
    root = measures(_on(scored, test))
    rows = [{"who": ROOT, "score": root["score"], "cost": root["cost"], "used": root["calls"], "lost": []}]
    rows += [{"who": r.key, **r.data()} for r in ok_of(results)]
    table = [reply(f"{r['who']}: {r['score']:.3f}", key=str(r["who"]), data=r) for r in rows]
    known, mine = {t.key: t for t in table}, {f.key for f in front}
    ranked = _ranked([known[f.key] for f in front if f.key in known])
    bar = max(t.data()["score"] for t in table if t.key not in mine)
    won = ranked and len(ok_of(results)) == len(results) and ranked[0].data()["score"] >= bar + least - 1e-9
    winner = [f for f in front if won and f.key == ranked[0].key]
    return {
        "winner": [_with_test(w, known[w.key], root["score"], bar) for w in winner],
        "table": table + _failed(results),
    }


def _with_test(winner: Reply, row: Reply, root: float, bar: float) -> Reply:
    data = winner.data()
    return winner.but(data={**data, "test": row.data()["score"], "test_root": root, "test_best_known": bar})


def _failed(results: Replies) -> Replies:
    return [r for r in results if not r.ok]
