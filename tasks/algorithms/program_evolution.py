"""Programs bred on islands (FunSearch, AlphaEvolve): parents, archives, what islands exchange, when it ends, the top.

An island is a reply with the fields base (the seed's entry), archive (entries: id, program, score, vector), error (what
its next call hears) and lost.
"""

from collections.abc import Iterable, Sequence
from math import floor, log2
from random import Random
from typing import Any, Literal

from tasks.algorithms.program_scores import changeable, passes
from tasks.functions import pure
from tasks.reply import Replies, Reply, Slots, canonical, first_cause, ok_of, reply
from utils.errors import BadInput

Entry = dict[str, Any]
ISLANDS, INSPIRATIONS = 4, 2
STRONG_TURNS, OF_TURNS = 3, 20
"""The strong model writes in so many of so many turns of an island: 15 percent."""
SEED = "0"
"""The id of the program that all begins with."""
LENGTH_STEPS = 4
"""Cells of an archive for each doubling of the length."""
MOST_LEVEL = 10_000.0


@pure
def seeded_islands(starts: Replies, quick: Replies, whole: Replies) -> Slots:
    """`islands` that each hold the seed program, and the first entry of the `history`.

    Raises BadInput where the seed does not pass, or scores differently in runs of the same.
    """
    if error := next((str(s.data()["error"]) if s.ok else s.cause for s in [*quick, *whole] if not passes(s)), ""):
        raise BadInput(f"--program does not pass its own evaluation: {' '.join(error.split())[-600:]}")
    scores = [s.data()["vector"] for s in whole]
    if len({canonical(v) for v in scores}) > 1:
        raise BadInput(f"--evaluator is not deterministic: the same program scored {canonical(scores)[:600]}")
    base = {"id": SEED, "program": starts[0].text, "score": whole[0].score, "vector": scores[0]}
    data = {"base": base, "archive": [base], "error": "", "lost": []}
    islands = [reply(key=f"island {n}", data=data) for n in range(1, ISLANDS + 1)]
    return {"islands": islands, "history": [_progress(0, base)]}


def _progress(evaluations: int, best: Entry) -> Reply:
    data = {"evaluations": evaluations, "best": best["score"], "id": best["id"]}
    return reply(f"{evaluations}: {best['score']:g}", key=f"after {evaluations}", data=data, score=best["score"])


@pure
def brief(island: Replies, cheap: Replies, strong: Replies, turn: int, seed: int) -> Slots:
    """What an island's next call sees: a `parent` drawn by rank, two `inspirations` of other cells, the last `error`.

    The parent's field `model` is who writes. Entries stand in cells of their own, so that another is another cell's.
    """
    data, chance = island[0].data(), Random(seed)  # noqa: S311 (the run's own seed: a replay draws alike)
    entries = sorted(data["archive"], key=_rank)
    parent = chance.choices(entries, weights=range(len(entries), 0, -1))[0]
    others = [e for e in entries if e is not parent]
    shown = chance.sample(others, min(INSPIRATIONS, len(others)))
    lot = (turn + _number(island[0]) * OF_TURNS // ISLANDS) * STRONG_TURNS % OF_TURNS
    writers = strong if lot < STRONG_TURNS else cheap
    fields = {"id": parent["id"], "scores": parent["vector"], "score": parent["score"]}
    fields |= {"model": writers[turn % len(writers)].text, "strong": lot < STRONG_TURNS}
    return {
        "parent": [reply(parent["program"], key="parent", data=fields)],
        "inspirations": [reply(_shown(e), key=f"program {n}") for n, e in enumerate(shown, 1)],
        "error": [reply(data["error"], key="error")] if data["error"] else [],
    }


def _number(island: Reply) -> int:
    return int(island.key.split()[-1]) - 1


def _rank(entry: Entry) -> tuple[float, int, tuple[int, ...]]:
    """The best first: score, then the shorter program, then the earlier one."""
    return -entry["score"], len(entry["program"]), _age(entry)


def _age(entry: Entry) -> tuple[int, ...]:
    return tuple(int(part) for part in entry["id"].split("."))


def _shown(entry: Entry) -> str:
    return f"# scores: {canonical(entry['vector'])}\n{entry['program']}"


@pure
def evolved(island: Replies, child: Replies, file: Replies, quick: Replies, whole: Replies, turn: int) -> Reply:
    """The island after one evaluation: a program that passes takes its cell if it is the best there; an error stays for
    the next call.
    """
    data = island[0].data()
    error = file[0].data()["error"] or next((s.data()["error"] for s in (*quick, *whole) if not passes(s)), "")
    if not ok_of(child):
        lost = [*data["lost"], first_cause(child) or "there was no edit"]
        return island[0].but(data={**data, "lost": lost})
    archive = data["archive"]
    if not error:
        name, measured = f"{turn}.{_number(island[0]) + 1}", whole[0].data()
        made = {"id": name, "program": file[0].text, "score": measured["score"], "vector": measured["vector"]}
        archive = _kept([*archive, made], data["base"])
    return island[0].but(data={**data, "archive": archive, "error": error})


def _kept(entries: Iterable[Entry], base: Entry) -> list[Entry]:
    """The best entry of each cell."""
    cells: dict[tuple[int, int], Entry] = {}
    for entry in entries:
        cell = _cell(entry, base)
        cells[cell] = min(cells.get(cell, entry), entry, key=_rank)
    return [cells[c] for c in sorted(cells)]


def _cell(entry: Entry, base: Entry) -> tuple[int, int]:
    """Score in tenths of the seed's (of one where that is 0), by length in quarters of a doubling of the seed's."""
    unit = abs(base["score"]) / 10 or 0.1
    level = max(-MOST_LEVEL, min(MOST_LEVEL, (entry["score"] - base["score"]) / unit))
    return floor(level), round(LENGTH_STEPS * log2(_length(entry) / _length(base)))


def _length(entry: Entry) -> int:
    """Characters of what may change."""
    return max(1, sum(end - start for start, end in changeable(entry["program"])))


@pure
def exchanged(before: Replies, islands: Replies, turn: int, migrate: int, restart: int) -> Slots:
    """The `islands` after a turn, and the next entry of the `history`.

    Each time that so many evaluations are full, the two worst islands begin anew with the best of the two others
    (`restart`), and the best of each island is copied to its neighbour (`migrate`). An island that came to nothing
    stays as it was.
    """
    made = {i.key: i for i in islands}
    data = [_after(b, made.get(b.key)) for b in before]
    done = ISLANDS * turn
    if done // restart > (done - ISLANDS) // restart:
        ranked = sorted(data, key=lambda d: min(map(_rank, d["archive"])))
        half = len(ranked) // 2
        for worst, good in zip(ranked[::-1][:half], ranked[:half], strict=True):
            worst |= {"archive": [min(good["archive"], key=_rank)], "error": ""}
    if done // migrate > (done - ISLANDS) // migrate:
        bests = [min(d["archive"], key=_rank) for d in data]
        for n, d in enumerate(data):
            d["archive"] = _kept([*d["archive"], bests[n - 1]], d["base"])
    best = min((e for d in data for e in d["archive"]), key=_rank)
    return {
        "islands": [b.but(data=d) for b, d in zip(before, data, strict=True)],
        "history": [_progress(done, best)],
    }


def _after(before: Reply, made: Reply | None) -> dict[str, Any]:
    if made and made.ok:
        return made.data()
    data = before.data()
    return {**data, "lost": [*data["lost"], first_cause([made]) if made else "the island was lost"]}


@pure
def search_over(history: Replies, target: Replies, patience: int) -> bool:
    """Whether the target is reached, or so many evaluations brought no better program."""
    return ended_by(history, target, patience) != "bound"


def ended_by(history: Sequence[Reply], target: Replies, patience: int) -> Literal["target", "patience", "bound"]:
    """Why the search ends; bound where nothing but the number of evaluations ends it."""
    rows = [h.data() for h in history]
    top = max(r["best"] for r in rows)
    if target and target[0].score is not None and top >= target[0].score:
        return "target"
    since = next(r["evaluations"] for r in rows if r["best"] == top)
    return "patience" if rows[-1]["evaluations"] - since >= patience else "bound"


@pure
def top_programs(islands: Replies, most: int) -> Replies:
    """The best different programs of all islands, the best first."""
    ranked = sorted((e for i in islands for e in i.data()["archive"]), key=_rank)
    different = list({e["program"]: e for e in reversed(ranked)}.values())[::-1]
    return [
        reply(e["program"], key=f"candidate {n}", data=e, score=e["score"])
        for n, e in enumerate(sorted(different, key=_rank)[:most], 1)
    ]
