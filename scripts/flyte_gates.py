"""Gates on a Flyte cluster: which executions wait at one, what it asks, and how it is answered. All through flyteadmin.

Only gates inside a @dynamic are found: every block in which a person decides is one.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain
from typing import Any

from flytekit.configuration import Config
from flytekit.configuration.file import get_config_file
from flytekit.configuration.internal import Platform
from flytekit.exceptions.user import FlyteEntityNotExistException, FlyteInvalidInputException
from flytekit.models.core.execution import NodeExecutionPhase, WorkflowExecutionPhase
from flytekit.models.core.identifier import NodeExecutionIdentifier, WorkflowExecutionIdentifier
from flytekit.models.filters import Equal
from flytekit.models.node_execution import NodeExecution
from flytekit.remote import FlyteRemote

from scripts.flyte_admin import asked, everything
from utils.errors import BadInput

SECONDS = 10.0
"""How long one request may take."""
AT_ONCE = 8
"""So many executions are looked at at a time."""
MOST_SIGNALS = 1000
NOBODY = timedelta(days=3650)
"""A gate that waits so long has no end of its own."""


@dataclass(frozen=True)
class Gate:
    """A gate that waits: its signal id is the block path, or with /text for the text that a decision takes."""

    execution: str
    signal: str
    asks: str
    choices: tuple[str, ...]
    """Empty: it takes a text."""
    since: datetime
    expires: datetime | None
    question: NodeExecutionIdentifier | None
    """The node before it, whose output says what to decide on."""

    @property
    def path(self) -> str:
        """The block path of the review that it belongs to."""
        path, mark, _ = self.signal.rpartition("/text")
        return path if mark and not self.choices else self.signal


def is_configured() -> bool:
    """Whether flytekit's configuration names a cluster."""
    return bool(Platform.URL.read(get_config_file(None)))


def gates_here(project: str | None, domain: str | None) -> "Gates":
    """The gates of a project and domain; default those of Flyte's configuration, else flytesnacks, development."""
    from scripts.registration import default_place

    place = default_place()
    return Gates(project or place[0] or "flytesnacks", domain or place[1] or "development")


class Gates:
    """The gates of a project and domain of the cluster that flytekit's configuration names. BadInput for none."""

    def __init__(self, project: str, domain: str) -> None:
        if not is_configured():
            raise BadInput(
                "no Flyte cluster is configured: set FLYTECTL_CONFIG to a file with "
                "`admin: {endpoint: dns:///HOST:PORT}`, or write ~/.flyte/config.yaml"
            )
        self._place = project, domain
        self.place = f"{project}/{domain}"

    @cached_property
    def _remote(self) -> FlyteRemote:
        return FlyteRemote(Config.auto(), *self._place)

    def waiting(self) -> tuple[Gate, ...]:
        """All gates that wait, of all executions, the oldest first."""
        running = Equal("phase", WorkflowExecutionPhase.enum_to_string(WorkflowExecutionPhase.RUNNING))
        with asked(SECONDS):
            page = partial(self._remote.client.list_executions_paginated, *self._place, filters=[running])
            names = [execution.id.name for execution in everything(page)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(chain.from_iterable(pool.map(self._gates, names)))
        return tuple(sorted(found, key=lambda gate: gate.since))

    def run_of(self, execution: str) -> str | None:
        """The id of the run that an execution works at; None where there is no such execution."""
        with asked(SECONDS):
            try:
                data = self._remote.client.get_execution_data(self._id(execution))
            except (FlyteEntityNotExistException, FlyteInvalidInputException):
                return None
        given = data.full_inputs.literals.get("run_id")
        return (given.scalar.primitive.string_value if given else "") or execution

    def of(self, execution: str) -> tuple[Gate, ...] | None:
        """The gates at which an execution waits; None where it does not run."""
        with asked(SECONDS):
            found = self._remote.client.get_execution(self._id(execution))
        return self._gates(execution) if found.closure.phase == WorkflowExecutionPhase.RUNNING else None

    def shown(self, gate: Gate) -> str:
        """What a person decides on at a gate, sanitised."""
        if gate.question is None:
            return gate.asks
        with asked(SECONDS):
            data = self._remote.client.get_node_execution_data(gate.question)
        return str(data.full_outputs.literals["o0"].scalar.primitive.string_value)

    def answer(self, gate: Gate, value: str) -> None:
        """Opens a gate."""
        with asked(SECONDS):
            self._remote.set_input(gate.signal, gate.execution, value, python_type=str)

    def await_text(self, gate: Gate, seconds: float) -> Gate | None:
        """The gate for the text of a decision, which follows once it is made; None where none opens in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:  # flyteadmin has no call that waits for a gate
            for found in self.of(gate.execution) or ():
                if found.path == gate.path and not found.choices:
                    return found
            time.sleep(0.5)
        return None

    def _gates(self, execution: str) -> tuple[Gate, ...]:
        with asked(SECONDS):
            signals = self._remote.list_signals(execution, limit=MOST_SIGNALS)
            unanswered = {s.id.signal_id for s in signals if not s.HasField("value")}
            found = [g for g in self._under(execution, None) if g.signal in unanswered] if unanswered else []
        return tuple(sorted(found, key=lambda gate: gate.since))

    def _under(self, execution: str, parent: NodeExecution | None) -> Iterator[Gate]:
        """The gates that are open among the nodes that a @dynamic made, and those within."""
        name: Any = parent.id.node_id if parent else None
        list_nodes = partial(self._remote.client.list_node_executions, self._id(execution), unique_parent_id=name)
        nodes = {node.metadata.spec_node_id: node for node in everything(list_nodes)}
        waiting = {spec for spec, node in nodes.items() if node.closure.phase == NodeExecutionPhase.RUNNING}
        if parent and waiting:
            for made in self._made(parent):
                if made.gate_node is not None and made.id in waiting:
                    yield _gate(execution, made, nodes)
        for node in nodes.values():
            if node.closure.phase == NodeExecutionPhase.DYNAMIC_RUNNING:
                yield from self._under(execution, node)

    def _made(self, parent: NodeExecution) -> Sequence[Any]:
        """The nodes that a @dynamic made, as they were compiled."""
        dynamic = self._remote.client.get_node_execution_data(parent.id).dynamic_workflow
        nodes: Sequence[Any] = dynamic.compiled_workflow.primary.template.nodes if dynamic else ()
        return nodes

    def _id(self, execution: str) -> WorkflowExecutionIdentifier:
        return WorkflowExecutionIdentifier(*self._place, execution)


def _gate(execution: str, made: Any, nodes: dict[str, NodeExecution]) -> Gate:
    signal, since, waits = made.gate_node.signal, nodes[made.id].closure.started_at, made.metadata.timeout
    before = [nodes[up] for up in made.upstream_node_ids if up in nodes]
    return Gate(
        execution=execution,
        signal=signal.signal_id,
        asks=made.metadata.name,
        choices=tuple(signal.type.enum_type.values) if signal.type.enum_type else (),
        since=since,
        expires=since + waits if waits and waits < NOBODY else None,
        question=before[0].id if before else None,
    )
