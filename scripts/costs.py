"""`radiant costs`: what model calls cost, by user, tenant, model or day, and what is left of the budgets."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import click

from scripts.identity import Identity, identified
from scripts.tables import show_json, show_table
from utils.db import tenant_transaction
from utils.display import cost_text, money, plural
from utils.governor import budgets

By = Literal["user", "tenant", "model", "day"]


@dataclass(frozen=True)
class Cost:
    """Calls added up, in USD. `cost_usd` leaves the calls of unknown cost out; `lost` may have been paid unseen."""

    key: str
    name: str
    runs: int
    calls: int
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float
    unknown_cost_calls: int
    charged_usd: float
    lost: int


@dataclass(frozen=True)
class Left:
    """A budget's window now, in USD."""

    window: str
    cap_usd: float
    settled_usd: float
    reserved_usd: float
    left_usd: float


@dataclass(frozen=True)
class Costs:
    """What the last days cost, grouped; days are UTC."""

    by: By
    days: int
    costs: tuple[Cost, ...]
    budgets: tuple[Left, ...]


@click.command()
@identified
@click.option("--by", type=click.Choice(["user", "tenant", "model", "day"]), default="day", show_default=True)
@click.option("--days", type=click.IntRange(1, 3660), default=30, show_default=True, help="How many days, with today.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def costs(me: Identity, by: By, days: int, as_json: bool) -> None:
    """What model calls cost, and what is left of the budgets."""
    found = costs_of(me.tenant, by, days)
    if as_json:
        show_json(found)
        return
    if found.costs:
        rows = [_row(one) for one in found.costs]
        show_table((by, "runs", "calls", "tokens", "cost"), rows)
    else:
        click.echo(f"no model was called in {plural(days, 'day')}")
    if lost := sum(one.lost for one in found.costs):
        click.echo(f"{plural(lost, 'call')} lost with its process before its cost was known: perhaps paid beside these")
    for one in found.budgets:
        reserved = f", {money(one.reserved_usd)} of it reserved" if one.reserved_usd else ""
        click.echo(f"left {one.window}: {money(one.left_usd)} of {money(one.cap_usd)}{reserved}")


def costs_of(tenant_id: UUID, by: By, days: int) -> Costs:
    """The tenant's own costs, dearest first, or latest first by day."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_COSTS[by], {"tenant": tenant_id, "days": days})
        rows = tuple(Cost(*row) for row in cursor.fetchall())
    names = {"hour": "this hour", "day": "today (UTC)"}
    left = tuple(
        Left(
            names[b.window],
            float(b.cap),
            float(b.settled),
            float(b.reserved),
            max(0.0, float(b.cap - b.settled - b.reserved)),
        )
        for b in budgets(tenant_id)
        if b.window in names
    )
    return Costs(by, days, rows, left)


def _row(one: Cost) -> tuple[str, ...]:
    name = f"{one.name} ({one.key})" if one.name != one.key else one.key
    tokens = f"{one.prompt_tokens + one.completion_tokens:,}"
    return name, f"{one.runs:,}", f"{one.calls:,}", tokens, cost_text(one.cost_usd, one.unknown_cost_calls)


_KEYS: dict[By, tuple[str, str, str]] = {
    "user": ("u.id::text", "u.name", "sum(c.charged_usd) DESC NULLS LAST, 1"),
    "tenant": ("t.id::text", "t.name", "1"),
    "model": ("m.model", "m.model", "sum(c.charged_usd) DESC NULLS LAST, 1"),
    "day": ("c.day_key", "c.day_key", "1 DESC"),
}
"""Grouping -> its key, its name, and the order of its rows."""
_COSTS: dict[By, str] = {
    by: f"""
SELECT {key}, {name}, count(DISTINCT c.run_id), count(*) FILTER (WHERE c.state = 'settled'),
    coalesce(sum(c.prompt_tokens), 0)::bigint, coalesce(sum(c.completion_tokens), 0)::bigint,
    coalesce(sum(c.cost_usd), 0)::float8, count(*) FILTER (WHERE c.state = 'settled' AND c.cost_usd IS NULL),
    coalesce(sum(c.charged_usd), 0)::float8, coalesce(sum(c.lost), 0)::bigint
FROM model_calls c
JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
JOIN tenants t ON t.id = c.tenant_id
CROSS JOIN LATERAL (SELECT coalesce(c.model_used, c.model_requested) AS model) m
WHERE c.tenant_id = %(tenant)s
    AND c.day_key > to_char((now() AT TIME ZONE 'UTC') - make_interval(days => %(days)s), 'YYYY-MM-DD')
GROUP BY 1, 2 ORDER BY {order}
"""
    for by, (key, name, order) in _KEYS.items()
}
