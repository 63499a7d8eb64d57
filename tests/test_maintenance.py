"""The scheduled launch plans: what Flyte is given of them, and that each does its work."""

import json
from collections import OrderedDict
from typing import Any
from uuid import uuid4

import pytest
from flytekit import LaunchPlan
from flytekit.configuration import Image, ImageConfig, SerializationSettings
from flytekit.tools.translator import get_serializable

from tasks.algorithms.profiles import OWN_TEXT, PROFILE
from tasks.calls import Spot
from tasks.memories import recall, remember
from tasks.pattern_upkeep import Tended
from tasks.reply import reply
from tests.pyflyte import pyflyte_run
from tests.tasks.conftest import open_for
from tests.webhook import Receiver, later, ours, receiver
from utils.db import tenant_transaction
from utils.notifications import Round
from utils.reviews import reviews_of
from utils.warm import TASK_TYPE
from workflows import maintenance
from workflows.maintenance import LAUNCH_PLANS

__all__ = ["later", "receiver"]
SETTINGS = SerializationSettings(ImageConfig(Image("radiant", "radiant", "1")), "p", "development", version="1")
CRONS = {
    "maintenance.deliver_notifications": "* * * * *",
    "maintenance.expire_reviews": "*/10 * * * *",
    "maintenance.reclaim_reservations": "*/10 * * * *",
    "maintenance.pattern_upkeep": "*/10 * * * *",
    "maintenance.clean_up": "17 3 * * *",
    "maintenance.integrity_report": "47 3 * * *",
}


def serialised(plan: LaunchPlan) -> tuple[Any, list[Any]]:
    """The launch plan, and all that it stands on."""
    made: OrderedDict[Any, Any] = OrderedDict()
    return get_serializable(made, SETTINGS, plan), list(made.values())


def test_each_has_its_schedule() -> None:
    found = {p.name: serialised(p)[0].spec.entity_metadata.schedule.cron_schedule.schedule for p in LAUNCH_PLANS}
    assert found == CRONS


@pytest.mark.parametrize("plan", LAUNCH_PLANS, ids=lambda plan: plan.name)
def test_each_is_one_warm_task_that_needs_nothing_given(plan: LaunchPlan) -> None:
    given, all_of_it = serialised(plan)
    (task,) = [m.template for m in all_of_it if hasattr(m, "template") and hasattr(m.template, "container")]
    assert (task.type, task.id.name) == (TASK_TYPE, f"tasks.upkeep.{plan.workflow.name.rpartition('.')[2]}")
    assert task.metadata.retries.retries == 3
    assert given.spec.default_inputs.parameters == {}
    assert plan.workflow is getattr(maintenance, plan.workflow.name.rpartition(".")[2])
    assert plan.name == f"maintenance.{plan.workflow.name.rpartition('.')[2]}"


@pytest.mark.parametrize("plan", LAUNCH_PLANS, ids=lambda plan: plan.name)
def test_each_runs_here(plan: LaunchPlan, fresh_database: str) -> None:
    module, _, name = plan.workflow.name.rpartition(".")
    done = pyflyte_run(f"{module.replace('.', '/')}.py", name)
    assert done.exit_code == 0, done.stderr
    assert "=" in done.stdout


@pytest.mark.usefixtures("later")
def test_what_expired_is_told_by_the_next_delivery(fresh_database: str, receiver: Receiver) -> None:
    asked = ours()
    asked.open()
    with tenant_transaction(asked.tenant) as cursor:
        cursor.execute("UPDATE reviews SET expires_at = now() - interval '1 s'")
    maintenance.expire_reviews()
    assert [r.status for r in reviews_of(asked.tenant, asked.run)] == ["expired"]
    assert maintenance.deliver_notifications() == Round(delivered=2)
    assert [json.loads(post.body)["type"] for post in receiver.posts] == ["review.opened", "review.expired"]
    assert json.loads(receiver.posts[1].body)["data"]["tenant_id"] == str(asked.tenant)


def test_a_pattern_is_tended_for_each_tenant_who_left_it_something_to_do(fresh_database: str) -> None:
    spots = [Spot(open_for(uuid4()), "live") for _ in range(3)]
    for spot, count in zip(spots, (25, 25, 24), strict=True):
        remember(spot, memories=[reply(f"my text {n}") for n in range(count)], kind=OWN_TEXT)
    assert maintenance.pattern_upkeep() == Tended(done=2, unfinished=0)
    assert maintenance.pattern_upkeep() == Tended(done=0, unfinished=0)
    made = [recall("", 9, spot, kinds=[PROFILE], scope="user", order="latest") for spot in spots]
    assert [len(m) for m in made] == [1, 1, 0]
