"""Who answers where a question is taken apart, asked in other words, or tried backwards."""

import json
from typing import Any

from scripts.bench.evidence.answerer import Answerer, Reading
from scripts.bench.evidence.records import quoted
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question, random
from utils.llm import ChatRequest
from workflows.patterns.reasoning import backward_verification as masked
from workflows.patterns.reasoning import buffer_of_thoughts as buffer
from workflows.patterns.reasoning import self_ask as asking
from workflows.patterns.reasoning import step_back_abstraction as stepping


class Backwards(Answerer):
    """Works a hidden value out again where it takes the answer that it is given for right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        row = str(ROW + self.question.number % ROW)
        if spoken_by(request, masked.EXTRACTOR):
            return json.dumps({"conditions": [{"passage": PLACE.format(row=row), "value": row}]})
        if not spoken_by(request, masked.PROBER):
            return super().said(request, sample)
        fits = str(self.question.right) in quoted(request, "answer")
        knows = random("backwards", request.digest(), sample).random() < self.setting.verifier
        return f"From the answer, step by step.\nX: {row if fits == knows else 'none'}"


def with_row(question: Question) -> dict[str, Any]:
    """The question with a value that follows from its answer."""
    return {"prompt": f"{PLACE.format(row=ROW + question.number % ROW)} {question.text}"}


class Abstracter(Answerer):
    """States the kind of a problem, templates and principles without its answer."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, buffer.ANALYST):
            variables = [{"name": "box", "value": self.question.box}]
            core = {"problem_class": "number to recall", "variables": variables, "constraints": ["four digits"]}
            return json.dumps({**core, "objective": self.question.text})
        if spoken_by(request, buffer.METHODIST):
            return json.dumps({"base": "common_sense", "steps": STEPS})
        if spoken_by(request, buffer.DISTILLER):
            return json.dumps({"description": "Numbers to recall.", "steps": STEPS, "when_to_use": "A seal is meant."})
        if spoken_by(request, stepping.GENERALISER):
            return "Where do numbers on seals come from?"
        if spoken_by(request, stepping.THEORIST):
            return json.dumps(
                {"principles": ["Each box has one seal.", "Each seal has one number.", "It never changes."]}
            )
        return super().said(request, sample)


class Asker(Answerer):
    """Asks for the number before it answers, and answers by what was found."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, asking.ASKER):
            return super().said(request, sample)
        read = Reading(self, request, sample)
        if read.seen:
            return json.dumps({"type": "final", "question": "", "answer": str(read.answer())})
        again = " Is it known?" if "NOT FOUND" in quoted(request, "asked") else ""
        return json.dumps({"type": "followup", "question": f"{self.question.text}{again}", "answer": ""})


ROW = 10
PLACE = "Its box stands in row {row} of the store."
STEPS = ["Think of the box.", "Recall what stands on its seal."]
PRINCIPLES = ["Each box has one seal.", "Each seal has one number.", "It never changes."]
