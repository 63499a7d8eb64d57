"""`radiant check`: whether this tenant's data is whole, and what to do where it is not."""

from dataclasses import dataclass
from uuid import UUID

import click

from scripts.identity import Identity, identified
from scripts.tables import show_table
from utils import migrate
from utils.db import tenant_transaction
from utils.settings import settings


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


@click.command()
@identified
def check(me: Identity) -> None:
    """Whether this tenant's data is whole."""
    found = findings(me.tenant)
    show_table(("rule", "state", "detail"), [(f.rule, "WRONG" if f.wrong else "ok", f.said) for f in found])
    if any(f.wrong for f in found):
        raise click.exceptions.Exit(1)


def findings(tenant_id: UUID) -> tuple[Finding, ...]:
    """What each rule found. Raises DatabaseUnavailable where there is no database to look into."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        applied = migrate.applied(cursor)
        pending = tuple(m.version for m in migrate.pending(applied))
        made = [Finding("migrations", pending, ", ".join(pending) or f"{len(applied)} applied")]
        for rule in RULES:
            cursor.execute(rule.query, {"tenant": tenant_id, "silence": settings().reservation_seconds})
            made.append(_finding(rule, tuple(str(row[0]) for row in cursor.fetchall())))
    return (*made, _finding(_DECKS, _orphaned_decks(tenant_id)))


def _finding(rule: Rule, wrong: tuple[str, ...]) -> Finding:
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return Finding(rule.name, wrong, f"{', '.join(wrong[:SHOWN])}{more}: {rule.remedy}" if wrong else "")


def _orphaned_decks(tenant_id: UUID) -> tuple[str, ...]:
    files = {p.stem: p for p in (settings().home / "decks" / str(tenant_id)).glob("*.html")}
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_RUNS, (tenant_id, list(files)))
        known = {row[0] for row in cursor.fetchall()}
    return tuple(str(path) for name, path in sorted(files.items()) if name not in known)


SHOWN = 5
"""So many names are printed a rule."""
RULES = (
    Rule(
        "the app's role",
        """
SELECT current_user FROM pg_roles
WHERE rolname = current_user AND (rolsuper OR rolbypassrls OR rolname <> 'radiant_app')
""",
        "let DATABASE_URL log in as radiant_app, NOSUPERUSER NOBYPASSRLS",
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
    AND greatest(c.reserved_at, r.alive_at) < now() - make_interval(secs => %(silence)s)
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
