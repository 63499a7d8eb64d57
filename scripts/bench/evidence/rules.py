"""A world of facts and rules: whether a box is insured follows in three steps, or its first fact is of another box.

A look at one step slips a third as often as a judgement of the whole, which takes three.
"""

import json
import re
from itertools import pairwise

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.judgements import holds
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import quoted
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question, random
from utils.llm import ChatRequest
from workflows.patterns.reasoning import backward_chaining as backward
from workflows.patterns.reasoning import cumulative_reasoning as cumulative
from workflows.patterns.reasoning import least_to_most as ladder


def premises(question: Question) -> list[str]:
    """What is given: one fact and the rules."""
    box = question if holds(question) else Question(question.number + 1)
    return [FACT.format(box=box.box, state=STATES[0]), *(RULE.format(*rule) for rule in RULES)]


def argument(question: Question) -> str:
    """What is given, and what is to be shown."""
    return " ".join([*premises(question), f"Is box {question.box} {STATES[-1]}?"])


def verdict_right(played: Played, question: Question) -> float:
    """Whether it was proven that the box is insured if and only if that follows."""
    proven = played.data.get("final_answer") in ("proved", "true", insured(question))
    return float(played.slots is not None and proven == holds(question))


def insured(question: Question) -> str:
    """What is to be shown."""
    return FACT.format(box=question.box, state=STATES[-1])


class Logician(Answerer):
    """Takes one step at a time, and slips now and then."""

    def slips(self, *parts: object) -> bool:
        chance = random("step", self.setting.name, self.question.number, *parts).random()
        return chance < (1 - self.setting.verifier) / (len(STATES) - 1)


class BackwardReasoner(Logician):
    """Compares goals with facts, finds rules for them, and says what these want."""

    def said(self, request: ChatRequest, sample: str) -> str:
        slips, goal = self.slips(request.digest()), quoted(request, "statement").strip()
        state = goal.rstrip(".").rpartition(" ")[2]
        if spoken_by(request, backward.READER):
            rules = [{"if": f"a box is {one}", "then": f"it is {other}"} for one, other in RULES]
            return json.dumps({"facts": premises(self.question)[:1], "rules": rules, "goal": insured(self.question)})
        if spoken_by(request, backward.CHECKER):
            said = (goal in premises(self.question)) != slips
            verdict = {"verdict": "supported" if said else "unknown", "facts": ["f1"] if said else []}
            return json.dumps({"reason": "By the fact.", **verdict})
        if spoken_by(request, backward.LIBRARIAN):
            fitting = [f"r{n}" for n, (_, other) in enumerate(RULES, 1) if other == state]
            return json.dumps({"rules": [] if slips else fitting})
        if spoken_by(request, backward.LOGICIAN):
            wanted = re.findall(r"a box is (\w+)", quoted(request, "rule"))[:1] or [state]
            return json.dumps({"subgoals": [FACT.format(box=self.question.box, state=wanted[0])]})
        return json.dumps({"reason": "By its conclusion.", "sign": "neither" if slips else "asserts"})


class ForwardReasoner(Logician):
    """Draws the next conclusion, or leaps to the goal where there is none; checks each by its parents."""

    def said(self, request: ChatRequest, sample: str) -> str:
        slips = self.slips(request.digest(), sample)
        if spoken_by(request, cumulative.READER):
            return json.dumps(
                {"premises": premises(self.question), "goal": f"{insured(self.question)} True or unknown?"}
            )
        if spoken_by(request, cumulative.VERIFIER):
            supported = follows(request.messages[-1].content) != slips
            return json.dumps({"reason": "By its parents.", "verdict": "supported" if supported else "unknown"})
        known = {text: name for name, text in KNOWN.findall(quoted(request, "known"))}
        if spoken_by(request, cumulative.PROPOSER):
            return json.dumps(self.proposal(known, leaps=slips))
        if not spoken_by(request, cumulative.REPORTER):
            return f"{quoted(request, 'answer')}: each step follows from those before it."
        ready = (insured(self.question) in known) != slips
        ids = [known.get(insured(self.question), "p1")] if ready else []
        return json.dumps({"ready": ready, "answer": "true" if ready else "", "ids": ids})

    def proposal(self, known: dict[str, str], *, leaps: bool) -> dict[str, object]:
        for one, other in () if leaps else RULES:
            fact = FACT.format(box=self.question.box, state=one)
            new = FACT.format(box=self.question.box, state=other)
            if fact in known and new not in known:
                return {"proposition": new, "parents": [known[fact], known[RULE.format(one, other)]]}
        return {"proposition": insured(self.question), "parents": [known[RULE.format(*RULES[-1])]]}


class Climber(Logician):
    """Asks for one state after the other, and answers each from the one before it."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, ladder.PLANNER):
            questions = [f"Is box {self.question.box} {state}?" for state in STATES[1:]]
            return json.dumps({"facts": premises(self.question), "questions": questions})
        state = quoted(request, "question").rstrip("?").rpartition(" ")[2]
        before = next(one for one, other in RULES if other == state)
        known = quoted(request, "facts") + quoted(request, "earlier")
        holds_here = FACT.format(box=self.question.box, state=before) in known
        said = (
            FACT.format(box=self.question.box, state=state) if holds_here != self.slips(request.digest()) else "unknown"
        )
        return f"By the rule.\nAnswer: {said}"


def follows(inference: str) -> bool:
    """Whether a conclusion follows from the fact and the rule that stand beside it."""
    facts, rules = STATE.findall(inference), CONDITION.findall(inference)
    return any((box, one) in facts and (box, other) in facts for one, other in rules for box, _ in facts)


STATES = ("sealed", "weighed", "stored", "insured")
RULES = (*pairwise(STATES), ("imported", STATES[-1]))
FACT = "Box {box} is {state}."
RULE = "If a box is {}, it is {}."
KNOWN = re.compile(r'"id": ?"(p\d+)", ?"statement": ?"([^"]+)"')
STATE = re.compile(r"Box ([A-Z]{2}\d{3}) is (\w+)\.")
CONDITION = re.compile(r"If a box is (\w+), it is (\w+)\.")
