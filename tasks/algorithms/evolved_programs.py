"""What a search for programs came to: candidates on cases that it never saw, the best that survives, the answer."""

from typing import Any

from tasks.algorithms.program_evolution import SEED, ended_by
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, first_cause, ok_of, reply

NO_EXPLOIT = "none"


@pure
def checked_candidate(candidate: Replies, held: Replies, verdict: Replies) -> Reply:
    """A candidate with its score on held-out cases, whether it survives, and whether an exploit was looked for."""
    stage = held[-1].data()
    said = next((v.data() for v in ok_of(verdict)), None)
    why = f"it fails on held-out cases: {stage['error']}" if not stage["passed"] else ""
    if not why and said and said["exploit"] != NO_EXPLOIT:
        why = f"it exploits the evaluator ({said['exploit'].replace('_', ' ')}): {said['reason']}"
    data = {
        **candidate[0].data(),
        "held_out": stage["score"],
        "survives": not why,
        "verified": bool(said),
        "why": why,
        "lost": first_cause(verdict),
    }
    return candidate[0].but(data=data)


@pure
def surviving(checked: Replies) -> Replies:
    """The best that survives: verified ones before those that nobody could verify, then by the score on held-out cases,
    then by that of the search; nothing where none does.
    """
    alive = [c for c in ok_of(checked) if c.data()["survives"]]
    ranked = sorted(alive, key=lambda c: (not c.data()["verified"], -c.data()["held_out"], -c.data()["score"]))
    return ranked[:1]


@pure
def none_survives(best: Replies) -> bool:
    """Whether there is no program to explain."""
    return not best


@pure
def evolved_answer(
    best: Replies,
    checked: Replies,
    explained: Replies,
    history: Replies,
    islands: Replies,
    target: Replies,
    patience: int,
) -> Reply:
    """The program, its scores, how the search went and a plain explanation.

    Where no program survives, or none is better than the seed, the seed stands and the answer is incomplete, unless it
    reaches the target itself; one that nobody could verify is unchecked.
    """
    base = islands[0].data()["base"]
    one = best[0].data() if best else base
    why = ended_by(history, target, patience)
    data: dict[str, Any] = {
        "program": one["program"],
        "score": one["score"],
        "scores": one["vector"],
        "held_out": one.get("held_out"),
        "seed_score": base["score"],
        "evaluations": history[-1].data()["evaluations"],
        "ended_by": why,
        "history": _steps(history),
        "rejected": [{"id": c.data()["id"], "why": c.data()["why"]} for c in ok_of(checked) if c.data()["why"]],
        "lost": [cause for i in islands for cause in i.data()["lost"]],
    }
    data["lost"] += [c.data()["lost"] if c.ok else c.cause for c in checked if not c.ok or c.data()["lost"]]
    data["lost"] += [first_cause(explained)] if best and not ok_of(explained) else []
    improved = bool(best) and (one["id"] != SEED or not data["evaluations"])
    outcome: Outcome = "incomplete" if not improved else "degraded" if data["lost"] else "answered"
    outcome = "unchecked" if improved and not one["verified"] else outcome
    lines = [_head(data, improved, bool(best)), "", "```python", one["program"].rstrip(), "```"]
    lines += ["", "Nobody could check whether it exploits the evaluator."] if outcome == "unchecked" else []
    lines += ["", ok_of(explained)[-1].text.strip()] if ok_of(explained) else []
    lines += section("Score history", [f"after {r['evaluations']} evaluations: {r['best']:g}" for r in data["history"]])
    lines += section("Rejected", [" ".join(r["why"].split()) for r in data["rejected"]])
    model = explained[-1].model if ok_of(explained) else ""
    return reply("\n".join(lines), key="answer", data=data, score=one["score"], model=model, outcome=outcome)


def _head(data: dict[str, Any], improved: bool, survives: bool) -> str:
    if not survives:
        return "No program survived the checks on cases that the search never saw. The seed program stands:"
    if not improved:
        return f"No better program survived {data['evaluations']} evaluations. The seed program stands:"
    held = f"{data['held_out']:g} on cases that the search never saw"
    return f"Score {data['score']:g} (the seed program: {data['seed_score']:g}), {held}."


def _steps(history: Replies) -> list[dict[str, Any]]:
    """The evaluations after which the best score rose, with the seed's first."""
    rows: list[dict[str, Any]] = []
    for row in (h.data() for h in history):
        if not rows or row["best"] > rows[-1]["best"]:
            rows.append(row)
    return rows
