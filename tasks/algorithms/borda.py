"""Peer review by rank: anonymous sheets shuffled for each reviewer, complete orders, mean relative position."""

from collections.abc import Sequence
from random import Random
from string import ascii_uppercase
from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Replies, Reply, Slots, causes, ok_of, reply

APART = 2
"""Positions of one answer that differ by so much are a dispute."""


@pure
def review_sheets(panel: Replies, answers: Replies, seed: int) -> Replies:
    """What each of the panel reviews: the others' answers under letters of its own shuffle, its own left out.

    Key and text are the reviewer's; fields are `answers` (letter and text), `letters` (letter -> whose) and `problem`.
    """
    return [_sheet(one, [a for a in ok_of(answers) if a.key != one.key], seed) for one in panel]


def _sheet(reviewer: Reply, others: Sequence[Reply], seed: int) -> Reply:
    shuffled = list(others)
    Random(f"{seed}/{reviewer.key}").shuffle(shuffled)  # noqa: S311 (repeatable is what it must be)
    lettered = dict(zip(ascii_uppercase, shuffled, strict=False))
    data = {
        "answers": [{"letter": letter, "answer": a.text} for letter, a in lettered.items()],
        "letters": {letter: a.key for letter, a in lettered.items()},
        "problem": "",
    }
    return reply(reviewer.text, key=reviewer.key, data=data)


@pure
def malformed(sheets: Replies, reviews: Replies) -> Replies:
    """The sheets of reviews whose order is not a complete one, with what was wrong: they are asked once more."""
    by_key = {s.key: s for s in sheets}
    found = []
    for review in ok_of(reviews):
        sheet = by_key[review.key]
        if problem := _problem(sheet, review):
            found.append(sheet.but(data={**sheet.data(), "problem": problem}))
    return found


def _problem(sheet: Reply, review: Reply) -> str:
    letters, given = list(sheet.data()["letters"]), list(review.data()["ranking"])
    if sorted(given) == sorted(letters):
        return ""
    return f"the ranking was {', '.join(given) or 'empty'}: each of {', '.join(letters)} stands in it exactly once"


@pure
def council(answers: Replies, sheets: Replies, reviews: Replies, again: Replies, least: int) -> Slots:
    """The complete reviews counted: mean of (position / answers ranked) of each answer, the lowest best.

    `lettered` are the answers under one lettering for all, `reviews` and `league` (best first) speak of those letters,
    `disputed` are the answers whose positions differ by 2 or more; `names` has the letters' models and who was dropped.
    Fails the run where fewer than `least` reviews are complete.
    """
    by_key, second = {s.key: s for s in sheets}, {r.key: r for r in again}
    final = [second.get(r.key, r) for r in reviews]
    valid = [r for r in final if r.ok and not _problem(by_key[r.key], r)]
    dropped = [f"{r.key}: {r.cause or _problem(by_key[r.key], r)}" for r in final if r not in valid]
    if len(valid) < least:
        raise Refuse(f"{len(valid)} complete reviews, {least} are needed: {'; '.join(dropped) or 'nobody reviewed'}")
    letter_of = {a.key: letter for letter, a in zip(ascii_uppercase, ok_of(answers), strict=False)}
    rows = [_review(number, r, by_key[r.key], letter_of) for number, r in enumerate(valid, 1)]
    league = _league(letter_of, rows)
    disputed = [_dispute(row, rows) for row in league if _spread(row.data()["positions"]) >= APART]
    names = {"letters": {letter: key for key, letter in letter_of.items()}, "dropped": dropped}
    return {
        "lettered": [a.but(key=letter_of[a.key]) for a in ok_of(answers)],
        "reviews": rows,
        "league": league,
        "disputed": disputed,
        "names": [reply(key="names", data=names)],
    }


def _review(number: int, review: Reply, sheet: Reply, letter_of: dict[str, str]) -> Reply:
    """A review in the letters that stand for all; `by` is the reviewer's model, which nobody is shown."""
    common = {own: letter_of[key] for own, key in sheet.data()["letters"].items()}
    said = review.data()
    remarks: dict[str, dict[str, str]] = {}
    for one in said["remarks"]:
        if one["letter"] in common:
            remark = {"answer": common[one["letter"]], "strength": one["strength"], "flaw": one["flaw"]}
            remarks.setdefault(remark["answer"], remark)
    order = [common[letter] for letter in said["ranking"]]
    data = {
        "order": order,
        "remarks": [remarks[letter] for letter in sorted(remarks)],
        "by": review.key,
    }
    return reply(" > ".join(order), key=f"reviewer {number}", data=data)


def _league(letter_of: dict[str, str], reviews: Replies) -> Replies:
    orders = [r.data()["order"] for r in reviews]
    rows = []
    for letter in letter_of.values():
        positions = [o.index(letter) + 1 for o in orders if letter in o]
        shares = [(o.index(letter) + 1) / len(o) for o in orders if letter in o]
        mean = sum(shares) / len(shares) if shares else 1.0
        rows.append(reply(key=letter, data={"answer": letter, "mean": round(mean, 6), "positions": positions}))
    return sorted(rows, key=lambda r: r.data()["mean"])


def _spread(positions: list[int]) -> int:
    return max(positions) - min(positions) if positions else 0


def _dispute(row: Reply, reviews: Replies) -> Reply:
    letter = row.key
    said = [m for r in reviews for m in r.data()["remarks"] if m["answer"] == letter]
    remarks = [{"strength": m["strength"], "flaw": m["flaw"]} for m in said]
    return reply(key=letter, data={"answer": letter, "positions": row.data()["positions"], "remarks": remarks})


@pure
def concluded(
    written: Replies, league: Replies, reviews: Replies, disputed: Replies, names: Replies, answers: Replies
) -> Reply:
    """The chair's answer first, then the league table and the reviews with letters resolved to models."""
    known = names[0].data()
    model: dict[str, str] = known["letters"]
    lost = causes(answers) + known["dropped"]
    table = [{**r.data(), "model": model[r.key]} for r in league]
    lines = [written[0].text, "", "League (mean of position / answers ranked, the lowest is best):"]
    lines += [f"{n}. {r['model']}: {r['mean']:.2f} (answer {r['answer']})" for n, r in enumerate(table, 1)]
    lines += ["", "Reviews:", *(line for r in reviews for line in _shown(r.data(), model))]
    if disputed:
        lines += ["", "The reviewers disagree on:"]
        lines += [f"- {model[d.key]}: positions {', '.join(map(str, d.data()['positions']))}" for d in disputed]
    lines += ["", "Left out:", *(f"- {one}" for one in lost)] if lost else []
    data = {
        "league": table,
        "reviews": [_resolved(r.data(), model) for r in reviews],
        "disputed": [{**d.data(), "model": model[d.key]} for d in disputed],
        "left_out": lost,
    }
    outcome = "degraded" if lost else "answered"
    return reply("\n".join(lines), key="answer", data=data, model=written[0].model, outcome=outcome)


def _resolved(review: dict[str, Any], model: dict[str, str]) -> dict[str, Any]:
    remarks = [{**m, "answer": model[m["answer"]]} for m in review["remarks"]]
    return {"by": review["by"], "order": [model[letter] for letter in review["order"]], "remarks": remarks}


def _shown(review: dict[str, Any], model: dict[str, str]) -> list[str]:
    one = _resolved(review, model)
    remarks = [f"  {m['answer']}: + {m['strength']} - {m['flaw']}" for m in one["remarks"]]
    return [f"- {one['by']}: {' > '.join(one['order'])}", *remarks]
