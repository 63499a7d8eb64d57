"""Delivery of notifications: at least once, one at a time, tried again, never in the way of a run."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.webhook import SECRET, Ours, Receiver, genuine, ours, rows, time_passes
from utils import notifications
from utils.notifications import MOST_ATTEMPTS, Round, deliver_due, finish, wait_after
from utils.settings import settings


@pytest.mark.usefixtures("later")
def test_what_was_refused_is_tried_again_under_the_same_id(database: str, receiver: Receiver) -> None:
    receiver.answers = [500]
    ours().open()
    before = datetime.now(UTC)
    assert deliver_due() == Round(postponed=1)
    ((attempts, due, error, done),) = rows(database, "attempts, next_attempt_at, last_error, delivered_at")
    assert (attempts, error, done) == (1, "HTTP 500", None)
    assert 20 < (due - before).total_seconds() < 45
    assert deliver_due() == Round(), "not before its time"
    time_passes(database)
    assert deliver_due() == Round(delivered=1)
    assert rows(database, "attempts, last_error, delivered_at IS NOT NULL") == [(2, None, True)]
    first, second = receiver.posts
    assert (first.id, first.body) == (second.id, second.body)
    assert genuine(SECRET, second)


@pytest.mark.usefixtures("later")
def test_a_redirect_is_not_followed(database: str, receiver: Receiver) -> None:
    receiver.answers = [307]
    ours().open()
    assert deliver_due() == Round(postponed=1)
    assert len(receiver.posts) == 1
    assert rows(database, "last_error") == [("HTTP 307",)]


@pytest.mark.usefixtures("later")
def test_it_gives_up_in_the_end_and_keeps_what_it_could_not_deliver(database: str, receiver: Receiver) -> None:
    receiver.answers = [503] * (MOST_ATTEMPTS + 1)
    ours().open()
    for _ in range(MOST_ATTEMPTS - 1):
        assert deliver_due() == Round(postponed=1)
        time_passes(database)
    assert deliver_due() == Round(given_up=1)
    time_passes(database)
    assert deliver_due() == Round()
    assert len(receiver.posts) == MOST_ATTEMPTS
    assert rows(database, "attempts, last_error, failed_at IS NOT NULL") == [(MOST_ATTEMPTS, "HTTP 503", True)]


def test_a_receiver_that_hangs_holds_nobody_up(receiver: Receiver) -> None:
    receiver.holds = True
    us = ours()
    us.open("first")
    assert receiver.arrived.acquire(timeout=20)
    us.open("second")
    assert us.open("third").status == "open"
    assert not finish(0.01), "the first is being delivered all the while"
    assert [p.told["data"]["path"] for p in receiver.posts] == ["first"]
    receiver.released.set()
    assert finish(20)
    assert [p.told["data"]["path"] for p in receiver.posts] == ["first", "second", "third"]


@pytest.mark.usefixtures("later")
def test_a_receiver_without_an_answer_ends_the_round(
    database: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifications, "TIMEOUT_SECONDS", (0.1, 0.1))
    receiver.holds = True
    us = ours()
    us.open("first")
    us.open("second")
    assert deliver_due() == Round(postponed=1)
    assert len(receiver.posts) == 1
    assert rows(database, "path, attempts, last_error") == [("first", 1, "ReadTimeout"), ("second", 0, None)]


@pytest.mark.usefixtures("later")
def test_nobody_there_is_tried_again(database: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    ours().open()
    monkeypatch.setenv("RADIANT_WEBHOOK_URL", "http://127.0.0.1:1/token-of-ours")
    settings.cache_clear()
    assert deliver_due() == Round(postponed=1)
    assert rows(database, "last_error") == [("ConnectionError",)], "without the address, which may hold a token"


@pytest.mark.usefixtures("later")
def test_who_dies_with_a_notification_leaves_it_to_the_next(database: str, receiver: Receiver) -> None:
    ours().open()
    died = notifications._claim(None)
    assert died is not None
    assert deliver_due() == Round(), "as long as the other may be posting it"
    assert rows(database, "next_attempt_at > now() + interval '30 seconds'") == [(True,)]
    time_passes(database)
    assert deliver_due() == Round(delivered=1)
    assert [post.id for post in receiver.posts] == [str(died.id)]


@pytest.mark.usefixtures("later", "receiver")
def test_a_late_failure_does_not_undo_a_later_attempt(database: str) -> None:
    us = ours()
    us.open()
    slow = notifications._claim(None)
    assert slow is not None
    time_passes(database)
    again = notifications._claim(None)
    assert again is not None
    notifications._record(slow, notifications._Answer(500, "HTTP 500"), None)
    assert rows(database, "last_error, next_attempt_at > now() + interval '50 seconds'") == [(None, True)]
    notifications._record(slow, notifications._Answer(200), None)
    notifications._record(again, notifications._Answer(500, "HTTP 500"), None)
    assert rows(database, "last_error, delivered_at IS NOT NULL") == [(None, True)]


@pytest.mark.usefixtures("later")
def test_deliverers_side_by_side_share_the_work(receiver: Receiver) -> None:
    us = ours()
    for number in range(12):
        us.open(f"review[{number}]")
    with ThreadPoolExecutor(4) as pool:
        rounds = list(pool.map(lambda _: deliver_due(), range(4)))
    assert sum(r.delivered for r in rounds) == 12
    assert len({post.id for post in receiver.posts}) == len(receiver.posts) == 12


@pytest.mark.usefixtures("later")
def test_what_one_is_posting_no_other_posts(receiver: Receiver) -> None:
    receiver.holds = True
    us = ours()
    us.open()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(deliver_due)
        assert receiver.arrived.acquire(timeout=20)
        assert deliver_due() == deliver_due(tenant_id=us.tenant) == Round()
        receiver.released.set()
        assert first.result(20) == Round(delivered=1)
    assert len(receiver.posts) == 1


@pytest.mark.usefixtures("later")
def test_maintenance_delivers_for_all_tenants_and_the_app_for_its_own(receiver: Receiver) -> None:
    us, them, others = ours(), ours(), ours()
    for one in (us, them, others):
        one.open()
    assert deliver_due(tenant_id=us.tenant) == Round(delivered=1)
    assert [post.told["data"]["tenant_id"] for post in receiver.posts] == [str(us.tenant)]
    assert deliver_due(limit=1) == Round(delivered=1)
    assert deliver_due() == Round(delivered=1)
    assert {post.told["data"]["run_id"] for post in receiver.posts} == {us.run, them.run, others.run}


def test_a_process_that_ends_at_once_still_tells(receiver: Receiver) -> None:
    us = ours()
    assert _process(us, "notifications.LAST_SECONDS = 20") == 0
    assert [post.told["data"]["run_id"] for post in receiver.posts] == [us.run]


def test_a_process_does_not_wait_for_a_receiver_that_hangs(database: str, receiver: Receiver) -> None:
    receiver.holds = True
    assert _process(ours(), "") == 0
    assert rows(database, "delivered_at, last_error") == [(None, None)], "not even the time-out was awaited"


def _process(us: Ours, before: str) -> int:
    """The exit code of a process that opens a review and ends. The environment gives it database and webhook."""
    program = f"""
from uuid import UUID
from utils import notifications
from utils.reviews import Choice, Question, open_review
{before}
open_review(UUID("{us.tenant}"), "{us.run}", "review", Question("Right?", "general", "", (Choice("yes"),)))
"""
    return subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode


def test_a_delivery_that_breaks_raises_nowhere(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(claim: object) -> None:
        raise ZeroDivisionError("whatever it is")

    post = notifications._post
    monkeypatch.setattr(notifications, "_post", broken)
    us = ours()
    assert us.open("first").status == "open"
    assert finish(20)
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.setattr(notifications, "_post", post)
    us.open("second")
    assert finish(20)
    assert [p.told["data"]["path"] for p in receiver.posts] == ["second"], "the first waits for its lease to end"


@given(st.integers(1, 60))
def test_waits_grow_fourfold_up_to_six_hours(attempt: int) -> None:
    middle = min(30 * 4 ** (attempt - 1), 6 * 3600)
    assert 0.75 * middle <= wait_after(attempt) <= 1.25 * middle
