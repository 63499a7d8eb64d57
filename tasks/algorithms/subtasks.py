"""Typed subtasks: a plan that holds together, a model for each, waves by what they depend on, and the whole."""

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.algorithms.routing import STRENGTH, by_source, weighed
from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, failed, ok_of, reply

WHOLE = "analysis"
"""The type of a whole prompt that could not be split."""
MEAN_STRENGTH = STRENGTH["standard"]
SUCCESS = "subtask_success"
"""The signal that is learned, of `type/model`: whether a subtask succeeded."""


@pure
def plan_problem(plan: Replies) -> Reply:
    """What is wrong with a plan, empty where it holds: ids unique, dependencies there, no cycle."""
    return reply(_problem(plan), key="problem")


@pure
def sound(problem: Replies) -> bool:
    """Whether there is nothing wrong."""
    return not problem[0].text


def _problem(plan: Replies) -> str:
    if not plan:
        return "there is no plan"
    if not plan[0].ok:
        return plan[0].cause or plan[0].status
    tasks = plan[0].data()["subtasks"]
    ids = [t["id"] for t in tasks]
    if not ids:
        return "the plan has no subtask"
    if twice := sorted({i for i in ids if ids.count(i) > 1}):
        return f"the id {twice[0]} stands twice"
    for task in tasks:
        if unknown := [d for d in task["depends_on"] if d not in ids]:
            return f"{task['id']} depends on {unknown[0]}, which does not exist"
    if cycle := stuck({t["id"]: t["depends_on"] for t in tasks}):
        return f"{', '.join(cycle)} depend on one another in a cycle"
    return ""


def stuck(depends_on: Mapping[str, Sequence[str]]) -> list[str]:
    """Those that never become ready, since they depend on one another in a cycle or on what is not there."""
    done: set[str] = set()
    while ready := [i for i, needs in depends_on.items() if i not in done and set(needs) <= done]:
        done.update(ready)
    return [i for i in depends_on if i not in done]


@pure
def settled_plan(plan: Replies, replan: Replies, prompt: Replies) -> Replies:
    """The subtasks of the last plan that holds; else the whole prompt as one."""
    for one in (replan, plan):
        if not _problem(one):
            return [_subtask(t["id"], t["text"], t["type"], t["depends_on"]) for t in one[0].data()["subtasks"]]
    return [_subtask("whole", prompt[0].text, WHOLE, [])]


def _subtask(name: str, text: str, kind: str, depends_on: Sequence[str]) -> Reply:
    return reply(text, key=name, data={"type": kind, "depends_on": list(dict.fromkeys(depends_on))})


@pure
def matched(subtasks: Replies, pool: Replies, capabilities: Replies, past: Replies) -> Replies:
    """Each subtask with the `model` that is most capable of its type, the cheaper of those alike, and a `backup`.

    Capability (0..1) is what `capabilities` ({model, type, score}) say, else what is expected of the model's tier and,
    by their number, what `past` outcomes of SUCCESS show. Where nobody else can, the backup is the model itself. Fails
    the run where no model can do a type (vision).
    """
    given = {(c.get("model"), c.get("type")): float(c.get("score")) for c in capabilities}
    seen = by_source(past, SUCCESS)
    return [one.but(data={**one.data(), **_match(one.data()["type"], pool, given, seen)}) for one in subtasks]


def _match(kind: str, pool: Replies, given: dict[tuple[str, str], float], seen: dict[str, Reply]) -> dict[str, Any]:
    able = [c for c in pool if kind != "vision" or c.data()["vision"]]
    if not able:
        raise Refuse(f"none of {len(pool)} models can do subtasks of the type {kind}: name one that can with --models")

    def place(card: Reply) -> tuple[float, float]:
        data = card.data()
        prior = STRENGTH.get(data["tier"], MEAN_STRENGTH) / max(STRENGTH.values())
        expected = weighed(prior, seen.get(f"{kind}/{card.text}"))
        return -given.get((card.text, kind), expected), data["price_in"] + data["price_out"]

    best, *rest = sorted(able, key=place)
    return {"model": best.text, "backup": rest[0].text if rest else best.text}


@pure
def outcomes(results: Replies, subtasks: Replies) -> Replies:
    """What is to be learned, one a model that was asked: `worked` (1 or 0) of `kind`, its subtask's type.

    Where the backup answered, the model that was matched failed.
    """
    plan = {s.key: s.data() for s in subtasks}
    learned = []
    for one in results:
        asked = plan[one.key]
        tried = dict.fromkeys((asked["model"], asked["backup"]))
        by = one.model if one.ok else ""
        for model in tried if by != asked["model"] else [asked["model"]]:
            data = {"kind": f"{asked['type']}/{model}", "worked": float(model == by)}
            learned.append(reply(model, key=f"{one.key} {model}", data=data))
    return learned


@pure
def wave(todo: Replies, results: Replies) -> Slots:
    """`ready` are the subtasks of which all is done that they depend on, with that as `inputs`; `left` the others."""
    done = {r.key: r for r in results}
    ready = [t for t in todo if all(d in done for d in t.data()["depends_on"])]
    return {"ready": [_with_inputs(t, done) for t in ready], "left": [t for t in todo if t not in ready]}


def _with_inputs(subtask: Reply, done: dict[str, Reply]) -> Reply:
    inputs = [_input(done[d]) for d in subtask.data()["depends_on"]]
    return subtask.but(data={**subtask.data(), "inputs": inputs})


def _input(result: Reply) -> dict[str, str]:
    return {"id": result.key, "output": result.text} if result.ok else {"id": result.key, "missing": result.cause}


@pure
def nothing_left(todo: Replies) -> bool:
    """Whether every subtask had its turn."""
    return not todo


@pure
def some_done(results: Replies, order: Replies) -> Replies:
    """The results in the plan's order. Fails the run where none succeeded."""
    if not ok_of(results):
        raise Refuse(f"no subtask could be done: {'; '.join(causes(results)) or 'there was none'}")
    by_key = {r.key: r for r in results}
    return [by_key.get(o.key) or failed("it never became ready", key=o.key) for o in order]


@pure
def integrated(written: Replies, results: Replies, subtasks: Replies, first: Replies, second: Replies) -> Reply:
    """The whole with who did what; a failed subtask is named as missing and makes it incomplete.

    `first` and `second` are what was wrong with the plan and the re-plan. `success` is the share that succeeded.
    """
    plan = {s.key: s for s in subtasks}
    missing = [r.key for r in results if not r.ok]
    rows = [_row(plan[r.key], r) for r in results]
    data = {
        "subtasks": rows,
        "missing": missing,
        "plan_problems": [p.text for p in (*first, *second) if p.text],
        "success": (len(results) - len(missing)) / len(results),
    }
    lines = [written[0].text]
    if missing:
        lines += ["", "Missing:", *(f"- {plan[m].text} ({_cause(results, m)})" for m in missing)]
    outcome = "incomplete" if missing else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)


def _cause(results: Replies, key: str) -> str:
    return next(r.cause or r.status for r in results if r.key == key)


def _row(subtask: Reply, result: Reply) -> dict[str, Any]:
    asked = subtask.data()
    return {
        "id": subtask.key,
        "type": asked["type"],
        "text": subtask.text,
        "model": asked["model"],
        "backup": asked["backup"],
        "answered_by": result.model if result.ok else "",
        "ok": result.ok,
    }
