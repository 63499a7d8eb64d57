"""The ledger: what was paid for is never paid again, whatever happened in between."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from uuid import uuid4

import pytest

from scripts.bench.governor import Work, age, completion, request, start
from tests.conftest import as_owner
from utils.accounts import ensure_personal
from utils.db import tenant_transaction
from utils.errors import BadInput, CallFailed, RadiantError
from utils.governor import budgets, reclaim_stale
from utils.ledger import CallKey, LedgerRow, compact, keyed_digest, ledger_of, paid_call, record, spent
from utils.llm import ChatRequest, Completion
from utils.runs import OpenRequest, conclude_run, open_run
from utils.settings import settings

pytestmark = pytest.mark.usefixtures("database")


class Provider:
    """A simulated model: counts what it is paid for, and numbers its answers."""

    def __init__(self, cost_usd: float | None = 0.01) -> None:
        self.paid = 0
        self._cost = cost_usd

    def __call__(self, _: ChatRequest) -> Completion:
        self.paid += 1
        return completion(f"answer {self.paid}", self._cost)


def new_run(run_id: str = "") -> CallKey:
    """The key of the first step of a new run of a new tenant."""
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    return CallKey(tenant, open_run(OpenRequest(tenant, user, "w", "{}", "{}", run_id)).run_id, "step")


def pay(key: CallKey, complete: Callable[[ChatRequest], Completion], text: str = "question") -> tuple[str, bool]:
    paid = paid_call(key, request(text), complete, estimate=lambda _: 0.02)
    return paid.completion.text, paid.from_ledger


def test_a_settled_call_is_read_back() -> None:
    key, provider = new_run(), Provider()
    assert pay(key, provider) == ("answer 1", False)
    assert pay(key, provider) == ("answer 1", True)
    assert provider.paid == 1
    assert spent(key.tenant_id, key.run_id).calls == 1


@pytest.mark.parametrize("other", ["path", "member", "attempt", "request"])
def test_another_place_or_request_is_another_call(other: str) -> None:
    key, provider = new_run(), Provider()
    pay(key, provider)
    place = {"path": key.path, "member": key.member, "attempt": key.attempt}
    changed = {**place, other: "other" if other == "path" else 1} if other != "request" else place
    second = CallKey(key.tenant_id, key.run_id, **changed)  # type: ignore[arg-type]
    assert pay(second, provider, "other" if other == "request" else "question") == ("answer 2", False)


def test_a_failed_call_frees_its_reservation_and_is_made_again() -> None:
    key, provider = new_run(), Provider()

    def fail(_: ChatRequest) -> Completion:
        assert budgets(key.tenant_id, key.run_id)[0].reserved > 0
        raise CallFailed("model gave nothing\x00\ud800", status="timeout")

    with pytest.raises(CallFailed):
        pay(key, fail)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.state, row.error, row.charged_usd) == ("failed", "model gave nothing?", None)
    assert [b.reserved for b in budgets(key.tenant_id, key.run_id)] == [0, 0, 0]
    assert pay(key, provider) == ("answer 1", False)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.state, row.error, row.attempts, row.lost) == ("settled", None, 2, 0)


def test_an_interrupted_call_is_lost_not_failed() -> None:
    key = new_run()

    def interrupt(_: ChatRequest) -> Completion:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pay(key, interrupt)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.state, row.lost) == ("lost", 1)
    assert budgets(key.tenant_id, key.run_id)[0].reserved == 0


def test_a_call_that_settles_after_it_was_given_up_is_still_paid_for(fresh_database: str) -> None:
    key = new_run()

    def slow(_: ChatRequest) -> Completion:
        age(key.tenant_id, (key.run_id,))
        assert reclaim_stale() == 1
        return completion("late")

    assert pay(key, slow) == ("late", False)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.state, row.lost, row.charged_usd) == ("settled", 1, 0.01)
    assert [(float(b.settled), float(b.reserved)) for b in budgets(key.tenant_id, key.run_id)] == [(0.01, 0)] * 3


def test_a_call_whose_reservation_a_dead_server_lost_is_still_recorded(database: str) -> None:
    key = new_run()

    def crashed(_: ChatRequest) -> Completion:
        with as_owner(database) as cursor:
            for table in ("model_calls", "budgets"):
                cursor.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (key.tenant_id,))
        return completion("paid")

    assert pay(key, crashed) == ("paid", False)
    assert pay(key, crashed) == ("paid", True)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.state, row.attempts, row.lost, row.charged_usd) == ("settled", 1, 0, 0.01)
    assert [(float(b.settled), float(b.reserved)) for b in budgets(key.tenant_id, key.run_id)] == [(0.01, 0)] * 3


def test_of_two_processes_the_first_answer_stands_and_both_are_charged(tmp_path: Path) -> None:
    key = new_run()
    asked = f"{key.run_id} 0"
    step = CallKey(key.tenant_id, key.run_id, "step0")

    def overtaken(_: ChatRequest) -> Completion:
        work_through(Work(tenant_id=key.tenant_id, runs=(key.run_id,), calls=1, threads=1, paid=tmp_path / "paid"))
        return completion("ours")

    answer, from_ledger = pay(step, overtaken, asked)
    assert answer.startswith(f"{asked}: answered by")
    assert not from_ledger
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.lost, row.charged_usd) == (1, 0.02)
    assert [(float(b.settled), float(b.reserved)) for b in budgets(key.tenant_id, key.run_id)] == [(0.02, 0)] * 3


def test_a_settlement_that_is_sent_again_charges_once() -> None:
    key = new_run()
    pay(key, Provider())
    (row,) = ledger_of(key.tenant_id, key.run_id)
    for attempt, charged in ((row.attempts, 0.01), (row.attempts + 1, 0.02)):
        with tenant_transaction(key.tenant_id) as cursor:
            cursor.execute(
                "SELECT stored::json ->> 'text' FROM settle_call(%s, %s, 'step', 0, 0, %s, %s, '{}', 'm', 1, 1, "
                "0.01, 0.01, 1, 0.8)",
                (key.tenant_id, key.run_id, row.digest, attempt),
            )
            assert cursor.fetchone() == ("answer 1",)
        assert float(budgets(key.tenant_id, key.run_id)[0].settled) == charged


def test_threads_with_the_same_key_pay_once() -> None:
    key, provider = new_run(), Provider()
    together = Barrier(8)

    def ask(_: int) -> str:
        together.wait(10)
        return pay(key, provider)[0]

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(ask, range(8))) == {"answer 1"}
    assert provider.paid == 1


def test_an_unknown_cost_is_counted_and_charged_at_the_ceiling() -> None:
    key = new_run()
    paid_call(key, request("q"), Provider(None), estimate=lambda _: 0.02, charge=lambda *_: 0.015)
    (row,) = ledger_of(key.tenant_id, key.run_id)
    assert (row.cost_usd, row.charged_usd) == (None, 0.015)
    assert spent(key.tenant_id, key.run_id).unknown_cost_calls == 1
    assert float(budgets(key.tenant_id, key.run_id)[0].settled) == 0.015


def test_any_text_of_a_model_is_kept_as_it_was() -> None:
    text = 'NUL \x00, quotes " and \\, \u2028, emoji \U0001f600'
    key = new_run()
    paid_call(key, request(text), lambda _: completion(text), estimate=lambda _: 0.02)
    assert pay(key, Provider(), text) == (text, True)


def test_the_sum_of_what_stands_under_a_path() -> None:
    key, provider = new_run(), Provider()
    for path in ("loop@1", "loop@2", "loop_%", "loop"):
        pay(CallKey(key.tenant_id, key.run_id, path), provider)
    assert spent(key.tenant_id, key.run_id, under=["loop@"]).calls == 2
    assert spent(key.tenant_id, key.run_id).tokens == 4 * 30


def test_a_record_is_made_once_and_read_back() -> None:
    key = new_run()
    texts = iter(['{"b":1, "a":"\\u0000"}', '{"c":2}'])
    first = record(key.tenant_id, key.run_id, "recall", "lessons", lambda: next(texts))
    assert first == '{"b":1, "a":"\\u0000"}'
    assert record(key.tenant_id, key.run_id, "recall", "lessons", lambda: next(texts)) == first
    assert next(texts) == '{"c":2}'


def test_of_two_records_the_first_written_wins() -> None:
    key = new_run()

    def slower() -> str:
        return f'["slow", {record(key.tenant_id, key.run_id, "recall", "lessons", lambda: "1")}]'

    assert record(key.tenant_id, key.run_id, "recall", "lessons", slower) == "1"


def test_a_tenant_sees_nothing_of_another() -> None:
    ours, theirs = new_run(run_id="same"), new_run(run_id="same")
    assert pay(ours, Provider()) == ("answer 1", False)
    assert ledger_of(theirs.tenant_id, "same") == ()
    assert [b.settled for b in budgets(theirs.tenant_id, "same")] == [0, 0, 0]
    assert pay(theirs, Provider()) == ("answer 1", False)
    assert spent(ours.tenant_id, "same").calls == 1


def test_compaction_drops_the_texts_of_concluded_runs_and_keeps_their_sums(fresh_database: str) -> None:
    key, going_on = new_run(), new_run()
    for one in (key, going_on):
        pay(one, Provider())
    conclude_run(key.tenant_id, key.run_id, "done", "{}")
    before = spent(key.tenant_id, key.run_id)
    assert compact(1) == 0, "it concluded just now"
    with as_owner(fresh_database) as cursor:
        cursor.execute("UPDATE runs SET concluded_at = concluded_at - interval '2 days'")
    assert compact(1) == 1
    assert compact(1) == 0
    assert spent(key.tenant_id, key.run_id) == before
    with pytest.raises(RadiantError, match="were compacted"):
        pay(key, Provider())
    assert pay(going_on, Provider()) == ("answer 1", True)
    with pytest.raises(BadInput, match="1 or more"):
        compact(0)


def test_digests_are_keyed(monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadPoolExecutor(8) as threads:
        assert len(set(threads.map(keyed_digest, ["prompt"] * 32))) == 1
    path = settings().home / "hmac.key"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in path.parent.iterdir() if "hmac" in p.name] == ["hmac.key"]
    stored = keyed_digest("prompt")
    monkeypatch.setenv("RADIANT_HMAC_KEY", "another")
    settings.cache_clear()
    assert len({stored, keyed_digest("prompt"), keyed_digest("prompt ")}) == 3


def test_killed_at_random_moments_it_pays_no_settled_call_again(tmp_path: Path) -> None:
    chance = random.Random(7)
    key = new_run()
    work = Work(tenant_id=key.tenant_id, runs=(key.run_id,), calls=40, threads=1, paid=tmp_path / "paid", tells=True)
    seen, settled = 0, set[str]()
    for _ in range(4):
        kill_after(work, calls=chance.randint(1, 9))
        calls = work.paid.read_text().splitlines()
        assert len(calls) > seen, "it went on"
        assert not settled & set(calls[seen:])
        seen = len(calls)
        rows = ledger_of(key.tenant_id, key.run_id)
        settled = {called(key, row) for row in rows if row.state == "settled"}
    work_through(work)
    calls = work.paid.read_text().splitlines()
    assert not settled & set(calls[seen:])
    rows = ledger_of(key.tenant_id, key.run_id)
    assert [row.state for row in rows] == ["settled"] * 40
    for row in rows:
        assert 1 <= calls.count(called(key, row)) <= 1 + row.lost
    assert sum(row.lost for row in rows) <= 4, "a kill loses the one call that was under way"
    run = budgets(key.tenant_id, key.run_id)[0]
    assert (float(run.settled), float(run.reserved)) == (0.4, 0)


def called(key: CallKey, row: LedgerRow) -> str:
    """What the provider wrote down for a call."""
    return f"{key.run_id} {row.path.removeprefix('step')}"


def kill_after(work: Work, *, calls: int) -> None:
    with start(work) as process:
        assert process.stdout is not None
        for _ in range(calls):
            assert process.stdout.readline().startswith(b"paid")
        process.kill()


def work_through(work: Work) -> None:
    with start(work) as process:
        assert process.stdout is not None
        assert process.stdout.readlines()[-1].startswith(b"done")
    assert process.returncode == 0
