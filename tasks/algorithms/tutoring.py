"""Tutoring: a verified solution, where a learner stands on each step, what they have mastered and when to come back.

Mastery by Bayesian knowledge tracing: Corbett and Anderson 1995.
"""

from datetime import datetime, timedelta
from typing import Any

from tasks.algorithms.sections import section
from tasks.answers import normalised
from tasks.functions import Refuse, pure
from tasks.reply import Outcome, Replies, Reply, causes, first_cause, ok_of, reply

HIGHEST = 4
PRIOR = 0.3
SLIP, GUESS, LEARN = 0.1, 0.2, 0.1
GUESS_A_LEVEL = 0.15
"""How much likelier each hint makes it that someone who does not know the step gets it right."""
DAYS = ((0.5, 1), (0.8, 3), (0.95, 7), (1.01, 21))
"""Below that mastery the step is to be seen again after so many days."""


@pure
def program_call(solution: Replies) -> Reply:
    """The run of the solution's program (fields tool and args); skipped where the answer cannot be computed."""
    program = solution[-1].data()["program"].strip() if ok_of(solution[-1:]) else ""
    if not program:
        return reply(key="program", status="skipped", cause="it cannot be computed")
    return reply("", key="program", data={"tool": "code", "args": {"code": program}})


@pure
def computed_alike(solution: Replies, ran: Replies) -> bool:
    """Whether the program's last line is the answer."""
    lines = [r.text.strip().splitlines() for r in ok_of(ran) if r.text.strip()]
    return bool(lines) and normalised(lines[-1][-1]) == normalised(solution[-1].data()["answer"])


@pure
def computed_or_lost(solution: Replies, ran: Replies) -> bool:
    """Whether nobody need answer anew: a program ran, and says what it says."""
    return bool(ok_of(ran)) or not ok_of(solution[-1:])


@pure
def verification(solution: Replies, ran: Replies, samples: Replies, judged: Replies) -> Reply:
    """Whether the solution is verified: by its program where that ran, else because all samples have its answer."""
    by = "code" if ok_of(ran) else "samples"
    held = computed_alike(solution, ran) if by == "code" else any(j.data()["same"] for j in ok_of(judged))
    good = held and bool(ok_of(solution[-1:]))
    why = "" if good else first_cause([*solution[-1:], *samples, *judged]) or f"{by} gave another answer"
    return reply(why, key="verified", data={"verified": good, "by": by, "why": why})


@pure
def is_verified(verdict: Replies) -> bool:
    """Whether the last solution is verified."""
    return bool(verdict) and bool(verdict[-1].data()["verified"])


@pure
def taught_solution(solution: Replies, verdict: Replies) -> Reply:
    """The solution that is taught, with whether and how it is `verified`. Fails the run where there is none."""
    if not ok_of(solution[-1:]):
        raise Refuse(f"there is no solution to teach: {first_cause(solution)}")
    data = solution[-1].data()
    return reply(data["solution"], key="solution", data={"answer": data["answer"], **verdict[-1].data()})


@pure
def caution(solution: Replies) -> Replies:
    """What the learner is told first of a solution that nobody could verify."""
    return [] if solution[0].data()["verified"] else [reply(f"{CAUTION} ({solution[0].data()['why']})", key="caution")]


@pure
def lesson_steps(decomposed: Replies) -> Replies:
    """The steps in order: text is goal and result as who asks sees them; fields goal, result, shown, skill and
    misconceptions.
    """
    return [_step(n, s) for n, s in enumerate(decomposed[0].data()["steps"], 1)]


def _step(number: int, given: dict[str, Any]) -> Reply:
    wrong = [f"- {m['id']}: {m['says']}" for m in given["misconceptions"]]
    text = "\n".join([f"Goal: {given['goal']}", f"Result: {given['result']}", "Usual misconceptions:", *wrong])
    return reply(text, key=f"step {number}", data={**given, "number": number})


@pure
def skills_query(steps: Replies) -> Reply:
    """The skills of all steps, as a query."""
    return reply("\n".join(s.data()["skill"] for s in steps), key="skills")


@pure
def first_state(step: Replies) -> Reply:
    """Where a learner begins on a step: a plain question."""
    return reply("a plain question", key="state", data=_state(0, "open"))


def _state(level: int, status: str, **more: Any) -> dict[str, Any]:
    return {"level": level, "status": status, "seen": [], "misconceptions": [], "turns": 0, "lost": [], **more}


@pure
def leaks(checks: Replies) -> bool:
    """Whether the last question was found to state the result."""
    return any(c.data()["states_result"] for c in ok_of(checks[-1:]))


@pure
def need_not_check(state: Replies, question: Replies) -> bool:
    """Whether a question may state what it states, at the highest level, or there is none."""
    return bool(state[-1].data()["level"] >= HIGHEST) or not ok_of(question)


@pure
def posed(question: Replies, checks: Replies, state: Replies) -> bool:
    """Whether the last question may be asked: it was made, and checked unless it may state the result."""
    at_highest = state[-1].data()["level"] >= HIGHEST
    return bool(ok_of(question[-1:])) and (at_highest or (bool(ok_of(checks[-1:])) and not leaks(checks)))


@pure
def asked_question(step: Replies, question: Replies, checks: Replies, state: Replies) -> Reply:
    """The question that is asked; one that may not be is replaced by the step's goal alone."""
    if posed(question, checks, state):
        return reply(question[-1].text.strip(), key="question")
    return reply(f"What would you do here: {step[0].data()['goal']}", key="question")


@pure
def screen(before: Replies, question: Replies) -> Replies:
    """What the learner is shown: what they are told of before, then the question; nothing where there is none."""
    said = [b.text for b in before if b.text]
    return [reply("\n\n".join([*said, q.get("problem") or q.text]), key="question") for q in ok_of(question)]


@pure
def gave_up(said: Replies) -> bool:
    """Whether there is no reply to judge."""
    return not said or said[-1].key != "reply"


@pure
def learner_state(before: Replies, said: Replies, judged: Replies, posed: Replies) -> Reply:
    """Where a learner stands after a reply; text is what they are told.

    right: mastered. partial, or nobody could judge: the same level. wrong: the next level. Giving up, or wrong at the
    highest level, has the step shown. `lost` is why a reply was not judged, or a question of the level not `posed`.
    """
    state = before[-1].data()
    verdict = next((j.data()["verdict"] for j in ok_of(judged)), "gave_up" if gave_up(said) else "unjudged")
    known = next((j.data()["misconception"] for j in ok_of(judged)), "")
    seen = state["seen"] if verdict == "unjudged" else [*state["seen"], [verdict, state["level"]]]
    level, status = state["level"], "open"
    if verdict == "right":
        status = "mastered"
    elif verdict == "gave_up" or (verdict == "wrong" and level >= HIGHEST):
        status = "shown"
    elif verdict == "wrong":
        level += 1
    wrong = [*state["misconceptions"], *([known] if known and verdict != "right" else [])]
    data = {
        "level": level,
        "status": status,
        "seen": seen,
        "misconceptions": wrong,
        "turns": state["turns"] + 1,
        "lost": [*state["lost"], *causes([*judged, *posed[-1:]])],
    }
    return reply(TOLD.get(verdict, ""), key="state", data=data)


@pure
def step_over(state: Replies) -> bool:
    """Whether a step is mastered or shown."""
    return bool(state) and state[-1].data()["status"] != "open"


@pure
def step_row(step: Replies, state: Replies) -> Reply:
    """What became of a step; text is what the learner is told. One that was never mastered is shown and reviewed."""
    data, known = state[-1].data(), step[0].data()
    mastered = data["status"] == "mastered"
    kept = {n: known[n] for n in ("number", "goal", "result", "skill")}
    row = {**kept, **data, "mastered": mastered, "review": not mastered}
    text = f"Right: {known['result']}" if mastered else f"This is how that step goes: {known['shown']}"
    return reply(text, key=step[0].key, data=row)


@pure
def weakest(rows: Replies, most: int) -> Replies:
    """The steps that went worst: not mastered, then by the level reached, then by turns; in their order."""
    order = sorted(rows, key=lambda r: (r.data()["mastered"], -r.data()["level"], -r.data()["turns"]))[:most]
    return [r.but(text=f"{r.data()['goal']}: {r.data()['result']}") for r in rows if r in order]


@pure
def not_solved(said: Replies) -> bool:
    """Whether there is no solution to judge."""
    return not said or said[-1].key != "solve"


def traced(mastery: float, seen: list[tuple[str, int]]) -> float:
    """Mastery in [0, 1] after replies (verdict, level of the hint): only `right` is evidence for it."""
    for verdict, level in seen:
        guess = min(0.9, GUESS + GUESS_A_LEVEL * level)
        right, wrong = (1 - SLIP, guess) if verdict == "right" else (SLIP, 1 - guess)
        after = mastery * right / (mastery * right + (1 - mastery) * wrong)
        mastery = after + (1 - after) * LEARN
    return mastery


@pure
def learned_skills(rows: Replies, known: Replies, weak: Replies, transfer: Replies, now: str) -> Replies:
    """The learner's state to be remembered, a memory a skill: mastery, times, and the day of the next review."""
    before = {normalised(str(k.data()["fields"]["skill"])): k.data()["fields"] for k in reversed(known)}
    seen: dict[str, list[tuple[str, int]]] = {}
    names: dict[str, str] = {}
    verdict = next((t.data()["verdict"] for t in ok_of(transfer)), "")
    weak_keys = {w.key for w in weak}
    for row in rows:
        data = row.data()
        form = normalised(data["skill"])
        names.setdefault(form, data["skill"])
        seen.setdefault(form, []).extend((v, n) for v, n in data["seen"])
        if verdict and row.key in weak_keys:
            seen[form].append((verdict, 0))
    return [_skill(names[form], seen[form], before.get(form), now) for form in names]


def _skill(name: str, seen: list[tuple[str, int]], before: dict[str, Any] | None, now: str) -> Reply:
    mastery = round(traced(float(before["mastery"]) if before else PRIOR, seen), 4)
    days = next(d for below, d in DAYS if mastery < below)
    due = (datetime.fromisoformat(now) + timedelta(days=days)).date().isoformat()
    times = (int(before["times"]) if before else 0) + len(seen)
    data = {"skill": name, "mastery": mastery, "times": times, "review": due}
    return reply(f"{name}: mastery {mastery:.2f}, review on {due}", key=name, data=data)


@pure
def same_skills(known: Replies, skills: Replies) -> Replies:
    """What was remembered of these very skills: it is replaced."""
    forms = {normalised(s.data()["skill"]) for s in skills}
    return [k for k in known if normalised(str(k.data()["fields"]["skill"])) in forms]


@pure
def tutored(
    solution: Replies, rows: Replies, skills: Replies, transfer: Replies, problem: Replies, said: Replies, kept: Replies
) -> Reply:
    """What was learned: steps, those to review with how they go, the transfer, and when to come back."""
    data = {
        "answer": solution[0].data()["answer"],
        "verified": solution[0].data()["verified"],
        "verified_by": solution[0].data()["by"],
        "steps": [r.data() for r in rows],
        "mastered": sum(r.data()["mastered"] for r in rows),
        "review": [r.data()["goal"] for r in rows if r.data()["review"]],
        "skills": [s.data() for s in skills],
        "transfer": next((t.data() for t in ok_of(transfer)), None),
        "lost": [*(cause for r in rows for cause in r.data()["lost"]), *causes([*transfer, *problem, *kept])],
    }
    lines = [] if data["verified"] else [CAUTION, ""]
    lines += [f"You have mastered {data['mastered']} of {len(rows)} steps."]
    lines += section("To review", [f"{r.data()['goal']}: {r.data()['result']}" for r in rows if r.data()["review"]])
    if data["transfer"]:
        lines += ["", f"The problem that you solved alone: {data['transfer']['verdict']}. {data['transfer']['why']}"]
    elif not_solved(said):
        lines += ["", "The problem to solve alone was left out."]
    lines += section("Come back to", [f"{s['skill']} on {s['review']}" for s in data["skills"]])
    lines += ["", f"The whole solution: {solution[0].text}"]
    outcome: Outcome = "degraded" if data["lost"] else "answered"
    return reply("\n".join(lines), key="answer", data=data, outcome=outcome if data["verified"] else "unchecked")


CAUTION = "The solution behind these questions could not be verified: check what you learn from them."
TOLD = {
    "right": "Right.",
    "partial": "Partly right.",
    "wrong": "Not yet.",
    "unjudged": "That could not be judged; try once more.",
}
