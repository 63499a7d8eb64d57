"""Who edits, programs and adapts in chains of steps, and what becomes of their work."""

import json
import re
from collections.abc import Callable
from statistics import mean
from typing import Any

from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import Reader, asked, boxes, named, quoted, right_share, stated
from scripts.bench.evidence.scenario import RECORD, spoken_by
from scripts.bench.evidence.world import Question, Setting, random
from utils.llm import ChatRequest
from workflows.patterns.sequential import levels_of_edit as levels
from workflows.patterns.sequential import sketch_and_fill as sketch
from workflows.patterns.sequential import test_first_code_flow as tested
from workflows.patterns.sequential import write_once_adapt_many as adapt


class CopyEditor(Reader):
    """Sees a fault of its pass as often as it judges rightly; spoils a sentence as often as it answers wrongly."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, levels.EDITOR):
            found = re.search(r"Your pass is (\w+)", asked(request))
            return json.dumps({"edits": self.edits(found[1] if found else "", request, sample)})
        if spoken_by(request, levels.VERIFIER):
            before, after = (split(quoted(request, tag)) for tag in ("original", "edited"))
            pairs = zip(before, after, strict=False)
            bad = [{"before": b, "after": a} for b, a in pairs if b != a and self.knows(b, a) == (" may " in a)]
            return json.dumps({"verdict": "refuted" if bad else "supported", "pairs": bad})
        return super().said(request, sample)

    def edits(self, level: str, request: ChatRequest, sample: str) -> list[dict[str, str]]:
        """The edits of one pass."""
        text, chance = quoted(request, "text"), random("edit", self.setting.name, request.digest(), sample)
        old, new = FAULTS[level]
        made = [{"old": old, "new": new, "reason": level}] if chance.random() < self.setting.verifier else []
        if chance.random() >= self.question.difficulty(self.setting, request.model):
            box = boxes(self.question, len(FAULTS))[list(FAULTS).index(level)].box
            made.append({"old": f"{box} must", "new": f"{box} may", "reason": "milder"})
        return [edit for edit in made if edit["old"] in text]


def split(text: str) -> list[str]:
    """The sentences of a text."""
    return re.split(r"(?<=[.!]) +", text.strip())


def faulty_text(question: Question) -> str:
    """A text of five sentences, each with a fault of another kind."""
    made = zip(SENTENCES, boxes(question, len(SENTENCES)), strict=True)
    return " ".join(sentence.format(box=box.box, number=box.right) for sentence, box in made)


def edited_share(played: Played, question: Question) -> float:
    """The mean of the share of faults that are mended and that of sentences that still say the same."""
    text = str(played.data.get("text", ""))
    if not text:
        return 0.0
    spoilt = text.count(" may ")
    return mean([mean(old not in text for old, _ in FAULTS.values()), 1 - spoilt / len(FAULTS)])


def passes_over_all(question: Question, setting: Setting, calls: int) -> float:
    """The same after as many passes over all five sentences, which nobody checks; the mean that is to be expected."""
    sees = setting.verifier * (1 - setting.refusal)
    spoils = (1 - question.difficulty(setting)) * (1 - setting.refusal)
    return mean([1 - (1 - sees) ** calls, (1 - spoils) ** calls])


class Sketcher(Reader):
    """Cuts the number into its first and its last two digits; tests are right as often as judgements are."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, sketch.ARCHITECT):
            return json.dumps({"skeleton": SKELETON, "holes": self.holes(request, sample)})
        if not spoken_by(request, sketch.BUILDER):
            return super().said(request, sample)
        name = next(n for n in HALVES if f"{n}()" in quoted(request, "contract"))
        number = self.drawn(self.question, request.model, sample)
        return f"```python\ndef {name}():\n    return {HALVES[name](number)}\n```"

    def holes(self, request: ChatRequest, sample: str) -> list[dict[str, str]]:
        """Both holes, in a revision only those anew that failed."""
        before, faults = quoted(request, "sketch"), quoted(request, "faults")
        kept = {h["id"]: h for h in json.loads(before)["holes"] if h["id"] not in faults} if before else {}
        made = []
        for number, (name, half) in enumerate(HALVES.items(), 1):
            knows = self.knows(name, request.digest(), sample)
            wanted = half(self.question.options[0 if knows else 1])
            hole = {"id": f"H{number}", "given": "", "must_provide": f"{name}() -> int, {len(before)}"}
            made.append(kept.get(f"H{number}", {**hole, "test": f"assert {name}() == {wanted}"}))
        return made


def program_right(played: Played, question: Question) -> float:
    """Whether the program that comes out gives the right number; one with an open hole gives none."""
    parts = re.findall(r"return (\d+)", str(played.data.get("program", "")))
    return float(len(parts) == len(HALVES) and 100 * int(parts[0]) + int(parts[1]) == question.right)


class Coder(Reader):
    """Programs a table of boxes; a test has the right number as often as a judgement is right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, tested.ANALYST):
            return json.dumps({**TASK, "given_tests": [test_of(boxes(self.question)[0], True)]})
        if spoken_by(request, tested.TESTER):
            wanted = (boxes(self.question) * 2)[1 : 1 + tested.LEAST_TESTS]
            return json.dumps({"tests": [test_of(b, self.knows("test", n, b.box)) for n, b in enumerate(wanted)]})
        if spoken_by(request, tested.REVIEWER) and "<test>" in asked(request):
            wrong = self.tested(request)[0].right != self.tested(request)[1]
            return json.dumps({"reason": "By the rules.", "wrong": "yes" if wrong == self.knows("doubt") else "no"})
        if spoken_by(request, tested.PROGRAMMER) and "```python" in asked(request):
            return self.code(request, sample)
        return super().said(request, sample)

    def code(self, request: ChatRequest, sample: str) -> str:
        """The table, or in a revision the table with the failing entry anew."""
        table = stated(quoted(request, "code"))
        failing = {self.tested(request)[0].box} if table else {b.box for b in boxes(self.question)}
        drawn = {b.box: self.drawn(b, request.model, sample) for b in boxes(self.question) if b.box in failing}
        return f"```python\ndef solve(box):\n    return {json.dumps({**table, **drawn})}[box]\n```"

    def tested(self, request: ChatRequest) -> tuple[Question, int]:
        """The box of the test that a prompt shows, and the number that the test wants."""
        test = quoted(request, "test")
        box = next(b for b in boxes(self.question) if b.box in test)
        return box, next(int(n) for n in re.findall(r"\b\d{4}\b", test))


def test_of(box: Question, right: bool) -> dict[str, str]:
    """A test of one box."""
    return {"input": json.dumps(box.box), "expected": str(box.options[0 if right else 1]), "covers": box.box}


def table_right(played: Played, question: Question) -> float:
    """How many boxes the code has right."""
    return right_share(stated(str(played.data.get("code", ""))), question)


class Adapter(Reader):
    """Carries each fact over into a version as often rightly as it answers; checks facts by its judgement."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, adapt.EXTRACTOR):
            found = enumerate(stated(quoted(request, "master")).items(), 1)
            facts = [{"id": f"f{n}", "text": named(b, number), "must_keep": True} for n, (b, number) in found]
            return json.dumps({"facts": facts})
        if spoken_by(request, adapt.CHECKER):
            return json.dumps({"facts": self.checks(request), "additions": []})
        if not spoken_by(request, adapt.WRITER):
            return super().said(request, sample)
        if "<target>" not in asked(request):
            return " ".join(RECORD.format(box=b.box, number=b.right) for b in boxes(self.question))
        return self.version(request, sample)

    def version(self, request: ChatRequest, sample: str) -> str:
        """A version of the length that is wanted, in a revision with those facts anew that failed."""
        before, failed = stated(quoted(request, "version")), quoted(request, "failures")
        keys = {b.box: f"f{n}" for n, b in enumerate(boxes(self.question), 1)}
        kept = {b: n for b, n in before.items() if not re.search(rf"{keys[b]}\b", failed) and b not in failed}
        said = {b.box: kept.get(b.box) or self.drawn(b, request.model, sample) for b in boxes(self.question)}
        words = " ".join(RECORD.format(box=b, number=n) for b, n in said.items()).split()
        length = re.search(r"(?:Length: |\"length\": ?)(\d+)", asked(request))
        return " ".join([*words, *["indeed"] * ((int(length[1]) if length else 0) - len(words))])

    def checks(self, request: ChatRequest) -> list[dict[str, Any]]:
        """A verdict on each fact."""
        version = quoted(request, "version")
        facts = ((f"f{n}", named(b.box, b.right)) for n, b in enumerate(boxes(self.question), 1))
        return [{"id": key, "verdict": self.judged(fact, version), "sentence": ""} for key, fact in facts]


def versions_right(played: Played, question: Question) -> float:
    """How many facts are right in the versions, on average."""
    rows = played.data.get("versions", [])
    return mean(right_share(stated(row["text"]), question) for row in rows) if rows else 0.0


FAULTS = {
    "structure": ("As will be said further below, the", "The"),
    "clarity": (" owing to the fact that it is its own", " as its own"),
    "tone": ("the totally awesome number", "the number"),
    "grammar": ("on it's seal", "on its seal"),
    "format": (" !", "!"),
}
"""What each pass finds, and what it puts there."""
SENTENCES = (
    "As will be said further below, the box {box} must bear {number}.",
    "The box {box} must bear {number} owing to the fact that it is its own.",
    "The box {box} must bear the totally awesome number {number}.",
    "The box {box} must bear {number} on it's seal.",
    "The box {box} must bear {number} !",
)
SKELETON = "H1\nH2\nprint(high() * 100 + low())"
HALVES: dict[str, Callable[[int], int]] = {"high": lambda number: number // 100, "low": lambda number: number % 100}
TASK = {
    "goal": "Gives the number of a box.",
    "function": "solve",
    "inputs": ["box: str"],
    "outputs": "int",
    "rules": ["each box has its number"],
    "edge_cases": [],
}
