"""Graph of thoughts: parts solved apart, merged in pairs as a binary tree, and the weakest part opened once more.

Source: Besta et al. 2023 (arXiv 2308.09687). A thought is a reply: its fields are operation, parents, score (0..10, or
null where nobody could give one), runner_up (the second-best sample) and lost (why calls of its making failed).
"""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.sections import section
from tasks.algorithms.supplied_code import code_call
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

PERFECT = 10.0
AGAIN = "'"
"""Marks a thought that was made once more: p3 becomes p3'."""


@pure
def parts(split: Replies) -> Replies:
    """The sub-inputs, each once, keyed p1, p2 ...; field `part` too."""
    texts = distinct(p for s in ok_of(split) for p in s.data()["parts"])
    return [reply(t, key=f"p{n}", data={"part": t, "parents": []}) for n, t in enumerate(texts, 1)]


@pure
def to_score(thoughts: Replies, metric: Replies) -> Slots:
    """Who scores the thoughts that succeeded: `calls` run the metric where there is one, else `judge` has them all."""
    good = ok_of(thoughts)
    if not metric:
        return {"calls": [], "judge": good}
    return {
        "calls": [code_call(f"{metric[0].text}\n\nfinal_answer(float(score({t.text!r})))\n") for t in good],
        "judge": [],
    }


def _scores(measured: Replies, judged: Replies) -> dict[int, float]:
    """Scores by place among the thoughts that were scored. A thought on which the metric fails is worth 0."""
    found = {m.at[0]: _measure(m) for m in measured}
    return found or {j.at[0]: float(j.data()["score"]) for j in ok_of(judged)}


def _measure(measured: Reply) -> float:
    value = measured.data().get("final") if measured.ok else None
    number = float(value) if isinstance(value, int | float) and isfinite(value) else 0.0
    return min(PERFECT, max(0.0, number))


@pure
def best_thought(task: Replies, samples: Replies, measured: Replies, judged: Replies, operation: str) -> Reply:
    """The sample with the highest score, of those alike the earliest, one without a score last. Fails without any."""
    good, scores = ok_of(samples), _scores(measured, judged)
    lost = [*causes(samples), *causes(judged)]
    if not good:
        raise Refuse(f"{task[0].key}: no sample succeeded: {'; '.join(lost)}")
    order = sorted(range(len(good)), key=lambda n: (-scores.get(n, -1.0), n))
    second = {"text": good[order[1]].text, "score": scores.get(order[1])} if len(order) > 1 else None
    data = {
        "operation": operation,
        "parents": task[0].data()["parents"],
        "score": scores.get(order[0]),
        "runner_up": second,
        "revised": 0,
        "lost": lost,
    }
    return reply(good[order[0]].text, key=task[0].key, data=data, model=good[order[0]].model)


@pure
def nothing_to_improve(thought: Replies, critiques: Replies) -> bool:
    """Whether the score is full, or the last critique has no point or failed."""
    return thought[0].data()["score"] == PERFECT or bool(critiques and no_points(critiques))


@pure
def no_points(critiques: Replies) -> bool:
    """Whether the last critique has no point to make, or there is none."""
    last = critiques[-1:]
    return not (last and last[0].ok and last[0].data()["points"])


@pure
def kept_if_better(thought: Replies, critique: Replies, revised: Replies, measured: Replies, judged: Replies) -> Reply:
    """The revision where its score is higher than the thought's, else the thought; an unscored thought gains by any."""
    old = thought[0].data()
    score = _scores(measured, judged).get(0)
    lost = {"lost": [*old["lost"], *causes([*critique, *revised, *judged])]}
    if score is None or score <= (-1.0 if old["score"] is None else old["score"]):
        return thought[0].but(data={**old, **lost})
    return thought[0].but(
        text=ok_of(revised)[0].text, data={**old, **lost, "score": score, "revised": old["revised"] + 1}
    )


@pure
def pairs_to_merge(level: Replies, graph: Replies, turn: int) -> Replies:
    """Neighbours of a level in pairs, but for those whose merge is in the graph: fields left, right and parents."""
    made = _by_parents(graph)
    tasks = []
    for n, (one, other) in enumerate(_pairs(level), 1):
        if (one.key, other.key) not in made:
            key = f"m{turn}.{n}"
            taken = any(g.key == key for g in graph)
            data = {"left": one.text, "right": other.text, "parents": [one.key, other.key]}
            tasks.append(reply(key=f"{key}{AGAIN}" if taken else key, data=data))
    return tasks


def _pairs(level: Replies) -> list[tuple[Reply, Reply]]:
    return list(zip(level[::2], level[1::2], strict=False))


def _by_parents(graph: Replies) -> dict[tuple[str, ...], Reply]:
    return {tuple(g.data()["parents"]): g for g in graph if g.data()["parents"]}


@pure
def merges_to_redo(pairs: Replies, merged: Replies, level: Replies) -> Replies:
    """The pairs whose merge scores below the weaker parent, as they stand with the parents' second-best samples."""
    nodes, made = {t.key: t.data() for t in level}, {m.key: m.data()["score"] for m in ok_of(merged)}
    again = []
    for pair in pairs:
        left, right = (nodes[p] for p in pair.data()["parents"])
        scores = [made.get(pair.key), left["score"], right["score"]]
        if None in scores or scores[0] >= min(scores[1:]) or not (left["runner_up"] or right["runner_up"]):
            continue
        data = pair.data()
        seconds = {
            s: n["runner_up"]["text"] if n["runner_up"] else data[s] for s, n in (("left", left), ("right", right))
        }
        again.append(pair.but(data={**data, **seconds}))
    return again


@pure
def next_level(level: Replies, graph: Replies, pairs: Replies, merged: Replies, redone: Replies) -> Slots:
    """`level` after its merges, an odd thought moved up unchanged; `made` joins the graph; `lost` could not be merged.

    Of a merge and its redoing the better one counts. Where a merge failed, its better parent moves up alone.
    """
    known, new = _by_parents(graph), {}
    for pair in pairs:
        tries = [t for t in ok_of([*merged, *redone]) if t.key == pair.key]
        if tries:
            best = max(tries, key=_rank)
            redo = {"redone": len(tries) > 1, "from_second_best": len(tries) > 1 and best is tries[1]}
            why = [*best.data()["lost"], *causes(r for r in redone if r.key == pair.key)]
            new[tuple(pair.data()["parents"])] = best.but(data={**best.data(), **redo, "lost": why})
    above, lost = [], []
    for one, other in _pairs(level):
        joint = new.get((one.key, other.key)) or known.get((one.key, other.key))
        up = joint or max((one, other), key=_rank)
        above.append(up)
        if joint is None:
            cause = next((m.cause for m in merged if not m.ok and m.key in _keys_of(pairs, one, other)), "no merge")
            left = other if up is one else one
            lost.append(reply(f"{left.key} is missing: its merge with {up.key} failed: {cause}", key=left.key))
    return {"level": above + (level[-1:] if len(level) % 2 else []), "made": list(new.values()), "lost": lost}


def _rank(thought: Reply) -> float:
    score = thought.data()["score"]
    return -1.0 if score is None else float(score)


def _keys_of(pairs: Replies, one: Reply, other: Reply) -> list[str]:
    return [p.key for p in pairs if p.data()["parents"] == [one.key, other.key]]


@pure
def solved_parts(solved: Replies) -> Replies:
    """The thoughts of the parts that were solved. Fails the run where none was."""
    good = ok_of(solved)
    if not good:
        raise Refuse(f"no part was solved: {'; '.join(causes(solved)) or 'there was none'}")
    return good


@pure
def one_left(level: Replies) -> bool:
    """Whether nothing is left to merge."""
    return len(level) <= 1


@pure
def part_to_reopen(parts: Replies, level: Replies, graph: Replies, below: float) -> Replies:
    """The part that the final thought rests on with the lowest score, the earliest of those alike.

    Nothing where the final score is `below` or more, or unknown.
    """
    final = level[0].data()["score"] if level else None
    if final is None or final >= below:
        return []
    used = [g for g in graph if not g.data()["parents"] and g.key in _ancestors(level[0], graph)]
    scored = [g for g in used if g.data()["score"] is not None]
    weakest = min(scored, key=_rank, default=None)
    return [p for p in parts if weakest is not None and p.key == weakest.key]


def _ancestors(thought: Reply, graph: Replies) -> set[str]:
    by_key = {g.key: g for g in graph}
    found, queue = {thought.key}, list(thought.data()["parents"])
    while queue:
        found.add(key := queue.pop())
        queue += by_key[key].data()["parents"] if key in by_key else []
    return found


@pure
def reopened(first: Replies, again: Replies) -> Slots:
    """The thoughts of the parts with the one that was solved anew in its place, if its score is higher: then `level` is
    to be merged again, and `made` joins the graph; else both are empty."""
    new = {a.key: a.but(key=f"{a.key}{AGAIN}") for a in ok_of(again)}
    better = {t.key: new[t.key] for t in first if t.key in new and _rank(new[t.key]) > _rank(t)}
    return {"level": [better.get(t.key, t) for t in first] if better else [], "made": list(better.values())}


@pure
def graph_answer(
    first: Replies, second: Replies, graph: Replies, solved: Replies, lost: Replies, again: Replies
) -> Slots:
    """The final thought with its graph, a node a thought; the second pass counts where its score is higher.

    A part that is missing in it makes it incomplete, and that comes first; without a score it is unchecked.
    """
    final = max([*first[:1], *second[:1]], key=_rank)
    used = _ancestors(final, graph)
    missing = [*causes(solved), *(m.text for m in lost if m.key not in used)]
    failed_calls = [c for g in graph for c in g.data()["lost"]] + causes(again)
    score = final.data()["score"]
    nodes = [_node(g, g.key in used) for g in graph]
    data: dict[str, Any] = {
        "score": score,
        "graph": nodes,
        "final": final.key,
        "missing": missing,
        "reopened": [a.key for a in again],
        "lost": failed_calls,
    }
    if score is not None:
        data["quality"] = score / PERFECT
    outcome: Outcome = "answered"
    if missing:
        outcome = "incomplete"
    elif score is None:
        outcome = "unchecked"
    elif failed_calls:
        outcome = "degraded"
    head = ["Incomplete: not all parts are in this result.", *section("Missing", missing), ""] if missing else []
    answer = reply("\n".join([*head, final.text]), key="answer", data=data, model=final.model, outcome=outcome)
    return {"answer": [answer], "graph": [reply("\n".join(_lines(nodes)), key="graph", data={"nodes": nodes})]}


def _node(thought: Reply, used: bool) -> dict[str, Any]:
    data = thought.data()
    kept = {k: data.get(k, False) for k in ("operation", "parents", "score", "revised", "redone", "from_second_best")}
    return {"id": thought.key, "text": thought.text, "used": used, **kept}


def _lines(nodes: Sequence[dict[str, Any]]) -> list[str]:
    shown = []
    for n in nodes:
        score = "not scored" if n["score"] is None else f"score {n['score']:g}"
        source = f" from {' and '.join(n['parents'])}" if n["parents"] else ""
        shown.append(f"{n['id']}: {n['operation']}{source}, {score}{'' if n['used'] else ', not in the result'}")
    return shown
