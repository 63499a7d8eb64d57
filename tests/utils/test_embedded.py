"""The embedded server: found, started once, and never damaged by a death."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from tests.conftest import as_owner
from utils import embedded
from utils.db import tenant_transaction
from utils.embedded import Server
from utils.errors import DatabaseUnavailable

START = "import sys, pathlib; from utils import embedded; print(embedded.start(pathlib.Path(sys.argv[1])).socket_dir)"


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "home" / "postgres"
        yield data
        embedded.stop(data)


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split()[0])


def kill_server(server: Server, data: Path) -> None:
    """Kills the whole server with -9, and waits for the end of its last process, which a connection feels."""
    connection = psycopg2.connect(server.url())
    os.kill(postmaster(data), signal.SIGKILL)
    with pytest.raises(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(30)")
    connection.close()


def command(data: Path) -> list[str]:
    return [sys.executable, "-c", START, str(data)]


def test_processes_that_start_at_once_share_one_server(data: Path) -> None:
    starting = [subprocess.Popen(command(data), stdout=subprocess.PIPE, text=True) for _ in range(3)]
    found = {process.communicate(timeout=60)[0].strip() for process in starting}
    assert found == {str(data)}
    assert all(process.returncode == 0 for process in starting)
    before = postmaster(data)
    assert embedded.start(data) == Server(data)
    assert postmaster(data) == before, "it outlives who started it"


def test_a_starter_killed_at_any_moment_does_no_harm(data: Path) -> None:
    for delay in (0.1, 0.2, 0.3, 0.5, 0.8):
        process = subprocess.Popen(command(data), stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
    with as_owner(embedded.start(data).url()) as cursor:
        cursor.execute("SELECT count(*) FROM pg_class")


def test_a_killed_server_is_started_again_with_its_data(data: Path) -> None:
    server = embedded.start(data)
    with as_owner(server.url()) as cursor:
        cursor.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)")
    kill_server(server, data)
    (data / "postmaster.pid").write_text((data / "postmaster.pid").read_text().replace(str(postmaster(data)), "1", 1))
    with as_owner(embedded.start(data).url()) as cursor:
        cursor.execute("SELECT id FROM kept")
        assert cursor.fetchone() == (7,)


def test_a_run_survives_the_death_of_its_server(
    data: Path, monkeypatch: pytest.MonkeyPatch, use_database: Callable[[str], None]
) -> None:
    tenant = uuid4()
    use_database("")
    monkeypatch.setenv("RADIANT_HOME", str(data.parent))
    with tenant_transaction(tenant) as cursor:
        cursor.execute("INSERT INTO tenants (id, name) VALUES (%s, 'kept')", (tenant,))
        cursor.execute("SELECT session_user")
        assert cursor.fetchone() == ("radiant_app",), "no way back to a superuser"
    kill_server(Server(data), data)
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT name FROM tenants")
        assert cursor.fetchall() == [("kept",)]


def test_threads_start_it_once(data: Path) -> None:
    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(embedded.start, [data] * 8)) == {Server(data)}


def test_a_path_too_long_for_a_socket_has_it_elsewhere(data: Path) -> None:
    deep = data.parent / ("d" * 60) / ("e" * 60) / "postgres"
    server = embedded.start(deep)
    try:
        assert len(str(server.socket_dir)) < 100
        with as_owner(server.url()) as cursor:
            cursor.execute("SHOW data_directory")
            assert cursor.fetchone() == (str(deep),)
    finally:
        embedded.stop(deep)
    assert not server.socket_dir.exists()


def test_a_machine_where_it_cannot_start_says_what_to_set(data: Path) -> None:
    data.parent.mkdir()
    data.mkdir(mode=0o700)
    (data / "PG_VERSION").write_text("9")
    with pytest.raises(DatabaseUnavailable, match=r"needs PostgreSQL 9.*set DATABASE_URL") as caught:
        embedded.start(data)
    assert "\n" not in caught.value.message


def test_a_home_that_cannot_be_made_says_what_to_set(data: Path) -> None:
    data.parent.mkdir()
    (data.parent / "file").write_text("")
    with pytest.raises(DatabaseUnavailable, match=r"home/file.*set DATABASE_URL"):
        embedded.start(data.parent / "file" / "postgres")


def test_broken_settings_give_the_servers_own_reason(data: Path) -> None:
    embedded.start(data)
    embedded.stop(data)
    with (data / "postgresql.conf").open("a") as settings_file:
        settings_file.write("no_such_setting = 1\n")
    with pytest.raises(DatabaseUnavailable, match=r"pg_ctl: .*set DATABASE_URL") as caught:
        embedded.start(data)
    assert "\n" not in caught.value.message
