"""What dies under load and comes back loses no run, and has no completed call paid twice.

One after another, alone on the cluster: each takes down what every other test needs.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from scripts.bench import flyte_graphs
from scripts.bench.flyte import Cluster, open_bench_run
from tests.cluster import machine
from utils.ledger import ledger_of
from utils.settings import settings

pytestmark = [pytest.mark.cluster, pytest.mark.outage]
CALL_SECONDS = 4.0
EACH = 6
"""Calls of a run: five side by side and one that joins them."""


@pytest.fixture(scope="module", autouse=True)
def _lab() -> None:
    if not (machine.LAB / "state" / "flyte.pid").exists():
        pytest.skip("no lab on this machine whose parts could be killed")
    if not (machine.home() / "service.pid").exists():
        pytest.skip("no warm service: `python -m tests.cluster.machine` starts one")


@pytest.fixture(scope="module")
def slow_service(_lab: None) -> Iterator[None]:
    """Its calls take long enough to be interrupted."""
    machine.replace_service(CALL_SECONDS)
    yield
    machine.replace_service()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def _killed_service() -> None:
    machine.kill_service()
    time.sleep(7)
    machine.start_service(CALL_SECONDS)


@pytest.mark.usefixtures("slow_service")
@pytest.mark.parametrize(
    ("outage", "number"), [(_killed_service, 100), (machine.kill_database, 40), (machine.restart_flyte, 40)]
)
def test_all_runs_end_right_and_none_pays_twice(cluster: Cluster, outage: Callable[[], None], number: int) -> None:
    runs = [open_bench_run("auto") for _ in range(number)]
    with ThreadPoolExecutor(8) as threads:
        executions = list(threads.map(lambda run: cluster.launch(flyte_graphs.five_and_one, run), runs))
    unfinished = [e for e in executions if not cluster.fetch(e).is_done]
    outage()
    for execution in executions:
        cluster.ended(execution)
    assert len(unfinished) >= number / 4, "the outage came too late to prove anything"
    for run in runs:
        rows = ledger_of(settings().tenant_id, run.run_id)
        assert len(rows) == EACH
        assert {(r.state, r.attempts - r.lost) for r in rows} == {("settled", 1)}


def test_a_hundred_at_once_leave_memory_as_it_was(cluster: Cluster) -> None:
    def hundred() -> int:
        with ThreadPoolExecutor(8) as threads:
            launched = list(
                threads.map(lambda _: cluster.launch(flyte_graphs.five_and_one, open_bench_run("auto")), range(100))
            )
        for execution in launched:
            cluster.ended(execution)
        return machine.service_memory()

    first, second = hundred(), hundred()
    assert second < 1.1 * first, f"{os.getpid()}: {first:,} bytes became {second:,}"
