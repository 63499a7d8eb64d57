"""Flyte's part in the tests of the service: what it asks for a node, over gRPC, and the files that it then reads."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from flyteidl.admin.agent_pb2 import CreateRequestHeader, ExecuteTaskSyncRequest, Resource, TaskExecutionMetadata
from flyteidl.core.dynamic_job_pb2 import DynamicJobSpec as DynamicJobMessage
from flyteidl.core.execution_pb2 import TaskExecution
from flyteidl.core.identifier_pb2 import NodeExecutionIdentifier, TaskExecutionIdentifier, WorkflowExecutionIdentifier
from flyteidl.core.literals_pb2 import LiteralMap as LiteralMapMessage
from flyteidl.core.security_pb2 import Identity
from flyteidl.service.agent_pb2_grpc import SyncAgentServiceStub
from flytekit.configuration import FastSerializationSettings, Image, ImageConfig, SerializationSettings
from flytekit.core.base_task import PythonTask
from flytekit.core.context_manager import FlyteContextManager
from flytekit.core.type_engine import TypeEngine
from flytekit.core.utils import load_proto_from_file
from flytekit.models.dynamic_job import DynamicJobSpec
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskSpec, TaskTemplate
from flytekit.tools.translator import get_serializable

SUCCEEDED, FAILED, RETRYABLE = TaskExecution.SUCCEEDED, TaskExecution.FAILED, TaskExecution.RETRYABLE_FAILED

FAST = FastSerializationSettings(enabled=True, destination_dir="/app", distribution_location="s3://code/one.tar.gz")


def registered(fast: FastSerializationSettings | None = None) -> SerializationSettings:
    """As `radiant register` registers."""
    return SerializationSettings(
        image_config=ImageConfig(default_image=Image("default", "registry.invalid/radiant", "1")),
        project="project",
        domain="development",
        version="v1",
        env={"RADIANT_LOG_FORMAT": "json"},
        fast_serialization_settings=fast,
    )


def template_of(task: PythonTask[Any], settings: SerializationSettings | None = None) -> TaskTemplate:
    spec = get_serializable(OrderedDict(), settings or registered(), task)
    assert isinstance(spec, TaskSpec)
    template: TaskTemplate = spec.template
    return template


def metadata(execution: str = "run1", node: str = "n0", number: int = 0) -> TaskExecutionMetadata:
    """Which attempt it is, as propeller says it."""
    within = WorkflowExecutionIdentifier(project="project", domain="development", name=execution)
    node_id = NodeExecutionIdentifier(node_id=node, execution_id=within)
    task = TaskExecutionIdentifier(node_execution_id=node_id, retry_attempt=number)
    return TaskExecutionMetadata(task_execution_id=task, identity=Identity(execution_identity="someone"))


@dataclass(frozen=True)
class Ask:
    """One attempt of one node; its files go to `prefix`."""

    task: PythonTask[Any]
    prefix: Path | str
    inputs: dict[str, Any] = field(default_factory=dict)
    metadata: TaskExecutionMetadata | None = field(default_factory=metadata)
    template: TaskTemplate | None = None

    def requests(self) -> Iterator[ExecuteTaskSyncRequest]:
        template = self.template or template_of(self.task)
        header = CreateRequestHeader(
            template=template.to_flyte_idl(), output_prefix=str(self.prefix), task_execution_metadata=self.metadata
        )
        yield ExecuteTaskSyncRequest(header=header)
        yield ExecuteTaskSyncRequest(inputs=self.literals().to_flyte_idl())

    def literals(self) -> LiteralMap:
        context, types = FlyteContextManager.current_context(), self.task.python_interface.inputs
        return TypeEngine.dict_to_literal_map(context, self.inputs, types)

    def outputs(self) -> list[Any]:
        """What its outputs.pb decodes to, in order."""
        found = LiteralMap.from_flyte_idl(load_proto_from_file(LiteralMapMessage, f"{self.prefix}/outputs.pb"))
        types = self.task.python_interface.outputs
        given = TypeEngine.literal_map_to_kwargs(FlyteContextManager.current_context(), found, types)
        return [given[name] for name in types]

    def futures(self) -> DynamicJobSpec:
        """The graph that a @dynamic made."""
        found = load_proto_from_file(DynamicJobMessage, f"{self.prefix}/futures.pb")
        spec: DynamicJobSpec = DynamicJobSpec.from_flyte_idl(found)
        return spec


@dataclass(frozen=True)
class Flyte:
    """Asks one service."""

    channel: grpc.aio.Channel

    async def ask(self, ask: Ask, *, wait: bool = True) -> Resource:
        """Its answer; where the service is away it waits for it, unless told not to."""
        requests = list(ask.requests())
        stub = SyncAgentServiceStub(self.channel)
        answers = [answer async for answer in stub.ExecuteTaskSync(iter(requests), wait_for_ready=wait)]
        assert len(answers) == 1
        resource: Resource = answers[0].header.resource
        return resource
