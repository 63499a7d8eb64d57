"""Cato's gate and storage check, over real HTTP to a fake server and on a real database."""

from uuid import uuid4

import pytest

from tasks.calls import Spot
from tasks.cato import check_storage, gate
from tasks.reply import Replies, Reply, reply
from tasks.result import Verdict
from tasks.run import Run
from utils.accounts import ensure_personal
from utils.runs import OpenRequest, open_run

pytestmark = pytest.mark.usefixtures("database")


def opened(*models: str, domain: str = "general") -> Spot:
    """A spot in a new run of a new tenant."""
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    asked = OpenRequest(tenant_id=tenant, user_id=user, workflow="w", spec="{}", inputs="{}", domain=domain)
    run_id = open_run(asked).run_id
    run = Run(
        tenant_id=str(tenant),
        user_id=str(user),
        run_id=run_id,
        workflow="w",
        domain=domain,
        models=list(models),
        started="2026-01-02T00:00:00+00:00",
    )
    return Spot(run, "settle@1.cato")


def verdict_of(spot: Spot, text: str, replies: Replies | None = None) -> Verdict:
    """The gate's verdict on an answer."""
    answer = reply(text, key="answer", model=spot.run.models[0])
    slots = gate(spot, prompt=[Reply(text="Should we migrate?")], answer=[answer], replies=replies or [])
    return Verdict.model_validate_json(slots["out"][0].fields)


def test_a_rehearsal_passes() -> None:
    spot = opened("rehearsal/ada", "rehearsal/basil")
    verdict = verdict_of(spot, "Start small, measure, and decide again with the numbers at hand.")
    assert (verdict.verdict, verdict.risk_level, verdict.score) == ("pass", "none", 0.86)
    assert check_storage(spot, "When a rollout is large, do it in steps.").verdict == "pass"
