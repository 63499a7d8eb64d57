"""What a webhook is told of reviews: once, signed, and nothing personal."""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from email.message import Message
from uuid import uuid4

import pytest
from psycopg2.errors import CheckViolation

from tests.conftest import as_owner
from tests.webhook import DOCUMENT, SECRET, Receiver, genuine, ours, rows
from utils import reviews
from utils.errors import BadInput
from utils.notifications import Round, deliver_due, finish, signature
from utils.settings import settings


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
