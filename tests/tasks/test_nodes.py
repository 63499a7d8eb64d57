"""The tasks that a cluster runs, called as functions."""

import json
from pathlib import Path

import pytest

from tasks.nodes import open_run
from tasks.reply import reply
from tasks.run import Run
from tasks.spec import Ask, block_to_json
from tasks.trace import traces
from tests.tasks.graphs import when
from utils.errors import BadInput
from workflows.asking import body
from workflows.frame import framed


def test_a_file_of_the_service_is_never_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps([{"name": "hunter2", "deliverable": "x", "criteria": ["y"]}] * 3))
    with pytest.raises(BadInput, match="--stages: a file is read on your own machine only"):
        open_run.task_function(
            spec=framed("stage_gate_approval").to_json(),
            texts={"prompt": "Plan a bakery.", "stages": f"@{secret}"},
            integers={},
            numbers={},
            flags={"require_approval": False},
            domain="general",
            models="",
            max_cost_usd=0.0,
            run_id="",
            tenant_id="",
            user_id="",
            grain="auto",
        )


def test_a_question_that_is_not_asked_is_kept_as_skipped_on_a_cluster_too(run: Run) -> None:
    ask = Ask(id="ask", question="Go on?", shows={}, choices=("yes", "no"), unless=when("says", "prompt", text="quiet"))
    made = {"prompt.out": [reply("quiet")]}
    given = {"block": block_to_json(ask), "path": "body/ask", "run": run, "made": made, "times": 0}
    assert body.task_function(**given) == {"out": []}
    assert [(t.path, t.kind, t.state) for t in traces(run)] == [("body/ask", "ask", "skipped")]
