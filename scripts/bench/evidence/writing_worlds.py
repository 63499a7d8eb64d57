"""Worlds in which a person works on a text: in layers, in sections, by changes, with a confidence behind each claim."""

import json
import re
from collections.abc import Sequence
from statistics import fmean
from typing import Any

from scripts.bench.evidence.answerer import SAYS
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.memory_worlds import Rememberer
from scripts.bench.evidence.play import MODELS, Played
from scripts.bench.evidence.records import claims, named, quoted, right_share, stated, truths
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question, Setting, draw, random
from tasks import fact_checks
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.user_facing import co_editing_rounds as editing
from workflows.patterns.user_facing import confidence_display as confidence
from workflows.patterns.user_facing import progressive_disclosure as disclosure


class Discloser(Rememberer):
    """Answers in full, and says it more briefly: rightly as often as it is right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        points = quoted(request, "points")
        if spoken_by(request, disclosure.QUICK):
            return self.line(self.question.right, "quick", sample)
        if spoken_by(request, disclosure.AUTHOR) and request.json_schema:
            return json.dumps(
                {"points": [FULL.format(n=n, number=o) for n, o in enumerate(self.question.options[:3], 1)]}
            )
        numbers = candidates(points, self.question.options)
        if "<wrong>" in request.messages[-1].content:
            return self.line(numbers[0], "revised", sample)
        if spoken_by(request, disclosure.CHECKER):
            rows = re.findall(r'<reply from="([^"]*)">\n(.*?)\n</reply>', quoted(request, "claims"), re.DOTALL)
            return json.dumps({"verdicts": [self.verdict(key, text, numbers) for key, text in rows]})
        if "headline" in (request.json_schema or ""):
            return json.dumps({"headline": self.line(numbers[0], "headline", sample)})
        if request.json_schema:
            bullets = [{"text": self.line(o, f"b{n}", sample), "points": [n]} for n, o in enumerate(numbers[:3], 1)]
            return json.dumps({"bullets": bullets})
        return FULL.format(n=1, number=numbers[0])

    def line(self, number: int, place: str, sample: str) -> str:
        """A statement of a number, or by mistake of one of which the full answer does not speak."""
        chance = random("line", self.setting.name, self.question.number, place, sample).random()
        right = chance < self.question.difficulty(self.setting)
        return SAYS.format(number=number if right else self.question.options[4])

    def verdict(self, key: str, text: str, numbers: Sequence[int]) -> dict[str, Any]:
        true = bool(set(candidates(text, self.question.options)) & set(numbers))
        return {"claim": key, "supported": true == self.knows(key, text), "instead": ""}


def opens_one(review: Review, question: Question) -> tuple[str, str]:
    """The person opens the first bullet, and stops."""
    return ("stop", "") if "open of b1" in review.shown or "@1" not in review.path else ("open", "b1")


def layers_borne_out(played: Played, question: Question) -> float:
    """The share of headline and bullets that say what the full answer says, or of which it is said that they do not."""
    data = played.data
    layers = data.get("layers", {})
    told = set(question.options[:3])
    rows = [
        (set(candidates(one["text"], question.options)) & told, key in data["refuted"]) for key, one in layers.items()
    ]
    return fmean([bool(says) != refuted for says, refuted in rows] or [0.0])


def unchecked_lines(question: Question, setting: Setting, calls: int) -> float:
    """The same of lines that nobody checks."""
    return question.difficulty(setting, MODELS[0]) * (1 - setting.refusal)


class Author(Rememberer):
    """Writes sections to a rule that the person gives: knows it by itself, or takes it from what it sees."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        schema = request.json_schema or ""
        if "words" in schema and "sections" in schema and '"title"' in schema:
            rows = [{"title": f"Part {n}", "goal": f"Tells of part {n}", "words": 50} for n in range(1, 5)]
            return json.dumps({"title": "Seals", "sections": rows})
        if "audience" in schema:
            return json.dumps({"audience": "All.", "tone": "Plain.", "terms": [], "facts": [], "budgets": []})
        if '"rules"' in schema:
            meant = candidates(quoted(request, "comments"), self.question.options)
            return json.dumps({"rules": [RULE.format(style=meant[-1])] if meant and self.knows("rules") else []})
        if '"issues"' in schema:
            return json.dumps({"issues": self.issues(quoted(request, "sections"), quoted(request, "bible"))})
        if '"last"' in schema:
            return json.dumps({"last": quoted(request, "last"), "first": quoted(request, "first")})
        hints = candidates(quoted(request, "bible") + quoted(request, "notes"), self.question.options)
        style = self.read(" ".join(map(str, hints)), request.model, sample)
        part = (re.findall(r"[Pp]art (\d)", quoted(request, "section") or asked) or ["1"])[0]
        return PROSE.format(part=part, style=style)

    def issues(self, sections: str, bible: str) -> list[dict[str, Any]]:
        """The sections that break the rule, as they are seen."""
        rule = candidates(bible, self.question.options)
        found = re.findall(r"Of part (\d), in style (\d{4})", sections)
        wrong = [int(n) for n, s in found if rule and (int(s) != rule[-1]) == self.knows("issue", n)]
        return [{"kind": "unmet", "sections": [n], "issue": RULE.format(style=rule[-1])} for n in wrong]


def directs(review: Review, question: Question) -> tuple[str, str]:
    """The person takes the first outline, says of the sample what style they want, and keeps each section."""
    names = [c.name for c in review.choices]
    if "use" in names:
        return "use", "1"
    if "comment" in names:
        right = f"in style {question.right}" in review.shown
        return ("approve", "") if right else ("comment", RULE.format(style=question.right))
    return next(n for n in ("confirm", "longest", "keep") if n in names), ""


def sections_in_style(played: Played, question: Question) -> float:
    """The share of sections that are in the style that the person wants."""
    found = re.findall(r"in style (\d{4})", played.answer)
    return fmean([int(s) == question.right for s in found] or [0.0])


class CoEditor(Rememberer):
    """Sees which numbers of a document are wrong as often as it judges rightly; puts those that it thinks right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, editing.EDITOR):
            rows = re.findall(r"\[(b\d+)\]\n(.+)", quoted(request, "document"))
            return json.dumps({"edits": [e for block, text in rows for e in self.edits(block, text, sample)]})
        if spoken_by(request, editing.READER):
            return json.dumps({"edits": []})
        if spoken_by(request, fact_checks.VERIFIER):
            fact, evidence = quoted(request, "statement"), quoted(request, "evidence")
            said = self.judged(fact, evidence)
            return json.dumps(
                {"reason": "They were compared.", "verdict": said, "source": "E1" if said != "unknown" else ""}
            )
        return super().said(request, sample)

    def edits(self, block: str, text: str, sample: str) -> list[dict[str, Any]]:
        """The change of a statement that it takes to be wrong, to what it thinks right."""
        claim = next(c for c in claims(self.question) if c.box.box in text)
        number = self.drawn(claim.box, MODELS[0], sample)
        if claim.true == self.knows("wrong", claim.text) or number == claim.stated:
            return []
        new = named(claim.box.box, number)
        return [{"block": block, "old": text, "new": new, "reason": "It is wrong.", "new_information": True}]


def document(question: Question, setting: Setting) -> dict[str, Any]:
    """A document of four statements, half of them wrong, and sources for all."""
    text = "\n\n".join(claim.text for claim in claims(question))
    return {"prompt": "Correct the numbers.", "document": text, "documents": truths(question)}


def takes_all(review: Review, question: Question) -> tuple[str, str]:
    """The owner accepts what is not refuted, and is done."""
    return ("accept_all", "") if "accept_all" in {c.name for c in review.choices} else ("done", "")


def statements_right(played: Played, question: Question) -> float:
    """The share of statements that are right in the end."""
    versions = played.data.get("versions", [])
    return right_share(stated(versions[-1]), question) if versions else 0.0


def rewritten_at_once(question: Question, setting: Setting, calls: int) -> float:
    """The same where one call changes what it takes to be wrong, and nothing is checked."""
    models, texts = CoEditor(question, setting), [c.text for c in claims(question)]
    made = [(models.edits("b1", text, "alone") or [{"new": text}])[0]["new"] for text in texts]
    changed = right_share(stated(" ".join(made)), question)
    return (1 - setting.refusal) * changed + setting.refusal * right_share(stated(" ".join(texts)), question)


class Rater(Rememberer):
    """Answers with one number, and rates whether it is right as the others' answers and its judgement say."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, confidence.READER) and "<question>" in request.messages[-1].content:
            answer = quoted(request, "answer")
            return json.dumps({"task": "number", "claims": [{"claim": answer, "passage": answer, "needed": True}]})
        if spoken_by(request, confidence.READER):
            one, other = (candidates(quoted(request, tag), self.question.options) for tag in ("claims", "answer"))
            return json.dumps({"entailed": ["c1"] if one == other else []})
        return super().said(request, sample)


def well_rated(played: Played, question: Question) -> float:
    """One less the squared error of the probability of each claim (Brier's score)."""
    rows = [r for r in played.data.get("claims", []) if r["p"] is not None]
    pairs = [(float(r["p"]), question.right in candidates(r["claim"], question.options)) for r in rows]
    return fmean([1 - (p - right) ** 2 for p, right in pairs] or [0.0])


def own_estimate(question: Question, setting: Setting, calls: int) -> float:
    """The same where one call states how sure it is: high or low, as it takes its answer to be right or wrong."""
    models = Rater(question, setting)
    right = draw(question, setting, MODELS[0], "alone") == question.right
    stated_as = 0.875 if right == models.knows("alone") else 0.175
    return (1 - setting.refusal) * (1 - (stated_as - right) ** 2)


FULL = "Point {n}: the number {number} stands there, for all that the registers say."
RULE = "Every section is written in style {style}."
PROSE = "Of part {part}, in style {style}. " + "The wax is warm and the seal is set with care by hand. " * 4
