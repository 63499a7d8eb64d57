"""What ran: each block's state, time and replies, kept by block path for the Deck and the export of a run."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock
from uuid import UUID

from tasks.reply import Replies, Reply, Slots, canonical
from tasks.run import Run
from tasks.spec import AnyBlock, Fan, Function, Step
from utils.db import tenant_transaction
from utils.errors import Waiting
from utils.progress import Event, State, emit


@dataclass(frozen=True)
class Traced:
    """One block as it ran. `started` is seconds since the epoch, `ms` how long it took."""

    path: str
    kind: str
    state: State
    started: float
    ms: float
    slots: Slots


@dataclass
class _Tracing:
    state: State = "finished"
    slots: Mapping[str, Replies] = field(default_factory=dict)

    def skip(self, slots: Mapping[str, Replies]) -> Mapping[str, Replies]:
        self.state = "skipped"
        return slots

    def end(self, slots: Mapping[str, Replies]) -> Mapping[str, Replies]:
        self.slots = slots
        return slots


@contextmanager
def trace(run: Run, block: AnyBlock, path: str) -> Iterator[_Tracing]:
    """Tells the progress stream that a block starts and how it ended, and keeps what it gave."""
    emit(Event(path, "started"))
    tracing, started, clock = _Tracing(), time.time(), time.perf_counter()
    within = _inside.get()
    token = _inside.set(True)
    try:
        yield tracing
    except Waiting:
        emit(Event(path, "waiting"))
        _keep(run)
        raise
    except Exception as error:
        emit(Event(path, "failed", text=str(error)))
        _keep(run, Traced(path, block.kind, "failed", started, _ms(clock), {}))
        raise
    finally:
        _inside.reset(token)
    traced = Traced(path, block.kind, tracing.state, started, _ms(clock), dict(tracing.slots))
    if within and (tracing.state == "skipped" or _is_pure(block)):
        _defer(run, traced)
    else:
        _keep(run, traced)
    emit(Event(path, "skipped" if tracing.state == "skipped" else "finished"))
    if isinstance(block, Step | Fan) and block.show:
        for one in (r for replies in tracing.slots.values() for r in replies if r.ok):
            emit(Event(path, "shown", text=one.text))


def _ms(clock: float) -> float:
    return (time.perf_counter() - clock) * 1000


def _is_pure(block: AnyBlock) -> bool:
    return isinstance(block, Step) and isinstance(block.does, Function)


def _defer(run: Run, traced: Traced) -> None:
    """What costs nothing to make again is kept together with the next block that does: at last the one around it."""
    with _lock:
        _deferred.setdefault((run.tenant_id, run.run_id), []).append(traced)


def _keep(run: Run, *traced: Traced) -> None:
    """Not durable: a trace that a crash lost is made again when the run resumes.

    A block that gives on resume what it gave before keeps the time that it took then.
    """
    with _lock:
        rows = [*_deferred.pop((run.tenant_id, run.run_id), []), *traced]
    if not rows:
        return
    from psycopg2.extras import execute_values

    # One statement cannot write a row twice: of a path that was walked again the last counts.
    latest = {one.path: (run.tenant_id, run.run_id, one.path, "block", _output(one)) for one in rows}
    with tenant_transaction(UUID(run.tenant_id), durable=False) as cursor:
        execute_values(cursor, _KEEP, list(latest.values()))


def _output(traced: Traced) -> str:
    return canonical(
        {
            "kind": traced.kind,
            "state": traced.state,
            "started": traced.started,
            "ms": round(traced.ms, 3),
            "slots": {
                name: [r.model_dump(mode="json", exclude_defaults=True) for r in replies]
                for name, replies in traced.slots.items()
            },
        }
    )


def traces(run: Run) -> tuple[Traced, ...]:
    """All blocks of a run as they ran last, in the order in which they started."""
    with tenant_transaction(UUID(run.tenant_id)) as cursor:
        cursor.execute(_READ, (run.tenant_id, run.run_id))
        rows = cursor.fetchall()
    made = []
    for path, output in rows:
        kept = output if isinstance(output, dict) else json.loads(output)
        slots = {n: [Reply.model_validate(r) for r in rs] for n, rs in kept["slots"].items()}
        made.append(Traced(path, kept["kind"], kept["state"], kept["started"], kept["ms"], slots))
    return tuple(sorted(made, key=lambda t: t.started))


_inside: ContextVar[bool] = ContextVar("a block around this one is being traced", default=False)
_deferred: dict[tuple[str, str], list[Traced]] = {}
"""By tenant and run."""
_lock = Lock()
_KEEP = """
INSERT INTO step_records (tenant_id, run_id, path, kind, output) VALUES %s
ON CONFLICT (tenant_id, run_id, path, kind) DO UPDATE SET output = excluded.output
WHERE step_records.output ->> 'state' <> 'finished'
    OR (step_records.output -> 'slots')::text <> (excluded.output -> 'slots')::text
"""
_READ = "SELECT path, output FROM step_records WHERE tenant_id = %s AND run_id = %s AND kind = 'block'"
