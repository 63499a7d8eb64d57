"""`radiant register` without a cluster: what it refuses, as which version, and all that it would register."""

import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from flytekit.configuration.file import get_config_file
from flytekit.models.task import TaskSpec

from scripts import register
from scripts.registration import Entity, Target, chosen, default_place, entities, launch_plans, workflow_modules
from tasks.functions import pattern_files
from tests.scripts.conftest import Radiant
from utils.settings import settings
from utils.warm import CODE_DIGEST, code_digest

TARGET = Target("flytesnacks", "staging", "v1", "radiant:v1")
SOME = ("self_refine", "think_tank", "integrity_report")
AUTHOR = ("-c", "user.name=a", "-c", "user.email=a@example.org")


@pytest.fixture(autouse=True)
def _no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here says where a cluster is."""
    for name in ("FLYTECTL_CONFIG", "FLYTE_PLATFORM_URL", "FLYTE_DEFAULT_PROJECT", "FLYTE_DEFAULT_DOMAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("RADIANT_IMAGE", "radiant:v1")
    monkeypatch.chdir(tmp_path)
    get_config_file.cache_clear()
    settings.cache_clear()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git checkout with one commit, from which is registered."""
    root = tmp_path / "checkout"
    root.mkdir()
    for command in (("init", "-q"), (*AUTHOR, "commit", "-q", "--allow-empty", "-m", "first")):
        subprocess.run(["git", "-C", str(root), *command], check=True)
    monkeypatch.setattr(register, "ROOT", root)
    return root


def commit_of(checkout: Path) -> str:
    done = subprocess.run(["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    return done.stdout[:12]


def test_the_version_is_the_commit(checkout: Path) -> None:
    assert register.checked_version(None, allow_dirty=False) == commit_of(checkout)
    assert register.checked_version(None, allow_dirty=True) == commit_of(checkout)
    assert register.checked_version("v7", allow_dirty=False) == "v7"


def test_files_that_are_not_committed_are_refused_unless_told(checkout: Path, refused: Callable[..., str]) -> None:
    (checkout / "new.py").touch()
    for given in ((), ("--version", "v7")):
        assert f"1 file changed since commit {commit_of(checkout)}: commit first" in refused("register", *given)
    assert register.checked_version(None, allow_dirty=True) == f"{commit_of(checkout)}-dirty-{code_digest()}"
    assert register.checked_version("v7", allow_dirty=True) == "v7"


def test_without_a_checkout_the_version_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., str]
) -> None:
    monkeypatch.setattr(register, "ROOT", tmp_path)
    assert "give --version" in refused("register")
    assert register.checked_version("v7", allow_dirty=False) == "v7"


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no Flyte cluster is configured: set FLYTECTL_CONFIG"),
        (("--dry-run",), "no Flyte cluster is configured: set FLYTECTL_CONFIG"),
        (("self_refin",), "unknown workflow 'self_refin': did you mean self_refine"),
        (("--version", "v 7"), "version 'v 7': Flyte takes letters, digits"),
        (("--version", "a/b"), "version 'a/b': Flyte takes letters, digits"),
        (("--image", ""), "which image holds this code?"),
    ],
)
def test_what_it_cannot_do_is_one_line(
    arguments: tuple[str, ...], says: str, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if "--image" in arguments:
        monkeypatch.delenv("RADIANT_IMAGE")
    assert says in refused("register", *arguments)


@pytest.mark.usefixtures("checkout")
def test_a_cluster_that_does_not_answer_is_no_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, radiant: Radiant
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("admin: {endpoint: 'dns:///127.0.0.1:9', insecure: true}")
    monkeypatch.setenv("FLYTECTL_CONFIG", str(config))
    result = radiant("register", "think_tank")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: the Flyte cluster at 127.0.0.1:9 does not answer")
    assert result.stderr.count("\n") == 1


def test_where_is_flytes_own_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert default_place() == ("flytesnacks", "development")
    monkeypatch.setenv("FLYTE_DEFAULT_PROJECT", "answers")
    assert default_place() == ("answers", "development")


def test_every_pattern_and_launch_plan_is_registered() -> None:
    modules = workflow_modules()
    assert {n for n, module in modules.items() if module == "workflows.catalogue"} == set(pattern_files())
    assert modules["think_tank"] == "workflows.think_tank"
    assert chosen(()) == modules
    assert {plan.workflow.name for plan in launch_plans()} == {
        f"workflows.maintenance.{n}" for n, module in modules.items() if module == "workflows.maintenance"
    }


@pytest.fixture(scope="module")
def some() -> tuple[Entity, ...]:
    return entities(chosen(SOME), TARGET)


def test_each_is_sent_once_and_after_what_it_stands_on(some: tuple[Entity, ...]) -> None:
    kinds = [entity.kind for entity in some]
    assert kinds == sorted(kinds, key=("task", "workflow", "launch plan").index)
    assert set(Counter((entity.kind, entity.name) for entity in some).values()) == {1}
    workflows = {"workflows.catalogue.self_refine", "workflows.think_tank.think_tank"} | {
        "workflows.maintenance.integrity_report"
    }
    assert {entity.name for entity in some if entity.kind == "workflow"} == workflows
    plans = {entity.name: entity.schedule for entity in some if entity.kind == "launch plan"}
    assert plans == dict.fromkeys(workflows, "") | {"maintenance.integrity_report": "47 3 * * *"}
    assert {"tasks.nodes.node", "tasks.nodes.open_run"} < {entity.name for entity in some if entity.kind == "task"}


def test_each_says_where_and_as_what_it_is_registered(some: tuple[Entity, ...]) -> None:
    for entity in some:
        assert (entity.id.project, entity.id.domain, entity.id.version) == ("flytesnacks", "staging", "v1")
    for task in (entity.model.template for entity in some if isinstance(entity.model, TaskSpec)):
        (container,) = task.k8s_pod.pod_spec["containers"]
        assert container["image"] == "radiant:v1"
        assert task.custom[CODE_DIGEST] == code_digest()


def test_the_same_again_is_the_same_content(some: tuple[Entity, ...]) -> None:
    again = entities(chosen(SOME), TARGET)
    assert [e.model.serialize_to_string() for e in again] == [e.model.serialize_to_string() for e in some]
