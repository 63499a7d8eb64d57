"""Warm tasks: a task of this project runs in an always-on service, or as a pod where a cluster has no such service.

`task_config=Warm()` makes a @task or a @dynamic one. Locally it is a plain function. On a cluster Flyte hands it to
the connector service for its task type (utils/connector.py), and where no service is configured, to a pod. Nothing
that is built of such tasks knows which.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from flytekit import PodTemplate, PythonFunctionTask, Secret
from flytekit.configuration import SerializationSettings
from flytekit.core.context_manager import ExecutionState, FlyteContextManager, FlyteEntities
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.extend import TaskPlugins
from flytekit.tools.translator import prefix_with_fast_execute

from utils.db import outlast
from utils.errors import DatabaseUnavailable
from utils.models import KEY_ENV
from utils.telemetry import task_span

Kind = Literal["calls", "light"]
TASK_TYPE = "radiant_warm"
CODE_DIGEST = "code_digest"
PACKAGES = ("workflows", "tasks", "utils", "migrations")
SECRET_GROUP = "radiant"  # noqa: S105  (its name, not a secret)
SECRET_KEYS = (
    "DATABASE_URL",
    "DATABASE_MAINTENANCE_URL",
    "RADIANT_HMAC_KEY",
    "RADIANT_WEBHOOK_SECRET",
    "LITELLM_PROXY_URL",
    "LITELLM_API_KEY",
    *KEY_ENV.values(),
)
"""What a pod may need, each a key of the cluster's secret `radiant`; one that is not there is left out."""


@dataclass(frozen=True)
class Warm:
    """The configuration of a warm task. `kind` says which resources its pod gets (PODS)."""

    kind: Kind = "light"


@dataclass(frozen=True)
class _Pod:
    cpu: str
    memory: str
    memory_limit: str


PODS: dict[Kind, _Pod] = {
    "calls": _Pod("500m", "1Gi", "2Gi"),
    "light": _Pod("250m", "512Mi", "1Gi"),
}
"""What a pod of each kind asks for. A task that calls models holds LiteLLM and Presidio."""


@dataclass(frozen=True)
class Attempt:
    """Which attempt of which node of which execution runs here; `node` is empty in a pod, which is not told it."""

    project: str
    domain: str
    execution: str
    node: str
    number: int
    principal: str = ""


class WarmTask(PythonFunctionTask[Warm]):
    """A @task or @dynamic of this project, as the service or a pod runs it."""

    def __init__(self, task_config: Warm, task_function: Callable[..., Any], **kwargs: Any) -> None:
        kwargs["secret_requests"] = [*_secrets(), *(kwargs.get("secret_requests") or [])]
        super().__init__(task_config=task_config, task_type=TASK_TYPE, task_function=task_function, **kwargs)

    @property
    def pod_template(self) -> PodTemplate:
        """Made when it is asked for: kubernetes takes a second to import, which `--help` need not wait for."""
        return self._pod_template or _pod_template((self.task_config or Warm()).kind)

    @pod_template.setter
    def pod_template(self, given: PodTemplate | None) -> None:
        self._pod_template = given

    def get_custom(self, settings: SerializationSettings) -> dict[str, Any]:
        return {CODE_DIGEST: code_digest()}

    def get_command(self, settings: SerializationSettings) -> list[str]:
        """From the settings alone: flytekit sets it on the task, which @dynamics that compile at once share."""
        command: list[str] = self.get_default_command(settings)
        return prefix_with_fast_execute(settings, command) if settings.should_fast_serialize() else command

    def execute(self, **kwargs: Any) -> Any:
        """On a cluster it outlasts a database that restarts, past which Flyte tries the node again.

        The ledger makes the second try cost nothing.
        """
        state = FlyteContextManager.current_context().execution_state
        if state is None or state.mode != ExecutionState.Mode.TASK_EXECUTION:
            return super().execute(**kwargs)

        from psycopg2 import InterfaceError, OperationalError

        def once() -> Any:
            self._wf = None  # what a @dynamic compiled in a try that broke off
            try:
                return super(WarmTask, self).execute(**kwargs)
            finally:
                self._forget_compiled()

        here = attempt() or Attempt("", "", "", "", 0)
        with task_span(self.name, kwargs, execution=here.execution, node=here.node, attempt=here.number):
            try:
                return outlast(once)
            except (DatabaseUnavailable, OperationalError, InterfaceError) as error:
                raise FlyteRecoverableException(f"the database is away: {error}") from error

    def _forget_compiled(self) -> None:
        """flytekit lists every workflow that a process makes: a service would keep each that a @dynamic compiled."""
        if self._wf is not None:
            FlyteEntities.entities.remove(self._wf)


@cache
def code_digest() -> str:
    """The digest of the code that a graph is registered from and that a service runs."""
    return digest_of(Path(__file__).parents[1])


def digest_of(root: Path) -> str:
    """The digest of the project in a folder: the names and the contents of its files."""
    found = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted(p for p in (root / package).rglob("*") if p.suffix in _CODE):
            found.update(f"{file.relative_to(root).as_posix()}\0".encode())
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


_CODE = {".py", ".sql", ".html", ".yaml", ".csv"}
_attempt: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def attempt() -> Attempt | None:
    """The attempt that runs here, in the service or in a pod; None outside of a cluster."""
    if (known := _attempt.get()) is not None:
        return known
    name = os.environ.get("FLYTE_INTERNAL_EXECUTION_ID", "")
    if not name:
        return None
    return Attempt(
        os.environ.get("FLYTE_INTERNAL_EXECUTION_PROJECT", ""),
        os.environ.get("FLYTE_INTERNAL_EXECUTION_DOMAIN", ""),
        name,
        "",
        int(os.environ.get("FLYTE_ATTEMPT_NUMBER") or 0),
    )


@contextmanager
def running(known: Attempt) -> Iterator[None]:
    """Says to what runs within which attempt it is."""
    token = _attempt.set(known)
    try:
        yield
    finally:
        _attempt.reset(token)


def _secrets() -> list[Secret]:
    return [
        Secret(group=SECRET_GROUP, key=key, env_var=key, mount_requirement=Secret.MountType.ENV_VAR)
        for key in SECRET_KEYS
    ]


@cache
def _pod_template(kind: Kind) -> PodTemplate:
    from kubernetes.client import V1Container, V1PodSpec, V1ResourceRequirements

    pod = PODS[kind]
    resources = V1ResourceRequirements(
        requests={"cpu": pod.cpu, "memory": pod.memory}, limits={"memory": pod.memory_limit}
    )
    spec = V1PodSpec(containers=[V1Container(name="primary", resources=resources)])
    return PodTemplate(pod_spec=spec, primary_container_name="primary", labels={"app": "radiant", "kind": kind})


TaskPlugins.register_pythontask_plugin(Warm, WarmTask)
