"""Evidence for the patterns of reasoning."""

import json
from dataclasses import replace
from math import exp, sqrt
from typing import Any

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.estimates import CLOSENESS, close_guesses, closeness, error, spread
from scripts.bench.evidence.judgements import JUDGED
from scripts.bench.evidence.looking_up import BY_READING, read_all
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.reasoning_worlds import Abstracter, Asker, Backwards, with_row
from scripts.bench.evidence.rules import BackwardReasoner, Climber, ForwardReasoner, argument, verdict_right
from scripts.bench.evidence.scenario import Scenario, archive, spoken_by
from scripts.bench.evidence.world import Question, Setting, draw
from utils.llm import ChatRequest
from workflows.patterns.reasoning.fermi_estimation import ESTIMATOR, MODELLER
from workflows.patterns.reasoning.inductive_hypothesis_search import EDITOR, INDUCER, PROGRAMMER, READER


class Estimators(Answerer):
    """The number on the seal is a product of two factors; a guess of a factor errs half as far as one of the whole."""

    def reply(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, MODELLER):
            return json.dumps({"formula": "rows * seals", "unit": "seal", "factors": FACTORS})
        if spoken_by(request, ESTIMATOR):
            mid = sqrt(self.question.right) * exp(error(self.question, self.setting, request.digest() + sample) / 2)
            wide = exp(2 * spread(self.setting))
            return json.dumps({"reason": "It is usual.", "low": mid / wide, "mid": mid, "high": mid * wide})
        return super().reply(request, sample)


def close_estimate(played: Played, question: Question) -> float:
    """How close the estimate is."""
    return closeness(float(played.data.get("estimate") or 0), question)


class Inducers(Answerer):
    """The rule adds one of the options to a number. Who proposes a rule sees the right one as often as it answers."""

    def reply(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if spoken_by(request, READER):
            pairs = [{"input": str(x), "output": str(x + self.question.right)} for x in SHOWN]
            return json.dumps({"examples": pairs, "queries": ["10"]})
        if spoken_by(request, INDUCER):
            return f"Add {draw(self.question, self.setting, request.model, sample)} to the number."
        if spoken_by(request, EDITOR):
            rules = [f"Add {o} to the number." for o in self.question.options if str(o) in asked]
            return json.dumps({"rules": rules[:8] or ["Leave the number as it is."]})
        if spoken_by(request, PROGRAMMER):
            added = next((o for o in self.question.options if str(o) in asked), 0)
            return f"```python\ndef f(x):\n    return x + {added}\n```"
        return super().reply(request, sample)


def predicts(played: Played, question: Question) -> float:
    """Whether the output for the query is right."""
    return float(f"10 -> {10 + question.right}" in played.answer)


def wanted_sum(question: Question, setting: Setting) -> dict[str, Any]:
    """Examples of the rule, and a query."""
    lines = [f"{x} becomes {x + question.right}" for x in SHOWN]
    return {"prompt": f"{'; '.join(lines)}. What does 10 become?"}


FACTORS = [
    {"name": "rows", "meaning": "rows of seals on a sheet", "unit": "row"},
    {"name": "seals", "meaning": "seals in a row", "unit": "seal / row"},
]
SHOWN = (1, 2, 5, 7)
SCENARIOS = {
    "adaptive_consistency": Scenario(),
    "backward_chaining": replace(
        JUDGED,
        given=lambda question, setting: {"prompt": argument(question)},
        answerer=BackwardReasoner,
        score=verdict_right,
    ),
    "backward_verification": Scenario(
        given=lambda question, setting: with_row(question),
        answerer=Backwards,
    ),
    "buffer_of_thoughts": Scenario(answerer=Abstracter),
    "chain_of_thought": Scenario(),
    "cumulative_reasoning": replace(
        JUDGED,
        given=lambda question, setting: {"prompt": argument(question)},
        answerer=ForwardReasoner,
        score=verdict_right,
    ),
    "fermi_estimation": Scenario(
        metric=CLOSENESS,
        answerer=Estimators,
        score=close_estimate,
        equal_calls=close_guesses,
        one_call=close_guesses,
        why="baselines guess the whole, each guess twice as far off as one of a factor",
    ),
    "inductive_hypothesis_search": Scenario(given=wanted_sum, answerer=Inducers, score=predicts),
    "least_to_most": replace(
        JUDGED,
        given=lambda question, setting: {"prompt": argument(question)},
        answerer=Climber,
        score=verdict_right,
    ),
    "mcts_reasoning": Scenario(),
    "self_ask": Scenario(
        given=lambda question, setting: {"documents": archive(question)},
        answerer=Asker,
        equal_calls=read_all,
        one_call=lambda question, setting, calls: read_all(question, setting, 1),
        why=BY_READING,
    ),
    "self_consistency": Scenario(),
    "self_refine": Scenario(),
    "step_back_abstraction": Scenario(answerer=Abstracter),
    "tree_of_thoughts": Scenario(),
}
