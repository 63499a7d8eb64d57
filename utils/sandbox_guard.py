"""What runs inside a sandbox: it confines its own process for good, then runs cells of Python in it.

Its source is sent into the new interpreter, so that nothing of this project need be readable there. It imports the
standard library only, and little of it: every import is paid at each start. See utils/sandbox.py for the other side.
"""

import _thread
import json
import os
import sys
from collections.abc import Callable
from typing import Any


class _Talk:
    """Control messages, one JSON object a line. Several threads may call host functions at once."""

    def __init__(self, talk: int, hear: int) -> None:
        self.talk, self.heard = talk, os.fdopen(hear, "rb")
        self.tell_lock, self.hear_lock = _thread.allocate_lock(), _thread.allocate_lock()
        self.answers: dict[int, dict[str, Any]] = {}
        self.count = 0

    def tell(self, message: dict[str, Any]) -> None:
        line = json.dumps(message).encode() + b"\n"
        with self.tell_lock:
            while line:
                line = line[os.write(self.talk, line) :]

    def ask(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        with self.tell_lock:
            self.count += 1
            number = self.count
        sys.stdout.flush()
        self.tell({"call": number, "name": name, "args": args, "kwargs": kwargs})
        answer = self._answer(number)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def _answer(self, number: int) -> dict[str, Any]:
        """Whoever holds the lock reads for all."""
        while True:
            with self.hear_lock:
                if number in self.answers:
                    return self.answers.pop(number)
                line = self.heard.readline()
                if not line:
                    raise RuntimeError("the host is gone")
                answer = json.loads(line)
                self.answers[answer["call"]] = answer


def confine(policy: dict[str, Any]) -> None:
    """Limits, then files, then system calls. Raises OSError where the kernel refuses any of them but the niceties."""
    import ctypes
    import resource

    libc = ctypes.CDLL(None, use_errno=True)
    _niceties(libc, policy["namespaces"])
    for name, limit in policy["limits"].items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
    _must(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0))
    _landlock(libc, policy)

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("operations", ctypes.c_void_p))

    operations = ctypes.create_string_buffer(policy["filter"], len(policy["filter"]))
    program = Program(len(policy["filter"]) // 8, ctypes.addressof(operations))
    _must(libc.prctl(SECCOMP, SECCOMP_FILTER, ctypes.byref(program), 0, 0))


def _niceties(libc: Any, namespaces: int) -> None:
    """What helps where it is allowed: low priority, first to go when memory runs out, no network of its own."""
    _must(libc.prctl(DIE_WITH_PARENT, 9, 0, 0, 0))
    os.nice(10)
    if namespaces:
        libc.unshare(namespaces)
    try:
        with open("/proc/self/oom_score_adj", "w") as score:
            score.write("1000")
    except OSError:
        return


def _landlock(libc: Any, policy: dict[str, Any]) -> None:
    import ctypes

    version, calls = policy["landlock"], policy["calls"]
    # Version 4 knows TCP; 6 knows signals and abstract sockets.
    attributes = (ctypes.c_uint64 * 3)(policy["rights"], 3, 3)
    size = 8 if version < 4 else 16 if version < 6 else 24
    ruleset = _must(libc.syscall(calls["landlock_create_ruleset"], ctypes.byref(attributes), size, 0))

    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))

    for path, rights in policy["rules"]:
        rule = Beneath(rights, os.open(path, os.O_PATH | os.O_CLOEXEC))
        _must(libc.syscall(calls["landlock_add_rule"], ruleset, 1, ctypes.byref(rule), 0))
        os.close(rule.parent)
    _must(libc.syscall(calls["landlock_restrict_self"], ruleset, 0))
    os.close(ruleset)


def _must(result: int) -> int:
    if result < 0:
        import ctypes

        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def run_cells(request: dict[str, Any], talk: _Talk) -> dict[str, Any]:
    """Runs the cells one after another in one namespace; only the last one's output is let out."""
    if request["seed"] is not None:
        import random

        random.seed(request["seed"])
    space: dict[str, Any] = {"__name__": "__main__", **request["variables"]}
    said: dict[str, Any] = {}

    def final_answer(value: Any) -> None:
        said["final"] = value

    space["final_answer"] = final_answer
    for name in request["functions"]:
        space[name] = _function(name, talk)
    error = ""
    for number, cell in enumerate(request["cells"], 1):
        last = number == len(request["cells"])
        _let_out(request["output"] if last else os.open("/dev/null", os.O_WRONLY))
        said.clear()
        talk.tell({"cell": number})
        error = _run(cell, f"<cell {number}>", space)
    _flush()
    values = {name: _value(space[name]) for name in request["wants"] if name in space}
    return {"error": error, "values": values, **({"final": _value(said["final"])} if said else {})}


def _function(name: str, talk: _Talk) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return talk.ask(name, args, kwargs)

    call.__name__ = call.__qualname__ = name
    return call


def _let_out(to: int) -> None:
    """What is written goes to the host, or, of a cell that ran before, nowhere."""
    _flush()
    os.dup2(to, 1)
    os.dup2(to, 2)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            continue


def _run(cell: str, name: str, space: dict[str, Any]) -> str:
    """What went wrong in a cell, in one line; its traceback is written out. The value of a last expression is shown."""
    import _ast

    try:
        tree: Any = compile(cell, name, "exec", _ast.PyCF_ONLY_AST)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], _ast.Expr) else None
        exec(compile(tree, name, "exec"), space)  # noqa: S102 (this is what a sandbox is for)
        if last is not None:
            value = eval(compile(_ast.Expression(last.value), name, "eval"), space)  # noqa: S307
            if value is not None:
                sys.stdout.write(f"{value!r}\n")
    except SystemExit as error:
        return f"SystemExit: {error.code}" if error.code not in (None, 0) else ""
    except BaseException as error:
        return _told(error, cell, name)
    return ""


def _told(error: BaseException, cell: str, name: str) -> str:
    import linecache
    import traceback

    linecache.cache[name] = (len(cell), None, cell.splitlines(keepends=True), name)
    told = traceback.TracebackException.from_exception(error)
    lines = list(_without_guard(told).format())
    _flush()
    sys.stderr.write("".join(lines))
    return "".join(traceback.format_exception_only(type(error), error)).strip().splitlines()[-1]


def _without_guard(told: Any) -> Any:
    """A traceback, and those that led to it, without this file's own frames."""
    import traceback

    if told is not None:
        told.stack = traceback.StackSummary.from_list([f for f in told.stack if f.filename != GUARD])
        _without_guard(told.__cause__)
        _without_guard(told.__context__)
    return told


def _value(value: Any) -> dict[str, Any]:
    """A value as JSON, or as its repr where JSON has none for it."""
    try:
        return {"json": json.loads(json.dumps(value, allow_nan=False))}
    except (TypeError, ValueError, RecursionError):
        return {"repr": repr(value)}


def main(request: dict[str, Any], to: int, hear: int) -> None:
    """Confines this process, runs the cells and tells how they ended."""
    os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
    request["output"] = os.dup(1)
    talk = _Talk(to, hear)
    try:
        confine(request["policy"])
    except OSError as error:
        talk.tell({"unconfined": str(error)})
        os._exit(1)
    sys.path.insert(0, os.getcwd())
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # what a loop wrote is there when it is stopped
    try:
        talk.tell({"end": run_cells(request, talk)})
    except BaseException as error:  # such as a repr that raises, or no memory left
        talk.tell({"end": {"error": f"{type(error).__name__}: {str(error)[:200]}", "values": {}}})
    os._exit(0)


GUARD = "<sandbox>"
"""The name under which this file is compiled."""
NO_NEW_PRIVILEGES, SECCOMP, SECCOMP_FILTER, DIE_WITH_PARENT = 38, 22, 2, 1
