"""Outcomes: what became of what runs used (models, skills, lessons, patterns), from their learning signals.

A Signal names what it is of as its `source`; looked up again, each source has its uses and its mean.
"""

from collections.abc import Sequence
from uuid import UUID

from tasks.calls import Spot
from tasks.reply import Replies, reply
from tasks.result import Signal
from tasks.run import Run
from utils.db import tenant_transaction

LATEST = 10
"""So many of a source's values are given one by one."""


def recall(
    query: str,
    k: int,
    spot: Spot,
    *,
    signals: Sequence[str],
    rated: bool = False,
    reviewed_only: bool = False,
    same_domain: bool = False,
) -> Replies:
    """The k sources that the tenant's latest signals of these names are of, those of the most recent signal first.

    `rated`: what a person decided on a run (accept 1, edit .5, reject 0) bounds the values of its signals;
    `reviewed_only`: runs on which nobody decided do not count; `same_domain`: nor do those of other domains.

    Key is the source, or `signal · source` where several names are asked for; score is the mean of its values, text
    says both; fields are signal, source, uses, mean, latest (its last LATEST values, newest first) and at (ISO 8601,
    of the newest). Rehearsals see what rehearsals gave, and real runs what real runs gave. There is no query.
    """
    values = {
        "tenant": spot.run.tenant_id,
        "signals": list(signals),
        "rehearsal": spot.run.rehearsal,
        "rated": rated,
        "reviewed_only": reviewed_only,
        "domain": spot.run.domain if same_domain else None,
        "latest": LATEST,
        "limit": k,
    }
    with tenant_transaction(UUID(spot.run.tenant_id), durable=False) as cursor:
        cursor.execute(_MEANS, values)
        rows = cursor.fetchall()
    found = []
    for signal, source, uses, mean, latest, at in rows:
        data = {"signal": signal, "source": source, "uses": uses, "mean": mean, "latest": latest, "at": at.isoformat()}
        key = source if len(set(signals)) == 1 else f"{signal} · {source}"
        found.append(reply(f"{source}: {signal} {mean:.2f} in {uses} uses", key=key, score=mean, data=data))
    return found


def keep(run: Run, signals: Sequence[Signal]) -> None:
    """Writes down a run's learning signals; those of a run that has some already stay as they are."""
    with tenant_transaction(UUID(run.tenant_id)) as cursor:
        cursor.execute(_HAS_SIGNALS, (run.tenant_id, run.run_id))
        if cursor.fetchone():
            return
        place = {"tenant": run.tenant_id, "run": run.run_id, "user": run.user_id, "workflow": run.workflow}
        for one in signals:
            cursor.execute(_SIGNAL, {**one.model_dump(), **place})


_MEANS = """
SELECT signal_type, source, count(*), avg(value)::float8,
    (array_agg(value::float8 ORDER BY created_at DESC, id))[1:%(latest)s], max(created_at) AS newest
FROM (
    SELECT s.signal_type, s.source, s.created_at, s.id,
        least(s.signal_value, CASE WHEN %(rated)s THEN decided.value END) AS value
    FROM neural_learning_signals s JOIN runs r ON r.tenant_id = s.tenant_id AND r.run_id = s.run_id
    CROSS JOIN LATERAL (
        SELECT min(d.signal_value) AS value FROM neural_learning_signals d
        WHERE (%(rated)s OR %(reviewed_only)s) AND d.tenant_id = s.tenant_id AND d.run_id = s.run_id
            AND d.signal_type = 'human_decision' AND d.source = 'review') decided
    WHERE s.tenant_id = %(tenant)s AND s.signal_type = ANY (%(signals)s) AND r.rehearsal = %(rehearsal)s
        AND (decided.value IS NOT NULL OR NOT %(reviewed_only)s)
        AND (%(domain)s::text IS NULL OR r.domain = %(domain)s)
) valued
GROUP BY signal_type, source
ORDER BY newest DESC, signal_type, source LIMIT %(limit)s
"""
_HAS_SIGNALS = "SELECT 1 FROM neural_learning_signals WHERE tenant_id = %s AND run_id = %s LIMIT 1"
_SIGNAL = """
INSERT INTO neural_learning_signals (tenant_id, signal_type, user_id, workflow_id, run_id, model_id, node_id,
    signal_value, confidence, weight, source)
VALUES (%(tenant)s, %(signal_type)s, %(user)s, %(workflow)s, %(run)s, nullif(%(model)s, ''), nullif(%(node)s, ''),
    %(value)s, %(confidence)s, %(weight)s, %(source)s)
"""
