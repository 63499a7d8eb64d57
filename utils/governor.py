"""The Governor: no tenant's hour or day, and no run, spends past its cap, however many calls are made at once.

A call reserves the most that it may cost before it is made, in the windows of its run, hour and day (UTC, by the
database's clock), and settles what it did cost after: settled + reserved never passes a cap. What a call costs
beyond its reservation is settled all the same, for that money is gone: so an estimate must be an upper bound.
A reservation falls free `reservation_seconds` after its run's last sign of life: when another would not fit
without, and by `reclaim_stale`.

The arithmetic is in migrations/0005_ledger.sql, in one transaction with the ledger's row of the call.
"""

import threading
from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Literal, get_args
from uuid import UUID

from utils.db import maintenance_transaction, tenant_transaction
from utils.errors import BadInput, OverBudget
from utils.settings import settings

Window = Literal["run", "hour", "day"]


@dataclass(frozen=True)
class Caps:
    """The most that may be spent, in USD."""

    run: Decimal
    hour: Decimal
    day: Decimal


@dataclass(frozen=True)
class Remaining:
    """What is neither spent nor reserved of each cap, in USD."""

    run: float
    hour: float
    day: float


@dataclass(frozen=True)
class Budget:
    """One window now, in USD."""

    window: Window
    cap: Decimal
    settled: Decimal
    reserved: Decimal


def usd(amount: float) -> Decimal:
    """An amount as the database counts it: hundred-millionths of a USD, rounded up, below a million."""
    return Decimal(repr(min(amount, _LARGEST))).quantize(_SMALLEST, ROUND_CEILING)


def default_caps() -> tuple[Decimal, Decimal, Decimal]:
    """The settings' caps of a run, an hour and a day, which a tenant's policy and a run's own cap override."""
    found = settings()
    return usd(found.max_cost_per_run), usd(found.max_cost_per_hour), usd(found.max_cost_per_day)


def caps(tenant_id: UUID, run_id: str = "") -> Caps:
    """The caps that hold for a run, or for the tenant's next one. Raises BadInput for an unknown tenant."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_CAPS, (tenant_id, run_id, *default_caps()))
        found = cursor.fetchone()
    if found is None or found[0] is None:
        raise BadInput(f"there is no tenant {tenant_id}: set RADIANT_TENANT_ID to one that exists")
    return Caps(*found)


def check_cap(max_cost_usd: float | None, tenant_id: UUID | None = None) -> None:
    """Raises BadInput for a run's own cap that is no amount, or above its tenant's caps of an hour and a day."""
    if max_cost_usd is None:
        return
    if not 0 <= max_cost_usd < float("inf"):
        raise BadInput(f"max_cost_usd is {max_cost_usd}: give an amount in USD of 0 or more")
    if tenant_id is None:
        return
    found = caps(tenant_id)
    most = min(found.hour, found.day)
    if usd(max_cost_usd) > most:
        raise BadInput(
            f"max_cost_usd {max_cost_usd:g} is above the tenant's cap: give at most {_show(most)} USD, "
            "or raise RADIANT_MAX_COST_PER_HOUR and RADIANT_MAX_COST_PER_DAY"
        )


def budgets(tenant_id: UUID, run_id: str = "") -> tuple[Budget, Budget, Budget]:
    """The windows of a run, this hour and this day as they stand."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_BUDGETS, {"tenant": tenant_id, "run": run_id})
        spent = {window: (settled, reserved) for window, settled, reserved in cursor.fetchall()}
    cap = caps(tenant_id, run_id)
    nothing = (Decimal(0), Decimal(0))
    return (
        Budget("run", cap.run, *spent.get("run", nothing)),
        Budget("hour", cap.hour, *spent.get("hour", nothing)),
        Budget("day", cap.day, *spent.get("day", nothing)),
    )


def remaining(tenant_id: UUID, run_id: str = "") -> Remaining:
    """What a run (or a new one) may still spend, in USD, shown beside the estimate before it starts."""
    return Remaining(*(max(0.0, float(b.cap - b.settled - b.reserved)) for b in budgets(tenant_id, run_id)))


def reclaim_stale() -> int:
    """Upkeep: frees what silent runs of all tenants reserved; gives the number of calls that were lost."""
    with maintenance_transaction() as cursor:
        cursor.execute(_RECLAIM, (settings().reservation_seconds,))
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def reclaim(tenant_id: UUID) -> int:
    """Frees what one tenant's silent runs reserved; gives the number of calls that were lost."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_RECLAIM, (settings().reservation_seconds,))
        found = cursor.fetchone()
    return int(found[0]) if found else 0


def over_budget(budget: Budget, estimate: Decimal) -> OverBudget:
    """The error for a call that does not fit into a window: which cap, what was spent, and what raises it."""
    reserved = f" and {_show(budget.reserved)} reserved" if budget.reserved else ""
    return OverBudget(
        f"over the {_NAMES[budget.window]} cap of {_show(budget.cap)} USD: {_show(budget.settled)} spent{reserved}, "
        f"and the next call may cost {_show(estimate)}; {_REMEDIES[budget.window]}"
    )


class Underway:
    """The calls that this process is making, by tenant.

    Estimates are upper bounds: calls side by side may not fit together although what they cost will. Then one
    waits here until another ends, and tries again. Nobody waits where nothing is under way, so nobody waits for ever.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: dict[UUID, int] = defaultdict(int)
        self._ended: dict[UUID, int] = defaultdict(int)

    def ended(self, tenant_id: UUID) -> int:
        """How many calls of the tenant have ended: the mark to wait from."""
        with self._changed:
            return self._ended[tenant_id]

    def start(self, tenant_id: UUID) -> None:
        """Before a call reserves: who then finds no room must find it here."""
        with self._changed:
            self._calls[tenant_id] += 1

    def end(self, tenant_id: UUID, *, made: bool) -> None:
        """After a call that was made, or one that could not be."""
        with self._changed:
            self._calls[tenant_id] -= 1
            self._ended[tenant_id] += made
            self._changed.notify_all()

    def another_ended(self, tenant_id: UUID, mark: int) -> bool:
        """Waits until a call has ended since the mark; False if none did and none is under way."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended[tenant_id] != mark or not self._calls[tenant_id])
            return self._ended[tenant_id] != mark


def _show(amount: Decimal) -> str:
    return f"{amount:.2f}" if amount == amount.quantize(Decimal("0.01")) else f"{amount:.6f}".rstrip("0")


WINDOWS: tuple[Window, ...] = get_args(Window)
_SMALLEST = Decimal("1e-8")
_LARGEST = 999_999.0
_NAMES: dict[Window, str] = {"run": "run's", "hour": "tenant's hourly", "day": "tenant's daily"}
_REMEDIES: dict[Window, str] = {
    "run": "run it again with its run_id and a higher --max_cost_usd",
    "hour": "go on in the next hour with its run_id, or raise RADIANT_MAX_COST_PER_HOUR",
    "day": "go on tomorrow (UTC) with its run_id, or raise RADIANT_MAX_COST_PER_DAY",
}

_CAPS = "SELECT run_cap, hour_cap, day_cap FROM caps_of(%s, %s, %s, %s, %s)"
_BUDGETS = """
SELECT kind, settled_usd, reserved_usd FROM budgets
WHERE tenant_id = %(tenant)s AND (kind, window_key) IN (
    ('run', %(run)s),
    ('hour', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24')),
    ('day', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD')))
"""
_RECLAIM = "SELECT reclaim_reservations(make_interval(secs => %s))"
