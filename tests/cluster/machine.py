"""The machine's parts that the tests of a cluster start, kill and start again: the warm service and the lab's Flyte.

`python -m tests.cluster.machine` starts the service, as `.ci/run` does: its state is in CLUSTER_RADIANT_HOME.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

PORT = 8000
FLYTE = "http://localhost:8088/api/v1/projects"
SERVE = "from scripts.radiant import main; main()"
LAB = Path(os.environ.get("FLYTELAB_HOME", Path.home() / ".flytelab"))
PATIENCE = 60.0
_started: list[subprocess.Popen[bytes]] = []
"""Kept, so that Python does not warn of processes that outlive it."""


def home() -> Path:
    return Path(os.environ["CLUSTER_RADIANT_HOME"])


def start_service(call_seconds: float = 0.1) -> None:
    """Starts the service, whose calls take so long, in a process of its own, and waits until it serves."""
    home().mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-c", SERVE, "serve", "--port", str(PORT), "--metrics-port", "0"]
    started = _start(
        command, home() / "service.log", RADIANT_HOME=str(home()), RADIANT_REHEARSAL_LATENCY=str(call_seconds)
    )
    _pid_file().write_text(str(started.pid))
    _until(_serves, started, home() / "service.log")


def service_pid() -> int:
    return int(_pid_file().read_text())


def kill_service() -> None:
    """As a machine that loses power."""
    os.kill(service_pid(), signal.SIGKILL)


def replace_service(call_seconds: float = 0.1) -> None:
    """Another in its place, as Kubernetes does it: the first ends what is under way."""
    os.kill(service_pid(), signal.SIGTERM)
    end = time.monotonic() + PATIENCE
    while _serves() and time.monotonic() < end:
        time.sleep(0.1)
    start_service(call_seconds)


def service_memory() -> int:
    """Resident bytes of the service."""
    status = Path(f"/proc/{service_pid()}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def kill_database() -> None:
    """Every process of the embedded server, at once. Whoever needs it next starts it again."""
    data = home() / "postgres"
    pid = int(next(data.rglob("postmaster.pid")).read_text().split()[0])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in (pid, *map(int, children)):
        os.kill(process, signal.SIGKILL)


def restart_flyte() -> None:
    """Kills the lab's Flyte (admin, propeller, scheduler: one process) and starts it again, seconds later."""
    pid = LAB / "state" / "flyte.pid"
    os.killpg(int(pid.read_text()), signal.SIGKILL)
    time.sleep(3)
    command = [str(LAB / "flyte"), "start", "--config", str(LAB / "state" / "flyte.yaml")]
    started = _start(command, LAB / "state" / "flyte.log", LAB / "state")
    pid.write_text(str(started.pid))
    _until(_flyte_answers, started, LAB / "state" / "flyte.log")


def _until(ready: Callable[[], bool], started: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while not ready():
        if started.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"it did not start: see {log}")
        time.sleep(0.1)


def _flyte_answers() -> bool:
    try:
        return requests.get(FLYTE, timeout=1).ok
    except requests.ConnectionError:
        return False


def _start(command: list[str], log: Path, cwd: Path | None = None, **env: str) -> subprocess.Popen[bytes]:
    """A process that outlives this one."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            env={**os.environ, **env},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            cwd=cwd,
            start_new_session=True,
        )
    _started.append(started)
    return started


def _serves() -> bool:
    with grpc.insecure_channel(f"localhost:{PORT}") as channel:
        try:
            check = health_pb2_grpc.HealthStub(channel).Check  # type: ignore[attr-defined]  # of typeshed's stubs
            answer = check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _pid_file() -> Path:
    return home() / "service.pid"


if __name__ == "__main__":
    start_service()
