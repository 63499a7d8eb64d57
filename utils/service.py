"""The always-on service that runs warm tasks: gRPC for Flyte, grpc health, Prometheus metrics, a graceful end.

flytekit's own `pyflyte serve connector` does not say for which execution a call is, and dies at once on SIGTERM with
what it runs; for all else its servicers are used.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import grpc
from flyteidl.admin.agent_pb2 import ExecuteTaskSyncRequest, ExecuteTaskSyncResponse
from flyteidl.service.agent_pb2_grpc import (
    add_AgentMetadataServiceServicer_to_server,
    add_SyncAgentServiceServicer_to_server,
)
from flytekit.extend.backend.connector_service import ConnectorMetadataService, SyncConnectorService
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from prometheus_client import start_http_server

from utils.connector import execution_metadata
from utils.errors import BadInput
from utils.service_metrics import ASKED
from utils.settings import settings

SERVICES = ("", "flyteidl.service.SyncAgentService", "flyteidl.service.AgentMetadataService")


@dataclass(frozen=True)
class Ports:
    """Where the service listens: for Flyte, where 0 lets the system choose, and for Prometheus, where 0 is nowhere."""

    grpc: int
    metrics: int = 0


class Service(SyncConnectorService):
    """Hands the connector the execution's identity, which flytekit's servicer drops; counts the calls under way."""

    def __init__(self) -> None:
        self.port = 0
        self.calls = 0
        self._answered = asyncio.Event()

    async def ExecuteTaskSync(  # noqa: N802
        self, request_iterator: AsyncIterator[ExecuteTaskSyncRequest], context: grpc.ServicerContext
    ) -> AsyncIterator[ExecuteTaskSyncResponse]:
        first = await anext(request_iterator)
        header = first.header
        execution_metadata.set(header.task_execution_metadata if header.HasField("task_execution_metadata") else None)
        self.calls += 1
        try:
            with ASKED.track_inprogress():
                async for response in super().ExecuteTaskSync(_with_first(first, request_iterator), context):
                    yield response
        finally:
            self.calls -= 1
            self._answered.set()

    async def all_answered(self) -> None:
        while self.calls:
            self._answered.clear()
            await self._answered.wait()


async def _with_first(
    first: ExecuteTaskSyncRequest, rest: AsyncIterator[ExecuteTaskSyncRequest]
) -> AsyncIterator[ExecuteTaskSyncRequest]:
    yield first
    async for request in rest:
        yield request


async def serve(ports: Ports, told: Callable[[int], None]) -> int:
    """Serves until SIGTERM or SIGINT; gives how many calls had not ended `drain_seconds` later.

    `told` is called with the port once it serves. Raises BadInput where a port is taken.
    """
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with serving(ports) as service:
        told(service.port)
        await stop.wait()
    return service.calls


@asynccontextmanager
async def serving(ports: Ports) -> AsyncIterator[Service]:
    """Serves within; then it takes no new calls and ends those under way, within `drain_seconds`."""
    server, service, health = grpc.aio.server(options=OPTIONS), Service(), HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    add_SyncAgentServiceServicer_to_server(service, server)
    add_AgentMetadataServiceServicer_to_server(ConnectorMetadataService(), server)
    try:
        service.port = server.add_insecure_port(f"[::]:{ports.grpc}")
    except RuntimeError:
        raise _taken("--port", ports.grpc) from None
    with _metrics(ports.metrics):
        await server.start()
        for name in SERVICES:
            await health.set(name, health_pb2.HealthCheckResponse.SERVING)
        try:
            yield service
        finally:
            await health.enter_graceful_shutdown()
            await _drain(server, service)


async def _drain(server: Any, service: Service) -> None:
    """Who watches the health keeps a call open: it is not waited for."""
    refusing = asyncio.create_task(server.stop(settings().drain_seconds))
    with suppress(TimeoutError):
        await asyncio.wait_for(service.all_answered(), settings().drain_seconds)
    left = service.calls
    await server.stop(SECONDS_TO_ANSWER)
    await refusing
    service.calls = left


@contextmanager
def _metrics(port: int) -> Iterator[None]:
    if not port:
        yield
        return
    try:
        server, thread = start_http_server(port)
    except OSError:
        raise _taken("--metrics-port", port) from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _taken(option: str, port: int) -> BadInput:
    return BadInput(f"port {port} cannot be listened on, something else may do so: give another {option}")


SECONDS_TO_ANSWER = 0.5
OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.so_reuseport", 0),  # else a second service on the port takes half of the calls
)
