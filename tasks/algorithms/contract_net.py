"""A market for jobs: offers to agents, bids, awards by past delivery, confidence and price, and what was delivered.

Smith 1980, The Contract Net Protocol.
"""

from collections import Counter
from typing import Any

from tasks.algorithms.longform import first_words
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from utils.errors import BadInput

RECORD = "delivery_record"
"""The kind of memory in which deliveries are kept: fields agent, model, class, accepted (1 or 0), tokens, budget."""
DEFAULT = "default"
"""Who does a job for which there is no bid."""
MOST_AWARDS = 3
"""That an agent may win in one run."""
PLAN_WORDS = 80
UNKNOWN_RATE = 0.5
OF_RATE, OF_CONFIDENCE, OF_PRICE = 0.5, 0.3, 0.2


@pure
def registered(given: Replies, models: Replies, tools: Replies, profiles: dict[str, str]) -> Slots:
    """`out` are the agents that bid: those given, else one a profile, with the run's models in turn; `lead` is the
    first model.

    Key is the name, text what the agent is shown of itself, fields are model and tools (empty: all). Raises BadInput
    for two of one name, and for a model or a tool that the run does not have.
    """
    names = [m.text for m in models if m.text] or [""]
    asked = [g.data() for g in given] or [{"name": n, "profile": p} for n, p in profiles.items()]
    if twice := [n for n, count in Counter(str(a["name"]) for a in asked).items() if count > 1]:
        raise BadInput(f"--bidders: two agents are named '{twice[0]}'")
    known = [t.key for t in ok_of(tools)]
    agents = [_agent(a, names[i % len(names)], names, known) for i, a in enumerate(asked)]
    return {"out": agents, "lead": [reply(names[0], key="lead")]}


def _agent(given: dict[str, Any], turn: str, models: list[str], tools: list[str]) -> Reply:
    name, model, wanted = str(given["name"]), str(given.get("model") or turn), list(given.get("tools") or [])
    if model not in models:
        raise BadInput(f"--bidders: '{name}' wants the model '{model}': name it with --models, or leave it out")
    if missing := [t for t in wanted if t not in tools]:
        raise BadInput(f"--bidders: '{name}' wants the tool '{missing[0]}': the tools are {', '.join(tools)}")
    text = f"{name}: {given['profile']}\nTools: {', '.join(wanted or tools)}"
    return reply(text, key=name, data={"model": model, "tools": wanted})


@pure
def jobs(split: Replies) -> Replies:
    """The jobs of a decomposition: text is what is advertised, fields are spec, test, class and budget (tokens)."""
    made = [j for s in ok_of(split)[-1:] for j in s.data()["jobs"]]
    return [reply(f"{j['spec']}\nIt is accepted if: {j['test']}", key=f"j{n}", data=j) for n, j in enumerate(made, 1)]


@pure
def record_query(jobs: Replies, bidders: Replies) -> Reply:
    """What past deliveries are looked up by: each agent with each class of job."""
    classes = list(dict.fromkeys(j.data()["class"] for j in jobs))
    return reply("\n".join(_subject(b.key, c) for b in bidders for c in classes), key="query")


def _subject(agent: str, kind: str) -> str:
    return f"{agent} on {kind}"


@pure
def offers(jobs: Replies, bidders: Replies) -> Replies:
    """Each job to each agent: text is the job, fields are job, agent, model, profile and budget."""
    return [
        reply(
            j.text,
            key=f"{j.key} · {b.key}",
            data={
                "job": j.key,
                "agent": b.key,
                "model": b.data()["model"],
                "profile": b.text,
                "budget": j.data()["budget"],
            },
        )
        for j in jobs
        for b in bidders
    ]


@pure
def awards(
    jobs: Replies,
    bids: Replies,
    bidders: Replies,
    record: Replies,
    models: Replies,
    done: Replies = [],  # noqa: B006 (never written to)
    fresh: Replies = [],  # noqa: B006 (never written to)
) -> Replies:
    """An award for each job that is not accepted yet, to the best bidder who has not tried it.

    `done` and `fresh` are what was delivered so far, as `examined` gives it.

    score = 0.5 accepted share of the agent in this class (0.5 where unknown) + 0.3 confidence + 0.2 (1 - cost/budget);
    ties go to the surer, then the cheaper, then the first. A bid over the budget does not count, nor does an agent's
    fourth award. Without a bid left the default agent does it, once. Key is the job's.
    """
    before = [*done, *fresh]
    tried = {(d.key, d.data()["agent"]) for d in before}
    won = Counter(d.data()["agent"] for d in before)
    accepted = {d.key for d in before if d.data()["accepted"]}
    made = []
    for job in jobs:
        if job.key in accepted:
            continue
        open_bids = [b for b in _ranked(job, bids, bidders, record) if (job.key, b["agent"]) not in tried]
        chosen = next((b for b in open_bids if won[b["agent"]] < MOST_AWARDS), None) or _default(models)
        if (job.key, chosen["agent"]) not in tried:
            won[chosen["agent"]] += 1
            made.append(reply(job.text, key=job.key, data={**job.data(), **chosen}))
    return made


def _default(models: Replies) -> dict[str, Any]:
    model = next((m.text for m in models if m.text), "")
    return {"agent": DEFAULT, "model": model, "tools": [], "plan": "", "cost": 0, "confidence": 0.0, "score": 0.0}


def _ranked(job: Reply, bids: Replies, bidders: Replies, record: Replies) -> list[dict[str, Any]]:
    """The bids on a job that count, the best first."""
    made, budget = {b.key: b.data() for b in ok_of(bids)}, job.data()["budget"]
    rows = []
    for agent in bidders:
        bid = made.get(f"{job.key} · {agent.key}", {})
        if bid.get("decision") != "bid" or bid["cost"] > budget:
            continue
        score = (
            OF_RATE * acceptance(agent, job.data()["class"], record)
            + OF_CONFIDENCE * bid["confidence"]
            + OF_PRICE * (1 - bid["cost"] / budget)
        )
        plan = first_words(bid["plan"], PLAN_WORDS)
        known = {"cost": bid["cost"], "confidence": bid["confidence"], "score": round(score, 6)}
        rows.append({"agent": agent.key, **agent.data(), "plan": plan, **known})
    return sorted(rows, key=lambda r: (-r["score"], -r["confidence"], r["cost"]))


def acceptance(agent: Reply, kind: str, record: Replies) -> float:
    """The share of an agent's past jobs of a class that were accepted."""
    past = [r.data().get("fields") or {} for r in ok_of(record)]
    wanted = (agent.key, agent.data()["model"], kind)
    mine = [bool(p.get("accepted")) for p in past if (p.get("agent"), p.get("model"), p.get("class")) == wanted]
    return sum(mine) / len(mine) if mine else UNKNOWN_RATE


@pure
def nothing_awarded(awards: Replies) -> bool:
    """Whether every job is accepted, or nobody is left to do it."""
    return not awards


@pure
def contract(award: Replies, tools: Replies, steps: int) -> Slots:
    """What the winner starts with: the job, its own plan, its tools, model and steps."""
    data = award[0].data()
    mine = [t for t in ok_of(tools) if t.key in data["tools"]]
    return {
        "job": [reply(award[0].text, key=award[0].key)],
        "plan": [reply(f"Your plan: {data['plan']}", key="plan")] if data["plan"] else [],
        "tools": mine or tools,
        "model": [reply(data["model"], key="model")],
        "steps": [reply(str(steps), key="steps")],
    }


@pure
def delivery(award: Replies, answers: Replies, spent: Replies) -> Reply:
    """What a job's winner delivered, with the award and the `tokens` that it cost; failed where it is nothing."""
    last = answers[-1] if answers else Reply(status="failed", cause="nothing was done")
    data = {**award[0].data(), "tokens": spent[-1].data().get("tokens", 0) if spent else 0}
    return last.but(key=award[0].key, data=data)


@pure
def examined(deliveries: Replies, verdicts: Replies) -> Replies:
    """The deliveries with accepted and reason: what could not be verified, or is nothing, is not accepted."""
    said = {v.key: v for v in verdicts}
    return [_examined(d, said.get(d.key)) for d in deliveries]


def _examined(one: Reply, verdict: Reply | None) -> Reply:
    if not one.ok:
        found = {"accepted": False, "reason": f"nothing was delivered: {one.cause}", "lost": one.cause}
    elif verdict is None or not verdict.ok:
        cause = first_cause([verdict] if verdict else []) or "there is no verdict"
        found = {"accepted": False, "reason": f"it could not be verified: {cause}", "lost": cause}
    else:
        said = verdict.data()
        found = {"accepted": said["accepted"] is True, "reason": str(said["reason"]), "lost": ""}
    return one.but(data={**one.data(), **found})


@pure
def accepted_work(done: Replies) -> Replies:
    """What was delivered and accepted, in the order of the jobs."""
    return sorted((d for d in done if d.data()["accepted"]), key=lambda d: int(d.key[1:]))


@pure
def nothing_accepted(accepted: Replies) -> bool:
    """Whether there is nothing to join."""
    return not accepted


@pure
def delivery_records(done: Replies) -> Replies:
    """A memory for each award to a bidder: who delivered on what class, whether it was accepted, what it cost."""
    rows = [d.data() for d in done if d.data()["agent"] != DEFAULT]
    return [
        reply(
            _subject(row["agent"], row["class"]),
            key=f"{row['agent']} {n}",
            data={
                **{name: row[name] for name in ("agent", "model", "class", "tokens", "budget")},
                "accepted": int(row["accepted"]),
            },
        )
        for n, row in enumerate(rows, 1)
    ]


@pure
def contract_answer(written: Replies, jobs: Replies, done: Replies, bids: Replies) -> Reply:
    """The result with the awards that led to it, and the jobs that nobody did so that they passed their test.

    `quality` is the share of the jobs that were accepted.
    """
    accepted = {d.key for d in done if d.data()["accepted"]}
    missing = [j for j in jobs if j.key not in accepted]
    reasons = {d.key: d.data()["reason"] for d in done}
    rows = [{"job": d.key, **d.data()} for d in done]
    lost = causes([*bids, *written]) + [r["lost"] for r in rows if r["lost"]]
    data = {
        "awards": rows,
        "missing": [j.key for j in missing],
        "quality": len(accepted) / len(jobs) if jobs else 0.0,
        "lost": lost,
    }
    outcome: Outcome = "incomplete" if missing else "degraded" if lost else "answered"
    whole = next((w.text.strip() for w in ok_of(written)), "")
    parts = whole or "\n\n".join(d.text for d in accepted_work(done)) or "None of the work passed its acceptance test."
    open_jobs = [f"{j.data()['spec']} ({reasons.get(j.key, 'it was not done')})" for j in missing]
    lines = [parts, *section("Not delivered", open_jobs)]
    model = next((w.model for w in ok_of(written)), "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)
