"""Worlds of memory about a person: facts that change, a preference that shows in edits, a profile."""

import json
import re
from statistics import mean
from typing import Any

from scripts.bench.evidence.meaning import candidates
from scripts.bench.evidence.memory_worlds import Rememberer
from scripts.bench.evidence.past import fresh_start, remembered
from scripts.bench.evidence.play import MODELS, Played, play
from scripts.bench.evidence.records import quoted
from scripts.bench.evidence.scenario import RECORD, spoken_by
from scripts.bench.evidence.world import Question, Setting, draw, random
from tasks.algorithms.facts import stated as worded
from tasks.algorithms.profiles import OWN_TEXT, PROFILE
from tasks.reply import reply
from utils.llm import ChatRequest
from utils.reviews import Review
from workflows.patterns.memory import memory_reconcile_write as reconcile
from workflows.patterns.memory import preference_from_edits as edits
from workflows.patterns.memory import profile_conditioned_generation as profile

Fact = dict[str, str]


def known(question: Question) -> list[Fact]:
    """What is known before: five facts of boxes, the first of the day on which another one is told."""
    return [
        _fact(question, place, number, TODAY if place == "cellar" else BEFORE) for place, number in _numbers(question)
    ]


def told(question: Question) -> list[Fact]:
    """What the user says now: a new number of two boxes, one that is known, one taken back, one of a new box."""
    numbers = dict(_numbers(question))
    said = [("attic", question.options[5]), ("cellar", question.right), ("hall", numbers["hall"]), ("loft", "")]
    return [_fact(question, place, str(number), TODAY) for place, number in [*said, ("yard", question.options[1])]]


def wanted(question: Question) -> dict[str, str]:
    """Which number holds of each box in the end; none of the one that was taken back."""
    return {f["subject"]: f["value"] for f in [*known(question), *told(question)]}


def _numbers(question: Question) -> list[tuple[str, str]]:
    return list(zip(("attic", "cellar", "hall", "loft", "porch"), map(str, question.options), strict=False))


def _fact(question: Question, place: str, value: str, date: str) -> Fact:
    subject = f"box {question.box} in the {place}"
    return {"subject": subject, "predicate": "number", "value": value, "said_by": "user", "date": date}


class Clerk(Rememberer):
    """Notes what was said, some of it not, and compares it with what is known."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, reconcile.EXTRACTOR):
            return json.dumps({"facts": [{**f, "sensitivity": "none"} for f in self.noted()]})
        fact = json.loads(quoted(request, "fact").splitlines()[-1])
        rows = [json.loads(line) for line in quoted(request, "known").splitlines() if line.startswith("{")]
        operation, label = self.operation(fact, rows)
        return json.dumps({"reason": "They were compared.", "op": operation, "id": label})

    def noted(self) -> list[Fact]:
        return [f for f in told(self.question) if self.knows("noted", f["subject"])]

    def operation(self, fact: Fact, rows: list[dict[str, str]]) -> tuple[str, str]:
        """What the fact does to what is known; by mistake anything."""
        old = next((r for r in rows if r["subject"] == fact["subject"]), None)
        label = old["label"] if old else ""
        if not self.knows("operation", fact["subject"]):
            chance = random("operation", self.setting.name, self.question.number, fact["subject"])
            return chance.choice(("ADD", "UPDATE", "INVALIDATE", "NOOP")), label
        if old is None:
            return "ADD", ""
        if old["value"] == fact["value"]:
            return "NOOP", ""
        return ("UPDATE" if fact["value"] and fact["subject"].endswith("attic") else "INVALIDATE"), label


def known_facts(question: Question, setting: Setting) -> dict[str, Any]:
    """The facts as earlier runs stored them."""
    run = fresh_start("memory_reconcile_write", question)
    remembered(run, "fact", [reply(worded(f), key=f["subject"], data=dict(f)) for f in known(question)])
    return {"prompt": " ".join(f"Box in the house: {worded(f)}." for f in told(question))}


def new_one_holds(review: Review, question: Question) -> tuple[str, str]:
    """The person knows which of two facts holds: the new one."""
    return "new", ""


def true_in_the_end(played: Played, question: Question) -> float:
    """The share of boxes of which exactly what is true holds after all changes."""
    holding = {worded(f) for f in known(question)}
    for change in played.data.get("changes", []):
        old, _, new = change["change"].rpartition(" -> ")
        holding -= {old, new.removesuffix(", no longer")}
        holding |= {new} if not new.endswith(", no longer") else set()
    return _correct(list(holding), question)


def appended(question: Question, setting: Setting, calls: int) -> float:
    """What holds where one call notes what is said, and all of it is added."""
    noted = Clerk(question, setting).noted()
    return (1 - setting.refusal) * _correct([worded(f) for f in [*known(question), *noted]], question) + (
        setting.refusal * _correct([worded(f) for f in known(question)], question)
    )


def _correct(holding: list[str], question: Question) -> float:
    numbers = {subject: [h for h in holding if h.startswith(f"{subject}:")] for subject in wanted(question)}
    return mean(
        [text.rpartition(" ")[2] for text in numbers[subject]] == ([value] if value else [])
        for subject, value in wanted(question).items()
    )


class Stylist(Rememberer):
    """Writes one text in one of six styles; what an edit means it guesses as often as it judges rightly."""

    def said(self, request: ChatRequest, sample: str) -> str:
        if spoken_by(request, edits.ANALYST):
            meant = candidates(quoted(request, "edit"), self.question.options)
            right = self.knows("guess", sample) and meant
            style = meant[0] if right else random("guess", self.question.number, sample).choice(self.question.options)
            return json.dumps({"preference": f"Write in style {style}."})
        if spoken_by(request, edits.SUMMARISER):
            noted = candidates(quoted(request, "noted"), self.question.options)
            return f"Write in style {noted[-1 if self.knows('noted') else 0]}."
        hints = " ".join(map(str, candidates(quoted(request, "preference"), self.question.options)))
        return STYLED.format(style=self.read(hints, request.model, sample))


def edited_before(question: Question, setting: Setting) -> dict[str, Any]:
    """Two earlier runs, of which the person edited the drafts."""
    run = fresh_start("preference_from_edits", question)
    for number in range(2):
        play(edits.build(), Stylist(question, setting), {}, own_version, f"{run.run_id}-{number}")
    return {}


def own_version(review: Review, question: Question) -> tuple[str, str]:
    """The person's own version, whatever the draft was; an edit is for style."""
    names = {choice.name for choice in review.choices}
    return ("edit", STYLED.format(style=question.right)) if "edit" in names else ("style", "")


def drafted_as_preferred(played: Played, question: Question) -> float:
    """Whether the draft was written in the person's style."""
    return float(question.right in candidates(str(played.data.get("draft", "")), question.options))


class Ghost(Rememberer):
    """Writes for a person: adds their close, by mistake what is private, and now and then a claim of its own."""

    def said(self, request: ChatRequest, sample: str) -> str:
        asked = request.messages[-1].content
        if spoken_by(request, profile.WRITER):
            return RECORD.format(box=self.question.box, number=draw(self.question, self.setting, request.model, sample))
        if spoken_by(request, profile.GUARD):
            item = quoted(request, "statement")
            use = {CLOSING: "yes", PRIVATE: "sensitive"}.get(item, "no")
            return json.dumps(
                {"reason": "As asked.", "use": use if self.knows(item) else "yes" if use != "yes" else "no"}
            )
        if spoken_by(request, profile.CHECKER):
            return json.dumps({"claims": self.claims(quoted(request, "rewritten"))})
        if "<neutral>" in asked:
            return self.personal(quoted(request, "neutral"), quoted(request, "profile"), sample)
        if "<claims>" in asked:
            text, claims = quoted(request, "text"), quoted(request, "claims")
            return text.replace(f" {ADDED}", "") if ADDED in claims else text
        firsts, seconds = CLOSE in quoted(request, "first"), CLOSE in quoted(request, "second")
        return json.dumps({"reason": "They were compared.", "verdict": self.better(firsts, seconds, sample)})

    def personal(self, base: str, items: str, sample: str) -> str:
        chance = random("claim", self.setting.name, self.question.number, sample).random()
        added = f" {ADDED}" if chance >= self.question.difficulty(self.setting) else ""
        private = " I write from my sickbed." if PRIVATE in items else ""
        return f"{base}{added}{private}{f' {CLOSE}' if CLOSING in items else ''}"

    def claims(self, text: str) -> list[dict[str, str]]:
        found = [{"claim": s, "where": "neutral"} for s in re.findall(r"The seal of box[^.]*\.", text)]
        return [
            *found,
            *({"claim": ADDED, "where": "none" if self.knows(ADDED) else "neutral"} for _ in re.findall(ADDED, text)),
        ]

    def better(self, firsts: bool, seconds: bool, sample: str) -> str:
        """Which of two versions has the person's close; the first, or the wrong one, by mistake."""
        if random("position", self.setting.name, self.question.number, firsts).random() < self.setting.position:
            return "first"
        if firsts == seconds:
            return "tie"
        return "first" if firsts == self.knows("better") else "second"


def own_profile(question: Question, setting: Setting) -> dict[str, Any]:
    """A profile of four items, one of which bears on what is written and one is private, and texts of the person."""
    run = fresh_start("profile_conditioned_generation", question)
    items = ["Grows tomatoes.", PRIVATE, CLOSING, "Has read all of Tolstoy."]
    remembered(run, PROFILE, [reply("\n".join(items), key="profile", data={"items": items, "until": ""})])
    remembered(run, OWN_TEXT, [reply(f"{ADDED} The number of the box was lost.", key="t", data={"genre": ""})])
    return {}


def serves_the_person(played: Played, question: Question) -> float:
    """How much of this holds: the text has the person's close, nothing private, no claim that nobody made."""
    text = played.answer.partition("\n\nWritten with this")[0]
    return mean((CLOSE in text, "sickbed" not in text, ADDED not in text)) if question.box in text else 0.0


def written_at_once(question: Question, setting: Setting, calls: int) -> float:
    """One call that sees the whole profile: it adds no claim as often as it is right, and leaves out what is private
    as often as it judges rightly.
    """
    return mean((1.0, setting.verifier, question.difficulty(setting, MODELS[0]))) * (1 - setting.refusal)


TODAY, BEFORE = "2026-01-05", "2025-03-01"
STYLED = "Meeting on Tuesday at three, room four, bring wax; written in style {style}."
CLOSE, CLOSING = "Yours, M.", "Closes texts with 'Yours, M.'."
PRIVATE, ADDED = "Is treated for a weak heart.", "It was stamped in Rome."
