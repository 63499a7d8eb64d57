"""The sandbox: what it does for honest code, sessions, functions of the host, and the bounds of everything."""

import tempfile
import threading
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


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 5\nprint(asyncio.run(f()))", "5"),
        ("from concurrent.futures import ThreadPoolExecutor as P\nprint(sum(P(16).map(int, range(100))))", "4950"),
        ("import sqlite3\nc = sqlite3.connect('a.db')\nc.execute('create table t (a)')\nc.commit()\nprint(1)", "1"),
        ("import tempfile\nwith tempfile.NamedTemporaryFile() as f: print(f.write(b'ab'))", "2"),
        ("import datetime, zoneinfo\nprint(datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('UTC')).hour)", "0"),
        (
            "import decimal, fractions, statistics, csv, itertools, unittest, dataclasses, hashlib, zlib\nprint('all')",
            "all",
        ),
    ],
)
def test_the_standard_library_works(code: str, shown: str) -> None:
    assert run(code).output.strip() == shown


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
for fd in range(3, 1000):
    try: os.write(fd, {line!r})
    except OSError: pass
"""


def test_forged_messages_end_the_sandbox_and_reach_nothing() -> None:
    assert run(FORGE.format(line=b"[1]\n") + "while True: pass").ended == "crash"
    assert run(FORGE.format(line=b'{"cell": 2}\n') + "while True: pass", limits=Limits(seconds=0.3)).ended == "time"
    unknown = FORGE.format(line=b'{"call": 1, "name": "x", "args": [], "kwargs": {}}\n')
    assert run(f"{unknown}\nprint(1)").ended in ("done", "crash")


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


def test_without_a_place_to_write_code_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with pytest.raises(CannotConfine, match="set TMPDIR"):
        run("print(1)")
