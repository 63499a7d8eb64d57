"""Chain of density: the entities of a summary, the gate of each denser version, and the version that is picked."""

from random import Random
from typing import Any

from tasks.algorithms.quotes import occurs
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply


@pure
def first_version(made: Replies) -> Reply:
    """The sparse summary with those of its entities that it really names."""
    said = made[0].data()
    summary = said["summary"].strip()
    return _version(1, made[0], summary, [e for e in _distinct(said["entities"]) if _named(e, summary)])


@pure
def novel_entities(found: Replies, source: Replies, versions: Replies, most: int) -> Reply:
    """The missing entities that count, with those `refused`: they must stand in the source, and not in the summary."""
    said = _distinct([e for f in ok_of(found) for e in f.data()["missing"]])
    summary, text = versions[-1].text, source[0].text
    new = [e for e in said if _named(e, text) and not _named(e, summary)][:most]
    data = {"entities": new, "refused": [e for e in said if e not in new], "lost": causes(found)}
    return reply("\n".join(new), key=f"missing {len(versions)}", data=data)


@pure
def nothing_missing(missing: Replies) -> bool:
    """Whether there is no entity to add."""
    return not missing[-1].data()["entities"]


@pure
def density_gate(revised: Replies, missing: Replies, versions: Replies, least: int, most: int) -> Reply:
    """A denser version with `passed`, and the `message` of what is wrong with its length or its entities."""
    one = revised[-1]
    if not one.ok:
        said = f"there was no version: {one.cause}"
        return reply(key="version", data={"passed": False, "message": said, "lost": [one.cause]})
    text, words = one.text.strip(), len(one.text.split())
    wanted = _distinct([*versions[-1].data()["entities"], *missing[0].data()["entities"]])
    wrong = [] if least <= words <= most else [f"it has {words} words: {least} to {most} are right"]
    wrong += [f"'{e}' does not stand in it" for e in wanted if not _named(e, text)]
    data = {"passed": not wrong, "message": "; ".join(wrong), "entities": wanted, "lost": []}
    return one.but(text=text, data=data)


@pure
def passed_version(attempts: Replies, missing: Replies, versions: Replies) -> Slots:
    """The version that passed its gate, if one did, and how the turn went: why there is none."""
    last = attempts[-1] if attempts else None
    if last is not None and last.data()["passed"]:
        made = _version(len(versions) + 1, last, last.text, last.data()["entities"])
        return {"version": [made], "log": [reply("", key=made.key, data={"ended": False, "lost": []})]}
    why = f"a version was refused twice: {last.data()['message']}" if last is not None else "no entity is missing"
    lost = [*missing[0].data()["lost"], *(last.data()["lost"] if last is not None else [])]
    return {
        "version": [],
        "log": [reply(why, key=missing[0].key, data={"ended": True, "refused": last is not None, "lost": lost})],
    }


def _version(number: int, made: Reply, text: str, entities: list[str]) -> Reply:
    data = {"entities": entities, "words": len(text.split())}
    return made.but(key=f"version {number}", text=text, data=data)


@pure
def nothing_added(log: Replies) -> bool:
    """Whether the last turn brought no version."""
    return bool(log) and log[-1].data()["ended"] is True


@pure
def shuffled(versions: Replies, seed: int) -> Replies:
    """The versions in an order that tells nothing of how they were made."""
    return Random(seed).sample(versions, len(versions))  # noqa: S311 (an order, no secret)


@pure
def picked_version(versions: Replies, shown: Replies, verdict: Replies, log: Replies) -> Reply:
    """The version that the judge picks by its number in `shown`. Without a verdict the last one stands, unchecked."""
    lost = [*causes(verdict), *(w for entry in log for w in entry.data()["lost"])]
    choice = next((v.data()["version"] for v in ok_of(verdict)), 0)
    known = 1 <= choice <= len(shown)
    picked = shown[choice - 1] if known else versions[-1]
    outcome: Outcome = "degraded" if lost else "answered"
    if len(versions) > 1 and not known:
        lost = lost or [f"the judge picked version {choice} of {len(shown)}"]
        outcome = "unchecked"
    data: dict[str, Any] = {
        "picked": picked.key,
        **picked.data(),
        "reason": next((v.data()["reason"] for v in ok_of(verdict)), "") if known else "",
        "versions": [{"version": v.key, "text": v.text, **v.data()} for v in versions],
        "ended": log[-1].text if nothing_added(log) else "the bound of rewrites",
        "lost": lost,
    }
    return reply(picked.text, key="answer", data=data, model=picked.model, outcome=outcome)


def _distinct(names: list[str]) -> list[str]:
    unique: dict[str, str] = {}
    for name in names:
        if name.strip():
            unique.setdefault(" ".join(name.casefold().split()), name.strip())
    return list(unique.values())


def _named(entity: str, text: str) -> bool:
    return occurs(entity, text, any_case=True)
