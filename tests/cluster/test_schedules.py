"""Every maintenance launch plan fires on its schedule and does its work for every tenant."""

import time
from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from flytekit import CronSchedule, LaunchPlan
from flytekit.configuration import ImageConfig, SerializationSettings
from flytekit.models.admin.common import Sort
from flytekit.models.core.execution import WorkflowExecutionPhase
from flytekit.remote import FlyteLaunchPlan, FlyteRemote

from tests.cluster.conftest import DOMAIN, PROJECT
from utils.accounts import ensure_personal
from utils.db import tenant_transaction
from utils.reviews import Choice, Question, open_review, reviews_of
from utils.runs import OpenRequest, get_run, open_run, set_status
from workflows.maintenance import EVERY_MINUTE, LAUNCH_PLANS

pytestmark = pytest.mark.cluster
SECONDS = 200
NEWEST = Sort("created_at", Sort.Direction.DESCENDING)
QUESTION = Question("Approve?", "general", "It is so.", (Choice("approve"), Choice("reject")), waits=1)
AGE = "UPDATE reviews SET expires_at = now() - interval '1 hour' WHERE run_id = %s"
SILENCE = "UPDATE runs SET alive_at = now() - interval '1 hour' WHERE run_id = %s"


@pytest.fixture(scope="module")
def minutely(remote: FlyteRemote) -> Iterator[dict[str, FlyteLaunchPlan]]:
    """Each launch plan again, under a name of its own, every minute."""
    version = f"minutely-{uuid4().hex[:8]}"
    where = SerializationSettings(
        ImageConfig.from_images("radiant:test"), project=PROJECT, domain=DOMAIN, version=version
    )
    plans = {}
    for plan in LAUNCH_PLANS:
        twin = LaunchPlan.get_or_create(
            plan.workflow, f"{plan.name}.{version}", schedule=CronSchedule(schedule=EVERY_MINUTE)
        )
        registered = remote.register_launch_plan(twin, version, serialization_settings=where)
        remote.activate_launchplan(registered.id)
        plans[twin.name] = registered
    yield plans
    for registered in plans.values():
        remote.client.update_launch_plan(registered.id, 0)


@pytest.fixture
def overdue() -> list[tuple[UUID, str]]:
    """A run in each of two tenants, whose review nobody decided in time."""
    return [_overdue(uuid4()) for _ in range(2)]


def _overdue(tenant: UUID) -> tuple[UUID, str]:
    user = uuid4()
    ensure_personal(tenant, user)
    run = open_run(OpenRequest(tenant_id=tenant, user_id=user, workflow="toy", spec="{}", inputs="{}")).run_id
    open_review(tenant, run, "settle@1/review", QUESTION)
    set_status(tenant, run, "waiting")
    with tenant_transaction(tenant) as cursor:
        cursor.execute(AGE, (run,))
        cursor.execute(SILENCE, (run,))
    return tenant, run


def test_each_fires_and_upkeep_is_done_for_every_tenant(
    overdue: list[tuple[UUID, str]], minutely: dict[str, FlyteLaunchPlan], remote: FlyteRemote
) -> None:
    end, left = time.monotonic() + SECONDS, set(minutely)
    while left and time.monotonic() < end:
        ended, _ = remote.client.list_executions_paginated(PROJECT, DOMAIN, limit=100, sort_by=NEWEST)
        left -= {e.spec.launch_plan.name for e in ended if e.closure.phase == WorkflowExecutionPhase.SUCCEEDED}
        time.sleep(1)
    assert not left
    for tenant, run in overdue:
        assert [r.status for r in reviews_of(tenant, run)] == ["expired"]
        assert get_run(tenant, run).status == "expired"
