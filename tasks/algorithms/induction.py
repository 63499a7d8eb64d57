"""Induction: rules for examples, tried as programs in the sandbox; what they give is compared outside of it.

Examples are pairs of texts. Where all inputs (or all outputs) are JSON they are those values, else texts.
"""

import json
from collections.abc import Sequence
from math import isclose
from random import Random
from typing import Any

from tasks.algorithms.distinct import distinct
from tasks.answers import normalised
from tasks.code import source_of
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, failed, first_cause, ok_of, reply

LEAST = 3
"""Examples that a rule is looked for in."""
HOLD_FROM = 5
"""From so many examples on one is held back."""


@pure
def example_set(extracted: Replies, seed: int) -> Slots:
    """The examples that may be seen, the one held back at random (none of fewer than five), and the query inputs.

    Text of an example is `f(input) == output`, fields input and output as values. Fails the run below three examples.
    """
    data = extracted[0].data()
    pairs = list(dict.fromkeys((e["input"], e["output"]) for e in data["examples"]))
    if len(pairs) < LEAST:
        raise Refuse(f"{len(pairs)} different examples: at least {LEAST} are needed to find a rule")
    queries = list(dict.fromkeys(data["queries"]))
    inputs = _values([*(i for i, _ in pairs), *queries])
    outputs = _values([o for _, o in pairs])
    made = [
        reply(f"f({i!r}) == {o!r}", key=f"e{n}", data={"input": i, "output": o})
        for n, (i, o) in enumerate(zip(inputs, outputs, strict=False), 1)
    ]
    held = Random(seed).randrange(len(made)) if len(made) >= HOLD_FROM else len(made)  # noqa: S311 (not a secret)
    asked = [
        reply(text, key=f"q{n}", data={"input": value})
        for n, (text, value) in enumerate(zip(queries, inputs[len(pairs) :], strict=True), 1)
    ]
    return {"shown": [m for n, m in enumerate(made) if n != held], "hold": made[held : held + 1], "queries": asked}


def _values(texts: Sequence[str]) -> list[Any]:
    """The texts as JSON values where every one of them is one, else as they stand."""
    try:
        values = [json.loads(t) for t in texts]
        canonical(values)
    except (ValueError, RecursionError):
        return [t.strip() for t in texts]
    return values


@pure
def rule_list(hypotheses: Replies, most: int, merged: Replies = [], tried: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """At most `most` different rules: those that were merged, else the hypotheses as they are; none that was tried."""
    lists = [m.data()["rules"] for m in ok_of(merged)]
    texts = [t for rules in lists for t in rules] or [h.text for h in ok_of(hypotheses)]
    before = {normalised(t.text) for t in tried}
    rules = [t for t in distinct(texts) if normalised(t) not in before][:most]
    return [reply(text, key=f"rule {len(tried) + n}") for n, text in enumerate(rules, 1)]


@pure
def two_of(shown: Replies) -> Replies:
    """Two examples, for the format of the data."""
    return shown[:2]


@pure
def latest_program(program: Replies, revised: Replies = []) -> Reply:  # noqa: B006 (never written to)
    """The source of the last program that there is; one whose revision failed stays as it was."""
    made = ok_of([*program, *revised])
    if not made:
        return failed(first_cause([*program, *revised]) or "there is no program", key="program")
    return reply(source_of(made[-1]), key="program", model=made[-1].model)


@pure
def trial(program: Replies, cases: Replies) -> Reply:
    """The cell that runs a program's f on the inputs of the cases; it holds no expected output."""
    if not ok_of(program):
        return failed(first_cause(program), key="trial")
    inputs = json.dumps([c.data()["input"] for c in cases])
    return reply(key="trial", data={"code": f"{program[0].text}\n\n{HARNESS.replace('INPUTS', repr(inputs))}"})


@pure
def trial_result(ran: Replies, cases: Replies) -> Reply:
    """What f gave: fields outputs (a value or an error a case), fitted (per case; null without an expected output)."""
    data = ran[0].data() if ran[0].ok else {}
    given = data.get("values", {}).get("outputs")
    given = given if isinstance(given, list) and len(given) == len(cases) else None
    why = "" if given is not None else data.get("error") or ran[0].cause or "it gave no outputs"
    outputs = [_output(g, why) for g in given or [None] * len(cases)]
    fitted = [_fits(o, c) for o, c in zip(outputs, cases, strict=True)]
    failing = [
        f"- {c.text}, but f gave {_told(o)}" for c, o, fits in zip(cases, outputs, fitted, strict=True) if fits is False
    ]
    keys = [c.key for c in cases]
    made = {"outputs": dict(zip(keys, outputs, strict=True)), "fitted": dict(zip(keys, fitted, strict=True))}
    return reply("\n".join(failing) or "(all examples fit)", key="result", data={**made, "error": why})


def _output(given: Any, why: str) -> dict[str, Any]:
    if isinstance(given, list) and len(given) == 2 and given[0] == "ok":
        return {"value": given[1]}
    return {"error": str(given[1]) if isinstance(given, list) and len(given) == 2 else why or "no output"}


def _told(output: dict[str, Any]) -> str:
    return f"an error: {output['error']}" if "error" in output else repr(output["value"])


def _fits(output: dict[str, Any], case: Reply) -> bool | None:
    expected = case.data()
    if "output" not in expected:
        return None
    return "value" in output and same_value(output["value"], expected["output"])


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are the same; numbers to nine digits, and a text may stand for what prints as it does."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return isclose(one, other, rel_tol=1e-9)
    if isinstance(other, str):
        return not isinstance(one, list | dict) and str(one).strip() == other.strip()
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same_value(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same_value(v, other[k]) for k, v in one.items())
    return one is other


@pure
def all_fit(result: Replies) -> bool:
    """Whether the last program fits every example that it was tried on."""
    return bool(result) and all(f is not False for f in result[-1].data()["fitted"].values())


@pure
def trial_cases(shown: Replies, hold: Replies, queries: Replies) -> Replies:
    """All that a finished program is run on."""
    return [*shown, *hold, *queries]


@pure
def tried_rule(rule: Replies, program: Replies, result: Replies) -> Reply:
    """A rule with its program and what that gave; its score is the share of examples that fit."""
    data = result[0].data()
    fitted = [f for f in data["fitted"].values() if f is not None]
    source = program[0].text if program[0].ok else ""
    lost = data["error"] if program[0].ok else program[0].cause
    kept = {"rule": rule[0].text, "program": source, "lost": lost, **data}
    return reply(rule[0].text, key=rule[0].key, data=kept, score=sum(fitted) / len(fitted), model=program[0].model)


def _ranking(tried: Replies, shown: Replies, hold: Replies) -> list[Reply]:
    """Most examples fitted first, then the one held back fitted, then the shorter program, then the earlier."""

    def place(one: Reply) -> tuple[int, int, int]:
        fitted, size = one.data()["fitted"], len(one.data()["program"])
        return -sum(fitted[e.key] for e in shown), -sum(fitted[h.key] for h in hold), size or 10**9

    return sorted(ok_of(tried), key=place)


@pure
def full_fit(tried: Replies) -> bool:
    """Whether some program fits every example, the one held back included."""
    return any(all_fit([t]) for t in ok_of(tried))


@pure
def misfits(tried: Replies, shown: Replies, hold: Replies, best: int) -> Replies:
    """The examples that the best programs miss, one reply a program; the one held back stays hidden."""
    texts = {e.key: e.text for e in shown}
    made = []
    for one in _ranking(tried, shown, hold)[:best]:
        data = one.data()
        lines = [f"- {texts[k]}, but it gives {_told(data['outputs'][k])}" for k in texts if not data["fitted"][k]]
        made.append(reply("\n".join([f"Rule: {one.text}", *(lines or ["- a further example"])]), key=one.key))
    return made


@pure
def induced(
    tried: Replies,
    shown: Replies,
    hold: Replies,
    queries: Replies,
    first: Replies = [],  # noqa: B006 (never written to)
    merged: Replies = [],  # noqa: B006 (never written to)
    second: Replies = [],  # noqa: B006 (never written to)
) -> Reply:
    """The best rule with its program, its fit and its outputs for the queries; partial where it misses an example.

    Two programs that fit everything and differ on a query are both shown, undecided. Fails the run where no rule was
    tried. `first`, `merged` and `second` are what the waves proposed: what was lost of them is said.
    """
    ranked = _ranking(tried, shown, hold)
    if not ranked:
        raise Refuse(f"no rule could be tried: {first_cause(tried) or 'there is none'}")
    best, asked = ranked[0], {q.key: q.text for q in queries}
    full = [t for t in ranked if all_fit([t])]
    rival = next((t for t in full[1:] if _differ(best, t, asked)), None)
    fitted = best.data()["fitted"]
    count = sum(fitted[e.key] for e in shown)
    fit = f"{count} of {len(shown)} examples"
    if hold:
        fit += f", and the one held back {'too' if fitted[hold[0].key] else 'not'}"
    lost = causes([*first, *merged, *second, *tried])
    outcome: Outcome = "incomplete" if not full else "undecided" if rival else "degraded" if lost else "answered"
    data = {
        "rule": best.text,
        "program": best.data()["program"],
        "outputs": {text: best.data()["outputs"][k] for k, text in asked.items()},
        "fit": fit,
        "quality": best.score,
        "partial_fit": not full,
        "rival": None if rival is None else {"rule": rival.text, "program": rival.data()["program"]},
        "second_wave": bool(second),
        "rules": [{"rule": t.text, "fitted": t.score, "lost": t.data()["lost"]} for t in ranked],
        "lost": lost,
    }
    head = [] if full else [f"Partial fit: no rule fits every example. The best one fits {fit}.", ""]
    if rival is not None:
        head = ["Two rules fit every example and differ on a query. Both are shown.", ""]
    blocks = [_block(t, asked, fit if t is best else "every example") for t in (best, rival) if t is not None]
    return reply("\n".join([*head, "\n\n".join(blocks)]), key="answer", data=data, model=best.model, outcome=outcome)


def _differ(one: Reply, other: Reply, asked: dict[str, str]) -> bool:
    ours, theirs = one.data()["outputs"], other.data()["outputs"]
    return any(
        ("value" in ours[k]) != ("value" in theirs[k])
        or ("value" in ours[k] and not same_value(ours[k]["value"], theirs[k]["value"]))
        for k in asked
    )


def _block(tried: Reply, asked: dict[str, str], fit: str) -> str:
    data = tried.data()
    answers = [f"{text} -> {_shown(data['outputs'][k])}" for k, text in asked.items()]
    program = ["", "```python", data["program"], "```"] if data["program"] else []
    return "\n".join([*answers, *([""] if answers else []), f"Rule: {tried.text}", f"Fits {fit}.", *program])


def _shown(output: dict[str, Any]) -> str:
    if "error" in output:
        return f"(no output: {output['error']})"
    value = output["value"]
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


HARNESS = """\
import json as _json
outputs = []
for _input in _json.loads(INPUTS):
    try:
        outputs.append(["ok", _json.loads(_json.dumps(f(_input), allow_nan=False))])
    except Exception as _error:
        outputs.append(["error", f"{type(_error).__name__}: {_error}"[:300]])
"""
