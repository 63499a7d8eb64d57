"""The tasks that a cluster runs, called as functions."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from flytekit.types.error import FlyteError

from tasks.nodes import GATE_TIMEOUT, open_run, record_failure
from tasks.reply import Slots, reply
from tasks.run import Run
from tasks.spec import Ask, block_to_json
from tasks.trace import traces
from tests.tasks.graphs import when
from utils.errors import BadInput
from utils.reviews import Choice, Question, open_review, reviews_of
from utils.runs import get_run, set_status
from utils.settings import settings
from utils.warm import Attempt, running
from workflows.asking import body
from workflows.frame import framed


def opened(run_id: str = "", **texts: str) -> tuple[Run, Slots]:
    """What the node that opens a run of stage_gate_approval gives."""
    made: tuple[Run, Slots] = open_run.task_function(
        spec=framed("stage_gate_approval").to_json(),
        texts={"prompt": "Plan a bakery.", **texts},
        integers={},
        numbers={},
        flags={"require_approval": False},
        domain="general",
        models="",
        max_cost_usd=0.0,
        run_id=run_id,
        tenant_id="",
        user_id="",
        grain="auto",
    )
    return made


def test_a_file_of_the_service_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps([{"name": "hunter2", "deliverable": "x", "criteria": ["y"]}] * 3))
    with pytest.raises(BadInput, match="--stages: a file is read on your own machine only"):
        opened(stages=f"@{secret}")


def test_a_question_that_is_not_asked_is_kept_as_skipped_on_a_cluster_too(run: Run) -> None:
    ask = Ask(id="ask", question="Go on?", shows={}, choices=("yes", "no"), unless=when("says", "prompt", text="quiet"))
    made = {"prompt.out": [reply("quiet")]}
    given = {"block": block_to_json(ask), "path": "body/ask", "run": run, "made": made, "times": 0}
    assert body.task_function(**given) == {"out": []}
    assert [(t.path, t.kind, t.state) for t in traces(run)] == [("body/ask", "ask", "skipped")]


QUESTION = Question("Approve?", "general", "It is so.", (Choice("approve"), Choice("reject")))
ELSEWHERE = "00000000-0000-4000-8000-0000000000aa"


@pytest.fixture
def waiting(run: Run) -> Run:
    """A run that waits at a gate."""
    open_review(UUID(run.tenant_id), run.run_id, "settle@1/review", QUESTION)
    set_status(UUID(run.tenant_id), run.run_id, "waiting")
    return run


def recorded(run: Run, message: str) -> tuple[str, str]:
    """What the failure of an execution is recorded as, and how the run then stands."""
    said = record_failure.task_function(run_id=run.run_id, tenant_id=run.tenant_id, err=FlyteError(message, "fn0"))
    return said, get_run(UUID(run.tenant_id), run.run_id).status


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (f"USER::{GATE_TIMEOUT} [8s] expired", "expired"),
        ("OverBudget: over the run's cap of 0.50 USD", "over_budget"),
        ("RunFailed: block 'panel': 1 of 3 replies", "failed"),
    ],
)
def test_a_failed_execution_says_how_its_run_stands(waiting: Run, message: str, status: str) -> None:
    assert recorded(waiting, message) == (status, status)
    (review,) = reviews_of(UUID(waiting.tenant_id), waiting.run_id)
    assert review.status == ("expired" if status == "expired" else "open")


def test_an_execution_that_could_not_open_a_run_leaves_it_as_it_stands(waiting: Run) -> None:
    with pytest.raises(BadInput, match="was started with") as refused:
        opened(run_id=waiting.run_id)
    assert recorded(waiting, f"failed to run the job: BadInput: {refused.value.message}") == ("never opened", "waiting")


def test_an_execution_says_nothing_of_another_tenants_run(waiting: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_TENANTS", json.dumps({"flytesnacks/development": ELSEWHERE}))
    settings.cache_clear()
    with running(Attempt("flytesnacks", "development", "e1", "fn0", 0)):
        assert recorded(waiting, "RunFailed: it broke") == ("never opened", "waiting")
