"""Notifications: told once it happened, signed, at least once, never in the way of a run."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg2.errors import CheckViolation

from tests.conftest import as_owner
from utils import notifications, reviews
from utils.accounts import ensure_personal
from utils.errors import BadInput
from utils.notifications import MOST_ATTEMPTS, Round, deliver_due, finish, signature, wait_after
from utils.reviews import Choice, Question, Review
from utils.runs import OpenRequest, open_run
from utils.settings import settings

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
CHOICES = (Choice("approve"), Choice("edit", takes_text=True))
QUESTION = Question(
    "Is ada@example.org right?",
    "medical",
    "shown: [PERSON 1] has gout",
    CHOICES,
    placeholders={"[PERSON 1]": "Ada Lovelace"},
    waits=300,
)
DOCUMENT = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Post:
    """One request that arrived."""

    headers: Message
    body: bytes

    @property
    def id(self) -> str:
        return str(self.headers["webhook-id"])

    @property
    def told(self) -> dict[str, Any]:
        told = json.loads(self.body)
        assert isinstance(told, dict)
        return told


@dataclass
class Receiver:
    """A running webhook. It answers the statuses of `answers` in turn, then 200; while `holds` it answers nothing."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    holds: bool = False
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    released: threading.Event = field(default_factory=threading.Event)

    def take(self, post: Post) -> int:
        self.posts.append(post)
        self.arrived.release()
        if self.holds:
            self.released.wait(30)
        return self.answers.pop(0) if self.answers else 200


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.take(Post(self.headers, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.send_header("location", f"{receiver.url}/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

        def handle(self) -> None:
            with suppress(ConnectionError):  # a sender that gave up
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A sender that is gone gets no answer."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield receiver
        finally:
            receiver.released.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with as_owner(database) as cursor:
        cursor.execute("DELETE FROM notifications")  # of other tests: maintenance delivers for all tenants
    with receiving() as running:
        monkeypatch.setenv("RADIANT_WEBHOOK_URL", running.url)
        monkeypatch.setenv("RADIANT_WEBHOOK_SECRET", SECRET)
        settings.cache_clear()
        yield running
        running.released.set()
        assert finish(20)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is delivered until a test does."""
    monkeypatch.setattr(notifications, "_courier", _Nobody())


class _Nobody(notifications._Courier):
    def wake(self, tenant_id: UUID) -> None:
        """As in a process that dies as soon as it has committed."""


@dataclass(frozen=True)
class Ours:
    """A tenant, its user, and one of its runs."""

    tenant: UUID
    user: UUID
    run: str

    def open(self, path: str = "review", question: Question = QUESTION) -> Review:
        return reviews.open_review(self.tenant, self.run, path, question)


def ours() -> Ours:
    tenant, user = uuid4(), uuid4()
    ensure_personal(tenant, user)
    return Ours(tenant, user, open_run(OpenRequest(tenant, user, "think_tank", "{}", "{}")).run_id)


def rows(database: str, columns: str) -> list[tuple[Any, ...]]:
    with as_owner(database) as cursor:
        cursor.execute(f"SELECT {columns} FROM notifications ORDER BY created_at, id")
        return cursor.fetchall()


def time_passes(database: str, hours: int = 24) -> None:
    with as_owner(database) as cursor:
        cursor.execute(
            "UPDATE notifications SET next_attempt_at = next_attempt_at - make_interval(hours => %s)", (hours,)
        )


def genuine(secret: str, post: Post) -> bool:
    """As the document tells receivers to verify."""
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    verdict = names["genuine"](secret, post.headers, post.body)
    assert isinstance(verdict, bool)
    return verdict


def test_a_review_that_opens_is_told_once(receiver: Receiver) -> None:
    us = ours()
    review = us.open()
    assert us.open() == review
    assert finish(20)
    assert deliver_due() == Round(), "nothing is left"
    (post,) = receiver.posts
    assert post.told["type"] == "review.opened"
    assert datetime.fromisoformat(post.told["timestamp"]) == review.opened_at
    assert post.told["data"] == {
        "review_id": str(review.id),
        "tenant_id": str(us.tenant),
        "run_id": us.run,
        "path": "review",
        "workflow": "think_tank",
        "user_id": str(us.user),
        "domain": "medical",
        "asks": "reviewer",
        "question": "Is [EMAIL 1] right?",
        "choices": ["approve", "edit"],
        "opened_at": post.told["timestamp"],
        "expires_at": post.told["data"]["expires_at"],
    }
    assert datetime.fromisoformat(post.told["data"]["expires_at"]) == review.expires_at


def test_the_document_shows_what_is_posted(receiver: Receiver) -> None:
    ours().open()
    assert finish(20)
    (example,) = re.findall(r"^```json\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert json.loads(example)["data"].keys() == receiver.posts[0].told["data"].keys()


def test_receivers_can_verify_it_and_see_forgeries(receiver: Receiver) -> None:
    ours().open()
    assert finish(20)
    (post,) = receiver.posts
    assert post.headers["content-type"] == "application/json"
    assert genuine(SECRET, post)
    assert not genuine("whsec_" + "A" * 32, post)
    assert not genuine(SECRET, replace(post, body=post.body.replace(b"approve", b"reject_")))
    for name, value in (("webhook-id", str(uuid4())), ("webhook-timestamp", "1700000000")):
        forged = Message()
        for header, text in post.headers.items():
            forged[header] = value if header == name else text
        assert not genuine(SECRET, replace(post, headers=forged)), name


def test_the_signature_is_the_standard_s() -> None:
    """The vector of the reference implementation's tests."""
    body = b'{"test": 2432232314}'
    signed = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.usefixtures("receiver", "later")
def test_nothing_personal_is_stored(database: str) -> None:
    us = ours()
    reviews.decide(us.open(), "edit", "Ada Lovelace is well", by=us.user)
    stored = str(rows(database, "payload::text, path, last_error"))
    assert "review.opened" in stored
    assert "review.decided" in stored
    for secret in ("ada@example.org", "Ada", "gout", "well", "PERSON"):
        assert secret not in stored


@pytest.mark.usefixtures("later")
def test_decisions_expiries_and_openings_anew_are_told(receiver: Receiver) -> None:
    us = ours()
    first = us.open("first")
    reviews.expire(first)
    reviews.expire(first)
    us.open("first")
    decided = reviews.decide(us.open("second"), "approve", "", by=us.user)
    with pytest.raises(BadInput):
        reviews.decide(decided, "approve", "", by=us.user)
    assert deliver_due() == Round(delivered=5)
    told = [(p.told["data"]["path"], p.told["type"].removeprefix("review.")) for p in receiver.posts]
    assert told == [
        ("first", "opened"),
        ("first", "expired"),
        ("first", "opened"),
        ("second", "opened"),
        ("second", "decided"),
    ]
    assert len({post.id for post in receiver.posts}) == 5
    data = receiver.posts[-1].told["data"]
    assert (data["decision"], data["resolved_by"], "question" in data) == ("approve", str(us.user), False)
    assert datetime.fromisoformat(data["resolved_at"]) == decided.resolved_at


@pytest.mark.usefixtures("receiver", "later")
def test_a_review_and_what_is_told_of_it_are_written_together_or_not_at_all(database: str) -> None:
    us = ours()
    with as_owner(database) as cursor:
        cursor.execute("ALTER TABLE notifications ADD CONSTRAINT refused CHECK (path <> 'refused')")
        try:
            with pytest.raises(CheckViolation):
                us.open("refused")
        finally:
            cursor.execute("ALTER TABLE notifications DROP CONSTRAINT refused")
    assert reviews.find_review(us.tenant, us.run, "refused") is None
    us.open("refused")
    assert rows(database, "path") == [("refused",)]


def test_without_a_webhook_nothing_is_written(
    database: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RADIANT_WEBHOOK_URL")
    settings.cache_clear()
    us = ours()
    reviews.decide(us.open(), "approve", "", by=us.user)
    assert rows(database, "kind") == []
    assert deliver_due() == Round()
    assert receiver.posts == []


def test_many_that_open_one_review_at_once_tell_it_once(receiver: Receiver) -> None:
    us = ours()
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: us.open().id, range(8)))
    assert finish(20)
    assert len(set(opened)) == 1
    assert len(receiver.posts) == 1


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
    assert _process(us) == 0
    assert [post.told["data"]["run_id"] for post in receiver.posts] == [us.run]


def test_a_process_does_not_wait_for_a_receiver_that_hangs(database: str, receiver: Receiver) -> None:
    receiver.holds = True
    assert _process(ours()) == 0
    assert not receiver.released.is_set(), "it ended while the receiver held its post"
    assert rows(database, "attempts, delivered_at, last_error") == [(1, None, None)], (
        "not even the time-out was awaited"
    )


def _process(us: Ours) -> int:
    """The exit code of a process that opens a review and ends. The environment gives it database and webhook."""
    program = (
        "from uuid import UUID; from utils.reviews import Choice, Question, open_review;"
        f"open_review(UUID('{us.tenant}'), '{us.run}', 'review', Question('Right?', 'general', '', (Choice('yes'),)))"
    )
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


@pytest.mark.parametrize(
    ("url", "secret", "message"),
    [
        ("http://example.org/hook", SECRET, "RADIANT_WEBHOOK_URL: give an https:// address, or http://localhost"),
        ("http://localhost.example.org", SECRET, "RADIANT_WEBHOOK_URL: give an https"),
        ("ftp://localhost", SECRET, "RADIANT_WEBHOOK_URL: give an https"),
        ("https://", SECRET, "RADIANT_WEBHOOK_URL: give an https"),
        ("https://example.org", "", "RADIANT_WEBHOOK_SECRET: RADIANT_WEBHOOK_URL needs it: give whsec_"),
        ("https://example.org", "whsec_c2hvcnQ=", "RADIANT_WEBHOOK_SECRET: RADIANT_WEBHOOK_URL needs it"),
        (
            "https://example.org",
            "not base64 at all, yet long enough",
            "RADIANT_WEBHOOK_SECRET: RADIANT_WEBHOOK_URL needs",
        ),
    ],
)
def test_settings_that_do_not_fit_say_so_in_a_line(
    url: str, secret: str, message: str, told: Callable[[str, str], None]
) -> None:
    told(url, secret)
    with pytest.raises(BadInput) as raised:
        settings()
    assert raised.value.message.startswith(message)
    assert "\n" not in raised.value.message
    assert secret not in raised.value.message or not secret


@pytest.mark.parametrize("url", ["https://example.org/hook?token=x", "http://localhost:8080", "http://[::1]:8080/hook"])
def test_settings_that_fit_are_taken_and_not_shown(url: str, told: Callable[[str, str], None]) -> None:
    told(url, SECRET)
    assert settings().webhook_url.get_secret_value() == url
    assert url not in repr(settings())
    assert SECRET not in repr(settings())


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    def use(url: str, secret: str) -> None:
        monkeypatch.setenv("RADIANT_WEBHOOK_URL", url)
        monkeypatch.setenv("RADIANT_WEBHOOK_SECRET", secret)
        settings.cache_clear()

    yield use
    settings.cache_clear()
