"""Warm tasks as they are registered, and as pods: what they carry, ask for and know."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flytekit.core.context_manager import ExecutionState, FlyteContextManager
from flytekit.exceptions.user import FlyteRecoverableException
from flytekit.tools.translator import prefix_with_fast_execute

from tasks import nodes
from tests.utils import warm_tasks
from tests.utils.warm_calls import FAST, registered, template_of
from utils.errors import DatabaseUnavailable
from utils.settings import settings
from utils.warm import (
    CODE_DIGEST,
    PODS,
    SECRET_GROUP,
    SECRET_KEYS,
    TASK_TYPE,
    Attempt,
    Kind,
    attempt,
    code_digest,
    digest_of,
    running,
)

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _fresh() -> None:
    warm_tasks.reset()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in little."""
    for name, text in {
        "utils/a.py": "1",
        "utils/deep/b.sql": "2",
        "tasks/c.html": "3",
        "workflows/d.yaml": "4",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_the_digest_changes_with_the_content_of_any_file(project: Path) -> None:
    seen = {digest_of(project)}
    for file in sorted(p for p in project.rglob("*") if p.is_file()):
        file.write_text(file.read_text() + " ")
        seen.add(digest_of(project))
    assert len(seen) == 5


def test_the_digest_changes_with_names_and_with_files(project: Path) -> None:
    before = digest_of(project)
    (project / "utils/a.py").rename(project / "utils/z.py")
    renamed = digest_of(project)
    (project / "utils/empty.py").touch()
    assert len({before, renamed, digest_of(project)}) == 3


def test_a_text_that_moves_from_one_file_to_the_next_changes_the_digest(project: Path) -> None:
    before = digest_of(project)
    (project / "utils/a.py").write_text("")
    (project / "utils/deep/b.sql").write_text("12")
    assert digest_of(project) != before


def test_what_is_no_code_changes_no_digest(project: Path) -> None:
    before = digest_of(project)
    for name in ("utils/__pycache__/a.cpython-311.pyc", "tests/test_a.py", "utils/notes.txt"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x")
    assert digest_of(project) == before


def test_two_processes_agree_on_the_digest(project: Path) -> None:
    code = f"from pathlib import Path; from utils.warm import digest_of; print(digest_of(Path({str(project)!r})))"
    assert in_a_new_process(code) == digest_of(project)
    assert code_digest() == code_digest() != digest_of(project)


def in_a_new_process(code: str) -> str:
    """What it prints there."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_tasks_import_neither_kubernetes_nor_the_service_nor_litellm() -> None:
    service = ("prometheus_client", "flytekit.extend.backend.connector_service", "utils.service", "utils.connector")
    unwanted = ("kubernetes", "litellm", "presidio_analyzer", *service)
    code = f"import sys, tasks.nodes, workflows.asking; print([m for m in {unwanted!r} if m in sys.modules])"
    assert in_a_new_process(code) == "[]"


@pytest.mark.parametrize(
    ("task", "kind"), [(nodes.node, "calls"), (nodes.outputs, "light"), (warm_tasks.graph, "light")]
)
def test_a_pod_asks_for_what_its_kind_needs(task: Any, kind: Kind) -> None:
    template, pod = template_of(task), PODS[kind]
    [container] = template.k8s_pod.pod_spec["containers"]
    assert template.type == TASK_TYPE
    assert template.custom == {CODE_DIGEST: code_digest()}
    assert template.container is None
    assert template.config == {"primary_container_name": "primary"}
    assert container["name"] == "primary"
    assert container["image"] == "registry.invalid/radiant:1"
    assert container["resources"] == {
        "requests": {"cpu": pod.cpu, "memory": pod.memory},
        "limits": {"memory": pod.memory_limit},
    }
    assert template.k8s_pod.metadata.labels == {"app": "radiant", "kind": kind}
    assert {"name": "RADIANT_LOG_FORMAT", "value": "json"} in container["env"]


def test_a_pod_asks_for_the_secrets_that_a_call_may_need() -> None:
    secrets = template_of(nodes.node).security_context.secrets
    assert [(s.group, s.key, s.env_var) for s in secrets] == [(SECRET_GROUP, key, key) for key in SECRET_KEYS]
    assert {"DATABASE_URL", "OPENAI_API_KEY", "RADIANT_HMAC_KEY"} <= set(SECRET_KEYS)


def test_the_command_is_the_settings_alone_whatever_another_serialisation_sets() -> None:
    """flytekit sets a command on the task while it serialises it, which another thread may do at the same time."""
    task, plain, fast = warm_tasks.add, registered(), registered(FAST)
    own = task.get_default_command(plain)
    task.set_command_fn(lambda _: ["the other's"])
    try:
        assert task.get_command(plain) == own
        assert task.get_command(fast) == prefix_with_fast_execute(fast, own)
    finally:
        task.reset_command_fn()


def test_nowhere_there_is_no_attempt() -> None:
    assert attempt() is None


def test_within_the_service_the_attempt_is_what_it_says() -> None:
    known = Attempt("project", "development", "run1", "n0", 1)
    with running(known):
        assert attempt() == known
    assert attempt() is None


def test_in_a_pod_the_attempt_is_what_flyte_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PROJECT": "project", "DOMAIN": "development", "ID": "run1"}.items():
        monkeypatch.setenv(f"FLYTE_INTERNAL_EXECUTION_{name}", value)
    monkeypatch.setenv("FLYTE_ATTEMPT_NUMBER", "2")
    assert attempt() == Attempt("project", "development", "run1", "", 2)


def test_a_task_outlasts_a_short_outage_on_a_cluster_and_flyte_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_OUTAGE_SECONDS", "0.5")
    settings.cache_clear()
    context = FlyteContextManager.current_context()
    state = context.new_execution_state().with_params(mode=ExecutionState.Mode.TASK_EXECUTION)
    with FlyteContextManager.with_context(context.with_execution_state(state)):
        assert warm_tasks.outage.execute(times=1) == 2
        with pytest.raises(FlyteRecoverableException, match="the database is away"):
            warm_tasks.outage.execute(times=1000)
    settings.cache_clear()


def test_locally_an_outage_is_told_at_once() -> None:
    with pytest.raises(DatabaseUnavailable):
        warm_tasks.outage(times=1)
    assert len(warm_tasks.ran) == 1
