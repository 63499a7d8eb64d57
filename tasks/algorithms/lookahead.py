"""Looking ahead: actions merged and gated, what each is imagined to lead to, and the one that is done for real.

WebDreamer (Gu et al. 2024): a model of the world takes the place of trying things out.
"""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from tasks.algorithms.tool_plans import UNKNOWN_OUTCOME, must_look
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, canonical, causes, ok_of, reply
from tasks.tool_calls import checked

FINISH = "finish"
WORTH = {"complete": 1.0, "on_track": 0.5, "off": 0.0}
HARD_TO_UNDO = 0.5
"""What an action that is hard to undo is worth less."""
STUCK = 3
"""So many steps in a row without progress end the work."""
SURPRISES, TOO_WRONG, SKIPPED = 3, 0.7, 3
"""Where the mean surprise of so many steps is above this, the next so many are done without imagining."""


STOPS = "(The work stops here. What was done and observed until then, for real:)"


@pure
def candidates(samples: Replies, tools: Replies, keep: int) -> Slots:
    """`cands` are the actions that may be done, equal ones merged, the most proposed first; `refused` are the others.

    An action's fields are type, tool, args, digest, writes, reversible and votes.
    """
    merged: dict[str, dict[str, Any]] = {}
    refused: Replies = []
    for one in ok_of(samples):
        said = one.data()
        call = checked(said["tool"].strip(), said["args"], tools).data() if said["type"] != FINISH else None
        if call and not call["valid"]:
            refused.append(reply(call["message"], key=one.key))
            continue
        digest = call["digest"] if call else FINISH
        action = merged.setdefault(digest, _action(call) | {"digest": digest, "votes": 0})
        action["votes"] += 1
    ranked = sorted(merged.values(), key=lambda a: -a["votes"])[:keep]
    cands = [reply(_shown(a), key=f"action {n}", data=a) for n, a in enumerate(ranked, 1)]
    return {"cands": cands, "refused": refused}


def _action(call: dict[str, Any] | None) -> dict[str, Any]:
    if call is None:
        return {"type": FINISH, "tool": "", "args": {}, "writes": False, "reversible": True}
    reversible = not call["writes"] or bool(call["undo"])
    return {
        "type": "tool",
        "tool": call["tool"],
        "args": call["arguments"],
        "writes": call["writes"],
        "reversible": reversible,
    }


def _shown(action: dict[str, Any]) -> str:
    if action["type"] == FINISH:
        return "finish: stop and answer the task from what was observed"
    return f"{action['tool']}({canonical(action['args'])})"


@pure
def imagining_skipped(trace: Replies) -> bool:
    """Whether the next step is done without imagining: predictions were too wrong of late.

    The surprises of three steps decide; after three steps without, three new ones are needed.
    """
    window: list[float] = []
    skip = 0
    for step in (t.data() for t in trace):
        if skip:
            skip -= 1
        elif step["surprise"] is not None:
            window = [*window, step["surprise"]][-SURPRISES:]
            if len(window) == SURPRISES and fmean(window) > TOO_WRONG:
                window, skip = [], SKIPPED
    return skip > 0


@pure
def dream_over(action: Replies, states: Replies) -> bool:
    """Whether there is nothing to imagine: the action stops the work, or was not had, or the last state is terminal."""
    if not ok_of(action) or action[-1].data()["type"] == FINISH:
        return True
    return bool(states) and (not states[-1].ok or bool(states[-1].data()["terminal"]))


@pure
def no_next_action(state: Replies, turn: int, turns: int) -> bool:
    """Whether no action follows an imagined state: it is terminal, was not had, or is the last."""
    return turn >= turns or not ok_of(state) or bool(state[-1].data()["terminal"])


@pure
def dreamt(action: Replies, states: Replies, trace: Replies) -> Reply:
    """What an action is imagined to lead to: the states in order; for one that stops the work, what was observed."""
    seen = [s.data()["observation"] for s in ok_of(states)]
    shown = seen or ["(nothing could be imagined)"]
    if action[0].data()["type"] == FINISH:
        shown = [STOPS, *(t.text for t in trace if t.data()["ok"])]
    data = {"action": action[0].text, "states": shown, "first": seen[0] if seen else "", "lost": causes(states)}
    return reply("\n".join(shown), key=action[0].key, data=data)


@pure
def best_action(cands: Replies, dreams: Replies, values: Replies, members: int) -> Replies:
    """The action of the highest mean value, a reversible one first among equals; nothing where there is no action.

    Without dreams it is the one proposed most often. An action that nobody could judge comes last.
    """
    worth = {d.key: _mean(values[i * members : (i + 1) * members]) for i, d in enumerate(dreams)}
    imagined = {d.key: d.data() for d in dreams}

    def place(one: tuple[int, Reply]) -> tuple[float, ...]:
        index, cand = one
        value = worth.get(cand.key)
        first = -cand.data()["votes"] if not dreams else -value if value is not None else 1.0
        return first, not cand.data()["reversible"], index

    ranked = [c for _, c in sorted(enumerate(cands), key=place)]
    rated = [{"action": c.text, "value": worth.get(c.key), "votes": c.data()["votes"]} for c in ranked]
    return [
        c.but(data={**c.data(), "rated": rated, "imagined": imagined.get(c.key, {}).get("first", "")})
        for c in ranked[:1]
    ]


def _mean(votes: Sequence[Reply]) -> float | None:
    said = [v.data() for v in ok_of(votes)]
    return fmean(WORTH[s["verdict"]] - HARD_TO_UNDO * s["hard_to_undo"] for s in said) if said else None


@pure
def nothing_real(best: Replies) -> bool:
    """Whether nothing is done for real: the best action stops the work, or there is none."""
    return not best or best[0].data()["type"] == FINISH


@pure
def nothing_to_compare(best: Replies) -> bool:
    """Whether nothing was imagined that could be compared with what came."""
    return nothing_real(best) or not best[0].data()["imagined"]


@pure
def imagined_first(best: Replies) -> Replies:
    """What the best action was imagined to give, as text; nothing where nothing was."""
    return [] if nothing_to_compare(best) else [reply(best[0].data()["imagined"], key="imagined")]


@pure
def looked_step(
    trace: Replies,
    best: Replies,
    refused: Replies,
    samples: Replies,
    dreams: Replies,
    values: Replies,
    seen: Replies,
    compared: Replies,
    turn: int,
) -> Reply:
    """One step of the trace: what was done, imagined and observed. Progress is an observation that is new and good."""
    action: dict[str, Any] = (
        best[0].data() if best else {"type": "nothing", "rated": [], "imagined": "", "writes": False}
    )
    real = not nothing_real(best)
    observed = seen[0].data() if seen and real else {"ok": True, "error": ""}
    text = seen[0].text if seen and real else ""
    if not best:
        why = "; ".join(r.text for r in refused) or next(iter(causes(samples)), "none was proposed")
        observed, text = {"ok": False, "error": "call"}, f"ERROR: no action could be done: {why}"
    before = {(t.data()["digest"], t.data()["observation"]) for t in trace}
    data = {
        "step": turn,
        "type": action["type"],
        "action": best[0].text if best else "",
        "digest": action.get("digest", ""),
        "observation": text,
        "ok": observed["ok"],
        "unknown": bool(action["writes"]) and observed["error"] in UNKNOWN_OUTCOME,
        "imagined": action["imagined"],
        "rated": action["rated"],
        "surprise": next((c.data()["difference"] for c in ok_of(compared)), None),
        "progress": bool(observed["ok"] and text.strip() and (action.get("digest", ""), text) not in before),
        "lost": [*causes([*samples, *values, *compared]), *(why for d in dreams for why in d.data()["lost"])],
    }
    lines = [f"Action: {data['action']}", f"Observation: {text}"] if best else [f"Observation: {text}"]
    if data["surprise"] is not None:
        lines.append(f"Surprise (0 as imagined, 1 quite different): {data['surprise']:g}")
    return reply("\n".join(lines), key=f"step {turn}", data=data)


@pure
def ended_by(trace: Replies) -> str:
    """Why the work is over: finish, unknown (a person must look) or stuck; empty while it is not."""
    steps = [t.data() for t in trace]
    if steps and steps[-1]["type"] == FINISH:
        return FINISH
    if steps and steps[-1]["unknown"]:
        return "unknown"
    return "stuck" if len(steps) >= STUCK and not any(s["progress"] for s in steps[-STUCK:]) else ""


@pure
def looking_over(trace: Replies) -> bool:
    """Whether the work is over."""
    return bool(ended_by(trace))


@pure
def lookahead_answer(written: Replies, trace: Replies) -> Reply:
    """The answer, with each step as it was imagined and as it came. Not finished, it says so first."""
    steps = [t.data() for t in trace]
    why = ended_by(trace) or "bound"
    surprises = [s["surprise"] for s in steps if s["surprise"] is not None]
    data = {
        "ended_by": why,
        "steps": steps,
        "surprise": fmean(surprises) if surprises else None,
        "real_actions": sum(s["type"] == "tool" for s in steps),
        "lost": [cause for s in steps for cause in s["lost"]],
    }
    head = {
        FINISH: [],
        "unknown": must_look([steps[-1]["observation"]]) if steps else [],
        "stuck": [f"Not finished: the last {STUCK} steps brought nothing new. What is known until then:"],
    }.get(why, [f"Not finished: stopped after {len(steps)} steps. What is known until then:"])
    outcome: Outcome = "incomplete" if why != FINISH else "degraded" if data["lost"] else "answered"
    text = "\n\n".join([*head, written[0].text.strip()])
    return reply(text, key="answer", data=data, model=written[0].model, outcome=outcome)
