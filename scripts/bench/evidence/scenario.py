"""How a pattern shows what it is worth: what it is given, who answers, and what its figure is the mean of."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from scripts.bench.evidence.answerer import Answerer, Reading
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.play import MODELS, Decide, Played, first_choice, self_consistency
from scripts.bench.evidence.world import OPTIONS, Question, Setting, random
from tasks.registry import catalogue
from utils.llm import ChatRequest, Message
from utils.rehearsal import ANSWER_LINE

ACCURACY = "right answers"
ROUNDS = 25
Given = Callable[[Question, Setting], dict[str, Any]]
Score = Callable[[Played, Question], float]
Baseline = Callable[[Question, Setting, int], float]


def nothing(question: Question, setting: Setting) -> dict[str, Any]:
    """No input beside the prompt."""
    return {}


def says_right(played: Played, question: Question) -> float:
    """1 where the answer is right: the one on its last `Answer:` line, else the first that it names.

    Who says that there is no answer (no consensus, undecided) is not right.
    """
    if played.outcome in ("no_consensus", "undecided"):
        return 0.0
    marked = [found for _, rest in ANSWER_LINE.findall(played.answer) if (found := candidates(rest, question.options))]
    found = marked[-1] if marked else candidates(played.answer, question.options)
    return float(bool(found) and found[0] == question.right)


def spoken_by(request: ChatRequest, *systems: str) -> bool:
    """Whether the step with one of these system prompts asks."""
    return any(s in m.content for m in request.messages if m.role == "system" for s in systems)


def plurality_of(question: Question, setting: Setting, calls: int) -> float:
    """How often self-consistency with so many calls is right, over ROUNDS tries."""
    return sum(self_consistency(question, setting, calls, f"round {n}") for n in range(ROUNDS)) / ROUNDS


def one_call(question: Question, setting: Setting, calls: int) -> float:
    """How often one answer of one model is right."""
    return plurality_of(question, setting, 1)


def readers_of(text: Callable[[Question], str]) -> Baseline:
    """How often the plurality of so many calls is right that each read a text with the question, over ROUNDS tries."""

    def baseline(question: Question, setting: Setting, calls: int) -> float:
        prompt = READ.format(question=question.text, text=text(question))
        request = ChatRequest(model=MODELS[0], messages=(Message(role="user", content=prompt),))
        answerer = Answerer(question, setting)

        def once(number: int) -> bool:
            said = [Reading(answerer, request, f"{number} {n}").answer() for n in range(max(1, calls))]
            return Counter(said).most_common(1)[0][0] == question.right

        return sum(once(number) for number in range(ROUNDS)) / ROUNDS

    return baseline


def archive(question: Question, others: int = 5) -> list[dict[str, Any]]:
    """Documents in one of which the answer stands, among such of other boxes whose numbers are the wrong options."""
    boxes = [question, *(Question(question.number + 1 + n) for n in range(min(others, OPTIONS - 1)))]
    records = [RECORD.format(box=box.box, number=number) for box, number in zip(boxes, question.options, strict=False)]
    order = random("archive", question.number).sample(records, len(records))
    return [{"id": f"doc-{n}", "title": f"Record {n}", "text": text} for n, text in enumerate(order, 1)]


def archive_text(question: Question) -> str:
    """The whole archive as one text."""
    return "\n\n".join(one["text"] for one in archive(question))


@dataclass(frozen=True)
class Scenario:
    """What one pattern is measured by. Figures lie in [0, 1]; more is better.

    `equal_calls` is what self-consistency gets with as many calls as the pattern made, `one_call` what a single call
    gets; None where such a baseline means nothing, and `why` then says what stands in its place or why.
    """

    metric: str = ACCURACY
    given: Given = nothing
    answerer: type[Answerer] = Answerer
    decide: Decide = first_choice
    score: Score = says_right
    equal_calls: Baseline | None = plurality_of
    one_call: Baseline | None = one_call
    why: str = ""
    questions: int = 40


def scenario_of(pattern_id: str) -> Scenario:
    """The scenario that the module of the pattern's category names, else that of a question with one answer."""
    module = import_module(f"scripts.bench.evidence.{catalogue()[pattern_id].category_id}")
    found: Scenario = module.SCENARIOS[pattern_id]
    return found


def agrees(probability: float, *parts: object) -> bool:
    """A coin that the same parts always throw alike."""
    return random(*parts).random() < probability


READ = """\
{question}

<document>
{text}
</document>"""
RECORD = "The seal of box {box} is stamped with the number {number}."
