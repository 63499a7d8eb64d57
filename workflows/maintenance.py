"""Upkeep on a schedule (UTC): a small workflow for each kind, and its launch plan.

`radiant register` registers LAUNCH_PLANS, and with --activate Flyte starts them; `pyflyte run workflows/maintenance.py
integrity_report` does one here and now.
"""

from typing import Any, cast

from flytekit import CronSchedule, LaunchPlan, workflow

from tasks import upkeep
from tasks.pattern_upkeep import Tended
from tasks.upkeep import CleanedUp, Expired, Reclaimed
from utils.integrity import IntegrityReport
from utils.notifications import Round


@workflow
def expire_reviews() -> Expired:
    """Closes the reviews that nobody decided in time, and the runs that waited for them."""
    return cast(Expired, upkeep.expire_reviews())


@workflow
def reclaim_reservations() -> Reclaimed:
    """Frees the budget that runs reserved whose processes died."""
    return cast(Reclaimed, upkeep.reclaim_reservations())


@workflow
def clean_up() -> CleanedUp:
    """Deletes expired lessons, and what was asked and answered in runs that ended long ago."""
    return cast(CleanedUp, upkeep.clean_up())


@workflow
def deliver_notifications() -> Round:
    """Posts to the webhook what has not arrived yet."""
    return cast(Round, upkeep.deliver_notifications())


@workflow
def pattern_upkeep() -> Tended:
    """Runs the background half of patterns, for each tenant and user for whom it is due."""
    return cast(Tended, upkeep.pattern_upkeep())


@workflow
def integrity_report() -> IntegrityReport:
    """Counts what there is, and reports what breaks a rule; its Deck shows it."""
    return cast(IntegrityReport, upkeep.integrity_report())


def _plan(of: Any, cron: str) -> LaunchPlan:
    return LaunchPlan.get_or_create(of, f"maintenance.{of.__name__}", schedule=CronSchedule(schedule=cron))


EVERY_MINUTE = "* * * * *"
EVERY_TEN_MINUTES = "*/10 * * * *"
LAUNCH_PLANS: tuple[LaunchPlan, ...] = (
    _plan(deliver_notifications, EVERY_MINUTE),
    _plan(expire_reviews, EVERY_TEN_MINUTES),
    _plan(reclaim_reservations, EVERY_TEN_MINUTES),
    _plan(pattern_upkeep, EVERY_TEN_MINUTES),
    _plan(clean_up, "17 3 * * *"),
    _plan(integrity_report, "47 3 * * *"),
)
"""Each is named after its workflow. The daily ones run at night and off the full hour, the report last."""
