"""Who answers where texts and plans are argued over."""

import json
import re

from scripts.bench.evidence.answerer import SAYS, Answerer, Reading
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import Reader, balanced, claims, quoted, stated
from scripts.bench.evidence.scenario import spoken_by
from scripts.bench.evidence.world import Question
from utils.llm import ChatRequest
from workflows.patterns.debate import ai_debate as debate
from workflows.patterns.debate import ai_judge as judging
from workflows.patterns.debate import cross_examination as examination
from workflows.patterns.debate import pre_mortem as mortem


class Debater(Answerer):
    """Names an answer and a rival; judges two sides by their positions, where the first may have it easier."""

    def said(self, request: ChatRequest, sample: str) -> str:
        read = Reading(self, request, sample)
        if spoken_by(request, debate.MODERATOR):
            rivals = dict.fromkeys((read.other(1), read.other(2), *self.question.options[1:]))
            return json.dumps({"positions": [{"position": SAYS.format(number=n)} for n in list(rivals)[:2]]})
        if not spoken_by(request, judging.JUDGE):
            return super().said(request, sample)
        held = dict(zip("xy", dict.fromkeys(read.seen), strict=False))
        liked = "x" if read.chance.random() < self.setting.position else ""
        scored = {}
        for side in "xy":
            number = held.get(side, 0)
            mark = {"score": 8 if side == liked or read.right(number) else 4, "quote": SAYS.format(number=number)}
            scored[side] = dict.fromkeys(CRITERIA, mark)
        return json.dumps({**scored, "reason": "By the positions."})


class Witness(Answerer):
    """Asked for the same fact apart; a ruling compares what was said."""

    def said(self, request: ChatRequest, sample: str) -> str:
        options = self.question.options
        stated_one, record = quoted(request, "statement"), quoted(request, "record")
        said = candidates(f"{stated_one} {record}", options)
        other = [n for n in said if n != said[0]]
        if spoken_by(request, examination.EXAMINER):
            asked = record.count(self.question.box)
            done = bool(other) or asked > 1
            question = f"{self.question.text} Say it anew{', once more' * asked}."
            return json.dumps({"questions": [] if done else [question], "done": done})
        if spoken_by(request, examination.EXAMINEE):
            return SAYS.format(number=Reading(self, request, sample).other(1))
        if spoken_by(request, examination.JUDGE):
            pair = [SAYS.format(number=n) for n in (said[0], other[0])] if other else ["", ""]
            verdict = {"verdict": "contradicted" if other else "consistent", "first": pair[0], "second": pair[1]}
            return json.dumps({"reason": "Both were compared.", **verdict})
        return super().said(request, sample)


class Reviewer(Answerer):
    """The author concedes what it takes for wrong; referees and chair go by the work alone."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        wanted = json.loads(request.json_schema)["properties"] if request.json_schema else {}
        work = candidates(quoted(request, "work") or quoted(request, "revised"), self.question.options)
        right = bool(work) and Reading(self, request, sample).right(work[0])
        if "responses" in wanted:
            stance = "refute" if right else "concede"
            ids = dict.fromkeys(WEAKNESS.findall(quoted(request, "reviews")))
            return json.dumps({"responses": [{"id": i, "stance": stance, "response": "As I see it."} for i in ids]})
        if "resolved" in wanted:
            own = list(dict.fromkeys(WEAKNESS.findall(quoted(request, "own"))))
            said = {"score": 9 if right else 3, "resolved": own if right else []}
            return json.dumps({**said, "comment": "By the work."})
        if "decision" in wanted:
            first = "<prior>" in asked
            decision = "accept" if right else "major" if first else "reject"
            return json.dumps({"decision": decision, "reasons": "By the work.", "deviation": "By the work."})
        return super().said(request, sample)


def decided_right(played: Played, question: Question) -> float:
    """Whether the work as it stands last is accepted, at most with minor changes, if and only if it is right."""
    found = candidates(str(played.data.get("work", "")), question.options)
    taken = played.data.get("decision") in ("accept", "minor")
    return float(bool(found) and taken == (found[0] == question.right))


class Forecaster(Reader):
    """A plan fails by what is wrong in it: each role names what it sees, and the gravest are treated."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, mortem.WITNESS):
            return json.dumps({"story": "It failed.", "causes": self.causes(request, sample)})
        if spoken_by(request, mortem.CLERK):
            named: dict[str, list[str]] = {}
            for role, story in STORY.findall(quoted(request, "stories")):
                for box in dict.fromkeys(BOX.findall(story)):
                    named.setdefault(box, []).append(role)
            return json.dumps({"causes": [{**cause(box), "named_by": roles} for box, roles in named.items()]})
        if spoken_by(request, mortem.ASSESSOR):
            boxes = set(BOX.findall(quoted(request, "cause")))
            wrong = any(not c.true for c in claims(self.question) if c.box.box in boxes)
            grave = wrong == self.knows(request.digest())
            return json.dumps({"reason": "By the plan.", "likelihood": 4 if grave else 2, "damage": 4 if grave else 2})
        if spoken_by(request, mortem.ENGINEER):
            return json.dumps({"prevention": "Look it up.", "sign": "a doubt", "threshold": "one", "fallback": "Stop."})
        found = GRAVE.findall(quoted(request, "causes"))
        treated = [
            {"cause": key, "how": "prevented" if int(risk) > ACCEPTED else "accepted", "reason": "By its weight."}
            for key, risk in found
        ]
        return json.dumps({"plan": quoted(request, "plan"), "treatment": treated})

    def causes(self, request: ChatRequest, sample: str) -> list[dict[str, str]]:
        """What seems wrong in the plan, three at most; the first statement where nothing does."""
        seen = stated(quoted(request, "plan"))
        made = [c for c in claims(self.question) if c.box.box in seen]
        wrong = [c.box.box for c in made if c.true != self.knows(c.box.box, request.model, sample)]
        return [cause(box) for box in (wrong or [c.box.box for c in made])[: 3 if wrong else 1]]


def cause(box: str) -> dict[str, str]:
    """Why a plan failed: what it states of a box."""
    return {"cause": f"The number of box {box} was wrong.", "first_sign": f"Box {box} did not open."}


def treated_rightly(played: Played, question: Question) -> float:
    """How well the causes that are prevented are the planted faults."""
    risks = [r for r in played.data.get("risks", []) if r["treatment"] == "prevented"]
    return balanced({box for r in risks for box in BOX.findall(r["cause"])}, question)


CRITERIA = ("logic", "evidence", "persuasion")
ACCEPTED = 8
"""A risk of at most that much is accepted."""
BOX = re.compile(r"\b[A-Z]{2}\d{3}\b")
WEAKNESS = re.compile(r"\b(?:soundness|significance|clarity)-\d\b")
STORY = re.compile(r'<reply from="([^"]*)">\n(.*?)\n</reply>', re.DOTALL)
GRAVE = re.compile(r'"key": ?"(cause \d+)".*?"risk": ?(\d+)')
