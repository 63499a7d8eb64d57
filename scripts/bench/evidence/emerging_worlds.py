"""Who answers the emerging patterns, and what they are given."""

import json
import re
from collections.abc import Iterable
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Answerer, Reading
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.records import Reader, boxes, named, quoted, stated
from scripts.bench.evidence.scenario import RECORD, spoken_by
from scripts.bench.evidence.world import OPTIONS, Question, draw, evenly, random
from utils.llm import ChatRequest
from workflows.patterns.emerging import adaptive_compute_allocation as allocation
from workflows.patterns.emerging import constitutional_revision as constitution
from workflows.patterns.emerging import graph_of_thoughts as graph
from workflows.patterns.emerging import hypothesis_tournament as tournament
from workflows.patterns.emerging import meta_prompting_conductor as conducting
from workflows.patterns.emerging import recursive_context_calls as recursion
from workflows.patterns.emerging import self_discover as discovery
from workflows.patterns.emerging import skeleton_of_thought as skeleton
from workflows.patterns.emerging import speculative_reasoning_cascade as speculation
from workflows.patterns.emerging import textual_gradient_descent as gradient


def of_boxes(question: Question, count: int) -> str:
    """The question for the numbers of several boxes."""
    return "Which numbers are stamped on the seals of these boxes? " + ", ".join(b.box for b in boxes(question, count))


def told(numbers: Iterable[tuple[str, int]]) -> str:
    """Statements, a line each."""
    return "\n".join(named(box, number) for box, number in numbers)


class Allocator(Reader):
    """A question a box; whoever answers or verifies one knows of that box alone."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = boxes(self.question, TASKS)
        if spoken_by(request, allocation.SPLITTER):
            return json.dumps({"questions": [b.text for b in asked]})
        if spoken_by(request, allocation.WRITER):
            return told((box, int(number)) for box, number in RESULT.findall(quoted(request, "answers")))
        text = request.messages[-1].content
        return Answerer(next(b for b in asked if b.box in text), self.setting).said(request, sample)


class Racer(Reader):
    """Works the numbers of several boxes out one after another, a step a box; puts none right that stands there."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, speculation.CLERK):
            return json.dumps({"kind": "other"})
        if spoken_by(request, speculation.SCORER):
            return self.score(quoted(request, "candidate"), request)
        found = stated(quoted(request, "steps")) | stated(quoted(request, "last"))
        left = [b for b in boxes(self.question, STEPS) if b.box not in found]
        if not request.json_schema:
            found |= {b.box: self.drawn(b, request.model, sample) for b in left}
            return told(found.items())
        if left:
            found |= {left[0].box: self.drawn(left[0], request.model, sample)}
        step, done = told(list(found.items())[-1:]), len(left) <= 1
        if "complete" not in json.loads(request.json_schema)["properties"]:
            return json.dumps({"step": step, "done": done})
        return json.dumps({"step": step, "complete": done, "answer": told(found.items()) if done else ""})

    def score(self, step: str, request: ChatRequest) -> str:
        """A high digit for a step that it takes to be right."""
        right = all(b.right == stated(step).get(b.box, b.right) for b in boxes(self.question, STEPS))
        return "8" if right == self.knows(request.digest()) else "3"


class Discoverer(Answerer):
    """Finds a number, looks at it once more, and takes another one where it doubts the first."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, discovery.ANALYST):
            return json.dumps(
                {"task_type": "number to recall", "signature": "Asks for one number that stands on a thing."}
            )
        if spoken_by(request, discovery.DESIGNER):
            if request.json_schema:
                return json.dumps({"modules": [2, 16, 37]})
            last = request.messages[-1].content
            return json.dumps(STRUCTURE) if "Reply with the JSON object alone" in last else "\n".join(STRUCTURE)
        if not spoken_by(request, discovery.SOLVER):
            return super().said(request, sample)
        filled = self.followed(Reading(self, request, sample))
        if request.json_schema:
            return json.dumps({"filled": [{"path": path, "value": value} for path, value in filled.items()]})
        return json.dumps(filled)

    def followed(self, read: Reading) -> dict[str, str]:
        """What each step of the structure comes to."""
        first = draw(self.question, self.setting, read.request.model, read.sample)
        sound = read.right(first)
        last = first if sound else draw(self.question, self.setting, read.request.model, f"{read.sample} again")
        return dict(zip(STRUCTURE, (str(first), "It holds." if sound else "It is doubtful.", str(last)), strict=True))


class Lister(Reader):
    """Lists the numbers of several boxes with what else is known of them, or says one number."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = listed(self.question)
        if spoken_by(request, skeleton.JUDGE):
            apart = (len(asked) > 1) == self.knows("apart")
            return json.dumps({"reason": "As asked.", "stands_apart": apart})
        if spoken_by(request, skeleton.PLANNER):
            points = (
                [f"The seal of {b.box}" for b in asked] if len(asked) > 1 else ["The box", "Its seal", "The number"]
            )
            return "\n".join(f"{n}. {point}" for n, point in enumerate(points, 1))
        if spoken_by(request, skeleton.EXPANDER):
            asked = [b for b in asked if b.box in quoted(request, "point")] or asked[:1]
        return "\n".join(self.entry(b, request, sample) for b in asked)

    def entry(self, box: Question, request: ChatRequest, sample: str) -> str:
        seen = ", ".join(map(str, random("seen", box.number).sample(range(10_000, 99_999), 20)))
        return f"{named(box.box, self.drawn(box, request.model, sample))} It stands in the ledgers {seen}."


def listed(question: Question) -> list[Question]:
    """The boxes that are asked for: several in every other question, else one."""
    return boxes(question, LISTED if question.number % 2 == 0 else 1)


class Grapher(Reader):
    """Says the number of each box, and merges what was said; a merge loses a line as often as half its answers err."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, graph.SPLITTER):
            rule = "Keep every line of both, each once."
            return json.dumps({"parts": [f"The seal of box {b.box}" for b in boxes(self.question)], "merge_rule": rule})
        wanted = self.wanted(request)
        thought = stated(quoted(request, "thought"))
        wrong = [b.box for b in wanted if (thought.get(b.box) == b.right) != self.knows(b.box, request.digest())]
        if spoken_by(request, graph.JUDGE):
            return json.dumps({"reason": "Each line.", "score": round(10 - 10 * len(wrong) / len(wanted), 1)})
        if spoken_by(request, graph.CRITIC):
            return json.dumps({"points": [f"The line on {box} is wrong or missing" for box in wrong]})
        if points := quoted(request, "points"):
            return told((b.box, self.mended(b, thought, points, request, sample)) for b in wanted)
        if not (parents := self.parents(request)):
            return told((b.box, self.drawn(b, request.model, sample)) for b in wanted)
        lost = evenly(self.question.number, "lost", self.setting.name, request.digest(), sample)
        kept = list(parents.items())
        return told(kept[1:] if lost < (1 - self.setting.accuracy) / 2 else kept)

    def wanted(self, request: ChatRequest) -> list[Question]:
        """The boxes that this piece is about."""
        text = request.messages[-1].content
        return [b for b in boxes(self.question) if b.box in text]

    def parents(self, request: ChatRequest) -> dict[str, int]:
        return stated(quoted(request, "left")) | stated(quoted(request, "right"))

    def mended(self, box: Question, thought: dict[str, int], points: str, request: ChatRequest, sample: str) -> int:
        """What stands there, or in a parent; where a fault was found in it, a number that it works out."""
        known = self.parents(request) | thought
        missing = box.box not in thought and box.box in known
        if missing or box.box not in points:
            return known[box.box]
        return self.drawn(box, request.model, sample)


class Conductor(Answerer):
    """Has the question answered, and each answer verified afresh until two in a row are the same."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, conducting.CONDUCTOR) or not request.json_schema:
            return super().said(request, sample)
        history = quoted(request, "history")
        found = [candidates(text, self.question.options) for text in EXPERT.findall(history)]
        answers = [numbers[-1] for numbers in found if numbers]
        move = {"action": "expert", "name": f"Expert {len(found) + 1}", "purpose": "work", "code": "", "answer": ""}
        if not answers:
            return json.dumps({**move, "instructions": f"{self.question.text} Try {history.count('Expert') + 1}."})
        if answers[-1] in answers[:-1]:
            said = {"action": "final", "answer": SAYS.format(number=answers[-1])}
            return json.dumps({**move, **said, "instructions": ""})
        check = VERIFY.format(question=self.question.text, said=SAYS.format(number=answers[-1]), number=len(found) + 1)
        return json.dumps({**move, "purpose": "verify", "instructions": check})


class Root(Reader):
    """Has each piece of the input read, and names what was read there, word for word."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, recursion.READER):
            return self.read(quoted(request, "request"), request)
        if not spoken_by(request, recursion.ROOT):
            return super().said(request, sample)
        blocks = quoted(request, "blocks")
        if blocks.strip() == "(none)":
            return f"```python\n{CUT.format(size=PIECE, question=self.question.text)}```"
        tried = {int(n) for line in blocks.splitlines() if "FINAL(" in line for n in NUMBER.findall(line)}
        read = [int(n) for line in blocks.splitlines() if "FINAL(" not in line for n in READ.findall(line)]
        left = [n for n in read if n not in tried]
        if not left:
            return "```python\nFINAL('The input does not hold the number.')\n```"
        record = RECORD.format(box=self.question.box, number=max(left, key=left.count))
        return f"```python\nFINAL('It says: \"{record}\"')\n```"

    def read(self, text: str, request: ChatRequest) -> str:
        """The number of the box in this piece, or that it does not stand there; else that of another box."""
        there = {box: number for box, number in stated(text).items() if box != self.question.box}
        right = stated(text).get(self.question.box)
        if self.knows(request.digest()) or not there:
            return f"READ {right}" if right else "It is not in this text."
        return f"READ {random('misread', request.digest()).choice(list(there.values()))}"


def archive_of_many(question: Question) -> str:
    """A long text: records of many boxes in any order, among them those that hold the wrong options."""
    many = [Question(question.number + n) for n in range(RECORDS)]
    numbers = [*question.options, *(b.right for b in many[OPTIONS:])]
    records = [RECORD.format(box=b.box, number=n) for b, n in zip(many, numbers, strict=True)]
    return "\n".join(random("many", question.number).sample(records, len(records)))


def first_half(question: Question) -> str:
    """As much of the long text as goes into one call."""
    return "\n".join(archive_of_many(question).splitlines()[: RECORDS // 2])


class Writer(Reader):
    """A sentence a principle, which keeps it as often as answers are right; finds and mends those that do not."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, constitution.WRITER):
            return " ".join(KEEPS[n] if self.keeps(n, sample) else BREAKS[n] for n in range(len(KEEPS)))
        place = next((n for n, p in enumerate(PRINCIPLES) if p in quoted(request, "principle")), 0)
        if spoken_by(request, constitution.SCREENER):
            return json.dumps({"reason": "It is about that.", "bears": self.knows(request.digest())})
        kept = KEEPS[place] in quoted(request, "answer")
        thinks_kept = kept == self.knows(request.digest())
        if spoken_by(request, constitution.CRITIC):
            span = "" if thinks_kept else (KEEPS if kept else BREAKS)[place]
            return json.dumps({"violates": not thinks_kept, "span": span, "problem": "It goes against it."})
        if spoken_by(request, constitution.CHECKER):
            return json.dumps({"reason": "As it stands.", "satisfied": thinks_kept})
        if spoken_by(request, constitution.JUDGE):
            return self.compared(place, request)
        return self.revised(place, request, sample)

    def keeps(self, place: int, sample: str) -> bool:
        share = evenly(self.question.number, "keeps", self.setting.name, place, sample)
        return share < self.question.difficulty(self.setting)

    def compared(self, place: int, request: ChatRequest) -> str:
        """Which of two texts keeps the principle; none is more useful than the other."""
        first, second = (KEEPS[place] in quoted(request, side) for side in ("first", "second"))
        right = "first" if first else "second"
        verdict = right if self.knows(request.digest()) else {"first": "second", "second": "first"}[right]
        tie = first == second or not quoted(request, "principle")
        return json.dumps({"reason": "By the principle.", "verdict": "tie" if tie else verdict})

    def revised(self, place: int, request: ChatRequest, sample: str) -> str:
        """The answer with its sentence on that principle written anew."""
        answer = quoted(request, "answer") or quoted(request, "last")
        new = KEEPS[place] if self.keeps(place, f"{request.digest()} {sample}") else BREAKS[place]
        return answer.replace(BREAKS[place], new).replace(KEEPS[place], new)


class Descender(Answerer):
    """Blames the step that first gave the number, as often as its judgements are right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, gradient.JUDGE) or "<gradients>" not in request.messages[-1].content:
            return super().said(request, sample)
        knows = random("blame", request.digest(), sample).random() < self.setting.verifier
        return json.dumps({"reason": "There it began.", "node": "plan" if knows else "final", "target": "variable"})


class Inventor(Answerer):
    """A hypothesis is a number. Reviewers refute what seems wrong to them twice; advocates speak for their own."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, tournament.ANALYST) and request.json_schema:
            return json.dumps({"aim": self.question.text, "constraints": [], "criteria": []})
        read = Reading(self, request, sample)
        if spoken_by(request, tournament.INVENTOR):
            return json.dumps(hypothesis(read.answer()))
        if spoken_by(request, tournament.CHECKER):
            return json.dumps(self.review(candidates(quoted(request, "hypothesis"), self.question.options), request))
        if spoken_by(request, tournament.ADVOCATE):
            own = candidates(quoted(request, "own"), self.question.options)
            return f"There is more for {own[0]}." if own else "Mine is better."
        if spoken_by(request, tournament.REPORTER):
            ranked = SHORTLISTED.findall(quoted(request, "hypotheses"))
            return json.dumps({"entries": [{"id": key, **ENTRY, "claim": claim} for claim, key in ranked]})
        return super().said(request, sample)

    def review(self, found: list[int], request: ChatRequest) -> dict[str, Any]:
        """Plausible or refuted where two looks agree; nobody can tell where they do not."""
        looks = [Reading(self, request, f"look {n}").right(found[0]) if found else False for n in range(2)]
        plausible = "supported" if all(looks) else "unknown" if any(looks) else "refuted"
        rest = {"novel": "unknown", "testable": "supported", "safe": True}
        return {"plausible": plausible, **rest, "reason": "By two looks.", "weakest_assumption": "the memory"}


def hypothesis(number: int) -> dict[str, str]:
    """A hypothesis in words that no other one has, so that none is taken for a duplicate."""
    marks = " ".join(map(str, random("marks", number).sample(range(10_000, 99_999), 12)))
    return {"claim": f"It is {number}.", "rationale": f"Ledgers {marks}.", "test": "Look at the seal."}


TASKS, STEPS, LISTED = 3, 5, 8
ASPECTS = ["The box", "Its seal", "The number"]
RECORDS, PIECE = 40, 10
RESULT = re.compile(r"box ([A-Z]{2}\d{3})\?(?:(?!box [A-Z]{2}\d{3}\?).)*Answer: (\d{4})", re.DOTALL)
EXPERT = re.compile(r"^Expert \d+: (.*)$", re.MULTILINE)
VERIFY = "{question} Somebody answered: {said} Is that so? Check number {number}."
NUMBER = re.compile(r"\b\d{4}\b")
READ = re.compile(r"READ (\d{4})")
SHORTLISTED = re.compile(r"(It is \d{4}\.).*?Review of (H\d+):", re.DOTALL)
ENTRY = {"evidence": "Ledgers.", "test": "Look at the seal.", "risk": "It may be worn."}
STRUCTURE = {"The number that comes to mind": "", "Whether it holds": "", "answer": ""}
CUT = """\
lines = context.splitlines()
pieces = ["\\n".join(lines[i:i + {size}]) for i in range(0, len(lines), {size})]
for piece in pieces:
    try:
        print(llm_query("{question}\\n" + piece))
    except Exception as error:
        print(error)
"""
PRINCIPLES = (
    "Promise no result.",
    "Name no other firm.",
    "Give no medical advice.",
    "Ask for no personal data.",
)
KEEPS = (
    "The treatment may help.",
    "Other makers sell similar boxes.",
    "A doctor can say what suits you.",
    "You need not tell us who you are.",
)
BREAKS = (
    "The treatment always works.",
    "Boxes by Acme are worse.",
    "Take two of these every day.",
    "Send us your date of birth.",
)
