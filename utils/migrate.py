"""The migration runner: numbered plain SQL (migrations/), applied once each in order under an advisory lock.

What was applied is recorded with its checksum; a file that changed afterwards is refused. A newer program's
migrations, which this one does not know, are let be: a deployment replaces its processes one by one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from utils.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from psycopg2 import extensions

APP_ROLE = "radiant_app"
MAINTENANCE_ROLE = "radiant_maintenance"
OLDEST_SERVER = 16


@dataclass(frozen=True)
class Migration:
    """One SQL file: its name without `.sql`, its text, and the digest of that."""

    version: str
    sql: str
    checksum: str


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """Every migration of this program, in order."""
    files = (f for f in resources.files("migrations").iterdir() if f.name[:4].isdigit())
    return tuple(
        _migration(f.name.removesuffix(".sql"), f.read_text("utf-8")) for f in sorted(files, key=lambda f: f.name)
    )


def pending(applied: Mapping[str, str], known: tuple[Migration, ...] | None = None) -> tuple[Migration, ...]:
    """What is still to apply, given version -> checksum of what was. A changed file is refused."""
    known = migrations() if known is None else known
    for migration in known:
        if applied.get(migration.version, migration.checksum) != migration.checksum:
            raise DatabaseUnavailable(
                f"migration {migration.version} was changed after it was applied to this database: "
                "restore the file and put the change into a new migration"
            )
    return tuple(migration for migration in known if migration.version not in applied)


def applied(cursor: "extensions.cursor") -> dict[str, str]:
    """Version -> checksum of what the database has. Fails with an SQL error where there is no such table."""
    cursor.execute(_APPLIED)
    return dict(cursor.fetchall())


def migrate(connection: "extensions.connection", known: tuple[Migration, ...] | None = None) -> tuple[str, ...]:
    """Makes the roles and the extension and applies what is pending; gives the versions that it applied.

    The connection is the owner's, outside a transaction, and in autocommit afterwards. Processes that migrate
    the same database at once wait for one another. Each file is applied whole or not at all.
    """
    if connection.server_version < OLDEST_SERVER * 10_000:
        version = connection.server_version // 10_000
        raise DatabaseUnavailable(f"PostgreSQL {version} is too old: set DATABASE_URL to {OLDEST_SERVER} or newer")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
        try:
            prepare(cursor)
            cursor.execute(_HAS_TABLE)
            found = cursor.fetchone()
            todo = pending(applied(cursor) if found and found[0] else {}, known)
            for migration in todo:
                _apply(cursor, migration)
        finally:
            if not connection.closed:
                cursor.execute(_UNLOCK)
    return tuple(migration.version for migration in todo)


def prepare(cursor: "extensions.cursor") -> None:
    """Makes what belongs to the cluster or needs its superuser: the two roles, and pgvector."""
    import psycopg2

    for role in (APP_ROLE, MAINTENANCE_ROLE):
        _ensure_role(cursor, role)
    try:
        cursor.execute(_EXTENSION)
    except psycopg2.Error as error:
        raise DatabaseUnavailable(
            f"pgvector cannot be set up here ({_line(error)}): as a superuser, run CREATE EXTENSION vector "
            "in this database"
        ) from error


def _migration(version: str, sql: str) -> Migration:
    return Migration(version, sql, hashlib.sha256(sql.encode()).hexdigest())


def _apply(cursor: "extensions.cursor", migration: Migration) -> None:
    try:
        cursor.execute("BEGIN")
        cursor.execute(migration.sql)
        cursor.execute(_RECORD, (migration.version, migration.checksum))
        cursor.execute("COMMIT")
    except BaseException:
        if not cursor.connection.closed:
            cursor.execute("ROLLBACK")
        raise


def _ensure_role(cursor: "extensions.cursor", role: str) -> None:
    """Makes a role that our login may become. Other databases of the cluster share it, and make it too."""
    import psycopg2

    for last in (False, False, True):
        try:
            cursor.execute(_CREATE_ROLE[role])
            break
        except psycopg2.errors.InsufficientPrivilege as error:
            raise DatabaseUnavailable(
                f"the database login cannot use the role {role} ({_line(error)}): as a superuser, run "
                f"CREATE ROLE {role} LOGIN if it is missing, and GRANT {role} TO this login WITH SET TRUE"
            ) from error
        except psycopg2.Error:  # another database's migration made or granted it just now
            if last:
                raise
    cursor.execute(_ROLE_BYPASSES, (role,))
    found = cursor.fetchone()
    if found and found[0]:
        raise DatabaseUnavailable(
            f"the role {role} bypasses row level security: run ALTER ROLE {role} NOSUPERUSER NOBYPASSRLS"
        )


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


_LOCK = "SELECT pg_advisory_lock(hashtext('radiant migrations'))"
_UNLOCK = "SELECT pg_advisory_unlock(hashtext('radiant migrations'))"
_HAS_TABLE = "SELECT to_regclass('schema_migrations') IS NOT NULL"
_APPLIED = "SELECT version, checksum FROM schema_migrations"
_RECORD = "INSERT INTO schema_migrations (version, checksum) VALUES (%s, %s)"
_EXTENSION = "CREATE EXTENSION IF NOT EXISTS vector"
_ROLE_BYPASSES = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s"
# A login without a password: usable where the server trusts (embedded), or once an administrator sets one.
_CREATE_ROLE = {
    role: f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} LOGIN NOINHERIT;
    END IF;
    IF NOT pg_has_role(current_user, '{role}', 'SET') THEN
        GRANT {role} TO current_user WITH INHERIT FALSE, SET TRUE;
    END IF;
END $$"""
    for role in (APP_ROLE, MAINTENANCE_ROLE)
}
