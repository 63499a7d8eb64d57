"""Transactions and their connections: what they see, how many there are, and what they survive."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID, uuid4

import psycopg2
import pytest
from psycopg2 import errors
from psycopg2.extensions import make_dsn

from tests.conftest import as_owner
from utils import db
from utils.accounts import ensure_personal
from utils.db import ensure_database, maintenance_transaction, tenant_transaction, use_vectors
from utils.errors import DatabaseUnavailable, RadiantError
from utils.settings import settings

INSERT = "INSERT INTO tenants (id, name) VALUES (%s, 'lost')"
NAME = "SELECT name FROM tenants"
KILL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'radiant' AND datname = %s"


@pytest.fixture(autouse=True)
def _no_connection(use_database: Callable[[str], None]) -> None:
    """Each test opens its own connections, and leaves none."""
    db.reset()


def tenant() -> UUID:
    return settings().tenant_id


def add_tenant(name: str, *, durable: bool = True) -> None:
    with tenant_transaction(tenant(), durable=durable) as cursor:
        cursor.execute("INSERT INTO tenants (id, name) VALUES (%s, %s)", (tenant(), name))


def names() -> list[str]:
    with tenant_transaction(tenant()) as cursor:
        cursor.execute(NAME)
        return [name for (name,) in cursor.fetchall()]


def backend(cursor: "db.Cursor") -> int:
    cursor.execute("SELECT pg_backend_pid()")
    (pid,) = cursor.fetchone() or (0,)
    return int(pid)


def kill_connections(database: str) -> int:
    with as_owner(database) as cursor:
        cursor.execute(KILL, (cursor.connection.info.dbname,))
        return cursor.rowcount


def small_pool(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setenv("RADIANT_DATABASE_CONNECTIONS", str(size))
    settings.cache_clear()
    db.reset()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("durable", [True, False])
def test_a_transaction_commits(durable: bool) -> None:
    add_tenant("kept", durable=durable)
    assert names() == ["kept"]


@pytest.mark.usefixtures("database")
def test_an_error_rolls_back_and_leaves_the_connection_usable() -> None:
    backends: list[int] = []

    def fail() -> None:
        with tenant_transaction(tenant()) as cursor:
            backends.append(backend(cursor))
            cursor.execute(INSERT, (tenant(),))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names() == []
    with tenant_transaction(tenant()) as cursor:
        assert [backend(cursor)] == backends


@pytest.mark.usefixtures("database")
def test_a_swallowed_error_is_not_taken_for_a_commit() -> None:
    def swallow() -> None:
        with tenant_transaction(tenant()) as cursor:
            cursor.execute(INSERT, (tenant(),))
            with suppress(errors.DivisionByZero):
                cursor.execute("SELECT 1 / 0")

    with pytest.raises(RadiantError, match="nothing was written"):
        swallow()
    assert names() == []


@pytest.mark.usefixtures("database")
def test_settings_of_a_transaction_end_with_it() -> None:
    show = "SELECT current_setting('app.current_tenant_id', true), current_setting('synchronous_commit')"
    with tenant_transaction(tenant(), durable=False) as cursor:
        first = backend(cursor)
        cursor.execute(show)
        assert cursor.fetchone() == (str(tenant()), "off")
    with maintenance_transaction() as cursor:
        cursor.execute(show)
        assert cursor.fetchone() in ((None, "on"), ("", "on"))
    with db._transaction("app", "BEGIN", ()) as cursor:
        assert backend(cursor) == first
        cursor.execute(show)
        assert cursor.fetchone() == ("", "on")


@pytest.mark.usefixtures("database")
def test_each_role_is_itself() -> None:
    ask = "SELECT current_user, current_setting('is_superuser')"
    with tenant_transaction(tenant()) as cursor:
        cursor.execute(ask)
        assert cursor.fetchone() == ("radiant_app", "off")
        cursor.execute("RESET ROLE")
        cursor.execute(ask)
        assert cursor.fetchone() == ("radiant_app", "off")
    with maintenance_transaction() as cursor:
        cursor.execute(ask)
        assert cursor.fetchone() == ("radiant_maintenance", "off")


@pytest.mark.usefixtures("database")
def test_an_exhausted_pool_makes_callers_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pool(monkeypatch, 2)
    ensure_database()
    both, backends = threading.Barrier(2), set()

    def use(waits: bool) -> None:
        with tenant_transaction(tenant()) as cursor:
            backends.add(backend(cursor))
            if waits:
                both.wait(20)  # two hold a connection each at this moment

    with ThreadPoolExecutor(12) as threads:
        for done in [threads.submit(use, n < 2) for n in range(40)]:
            done.result(30)
    assert len(backends) == 2


@pytest.mark.usefixtures("database")
def test_a_pool_that_stays_exhausted_says_what_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_BUSY_SECONDS", 0.01)
    small_pool(monkeypatch, 2)
    with (
        tenant_transaction(tenant()),
        tenant_transaction(tenant()),
        pytest.raises(DatabaseUnavailable, match="RADIANT_DATABASE_CONNECTIONS"),
        tenant_transaction(tenant()),
    ):
        pass


def test_connections_that_died_between_transactions_are_replaced(database: str) -> None:
    add_tenant("kept")
    with tenant_transaction(tenant()), tenant_transaction(tenant()):
        pass
    assert kill_connections(database) == 2
    assert names() == ["kept"]


def test_a_connection_that_dies_within_a_transaction_fails_it_only(database: str) -> None:
    def die() -> None:
        with tenant_transaction(tenant()) as cursor:
            cursor.execute(INSERT, (tenant(),))
            assert kill_connections(database) == 1
            cursor.execute(NAME)

    with pytest.raises(psycopg2.OperationalError):
        die()
    assert names() == []


def test_a_killed_process_leaves_no_transaction_behind(database: str) -> None:
    ensure_personal(tenant(), uuid4())
    code = f"""
import sys, uuid
from utils.db import tenant_transaction
with tenant_transaction(uuid.UUID("{tenant()}")) as cursor:
    cursor.execute("UPDATE tenants SET name = 'half'")
    print("holds", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", code]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "holds\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)
    with tenant_transaction(tenant()) as cursor:
        cursor.execute("SET LOCAL lock_timeout = '10s'")
        cursor.execute("UPDATE tenants SET name = 'whole'")
    assert names() == ["whole"]


@pytest.mark.usefixtures("database")
def test_a_fork_leaves_the_parents_connections_alone() -> None:
    with tenant_transaction(tenant()) as cursor:
        parents = backend(cursor)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with tenant_transaction(tenant()) as cursor:
            os.write(writing, str(backend(cursor)).encode())
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert int(os.read(reading, 20)) != parents
    with tenant_transaction(tenant()) as cursor:
        assert backend(cursor) == parents
    os.close(reading)
    os.close(writing)


@pytest.mark.usefixtures("database")
def test_a_transaction_costs_two_round_trips_besides_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_database()
    sent: list[str] = []

    class Counting(psycopg2.extensions.cursor):
        def execute(self, query: object, vars: object = None) -> None:  # noqa: A002 (psycopg2's name)
            sent.append(str(query))
            super().execute(query, vars)  # type: ignore[arg-type]

    with tenant_transaction(tenant()) as cursor:
        cursor.connection.cursor_factory = Counting
        same = backend(cursor)
    with tenant_transaction(tenant()) as cursor:
        assert backend(cursor) == same
    assert len(sent) == 3
    assert sent[0].startswith("BEGIN; SET LOCAL")
    assert sent[2] == "COMMIT"


@pytest.mark.usefixtures("database")
def test_vectors_come_back_as_they_went() -> None:
    import numpy
    from pgvector import Vector

    for _ in range(2):
        with tenant_transaction(tenant()) as cursor:
            use_vectors(cursor)
            cursor.execute("SELECT %s::vector", (numpy.array([0.5, 2.0]),))
            (found,) = cursor.fetchone() or (None,)
            assert found == Vector([0.5, 2.0])


def test_uuids_come_back_as_uuids(database: str) -> None:
    add_tenant("x")
    with tenant_transaction(tenant()) as cursor:
        cursor.execute("SELECT id FROM tenants")
        assert cursor.fetchone() == (tenant(),)
        assert isinstance(tenant(), UUID)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"dbname": "no_such_database"}, 'database "no_such_database" does not exist'),
        ({"host": "127.0.0.1", "port": "1"}, "Connection refused"),
    ],
)
def test_a_database_that_is_not_there_is_one_line(
    server_url: str, use_database: Callable[[str], None], change: dict[str, str], says: str
) -> None:
    use_database(make_dsn(server_url, **change))
    with pytest.raises(DatabaseUnavailable, match=says) as caught, tenant_transaction(tenant()):
        pass
    assert "DATABASE_URL" in caught.value.message
    assert "\n" not in caught.value.message


def test_a_malformed_url_is_one_line(use_database: Callable[[str], None]) -> None:
    use_database("postgresql//secret@host")
    with (
        pytest.raises(DatabaseUnavailable, match="DATABASE_URL is no database URL") as caught,
        tenant_transaction(tenant()),
    ):
        pass
    assert "secret" not in caught.value.message


def test_a_role_may_have_a_login_of_its_own(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_MAINTENANCE_URL", make_dsn(database, application_name="upkeep"))
    settings.cache_clear()
    db.reset()
    with maintenance_transaction() as cursor:
        cursor.execute("SELECT current_user, current_setting('application_name')")
        assert cursor.fetchone() == ("radiant_maintenance", "upkeep")
    with tenant_transaction(tenant()) as cursor:
        cursor.execute("SELECT current_setting('application_name')")
        assert cursor.fetchone() == ("radiant",)
