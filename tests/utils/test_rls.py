"""No table escapes: what the catalogue says of every table, and what each role can really do."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid4

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extras import register_uuid

from tasks.registry import catalogue, ensure_synced
from tests.conftest import as_owner
from utils import db
from utils.db import maintenance_transaction, tenant_transaction

WITHOUT_TENANT = {"schema_migrations"}
COLUMN_OF = {
    "catalogue_syncs": "digest",
    "orchestration_pattern_categories": "name",
    "orchestration_patterns": "name",
}
SHARED = set(COLUMN_OF)
"""Tables whose rows every tenant reads, and maintenance alone writes."""
USER = uuid4()

TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
COLUMNS = """
SELECT table_name::text, column_name::text FROM information_schema.columns WHERE table_schema = 'public'
"""
POLICIES = """
SELECT tablename, policyname, permissive, roles::text[], cmd, qual, with_check FROM pg_policies
WHERE schemaname = 'public'
"""
VECTOR = "[" + ",".join(["1"] + ["0"] * 767) + "]"
RUN: dict[str, object] = {"run_id": "run"}
ROWS: dict[str, dict[str, object]] = {  # one valid row a table, in an order that foreign keys allow
    "tenants": {"name": "x"},
    "users": {"id": USER, "name": "x"},
    "audit_log": {"action": "x", "subject": "x"},
    "runs": RUN
    | {"user_id": USER, "workflow": "x", "spec_digest": "x", "spec": "{}", "inputs": "{}", "inputs_digest": "x"},
    "model_calls": RUN
    | {"path": "x", "member": 0, "try": 0, "digest": "x", "model_requested": "x", "estimate_usd": 1}
    | {"hour_key": "x", "day_key": "x"},
    "budgets": {"kind": "run", "window_key": "run", "cap_usd": 1},
    "step_records": RUN | {"path": "x", "kind": "tool", "output": "{}"},
    "execution_manifests": RUN | {"output_id": "x", "user_id": USER, "models_used": "{}", "status": "done"},
    "cato_checks": RUN
    | {"path": "x", "kind": "policy", "content_digest": "x", "risk_level": "low", "verdict": "pass"}
    | {"latency_ms": 1},
    "reviews": RUN | {"path": "x", "reason": "x", "shown": "x"},
    "notifications": RUN | {"path": "x", "kind": "review.opened", "payload": "{}"},
    "neural_learning_signals": RUN | {"signal_type": "x", "signal_value": 1, "source": "x"},
    "knowledge_heuristics": {"id": USER, "trigger_pattern": "x", "action_template": "x", "embedding": VECTOR}
    | {"embedding_model": "x", "embedding_version": "x"},
    "lesson_uses": RUN | {"heuristic_id": USER, "rank": 0},
    "memories": {"id": USER, "kind": "x", "user_id": USER, "content": "x", "embedding": VECTOR}
    | {"embedding_model": "x", "embedding_version": "x"},
    "pattern_switches": {"pattern_id": "ai_judge", "enabled": False, "changed_by": USER},
}


@pytest.fixture
def owner(database: str) -> Iterator["db.Cursor"]:
    with as_owner(database) as cursor:
        register_uuid(conn_or_curs=cursor)  # type: ignore[no-untyped-call]
        yield cursor


class Two(NamedTuple):
    """Tenants with one row in each table."""

    ours: UUID
    theirs: UUID


@pytest.fixture
def two(database: str) -> Two:
    tenants = Two(uuid4(), uuid4())
    ensure_synced(tenants.ours)
    for tenant in tenants:
        with tenant_transaction(tenant) as cursor:
            for table in ROWS:
                insert(cursor, table, tenant)
    return tenants


def insert(cursor: "db.Cursor", table: str, tenant: UUID, **other: object) -> None:
    key = "id" if table == "tenants" else "tenant_id"
    row = {key: tenant, **ROWS[table], **other}
    names, holes = ", ".join(row), ", ".join(["%s"] * len(row))
    cursor.execute(f"INSERT INTO {table} ({names}) VALUES ({holes})", list(row.values()))


def count(cursor: "db.Cursor", table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    (found,) = cursor.fetchone() or (None,)
    assert isinstance(found, int)
    return found


def test_every_table_is_known_to_these_tests(owner: "db.Cursor") -> None:
    owner.execute(TABLES)
    assert {name for (name,) in owner.fetchall()} == ROWS.keys() | WITHOUT_TENANT | SHARED


def test_every_table_forces_its_policies_and_has_a_tenant_unless_it_is_shared(owner: "db.Cursor") -> None:
    owner.execute(COLUMNS)
    columns = set(owner.fetchall())
    owner.execute(TABLES + " AND relrowsecurity AND relforcerowsecurity")
    assert {name for (name,) in owner.fetchall()} == ROWS.keys() | SHARED
    assert {t for t in ROWS.keys() | SHARED if (t, "tenant_id") not in columns} == {"tenants"} | SHARED


def test_every_table_has_exactly_the_two_policies(owner: "db.Cursor") -> None:
    owner.execute(POLICIES)
    found = {(table, name): rest for table, name, *rest in owner.fetchall()}
    own = {(table, name) for table in ROWS for name in ("tenant", "maintenance")}
    assert found.keys() == own | {(table, name) for table in SHARED for name in ("readers", "maintenance")}
    for table in SHARED:
        assert found[table, "readers"] == ["PERMISSIVE", ["radiant_app"], "SELECT", "true", None]
        assert found[table, "maintenance"] == ["PERMISSIVE", ["radiant_maintenance"], "ALL", "true", None]
    for table in ROWS:
        key = "id" if table == "tenants" else "tenant_id"
        permissive, roles, command, rule, check = found[table, "tenant"]
        assert (permissive, roles, command, check) == ("PERMISSIVE", ["radiant_app"], "ALL", None)
        assert " ".join(rule.split()) == (
            f"({key} = ( SELECT (NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))::uuid"
            ' AS "nullif"))'
        )
        assert found[table, "maintenance"] == ["PERMISSIVE", ["radiant_maintenance"], "ALL", "true", None]


def test_foreign_and_unique_keys_stay_within_the_tenant(owner: "db.Cursor") -> None:
    owner.execute("""
        SELECT conrelid::regclass::text, contype, (SELECT array_agg(attname::text) FROM pg_attribute
            WHERE attrelid = conrelid AND attnum = ANY (conkey)), confrelid::regclass::text
        FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype IN ('f', 'u', 'p')
    """)
    keys = owner.fetchall()
    assert len(keys) > len(ROWS)
    for table, kind, columns, target in keys:
        own = table in WITHOUT_TENANT | SHARED | {"tenants"}
        assert own or target in SHARED or "tenant_id" in columns, (table, kind, columns, target)
    owner.execute("""
        SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indrelid
        WHERE indisunique AND relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_attribute
            WHERE attrelid = indrelid AND attname = 'tenant_id' AND attnum = indkey[0])
    """)
    assert {name for (name,) in owner.fetchall()} == {f"{t}_pkey" for t in {"tenants"} | WITHOUT_TENANT | SHARED}


def test_views_ask_as_their_caller(owner: "db.Cursor") -> None:
    owner.execute("""
        SELECT relname, 'security_invoker=true' = ANY (reloptions) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')
    """)
    views = {"run_costs", "pattern_performance", "neural_orchestration_stats"}
    assert dict(owner.fetchall()) == dict.fromkeys(views, True)


def test_no_function_runs_as_its_owner(owner: "db.Cursor") -> None:
    owner.execute("""
        SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
    """)
    assert owner.fetchall() == []


def test_the_roles_have_no_powers(owner: "db.Cursor") -> None:
    owner.execute("""
        SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
            (SELECT count(*) FROM pg_auth_members WHERE member = r.oid),
            (SELECT count(*) FROM pg_class WHERE relowner = r.oid),
            has_schema_privilege(rolname, 'public', 'CREATE')
        FROM pg_roles r WHERE rolname IN ('radiant_app', 'radiant_maintenance') ORDER BY rolname
    """)
    powers = (False, False, False, False, False, 0, 0, False)
    assert owner.fetchall() == [("radiant_app", *powers), ("radiant_maintenance", *powers)]


@pytest.mark.parametrize("table", ROWS)
def test_each_tenant_sees_its_own_rows(two: Two, table: str) -> None:
    key = "id" if table == "tenants" else "tenant_id"
    for tenant in two:
        with tenant_transaction(tenant) as cursor:
            cursor.execute(f"SELECT {key} FROM {table}")
            assert cursor.fetchall() == [(tenant,)]
    with maintenance_transaction() as cursor:
        cursor.execute(f"SELECT {key} FROM {table} WHERE {key} IN %s", (two,))
        assert {tenant for (tenant,) in cursor.fetchall()} == set(two)


def test_a_view_shows_its_own_rows(two: Two) -> None:
    with tenant_transaction(two.ours) as cursor:
        cursor.execute("SELECT tenant_id, run_id, calls FROM run_costs")
        assert cursor.fetchall() == [(two.ours, "run", 0)]
        cursor.execute("SELECT tenant_id, pattern_id, usage_count FROM pattern_performance")
        assert cursor.fetchall() == [(two.ours, "x", 1)]
        cursor.execute("SELECT total_runs, events_24h, total_patterns FROM neural_orchestration_stats")
        assert cursor.fetchone() == (1, 1, len(catalogue()) - 1)


@pytest.mark.parametrize("table", sorted(SHARED))
def test_shared_rows_are_the_same_for_all_and_no_tenant_writes_them(two: Two, table: str) -> None:
    seen = []
    for tenant in two:
        with tenant_transaction(tenant) as cursor:
            seen.append(count(cursor, table))
    assert seen[0] == seen[1] > 0
    for statement in (
        f"DELETE FROM {table}",
        f"UPDATE {table} SET {COLUMN_OF[table]} = 'x'",
        f"INSERT INTO {table} ({COLUMN_OF[table]}) VALUES ('x')",
    ):
        with pytest.raises(errors.InsufficientPrivilege), tenant_transaction(two.ours) as cursor:
            cursor.execute(statement)
    with maintenance_transaction() as cursor:
        cursor.execute(f"UPDATE {table} SET {COLUMN_OF[table]} = {COLUMN_OF[table]}")
        assert cursor.rowcount == seen[0]


def test_without_a_tenant_there_are_no_rows_even_on_a_used_connection(two: Two) -> None:
    for _ in range(2):
        with db._transaction("app", "BEGIN", ()) as cursor:
            for table in ROWS:
                assert count(cursor, table) == 0
        with tenant_transaction(two.ours) as cursor:
            assert count(cursor, "runs") == 1


@pytest.mark.parametrize("table", ROWS)
def test_a_tenant_cannot_write_rows_of_another(two: Two, table: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege), tenant_transaction(two.ours) as cursor:
        insert(cursor, table, uuid4() if table == "tenants" else two.theirs)
    key = "id" if table == "tenants" else "tenant_id"
    with pytest.raises(errors.InsufficientPrivilege), tenant_transaction(two.ours) as cursor:
        cursor.execute(f"UPDATE {table} SET {key} = %s", (uuid4() if table == "tenants" else two.theirs,))
    if table != "audit_log":
        with tenant_transaction(two.ours) as cursor:
            cursor.execute(f"UPDATE {table} SET {key} = {key} WHERE {key} = %s", (two.theirs,))
            assert cursor.rowcount == 0


def test_a_tenant_cannot_refer_to_rows_of_another(two: Two) -> None:
    stranger = uuid4()
    with tenant_transaction(two.theirs) as cursor:
        insert(cursor, "users", two.theirs, id=stranger)
    with pytest.raises(errors.ForeignKeyViolation), tenant_transaction(two.ours) as cursor:
        insert(cursor, "runs", two.ours, run_id="other", user_id=stranger)
    with pytest.raises(errors.ForeignKeyViolation), tenant_transaction(two.ours) as cursor:
        cursor.execute("UPDATE neural_learning_signals SET user_id = %s", (stranger,))


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE runs DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE runs NO FORCE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON runs",
        "ALTER POLICY tenant ON runs USING (true)",
        "CREATE POLICY mine ON runs USING (true)",
        "TRUNCATE runs CASCADE",
        "DELETE FROM runs",
        "DELETE FROM model_calls",
        "CREATE TABLE mine (id int)",
        "ALTER ROLE radiant_app BYPASSRLS",
        "UPDATE schema_migrations SET checksum = ''",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
    ],
)
def test_the_app_cannot_free_itself(two: Two, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege), tenant_transaction(two.ours) as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET action = ''", "DELETE FROM audit_log"])
def test_the_audit_only_grows(two: Two, owner: "db.Cursor", statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege), tenant_transaction(two.ours) as cursor:
        cursor.execute(statement)
    with pytest.raises(errors.InsufficientPrivilege), maintenance_transaction() as cursor:
        cursor.execute(statement)
    for as_the_owner in (statement, "TRUNCATE audit_log"):
        with pytest.raises(psycopg2.Error, match="append-only"):
            owner.execute(as_the_owner)


def test_a_lesson_with_a_zero_vector_is_refused(two: Two) -> None:
    zero = "[" + ",".join(["0"] * 768) + "]"
    with pytest.raises(errors.CheckViolation, match="embedding_not_zero"), tenant_transaction(two.ours) as cursor:
        insert(cursor, "knowledge_heuristics", two.ours, id=uuid4(), embedding=zero)


def test_confidence_follows_the_counters(two: Two) -> None:
    with tenant_transaction(two.ours) as cursor:
        cursor.execute("SELECT confidence FROM knowledge_heuristics")
        assert cursor.fetchone() == (Decimal("0.5"),)
        cursor.execute("UPDATE knowledge_heuristics SET helpful = 2, harmful = 1 RETURNING confidence")
        assert cursor.fetchone() == (Decimal("0.6"),)
