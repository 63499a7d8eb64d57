"""Attempts to get out of the sandbox: each fails inside, and the host is unharmed."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from utils import sandbox_policy
from utils.sandbox import capabilities, run_session
from utils.sandbox_session import Limits, Ran, Session

pytestmark = pytest.mark.skipif(not capabilities()["confined"], reason=sandbox_policy.missing_confinement())
QUICK = Limits(seconds=5)


def run(*cells: str, limits: Limits = QUICK) -> Ran:
    return run_session(Session(cells), limits)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file of the host's user outside any sandbox."""
    file = tmp_path / "secret.txt"
    file.write_text("the secret")
    return file


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Another process of the same user."""
    process = subprocess.Popen([sys.executable, "-Sc", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
    yield process
    assert process.stdin is not None
    process.stdin.close()
    process.wait()


# What it may not do.


def escapes(code: str) -> str:
    """The error that an attempt meets; it must not print `escaped`."""
    ran = run(f"{code}\nprint('escaped')")
    assert "escaped" not in ran.output, ran.output
    assert ran.ended == "error", ran
    return ran.error


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/environ", "/proc/{parent}/environ"]
)
def test_no_file_of_the_system_can_be_read(path: str) -> None:
    assert "PermissionError" in escapes(f"open({path.format(parent=os.getpid())!r}).read()")


def test_no_file_of_the_user_can_be_read_listed_or_reached_by_a_link(outside: Path) -> None:
    assert "PermissionError" in escapes(f"open({str(outside)!r}).read()")
    assert "PermissionError" in escapes(f"import os; os.listdir({str(outside.parent)!r})")
    assert "PermissionError" in escapes(f"import os; os.listdir({str(Path.home())!r})")
    assert "PermissionError" in escapes(f"import os; os.symlink({str(outside)!r}, 'link')")
    assert "PermissionError" in escapes(f"import os; os.link({str(outside)!r}, 'link')")


def test_neither_the_project_nor_its_packages_can_be_imported() -> None:
    root = str(Path(__file__).parents[2])
    assert "ModuleNotFoundError" in escapes(f"import sys; sys.path.insert(0, {root!r}); import utils.settings")
    packages = str(Path(pytest.__file__).parents[1])
    assert "ModuleNotFoundError" in escapes(f"import sys; sys.path.insert(0, {packages!r}); import pytest")


@pytest.mark.parametrize(
    "attempt",
    [
        "open(path, 'w')",
        "open(path, 'a')",
        "os.truncate(path, 0)",
        "os.open(path, os.O_RDONLY | os.O_TRUNC)",
        "os.unlink(path)",
        "os.rename(path, 'mine')",
        "os.rename('own', path)",
        "os.mkdir(path + '.d')",
        "os.mkfifo(path + '.f')",
        "os.chown(path, 1, 1)",
        "os.setxattr(path, 'user.a', b'1')",
    ],
)
def test_nothing_outside_can_be_changed(outside: Path, attempt: str) -> None:
    before = outside.stat()
    escapes(f"import os\nopen('own', 'w').close()\npath = {str(outside)!r}\n{attempt}")
    after = outside.stat()
    assert outside.read_text() == "the secret"
    assert (before.st_mode, before.st_uid, before.st_ino) == (after.st_mode, after.st_uid, after.st_ino)
    assert [p.name for p in outside.parent.iterdir()] == ["secret.txt"]


def test_modes_and_times_seem_to_change_and_do_not(outside: Path) -> None:
    before = outside.stat()
    run(f"import os\nos.chmod({str(outside)!r}, 0)\nos.utime({str(outside)!r}, (1, 1))")
    assert (outside.stat().st_mode, outside.stat().st_mtime) == (before.st_mode, before.st_mtime)


def test_the_standard_library_cannot_be_written() -> None:
    assert "PermissionError" in escapes("import os\nopen(os.__file__, 'a')")
    assert "PermissionError" in escapes("import os\nos.open(os.__file__, os.O_RDONLY | os.O_TRUNC)")
    assert Path(os.__file__).stat().st_size > 0


def test_no_key_of_the_environment_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    ran = run("import os\nprint(sorted(os.environ))")
    assert "OPENAI_API_KEY" not in ran.output
    assert set(eval(ran.output)) <= {
        "HOME",
        "LANG",
        "LC_CTYPE",
        "OPENBLAS_NUM_THREADS",
        "PATH",
        "MALLOC_ARENA_MAX",
        "PYTHONHASHSEED",
        "PYTHONUTF8",
        "TMPDIR",
    }


def test_no_network_not_even_this_machine() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as unix,
        tempfile.TemporaryDirectory() as short,
    ):
        path = f"{short}/s"
        unix.bind(path)
        unix.listen()
        port = server.getsockname()[1]
        assert "Error" in escapes(f"import socket; socket.create_connection(('127.0.0.1', {port}), 1)")
        assert "Error" in escapes(f"import socket; socket.socket(socket.AF_UNIX).connect({path!r})")
        assert "Error" in escapes("import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)")
        assert "Error" in escapes(f"import socket; socket.socketpair()[0].sendto(b'x', {path!r})")
        assert "Error" in escapes(f"import socket; socket.socketpair()[0].connect({path!r})")
        assert "Error" in escapes("import urllib.request; urllib.request.urlopen('http://127.0.0.1')")
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


def test_no_process_can_be_started() -> None:
    for code in (
        "import os; os.fork()",
        "import os; os.execv('/bin/sh', ['sh'])",
        "import os; os.posix_spawn('/bin/true', ['true'], {})",
        "import subprocess, sys; subprocess.run([sys.executable, '-V'])",
        "import os\nfor _ in range(4): os.fork()",
        "import multiprocessing as m; m.Process(target=print).start()",
    ):
        assert "Error" in escapes(code)


def test_nobody_else_can_be_signalled(bystander: "subprocess.Popen[bytes]") -> None:
    for pid in (bystander.pid, os.getpid()):
        escapes(f"import os; os.kill({pid}, 9)")
        escapes(f"import os; os.pidfd_open({pid})")
        escapes(f"import fcntl, signal\nf = open('f', 'w')\nfcntl.fcntl(f, fcntl.F_SETOWN, {pid})")
    escapes("import os; os.killpg(0, 9)")
    assert bystander.poll() is None


LIBC = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(*a):
    if libc.syscall(*a) < 0: raise OSError(ctypes.get_errno(), 'refused')
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are those of x86_64")
@pytest.mark.parametrize(
    ("what", "arguments"),
    [
        ("ptrace the parent", "101, 16, os.getppid(), 0, 0"),
        ("kill the parent", "62, os.getppid(), 9"),
        ("tgkill the parent", "234, os.getppid(), os.getppid(), 9"),
        ("tkill the parent", "200, os.getppid(), 9"),
        ("read the parent's memory", "310, os.getppid(), 0, 0, 0, 0, 0"),
        ("socket", "41, 2, 1, 0"),
        ("vfork", "58"),
        ("clone", "56, 17, 0, 0, 0, 0"),
        ("clone3", "435, 0, 0"),
        ("execve", "59, b'/bin/sh', 0, 0"),
        ("io_uring_setup", "425, 1, 0"),
        ("bpf", "321, 0, 0, 0"),
        ("memfd_create", "319, b'x', 0"),
        ("unshare", "272, 0x10000000"),
        ("mount", "165, 0, 0, 0, 0, 0"),
        ("chroot", "161, b'/'"),
        ("setrlimit", "160, 0, 0"),
        ("prlimit of the parent", "302, os.getppid(), 0, 0, 0"),
        ("prctl", "157, 1, 0, 0, 0, 0"),
        ("seccomp", "317, 1, 0, 0"),
        ("open_by_handle_at", "304, 0, 0, 0"),
        ("perf_event_open", "298, 0, 0, 0, 0, 0"),
        ("keyctl", "250, 0, 0"),
        ("shmget", "29, 0, 4096, 0o1600"),
        ("reboot", "169, 0, 0, 0, 0"),
        ("setuid", "105, 0"),
    ],
)
def test_no_system_call_gets_round_it(what: str, arguments: str) -> None:
    error = escapes(f"{LIBC}\nimport os\ncall({arguments})")
    assert error == ("OSError: [Errno 38] refused" if what == "clone3" else "PermissionError: [Errno 1] refused")


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="x32 is of x86_64")
def test_the_other_numbering_of_system_calls_kills() -> None:
    ran = run(f"{LIBC}\ncall(0x40000000 + 41, 2, 1, 0)\nprint('escaped')")
    assert ran.ended == "crash"
    assert "escaped" not in ran.output


def test_ctypes_opens_no_file_either(outside: Path) -> None:
    code = (
        f"{LIBC}\nfd = libc.open({str(outside)!r}.encode(), 0)\nif fd < 0: raise OSError(ctypes.get_errno(), 'refused')"
    )
    assert "PermissionError" in escapes(code)
