"""The Governor: settled + reserved never passes a cap, and what the dead reserved is free again."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from threading import Event
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from scripts.bench.governor import ESTIMATE, age, completion, request, storm
from utils.accounts import ensure_personal
from utils.db import maintenance_transaction, tenant_transaction
from utils.errors import BadInput, CallFailed, OverBudget
from utils.governor import Budget, Caps, budgets, caps, check_cap, reclaim_stale, remaining, usd
from utils.ledger import CallKey, PaidCall, ledger_of, paid_call
from utils.llm import ChatRequest, Completion
from utils.runs import OpenRequest, heartbeat, open_run
from utils.settings import settings

pytestmark = pytest.mark.usefixtures("database")


def new_tenant() -> tuple[UUID, UUID]:
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    return tenant, user


def new_run(tenant: UUID, user: UUID, max_cost_usd: float | None = None) -> str:
    return open_run(OpenRequest(tenant, user, "w", "{}", "{}", max_cost_usd=max_cost_usd)).run_id


def pay(tenant: UUID, run: str, path: str, cost: float, *, estimate: float | None = None) -> PaidCall:
    bound = cost if estimate is None else estimate
    return paid_call(
        CallKey(tenant, run, path), request(path), lambda _: completion("", cost), estimate=lambda _: bound
    )


@contextmanager
def under_way(tenant: UUID, run: str, path: str, estimate: float, cost: float) -> Iterator[Future[PaidCall]]:
    """A call that has reserved its estimate and ends with the block."""
    reserved, ends = Event(), Event()

    def think(_: ChatRequest) -> Completion:
        reserved.set()
        assert ends.wait(30)
        return completion("", cost)

    with ThreadPoolExecutor(1) as thread:
        call = thread.submit(paid_call, CallKey(tenant, run, path), request(path), think, estimate=lambda _: estimate)
        assert reserved.wait(10)
        try:
            yield call
        finally:
            ends.set()


def limit(monkeypatch: pytest.MonkeyPatch, **caps_usd: float) -> None:
    for window, cap in caps_usd.items():
        monkeypatch.setenv(f"RADIANT_MAX_COST_PER_{window.upper()}", str(cap))
    settings.cache_clear()


def money(budget: Budget) -> tuple[float, float]:
    return float(budget.settled), float(budget.reserved)


def test_the_caps_are_the_settings_unless_tenant_or_run_has_its_own() -> None:
    tenant, user = new_tenant()
    assert caps(tenant) == Caps(Decimal("0.5"), Decimal(10), Decimal(100))
    with tenant_transaction(tenant) as cursor:
        cursor.execute(
            """UPDATE tenants SET policy = '{"max_cost_per_run": 1, "max_cost_per_hour": 3, "max_cost_per_day": 4}'"""
        )
    assert caps(tenant) == Caps(Decimal(1), Decimal(3), Decimal(4))
    assert caps(tenant, new_run(tenant, user, 2.5)).run == Decimal("2.5")
    with pytest.raises(BadInput, match=r"at most 3\.00 USD"):
        new_run(tenant, user, 3.01)
    with pytest.raises(BadInput, match="there is no tenant"):
        caps(uuid4())


@pytest.mark.parametrize("amount", [-0.01, float("inf"), float("nan")])
def test_a_cap_must_be_an_amount(amount: float) -> None:
    with pytest.raises(BadInput, match="give an amount in USD"):
        check_cap(amount)


@pytest.mark.parametrize(
    ("window", "name", "remedy"),
    [
        ("run", "the run's cap of 0.10", "higher --max_cost_usd"),
        ("hour", "the tenant's hourly cap of 0.10", "in the next hour"),
        ("day", "the tenant's daily cap of 0.10", "tomorrow"),
    ],
)
def test_over_a_cap_says_which_and_what_raises_it(
    window: str, name: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit(monkeypatch, **{window: 0.1})
    tenant, user = new_tenant()
    run = new_run(tenant, user)
    pay(tenant, run, "a", 0.06)
    before = budgets(tenant, run)
    with pytest.raises(OverBudget) as caught:
        pay(tenant, run, "b", 0.05)
    assert caught.value.exit_code == 5
    assert name in caught.value.message
    assert "0.06 spent, and the next call may cost 0.05" in caught.value.message
    assert remedy in caught.value.message
    assert "\n" not in caught.value.message
    assert [row.path for row in ledger_of(tenant, run)] == ["a"]
    assert budgets(tenant, run) == before, "what did not fit leaves no trace in the other windows"
    pay(tenant, run, "c", 0.04)  # to the last cent


def test_a_run_resumed_with_a_higher_cap_goes_on() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.05)
    with pytest.raises(OverBudget):
        pay(tenant, run, "a", 0.06)
    open_run(OpenRequest(tenant, user, "w", "{}", "{}", run, max_cost_usd=0.06))
    pay(tenant, run, "a", 0.06)
    assert remaining(tenant, run).run == 0


def test_remaining_counts_what_is_reserved() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user)
    pay(tenant, run, "a", 0.1)
    with under_way(tenant, run, "b", 0.2, 0.01):
        found = remaining(tenant, run)
        assert (found.run, found.hour, found.day) == pytest.approx((0.2, 9.7, 99.7))
    assert remaining(tenant).run == 0.5


def test_calls_that_fit_one_after_another_wait_for_one_another() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.1)
    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(pay, tenant, run, f"step{n}", 0.01, estimate=0.06) for n in range(5)]
        assert [call.exception(30) for call in calls] == [None] * 5
    assert money(budgets(tenant, run)[0]) == (0.05, 0.0)


def test_a_call_that_cannot_fit_waits_for_nobody() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.1)
    with under_way(tenant, run, "a", 0.05, 0.01), pytest.raises(OverBudget):
        pay(tenant, run, "b", 0.11)


def test_a_waiting_call_gives_up_when_the_last_has_ended() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.1)
    with ThreadPoolExecutor(1) as thread:
        with under_way(tenant, run, "a", 0.1, 0.1):
            waiting = thread.submit(pay, tenant, run, "b", 0.05)
        waiting.exception(10)
    assert isinstance(waiting.exception(10), OverBudget)


def test_more_than_was_reserved_is_settled_truthfully() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.1)
    pay(tenant, run, "a", 0.15, estimate=0.1)
    assert money(budgets(tenant, run)[0]) == (0.15, 0.0)
    assert remaining(tenant, run).run == 0
    with pytest.raises(OverBudget):
        pay(tenant, run, "b", 0.01)


def test_each_window_alerts_once_and_the_audit_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, hour=0.2)
    tenant, user = new_tenant()
    run = new_run(tenant, user, 0.1)
    alerts = [pay(tenant, run, f"step{n}", 0.04).alerts for n in range(2)]
    assert alerts == [(), ("run",)], "0.08 of 0.10 is the threshold"
    other = new_run(tenant, user)
    alerts = [pay(tenant, other, f"step{n}", 0.04).alerts for n in range(3)]
    assert alerts == [(), ("hour",), ()]
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT split_part(subject, ' ', 1) FROM audit_log WHERE action = 'budget_alert' ORDER BY id")
        assert cursor.fetchall() == [("run",), ("hour",)]


def test_what_the_dead_reserved_is_free_for_whom_it_would_not_fit_without() -> None:
    tenant, user = new_tenant()
    dead, run = new_run(tenant, user), new_run(tenant, user)
    abandon(tenant, dead, 9.9)
    with pytest.raises(OverBudget, match=r"9\.90 reserved"):
        pay(tenant, run, "a", 0.2)
    age(tenant, (dead,))
    pay(tenant, run, "a", 0.2)
    assert [money(b) for b in budgets(tenant, run)] == [(0.2, 0.0)] * 3
    (row,) = ledger_of(tenant, dead)
    assert (row.state, row.lost) == ("lost", 1)


def test_upkeep_frees_what_the_dead_of_all_tenants_reserved(fresh_database: str) -> None:
    for _ in range(2):
        tenant, user = new_tenant()
        dead, alive = new_run(tenant, user), new_run(tenant, user)
        abandon(tenant, dead, 1)
        abandon(tenant, alive, 2)
        age(tenant, (dead, alive))
        with heartbeat(tenant, alive):
            pass
    assert reclaim_stale() == 2
    assert reclaim_stale() == 0
    assert [money(b) for b in budgets(tenant, alive)] == [(0.0, 2.0)] * 3


def test_another_hour_and_day_start_with_nothing_spent() -> None:
    tenant, user = new_tenant()
    run = new_run(tenant, user)
    with under_way(tenant, run, "a", 0.2, 0.1):
        # The clock is the database's: let this call have reserved in an hour and a day gone by.
        with tenant_transaction(tenant) as cursor:
            cursor.execute(_BUDGETS_OF_OLD)
            cursor.execute(_CALLS_OF_OLD)
        assert [money(b) for b in budgets(tenant, run)] == [(0.0, 0.2), (0.0, 0.0), (0.0, 0.0)]
    assert [money(b) for b in budgets(tenant, run)] == [(0.1, 0.0), (0.0, 0.0), (0.0, 0.0)]
    with tenant_transaction(tenant) as cursor:
        cursor.execute("SELECT DISTINCT settled_usd::float8, reserved_usd::float8 FROM budgets WHERE kind <> 'run'")
        assert cursor.fetchall() == [(0.1, 0.0)], "it settles where it reserved"


_BUDGETS_OF_OLD = "UPDATE budgets SET window_key = '2001-01-01' || substr(window_key, 11) WHERE kind <> 'run'"
_CALLS_OF_OLD = "UPDATE model_calls SET hour_key = '2001-01-01' || substr(hour_key, 11), day_key = '2001-01-01'"


def test_a_tenant_spends_nothing_of_another() -> None:
    ours, theirs = new_tenant(), new_tenant()
    run = new_run(*ours)
    pay(ours[0], run, "a", 0.3)
    assert remaining(theirs[0], run) == remaining(theirs[0])
    assert remaining(theirs[0]).hour == 10


def test_amounts_round_up() -> None:
    assert usd(0.1) == Decimal("0.1")
    assert usd(1e-12) == Decimal("1e-8")
    assert usd(0) == 0
    assert usd(float("inf")) == 999_999, "a cap of inf is as good as none"


def test_a_storm_never_passes_the_cap_and_the_dead_leave_nothing(
    fresh_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The small one; `python -m scripts.bench.governor` is 2,000 runs in 64 threads."""
    limit(monkeypatch, hour=0.9)
    found = storm(runs=64, threads=32, processes=2, seed=3)
    assert found.killed >= 16
    assert found.samples > 50
    assert 0.9 < found.highest <= 1
    assert found.before.reserved > 0
    assert found.after.reserved == 0
    assert found.after.cap - found.after.settled < Decimal(str(ESTIMATE))
    assert sums_agree()


def abandon(tenant: UUID, run: str, amount: float) -> None:
    """Leaves a reservation behind as a killed process does: begun, and never ended."""
    with tenant_transaction(tenant) as cursor:
        cursor.execute(
            "SELECT verdict FROM begin_call(%s, %s, 'x', 0, 0, 'd', 'm', '{}', %s, 100, 10, 100)", (tenant, run, amount)
        )
        assert cursor.fetchone() == ("begun",)


def sums_agree() -> bool:
    """Whether every run's window holds just what its calls reserved and cost."""
    with maintenance_transaction() as cursor:
        cursor.execute(
            """
            SELECT count(*) FROM budgets b LEFT JOIN (
                SELECT tenant_id, run_id, sum(charged_usd) AS charged,
                    sum(estimate_usd) FILTER (WHERE state = 'reserved') AS reserved
                FROM model_calls GROUP BY 1, 2
            ) c ON c.tenant_id = b.tenant_id AND c.run_id = b.window_key
            WHERE b.kind = 'run'
                AND (b.settled_usd <> coalesce(c.charged, 0) OR b.reserved_usd <> coalesce(c.reserved, 0))
            """
        )
        return cursor.fetchone() == (0,)


AMOUNTS = st.integers(0, 60).map(lambda cents: cents / 100)


class Arithmetic(RuleBasedStateMachine):
    """Two runs of one tenant, against a model in integers (cents)."""

    def __init__(self) -> None:
        super().__init__()
        self.tenant, user = new_tenant()
        self.caps = {new_run(self.tenant, user): 50, new_run(self.tenant, user, 1.2): 120}
        self.runs = list(self.caps)
        self.settled = dict.fromkeys(self.runs, 0)
        self.reserved = dict.fromkeys(self.runs, 0)
        self.abandoned: list[tuple[str, int]] = []
        self.calls = 0

    def fits(self, run: str, cents: int) -> bool:
        everything = sum(self.settled.values()) + sum(self.reserved.values())
        return self.settled[run] + self.reserved[run] + cents <= self.caps[run] and everything + cents <= 150

    @rule(which=st.integers(0, 1), estimate=AMOUNTS, share=st.integers(0, 100), fails=st.booleans())
    def call(self, which: int, estimate: float, share: int, fails: bool) -> None:
        run, cents = self.runs[which], round(estimate * 100)
        cost = cents * share // 100
        self.calls += 1

        def complete(_: ChatRequest) -> Completion:
            if fails:
                raise CallFailed("down")
            return completion("", cost / 100)

        fits = self.fits(run, cents)
        try:
            key = CallKey(self.tenant, run, f"step{self.calls}")
            paid_call(key, request("q"), complete, estimate=lambda _: estimate)
            assert fits
            self.settled[run] += cost
        except OverBudget:
            assert not fits
        except CallFailed:
            assert fits

    @rule(which=st.integers(0, 1), estimate=AMOUNTS)
    def die(self, which: int, estimate: float) -> None:
        run, cents = self.runs[which], round(estimate * 100)
        self.calls += 1
        with tenant_transaction(self.tenant) as cursor:
            cursor.execute(
                "SELECT verdict FROM begin_call(%s, %s, %s, 0, 0, 'd', 'm', '{}', %s, 0.5, 1.5, 100)",
                (self.tenant, run, f"step{self.calls}", estimate),
            )
            assert cursor.fetchone() == ("begun" if self.fits(run, cents) else "over",)
        if self.fits(run, cents):
            self.reserved[run] += cents

    @precondition(lambda self: any(self.reserved.values()))
    @rule(which=st.integers(0, 1))
    def fall_silent(self, which: int) -> None:
        run = self.runs[which]
        age(self.tenant, (run,))
        reclaim_stale()
        self.reserved[run] = 0

    @invariant()
    def windows_agree(self) -> None:
        for run in self.runs:
            found = budgets(self.tenant, run)
            assert money(found[0]) == (self.settled[run] / 100, self.reserved[run] / 100)
            whole = (sum(self.settled.values()) / 100, sum(self.reserved.values()) / 100)
            assert money(found[1]) == money(found[2]) == whole


def test_the_arithmetic_is_that_of_a_simple_account(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    limit(monkeypatch, hour=1.5)
    checks = hypothesis_settings(
        max_examples=12, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Arithmetic, settings=checks)
