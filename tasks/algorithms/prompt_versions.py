"""Versions of a pattern's prompts: proven on runs that no prompt has seen, approved, used, shadowed, and given up."""

import random
from difflib import unified_diff
from statistics import fmean
from typing import Any

from tasks.algorithms.paired import sign_flip_p
from tasks.algorithms.prompt_evolution import BASE
from tasks.algorithms.prompt_nodes import nodes, with_prompt
from tasks.algorithms.trials import by_example, mean_score
from tasks.functions import find_pattern, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, failed, first_cause, ok_of, reply
from tasks.spec import GraphSpec

VERSION = "prompt_version"
"""The kind of memory in which they are kept, and the signal of how they do beside the prompts before them."""
FEWEST, WORSE = 5, 0.5
"""From so many comparisons on a version with a mean below that is given up."""


@pure
def course(runs: Replies) -> str:
    """evolve where there are past runs to learn from, else serve."""
    return "evolve" if runs else "serve"


@pure
def current(base: Replies, stored: Replies, outcomes: Replies) -> Reply:
    """The pattern with its latest approved prompts that were not given up, else as it is.

    A version counts only while the pattern's own prompts are those that it came from. Field `version` is its id.
    """
    own, past = base[0].data(), {o.key: o.data() for o in outcomes}
    for one in ok_of(stored):
        fields, known = one.data()["fields"], past.get(one.key, {"uses": 0, "mean": 1.0})
        worse = known["uses"] >= FEWEST and known["mean"] < WORSE
        if (fields["pattern"], fields["own"]) == (own["pattern"], own["prompts"]) and not worse:
            spec = GraphSpec.from_json(base[0].text)
            for node, prompt in fields["prompts"].items():
                spec = with_prompt(spec, node, prompt)
            return base[0].but(text=spec.to_json(), data={**own, "prompts": nodes(spec), "version": one.key})
    return base[0].but(data={**own, "version": ""})


@pure
def shadow(base: Replies, current: Replies, share: float, seed: int) -> Replies:
    """The pattern as it came, for this share of the runs of a version of it; else nothing."""
    drawn = random.Random(seed).random() < share  # noqa: S311 (a draw that a replay repeats)
    return base if drawn and current[0].data()["version"] else []


@pure
def answers_to_compare(live: Replies, shadowed: Replies) -> Replies:
    """The live answer, then the shadow's, where both are there."""
    good = [*ok_of(live)[-1:], *ok_of(shadowed)[-1:]]
    return [reply(g.text, key=name) for g, name in zip(good, ("live", "shadow"), strict=True)] if len(good) == 2 else []


@pure
def shadow_outcome(pair: Replies, preferred: Replies, current: Replies) -> Replies:
    """What the comparison says of the version: 1 for the live answer, 0 for the shadow's, .5 for neither."""
    if not pair or not ok_of(preferred) or not preferred[0].data()["agreed"]:
        return []
    value = {"first": 1.0, "second": 0.0}.get(preferred[0].data()["preferred"], 0.5)
    return [reply(key=current[0].data()["version"], data={"value": value})]


@pure
def served(given: Replies, current: Replies, outcome: Replies) -> Reply:
    """The pattern's answer, with the version of the prompts that gave it."""
    if not given:
        return failed("the pattern gave no answer", key="answer")
    own = {"version": current[0].data()["version"], "shadowed": bool(outcome)}
    return given[-1].but(key="answer", data={**given[-1].data(), **own})


@pure
def held_out(item: Replies, scored: Replies) -> Reply:
    """How one finalist did on the runs held out."""
    lost = [s.data()["lost"] for s in scored if s.data()["lost"]]
    scores = {e: fmean(s) for e, s in by_example(scored).items()}
    return reply(item[0].key, key=item[0].key, data={"scores": scores, "mean": mean_score(scored), "lost": lost[:5]})


@pure
def proven(finalists: Replies, results: Replies, least: float, chance: float) -> Slots:
    """`winner`: the finalist with the best mean, if it gains so much over the prompts as they are, by a paired test.

    Only runs that both have a score of are compared. `table`: every finalist, with gain and p.
    """
    base = next((r for r in ok_of(results) if r.key == BASE), None)
    rows = [_row(r, base) for r in ok_of(results)] if base else []
    best = max(rows, key=lambda r: r.data()["mean"], default=None)
    won = best is not None and best.key != BASE
    won = won and best is not None and best.data()["gain"] >= least - 1e-9 and best.data()["p"] < chance
    winner = [f.but(data={**f.data(), **best.data()}) for f in finalists if won and best and f.key == best.key]
    return {"winner": winner, "table": [*rows, *(r for r in results if not r.ok)]}


def _row(result: Reply, base: Reply) -> Reply:
    mine, its = result.data()["scores"], base.data()["scores"]
    differences = [mine[e] - its[e] for e in its if e in mine]
    gain = fmean(differences) if differences else 0.0
    data = {"mean": result.data()["mean"], "gain": gain, "p": sign_flip_p(differences), "lost": result.data()["lost"]}
    return reply(result.key, key=result.key, data=data)


@pure
def difference(winner: Replies, current: Replies) -> Reply:
    """What a reviewer sees: the figures, and the changed prompts as a diff."""
    data, before = winner[0].data(), current[0].data()["prompts"]
    lines = [f"{100 * data['gain']:.1f} points more on the runs held out (p = {data['p']:.3f})."]
    for node, prompt in data["prompts"].items():
        if prompt != before[node]:
            old, new = before[node].splitlines(), prompt.splitlines()
            lines += ["", *unified_diff(old, new, f"{node} (now)", f"{node} (new)", lineterm="", n=2)]
    return reply("\n".join(lines))


@pure
def version(winner: Replies, said: Replies, current: Replies) -> Replies:
    """The prompts as they are remembered; nothing where none won, or the reviewer does not want them."""
    if not winner or not said or said[0].key != "adopt":
        return []
    data, pattern = winner[0].data(), current[0].data()["pattern"]
    own = nodes(find_pattern(pattern))
    changed = {n: p for n, p in data["prompts"].items() if p != own[n]}
    fields = {"pattern": pattern, "prompts": changed, "own": own, "gain": data["gain"], "p": data["p"]}
    return [reply(f"prompts of the pattern {pattern.replace('_', ' ')}", data=fields)]


@pure
def evolution_answer(
    pool: Replies, log: Replies, table: Replies, winner: Replies, said: Replies, stored: Replies, ended: Replies
) -> Reply:
    """What became of the prompts, with the pool, the generations, and whether a version is stored."""
    kept, won = ok_of(stored), winner[0].data() if winner else None
    rows = [t.data() | {"id": t.key} for t in ok_of(table)]
    lines = [_headline(won, kept, said), ""]
    lines += [f"- {r['id']}: {100 * r['mean']:.1f} points, gain {100 * r['gain']:.1f}, p {r['p']:.3f}" for r in rows]
    changed = {n: p for n, p in won["prompts"].items() if p != pool[0].data()["prompts"][n]} if won else {}
    lines += [part for node, prompt in changed.items() for part in ("", f"{node}:", prompt)]
    problems = [f"generation {r.data()['generation']}: {r.data()['problem']}" for r in log if r.data()["problem"]]
    data: dict[str, Any] = {
        "winner": winner[0].key if winner else None,
        "prompts": changed,
        "stored": kept[0].key if kept else None,
        "held_out": rows,
        "pool": [{"id": c.key, **{k: c.data()[k] for k in ("parents", "node", "mean")}} for c in pool],
        "generations": [r.data() for r in log],
        "ended": ended[0].data()["by"],
        "quality": won["mean"] if won else next((r["mean"] for r in rows if r["id"] == BASE), pool[0].data()["mean"]),
        "lost": [*problems, *causes(table), *causes(stored)],
    }
    outcome: Outcome = "degraded" if causes(table) or causes(stored) else "answered" if won else "undecided"
    return reply("\n".join(lines).strip(), key="answer", data=data, outcome=outcome)


def _headline(won: dict[str, Any] | None, kept: Replies, said: Replies) -> str:
    if won is None:
        return "No prompts do better than the present ones by two points, beyond chance, on the runs held out."
    if kept:
        return "New prompts do better on the runs held out, and are in use from now on."
    return f"New prompts do better on the runs held out, and are not adopted: {first_cause(said) or said[0].key}."
