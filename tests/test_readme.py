"""What the README tells people to type is what there is."""

import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner
from flytekit.configuration.file import get_config_file

from scripts.radiant import main as radiant_main
from tests.pyflyte import pyflyte_run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
INLINE = re.findall(r"`((?:pyflyte run|radiant) [^`]+)`", README)
REGISTER = [c for c in (*INLINE, *"".join(BLOCKS).splitlines()) if c.startswith("radiant register")]
"""tests/cluster/test_register.py runs them on a cluster."""


def test_its_first_block_is_the_main_job_and_its_second_the_tests() -> None:
    first, second, deployed, remote = BLOCKS
    assert first.count("\n") == second.count("\n") == 1
    assert "pyflyte run workflows/think_tank.py think_tank --prompt" in first
    assert second.strip().endswith("-m pytest -n 2")
    assert "-c constraints.txt" in first
    assert "-c constraints.txt" in second
    assert "radiant register" in deployed
    assert "--remote" in remote


def test_what_is_deployed_is_there() -> None:
    files = re.findall(r"scripts/deploy/\S+\.yaml", BLOCKS[2])
    assert len(files) == 2
    assert all((ROOT / file).exists() for file in files)


@pytest.mark.parametrize("command", REGISTER)
def test_each_way_to_register_asks_for_a_cluster(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FLYTECTL_CONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    get_config_file.cache_clear()
    words = [*shlex.split(command)[1:], "--image", "radiant:test", "--allow-dirty"]
    done = CliRunner().invoke(radiant_main, words, prog_name="radiant")
    assert done.exit_code == 2
    assert "no Flyte cluster is configured" in done.stderr


@pytest.mark.usefixtures("no_provider", "database")
def test_the_first_command_answers() -> None:
    words = shlex.split(BLOCKS[0].rpartition("&&")[2])
    done = pyflyte_run(*words[2:])
    assert done.exit_code == 0, done
    assert "status" in done.stdout


@pytest.mark.usefixtures("no_provider", "database")
@pytest.mark.parametrize("command", [c for c in INLINE if c.startswith("pyflyte run")])
def test_each_other_way_to_run_is_one_that_works(command: str) -> None:
    done = pyflyte_run(*shlex.split(command)[2:])
    assert done.exit_code == 0, done


@pytest.mark.usefixtures("no_provider", "database")
@pytest.mark.parametrize("command", sorted({c for c in INLINE if c.startswith("radiant ")} - set(REGISTER)))
def test_each_radiant_command_is_there(command: str) -> None:
    """Of a run that does not exist, or without the cluster that it needs, it says so in one line; else it answers."""
    done = CliRunner().invoke(radiant_main, shlex.split(command)[1:], prog_name="radiant")
    refused = any(word in command for word in ("RUN", "EXECUTION", "--remote"))
    assert done.exit_code == (2 if refused else 0), done.output


def test_what_it_points_at_is_there() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_bench_that_it_names_is_there() -> None:
    line = next(one for one in README.splitlines() if "scripts.bench" in one)
    for name in re.findall(r"`(?:python -m scripts\.bench)?\.(\w+)`", line):
        assert (ROOT / "scripts" / "bench" / f"{name}.py").exists(), name
