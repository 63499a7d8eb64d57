"""Fusing ranked answers into one: when there are enough of them, and what is given in the end."""

from tasks.algorithms.supplied import fewer_than
from tasks.functions import pure
from tasks.reply import Replies, Slots, first_cause, reply


@pure
def fused(fuse: Replies, answers: Replies, ranking: Replies, table: Replies, least: int) -> Slots:
    """The fused answer with the win matrix; where fewer than `least` survived or the fusion failed, the best, unfused.

    `dissent` are the answers that the fusion did not see. What failed or could not be compared makes it degraded.
    """
    unfused = fewer_than(ranking, least) or not fuse[0].ok
    used = ranking[:1] if unfused else ranking[:least]
    matrix = table[0].data()
    lost = [a.key for a in answers if not a.ok]
    data = {
        **matrix,
        "fused": [] if unfused else [u.key for u in used],
        "failed": lost,
        "lost": first_cause([*answers, *fuse]),
    }
    outcome = "degraded" if lost or unfused or matrix["unjudged"] else "answered"
    final = ranking[0] if unfused else fuse[0]
    made = reply(final.text, key="answer", data=data, model=final.model, outcome=outcome)
    return {"answer": [made], "dissent": ranking[len(used) :]}
