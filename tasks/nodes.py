"""The Flyte tasks that every graph is made of: one node is one block, which the plain host runs."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flytekit import Deck, task
from flytekit.core.context_manager import FlyteContextManager
from flytekit.types.error import FlyteError

from tasks.kept import forget_failures
from tasks.opening import Asked, open_asked, tenant_of
from tasks.plain import PlainHost
from tasks.reply import Slots
from tasks.result import Result, Signal
from tasks.run import Run
from tasks.spec import GraphSpec, block_from_json
from tasks.views import Scope
from utils.errors import BadInput, RadiantError, RunBusy
from utils.reviews import expire, reviews_of
from utils.runs import Unfinished, get_run, heartbeat, set_status
from utils.settings import settings
from utils.warm import Warm, attempt

RETRIES = 3
"""The ledger makes a retry cost nothing."""
TIMEOUT = timedelta(hours=1)
NOT_OPENED = "the run was not opened"
"""What an error of `open_run` begins with: Flyte tells `record_failure` the message, and not which node failed."""
GATE_TIMEOUT = "task execution timeout"
"""What Flyte says when nobody answered a gate in time."""


@task(task_config=Warm(), retries=RETRIES)
def open_run(
    spec: str,
    texts: dict[str, str],
    integers: dict[str, int],
    numbers: dict[str, float],
    flags: dict[str, bool],
    domain: str,
    models: str,
    max_cost_usd: float,
    run_id: str,
    tenant_id: str,
    user_id: str,
    grain: str,
) -> tuple[Run, Slots]:
    """Checks what was asked, and opens or resumes the run; its id is the execution's where none is given."""
    try:
        graph = GraphSpec.from_json(spec)
        _refuse_files(graph, texts)
        _refuse_under_way(tenant_id, run_id)
        opened = open_asked(
            graph,
            {**texts, **integers, **numbers, **flags},
            Asked(domain, models, max_cost_usd, run_id or execution_id(), tenant_id, user_id, grain),
        )
        if opened.result is not None:
            raise RadiantError(f"run '{opened.run.run_id}' has concluded: `radiant show {opened.run.run_id}` shows it")
    except RadiantError as error:
        raise type(error)(f"{NOT_OPENED}: {error.message}") from error
    return opened.run, opened.inputs


def _refuse_files(graph: GraphSpec, texts: dict[str, str]) -> None:
    """`@file` names a file of the machine on which it was typed: here it would read one of the service's."""
    for given in graph.inputs:
        if given.type in ("texts", "items") and texts.get(given.name, "").startswith("@"):
            raise BadInput(f"--{given.name}: a file is read on your own machine only: give the JSON itself")


def _refuse_under_way(tenant_id: str, run_id: str) -> None:
    """Two executions that walk one run would each pay for what the other makes. A retry is no other."""
    here = attempt()
    if not run_id or here is None or here.number:
        return
    tenant = tenant_of(tenant_id)
    with suppress(BadInput):
        run = get_run(tenant, run_id)
        silent = datetime.now(UTC) - run.alive_at
        if run.status == "running" and silent < timedelta(seconds=settings().reservation_seconds):
            raise RunBusy(f"run {run_id} is under way: wait until it ends, or abort its execution and wait a little")


@task(task_config=Warm("calls"), retries=RETRIES, timeout=TIMEOUT)
def node(block: str, path: str, run: Run, made: Slots) -> Slots:
    """One block that has no body: a Step or a Fan."""
    with heartbeat(UUID(run.tenant_id), run.run_id):
        given = PlainHost(run, resumed=True).block(block_from_json(block), Scope(made), path)
    return {slot: list(replies) for slot, replies in given.items()}


@task(task_config=Warm(), retries=RETRIES)
def gather(parts: list[Slots], slots: list[str], items: Slots) -> Slots:
    """What the bodies of an Each gave, in item order."""
    from tasks.blocks import gathered

    return gathered(items["items"], parts, slots)


@task(task_config=Warm(), retries=RETRIES, enable_deck=True, deck_fields=())
def outputs(run: Run, made: Slots) -> tuple[Result, list[Signal]]:
    """The workflow's outputs, with the run's Deck where the console shows it."""
    from tasks.deliver import deck_of

    result = Result.model_validate_json(made["result"][0].fields)
    signals = [Signal.model_validate_json(s.fields) for s in made["signals"]]
    Deck("Think Tank", deck_of(run, result, signals, made.get("lessons", []), made.get("learned", [])))
    return result, signals


@task(task_config=Warm(), retries=RETRIES)
def record_failure(run_id: str, tenant_id: str, err: FlyteError | None) -> str:
    """How a run stands whose execution failed: expired, over_budget or failed. What it made is kept.

    An execution that was not let open its run (another walks it, or it has other inputs) says nothing of it.
    """
    said = err.message if err else ""
    if NOT_OPENED in said:
        return "never opened"
    try:
        tenant, run = tenant_of(tenant_id), run_id or execution_id()
        found = get_run(tenant, run)
    except BadInput:
        return "never opened"
    if found.concluded_at is not None:
        return found.status
    undecided = [r for r in reviews_of(tenant, run) if r.status != "decided"]
    late = [r for r in undecided if r.overdue or GATE_TIMEOUT in said]
    for review in late:
        expire(review)
    status: Unfinished = "expired" if late else "over_budget" if "OverBudget:" in said else "failed"
    set_status(tenant, run, status, error="" if late else said.partition("\n")[0])
    if status == "failed":
        forget_failures(tenant, run)
    return status


def make_node(entity: Any, node_id: str, **inputs: Any) -> Any:
    """The promise of a new node of this entity, under an id of its own.

    flytekit lists what a node waits for in the order of a set: sorted, the same graph is the same bytes.
    """
    made = entity(**inputs).with_overrides(node_name=node_id)
    compiling = FlyteContextManager.current_context().compilation_state
    if compiling is not None:
        compiling.nodes[-1].upstream_nodes.sort(key=lambda before: before.id)
    return made


def execution_id() -> str:
    """The id of the Flyte execution that this runs in; empty outside of one."""
    here = attempt()
    return here.execution if here else ""
