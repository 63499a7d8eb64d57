"""The always-on service: its health and metrics, and how it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import grpc
import pytest
from flyteidl.admin.agent_pb2 import ListAgentsRequest
from flyteidl.service.agent_pb2_grpc import AgentMetadataServiceStub
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub
from prometheus_client.parser import text_string_to_metric_families

from tests.utils import warm_tasks
from tests.utils.warm_calls import FAILED, SUCCEEDED, Ask, Flyte
from utils.errors import BadInput
from utils.service import SERVICES, Ports, serve, serving
from utils.settings import settings
from utils.warm import TASK_TYPE, code_digest

ROOT = Path(__file__).parents[2]
SECONDS = 60.0
SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


@pytest.fixture(autouse=True)
def _fresh() -> None:
    warm_tasks.reset()


@pytest.fixture
def port() -> int:
    """One on which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("", 0))
        return int(taken.getsockname()[1])


def channel_to(port: int) -> grpc.aio.Channel:
    return grpc.aio.insecure_channel(f"127.0.0.1:{port}")


def health_of(channel: grpc.aio.Channel) -> Any:
    return HealthStub(channel)


async def began(name: str, tmp_path: Path, flyte: Flyte) -> "asyncio.Task[Any]":
    """A call that has begun, and ends when it is let."""
    call = asyncio.create_task(flyte.ask(Ask(warm_tasks.holding, tmp_path / name, {"name": name})))
    await asyncio.to_thread(warm_tasks.began.wait, warm_tasks.WAIT)
    return call


def test_flyte_finds_the_connector_for_its_task_type() -> None:
    async def agents() -> Any:
        async with serving(Ports(0)) as service, channel_to(service.port) as channel:
            return await AgentMetadataServiceStub(channel).ListAgents(ListAgentsRequest())

    [agent] = [a for a in asyncio.run(agents()).agents if TASK_TYPE in [c.name for c in a.supported_task_categories]]
    assert agent.is_sync


def test_while_it_drains_it_says_so_ends_what_it_runs_and_refuses_more(tmp_path: Path) -> None:
    async def watched() -> tuple[list[int], Any, grpc.StatusCode]:
        told = []
        async with serving(Ports(0)) as service:
            channel = channel_to(service.port)
            flyte, health = Flyte(channel), health_of(channel)
            for name in SERVICES:
                assert (await health.Check(HealthCheckRequest(service=name))).status == SERVING
            watch = health.Watch(HealthCheckRequest())
            told.append((await watch.read()).status)
            call = await began("held", tmp_path, flyte)

            async def end() -> None:
                told.append((await watch.read()).status)
                refused.append(await refusal(flyte, tmp_path))
                warm_tasks.ends.set()

            refused: list[grpc.StatusCode] = []
            ending = asyncio.create_task(end())
        await ending
        answer = await call
        await channel.close()
        return told, answer, refused[0]

    told, answer, refused = asyncio.run(asyncio.wait_for(watched(), SECONDS))
    assert told == [SERVING, NOT_SERVING]
    assert answer.phase == SUCCEEDED
    assert refused == grpc.StatusCode.UNAVAILABLE


async def refusal(flyte: Flyte, tmp_path: Path) -> grpc.StatusCode:
    """How a service that ends refuses a call; one that comes just then is answered, or cancelled (grpc issue 41785)."""
    while True:
        try:
            await flyte.ask(Ask(warm_tasks.add, tmp_path / "late", {"a": 1, "b": 1}), wait=False)
        except grpc.aio.AioRpcError as error:
            code: grpc.StatusCode = error.code()
            if code not in (grpc.StatusCode.CANCELLED, grpc.StatusCode.INTERNAL):
                return code


def test_who_watches_the_health_does_not_keep_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def watched() -> None:
        async with serving(Ports(0)) as service:
            channel = channel_to(service.port)
            watch = health_of(channel).Watch(HealthCheckRequest())
            await watch.read()
        await channel.close()

    assert settings().drain_seconds > SECONDS
    asyncio.run(asyncio.wait_for(watched(), SECONDS / 2))


def test_a_call_that_does_not_end_in_time_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RADIANT_DRAIN_SECONDS", "0.1")
    settings.cache_clear()

    async def ended_by_signal() -> int:
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        service = asyncio.create_task(serve(Ports(0), listening.set_result))
        async with channel_to(await listening) as channel:
            call = await began("held", tmp_path, Flyte(channel))
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError):
                await call
        return await service

    try:
        assert asyncio.run(asyncio.wait_for(ended_by_signal(), SECONDS)) == 1
    finally:
        warm_tasks.ends.set()
        settings.cache_clear()


def test_a_port_that_is_taken_is_one_line(port: int) -> None:
    async def twice(first: Ports, second: Ports) -> None:
        async with serving(first), serving(second):
            pass

    with pytest.raises(BadInput, match=f"port {port} cannot be listened on.*another --port"):
        asyncio.run(twice(Ports(port), Ports(port)))
    with pytest.raises(BadInput, match=f"port {port} cannot be listened on.*another --metrics-port"):
        asyncio.run(twice(Ports(0, port), Ports(0, port)))


def test_metrics_show_calls_latency_failures_and_what_is_in_flight_by_task(port: int, tmp_path: Path) -> None:
    async def measured() -> list[dict[str, float]]:
        async with serving(Ports(0, port)) as service, channel_to(service.port) as channel:
            flyte, found = Flyte(channel), [await scraped(port)]
            call = await began("held", tmp_path, flyte)
            found.append(await scraped(port))
            warm_tasks.ends.set()
            assert (await call).phase == SUCCEEDED
            failing = Ask(warm_tasks.failing, tmp_path / "failing", {"how": "wrong"})
            assert (await flyte.ask(failing)).phase == FAILED
            return [*found, await scraped(port)]

    before, during, after = asyncio.run(asyncio.wait_for(measured(), SECONDS))

    def grown(at: dict[str, float], name: str, task: str) -> float:
        key = f"radiant_{name}:tests.utils.warm_tasks.{task}"
        return at.get(key, 0.0) - before.get(key, 0.0)

    assert [at["radiant_asked:"] for at in (before, during, after)] == [0, 1, 0]
    assert grown(during, "in_flight", "holding") == 1
    assert grown(during, "calls_total", "holding") == 0
    for task, failures in (("holding", 0), ("failing", 1)):
        assert grown(after, "in_flight", task) == 0
        assert grown(after, "calls_total", task) == 1
        assert grown(after, "failures_total", task) == failures
        assert grown(after, "call_seconds_count", task) == 1
        assert grown(after, "call_seconds_sum", task) > 0


async def scraped(port: int) -> dict[str, float]:
    """What Prometheus reads there: `metric:task` -> value."""

    def read() -> str:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as page:
            text: str = page.read().decode()
            return text

    families = text_string_to_metric_families(await asyncio.to_thread(read))
    return {f"{s.name}:{s.labels.get('task', '')}": s.value for family in families for s in family.samples}


class _Objects(BaseHTTPRequestHandler):
    """An S3 that takes objects."""

    protocol_version = "HTTP/1.1"

    stored: list[str]

    def do_GET(self) -> None:
        """What lies below a path: nothing."""
        self._answer(b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>")

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.stored.append(self.path)
        self._answer(b"")

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("ETag", '"0"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Nothing."""


@contextmanager
def objects() -> Iterator[tuple[str, list[str]]]:
    """An S3's address, and the paths that were stored in it."""

    class Here(_Objects):
        stored: list[str] = []  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Here) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", Here.stored
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def radiant_serve(**environment: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """`radiant serve` as a process of its own, and its port."""
    known = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    command = [sys.executable, "-c", RADIANT, "serve", "--port", "0", "--metrics-port", "0"]
    with subprocess.Popen(command, env=known, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            assert said.startswith(f"radiant serves code {code_digest()} on port "), said
            yield process, int(said.split()[-1])
        finally:
            process.kill()


RADIANT = "from scripts.radiant import main; main()"


@asynccontextmanager
async def under_way(flyte: Flyte, prefix: Path) -> AsyncIterator[tuple["asyncio.Task[Any]", asyncio.StreamWriter]]:
    """A call that has begun in another process, and what it ends with when that is written."""
    begun: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    async with await asyncio.start_server(lambda _, writer: begun.set_result(writer), "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        call = asyncio.create_task(flyte.ask(Ask(warm_tasks.calling, prefix, {"port": port})))
        await asyncio.wait([call, begun], return_when=asyncio.FIRST_COMPLETED)
        assert begun.done(), call.result().message
        yield call, begun.result()
        begun.result().close()


@pytest.mark.usefixtures("database")
def test_told_to_end_it_answers_what_it_runs_and_ends_in_silence(tmp_path: Path) -> None:
    async def ended(process: subprocess.Popen[str], port: int) -> list[Any]:
        async with channel_to(port) as channel, channel_to(port) as other:
            flyte, watch = Flyte(channel), health_of(other).Watch(HealthCheckRequest())
            stored = await flyte.ask(Ask(warm_tasks.shown, "s3://flyte/data", {"html": "An answer"}))
            async with under_way(flyte, tmp_path / "held") as (held, writer):
                await watch.read()
                process.send_signal(signal.SIGTERM)
                assert (await watch.read()).status == NOT_SERVING
                refused = await refusal(Flyte(other), tmp_path)
                writer.write(b"ended")
                return [stored, refused, await held]

    with objects() as (url, paths):
        secrets = {"FLYTE_AWS_ACCESS_KEY_ID": "a", "FLYTE_AWS_SECRET_ACCESS_KEY": "b", "FLYTE_AWS_ENDPOINT": url}
        with radiant_serve(**secrets) as (process, port):
            stored, refused, held = asyncio.run(asyncio.wait_for(ended(process, port), SECONDS))
            _, said = process.communicate(timeout=SECONDS)
    assert (stored.phase, stored.message) == (SUCCEEDED, "")
    assert paths == ["/flyte/data/outputs.pb", "/flyte/data/deck.html"], "by a client of each of flytekit's kinds"
    assert refused == grpc.StatusCode.UNAVAILABLE
    assert held.phase == SUCCEEDED
    assert (process.returncode, said) == (0, "")


@pytest.mark.usefixtures("database")
def test_what_does_not_end_in_time_does_not_keep_the_process(tmp_path: Path) -> None:
    async def ended(process: subprocess.Popen[str], port: int) -> None:
        async with channel_to(port) as channel, under_way(Flyte(channel), tmp_path / "held") as (held, _):
            process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError):
                await held

    with radiant_serve(RADIANT_DRAIN_SECONDS="0.1") as (process, port):
        asyncio.run(asyncio.wait_for(ended(process, port), SECONDS))
        _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert said == "ended with 1 calls under way, after RADIANT_DRAIN_SECONDS: Flyte makes them again\n"
