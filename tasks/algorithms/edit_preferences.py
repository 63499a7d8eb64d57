"""Preferences read out of a person's edits: how far an edit went, what it may mean, and which meaning explains it.

The method is CIPHER's (Gao et al. 2024): a guess counts if a draft made under it comes nearer to the edit.
"""

import re
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.edit_distance import edit_distance
from tasks.algorithms.sentence_changes import sentence_changes
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

TOKEN = re.compile(r"\w+|[^\w\s]")
MOST_CONTEXT = 200
"""Words of a request that say in what situation a preference was learned."""
CONFIRM, ASK, LEARN = "confirm", "ask", "learn"


@pure
def situation(prompt: Replies) -> Reply:
    """The request as the context under which preferences are kept and found."""
    return reply(" ".join(prompt[0].text.split()[:MOST_CONTEXT]), key="situation")


@pure
def dated_preferences(recalled: Replies, least: float) -> Replies:
    """The preferences of situations like this one, the oldest first: fields since, situation, preference, and `right`,
    what it counts if it proves so. Those that were found by words alone have no score, and count as near.
    """
    near = [r for r in ok_of(recalled) if r.score is None or r.score >= least]
    rows = [(r, r.data()) for r in sorted(near, key=lambda r: (r.data()["since"], r.key))]
    return [
        reply(
            data["fields"]["preference"],
            key=r.key,
            data={
                "since": data["since"][:19],
                "situation": r.text,
                "preference": data["fields"]["preference"],
                "right": 1,
            },
        )
        for r, data in rows
    ]


def tokens(text: str) -> list[str]:
    """Words and marks."""
    return TOKEN.findall(text)


@pure
def edited(draft: Replies, said: Replies) -> Reply:
    """What the person made of a draft: their text, or the draft where they accepted it or left nothing.

    Fields: distance (tokens), cost (of the draft's tokens), diff (a line a change).
    """
    last = said[-1]
    text = str(last.data().get("text") or "").strip() if last.key == "edit" else ""
    final = text or draft[0].text
    distance = edit_distance(tokens(draft[0].text), tokens(final))
    changes = sentence_changes(draft[0].text, final)
    diff = "\n".join(f"- {c['before']}\n+ {c['after']}" for c in changes)
    cost = distance / max(1, len(tokens(draft[0].text)))
    return reply(final, key="edit", data={"distance": distance, "cost": cost, "diff": diff})


@pure
def course(edit: Replies, small: float, large: float) -> str:
    """What an edit calls for: confirm what was applied, ask what it was about, or learn from it."""
    cost = edit[0].data()["cost"]
    return CONFIRM if cost < small else ASK if cost > large else LEARN


@pure
def none(edit: Replies) -> Replies:
    """Nothing to learn from."""
    return []


@pure
def if_style(edit: Replies, said: Replies) -> Replies:
    """The edit, if it was made for style."""
    return edit if said[-1].key == "style" else []


@pure
def hypotheses(made: Replies) -> Replies:
    """The preferences that were guessed, each once, keyed h1, h2 ..."""
    found = distinct(m.data()["preference"] for m in ok_of(made))
    return [reply(text, key=f"h{n}") for n, text in enumerate(found, 1)]


@pure
def explanation(situation: Replies, hypotheses: Replies, redone: Replies, edit: Replies, nearer: float) -> Replies:
    """The one guess whose draft is nearest to the edit, as it is remembered, if that is nearer by the share `nearer`
    than the first draft was; else nothing. Text is the situation; the earlier of equals counts.
    """
    wanted, guesses = tokens(edit[0].text), {h.key: h.text for h in hypotheses}
    made = [(edit_distance(tokens(r.text), wanted), r.key) for r in ok_of(redone) if r.key in guesses]
    before = edit[0].data()["distance"]
    if not made or min(made)[0] > (1 - nearer) * before:
        return []
    distance, key = min(made)
    data = {"preference": guesses[key], "distance": distance, "before": before}
    return [reply(situation[0].text, key=key, data=data)]


@pure
def learned_from_edit(
    draft: Replies,
    edit: Replies,
    near: Replies,
    preference: Replies,
    summary: Replies,
    route: Replies,
    made: Replies,
    redone: Replies,
    explanation: Replies,
    stored: Replies,
) -> Reply:
    """The person's text, with what was applied and what was learned from the edit. `kept` is the new preference."""
    data: dict[str, Any] = {
        "draft": draft[0].text,
        **edit[0].data(),
        "applied": preference[0].text if preference else "",
        "from": [n.data() for n in near],
        "learning": bool(route),
        "hypotheses": [h.text for h in hypotheses(made)],
        "kept": explanation[0].data()["preference"] if ok_of(stored) and explanation else "",
        "lost": causes([*summary, *made, *redone, *stored]),
    }
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    return reply(edit[0].text, key="answer", data=data, model=draft[0].model, outcome=outcome)
