"""The always-on service that runs warm tasks: gRPC for Flyte, grpc health, Prometheus metrics, a graceful end.

flytekit's own `pyflyte serve connector` does not say for which execution a call is, and dies at once on SIGTERM with
what it runs; for all else its servicers are used.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

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
from utils.settings import settings

SERVICES = ("", "flyteidl.service.SyncAgentService", "flyteidl.service.AgentMetadataService")


class _WarmService(SyncConnectorService):
    """Hands the connector the execution's identity, which flytekit's servicer drops."""

    async def ExecuteTaskSync(  # noqa: N802
        self, request_iterator: AsyncIterator[ExecuteTaskSyncRequest], context: grpc.ServicerContext
    ) -> AsyncIterator[ExecuteTaskSyncResponse]:
        first = await anext(request_iterator)
        execution_metadata.set(first.header.task_execution_metadata)
        async for response in super().ExecuteTaskSync(_with_first(first, request_iterator), context):
            yield response


async def _with_first(
    first: ExecuteTaskSyncRequest, rest: AsyncIterator[ExecuteTaskSyncRequest]
) -> AsyncIterator[ExecuteTaskSyncRequest]:
    yield first
    async for request in rest:
        yield request


@dataclass(frozen=True)
class Ports:
    """Where the service listens; 0 lets the system choose, and no metrics are served."""

    grpc: int
    metrics: int = 0


async def serve(ports: Ports, ready: asyncio.Future[int] | None = None) -> None:
    """Serves until SIGTERM or SIGINT; then it takes no new calls and ends those under way, within `drain_seconds`.

    `ready` gets the port.
    """
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    health = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    add_SyncAgentServiceServicer_to_server(_WarmService(), server)
    add_AgentMetadataServiceServicer_to_server(ConnectorMetadataService(), server)
    port = server.add_insecure_port(f"[::]:{ports.grpc}")
    if ports.metrics:
        start_http_server(ports.metrics)
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await server.start()
    for service in SERVICES:
        await health.set(service, health_pb2.HealthCheckResponse.SERVING)
    if ready is not None:
        ready.set_result(port)
    await stop.wait()
    await health.enter_graceful_shutdown()
    await server.stop(settings().drain_seconds)
