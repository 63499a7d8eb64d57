"""`radiant register` on a Flyte backend: everything, twice, with its schedules, and a run of what it registered."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from flytekit.configuration import Config
from flytekit.remote import FlyteRemote

from scripts.registration import Cluster, launch_plans, workflow_modules
from tasks.result import Result
from tests.cluster.conftest import PROJECT, Execution
from tests.test_readme import REGISTER

pytestmark = pytest.mark.cluster
DOMAIN = "staging"
"""The other tests of a cluster use another: schedules and versions here are these tests' alone."""
RADIANT = "from scripts.radiant import main; main()"
SCHEDULED = {plan.name for plan in launch_plans()}


def register(*arguments: str, image: str = "radiant:test") -> subprocess.CompletedProcess[str]:
    """`radiant register` in a process of its own, of the files as they are."""
    words = ("register", "--project", PROJECT, "--domain", DOMAIN, "--image", image, "--allow-dirty", *arguments)
    return subprocess.run(
        [sys.executable, "-c", RADIANT, *words], capture_output=True, text=True, timeout=300, check=False
    )


def registered(*arguments: str) -> str:
    done = register(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def version() -> str:
    return f"test-{uuid4().hex[:8]}"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Ends what schedules the test activated."""
    found = Cluster(PROJECT, DOMAIN)
    yield found
    for name, active in found.active().items():
        found.deactivate(name, active)


def test_everything_is_registered_once(version: str, cluster: Cluster) -> None:
    everything = len(workflow_modules())
    assert f" {everything} workflows, {everything + len(SCHEDULED)} launch plans" in registered("--version", version)
    assert cluster.active() == {}

    assert registered("--version", version).startswith(f"registered nothing as version {version}")
    lines = registered("--version", version, "--dry-run").splitlines()[1:]
    assert {re.split(r"  +", line)[3] for line in lines} == {"exists"}
    assert len([line for line in lines if line.startswith("workflow ")]) == everything

    other = register("--version", version, image="radiant:other")
    assert other.returncode == 2
    assert f"version {version} is there with other content: give another --version" in other.stderr
    assert other.stderr.count("\n") == 1


def test_a_dry_run_writes_nothing() -> None:
    version = f"test-{uuid4().hex[:8]}"
    for _ in range(2):
        lines = registered("self_refine", "--version", version, "--dry-run").splitlines()[1:]
        assert {re.split(r"  +", line)[3] for line in lines} == {"new"}


def test_schedules_are_of_the_version_that_was_activated_last(version: str, cluster: Cluster) -> None:
    assert f"{len(SCHEDULED)} schedules activated" in registered("--version", version, "--activate")
    assert cluster.active() == dict.fromkeys(SCHEDULED, version)
    assert "0 schedules activated" in registered("--version", version, "--activate")

    later = f"{version}-later"
    would = registered("integrity_report", "--version", later, "--activate", "--dry-run")
    assert would.count("would be activated") == 1
    assert cluster.active() == dict.fromkeys(SCHEDULED, version)
    assert "1 schedule activated" in registered("integrity_report", "--version", later, "--activate")
    assert cluster.active() == dict.fromkeys(SCHEDULED, version) | {"maintenance.integrity_report": later}


@pytest.mark.parametrize("command", REGISTER)
@pytest.mark.usefixtures("cluster")
def test_what_the_readme_tells_to_type_is_done(command: str) -> None:
    registered(*shlex.split(command)[2:])


def test_what_is_registered_runs(version: str) -> None:
    registered("self_refine", "--version", version)
    remote = FlyteRemote(Config.auto(os.environ["FLYTECTL_CONFIG"]), default_project=PROJECT, default_domain=DOMAIN)
    plan = remote.fetch_launch_plan(name="workflows.catalogue.self_refine", version=version)
    started = remote.execute(plan, inputs={"prompt": "Is 17 a prime number?"})
    ended = Execution(remote, started.id.name).finish()
    assert ended.outputs is not None
    assert ended.outputs.get("result", as_type=Result).answer


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--project", "flytesnack"), "unknown project 'flytesnack': did you mean flytesnacks?"),
        (("--domain", "stagin"), "unknown domain 'stagin': did you mean staging?"),
    ],
)
def test_a_place_that_the_cluster_does_not_have_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    done = register("think_tank", *arguments)
    assert done.returncode == 2
    assert done.stderr == f"error: {says}\n"
