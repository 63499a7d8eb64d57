"""Evolution of a pattern's prompts: parents drawn from the front, minibatches, one node a child, merges, the front.

Source: Agrawal et al. 2025, GEPA (arXiv 2507.19457). A candidate is a reply: key p0 (the prompts as they are), p1 ...;
text the pattern with these prompts as JSON; fields prompts (by node), parents, node (the one that was changed), scores
(by example of the Pareto set) and mean.
"""

import random
from statistics import fmean
from typing import Any

from tasks.algorithms.prompt_nodes import nodes, traced, with_prompt
from tasks.algorithms.trials import by_example, mean_score
from tasks.algorithms.tried_patterns import to_try
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of, reply
from tasks.spec import GraphSpec
from utils.errors import SpecError

BASE = "p0"
LEAST_HELD = 5
"""Of fewer runs held out none could show a gain: the best p of four is 1/16. Of 20 to 24 a quarter is held out."""
MERGE_EVERY = 5


@pure
def split_runs(runs: Replies, seed: int) -> Slots:
    """The past runs as `feedback`, `pareto` and `held`: half, three in ten, a fifth (but LEAST_HELD up to a quarter).

    The sets are alike in their scores: of the runs in the order of their scores, those of one score by lot, each goes
    to the set that is furthest behind.
    """
    draw = random.Random(seed)  # noqa: S311 (a draw that a replay repeats)
    lots = sorted(((float(r.data().get("score", 0.0)), draw.random(), r) for r in runs), key=lambda lot: lot[:2])
    held = max(min(LEAST_HELD, len(runs) // 4), len(runs) // 5)
    pareto = len(runs) * 3 // 10
    wanted = {"feedback": len(runs) - held - pareto, "pareto": pareto, "held": held}
    dealt: Slots = {name: [] for name in wanted}
    for place, (_, _, run) in enumerate(lots, 1):
        behind = max(wanted, key=lambda name: wanted[name] * place / len(runs) - len(dealt[name]))
        dealt[behind].append(_example(run, place))
    return dealt


def _example(run: Reply, number: int) -> Reply:
    asked = {"prompt": run.text, "expected": str(run.data().get("expected", ""))}
    return reply(run.text, key=f"r{number}", data=asked)


@pure
def as_they_are(pattern: Replies, most_calls: int) -> Reply:
    """The pattern with the prompts that it has. Fails the run for one that cannot be tried, or has no prompts."""
    spec = to_try(pattern[0].text, "target", most_calls)
    if not nodes(spec):
        raise Refuse(f"--target: '{spec.id}' has no prompts of its own to improve")
    return _candidate(BASE, traced(spec), [], "")


def _candidate(key: str, spec: GraphSpec, parents: list[str], node: str) -> Reply:
    data = {"pattern": spec.id, "prompts": nodes(spec), "parents": parents, "node": node, "scores": {}, "mean": None}
    return reply(spec.to_json(), key=key, data=data)


@pure
def first_pool(base: Replies, scored: Replies) -> Replies:
    """The pool of the prompts as they are. Fails the run where no run of them could be scored."""
    if not by_example(scored):
        raise Refuse(f"no run of the Pareto set could be scored: {scored[0].data()['reason'] if scored else 'no runs'}")
    return [_scored(base[0], scored)]


def _scored(candidate: Reply, scored: Replies) -> Reply:
    found = {e: fmean(s) for e, s in by_example(scored).items()}
    mean = mean_score(scored)
    return candidate.but(score=mean, data={**candidate.data(), "scores": found, "mean": mean})


def items_won(pool: Replies) -> dict[str, int]:
    """On how many examples each candidate is the best, or one of the best; those that are on none are not there."""
    scores = {c.key: c.data()["scores"] for c in pool}
    won: dict[str, int] = {}
    for example in dict.fromkeys(e for own in scores.values() for e in own):
        best = max(own[example] for own in scores.values() if example in own)
        for key, own in scores.items():
            if own.get(example) == best:
                won[key] = won.get(key, 0) + 1
    return won


@pure
def drawn_parents(pool: Replies, seed: int) -> Slots:
    """The `parent`, drawn from the front by the examples won, and `second`, another one, drawn in the same way."""
    draw = random.Random(seed)  # noqa: S311 (a draw that a replay repeats)
    won = items_won(pool)
    front = [c for c in pool if c.key in won]
    parent = _drawn(draw, front, won)
    return {"parent": parent, "second": _drawn(draw, [c for c in front if c != parent[0]], won)}


def _drawn(draw: random.Random, front: Replies, won: dict[str, int]) -> Replies:
    return draw.choices(front, [won[c.key] for c in front]) if front else []


@pure
def minibatch(feedback: Replies, size: int, seed: int) -> Replies:
    """So many runs of the feedback set, drawn anew in each generation."""
    return random.Random(seed).sample(feedback, min(size, len(feedback)))  # noqa: S311 (a draw that a replay repeats)


@pure
def node_in_turn(parent: Replies, turn: int) -> Reply:
    """The node whose prompt is to change, one after another over the generations that do not merge."""
    prompts = parent[0].data()["prompts"]
    name = list(prompts)[(turn - turn // MERGE_EVERY - 1) % len(prompts)]
    return reply(prompts[name], key=name)


@pure
def merged(parent: Replies, second: Replies, pool: Replies, turn: int) -> Replies:
    """In every fifth generation both parents in one: for each node the prompt of whichever changed it.

    Where both did, that of the one with the higher mean; nothing where that is what is there already.
    """
    if turn % MERGE_EVERY or not second:
        return []
    base, better = pool[0].data()["prompts"], max([parent[0], second[0]], key=lambda c: c.data()["mean"])
    other = second[0] if better is parent[0] else parent[0]
    mine, its = better.data()["prompts"], other.data()["prompts"]
    prompts = {n: mine[n] if mine[n] != base[n] else its[n] for n in base}
    if any(c.data()["prompts"] == prompts for c in pool):
        return []
    spec = GraphSpec.from_json(parent[0].text)
    for node, prompt in prompts.items():
        spec = with_prompt(spec, node, prompt)
    return [_candidate(f"p{turn}", spec, [parent[0].key, second[0].key], "")]


@pure
def child(parent: Replies, node: Replies, revised: Replies, merged: Replies, pool: Replies, turn: int) -> Slots:
    """The `child` of this generation: the merge, else the parent with one new prompt; or why there is none."""
    if merged:
        return {"child": merged, "problem": []}
    if not ok_of(revised):
        return {"child": [], "problem": [reply(first_cause(revised) or "there was nothing to go by")]}
    try:
        spec = with_prompt(GraphSpec.from_json(parent[0].text), node[0].key, revised[0].data()["prompt"])
    except SpecError as error:
        return {"child": [], "problem": [reply(error.message)]}
    made = _candidate(f"p{turn}", spec, [parent[0].key], node[0].key)
    if any(c.data()["prompts"] == made.data()["prompts"] for c in pool):
        return {"child": [], "problem": [reply("the very same prompts are there already")]}
    return {"child": [made], "problem": []}


@pure
def that_beats(child: Replies, before: Replies, after: Replies) -> Replies:
    """The child, if its sum over the minibatch is higher than its parent's on the runs that both have a score of."""
    old, new = by_example(before), by_example(after)
    both = old.keys() & new.keys()
    return child if sum(fmean(new[e]) for e in both) > sum(fmean(old[e]) for e in both) else []


@pure
def next_generation(
    pool: Replies,
    child: Replies,
    problem: Replies,
    accepted: Replies,
    before: Replies,
    after: Replies,
    scored: Replies,
    lesson: Replies,
    turn: int,
) -> Slots:
    """The pool with the child where it joins, and the generation's `row`: whether the front has a new member."""
    joined = [_scored(accepted[0], scored)] if accepted else []
    grown = [*pool, *joined]
    made = child[0].data() if child else {}
    data: dict[str, Any] = {
        "generation": turn,
        "parents": made.get("parents", []),
        "node": made.get("node", ""),
        "rule": ok_of(lesson)[0].data()["rule"] if ok_of(lesson) else "",
        "before": mean_score(before),
        "after": mean_score(after) if child else None,
        "joined": [j.key for j in joined],
        "new_in_front": bool(joined) and joined[0].key in items_won(grown),
        "runs": len(before) + len(after) + len(scored),
        "problem": problem[0].text if problem else "",
    }
    return {"pool": grown, "row": [reply(key=f"g{turn}", data=data)]}


@pure
def evolved(log: Replies, pareto: Replies, spent: Replies, cap: Replies, runs: int, still: int, share: float) -> bool:
    """Whether so many runs are made, so many generations brought no new front member, or the money's share is spent."""
    last = [r.data()["new_in_front"] for r in log[-still:]]
    if len(pareto) + sum(r.data()["runs"] for r in log) >= runs or (len(last) == still and not any(last)):
        return True
    usd = cap[0].data()["usd"]
    return usd is not None and spent[0].data()["cost"] >= share * usd


@pure
def finalists(pool: Replies, most: int) -> Replies:
    """The prompts as they are, and of the front so many others with the highest mean; nobody where nothing is new."""
    won = items_won(pool)
    others = sorted((c for c in pool[1:] if c.key in won), key=lambda c: -c.data()["mean"])[:most]
    return [pool[0], *others] if others else []
