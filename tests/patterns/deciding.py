"""A pattern played with scripted models and a scripted person: each decision answers the one question that waits."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.patterns.harness import Asked, Played, Script, Stage
from utils.errors import Waiting
from utils.reviews import decide, reviews_of
from utils.settings import settings

Decision = tuple[str, str]


@dataclass(frozen=True)
class Decided:
    """A run from its first question to its end: what the person saw, question by question, and all that was asked."""

    played: Played
    shown: list[str]
    asked: list[Asked]

    def of(self, system: str) -> list[Asked]:
        return [a for a in self.asked if a.by(system)]

    @property
    def data(self) -> dict[str, Any]:
        return self.played.data

    @property
    def text(self) -> str:
        return self.played.answer.text

    @property
    def outcome(self) -> str:
        return self.played.answer.outcome


def decided(
    stage: Stage, pattern: str, script: Script, *decisions: Decision, run_id: str = "decided", **inputs: Any
) -> Decided:
    """Decides in turn; the run must wait before each decision, and end after the last."""
    shown: list[str] = []
    asked: list[Asked] = []
    for choice, text in decisions:
        with pytest.raises(Waiting):
            stage.play(pattern, script, run_id=run_id, **inputs)
        asked += stage.asked()
        (review,) = [r for r in reviews_of(settings().tenant_id, run_id) if r.status == "open"]
        shown.append(review.shown)
        decide(review, choice, text, by=settings().user_id)
    played = stage.play(pattern, script, run_id=run_id, **inputs)
    return Decided(played, shown, asked + list(stage.asked()))
