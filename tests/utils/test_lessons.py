"""The Grimoire's rows: what merges, who gains and who loses, what stays apart, and what goes."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from psycopg2.extensions import parse_dsn

from tests.conftest import as_owner
from tests.fake_openai import no_provider
from tests.utils.lesson_rows import MODEL, ONE, TWO, at, change, days_left, embedded, find, keep, opened, read, source
from utils import db, lessons
from utils.db import maintenance_transaction
from utils.errors import BadInput
from utils.lessons import CleanupCount, Lesson, lesson_text

if TYPE_CHECKING:
    from utils.db import Cursor

__all__ = ["no_provider"]
pytestmark = pytest.mark.usefixtures("no_provider", "database")


def in_threads(jobs: list[Callable[[], object]]) -> None:
    """Runs jobs that all begin at the same moment; raises what one of them raised."""
    barrier = Barrier(len(jobs))

    def begin(job: Callable[[], object]) -> None:
        barrier.wait(20)
        job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(begin, job) for job in jobs]:
            future.result(60)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


# Keeping.


def test_a_new_lesson_starts_at_a_half_and_says_where_it_is_from(tenant: UUID) -> None:
    kept = keep(source(tenant, run := opened(tenant), domain="legal", provisional=True))
    assert kept.change == "new"
    assert read(tenant) == [kept.lesson]
    assert kept.lesson == Lesson(kept.lesson.id, "legal", *ONE, 0.5, 0, 0, True, 0, False, run)
    assert kept.lesson.text == lesson_text(*ONE)
    assert days_left(kept.lesson.id) == pytest.approx(90, abs=0.1)


def test_the_same_lesson_is_confirmed_and_adds_no_row(tenant: UUID) -> None:
    first = keep(source(tenant, provisional=True))
    change("expires_at = now() + interval '1 day'", first.lesson.id)
    again = keep(source(tenant, provisional=True), ("weighing suppliers", "price gaps"), at(0.93))
    assert (again.change, again.lesson.id) == ("confirmed", first.lesson.id)
    assert (again.lesson.trigger, again.lesson.confirmations, again.lesson.provisional) == (ONE[0], 1, True)
    assert read(tenant) == [again.lesson]
    assert days_left(first.lesson.id) == pytest.approx(90, abs=0.1)
    assert [f.lesson.id for f in find(tenant)] == [first.lesson.id]


def test_an_approved_run_makes_a_provisional_lesson_a_full_one(tenant: UUID) -> None:
    keep(source(tenant, provisional=True))
    assert keep(source(tenant)).lesson.provisional is False
    assert keep(source(tenant, provisional=True)).lesson.provisional is False


@pytest.mark.parametrize(
    ("similarity", "model", "domain", "rehearsal"),
    [
        (0.91, MODEL, "general", False),
        (1, "other/model", "general", False),
        (1, MODEL, "legal", False),
        (1, MODEL, "general", True),
    ],
)
def test_another_lesson_is_a_row_of_its_own(
    tenant: UUID, similarity: float, model: str, domain: str, rehearsal: bool
) -> None:
    keep(source(tenant))
    where = source(tenant, domain=domain, rehearsal=rehearsal)
    assert keep(where, vector=at(similarity), model=model).change == "new"
    assert [one.confirmations for one in read(tenant)] == [0, 0]


def test_a_run_does_not_confirm_itself(tenant: UUID) -> None:
    run = opened(tenant)
    keep(source(tenant, run, provisional=True))
    assert keep(source(tenant, run, path="learn-2", provisional=True)).change == "known"
    kept = lessons.keep(source(tenant), [TWO, TWO], embedded(at(1, 10), at(1, 10)))
    assert [one.change for one in kept] == ["new"]
    assert [one.confirmations for one in read(tenant)] == [0, 0]


def test_a_run_that_used_a_lesson_only_echoes_it(tenant: UUID) -> None:
    first = keep(source(tenant, provisional=True)).lesson.id
    change("expires_at = now() + interval '1 day'", first)
    for provisional in (True, False):
        run = opened(tenant)
        lessons.mark_used(tenant, run, [first])
        again = keep(source(tenant, run, provisional=provisional))
        assert (again.change, again.lesson.confirmations, again.lesson.provisional) == ("known", 0, provisional)
    assert days_left(first) == pytest.approx(1, abs=0.1)


def test_keeping_twice_changes_nothing(tenant: UUID) -> None:
    keep(source(tenant))
    where = source(tenant)
    vectors = embedded(at(1), at(1, 10))
    first = lessons.keep(where, [ONE, TWO], vectors)
    assert [one.change for one in first] == ["confirmed", "new"]
    assert lessons.keep(where, [ONE, TWO], vectors) == first
    assert [one.confirmations for one in read(tenant)] == [1, 0]


def test_runs_that_learn_the_same_at_once_make_one_row(tenant: UUID) -> None:
    sources = [source(tenant, provisional=True) for _ in range(8)]
    in_threads([lambda where=where: keep(where) for where in sources])  # type: ignore[misc]
    assert [one.confirmations for one in read(tenant)] == [7]


def test_a_better_lesson_supersedes_and_the_old_one_stays(tenant: UUID) -> None:
    old = keep(source(tenant, domain="legal"))
    change("helpful = 4", old.lesson.id)
    where = source(tenant)
    new = lessons.supersede(where, old.lesson.id, TWO, embedded(at(0.99)))
    assert (new.domain, new.trigger, new.confidence) == ("legal", TWO[0], 0.5)
    assert [f.lesson.id for f in find(tenant, domains=("legal",))] == [new.id]
    kept = {one.id: one for one in read(tenant)}
    assert kept.keys() == {old.lesson.id, new.id}
    assert (kept[old.lesson.id].trigger, kept[old.lesson.id].helpful) == (ONE[0], 4)
    assert lessons.supersede(where, old.lesson.id, TWO, embedded(at(0.99))) == new
    with pytest.raises(BadInput, match="no longer valid"):
        lessons.supersede(source(tenant), old.lesson.id, TWO, embedded(at(0.99)))
    assert keep(source(tenant, domain="legal")).lesson.id == new.id


# Uses.


def test_a_use_is_settled_once(tenant: UUID) -> None:
    first, second = keep(source(tenant)), keep(source(tenant), TWO, at(1, 10))
    run = opened(tenant)
    lessons.mark_used(tenant, run, [first.lesson.id])
    lessons.mark_used(tenant, run, [first.lesson.id])
    change("expires_at = now() + interval '1 day'", first.lesson.id)
    assert lessons.settle_uses(tenant, run, "approved", helpful=1) == 1
    assert lessons.settle_uses(tenant, run, "approved", helpful=1) == 0
    assert lessons.settle_uses(tenant, run, "rejected", harmful=1) == 0
    assert {one.id: (one.helpful, one.harmful) for one in read(tenant)} == {
        first.lesson.id: (1, 0),
        second.lesson.id: (0, 0),
    }
    assert days_left(first.lesson.id) == pytest.approx(90, abs=0.1)


def test_a_rejection_renews_nothing(tenant: UUID) -> None:
    kept, run = keep(source(tenant)), opened(tenant)
    change("expires_at = now() + interval '1 day'", kept.lesson.id)
    lessons.mark_used(tenant, run, [kept.lesson.id])
    assert lessons.settle_uses(tenant, run, "rejected", harmful=1) == 1
    assert [(one.helpful, one.harmful) for one in read(tenant)] == [(0, 1)]
    assert days_left(kept.lesson.id) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("settles", [False, True])
def test_lessons_are_locked_in_the_order_of_their_ids(fresh_database: str, tenant: UUID, settles: bool) -> None:
    """So that two runs which used the same lessons never wait for one another in a circle."""
    ids = sorted(keep(source(tenant), (f"topic {n}", "act"), at(1, 2 * n)).lesson.id for n in range(5))
    for lesson in reversed(ids):  # they now lie in the table the other way round
        change("last_used_at = now()", lesson)
    run = opened(tenant)
    if settles:
        lessons.mark_used(tenant, run, ids)
    read_in_that_order(fresh_database)

    def act() -> None:
        if settles:
            lessons.settle_uses(tenant, run, "approved", helpful=1)
        else:
            lessons.mark_used(tenant, run, ids[::-1])

    with ThreadPoolExecutor(1) as pool, as_owner(fresh_database) as first, as_owner(fresh_database) as watch:
        first.execute("BEGIN; SELECT 1 FROM knowledge_heuristics WHERE id = %s FOR UPDATE", (str(ids[0]),))
        acting = pool.submit(act)
        wait_for_a_waiting(watch)
        watch.execute("SELECT id::text FROM knowledge_heuristics ORDER BY id FOR UPDATE SKIP LOCKED")
        assert [row[0] for row in watch.fetchall()] == [str(lesson) for lesson in ids[1:]]
        first.execute("COMMIT")
        acting.result(20)
    assert [one.helpful for one in read(tenant)] == [int(settles)] * 5


def read_in_that_order(database: str) -> None:
    """From here on no index, which may put rows in order by chance, serves a query."""
    with as_owner(database) as owner:
        for kind in ("indexscan", "bitmapscan", "indexonlyscan"):
            name = parse_dsn(database)["dbname"]
            owner.execute(f"ALTER DATABASE {name} SET enable_{kind} TO off")
    db.reset()


def wait_for_a_waiting(watch: "Cursor") -> None:
    """Returns once a connection to this database waits for a lock."""
    deadline = time.monotonic() + 20
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while time.monotonic() < deadline:
        watch.execute(waiting)
        if watch.fetchone():
            return
    raise AssertionError("nobody waited")


@pytest.mark.parametrize(("helpful", "harmful"), [(0, 0), (1, 0), (0, 1), (7, 2), (2, 7), (10_000, 0), (0, 10_000)])
def test_confidence_is_that_of_the_counters(tenant: UUID, helpful: int, harmful: int) -> None:
    change(f"helpful = {helpful}, harmful = {harmful}", keep(source(tenant)).lesson.id)
    assert read(tenant)[0].confidence == pytest.approx((helpful + 1) / (helpful + harmful + 2), abs=5e-5)


# Tenants and upkeep.


def test_tenants_share_nothing(tenant: UUID) -> None:
    other = uuid4()
    theirs = keep(source(other))
    assert find(tenant, "compare suppliers") == ()
    assert keep(source(tenant)).change == "new"
    run = opened(tenant)
    lessons.mark_used(tenant, run, [theirs.lesson.id])
    assert lessons.settle_uses(tenant, run, "rejected", harmful=1) == 0
    with pytest.raises(BadInput, match="no lesson"):
        lessons.supersede(source(tenant), theirs.lesson.id, TWO, embedded(at(1)))
    assert read(other) == [theirs.lesson]
    assert [f.lesson.id for f in find(other, "compare suppliers")] == [theirs.lesson.id]


def test_the_clean_up_takes_what_expired_or_failed_long_ago_of_every_tenant(fresh_database: str, tenant: UUID) -> None:
    other = uuid4()
    expired = keep(source(tenant), ("a", "b"), at(1, 0)).lesson.id
    kept = keep(source(tenant), ("c", "d"), at(1, 2)).lesson.id
    young = keep(source(tenant), ("e", "f"), at(1, 4)).lesson.id
    old = keep(source(other), ("g", "h"), at(1, 0)).lesson.id
    trusted = keep(source(other), ("i", "j"), at(1, 2)).lesson.id
    change("expires_at = now() - interval '1 second'", expired)
    change("harmful = 9", young)
    change("harmful = 9, created_at = now() - interval '91 days'", old)
    change("helpful = 9, created_at = now() - interval '91 days'", trusted)
    assert lessons.clean_up() == CleanupCount(expired=1, low_confidence=1)
    assert {one.id for one in read(tenant)} == {kept, young}
    assert [one.id for one in read(other)] == [trusted]
    assert lessons.clean_up() == CleanupCount(expired=0, low_confidence=0)


def test_the_clean_up_takes_a_lesson_with_its_uses_and_lets_its_predecessor_be(
    fresh_database: str, tenant: UUID
) -> None:
    old = keep(source(tenant)).lesson.id
    new = lessons.supersede(source(tenant), old, TWO, embedded(at(1))).id
    lessons.mark_used(tenant, opened(tenant), [new])
    change("expires_at = now() - interval '1 second'", new)
    assert lessons.clean_up().expired == 1
    assert [one.id for one in read(tenant)] == [old]
    with maintenance_transaction() as cursor:
        cursor.execute("SELECT count(*) FROM lesson_uses")
        assert cursor.fetchone() == (0,)
