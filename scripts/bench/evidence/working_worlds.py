"""Worlds in which a person works with a model: on a form, a lesson, a choice between answers."""

import json
import re
from statistics import fmean
from typing import Any

from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.memory_worlds import Rememberer
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import quoted
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question, Setting, draw, random
from tasks import worked_solutions
from tasks.worked_solutions import SOLVER
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.user_facing import side_by_side_tradeoffs as tradeoffs
from workflows.patterns.user_facing import slot_filling_intake as intake
from workflows.patterns.user_facing import socratic_tutor as tutor


class Interviewer(Rememberer):
    """Fills a form of four slots; what an answer says of a slot it takes wrongly, or overlooks, now and then."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if spoken_by(request, intake.DESIGNER):
            slots = [{"name": n, "label": n, "type": t, "required": True} for n, t in SLOTS.items()]
            return json.dumps({"title": "Register of seals", "pattern": "self_refine", "slots": slots, "rules": []})
        if spoken_by(request, intake.INTERVIEWER):
            return json.dumps(
                {"slots": [n for n in SLOTS if f'"{n}"' in quoted(request, "missing")][:3], "question": "Which?"}
            )
        if spoken_by(request, intake.READER) and "<answer>" in asked:
            return json.dumps({"found": self.taken(quoted(request, "answer"), quoted(request, "question"))})
        if spoken_by(request, intake.READER):
            return json.dumps({"suggestions": []})
        return super().said(request, sample)

    def taken(self, answer: str, question: str) -> list[dict[str, Any]]:
        """What an answer says of each slot, as it is understood."""
        rows = []
        for slot, value in details(self.question).items():
            quote = f"{slot}: {value}"
            if quote not in answer:
                continue
            understood = self.knows(slot, question)
            if not understood and random("lost", self.question.number, slot, question).random() < 0.5:
                continue
            wrong = details(Question(self.question.number + 1))[slot]
            rows.append(
                {"slot": slot, "value": value if understood else wrong, "quote": quote, "accepts_suggestion": False}
            )
        return rows


def details(question: Question) -> dict[str, str]:
    """What the person has to tell."""
    day = f"2026-02-{question.number % 27 + 1:02}"
    return {"box": question.box, "number": str(question.right), "keeper": f"Keeper {question.number}", "day": day}


def tells(review: Review, question: Question) -> tuple[str, str]:
    """The person says all that they are asked, and corrects what they see to be wrong, once or twice."""
    told = "; ".join(f"{n}: {v}" for n, v in details(question).items())
    names = {c.name for c in review.choices}
    if "answer" in names:
        return "answer", told
    right = all(f"- {n}: {v}" in review.shown for n, v in details(question).items())
    return ("use", "") if right or "@3" in review.path else ("correct", told)


def slots_right(played: Played, question: Question) -> float:
    """The share of slots that hold what the person told."""
    held = played.data.get("slots", {})
    return fmean(held.get(slot) == value for slot, value in details(question).items())


def one_reading(question: Question, setting: Setting, calls: int) -> float:
    """The same where one call reads one answer that tells all."""
    models = Interviewer(question, setting)
    told = "; ".join(f"{n}: {v}" for n, v in details(question).items())
    found = {row["slot"]: row["value"] for row in models.taken(told, "at once")}
    return (1 - setting.refusal) * fmean(found.get(n) == v for n, v in details(question).items())


class Tutor(Rememberer):
    """Teaches three steps; now and then a question gives the result away, and a reply is judged wrongly."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, SOLVER):
            return self.solved(request, sample)
        if spoken_by(request, tutor.TEACHER):
            if "<weak>" in request.messages[-1].content:
                return json.dumps({"problem": "Find another number.", "answer": "As before."})
            return json.dumps({"steps": [_step(n) for n in (1, 2, 3)]})
        if spoken_by(request, tutor.TUTOR):
            number, level = re.findall(r"find (\d)", quoted(request, "step"))[0], self.level(quoted(request, "level"))
            leaks = random("leak", self.setting.name, self.question.number, sample).random() >= self.setting.accuracy
            return f"Step {number}, help {level}: what comes here?" + (f" Is it result {number}?" if leaks else "")
        return self.judged_reply(request)

    def solved(self, request: ChatRequest, sample: str) -> str:
        answer = str(draw(self.question, self.setting, request.model, sample))
        wants = {"solution": "Step by step.", "answer": answer, "program": ""}
        return json.dumps(wants if "program" in (request.json_schema or "") else {"work": "", "answer": answer})

    def level(self, text: str) -> str:
        return str((re.findall(r"\d", text) or ["0"])[0])

    def judged_reply(self, request: ChatRequest) -> str:
        """Whether a question gives the result away, or what a reply is worth."""
        if spoken_by(request, worked_solutions.COMPARER):
            said = candidates(request.messages[-1].content, self.question.options)
            return json.dumps({"same": len(set(said)) == 1})
        if "states_result" in (request.json_schema or ""):
            question = quoted(request, "question")
            return json.dumps({"states_result": ("Is it result" in question) == self.knows(question)})
        good = "result" in quoted(request, "reply") or "result" in quoted(request, "solution")
        right = good == self.knows(quoted(request, "question"), quoted(request, "reply"))
        fields = {"why": "As it reads."} if '"why"' in (request.json_schema or "") else {"misconception": ""}
        return json.dumps({"verdict": "right" if right else "wrong", **fields})


def _step(number: int) -> dict[str, Any]:
    return {
        "goal": f"find {number}",
        "result": f"result {number}",
        "shown": f"So one comes to result {number}.",
        "skill": f"skill {number}",
        "misconceptions": [{"id": "m1", "says": "It is something else."}],
    }


def finds_it(question: Question, step: int, level: int) -> bool:
    """Whether the learner finds a step by themselves, with help of a level."""
    return random("learner", question.number, step).random() < 0.3 + 0.15 * level


def learns(review: Review, question: Question) -> tuple[str, str]:
    """The learner replies with what they find, or with what the question gives away; a refusal asks nothing."""
    names = {c.name for c in review.choices}
    if "solve" in names:
        return "solve", "The result, as before."
    asked = re.findall(r"Step (\d), help (\d)", review.shown)
    if not asked:
        return "reply", "I do not know."
    step, level = asked[-1]
    last = review.shown.rpartition("Step")[2]
    found = finds_it(question, int(step), int(level)) or "Is it result" in last
    return "reply", f"It is result {step}." if found else "I do not know."


def rightly_mastered(played: Played, question: Question) -> float:
    """The share of steps of which it is rightly said whether the learner finds them with that help."""
    steps = played.data.get("steps", [])
    return fmean([s["mastered"] == finds_it(question, s["number"], min(4, s["level"])) for s in steps] or [0.0])


class Designer(Rememberer):
    """Answers by priorities, each of which it serves as often as it is right; who judges sees that now and then."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, tradeoffs.ANALYST):
            rows = [{"name": n, "comes_first": f"puts {n} first", "gives_way": f"lets {n} go"} for n in PRIORITIES]
            return json.dumps({"dimensions": rows})
        if spoken_by(request, tradeoffs.WRITER):
            return self.committed(quoted(request, "values"), sample)
        if spoken_by(request, tradeoffs.JUDGE):
            found = re.findall(r'<reply from="([A-D])">\n(.*?)\n</reply>', quoted(request, "answers"), re.DOTALL)
            return json.dumps({"cells": [c for letter, text in found for c in self.cells(letter, text)]})
        return super().said(request, sample)

    def committed(self, values: str, sample: str) -> str:
        """An answer by these values; one that is to put everything first lets something give way after all."""
        wanted = [n for n in PRIORITIES if f"puts {n} first" in values]
        chance = random("serves", self.setting.name, self.question.number, sample)
        firsts = wanted if len(wanted) < len(PRIORITIES) else chance.sample(wanted, len(wanted) - 1)
        served = self.question.difficulty(self.setting)
        return " ".join(PHRASES[n][(n in firsts) == (chance.random() < served)] for n in PRIORITIES)

    def cells(self, letter: str, text: str) -> list[dict[str, Any]]:
        rows = []
        for name in PRIORITIES:
            high = (PHRASES[name][True] in text) == self.knows("cell", name, text)
            score = 5 if high else 1
            rows.append({"answer": letter, "dimension": name, "score": score, "reason": "By what it proposes."})
        return rows


def wish(question: Question) -> str:
    """The priority that comes first for the person."""
    return random("wish", question.number).choice(PRIORITIES)


def picks(review: Review, question: Question) -> tuple[str, str]:
    """The person reads the table, and picks an option that puts first what they want first."""
    options = re.split(r"^## (?=[A-Z]$)", review.shown, flags=re.MULTILINE)[1:]
    return "pick", max(options, key=lambda option: f"{wish(question)}: 5/5" in option)[0]


def wish_met(played: Played, question: Question) -> float:
    """Whether the answer really puts first what the person wants first."""
    return float(played.outcome == "answered" and PHRASES[wish(question)][True] in played.answer)


def wish_met_unasked(question: Question, setting: Setting, calls: int) -> float:
    """The same of an answer that is to put everything first."""
    values = " ".join(f"puts {n} first" for n in PRIORITIES)
    texts = [Designer(question, setting).committed(values, f"unasked {n}") for n in range(10)]
    return (1 - setting.refusal) * fmean(PHRASES[wish(question)][True] in text for text in texts)


SLOTS = {"box": "text", "number": "integer", "keeper": "text", "day": "date"}
PRIORITIES = ("cost", "effort", "life")
PHRASES = {
    "cost": ("Pay a workshop to pour new seals in brass.", "Borrow wax and a spoon from your neighbour."),
    "effort": ("Spend two evenings on cutting stamps yourself.", "Order everything ready made by telephone."),
    "life": ("Replace them each spring, before the market.", "Take iron frames that outlast your grandchildren."),
}
"""How an answer treats a priority: where it gives way, and where it comes first."""
