"""Logs: as text on a laptop, as one JSON object a line in the service and in pods, with whose run and node each is.

What people and models wrote is never in them. Of a library's record only where it was logged is kept, and of an
exception its types and frames: either may quote a prompt, a row or a key. A run's own error stands in its row.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from utils.progress import Event, listen
from utils.settings import settings

if TYPE_CHECKING:
    from types import TracebackType

OURS = "radiant"
PLAIN_SPOKEN = (OURS, "grpc", "opentelemetry")
"""The loggers, with those below them, whose text is kept: none of them sees a prompt."""
LIBRARIES = ("flytekit", "user_space", "developer")
"""Loggers of libraries that print on their own, and more than is wanted at INFO: the inputs of tasks, say."""


@dataclass(frozen=True)
class Context:
    """Whose record it is; what is empty is left out."""

    run: str = ""
    node: str = ""
    tenant: str = ""
    task: str = ""
    execution: str = ""
    attempt: str = ""


_starting = threading.Lock()
_NOBODY = Context()
_context: ContextVar[Context] = ContextVar("log_context", default=_NOBODY)


def context() -> Context:
    """What is bound here."""
    return _context.get()


@contextmanager
def bound(**known: str) -> Iterator[None]:
    """Marks every record and span within, also those of threads that run in a copy of this context.

    Takes the fields of Context; what lies around it and is not named stays.
    """
    token = _context.set(replace(_context.get(), **known))
    try:
        yield
    finally:
        _context.reset(token)


def for_people() -> bool:
    """Whether stderr is read by people: where logs are JSON, nothing else is written there."""
    return settings().log_format == "text"


def start_logging() -> None:
    """Sends what this process logs to stderr, as RADIANT_LOG_FORMAT and RADIANT_LOG_LEVEL say; once."""
    with _starting:
        _start()


@cache
def _start() -> None:
    in_json = not for_people()
    handler = _Stderr()
    handler.setFormatter(_json_lines() if in_json else logging.Formatter("%(levelname)s %(message)s"))
    ours = logging.getLogger(OURS)
    ours.setLevel((settings().log_level or ("info" if in_json else "warning")).upper())
    if ours.isEnabledFor(logging.INFO):
        listen(_log_event)
    if not in_json:
        ours.handlers[:] = [handler]
        return
    import flytekit.loggers  # noqa: F401 (its import sets up its loggers: it must not come after this)

    logging.getLogger().handlers[:] = [handler]
    for name in LIBRARIES:
        take_over(name, logging.WARNING)
    logging.captureWarnings(capture=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda hook: _log_uncaught(hook.exc_type, hook.exc_value, hook.exc_traceback)


def take_over(name: str, level: int) -> None:
    """Lets a library's logger say nothing below a level, and where logs are JSON, through our handler only."""
    logger = logging.getLogger(name)
    logger.setLevel(level)
    if not for_people():
        logger.handlers.clear()
        logger.propagate = True


class _Stderr(logging.StreamHandler):  # type: ignore[type-arg]
    """Writes to what is stderr at the time: Click and tests put another one in its place."""

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _json_lines() -> logging.Formatter:
    """python-json-logger comes with flytekit; it is imported here because text needs none."""
    from pythonjsonlogger.json import JsonFormatter

    class JsonLines(JsonFormatter):
        def format(self, record: logging.LogRecord) -> str:
            return super().format(_safe(record))

    names = {"name": "logger", "levelname": "level"}
    return JsonLines(["levelname", "name", "message"], rename_fields=names, timestamp="time")


def _safe(record: logging.LogRecord) -> logging.LogRecord:
    """The record with its context, and without what may quote a prompt."""
    known = {name: value for name, value in vars(context()).items() if value}
    if record.name.partition(".")[0] in PLAIN_SPOKEN:
        known.update(vars(record))
    else:
        where = f"{record.module}.{record.funcName}:{record.lineno} logged this; its text is withheld"
        known.update(name=record.name, levelname=record.levelname, created=record.created, msg=where)
    if record.exc_info and record.exc_info[1]:
        known["exception"] = _frames(record.exc_info[1])
    known.update(exc_info=None, exc_text=None, stack_info=None)
    return logging.makeLogRecord(known)


def _frames(error: BaseException) -> str:
    """An exception and those that led to it, oldest first: types and frames, no messages."""
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    own = "".join((*traceback.format_tb(error.__traceback__), kind))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return f"{_frames(before)}\nthen\n{own}" if before else own


def _log_event(event: Event) -> None:
    """What happens at a block path: that it does, on which model and at what cost, never what was said."""
    if event.state in ("paused", "resumed", "shown"):
        return
    about: dict[str, object] = {"node": event.path}
    if event.model:
        about["model"] = event.model
    if event.model and event.state == "finished":
        about.update(tokens=event.tokens, cost_usd=event.cost, from_ledger=event.from_ledger)
    what = f"{'call' if event.model else 'block'} {'started' if event.state == 'called' else event.state}"
    failed = event.state == "failed"
    level = logging.WARNING if failed else logging.INFO
    logging.getLogger(f"{OURS}.progress").log(level, what, extra=about, exc_info=failed)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, tb: "TracebackType | None") -> None:
    found = error or kind()
    logging.getLogger(OURS).critical("uncaught", exc_info=(type(found), found, tb))
