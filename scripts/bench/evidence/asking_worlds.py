"""Worlds in which a person is asked: what a request means, what may be done, what matters to them, what went wrong."""

import json
import re
from collections.abc import Mapping
from itertools import combinations
from statistics import NormalDist, mean
from typing import Any

from scripts.bench.evidence.answerer import SAYS
from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.memory_worlds import Rememberer, statements
from scripts.bench.evidence.play import Played
from scripts.bench.evidence.records import quoted, stated
from scripts.bench.evidence.scenario import archive, spoken_by
from scripts.bench.evidence.world import Question, Setting, draw, evenly, random
from tasks import disputes
from tasks.algorithms.ablation import DRIVER, PARTIAL
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.user_facing import approval_checkpoints as approvals
from workflows.patterns.user_facing import clarify_before_answer as clarify
from workflows.patterns.user_facing import explain_by_ablation as ablation
from workflows.patterns.user_facing import weighted_decision_matrix as matrix


class Listener(Rememberer):
    """Takes a request in one of six senses, and answers it in the sense that it is given."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, clarify.READER):
            told = [s for s in SENSES if s in quoted(request, "said")]
            number = draw(self.question, self.setting, request.model, sample)
            return told[-1] if told else SENSES[self.question.options.index(number)]
        if spoken_by(request, clarify.COMPARER):
            return json.dumps({"same": []})
        if spoken_by(request, clarify.JUDGE):
            return json.dumps({"differ": self.knows("differ"), "question": "What do you mean?", "kind": "a number"})
        sense = next((n for n, s in enumerate(SENSES) if s in quoted(request, "reading")), 1)
        return SAYS.format(number=self.question.options[sense])


def as_meant(review: Review, question: Question) -> tuple[str, str]:
    """The person picks what they mean, or says it."""
    line = next((one for one in review.shown.splitlines() if SENSES[0] in one), "")
    button = line.partition(":")[0]
    return (button, "") if button in {c.name for c in review.choices} else ("other", SENSES[0])


class Foreman(Rememberer):
    """Plans a job of six steps, three of them grave; of which kind a step is it sees as often as it judges rightly."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, approvals.PLANNER):
            return json.dumps({"steps": [self.step(name, action) for name, action in JOB.items()]})
        return super().said(request, sample)

    def step(self, name: str, action: str) -> dict[str, Any]:
        mistaken = "compute" if action in GRAVE else "send"
        return {
            "id": name,
            "what": f"Step {name} of the job",
            "why": "It is part of it.",
            "tool": "calculator",
            "args": {"expression": "1 + 1"},
            "effect": "as planned",
            "cost": "none",
            "action": action if self.knows(name) else mistaken,
            "needs": [],
        }


def approves(review: Review, question: Question) -> tuple[str, str]:
    """The person approves the plan and each step, and goes on being asked."""
    names = {c.name for c in review.choices}
    return next(n for n in ("approve", "run", "keep_asking", "done") if n in names), ""


def asked_where_grave(played: Played, question: Question) -> float:
    """The mean of the share of grave steps that were asked about and that of others that were not."""
    asked = {row["step"] for row in played.data.get("log", []) if row["asked"]}
    return mean(mean((n in asked) == kind for n, a in JOB.items() if (a in GRAVE) == kind) for kind in (True, False))


class Assessor(Rememberer):
    """Scores offers by criteria, as far off as a model is wrong."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, matrix.ASSESSOR):
            cell = json.loads(quoted(request, "cell").splitlines()[-1])
            true = value_of(self.question, cell["option"], cell["criterion"])
            return json.dumps({"score": self.scored(true, cell, request.model, sample), "reason": "As it looks."})
        if spoken_by(request, matrix.ADVISER):
            return "The first one comes out ahead."
        if "direction" in (request.json_schema or ""):
            rows = [{"name": c, "direction": "higher is better", "scale": "points"} for c in WEIGHTS]
            return json.dumps({"criteria": rows})
        offers = [{"name": offer(n), "what": "One of the offers."} for n in self.question.options[:4]]
        return json.dumps({"options": offers})

    def scored(self, true: float, cell: Mapping[str, str], model: str, sample: str) -> int:
        """The true score with an error, part of which all readings of a cell share."""
        place = f"{cell['option']} {cell['criterion']}"
        error = score_error(self.question, self.setting, place, f"{model} {sample}")
        return round(min(10.0, max(0.0, true + error)))


def score_error(question: Question, setting: Setting, place: str, sample: str) -> float:
    """How far off one reading of a score is, part of which all readings of a place share."""
    shared, own = (
        NormalDist().inv_cdf(0.005 + 0.99 * evenly(question.number, "score", setting.name, place, part))
        for part in ("", sample)
    )
    size = WORST_ERROR * (1 - setting.accuracy)
    return float(size * (shared * setting.shared**0.5 + own * (1 - setting.shared) ** 0.5))


def best_impression(question: Question, setting: Setting, calls: int) -> float:
    """How often the best offer has the best mean of as many scores of each offer as a whole, each as far off."""

    def total(place: int, turn: int) -> float:
        true = sum(v * w for v, w in zip(VALUES[place], WEIGHTS.values(), strict=True)) / sum(WEIGHTS.values())
        return true + mean(score_error(question, setting, str(place), f"{turn} {n}") for n in range(max(1, calls // 4)))

    return mean(max(range(4), key=lambda place: total(place, turn)) == 0 for turn in range(5))


def offer(number: int) -> str:
    return f"offer {number}"


def value_of(question: Question, name: str, criterion: str) -> float:
    """What an offer is worth on a criterion; the right one is best on what matters most, the popular one elsewhere."""
    place = [offer(n) for n in question.options].index(name)
    return float(VALUES[place][list(WEIGHTS).index(criterion)])


def weighs(review: Review, question: Question) -> tuple[str, str]:
    """The person compares criteria by their weights, and takes everything else as it is."""
    names = {c.name for c in review.choices}
    if "first" not in names:
        return ("use" if "use" in names else "done"), ""
    pair = next(p for p in combinations(WEIGHTS, 2) if f"first: {p[0]}\nsecond: {p[1]}" in review.shown)
    ratio = WEIGHTS[pair[0]] / WEIGHTS[pair[1]]
    return ("first", str(min(9, round(ratio)))) if ratio > 1 else ("second", str(min(9, round(1 / ratio))))


def best_offer_wins(played: Played, question: Question) -> float:
    return float(played.data.get("winner") == offer(question.right))


class Examiner(Rememberer):
    """Looks anew at a disputed answer: states both sides as they stand, and weighs them by what others answered."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, disputes.EXTRACTOR) and "<objection>" in request.messages[-1].content:
            if not quoted(request, "answer"):
                return json.dumps({"claim": "the number", "evidence": [], "bare": True})
            sides = [candidates(quoted(request, tag), self.question.options)[0] for tag in ("answer", "objection")]
            says = [SAYS.format(number=n) for n in sides]
            return json.dumps({"question": self.question.text, "answer_says": says[0], "objection_says": says[1]})
        if spoken_by(request, disputes.EXTRACTOR):
            return json.dumps({"claims": []})
        if spoken_by(request, disputes.JUDGE):
            return json.dumps({"reason": "They were weighed.", "verdict": self.ruled(request)})
        return super().said(request, sample)

    def ruled(self, request: ChatRequest) -> str:
        """The side that blind answers and its own judgement speak for; the first by bias."""
        sides = candidates(quoted(request, "positions"), self.question.options)[:2]
        if random("position", self.setting.name, self.question.number, *sides).random() < self.setting.position:
            return "first"
        blind = candidates(quoted(request, "blind"), self.question.options)
        trust = 2 * self.setting.verifier - 1
        first, second = (blind.count(n) / 3 + trust * ((n == self.question.right) == self.knows(n)) for n in sides)
        return "tie" if first == second else "first" if first > second else "second"


def disputed(question: Question, setting: Setting) -> dict[str, Any]:
    """An answer and a bare objection to it, one of which is right, by turns."""
    stated, claimed = question.options[:2] if question.number % 2 else question.options[1::-1]
    return {"answer": SAYS.format(number=stated), "objection": f"No. The number is {claimed}, as everyone knows."}


def rightly_ruled(played: Played, question: Question) -> float:
    """Whether a right answer was held and a wrong one was not; half where nothing was decided."""
    verdict = played.data.get("verdict", "")
    if verdict not in ("held", "amended", "withdrawn"):
        return 0.5 if verdict == "undecided" else 0.0
    return float((verdict == "held") == bool(question.number % 2))


class Explainer(Rememberer):
    """Answers from records; asked for its reasons it names the record that it used as often as it judges rightly."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        given = quoted(request, "sources")
        if spoken_by(request, ablation.ANSWERER):
            return SAYS.format(number=self.concluded(given, request.model, sample))
        if spoken_by(request, ablation.ADVOCATE):
            return json.dumps({"reasons": [{"reason": "It says so.", "passage": self.reason(statements(given))}]})
        if "<core>" in asked and not given:
            one, other = (candidates(quoted(request, tag), self.question.options) for tag in ("core", "answer"))
            return json.dumps({"same": one == other})
        if "<answer>" in asked:
            return json.dumps({"core": quoted(request, "answer")})
        if "<drivers>" in asked:
            old = (re.findall(r"\b\d{4}\b", quoted(request, "drivers")) or ["0000"])[0]
            return json.dumps({"old": old, "new": str(self.question.options[1])})
        return json.dumps({"factors": [{"name": s[:40], "passages": [s]} for s in statements(given)]})

    def concluded(self, given: str, model: str, sample: str) -> int:
        """The number of the box's record where it stands there and is seen; else any, since nothing else tells."""
        told = stated(given).get(self.question.box)
        guess = random("guess", self.setting.name, self.question.number, model, sample).choice(self.question.options)
        return told if told and self.knows("found", model, sample) else guess

    def reason(self, said: list[str]) -> str:
        used = [s for s in said if self.question.box in s]
        others = [s for s in said if s not in used]
        return used[0] if used and self.knows("reason") else others[0]


def drivers_found(played: Played, question: Question) -> float:
    """The mean of whether the record of the box was found to matter, and of the share of others that was not."""
    rows = played.data.get("factors", [])
    return balanced_factors([r["factor"] for r in rows if r["class"] in (DRIVER, PARTIAL)], question)


def reason_stated(question: Question, setting: Setting, calls: int) -> float:
    """The same of the one reason that a call states."""
    said = Explainer(question, setting).reason([one["text"] for one in archive(question)])
    return balanced_factors([said], question)


def balanced_factors(found: list[str], question: Question) -> float:
    others = [f for f in found if question.box not in f]
    return mean((len(others) < len(found), 1 - min(1.0, len(others) / 5)))


SENSES = (
    "The person wants the digits pressed into the wax.",
    "They ask how much a full crate weighs, in grams.",
    "Meant is the year when that chest left its maker.",
    "It is about money: what was paid at auction.",
    "Somebody needs a telephone extension of our depot.",
    "How many coins lie inside should be found out.",
)
GRAVE = ("pay", "delete", "publish", "send", "write")
JOB = {"s1": "read", "s2": "pay", "s3": "compute", "s4": "delete", "s5": "send", "s6": "compute"}
WEIGHTS = {"cost": 8.0, "care": 4.0, "speed": 2.0, "room": 1.0}
VALUES = ((9, 7, 5, 5), (6, 7, 8, 9), (5, 6, 6, 6), (4, 6, 7, 5))
WORST_ERROR = 5.0
