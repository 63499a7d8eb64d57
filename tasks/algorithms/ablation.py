"""Ablation of an answer: what is taken away, how often the answer then changes, which stated reasons that bears out.

A flip is an answer whose core is another; a factor's effect is its flip rate less that with nothing taken away.
"""

import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from tasks.algorithms.sections import section
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

WHOLE = "whole"
MASK = "[...]"
LONGEST = 60_000
"""Characters of request and sources together."""
DRIVER, PARTIAL, IDLE, UNTESTED = "driver", "partial", "idle", "untested"
DRIVER_FROM, PARTIAL_FROM = 0.6, 0.3
Span = tuple[int, int]


@pure
def whole(prompt: Replies, documents: Replies) -> Reply:
    """Request and sources as one text, fields prompt and sources. Fails the run, before payment, where too long."""
    sources = "\n\n".join(f"{d.data().get('title') or d.key}:\n{d.text.strip()}" for d in ok_of(documents))
    made = _given(WHOLE, prompt[0].text, sources)
    if len(made.text) > LONGEST:
        raise Refuse(f"request and sources have {len(made.text):,} characters, at most {LONGEST:,} are allowed")
    return made


def _given(key: str, prompt: str, sources: str, **data: Any) -> Reply:
    return reply(f"{prompt}\n\n{sources}".strip(), key=key, data={"prompt": prompt, "sources": sources, **data})


def places(part: str, text: str) -> list[Span]:
    """Everywhere that a part stands in a text as words of its own, white space folded."""
    words = r"\s+".join(re.escape(w) for w in part.split())
    return [m.span() for m in re.finditer(rf"(?<!\w){words}(?!\w)", text)] if words else []


def without(parts: Sequence[str], text: str, instead: str = MASK) -> str:
    """A text with parts replaced wherever they stand."""
    spans: list[Span] = []
    for start, end in sorted(s for p in parts for s in places(p, text)):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    for start, end in reversed(spans):
        text = f"{text[:start]}{instead}{text[end:]}"
    return text


@pure
def factors(whole: Replies, decomposed: Replies, most: int) -> Replies:
    """The factors that can be taken away, `most` at most: key f1, f2 ..., text the name, field passages.

    Passages that do not stand in request or sources are left out, and so are factors that have none, repeat another,
    or leave nothing of the request.
    """
    given = whole[0].data()
    found: dict[tuple[str, ...], str] = {}
    for one in (f for d in ok_of(decomposed) for f in d.data()["factors"]):
        passages = tuple(p for p in dict.fromkeys(p.strip() for p in one["passages"]) if places(p, whole[0].text))
        if passages and re.search(r"\w", without(passages, given["prompt"], " ")):
            found.setdefault(passages, one["name"].strip())
    return [reply(n, key=f"f{i}", data={"passages": list(p)}) for i, (p, n) in enumerate(list(found.items())[:most], 1)]


@pure
def variants(whole: Replies, factors: Replies) -> Replies:
    """Request and sources as they are, then without each factor, under its key."""
    given = whole[0].data()
    return [whole[0], *(_given(f.key, *(without(f.data()["passages"], given[n]) for n in ORDER)) for f in factors)]


@pure
def effects(factors: Replies, answers: Replies, verdicts: Replies) -> Replies:
    """A row a factor: flip rate, effect (less the rate with nothing taken away), and class, the greatest effect first.

    `verdicts` say whether an answer has the same core, by the answer's key, which begins with the variant's. What
    nobody could judge counts for nothing; without a rate to compare with, a factor is untested.
    """
    same = {v.key: v.data()["same"] for v in ok_of(verdicts)}
    rates = {}
    for name in (WHOLE, *(f.key for f in factors)):
        said = [not same[a.key] for a in ok_of(answers) if a.key.partition(" · ")[0] == name and a.key in same]
        rates[name] = fmean(said) if said else None
    rows = [_row(f, rates[f.key], rates[WHOLE]) for f in factors]
    return [_base(rates[WHOLE]), *sorted(rows, key=lambda r: -(r.score if r.score is not None else -1))]


def _base(rate: float | None) -> Reply:
    return reply("nothing taken away", key=WHOLE, data={"flips": rate, "class": WHOLE, "passages": []})


def _row(factor: Reply, rate: float | None, base: float | None) -> Reply:
    effect = None if rate is None or base is None else round(rate - base, 6)
    kind = UNTESTED
    if effect is not None:
        kind = DRIVER if effect >= DRIVER_FROM else PARTIAL if effect >= PARTIAL_FROM else IDLE
    data = {"factor": factor.text, "flips": rate, "effect": effect, "class": kind, **factor.data()}
    return reply(factor.text, key=factor.key, score=effect, data=data)


@pure
def drivers(effects: Replies) -> Replies:
    """The factors without which the answer changes."""
    return [e for e in effects if e.data()["class"] == DRIVER]


@pure
def compared(whole: Replies, stated: Replies, effects: Replies) -> Reply:
    """Stated reasons against tested factors: a reason has the strongest class among factors that share words with its
    passage; `unstated` are the drivers that no reason names.
    """
    text = whole[0].text
    rows = []
    for reason in (r for s in ok_of(stated) for r in s.data()["reasons"]):
        hit = [e for e in effects if _overlap(reason["passage"], e.data()["passages"], text)]
        classes = [e.data()["class"] for e in hit]
        kind = next((c for c in (DRIVER, PARTIAL, IDLE) if c in classes), UNTESTED)
        rows.append({**reason, "factors": [e.text for e in hit], "keys": [e.key for e in hit], "class": kind})
    named = {k for r in rows for k in r["keys"]}
    data = {"reasons": rows, "unstated": [d.text for d in drivers(effects) if d.key not in named]}
    return reply(f"{len(rows)} reasons", key="compared", data=data)


def _overlap(passage: str, passages: Sequence[str], text: str) -> bool:
    mine, theirs = places(passage, text), [s for p in passages for s in places(p, text)]
    return any(a < d and c < b for a, b in mine for c, d in theirs)


@pure
def changed(whole: Replies, proposed: Replies, drivers: Replies) -> Reply:
    """Request and sources with the change that is proposed; a skipped reply where it is none, or touches no driver."""
    said = next((p.data() for p in ok_of(proposed)), None)
    if said is None:
        return reply(key="changed", status="skipped", cause=next(iter(causes(proposed)), "nothing was proposed"))
    given, old, new = whole[0].data(), said["old"], said["new"].strip()
    if not places(old, whole[0].text):
        return reply(key="changed", status="skipped", cause=f"'{old}' stands nowhere")
    if " ".join(old.split()) == " ".join(new.split()):
        return reply(key="changed", status="skipped", cause="it changes nothing")
    if not any(_overlap(old, d.data()["passages"], whole[0].text) for d in drivers):
        return reply(key="changed", status="skipped", cause=f"'{old}' is no driver")
    return _given("changed", *(without([old], given[n], new) for n in ORDER), old=old, new=new)


@pure
def tried(change: Replies, proposed: Replies, answer: Replies, verdict: Replies) -> Reply:
    """A try at a counterfactual: what was changed to what, whether the answer's core became another, or why not."""
    said = next((p.data() for p in ok_of(proposed)), {"old": "", "new": ""})
    flipped = any(not v.data()["same"] for v in ok_of(verdict))
    why = next(iter(causes([*change, *answer, *verdict])), "" if flipped else "the answer stayed the same")
    data = {"old": said["old"], "new": said["new"], "flipped": flipped, "why": "" if flipped else why}
    text = f"'{data['old']}' became '{data['new']}': " + ("the answer changed" if flipped else why)
    return reply(text, key="try", data={**data, "answer": answer[0].text if ok_of(answer) else ""})


@pure
def is_flipped(tries: Replies) -> bool:
    """Whether the last try changed the answer."""
    return bool(tries) and bool(tries[-1].data()["flipped"])


@pure
def explained(
    core: Replies,
    effects: Replies,
    compared: Replies,
    tries: Replies,
    stated: Replies,
    answers: Replies,
    verdicts: Replies,
) -> Reply:
    """What drives an answer: drivers first, then the tested counterfactual, then reasons that made no difference.

    `agreement` is the share of answers with nothing taken away that have the same core.
    """
    base, *rows = effects
    told, claim = compared[0].data(), core[0].data()["core"]
    flips = base.data()["flips"]
    data: dict[str, Any] = {
        "core": claim,
        "base_flips": flips,
        "factors": [r.data() for r in rows],
        "reasons": told["reasons"],
        "unstated": told["unstated"],
        "counterfactual": next((t.data() for t in tries if t.data()["flipped"]), None),
        "tries": [t.data() for t in tries],
        "lost": causes([*stated, *answers, *verdicts]),
    }
    if flips is not None:
        data["agreement"] = round(1 - flips, 6)
    tested = any(r["class"] != UNTESTED for r in data["factors"])
    outcome: Outcome = "answered" if tested else "unchecked"
    if tested and (data["lost"] or any(r["class"] == UNTESTED for r in data["factors"])):
        outcome = "degraded"
    text = "\n".join(_lines(data, tested)).strip()
    return reply(text, key="answer", data=data, outcome=outcome)


def _lines(data: dict[str, Any], tested: bool) -> list[str]:
    of = {k: [f for f in data["factors"] if f["class"] == k] for k in (DRIVER, PARTIAL, IDLE, UNTESTED)}
    lines = [f"The answer: {data['core']}"]
    if not tested:
        return [*lines, "", "What it hangs on could not be tested."]
    lines += section("What it hangs on", [_factor(f) for f in of[DRIVER]])
    if not of[DRIVER]:
        lines += ["", "The answer does not hang on any single factor that was tested."]
    lines += section("What it hangs on in part", [_factor(f) for f in of[PARTIAL]])
    if of[DRIVER]:
        lines += ["", _counterfactual(data)]
    sounded = [f"{r['reason']} ({', '.join(r['factors'])})" for r in data["reasons"] if r["class"] == IDLE]
    lines += section("Reasons that sound right but made no difference", sounded)
    lines += section("Drivers that no stated reason names", data["unstated"])
    lines += section("Stated reasons that could not be tested", _reasons(data, UNTESTED))
    lines += section("Made no difference", [_factor(f) for f in of[IDLE]])
    lines += section("Not tested", [f["factor"] for f in of[UNTESTED]])
    if data["base_flips"]:
        lines += ["", f"With nothing taken away the answer changed by itself in {data['base_flips']:.0%} of tries."]
    return lines


def _reasons(data: dict[str, Any], kind: str) -> list[str]:
    return [r["reason"] for r in data["reasons"] if r["class"] == kind]


def _factor(row: dict[str, Any]) -> str:
    return f"{row['factor']} (without it the answer changed in {row['flips']:.0%} of tries)"


def _counterfactual(data: dict[str, Any]) -> str:
    if (won := data["counterfactual"]) is None:
        return f"No single change was found that turns it ({len(data['tries'])} tried)."
    return f"Tested: with '{won['new']}' instead of '{won['old']}' the answer is another: {won['answer']}"


ORDER = ("prompt", "sources")
