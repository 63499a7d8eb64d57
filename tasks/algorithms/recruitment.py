"""A team recruited for one task: who stays and who is replaced, what it hands in, and which draft was the best."""

import re
from collections.abc import Sequence
from typing import Any

from tasks.answers import normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, first_cause, ok_of, reply
from tasks.tool_calls import name_of, read_call

CODE, TOOL, NOTHING = "code", "tool", "nothing"
"""What a draft asks to be done."""
LEAST, MOST = 2, 5


@pure
def apart(models: Replies) -> Slots:
    """The models of the team and, outside of it, the one of the evaluator: the last, where there are several."""
    names = list(dict.fromkeys(m.text for m in models if m.text)) or [""]
    inside = names[:-1] or names
    return {"team": [reply(n, key=n, model=n) for n in inside], "evaluator": [reply(names[-1], model=names[-1])]}


@pure
def recruited(team: Replies, recruits: Replies, evals: Replies, models: Replies, tools: Replies) -> Replies:
    """The team of an iteration, 2 to 5 members by role, of whom the first is the solver.

    Who was criticised last makes room for those who are new; everybody else stays, whatever the recruiter says, and
    where nobody new came all stay. Text is the profile; fields role, expertise, why, tools and model. Fails the run
    where there is no team at all.
    """
    offered = _distinct([m for r in ok_of(recruits) for m in r.data()["members"]])
    blamed = {normalised(c) for e in evals[-1:] for c in e.data()["criticised"]}
    known = {normalised(m.key) for m in team}
    new = [_member(m, tools) for m in offered if normalised(m["role"]) not in known]
    stays, goes = [m for m in team if normalised(m.key) not in blamed], [m for m in team if normalised(m.key) in blamed]
    room = MOST - len(stays) if goes or not team else 0
    new = new[:room]
    back = goes[: max(0, LEAST - len(stays) - len(new))] if new else goes
    joined = [*stays, *new, *back]
    if len(joined) < LEAST:
        raise Refuse(
            f"a team has {LEAST} members at least, not {len(joined)}: {first_cause(recruits) or 'no more came'}"
        )
    names = [m.text for m in models] or [""]
    return [m.but(data={"model": names[i % len(names)], **m.data()}) for i, m in enumerate(joined)]


def _distinct(members: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = {normalised(m["role"]): {**m, "role": m["role"].strip()} for m in reversed(members) if m["role"].strip()}
    return list(reversed(found.values()))


def _member(given: dict[str, Any], tools: Replies) -> Reply:
    known = {name_of(t) for t in ok_of(tools)}
    data = {**given, "tools": [t for t in dict.fromkeys(given["tools"]) if t in known]}
    return reply(f"You are {given['role']}. Your expertise: {given['expertise']}", key=given["role"], data=data)


@pure
def others(team: Replies) -> Replies:
    """All but the solver."""
    return team[1:]


@pure
def team_tools(team: Replies, tools: Replies) -> Replies:
    """The tools that somebody in the team was given."""
    given = {t for m in team for t in m.data()["tools"]}
    return [t for t in ok_of(tools) if name_of(t) in given]


@pure
def blocking_issues(reviews: Replies) -> Replies:
    """The issues of those who do not agree, without names."""
    found = [r.data()["issue"].strip() for r in ok_of(reviews) if r.data()["verdict"] == "BLOCK"]
    return [reply(text, key=str(n)) for n, text in enumerate((f for f in found if f), 1)]


@pure
def action_of(draft: Replies) -> str:
    """What a draft asks to be done: its code to be run, else a tool to be called, else nothing."""
    text = draft[-1].text if ok_of(draft) else ""
    return CODE if PYTHON.search(text) else TOOL if CALLS.search(text) else NOTHING


@pure
def nothing_to_do(draft: Replies) -> bool:
    """Whether a draft asks for neither code nor a tool."""
    return action_of(draft) == NOTHING


@pure
def draft_code(draft: Replies) -> Reply:
    """The Python blocks of a draft as `code`."""
    return reply(key=CODE, data={"code": "\n".join(PYTHON.findall(draft[-1].text))})


@pure
def draft_call(draft: Replies, tools: Replies) -> Reply:
    """The first tool call of a draft, as `read_call` gives it."""
    found = CALLS.search(draft[-1].text)
    return read_call([reply(found[1] if found else "")], tools)


@pure
def evaluation(judged: Replies, turn: int) -> Reply:
    """The evaluator's score (0 to 10; none where it could not judge), advice and criticised roles."""
    said = next((j.data() for j in ok_of(judged)), None)
    data = {
        "score": said["score"] if said else None,
        "advice": said["advice"] if said else "",
        "criticised": said["criticised"] if said else [],
        "lost": "" if said else first_cause(judged) or "it was not judged",
    }
    return reply(data["advice"], key=f"iteration {turn}", data=data, score=data["score"])


@pure
def attempt(draft: Replies, reviews: Replies, evaluated: Replies, team: Replies, turn: int) -> Replies:
    """The draft of an iteration with its score and its team; none where there was no draft."""
    if not ok_of(draft):
        return []
    blocked = [r for r in ok_of(reviews) if r.data()["verdict"] == "BLOCK"]
    data = {"team": [m.key for m in team], "blocked": len(blocked), "unreviewed": len(reviews) - len(ok_of(reviews))}
    return [reply(draft[-1].text, key=f"draft {turn}", data=data, score=evaluated[-1].score, model=draft[-1].model)]


@pure
def team_entry(team: Replies, turn: int) -> Reply:
    """Who was in the team of an iteration."""
    members = [m.data() for m in team]
    return reply("\n".join(f"{m['role']}: {m['why']}" for m in members), key=f"team {turn}", data={"members": members})


@pure
def calls_made(recruits: Replies, parts: Replies, solved: Replies, reviews: Replies, revised: Replies) -> Replies:
    """Every call of an iteration but the evaluation, in order: what is lost in the end is found here."""
    return [*recruits, *parts, *solved, *reviews, *revised]


@pure
def good_enough(evals: Replies, least: float) -> bool:
    """Whether the last draft has the score that ends the work."""
    return bool(evals) and evals[-1].score is not None and evals[-1].score >= least


@pure
def best_draft(drafts: Replies, evals: Replies, made: Replies, least: float) -> Reply:
    """The draft with the highest score, of equal ones the earlier; where none has a score the last, unchecked.

    `quality` is the score over ten. Fails the run where there is no draft.
    """
    if not drafts:
        raise Refuse(f"no team gave a draft: {first_cause(made) or 'nothing came'}")
    scored = [d for d in drafts if d.score is not None]
    best = max(scored, key=lambda d: d.score or 0) if scored else drafts[-1]
    data = {
        "score": best.score,
        "quality": None if best.score is None else best.score / 10,
        "draft": best.key,
        **best.data(),
        "evaluations": [{k: e.data()[k] for k in ("score", "advice", "criticised")} for e in evals],
        "lost": [*causes(made), *(e.data()["lost"] for e in evals if e.data()["lost"])],
    }
    outcome: Outcome = "answered" if best.score is not None and best.score >= least else "incomplete"
    if best.score is None:
        outcome = "unchecked"
    elif outcome == "answered" and data["lost"]:
        outcome = "degraded"
    return reply(CALLS.sub("", best.text).strip(), key="answer", data=data, model=best.model, outcome=outcome)


PYTHON = re.compile(r"```(?:python|py)[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
CALLS = re.compile(r"```tool[ \t]*\n(.*?)```", re.DOTALL | re.IGNORECASE)
