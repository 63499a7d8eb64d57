"""An execution that failed, and one that goes on from it: by Flyte's recovery, or launched anew under the run's id."""

from datetime import UTC, datetime

import pytest
from flytekit.remote import FlyteRemote

from tests.cluster.conftest import Execution, Launch
from tests.cluster.test_blocks import QUESTION, result_of, tenant
from utils.ledger import LedgerRow, ledger_of
from utils.reviews import reviews_of
from utils.runs import get_run

pytestmark = pytest.mark.cluster
GATE = "settle@1/review"
RECOVERED = 10
"""NodeExecution.Phase"""


@pytest.fixture
def expired(launch: Launch) -> Execution:
    """An execution that failed because nobody answered its gate in time."""
    execution = launch("tests/cluster/short_gate.py", "short_gate", *QUESTION, "--require_approval")
    execution.until(lambda: GATE in execution.open_gates(), "the gate")
    message = execution.failure()
    assert "timeout" in message
    return execution


def paid(run_id: str) -> list[tuple[LedgerRow, int]]:
    return [(row, row.attempts) for row in ledger_of(tenant(), run_id)]


def test_an_expired_gate_ends_as_expired_with_everything_recorded(expired: Execution) -> None:
    run = get_run(tenant(), expired.name)
    assert run.status == "expired"
    (review,) = reviews_of(tenant(), expired.name)
    assert review.status == "expired"
    assert review.expires_at is not None
    assert review.expires_at < datetime.now(UTC)
    assert {row.state for row, _ in paid(expired.name)} == {"settled"}


def test_a_recovered_execution_reuses_what_was_made(expired: Execution, remote: FlyteRemote) -> None:
    before = paid(expired.name)
    recovered = Execution(remote, remote.client.recover_execution(expired.fetch().id).name)
    recovered.until(lambda: GATE in recovered.open_gates(), "the gate")
    recovered.signal(GATE, "approve")
    nodes = recovered.finish().node_executions
    phases = {name: node.closure.phase for name, node in nodes.items()}
    reused = {name for name, phase in phases.items() if phase == RECOVERED}
    assert reused >= {"open", "lessons", *(n for n in phases if n.startswith("body-"))}
    assert paid(expired.name) == before
    assert result_of(Execution(remote, expired.name)).decision is not None


def test_launched_anew_with_its_run_id_it_pays_for_nothing_twice(expired: Execution, launch: Launch) -> None:
    before = paid(expired.name)
    again = launch(
        "tests/cluster/short_gate.py", "short_gate", *QUESTION, "--require_approval", "--run_id", expired.name
    )
    again.until(lambda: GATE in again.open_gates(), "the gate")
    again.signal(GATE, "approve")
    again.finish()
    assert paid(expired.name) == before
    assert get_run(tenant(), expired.name).status == "done"


def test_an_execution_that_may_not_open_a_run_leaves_it_as_it_stands(launch: Launch) -> None:
    first = launch("workflows/think_tank.py", "think_tank", *QUESTION, "--require_approval")
    first.until(lambda: GATE in first.open_gates(), "the gate")
    other = launch("workflows/think_tank.py", "think_tank", "--prompt", "Is 18 prime?", "--run_id", first.name)
    assert "BadInput" in other.failure()
    assert get_run(tenant(), first.name).status == "waiting"
    first.signal(GATE, "approve")
    first.finish()
    assert get_run(tenant(), first.name).status == "done"
