"""The connector of warm tasks: what the always-on service does with a node that Flyte hands it.

Flyte waits for the call (the sync kind: the other is polled no faster than every five seconds). The task runs in a
thread with a flytekit context of its own, exactly as `pyflyte-execute` runs it in a pod; outputs, what a @dynamic
made (futures.pb) and Decks go to the output prefix, where propeller and the console find them.
"""

import asyncio
import shutil
import sys
import tempfile
import threading
import traceback
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from flyteidl.admin.agent_pb2 import TaskExecutionMetadata
from flyteidl.core.execution_pb2 import TaskExecution
from flytekit.configuration import (
    SERIALIZED_CONTEXT_ENV_VAR,
    FastSerializationSettings,
    ImageConfig,
    SerializationSettings,
)
from flytekit.core.constants import FUTURES_FILE_NAME, OUTPUT_FILE_NAME
from flytekit.core.context_manager import (
    ExecutionParameters,
    ExecutionState,
    FlyteContext,
    FlyteContextManager,
    OutputMetadataTracker,
    flyte_context_Var,
)
from flytekit.core.data_persistence import FileAccessProvider
from flytekit.core.promise import VoidPromise
from flytekit.core.type_engine import TypeEngine
from flytekit.deck.deck import _output_deck
from flytekit.exceptions.base import FlyteRecoverableException
from flytekit.exceptions.system import FlyteNonRecoverableSystemException
from flytekit.exceptions.user import FlyteUserRuntimeException
from flytekit.extend.backend.base_connector import ConnectorRegistry, Resource, SyncConnectorBase
from flytekit.loggers import user_space_logger
from flytekit.models.core.identifier import Identifier, ResourceType, WorkflowExecutionIdentifier
from flytekit.models.dynamic_job import DynamicJobSpec
from flytekit.models.literals import LiteralMap
from flytekit.models.task import TaskTemplate
from flytekit.tools.module_loader import load_object_from_module
from flytekit.utils.asyn import run_sync

from utils.errors import BadInput, RadiantError
from utils.service_metrics import measured
from utils.settings import settings
from utils.warm import CODE_DIGEST, TASK_TYPE, Attempt, WarmTask, code_digest, running

execution_metadata: ContextVar[TaskExecutionMetadata | None] = ContextVar("execution_metadata", default=None)
"""Which node of which execution a request is for: the service sets it (utils/service.py)."""

THREADS = "warm"
"""What every thread that runs calls is named."""
_FAST = {"--additional-distribution": "distribution_location", "--dest-dir": "destination_dir"}


class WarmConnector(SyncConnectorBase):
    """Runs warm tasks in threads of this process, `service_threads` at a time; more wait for one."""

    name = "RADIANT warm tasks"

    def __init__(self) -> None:
        super().__init__(task_type_name=TASK_TYPE)
        self._under_way: dict[str, Future[Resource]] = {}

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(settings().service_threads, initializer=_share_event_loop)

    async def do(  # type: ignore[override]  # the service awaits what is a coroutine
        self, task_template: TaskTemplate, output_prefix: str, inputs: LiteralMap | None = None, **kwargs: Any
    ) -> Resource:
        """Runs one attempt of a node. Asked twice for the same (Flyte started anew), it waits for the one under way."""
        call = Call(task_template, output_prefix, inputs or LiteralMap({}), execution_metadata.get())
        under_way = self._under_way.get(output_prefix)
        if under_way is None:
            under_way = self._threads.submit(copy_context().run, call.run)
            self._under_way[output_prefix] = under_way
            under_way.add_done_callback(lambda _: self._under_way.pop(output_prefix, None))
        return await asyncio.shield(asyncio.wrap_future(under_way))

    def close(self) -> None:
        """Closes the connections to the storage, after the last call."""
        self._threads.submit(run_sync, _close_storage).result()


@dataclass(frozen=True)
class Call:
    """One attempt of one node, as Flyte asks for it."""

    template: TaskTemplate
    output_prefix: str
    inputs: LiteralMap
    metadata: TaskExecutionMetadata | None

    def run(self) -> Resource:
        """Its phase: outputs are in files, so that they may be larger than a message."""
        name = str(self.template.id.name)
        with measured(name) as measure:
            try:
                self._refuse_other_code()
                self._execute()
            except (Exception, SystemExit) as error:  # a task that exits must not end the service
                cause = _cause(error)
                measure.failed = True
                retryable = isinstance(cause, FlyteRecoverableException | OSError)
                phase = TaskExecution.RETRYABLE_FAILED if retryable else TaskExecution.FAILED
                return Resource(phase=phase, message=_message(cause))
            return Resource(phase=TaskExecution.SUCCEEDED)

    def _refuse_other_code(self) -> None:
        asked, here = (self.template.custom or {}).get(CODE_DIGEST, ""), code_digest()
        if asked != here:
            raise BadInput(
                f"this graph was registered from code {asked or 'without a digest'} and the service runs {here}: "
                "register again from the service's code, or deploy the graph's"
            )

    def _execute(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="radiant-call-"))
        # A new list of contexts: flytekit keeps one list in its variable, which copies of a context share.
        flyte_context_Var.set([flyte_context_Var.get()[0]])
        try:
            with FlyteContextManager.with_context(self._context(folder)) as context, running(self._attempt()):
                task = self._task()
                self._write(context, task, task.dispatch_execute(context, self.inputs))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _task(self) -> WarmTask:
        """A copy: what a @dynamic compiles is kept in the task."""
        args = self._args()
        at = args.index("--resolver")
        resolver = load_object_from_module(args[at + 1])
        task: WarmTask = copy(resolver.load_task(args[args.index("--", at) + 1 :]))
        return task

    def _write(self, context: FlyteContext, task: WarmTask, made: Any) -> None:
        """In one request: flytekit's way by a file of its own asks an object storage whether the target is a folder."""
        files = context.file_access.get_filesystem_for_path(self.output_prefix)
        outputs, futures = (f"{self.output_prefix}/{name}" for name in (OUTPUT_FILE_NAME, FUTURES_FILE_NAME))
        if isinstance(made, DynamicJobSpec):
            files.pipe_file(futures, made.to_flyte_idl().SerializeToString())
        else:
            literals = LiteralMap({}) if isinstance(made, VoidPromise) else made
            files.pipe_file(outputs, literals.to_flyte_idl().SerializeToString())
            if task.execution_mode == task.ExecutionBehavior.DYNAMIC and files.exists(futures):
                files.rm_file(futures)  # of an earlier asking, whose answer was lost: Flyte would follow it
        if task.enable_deck and context.user_space_params:
            _output_deck(task.name, context.user_space_params)

    def _context(self, folder: Path) -> FlyteContext.Builder:
        context = FlyteContextManager.current_context()
        files = FileAccessProvider(local_sandbox_dir=str(folder), raw_output_prefix=f"{self.output_prefix}/raw")
        context = context.new_builder().with_file_access(files).build()
        known = self._attempt()
        task = self.template.id
        parameters = ExecutionParameters(
            execution_id=WorkflowExecutionIdentifier(known.project, known.domain, known.execution),
            execution_date=datetime.now(UTC),
            stats=None,
            logging=user_space_logger,
            tmp_dir=str(folder),
            raw_output_prefix=f"{self.output_prefix}/raw",
            output_metadata_prefix=self.output_prefix,
            task_id=Identifier(ResourceType.TASK, task.project, task.domain, task.name, task.version),
        )
        state = context.new_execution_state(folder).with_params(
            mode=ExecutionState.Mode.TASK_EXECUTION, user_space_params=parameters
        )
        return (
            context.new_builder()
            .with_execution_state(state)
            .with_output_metadata_tracker(OutputMetadataTracker())
            .with_serialization_settings(self._serialization())
        )

    def _serialization(self) -> SerializationSettings:
        """As the graph was registered: what a @dynamic makes may yet run as a pod."""
        container, task, args = self._container(), self.template.id, self._args()
        env = {e["name"]: e.get("value", "") for e in container.get("env", []) if "valueFrom" not in e}
        env.pop(SERIALIZED_CONTEXT_ENV_VAR, None)  # a @dynamic's own: those that it makes get theirs
        fast = {field: args[args.index(flag) + 1] for flag, field in _FAST.items() if flag in args}
        return SerializationSettings(
            image_config=ImageConfig.from_images(container.get("image", "")),
            project=task.project,
            domain=task.domain,
            version=task.version,
            env=env,
            fast_serialization_settings=FastSerializationSettings(enabled=True, **fast) if fast else None,
        )

    def _container(self) -> dict[str, Any]:
        pod = self.template.k8s_pod
        if pod is None:
            raise RadiantError(f"task {self.template.id.name} has no pod template: register it again")
        primary = self.template.config["primary_container_name"]
        container: dict[str, Any] = next(c for c in pod.pod_spec["containers"] if c["name"] == primary)
        return container

    def _args(self) -> list[str]:
        return [str(a) for a in self._container()["args"]]

    def _attempt(self) -> Attempt:
        if self.metadata is None:
            raise RadiantError("the service is not told for which execution it runs: start it with `radiant serve`")
        task = self.metadata.task_execution_id
        node = task.node_execution_id
        execution = node.execution_id
        principal = self.metadata.identity.execution_identity
        return Attempt(execution.project, execution.domain, execution.name, node.node_id, task.retry_attempt, principal)


def _share_event_loop() -> None:
    """flytekit keeps an event loop, and with it a client of the storage, for each name of a thread."""
    threading.current_thread().name = THREADS


async def _close_storage() -> None:
    """s3fs leaves its asynchronous clients open, of which aiohttp complains when the process ends."""
    for files in sys.modules["s3fs"].S3FileSystem._cache.values() if "s3fs" in sys.modules else ():
        if files.asynchronous and (client := getattr(files, "_s3creator", None)):
            await client.__aexit__(None, None, None)


def _cause(error: BaseException) -> BaseException:
    """What was raised, by the task or by a conversion of its inputs or outputs: flytekit wraps it."""
    wrapped = isinstance(error, FlyteUserRuntimeException | FlyteNonRecoverableSystemException)
    cause: BaseException = error.value if wrapped else error  # type: ignore[attr-defined]
    return cause


def _message(error: BaseException) -> str:
    """What went wrong first, then where; of a person's mistake, or of a cap, only what."""
    if isinstance(error, RadiantError):
        said = f"{type(error).__name__}: {error.message}"
        if error.exit_code != RadiantError.exit_code:
            return said
    else:
        said = f"{type(error).__name__}: {error}"
    return f"{said}\n\n{''.join(traceback.format_exception(error))}"


class _Forgetful(dict[Any, Any]):
    """Keeps nothing that is put into it."""

    def __setitem__(self, key: Any, value: Any) -> None:
        """flytekit's cache of literals is not safe in threads: a @dynamic that compiles beside others lost a key."""


TypeEngine._LITERAL_CACHE = _Forgetful()  # type: ignore[assignment]
connector = WarmConnector()
ConnectorRegistry.register(connector, override=True)
