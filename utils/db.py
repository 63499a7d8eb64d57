"""The only way to the database: a transaction of one tenant, or one of maintenance.

    with tenant_transaction(tenant_id) as cursor:
        cursor.execute("SELECT ...", (...,))

Three roles: the owner migrates, the app sees one tenant's rows and only within such a transaction,
maintenance sees all through policies of its own. The embedded server lets each log in. One DATABASE_URL
serves all three: its connections take on their role as they open. That keeps mistakes in, not an attacker
who can send SQL of his own (SET ROLE NONE): in production give each role its own login (DATABASE_URL the
app's, DATABASE_OWNER_URL, DATABASE_MAINTENANCE_URL).
"""

import math
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar
from uuid import UUID
from weakref import WeakSet

from utils import embedded, migrate
from utils.errors import DatabaseUnavailable, RadiantError
from utils.settings import settings

if TYPE_CHECKING:
    from psycopg2 import extensions

    Connection: TypeAlias = extensions.connection
    Cursor: TypeAlias = extensions.cursor

T = TypeVar("T")
Role = Literal["owner", "app", "maintenance"]

_LOGINS: dict[Role, str] = {
    "owner": embedded.OWNER,
    "app": migrate.APP_ROLE,
    "maintenance": migrate.MAINTENANCE_ROLE,
}


@contextmanager
def tenant_transaction(tenant_id: UUID, *, durable: bool = True) -> Iterator["Cursor"]:
    """A transaction on the rows of one tenant; commits at the end, rolls back on an error.

    `durable=False` does not wait for the disk at commit: a crash of the server may lose it, never half of it.
    Transactions do not nest: each takes a connection of its own. Raises DatabaseUnavailable.
    """
    ensure_database()
    begin = _BEGIN_TENANT if durable else _BEGIN_TENANT_RELAXED
    with _transaction("app", begin, (str(tenant_id),)) as cursor:
        yield cursor


def tenant_function(
    tenant_id: UUID, call: str, arguments: Sequence[object], *, durable: bool = True
) -> tuple[Any, ...]:
    """The row that a database function gives, as a transaction of one tenant in one round trip.

    `call` is a constant such as `begin_call(tenant.id, %s)`: its first argument is the tenant, whose setting is thereby
    made before the function runs. It commits without waiting for the disk and, where it must be durable, waits after:
    so that its locks are held for no write of the disk, and calls that end together share one. Raises
    DatabaseUnavailable.
    """
    ensure_database()
    with _state.pool("app").cursor(f"{_AS_TENANT}{call} AS given", (str(tenant_id), *arguments)) as cursor:
        found = cursor.fetchone()
        if durable:
            cursor.execute(_FLUSH)
    if found is None:
        raise RadiantError(f"the database gave nothing for {call.partition('(')[0]}")
    return found


@contextmanager
def maintenance_transaction() -> Iterator["Cursor"]:
    """A transaction across all tenants, for upkeep. Raises DatabaseUnavailable."""
    ensure_database()
    with _transaction("maintenance", _BEGIN, ()) as cursor:
        yield cursor


def ensure_database() -> None:
    """Finds or starts the server, and migrates the database if it is behind: once a process."""
    if not _state.ready:
        with _state.starting:
            if not _state.ready:
                _ensure()
                _state.ready = True


def outlast(make: Callable[[], T]) -> T:
    """What `make` gives, tried again while the database is away, for `outage_seconds`; then it raises what `make` does.

    For what may be done twice: a transaction whose COMMIT was not answered may have been committed.
    """
    import psycopg2

    deadline, pause = math.inf, 0.2
    while True:
        try:
            return make()
        except (DatabaseUnavailable, psycopg2.OperationalError, psycopg2.InterfaceError):
            # It counts from when the database was first missed: `make` may have worked for long before.
            deadline = min(deadline, time.monotonic() + settings().outage_seconds)
            if time.monotonic() + pause > deadline:
                raise
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, 5.0)


def use_vectors(cursor: "Cursor") -> None:
    """Lets this cursor's connection take numpy arrays as vectors, and give `pgvector.Vector` back."""
    connection = cursor.connection
    if connection not in _state.with_vectors:
        from pgvector.psycopg2 import register_vector

        register_vector(connection)
        _state.with_vectors.add(connection)


def reset() -> None:
    """Closes all idle connections and forgets what was found: for tests, and before the settings change."""
    pools = list(_state.pools.values())
    _state.forget()
    for pool in pools:
        pool.close()


class _Pool:
    """Connections of one role, the last used first. Whoever finds all of them busy waits."""

    def __init__(self, role: Role, size: int, wait: float) -> None:
        self._role: Role = role
        self._size = size
        self._wait = wait
        self._idle: list[Connection] = []
        self._free = threading.BoundedSemaphore(size)

    @contextmanager
    def cursor(self, first: str, arguments: Sequence[object]) -> Iterator["Cursor"]:
        """A cursor that has executed `first`. Its connection goes back to the pool unless it broke."""
        if not self._free.acquire(timeout=self._wait):
            raise DatabaseUnavailable(
                f"all {self._size} database connections were busy for {self._wait:.0f} s: "
                "raise RADIANT_DATABASE_CONNECTIONS"
            )
        try:
            cursor = self._begun(first, arguments)
            try:
                yield cursor
            finally:
                cursor.close()
                self._put_back(cursor.connection)
        finally:
            self._free.release()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def _begun(self, first: str, arguments: Sequence[object]) -> "Cursor":
        import psycopg2

        while True:
            try:
                connection, fresh = self._idle.pop(), False
            except IndexError:
                connection, fresh = _connect(self._role), True
            try:
                cursor = connection.cursor()
                cursor.execute(first, arguments)
                return cursor
            except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
                # The server may have restarted since. Nothing was done yet: try the next, down to a new one.
                connection.close()
                if fresh:
                    raise DatabaseUnavailable(f"the database went away ({_line(error)})") from error
            except BaseException:
                connection.close()
                raise

    def _put_back(self, connection: "Connection") -> None:
        from psycopg2.extensions import TRANSACTION_STATUS_IDLE

        if connection.closed or connection.info.transaction_status != TRANSACTION_STATUS_IDLE:
            connection.close()
        else:
            self._idle.append(connection)


class _State:
    """What a process knows of its database."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Starts anew, with new locks: after a fork the connections and locks are the parent's."""
        self.ready = False
        self.starting = threading.RLock()
        self.lock = threading.Lock()
        self.pools: dict[Role, _Pool] = {}
        self.with_vectors: WeakSet[Connection] = WeakSet()

    def pool(self, role: Role) -> _Pool:
        with self.lock:
            if role not in self.pools:
                self.pools[role] = _Pool(role, settings().database_connections, _BUSY_SECONDS)
            return self.pools[role]


@contextmanager
def _transaction(role: Role, begin: str, arguments: tuple[str, ...]) -> Iterator["Cursor"]:
    """Sends BEGIN and COMMIT itself, on connections in autocommit: psycopg2's BEGIN is a round trip more."""
    import psycopg2

    with _state.pool(role).cursor(begin, arguments) as cursor:
        try:
            yield cursor
        except BaseException:
            with suppress(psycopg2.Error):  # a connection that broke has rolled back by itself
                cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")
        if cursor.statusmessage != "COMMIT":
            raise RadiantError("nothing was written: a statement of this transaction had failed before its end")


def _ensure() -> None:
    """One query where all is up to date, as the app. Anything else is the owner's to see to."""
    import psycopg2

    try:
        with _transaction("app", _BEGIN, ()) as cursor:
            if not migrate.pending(migrate.applied(cursor)):
                return
    except (psycopg2.Error, _NoConnection):
        pass
    owner = _connect("owner")
    try:
        migrate.migrate(owner)
    except psycopg2.Error as error:
        raise DatabaseUnavailable(f"the database cannot be migrated ({_line(error)})") from error
    finally:
        owner.close()


class _NoConnection(DatabaseUnavailable):
    """A connection could not be opened."""


def _connect(role: Role) -> "Connection":
    """Opens a connection of a role. One that the server refuses while it starts or stops is tried again."""
    import psycopg2

    deadline = time.monotonic() + _RESTART_SECONDS
    while True:
        try:
            return _open(role)
        except psycopg2.OperationalError as error:
            if "the database system is" not in str(error) or time.monotonic() > deadline:
                raise _NoConnection(_unreachable(role, error)) from error
            time.sleep(0.05)


def _open(role: Role) -> "Connection":
    import psycopg2
    from psycopg2.extensions import parse_dsn
    from psycopg2.extras import register_uuid

    url, takes_role = _url(role)
    try:
        parameters = {"connect_timeout": "10", "application_name": "radiant", **parse_dsn(url)}
    except psycopg2.ProgrammingError:  # its message would show the password
        raise DatabaseUnavailable(
            "DATABASE_URL is no database URL: write postgresql://user:password@host:5432/name"
        ) from None
    if takes_role:
        parameters["options"] = f"{parameters.get('options', '')} -c role={_LOGINS[role]}".strip()
    connection: Connection = psycopg2.connect(**parameters)
    connection.autocommit = True
    register_uuid(conn_or_curs=connection)  # type: ignore[no-untyped-call]
    if role != "owner" and connection.get_parameter_status("is_superuser") != "off":
        connection.close()
        raise DatabaseUnavailable(
            f"the connection did not take on the role {_LOGINS[role]} and bypasses row level security: "
            "let `options` through your connection pooler, or give DATABASE_URL that role's own login"
        )
    return connection


def _url(role: Role) -> tuple[str, bool]:
    """Where a role connects, and whether it logs in as another and must take on its role there."""
    found = settings()
    own = {
        "owner": found.database_owner_url,
        "maintenance": found.database_maintenance_url,
        "app": found.database_url,
    }
    url = own[role].get_secret_value() or found.database_url.get_secret_value()
    if url:
        return url, role != "owner"
    return embedded.start(found.home / "postgres").url(_LOGINS[role]), False


def _unreachable(role: Role, error: Exception) -> str:
    own = {"owner": "DATABASE_OWNER_URL", "maintenance": "DATABASE_MAINTENANCE_URL", "app": "DATABASE_URL"}
    return (
        f"no connection to the database as {role} ({_line(error)}): correct {own[role]} (else DATABASE_URL "
        "is used), or unset both for the embedded database"
    )


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


_state = _State()
os.register_at_fork(after_in_child=_state.forget)  # psycopg2 itself leaves a parent's sockets alone

_BUSY_SECONDS = 30.0
_RESTART_SECONDS = 15.0

_BEGIN = "BEGIN"
_AS_TENANT = """
WITH tenant AS MATERIALIZED (
    SELECT set_config('app.current_tenant_id', %s, true)::uuid AS id, set_config('synchronous_commit', 'off', true)
)
SELECT given.* FROM tenant, LATERAL """
# A commit that waits for the disk waits for all that was committed before it: the log is written in order.
_FLUSH = "SELECT pg_logical_emit_message(true, 'radiant', 'flush')"
_BEGIN_TENANT = "BEGIN; SET LOCAL app.current_tenant_id = %s"
_BEGIN_TENANT_RELAXED = "BEGIN; SET LOCAL app.current_tenant_id = %s; SET LOCAL synchronous_commit = off"
