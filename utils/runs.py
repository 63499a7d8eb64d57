"""Runs: opened once, resumed by their id, walked by one process at a time, concluded once.

A run that was cut off at any point is opened again with the same id and the same inputs: what it paid for is in the
ledger (utils/ledger.py), and what it concluded is given back as it was.
"""

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Literal, get_args
from uuid import UUID

from utils import db, governor
from utils.db import maintenance_transaction, tenant_transaction
from utils.errors import BadInput, DatabaseUnavailable, RunBusy, unknown
from utils.ledger import keyed_digest
from utils.settings import settings

if TYPE_CHECKING:
    from utils.db import Cursor

Concluded = Literal["done", "degraded", "rejected", "blocked"]
"""The ends: running such a run again gives its result back. All other statuses are gone on from."""
Unfinished = Literal["running", "waiting", "expired", "over_budget", "failed"]
Status = Literal[Concluded, Unfinished]


@dataclass(frozen=True)
class OpenRequest:
    """What to run, and for whom. `spec` and `inputs` are JSON; `inputs` is what makes two runs the same one.

    `run_id` empty means a new run. `max_cost_usd` None means the tenant's cap; it is no part of `inputs`, so that
    a run that went over its budget can be resumed with more.
    """

    tenant_id: UUID
    user_id: UUID
    workflow: str
    spec: str
    inputs: str
    run_id: str = ""
    domain: str = "general"
    max_cost_usd: float | None = None
    rehearsal: bool = False
    conversation_id: UUID | None = None
    session_id: UUID | None = None
    parent_run_id: str | None = None


@dataclass(frozen=True)
class OpenedRun:
    """A run to walk, or, where `result` is given, one that had concluded. `started_at` never changes."""

    run_id: str
    started_at: datetime
    resumed: bool
    status: Status
    result: str | None


@dataclass(frozen=True)
class Run:
    """A run as the database has it. `concluded_at` is None until it has ended for good."""

    run_id: str
    user_id: UUID
    workflow: str
    domain: str
    status: Status
    error: str | None
    rehearsal: bool
    max_cost_usd: float | None
    conversation_id: UUID | None
    session_id: UUID | None
    parent_run_id: str | None
    started_at: datetime
    alive_at: datetime
    concluded_at: datetime | None


@dataclass(frozen=True)
class FullRun(Run):
    """A run with what it was given and what it gave, as JSON."""

    spec: str
    inputs: str
    result: str | None


def open_run(request: OpenRequest) -> OpenedRun:
    """Opens a new run, or the run of that id to go on with it.

    Without an id, a run of this user with the very same workflow, graph and inputs that waited for people who have
    all decided since, or let a question pass that has a choice for that, is gone on with. Raises BadInput for a
    malformed id, for a cap above the tenant's, and for an id that stands for another workflow or other inputs: naming
    what differs, never what it holds.
    """
    import psycopg2

    if request.run_id:
        check_run_id(request.run_id)
    governor.check_cap(request.max_cost_usd, request.tenant_id)
    values = _values(request)
    try:
        with tenant_transaction(request.tenant_id) as cursor:
            return _open(cursor, request, values)
    except psycopg2.errors.ForeignKeyViolation as error:
        parent = "parent" in str(error.diag.constraint_name)
        which = f"parent run {request.parent_run_id}" if parent else f"user {request.user_id}"
        raise BadInput(f"tenant {request.tenant_id} has no {which}: give one of this tenant") from None


def conclude_run(tenant_id: UUID, run_id: str, status: Status, result_json: str) -> None:
    """Writes down how a run ended and what it gave. The first conclusion stands."""
    _update(_CONCLUDE, tenant_id, run_id, status, error=None, result=result_json)


def set_status(tenant_id: UUID, run_id: str, status: Unfinished, error: str = "") -> None:
    """Sets where an unfinished run stands, with the error that stopped it. A concluded run stays as it is."""
    _update(_SET_STATUS, tenant_id, run_id, status, error=error.replace("\x00", "") or None, result=None)


def expire_unanswered(limit: int) -> int:
    """Upkeep: sets so many runs at most, of all tenants, to `expired`: those that a question stopped which expired.

    Not one that still asks something else, whose question has a choice for that, or that has given a sign of life
    since or lately: it goes on.
    """
    with maintenance_transaction() as cursor:
        cursor.execute(_EXPIRE_UNANSWERED, {"limit": limit, "silence": settings().reservation_seconds})
        return cursor.rowcount


def get_run(tenant_id: UUID, run_id: str) -> FullRun:
    """One run. Raises BadInput, with the nearest ids, where the tenant has none of that id."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_GET, (tenant_id, run_id))
        found = cursor.fetchone()
        if found is None:
            cursor.execute(_RECENT_IDS, (tenant_id,))
            raise unknown("run", run_id, [row[0] for row in cursor.fetchall()])
    return FullRun(*found)


def list_runs(
    tenant_id: UUID, *, user_id: UUID | None = None, status: Status | None = None, limit: int = 50
) -> tuple[Run, ...]:
    """The latest runs of a tenant, of a user or in a status if given, the newest first."""
    wanted = {"tenant": tenant_id, "user": user_id, "status": status, "limit": limit}
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_LIST, wanted)
        return tuple(Run(*row) for row in cursor.fetchall())


@contextmanager
def lease(tenant_id: UUID, run_id: str, *, wait: float = 1.0) -> Iterator[None]:
    """Holds a run for this process, on a connection of its own: the server frees it when the process dies.

    Waits `wait` seconds, since the server may still be noticing that death. Raises RunBusy.
    """
    import psycopg2

    connection = db._connect("app")
    try:
        with connection.cursor() as cursor:
            cursor.execute(_LOCK_TIMEOUT, (f"{max(1, round(wait * 1000))}ms",))
            try:
                cursor.execute(_LOCK, (f"run {tenant_id} {run_id}",))
            except psycopg2.errors.LockNotAvailable:
                raise RunBusy(
                    f"run {run_id} is under way in another process: wait until it ends, or end that process"
                ) from None
        yield
    finally:
        connection.close()


@contextmanager
def heartbeat(tenant_id: UUID, run_id: str, *, every: float = 20.0) -> Iterator[None]:
    """Shows every so many seconds that the run is alive, so that its reservations hold, until the block ends."""
    import psycopg2

    stop = threading.Event()

    def beat() -> None:
        while True:
            # A database that is away for a while ends no run: the next beat may reach it.
            with (
                suppress(psycopg2.Error, DatabaseUnavailable),
                tenant_transaction(tenant_id, durable=False) as cursor,
            ):
                cursor.execute(_BEAT, (tenant_id, run_id))
            if stop.wait(every):
                return

    thread = threading.Thread(target=beat, name=f"heartbeat {run_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_LAST_BEAT_SECONDS)


def check_run_id(run_id: str) -> None:
    """Raises BadInput for an id that a person gave and that neither Flyte nor we could take."""
    if not _RUN_ID.fullmatch(run_id):
        raise BadInput(
            f"run_id '{run_id[:80]}' is malformed: give a lower-case letter, then up to 62 of a-z, 0-9 and -"
        )


def new_run_id() -> str:
    """An id that sorts by time: r, 10 characters of milliseconds, 7 of chance. Flyte takes it as a name."""
    number = (time.time_ns() // 1_000_000 << 35) | secrets.randbits(35)
    return "r" + "".join(_ALPHABET[number >> shift & 31] for shift in range(80, -1, -5))


def _open(cursor: "Cursor", request: OpenRequest, values: dict[str, object]) -> OpenedRun:
    if not request.run_id:
        cursor.execute(_DECIDED, values)
        decided = cursor.fetchone()
        values["run"] = decided[0] if decided else new_run_id()
    run_id = str(values["run"])
    cursor.execute(_OPEN, values)
    opened = cursor.fetchone()
    if opened:
        return OpenedRun(run_id, opened[0], resumed=False, status="running", result=None)
    cursor.execute(_STORED, values)
    stored = cursor.fetchone()
    assert stored is not None
    started_at, status, result, *same = stored
    if differences := _differences(request, tuple(same)):
        raise BadInput(
            f"run {run_id} was started with other {' and '.join(differences)}: give what it was started with "
            "to go on with it, or leave run_id out to start a new run"
        )
    if status in get_args(Concluded):
        return OpenedRun(run_id, started_at, resumed=True, status=status, result=result)
    cursor.execute(_RESUME, values)
    return OpenedRun(run_id, started_at, resumed=True, status="running", result=None)


def _values(request: OpenRequest) -> dict[str, object]:
    inputs = _canonical(request.inputs)
    cap = request.max_cost_usd
    return {
        "tenant": request.tenant_id,
        "user": request.user_id,
        "run": request.run_id,
        "workflow": request.workflow,
        "domain": request.domain,
        "spec": request.spec,
        "spec_digest": sha256(_canonical(request.spec).encode()).hexdigest(),
        "inputs": inputs,
        "inputs_digest": keyed_digest(inputs),
        "rehearsal": request.rehearsal,
        "cap": None if cap is None else governor.usd(cap),
        "conversation": request.conversation_id,
        "session": request.session_id,
        "parent": request.parent_run_id,
    }


def _differences(request: OpenRequest, stored: tuple[str, str, str]) -> list[str]:
    """What of a request is not as it was stored: `workflow`, `graph`, or the names of inputs."""
    workflow, spec_digest, inputs = stored
    if workflow != request.workflow:
        return ["workflow"]
    before, now = json.loads(inputs), json.loads(request.inputs)
    names = sorted({*before, *now})
    changed = [name for name in names if _canonical_of(before.get(name)) != _canonical_of(now.get(name))]
    if changed:
        return [f"inputs ({', '.join(changed)})"]
    same_graph = sha256(_canonical(request.spec).encode()).hexdigest() == spec_digest
    return [] if same_graph else ["graph (other options, or another version of the program)"]


def _canonical(text: str) -> str:
    return _canonical_of(json.loads(text))


def _canonical_of(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _update(
    statement: str, tenant_id: UUID, run_id: str, status: Status, *, error: str | None, result: str | None
) -> None:
    values = {"tenant": tenant_id, "run": run_id, "status": status, "error": error, "result": result}
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(statement, values)
        changed = cursor.rowcount
    if not changed:
        get_run(tenant_id, run_id)  # raises where there is no such run; else it had concluded before


_RUN_ID = re.compile(r"[a-z][a-z0-9-]{0,62}")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LAST_BEAT_SECONDS = 5.0

_DECIDED = """
SELECT r.run_id FROM runs r JOIN reviews v ON v.tenant_id = r.tenant_id AND v.run_id = r.run_id
WHERE r.tenant_id = %(tenant)s AND r.user_id = %(user)s AND r.workflow = %(workflow)s AND r.status = 'waiting'
    AND r.spec_digest = %(spec_digest)s AND r.inputs::text = %(inputs)s
GROUP BY r.tenant_id, r.run_id
HAVING bool_and(v.status = 'decided' OR (v.status = 'expired' AND v.on_expiry IS NOT NULL))
ORDER BY r.started_at DESC LIMIT 1
"""
_OPEN = """
INSERT INTO runs (tenant_id, run_id, user_id, workflow, domain, spec_digest, spec, inputs, inputs_digest, rehearsal,
    max_cost_usd, conversation_id, session_id, parent_run_id)
VALUES (%(tenant)s, %(run)s, %(user)s, %(workflow)s, %(domain)s, %(spec_digest)s, %(spec)s, %(inputs)s,
    %(inputs_digest)s, %(rehearsal)s, %(cap)s, %(conversation)s, %(session)s, %(parent)s)
ON CONFLICT DO NOTHING RETURNING started_at
"""
_STORED = """
SELECT started_at, status, result::text, workflow, spec_digest, inputs::text FROM runs
WHERE tenant_id = %(tenant)s AND run_id = %(run)s FOR UPDATE
"""
_RESUME = """
UPDATE runs SET status = 'running', error = NULL, alive_at = now(), rehearsal = rehearsal OR %(rehearsal)s,
    max_cost_usd = coalesce(%(cap)s, max_cost_usd)
WHERE tenant_id = %(tenant)s AND run_id = %(run)s
"""
_SET_STATUS = """
UPDATE runs SET status = %(status)s, error = %(error)s, alive_at = now()
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND concluded_at IS NULL
"""
_CONCLUDE = """
UPDATE runs SET status = %(status)s, error = NULL, result = %(result)s, alive_at = now(),
    concluded_at = CASE WHEN %(status)s IN ('done', 'degraded', 'rejected', 'blocked') THEN now() END
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND concluded_at IS NULL
"""
_EXPIRE_UNANSWERED = """
WITH unanswered AS MATERIALIZED (
    SELECT r.tenant_id, r.run_id FROM runs r
    WHERE r.status IN ('running', 'waiting')
        AND (r.status = 'waiting' OR r.alive_at < now() - make_interval(secs => %(silence)s))
        AND EXISTS (SELECT FROM reviews v WHERE v.tenant_id = r.tenant_id AND v.run_id = r.run_id
            AND v.status = 'expired' AND v.on_expiry IS NULL AND v.resolved_at >= r.alive_at)
        AND NOT EXISTS (SELECT FROM reviews v WHERE v.tenant_id = r.tenant_id AND v.run_id = r.run_id
            AND v.status = 'open')
    LIMIT %(limit)s FOR NO KEY UPDATE OF r SKIP LOCKED
), expired AS (
    UPDATE runs r SET status = 'expired', error = NULL FROM unanswered u
    WHERE r.tenant_id = u.tenant_id AND r.run_id = u.run_id RETURNING r.tenant_id, r.run_id
)
INSERT INTO audit_log (tenant_id, action, subject) SELECT tenant_id, 'run.expired', run_id FROM expired
"""
_COLUMNS = """run_id, user_id, workflow, domain, status, error, rehearsal, max_cost_usd::float8,
    conversation_id, session_id, parent_run_id, started_at, alive_at, concluded_at"""
_GET = f"""
SELECT {_COLUMNS}, spec::text, inputs::text, result::text FROM runs WHERE tenant_id = %s AND run_id = %s
"""
_LIST = f"""
SELECT {_COLUMNS} FROM runs
WHERE tenant_id = %(tenant)s AND (%(user)s IS NULL OR user_id = %(user)s)
    AND (%(status)s IS NULL OR status = %(status)s)
ORDER BY started_at DESC, run_id DESC LIMIT %(limit)s
"""
_RECENT_IDS = "SELECT run_id FROM runs WHERE tenant_id = %s ORDER BY started_at DESC LIMIT 200"
_BEAT = "UPDATE runs SET alive_at = now() WHERE tenant_id = %s AND run_id = %s"
_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', %s, false)"
_LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"
"""Of the session: it holds until the connection closes."""
