"""Finding one tool among many: cards that are searched, a shortlist, attempts with one retry each, and what came of it.

An attempt is a reply a tool (its key): fields ok, error, message, arguments, tries, went (1 or 0) and unknown, which is
that a tool that writes may or may not have done its work. Text is what it gave, or its error.
"""

from typing import Any, Literal

from tasks.algorithms.sections import section
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply
from tasks.tool_calls import checked, observation

SHOWN = 8000
"""Characters of what a tool gave that the answer is written from."""
NOT_RUN = ("call", "unknown", "not_allowed", "arguments", "unavailable")
"""Errors of calls that never reached their tool."""


@pure
def capability(prompt: Replies, written: Replies, lines: int) -> Reply:
    """The capability that is wanted, in so many lines; the request itself where nobody could describe it."""
    said = next((w.text.strip() for w in ok_of(written)), "")
    text = "\n".join([line for line in said.splitlines() if line.strip()][:lines])
    return reply(text or prompt[0].text, key="need")


@pure
def tool_cards(tools: Replies) -> Replies:
    """Each tool by name and description, without its schema."""
    return [_card(t) for t in ok_of(tools)]


def _card(tool: Reply) -> Reply:
    return reply(f"{tool.key}: {tool.data().get('description') or ''}".strip(), key=tool.key, data={"id": tool.key})


@pure
def tools_found(hits: Replies, cards: Replies) -> Replies:
    """The cards of the tools that a search found, each once, with its score."""
    by_name = {c.key: c for c in cards}
    found: dict[str, Reply] = {}
    for hit in ok_of(hits):
        name = str(hit.data().get("document"))
        if name in by_name:
            found.setdefault(name, by_name[name].but(score=hit.score))
    return list(found.values())


@pure
def shortlist(hits: Replies, ranked: Replies, tools: Replies, keep: int) -> Replies:
    """The tools that the ranking names, with their schemas; the first that were found where the ranking was lost."""
    entries, among = {t.key: t for t in ok_of(tools)}, [h.key for h in hits]
    lost = not ok_of(ranked)
    names = among if lost else list(dict.fromkeys(n.strip() for n in ok_of(ranked)[-1].data()["ranking"]))
    return [entries[n] for n in names if n in among and n in entries][:keep]


@pure
def filled_call(tool: Replies, filled: Replies) -> Reply:
    """The call of a tool with the arguments that were extracted, checked against its schema (as `read_call` gives)."""
    arguments = next((f.data()["args"] for f in ok_of(filled)), None)
    return checked(tool[0].key, arguments, tool)


@pure
def call_settled(call: Replies, result: Replies) -> bool:
    """Whether a call is not to be made again: it went well, or a tool that writes may have done its work."""
    return bool(ok_of(result)) or _unknown(call, result)


def _unknown(call: Replies, result: Replies) -> bool:
    error = result[-1].data().get("error") if result and not result[-1].ok else ""
    return bool(error) and bool(call and call[-1].data().get("writes")) and error not in NOT_RUN


@pure
def tool_attempt(tool: Replies, call: Replies, result: Replies, again: Replies, second: Replies) -> Reply:
    """What came of a tool: its result, or the error of the last try."""
    last_call, last = (again, second) if second else (call, result)
    seen = observation(last, SHOWN)
    ok = bool(ok_of(last))
    data: dict[str, Any] = {
        "ok": ok,
        "went": 1.0 if ok else 0.0,
        "error": "" if ok else str(seen.data()["error"]),
        "message": "" if ok else next(iter(causes(last)), "it was not run"),
        "arguments": last_call[-1].data().get("arguments") if last_call else {},
        "tries": 2 if second else 1,
        "unknown": _unknown(last_call, last),
    }
    return reply(seen.text, key=tool[0].key, data=data)


@pure
def tried_enough(attempts: Replies) -> bool:
    """Whether the last tool did it, or may have written something that nobody knows of."""
    return bool(attempts) and (attempts[-1].data()["ok"] or attempts[-1].data()["unknown"])


@pure
def tool_found(attempts: Replies) -> Literal["used", "none"]:
    """Whether a tool did it."""
    return "used" if attempts and attempts[-1].data()["ok"] else "none"


@pure
def nothing_to_explain(tools: Replies, attempts: Replies) -> bool:
    """Whether that no tool fits need not be explained: there is none, or what one did is unknown."""
    return not ok_of(tools) or bool(attempts and attempts[-1].data()["unknown"])


@pure
def tried_list(cards: Replies, attempts: Replies) -> Replies:
    """The tools that were tried, each with what it is for and why it did not do."""
    purpose = {c.key: c.text for c in cards}
    return [reply(f"{purpose.get(a.key, a.key)}\nIt failed: {_why(a)}", key=a.key) for a in attempts]


@pure
def registry_answer(
    tools: Replies,
    need: Replies,
    written: Replies,
    hits: Replies,
    ranked: Replies,
    short: Replies,
    attempts: Replies,
    final: Replies,
) -> Reply:
    """The answer from the tool's result, or that no tool fits, with the tools that were tried."""
    done, last = tool_found(attempts) == "used", attempts[-1] if attempts else None
    tried = [{"tool": a.key, **a.data()} for a in attempts]
    text = next((f.text.strip() for f in ok_of(final)), "")
    data: dict[str, Any] = {
        "need": need[0].text if need else "",
        "found": [{"tool": h.key, "score": h.score} for h in hits],
        "shortlist": [s.key for s in short],
        "tried": tried,
        "tool": last.key if done and last else "",
        "lost": [*causes(written), *causes(ranked), *causes(final)],
    }
    outcome: Outcome = "incomplete"
    if done and last:
        outcome = "degraded" if data["lost"] else "answered"
        return reply(text or last.text, key="answer", data=data, model=_model(final), outcome=outcome)
    if last is not None and last.data()["unknown"]:
        text = UNKNOWN.format(tool=last.key, message=last.data()["message"])
    elif not ok_of(tools):
        text = NO_TOOLS
    lines = [text or NONE_FITS, *section("Tried", [_why(a) for a in attempts])]
    return reply("\n".join(lines), key="answer", data=data, model=_model(final), outcome=outcome)


def _why(attempt: Reply) -> str:
    message = attempt.data()["message"]
    return message if message.startswith(attempt.key) else f"{attempt.key}: {message}"


def _model(final: Replies) -> str:
    return next((f.model for f in ok_of(final)), "")


NO_TOOLS = "There is no tool that can be used here: name some in RADIANT_TOOLS."
NONE_FITS = "None of the registered tools fits this request."
UNKNOWN = (
    "{tool} changes something outside, and whether it did is not known ({message}). A person must look before it is "
    "tried again."
)
