"""A draft that is criticised and revised: when there is nothing more to fix, and what is given in the end."""

from tasks.functions import pure
from tasks.reply import Replies, Reply, first_cause, ok_of, reply


@pure
def nothing_to_fix(feedback: Replies, enough: float) -> bool:
    """Whether the last feedback ends the work: it is done, its score is `enough`, or there is none to work with."""
    last = feedback[-1]
    return not last.ok or last.data()["done"] is True or last.data()["score"] >= enough


@pure
def refined(drafts: Replies, feedback: Replies, enough: float) -> Reply:
    """The latest draft with its feedback. A draft that no critic saw, or could be criticised no more, is unchecked."""
    usable = ok_of(drafts)
    latest, scored = usable[-1], ok_of(feedback)
    lost = first_cause([*feedback, *drafts])
    settled = bool(scored) and nothing_to_fix(scored, enough)
    data = {
        "iterations_used": len(usable) - 1,
        "feedback": [f.data() for f in scored],
        "last_score": scored[-1].data()["score"] if scored else None,
        "settled": settled,
        "lost": lost,
    }
    outcome = "unchecked" if not scored else "degraded" if lost else "answered"
    return reply(latest.text, key="answer", data=data, model=latest.model, outcome=outcome)
