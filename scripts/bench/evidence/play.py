"""Plays a pattern, or its baselines, on the plain host with simulated models in the place of LiteLLM's."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any
from unittest.mock import patch
from uuid import UUID

from scripts.bench.evidence.answerer import Answerer
from scripts.bench.evidence.world import Question, Setting, draw
from tasks.plain import PlainHost
from tasks.reply import Replies, Slots
from tasks.run import Run
from tasks.spec import GraphSpec
from tasks.views import Scope
from tasks.walk import input_replies, walk
from utils.accounts import ensure_personal
from utils.errors import RunFailed
from utils.ledger import spent
from utils.llm import ChatRequest, Completion
from utils.logs import context
from utils.rehearsal import instance
from utils.reviews import Review, decide
from utils.runs import OpenRequest, open_run
from utils.settings import settings

MODELS = tuple(f"rehearsal/{n}" for n in ("doris", "bruno", "carla", "emil", "frieda", "ada", "gustav"))
"""The first is neither the strong nor the cheap one: a pattern of one model runs on it."""
Decide = Callable[[Review, Question], tuple[str, str]]
"""What a person says to a review: the choice, and the text that it takes or what the form wants."""


@dataclass(frozen=True)
class Played:
    """What a pattern gave on one question; no slots where it failed, as its mechanism may."""

    slots: Slots | None
    calls: int
    run: Run
    seconds: float
    """How long it took; the person takes no time."""

    @property
    def answer(self) -> str:
        """The text of its answer; empty where there is none."""
        given = (self.slots or {}).get("answer", [])
        return given[0].text if given and given[0].ok else ""

    @property
    def outcome(self) -> str:
        """What it says of its answer; empty where there is none."""
        given = (self.slots or {}).get("answer", [])
        return given[0].outcome if given else ""

    @property
    def data(self) -> dict[str, Any]:
        """The fields of its answer."""
        given = (self.slots or {}).get("answer", [])
        return given[0].data() if given else {}


def first_choice(review: Review, question: Question) -> tuple[str, str]:
    """The choice that stands first, and what a form wants in any order."""
    if review.form:
        return "", json.dumps(instance(json.loads(review.form), seed=f"{review.path} {question.number}"))
    choice = review.choices[0]
    return choice.name, DECISION if choice.takes_text else ""


def play(
    pattern: GraphSpec,
    answerer: Answerer,
    inputs: Mapping[str, Any],
    decide_on: Decide = first_choice,
    run_id: str = "",
) -> Played:
    """One run of a pattern for a question, with the answers of these models and the decisions of this person."""
    question = answerer.question
    run = opened(pattern, question, run_id or f"{pattern.id}-{answerer.setting.name}-{question.number}")
    with _simulated(answerer), _at_hand(lambda review: decide_on(review, question)):
        slots, seconds = _walked(pattern, run, {"prompt": question.text, **inputs})
    return Played(slots, spent(UUID(run.tenant_id), run.run_id).calls, run, seconds)


def self_consistency(question: Question, setting: Setting, samples: int, name: str) -> bool:
    """Whether the plurality of so many samples of one model is right; ties go to the first."""
    drawn = [draw(question, setting, MODELS[0], f"{name} {n}") for n in range(max(1, samples))]
    return Counter(drawn).most_common(1)[0][0] == question.right


def _walked(pattern: GraphSpec, run: Run, inputs: Mapping[str, Any]) -> tuple[Slots | None, float]:
    nothing: Scope[Replies] = Scope({})
    values = {i.name: run.models if i.type == "models" else inputs.get(i.name, i.default) for i in pattern.inputs}
    scope = nothing.with_names({name: input_replies(value) for name, value in values.items()})
    start = time.perf_counter()
    try:
        slots: Slots | None = walk(pattern, scope, "", PlainHost(run))
    except RunFailed:
        slots = None
    return slots, time.perf_counter() - start


def opened(pattern: GraphSpec, question: Question, run_id: str) -> Run:
    """A run of a pattern for a question; without an id a new one."""
    tenant, user = settings().tenant_id, settings().user_id
    ensure_personal(tenant, user)
    entry = open_run(
        OpenRequest(
            tenant_id=tenant,
            user_id=user,
            workflow=pattern.id,
            spec="{}",
            inputs="{}",
            run_id=run_id.translate(DASHES),
            rehearsal=True,
        )
    )
    most = next((int(i.most) for i in pattern.inputs if i.type == "models" and i.most), pattern.distinct_models)
    wanted = max(pattern.distinct_models, min(most, len(MODELS)))
    return Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id=entry.run_id,
        workflow=pattern.id,
        models=list(MODELS[:wanted]),
        started=STARTED,
        prompt=question.text,
        rehearsal=True,
    )


@contextmanager
def _at_hand(decide_on: Callable[[Review], tuple[str, str]]) -> Iterator[None]:
    """A person at the terminal, who decides at once."""

    def ask(review: Review, run: Run) -> Review:
        choice, text = decide_on(review)
        return decide(review, choice, text, by=settings().user_id)

    with patch("tasks.review._at_a_terminal", return_value=True), patch("tasks.review._ask_at_terminal", ask):
        yield


@contextmanager
def _simulated(answerer: Answerer) -> Iterator[None]:
    """Every call goes to the answerer; the calls at one place of the graph are samples of their own, in order."""
    times: Counter[str] = Counter()
    lock = Lock()

    def complete(request: ChatRequest, *, tenant_id: UUID) -> Completion:
        node = context().node
        with lock:
            times[node] += 1
            sample = f"{node} {times[node]}"
        return _completion(request, answerer.reply(request, sample))

    with patch("tasks.calls.complete", complete):
        yield


def _completion(request: ChatRequest, text: str) -> Completion:
    return Completion(
        text=text,
        model=request.model,
        prompt_tokens=sum(len(m.content) for m in request.messages) // 4,
        completion_tokens=len(text) // 4,
        cost_usd=0.0,
        latency_ms=0,
        finish_reason="stop",
        streamed=False,
        time_to_first_token_ms=None,
        rehearsal=True,
    )


STARTED = "2026-01-05T09:00:00+00:00"
"""When all runs began, for themselves: a prompt that gives the day is the same on every day."""
DASHES = str.maketrans("_ ", "--")
DECISION = "Go on as you think best."
