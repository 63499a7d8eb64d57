"""A result taken back to its origin: what was lost on the way, what was added, and what share came back."""

from typing import Any

from tasks.algorithms.resampling import verdicts_of
from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, failed, ok_of, reply

ENOUGH = 2
"""A unit has come back where so many back versions express it; less is too few to check anything."""


@pure
def source_units(extracted: Replies, most: int) -> Replies:
    """The smallest statements or requirements of the source as items, each once."""
    texts = [u.strip() for e in ok_of(extracted) for u in e.data()["units"]]
    unique = list(dict.fromkeys(t for t in texts if t))[:most]
    return [reply(text, key=f"unit {n}") for n, text in enumerate(unique, 1)]


@pure
def form_of(given: Replies, extracted: Replies) -> Reply:
    """The form of the source: what the caller says, else what was extracted with the units."""
    said = next((g.text.strip() for g in given if g.text.strip()), "")
    return reply(said or next((e.data()["form"] for e in ok_of(extracted)), ""), key="form")


@pure
def returned(units: Replies, backs: Replies, verdicts: Replies, added: Replies, turn: int) -> Reply:
    """One check: fields kept, lost and unjudged (units), added, score (kept of those judged), lost_calls, checked.

    A unit is lost where fewer than two back versions express it, and unjudged where verdicts that failed might have
    made up the difference. Without two back versions nothing is checked, and nothing lost or added.
    """
    trouble = [*causes(backs), *causes(verdicts), *causes(added)]
    data: dict[str, Any] = {"round": turn, "checked": len(ok_of(backs)) >= ENOUGH, "lost_calls": trouble}
    found: dict[str, list[str]] = {"kept": [], "lost": [], "unjudged": []}
    if data["checked"]:
        for index, unit in enumerate(ok_of(units)):
            found[_came_back(verdicts_of(index, verdicts), len(ok_of(backs)))].append(unit.text)
        data["added"] = [s for a in ok_of(added) for s in a.data()["added"]]
    judged = len(found["kept"]) + len(found["lost"])
    data |= {"added": [], **data, **found, "score": len(found["kept"]) / judged if judged else None}
    return reply(f"{len(found['lost'])} lost, {len(data['added'])} added", key=f"check {turn}", data=data)


def _came_back(verdicts: Replies, versions: int) -> str:
    supported = sum(v.data()["verdict"] == "supported" for v in ok_of(verdicts))
    missing = versions - len(ok_of(verdicts))
    if supported >= ENOUGH:
        return "kept"
    return "unjudged" if supported + missing >= ENOUGH else "lost"


@pure
def nothing_changed(checks: Replies) -> bool:
    """Whether the last check found nothing lost and nothing added."""
    return not checks or not (checks[-1].data()["lost"] or checks[-1].data()["added"])


@pure
def lost_units(checks: Replies) -> Replies:
    """The units that the last check found lost, as items."""
    return _listed(checks, "lost")


@pure
def added_statements(checks: Replies) -> Replies:
    """The statements that the last check found added, as items."""
    return _listed(checks, "added")


def _listed(checks: Replies, field: str) -> Replies:
    texts = checks[-1].data()[field] if checks else []
    return [reply(text, key=f"{field} {n}") for n, text in enumerate(texts, 1)]


@pure
def backs_to_compare(backs: Replies) -> Replies:
    """The back versions, or one failed reply where they are too few to compare."""
    enough = len(ok_of(backs)) >= ENOUGH
    return backs if enough else [failed(f"{len(ok_of(backs))} back versions, {ENOUGH} are needed", key="backs")]


@pure
def round_tripped(versions: Replies, checks: Replies, seats: Replies) -> Reply:
    """The last version with score, lost and added of the last check; one revised after it is marked not checked again.

    `quality` is the share of units not lost. What could not be taken back is unchecked.
    """
    final, last = ok_of(versions)[-1], checks[-1].data()
    revised = not nothing_changed(checks) and versions[-1].ok
    lost = [*causes(versions), *(why for c in checks for why in c.data()["lost_calls"])]
    data: dict[str, Any] = {
        "score": last["score"],
        "lost": last["lost"],
        "added": last["added"],
        "unjudged": last["unjudged"],
        "not_checked_again": revised,
        "rounds": len(checks),
        "revisions": len(ok_of(versions)) - 1,
        "backward": seats[1].data()["distinct"],
        "lost_calls": lost,
    }
    if last["score"] is not None:
        data["quality"] = last["score"]
    outcome: Outcome = "unchecked" if last["score"] is None else "degraded" if lost else "answered"
    text = "\n".join([final.text, *_report(data)])
    return reply(text, key="answer", data=data, score=last["score"], model=final.model, outcome=outcome)


def _report(data: dict[str, Any]) -> list[str]:
    score = data["score"]
    shown = "Not checked: it could not be taken back." if score is None else f"Came back: {score:.0%} of its units."
    notes = [shown, *(["This text was revised after that and not checked again."] if data["not_checked_again"] else [])]
    at = "Found by the last check" if data["not_checked_again"] else "Still"
    return ["", *notes, *section(f"{at} lost", data["lost"]), *section(f"{at} added", data["added"])]
