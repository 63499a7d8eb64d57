"""Evidence for the patterns of debate."""

import json
from dataclasses import replace
from math import exp, log
from re import findall
from statistics import median

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.debate_worlds import Debater, Forecaster, Reviewer, Witness, decided_right, treated_rightly
from scripts.bench.evidence.estimates import CLOSENESS, close_guesses, closeness, error, spread
from scripts.bench.evidence.judgements import JUDGED, holds, stated_answer
from scripts.bench.evidence.multi_model import covered_by_samples, shows_right
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import BY_CHECKS, FOUND, majority_of_checks, one_check, text_of
from scripts.bench.evidence.scenario import Scenario, spoken_by
from scripts.bench.evidence.world import Question
from utils.llm import ChatRequest
from workflows.patterns.debate.delphi_panel import EXPERT, FIND_ITEMS

TWO_SIDES = "right answer among the two positions"
NO_WINNER = "it names no winner: equal calls are as many samples of one model, side by side"


class Experts(Answerer):
    """Estimates one quantity; who sees the group's median moves half of the way to it, as panels do."""

    def reply(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if asked.startswith(FIND_ITEMS.partition("{{")[0]) and "at most 5 items" in asked:
            return json.dumps({"items": [{"item": self.question.text, "kind": "number", "unit": "units"}]})
        if not spoken_by(request, EXPERT) or not request.json_schema:
            return super().reply(request, sample)
        guess = self.question.right * exp(error(self.question, self.setting, f"{request.model} {sample}"))
        if medians := [float(m) for m in findall(r'"median":([0-9.]+)', asked)]:
            guess = exp((log(guess) + log(median(medians))) / 2)
        wide = exp(spread(self.setting))
        said = {"item": "item 1", "estimate": guess, "low": guess / wide, "high": guess * wide, "reason": "As usual."}
        return json.dumps({"estimates": [said]})


def close_median(played: Played, question: Question) -> float:
    """How close the panel's median is."""
    items = played.data.get("items") or [{}]
    return closeness(float(items[0].get("median") or 0), question)


def passed_if_right(played: Played, question: Question) -> float:
    """Whether the text passes if and only if it is right."""
    return float(played.data.get("passed") is holds(question))


SCENARIOS = {
    "ai_debate": Scenario(metric=TWO_SIDES, score=shows_right, equal_calls=covered_by_samples, why=NO_WINNER),
    "ai_judge": Scenario(answerer=Debater),
    "competing_hypotheses": Scenario(),
    "cross_examination": Scenario(answerer=Witness),
    "delphi_panel": Scenario(
        metric=CLOSENESS,
        answerer=Experts,
        score=close_median,
        equal_calls=close_guesses,
        one_call=close_guesses,
        why="baselines are the median of as many guesses of one model, and one guess",
    ),
    "devils_advocate": Scenario(),
    "llm_jury": replace(
        JUDGED,
        given=lambda question, setting: {"text": stated_answer(question)},
        score=passed_if_right,
    ),
    "peer_review_panel": replace(
        JUDGED,
        given=lambda question, setting: {"manuscript": stated_answer(question)},
        answerer=Reviewer,
        score=decided_right,
    ),
    "pre_mortem": Scenario(
        metric=FOUND,
        given=lambda question, setting: {"plan": text_of(question)},
        answerer=Forecaster,
        score=treated_rightly,
        equal_calls=majority_of_checks,
        one_call=one_check,
        why=BY_CHECKS,
    ),
    "round_table_consensus": Scenario(),
    "society_of_minds_debate": Scenario(),
    "steelman_exchange": Scenario(metric=TWO_SIDES, score=shows_right, equal_calls=covered_by_samples, why=NO_WINNER),
}
