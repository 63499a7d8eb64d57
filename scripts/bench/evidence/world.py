"""The world of simulated answerers: questions with a known answer, and how often and how alike models get it wrong."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from random import Random

OPTIONS = 6
GOLDEN = 0.618033988749895
"""Multiples of it lie evenly in [0, 1), however many there are."""


@dataclass(frozen=True)
class Setting:
    """How good the simulated models are. All numbers are shares in [0, 1].

    `accuracy` is how often an answer that was worked out alone is right, on average over questions, which lie up to
    `spread` to both sides of it. `own` is how often a sample of a model says what the model says by default, `shared`
    how often that default is the one of all models: correlation, within a model and between models. Of the wrong
    answers a share `trap` falls on one popular error. `verifier` is how often a judgement of one answer is right;
    `position` and `verbosity` how often a comparison goes to the first or the longer one, whatever it says. `refusal`
    is how often a call gives nothing of use. `edge` is what a strong model has on top, and a cheap one less.
    """

    name: str
    accuracy: float = 0.6
    spread: float = 0.2
    own: float = 0.3
    shared: float = 0.2
    trap: float = 0.5
    verifier: float = 0.75
    position: float = 0.0
    verbosity: float = 0.0
    refusal: float = 0.0
    edge: float = 0.15


SETTINGS = (
    Setting("even"),
    Setting("correlated", own=0.7, shared=0.7),
    Setting("hard", accuracy=0.35, trap=0.7),
    Setting("good verifier", accuracy=0.45, verifier=0.95),
    Setting("biased judge", position=0.3, verbosity=0.3, verifier=0.65),
    Setting("refusing", refusal=0.15),
)


@dataclass(frozen=True)
class Question:
    """One question of a world. Its answer is one of OPTIONS four-digit numbers, which occur nowhere else."""

    number: int

    @cached_property
    def options(self) -> tuple[int, ...]:
        """The right answer, then the wrong ones; the first of these is the popular error."""
        return tuple(random("options", self.number).sample(range(3001, 9999), OPTIONS))

    @property
    def right(self) -> int:
        return self.options[0]

    @property
    def box(self) -> str:
        return chr(ord("A") + self.number % 26) * 2 + str(100 + self.number)

    @property
    def text(self) -> str:
        return TEXT.format(box=self.box)

    def difficulty(self, setting: Setting, model: str = "") -> float:
        """How often a model is right on this question."""
        shift = setting.spread * (2 * (self.number * GOLDEN % 1) - 1)
        return min(1.0, max(0.0, setting.accuracy + shift + setting.edge * _grade(model)))


def random(*parts: object) -> Random:
    """A generator that the same parts always start alike."""
    return Random(sha256("\x00".join(map(str, parts)).encode()).hexdigest())  # noqa: S311 (repeatable on purpose)


def draw(question: Question, setting: Setting, model: str, sample: str) -> int:
    """What a model works out alone: its sample, its default, or the default of all."""
    if evenly(question.number, "source", setting.name, model, sample) >= setting.own:
        return _fresh(question, setting, model, model, sample)
    if evenly(question.number, "default", setting.name, model) >= setting.shared:
        return _fresh(question, setting, model, model)
    return _fresh(question, setting, model, "all")


def _fresh(question: Question, setting: Setting, model: str, *parts: str) -> int:
    if evenly(question.number, "right", setting.name, *parts) < question.difficulty(setting, model):
        return question.right
    chance = random("wrong", setting.name, question.number, *parts)
    return question.options[1] if chance.random() < setting.trap else chance.choice(question.options[2:])


def evenly(number: int, *parts: object) -> float:
    """The number-th of a sequence in [0, 1) that the parts name, as even as random numbers are not (Kronecker's).

    Means over questions settle sooner so, while what different parts name stays independent.
    """
    chance = random(*parts)
    return (chance.random() + number * chance.random()) % 1


def _grade(model: str) -> int:
    """1 for a strong model, -1 for a cheap one. The rehearsal's models are graded here alone."""
    name = model.rpartition("/")[2]
    return 1 if name in STRONG else -1 if name in CHEAP else 0


STRONG, CHEAP = frozenset({"gustav"}), frozenset({"ada"})
TEXT = "Which number is stamped on the seal of box {box}? The number has four digits."
