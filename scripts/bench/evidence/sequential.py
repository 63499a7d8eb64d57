"""Evidence for the patterns of sequences."""

from collections import Counter
from statistics import mean
from typing import Any

from scripts.bench.evidence.crafts import (
    Adapter,
    Coder,
    CopyEditor,
    Sketcher,
    edited_share,
    faulty_text,
    passes_over_all,
    program_right,
    table_right,
    versions_right,
)
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.play import MODELS, Played
from scripts.bench.evidence.records import KEPT, boxes, plurality_of_each, right_share
from scripts.bench.evidence.scenario import ROUNDS, Scenario, archive, archive_text, readers_of
from scripts.bench.evidence.sequential_worlds import (
    BOX,
    ENTITIES,
    Author,
    Condenser,
    Critic,
    Executor,
    Extractor,
    Inventor,
    Researcher,
    Summariser,
    inventory,
    long_text,
)
from scripts.bench.evidence.verification_worlds import source_text
from scripts.bench.evidence.world import Question, Setting, draw, random
from utils.reviews import Review


def named_entities(played: Played, question: Question) -> float:
    """The share of the source's boxes that the summary names."""
    return len(set(BOX.findall(played.answer.partition("\n\n")[0]))) / ENTITIES


def best_summary(question: Question, setting: Setting, calls: int) -> float:
    """The share of boxes that a summary written at once names: the best of as many, as one judge sees it.

    It names each as often as a model answers rightly.
    """
    chance = random("summaries", setting.name, question.number, calls)

    def share() -> float:
        named = sum(chance.random() < question.difficulty(setting) for _ in range(ENTITIES))
        return named / ENTITIES if chance.random() >= setting.refusal else 0.0

    def picked() -> float:
        made = [share() for _ in range(max(1, calls - 1))]
        return max(made) if chance.random() < setting.verifier else made[0]

    return mean(picked() for _ in range(ROUNDS))


def fields_of(question: Question) -> list[dict[str, Any]]:
    """The number of each box as a field."""
    return [{"name": b.box, "about": f"number of box {b.box}", "schema": {"type": "integer"}} for b in boxes(question)]


def fields_right(played: Played, question: Question) -> float:
    """How many fields have the right number."""
    return right_share({name: one["value"] for name, one in played.data.get("fields", {}).items()}, question)


def finalist(played: Played, question: Question) -> float:
    """Whether the right option is one of the two finalists."""
    full = played.answer.partition("\n\nRunners-up")[0].partition("How they were narrowed")[0]
    return float(question.right in candidates(full, question.options))


def two_most_frequent(question: Question, setting: Setting, calls: int) -> float:
    """Whether the right answer is one of the two that as many samples of one model give most, over ROUNDS tries."""

    def once(number: int) -> bool:
        drawn = Counter(draw(question, setting, MODELS[0], f"round {number} {n}") for n in range(max(1, calls)))
        return question.right in [answer for answer, _ in drawn.most_common(2)]

    return mean(once(number) for number in range(ROUNDS))


def consistent(played: Played, question: Question) -> float:
    """The share of later sections that state the number which the first states."""
    numbers = candidates(played.answer, question.options)
    return mean(n == numbers[0] for n in numbers[1:]) if len(numbers) > 1 else 0.0


def without_memory(question: Question, setting: Setting, calls: int) -> float:
    """The same for sections that are written side by side."""
    drawn = [draw(question, setting, MODELS[0], f"section {n}") for n in range(ROUNDS)]
    return mean(one == drawn[0] for one in drawn[1:])


def careful_person(review: Review, question: Question) -> tuple[str, str]:
    """A person who sees nine of ten deliverables as they are: lets pass what is right, has the rest done again."""
    said = candidates(review.shown, question.options)
    right = bool(said) and said[0] == question.right
    sees = random("person", question.number, review.path).random() < SEES
    return ("go", "") if right == sees else ("rework", "Look at the seal again.")


def approved_right(played: Played, question: Question) -> float:
    """How many of the stages have an approved deliverable that is right."""
    rows = played.data.get("approved", [])
    said = (candidates(row["deliverable"], question.options)[:1] for row in rows)
    return sum(one == [question.right] for one in said) / STAGES


SEES = 0.9
STAGES = 3
VERSIONS = 3
CHAIN = [
    {"id": "work", "prompt": "Work out the answer to {{prompt}}", "rules": {"regex": r"\b\d{4}\b"}},
    {
        "id": "answer",
        "prompt": "Give the answer to {{prompt}} in a last line of this form.\nAnswer: <number>",
        "rules": {"regex": r"Answer: \d{4}"},
    },
]
READ_ALL = "baselines read the whole text with the question; its length costs a simulated model nothing"
SCENARIOS = {
    "chain_of_agents_relay": Scenario(
        given=lambda question, setting: {"documents": [{"id": "book", "text": long_text(question, 60)}]},
        answerer=Condenser,
        equal_calls=readers_of(archive_text),
        one_call=readers_of(archive_text),
        why=READ_ALL,
        questions=20,
    ),
    "chain_of_density": Scenario(
        metric="share of the text's names in the summary",
        given=lambda question, setting: {"prompt": inventory(question)},
        answerer=Summariser,
        score=named_entities,
        equal_calls=best_summary,
        one_call=best_summary,
        why="baselines: summaries written at once, the best of as many as one judge sees it; one such summary",
    ),
    "draft_critique_revise": Scenario(answerer=Critic),
    "extract_validate_repair": Scenario(
        metric="fields that are right",
        given=lambda question, setting: {"prompt": source_text(question), "fields": fields_of(question)},
        answerer=Extractor,
        score=fields_right,
        equal_calls=plurality_of_each(),
        one_call=plurality_of_each(),
        why="baselines: as many extractions, of each field the value that most give; one extraction",
    ),
    "funnel_selection": Scenario(
        metric="right option among the two finalists",
        given=lambda question, setting: {"constraints": ["The number is the one on the seal."]},
        answerer=Inventor,
        score=finalist,
        equal_calls=two_most_frequent,
        why="equal calls: the two most frequent of as many samples of one model",
    ),
    "gated_prompt_chain": Scenario(given=lambda question, setting: {"steps": CHAIN}),
    "levels_of_edit": Scenario(
        metric="faults mended, less sentences spoilt",
        given=lambda question, setting: {"prompt": faulty_text(question)},
        answerer=CopyEditor,
        score=edited_share,
        equal_calls=passes_over_all,
        one_call=passes_over_all,
        why="baselines: as many passes over all sentences and faults, which nobody checks; one such pass",
    ),
    "outline_section_write": Scenario(
        metric="sections that agree with the first",
        answerer=Author,
        score=consistent,
        equal_calls=without_memory,
        one_call=None,
        why="equal calls: sections written side by side without a memory; one call writes no sections",
    ),
    "plan_execute_verify": Scenario(answerer=Executor),
    "recursive_map_reduce": Scenario(
        given=lambda question, setting: {"documents": [{"id": "book", "text": long_text(question, 90)}]},
        answerer=Condenser,
        equal_calls=readers_of(archive_text),
        one_call=readers_of(archive_text),
        why=READ_ALL,
        questions=20,
    ),
    "research_analyze_report": Scenario(
        given=lambda question, setting: {"documents": archive(question)},
        answerer=Researcher,
        equal_calls=readers_of(archive_text),
        one_call=readers_of(archive_text),
        why="baselines read all documents with the question",
        questions=20,
    ),
    "sketch_and_fill": Scenario(answerer=Sketcher, score=program_right, questions=20),
    "stage_gate_approval": Scenario(
        metric="stages whose approved deliverable is right",
        decide=careful_person,
        score=approved_right,
        questions=20,
        why="a person who errs once in ten decides here, and does not in the baselines",
    ),
    "test_first_code_flow": Scenario(
        metric=KEPT,
        answerer=Coder,
        score=table_right,
        equal_calls=plurality_of_each(),
        one_call=plurality_of_each(),
        why="baselines: as many programs, of each entry what most of them have; one program",
        questions=20,
    ),
    "write_once_adapt_many": Scenario(
        metric="facts that are right in the versions",
        given=lambda question, setting: {"prompt": source_text(question), "approve": "false"},
        answerer=Adapter,
        score=versions_right,
        equal_calls=lambda question, setting, calls: plurality_of_each()(question, setting, calls // VERSIONS),
        one_call=plurality_of_each(),
        why="baselines: as many calls shared out over the versions, of each fact what most say; one call a version",
        questions=20,
    ),
}
