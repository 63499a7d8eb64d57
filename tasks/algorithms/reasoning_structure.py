"""Reasoning structures: JSON whose keys are the steps of thinking for a kind of task, filled in order.

Source: Zhou et al. 2024, Self-Discover (arXiv 2402.03620).
"""

import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from tasks.answers import normalised
from tasks.functions import pure
from tasks.reply import Outcome, Replies, Reply, Slots, causes, ok_of, reply
from utils.json_replies import first_object

STRUCTURE, CANDIDATE, PAST_PROMPT = "reasoning_structure", "reasoning_structure_candidate", "task_prompt"
"""Kinds of memory: a structure that has proved itself, one that has not yet, and a prompt with its task type."""
SUCCESS = "reasoning_structure_success"
PROVEN_MEAN, PROVEN_USES = 0.7, 3
FAILED_MEAN, FAILED_USES = 0.4, 5
ANSWER = "answer"
STEP = " > "
"""Between the keys of a path."""


@pure
def signature(kind: Replies) -> Reply:
    """What a structure is found by: the task type and what such tasks have in common."""
    data = kind[0].data()
    return reply(f"{data['task_type'].strip()}: {data['signature'].strip()}", key="signature", data=data)


@pure
def known_structure(recalled: Replies, outcomes: Replies, least: float) -> Slots:
    """`hit` is the recalled structure, if its match is over `least` and it has not failed too often.

    `proven` is it where it worked often enough to be kept for good, `ended` what is to be forgotten: one that failed,
    and the candidate that proved itself.
    """
    past = {o.key: o.data() for o in ok_of(outcomes)}
    for one in ok_of(recalled)[:1]:
        fields = one.data().get("fields") or {}
        text = str(fields.get("structure") or "")
        if (one.score or 0.0) <= least or gate_message(first_object(text)):
            break
        uses = past.get(source_of(text), {"uses": 0, "mean": 1.0})
        if uses["uses"] >= FAILED_USES and uses["mean"] < FAILED_MEAN:
            return {"hit": [], "proven": [], "ended": [one]}
        proven = uses["uses"] >= PROVEN_USES and uses["mean"] >= PROVEN_MEAN
        fresh = proven and one.data().get("kind") == CANDIDATE
        hit = _structure(text, reused=True)
        kept = reply(one.text, data=dict(fields))
        return {"hit": [hit], "proven": [kept] if fresh else [], "ended": [one] if fresh else []}
    return {"hit": [], "proven": [], "ended": []}


def source_of(structure: str) -> str:
    """The name by which outcomes of a structure are told, the same wherever it is kept."""
    return f"structure {sha256(structure.encode()).hexdigest()[:24]}"


def _structure(text: str, *, reused: bool = False, fallback: bool = False) -> Reply:
    data = {"reused": reused, "fallback": fallback, "source": source_of(text)}
    return reply(text, key="structure", data=data)


@pure
def reuse_or_compose(hit: Replies) -> str:
    """`reuse` where a structure is known, else `compose`."""
    return "reuse" if hit else "compose"


@pure
def example_tasks(recalled: Replies, prompt: Replies, kind: Replies, most: int) -> Replies:
    """Past prompts of this task type, at most so many, or else the prompt alone."""
    wanted = normalised(kind[0].data()["task_type"])
    same = [r for r in ok_of(recalled) if normalised(str((r.data().get("fields") or {}).get("type", ""))) == wanted]
    return [reply(r.text, key=f"task {n}") for n, r in enumerate(same[:most], 1)] or prompt


@pure
def chosen_modules(selected: Replies, modules: list[str]) -> Replies:
    """The modules that were chosen, in the order of the library."""
    numbers = sorted({n for s in ok_of(selected) for n in s.data()["modules"] if 1 <= n <= len(modules)})
    return [reply(modules[n - 1], key=f"module {n}") for n in numbers]


def leaves(structure: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every leaf as path and value, in order."""
    for key, value in structure.items():
        path = (*above, str(key))
        if isinstance(value, dict) and value:
            yield from leaves(value, path)
        else:
            yield STEP.join(path), "" if value in ({}, None) else value


def gate_message(structure: dict[str, Any] | None, least: int = 3, most: int = 15) -> str:
    """Why a structure cannot be followed; empty where it can."""
    if structure is None:
        return "it is no JSON object"
    found = list(leaves(structure))
    if not least <= len(found) <= most:
        return f"it has {len(found)} leaves: {least} to {most} are right"
    if filled := [path for path, value in found if value != ""]:
        return f"values must be empty strings, and these are not: {', '.join(filled)}"
    if found[-1][0] != ANSWER:
        return f'the last key must be "{ANSWER}", at the top'
    return ""


@pure
def gated_structure(made: Replies) -> Reply:
    """A structure as it was written, with `passed` and the `message` of what is wrong with it."""
    found = first_object(made[-1].text) if made and made[-1].ok else None
    message = gate_message(found) if ok_of(made) else "; ".join(causes(made)) or "there is none"
    text = json.dumps(found, ensure_ascii=False, indent=1) if found else ""
    return reply(text, key="structure", data={"passed": not message, "message": message, "lost": causes(made)})


@pure
def composed_structure(attempts: Replies, chosen: Replies) -> Reply:
    """The structure that passed its gate; without one, a plain one with a step a module."""
    if attempts and attempts[-1].data()["passed"]:
        return _structure(attempts[-1].text)
    plain = {f"{n}. {c.text}": "" for n, c in enumerate(chosen, 1)} | {ANSWER: ""}
    return _structure(json.dumps(plain, ensure_ascii=False, indent=1), fallback=True)


@pure
def filled_structure(structure: Replies, solved: Replies) -> Reply:
    """The structure with the values of a reply at the same paths; what is missing or not of it stays empty."""
    found = first_object(solved[-1].text) if ok_of(solved) else None
    values = dict(leaves(found)) if found else {}
    rows = [[path, _text(values.get(path, ""))] for path, _ in leaves(first_object(structure[0].text) or {})]
    return _filled(rows, causes(solved), solved[-1].model if solved else "")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _filled(rows: list[list[str]], lost: list[str], model: str) -> Reply:
    shown = json.dumps({row[0]: row[1] for row in rows}, ensure_ascii=False, indent=1)
    empty = [path for path, value in rows if not value]
    return reply(shown, key="filled", data={"rows": rows, "empty": empty, "lost": lost}, model=model)


@pure
def is_full(filled: Replies) -> bool:
    """Whether no leaf is empty."""
    return not filled[-1].data()["empty"]


@pure
def with_fills(filled: Replies, made: Replies) -> Reply:
    """The structure with empty leaves filled; what was filled before stays."""
    data = filled[-1].data()
    given = {f["path"].strip(): f["value"].strip() for m in ok_of(made) for f in m.data()["filled"]}
    rows = [[path, value or given.get(path, "")] for path, value in data["rows"]]
    return _filled(rows, [*data["lost"], *causes(made)], filled[-1].model)


@pure
def structured_answer(filled: Replies, fills: Replies, structure: Replies, kind: Replies, tries: Replies) -> Reply:
    """The answer alone; `success` is 1 where every step of the structure was filled, else 0.

    Without an answer it is incomplete, and the steps that were filled stand for it.
    """
    data, used = filled[0].data(), structure[0].data()
    rows = dict(data["rows"])
    answer = rows.get(ANSWER, "")
    lost = [*data["lost"], *(c for t in tries for c in t.data()["lost"])]
    made = {
        "task_type": kind[0].data()["task_type"],
        "structure": structure[0].text,
        "reused": used["reused"],
        "fallback": used["fallback"],
        "source": used["source"],
        "filled": rows,
        "empty": data["empty"],
        "fill_calls": len(fills),
        "success": 0.0 if data["empty"] else 1.0,
        "lost": lost,
    }
    outcome: Outcome = (
        "incomplete" if not answer else "degraded" if data["empty"] or lost or used["fallback"] else "answered"
    )
    lines = [answer]
    if not answer:
        outcome = "incomplete"
        lines = ["The answer was not reached. What was worked out:", *(f"- {p}: {v}" for p, v in rows.items() if v)]
    return reply("\n".join(lines), key=ANSWER, data=made, model=filled[0].model, outcome=outcome)


@pure
def not_learned(answer: Replies) -> bool:
    """Whether nothing is told of the structure: it was a plain one, made for want of a better."""
    return bool(answer[0].data()["fallback"])


@pure
def new_structure(answer: Replies, named: Replies) -> Replies:
    """A structure that was composed and led to an answer, to be kept under its signature; else nothing."""
    data = answer[0].data()
    if data["reused"] or data["fallback"] or not data["success"]:
        return []
    return [reply(named[0].text, data={"structure": data["structure"], "type": data["task_type"]})]


@pure
def new_prompt(prompt: Replies, kind: Replies, recalled: Replies) -> Replies:
    """The prompt with its task type, without any answer; nothing if it is remembered already."""
    if any(normalised(r.text) == normalised(prompt[0].text) for r in ok_of(recalled)):
        return []
    return [reply(prompt[0].text, data={"type": kind[0].data()["task_type"]})]
