"""Lessons whose vectors a test chooses, so that what is similar to what is exact."""

from math import sqrt
from uuid import UUID

from utils import lessons
from utils.accounts import ensure_personal
from utils.db import maintenance_transaction, tenant_transaction
from utils.embeddings import WIDTH, Embedded
from utils.lessons import Found, Kept, Lesson, Source, Wanted
from utils.runs import OpenRequest, open_run
from utils.settings import settings

MODEL = "test/model"  # of no special calibration: fits from 0.75, the same from 0.92
ONE = ("comparing suppliers", "price what each leaves out")
TWO = ("migrating databases", "rehearse the rollback")


def opened(tenant: UUID) -> str:
    """The id of a new run."""
    ensure_personal(tenant, settings().user_id)
    request = OpenRequest(tenant_id=tenant, user_id=settings().user_id, workflow="toy", spec="{}", inputs="{}")
    return open_run(request).run_id


def at(similarity: float, axis: int = 0) -> tuple[float, ...]:
    """A unit vector of that cosine with the axis."""
    vector = [0.0] * WIDTH
    vector[axis], vector[axis + 1] = similarity, sqrt(1 - similarity**2)
    return tuple(vector)


def embedded(*vectors: tuple[float, ...], model: str = MODEL) -> Embedded:
    return Embedded(vectors=vectors, model=model, version="1")


def source(
    tenant: UUID,
    run: str = "",
    *,
    path: str = "learn",
    domain: str = "general",
    provisional: bool = False,
    rehearsal: bool = False,
) -> Source:
    return Source(tenant, run or opened(tenant), path, "answer", domain, provisional=provisional, rehearsal=rehearsal)


def keep(where: Source, lesson: tuple[str, str] = ONE, vector: tuple[float, ...] = at(1), model: str = MODEL) -> Kept:
    (kept,) = lessons.keep(where, [lesson], embedded(vector, model=model))
    return kept


def find(
    tenant: UUID,
    text: str = "zebra",
    vector: tuple[float, ...] | None = at(1),
    *,
    domains: tuple[str, ...] = ("general",),
    rehearsal: bool = False,
    limit: int = 10,
) -> tuple[Found, ...]:
    made = embedded(vector) if vector else None
    return lessons.search(tenant, Wanted(text, domains, rehearsal, limit, made))


def read(tenant: UUID) -> list[Lesson]:
    """All lessons of a tenant, valid or not."""
    with tenant_transaction(tenant) as cursor:
        cursor.execute(f"SELECT {lessons._COLUMNS} FROM knowledge_heuristics h ORDER BY created_at, id")
        return [lessons._lesson(row) for row in cursor.fetchall()]


def change(assignment: str, lesson: UUID) -> None:
    with maintenance_transaction() as cursor:
        cursor.execute(f"UPDATE knowledge_heuristics SET {assignment} WHERE id = %s", (lesson,))
        assert cursor.rowcount == 1


def days_left(lesson: UUID) -> float:
    with maintenance_transaction() as cursor:
        query = "SELECT extract(epoch FROM expires_at - now())::float8 / 86400 FROM knowledge_heuristics WHERE id = %s"
        cursor.execute(query, (lesson,))
        (days,) = cursor.fetchone() or (0.0,)
        return float(days)
