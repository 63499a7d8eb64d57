"""The sandbox: what code may do, what it may not, and that what it tries leaves the host unharmed."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from utils import sandbox, sandbox_policy
from utils.errors import BadInput, RunFailed
from utils.sandbox import CannotConfine, HostFunction, Refused, capabilities, run_session
from utils.sandbox_session import File, Limits, Ran, Session

pytestmark = pytest.mark.skipif(not capabilities()["confined"], reason=sandbox_policy.missing_confinement())
QUICK = Limits(seconds=5)


def run(*cells: str, limits: Limits = QUICK, functions: dict[str, HostFunction] | None = None, **rest: Any) -> Ran:
    return run_session(Session(cells, **rest), limits, functions)


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


# What it does for honest code.


def test_output_values_and_the_last_expression_are_given() -> None:
    ran = run(
        "import math, json, re, statistics\nans = math.comb(5, 2)\nprint('shown')\nans + 1", wants=("ans", "none")
    )
    assert (ran.ended, ran.output, ran.values, ran.error) == ("done", "shown\n11\n", {"ans": 10}, "")


def test_a_value_that_json_does_not_have_is_its_repr() -> None:
    assert run("s = {1}\nn = float('nan')", wants=("s", "n")).values == {"s": "{1}", "n": "nan"}


def test_a_traceback_shows_the_code_and_nothing_of_the_guard() -> None:
    ran = run("def f():\n    return 1 / 0\nf()")
    assert ran.ended == "error"
    assert ran.error == "ZeroDivisionError: division by zero"
    assert 'File "<cell 1>", line 2, in f\n    return 1 / 0' in ran.output
    assert "sandbox" not in ran.output


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = (", "SyntaxError"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("class E(Exception):\n    def __str__(self): raise ValueError\nraise E", "E"),
        ("def f(): f()\nf()", "RecursionError"),
    ],
)
def test_what_code_raises_is_its_error(code: str, error: str) -> None:
    ran = run(code)
    assert ran.ended == "error"
    assert error in ran.error


def test_an_exit_without_error_is_an_end() -> None:
    assert (ran := run("print('a')\nraise SystemExit")).ended == "done"
    assert ran.output == "a\n"


def test_files_are_given_and_what_is_written_comes_back() -> None:
    copy = "import shutil, os\nshutil.copy('in/a.txt', 'b.txt')"
    write = "os.makedirs('d/e')\nopen('d/e/c.bin', 'wb').write(bytes([0, 255]))"
    ran = run(f"{copy}\n{write}", files=(File("in/a.txt", b"hello"),))
    assert ran.ended == "done", ran.output
    assert {f.path: f.content for f in ran.files} == {"b.txt": b"hello", "d/e/c.bin": b"\x00\xff"}


@pytest.mark.parametrize(
    "path", ["../radiant-escaped", "/tmp/radiant-escaped", "a/../../radiant-escaped", ".", "x" * 300]
)
def test_a_file_outside_is_refused(path: str) -> None:
    with pytest.raises(BadInput, match=r"outside|no file"):
        run("1", files=(File(path, b""),))
    assert not Path(tempfile.gettempdir(), "radiant-escaped").exists()


def test_a_module_among_the_files_can_be_imported() -> None:
    assert (
        run("import skill\nskill.double(4)", files=(File("skill.py", b"def double(x): return 2 * x"),)).output == "8\n"
    )


def test_the_directory_is_gone_afterwards() -> None:
    ran = run("import os\nprint(os.getcwd() == os.environ['HOME'], os.getcwd())")
    same, _, where = ran.output.strip().partition(" ")
    assert same == "True"
    assert not Path(where).exists()


def test_variables_of_any_size_are_there() -> None:
    ran = run("print(len(context), context[:3], number)", variables={"context": "abc" * 1_000_000, "number": [1, None]})
    assert ran.output == "3000000 abc [1, None]\n"


def test_final_answer_counts_in_the_last_cell_alone() -> None:
    assert (ran := run("final_answer({'a': [1]})")).has_final
    assert ran.final == {"a": [1]}
    assert not run("final_answer(1)", "2").has_final


# Sessions.


def test_variables_persist_and_only_the_last_cell_speaks() -> None:
    ran = run("x = 1\nprint('first')\nx", "x += 1\nprint('second', x)")
    assert ran.output == "second 2\n"


def test_a_cell_that_failed_keeps_what_it_did_before() -> None:
    assert run("x = 1\n1 / 0\ny = 2", "print(x, 'y' in globals())").output == "1 False\n"


def test_a_session_is_the_same_every_time() -> None:
    cell = "import random\nprint(random.random(), hash('a'), list({'x', 'y', 'z', 'w'}))"
    assert run(cell, seed=7).output == run(cell, seed=7).output != run(cell, seed=8).output
    assert run(f"a = 1\n{cell}", cell, seed=7).output == run(f"a = 1\n{cell}", cell, seed=7).output


# Host functions.


def test_code_calls_functions_of_the_host() -> None:
    heard: list[object] = []

    def add(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        heard.append((cell, args, kwargs))
        return {"sum": args[0] + kwargs["b"]}

    assert run("pass", "print(add(1, b=2)['sum'])", functions={"add": add}).output == "3\n"
    assert heard == [(2, [1], {"b": 2})]


def test_a_refusal_is_an_exception_that_code_may_catch() -> None:
    def no(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise Refused("not today")

    assert run("try:\n    no()\nexcept RuntimeError as e:\n    print(e)", functions={"no": no}).output == "not today\n"


def test_what_else_a_function_raises_ends_the_sandbox() -> None:
    def broke(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        raise RunFailed("over")

    with pytest.raises(RunFailed, match="over"):
        run("broke()\nwhile True: pass", functions={"broke": broke})


def test_calls_are_bounded_and_go_side_by_side() -> None:
    together = threading.Barrier(4, timeout=5)

    def meet(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        together.wait()
        return args[0]

    pool = "from concurrent.futures import ThreadPoolExecutor as P\nprint(list(P(4).map(meet, range(4))))"
    assert run(pool, functions={"meet": meet}).output == "[0, 1, 2, 3]\n"
    few = Limits(seconds=5, calls=2)
    ran = run("for n in range(3): print(one(n))", limits=few, functions={"one": lambda cell, args, kwargs: args[0]})
    assert ran.error == "RuntimeError: 2 calls are allowed, and they are made"


def test_the_clock_stands_still_while_the_host_works() -> None:
    def slow(cell: int, args: list[Any], kwargs: dict[str, Any]) -> Any:
        threading.Event().wait(0.5)
        return 1

    assert run("print(slow())", limits=Limits(seconds=0.4), functions={"slow": slow}).output == "1\n"


FORGE = """
import os
for fd in range(3, 30):
    try: os.write(fd, {line!r})
    except OSError: pass
"""


def test_forged_messages_end_the_sandbox_and_reach_nothing() -> None:
    assert run(FORGE.format(line=b"[1]\n") + "while True: pass").ended == "crash"
    assert run(FORGE.format(line=b'{"cell": 2}\n') + "while True: pass", limits=Limits(seconds=0.3)).ended == "time"
    unknown = FORGE.format(line=b'{"call": 1, "name": "x", "args": [], "kwargs": {}}\n')
    assert run(f"{unknown}\nprint(1)").ended in ("done", "crash")


# What it may not do.


def escapes(code: str, **rest: Any) -> str:
    """The error that an attempt meets; it must not print `escaped`."""
    ran = run(f"{code}\nprint('escaped')", **rest)
    assert "escaped" not in ran.output, ran.output
    assert ran.ended == "error", ran
    return ran.error


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "/etc/hostname", "/proc/self/environ", "/proc/1/environ", f"/proc/{os.getpid()}/environ"]
)
def test_no_file_of_the_system_can_be_read(path: str) -> None:
    assert "PermissionError" in escapes(f"open({path!r}).read()")


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
        assert "Error" in escapes("import socket; socket.socketpair()")
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
        "import os\nwhile True: os.fork()",
        "import multiprocessing as m; m.Process(target=print).start()",
    ):
        assert "Error" in escapes(code)


def test_nobody_else_can_be_signalled(bystander: "subprocess.Popen[bytes]") -> None:
    for pid in (bystander.pid, os.getpid()):
        escapes(f"import os; os.kill({pid}, 9)")
        escapes(f"import os; os.pidfd_open({pid})")
        escapes(f"import fcntl, signal\nf = open('f', 'w')\nfcntl.fcntl(f, fcntl.F_SETOWN, {pid})")
    escapes("import os; os.kill(-1, 9)")
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


# Bounds.


def test_an_endless_loop_is_stopped() -> None:
    start = monotonic()
    ran = run("print('so far')\nwhile True: pass", limits=Limits(seconds=0.3))
    assert (ran.ended, ran.output) == ("time", "so far\n")
    assert ran.error == "TimeUp: the code ran longer than 0.3 s and was stopped"
    assert monotonic() - start < 5


def test_who_sleeps_and_shields_itself_is_stopped_too() -> None:
    shielded = "import signal, time\nfor n in (2, 15, 14, 24): signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)"
    assert run(shielded, limits=Limits(seconds=0.3)).ended == "time"


def test_each_cell_has_its_own_time() -> None:
    nap = "import time; time.sleep(0.25)"
    assert run(nap, nap, nap, limits=Limits(seconds=0.5)).ended == "done"


@pytest.mark.parametrize("code", ["x = bytearray(10**10)", "x = []\nwhile True: x.append(bytes(10**6))"])
def test_a_memory_bomb_meets_its_limit(code: str) -> None:
    assert run(code, limits=Limits(seconds=10, memory_mb=128)).ended == "memory"


def test_a_thread_bomb_meets_the_limit_of_memory() -> None:
    start = "threading.Thread(target=event.wait, daemon=True).start()"
    bomb = f"import threading\nevent = threading.Event()\nn = 0\nwhile True:\n    {start}\n    n += 1"
    ran = run(bomb, limits=Limits(seconds=10, memory_mb=256), wants=("n",))
    assert ran.ended in ("error", "memory")
    assert ran.values["n"] < 100


def test_endless_output_is_cut_and_stopped() -> None:
    ran = run("while True: print('x' * 1000)", limits=Limits(seconds=10, output_chars=2000))
    assert (ran.ended, len(ran.output)) == ("output", 2000)
    assert ran.cut > 1_000_000


def test_long_output_is_cut_and_says_so() -> None:
    ran = run("print('é' * 3000)", limits=Limits(seconds=5, output_chars=1000))
    assert (ran.ended, ran.output, ran.cut) == ("done", "é" * 1000, 4001)


def test_a_disk_bomb_is_stopped() -> None:
    small = Limits(seconds=10, disk_bytes=1_000_000)
    assert "File too large" in run("open('a', 'wb').write(bytes(2_000_000))", limits=small).error
    many = "n = 0\nwhile True:\n    open(str(n), 'wb').write(bytes(100_000))\n    n += 1"
    assert run(many, limits=small).ended == "disk"


def test_a_crash_of_the_interpreter_is_told() -> None:
    ran = run("import ctypes\nctypes.string_at(0)")
    assert ran.ended == "crash"
    assert ran.error == "Crashed: the interpreter ended with code -11"


def test_output_that_no_database_stores_is_made_clean() -> None:
    ran = run(r"import sys; sys.stdout.buffer.write(b'a\x00\xff\n'); v = '\x00\ud800'", wants=("v",))
    assert ran.output == "a \ufffd\n"
    assert ran.values == {"v": " ?"}


def test_more_time_than_allowed_is_bad_input() -> None:
    with pytest.raises(BadInput, match="up to 600 s"):
        Limits(seconds=601)


# Where it cannot confine.


def test_without_confinement_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(CannotConfine, match="cannot be confined on riscv64: run on x86_64 or aarch64"):
        run("print(1)")


def test_a_kernel_that_refuses_a_rule_runs_no_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sandbox, "rules", lambda home: [(str(home), 1 << 60)])
    with pytest.raises(CannotConfine, match="Invalid argument"):
        run(f"open({str(tmp_path / 'ran')!r}, 'w')")
    assert not (tmp_path / "ran").exists()


def test_the_filter_of_another_machine_has_its_own_numbers() -> None:
    own, other = sandbox_policy.filter_program(1, "x86_64"), sandbox_policy.filter_program(1, "aarch64")
    assert len(own) % 8 == len(other) % 8 == 0
    assert own != other
