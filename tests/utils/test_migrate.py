"""Migrations: once each, in order, all or nothing, and equal to schema.sql."""

import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib import resources

import psycopg2
import pytest

from tests.conftest import as_owner, scratch_database
from utils import db, migrate
from utils.errors import DatabaseUnavailable
from utils.migrate import Migration

CATALOGUE = {
    "columns": """SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        a.attstorage, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum), c.reloptions
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
        WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0""",
    "tables": """SELECT relname, relkind, relrowsecurity, relforcerowsecurity, relacl::text, reloptions,
        obj_description(oid, 'pg_class') FROM pg_class WHERE relnamespace = 'public'::regnamespace""",
    "constraints": """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace""",
    "indexes": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "policies": "SELECT * FROM pg_policies",
    "triggers": "SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public'",
    "functions": """SELECT proname, CASE prokind WHEN 'f' THEN pg_get_functiondef(oid) END, proacl::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace""",
}


@pytest.fixture
def empty(server_url: str) -> Iterator[str]:
    with scratch_database(server_url) as url:
        yield url


def run(url: str, known: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    connection = psycopg2.connect(url)
    try:
        return migrate.migrate(connection, known)
    finally:
        connection.close()


def catalogue(url: str) -> dict[str, list[str]]:
    with as_owner(url) as cursor:
        found = {}
        for name, query in CATALOGUE.items():
            cursor.execute(query)
            found[name] = sorted(map(repr, cursor.fetchall()))
    return found


def migration(version: str, sql: str) -> Migration:
    return Migration(version, sql, checksum=sql)


def test_all_migrations_equal_the_schema(server_url: str, empty: str) -> None:
    run(empty)
    with scratch_database(server_url) as other:
        with as_owner(other) as cursor:
            migrate.prepare(cursor)
            cursor.execute(resources.files("migrations").joinpath("schema.sql").read_text())
        migrated, schema = catalogue(empty), catalogue(other)
    assert len(migrated["policies"]) > 20
    for name in CATALOGUE:
        assert migrated[name] == schema[name], name


def test_migrations_are_numbered_without_a_gap() -> None:
    numbers = [int(m.version[:4]) for m in migrate.migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_each_is_applied_once_and_in_order(empty: str) -> None:
    everything = tuple(m.version for m in migrate.migrations())
    assert run(empty) == everything
    assert run(empty) == ()
    assert run(empty, (*migrate.migrations(), migration("9999_next", "CREATE TABLE next (id int)"))) == ("9999_next",)
    assert run(empty) == (), "an older program lives with a newer database"


def test_a_changed_file_is_refused(empty: str) -> None:
    run(empty)
    first, *rest = migrate.migrations()
    changed = replace(first, sql=first.sql + "-- x", checksum="other")
    with pytest.raises(DatabaseUnavailable, match=f"{first.version} was changed after it was applied"):
        run(empty, (changed, *rest))


def test_a_migration_that_fails_leaves_nothing(empty: str) -> None:
    broken = migration("9999_broken", "CREATE TABLE half (id int); SELECT 1 / 0")
    with pytest.raises(psycopg2.errors.DivisionByZero):
        run(empty, (*migrate.migrations(), broken))
    with as_owner(empty) as cursor:
        cursor.execute("SELECT to_regclass('half'), count(*) FROM schema_migrations")
        assert cursor.fetchone() == (None, len(migrate.migrations()))


def test_processes_that_migrate_at_once_apply_each_once(empty: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as processes:
        applied = processes.map(run, [empty] * 6)
    assert sorted(len(versions) for versions in applied) == [0] * 5 + [len(migrate.migrations())]


def test_the_first_transaction_migrates(empty: str, use_database: Callable[[str], None]) -> None:
    use_database(empty)
    with db.maintenance_transaction() as cursor:
        assert migrate.pending(migrate.applied(cursor)) == ()


def test_an_owner_without_superuser_may_migrate(empty: str) -> None:
    """As in a managed cluster: a login with CREATEROLE that owns the database, where the roles exist already."""
    login = f"owner_{psycopg2.extensions.parse_dsn(empty)['dbname']}"
    name = psycopg2.extensions.parse_dsn(empty)["dbname"]
    with as_owner(empty) as cursor:
        migrate.prepare(cursor)
        cursor.execute(f"CREATE ROLE {login} CREATEROLE; ALTER DATABASE {name} OWNER TO {login}")
    try:
        connection = psycopg2.connect(empty, options=f"-c role={login}")
        with pytest.raises(DatabaseUnavailable, match="GRANT radiant_app TO this login"):
            migrate.migrate(connection)
        with as_owner(empty) as cursor:
            cursor.execute(f"GRANT radiant_app, radiant_maintenance TO {login} WITH SET TRUE, INHERIT FALSE")
        assert len(migrate.migrate(connection)) == len(migrate.migrations())
        connection.close()
    finally:
        with as_owner(empty) as cursor:
            cursor.execute(f"REASSIGN OWNED BY {login} TO current_user; DROP OWNED BY {login}; DROP ROLE {login}")


@pytest.mark.usefixtures("template")  # which made the roles
def test_a_missing_extension_is_one_line(empty: str) -> None:
    login = f"plain_{psycopg2.extensions.parse_dsn(empty)['dbname']}"
    with as_owner(empty) as cursor:
        cursor.execute(f"CREATE ROLE {login}; GRANT radiant_app, radiant_maintenance TO {login} WITH SET TRUE")
    try:
        connection = psycopg2.connect(empty, options=f"-c role={login}")
        with pytest.raises(DatabaseUnavailable, match="CREATE EXTENSION vector") as caught:
            migrate.migrate(connection)
        connection.close()
        assert "\n" not in caught.value.message
    finally:
        with as_owner(empty) as cursor:
            cursor.execute(f"DROP ROLE {login}")
