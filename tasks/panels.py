"""Who takes part: distinct models for a vote, two debaters and a judge who is neither, seats as unlike as may be."""

from collections.abc import Sequence

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, reply
from utils.models import family

DISTINCT = ("family", "model", "role")
"""How a seat differs from every other one, the best first: who trained its model, the model, its role alone."""


@pure
def seats(models: Replies, roles: dict[str, str], taken: Sequence[Reply] = (), least: str = "role") -> Replies:
    """A seat a role, in order: of a model family that nobody has yet, else a distinct model, else a distinct role.

    Text and `model` of a seat are its model, key its name in `roles`; its fields say how it is `distinct` from `taken`
    (replies or seats, by their `model`) and from the seats before it (family, model or role), its `family`, and the
    `role` to speak in: that of `roles` where its model has another seat too, else nothing. A model that is taken gets
    a seat only where there is no other. Fails the run, naming what is missing, where a seat is less distinct than
    `least`.
    """
    names = list(dict.fromkeys(m.text for m in models if m.text)) or [""]
    used = [t.model for t in taken if t.model]
    free = [n for n in names if n not in used] or names
    given: list[tuple[str, str]] = []
    for _ in roles:
        given.append(_most_distinct(free, used))
        used.append(given[-1][0])
    if short := [k for k, (_, d) in zip(roles, given, strict=True) if DISTINCT.index(d) > DISTINCT.index(least)]:
        have = ", ".join(n for n in names if n) or "none"
        raise Refuse(f"no distinct {least} is left for {', '.join(short)} (models: {have}): name more with --models")
    return [
        reply(
            name,
            key=key,
            model=name,
            data={"distinct": distinct, "family": family(name), "role": role if used.count(name) > 1 else ""},
        )
        for (key, role), (name, distinct) in zip(roles.items(), given, strict=True)
    ]


def _most_distinct(free: list[str], used: list[str]) -> tuple[str, str]:
    """The first model of a family that nobody has, else that nobody has, else that the fewest have; and which."""
    families = {family(u) for u in used}
    for name in free:
        if family(name) not in families:
            return name, "family"
    for name in free:
        if name not in used:
            return name, "model"
    return min(free, key=used.count), "role"


def least_distinct(panel: Sequence[Reply]) -> str:
    """How the seats of a panel differ at least: family, model or role."""
    return max((s.data()["distinct"] for s in panel), key=DISTINCT.index, default=DISTINCT[0])


@pure
def distinct_models(models: Replies, least: int, most: int) -> Replies:
    """The different models among those given, in order. Fails the run, before anything is paid, outside the bounds."""
    panel = list({m.text: m for m in models if m.text}.values())
    if not least <= len(panel) <= most:
        names = ", ".join(m.text for m in panel) or "none"
        raise Refuse(f"{len(panel)} different models ({names}): {least} to {most} are needed, name them with --models")
    return panel


@pure
def debaters_and_judge(models: Replies) -> Slots:
    """The first two different models as debaters, the third as judge: it is none of them."""
    panel = distinct_models(models, 3, len(models) or 3)
    return {"debaters": panel[:2], "judge": panel[2:3]}


@pure
def two_debaters(models: Replies) -> Replies:
    """The first two different models."""
    return distinct_models(models, 2, len(models) or 2)[:2]
