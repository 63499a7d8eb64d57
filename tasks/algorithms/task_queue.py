"""A to-do list that an agent keeps for itself: what enters it, what leaves it, in which order, and when to stop.

Nakajima 2023, BabyAGI. A task is a reply: text is what to do, fields are task and priority (1 to 100).
"""

from typing import Any

from tasks.algorithms.longform import first_words
from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

MOST_QUEUED = 15
ASKED_EVERY = 4
"""Tasks after which a judge is asked whether the objective is met."""
SHOWN_WORDS = 150
"""Of a result, where many are shown."""


@pure
def new_tasks(made: Replies, turn: int = 0) -> Replies:
    """The tasks of a decomposition; none of one that failed. Those of the start are numbered t1, t2 ..."""
    given = [t for m in ok_of(made)[-1:] for t in m.data()["tasks"] if str(t["task"]).strip()]
    prefix = f"t{turn}." if turn else "t"
    return [_task(f"{prefix}{n}", str(t["task"]).strip(), t["priority"]) for n, t in enumerate(given, 1)]


def _task(key: str, text: str, priority: int) -> Reply:
    return reply(text, key=key, data={"task": text, "priority": max(1, min(100, int(priority)))})


@pure
def first_queue(tasks: Replies, made: Replies) -> Replies:
    """The tasks that the work begins with, the highest priority first. Fails the run where there are none."""
    if not tasks:
        raise Refuse(f"there is no task to begin with: {first_cause(made) or 'the objective was split into nothing'}")
    return _sorted(tasks)


def _sorted(tasks: Replies) -> Replies:
    return sorted(tasks, key=lambda t: -t.data()["priority"])


@pure
def task_result(task: Replies, answers: Replies) -> Reply:
    """What came of a task, under its key, with the fields task, priority and outcome; failed where nothing did."""
    one, last = task[0], answers[-1] if answers else Reply(status="failed", cause="nothing was done")
    return last.but(key=one.key, data={**one.data(), "outcome": last.outcome})


@pure
def memory_of(result: Replies) -> Replies:
    """A task with its result as this run remembers it; nothing of one that failed."""
    return [r.but(text=f"{r.data()['task']}\n{r.text}") for r in ok_of(result)]


@pure
def to_compare(done: Replies, task: Replies, queue: Replies, new: Replies) -> Replies:
    """All tasks as texts, done, queued and new in this order: of two that are alike the first stays."""
    before = [reply(str(d.data()["task"]), key=d.key, data=d.data()) for d in done]
    return [*before, *task, *queue, *new]


@pure
def queue_of(kept: Replies, queue: Replies, new: Replies, most: int = MOST_QUEUED) -> Replies:
    """The queued and new tasks that were kept, the highest priority first, no more than `most`."""
    keys = {r.key for r in (*queue, *new)}
    return _sorted([r for r in kept if r.key in keys])[:most]


@pure
def needs_no_order(queue: Replies) -> bool:
    """Whether there is nothing to put in order."""
    return len(queue) < 2


@pure
def reprioritised(queue: Replies, ranked: Replies) -> Replies:
    """The queue by its new priorities; a task that got none keeps its own, and what is no task is ignored."""
    given = {str(r["id"]): r["priority"] for m in ok_of(ranked)[-1:] for r in m.data()["order"]}
    return _sorted([_task(t.key, t.text, given.get(t.key, t.data()["priority"])) for t in queue])


@pure
def outlines(done: Replies, result: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """Each task that was done with the beginning of its result."""
    rows = ok_of([*done, *result])
    return [r.but(text=f"{r.data()['task']}\n{first_words(r.text, SHOWN_WORDS)}") for r in rows]


@pure
def not_asked(turn: int) -> bool:
    """Whether the judge is not asked after this task."""
    return turn % ASKED_EVERY != 0


@pure
def work_over(judged: Replies, spent: Replies, budget: Replies) -> bool:
    """Whether the objective is met, or the token budget spent."""
    return is_met(judged) or _tokens(spent) >= int(budget[0].text)


def is_met(judged: Replies) -> bool:
    """Whether the judge was asked last and says that the objective is met."""
    return any(bool(j.data().get("met")) for j in ok_of(judged)[-1:])


def _tokens(spent: Replies) -> int:
    return int(spent[-1].data().get("tokens", 0)) if spent else 0


@pure
def asked_for(prompt: Replies, done: Replies) -> Replies:
    """The objective, once the work is over: what is remembered of it is looked up then."""
    return prompt if ok_of(done) else []


@pure
def queue_report(
    written: Replies,
    done: Replies,
    left: Replies,
    judged: Replies,
    spent: Replies,
    ended: Replies,
    ordered: Replies,
    trouble: Replies,
) -> Reply:
    """The report with the tasks in the order in which they were done, and those left.

    `ended_by` is met, empty, budget or bound. `ordered` are the re-orderings, `trouble` is why tasks could
    be compared by words alone. Fails the run where nothing was done.
    """
    if not ok_of(done):
        raise Refuse(f"none of {len(done)} tasks could be done: {first_cause(done)}")
    by = str(ended[-1].data()["by"]) if ended else "bound"
    why = "met" if is_met(judged) else "budget" if by == "test" else by
    rows = [{"id": d.key, "ok": d.ok, "result": d.text, "cause": d.cause, **d.data()} for d in done]
    lost = [*causes([*done, *written, *ordered, *judged]), *dict.fromkeys(t.text for t in trouble)]
    data: dict[str, Any] = {
        "done": rows,
        "left": [t.text for t in left],
        "ended_by": why,
        "tokens": _tokens(spent),
        "lost": lost,
    }
    denied = any(not j.data().get("met") for j in ok_of(judged)[-1:])
    outcome: Outcome = "degraded" if lost else "answered"
    if why in ("budget", "bound") or (denied and why == "empty"):
        outcome = "incomplete"
    text = next((w.text.strip() for w in ok_of(written)), "") or "\n\n".join(r.text for r in outlines(done))
    lines = [text, *section("Done", [r["task"] for r in rows if r["ok"]])]
    lines += section("Could not be done", [f"{r['task']} ({r['cause']})" for r in rows if not r["ok"]])
    lines += section("Left to do", data["left"])
    model = next((w.model for w in ok_of(written)), "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)
