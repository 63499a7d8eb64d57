"""What every test stands on: a tenant of its own in a migrated database, or a database of its own, and no network.

The server is TEST_DATABASE_URL's or DATABASE_URL's, else an embedded one for the whole test run, which the
last of its processes stops.
"""

import fcntl
import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import hypothesis
import psycopg2
import pytest
from psycopg2.extensions import make_dsn, parse_dsn

from tests.fake_openai import fake_openai, no_provider
from tests.fake_tools import tool_server
from utils import db, embedded, migrate
from utils.settings import is_this_machine, settings

if TYPE_CHECKING:
    from utils.db import Cursor

__all__ = ["fake_openai", "no_provider", "tool_server"]
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")  # the first example pays for imports, and machines are noisy
RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid4().hex


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A URL of a login that may create databases."""
    given = os.environ.get("TEST_DATABASE_URL") or os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    home = Path(tempfile.gettempdir()) / f"radiant-tests-{RUN}"
    home.mkdir(exist_ok=True)
    users = os.open(home / "users", os.O_RDWR | os.O_CREAT)
    fcntl.flock(users, fcntl.LOCK_SH)
    url = embedded.start(home / "postgres").url()
    with as_owner(url) as cursor:
        cursor.execute("ALTER SYSTEM SET fsync = off")  # these databases need not survive the machine
        cursor.execute("SELECT pg_reload_conf()")
    yield url
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    embedded.stop(home / "postgres")
    shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(server_url: str) -> Iterator[str]:
    """The name of a migrated database that nobody uses."""
    with scratch_database(server_url) as url:
        connection = psycopg2.connect(url)
        migrate.migrate(connection)
        connection.close()
        yield parse_dsn(url)["dbname"]


@pytest.fixture(scope="session")
def shared_database(server_url: str, template: str) -> Iterator[str]:
    """The URL of a migrated database that the tests of this process use one after the other."""
    with scratch_database(server_url, template) as url:
        yield url


@pytest.fixture
def database(shared_database: str, _home: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """The shared database, in which the settings' tenant and user are this test's alone; gives its owner's URL.

    Tenants see nothing of one another, so that tests do not either. Who looks at all tenants takes `fresh_database`.
    Connections stay open for the next test: who changes what they depend on takes `use_database`, which closes them.
    """
    monkeypatch.setenv("RADIANT_TENANT_ID", str(uuid4()))
    monkeypatch.setenv("RADIANT_USER_ID", str(uuid4()))
    monkeypatch.setenv("DATABASE_URL", shared_database)
    settings.cache_clear()
    return shared_database


@pytest.fixture
def fresh_database(server_url: str, template: str, database: str, use_database: Callable[[str], None]) -> Iterator[str]:
    """A migrated database of this test alone, in the stead of `database`; gives its owner's URL. It costs 0.3 s."""
    with scratch_database(server_url, template) as url:
        use_database(url)
        yield url
        db.reset()


@pytest.fixture
def use_database(_home: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Points settings and pools to a database by its URL, until the test ends."""

    def use(url: str) -> None:
        db.reset()
        settings.cache_clear()
        monkeypatch.setenv("DATABASE_URL", url)

    yield use
    db.reset()


@pytest.fixture
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A directory of this test's own for what is kept in files, and one URL for all roles."""
    for name in ("DATABASE_OWNER_URL", "DATABASE_MAINTENANCE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RADIANT_HOME", str(tmp_path))
    yield
    settings.cache_clear()


@contextmanager
def as_owner(url: str) -> Iterator["Cursor"]:
    """A connection of the owner, each statement on its own."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


@contextmanager
def scratch_database(server_url: str, template: str = "template1") -> Iterator[str]:
    """The URL of a database that is dropped at the end."""
    name = f"radiant_test_{uuid4().hex}"
    with as_owner(server_url) as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield make_dsn(server_url, dbname=name)
    finally:
        with as_owner(server_url) as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that leaves this machine raises, except in tests of a cluster."""
    if request.node.get_closest_marker("cluster"):
        return
    for method in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, method, _guarded(getattr(socket.socket, method)))


def _guarded(connect: Callable[[socket.socket, object], object]) -> Callable[[socket.socket, object], object]:
    def guarded(self: socket.socket, address: object) -> object:
        if isinstance(address, tuple) and not is_this_machine(str(address[0])):
            raise AssertionError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    return guarded
