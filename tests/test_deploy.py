"""The manifests of scripts/deploy agree with the code that they deploy."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.serve import serve
from tasks.nodes import TIMEOUT
from utils.settings import Settings
from utils.warm import PODS, SECRET_GROUP, SECRET_KEYS

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "scripts" / "deploy"
UNITS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


def manifests(name: str) -> dict[str, Any]:
    """The documents of a file by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8"))}


@pytest.fixture
def flyte() -> Any:
    """What the values add to the configuration of Flyte."""
    values = yaml.safe_load((DEPLOY / "values.yaml").read_text(encoding="utf-8"))
    return values["configuration"]["inline"]


@pytest.fixture
def connector(flyte: Any) -> Any:
    return flyte["plugins"]["connector-service"]["defaultConnector"]


@pytest.fixture
def service() -> dict[str, Any]:
    return manifests("service.yaml")


@pytest.fixture
def pod(service: dict[str, Any]) -> Any:
    return service["Deployment"]["spec"]["template"]["spec"]


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])


def size(quantity: str) -> int:
    return int(quantity[:-2]) * UNITS[quantity[-2:]]


def ports() -> dict[str, int]:
    """Where the service listens unless it is told otherwise."""
    return serve.make_context("serve", []).params


def test_flyte_calls_the_service_where_it_listens(connector: Any, service: dict[str, Any], pod: Any) -> None:
    (container,) = pod["containers"]
    name, namespace = service["Service"]["metadata"]["name"], "radiant"
    grpc, metrics = ports()["port"], ports()["metrics_port"]
    assert connector["endpoint"] == f"dns:///{name}.{namespace}.svc.cluster.local:{grpc}"
    assert [p["port"] for p in service["Service"]["spec"]["ports"]] == [grpc]
    assert [p["containerPort"] for p in container["ports"]] == [grpc, metrics]
    assert {container[probe]["grpc"]["port"] for probe in container if probe.endswith("Probe")} == {grpc}
    annotations = service["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(metrics)
    assert container["args"] == ["radiant", "serve", "--port", str(grpc), "--metrics-port", str(metrics)]


def test_every_replica_is_called(connector: Any, service: dict[str, Any]) -> None:
    """A service with one address of its own is one connection, to one replica."""
    calls = json.loads(connector["defaultServiceConfig"])
    assert service["Service"]["spec"]["clusterIP"] == "None"
    assert service["Deployment"]["spec"]["replicas"] >= 2
    assert calls["loadBalancingConfig"] == [{"round_robin": {}}]
    labels = service["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert service["Service"]["spec"]["selector"] == labels
    assert service["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_a_call_outlasts_its_task_and_a_service_that_starts_anew(connector: Any) -> None:
    (method,) = json.loads(connector["defaultServiceConfig"])["methodConfig"]
    assert seconds(connector["defaultTimeout"]) >= TIMEOUT.total_seconds()
    assert method["name"] == [{}]
    assert method["waitForReady"] is True
    assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE", "CANCELLED"]
    assert connector["timeouts"] == [{"ListConnectors": "300s"}]


def test_every_worker_of_flyte_finds_a_thread(flyte: Any, service: dict[str, Any]) -> None:
    threads = Settings.model_fields["service_threads"].default * service["Deployment"]["spec"]["replicas"]
    assert flyte["propeller"]["workers"] <= threads


def test_flyte_takes_the_pods_of_every_task(flyte: Any) -> None:
    """flyteadmin refuses to register a task that asks for more than its limit."""
    allowed = size(flyte["task_resources"]["limits"]["memory"])
    assert all(size(kind.memory) <= size(kind.memory_limit) <= allowed for kind in PODS.values())


def test_a_service_that_ends_has_the_time_to_drain(pod: Any) -> None:
    assert pod["terminationGracePeriodSeconds"] > Settings.model_fields["drain_seconds"].default


def test_the_secret_holds_what_tasks_ask_for(pod: Any) -> None:
    secret = manifests("secret.example.yaml")["Secret"]
    assert secret["metadata"]["name"] == SECRET_GROUP
    assert tuple(secret["stringData"]) == SECRET_KEYS
    assert set(secret["stringData"].values()) == {""}
    assert {"secretRef": {"name": SECRET_GROUP}} in pod["containers"][0]["envFrom"]


def test_the_service_is_no_root_and_writes_where_its_home_is(pod: Any) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert f"--uid {pod['securityContext']['runAsUser']} radiant" in dockerfile
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    home = re.findall(r"RADIANT_HOME=(\S+)", dockerfile)[0]
    assert any(home.startswith(path) for path in mounted)


def test_the_image_runs_the_service() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert dockerfile.endswith(f'EXPOSE {ports()["port"]} {ports()["metrics_port"]}\nCMD ["radiant", "serve"]\n')


def test_helm_finds_no_template_in_the_values() -> None:
    """The chart renders them once more as a template."""
    assert "{{" not in (DEPLOY / "values.yaml").read_text(encoding="utf-8")
