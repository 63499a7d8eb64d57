"""A round table: who speaks when, whether all agree, and the vote weighted by confidence where they do not."""

from typing import Any

from tasks.algorithms.sections import section
from tasks.algorithms.supplied import fewer_than
from tasks.answers import normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply


@pure
def opened(opening: Replies) -> Replies:
    """The opinions of the first round, as they stand in the record."""
    return [_in_record(o, o.key, 1) for o in ok_of(opening)]


@pure
def speaking_order(seats: Replies, turn: int) -> Replies:
    """The seats in the order in which they speak in this round, the second at turn 1: every round another begins."""
    start = turn % len(seats)
    return [s.but(data={**s.data(), "round": turn + 1}) for s in [*seats[start:], *seats[:start]]]


@pure
def spoken(seat: Replies, speech: Replies) -> Slots:
    """A speech as it stands in the record, or what was lost of it."""
    number = seat[0].data()["round"]
    said = [_in_record(s, seat[0].key, number) for s in speech]
    return {"said": ok_of(said), "lost": [s for s in said if not s.ok]}


def _in_record(one: Reply, seat: str, number: int) -> Reply:
    return one.but(key=f"round {number} · {seat}", data={**one.data(), "seat": seat, "round": number})


@pure
def consensus(positions: Replies, judged: Replies, seats: int) -> Reply:
    """Whether every seat spoke and a judge found that all agree; one that could not be judged is none."""
    found = [j.data() for j in ok_of(judged)]
    agreed = not fewer_than(positions, seats) and any(f["agreed"] for f in found)
    data = {"agreed": agreed, "answer": found[0]["answer"] if found else "", "unjudged": causes(judged)}
    return reply("agreed" if agreed else "split", key="consensus", data=data)


@pure
def is_agreed(state: Replies) -> bool:
    """Whether the table agrees."""
    return state[-1].data()["agreed"] is True


@pure
def agreed_or_split(state: Replies) -> str:
    """What follows: `agreed` or `split`."""
    return "agreed" if is_agreed(state) else "split"


@pure
def not_heard(opening: Replies, lost: Replies) -> Replies:
    """The opinions and speeches that failed."""
    return [*(o.but(key=f"round 1 · {o.key}") for o in opening if not o.ok), *lost]


@pure
def last_round(opened: Replies, turns: Replies) -> Replies:
    """What was said in the last round in which anybody spoke."""
    record = [*opened, *turns]
    latest = max((r.data()["round"] for r in record), default=1)
    return [r for r in record if r.data()["round"] == latest]


@pure
def agreed_answer(scribed: Replies, positions: Replies, ended: Replies, lost: Replies, state: Replies) -> Slots:
    """The scribe's text as the answer of the whole table; without a scribe the shared answer as the judge put it."""
    data = {**_state(ended, [*lost, *scribed], state), "agreed": True, "agreement": 1.0}
    written = next((s.text for s in ok_of(scribed)), "") or data["shared_answer"] or positions[0].data()["answer"]
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    answer = reply(written, key="answer", data=data, score=1.0, model=scribed[0].model, outcome=outcome)
    return {"answer": [answer], "dissent": []}


@pure
def weighted_vote(opened: Replies, turns: Replies, ended: Replies, lost: Replies, state: Replies, seats: int) -> Slots:
    """The answer with the largest sum of confidences, ties to the highest single one, then the first; no consensus.

    Each seat votes with what it said last. `agreement` is the share of the seats that hold the answer. The minority
    report says who holds what else, and why.
    """
    ballots = _last_of_each_seat([*opened, *turns])
    if not ballots:
        raise Refuse("nobody at the table gave an answer")
    tally = _tally(ballots)
    won, others = tally[0], tally[1:]
    data = {
        **_state(ended, lost, state),
        "agreed": False,
        "final_answer": won["answer"],
        "agreement": len(won["seats"]) / seats,
        "tally": tally,
    }
    lines = [
        won["answer"],
        "",
        f"No consensus after {data['rounds_used']} rounds: {len(won['seats'])} of {seats} seats hold this answer, "
        f"with a confidence of {won['weight']:g} in all.",
        *section("Why", won["reasons"]),
        *section("Minority report", [_minority(o) for o in others]),
    ]
    answer = reply("\n".join(lines), key="answer", data=data, score=data["agreement"], outcome="no_consensus")
    minority = {s for o in others for s in o["seats"]}
    return {"answer": [answer], "dissent": [b for b in ballots if b.data()["seat"] in minority]}


def _last_of_each_seat(record: Replies) -> Replies:
    latest = {r.data()["seat"]: r for r in record if normalised(r.data()["answer"])}
    return [latest[seat] for seat in sorted(latest)]


def _tally(ballots: Replies) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for ballot in ballots:
        groups.setdefault(normalised(ballot.data()["answer"]), []).append(ballot.data())
    rows = [
        {
            "answer": held[0]["answer"],
            "seats": [h["seat"] for h in held],
            "weight": round(sum(h["confidence"] for h in held), 6),
            "highest": max(h["confidence"] for h in held),
            "reasons": [h.get("reasons") or h.get("changed_because") or "" for h in held],
            "objections": [o for h in held for o in h.get("blocking_objections", [])],
        }
        for held in groups.values()
    ]
    return sorted(rows, key=lambda r: (-r["weight"], -r["highest"]))


def _state(ended: Replies, lost: Replies, state: Replies) -> dict[str, Any]:
    missing = [*causes(lost), *state[-1].data()["unjudged"]]
    return {"rounds_used": 1 + ended[0].data()["turns"], "lost": missing, "shared_answer": state[-1].data()["answer"]}


def _minority(row: dict[str, Any]) -> str:
    objections = f" Objections: {'; '.join(row['objections'])}" if row["objections"] else ""
    held = f"{', '.join(row['seats'])}, confidence {row['weight']:g}"
    return f"{row['answer']} ({held}) {' '.join(row['reasons'])}{objections}"
