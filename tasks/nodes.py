"""The Flyte tasks that every graph is made of: one node is one block, which the plain host runs."""

from datetime import timedelta
from typing import Any

from flytekit import Deck, task
from flytekit.core.context_manager import FlyteContextManager

from tasks.opening import Asked, open_asked
from tasks.plain import PlainHost
from tasks.reply import Slots
from tasks.result import Result, Signal
from tasks.run import Run
from tasks.spec import GraphSpec, block_from_json
from tasks.views import Scope
from utils.errors import BadInput, RadiantError
from utils.warm import Warm, attempt

RETRIES = 3
"""The ledger makes a retry cost nothing."""
TIMEOUT = timedelta(hours=1)


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
) -> tuple[Run, Slots]:
    """Checks what was asked, and opens or resumes the run; its id is the execution's where none is given."""
    graph = GraphSpec.from_json(spec)
    _refuse_files(graph, texts)
    opened = open_asked(
        graph,
        {**texts, **integers, **numbers, **flags},
        Asked(domain, models, max_cost_usd, run_id or execution_id(), tenant_id, user_id),
    )
    if opened.result is not None:
        raise RadiantError(f"run '{opened.run.run_id}' has concluded: `radiant show {opened.run.run_id}` shows it")
    return opened.run, opened.inputs


def _refuse_files(graph: GraphSpec, texts: dict[str, str]) -> None:
    """`@file` names a file of the machine on which it was typed: here it would read one of the service's."""
    for given in graph.inputs:
        if given.type in ("texts", "items") and texts.get(given.name, "").startswith("@"):
            raise BadInput(f"--{given.name}: a file is read on your own machine only: give the JSON itself")


@task(task_config=Warm("calls"), retries=RETRIES, timeout=TIMEOUT)
def node(block: str, path: str, run: Run, made: Slots) -> Slots:
    """One block with all that lies inside it."""
    given = PlainHost(run, resumed=True).block(block_from_json(block), Scope(made), path)
    return {slot: list(replies) for slot, replies in given.items()}


@task(task_config=Warm(), retries=RETRIES)
def gather(parts: list[Slots], slots: list[str], items: Slots) -> Slots:
    """What the bodies of an Each gave, in item order."""
    from tasks.blocks import gathered

    return gathered(items["items"], parts, slots)


@task(task_config=Warm(), retries=RETRIES, enable_deck=True)
def outputs(run: Run, made: Slots) -> tuple[Result, list[Signal]]:
    """The workflow's outputs, with the run's Deck where the console shows it."""
    from tasks.deliver import deck_of

    result = Result.model_validate_json(made["result"][0].fields)
    signals = [Signal.model_validate_json(s.fields) for s in made["signals"]]
    Deck("Think Tank", deck_of(run, result, signals, made.get("lessons", []), made.get("learned", [])))
    return result, signals


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
