"""Runs Python that a model wrote: in a process of its own that can reach no network, no file outside its directory, no
other process and no key, for a bounded time and in bounded memory. Where it cannot be confined it is refused.

The process confines itself before it reads a line of the code (utils/sandbox_guard.py), by Landlock and seccomp
(utils/sandbox_policy.py): both need neither privileges nor user namespaces. Threads are allowed, processes are not.
"""

import json
import marshal
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import lru_cache, partial
from pathlib import Path
from time import monotonic
from typing import IO, Any

from utils.errors import BadInput, RadiantError
from utils.sandbox_policy import all_rights, filter_program, landlock_version, missing_confinement, rules, system_calls
from utils.sandbox_session import Ended, File, Limits, Ran, Session
from utils.settings import settings

HostFunction = Callable[[int, list[Any], dict[str, Any]], Any]
"""A function that code may call: the number of the calling cell and the arguments -> a JSON value. What it raises as
`Refused` the code sees as a RuntimeError; anything else ends the sandbox and is raised."""


class Refused(Exception):
    """Raised by a host function for what the code that called it may hear and handle."""


class CannotConfine(RadiantError):
    """Code was refused: this machine cannot confine it. The message says what would help."""


def capabilities() -> dict[str, bool | int]:
    """What confinement this machine offers; code runs only where files and system calls can both be confined."""
    missing = missing_confinement()
    return {
        "confined": not missing,
        "landlock": landlock_version() if sys.platform == "linux" else 0,
        "namespaces": bool(_namespaces()),
    }


def run_session(
    session: Session, limits: Limits | None = None, functions: Mapping[str, HostFunction] | None = None
) -> Ran:
    """Runs a session's cells. Raises CannotConfine rather than run them unconfined."""
    if missing := missing_confinement():
        raise CannotConfine(missing)
    with _places(), _directory() as home:
        _write(session.files, home)
        return _Sandbox(session, limits or Limits(), functions or {}, home).run()


@contextmanager
def _directory() -> Iterator[Path]:
    """A directory of its own, gone at the end. Code cannot make links, so that nothing outside is followed."""
    try:
        home = Path(tempfile.mkdtemp(prefix="radiant-code-")).resolve()
    except OSError as error:
        raise CannotConfine(f"code needs a directory to write in: set TMPDIR to one ({error.strerror})") from error
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


@lru_cache(maxsize=1)
def _places() -> threading.BoundedSemaphore:
    return threading.BoundedSemaphore(settings().code_at_once)


def _write(files: Sequence[File], home: Path) -> None:
    for one in files:
        target = Path(os.path.normpath(home / one.path.replace("\x00", " ")))
        if home not in target.parents:
            raise BadInput(f"the file '{one.path[:100]}' lies outside the sandbox's directory")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(one.content)
        except OSError as error:
            raise BadInput(f"'{one.path[:100]}' can be no file: {error.strerror}") from error


@lru_cache(maxsize=1)
def _guard() -> Any:
    from utils import sandbox_guard

    source = Path(str(sandbox_guard.__file__)).read_text(encoding="utf-8")
    return compile(source, "<sandbox>", "exec")


@lru_cache(maxsize=1)
def _namespaces() -> int:
    """The namespaces that a process may leave for new ones here, as flags; 0 where none."""
    if sys.platform != "linux":
        return 0
    probe = f"import ctypes,os; os._exit(0 if ctypes.CDLL(None).unshare({NAMESPACES}) == 0 else 1)"
    tried = subprocess.run([_python(), "-sSPc", probe], check=False, env={}, timeout=10)  # noqa: S603
    return NAMESPACES if tried.returncode == 0 else 0


def _python() -> str:
    """The interpreter itself, not a virtual environment's, whose packages lie beside."""
    return os.path.realpath(sys.executable)


class _Sandbox:
    """One process, watched until it ends."""

    def __init__(self, session: Session, limits: Limits, functions: Mapping[str, HostFunction], home: Path) -> None:
        self.session, self.limits, self.functions, self.home = session, limits, functions, home
        self.output, self.heard = bytearray(), bytearray()
        self.written, self.calls, self.cell = 0, 0, 0
        self.end: dict[str, Any] | None = None
        self.ended: Ended | None = None
        self.raised: BaseException | None = None
        self.lock, self.answering = threading.Lock(), threading.Lock()
        self.in_flight, self.paused = 0, 0.0
        self.started = monotonic()
        self.until = self.started + START_SECONDS

    def run(self) -> Ran:
        (told, tell), (hear, self.answer_to) = os.pipe(), os.pipe()
        try:
            with os.fdopen(told, "rb", 0) as messages:
                try:
                    self.process = self._start(tell, hear)
                finally:
                    os.close(tell)
                    os.close(hear)
                self._attend(messages)
        finally:
            os.close(self.answer_to)
        if self.raised:
            raise self.raised
        return self._ran()

    def _start(self, tell: int, hear: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 (the interpreter itself, with a constant program)
            [_python(), "-sSPBc", START, str(tell), str(hear)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.home,
            env={**ENVIRONMENT, "HOME": str(self.home), "TMPDIR": str(self.home)},
            pass_fds=(tell, hear),
            start_new_session=True,
        )

    def _attend(self, messages: IO[bytes]) -> None:
        with ThreadPoolExecutor(max_workers=self.limits.calls_at_once) as self.pool:
            try:
                with suppress(BrokenPipeError):
                    self._hand_over()
                self._watch(messages)
            finally:
                self.process.kill()
                self.process.wait()
                assert self.process.stdout is not None
                self.process.stdout.close()
                self.pool.shutdown(wait=False, cancel_futures=True)

    def _hand_over(self) -> None:
        """The guard and all that it needs. Nothing here is secret: the code may read it."""
        session, cpu = self.session, int(self.limits.seconds * len(self.session.cells)) + 2
        policy = {
            "limits": {**FIXED_LIMITS, "RLIMIT_CPU": cpu, "RLIMIT_FSIZE": self.limits.disk_bytes}
            | {"RLIMIT_AS": self.limits.memory_mb * 1024 * 1024},
            "namespaces": _namespaces(),
            "landlock": landlock_version(),
            "calls": system_calls(),
            "rights": all_rights(),
            "rules": rules(self.home),
            "filter": filter_program(self.process.pid),
        }
        seeded = any("random" in cell for cell in session.cells) or bool(session.files)
        request = {
            "policy": policy,
            "cells": list(session.cells),
            "variables": json.loads(json.dumps(dict(session.variables))),
            "functions": list(self.functions),
            "wants": list(session.wants),
            "seed": session.seed if seeded else None,
        }
        assert self.process.stdin is not None
        with self.process.stdin as stdin:
            stdin.write(marshal.dumps((_guard(), request)))

    def _watch(self, messages: IO[bytes]) -> None:
        output = self.process.stdout
        assert output is not None
        with selectors.DefaultSelector() as ready:
            ready.register(messages, selectors.EVENT_READ, self._hear)
            ready.register(output, selectors.EVENT_READ, self._take)
            looked = monotonic()
            while ready.get_map() and self.ended is None and self.raised is None:
                for key, _ in ready.select(min(max(self._left(), 0.0), LOOK_SECONDS)):
                    if not key.data(os.read(key.fd, 65_536)):
                        ready.unregister(key.fileobj)
                if self.end is None and self._left() <= 0:
                    self.ended = "time"
                if monotonic() - looked > LOOK_SECONDS:
                    looked = monotonic()
                    self.ended = self.ended or ("disk" if _size(self.home) > self.limits.disk_bytes else None)

    def _left(self) -> float:
        """Seconds until the cell must end. The clock stands still while the code waits for a host function."""
        with self.lock:
            return LOOK_SECONDS if self.in_flight else self.until - monotonic()

    def _take(self, read: bytes) -> bool:
        room = 4 * self.limits.output_chars - len(self.output)
        self.output += read[: max(room, 0)]
        self.written += len(read)
        if self.written > MOST_OUTPUT_BYTES:
            self.ended = "output"
        return bool(read)

    def _hear(self, read: bytes) -> bool:
        self.heard += read
        *lines, rest = bytes(self.heard).split(b"\n") if b"\n" in read else [bytes(self.heard)]
        self.heard = bytearray(rest)
        if len(self.heard) > MOST_MESSAGE_BYTES:
            self.ended = "output"
        for line in lines:
            try:
                self._obey(json.loads(line))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.ended = "crash"  # nobody but the code writes what the guard would not
        return bool(read)

    def _obey(self, message: dict[str, Any]) -> None:
        if "unconfined" in message and self.cell == 0:
            self.raised = CannotConfine(f"code cannot be confined here: {message['unconfined']}")
        elif message.get("cell") == self.cell + 1 <= len(self.session.cells):
            self.cell += 1
            self.until = monotonic() + self.limits.seconds
        elif "call" in message:
            self._call(int(message["call"]), str(message["name"]), list(message["args"]), dict(message["kwargs"]))
        elif "end" in message:
            self.end = dict(message["end"])

    def _call(self, number: int, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        self.calls += 1
        if name not in self.functions:
            self._answer({"call": number, "error": f"there is no function '{name[:60]}'"})
        elif self.calls > self.limits.calls:
            self._answer({"call": number, "error": f"{self.limits.calls} calls are allowed, and they are made"})
        else:
            with self.lock:
                if self.in_flight == 0:
                    self.paused = monotonic()
                self.in_flight += 1
            work = partial(self._work, self.cell, number, self.functions[name], args, kwargs)
            self.pool.submit(copy_context().run, work)

    def _work(self, cell: int, number: int, function: HostFunction, args: list[Any], kwargs: dict[str, Any]) -> None:
        try:
            answer = {"call": number, "value": function(cell, args, kwargs)}
        except Refused as error:
            answer = {"call": number, "error": str(error)}
        except BaseException as error:
            self.raised = error
            return
        with self.lock:
            self.in_flight -= 1
            if self.in_flight == 0:
                self.until += monotonic() - self.paused
        self._answer(answer)

    def _answer(self, answer: dict[str, Any]) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with self.answering, suppress(BrokenPipeError):
            while line:
                line = line[os.write(self.answer_to, line) :]

    def _ran(self) -> Ran:
        end = self.end or {}
        error = _clean(str(end.get("error") or ""))[:2000]
        values = end.get("values")
        ended = self.ended or self._ended_by(error)
        text = _clean(self.output.decode("utf-8", "replace"))[: self.limits.output_chars]
        final = end.get("final")
        return Ran(
            ended=ended,
            output=text,
            cut=max(self.written - len(text.encode()), 0),
            error=error or WHY[ended].format(limits=self.limits, code=self.process.returncode),
            values={str(n): _plain(v) for n, v in values.items()} if isinstance(values, dict) else {},
            final=_plain(final),
            has_final=final is not None,
            files=_made(self.home, self.session.files),
            seconds=monotonic() - self.started,
        )

    def _ended_by(self, error: str) -> Ended:
        if self.end is not None:
            return "memory" if error.startswith("MemoryError") else "error" if error else "done"
        return ENDED_BY.get(-self.process.returncode, "crash")


def _plain(value: Any) -> Any:
    """A value that the guard told of: JSON, or a repr as text. Code may tell anything: what is neither is None."""
    if not isinstance(value, dict):
        return None
    return (
        json.loads(_clean(json.dumps(value["json"], ensure_ascii=False)))
        if "json" in value
        else _clean(str(value.get("repr")))
    )


def _clean(text: str) -> str:
    """Without what neither UTF-8 nor Postgres can store."""
    return text.replace("\x00", " ").replace("\\u0000", " ").encode("utf-8", "replace").decode()


def _tree(home: Path) -> Iterator[os.DirEntry[str]]:
    todo = [str(home)]
    while todo:
        try:
            with os.scandir(todo.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        todo.append(entry.path)
                    elif entry.is_file(follow_symlinks=False):
                        yield entry
        except OSError:
            continue


def _size(home: Path) -> int:
    """Bytes of all files, a small file counted as a block."""
    total = 0
    for entry in _tree(home):
        with suppress(OSError):
            total += max(entry.stat(follow_symlinks=False).st_size, 4096)
    return total


def _made(home: Path, given: Sequence[File]) -> tuple[File, ...]:
    before = {one.path: one.digest for one in given}
    found = sorted((e.path for e in _tree(home)), key=str)
    made = (File(str(Path(p).relative_to(home)), Path(p).read_bytes()) for p in found)
    return tuple(one for one in made if before.get(one.path) != one.digest)[:MOST_FILES]


START = (
    "import marshal, sys\n"
    "guard, request = marshal.loads(sys.stdin.buffer.read())\n"
    "space = {'__name__': 'sandbox'}\n"
    "exec(guard, space)\n"
    "space['main'](request, int(sys.argv[1]), int(sys.argv[2]))\n"
)
ENVIRONMENT = {
    "PATH": "",
    "LANG": "C.UTF-8",
    "PYTHONUTF8": "1",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    # Each thread would reserve an arena of 64 MB, which counts as memory: 16 of them could not be started.
    "MALLOC_ARENA_MAX": "1",
}
FIXED_LIMITS = {"RLIMIT_CORE": 0, "RLIMIT_NOFILE": 64, "RLIMIT_STACK": 8 * 1024 * 1024, "RLIMIT_MEMLOCK": 0}
NAMESPACES = 0x10000000 | 0x40000000 | 0x08000000 | 0x04000000
"""CLONE_NEWUSER, NEWNET, NEWIPC, NEWUTS: a second wall, where the machine allows it."""
START_SECONDS = 20.0
"""How long a start may take on a busy machine before the code's own time begins."""
LOOK_SECONDS = 0.1
MOST_OUTPUT_BYTES = 16 * 1024 * 1024
MOST_MESSAGE_BYTES = 16 * 1024 * 1024
MOST_FILES = 50
ENDED_BY: dict[int, Ended] = {signal.SIGXCPU: "time", signal.SIGKILL: "memory"}
WHY: dict[Ended, str] = {
    "done": "",
    "error": "",
    "time": "TimeUp: the code ran longer than {limits.seconds:g} s and was stopped",
    "memory": "MemoryError: the code took more than {limits.memory_mb} MB and was stopped",
    "output": "TooMuchOutput: the code wrote too much and was stopped",
    "disk": "TooMuchDisk: the code wrote more than {limits.disk_bytes} bytes of files and was stopped",
    "crash": "Crashed: the interpreter ended with code {code}",
}
