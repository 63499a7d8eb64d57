"""Integrity: the rules that the rows of every tenant keep, what breaks them, and what to do about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from utils import migrate
from utils.db import maintenance_transaction, tenant_transaction
from utils.settings import settings

if TYPE_CHECKING:
    from utils.db import Cursor


@dataclass(frozen=True)
class Rule:
    """A query that gives the names of what breaks a rule, and what to do about them."""

    name: str
    query: str
    remedy: str


@dataclass(frozen=True)
class Finding:
    """Whether a rule holds; `wrong` are the names of what breaks it."""

    rule: str
    wrong: tuple[str, ...]
    said: str


class Fault(BaseModel):
    """A rule that does not hold: of a tenant, or of the database where `tenant_id` is empty."""

    model_config = ConfigDict(frozen=True)

    tenant_id: str
    rule: str
    number: int
    said: str


class IntegrityReport(BaseModel):
    """How many rows there are of what matters, in all tenants, and every rule that does not hold."""

    model_config = ConfigDict(frozen=True)

    at: datetime
    tenants: int
    counts: dict[str, int]
    faults: list[Fault]


def findings(tenant_id: UUID) -> tuple[Finding, ...]:
    """What each rule found for one tenant, as the app. Raises DatabaseUnavailable."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        return *_of_database(cursor, migrate.APP_ROLE), *_of_tenant(cursor, tenant_id, settings().reservation_seconds)


def inspect_all() -> IntegrityReport:
    """Upkeep: what each rule found for all tenants, a transaction each. A run is stuck after STUCK_SECONDS of silence.

    It looks for Decks on this machine only. Raises DatabaseUnavailable.
    """
    with maintenance_transaction() as cursor:
        cursor.execute(_NOW_AND_TENANTS)
        at, tenants = cursor.fetchone() or (None, [])
        cursor.execute(_COUNTS)
        counts = dict(cursor.fetchall())
        faults = [_fault("", f) for f in _of_database(cursor, migrate.MAINTENANCE_ROLE) if f.wrong]
    for tenant_id in tenants:
        with maintenance_transaction() as cursor:
            found = _of_tenant(cursor, tenant_id, STUCK_SECONDS)
        faults += [_fault(str(tenant_id), f) for f in found if f.wrong]
    return IntegrityReport(at=at, tenants=len(tenants), counts=counts, faults=faults)


def _of_database(cursor: "Cursor", role: str) -> tuple[Finding, ...]:
    applied = migrate.applied(cursor)
    pending = tuple(m.version for m in migrate.pending(applied))
    made = Finding("migrations", pending, ", ".join(pending) or f"{len(applied)} applied")
    return made, *(_found(cursor, rule, {"role": role}) for rule in DATABASE_RULES)


def _of_tenant(cursor: "Cursor", tenant_id: UUID, silence: float) -> tuple[Finding, ...]:
    values = {"tenant": tenant_id, "silence": silence, "reserved": settings().reservation_seconds}
    found = (_found(cursor, rule, values) for rule in TENANT_RULES)
    return *found, _finding(_DECKS, _orphaned_decks(cursor, tenant_id))


def _found(cursor: "Cursor", rule: Rule, values: Mapping[str, object]) -> Finding:
    cursor.execute(rule.query, values)
    return _finding(rule, tuple(str(row[0]) for row in cursor.fetchall()))


def _finding(rule: Rule, wrong: tuple[str, ...]) -> Finding:
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Finding(rule.name, wrong, f"{', '.join(wrong[:SHOWN])}{more}: {rule.remedy}" if wrong else "")


def _fault(tenant_id: str, finding: Finding) -> Fault:
    return Fault(tenant_id=tenant_id, rule=finding.rule, number=len(finding.wrong), said=finding.said)


def _orphaned_decks(cursor: "Cursor", tenant_id: UUID) -> tuple[str, ...]:
    files = {p.stem: p for p in (settings().home / "decks" / str(tenant_id)).glob("*.html")}
    cursor.execute(_RUNS, (tenant_id, list(files)))
    known = {row[0] for row in cursor.fetchall()}
    return tuple(str(path) for name, path in sorted(files.items()) if name not in known)


SHOWN = 5
"""So many names are said a rule."""
STUCK_SECONDS = 3600.0
"""How long a run that is under way may give no sign of life before the report calls it stuck."""
DATABASE_RULES = (
    Rule(
        "database role",
        """
SELECT current_user FROM pg_roles
WHERE rolname = current_user AND (rolsuper OR rolbypassrls OR rolname <> %(role)s)
""",
        "let DATABASE_URL log in as radiant_app, DATABASE_MAINTENANCE_URL as radiant_maintenance, "
        "both NOSUPERUSER NOBYPASSRLS",
    ),
    Rule(
        "row level security",
        """
SELECT c.relname FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
    AND (c.relname = 'tenants' OR EXISTS (
        SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
ORDER BY 1
""",
        "these tables do not keep tenants apart; ALTER TABLE ... FORCE ROW LEVEL SECURITY",
    ),
)
TENANT_RULES = (
    Rule(
        "silent runs",
        """
SELECT run_id FROM runs
WHERE tenant_id = %(tenant)s AND status = 'running' AND alive_at < now() - make_interval(secs => %(silence)s)
ORDER BY 1
""",
        "their processes died; go on with `radiant resume`",
    ),
    Rule(
        "reservations",
        """
SELECT DISTINCT c.run_id FROM model_calls c JOIN runs r ON r.tenant_id = c.tenant_id AND r.run_id = c.run_id
WHERE c.tenant_id = %(tenant)s AND c.state = 'reserved'
    AND greatest(c.reserved_at, r.alive_at) < now() - make_interval(secs => %(reserved)s)
ORDER BY 1
""",
        "they hold budget for calls that nobody makes; `radiant resume`, or the next call that needs it, frees it",
    ),
    Rule(
        "budgets",
        """
SELECT b.window_key FROM budgets b JOIN (
    SELECT r.tenant_id, r.run_id, coalesce(sum(c.charged_usd), 0) AS settled,
        coalesce(sum(c.estimate_usd) FILTER (WHERE c.state = 'reserved'), 0) AS reserved
    FROM runs r LEFT JOIN model_calls c ON c.tenant_id = r.tenant_id AND c.run_id = r.run_id
    WHERE r.tenant_id = %(tenant)s GROUP BY r.tenant_id, r.run_id
) l ON l.tenant_id = b.tenant_id AND l.run_id = b.window_key
WHERE b.tenant_id = %(tenant)s AND b.kind = 'run' AND (b.settled_usd, b.reserved_usd) <> (l.settled, l.reserved)
ORDER BY 1
""",
        "these runs' budgets differ from what their calls cost",
    ),
    Rule(
        "reviews",
        """
SELECT v.run_id FROM reviews v JOIN runs r ON r.tenant_id = v.tenant_id AND r.run_id = v.run_id
WHERE v.tenant_id = %(tenant)s AND v.status = 'open' AND r.concluded_at IS NOT NULL
UNION
SELECT r.run_id FROM runs r
WHERE r.tenant_id = %(tenant)s AND r.status = 'waiting'
    AND NOT EXISTS (SELECT FROM reviews v WHERE v.tenant_id = r.tenant_id AND v.run_id = r.run_id)
ORDER BY 1
""",
        "they ask although they ended, or wait although they ask nothing; `radiant resume` goes on with the latter",
    ),
    Rule(
        "manifests",
        """
SELECT r.run_id FROM runs r
WHERE r.tenant_id = %(tenant)s AND r.concluded_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM execution_manifests m WHERE m.tenant_id = r.tenant_id AND m.run_id = r.run_id)
ORDER BY 1
""",
        "these runs concluded without a manifest",
    ),
    Rule(
        "orphaned budgets",
        """
SELECT b.window_key FROM budgets b
WHERE b.tenant_id = %(tenant)s AND b.kind = 'run'
    AND NOT EXISTS (SELECT FROM runs r WHERE r.tenant_id = b.tenant_id AND r.run_id = b.window_key)
ORDER BY 1
""",
        "their runs are gone",
    ),
)
_DECKS = Rule("orphaned Decks", "", "their runs are gone; delete these files")
_RUNS = "SELECT run_id FROM runs WHERE tenant_id = %s AND run_id = ANY(%s)"
_NOW_AND_TENANTS = "SELECT now(), array(SELECT id FROM tenants ORDER BY id)"
_COUNTS = """
SELECT 'runs ' || status, count(*) FROM runs GROUP BY status
UNION ALL SELECT 'reviews ' || status, count(*) FROM reviews GROUP BY status
UNION ALL SELECT 'reviews overdue', count(*) FROM reviews WHERE status = 'open' AND expires_at < now()
UNION ALL SELECT 'reviews expired in a day', count(*) FROM reviews
    WHERE status = 'expired' AND resolved_at > now() - interval '1 day'
UNION ALL SELECT 'calls ' || state, count(*) FROM model_calls GROUP BY state
UNION ALL SELECT 'lessons', count(*) FROM knowledge_heuristics WHERE valid_to IS NULL
UNION ALL SELECT 'notifications undelivered', count(*) FROM notifications
    WHERE delivered_at IS NULL AND failed_at IS NULL
UNION ALL SELECT 'notifications given up', count(*) FROM notifications WHERE failed_at IS NOT NULL
ORDER BY 1
"""
