"""A world of records: a text says which number is on the seal of each of several boxes, and half of it is wrong."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from statistics import mean

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.play import self_consistency
from scripts.bench.evidence.scenario import RECORD, ROUNDS, Baseline
from scripts.bench.evidence.world import Question, Setting, draw, random
from utils.llm import ChatRequest

CLAIMS = 4
FOUND = "planted errors found, less false alarms"
KEPT = "statements that are right in the end"
BY_CHECKS = (
    "baselines: as many calls that check one statement each, the majority of them a statement; one such call each"
)


@dataclass(frozen=True)
class Claim:
    """One statement of the text."""

    box: Question
    stated: int

    @property
    def true(self) -> bool:
        return self.stated == self.box.right

    @property
    def text(self) -> str:
        return RECORD.format(box=self.box.box, number=self.stated)


def boxes(question: Question, count: int = CLAIMS) -> list[Question]:
    """The boxes that the text of a question is about."""
    return [Question(question.number + n) for n in range(count)]


def claims(question: Question, count: int = CLAIMS) -> list[Claim]:
    """The statements of the text; half of them have the popular error in the place of the number."""
    wrong = random("planted", question.number).sample(range(count), count // 2)
    return [Claim(box, box.options[n in wrong]) for n, box in enumerate(boxes(question, count))]


def text_of(question: Question) -> str:
    """The text, a sentence a statement."""
    return " ".join(claim.text for claim in claims(question))


def truths(question: Question) -> list[dict[str, str]]:
    """A document for each box, which has its number right."""
    made = (RECORD.format(box=b.box, number=b.right) for b in boxes(question))
    return [{"id": f"doc-{n}", "title": f"Record {n}", "text": text} for n, text in enumerate(made, 1)]


def named(box: str, number: int) -> str:
    """A statement as one who lists what a text states words it."""
    return f"The number on the seal of box {box} is {number}."


def stated(text: str) -> dict[str, int]:
    """The number that a text states for each box that it names, as it states it first."""
    found: dict[str, int] = {}
    for box, number in STATED.findall(text):
        found.setdefault(box, int(number))
    return found


def asked(request: ChatRequest) -> str:
    """The prompt of a request, which stands first, also where a reply that does not parse is to be repaired."""
    return next(m.content for m in request.messages if m.role == "user")


def quoted(request: ChatRequest, tag: str) -> str:
    """What a prompt quotes under a tag."""
    found = re.search(rf"<{tag}>\n(.*?)\n</{tag}>", asked(request), re.DOTALL)
    return found[1] if found else ""


def verdict(statement: str, evidence: str) -> str:
    """What evidence says of a statement: supported, refuted, or unknown where it does not name the box."""
    said, known = stated(statement), stated(evidence)
    common = [box for box in said if box in known]
    if not common:
        return "unknown"
    return "supported" if all(said[box] == known[box] for box in common) else "refuted"


@dataclass(frozen=True)
class Reader(Answerer):
    """Reads records, and judges statements by them as often rightly as its setting says."""

    def knows(self, *parts: object) -> bool:
        """Whether a judgement, which the parts name, is right."""
        return random("judged", self.setting.name, self.question.number, *parts).random() < self.setting.verifier

    def judged(self, statement: str, evidence: str, *parts: object) -> str:
        """The verdict, or the opposite one."""
        true = verdict(statement, evidence)
        return true if self.knows(statement, evidence, *parts) else OPPOSITE[true]

    def drawn(self, box: Question, model: str, sample: str) -> int:
        """The number that a model gives for a box."""
        return draw(box, self.setting, model, sample)


def balanced(flagged: Collection[str], question: Question) -> float:
    """The mean of the share of wrong statements that are flagged and that of right ones that are not."""
    made = claims(question)
    return mean(
        mean((claim.box.box in flagged) != claim.true for claim in made if claim.true == kind) for kind in (True, False)
    )


def right_share(said: Mapping[str, int], question: Question, count: int = CLAIMS) -> float:
    """The share of boxes for which the right number is given."""
    return mean(said.get(box.box) == box.right for box in boxes(question, count))


def majority_of_checks(question: Question, setting: Setting, calls: int) -> float:
    """How many statements the majority of their checks sees rightly, with as many calls; a tie flags nothing."""
    each = max(1, calls // CLAIMS)
    chance = random("checks", setting.name, question.number, each)

    def flags(claim: Claim) -> bool:
        votes = [(chance.random() < setting.verifier) != claim.true for _ in range(each)]
        counted = [vote for vote in votes if chance.random() >= setting.refusal]
        return 2 * sum(counted) > len(counted)

    made = claims(question)
    return mean(balanced([c.box.box for c in made if flags(c)], question) for _ in range(ROUNDS))


def one_check(question: Question, setting: Setting, calls: int) -> float:
    """How many statements are seen rightly by one check each."""
    return majority_of_checks(question, setting, 1)


def plurality_of_each(count: int = CLAIMS) -> Baseline:
    """How many numbers are right where as many calls give them all, and the plurality of each stands."""

    def baseline(question: Question, setting: Setting, calls: int) -> float:
        return mean(
            self_consistency(box, setting, calls, f"round {n}") for box in boxes(question, count) for n in range(ROUNDS)
        )

    return baseline


def once(baseline: Baseline) -> Baseline:
    """The same with one call."""
    return lambda question, setting, calls: baseline(question, setting, 1)


STATED = re.compile(r"\b([A-Z]{2}\d{3})\b[^\d.]*\b(\d{4})\b")
OPPOSITE = {"supported": "refuted", "refuted": "supported", "unknown": "supported"}
