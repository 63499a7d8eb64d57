"""Trade-offs: combinations of values far apart, a table of scores, what is dominated, and what a person takes of it."""

import random
import re
from collections.abc import Sequence
from functools import cache
from itertools import combinations, product
from string import ascii_uppercase
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

Point = tuple[float, ...]
WIDTH = 4
NEEDED = {"pick": (1, 1), "mix": (2, WIDTH + 3), "between": (2, 2)}
"""How many options a choice names, at least and at most."""


@pure
def far_combinations(dimensions: Replies, models: Replies) -> Replies:
    """Four combinations of poles with the greatest distance between the nearest two, then in all; over the models."""
    known = dimensions[0].data()["dimensions"]
    names = [m.text for m in models if m.text] or [""]
    return [
        _combination(f"combination {n + 1}", known, point, names[n % len(names)])
        for n, point in enumerate(farthest(len(known)))
    ]


@cache
def farthest(count: int) -> tuple[Point, ...]:
    """Four of the 0-1 points of `count` dimensions (2 or more), as far apart as any four.

    Of several such sets one without the point at which everything gives way, then without that where nothing does.
    """
    points = list(product((0.0, 1.0), repeat=count))

    def worth(chosen: tuple[Point, ...]) -> tuple[float, float, bool, bool]:
        apart = [sum(abs(a - b) for a, b in zip(p, q, strict=True)) for p, q in combinations(chosen, 2)]
        return min(apart), sum(apart), points[0] not in chosen, points[-1] not in chosen

    return max(combinations(points, WIDTH), key=worth)


def _combination(key: str, dimensions: Sequence[dict[str, Any]], point: Sequence[float], model: str = "") -> Reply:
    lines = [f"- {d['name']}: {_value(d, x)}" for d, x in zip(dimensions, point, strict=True)]
    return reply("\n".join(lines), key=key, data={"point": list(point), "dimensions": list(dimensions), "model": model})


def _value(dimension: dict[str, Any], x: float) -> str:
    if x in (0, 1):
        return str(dimension["comes_first" if x else "gives_way"])
    return f"{x:.0%} of the way from '{dimension['gives_way']}' to '{dimension['comes_first']}'"


@pure
def with_their_values(combinations: Replies, answers: Replies) -> Replies:
    """The answers that came, each with the values that it was to commit to; nothing tells its model."""
    values = {c.key: c for c in combinations}
    return [
        reply(a.text, key=a.key, data={**values[a.key].data(), "values": values[a.key].text}) for a in ok_of(answers)
    ]


@pure
def first_of(replies: Replies) -> Replies:
    """The first, to be made again."""
    return replies[:1]


@pure
def as_combination(alike: Replies) -> Replies:
    """The values of an answer, to be committed to once more."""
    return [_combination(a.key, a.data()["dimensions"], a.data()["point"], a.data()["model"]) for a in alike]


@pure
def made_again(answers: Replies, again: Replies) -> Replies:
    """The answers, those that were made again at the end: whatever they still repeat stood before them."""
    new = {a.key: a for a in ok_of(again)}
    kept = [a for a in answers if a.key not in new]
    return kept + [a.but(text=new[a.key].text) for a in answers if a.key in new]


@pure
def lettered(answers: Replies, seed: int) -> Replies:
    """The answers in random order, under letters."""
    order = random.Random(seed).sample(answers, len(answers))  # noqa: S311 (no secret)
    return [a.but(key=letter) for a, letter in zip(order, ascii_uppercase, strict=False)]


@pure
def undominated(options: Replies, judged: Replies, dimensions: Replies, least: int = 2) -> Slots:
    """`kept` are the options with their scores, without those that another equals everywhere and beats somewhere.

    `left` are those. At least `least` are kept: the best of the dominated by their sum. An option that was not scored
    on every dimension is not compared.
    """
    names = [d["name"] for d in dimensions[0].data()["dimensions"]]
    tables = {o.key: _row(o.key, names, judged) for o in options}
    full = {k: [t[n]["score"] for n in names] for k, t in tables.items() if len(t) == len(names)}
    better = {k: next((o for o in full if _dominates(full[o], v)), "") for k, v in full.items()}
    scored = [o.but(data={**o.data(), "table": tables[o.key]}) for o in options]
    out = sorted((o for o in scored if better.get(o.key)), key=lambda o: -sum(full[o.key]))
    back = {o.key for o in out[: max(0, least - (len(options) - len(out)))]}
    return {
        "kept": [o for o in scored if not better.get(o.key) or o.key in back],
        "left": [
            o.but(data={**o.data(), "reason": f"{better[o.key]} is nowhere worse"}) for o in out if o.key not in back
        ],
    }


def _row(key: str, names: Sequence[str], judged: Replies) -> dict[str, dict[str, Any]]:
    """What the judge said of an option, by dimension; its first word where it said two."""
    row: dict[str, dict[str, Any]] = {}
    for cell in (c for j in ok_of(judged) for c in j.data()["cells"]):
        if cell["answer"].strip() == key and cell["dimension"] in names:
            row.setdefault(cell["dimension"], {"score": cell["score"], "reason": cell["reason"]})
    return row


def _dominates(one: Sequence[int], other: Sequence[int]) -> bool:
    return all(a >= b for a, b in zip(one, other, strict=True)) and list(one) != list(other)


@pure
def screen(options: Replies, said: Replies) -> Reply:
    """The options as a person chooses among them: what each puts first, the table, the text; after a choice that
    cannot be followed, why."""
    wrong = _problem(said[-1], options) if said else ""
    lines = [f"{wrong} Choose again.", ""] if wrong else []
    for option in options:
        table: dict[str, dict[str, Any]] = option.data().get("table", {})
        cells = [f"{name}: {c['score']}/5, {c['reason']}" for name, c in table.items()]
        lines += [f"## {option.key}", option.data()["values"], *section("How it does", cells or ["not scored"])]
        lines += ["", option.text, ""]
    return reply("\n".join(lines).strip(), key="options")


def _named(said: Reply, options: Replies) -> list[str]:
    """The options that a person names, by their letters, in their order."""
    text = said.text.strip()
    words = re.findall(r"\b[A-Z]\b", text.upper() if len(text) == 1 else text)
    known = {o.key for o in options}
    return list(dict.fromkeys(w for w in words if w in known))


def _problem(said: Reply, options: Replies) -> str:
    """Why a choice cannot be followed; empty where it can."""
    least, most = NEEDED[said.key]
    named = _named(said, options)
    if least <= len(named) <= most:
        return ""
    return (
        f"'{said.key}' needs {least if least == most else 'two or more'} of the letters, and {len(named)} were given."
    )


@pure
def chosen(said: Replies, options: Replies) -> bool:
    """Whether the last word is a choice that can be followed, other than for a point between."""
    return bool(said) and said[-1].key != "between" and not _problem(said[-1], options)


@pure
def midpoint(said: Replies, options: Replies) -> Replies:
    """The values midway between the two options that are named; nothing where none are asked for."""
    if not said or said[-1].key != "between" or _problem(said[-1], options):
        return []
    one, other = (next(o for o in options if o.key == key).data() for key in _named(said[-1], options))
    point = [(a + b) / 2 for a, b in zip(one["point"], other["point"], strict=True)]
    return [_combination(f"between {' and '.join(_named(said[-1], options))}", one["dimensions"], point)]


@pure
def with_point(options: Replies, middle: Replies, made: Replies, left: Replies) -> Replies:
    """The options and the point between, if it came, under a letter that none has had."""
    if not ok_of(made):
        return options
    taken = {o.key for o in [*options, *left]}
    letter = next(x for x in ascii_uppercase if x not in taken)
    data = {**middle[0].data(), "values": middle[0].text}
    return [*options, reply(made[0].text, key=letter, data=data)]


@pure
def decision(said: Replies, last: Replies, options: Replies) -> Slots:
    """`out` is the choice (pick, mix or none) with the letters that it names, `marked` the options that it names."""
    given = [*said, *last]
    if not chosen(given, options):
        return {"out": [reply(key="none", data={"options": []})], "marked": []}
    named = _named(given[-1], options)
    marked = [o for o in options if o.key in named]
    return {"out": [reply(given[-1].text, key=given[-1].key, data={"options": named})], "marked": marked}


@pure
def no_mix(decision: Replies) -> bool:
    """Whether no parts of several options were asked for."""
    return decision[0].key != "mix"


@pure
def preference(prompt: Replies, decision: Replies, marked: Replies) -> Replies:
    """What the choice tells of the person's priorities, to be remembered; nothing where there was none."""
    if decision[0].key == "none":
        return []
    values = "\n".join(m.data()["values"] for m in marked)
    asked = " ".join(prompt[0].text.split())[:200]
    return [reply(f"For '{asked}' the person chose:\n{values}", data={"points": [m.data()["point"] for m in marked]})]


@pure
def traded_off(
    options: Replies,
    left: Replies,
    alike: Replies,
    decision: Replies,
    mixed: Replies,
    checked: Replies,
    trouble: Replies,
    committed: Replies,
    judged: Replies,
) -> Reply:
    """The option that was picked or the mix, or all options where nothing was chosen; with table and what was left.

    Degraded where an option or the table is missing: the person chose among less than there should be.
    """
    lost = causes([*committed, *judged])
    data = {
        "choice": decision[0].key,
        "taken": decision[0].data()["options"],
        "options": [_entry(o) for o in options],
        "dominated": [_entry(o) for o in left],
        "alike": [a.key for a in alike],
        "trouble": [t.text for t in trouble],
        "lost": lost,
        "contradictions": [c for r in ok_of(checked) for c in r.data()["contradictions"]],
    }
    if decision[0].key == "none":
        return reply(screen(options, []).text, key="answer", data=data, outcome="undecided")
    if decision[0].key == "pick":
        (picked,) = [o for o in options if o.key in data["taken"]]
        return reply(picked.text, key="answer", data=data, outcome="degraded" if lost else "answered")
    if not ok_of(mixed):
        (cause,) = [m.cause for m in mixed] or ["no reply"]
        parts = "\n\n".join(f"## {o.key}\n{o.text}" for o in options if o.key in data["taken"])
        return reply(f"The parts could not be joined: {cause}\n\n{parts}", key="answer", data=data, outcome="degraded")
    clashes = section("Parts that contradict one another", data["contradictions"])
    outcome: Outcome = "unchecked" if not ok_of(checked) else "degraded" if clashes or lost else "answered"
    notes = ["", "Whether its parts contradict one another could not be checked."] if outcome == "unchecked" else []
    return reply("\n".join([mixed[0].text, *clashes, *notes]), key="answer", data=data, outcome=outcome)


def _entry(option: Reply) -> dict[str, Any]:
    kept = ("values", "point", "table", "reason")
    return {"option": option.key, **{k: v for k, v in option.data().items() if k in kept}}
