"""What durability costs on a cluster: run `python -m scripts.bench.flyte` against the one that FLYTECTL_CONFIG names.

It needs a service that shares this process's database and was started with RADIANT_REHEARSAL_LATENCY=0.1: a call then
takes 100 ms. Pods are told so by the benchmark.
"""

import os
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any
from uuid import uuid4

from flytekit.configuration import Config, Image, ImageConfig, SerializationSettings
from flytekit.models.core.execution import WorkflowExecutionPhase
from flytekit.remote import FlyteRemote, FlyteWorkflowExecution

from scripts.bench import flyte_graphs
from tasks.run import Grain, Run
from utils.accounts import ensure_personal
from utils.errors import RunFailed
from utils.ledger import ledger_of
from utils.runs import OpenRequest, open_run
from utils.settings import settings

PROJECT, DOMAIN = "flytesnacks", "development"
ROUNDS, POD_ROUNDS = 5, 2
AT_ONCE = 100
PATIENCE = 300.0
LATENCY = {"RADIANT_REHEARSAL_LATENCY": "0.1"}


def main() -> None:
    """Prints each figure with its bound and the baseline of the same run."""
    cluster = Cluster()
    print(f"{'in seconds, from launch':44} {'median':>7} {'least':>7} {'most':>7}")
    cluster.check_latency()
    warm = cluster.times("five calls and one that joins, in the service", flyte_graphs.five_and_one, ROUNDS)
    pods = cluster.times("  in pods", flyte_graphs.five_and_one_in_pods, POD_ROUNDS)
    cluster.times("three turns, walked in one node", flyte_graphs.three_turns, ROUNDS)
    cluster.times("  a node for each block (--grain node)", flyte_graphs.three_turns, ROUNDS, grain="node")
    cluster.times("a gate opens", flyte_graphs.one_gate, ROUNDS, ended=_gate_opened)
    print(f"pods / service: {pods / warm:.1f} x (at least 15); service at most 0.7 s, a gate at most 1.5 s")
    started = time.monotonic()
    ended = [
        cluster.ended(e)
        for e in [cluster.launch(flyte_graphs.five_and_one, open_bench_run("auto")) for _ in range(AT_ONCE)]
    ]
    print(f"{AT_ONCE} at once: {len(ended)} ended right after {time.monotonic() - started:.1f} s")


class Cluster:
    """The benchmark's graphs on a cluster, registered as a version of their own."""

    def __init__(self) -> None:
        config = Config.auto(os.environ.get("FLYTECTL_CONFIG"))
        self.remote = FlyteRemote(config, default_project=PROJECT, default_domain=DOMAIN)
        self.version = f"bench-{uuid4().hex[:8]}"
        image = Image.look_up_image_info("default", settings().image or "radiant:bench")
        self.where = SerializationSettings(
            ImageConfig(default_image=image), project=PROJECT, domain=DOMAIN, version=self.version, env=LATENCY
        )
        graphs: Any = flyte_graphs.GRAPHS
        self.registered = {g.name: self.remote.register_workflow(g, self.where, self.version) for g in graphs}
        ensure_personal(settings().tenant_id, settings().user_id)

    def times(
        self,
        what: str,
        graph: Any,
        rounds: int,
        *,
        grain: Grain = "auto",
        ended: "Callable[[Cluster, FlyteWorkflowExecution], datetime] | None" = None,
    ) -> float:
        """The median of the seconds from launch until the end, once the first has warmed things up."""
        found = []
        for _ in range(rounds + 1):
            execution = self.launch(graph, open_bench_run(grain))
            end = ended(self, execution) if ended else self.ended(execution)
            found.append((end - self.fetch(execution).closure.created_at).total_seconds())
        found = found[1:]
        middle: float = median(found)
        print(f"{what:44} {middle:7.2f} {min(found):7.2f} {max(found):7.2f}", flush=True)
        return middle

    def check_latency(self) -> None:
        """RunFailed where the service's calls take no time: the figures would flatter it."""
        run = open_bench_run("auto")
        self.ended(self.launch(flyte_graphs.five_and_one, run))
        quickest = min(row.latency_ms or 0 for row in ledger_of(settings().tenant_id, run.run_id))
        if quickest < 100:
            raise RunFailed(f"a call took {quickest} ms: start the service with RADIANT_REHEARSAL_LATENCY=0.1")

    def launch(self, graph: Any, run: Run) -> FlyteWorkflowExecution:
        """One execution, whose calls stand in the ledger under a run that is open."""
        return self.remote.execute(self.registered[graph.name], inputs={"run": run})

    def fetch(self, execution: FlyteWorkflowExecution) -> FlyteWorkflowExecution:
        return self.remote.fetch_execution(name=execution.id.name)

    def ended(self, execution: FlyteWorkflowExecution) -> datetime:
        """When it had succeeded; RunFailed where it did not."""
        found = self.until(lambda: now if (now := self.fetch(execution)).is_done else None)
        if found.closure.phase != WorkflowExecutionPhase.SUCCEEDED:
            raise RunFailed(f"execution {execution.id.name}: {found.closure.error.message}")
        ended_at: datetime = found.closure.updated_at
        return ended_at

    def until(self, look: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while (found := look()) is None:  # flyteadmin has no call that waits
            if time.monotonic() > end:
                raise RunFailed(f"nothing happened in {PATIENCE:.0f} s")
            time.sleep(0.05)
        return found


def _gate_opened(cluster: Cluster, execution: FlyteWorkflowExecution) -> datetime:
    """When the gate was there to be answered. It is answered, so that nothing is left waiting."""

    def opened() -> datetime | None:
        return datetime.now().astimezone() if cluster.remote.list_signals(execution.id.name) else None

    found: datetime = cluster.until(opened)
    cluster.remote.set_input("ask", execution.id.name, "yes", python_type=str)
    cluster.ended(execution)
    return found


def open_bench_run(grain: Grain) -> Run:
    """A run of the personal tenant, for graphs without a frame that would open one."""
    tenant, user = settings().tenant_id, settings().user_id
    opened = open_run(OpenRequest(tenant_id=tenant, user_id=user, workflow="bench", spec="{}", inputs="{}"))
    return Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id=opened.run_id,
        workflow="bench",
        models=["rehearsal/ada"],
        started=opened.started_at.isoformat(),
        rehearsal=True,
        grain=grain,
    )


if __name__ == "__main__":
    main()
