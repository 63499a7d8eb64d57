"""Upkeep: each task does its work for every tenant, once, in short transactions, as the maintenance role."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any
from uuid import UUID, uuid4

import pytest

from scripts.bench.governor import completion, request
from tasks import upkeep as upkeep_tasks
from tasks.review import ask
from tasks.spec import Ask
from tasks.upkeep import CleanedUp, Expired, Reclaimed
from tasks.views import Scope
from tests.conftest import as_owner
from tests.tasks.conftest import open_for
from tests.utils.lesson_rows import TWO, at, change, keep, read, source
from utils.accounts import ensure_personal
from utils.db import tenant_transaction
from utils.errors import Waiting
from utils.governor import budgets
from utils.integrity import Fault, IntegrityReport
from utils.ledger import CallKey, ledger_of, paid_call, spent
from utils.notifications import Round
from utils.reviews import Choice, Question, decide, find_review, open_review, reviews_of
from utils.runs import OpenRequest, conclude_run, get_run, new_run_id, open_run, set_status
from utils.settings import settings

upkeep: Any = upkeep_tasks
"""A task is typed to give a promise; called here it gives what it made."""
YES_OR_NO = (Choice("yes"), Choice("no"))
TABLES = "reviews, runs, model_calls, budgets, knowledge_heuristics, lesson_uses, audit_log, tenants"


@dataclass(frozen=True)
class Tenant:
    """A tenant with its one user."""

    id: UUID

    def run(self, inputs: str = "{}") -> str:
        user = settings().user_id
        return open_run(OpenRequest(self.id, user, "toy", "{}", inputs, new_run_id())).run_id

    def asked(self, run: str, path: str = "ask", *, on_expiry: str = "", hours: int = -1) -> None:
        """Opens a review whose time ends in so many hours; it was opened two hours before."""
        open_review(self.id, run, path, Question("Well?", "general", "shown", YES_OR_NO, on_expiry=on_expiry))
        with tenant_transaction(self.id) as cursor:
            cursor.execute(
                """
                UPDATE reviews SET opened_at = now() - interval '2 h', expires_at = now() + make_interval(hours => %s)
                WHERE run_id = %s AND path = %s
                """,
                (hours, run, path),
            )

    def waiting(self, *, on_expiry: str = "", hours: int = -1) -> str:
        """A run that waits for a person."""
        run = self.run()
        self.asked(run, on_expiry=on_expiry, hours=hours)
        set_status(self.id, run, "waiting")
        return run

    def silent(self, run: str, minutes: int) -> str:
        """That run, whose last sign of life was so long ago."""
        with tenant_transaction(self.id) as cursor:
            cursor.execute(
                "UPDATE runs SET alive_at = now() - make_interval(mins => %s) WHERE run_id = %s", (minutes, run)
            )
            cursor.execute(
                "UPDATE model_calls SET reserved_at = now() - make_interval(mins => %s) WHERE run_id = %s",
                (minutes, run),
            )
        return run

    def reserved(self, run: str) -> None:
        """A call that its process began and did not end."""
        with tenant_transaction(self.id) as cursor:
            cursor.execute("SELECT begin_call(%s, %s, 'x', 0, 0, 'd', 'm', '{}', 0.1, 1, 10, 100)", (self.id, run))

    def paid(self, run: str) -> None:
        paid_call(CallKey(self.id, run, "step"), request("q"), lambda _: completion("a", 0.01), estimate=lambda _: 0.02)

    def concluded(self, days: int) -> str:
        """A run with one call that ended so many days ago."""
        run = self.run()
        self.paid(run)
        conclude_run(self.id, run, "done", "{}")
        with tenant_transaction(self.id) as cursor:
            cursor.execute(
                "UPDATE runs SET concluded_at = now() - make_interval(days => %s) WHERE run_id = %s", (days, run)
            )
        return run

    def status(self, run: str) -> str:
        return get_run(self.id, run).status

    def reviews(self, run: str) -> list[str]:
        return [r.status for r in reviews_of(self.id, run)]

    def audited(self, run: str) -> list[str]:
        with tenant_transaction(self.id) as cursor:
            cursor.execute("SELECT action FROM audit_log WHERE subject = %s AND actor IS NULL ORDER BY id", (run,))
            return [action for (action,) in cursor.fetchall()]


@pytest.fixture
def tenants(fresh_database: str) -> tuple[Tenant, Tenant]:
    both = Tenant(uuid4()), Tenant(uuid4())
    for tenant in both:
        ensure_personal(tenant.id, settings().user_id)
    return both


@pytest.fixture
def tenant(tenants: tuple[Tenant, Tenant]) -> Tenant:
    return tenants[0]


def test_who_waited_too_long_expires_in_every_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    late = [(t, t.waiting()) for t in tenants]
    in_time = [(t, t.waiting(hours=1)) for t in tenants]
    assert upkeep.expire_reviews() == Expired(reviews=2, runs=2)
    for tenant, run in late:
        assert (tenant.status(run), tenant.reviews(run)) == ("expired", ["expired"])
        assert tenant.audited(run) == ["review.expired", "run.expired"]
    for tenant, run in in_time:
        assert (tenant.status(run), tenant.reviews(run), tenant.audited(run)) == ("waiting", ["open"], [])
    assert upkeep.expire_reviews() == Expired(reviews=0, runs=0)


def test_an_expired_run_is_asked_again_when_it_is_gone_on_with(tenant: Tenant) -> None:
    question = Ask(id="ask", question="Go on?", shows={}, choices=("yes", "no"))
    run = open_for(tenant.id)
    tenant.asked(run.run_id)
    tenant.silent(run.run_id, 5)
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=1)
    with pytest.raises(Waiting):
        ask(question, Scope({}), "ask", run)
    assert tenant.reviews(run.run_id) == ["open"]


def test_a_choice_for_expiry_holds_whenever_the_run_goes_on(tenant: Tenant) -> None:
    question = Ask(id="ask", question="Go on?", shows={}, choices=("yes", "no"), on_expiry="no")
    run = open_for(tenant.id)
    with pytest.raises(Waiting):
        ask(question, Scope({}), "ask", run)
    tenant.asked(run.run_id, on_expiry="no")
    set_status(tenant.id, run.run_id, "waiting")
    with tenant_transaction(tenant.id) as cursor:
        cursor.execute("UPDATE reviews SET expires_at = now() - interval '1 s'")
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=0)
    assert tenant.status(run.run_id) == "waiting"
    for _ in range(2):
        assert [r.key for r in ask(question, Scope({}), "ask", run)["out"]] == ["no"]
    assert tenant.reviews(run.run_id) == ["expired"]


def test_what_is_asked_says_what_holds_where_nobody_decides(tenant: Tenant) -> None:
    run = open_for(tenant.id)
    for path, on_expiry in (("plain", "expire"), ("choice", "no")):
        with pytest.raises(Waiting):
            ask(Ask(id="a", question="?", shows={}, choices=("yes", "no"), on_expiry=on_expiry), Scope({}), path, run)
    with tenant_transaction(tenant.id) as cursor:
        cursor.execute("SELECT path, on_expiry FROM reviews ORDER BY path")
        assert cursor.fetchall() == [("choice", "no"), ("plain", None)]


def test_the_same_command_goes_on_with_a_run_whose_question_took_its_choice(tenant: Tenant) -> None:
    run, stopped = tenant.waiting(on_expiry="no"), tenant.waiting()
    upkeep.expire_reviews()
    again = OpenRequest(tenant.id, settings().user_id, "toy", "{}", "{}")
    assert open_run(again).run_id == run
    conclude_run(tenant.id, run, "done", "{}")
    assert open_run(again).run_id not in (run, stopped)


def test_a_run_that_is_at_work_is_let_be(tenant: Tenant) -> None:
    run = tenant.run()
    tenant.asked(run)
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=0)
    assert tenant.status(run) == "running"
    with tenant_transaction(tenant.id) as cursor:  # then its process dies
        cursor.execute("UPDATE runs SET alive_at = now() - interval '1 h'")
    assert upkeep.expire_reviews() == Expired(reviews=0, runs=1)


def test_a_run_that_was_gone_on_with_since_is_let_be(tenant: Tenant) -> None:
    run = tenant.waiting()
    upkeep.expire_reviews()
    open_run(OpenRequest(tenant.id, settings().user_id, "toy", "{}", "{}", run))
    set_status(tenant.id, run, "waiting")
    assert upkeep.expire_reviews() == Expired(reviews=0, runs=0)
    assert tenant.status(run) == "waiting"


def test_a_run_that_still_asks_something_else_waits_on(tenant: Tenant) -> None:
    run = tenant.waiting()
    tenant.asked(run, "other", hours=1)
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=0)
    other = find_review(tenant.id, run, "other")
    assert other is not None
    decide(other, "yes", "", by=settings().user_id)
    assert upkeep.expire_reviews() == Expired(reviews=0, runs=1)


@pytest.mark.parametrize("status", ["failed", "over_budget", "done"])
def test_a_run_that_ended_otherwise_stays_so(tenant: Tenant, status: Any) -> None:
    run = tenant.waiting()
    conclude_run(tenant.id, run, status, "{}")
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=0)
    assert tenant.status(run) == status


def test_batches_are_transactions_of_their_own(
    tenants: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch, fresh_database: str
) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 2)
    for number in range(5):
        tenants[number % 2].waiting()
    assert upkeep.expire_reviews() == Expired(reviews=5, runs=5)
    with as_owner(fresh_database) as cursor:  # all rows of one transaction have one time
        cursor.execute("SELECT action, count(*) FROM audit_log GROUP BY action, at ORDER BY 1, 2")
        assert cursor.fetchall() == [(f"{what}.expired", n) for what in ("review", "run") for n in (1, 2, 2)]


def test_whoever_is_deciding_is_not_waited_for(tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    held, _ = ours.waiting(), theirs.waiting()
    with tenant_transaction(ours.id) as cursor:
        cursor.execute("SELECT 1 FROM reviews WHERE run_id = %s FOR UPDATE", (held,))
        assert upkeep.expire_reviews() == Expired(reviews=1, runs=1)
    assert upkeep.expire_reviews() == Expired(reviews=1, runs=1)


def test_two_at_once_do_each_thing_once(tenants: tuple[Tenant, Tenant], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "BATCH", 3)
    runs = [(t, t.waiting()) for t in tenants for _ in range(6)]
    for t in tenants:
        t.concluded(days=40)
        keep_old_lesson(t)
    start = Barrier(2)

    def everything(_: int) -> tuple[Expired, CleanedUp]:
        start.wait(10)
        return upkeep.expire_reviews(), upkeep.clean_up()

    with ThreadPoolExecutor(2) as threads:
        (expired, cleaned), (also_expired, also_cleaned) = threads.map(everything, range(2))
    upkeep.expire_reviews()  # of the other's reviews either may have found a run still locked
    assert expired.reviews + also_expired.reviews == 12
    assert cleaned.calls + also_cleaned.calls == 2
    assert cleaned.expired_lessons + also_cleaned.expired_lessons == 2
    for tenant, run in runs:
        assert tenant.audited(run) == ["review.expired", "run.expired"]


def test_what_the_dead_reserved_is_free_in_every_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    dead, alive = [(t, t.run()) for t in tenants], [(t, t.run()) for t in tenants]
    for tenant, run in dead + alive:
        tenant.reserved(run)
    for tenant, run in dead:
        tenant.silent(run, 5)
    assert upkeep.reclaim_reservations() == Reclaimed(calls=2)
    for tenant, run in dead:
        assert [c.state for c in ledger_of(tenant.id, run)] == ["lost"]
        assert budgets(tenant.id, run)[0].reserved == 0
    for tenant, run in alive:
        assert [c.state for c in ledger_of(tenant.id, run)] == ["reserved"]
    assert upkeep.reclaim_reservations() == Reclaimed(calls=0)


def keep_old_lesson(tenant: Tenant) -> None:
    change("expires_at = now() - interval '1 day'", keep(source(tenant.id)).lesson.id)


def test_old_lessons_and_old_calls_go_in_every_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        keep_old_lesson(tenant)
        distrusted = keep(source(tenant.id), TWO, at(1, axis=4)).lesson.id
        change("harmful = 9, created_at = now() - interval '91 days'", distrusted)
        keep(source(tenant.id), ("reading contracts", "start with the annex"), at(1, axis=8))
    old, young = [(t, t.concluded(days=31)) for t in tenants], [(t, t.concluded(days=29)) for t in tenants]
    cost = [spent(t.id, run) for t, run in old]
    assert upkeep.clean_up() == CleanedUp(expired_lessons=2, low_confidence_lessons=2, calls=2, memories=0)
    assert [len(read(t.id)) for t in tenants] == [1, 1]
    assert [spent(t.id, run) for t, run in old] == cost
    assert [responses(t, run) for t, run in old] == [[None], [None]]
    assert None not in [text for t, run in young for text in responses(t, run)]
    assert upkeep.clean_up() == CleanedUp(0, 0, 0, 0)


def responses(tenant: Tenant, run: str) -> list[str | None]:
    with tenant_transaction(tenant.id) as cursor:
        cursor.execute("SELECT response::text FROM model_calls WHERE run_id = %s", (run,))
        return [text for (text,) in cursor.fetchall()]


def test_how_long_the_ledger_keeps_texts_is_a_setting(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant.concluded(days=3)
    assert upkeep.clean_up().calls == 0
    monkeypatch.setenv("RADIANT_RETENTION_DAYS", "2")
    settings.cache_clear()
    assert upkeep.clean_up().calls == 1


def test_the_app_takes_no_part(tenants: tuple[Tenant, Tenant], fresh_database: str) -> None:
    """With nothing granted to its role, all is done all the same."""
    for tenant in tenants:
        tenant.waiting()
        run = tenant.run()
        tenant.reserved(run)
        tenant.silent(run, 5)
        tenant.concluded(days=31)
        keep_old_lesson(tenant)
    with as_owner(fresh_database) as cursor:
        cursor.execute(f"REVOKE ALL ON {TABLES} FROM radiant_app")
    assert upkeep.expire_reviews() == Expired(2, 2)
    assert upkeep.reclaim_reservations() == Reclaimed(2)
    assert upkeep.clean_up() == CleanedUp(2, 0, 2, 0)
    assert upkeep.integrity_report().tenants == 2


def faults(report: IntegrityReport) -> set[tuple[str, str, int]]:
    return {(f.tenant_id, f.rule, f.number) for f in report.faults}


def test_the_report_names_what_is_wrong_in_which_tenant(tenants: tuple[Tenant, Tenant]) -> None:
    ours, theirs = tenants
    assert faults(upkeep.integrity_report()) == set()
    stuck = [ours.silent(ours.run(), 61), ours.silent(ours.run(), 61)]
    ours.silent(ours.run(), 59)
    theirs.paid(theirs.run())
    with tenant_transaction(theirs.id) as cursor:
        cursor.execute("UPDATE budgets SET window_key = 'gone' WHERE kind = 'run'")
    before = rows_of_runs(ours)
    report = upkeep.integrity_report()
    assert faults(report) == {(str(ours.id), "silent runs", 2), (str(theirs.id), "orphaned budgets", 1)}
    assert all(run in next(f.said for f in report.faults if f.tenant_id == str(ours.id)) for run in stuck)
    assert rows_of_runs(ours) == before, "it reports, and changes nothing"


def rows_of_runs(tenant: Tenant) -> list[tuple[object, ...]]:
    with tenant_transaction(tenant.id) as cursor:
        cursor.execute("SELECT run_id, status, alive_at FROM runs ORDER BY run_id")
        return cursor.fetchall()


def test_the_report_counts_all_tenants(tenants: tuple[Tenant, Tenant]) -> None:
    for tenant in tenants:
        tenant.waiting()
        tenant.waiting(hours=1)
        tenant.concluded(days=1)
        keep(source(tenant.id))
    counts = upkeep.integrity_report().counts
    assert (counts["runs waiting"], counts["runs done"], counts["calls settled"], counts["lessons"]) == (4, 2, 2, 2)
    assert (counts["reviews open"], counts["reviews overdue"], counts["reviews expired in a day"]) == (4, 2, 0)
    upkeep.expire_reviews()
    counts = upkeep.integrity_report().counts
    assert (counts["reviews overdue"], counts["reviews expired in a day"], counts["runs expired"]) == (0, 2, 2)


def test_a_table_that_keeps_nobody_apart_is_no_tenants_fault(tenant: Tenant, fresh_database: str) -> None:
    with as_owner(fresh_database) as cursor:
        cursor.execute("ALTER TABLE reviews NO FORCE ROW LEVEL SECURITY")
    assert faults(upkeep.integrity_report()) == {("", "row level security", 1)}


def test_the_reports_page_shows_what_it_found(tenant: Tenant) -> None:
    whole = upkeep.integrity_report()
    assert "All rules hold" in upkeep.render_report(whole)
    broken = whole.model_copy(update={"faults": [Fault(tenant_id="t", rule="r", number=3, said="<b>bad</b>")]})
    page = upkeep.render_report(broken)
    assert "<h1>1 fault</h1>" in page
    assert "All rules hold" not in page
    assert "&lt;b&gt;bad&lt;/b&gt;" in page


@pytest.mark.usefixtures("fresh_database")
def test_nothing_is_nothing_to_do() -> None:
    assert upkeep.expire_reviews() == Expired(0, 0)
    assert upkeep.reclaim_reservations() == Reclaimed(0)
    assert upkeep.clean_up() == CleanedUp(0, 0, 0, 0)
    assert upkeep.deliver_notifications() == Round()
    assert (upkeep.integrity_report().tenants, faults(upkeep.integrity_report())) == (0, set())
