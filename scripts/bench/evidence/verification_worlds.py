"""Who answers where texts are verified, and what they are given."""

import json
import re
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Answerer
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.records import (
    CLAIMS,
    Reader,
    asked,
    boxes,
    claims,
    named,
    quoted,
    stated,
)
from scripts.bench.evidence.scenario import RECORD, spoken_by
from scripts.bench.evidence.world import Question, draw, random
from utils.llm import ChatRequest
from workflows.patterns.verification import atomic_fact_scoring as atomic
from workflows.patterns.verification import chain_of_verification as chain
from workflows.patterns.verification import citation_audit as audit
from workflows.patterns.verification import hallucination_detection as resample
from workflows.patterns.verification import metamorphic_cross_check as reword
from workflows.patterns.verification import recompute_numeric_claims as recompute
from workflows.patterns.verification import retrofit_attribution as retrofit
from workflows.patterns.verification import round_trip_consistency as trip
from workflows.patterns.verification import source_triangulation as triangulation
from workflows.patterns.verification import stepwise_deduction_check as stepwise
from workflows.patterns.verification import tool_interactive_critique as tools


class FactScorer(Reader):
    """Takes the statements one by one, looks each up and judges it by the record."""

    def said(self, request: ChatRequest, sample: str) -> str:
        prompt = asked(request)
        if spoken_by(request, atomic.EXTRACTOR):
            found = enumerate(stated(prompt).items(), 1)
            return json.dumps({"facts": [{"text": named(b, n), "sentence_no": at} for at, (b, n) in found]})
        if spoken_by(request, atomic.SEARCHER):
            box = next(iter(stated(quoted(request, "fact"))), "")
            enough = box in stated(quoted(request, "evidence")) or box in quoted(request, "queries")
            return json.dumps({"enough": enough, "query": "" if enough else f"number on the seal of box {box}"})
        if not spoken_by(request, atomic.JUDGE):
            return super().said(request, sample)
        if "<evidence>" not in prompt:
            return json.dumps({"relevant": "yes"})
        fact, evidence = quoted(request, "fact"), quoted(request, "evidence")
        source = source_of(fact, evidence)
        return json.dumps({"reason": COMPARED, "verdict": self.judged(fact, evidence), "source": source})


def source_of(fact: str, evidence: str) -> str:
    """The number of the piece of evidence that names the box of a fact."""
    before = evidence.partition(next(iter(stated(fact)), "?"))[0]
    found: list[str] = re.findall(r"\bE\d+\b", before)
    return found[-1] if found else "E1"


class Doubter(Answerer):
    """Asks for a claim's value without naming it, and compares two values as they stand."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, chain.EXAMINER):
            return str(self.question.text)
        if spoken_by(request, chain.CHECKER):
            return self.compared(quoted(request, "claim"), quoted(request, "independent_answer"))
        if spoken_by(request, resample.CHECKER):
            return self.compared(quoted(request, "sentence"), quoted(request, "text"))
        return super().said(request, sample)

    def compared(self, one: str, other: str) -> str:
        """Whether two texts give the same number; no knowledge is needed for that."""
        numbers = [candidates(text, self.question.options)[-1:] for text in (one, other)]
        said = "unknown" if not all(numbers) else "supported" if numbers[0] == numbers[1] else "refuted"
        return json.dumps({"reason": COMPARED, "verdict": said})


class Reworder(Answerer):
    """Each wording of a question is a draw of its own, as models that are sensitive to wording have it."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, reword.REWORDER):
            return f"Box {self.question.box} has a seal with a number of four digits. Which one? ({sample})"
        if spoken_by(request, reword.ANSWERER):
            wording = quoted(request, "question")
            return SAYS.format(number=draw(self.question, self.setting, request.model, wording))
        return super().said(request, sample)


class Auditor(Reader):
    """Lists statements with their citations, and judges them by what is cited."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, audit.EXTRACTOR):
            return json.dumps({"statements": self.cited(asked(request))})
        if not spoken_by(request, audit.CHECKER):
            return super().said(request, sample)
        statement = quoted(request, "statement")
        if evidence := quoted(request, "evidence"):
            source = source_of(statement, evidence)
            return json.dumps({"reason": COMPARED, "verdict": self.judged(statement, evidence), "source": source})
        return json.dumps({"reason": COMPARED, "verdict": self.judged(statement, quoted(request, "passages"))})

    def cited(self, text: str) -> list[dict[str, Any]]:
        """The statements of the text with their one citation each."""
        found = re.findall(r"\b([A-Z]{2}\d{3})\b[^\d.]*(\d{4}) \[(doc-\d+)\]", text)
        nothing = {"title": "", "authors": "", "entry": ""}
        return [
            {
                "sentence_no": at,
                "text": RECORD.format(box=b, number=n),
                "citations": [{"marker": f"[{d}]", "id": d, **nothing}],
            }
            for at, (b, n, d) in enumerate(found, 1)
        ]


def cited_text(question: Question) -> str:
    """True statements; those that are planted errors elsewhere cite the record of another box here."""
    made = claims(question)
    place = {True: 0, False: 1}
    cited = ((claim, f"doc-{(n + place[claim.true]) % CLAIMS + 1}") for n, claim in enumerate(made))
    return " ".join(f"{RECORD.format(box=c.box.box, number=c.box.right)[:-1]} [{doc}]." for c, doc in cited)


class Accountant(Reader):
    """Knows which rows make up a figure as often as it knows an answer; an error leaves rows out."""

    def said(self, request: ChatRequest, sample: str) -> str:
        prompt = asked(request)
        if spoken_by(request, recompute.EXTRACTOR):
            return json.dumps({"claims": [self.figure(at, n) for at, n in enumerate(stated(prompt).values(), 1)]})
        if spoken_by(request, recompute.PROGRAMMER):
            box = next(b for b in boxes(self.question) if b.box in quoted(request, "sentence"))
            left_out = box.options.index(self.drawn(box, request.model, sample))
            return SUM.format(box=box.box, first=left_out)
        if spoken_by(request, recompute.EDITOR):
            change = json.loads(quoted(request, "changes").partition("\n")[0])["changes"][0]
            new = quoted(request, "sentence").replace(change["stated"], change["recomputed"])
            return json.dumps({"sentence": new})
        return super().said(request, sample)

    def figure(self, place: int, number: int) -> dict[str, Any]:
        """One figure as the extractor lists it."""
        said = str(number)
        return {"sentence_no": place, "stated": said, "value": said, "unit": "", "rounding": "", "kind": "sum"}


def ledger(question: Question) -> str:
    """A table whose rows add up to each box's number."""
    lines = ["box,seals"]
    for box in boxes(question):
        parts = random("parts", box.number).sample(range(100, 500), ROWS - 1)
        lines += [f"{box.box},{part}" for part in (*parts, box.right - sum(parts))]
    return "\n".join(lines)


def report(question: Question) -> str:
    """A text that states the sum of each box."""
    return " ".join(f"The seals of box {claim.box.box} add up to {claim.stated}." for claim in claims(question))


class Corrector(Reader):
    """Asks for each number, finds its record, compares, and writes the record's number where they differ."""

    def said(self, request: ChatRequest, sample: str) -> str:
        sentence, passage = quoted(request, "sentence"), quoted(request, "passage")
        if spoken_by(request, retrofit.QUESTIONER):
            return json.dumps({"questions": [Question(0).text.replace(Question(0).box, b) for b in stated(sentence)]})
        if spoken_by(request, retrofit.RANKER):
            box = re.findall(r"[A-Z]{2}\d{3}", quoted(request, "question"))[0]
            found = re.findall(r"\b(E\d+)\b", quoted(request, "passages").partition(box)[0])
            return json.dumps({"best": found[-1] if found and self.knows(box, "best") else "E1"})
        if spoken_by(request, retrofit.CHECKER):
            return json.dumps({"reason": COMPARED, "verdict": self.judged(sentence, passage)})
        if spoken_by(request, retrofit.EDITOR):
            for box, number in stated(sentence).items():
                sentence = sentence.replace(str(number), str(stated(passage).get(box, number)))
            return json.dumps({"sentence": sentence})
        return super().said(request, sample)


class Translator(Reader):
    """Carries a number over as often rightly as it answers; back it copies what stands there."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, trip.EXTRACTOR):
            units = [named(b, n) for b, n in stated(quoted(request, "source")).items()]
            return json.dumps({"units": units, "form": "English, statements on boxes"})
        if spoken_by(request, trip.WRITER):
            return self.carried(request, sample)
        if spoken_by(request, trip.BACKWARD):
            return quoted(request, "text")
        if spoken_by(request, trip.CHECKER) and "<unit>" in asked(request):
            unit, version = quoted(request, "unit"), quoted(request, "version")
            return json.dumps({"reason": COMPARED, "verdict": self.judged(unit, version)})
        return json.dumps({"added": []}) if spoken_by(request, trip.CHECKER) else super().said(request, sample)

    def carried(self, request: ChatRequest, sample: str) -> str:
        """Every unit, or in a revision those that were lost: they are carried over once more."""
        before, lost = stated(quoted(request, "result")), stated(quoted(request, "lost"))
        kept = {b: n for b, n in before.items() if b not in lost}
        said = {b.box: kept.get(b.box) or self.drawn(b, request.model, sample) for b in boxes(self.question)}
        return " ".join(RECORD.format(box=b, number=n) for b, n in said.items())


def source_text(question: Question) -> str:
    """The true statements."""
    return " ".join(RECORD.format(box=b.box, number=b.right) for b in boxes(question))


class Triangulator(Reader):
    """Reads what each source says of a claim; rates sources by what they are."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, triangulation.EXTRACTOR):
            return json.dumps({"claims": [named(b, n) for b, n in stated(quoted(request, "text")).items()]})
        if spoken_by(request, triangulation.RATER):
            good = any(kind in asked(request) for kind in RELIABLE)
            sees = self.knows(quoted(request, "source"))
            return json.dumps({"reason": "By its kind.", "reliability": 5 if good == sees else 1})
        if spoken_by(request, triangulation.READER):
            claim, page = quoted(request, "claim"), quoted(request, "page")
            return json.dumps({"verdict": self.judged(claim, page), "quote": page.splitlines()[0]})
        return super().said(request, sample)


def press(question: Question) -> list[dict[str, str]]:
    """Four pages on each box: records are nearly always right, hearsay is every second time."""
    pages = []
    for box in boxes(question):
        for name, (publisher, kind, text, right) in enumerate(PAGES, 1):
            true = random("page", box.number, publisher).random() < right
            about = {"publisher": f"{publisher} of {box.box}", "type": kind, "title": f"Box {box.box}"}
            number = box.right if true else box.options[1]
            pages.append({"id": f"{box.box}-{name}", **about, "text": text.format(box=box.box, number=number)})
    return pages


class Deducer(Answerer):
    """Writes its answer as a deduction of one step, and rejects or accepts a step by its judgement."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, stepwise.REASONER):
            return super().said(request, sample)
        number = draw(self.question, self.setting, request.model, sample)
        step = f"#2 (by #1) {SAYS.format(number=number)}"
        return step if "<lines>" in asked(request) else f"#1 (premise) {self.question.text}\n{step}"


class Tester(Answerer):
    """Looks the box up; holds against an answer what the record says, where it sees that they differ."""

    def said(self, request: ChatRequest, sample: str) -> str:
        box, known = self.question.box, stated(quoted(request, "results"))
        if spoken_by(request, tools.TESTER):
            call = {"tool": "documents", "args": {"query": f"seal of box {box}"}, "tests": "the number"}
            return json.dumps({"calls": [call]})
        if spoken_by(request, tools.CRITIC):
            differs = str(known.get(box)) not in quoted(request, "answer")
            sees = random("sees", request.digest()).random() < self.setting.verifier
            issue = {"issue": "The number differs.", "quote": str(known.get(box)), "fix": "Look at the record."}
            return json.dumps({"issues": [issue] if box in known and differs == sees else []})
        if spoken_by(request, tools.WRITER) and box in known:
            follows = random("follows", request.digest(), sample).random() < self.setting.verifier
            return SAYS.format(number=known[box]) if follows else quoted(request, "answer")
        return super().said(request, sample)


COMPARED = "Both were compared."
ROWS = 6
SUM = """\
```python
import csv
rows = [int(r["seals"]) for r in csv.DictReader(open("seals.csv")) if r["box"] == "{box}"]
result = sum(rows[{first}:])
```"""
RELIABLE = ("register", "survey")
PAGES = (
    (
        "Register",
        "official register",
        "Entry of box {box}: number {number}, sealed in the presence of two clerks.",
        0.95,
    ),
    ("Chatter", "anonymous post", "Somebody told me that box {box} has {number} on it, which I have not seen.", 0.5),
    (
        "Survey",
        "survey of an institute",
        "Of all boxes we looked at, box {box} bore the number {number} when read.",
        0.9,
    ),
    ("Rumours", "promotional page", "Everyone talks of box {box} and its lucky {number}! Buy one like it now.", 0.5),
)
"""Publisher, kind, wording, and how often it is right."""
