"""`radiant` decides what an execution waits for, and its record names the person."""

import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from click.testing import CliRunner, Result

from scripts.radiant import main
from tests.cluster.conftest import Execution, Launch
from tests.cluster.test_blocks import QUESTION, result_of
from utils.accounts import ensure_personal
from utils.db import tenant_transaction
from utils.reviews import Review, decide, reviews_of
from utils.settings import settings

pytestmark = pytest.mark.cluster
GATE = "settle@1/review"
PROGRAM = str(Path(sys.executable).with_name("radiant"))
ENDED = "error: execution {} has ended: no gate of it waits\n"
ADD_USER = "INSERT INTO users (tenant_id, id, name, role) VALUES (%s, %s, 'Ann', 'approver')"
VIA = "SELECT detail ->> 'via' FROM audit_log WHERE tenant_id = %s AND subject = %s AND action = 'review.decided'"


def radiant(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def execution(launch: Launch) -> Execution:
    """One that waits at its gate."""
    execution = launch("workflows/think_tank.py", "think_tank", *QUESTION, "--require_approval")
    execution.until(lambda: GATE in execution.open_gates(), "the gate")
    return execution


def review(execution: Execution) -> Review:
    return next(r for r in reviews_of(settings().tenant_id, execution.name) if r.path == GATE)


def test_an_approval_names_the_person_and_holds_once(execution: Execution) -> None:
    tenant, ann = settings().tenant_id, uuid4()
    ensure_personal(tenant, settings().user_id)
    with tenant_transaction(tenant) as cursor:
        cursor.execute(ADD_USER, (tenant, ann))
    (line,) = (x for x in radiant("inbox", "--remote").stdout.splitlines() if x.startswith(execution.name))
    assert "approve revise edit reject" in line
    assert "Approve this answer" in line
    shown = radiant("show", execution.name, "--remote").stdout
    assert "## answer" in shown
    assert f"Gate {GATE} waits for approve or revise" in shown
    done = radiant("approve", execution.name, "--user", str(ann))
    assert done.stdout == f"run {execution.name}: approved; its execution goes on\n", done.stderr
    again = radiant("reject", execution.name)
    assert again.exit_code == 2
    assert f"'{GATE}' of run {execution.name} is decided already (approve" in again.stderr
    execution.finish()
    assert (review(execution).decision, review(execution).resolved_by) == ("approve", ann)
    with tenant_transaction(tenant) as cursor:
        cursor.execute(VIA, (tenant, execution.name))
        assert cursor.fetchall() == [("radiant",)]
    ended = radiant("approve", execution.name, "--remote")
    assert (ended.exit_code, ended.stderr) == (2, ENDED.format(execution.name))


def test_an_edit_is_recorded_with_its_text_and_asked_for_no_more(execution: Execution) -> None:
    assert radiant("edit", execution.name, "--text", "Yes, says a person.").exit_code == 0
    execution.finish()
    assert result_of(execution).answer == "Yes, says a person."
    assert f"{GATE}/text" not in execution.open_gates()


def test_without_the_runs_database_the_gates_are_told_alone(execution: Execution, tmp_path: Path) -> None:
    """The text goes through the second gate; nobody knows who decided, so the run's user answers for it."""
    elsewhere = {**os.environ, "DATABASE_URL": "postgresql://radiant@127.0.0.1:1/none", "RADIANT_HOME": str(tmp_path)}
    command = [PROGRAM, "edit", execution.name, "--text", "Yes, says a person."]
    refused = subprocess.run(command, env=elsewhere, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert execution.open_gates() == {GATE}
    told = subprocess.run([*command, "--remote"], env=elsewhere, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert "who decided is not recorded" in told.stdout
    execution.finish()
    assert result_of(execution).answer == "Yes, says a person."
    assert review(execution).resolved_by == settings().user_id
    twice = subprocess.run([*command, "--remote"], env=elsewhere, capture_output=True, text=True, check=False)
    assert (twice.returncode, twice.stderr) == (
        2,
        f"error: execution {execution.name} has ended: no gate of it waits\n",
    )


def test_a_gate_that_was_not_told_is_told_by_the_same_command(execution: Execution) -> None:
    """Where the process died between the record and the signal."""
    decide(review(execution), "approve", "", by=settings().user_id)
    other = radiant("reject", execution.name)
    assert (other.exit_code, "is decided already (approve)" in other.stderr) == (2, True)
    assert radiant("approve", execution.name).stdout.endswith("its execution goes on\n")
    execution.finish()


def test_what_does_not_run_or_exist_is_one_line() -> None:
    for arguments, says in (
        (("approve", "nosuchexecution", "--remote"), "unknown execution 'nosuchexecution' in flytesnacks/development"),
        (("show", "nosuchexecution", "--remote"), "unknown execution 'nosuchexecution'"),
        (("approve", "nosuchexecution"), "unknown run 'nosuchexecution'"),
    ):
        result = radiant(*arguments)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
        assert says in result.stderr
