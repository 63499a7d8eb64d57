"""The registry's rows: orchestration patterns that all tenants share, and which of them a tenant uses.

tasks/registry.py derives the rows from the catalogue and the pattern files. Shared rows are written by maintenance
alone; a tenant's own word on a pattern stands in pattern_switches.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from utils.accounts import audit, role_of
from utils.db import maintenance_transaction, tenant_transaction
from utils.embeddings import LEXICAL, Embedded, embed, embedding_model, similarity_bound
from utils.errors import BadInput, CallFailed, EmbeddingRefused, unknown
from utils.lessons import RANK_CONSTANT

if TYPE_CHECKING:
    from utils.db import Cursor

PatternStatus = Literal["planned", "implemented", "broken", "retired"]
"""broken: its file does not build. retired: the catalogue no longer names it."""
Complexity = Literal["low", "medium", "high", "very_high"]
Impact = Literal["low", "medium", "high", "transformative"]
ExecutionType = Literal["serial", "parallel", "hybrid"]

NEAREST = 12
"""How many patterns each of the two searches may bring into the fusion."""
WORD_SHARE = 0.3
"""How much of the words that are searched for a pattern must hold to fit by words: stemmed, those that some pattern
holds, the rarer the heavier (inverse document frequency)."""


@dataclass(frozen=True)
class Category:
    """A category of patterns (seed 000); `pattern_count` is how many the catalogue has of it."""

    category_id: str
    name: str
    description: str
    display_order: int
    pattern_count: int


@dataclass(frozen=True)
class PatternRow:
    """What the registry says of a pattern (seed 000). The three bounds are None where it has no graph."""

    pattern_id: str
    category_id: str
    name: str
    description: str
    research_basis: str
    complexity: Complexity
    impact: Impact
    implemented_by: tuple[str, ...]
    implementation_status: PatternStatus
    fault: str | None
    execution_type: ExecutionType
    parallelizable: bool
    typical_model_count: int
    most_calls: int | None
    most_tokens: int | None
    depth: int | None
    trigger_keywords: tuple[str, ...]
    required_capabilities: tuple[str, ...]

    @property
    def described(self) -> str:
        """What is embedded and searched."""
        return f"{self.name}. {self.description} {'; '.join(self.trigger_keywords)}".strip()


@dataclass(frozen=True)
class DerivedRow(PatternRow):
    """A row as a sync writes it: with the graph's canonical JSON, where it has one."""

    pattern_definition: str | None


@dataclass(frozen=True)
class Performance:
    """How a tenant's runs of a pattern went; None where no run says so. Rehearsals give nothing but their number."""

    usage_count: int = 0
    rehearsal_count: int = 0
    success_rate: float | None = None
    avg_satisfaction_score: float | None = None
    typical_latency_ms: float | None = None
    typical_cost_usd: float | None = None


@dataclass(frozen=True)
class Pattern:
    """A pattern as a tenant has it: the registry's row, whether it may use it, and how its runs of it went."""

    row: PatternRow
    category: str
    enabled: bool
    performance: Performance


@dataclass(frozen=True)
class Found:
    """A pattern that fits a search. `similarity` is a cosine; None where nothing compares by meaning."""

    pattern: Pattern
    score: float
    similarity: float | None
    by_words: bool


@dataclass(frozen=True)
class Wanted:
    """Which patterns; None means any."""

    category: str | None = None
    status: PatternStatus | None = None
    complexity: Complexity | None = None
    enabled: bool | None = None


@dataclass(frozen=True)
class Stats:
    """The view neural_orchestration_stats: patterns that are enabled for the tenant, and its runs."""

    total_categories: int
    total_patterns: int
    implemented_patterns: int
    total_runs: int
    events_24h: int


@dataclass(frozen=True)
class Stored:
    """What a sync changed: rows written or retired, and how many got a new embedding, of which model."""

    changed: int
    embedded: int
    model: str


def synced_digest(cursor: "Cursor") -> str:
    """What the rows were derived from; empty before the first sync."""
    cursor.execute(_DIGEST)
    found = cursor.fetchone()
    return str(found[0]) if found else ""


def store(categories: Sequence[Category], rows: Sequence[DerivedRow], digest: str, *, anew: bool = False) -> Stored:
    """Makes the registry these rows: adds, changes and retires, and embeds the texts that are new.

    `anew` also embeds those whose vector another model made. `enabled` and switches are let be. Safe to race and to
    do twice: then nothing changes. Where the embedding model cannot be reached, words alone find the new texts.
    """
    with maintenance_transaction() as cursor:
        cursor.execute(_EMBEDDED, {"model": embedding_model() if anew else None})
        known = dict(cursor.fetchall())
    fresh = [row for row in rows if known.get(row.pattern_id) != row.described]
    vectors = _embedded([row.described for row in fresh])
    with maintenance_transaction() as cursor:
        cursor.execute(_LOCK)
        for category in categories:
            cursor.execute(_CATEGORY, asdict(category))
        changed = sum(_upsert(cursor, row) for row in rows)
        if vectors:
            for row, vector in zip(fresh, vectors.vectors, strict=True):
                made = json.dumps(vector), vectors.model, vectors.version
                cursor.execute(_EMBED, (*made, row.pattern_id, row.described))
        cursor.execute(_RETIRE, ([row.pattern_id for row in rows],))
        changed += cursor.rowcount
        cursor.execute(_SYNCED, (digest,))
    return Stored(changed, len(fresh) if vectors else 0, vectors.model if vectors else "")


def listed(tenant_id: UUID, wanted: Wanted = Wanted()) -> tuple[Pattern, ...]:
    """The patterns of the registry by category, as the tenant has them; retired ones only where they are wanted."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_LIST, _filters(tenant_id, wanted))
        return tuple(_pattern(row) for row in cursor.fetchall())


def search(tenant_id: UUID, text: str, wanted: Wanted = Wanted()) -> tuple[Found, ...]:
    """The patterns that fit a text, best first: by words, and by vectors of the same model, ranks fused.

    Where the text has no vector, or all vectors are of another model, by words alone. A lexical vector below its
    calibrated bound is noise; of a model that knows meaning the nearest are given, whatever their distance.
    """
    made = _embedded([text])
    values = _filters(tenant_id, wanted) | {
        "text": text,
        "vector": json.dumps(made.vectors[0]) if made else None,
        "model": made.model if made else None,
        "version": made.version if made else None,
        "bound": similarity_bound(LEXICAL) if made and made.model == LEXICAL else -1.0,
        "constant": RANK_CONSTANT,
        "share": WORD_SHARE,
        "nearest": NEAREST,
    }
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_SEARCH, values)
        return tuple(Found(_pattern(row), *row[-3:]) for row in cursor.fetchall())


def find(tenant_id: UUID, pattern_id: str) -> Pattern:
    """One pattern as the tenant has it. Raises BadInput with the nearest names."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        _must_exist(cursor, pattern_id)
        cursor.execute(_LIST, _filters(tenant_id, Wanted()) | {"pattern": pattern_id})
        return _pattern(cursor.fetchone() or ())


def performance_of(tenant_id: UUID, pattern_id: str) -> Performance:
    """How the tenant's runs of any pattern went, be it in the registry or not."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_PERFORMANCE_OF, (tenant_id, pattern_id))
        found = cursor.fetchone()
    return Performance(*found) if found else Performance()


def switch(tenant_id: UUID, user_id: UUID, pattern_id: str, *, enabled: bool) -> bool:
    """Enables or disables a pattern for a tenant; False where it was so already.

    Raises BadInput for an unknown pattern, and for a user who is no admin.
    """
    if (role := role_of(tenant_id, user_id)) != "admin":
        raise BadInput(f"your role is '{role}': an admin enables and disables patterns")
    with tenant_transaction(tenant_id) as cursor:
        _must_exist(cursor, pattern_id)
        values = {"tenant": tenant_id, "user": user_id, "pattern": pattern_id, "enabled": enabled}
        cursor.execute(_SWITCH, values)
        if changed := bool(cursor.rowcount):
            audit(cursor, user_id, "pattern.enabled" if enabled else "pattern.disabled", pattern_id)
        return changed


def must_be_enabled(tenant_id: UUID, pattern_id: str) -> None:
    """Raises BadInput for a pattern that the tenant does not use. One that the registry does not know may be used."""
    if pattern_id in disabled(tenant_id):
        raise BadInput(
            f"pattern '{pattern_id}' is disabled: choose another one of `radiant patterns`, or have an admin run "
            f"`radiant patterns enable {pattern_id}`"
        )


def disabled(tenant_id: UUID) -> frozenset[str]:
    """The patterns that a tenant does not use."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_DISABLED, (tenant_id,))
        return frozenset(row[0] for row in cursor.fetchall())


def stats(tenant_id: UUID) -> Stats:
    """The registry in figures, as a tenant has it."""
    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_STATS)
        return Stats(*(cursor.fetchone() or ()))


def _embedded(texts: Sequence[str]) -> Embedded | None:
    try:
        return embed(texts) if texts else None
    except (CallFailed, EmbeddingRefused):
        return None


def _upsert(cursor: "Cursor", row: DerivedRow) -> int:
    values = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(row).items()}
    cursor.execute(_UPSERT, values | {"described": row.described})
    return cursor.rowcount


def _must_exist(cursor: "Cursor", pattern_id: str) -> None:
    cursor.execute(_IDS)
    known = [row[0] for row in cursor.fetchall()]
    if pattern_id not in known:
        raise unknown("pattern", pattern_id, known)


def _filters(tenant_id: UUID, wanted: Wanted) -> dict[str, Any]:
    return {"tenant": tenant_id, "pattern": None, **asdict(wanted)}


def _pattern(row: Sequence[Any]) -> Pattern:
    size = len(_ROW)
    fields: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row[:size]]
    return Pattern(PatternRow(*fields), row[size], row[size + 1], Performance(*row[size + 2 : size + 8]))


_ROW = tuple(PatternRow.__dataclass_fields__)
_PERFORMANCE = """coalesce(f.usage_count, 0), coalesce(f.rehearsal_count, 0), f.success_rate::float8,
    f.avg_satisfaction_score::float8, f.typical_latency_ms::float8, f.typical_cost_usd::float8"""
_COLUMNS = f"""{", ".join(f"p.{name}" for name in _ROW)},
    c.name, p.usable, {_PERFORMANCE}"""
_CHOSEN = """chosen AS (
    SELECT p.*, coalesce(s.enabled, p.enabled) AS usable FROM orchestration_patterns p
    LEFT JOIN pattern_switches s ON s.tenant_id = %(tenant)s AND s.pattern_id = p.pattern_id
    WHERE (%(category)s IS NULL OR category_id = %(category)s)
        AND (%(pattern)s IS NULL OR p.pattern_id = %(pattern)s)
        AND (%(complexity)s IS NULL OR complexity = %(complexity)s)
        AND (%(enabled)s IS NULL OR coalesce(s.enabled, p.enabled) = %(enabled)s)
        AND (%(status)s = implementation_status OR %(status)s IS NULL
            AND (%(pattern)s IS NOT NULL OR implementation_status <> 'retired'))
)"""
_SHOWN = """chosen p JOIN orchestration_pattern_categories c USING (category_id)
LEFT JOIN pattern_performance f ON f.tenant_id = %(tenant)s AND f.pattern_id = p.pattern_id"""

_DIGEST = "SELECT digest FROM catalogue_syncs WHERE catalogue = 'patterns'"
_SYNCED = """
INSERT INTO catalogue_syncs (catalogue, digest) VALUES ('patterns', %s)
ON CONFLICT (catalogue) DO UPDATE SET digest = excluded.digest, synced_at = now()
"""
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('radiant patterns'))"
_EMBEDDED = """
SELECT pattern_id, described FROM orchestration_patterns
WHERE semantic_embedding IS NOT NULL AND (%(model)s IS NULL OR embedding_model = %(model)s)
"""
_CATEGORY = """
INSERT INTO orchestration_pattern_categories AS c (category_id, name, description, display_order, pattern_count)
VALUES (%(category_id)s, %(name)s, %(description)s, %(display_order)s, %(pattern_count)s)
ON CONFLICT (category_id) DO UPDATE SET name = excluded.name, description = excluded.description,
    display_order = excluded.display_order, pattern_count = excluded.pattern_count, updated_at = now()
WHERE (c.name, c.description, c.display_order, c.pattern_count)
    <> (excluded.name, excluded.description, excluded.display_order, excluded.pattern_count)
"""
_WRITTEN = (*DerivedRow.__dataclass_fields__, "described")
_VECTOR = ("semantic_embedding", "embedding_model", "embedding_version")
# A vector belongs to its text: it goes where that changes, and `_EMBED` brings the new one.
_UPSERT = f"""
INSERT INTO orchestration_patterns AS p ({", ".join(_WRITTEN)})
VALUES ({", ".join(f"%({name})s" for name in _WRITTEN)})
ON CONFLICT (pattern_id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _WRITTEN)},
    {", ".join(f"{name} = CASE WHEN p.described = excluded.described THEN p.{name} END" for name in _VECTOR)},
    updated_at = now()
WHERE ({", ".join(f"p.{name}" for name in _WRITTEN)})
    IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in _WRITTEN)})
"""
# A text that another process changed meanwhile keeps the vector that it got there.
_EMBED = """
UPDATE orchestration_patterns SET semantic_embedding = %s, embedding_model = %s, embedding_version = %s
WHERE pattern_id = %s AND described = %s
"""
_RETIRE = """
UPDATE orchestration_patterns SET implementation_status = 'retired', fault = NULL, pattern_definition = NULL,
    updated_at = now()
WHERE implementation_status <> 'retired' AND pattern_id <> ALL (%s)
"""
_LIST = f"WITH {_CHOSEN} SELECT {_COLUMNS} FROM {_SHOWN} ORDER BY c.display_order, p.name, p.pattern_id"
_SEARCH = f"""
WITH {_CHOSEN}, asked AS MATERIALIZED (
    SELECT lexeme, ln(1 + (SELECT count(*) FROM chosen)::float8 / count(*)) AS weight
    FROM unnest(tsvector_to_array(to_tsvector('english', %(text)s))) AS lexeme
    JOIN chosen ON lexeme = ANY (tsvector_to_array(search)) GROUP BY lexeme
), by_vector AS (
    SELECT pattern_id, similarity, row_number() OVER (ORDER BY similarity DESC, pattern_id) AS place FROM (
        SELECT pattern_id, 1 - (semantic_embedding <=> %(vector)s::vector) AS similarity FROM chosen
        WHERE embedding_model = %(model)s AND embedding_version = %(version)s
        ORDER BY similarity DESC, pattern_id LIMIT %(nearest)s
    ) nearest WHERE similarity >= %(bound)s
), by_words AS (
    SELECT pattern_id, rank() OVER (ORDER BY fit DESC) AS place FROM (
        SELECT pattern_id, sum(weight) / (SELECT sum(weight) FROM asked) AS fit
        FROM chosen JOIN asked ON lexeme = ANY (tsvector_to_array(search)) GROUP BY pattern_id
        ORDER BY fit DESC, pattern_id LIMIT %(nearest)s
    ) closest WHERE fit >= %(share)s
), ranked AS (
    SELECT pattern_id, v.similarity, w.place IS NOT NULL AS by_words,
        (coalesce(1.0 / (%(constant)s + v.place), 0) + coalesce(1.0 / (%(constant)s + w.place), 0))::float8 AS score
    FROM by_vector v FULL JOIN by_words w USING (pattern_id)
)
SELECT {_COLUMNS}, r.score, r.similarity, r.by_words FROM {_SHOWN} JOIN ranked r ON r.pattern_id = p.pattern_id
ORDER BY r.score DESC, r.by_words DESC, r.similarity DESC NULLS LAST, p.pattern_id
"""
_IDS = "SELECT pattern_id FROM orchestration_patterns WHERE implementation_status <> 'retired'"
_PERFORMANCE_OF = f"SELECT {_PERFORMANCE} FROM pattern_performance f WHERE f.tenant_id = %s AND f.pattern_id = %s"
_SWITCH = """
INSERT INTO pattern_switches AS s (tenant_id, pattern_id, enabled, changed_by)
SELECT %(tenant)s, pattern_id, %(enabled)s, %(user)s FROM orchestration_patterns p
WHERE pattern_id = %(pattern)s AND (p.enabled <> %(enabled)s OR EXISTS (
    SELECT FROM pattern_switches WHERE tenant_id = %(tenant)s AND pattern_id = %(pattern)s))
ON CONFLICT (tenant_id, pattern_id) DO UPDATE
SET enabled = excluded.enabled, changed_by = excluded.changed_by, changed_at = now()
WHERE s.enabled <> excluded.enabled
"""
_DISABLED = """
SELECT p.pattern_id FROM orchestration_patterns p
LEFT JOIN pattern_switches s ON s.tenant_id = %s AND s.pattern_id = p.pattern_id
WHERE NOT coalesce(s.enabled, p.enabled)
"""
_STATS = """
SELECT total_categories, total_patterns, implemented_patterns, total_runs, events_24h FROM neural_orchestration_stats
"""
