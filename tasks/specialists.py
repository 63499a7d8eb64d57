"""Specialists side by side: who they are, who stands in where a model fails, and how their synthesis reads."""

from tasks.agents import AgentConfig, agents_for, with_models
from tasks.functions import pure
from tasks.reply import Replies, Slots, ok_of, reply

STAND_INS = 2


@pure
def roster(agents: Replies, models: Replies) -> Slots:
    """The specialists, each with a model; the general ones where none are named. And the models that may stand in."""
    names = [m.text for m in models if m.text] or [""]
    given = [AgentConfig.model_validate(a.data()) for a in agents]
    chosen = with_models(given, names) if given else agents_for("general", names)
    rows = [reply(a.role, key=a.agent_id, data=a.model_dump(mode="json"), at=[i]) for i, a in enumerate(chosen)]
    return {"agents": rows, "models": [reply(names[i % len(names)], key=str(i + 1)) for i in range(STAND_INS + 1)]}


@pure
def think_tank(replies: Replies, synthesis: Replies) -> Slots:
    """The synthesis as text for people, with what the specialists disagree on and who was not heard."""
    said = synthesis[0].data()
    heard = ok_of(replies)
    missing = [f"{r.key} ({r.cause or r.status})" for r in replies if not r.ok]
    known = {r.key for r in heard}
    disputes = [
        {"topic": d["topic"], "positions": [p for p in d["positions"] if p["agent"] in known]}
        for d in said["disagreements"]
    ]
    lines = [said["answer"], "", *_listed("The specialists agree:", said["agreed"])]
    lines += ["They disagree:", *(_dispute(d) for d in disputes)] if disputes else ["They state no disagreement."]
    lines += ["", f"Not heard: {', '.join(missing)}"] if missing else []
    data = {
        **said,
        "disagreements": disputes,
        "agreement": said["agreement"] if len(heard) > 1 else None,
        "missing": missing,
    }
    answer = reply(
        "\n".join(lines),
        key="answer",
        data=data,
        score=said["confidence"],
        model=synthesis[0].model,
        outcome="degraded" if missing else "answered",
    )
    dissent = [reply(_dispute(d), key=f"{n} · {d['topic']}", data=d) for n, d in enumerate(disputes, 1)]
    return {"answer": [answer], "dissent": dissent}


def _listed(title: str, points: list[str]) -> list[str]:
    return [title, *(f"- {p}" for p in points), ""] if points else []


def _dispute(dispute: dict[str, object]) -> str:
    positions = dispute["positions"] if isinstance(dispute["positions"], list) else []
    return "\n".join([f"- {dispute['topic']}", *(f"  - {p['agent']}: {p['position']}" for p in positions)])
