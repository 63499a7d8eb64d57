"""Memories: a store of what runs were told to remember, by kind, each within a scope that no other sees.

`user`: its user's own; `tenant`: every user's of the tenant; `session`: of one session of its user, which the view
`session` names by any text (empty: this run alone); `run`: of this run alone. Unlike the Grimoire's lessons they are
facts, not advice: they stand until something ends or supersedes them.
"""

import json
from collections.abc import Sequence
from typing import Any, Literal, get_args
from uuid import UUID, uuid5

from tasks.calls import Spot
from tasks.reply import Replies, Reply, failed, ok_of, reply
from utils.db import maintenance_transaction, tenant_transaction
from utils.embeddings import Embedded, embed, similarity_bound
from utils.errors import CallFailed, EmbeddingRefused, RunFailed, unknown
from utils.lessons import CANDIDATES, RANK_CONSTANT
from utils.phi import outward

Scope = Literal["user", "tenant", "session", "run"]
Seen = Literal["user", "tenant", "session", "run", "sessions"]
"""Scopes as they are recalled: `sessions` is every session of the user, for upkeep, which belongs to none."""
Order = Literal["match", "latest"]


def recall(
    query: str,
    k: int,
    spot: Spot,
    *,
    kinds: Sequence[str],
    scope: Seen | None = None,
    order: Order = "match",
    session: Replies | None = None,
) -> Replies:
    """The k memories of these kinds that fit best, by vectors of the same model and by words, ranks fused.

    Those of the scope, or without one those of the run's user and those that the tenant shares. In the order `latest`
    all of them, the newest first, without a query. Key is the memory's id, text its content, score its `match` (None
    where it was not ranked by meaning); fields are kind, fields, origin (the run) and since. Nothing is cut by score.
    """
    if order not in get_args(Order):
        raise RunFailed(f"block '{spot.path}': {unknown('order', str(order), get_args(Order)).message}")
    made = _wanted(query) if order == "match" else None
    values = _place(spot, scope, session, get_args(Seen)) | {
        "kinds": list(kinds),
        "scope": scope,
        "text": _storable(query),
        "vector": json.dumps(made.vectors[0]) if made else None,
        "model": made.model if made else None,
        "version": made.version if made else None,
        "constant": RANK_CONSTANT,
        "candidates": max(CANDIDATES, k),
        "limit": k,
    }
    with tenant_transaction(UUID(spot.run.tenant_id), durable=False) as cursor:
        cursor.execute(_SEARCH if order == "match" else _LATEST, values)
        rows = cursor.fetchall()
    return [_reply(row, made.model if made else "") for row in rows]


def remember(
    spot: Spot,
    *,
    memories: Replies = [],  # noqa: B006 (never written to)
    replaces: Replies = [],  # noqa: B006
    kind: str,
    scope: Scope = "user",
    session: Replies | None = None,
) -> Replies:
    """Stores each memory, text and fields, and ends those that it `replaces` (as recalled): the first supersedes them.

    Without memories it only ends; where each of them failed or is refused it ends nothing. Only memories of the same
    scope are replaced. Gives what it stored, key is the id. A text without any word is refused. Safe to do twice.
    """
    place = _place(spot, scope, session, get_args(Scope)) | {"kind": kind, "run": spot.run.run_id}
    made = [_kept(spot, number, one) for number, one in enumerate(ok_of(memories))]
    stored = [(one, vector) for one, vector in made if vector]
    with tenant_transaction(UUID(spot.run.tenant_id)) as cursor:
        for one, embedded in stored:
            values = {
                "id": one.key,
                "content": _storable(one.text),
                "fields": _storable(one.fields or "{}"),
                "reply": spot.path,
            }
            values |= {"vector": json.dumps(embedded.vectors[0]), "model": embedded.model, "version": embedded.version}
            cursor.execute(_INSERT, place | values)
        if replaces and (stored or not memories):
            old = [r.key for r in replaces]
            cursor.execute(_END, place | {"old": old, "new": stored[0][0].key if stored else None})
    return [one for one, _ in made]


def _place(spot: Spot, scope: str | None, session: Replies | None, scopes: Sequence[str]) -> dict[str, Any]:
    """Whose memories those of a scope are; RunFailed for a scope that there is not, or whose session is not seen."""
    if scope is not None and scope not in scopes:
        raise RunFailed(f"block '{spot.path}': {unknown('scope', str(scope), scopes).message}")
    if (scope == "session") != (session is not None):
        raise RunFailed(f"block '{spot.path}': the scope session, and no other, goes with a view named session")
    named = "\n".join(r.text for r in session or []).strip()
    tenant = UUID(spot.run.tenant_id)
    within = uuid5(tenant, f"session/{named}") if named else _of_run(tenant, spot.run.run_id)
    return {
        "tenant": spot.run.tenant_id,
        "user": None if scope == "tenant" else spot.run.user_id,
        "session": str(within) if scope in ("session", "run") else None,
        "rehearsal": spot.run.rehearsal,
    }


def _of_run(tenant: UUID, run_id: str) -> UUID:
    """The session that is one run alone."""
    return uuid5(tenant, f"run/{run_id}")


def forget_runs(older_than_days: int) -> int:
    """Upkeep: deletes what runs that concluded so long ago remembered for themselves alone; how many memories."""
    with maintenance_transaction() as cursor:
        cursor.execute(_REMEMBERING, (older_than_days,))
        sessions = [str(_of_run(tenant, run_id)) for tenant, run_id in cursor.fetchall()]
        cursor.execute("DELETE FROM memories WHERE session_id = ANY (%s::uuid[])", (sessions,))
        return cursor.rowcount


def match(similarity: float, model: str) -> float:
    """A cosine similarity as a match in [0, 1], the same for all models: .5 is where a text of this model fits."""
    bound = similarity_bound(model)
    if similarity < bound:
        return max(0.0, similarity / bound / 2)
    return min(1.0, 0.5 + (similarity - bound) / (1 - bound) / 2)


def _kept(spot: Spot, number: int, one: Reply) -> tuple[Reply, Embedded | None]:
    try:
        made = _embedded(one.text)
    except (EmbeddingRefused, CallFailed) as error:
        return failed(f"not remembered: {error.message}", key=one.key, status="rejected"), None
    # The same id in every try, so that a crash between storing and recording leaves one memory.
    name = uuid5(UUID(spot.run.tenant_id), f"{spot.run.run_id}/{spot.path}/{number}")
    return one.but(key=str(name)), made


def _storable(text: str) -> str:
    """Without NUL characters, also as JSON escapes them: Postgres takes none."""
    return text.replace("\x00", " ").replace("\\u0000", " ")


def _wanted(query: str) -> Embedded | None:
    """The query's vector; None where it has none to give or its model is down: words alone must do then."""
    try:
        return _embedded(query)
    except (EmbeddingRefused, CallFailed):
        return None


def _embedded(text: str) -> Embedded:
    """The vector of a text as it may leave the house."""
    return embed([outward(text)])


def _reply(row: Sequence[Any], model: str) -> Reply:
    name, kind, content, fields, run, since, similarity = row
    data = {"kind": kind, "fields": fields, "origin": run or "", "since": since.isoformat()}
    score = None if similarity is None else match(similarity, model)
    return reply(content, key=str(name), score=score, data=data)


_USABLE = """
usable AS NOT MATERIALIZED (
    SELECT * FROM memories
    WHERE tenant_id = %(tenant)s::uuid AND kind = ANY (%(kinds)s) AND rehearsal = %(rehearsal)s
        AND valid_from <= now() AND (valid_to IS NULL OR valid_to > now())
        AND CASE %(scope)s
            WHEN 'tenant' THEN user_id IS NULL AND session_id IS NULL
            WHEN 'user' THEN user_id = %(user)s::uuid AND session_id IS NULL
            WHEN 'sessions' THEN user_id = %(user)s::uuid AND session_id IS NOT NULL
            ELSE (user_id = %(user)s::uuid AND session_id = %(session)s::uuid)
                OR (%(scope)s IS NULL AND session_id IS NULL AND (user_id IS NULL OR user_id = %(user)s::uuid)) END
)"""
_LATEST = f"""
WITH {_USABLE}
SELECT id, kind, content, fields, source_run_id, valid_from, NULL FROM usable
ORDER BY valid_from DESC, id LIMIT %(limit)s
"""
_SEARCH = f"""
WITH {_USABLE}, words AS (
    SELECT replace(plainto_tsquery('english', %(text)s)::text, ' & ', ' | ')::tsquery AS query
), by_vector AS (
    SELECT id, row_number() OVER (ORDER BY similarity DESC, id) AS place FROM (
        SELECT id, 1 - (embedding <=> %(vector)s::vector) AS similarity FROM usable
        WHERE embedding_model = %(model)s AND embedding_version = %(version)s
        ORDER BY similarity DESC, id LIMIT %(candidates)s
    ) nearest
), by_words AS (
    SELECT id, rank() OVER (ORDER BY fit DESC) AS place FROM (
        SELECT id, ts_rank(search, (SELECT query FROM words)) AS fit FROM usable
        WHERE search @@ (SELECT query FROM words)
        ORDER BY fit DESC, id LIMIT %(candidates)s
    ) closest
)
SELECT m.id, m.kind, m.content, m.fields, m.source_run_id, m.valid_from,
    CASE WHEN m.embedding_model = %(model)s AND m.embedding_version = %(version)s
        THEN 1 - (m.embedding <=> %(vector)s::vector) END AS similarity
FROM by_vector v FULL JOIN by_words w ON v.id = w.id
JOIN memories m ON m.tenant_id = %(tenant)s::uuid AND m.id = coalesce(v.id, w.id)
ORDER BY coalesce(1.0 / (%(constant)s + v.place), 0) + coalesce(1.0 / (%(constant)s + w.place), 0) DESC,
    similarity DESC NULLS LAST, m.valid_from DESC, m.id LIMIT %(limit)s
"""
_INSERT = """
INSERT INTO memories (tenant_id, id, kind, user_id, session_id, content, fields, embedding, embedding_model,
    embedding_version, rehearsal, source_run_id, source_reply, valid_from)
VALUES (%(tenant)s, %(id)s, %(kind)s, %(user)s, %(session)s, %(content)s, %(fields)s, %(vector)s, %(model)s,
    %(version)s, %(rehearsal)s, %(run)s, %(reply)s, clock_timestamp())
ON CONFLICT (tenant_id, id) DO NOTHING
"""
"""By the clock, not by the transaction: what is stored together keeps its order."""
_END = """
UPDATE memories SET valid_to = clock_timestamp(), superseded_by = %(new)s
WHERE tenant_id = %(tenant)s AND id = ANY (%(old)s::uuid[]) AND valid_to IS NULL
    AND user_id IS NOT DISTINCT FROM %(user)s::uuid AND session_id IS NOT DISTINCT FROM %(session)s::uuid
"""
_REMEMBERING = """
SELECT DISTINCT r.tenant_id, r.run_id FROM runs r
JOIN memories m ON m.tenant_id = r.tenant_id AND m.source_run_id = r.run_id AND m.session_id IS NOT NULL
WHERE r.concluded_at < now() - make_interval(days => %s)
"""
