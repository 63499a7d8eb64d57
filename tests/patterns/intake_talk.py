"""An intake played with scripted models and a scripted person: each decision answers the one question that waits."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.fake_openai import Fault
from tests.patterns.harness import Asked, Played, Stage, as_json, between
from utils.errors import Waiting
from utils.reviews import decide, reviews_of
from utils.settings import settings
from workflows.patterns.reasoning.self_refine import CRITIC
from workflows.patterns.user_facing.slot_filling_intake import DESIGNER, INTERVIEWER, READER

PROMPT = "Prepare a grant application for our school garden"
Found = dict[str, Any]
ANSWER, STOP, USE, CORRECT = "answer", "stop", "use", "correct"


def slot(name: str, kind: str = "text", *, required: bool = True, **rest: Any) -> Found:
    return {"name": name, "label": name.title(), "type": kind, "required": required, **rest}


def frame(*slots: Found, pattern: str = "self_refine", rules: tuple[Found, ...] = ()) -> str:
    return as_json(title="Grant application", pattern=pattern, slots=slots, rules=rules)


SCHOOL, SUM = slot("school"), slot("sum", "integer", least=100, most=5000, rule="the fund gives no more")


def found(name: str, value: str, quote: str = "", *, accepts: bool = False) -> Found:
    return {"slot": name, "value": value, "quote": quote or value, "accepts_suggestion": accepts}


def names_in(view: str) -> list[str]:
    return re.findall(r'"name":"(\w+)"', view)


def first_three(asked: Asked) -> str:
    return as_json(slots=names_in(between(asked.question, "missing"))[:3], question="Tell me, please?")


@dataclass
class Models:
    """What the models say: the frame, suggestions, what an answer holds, the questions, and the result of the work."""

    frame: str
    reads: dict[str, list[Found] | str | Fault] = field(default_factory=dict)
    suggests: list[Found] | Fault = field(default_factory=list)
    words: Callable[[Asked], str | Fault] = first_three
    work: str = "the finished application"

    def __call__(self, asked: Asked) -> str | Fault:
        if asked.by(DESIGNER):
            return self.frame
        if asked.by(INTERVIEWER):
            return self.words(asked)
        if asked.by(CRITIC):
            return as_json(issues=[], score=9, done=True)
        if asked.by(READER) and "<answer>" in asked.question:
            read = self.reads.get(between(asked.question, "answer"), [])
            return as_json(found=read) if isinstance(read, list) else read
        if asked.by(READER):
            return self.suggests if isinstance(self.suggests, Fault) else as_json(suggestions=self.suggests)
        return self.work


@dataclass(frozen=True)
class Talk:
    """An intake from its first question to its end. `shown` is what the person saw, question by question."""

    played: Played
    shown: list[str]
    asked: list[Asked]

    def of(self, system: str) -> list[Asked]:
        return [a for a in self.asked if a.by(system)]

    @property
    def extractions(self) -> list[Asked]:
        return [a for a in self.of(READER) if "<answer>" in a.question]

    @property
    def data(self) -> dict[str, Any]:
        return self.played.data

    def status(self, name: str) -> str:
        (entry,) = [r for r in self.played.slots["slots"] if r.key == name]
        return str(entry.data()["status"])


def talk(
    stage: Stage, models: Models, *decisions: tuple[str, str], run_id: str = "intake", prompt: str = PROMPT
) -> Talk:
    """Plays an intake; each decision answers the one question that waits."""
    shown: list[str] = []
    asked: list[Asked] = []
    for choice, text in decisions:
        with pytest.raises(Waiting):
            stage.play("slot_filling_intake", models, run_id=run_id, prompt=prompt)
        asked += stage.asked()
        (review,) = [r for r in reviews_of(settings().tenant_id, run_id) if r.status == "open"]
        shown.append(review.shown)
        decide(review, choice, text, by=settings().user_id)
    played = stage.play("slot_filling_intake", models, run_id=run_id, prompt=prompt)
    return Talk(played, shown, asked + list(stage.asked()))


def asked_for(shown: str) -> list[str]:
    """The labels that a question lists."""
    return [line[2:].split(" - ")[0] for line in shown.splitlines() if line.startswith("- ")]
