"""What `radiant ... --remote` says where there is no cluster, or none that answers."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flytekit.configuration.file import get_config_file

from tests.scripts.conftest import Radiant, Tenant
from utils.reviews import find_review

PATH = "settle@1/review"
LOADED = """
import sys
from scripts.radiant import main
main(sys.argv[1:], standalone_mode=False)
print("flytekit" in sys.modules)
"""


@pytest.fixture
def no_cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Neither a variable nor a file names one."""
    get_config_file.cache_clear()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("FLYTECTL_CONFIG", "FLYTE_PLATFORM_URL"):
        monkeypatch.delenv(name, raising=False)
    yield
    get_config_file.cache_clear()


@pytest.fixture
def dead_cluster(no_cluster: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A configuration names one, and nothing listens there."""
    config = tmp_path / "flyte.yaml"
    config.write_text('admin: {endpoint: "dns:///127.0.0.1:1", insecure: true}\n')
    monkeypatch.setenv("FLYTECTL_CONFIG", str(config))


@pytest.mark.usefixtures("no_cluster")
def test_without_a_cluster_remote_says_what_to_set(ours: Tenant, refused: Callable[..., str]) -> None:
    run_id = ours.waiting()
    for arguments in (("inbox",), ("show", run_id), ("approve", run_id), ("revise", run_id, "--guidance", "x")):
        assert "no Flyte cluster is configured: set FLYTECTL_CONFIG" in refused(*arguments, "--remote")
    assert _status(ours, run_id) == "open"


@pytest.mark.usefixtures("no_cluster")
def test_without_a_cluster_a_decision_is_a_local_one(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    assert radiant("approve", run_id).stdout == f"run {run_id}: approved; go on with `radiant resume {run_id}`\n"


@pytest.mark.usefixtures("dead_cluster")
def test_a_cluster_that_does_not_answer_decides_nothing(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    for arguments in (("inbox", "--remote"), ("show", run_id, "--remote"), ("approve", run_id), ("reject", run_id)):
        result = radiant(*arguments)
        assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert "the Flyte cluster at 127.0.0.1:1 does not answer" in result.stderr
    assert "--no-remote decides a run that is not there" in radiant("approve", run_id).stderr
    assert _status(ours, run_id) == "open"
    assert radiant("approve", run_id, "--no-remote").exit_code == 0
    assert _status(ours, run_id) == "decided"


@pytest.mark.usefixtures("dead_cluster")
def test_the_local_inbox_asks_no_cluster(ours: Tenant) -> None:
    ours.waiting()
    assert not _loads_flytekit("inbox")


@pytest.mark.usefixtures("no_cluster")
def test_a_decision_without_a_cluster_does_not_load_flytekit(ours: Tenant) -> None:
    assert not _loads_flytekit("approve", ours.waiting())


def _loads_flytekit(*arguments: str) -> bool:
    done = subprocess.run([sys.executable, "-c", LOADED, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1] == "True"


def _status(tenant: Tenant, run_id: str) -> str:
    review = find_review(tenant.id, run_id, PATH)
    assert review
    return review.status
