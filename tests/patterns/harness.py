"""Plays a pattern on the plain host with scripted models: what it gives, and what each model was really sent."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.calls import Spot
from tasks.functions import find_pattern
from tasks.pattern_upkeep import find_upkeep, tend
from tasks.plain import PlainHost
from tasks.reply import Replies, Reply, Slots
from tasks.result import Result
from tasks.run import Run
from tasks.views import Scope
from tasks.walk import input_replies, walk
from tests import fake_openai
from tests.fake_openai import FakeOpenAI, Fault, Request
from utils.accounts import ensure_personal
from utils.runs import OpenRequest, open_run
from utils.settings import settings

BROKEN = Fault("server_error")
"""A call that fails."""


@dataclass(frozen=True)
class Asked:
    """One request as it arrived over HTTP. `model` has its provider in front again."""

    model: str
    system: str
    turns: tuple[str, ...]
    temperature: float
    max_tokens: int

    @property
    def saw(self) -> str:
        """All that the model got to see."""
        return "\n".join([self.system, *self.turns])

    @property
    def question(self) -> str:
        """The step's own prompt, before any repair."""
        return self.turns[0]

    def by(self, system: str) -> bool:
        """Whether the step with this system prompt asked."""
        return system in self.system


Script = Callable[[Asked], str | Fault]


@dataclass(frozen=True)
class Played:
    """What a pattern gave, and everything that the models were asked, in order of arrival."""

    run: Run
    slots: Slots
    asked: tuple[Asked, ...]

    @property
    def answer(self) -> Reply:
        """The one answer."""
        (answer,) = self.slots["answer"]
        return answer

    @property
    def data(self) -> dict[str, Any]:
        return self.answer.data()

    def of(self, system: str) -> list[Asked]:
        """The requests of the step with this system prompt."""
        return [a for a in self.asked if a.by(system)]


@dataclass(frozen=True)
class Stage:
    """A fake server and a database, on which patterns are played."""

    server: FakeOpenAI

    def play(
        self, pattern: str, script: Script, *, models: Sequence[str] = ("openai/one",), run_id: str = "", **inputs: Any
    ) -> Played:
        """Runs a pattern to its end, or on, where the run exists. What it raises is raised."""
        self.server.requests.clear()
        self.server.behave = _answering(script)
        run = _open(pattern, tuple(models), run_id, str(inputs.get("prompt", "")))
        slots = self._walk(pattern, run, inputs)
        return Played(run, slots, self.asked())

    def tend(self, pattern: str, script: Script, *, models: Sequence[str] = ("openai/one",)) -> Result | None:
        """Runs a pattern's upkeep for the user who plays, as its launch plan does; None where it is not due."""
        self.server.requests.clear()
        self.server.behave = _answering(script)
        upkeep = find_upkeep(pattern)
        assert upkeep
        return tend(upkeep, settings().tenant_id, settings().user_id, models)

    def asked(self) -> tuple[Asked, ...]:
        """What was asked in the last play, whether it ended or raised."""
        return tuple(_asked(r) for r in self.server.requests)

    def _walk(self, pattern: str, run: Run, inputs: dict[str, Any]) -> Slots:
        spec = find_pattern(pattern)
        values: dict[str, Replies] = {
            i.name: input_replies(run.models if i.type == "models" else inputs.get(i.name, i.default))
            for i in spec.inputs
        }
        nothing: Scope[Replies] = Scope({})
        return walk(spec, nothing.with_names(values), "", PlainHost(run))


def earlier_run() -> Run:
    """Another run of the user who plays."""
    return _open("earlier", (), "", "")


def earlier_spot() -> Spot:
    """A block of another run of the user who plays."""
    return Spot(earlier_run(), "x")


def _open(pattern: str, models: tuple[str, ...], run_id: str, prompt: str) -> Run:
    tenant, user = settings().tenant_id, settings().user_id
    ensure_personal(tenant, user)
    opened = open_run(
        OpenRequest(tenant_id=tenant, user_id=user, workflow=pattern, spec="{}", inputs="{}", run_id=run_id)
    )
    return Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id=opened.run_id,
        workflow=pattern,
        models=list(models),
        started=opened.started_at.isoformat(),
        prompt=prompt,
    )


def _answering(script: Script) -> fake_openai.Behaviour:
    def behave(request: Request) -> fake_openai.Reply | Fault:
        said = script(_asked(request))
        return said if isinstance(said, Fault) else fake_openai.Reply(said)

    return behave


def _asked(request: Request) -> Asked:
    body = request.body
    systems = [m["content"] for m in body["messages"] if m["role"] == "system"]
    turns = tuple(m["content"] for m in body["messages"] if m["role"] != "system")
    return Asked(f"openai/{body['model']}", "\n".join(systems), turns, body["temperature"], body["max_tokens"])


def as_json(**fields: Any) -> str:
    """A structured reply."""
    return json.dumps(fields)


def between(text: str, tag: str) -> str:
    """What a prompt quotes between its tags."""
    return text.partition(f"<{tag}>\n")[2].partition(f"\n</{tag}>")[0]
