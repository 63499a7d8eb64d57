"""Meta-prompting: a conductor calls experts that it invents, runs code, and may conclude what a fresh expert verified.

Source: Suzgun and Kalai 2024 (arXiv 2401.12954).
"""

import re
from collections import Counter
from typing import Any

from tasks.algorithms.quotes import folded
from tasks.answers import normalised
from tasks.chunking import about_tokens
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, ok_of, reply

EXPERT, CODE, FINAL, REFUSED, MALFORMED = "expert", "code", "final", "refused", "malformed"
VERIFY = "verify"
UNKNOWN_CONTEXT = 32_000
"""Tokens of the context of a model of which it is not known."""
VERBATIM = 2
"""So many rounds stay word for word when the history is condensed."""
NEEDS = {EXPERT: ("name", "instructions"), CODE: ("code",), FINAL: ("answer",)}
UNVERIFIED = (
    "FINAL refused: no fresh expert was asked to verify this very answer. Call one with purpose verify and put the "
    "answer into its instructions word for word, together with all that is needed to check it."
)


@pure
def history_fits(history: Replies, cards: Replies, share: float) -> bool:
    """Whether the history takes at most this share of the conductor's context, or holds no older round."""
    known = next((c.data().get("context_tokens") for c in cards), None)
    tokens = sum(about_tokens(h.text) for h in history)
    return len(history) <= VERBATIM or tokens <= share * (known or UNKNOWN_CONTEXT)


@pure
def older_rounds(history: Replies) -> Replies:
    """What is condensed: all but the last rounds."""
    return history[:-VERBATIM]


@pure
def condensed_history(history: Replies, findings: Replies) -> Replies:
    """The findings in place of the older rounds; without findings the history as it stood."""
    made = ok_of(findings)
    return [made[-1].but(key="findings so far"), *history[-VERBATIM:]] if made else history


@pure
def read_move(decided: Replies, log: Replies) -> Reply:
    """The conductor's move: fields action (expert, code, final, refused, malformed), message, verified, and its own.

    An expert who was asked the same before and answered is refused: experts have no memory. FINAL is refused once
    unless an expert was asked to verify this very answer; a second time it passes, not verified.
    """
    one = decided[-1]
    data: dict[str, Any] = {"name": "", "instructions": "", "purpose": "", "code": "", "answer": "", **one.data()}
    action = str(data.get("action", ""))
    missing = [f for f in NEEDS.get(action, ()) if not str(data[f]).strip()]
    message, verified = "", False
    if not one.ok:
        action, message = MALFORMED, f"Format error: {one.cause or one.status}"
    elif action not in NEEDS or missing:
        message = f"Format error: {action or 'a move'} without {', '.join(missing) or 'a known action'}"
        action = MALFORMED
    elif action == EXPERT and (before := _asked_before(data["instructions"], log)):
        action, message = (
            REFUSED,
            f"Refused: these very instructions were given in {before}, whose answer stands there.",
        )
    elif action == FINAL:
        verified = _is_verified(data["answer"], log)
        if not verified and not any(e.data()["refused_final"] for e in log):
            action, message = REFUSED, UNVERIFIED
    refused_final = message == UNVERIFIED
    data |= {"action": action, "message": message, "verified": verified, "refused_final": refused_final}
    return reply(message, key="move", data=data, model=one.model)


def _asked_before(instructions: str, log: Replies) -> str:
    """The round in which an expert answered the same instructions; empty where none did."""
    answered = [e for e in log if e.data()["action"] == EXPERT and not e.data()["lost"]]
    return next((e.key for e in answered if normalised(e.data()["instructions"]) == normalised(instructions)), "")


def _is_verified(answer: str, log: Replies) -> bool:
    asked = [d for e in log if (d := e.data())["action"] == EXPERT and d["purpose"] == VERIFY and not d["lost"]]
    words = rf"(?<!\w){re.escape(folded(answer).casefold())}(?!\w)"
    return any(re.search(words, folded(d["instructions"]).casefold()) for d in asked)


@pure
def route(move: Replies) -> str:
    """Who acts: `expert`, `code`, or `nobody` for a conclusion and for what is refused or malformed."""
    action = str(move[0].data()["action"])
    return action if action in (EXPERT, CODE) else "nobody"


@pure
def code_call(move: Replies, seconds: int) -> Reply:
    """The call of the code tool."""
    return reply(data={"tool": CODE, "args": {"code": move[0].data()["code"], "seconds": seconds}})


@pure
def round_entry(move: Replies, given: Replies, turn: int) -> Reply:
    """A round as it stands in the history: what the conductor did, and what came of it."""
    data = move[0].data()
    lost = [] if data["action"] not in (EXPERT, CODE) or ok_of(given) else causes(given) or ["nothing came"]
    said = next((g.text or g.fields for g in ok_of(given)), f"(no reply: {'; '.join(lost)})")
    shown = {
        EXPERT: f"The conductor to {data['name']}: {data['instructions']}\n\n{data['name']}: {said}",
        CODE: f"The conductor runs code:\n{data['code']}\n\nOutput:\n{said}",
        FINAL: f"The conductor concludes: {data['answer']}",
        REFUSED: f"{_wanted(data)}\n\n{data['message']}",
    }
    text = shown.get(data["action"], data["message"])
    return reply(text, key=f"round {turn}", data={**data, "round": turn, "said": said, "lost": lost})


def _wanted(data: dict[str, Any]) -> str:
    if data["refused_final"]:
        return f"The conductor would conclude: {data['answer']}"
    return f"The conductor would ask {data['name']}: {data['instructions']}"


@pure
def conducted(log: Replies, most: int) -> bool:
    """Whether the conductor has concluded, or its last `most` rounds were all malformed."""
    last = [e.data()["action"] for e in log[-most:]]
    return is_final(log) or last == [MALFORMED] * most


@pure
def is_final(log: Replies) -> bool:
    """Whether the last round concludes."""
    return bool(log) and log[-1].data()["action"] == FINAL


@pure
def conducted_answer(log: Replies, closing: Replies) -> Reply:
    """The conclusion with the experts that were used. Without one the answer is what could be written from the history,
    else the one that was refused, and incomplete; a conclusion that nobody verified is unchecked.

    Fails the run where there is neither.
    """
    last, rows = log[-1], [e.data() for e in log]
    final = is_final(log)
    refused = [r["answer"] for r in rows if r["refused_final"]]
    written = next((c.text for c in ok_of(closing) if c.text.strip()), "")
    text = last.data()["answer"] if final else written or next(iter(refused), "")
    if not text.strip():
        raise Refuse(f"the conductor reached no answer: {'; '.join(causes(closing)) or last.text}")
    experts = Counter(r["name"].strip() for r in rows if r["action"] == EXPERT and not r["lost"])
    lost = [cause for r in rows for cause in r["lost"]] + causes(closing)
    data = {
        "verified": bool(last.data()["verified"]),
        "experts": dict(experts),
        "rounds": len(log),
        "ended": "final" if final else "malformed" if last.data()["action"] == MALFORMED else "bound",
        "malformed": sum(r["action"] == MALFORMED for r in rows),
        "refused": [r["message"] for r in rows if r["action"] == REFUSED],
        "lost": lost,
    }
    outcome: Outcome = "answered"
    if not final:
        outcome = "incomplete"
    elif not data["verified"]:
        outcome = "unchecked"
    elif lost:
        outcome = "degraded"
    named = ", ".join(f"{n} ({times} times)" if times > 1 else n for n, times in experts.items())
    lines = [text.strip(), "", f"Experts consulted: {named or 'none'}."]
    model = next((c.model for c in ok_of(closing)), "") or last.model
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)
