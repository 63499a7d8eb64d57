"""Chains of reasoning: numbered steps and the answer line read out of a text, and shown as such."""

import re

from tasks.answers import after_marker
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, failed, first_cause, ok_of, reply

LEAST_STEPS = 2


@pure
def chain_of(given: Replies, marker: str) -> Reply:
    """The chain of the last reply: fields `steps` (texts in order) and `final_answer`, empty where there is none.

    A reply without a line that begins with the marker gives a failed reply, which still has its steps.
    """
    if not given or not given[-1].ok:
        return failed(first_cause(given) or "there is no chain to read")
    steps, answer = parsed_chain(given[-1].text, marker)
    data = {"steps": steps, "final_answer": answer}
    if not answer:
        return failed(f"it does not end with '{marker}: ...'").but(data=data)
    return reply(answer, data=data)


@pure
def has_answer(chain: Replies) -> bool:
    """Whether the chain has its answer line."""
    return bool(ok_of(chain))


@pure
def shown_chain(raw: Replies, chain: Replies, repair: Replies, marker: str) -> Reply:
    """The numbered steps, then the answer on a line of its own.

    `repair` is what was written anew where the answer line was missing. Without an answer even so it is incomplete;
    with fewer than two steps it is degraded and shown as it was written.
    """
    best = chain_of(repair, marker) if repair else chain[0]
    answer = str(best.data().get("final_answer", ""))
    steps = max((c.data().get("steps", []) for c in (chain[0], best)), key=len)
    lost = [] if answer else [best.cause]
    if len(steps) < LEAST_STEPS:
        lost.append(f"{len(steps)} numbered steps, at least {LEAST_STEPS} were asked for")
    body = "\n".join(f"{n}. {s}" for n, s in enumerate(steps, 1)) if len(steps) >= LEAST_STEPS else raw[0].text
    last = f"{marker}: {answer}" if answer else "No final answer was reached."
    outcome: Outcome = "incomplete" if not answer else "degraded" if lost else "answered"
    text = body if answer and len(steps) < LEAST_STEPS and not repair else f"{body}\n\n{last}"
    data = {"steps": steps, "final_answer": answer, "repaired": bool(repair) and bool(answer), "lost": lost}
    return reply(text, key="answer", data=data, model=raw[0].model, outcome=outcome)


def parsed_chain(text: str, marker: str) -> tuple[list[str], str]:
    """The steps that are numbered 1, 2, 3 ... before the last line with the marker, and what stands on that line.

    What follows a step belongs to it, other numbering included; what comes before the first is left out.
    """
    lines = text.splitlines()
    end = max((n for n, line in enumerate(lines) if after_marker(f"{line}\nx", marker)), default=len(lines))
    steps: list[list[str]] = []
    for line in lines[:end]:
        found = STEP.match(line)
        if found and int(found.group(1) or found.group(2)) == len(steps) + 1:
            steps.append([found.group(3).strip()])
        elif steps:
            steps[-1].append(line.strip())
    whole = (" ".join(part for part in step if part) for step in steps)
    return [step for step in whole if step], after_marker(text, marker)


STEP = re.compile(
    r"^[ \t*_#>-]*(?:step[ \t]+(\d{1,3})\b[.):]?|(\d{1,3})[.):](?=[*_ \t]|$))[*_]*[ \t]*(.*)$", re.IGNORECASE
)
"""`1. ...`, `2) ...`, `**Step 3:** ...`; `2.5 is ...` is none."""
