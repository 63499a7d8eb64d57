"""A Flyte backend, and runs on it. Skipped, with the reason, where FLYTECTL_CONFIG names none."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flytekit.configuration import Config
from flytekit.remote import FlyteRemote, FlyteWorkflowExecution

from utils import db
from utils.settings import settings

PROJECT, DOMAIN = "flytesnacks", "development"
SECONDS = 600
ROOT = Path(__file__).parents[2]
PYFLYTE = "from flytekit.clis.sdk_in_container.pyflyte import main; main()"


@pytest.fixture(scope="session", autouse=True)
def _configured() -> None:
    if not os.environ.get("FLYTECTL_CONFIG"):
        pytest.skip("no Flyte backend: FLYTECTL_CONFIG is not set")
    if not os.environ.get("CLUSTER_RADIANT_HOME"):
        pytest.skip("CLUSTER_RADIANT_HOME does not say where the pods' database is")


@pytest.fixture(autouse=True)
def _cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The pods' database is CLUSTER_RADIANT_HOME's, which this process reads too."""
    monkeypatch.setenv("RADIANT_HOME", os.environ["CLUSTER_RADIANT_HOME"])
    settings.cache_clear()
    db.reset()
    yield
    db.reset()
    monkeypatch.undo()
    settings.cache_clear()


@dataclass(frozen=True)
class Execution:
    """One execution on the backend."""

    remote: FlyteRemote
    name: str

    def fetch(self) -> FlyteWorkflowExecution:
        return self.remote.fetch_execution(name=self.name)

    def open_gates(self) -> set[str]:
        return {s.id.signal_id for s in self.remote.list_signals(self.name)}

    def signal(self, gate: str, value: str) -> None:
        self.remote.set_input(gate, self.name, value, python_type=str)

    def until(self, done: Callable[[], bool], what: str) -> None:
        """Polls until it is so; a failed execution, or none in time, fails the test."""
        end = time.monotonic() + SECONDS
        while not done():  # the API has no call that waits for a gate
            error = self.fetch().closure.error
            assert error is None, f"{self.name}: {error.message}"
            assert time.monotonic() < end, f"{self.name}: {what} did not happen in {SECONDS} s"
            time.sleep(1)

    def failure(self) -> str:
        """The message with which it failed, once it has."""
        end = time.monotonic() + SECONDS
        while not self.fetch().is_done:
            assert time.monotonic() < end, f"{self.name} did not end in {SECONDS} s"
            time.sleep(1)
        error = self.fetch().closure.error
        assert error is not None, f"{self.name} succeeded"
        return str(error.message)

    def deck(self, node: str) -> str:
        """The page that the console shows for a node."""
        uri = self.remote.sync_execution(self.fetch(), sync_nodes=True).node_executions[node].closure.deck_uri
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "deck.html"
            self.remote.file_access.get_data(uri, str(page))
            return page.read_text()

    def finish(self) -> FlyteWorkflowExecution:
        """The execution once it has succeeded, with its nodes and outputs."""
        self.until(lambda: self.fetch().is_done, "the end")
        return self.remote.sync_execution(self.fetch(), sync_nodes=True)


Launch = Callable[..., Execution]


@pytest.fixture(scope="session")
def remote() -> FlyteRemote:
    config = Config.auto(os.environ.get("FLYTECTL_CONFIG"))
    return FlyteRemote(config, default_project=PROJECT, default_domain=DOMAIN)


@pytest.fixture
def launch(remote: FlyteRemote) -> Launch:
    """`pyflyte run --remote` of a workflow in its file, with the code that is here, or in another root."""

    def launched(file: str, workflow: str, *words: str, root: Path = ROOT) -> Execution:
        done = subprocess.run(
            [sys.executable, "-c", PYFLYTE, "run", "--remote", "--copy", "all", file, workflow, *words],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd=root,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return Execution(remote, done.stdout.partition("/executions/")[2].split()[0])

    return launched
