"""Red-team attacks on an answer: who attacks and who referees, which attacks are upheld, and when the answer stands."""

from collections.abc import Sequence
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.panels import seats
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

UPHELD, REJECTED, UNDECIDED = "upheld", "rejected", "undecided"
RULINGS = {"supported": UPHELD, "refuted": REJECTED}
"""What a referee's verdict makes of an attack; every other one leaves it undecided."""


@pure
def attack_seats(models: Replies, roles: dict[str, str]) -> Replies:
    """Seats for primary, adversary and referee, in the order of `roles`.

    The adversary's model is another one than the primary's, or the run fails. The referee is a third model; where there
    are two only it is the adversary's in a fresh context, its field `distinct` says role and its `role` is that of
    `roles`.
    """
    primary, adversary, referee = roles
    pair = seats(models, {primary: roles[primary], adversary: roles[adversary]}, least="model")
    third = seats(models, {referee: roles[referee]}, taken=pair)[0]
    if third.data()["distinct"] == "role":
        data = {**pair[1].data(), "distinct": "role", "role": roles[referee]}
        third = pair[1].but(key=referee, data=data)
    return [*pair, third]


@pure
def attacks(made: Replies, turn: int, most: int) -> Replies:
    """Each attack as a reply, at most `most`: text is the flaw, fields its angle, quote, evidence, severity and round.

    `made` are the adversary's replies by angle, with a list `attacks` each.
    """
    found = [{**attack, "angle": one.key, "round": turn} for one in ok_of(made) for attack in one.data()["attacks"]]
    return [reply(a["flaw"], key=f"{turn}.{n}", data=a) for n, a in enumerate(found[:most], 1)]


@pure
def refereed(attacks: Replies, rulings: Replies, made: Replies, turn: int) -> Replies:
    """The attacks with the referee's ruling and reason; one that nobody could rule on is undecided.

    An angle from which nobody attacked stands as a failed reply behind them.
    """
    said = {r.key: r for r in rulings}
    return [
        *(_refereed(a, said.get(a.key)) for a in attacks),
        *(m.but(key=f"{m.key}, round {turn}") for m in made if not m.ok),
    ]


def _refereed(attack: Reply, ruling: Reply | None) -> Reply:
    if ruling is None or not ruling.ok:
        why = f"no ruling: {ruling.cause or ruling.status}" if ruling is not None else "no ruling"
        return attack.but(data={**attack.data(), "ruling": UNDECIDED, "reason": why, "lost": True})
    verdict = ruling.data()
    named = RULINGS.get(verdict["verdict"], UNDECIDED)
    return attack.but(data={**attack.data(), "ruling": named, "reason": verdict["reason"], "lost": False})


@pure
def rejected_attacks(log: Replies) -> Replies:
    """The attacks of earlier rounds that were rejected: they are not to be made again."""
    return _ruled(log, REJECTED)


def _ruled(log: Replies, ruling: str) -> Replies:
    return [a for a in ok_of(log) if a.data()["ruling"] == ruling]


@pure
def grave_attacks(log: Replies, turn: int, severity: int) -> Replies:
    """The upheld attacks of this round whose severity is `severity` or more: those that a revision answers."""
    return [a for a in _ruled(log, UPHELD) if a.data()["round"] == turn and a.data()["severity"] >= severity]


@pure
def withstands(log: Replies, turn: int, severity: int) -> bool:
    """Whether this round upheld no attack of that severity."""
    return not grave_attacks(log, turn, severity)


@pure
def hardened(answers: Replies, log: Replies, ended: Replies, seats: Replies, severity: int, angles: int) -> Reply:
    """The last answer with its attack log: upheld, rejected, undecided.

    A text that was revised in the last round is marked: nobody attacked it again. One that nobody attacked because
    all of the `angles` failed is unchecked.
    """
    final, rounds = ok_of(answers)[-1], int(ended[0].data()["turns"])
    grave = grave_attacks(log, rounds, severity)
    revised = bool(grave) and answers[-1].ok
    entries = [a.data() for a in ok_of(log)]
    lost = [*causes(log), *causes(answers), *(f"{a.key}: {a.data()['reason']}" for a in ok_of(log) if a.data()["lost"])]
    data: dict[str, Any] = {
        "rounds": rounds,
        "revisions": len(ok_of(answers)) - 1,
        "not_attacked_again": revised,
        "unmended": [a.text for a in grave] if not revised else [],
        "attacks": entries,
        **{ruling: sum(e["ruling"] == ruling for e in entries) for ruling in (UPHELD, REJECTED, UNDECIDED)},
        "adversary": seats[1].data()["distinct"],
        "referee": seats[2].data()["distinct"],
        "lost": lost,
    }
    attacked = len(log) - len(entries) < angles * rounds
    outcome: Outcome = "unchecked" if not attacked else "degraded" if lost else "answered"
    text = "\n".join([final.text, *_notes(revised, data["unmended"], data["referee"], attacked), *_log(entries)])
    return reply(text, key="answer", data=data, model=final.model, outcome=outcome)


def _notes(revised: bool, unmended: Sequence[str], referee: str, attacked: bool) -> list[str]:
    notes = [
        "Nobody could attack this text." if not attacked else "",
        "This text was revised in the last round and was not attacked again." if revised else "",
        "The last round's upheld attacks are not met in this text: its revision failed." if unmended else "",
        "Adversary and referee are the same model." if referee == "role" else "",
    ]
    shown = [n for n in notes if n]
    return ["", *shown] if shown else []


def _log(entries: list[dict[str, Any]]) -> list[str]:
    lines: list[str] = []
    for ruling in (UPHELD, REJECTED, UNDECIDED):
        points = [f"{e['flaw']} ({e['angle']}, severity {e['severity']}) {e['reason']}" for e in entries]
        chosen = [p for p, e in zip(points, entries, strict=True) if e["ruling"] == ruling]
        lines += section(f"Attacks {ruling}", chosen)
    return lines
