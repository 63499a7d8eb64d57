"""The ledger: every model call of a run is paid for once, whatever happens to the process that makes it.

A call is keyed by its place in the run and by the digest of its request. What was settled is read back; what
failed, or was lost between call and settle with its process, is made again. Reserving, calling and settling are
three steps: no transaction and no connection is held while a model thinks. Settling waits for the disk.
"""

import hmac
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal
from uuid import UUID

from utils import governor
from utils.db import maintenance_transaction, outlast, tenant_function, tenant_transaction
from utils.errors import BadInput, RadiantError
from utils.llm import ChatRequest, Completion, charge_usd, estimate_usd
from utils.settings import settings

State = Literal["reserved", "settled", "failed", "lost"]


@dataclass(frozen=True)
class CallKey:
    """Where in a run a call stands: block path, the member of a Fan, and which try of the step it is."""

    tenant_id: UUID
    run_id: str
    path: str
    member: int = 0
    attempt: int = 0


@dataclass(frozen=True)
class PaidCall:
    """A completion that is in the ledger. `alerts`: the windows that it took past the alert threshold."""

    completion: Completion
    from_ledger: bool
    alerts: tuple[governor.Window, ...] = ()


@dataclass(frozen=True)
class LedgerRow:
    """One call as the ledger has it. Money in USD; `cost_usd` None is unknown; `lost`: perhaps paid more often."""

    path: str
    member: int
    attempt: int
    digest: str
    state: State
    model_requested: str
    model_used: str | None
    prompt_tokens: int | None
    completion_tokens: int | None
    cost_usd: float | None
    charged_usd: float | None
    estimate_usd: float
    attempts: int
    lost: int
    latency_ms: int | None
    error: str | None


@dataclass(frozen=True)
class Spent:
    """What a run has cost so far. `cost_usd` leaves the calls of unknown cost out, which it counts beside."""

    calls: int
    tokens: int
    cost_usd: float
    unknown_cost_calls: int
    lost: int


def paid_call(
    key: CallKey,
    request: ChatRequest,
    complete: Callable[[ChatRequest], Completion],
    *,
    estimate: Callable[[ChatRequest], float] = estimate_usd,
    charge: Callable[[Completion, ChatRequest], float] = charge_usd,
) -> PaidCall:
    """The completion of a request at its place in the run: from the ledger, or made and settled now.

    Raises OverBudget where it does not fit into a cap, and whatever `complete` raises: the call is then recorded
    as failed, and made again on resume. Threads of one process with the same key share one call. `complete` must
    make no paid call itself.
    """
    digest = request.digest()
    mine: Future[PaidCall] = Future()
    theirs = _in_flight.setdefault((key, digest), mine)
    if theirs is not mine:
        return PaidCall(theirs.result().completion, from_ledger=True)
    try:
        paid = _Call(key, digest, request, complete, estimate, charge).paid()
        mine.set_result(paid)
        return paid
    except BaseException as error:
        mine.set_exception(error)
        raise
    finally:
        del _in_flight[key, digest]


def record(tenant_id: UUID, run_id: str, path: str, kind: str, make: Callable[[], str]) -> str:
    """The JSON text recorded at a place in a run; made and stored the first time. The first writer wins."""
    where = {"tenant": tenant_id, "run": run_id, "path": path, "kind": kind}
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_RECORDED, where)
        found = cursor.fetchone()
    if found is None:
        made = make()
        with tenant_transaction(tenant_id) as cursor:
            cursor.execute(_RECORD, {**where, "output": made})
            cursor.execute(_RECORDED, where)
            found = cursor.fetchone()
    return str(found[0]) if found else made


def ledger_of(tenant_id: UUID, run_id: str) -> tuple[LedgerRow, ...]:
    """Every call of a run, by place."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_ROWS, (tenant_id, run_id))
        return tuple(LedgerRow(*row) for row in cursor.fetchall())


def spent(tenant_id: UUID, run_id: str, *, under: Sequence[str] = ("",)) -> Spent:
    """What a run has cost so far, or what the calls cost whose paths start with one of `under`."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_SPENT, (tenant_id, run_id, list(under)))
        found = cursor.fetchone()
    assert found is not None
    return Spent(*found)


def compact(older_than_days: int) -> int:
    """Upkeep: drops the requests and responses of runs that concluded so long ago, and the hours and days before.

    The sums of each call stay. Gives the number of calls that it compacted.
    """
    if older_than_days < 1:
        raise BadInput(f"older_than_days is {older_than_days}: give 1 or more")
    with maintenance_transaction() as cursor:
        cursor.execute(_FORGET_WINDOWS, (older_than_days,))
        cursor.execute(_COMPACT, (older_than_days,))
        return cursor.rowcount


def keyed_digest(text: str) -> str:
    """HMAC-SHA-256 of a text, in hex, under this installation's key: nobody without it can try texts out."""
    given = settings().hmac_key.get_secret_value()
    key = given.encode() if given else _stored_key(settings().home / "hmac.key")
    return hmac.new(key, text.encode(), sha256).hexdigest()


@dataclass(frozen=True)
class _Begun:
    verdict: Literal["settled", "reserved", "over", "begun"]
    stored: str | None
    attempt: int | None
    over: governor.Window | None


@dataclass(frozen=True)
class _Call:
    key: CallKey
    digest: str
    request: ChatRequest
    complete: Callable[[ChatRequest], Completion]
    estimate: Callable[[ChatRequest], float]
    charge: Callable[[Completion, ChatRequest], float]

    def paid(self) -> PaidCall:
        amount = governor.usd(self.estimate(self.request))
        while True:
            mark = _underway.ended(self.key.tenant_id)
            begun = self._tried(amount)
            if isinstance(begun, PaidCall):
                return begun
            if begun.verdict == "settled":
                return PaidCall(_completion(begun.stored, self.key), from_ledger=True)
            if begun.verdict == "reserved" and begun.attempt is not None:
                # One process walks a run (utils/runs.py, lease), and in it nobody else has this key.
                self._release(begun.attempt, "lost", _DIED)
            elif begun.over is not None:
                self._make_room(begun.over, amount, mark)

    def _tried(self, amount: Decimal) -> "PaidCall | _Begun":
        """The call, if it was begun here; else why it was not."""
        made = False
        _underway.start(self.key.tenant_id)
        try:
            begun = self._begin(amount)
            made = begun.verdict == "begun"
            return self._make(begun.attempt) if begun.verdict == "begun" and begun.attempt is not None else begun
        finally:
            _underway.end(self.key.tenant_id, made=made)

    def _make(self, attempt: int) -> PaidCall:
        completion = self._completed(attempt)
        # What fails from here on leaves the call reserved: it was paid, and resume will find it lost.
        return self._settle(attempt, completion)

    def _completed(self, attempt: int) -> Completion:
        try:
            return self.complete(self.request)
        except Exception as error:
            self._release(attempt, "failed", getattr(error, "message", None) or repr(error))
            raise
        except BaseException:  # Ctrl-C amid the call: it may have been paid
            self._release(attempt, "lost", _INTERRUPTED)
            raise

    def _make_room(self, over: governor.Window, amount: Decimal, mark: int) -> None:
        """Returns where another try may fit: after the dead's reservations fell free, or another call ended."""
        if governor.reclaim(self.key.tenant_id):
            return
        budgets = governor.budgets(self.key.tenant_id, self.key.run_id)
        budget = next(b for b in budgets if b.window == over)
        could_fit = budget.settled + amount <= budget.cap
        if not (could_fit and _underway.another_ended(self.key.tenant_id, mark)):
            raise governor.over_budget(budget, amount)

    def _begin(self, amount: Decimal) -> _Begun:
        body = self.request.model_dump_json()
        values = (*self._place(), self.request.model, body, amount, *governor.default_caps())
        verdict, stored, attempt, over = tenant_function(self.key.tenant_id, _BEGIN, values, durable=False)
        return _Begun(verdict, stored, attempt, over)

    def _settle(self, attempt: int, completion: Completion) -> PaidCall:
        # The money is gone: a server that restarts is waited for. An attempt settles once only.
        stored, alerts = outlast(lambda: self._written(attempt, completion))
        if stored is not None:
            completion = _completion(stored, self.key)
        return PaidCall(completion, from_ledger=False, alerts=alerts)

    def _written(self, attempt: int, completion: Completion) -> tuple[str | None, tuple[governor.Window, ...]]:
        from psycopg2.errors import NoDataFound

        try:
            return self._write(attempt, completion)
        except NoDataFound:
            # A reservation does not wait for the disk: a server that died may have lost it. What was paid stands.
            again = self._begin(governor.usd(0))
            return self._write(again.attempt or attempt, completion)

    def _write(self, attempt: int, completion: Completion) -> tuple[str | None, tuple[governor.Window, ...]]:
        values = (
            *self._place(),
            attempt,
            completion.model_dump_json(),
            completion.model,
            completion.prompt_tokens,
            completion.completion_tokens,
            None if completion.cost_usd is None else governor.usd(completion.cost_usd),
            governor.usd(self.charge(completion, self.request)),
            completion.latency_ms,
            settings().cost_alert_threshold,
        )
        stored, alerts = tenant_function(self.key.tenant_id, _SETTLE, values)
        return stored, tuple(w for w in governor.WINDOWS if w in alerts)

    def _release(self, attempt: int, state: State, error: str) -> None:
        storable = error.replace("\x00", "").encode(errors="replace").decode()
        tenant_function(self.key.tenant_id, _RELEASE, (*self._place(), attempt, state, storable), durable=False)

    def _place(self) -> tuple[object, ...]:
        key = self.key
        return key.run_id, key.path, key.member, key.attempt, self.digest


def _completion(stored: str | None, key: CallKey) -> Completion:
    if stored is None:
        raise RadiantError(
            f"the replies of run {key.run_id} were compacted: its result is stored, start a new run to redo it"
        )
    return Completion.model_validate_json(stored)


@lru_cache(maxsize=8)
def _stored_key(path: Path) -> bytes:
    """The key in a file, which is made whole or not at all: of processes that make it at once, one wins."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_hex(32).encode())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_bytes()


_in_flight: dict[tuple[CallKey, str], Future[PaidCall]] = {}
_underway = governor.Underway()

_DIED = "its process died before it settled"
_INTERRUPTED = "interrupted before it settled"

_BEGIN = "begin_call(tenant.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_SETTLE = "settle_call(tenant.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
_RELEASE = "release_call(tenant.id, %s, %s, %s, %s, %s, %s, %s, %s)"
_RECORDED = """
SELECT output::text FROM step_records
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND path = %(path)s AND kind = %(kind)s
"""
_RECORD = """
INSERT INTO step_records (tenant_id, run_id, path, kind, output)
VALUES (%(tenant)s, %(run)s, %(path)s, %(kind)s, %(output)s) ON CONFLICT DO NOTHING
"""
_ROWS = """
SELECT path, member, try, digest, state, model_requested, model_used, prompt_tokens, completion_tokens,
    cost_usd::float8, charged_usd::float8, estimate_usd::float8, attempts, lost, latency_ms, error
FROM model_calls WHERE tenant_id = %s AND run_id = %s ORDER BY path, member, try, digest
"""
_SPENT = """
SELECT count(*) FILTER (WHERE state = 'settled'),
    coalesce(sum(prompt_tokens + completion_tokens), 0)::bigint,
    coalesce(sum(cost_usd), 0)::float8,
    count(*) FILTER (WHERE state = 'settled' AND cost_usd IS NULL),
    coalesce(sum(lost), 0)::bigint
FROM model_calls WHERE tenant_id = %s AND run_id = %s AND path ^@ ANY(%s)
"""
_FORGET_WINDOWS = """
DELETE FROM budgets WHERE kind <> 'run' AND reserved_usd = 0 AND updated_at < now() - make_interval(days => %s)
"""
_COMPACT = """
UPDATE model_calls c SET request = NULL, response = NULL FROM runs r
WHERE r.tenant_id = c.tenant_id AND r.run_id = c.run_id
    AND r.concluded_at < now() - make_interval(days => %s) AND (c.request IS NOT NULL OR c.response IS NOT NULL)
"""
