"""A tournament of hypotheses: reviews, matches for an Elo rating, four children a generation, and a shortlist.

Source: Gottweis et al. 2025 (arXiv 2502.18864). A hypothesis is a reply: key H1, H2 ...; text claim, rationale and
test; fields claim, origin, parents, elo, matches and review.
"""

from collections.abc import Sequence
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.algorithms.elo import SCALE, START, after_match
from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

CHECKS = ("plausible", "novel", "testable")
REFUTED, UNKNOWN = "refuted", "unknown"
SEPARATOR = " · "
"""Between the keys of an item and of what was made of it."""


@pure
def goal_text(extracted: Replies) -> Reply:
    """The research goal as text that a person may edit."""
    data = extracted[0].data()
    lines = [data["aim"], *section("Constraints", data["constraints"]), *section("Criteria", data["criteria"])]
    return reply("\n".join(lines), key="goal", data=data)


@pure
def settled_goal(goal: Replies, decision: Replies) -> Reply:
    """The goal as it was confirmed, or as the person wrote it."""
    said = decision[0].data().get("text", "") if decision and decision[0].key == "edit" else ""
    return reply(said.strip() or goal[0].text, key="goal")


@pure
def literature(passages: Replies, results: Replies, most: int) -> Replies:
    """Passages of the documents, then results of the search, each once, L1, L2 ..., at most so many."""
    found = {r.text.strip(): r for r in [*ok_of(passages), *ok_of(results)] if r.text.strip()}
    return [
        reply(f"[L{n}] {_titled(r)}", key=f"L{n}", data={"title": str(r.data().get("title") or ""), "source": r.key})
        for n, r in enumerate(list(found.values())[:most], 1)
    ]


def _titled(found: Reply) -> str:
    title = str(found.data().get("title") or "").strip()
    return f"{title}: {found.text.strip()}" if title and title not in found.text else found.text.strip()


@pure
def newcomers(proposed: Replies, ideas: Replies = [], pool: Replies = [], out: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """New hypotheses, each once, numbered on from all that were ever there, with the rating that all start from."""
    known = [*pool, *out]
    taken = {k.text.casefold() for k in known}
    made: Replies = []
    for origin, text, data in [*_proposals(proposed), *((i.key, i.text.strip(), {"claim": i.text}) for i in ideas)]:
        if text and text.casefold() not in taken:
            taken.add(text.casefold())
            row = {"claim": data["claim"], "origin": origin, "parents": data.get("parents", []), "elo": START}
            made.append(reply(text, key=f"H{len(known) + len(made) + 1}", data={**row, "matches": 0, "review": {}}))
    return made


def _proposals(proposed: Replies) -> list[tuple[str, str, dict[str, Any]]]:
    found = []
    for one in ok_of(proposed):
        d = one.data()
        text = f"{d['claim'].strip()}\nRationale: {d['rationale'].strip()}\nTest: {d['test'].strip()}"
        found.append((one.key, text, d))
    return found


@pure
def admitted(entrants: Replies, reviews: Replies) -> Slots:
    """`in` are those that no check refuted and that are safe; `out` the others, with the reason.

    One that could not be reviewed does not pass: nobody knows whether it is safe.
    """
    said = {r.key: r for r in reviews}
    into: Replies = []
    out: Replies = []
    for one in entrants:
        review = said.get(one.key)
        if review is None or not review.ok:
            out.append(_out(one, "not reviewed", "; ".join(causes([review] if review else [])) or "no review"))
            continue
        data = review.data()
        bad = [c for c in CHECKS if data[c] == REFUTED]
        if not data["safe"]:
            out.append(_out(one, "unsafe", data["reason"]))
        elif bad:
            out.append(_out(one, f"not {', '.join(bad)}", data["reason"]))
        else:
            into.append(one.but(data={**one.data(), "review": data}))
    return {"in": into, "out": out}


def _out(one: Reply, why: str, reason: str) -> Reply:
    return one.but(data={**one.data(), "why": why, "reason": reason})


@pure
def first_pool(entrants: Replies, out: Replies, proposed: Replies) -> Replies:
    """The hypotheses that the tournament starts with. Fails the run where none is left."""
    if not entrants:
        reasons = [f"{o.key}: {o.data()['why']}" for o in out] or causes(proposed)
        raise Refuse(f"no hypothesis passed its review: {'; '.join(reasons)}")
    return entrants


def by_rating(pool: Sequence[Reply]) -> Replies:
    """The highest rating first, of those alike the earlier hypothesis."""
    return sorted(pool, key=lambda h: (-h.data()["elo"], int(h.key[1:])))


@pure
def ranked_pool(pool: Replies) -> Replies:
    """The pool by rating."""
    return by_rating(pool)


@pure
def matches(pool: Replies, similar: Replies, played: Replies, most: int, least: int) -> Slots:
    """The pairs of this generation, at most so many: `debated` are the quarter with the highest ratings, `plain` the
    others, each in both orders.

    A hypothesis without a match gets its nearest `least` pairs first; then pairs that have not met, the more alike and
    the closer in rating the earlier.
    """
    players = by_rating(pool)
    alike = {(s.data()["one"], s.data()["other"]): s.score or 0.0 for s in ok_of(similar)}
    met = {p.key for p in played}
    pairs = [(one, other) for n, one in enumerate(players) for other in players[n + 1 :]]

    def nearness(pair: tuple[Reply, Reply]) -> tuple[bool, float]:
        one, other = pair
        cosine = max(alike.get((one.key, other.key), 0.0), alike.get((other.key, one.key), 0.0))
        distance = abs(one.data()["elo"] - other.data()["elo"]) / SCALE
        return _key(one, other) in met, distance - cosine

    order = sorted(pairs, key=nearness)
    new = [h.key for h in players if h.data()["matches"] == 0]
    first = [p for key in new for p in [q for q in order if key in (q[0].key, q[1].key)][:least]]
    chosen = list({_key(*p): p for p in [*first, *order]}.values())[:most]
    chosen.sort(key=lambda p: -(p[0].data()["elo"] + p[1].data()["elo"]))
    top = -(-len(chosen) // 4)
    items = [_match(*pair) for pair in chosen]
    return {"debated": items[:top], "plain": [o for i in items[top:] for o in _orders(i, "")], "all": items}


def _key(one: Reply, other: Reply) -> str:
    return "-".join(sorted((one.key, other.key), key=lambda k: int(k[1:])))


def _match(one: Reply, other: Reply) -> Reply:
    low, high = sorted((one, other), key=lambda h: int(h.key[1:]))
    data = {"one": low.key, "other": high.key, "first": low.text, "second": high.text, "debate": ""}
    return reply(key=_key(one, other), data=data)


def _orders(match: Reply, debate: str, swapped: str = "") -> Replies:
    """A match twice, with the places changed: key names the first one first."""
    d = match.data()
    turned = {**d, "first": d["second"], "second": d["first"], "debate": swapped}
    return [
        reply(key=f"{d['one']}-{d['other']}", data={**d, "debate": debate}),
        reply(key=f"{d['other']}-{d['one']}", data=turned),
    ]


@pure
def speeches(said: Replies, turn: int) -> Replies:
    """What both advocates said in this turn; key is the side and the turn."""
    return [s.but(key=f"{s.key} {turn}", data={"side": s.key, "turn": turn}) for s in said if s.ok]


@pure
def debated_orders(match: Replies, transcript: Replies) -> Replies:
    """A match with its debate in both orders: what is said for the first stands under First, whoever it is."""
    shown = []
    for names in ({"one": "First", "other": "Second"}, {"one": "Second", "other": "First"}):
        lines = [(t.data()["turn"], names[t.data()["side"]], t.text) for t in transcript]
        shown.append(
            "\n\n".join(f"{who}, turn {turn}: {text}" for turn, who, text in sorted(lines, key=lambda x: x[:2]))
        )
    return _orders(match[0], *shown)


@pure
def rated(pool: Replies, played: Replies, debated: Replies, plain: Replies) -> Slots:
    """The `pool` after the matches, in their order: a win needs both orders, a split is a draw.

    A match of which a verdict is missing does not count: it is `lost`. `reasons` are the judges' on all others.
    """
    said = {v.key.split(SEPARATOR)[-1]: v for v in [*debated, *plain]}
    players = {h.key: dict(h.data()) for h in pool}
    reasons: Replies = []
    lost: Replies = []
    for match in played:
        one, other = match.data()["one"], match.data()["other"]
        here, there = said.get(f"{one}-{other}"), said.get(f"{other}-{one}")
        if not (here and there and here.ok and there.ok):
            lost.append(reply(next(iter(causes([v for v in (here, there) if v])), "not judged"), key=match.key))
            continue
        score = _score(here.data()["verdict"], there.data()["verdict"])
        ratings = after_match(players[one]["elo"], players[other]["elo"], score)
        for key, elo in zip((one, other), ratings, strict=True):
            players[key] |= {"elo": elo, "matches": players[key]["matches"] + 1}
        result = {1.0: f"{one} beat {other}", 0.0: f"{other} beat {one}"}.get(score, f"{one} and {other} drew")
        reasons.append(reply(f"{result}: {here.data()['reason']}", key=match.key))
    return {"pool": [h.but(data=players[h.key]) for h in pool], "reasons": reasons, "lost": lost}


def _score(here: str, there: str) -> float:
    """For the first hypothesis, by the verdicts in both orders."""
    return {("first", "second"): 1.0, ("second", "first"): 0.0}.get((here, there), 0.5)


@pure
def breeding(pool: Replies, best: int) -> Replies:
    """Four tasks for children of the best: merge, simplify, repair and oppose; fields parents, texts and reviews.

    The first two merge, the longest is simplified, the one with most that its review leaves unknown repaired, and the
    first opposed.
    """
    top = by_rating(pool)[:best]
    if not top:
        return []
    longest = max(top, key=lambda h: len(h.text))
    weakest = max(top, key=lambda h: [h.data()["review"].get(c) for c in CHECKS].count(UNKNOWN))
    tasks = {"merge": top[:2], "simplify": [longest], "repair": [weakest], "oppose": top[:1]}
    return [_task(name, parents) for name, parents in tasks.items() if name != "merge" or len(parents) > 1]


def _task(name: str, parents: Replies) -> Reply:
    reviews = [f"{p.key}: {_said(p, 'reason')} Weakest assumption: {_said(p, 'weakest_assumption')}" for p in parents]
    data = {"operation": OPERATIONS[name], "parents": [p.key for p in parents], "texts": "\n\n".join(_shown(parents))}
    return reply(name, key=name, data={**data, "reviews": "\n".join(reviews)})


def _said(one: Reply, field: str) -> str:
    return str(one.data()["review"].get(field, ""))


def _shown(pool: Replies) -> list[str]:
    return [f"{h.key}: {h.text}" for h in pool]


@pure
def children(tasks: Replies, bred: Replies) -> Replies:
    """What was bred, with its parents."""
    parents = {t.key: t.data()["parents"] for t in tasks}
    return [b.but(data={**b.data(), "parents": parents[b.key]}) if b.ok else b for b in bred]


@pure
def persons_word(decision: Replies) -> Slots:
    """What a person wrote between generations: a line `+ idea` is an idea, `- H3` a veto; other lines are nothing."""
    text = str(decision[0].data().get("text") or "") if decision and decision[0].key == "change" else ""
    lines = [line.strip() for line in text.splitlines()]
    ideas = distinct(line[1:].strip() for line in lines if line.startswith("+"))
    vetoes = [line[1:].strip().upper() for line in lines if line.startswith("-")]
    return {
        "ideas": [reply(i, key="a person") for i in ideas],
        "vetoes": [reply(v, key=v) for v in dict.fromkeys(vetoes)],
    }


@pure
def next_pool(pool: Replies, entrants: Replies, vetoes: Replies) -> Slots:
    """`pool` with those that enter, by rating, and without those that were vetoed, which are `out`."""
    barred = {v.key for v in vetoes}
    out = [_out(h, "vetoed", "by a person") for h in pool if h.key in barred]
    return {"pool": by_rating([h for h in [*pool, *entrants] if h.key not in barred]), "out": out}


@pure
def cut_pool(kept: Replies, dropped: Replies, most: int) -> Slots:
    """The best `most` of the pool; `out` are near duplicates of a better one and those beyond."""
    pool = by_rating(kept)
    out = [_out(d, "duplicate", d.data().get("reason", "")) for d in dropped]
    return {"pool": pool[:most], "out": [*out, *(_out(h, "cut", "the pool was full") for h in pool[most:])]}


@pure
def gone(unfit: Replies, vetoed: Replies, cut: Replies) -> Replies:
    """All that left or never entered the pool in a generation."""
    return [*unfit, *vetoed, *cut]


@pure
def generation(pool: Replies, reasons: Replies, lost: Replies, bred: Replies, meta: Replies, turn: int) -> Reply:
    """A generation as a row: the top three, its matches, and what was lost."""
    top = [h.key for h in by_rating(pool)[:3]]
    data = {
        "generation": turn,
        "top": top,
        "matches": len(reasons),
        "lost": [*(x.text for x in lost), *causes([*meta, *bred])],
    }
    return reply(f"generation {turn}: {', '.join(top)}", key=f"generation {turn}", data=data)


@pure
def top_unchanged(log: Replies, generations: int) -> bool:
    """Whether the top three stayed the same for so many generations."""
    tops = [row.data()["top"] for row in log[-generations - 1 :]]
    return len(tops) > generations and all(t == tops[0] for t in tops)


@pure
def nobody_asked(supervise: Replies, log: Replies, row: Replies, turn: int, turns: int, generations: int) -> bool:
    """Whether nobody is to be asked now: nobody supervises, or no generation follows."""
    return supervise[0].text != "true" or turn == turns or top_unchanged([*log, *row], generations)


@pure
def standings(pool: Replies) -> Reply:
    """The pool as a person sees it between generations."""
    lines = [f"{h.key} ({h.data()['elo']:.0f}): {h.data()['claim']}" for h in by_rating(pool)]
    return reply("\n".join(lines), key="standings")


@pure
def shortlist(pool: Replies, best: int) -> Replies:
    """The best, each with its id and review, as whoever writes the report sees them."""
    ranked = by_rating(pool)[:best]
    return [h.but(text=f"{h.text}\nReview of {h.key}: {h.data()['review'].get('reason', '')}") for h in ranked]


@pure
def tournament_report(
    pool: Replies, best: Replies, written: Replies, out: Replies, log: Replies, lit: Replies, ended: Replies
) -> Reply:
    """The shortlist by rating with claim, evidence, test and risk; what was unsafe or not reviewed is told.

    Without a report the hypotheses stand as they are, and it is degraded.
    """
    entries = {e["id"].strip().upper(): e for w in ok_of(written) for e in w.data()["entries"]}
    rows = [_entry(h, entries.get(h.key)) for h in best]
    told = [f"{o.key} ({o.data()['why']}): {o.data()['reason']}" for o in out if o.data()["why"] in TOLD]
    lost = [c for row in log for c in row.data()["lost"]] + causes(written)
    missing = [r["id"] for r in rows if not r["written"]]
    data = {
        "shortlist": rows,
        "pool": [
            {"id": h.key, **{k: h.data()[k] for k in ("claim", "origin", "parents", "elo", "matches")}} for h in pool
        ],
        "out": [{"id": o.key, "claim": o.data()["claim"], "why": o.data()["why"]} for o in out],
        "generations": len(log),
        "ended": ended[0].data()["by"] if ended else "",
        "literature": [{"id": r.key, **r.data()} for r in lit],
        "lost": lost,
    }
    lines = [line for n, r in enumerate(rows, 1) for line in [*([""] if n > 1 else []), *_lines(n, r)]]
    lines += section("Removed by the review", told)
    if not lit:
        lines += ["", "No literature was looked at: what is new was judged from the models' own knowledge."]
    outcome: Outcome = "degraded" if lost or missing else "answered"
    model = next((w.model for w in ok_of(written)), "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)


def _entry(one: Reply, written: dict[str, Any] | None) -> dict[str, Any]:
    given = {k: written[k] for k in ("claim", "evidence", "test", "risk")} if written else {"claim": one.text}
    data = one.data()
    return {"id": one.key, "elo": round(data["elo"]), "matches": data["matches"], "written": bool(written), **given}


def _lines(place: int, row: dict[str, Any]) -> list[str]:
    shown = [f"   {name.capitalize()}: {row[name]}" for name in ("evidence", "test", "risk") if row.get(name)]
    return [f"{place}. {row['claim']} (Elo {row['elo']}, {row['matches']} matches)", *shown]


TOLD = ("unsafe", "not reviewed", "vetoed")
OPERATIONS = {
    "merge": "Merge both into one hypothesis that explains more than either, and drop what does not fit together.",
    "simplify": "Simplify it: the fewest assumptions from which its core still follows.",
    "repair": "Repair its weakest assumption: replace it by one that is better supported, or that can be tested.",
    "oppose": "Go against it: a hypothesis that would be true if its core were wrong, and explains the same facts.",
}
