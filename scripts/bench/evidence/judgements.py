"""Verdicts on what is right in every other question, and what a majority of plain judgements gets."""

from scripts.bench.evidence.answerer import SAYS
from scripts.bench.evidence.scenario import ROUNDS, Scenario
from scripts.bench.evidence.world import Question, Setting, random


def holds(question: Question) -> bool:
    """Whether what is to be judged is right: in every other question."""
    return question.number % 2 == 0


def stated_number(question: Question) -> int:
    """The right number, or the popular error."""
    return question.options[0 if holds(question) else 1]


def stated_answer(question: Question) -> str:
    """An answer to the question, which is right or not."""
    return SAYS.format(number=stated_number(question))


def majority_of_judgements(question: Question, setting: Setting, calls: int) -> float:
    """How often the majority of as many judgements is right, over ROUNDS tries; a tie is half of one."""
    chance = random("judgements", setting.name, question.number, calls)

    def once() -> float:
        votes = [chance.random() < setting.verifier for _ in range(max(1, calls)) if chance.random() >= setting.refusal]
        share = sum(votes) / len(votes) if votes else 0.0
        return 0.5 if share == 0.5 else float(share > 0.5)

    return sum(once() for _ in range(ROUNDS)) / ROUNDS


def one_judgement(question: Question, setting: Setting, calls: int) -> float:
    """How often one judgement is right; one that is refused is none."""
    return setting.verifier * (1 - setting.refusal)


JUDGED = Scenario(
    metric="verdicts that are right",
    equal_calls=majority_of_judgements,
    one_call=one_judgement,
    why="baselines are the majority of as many judgements, and one judgement",
)
"""What is given, who answers and the score are a pattern's own."""
