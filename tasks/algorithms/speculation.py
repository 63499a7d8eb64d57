"""Speculative reasoning: a fast model writes steps ahead, a strong one scores them and writes those that fall short.

Sources: Pan et al. 2025 (arXiv 2504.07891); Narasimhan et al. 2024 (arXiv 2405.19261).
"""

import re
from typing import Any

from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply

ACCEPTED = "speculation_accepted"
"""The signal that says which share of the fast steps was accepted; its source is the kind of task."""
THETA, LEAST_THETA = 7, 5
STREAK = 8
"""So many accepted steps in a row lower the threshold by one."""
RECENT, REJECTIONS, UNAIDED = 5, 3, 3
"""So many rejections among the recent steps have the strong model write so many steps unaided."""
SKIP_BELOW, SKIP_USES = 0.4, 3
FAILURES = 2
FAST, STRONG = "fast", "strong"
JUDGE, AHEAD = "judge", "ahead"


@pure
def worth_it(kind: Replies, outcomes: Replies) -> str:
    """`speculate`, or `plain` where too few steps were accepted for this kind of task before."""
    named = kind_of(kind)
    past = next((o.data() for o in ok_of(outcomes) if o.key == named), None)
    skip = past is not None and past["uses"] >= SKIP_USES and past["mean"] < SKIP_BELOW
    return "plain" if skip else "speculate"


def kind_of(kind: Replies) -> str:
    """The kind of a task; one that nobody could tell is `other`."""
    return next((str(k.data()["kind"]) for k in ok_of(kind)), "other")


@pure
def opening() -> Reply:
    """Where it starts: threshold, accepted steps in a row, recent verdicts, steps that the strong model owes."""
    data = {"theta": THETA, "streak": 0, "recent": [], "unaided": 0, "finish": False, "failures": 0}
    return reply(key="state", data=data)


@pure
def strong_writes(state: Replies, turn: int) -> bool:
    """Whether the strong model writes this step: the first, one of those unaided, or the one that is to finish."""
    data = state[0].data()
    return turn == 1 or data["unaided"] > 0 or data["finish"]


@pure
def needs_no_draft(state: Replies, pending: Replies, turn: int) -> bool:
    """Whether the fast model need not write: a step was written ahead, or the strong model writes."""
    return bool(pending) or strong_writes(state, turn)


@pure
def fast_step(state: Replies, pending: Replies, draft: Replies, turn: int) -> Replies:
    """The fast model's step that is to be scored: the one written ahead, else the draft; none if it failed."""
    return [] if strong_writes(state, turn) else ok_of(pending)[:1] or ok_of(draft)[:1]


@pure
def nothing_to_score(step: Replies) -> bool:
    """Whether there is no fast step."""
    return not step


@pure
def verdict(step: Replies, check: Replies, state: Replies) -> Reply:
    """Whether the fast step is accepted: its score (0 to 9) reaches the threshold; without a digit it is not."""
    said = next((c.text for c in ok_of(check) if c.key == JUDGE), "")
    digit = re.match(r"\s*(\d)(?!\d)", said)
    score = int(digit.group(1)) if digit else None
    accepted = bool(step) and score is not None and score >= state[0].data()["theta"]
    return reply(str(score), key="verdict", data={"score": score, "accepted": accepted})


@pure
def is_accepted(verdict: Replies) -> bool:
    """Whether the strong model need not write."""
    return bool(verdict[0].data()["accepted"])


@pure
def settled(
    state: Replies,
    step: Replies,
    check: Replies,
    verdict: Replies,
    written: Replies,
    draft: Replies,
    trace: Replies,
    turn: int,
) -> Slots:
    """The `step` that joins the trace, the next `state`, the step that is `pending`, and a `row` with what was wasted.

    What was written ahead of a rejected step, or of one that the strong model follows, is thrown away.
    """
    before, said = state[0].data(), verdict[0].data()
    ahead = [c for c in ok_of(check) if c.key == AHEAD]
    by_fast = said["accepted"]
    made = step if by_fast else ok_of(written)
    data = made[0].data() if made else {}
    aided = not strong_writes(state, turn)
    after = _next_state(before, accepted=by_fast, aided=aided, made=bool(made), done=bool(data.get("done")))
    keeps = by_fast and not after["finish"] and not after["unaided"]
    wasted = ([] if keeps else ahead) + (step if aided and not by_fast else [])
    row = {
        "step": turn,
        "by": (FAST if by_fast else STRONG) if made else "nobody",
        "scored": bool(step),
        "score": said["score"],
        "accepted": by_fast,
        "theta": before["theta"],
        "complete": not by_fast and bool(data.get("complete")),
        "answer": "" if by_fast else str(data.get("answer", "")),
        "wasted_calls": sum(w.calls for w in wasted),
        "wasted_tokens": sum(w.tokens for w in wasted),
        "wasted": len(wasted),
        "lost": causes([*draft, *check, *written]),
    }
    shown = [m.but(text=data["step"], key=f"step {len(trace) + 1}", fields="") for m in made]
    return {
        "step": shown,
        "state": [state[0].but(data=after)],
        "pending": ahead if keeps else [],
        "row": [reply(f"step {turn}: {row['by']}", key=f"turn {turn}", data=row)],
    }


def _next_state(before: dict[str, Any], *, accepted: bool, aided: bool, made: bool, done: bool) -> dict[str, Any]:
    """Threshold and modes after a step; only steps that the fast model had a part in count for them."""
    after = {**before, "finish": accepted and done, "failures": 0 if made else before["failures"] + 1}
    if not aided:
        return {**after, "unaided": max(0, before["unaided"] - 1), "finish": not made and before["finish"]}
    recent = [*before["recent"], accepted][-RECENT:]
    streak = before["streak"] + 1 if accepted else 0
    if streak == STREAK:
        after["theta"], streak = max(LEAST_THETA, before["theta"] - 1), 0
    if recent.count(False) >= REJECTIONS:
        after["unaided"], recent = UNAIDED, []
    return {**after, "recent": recent, "streak": streak}


@pure
def reasoned(log: Replies) -> bool:
    """Whether the strong model gave the final step, or failed so often running that there is no going on."""
    rows = [r.data() for r in log[-FAILURES:]]
    return is_complete(log) or (len(rows) == FAILURES and all(r["by"] == "nobody" for r in rows))


@pure
def is_complete(log: Replies) -> bool:
    """Whether the last step is the final one."""
    return bool(log) and log[-1].data()["complete"] and bool(log[-1].data()["answer"].strip())


@pure
def speculated(log: Replies, trace: Replies, closing: Replies, kind: Replies) -> Reply:
    """The strong model's final answer with a line on the speculation: what was accepted, and what was thrown away.

    `accept_rate` is null where no fast step was scored. Without a final step within the bound, or where nobody could
    go on, it is incomplete. Fails the run where there is no answer at all.
    """
    rows = [r.data() for r in log]
    complete = is_complete(log)
    closed = next((c.text for c in ok_of(closing) if c.text.strip()), "")
    text = rows[-1]["answer"].strip() if complete else closed
    lost = [c for r in rows for c in r["lost"]] + causes(closing)
    if not text:
        raise Refuse(f"the reasoning came to no answer: {'; '.join(lost)}")
    fast = [r for r in rows if r["scored"]]
    accepted = sum(r["accepted"] for r in fast)
    wasted = {w: sum(r[f"wasted_{w}"] for r in rows) for w in ("calls", "tokens")} | {
        "steps": sum(r["wasted"] for r in rows)
    }
    data = {
        "kind": kind_of(kind),
        "skipped": not rows,
        "accept_rate": accepted / len(fast) if fast else None,
        "accepted": accepted,
        "scored": len(fast),
        "theta": rows[-1]["theta"] if rows else THETA,
        "wasted": wasted,
        "steps": [{"step": t.key, "text": t.text} for t in trace],
        "turns": [{k: r[k] for k in ("step", "by", "score", "theta")} for r in rows],
        "lost": lost,
    }
    outcome: Outcome = "answered"
    if rows and not complete:
        outcome = "incomplete"
    elif lost:
        outcome = "degraded"
    told = (
        f"Fast steps accepted: {accepted} of {len(fast)}; thrown away: {wasted['steps']} ({wasted['tokens']} tokens)."
    )
    lines = [text, *(["", told] if rows else [])]
    model = next((c.model for c in ok_of(closing)), "") or (trace[-1].model if trace else "")
    return reply("\n".join(lines), key="answer", data=data, model=model, outcome=outcome)


@pure
def nothing_scored(answer: Replies) -> bool:
    """Whether there is no accept rate to learn from."""
    return answer[0].data()["accept_rate"] is None
