"""What a specification from outside may not do."""

from typing import Any
from uuid import UUID

import pytest

from tasks.plain import PlainHost
from tasks.run import Run
from tasks.spec import At, Call, Function, Input, Recall, Remember, Signal, Step, Tool, Use, see
from tasks.tools import signals_of
from tasks.views import Scope
from tasks.walk import input_replies, walk
from tests.tasks.conftest import Give
from tests.tasks.graphs import PROMPT, TOYS, spec, step
from utils.errors import RunFailed
from utils.ledger import ledger_of
from utils.settings import settings

FRAME_TOOLS = ("tasks.deliver.conclude", "tasks.deliver.deliver", "tasks.cato.gate", "tasks.librarian.draft")


@pytest.mark.parametrize("name", FRAME_TOOLS)
def test_a_pattern_cannot_pass_its_own_gate_or_end_its_run(give: Give, name: str) -> None:
    forging = spec(Step(id="last", does=Tool(name=name), sees=see("prompt")))
    body = Use(id="body", pattern=At(ref="which"), binds={"prompt": "prompt"}, slots=("out",))
    built = spec(body, inputs=(PROMPT, Input(name="which", help="A pattern.")), gives={"out": "body.out"})
    with pytest.raises(RunFailed, match=f"block 'body/last': '{name}' is the frame's own tool"):
        give(built, prompt="x", which=forging.to_json())


@pytest.mark.parametrize(
    ("does", "message"),
    [
        (Recall(store="deliver"), "unknown store of memories 'deliver'"),
        (Recall(store="grimoire", args={"colour": "red"}), "'grimoire' cannot be called .*colour"),
        (Remember(store="spec"), "unknown store of memories 'spec'"),
        (Tool(name="tasks.deliver.deck_path"), "unknown tool 'tasks.deliver.deck_path'"),
        (Tool(name="tasks.known_patterns.usable_patterns"), "cannot be called with these views and args"),
        (Signal(signal="quality", value=At(ref="prompt")), "the signal 'x' is no number"),
    ],
)
def test_what_a_step_cannot_do_fails_the_run_in_one_line(give: Give, does: Any, message: str) -> None:
    sees = {} if isinstance(does, Signal) else see(query="prompt")
    with pytest.raises(RunFailed, match=message):
        give(spec(Step(id="last", does=does, sees=sees)), prompt="x")


def test_a_function_that_leaves_a_slot_out_is_named(give: Give) -> None:
    lacking = Step(
        id="halves", does=Function(fn=f"{TOYS}.split"), sees=see(text="prompt"), slots=("out", "rest", "mid")
    )
    built = spec(lacking, gives={"out": "halves", "rest": "halves.rest", "mid": "halves.mid"})
    with pytest.raises(RunFailed, match="block 'halves': its function gave no slot mid"):
        give(built, prompt="left right")


def test_a_prompt_shows_no_more_of_a_reply_than_its_fields(give: Give) -> None:
    asked = spec(Step(id="last", does=Call(prompt="{{prompt.model_copy}}"), sees=see("prompt")))
    assert give(asked, prompt="x")["out"][0].ok


def test_the_signals_of_a_pattern_are_those_of_its_run(give: Give, run: Run) -> None:
    built = spec(
        step("last", "prompt"),
        Step(id="told", does=Signal(signal="quality", value=At(ref="prompt"))),
        gives="last",
    )
    give(built, prompt="0.75")
    assert [r.data() for r in signals_of(run)] == [{"signal_type": "quality", "value": 0.75, "source": "pattern"}]


@pytest.mark.parametrize("model", ["openai/gpt-9000", "standard", "rehearsal/nobody"])
def test_a_model_that_a_pattern_names_is_checked_before_it_is_paid_for(give: Give, run: Run, model: str) -> None:
    asked = spec(Step(id="last", does=Call(prompt="{{prompt}}", model=At(ref="prompt")), sees=see("prompt")))
    with pytest.raises(RunFailed, match=f"block 'last': .*'{model}'"):
        give(asked, prompt=model)
    assert ledger_of(UUID(run.tenant_id), run.run_id) == ()


def test_a_medical_run_asks_no_model_beyond_those_allowed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_MEDICAL_MODELS", '["rehearsal/ada"]')
    settings.cache_clear()
    medical = run.model_copy(update={"domain": "medical", "models": ["rehearsal/ada"]})
    asked = spec(Step(id="last", does=Call(prompt="{{prompt}}", model="rehearsal/carla"), sees=see("prompt")))
    with pytest.raises(RunFailed, match="'rehearsal/carla' may not see medical requests"):
        walk(asked, Scope({"prompt.out": input_replies("Is it a stroke?")}), "", PlainHost(medical))
