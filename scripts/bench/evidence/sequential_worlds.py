"""Who answers in chains of steps that read, condense, extract and write, and what they are given."""

import json
import re
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Answerer
from scripts.bench.evidence.meaning import REPLY, candidates
from scripts.bench.evidence.records import STATED, Reader, boxes, named, quoted, stated
from scripts.bench.evidence.scenario import RECORD, archive, spoken_by
from scripts.bench.evidence.world import Question, draw, random
from utils.llm import ChatRequest
from workflows.patterns.sequential import chain_of_agents_relay as relay
from workflows.patterns.sequential import chain_of_density as density
from workflows.patterns.sequential import draft_critique_revise as critique
from workflows.patterns.sequential import funnel_selection as funnel
from workflows.patterns.sequential import outline_section_write as outline
from workflows.patterns.sequential import plan_execute_verify as plan
from workflows.patterns.sequential import recursive_map_reduce as reduce
from workflows.patterns.sequential import research_analyze_report as research


class Condenser(Reader):
    """Sees the record in its part of a text, and hands it on, as its setting says; answers by what is left of it."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, relay.WORKER):
            return self.noted(quoted(request, "note"), quoted(request, "chunk"), request, sample)
        if spoken_by(request, reduce.SUMMARISER):
            return self.noted("", quoted(request, "chunk"), request, sample) + f" {FILLER * 16}"
        if spoken_by(request, reduce.MERGER):
            return self.noted(quoted(request, "summaries"), "", request, sample) + f" {FILLER * 16}"
        if spoken_by(request, relay.MANAGER, reduce.WRITER):
            number = self.held(quoted(request, "note") + quoted(request, "summaries"), request.digest())
            return SAYS.format(number=number) if number else relay.ABSENT
        return super().said(request, sample)

    def noted(self, known: str, part: str, request: ChatRequest, sample: str) -> str:
        """What is kept of a note, and seen in a part, where a wrong record may be taken for one that is missed."""
        box, verifier = self.question.box, self.setting.verifier
        chance, here = random("noted", self.setting.name, request.digest(), sample), stated(part)
        number = self.held(known, request.digest()) if chance.random() < (3 + verifier) / 4 else 0
        if box in here and chance.random() < verifier:
            number = here[box]
        elif here and not number and chance.random() < (1 - verifier) / 2:
            number = chance.choice(list(here.values()))
        return RECORD.format(box=box, number=number) if number else "Nothing for this purpose."

    def held(self, notes: str, *parts: object) -> int:
        """The number that notes give for the box; of several the right one, if it sees which; 0 for none."""
        said = [int(n) for b, n in STATED.findall(notes) if b == self.question.box]
        if self.question.right in said and self.knows("held", *parts):
            return self.question.right
        return next((n for n in said if n != self.question.right), said[0] if said else 0)


def long_text(question: Question, pages: int) -> str:
    """Records of several boxes, one of them the one that is asked about, far apart in a long text."""
    records = [one["text"] for one in archive(question)]
    every = pages // len(records)
    parts = [f"{FILLER * 12}\n\n{records[n // every] if n % every == 0 else ''}" for n in range(every * len(records))]
    return "\n\n".join(parts)


class Summariser(Reader):
    """Names few boxes at first; sees some of those that are missing, and fits in what it is asked to."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, density.READER):
            source, summary = (set(BOX.findall(quoted(request, tag))) for tag in ("source", "summary"))
            missing = sorted(source - summary)
            seen = [b for b in missing if self.knows(b, request.digest())][: density.MOST_MISSING]
            return json.dumps({"missing": seen})
        if spoken_by(request, density.JUDGE):
            versions = REPLY.findall(quoted(request, "versions"))
            dense = sorted(versions, key=lambda v: len(set(BOX.findall(v[1]))), reverse=True)
            best = dense if self.knows(request.digest()) else dense[::-1]
            return json.dumps({"reason": "It says most.", "version": int(best[0][0]) if best else 1})
        if not spoken_by(request, density.SUMMARISER):
            return super().said(request, sample)
        if request.json_schema:
            names = [b.box for b in boxes(self.question, 2)]
            return json.dumps({"summary": summary_of(names), "entities": names})
        wanted = BOX.findall(quoted(request, "missing"))
        fits = random("fits", self.setting.name, request.digest(), sample).random() < self.question.difficulty(
            self.setting, request.model
        )
        return summary_of([*BOX.findall(quoted(request, "summary")), *(wanted if fits else wanted[1:])])


def summary_of(names: list[str]) -> str:
    """A summary of 80 words that names these boxes."""
    words = " ".join(f"box {name}" for name in dict.fromkeys(names)).split()
    return " ".join([*words, *["word"] * (80 - len(words))])


def inventory(question: Question) -> str:
    """A source text that names twelve boxes."""
    return " ".join(RECORD.format(box=b.box, number=b.right) for b in boxes(question, ENTITIES))


class Critic(Answerer):
    """What it finds wrong with a draft is major."""

    def said(self, request: ChatRequest, sample: str) -> str:
        made = super().said(request, sample)
        if not spoken_by(request, critique.CRITIC):
            return made
        return json.dumps({"issues": [{**one, "severity": "major"} for one in json.loads(made)["issues"]]})


class Extractor(Reader):
    """Takes the numbers of boxes out of a document; every second wrong one comes with a quote that is made up."""

    def said(self, request: ChatRequest, sample: str) -> str:
        wanted = BOX.findall(quoted(request, "errors") or quoted(request, "wanted"))
        return json.dumps({"fields": [self.entry(box, request, sample) for box in dict.fromkeys(wanted)]})

    def entry(self, name: str, request: ChatRequest, sample: str) -> dict[str, Any]:
        """One field with its quote."""
        box = next(b for b in boxes(self.question) if b.box == name)
        number = self.drawn(box, request.model, sample or request.digest())
        made_up = number != box.right and random("quote", name, number).random() < HALF
        said = RECORD.format(box=name, number=number if made_up else box.right)
        return {"name": name, "value": number, "quote": said}


class Inventor(Reader):
    """Each of its numbers is an option in words of its own; it screens, scores and ranks by its judgement."""

    def said(self, request: ChatRequest, sample: str) -> str:
        option = self.number_in(quoted(request, "option"))
        if spoken_by(request, funnel.INVENTOR):
            return idea(draw(self.question, self.setting, request.model, sample))
        if spoken_by(request, funnel.INSPECTOR):
            met = self.sees_right(option, "screen")
            return json.dumps({"reason": "By the record.", "met": met, "fails": 0 if met else 1})
        if spoken_by(request, funnel.ASSESSOR):
            score = 8 if self.sees_right(option, "score") else 3
            return json.dumps({"reason": "By the record.", "novelty": 5, "value": score, "feasibility": score})
        if spoken_by(request, funnel.DEVELOPER):
            return f"{quoted(request, 'option')}\nFirst step: look at the seal."
        if spoken_by(request, funnel.RANKER):
            rows = [(r["number"], r["proposal"]) for r in json.loads(quoted(request, "proposals"))]
            liked = {n: self.sees_right(self.number_in(text), "rank") for n, text in rows}
            return json.dumps({"reason": "By the record.", "ranking": sorted(liked, key=lambda n: not liked[n])})
        return super().said(request, sample)

    def number_in(self, option: str) -> int:
        """The number of an option; 0 where it is none."""
        return next(iter(candidates(option, self.question.options)), 0)

    def sees_right(self, number: int, stage: str) -> bool:
        """Whether it takes an option for the right one; each stage is a judgement of its own."""
        return (number == self.question.right) == self.knows(number, stage)


def idea(number: int) -> str:
    """An option: its number, in words that no other one has."""
    chance = random("idea", number)
    words = ("".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(4)) for _ in range(24))
    return f"{SAYS.format(number=number)} {' '.join(words)}."


class Author(Reader):
    """States the number in each section: by the memory where it heeds it, else as it comes to its mind."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, outline.PLANNER):
            goal = "States the number on the seal."
            return json.dumps({"sections": [{"title": f"Part {n}", "goal": goal, "words": 50} for n in range(1, 6)]})
        if spoken_by(request, outline.ARCHIVIST):
            held = stated(quoted(request, "memory")) or stated(quoted(request, "section"))
            return "\n".join(["Entities:", *(RECORD.format(box=b, number=n) for b, n in held.items())])
        if spoken_by(request, outline.EDITOR):
            return json.dumps({"issues": self.contradictions(quoted(request, "sections"))})
        if not spoken_by(request, outline.WRITER):
            return super().said(request, sample)
        heeds = random("heeds", self.setting.name, request.digest(), sample).random() < self.setting.verifier
        known = stated(quoted(request, "memory")).get(self.question.box) if heeds else None
        number = known or draw(self.question, self.setting, request.model, sample)
        return RECORD.format(box=self.question.box, number=number)

    def contradictions(self, sections: str) -> list[dict[str, Any]]:
        """The sections that it takes to differ from the first."""
        numbers = [n for _, n in STATED.findall(sections)]
        wrong = [at for at, n in enumerate(numbers, 1) if (n != numbers[0]) == self.knows(at, *numbers)]
        about = {"kind": "contradiction", "issue": "It differs from the first section.", "fix": "As the memory has it."}
        return [{**about, "sections": [at]} for at in wrong if at > 1]


class Executor(Answerer):
    """Plans three steps that need no tool; a verifier says what it thinks of a result, and not what is right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, plan.PLANNER):
            fixed = {"expected_result": "One number of four digits", "check": "It is right.", "needs_tool": False}
            steps = enumerate(("Find the number.", "Check it.", "State it."), 1)
            return json.dumps({"steps": [{"id": f"s{n}", "action": action, **fixed} for n, action in steps]})
        made = super().said(request, sample)
        if spoken_by(request, plan.VERIFIER):
            return json.dumps({**json.loads(made), "reason": "By the check."})
        return made


class Researcher(Reader):
    """Asks three questions on the box, notes what it takes for its record, and reports what most notes say."""

    def said(self, request: ChatRequest, sample: str) -> str:
        box = self.question.box
        if spoken_by(request, research.PLANNER):
            return json.dumps({"questions": [ask.format(box=box) for ask in ASKED]})
        if spoken_by(request, research.READER):
            return json.dumps({"findings": self.findings(quoted(request, "evidence"), request.digest())})
        notes = quoted(request, "notes")
        if spoken_by(request, research.ANALYST):
            known = bool(STATED.search(notes))
            return json.dumps(
                {"patterns": [], "conflicts": [], "gaps": [] if known else [f"What does box {box} bear?"]}
            )
        if not spoken_by(request, research.REPORTER):
            return super().said(request, sample)
        if not notes:
            return self.recited(quoted(request, "report"))
        noted = re.findall(rf"The number on the seal of box {box} is (\d{{4}})", notes)
        number = (
            max(dict.fromkeys(noted), key=noted.count) if noted else self.drawn(self.question, request.model, sample)
        )
        cites = re.findall(rf"{number}.*?(S\d+)", notes)[:1] if self.knows(request.digest()) else []
        finding = {"statement": named(box, int(number)), "sources": cites}
        return json.dumps(
            {"summary": finding["statement"], "findings": [finding], "conflicts": [], "limits": ["None."]}
        )

    def findings(self, evidence: str, *parts: object) -> list[dict[str, Any]]:
        """The record of the box, or another one that it takes for it."""
        chance, pieces = random("finding", self.setting.name, *parts), re.split(r"(?=\[S\d+\])", evidence)
        found = [(re.findall(r"S\d+", p)[0], b, n) for p in pieces for b, n in STATED.findall(p)]
        right = [f for f in found if f[1] == self.question.box]
        if not found:
            return []
        source, box, number = right[0] if right and chance.random() < self.setting.verifier else chance.choice(found)
        quote = RECORD.format(box=box, number=number)
        return [
            {"statement": named(self.question.box, int(number)), "quote": quote, "source_id": source, "confidence": 0.9}
        ]

    def recited(self, report: str) -> str:
        """The report without the findings that cite nothing."""
        said = json.loads(report)
        made = {k: said[k] for k in ("summary", "findings", "conflicts", "limits")}
        return json.dumps({**made, "findings": [f for f in made["findings"] if f["sources"]]})


FILLER = "Room after room the archive keeps maps, letters and ledgers of the harbour. "
ENTITIES = 12
HALF = 0.5
ASKED = (
    "Which number is stamped on the seal of box {box}?",
    "What does the record of box {box} say of its seal?",
    "Which four digits does the seal of box {box} bear?",
)
BOX = re.compile(r"\b[A-Z]{2}\d{3}\b")
