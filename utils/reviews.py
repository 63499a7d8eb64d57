"""Reviews: what a person is asked, what they were shown, and what they decided. One row a block path of a run."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from utils import notifications
from utils.accounts import audit, role_of
from utils.db import maintenance_transaction, tenant_transaction
from utils.errors import BadInput, RadiantError
from utils.notifications import ReviewEvent
from utils.runs import get_run

ReviewStatus = Literal["open", "decided", "expired"]


@dataclass(frozen=True)
class Choice:
    """One thing that a person may choose, and whether it asks for a text."""

    name: str
    takes_text: bool = False


@dataclass(frozen=True)
class Question:
    """What is asked: sanitised text and page, choices and a form (JSON schema), and how long it may wait."""

    reason: str
    domain: str
    shown: str
    choices: tuple[Choice, ...]
    shown_deck: str = ""
    form: str = ""
    of: Literal["user", "reviewer"] = "reviewer"
    placeholders: Mapping[str, str] | None = None
    waits: float = 315_360_000.0
    on_expiry: str = ""
    """The choice that holds where nobody decides in time; empty: the run expires."""


@dataclass(frozen=True)
class Review:
    """A review as it stands. `text` is guidance, an edited answer or a note; placeholders are not yet restored."""

    tenant_id: UUID
    run_id: str
    path: str
    id: UUID
    status: ReviewStatus
    reason: str
    domain: str
    shown: str
    shown_deck: str
    choices: tuple[Choice, ...]
    form: str
    placeholders: dict[str, str]
    decision: str
    text: str
    answer: str
    opened_at: datetime
    expires_at: datetime | None
    overdue: bool
    resolved_by: UUID | None
    resolved_at: datetime | None
    of: Literal["user", "reviewer"]


def open_review(tenant_id: UUID, run_id: str, path: str, question: Question) -> Review:
    """Opens a review, or finds the one that is open or decided; one that expired is opened anew."""
    choices = json.dumps([[c.name, c.takes_text] for c in question.choices])
    told = notifications.sanitised(question.reason)
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(
            _OPEN,
            {
                "tenant": str(tenant_id),
                "run": run_id,
                "path": path,
                "reason": question.reason,
                "domain": question.domain,
                "shown": question.shown,
                "deck": question.shown_deck or None,
                "choices": choices,
                "form": question.form or None,
                "placeholders": json.dumps(dict(question.placeholders or {})),
                "asks": question.of,
                "waits": question.waits,
                "on_expiry": question.on_expiry or None,
            },
        )
        if opened := cursor.fetchone():
            notifications.announce(cursor, "review.opened", _event(_review(opened), told))
    notifications.wake(tenant_id)
    found = find_review(tenant_id, run_id, path)
    if found is None:
        raise RadiantError(f"the review of '{path}' could not be opened")
    return found


def find_review(tenant_id: UUID, run_id: str, path: str) -> Review | None:
    """The review at a block path, if one was ever opened."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_SELECT + " AND run_id = %s AND path = %s", (str(tenant_id), run_id, path))
        row = cursor.fetchone()
    return _review(row) if row else None


def reviews_of(tenant_id: UUID, run_id: str) -> tuple[Review, ...]:
    """All reviews of a run, oldest first."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_SELECT + " AND run_id = %s ORDER BY opened_at", (str(tenant_id), run_id))
        return tuple(_review(row) for row in cursor.fetchall())


def open_reviews(tenant_id: UUID) -> tuple[Review, ...]:
    """All that waits for a person, oldest first."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_SELECT + " AND status = 'open' ORDER BY opened_at", (str(tenant_id),))
        return tuple(_review(row) for row in cursor.fetchall())


def decide(
    review: Review, choice: str, text: str, *, by: UUID, answer: str = "", via: Literal["radiant", "flyte"] = "radiant"
) -> Review:
    """Records a decision once. BadInput where it is not one of the choices, lacks its text, or was decided before.

    `via` flyte: a gate was answered, and Flyte has judged that it was in time, for an execution that it recovers too.
    Its signal does not say by whom: Flyte has let them in, and `by` answers for it.
    """
    check_decision(review, choice, text)
    if via == "radiant":
        _check_role(review, by)
    with tenant_transaction(review.tenant_id) as cursor:
        cursor.execute(
            _DECIDE,
            {
                "tenant": str(review.tenant_id),
                "id": str(review.id),
                "choice": choice or None,
                "guidance": text if choice != "edit" else None,
                "edited": text if choice == "edit" else None,
                "answer": answer or None,
                "by": str(by),
                "gate": via == "flyte",
            },
        )
        row = cursor.fetchone()
        if row is None:
            raise BadInput(
                f"the review of run '{review.run_id}' is not open any more: see `radiant show {review.run_id}`"
            )
        audit(cursor, by, "review.decided", review.run_id, {"path": review.path, "choice": choice, "via": via})
        decided = _review(row)
        notifications.announce(cursor, "review.decided", _event(decided))
    notifications.wake(review.tenant_id)
    return decided


def _check_role(review: Review, by: UUID) -> None:
    """A reviewer is an approver or an admin; what asks the user, the run's own user may answer too."""
    if role_of(review.tenant_id, by) != "member":
        return
    if review.of == "reviewer" or get_run(review.tenant_id, review.run_id).user_id != by:
        raise BadInput("your role is 'member': an approver or an admin decides reviews")


def answer_part(shown: str) -> str:
    """The answer among the titled parts of what is shown; all of it where none is titled so."""
    found = re.search(r"^## answer\n(.*?)(?=\n\n## (?:why|safety)\n|\Z)", shown, re.MULTILINE | re.DOTALL)
    return found[1] if found else shown


def check_decision(review: Review, choice: str, text: str) -> None:
    """Raises BadInput unless the choice is one of those asked, with the text that it takes."""
    if not review.choices:
        return
    known = {c.name: c for c in review.choices}
    if choice not in known:
        raise BadInput(f"'{choice}' is not asked here: choose {', '.join(known)}")
    if known[choice].takes_text and not text.strip():
        raise BadInput(f"'{choice}' needs a text")


def expire(review: Review) -> None:
    """Closes a review that nobody decided in time."""
    with tenant_transaction(review.tenant_id) as cursor:
        cursor.execute(_EXPIRE, (str(review.tenant_id), str(review.id)))
        if expired := cursor.fetchone():
            audit(cursor, None, "review.expired", review.run_id, {"path": review.path})
            notifications.announce(cursor, "review.expired", _event(_review(expired)))
    notifications.wake(review.tenant_id)


def expire_overdue(limit: int) -> int:
    """Upkeep: closes so many reviews at most, of all tenants, that nobody decided in time; gives how many it closed.

    Who is deciding or closing one right now is let be. What is to be told of them is told by the scheduled delivery.
    """
    with maintenance_transaction() as cursor:
        cursor.execute(_EXPIRE_OVERDUE, (limit,))
        expired = [_review(row) for row in cursor.fetchall()]
        for review in expired:
            notifications.announce(cursor, "review.expired", _event(review))
    return len(expired)


def _event(review: Review, question: str = "") -> ReviewEvent:
    """What a webhook may know of a review: never what was shown, nor the person's text."""
    return ReviewEvent(
        review_id=review.id,
        tenant_id=review.tenant_id,
        run_id=review.run_id,
        path=review.path,
        domain=review.domain,
        asks=review.of,
        question=question or None,
        choices=tuple(c.name for c in review.choices),
        opened_at=review.opened_at,
        expires_at=review.expires_at,
        decision=review.decision or None,
        resolved_by=review.resolved_by,
        resolved_at=review.resolved_at,
    )


def _review(row: Sequence[Any]) -> Review:
    return Review(
        tenant_id=UUID(str(row[0])),
        run_id=row[1],
        path=row[2],
        id=UUID(str(row[3])),
        status=row[4],
        reason=row[5],
        domain=row[6],
        shown=row[7],
        shown_deck=row[8] or "",
        choices=tuple(Choice(name, takes) for name, takes in row[9]),
        form=json.dumps(row[10]) if row[10] is not None else "",
        placeholders=row[11],
        decision=row[12] or "",
        text=row[13] or row[14] or "",
        answer=json.dumps(row[15]) if row[15] is not None else "",
        opened_at=row[16],
        expires_at=row[17],
        overdue=row[18],
        resolved_by=UUID(str(row[19])) if row[19] else None,
        resolved_at=row[20],
        of=row[21],
    )


_COLUMNS = """tenant_id, run_id, path, id, status, reason, domain, shown, shown_deck, choices, form, placeholders,
    decision, edited, guidance, answer, opened_at, expires_at, status = 'open' AND expires_at < now(), resolved_by,
    resolved_at, asks"""
_OPEN = f"""
INSERT INTO reviews (tenant_id, run_id, path, reason, domain, shown, shown_deck, choices, form, placeholders, asks,
    on_expiry, expires_at)
VALUES (%(tenant)s, %(run)s, %(path)s, %(reason)s, %(domain)s, %(shown)s, %(deck)s, %(choices)s, %(form)s,
    %(placeholders)s, %(asks)s, %(on_expiry)s, now() + make_interval(secs => %(waits)s))
ON CONFLICT (tenant_id, run_id, path) DO UPDATE
SET status = 'open', opened_at = now(), expires_at = excluded.expires_at, on_expiry = excluded.on_expiry,
    resolved_at = NULL, resolved_by = NULL
WHERE reviews.status = 'expired'
RETURNING {_COLUMNS}
"""
_SELECT = f"SELECT {_COLUMNS} FROM reviews WHERE tenant_id = %s"
_DECIDE = f"""
UPDATE reviews SET status = 'decided', decision = %(choice)s, guidance = %(guidance)s, edited = %(edited)s,
    answer = %(answer)s, resolved_by = %(by)s, resolved_at = now()
WHERE tenant_id = %(tenant)s AND id = %(id)s AND (status = 'open' AND (expires_at IS NULL OR expires_at > now())
    OR status <> 'decided' AND %(gate)s)
RETURNING {_COLUMNS}
"""
_EXPIRE = f"""
UPDATE reviews SET status = 'expired', resolved_at = now() WHERE tenant_id = %s AND id = %s AND status = 'open'
RETURNING {_COLUMNS}
"""
_EXPIRE_OVERDUE = f"""
WITH overdue AS MATERIALIZED (
    SELECT tenant_id, id FROM reviews WHERE status = 'open' AND expires_at < now()
    ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED
), expired AS (
    UPDATE reviews v SET status = 'expired', resolved_at = now() FROM overdue o
    WHERE v.tenant_id = o.tenant_id AND v.id = o.id RETURNING v.*
), noted AS (
    INSERT INTO audit_log (tenant_id, action, subject, detail)
    SELECT tenant_id, 'review.expired', run_id, jsonb_build_object('path', path) FROM expired
)
SELECT {_COLUMNS} FROM expired
"""
