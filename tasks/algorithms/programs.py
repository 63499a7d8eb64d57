"""A program that works out an answer: the value that it gave, what to tell its writer, and the answer as computed."""

import io
import tokenize
from contextlib import suppress
from typing import Any

from tasks.algorithms.sections import section
from tasks.code import source_of
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, canonical, causes, ok_of, reply

ANS = "ans"
"""The variable whose value is the answer."""
MOST_VALUE = 20_000
"""Characters of a value; a longer one is none that anybody could check or read."""
NO_VALUE = (
    f"The script ended without an error, but it gave the variable `ans` no value of up to {MOST_VALUE:,} characters."
)


@pure
def value_of(ran: Replies) -> Replies:
    """The value of `ans` after the last run, as Python writes it; nothing where the run failed or gave none."""
    data = ran[-1].data() if ran and ran[-1].ok else {}
    value = (data.get("values") or {}).get(ANS) if data.get("ok") else None
    if value is None:
        return []
    text = canonical(value) if isinstance(value, list | dict) else str(value)
    return [reply(text, key=ANS)] if text.strip() and len(text) <= MOST_VALUE else []


@pure
def has_value(ran: Replies) -> bool:
    """Whether the last run ended without an error and gave `ans` a value."""
    return bool(value_of(ran))


@pure
def no_value(value: Replies) -> bool:
    """Whether there is no value that could be checked."""
    return not value


@pure
def trouble(ran: Replies) -> Reply:
    """Why the last run gave no value: its output with the traceback, or that `ans` was never set."""
    if not ran or not ran[-1].ok:
        return reply(next(iter(causes(ran[-1:])), "it was not run"), key="trouble")
    return reply(NO_VALUE if ran[-1].data().get("ok") else ran[-1].text, key="trouble")


@pure
def not_refuted(check: Replies) -> bool:
    """Whether no check refutes the value."""
    return not any(c.data()["verdict"] == "refuted" for c in ok_of(check))


def comments(source: str) -> list[str]:
    """The comments of a program in order, without `#`; of one that is no Python those up to where it breaks."""
    found: list[str] = []
    with suppress(tokenize.TokenError, SyntaxError):
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        found.extend(t.string.strip("# ") for t in tokens if t.type == tokenize.COMMENT)
    return [c for c in found if c]


@pure
def computed(source: Replies, ran: Replies, check: Replies, remade: Replies, again: Replies) -> Reply:
    """The value, as the program gave it, with the program's comments as explanation.

    `remade` and `again` are the program that was written after a refutation, and its run: its value then stands, not
    checked a second time. A refuted value that nothing replaces is undecided, no value at all incomplete.
    """
    second = value_of(again)
    value = second or value_of(ran)
    verdict = next((c.data() for c in ok_of(check)), {"verdict": "unchecked", "reason": ""})
    used = ok_of(remade if second else source)[-1]
    program = source_of(used)
    data: dict[str, Any] = {
        "ans": value[0].text if value else "",
        "verdict": verdict["verdict"],
        "reason": verdict["reason"],
        "first_ans": value_of(ran)[0].text if second else "",
        "runs": len(ran) + len(again),
        "program": program,
        "lost": causes([*check, *remade]),
    }
    if not value:
        why = trouble(ran).text.strip().splitlines()
        data["lost"] = [*data["lost"], why[-1] if why else NO_VALUE]
        lines = ["No program gave a value.", *section("The last one ended with", why[-1:])]
        return reply("\n".join(lines), key="answer", data=data, outcome="incomplete")
    outcome: Outcome = "answered" if verdict["verdict"] == "supported" else "unchecked"
    if verdict["verdict"] == "refuted" and not second:
        outcome = "undecided"
    lines = [value[0].text, *section("How it was computed", comments(program)), *_doubt(data, outcome)]
    return reply("\n".join(lines), key="answer", data=data, model=used.model, outcome=outcome)


def _doubt(data: dict[str, Any], outcome: Outcome) -> list[str]:
    if data["first_ans"]:
        return ["", f"A first program gave {data['first_ans']}, which a check refuted: {data['reason']}"]
    if outcome == "undecided":
        return ["", f"A check refuted this value: {data['reason']} No other program gave one."]
    return ["", "Its unit, sign and size could not be checked."] if outcome == "unchecked" else []
