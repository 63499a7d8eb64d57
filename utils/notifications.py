"""Notifications: tells a webhook that a review opened, was decided or expired. The contract: docs/notifications.md.

An outbox: what is told is written in the transaction that changes the review, so that a crash loses nothing and nothing
is told that did not happen. It is posted after that, outside any transaction: at least once, under one `webhook-id`, by
a thread of this process right away and by a scheduled `deliver_due` later. Headers, signature and secret are those of
Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks).
"""

import atexit
import logging
import os
import random
import threading
import time
from base64 import b64decode, b64encode
from collections import Counter
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from hmac import digest
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from utils.db import maintenance_transaction, tenant_transaction
from utils.settings import settings

if TYPE_CHECKING:
    from utils.db import Cursor

Kind = Literal["review.opened", "review.decided", "review.expired"]
Outcome = Literal["delivered", "postponed", "given_up"]


class ReviewEvent(BaseModel):
    """What happened to a review, for people outside: sanitised, and without the content under review."""

    model_config = ConfigDict(frozen=True)

    review_id: UUID
    tenant_id: UUID
    run_id: str
    path: str
    domain: str
    asks: Literal["user", "reviewer"]
    question: str | None
    choices: tuple[str, ...]
    opened_at: datetime
    expires_at: datetime | None
    decision: str | None
    resolved_by: UUID | None
    resolved_at: datetime | None


@dataclass(frozen=True)
class Round:
    """What came of the notifications of one round: arrived, to be tried again, or given up."""

    delivered: int = 0
    postponed: int = 0
    given_up: int = 0


def sanitised(question: str) -> str:
    """A question as a webhook may hear it; empty where no webhook is set, which spares loading the recognizers."""
    if not _configured():
        return ""
    from utils.phi import sanitise

    return sanitise(question).text


def announce(cursor: "Cursor", kind: Kind, event: ReviewEvent) -> None:
    """Writes down, in the transaction that changes the review, what is to be told. Nothing where no webhook is set."""
    if not _configured():
        return
    cursor.execute(_RUN, (event.tenant_id, event.run_id))
    workflow, user_id = cursor.fetchone() or ("", None)
    told = _Body(
        type=kind,
        timestamp=event.resolved_at or event.opened_at,
        data=_Data(**event.model_dump(), workflow=workflow, user_id=user_id),
    )
    body = told.model_dump_json(exclude_none=True)
    cursor.execute(_ANNOUNCE, (event.tenant_id, event.run_id, event.path, kind, body))


def wake(tenant_id: UUID) -> None:
    """Has a thread of this process deliver what is due of a tenant, and returns at once. It never raises."""
    if _configured():
        _courier.wake(tenant_id)


def deliver_due(limit: int = 100, *, tenant_id: UUID | None = None) -> Round:
    """Posts what is due, oldest first: of all tenants as maintenance, or of one as the app.

    A minute, or a receiver that gives no answer at all, ends the round: the others would wait for it too. Raises
    DatabaseUnavailable.
    """
    outcomes: Counter[Outcome] = Counter()
    until = time.monotonic() + ROUND_SECONDS
    while _configured() and outcomes.total() < limit and time.monotonic() < until:
        claim = _claim(tenant_id)
        if claim is None:
            break
        answer = _post(claim)
        outcomes[_record(claim, answer, tenant_id)] += 1
        if answer.status is None:
            break
    return Round(outcomes["delivered"], outcomes["postponed"], outcomes["given_up"])


def finish(seconds: float) -> bool:
    """Waits so long for what this process is delivering; whether that has ended."""
    return _courier.finish(seconds)


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """The `webhook-signature` of a body (Standard Webhooks 1.0.0, symmetric)."""
    key = b64decode(secret.removeprefix("whsec_"))
    return "v1," + b64encode(digest(key, f"{webhook_id}.{timestamp}.".encode() + body, sha256)).decode()


def wait_after(attempt: int) -> float:
    """Seconds from a failed attempt (1 is the first) to the next: four times as long each, with jitter."""
    wait = min(FIRST_WAIT_SECONDS * 4.0 ** min(attempt - 1, MOST_ATTEMPTS), LONGEST_WAIT_SECONDS)
    return wait * random.uniform(0.75, 1.25)  # noqa: S311


class _Data(ReviewEvent):
    """An event, and whose run it is of."""

    workflow: str
    user_id: UUID | None


class _Body(BaseModel):
    """What is posted, as Standard Webhooks has it."""

    model_config = ConfigDict(frozen=True)

    type: Kind
    timestamp: datetime
    data: _Data


@dataclass(frozen=True)
class _Claim:
    """A notification that this thread alone may post until its lease ends, and the how-manieth attempt that is."""

    tenant_id: UUID
    id: UUID
    attempt: int
    body: str


@dataclass(frozen=True)
class _Answer:
    """What the receiver answered: a status, or None and what went wrong instead."""

    status: int | None
    error: str = ""

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class _Courier:
    """One thread of this process, while there is something to deliver. A process that ends leaves the rest behind."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Starts anew: after a fork the thread is the parent's."""
        self._lock = threading.Lock()
        self._tenants: set[UUID] = set()
        self._thread: threading.Thread | None = None

    def wake(self, tenant_id: UUID) -> None:
        with self._lock:
            self._tenants.add(tenant_id)
            if self._thread is None:
                thread = threading.Thread(target=self._deliver, name="notifications", daemon=True)
                with suppress(RuntimeError):  # a process without a thread to spare leaves it to the next round
                    thread.start()
                    self._thread = thread

    def finish(self, seconds: float) -> bool:
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _deliver(self) -> None:
        while (tenant_id := self._next()) is not None:
            try:
                deliver_due(tenant_id=tenant_id)
            except Exception as error:  # whatever it is, the notification is kept, and this thread goes on
                _log.warning("notifications are kept for later: %s", type(error).__name__)

    def _next(self) -> UUID | None:
        with self._lock:
            if not self._tenants:
                self._thread = None
                return None
            return self._tenants.pop()


def _configured() -> bool:
    return bool(settings().webhook_url.get_secret_value())


def _transaction(tenant_id: UUID | None) -> AbstractContextManager["Cursor"]:
    return maintenance_transaction() if tenant_id is None else tenant_transaction(tenant_id)


def _claim(tenant_id: UUID | None) -> _Claim | None:
    """Takes the next that is due for as long as an attempt may take; who dies with it leaves it to the next round."""
    with _transaction(tenant_id) as cursor:
        cursor.execute(_CLAIM, {"lease": LEASE_SECONDS})
        row = cursor.fetchone()
    return _Claim(*row) if row else None


def _post(claim: _Claim) -> _Answer:
    """One attempt. An error's own text may quote the address, and an answer's body anything: neither is kept."""
    import requests

    found, body, now = settings(), claim.body.encode(), int(time.time())
    headers = {
        "content-type": "application/json",
        "user-agent": "radiant-think-tank",
        "webhook-id": str(claim.id),
        "webhook-timestamp": str(now),
        "webhook-signature": signature(found.webhook_secret.get_secret_value(), str(claim.id), now, body),
    }
    url = found.webhook_url.get_secret_value()
    try:
        with requests.post(
            url, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
        ) as response:
            return _Answer(response.status_code, f"HTTP {response.status_code}")
    except (requests.RequestException, UnicodeError) as error:
        return _Answer(None, type(error).__name__)


def _record(claim: _Claim, answer: _Answer, tenant_id: UUID | None) -> Outcome:
    """Writes down what came of an attempt. Where a later attempt has begun since, only a success counts."""
    given_up = claim.attempt >= MOST_ATTEMPTS
    with _transaction(tenant_id) as cursor:
        if answer.accepted:
            cursor.execute(_DELIVERED, (claim.tenant_id, claim.id))
            return "delivered"
        values = {
            "tenant": claim.tenant_id,
            "id": claim.id,
            "attempt": claim.attempt,
            "error": answer.error,
            "wait": wait_after(claim.attempt),
            "given_up": given_up,
        }
        cursor.execute(_NOT_DELIVERED, values)
    if given_up:
        _log.warning("notification %s was given up after %d attempts: %s", claim.id, claim.attempt, answer.error)
    return "given_up" if given_up else "postponed"


_log = logging.getLogger(__name__)
_courier = _Courier()
os.register_at_fork(after_in_child=_courier.forget)

MOST_ATTEMPTS = 10
FIRST_WAIT_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 6 * 3600.0
TIMEOUT_SECONDS = (5.0, 10.0)
"""To connect, and between two signs of life of an answer."""
LEASE_SECONDS = 60.0
"""Longer than an attempt takes: nobody else posts the same meanwhile."""
ROUND_SECONDS = 60.0
LAST_SECONDS = 1.0
"""So long a process that ends waits for what it is delivering."""
atexit.register(lambda: finish(LAST_SECONDS))

_RUN = "SELECT workflow, user_id FROM runs WHERE tenant_id = %s AND run_id = %s"
_ANNOUNCE = "INSERT INTO notifications (tenant_id, run_id, path, kind, payload) VALUES (%s, %s, %s, %s, %s)"
_CLAIM = """
WITH due AS MATERIALIZED (
    SELECT tenant_id, id FROM notifications
    WHERE delivered_at IS NULL AND failed_at IS NULL AND next_attempt_at <= now()
    ORDER BY next_attempt_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE notifications n SET attempts = n.attempts + 1, next_attempt_at = now() + make_interval(secs => %(lease)s)
FROM due WHERE n.tenant_id = due.tenant_id AND n.id = due.id
RETURNING n.tenant_id, n.id, n.attempts, n.payload::text
"""
_DELIVERED = """
UPDATE notifications SET delivered_at = now(), failed_at = NULL, last_error = NULL
WHERE tenant_id = %s AND id = %s AND delivered_at IS NULL
"""
_NOT_DELIVERED = """
UPDATE notifications SET last_error = %(error)s, next_attempt_at = now() + make_interval(secs => %(wait)s),
    failed_at = CASE WHEN %(given_up)s THEN now() END
WHERE tenant_id = %(tenant)s AND id = %(id)s AND attempts = %(attempt)s AND delivered_at IS NULL
"""
