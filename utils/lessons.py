"""The Grimoire's rows: a tenant's lessons ("when this, do that"), and which runs used which of them.

A lesson is never overwritten: its counters change, and another one may supersede it. What a rehearsal learned and
what real runs learned are two worlds, of which no function here sees both.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from utils.db import maintenance_transaction, tenant_transaction
from utils.embeddings import Embedded, same_lesson_bound, similarity_bound
from utils.errors import BadInput

if TYPE_CHECKING:
    from utils.db import Cursor

LEAST_CONFIDENCE = 0.3
EXPIRY_DAYS = 90
"""From the last confirmation, by another run that learned the same or an approved one that used it."""
RANK_CONSTANT = 60
"""Reciprocal rank fusion (Cormack et al. 2009): a lesson scores 1 / (60 + rank) in each search that found it."""
CANDIDATES = 50
"""How many lessons each of the two searches may bring into the fusion."""
TRIGGER_SHARE = 0.5
"""How much of its trigger's words a text must hold, stemmed, for a lesson to fit it by words alone."""

Change = Literal["new", "confirmed", "known"]
"""`known`: the same run had learned or used it already, so that it is an echo, and confirms nothing."""


@dataclass(frozen=True)
class Lesson:
    """A lesson as it stands. `confidence` is (helpful + 1) / (helpful + harmful + 2)."""

    id: UUID
    domain: str
    trigger: str
    action: str
    confidence: float
    helpful: int
    harmful: int
    provisional: bool
    confirmations: int
    rehearsal: bool
    source_run_id: str | None

    @property
    def text(self) -> str:
        return lesson_text(self.trigger, self.action)


@dataclass(frozen=True)
class Found:
    """A lesson that fits. `similarity` is a cosine; None where the lesson's vector is of another model."""

    lesson: Lesson
    score: float
    similarity: float | None


@dataclass(frozen=True)
class Wanted:
    """What to search for, where. `embedded` holds the text's vector; None searches by words alone."""

    text: str
    domains: Sequence[str]
    rehearsal: bool
    limit: int
    embedded: Embedded | None


@dataclass(frozen=True)
class Source:
    """Where lessons come from: a run, the block that remembers them, and the reply that they were drawn from."""

    tenant_id: UUID
    run_id: str
    path: str
    reply: str
    domain: str
    provisional: bool
    rehearsal: bool


@dataclass(frozen=True)
class Kept:
    """A lesson that a run learned, and what that changed."""

    lesson: Lesson
    change: Change


@dataclass(frozen=True)
class CleanupCount:
    """How many lessons a clean-up deleted, and why."""

    expired: int
    low_confidence: int


def lesson_text(trigger: str, action: str) -> str:
    """A lesson as one sentence: what is embedded, checked and shown."""
    return f"when {trigger}: {action}"


def search(tenant_id: UUID, wanted: Wanted) -> tuple[Found, ...]:
    """The usable lessons that fit a text, best first: by vectors of the same model and by words, ranks fused.

    Usable: valid, not expired, confidence at least .3, and confirmed once if provisional.
    """
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_SEARCH, _search_values(tenant_id, wanted))
        return tuple(Found(_lesson(row), row[-2], row[-1]) for row in cursor.fetchall())


def mark_used(tenant_id: UUID, run_id: str, ids: Sequence[UUID]) -> None:
    """Notes that a run used these lessons, in this order. Safe to do twice; a lesson that is gone is passed over."""
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_MARK_USED, {"tenant": tenant_id, "run": run_id, "ids": list(ids)})


def settle_uses(tenant_id: UUID, run_id: str, outcome: str, *, helpful: int = 0, harmful: int = 0) -> int:
    """Says once what became of a run, on the lessons that it used; gives how many gained or lost by it."""
    values = {"tenant": tenant_id, "run": run_id, "outcome": outcome, "helpful": helpful, "harmful": harmful}
    with tenant_transaction(tenant_id) as cursor:
        cursor.execute(_SETTLE_USES, {**values, "days": EXPIRY_DAYS})
        return cursor.rowcount


def keep(source: Source, lessons: Sequence[tuple[str, str]], embedded: Embedded) -> tuple[Kept, ...]:
    """Stores lessons (trigger, action) with their vectors, once for a block of a run; a lesson that is there already
    is confirmed instead. Runs that keep lessons of one domain at once wait for one another.
    """
    with tenant_transaction(source.tenant_id) as cursor:
        _lock(cursor, source.tenant_id, source.domain)
        place = {"tenant": source.tenant_id, "run": source.run_id, "path": source.path}
        cursor.execute(_KEPT_BEFORE, place)
        if before := cursor.fetchone():
            changes: dict[UUID, Change] = {UUID(lesson): change for lesson, change in before[0]}
        else:
            changes = {}
            for lesson, vector in zip(lessons, embedded.vectors, strict=True):
                kept, change = _keep(cursor, _row(source, lesson, vector, embedded))
                changes.setdefault(kept, change)
            output = json.dumps([[str(kept), change] for kept, change in changes.items()])
            cursor.execute(_KEEP_MARK, {**place, "output": output})
        cursor.execute(_BY_ID, (source.tenant_id, list(changes)))
        found = {lesson.id: lesson for lesson in map(_lesson, cursor.fetchall())}
    return tuple(Kept(found[kept], change) for kept, change in changes.items() if kept in found)


def supersede(source: Source, old: UUID, lesson: tuple[str, str], embedded: Embedded) -> Lesson:
    """Puts a lesson in the place of another, which is no longer valid but stays, with a pointer to its successor.

    The new one stands in the old one's domain, with counters of its own. Safe to do twice by one run. Raises BadInput
    where the tenant has no such valid lesson.
    """
    with tenant_transaction(source.tenant_id) as cursor:
        cursor.execute(_BY_ID, (source.tenant_id, [old]))
        row = cursor.fetchone()
        if row is None:
            raise BadInput(f"there is no lesson {old}: a run's Deck names those that it used")
        replaced = _lesson(row)
        _lock(cursor, source.tenant_id, replaced.domain)
        cursor.execute(_SUCCESSOR, (source.tenant_id, old))
        if (after := cursor.fetchone()) and after[0]:
            if after[2] == source.run_id:
                cursor.execute(_BY_ID, (source.tenant_id, [after[1]]))
                return _lesson(cursor.fetchone() or ())
            raise BadInput(f"lesson {old} is no longer valid: another one superseded it")
        values = _row(source, lesson, embedded.vectors[0], embedded)
        values |= {"domain": replaced.domain, "rehearsal": replaced.rehearsal, "old": old}
        cursor.execute(_INSERT, values)
        (new,) = cursor.fetchone() or ()
        cursor.execute(_SUPERSEDE, {**values, "new": new})
        cursor.execute(_BY_ID, (source.tenant_id, [new]))
        return _lesson(cursor.fetchone() or ())


def clean_up() -> CleanupCount:
    """Deletes, for all tenants, lessons past their expiry, and those below .3 that are over 90 days old.

    A lesson that somebody is changing right now is left to the next clean-up.
    """
    with maintenance_transaction() as cursor:
        cursor.execute(_DELETE_EXPIRED)
        expired = cursor.rowcount
        cursor.execute(_DELETE_LOW, {"least": LEAST_CONFIDENCE, "days": EXPIRY_DAYS})
        return CleanupCount(expired, cursor.rowcount)


def _search_values(tenant_id: UUID, wanted: Wanted) -> dict[str, Any]:
    made = wanted.embedded
    return {
        "tenant": tenant_id,
        "domains": list(wanted.domains),
        "rehearsal": wanted.rehearsal,
        "least": LEAST_CONFIDENCE,
        "text": wanted.text,
        "vector": _vector(made.vectors[0]) if made else None,
        "model": made.model if made else None,
        "version": made.version if made else None,
        "bound": similarity_bound(made.model) if made else None,
        "share": TRIGGER_SHARE,
        "constant": RANK_CONSTANT,
        "candidates": CANDIDATES,
        "limit": wanted.limit,
    }


def _keep(cursor: "Cursor", values: dict[str, Any]) -> tuple[UUID, Change]:
    cursor.execute(_SAME, values)
    if same := cursor.fetchone():
        lesson, echo = same
        cursor.execute(_CONFIRM, {**values, "id": lesson, "echo": echo})
        if cursor.rowcount:
            return lesson, "known" if echo else "confirmed"
    cursor.execute(_INSERT, values)
    (new,) = cursor.fetchone() or ()
    return new, "new"


def _row(source: Source, lesson: tuple[str, str], vector: Sequence[float], embedded: Embedded) -> dict[str, Any]:
    return {
        "tenant": source.tenant_id,
        "domain": source.domain,
        "trigger": lesson[0],
        "action": lesson[1],
        "vector": _vector(vector),
        "model": embedded.model,
        "version": embedded.version,
        "bound": same_lesson_bound(embedded.model),
        "provisional": source.provisional,
        "rehearsal": source.rehearsal,
        "run": source.run_id,
        "reply": source.reply,
        "days": EXPIRY_DAYS,
    }


def _lock(cursor: "Cursor", tenant_id: UUID, domain: str) -> None:
    cursor.execute(_LOCK, (f"lessons {tenant_id} {domain}",))


def _vector(vector: Sequence[float]) -> str:
    return json.dumps(list(vector))


def _lesson(row: Sequence[Any]) -> Lesson:
    return Lesson(*row[:11])


_COLUMNS = """h.id, h.domain, h.trigger_pattern, h.action_template, h.confidence::float8, h.helpful, h.harmful,
    h.provisional, h.confirmations, h.rehearsal, h.source_run_id"""

# Not materialized: each search reads only the columns that it needs, a tenant's vectors among them but once.
_SEARCH = f"""
WITH usable AS NOT MATERIALIZED (
    SELECT * FROM knowledge_heuristics
    WHERE tenant_id = %(tenant)s AND domain = ANY (%(domains)s) AND valid_to IS NULL AND rehearsal = %(rehearsal)s
        AND valid_from <= now() AND expires_at > now() AND confidence >= %(least)s
        AND (NOT provisional OR confirmations > 0)
), wanted AS (
    SELECT tsvector_to_array(to_tsvector('english', %(text)s)) AS lexemes
), words AS (
    SELECT string_agg('''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''', ' | ')::tsquery AS query
    FROM wanted, unnest(lexemes) AS lexeme
), by_vector AS (
    SELECT id, similarity, row_number() OVER (ORDER BY similarity DESC, id) AS place FROM (
        SELECT id, 1 - (embedding <=> %(vector)s::vector) AS similarity FROM usable
        WHERE embedding_model = %(model)s AND embedding_version = %(version)s
        ORDER BY similarity DESC, id LIMIT %(candidates)s
    ) nearest WHERE similarity >= %(bound)s
), by_words AS (
    SELECT id, rank() OVER (ORDER BY fit DESC) AS place FROM (
        SELECT id, trigger_pattern, ts_rank(search, (SELECT query FROM words)) AS fit FROM usable
        WHERE search @@ (SELECT query FROM words)
        ORDER BY fit DESC, id LIMIT %(candidates)s
    ) closest WHERE %(share)s <= (
        SELECT avg((lexeme = ANY ((SELECT lexemes FROM wanted)::text[]))::int)
        FROM unnest(to_tsvector('english', trigger_pattern))
    )
)
SELECT {_COLUMNS},
    (coalesce(1.0 / (%(constant)s + v.place), 0) + coalesce(1.0 / (%(constant)s + w.place), 0))::float8 AS score,
    CASE WHEN h.embedding_model = %(model)s AND h.embedding_version = %(version)s
        THEN 1 - (h.embedding <=> %(vector)s::vector) END AS similarity
FROM (by_vector v FULL JOIN by_words w USING (id)) JOIN knowledge_heuristics h USING (id)
WHERE h.tenant_id = %(tenant)s
ORDER BY score DESC, similarity DESC NULLS LAST, h.confidence DESC, h.id LIMIT %(limit)s
"""
# Rows are locked in the order of their ids, so that two runs which used the same lessons never wait in a circle.
_MARK_USED = """
WITH locked AS (
    SELECT id FROM knowledge_heuristics WHERE tenant_id = %(tenant)s AND id = ANY (%(ids)s::uuid[])
    ORDER BY id FOR NO KEY UPDATE
), used AS (
    UPDATE knowledge_heuristics h SET last_used_at = now() FROM locked
    WHERE h.tenant_id = %(tenant)s AND h.id = locked.id RETURNING h.id
)
INSERT INTO lesson_uses (tenant_id, run_id, heuristic_id, rank)
SELECT %(tenant)s, %(run)s, used.id, array_position(%(ids)s::uuid[], used.id) FROM used
ON CONFLICT DO NOTHING
"""
_SETTLE_USES = """
WITH settled AS (
    UPDATE lesson_uses SET outcome = %(outcome)s
    WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND outcome IS NULL RETURNING heuristic_id
), locked AS (
    SELECT id FROM knowledge_heuristics
    WHERE tenant_id = %(tenant)s AND id IN (SELECT heuristic_id FROM settled)
    ORDER BY id FOR NO KEY UPDATE
)
UPDATE knowledge_heuristics h SET helpful = helpful + %(helpful)s, harmful = harmful + %(harmful)s,
    expires_at = CASE WHEN %(helpful)s > 0 THEN greatest(expires_at, now() + make_interval(days => %(days)s))
        ELSE expires_at END
FROM locked WHERE h.tenant_id = %(tenant)s AND h.id = locked.id AND %(helpful)s + %(harmful)s > 0
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_KEPT_BEFORE = """
SELECT output FROM step_records
WHERE tenant_id = %(tenant)s AND run_id = %(run)s AND path = %(path)s AND kind = 'lessons'
"""
_KEEP_MARK = """
INSERT INTO step_records (tenant_id, run_id, path, kind, output)
VALUES (%(tenant)s, %(run)s, %(path)s, 'lessons', %(output)s)
"""
_SAME = """
SELECT id, source_run_id IS NOT DISTINCT FROM %(run)s OR EXISTS (
    SELECT FROM lesson_uses u WHERE u.tenant_id = %(tenant)s AND u.run_id = %(run)s AND u.heuristic_id = nearest.id
) FROM (
    SELECT id, source_run_id, 1 - (embedding <=> %(vector)s::vector) AS similarity FROM knowledge_heuristics
    WHERE tenant_id = %(tenant)s AND domain = %(domain)s AND valid_to IS NULL AND rehearsal = %(rehearsal)s
        AND embedding_model = %(model)s AND embedding_version = %(version)s
    ORDER BY similarity DESC, id LIMIT 1
) nearest WHERE similarity >= %(bound)s
"""
_CONFIRM = """
UPDATE knowledge_heuristics SET provisional = provisional AND %(provisional)s,
    confirmations = confirmations + CASE WHEN %(echo)s THEN 0 ELSE 1 END,
    expires_at = CASE WHEN %(echo)s THEN expires_at
        ELSE greatest(expires_at, now() + make_interval(days => %(days)s)) END
WHERE tenant_id = %(tenant)s AND id = %(id)s
"""
_INSERT = """
INSERT INTO knowledge_heuristics (tenant_id, domain, trigger_pattern, action_template, embedding, embedding_model,
    embedding_version, provisional, rehearsal, source_run_id, source_reply, expires_at)
VALUES (%(tenant)s, %(domain)s, %(trigger)s, %(action)s, %(vector)s, %(model)s, %(version)s, %(provisional)s,
    %(rehearsal)s, %(run)s, %(reply)s, now() + make_interval(days => %(days)s))
RETURNING id
"""
_BY_ID = f"SELECT {_COLUMNS} FROM knowledge_heuristics h WHERE h.tenant_id = %s AND h.id = ANY (%s::uuid[])"
_SUCCESSOR = """
SELECT h.valid_to, h.superseded_by, s.source_run_id FROM knowledge_heuristics h
LEFT JOIN knowledge_heuristics s ON s.tenant_id = h.tenant_id AND s.id = h.superseded_by
WHERE h.tenant_id = %s AND h.id = %s
"""
_SUPERSEDE = """
UPDATE knowledge_heuristics SET valid_to = now(), superseded_by = %(new)s WHERE tenant_id = %(tenant)s AND id = %(old)s
"""
_DELETE_EXPIRED = """
DELETE FROM knowledge_heuristics WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM knowledge_heuristics WHERE expires_at < now() FOR UPDATE SKIP LOCKED
)
"""
_DELETE_LOW = """
DELETE FROM knowledge_heuristics WHERE (tenant_id, id) IN (
    SELECT tenant_id, id FROM knowledge_heuristics
    WHERE confidence < %(least)s AND created_at < now() - make_interval(days => %(days)s) FOR UPDATE SKIP LOCKED
)
"""
