"""What a search finds and in which order, and what it never finds."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import as_owner
from tests.fake_openai import no_provider
from tests.utils.lesson_rows import ONE, TWO, at, change, embedded, find, keep, source
from utils import lessons
from utils.db import tenant_transaction
from utils.lessons import Wanted

__all__ = ["no_provider"]
pytestmark = pytest.mark.usefixtures("no_provider", "database")


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


def test_words_alone_find_a_lesson(tenant: UUID) -> None:
    kept = keep(source(tenant), vector=at(1))
    keep(source(tenant), TWO, at(1, 10))
    (found,) = find(tenant, "How do I compare two suppliers?", None)
    assert (found.lesson, found.similarity) == (kept.lesson, None)
    assert found.score == pytest.approx(1 / 61)


def test_vectors_alone_find_a_lesson(tenant: UUID) -> None:
    kept = keep(source(tenant), vector=at(0.9))
    keep(source(tenant), TWO, at(1, 10))
    (found,) = find(tenant, "zebra")
    assert found.lesson == kept.lesson
    assert found.similarity == pytest.approx(0.9)
    assert found.score == pytest.approx(1 / 61)


def test_what_both_find_comes_first(tenant: UUID) -> None:
    nearest = keep(source(tenant), ("zebras", "feed them"), at(0.99)).lesson.id
    both = keep(source(tenant), ONE, at(0.8)).lesson.id
    by_words = keep(source(tenant), ("comparing suppliers of steel", "ask"), at(1, 10)).lesson.id
    found = find(tenant, "compare these suppliers")
    assert [f.lesson.id for f in found] == [both, nearest, by_words]
    assert [f.score for f in found] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 61])


def test_vectors_rank_by_similarity_and_the_limit_holds(tenant: UUID) -> None:
    similarities = [0.78, 0.98, 0.82, 0.94, 0.88]
    for n, similarity in enumerate(similarities):
        keep(source(tenant, domain=f"d{n}"), (f"topic {n}", "act"), at(similarity))
    found = find(tenant, domains=tuple(f"d{n}" for n in range(5)), limit=3)
    assert [f.similarity for f in found] == pytest.approx([0.98, 0.94, 0.88])


@pytest.mark.parametrize(("similarity", "count"), [(0.74, 0), (0.76, 1)])
def test_the_bound_of_the_model_decides_what_fits(tenant: UUID, similarity: float, count: int) -> None:
    keep(source(tenant), vector=at(similarity))
    assert len(find(tenant)) == count


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("compare the suppliers", True),
        ("the suppliers", True),
        ("price of what it leaves out", False),
        ("zebra", False),
    ],
)
def test_words_must_cover_half_of_the_trigger(tenant: UUID, text: str, fits: bool) -> None:
    keep(source(tenant))
    assert bool(find(tenant, text, None)) is fits


def test_vectors_of_another_model_are_never_compared(tenant: UUID) -> None:
    keep(source(tenant), vector=at(1), model="other/model")
    assert find(tenant) == ()
    (found,) = find(tenant, "compare suppliers")
    assert found.similarity is None


@pytest.mark.parametrize("text", ["it's", "'", "\\", "a & !b | c:* <-> 'd' ()", "suppliers' \\'x", "%s %(text)s", ""])
def test_any_text_can_be_searched(tenant: UUID, text: str) -> None:
    keep(source(tenant), ("quokkas", "feed them"))
    assert find(tenant, text, None) == ()


@pytest.mark.parametrize(
    "spoiled",
    [
        "valid_to = now()",
        "valid_from = now() + interval '1 hour'",
        "expires_at = now() - interval '1 second'",
        "helpful = 1, harmful = 5",
        "provisional = true",
        "rehearsal = true",
    ],
)
def test_what_may_not_be_used_is_not_found(tenant: UUID, spoiled: str) -> None:
    kept = keep(source(tenant))
    assert len(find(tenant, "compare suppliers")) == 1
    change(spoiled, kept.lesson.id)
    assert find(tenant, "compare suppliers") == ()


def test_the_least_confidence_is_still_used(tenant: UUID) -> None:
    kept = keep(source(tenant))
    change("helpful = 2, harmful = 5", kept.lesson.id)
    assert [f.lesson.confidence for f in find(tenant)] == [pytest.approx(3 / 9, abs=1e-4)]


def test_only_the_domains_that_are_asked_for_are_searched(tenant: UUID) -> None:
    for n, domain in enumerate(("general", "medical", "legal")):
        keep(source(tenant, domain=domain), (f"topic {n}", "act"))
    found = find(tenant, domains=("medical", "general"))
    assert {f.lesson.domain for f in found} == {"medical", "general"}


def test_rehearsals_and_real_runs_find_their_own(tenant: UUID) -> None:
    real = keep(source(tenant)).lesson.id
    rehearsed = keep(source(tenant, rehearsal=True))
    assert rehearsed.change == "new"
    assert [f.lesson.id for f in find(tenant)] == [real]
    assert [f.lesson.id for f in find(tenant, rehearsal=True)] == [rehearsed.lesson.id]


def test_a_tenant_is_searched_by_its_index(fresh_database: str) -> None:
    tenants = [uuid4() for _ in range(12)]
    for tenant in tenants:
        keep(source(tenant))
        with tenant_transaction(tenant) as cursor:
            cursor.execute(
                """
                INSERT INTO knowledge_heuristics (tenant_id, domain, trigger_pattern, action_template, embedding,
                    embedding_model, embedding_version)
                SELECT tenant_id, 'domain ' || n %% 20, trigger_pattern || n, action_template, embedding,
                    embedding_model, embedding_version
                FROM knowledge_heuristics, generate_series(1, %s) n
            """,
                (200,),
            )
    with as_owner(fresh_database) as cursor:
        cursor.execute("ANALYZE knowledge_heuristics")
    made = embedded(at(1))
    values = lessons._search_values(tenants[0], Wanted("compare suppliers", ("domain 1", "general"), False, 10, made))
    with tenant_transaction(tenants[0]) as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON, COSTS OFF) {lessons._SEARCH}", values)
        (plan,) = cursor.fetchone() or ([],)
    nodes = list(nodes_of(plan[0]["Plan"]))
    scans = [n for n in nodes if n.get("Relation Name") == "knowledge_heuristics"]
    assert len(scans) == 3
    assert not [n for n in scans if n["Node Type"] == "Seq Scan"]
    used = [n["Index Name"] for n in nodes if "tenant_id = " in n.get("Index Cond", "")]
    assert len(used) == 3
    assert used.count("knowledge_heuristics_valid") == 2, used


def nodes_of(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's node and all below it."""
    yield plan
    for part in plan.get("Plans", []):
        yield from nodes_of(part)
