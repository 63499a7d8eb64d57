"""Two cheap answers compared: who settles it, on which differences, and how the result is tagged."""

from tasks.functions import pure
from tasks.panels import least_distinct
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply

AGREED, SETTLED, ALONE = "agreed", "settled", "alone"
TAG = "two models agree"


@pure
def path(cheap: Replies, compared: Replies) -> str:
    """`agreed` where both answered and were found to agree, `alone` where neither did, else `settled`."""
    good = ok_of(cheap)
    if not good:
        return ALONE
    agree = compared and compared[0].ok and compared[0].data()["agree"] == "yes"
    return AGREED if len(good) > 1 and agree else SETTLED


@pure
def differences(compared: Replies) -> Replies:
    """The points on which both answers differ; none where nobody could compare them."""
    said = compared[0].data()["differences"] if compared and compared[0].ok else []
    return [reply(d["point"], key=f"difference {n}", data=d) for n, d in enumerate(said, 1)]


@pure
def first_answer(cheap: Replies) -> Reply:
    """The answer of the first that succeeded."""
    return ok_of(cheap)[0]


@pure
def escalated(final: Replies, cheap: Replies, seats: Replies, compared: Replies) -> Slots:
    """The answer, tagged with how it came about; the cheap answers are its dissent unless they agree.

    `agreed` is 1 or 0 for what is learned; `agreement` (the share) stands only where two models agree.
    """
    how = path(cheap, compared)
    lost = causes([*cheap, *compared])
    data = {
        "path": how,
        "tag": TAG if how == AGREED else "",
        "agreed": 1.0 if how == AGREED else 0.0,
        "differences": [d.data() for d in differences(compared)] if how == SETTLED else [],
        "strong_calls": 0 if how == AGREED else 1,
        "distinct": least_distinct(seats),
        "failed": lost,
    }
    if how == AGREED:
        data["agreement"] = 1.0
    text = f"{final[0].text}\n\n({TAG})" if how == AGREED else final[0].text
    made = reply(text, key="answer", data=data, model=final[0].model, outcome="degraded" if lost else "answered")
    return {"answer": [made], "dissent": [] if how == AGREED else ok_of(cheap)}
