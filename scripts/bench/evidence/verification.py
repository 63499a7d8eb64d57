"""Evidence for the patterns of verification."""

from collections import Counter

from scripts.bench.evidence.judgements import one_judgement
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.play import MODELS, Played
from scripts.bench.evidence.records import (
    BY_CHECKS,
    CLAIMS,
    FOUND,
    KEPT,
    balanced,
    claims,
    majority_of_checks,
    one_check,
    plurality_of_each,
    right_share,
    stated,
    text_of,
    truths,
)
from scripts.bench.evidence.scenario import ROUNDS, Scenario, archive, archive_text, readers_of
from scripts.bench.evidence.verification_worlds import (
    PAGES,
    Accountant,
    Auditor,
    Corrector,
    Deducer,
    Doubter,
    FactScorer,
    Reworder,
    Tester,
    Translator,
    Triangulator,
    cited_text,
    ledger,
    press,
    report,
    source_text,
)
from scripts.bench.evidence.world import Question, Setting, draw, random

FLAGGED = "answers flagged if and only if they are wrong"
BY_SAMPLES = "baselines: flagged unless the plurality of as many samples says it too; one call judges the answer"


def not_supported(played: Played, question: Question) -> float:
    """How well the facts that are not supported are the planted errors."""
    rows = played.data.get("facts", [])
    return balanced({b for r in rows if r["verdict"] != "supported" for b in stated(r["fact"])}, question)


def flagged_if_wrong(played: Played, question: Question) -> float:
    """Whether the answer is flagged, or not, as it should be; one that is not checked is not flagged."""
    said = candidates(str(played.data.get("answer", "")), question.options)[-1:]
    return float(bool(said) and bool(played.data["flagged"]) == (said != [question.right]))


def outvoted_if_wrong(question: Question, setting: Setting, calls: int) -> float:
    """Whether an answer that the plurality of as many samples does not give is a wrong one, over ROUNDS tries."""

    def once(number: int) -> bool:
        drawn = [draw(question, setting, MODELS[0], f"round {number} {n}") for n in range(max(1, calls))]
        return (Counter(drawn).most_common(1)[0][0] != drawn[0]) == (drawn[0] != question.right)

    return sum(once(number) for number in range(ROUNDS)) / ROUNDS


def unsupported(played: Played, question: Question) -> float:
    """How well the statements that their citation does not support are the planted ones."""
    rows = played.data.get("statements", [])
    return balanced({b for r in rows if r["verdict"] != "supported" for b in stated(r["statement"])}, question)


def mended(played: Played, question: Question) -> float:
    """How many numbers are right in the text that comes out."""
    return right_share(stated(str(played.data.get("text", ""))), question)


def carried_over(played: Played, question: Question) -> float:
    """How many numbers of the source are right in the result."""
    return right_share(stated(played.answer), question)


def verdicts_right(played: Played, question: Question) -> float:
    """How many claims get the right verdict; disputed or insufficient is half of one."""
    worth = {r["claim"]: r["verdict"] for r in played.data.get("claims", [])}
    said = {box: v for claim, v in worth.items() for box in stated(claim)}
    right = {c.box.box: "true" if c.true else "false" for c in claims(question)}
    value = (1.0 if said.get(b) == v else 0.5 if said.get(b) in (None, *OPEN) else 0.0 for b, v in right.items())
    return sum(value) / len(right)


def majority_of_pages(question: Question, setting: Setting, calls: int) -> float:
    """How many claims the majority of as many readings sees rightly, a page each in turn; a tie is half of one."""
    chance = random("readings", setting.name, question.number, calls)
    each = max(1, calls // CLAIMS)

    def once(true: bool, box: Question) -> float:
        votes = [0]
        for _, (publisher, _, _, right) in zip(range(each), PAGES * each, strict=False):
            says = true == (random("page", box.number, publisher).random() < right)
            sees = says == (chance.random() < setting.verifier)
            votes.append(0 if chance.random() < setting.refusal else 1 if sees == true else -1)
        return 0.5 if not sum(votes) else float(sum(votes) > 0)

    made = claims(question)
    return sum(once(c.true, c.box) for c in made for _ in range(ROUNDS)) / (len(made) * ROUNDS)


def one_page(question: Question, setting: Setting, calls: int) -> float:
    """How many claims are seen rightly by whoever reads one page of each."""
    return majority_of_pages(question, setting, CLAIMS)


OPEN = ("disputed", "insufficient")
SCENARIOS = {
    "atomic_fact_scoring": Scenario(
        metric=FOUND,
        given=lambda question, setting: {"answer": text_of(question), "documents": truths(question)},
        answerer=FactScorer,
        score=not_supported,
        equal_calls=majority_of_checks,
        one_call=one_check,
        why=BY_CHECKS,
        questions=20,
    ),
    "chain_of_verification": Scenario(answerer=Doubter),
    "citation_audit": Scenario(
        metric="planted wrong citations found, less false alarms",
        given=lambda question, setting: {"text": cited_text(question), "documents": truths(question)},
        answerer=Auditor,
        score=unsupported,
        equal_calls=majority_of_checks,
        one_call=one_check,
        why=BY_CHECKS,
        questions=20,
    ),
    "hallucination_detection": Scenario(
        metric=FLAGGED,
        answerer=Doubter,
        score=flagged_if_wrong,
        equal_calls=outvoted_if_wrong,
        one_call=one_judgement,
        why=BY_SAMPLES,
    ),
    "metamorphic_cross_check": Scenario(
        metric=FLAGGED,
        answerer=Reworder,
        score=flagged_if_wrong,
        equal_calls=outvoted_if_wrong,
        one_call=one_judgement,
        why=BY_SAMPLES,
    ),
    "recompute_numeric_claims": Scenario(
        metric=KEPT,
        given=lambda question, setting: {
            "text": report(question),
            "data": [{"name": "seals.csv", "text": ledger(question)}],
        },
        answerer=Accountant,
        score=mended,
        equal_calls=lambda question, setting, calls: plurality_of_each()(question, setting, calls // CLAIMS),
        one_call=plurality_of_each(),
        why="baselines: the plurality of as many programs, shared out over the figures; one program a figure",
        questions=20,
    ),
    "red_team_attack": Scenario(),
    "retrofit_attribution": Scenario(
        metric=KEPT,
        given=lambda question, setting: {"text": text_of(question), "documents": truths(question)},
        answerer=Corrector,
        score=mended,
        equal_calls=majority_of_checks,
        one_call=one_check,
        why=BY_CHECKS,
        questions=20,
    ),
    "round_trip_consistency": Scenario(
        metric=KEPT,
        given=lambda question, setting: {"source": source_text(question)},
        answerer=Translator,
        score=carried_over,
        equal_calls=plurality_of_each(),
        one_call=plurality_of_each(),
        why="baselines: as many transformations, of each statement what most of them say; one transformation",
        questions=20,
    ),
    "source_triangulation": Scenario(
        metric="claims with the right verdict, half for an open one",
        given=lambda question, setting: {"text": text_of(question), "documents": press(question)},
        answerer=Triangulator,
        score=verdicts_right,
        equal_calls=majority_of_pages,
        one_call=one_page,
        why="baselines: the majority of as many readings of pages, all alike; one page a claim",
        questions=20,
    ),
    "stepwise_deduction_check": Scenario(answerer=Deducer),
    "tool_interactive_critique": Scenario(
        given=lambda question, setting: {"documents": archive(question)},
        answerer=Tester,
        equal_calls=readers_of(archive_text),
        one_call=readers_of(archive_text),
        why="baselines read all documents with the question",
    ),
}
