"""Upkeep: what is done on a schedule for all tenants, as the maintenance role, in short transactions.

Each of these tasks may run twice, or beside itself: what one has done or is doing is not there for the other.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from flytekit import Deck, task

from tasks.librarian import cleanup_expired_heuristics
from tasks.memories import forget_runs
from tasks.nodes import RETRIES
from tasks.pattern_upkeep import Tended, tend_all
from utils.display import duration, plural
from utils.governor import reclaim_stale
from utils.integrity import STUCK_SECONDS, IntegrityReport, inspect_all
from utils.ledger import compact
from utils.logs import OURS
from utils.notifications import Round, deliver_due
from utils.reviews import expire_overdue
from utils.runs import expire_unanswered
from utils.settings import settings
from utils.warm import Warm, attempt


@dataclass(frozen=True)
class Expired:
    """How many reviews nobody decided in time, and how many runs that stopped for good."""

    reviews: int
    runs: int


@dataclass(frozen=True)
class Reclaimed:
    """How many calls were lost with their processes: what they had reserved is free again."""

    calls: int


@dataclass(frozen=True)
class CleanedUp:
    """How many lessons were deleted, by cause, of how many calls requests and replies were dropped, and how many
    memories of runs for themselves.
    """

    expired_lessons: int
    low_confidence_lessons: int
    calls: int
    memories: int


@task(task_config=Warm(), retries=RETRIES)
def expire_reviews() -> Expired:
    """Closes what nobody decided in time, and ends as `expired` the runs that waited for it.

    A question that has a choice for that ends no run: it takes that choice when the run is gone on with.
    """
    return Expired(reviews=_in_batches(expire_overdue), runs=_in_batches(expire_unanswered))


@task(task_config=Warm(), retries=RETRIES)
def reclaim_reservations() -> Reclaimed:
    """Frees what runs reserved whose processes died."""
    return Reclaimed(reclaim_stale())


@task(task_config=Warm(), retries=RETRIES)
def clean_up() -> CleanedUp:
    """Deletes lessons past their time, and of runs that ended RADIANT_RETENTION_DAYS ago what was asked and answered,
    and what they remembered for themselves alone.

    What each call cost stays.
    """
    lessons, days = cleanup_expired_heuristics(), settings().retention_days
    return CleanedUp(lessons.expired, lessons.low_confidence, compact(days), forget_runs(days))


@task(task_config=Warm(), retries=RETRIES)
def deliver_notifications() -> Round:
    """Posts to the webhook what is due: what a process left behind, or the webhook did not take before."""
    return deliver_due(MOST_NOTIFICATIONS)


@task(task_config=Warm("calls"), retries=RETRIES)
def pattern_upkeep() -> Tended:
    """Runs the background half of every pattern that has one, for each tenant and user for whom it is due.

    On a cluster it begins nothing after IN_PLACE_SECONDS: what is left, the next round goes on with.
    """
    return tend_all(inf if attempt() is None else IN_PLACE_SECONDS)


@task(task_config=Warm(), retries=RETRIES, enable_deck=True, deck_fields=())
def integrity_report() -> IntegrityReport:
    """Counts what there is and reports what breaks a rule, as output, as Deck and in the log. It changes nothing."""
    report = inspect_all()
    for fault in report.faults:
        _log.warning("integrity: %s: %s: %s", fault.tenant_id or "database", fault.rule, fault.said)
    Deck("Integrity", render_report(report))
    return report


def render_report(report: IntegrityReport) -> str:
    """The report as a page."""
    from jinja2 import Environment, StrictUndefined

    title = plural(len(report.faults), "fault") if report.faults else "All rules hold"
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE)
    return page.render(
        title=title, report=report, tenants=plural(report.tenants, "tenant"), silence=duration(STUCK_SECONDS)
    )


def _in_batches(work: Callable[[int], int]) -> int:
    """How many were done, a transaction for each BATCH."""
    done = 0
    while True:
        latest = work(BATCH)
        done += latest
        if latest < BATCH:
            return done


_log = logging.getLogger(f"{OURS}.upkeep")

BATCH = 200
IN_PLACE_SECONDS = 120.0
MOST_NOTIFICATIONS = 1000
PAGE = """\
<style>
.integrity{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem}
.integrity table{border-collapse:collapse;width:100%;margin:.6rem 0 1.6rem}
.integrity th,.integrity td{text-align:left;vertical-align:top;padding:.35rem .9rem .35rem 0;
border-bottom:1px solid #8884;overflow-wrap:anywhere}
.integrity .number{text-align:right;font-variant-numeric:tabular-nums}
</style>
<div class="integrity">
<h1>{{ title }}</h1>
<p>{{ tenants }}, {{ report.at.strftime("%Y-%m-%d %H:%M %Z") }}.
A run is called silent after {{ silence }} without a sign of life.</p>
{% if report.faults %}
<table>
<tr><th>Tenant</th><th>Rule</th><th class="number">Number</th><th>What to do</th></tr>
{% for fault in report.faults %}
<tr><td>{{ fault.tenant_id or "(all)" }}</td><td>{{ fault.rule }}</td><td class="number">{{ fault.number }}</td>
<td>{{ fault.said }}</td></tr>
{% endfor %}
</table>
{% endif %}
<table>
<tr><th>What there is</th><th class="number">Number</th></tr>
{% for name, number in report.counts.items() %}
<tr><td>{{ name }}</td><td class="number">{{ number }}</td></tr>
{% endfor %}
</table>
</div>"""
