"""Who answers the patterns that search over acts, programs, workflows and prompts, and what they are given."""

import json
import re
from dataclasses import replace
from typing import Any

from scripts.bench.evidence.answerer import SAYS, Answerer, Reading
from scripts.bench.evidence.looking_up import OBSERVED, Agents, asked_for, box_of, look_up, named_options, quoted
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.records import Reader, boxes
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question, Setting, draw, random
from utils.llm import ChatRequest
from workflows.patterns.emerging import automatic_workflow_search as workflow
from workflows.patterns.emerging import evolutionary_program_search as evolution
from workflows.patterns.emerging import reflective_prompt_evolution as reflection


class Explorer(Agents):
    """Opens the record that it takes for the right one, and none that was said to be the wrong one."""

    def made(self, request: ChatRequest, read: Reading) -> dict[str, Any] | str | None:
        fields, path = asked_for(request), quoted(request, "path")
        if "goal" in fields:
            return {"evidence": "It was compared.", "goal": "met" if read.approves() else "not"}
        if "type" in fields and OBSERVED.search(path):
            number = candidates(path, self.question.options)[-1]
            said = {"thought": "It was looked up.", "type": "finish", "tool": "", "args": {}}
            return {**said, "answer": SAYS.format(number=number)}
        if "type" in fields:
            failed = named_options(self.question, quoted(request, "reflections"))
            call = look_up(box_of(self.question, self.untried(failed, read)))
            return {"thought": "It must be looked up.", "type": "tool", **call, "answer": ""}
        if not fields and "<evidence>" in read.prompt:
            wrong = [box_of(self.question, option) for option in named_options(self.question, path)]
            return f"It opened the record of box {', '.join(wrong)}.\nAnother record was meant.\nCheck the box."
        return None

    def untried(self, failed: list[int], read: Reading) -> int:
        """The first of its draws that has not failed."""
        drawn = (read.other(place) for place in range(1, len(self.question.options) + 1))
        return next((option for option in drawn if option not in failed), self.proposed(read))


class Breeder(Reader):
    """Changes one number of a program that it takes for wrong, to another one that it works out."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, evolution.AUDITOR):
            exploit = "none" if self.knows(request.digest()) else "hard_coded"
            return json.dumps({"reason": "Every branch was read.", "exploit": exploit})
        if not spoken_by(request, evolution.BREEDER):
            return "It knows the numbers of the seals."
        found = constants(quoted(request, "program"))
        asked = list(zip(NAMES, boxes(self.question, len(NAMES)), strict=True))
        doubted = [(n, b) for n, b in asked if (found[n] != b.right) == self.knows(n, request.digest(), sample)]
        chance = random("bred", request.digest(), sample)
        name, box = chance.choice(doubted or asked)
        new = draw(box, self.setting, request.model, sample)
        if new == found[name]:
            new = chance.choice([option for option in box.options if option != found[name]])
        return EDIT.format(name=name, old=found[name], new=new)


def constants(program: str) -> dict[str, int]:
    """The numbers that a program gives to its names."""
    return {name: int(number) for name, number in CONSTANT.findall(program)}


def evolvable(question: Question, setting: Setting) -> dict[str, Any]:
    """A program with the popular errors, and an evaluator that knows the numbers."""
    asked = boxes(question, len(NAMES))
    lines = "\n".join(f"    {name} = {box.options[1]}" for name, box in zip(NAMES, asked, strict=True))
    right = [box.right for box in asked]
    return {
        "program": SEED.format(lines=lines, names=", ".join(NAMES)),
        "evaluator": EVALUATOR.format(right=right),
        "cases": [{"n": n % len(NAMES), "case": n} for n in range(len(NAMES) + 1)],
        "held_out": [{"n": n, "case": "held out"} for n in range(len(NAMES))],
        "target": "1",
    }


class Trier(Answerer):
    """Does tasks of many boxes, each as whoever is asked for that box alone."""

    def tried(self, request: ChatRequest, sample: str, setting: Setting) -> str:
        text = "\n".join(m.content for m in request.messages if m.role == "user")
        found = BOX.search(text)
        question = Question(int(found[1]) - FIRST_BOX) if found else self.question
        return Answerer(question, setting).said(request, sample)


class Designer(Trier):
    """Puts samples and a vote in the place of one call, or merely words it anew."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if not spoken_by(request, workflow.DESIGNER):
            return self.tried(request, sample, self.setting)
        chance = random("design", self.setting.name, self.question.number, request.digest(), sample)
        if chance.random() < self.setting.verifier:
            return voting(chance.choice((3, 5)), chance.randrange(WORDINGS))
        return worded(chance.randrange(WORDINGS))


def worded(number: int) -> str:
    """One call in other words."""
    does = {"kind": "call", "prompt": f"{ASK} (wording {number})"}
    block = {"kind": "step", "id": "solve", "does": does, "sees": SEEN}
    return json.dumps({"change": "Other words.", "blocks": [block], "answer": "solve"})


def voting(samples: int, number: int) -> str:
    """So many samples and their plurality."""
    does = {"kind": "call", "prompt": f"{ASK} (wording {number})", "temperature": 0.8}
    members = [{"key": f"s{n}"} for n in range(samples)]
    final = {"kind": "function", "fn": "tasks.answers.final_answer", "args": {"marker": "Answer"}}
    vote = {"kind": "function", "fn": "tasks.voting.plurality"}
    given, votes = {"given": {"ref": "item"}}, {"replies": {"ref": "tries"}, "finals": {"ref": "finals"}}
    blocks = [
        {"kind": "fan", "id": "tries", "does": does, "sees": SEEN, "members": members, "at_most": samples},
        {"kind": "fan", "id": "finals", "over": "tries", "does": final, "sees": given, "at_most": samples},
        {"kind": "step", "id": "vote", "does": vote, "slots": ["answer"], "sees": votes},
    ]
    return json.dumps({"change": "Samples vote.", "blocks": blocks, "answer": "vote.answer"})


class Evolver(Trier):
    """Runs go better by far under one rule, which who reads failures finds as often as judgements are right."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, reflection.JUDGE):
            right = quoted(request, "expected") in quoted(request, "answer")
            return json.dumps({"reason": "By the right answer.", "score": 100 if right else 0})
        if spoken_by(request, reflection.CRITIC):
            chance = random("rule", self.setting.name, self.question.number, request.digest(), sample)
            rule = RULE if chance.random() < self.setting.verifier else f"Keep to {chance.randrange(2, 30)} lines."
            return json.dumps({"wrong": "The number was wrong.", "rule": rule})
        if spoken_by(request, reflection.WRITER):
            rule = json.loads(quoted(request, "lesson"))["rule"]
            return json.dumps({"prompt": f"{quoted(request, 'prompt_now')}\n{rule}"})
        ruled = any(RULE in m.content for m in request.messages)
        setting = replace(self.setting, accuracy=1 - (1 - self.setting.accuracy) / 4) if ruled else self.setting
        return self.tried(request, sample, setting)


def tasks_of(question: Question, count: int) -> list[Question]:
    """The questions of a kind of task, other ones for each question."""
    return [Question(question.number * count + n) for n in range(count)]


def examples(question: Question, setting: Setting) -> dict[str, Any]:
    """Tasks with their right answers."""
    rows = [{"prompt": q.text, "expected": str(q.right)} for q in tasks_of(question, EXAMPLES)]
    return {"prompt": KIND, "examples": rows, "hand_made": ["chain_of_thought"]}


def past_runs(question: Question, setting: Setting) -> dict[str, Any]:
    """Runs of the past; what they scored decides nothing."""
    rows = [{"prompt": q.text, "expected": str(q.right), "score": 0.5} for q in tasks_of(question, RUNS)]
    return {"prompt": KIND, "past_runs": rows}


EXAMPLES, RUNS, WORDINGS = 20, 60, 100
FIRST_BOX = 100
"""The number of the box of question 0."""
NAMES = ("first", "second")
KIND = "Which numbers are stamped on seals?"
SEED = """\
def solve(case):
    # EVOLVE-BLOCK-START
{lines}
    # EVOLVE-BLOCK-END
    return [{names}][case["n"]]"""
EVALUATOR = """\
RIGHT = {right}
def score(case, output):
    return float(output == RIGHT[case["n"]])"""
EDIT = """\
Another number.
<<<<<<< SEARCH
    {name} = {old}
=======
    {name} = {new}
>>>>>>> REPLACE"""
ASK = "<task>\n[[prompt]]\n</task>\n\nSolve it. End with a line:\nAnswer: the result"
SEEN = {"prompt": {"ref": "prompt"}}
RULE = "Recall the ledger in which the seal is entered, and only then its number."
CONSTANT = re.compile(r"^    (\w+) = (\d+)$", re.MULTILINE)
BOX = re.compile(r"\b[A-Z]{2}(\d{3})\b")
