"""A webhook with real HTTP, and a tenant whose runs ask people."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.conftest import as_owner
from utils import notifications, reviews
from utils.accounts import ensure_personal
from utils.notifications import finish
from utils.reviews import Choice, Question, Review
from utils.runs import OpenRequest, open_run
from utils.settings import settings

DOCUMENT = (Path(__file__).parents[1] / "docs" / "notifications.md").read_text(encoding="utf-8")
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
