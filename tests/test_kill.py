"""kill -9 at random moments, then the same command again: it ends as if nothing had happened, and pays once.

RADIANT_KILLS says how many kills; a few by default.
"""

import json
import os
import random
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner
from psycopg2.extensions import make_dsn

from scripts.radiant import main as radiant_main
from tests.conftest import as_owner
from tests.fake_openai import FakeOpenAI, Reply, Request
from tests.kill_worker import Ran, run, run_until
from tests.simulated import simulated
from utils import db
from utils.settings import settings

KILLS = int(os.environ.get("RADIANT_KILLS", "3"))
ASK = ("--prompt", "Should a 12-person startup move from a monolith to microservices?", "--run_id", "killed")
APPROVAL = (*ASK, "--require_approval")
LATENCY = 0.1
"""Seconds that the server takes for a reply, so that calls are under way when the kill comes."""
LATEST = 1.3
"""Up to when to kill, as a share of the time that a run took: no two take the same."""
LIBRARIAN = re.compile(r"^learn\b|/draft\b")
VICTIM = "victim"
"""What the killed processes' connections are called."""

Place = tuple[str, int, int, str]
"""Path, member, try and digest of a call."""


@dataclass(frozen=True)
class Row:
    """A call in the ledger, and what the model was sent."""

    place: Place
    state: str
    attempts: int
    lost: int
    charged: Decimal | None
    sent: str


@dataclass(frozen=True)
class Left:
    """All that a run leaves behind: the same for each run with the same inputs, however often it was killed."""

    result: dict[str, object]
    calls: frozenset[Place]
    tables: dict[str, list[tuple[object, ...]]]


@dataclass
class Trial:
    """One run of a tenant of its own, that is killed now and then."""

    fake: FakeOpenAI
    database: str
    tenant: UUID
    kills: int = 0
    under_way: set[tuple[Place, int]] = field(default_factory=set)
    """The calls, with their attempt, that were between reservation and settlement at a kill."""

    def __post_init__(self) -> None:
        self._before = len(self.fake.requests)
        self._environ = {"DATABASE_URL": make_dsn(self.database, application_name=VICTIM)}

    def end(self, words: tuple[str, ...], exit_code: int = 0) -> Ran:
        """Lets the run come to its end."""
        ran = run(words, self._environ)
        assert ran.done is not None, "it hung"
        assert ran.done.exit_code == exit_code, ran.done
        assert "Traceback" not in ran.done.stderr
        return ran

    def kill(self, words: tuple[str, ...], after: float) -> None:
        """Kills the run after so many seconds, unless it ended before."""
        self._died(run(words, self._environ, kill_after=after))

    def kill_at_review(self, words: tuple[str, ...]) -> None:
        """Kills the run as soon as its review stands in the database."""
        with as_owner(self.database) as cursor:

            def open_already() -> bool:
                cursor.execute("SELECT 1 FROM reviews WHERE tenant_id = %s", (str(self.tenant),))
                return cursor.fetchone() is not None

            self._died(run_until(words, self._environ, open_already))

    def rows(self) -> list[Row]:
        with as_owner(self.database) as cursor:
            cursor.execute(_CALLS, (str(self.tenant),))
            return [Row(row[:4], row[4], row[5], row[6], row[7], _sent(row[8])) for row in cursor.fetchall()]

    def asked(self) -> Counter[str]:
        """How often the server was asked for each completion of this run."""
        chats = (r for r in self.fake.requests[self._before :] if r.path.endswith("/chat/completions"))
        return Counter(_messages(r.body["messages"]) for r in chats)

    def left(self) -> Left:
        """What the run left behind; on the way, that its books are in order."""
        rows, asked = self.rows(), self.asked()
        assert {r.state for r in rows} == {"settled"}
        assert asked.keys() == {r.sent for r in rows}
        for row in rows:
            lost = sum(place == row.place for place, _ in self.under_way)
            assert row.lost == lost, f"{row.place}: lost {row.lost} times, {lost} times under way at a kill"
            assert 1 <= asked[row.sent] <= 1 + lost, row.place
        self._budgets_are_balanced(rows)
        with as_owner(self.database) as cursor:
            cursor.execute(_RESULT, (str(self.tenant),))
            ((result, status),) = cursor.fetchall()
            tables = {}
            for name, query in _TABLES.items():
                cursor.execute(query, (str(self.tenant),))
                tables[name] = cursor.fetchall()
        assert status == result["status"]
        _deck_is_whole(Path(str(result["deck"])))
        facts = ("answer", "status", "confidence", "outcome", "models", "calls", "tokens", "cost")
        return Left({f: result[f] for f in facts}, frozenset(r.place for r in rows), tables)

    def _budgets_are_balanced(self, rows: list[Row]) -> None:
        with as_owner(self.database) as cursor:
            cursor.execute(_BUDGETS, (str(self.tenant),))
            charged = sum((r.charged or Decimal(0) for r in rows), Decimal(0))
            assert cursor.fetchall() == [(kind, charged, 0) for kind in ("day", "hour", "run")]

    def _died(self, ran: Ran) -> None:
        if ran.done is not None:
            return
        self.kills += 1
        self._connections_are_gone()
        self.under_way |= {(r.place, r.attempts) for r in self.rows() if r.state == "reserved"}

    def _connections_are_gone(self) -> None:
        """The server may still be at what the dead process asked for last."""
        pause = threading.Event()
        with as_owner(self.database) as cursor:
            for _ in range(5000):
                cursor.execute(_CONNECTIONS, (VICTIM,))
                if cursor.fetchone() == (0,):
                    return
                pause.wait(0.002)
        raise AssertionError("the server still holds connections of a dead process")


@pytest.fixture
def slow(fake_openai: FakeOpenAI) -> FakeOpenAI:
    """A server whose replies take a while."""
    never = threading.Event()

    def behave(request: Request) -> Reply:
        never.wait(LATENCY)
        return simulated(request)

    fake_openai.behave = behave
    return fake_openai


@pytest.fixture
def trials(slow: FakeOpenAI, database: str, monkeypatch: pytest.MonkeyPatch) -> "Trials":
    return Trials(slow, database, monkeypatch)


@dataclass(frozen=True)
class Trials:
    fake: FakeOpenAI
    database: str
    monkeypatch: pytest.MonkeyPatch

    @contextmanager
    def tenant(self) -> Iterator[Trial]:
        """A tenant of its own: what stands in its rows is of one run."""
        tenant = uuid4()
        self.monkeypatch.setenv("RADIANT_TENANT_ID", str(tenant))
        settings.cache_clear()
        yield Trial(self.fake, self.database, tenant)
        db.reset()


def test_killed_at_random_moments_it_ends_as_if_nothing_had_happened(trials: Trials) -> None:
    chance = random.Random(11)
    with trials.tenant() as whole:
        seconds = whole.end(ASK).seconds
        wanted = whole.left()
    assert len(wanted.tables["manifests"]) == 1
    assert wanted.tables["signals"]
    assert wanted.tables["lessons"]
    kills = 0
    for number in range(3 * KILLS):
        with trials.tenant() as trial:
            share = LATEST * (number % KILLS + chance.random()) / KILLS
            trial.kill(ASK, share * seconds)
            if chance.random() < 0.5 and kills + trial.kills < KILLS:
                trial.kill(ASK, chance.random() * seconds)
            trial.end(ASK)
            assert trial.left() == wanted, f"killed after {share:.0%}"
        kills += trial.kills
        if kills >= KILLS:
            return
    pytest.fail(f"only {kills} runs were still alive when the kill came")


def test_what_ended_after_a_kill_is_given_again_for_nothing(trials: Trials) -> None:
    with trials.tenant() as trial:
        trial.kill(ASK, 0.5)
        first = trial.end(ASK).done
        asked = trial.asked()
        second = trial.end(ASK).done
        assert first is not None
        assert second is not None
        assert _facts(second.stdout) == _facts(first.stdout)
        assert trial.asked() == asked


def test_killed_around_a_review_it_waits_then_ends_as_approved(trials: Trials) -> None:
    chance = random.Random(12)
    with trials.tenant() as whole:
        seconds = whole.end(APPROVAL, 3).seconds
        approve()
        whole.end(APPROVAL)
        wanted = whole.left()
    assert [review[1:] for review in wanted.tables["reviews"]] == [("decided", "approve")]
    for number in range(1 + KILLS // 4):
        with trials.tenant() as trial:
            if number:
                trial.kill(APPROVAL, chance.random() * seconds)
            trial.kill_at_review(APPROVAL)
            if number % 2:
                trial.end(APPROVAL, 3)
            approve()
            before = trial.rows()
            trial.kill(APPROVAL, chance.random() * seconds)
            trial.end(APPROVAL)
            assert trial.left() == wanted
            after = {r.place for r in trial.rows()} - {r.place for r in before}
            assert all(LIBRARIAN.search(path) for path, *_ in after), "only the Librarian had something left to ask"


def approve() -> None:
    """`radiant approve`, by hand."""
    done = CliRunner().invoke(radiant_main, ["approve", "killed"], prog_name="radiant")
    assert done.exit_code == 0, done.output


def _facts(stdout: str) -> list[str]:
    return [line for line in stdout.splitlines() if not line.startswith("deck")]


def _deck_is_whole(deck: Path) -> None:
    page = deck.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")
    assert [p.name for p in deck.parent.iterdir()] == [deck.name], "nothing half-written beside it"


def _sent(request: str) -> str:
    return _messages(json.loads(request)["messages"])


def _messages(messages: list[dict[str, str]]) -> str:
    return json.dumps([[m["role"], m["content"]] for m in messages])


_CALLS = """
SELECT path, member, try, digest, state, attempts, lost, charged_usd, request::text FROM model_calls
WHERE tenant_id = %s
"""
_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
"""
_BUDGETS = """
SELECT kind, sum(settled_usd), sum(reserved_usd) FROM budgets WHERE tenant_id = %s GROUP BY kind ORDER BY kind
"""
_RESULT = "SELECT result, status FROM runs WHERE tenant_id = %s"
_TABLES = {
    "manifests": """
        SELECT status, total_cost, input_tokens, output_tokens, step_count, models_used FROM execution_manifests
        WHERE tenant_id = %s
    """,
    "signals": """
        SELECT signal_type, model_id, node_id, signal_value, source FROM neural_learning_signals
        WHERE tenant_id = %s ORDER BY 1, 2, 3
    """,
    "lessons": """
        SELECT trigger_pattern, action_template, confirmations, provisional, helpful, harmful, valid_to
        FROM knowledge_heuristics WHERE tenant_id = %s ORDER BY 1, 2
    """,
    "checks": "SELECT path, kind, risk_level, verdict, score FROM cato_checks WHERE tenant_id = %s ORDER BY 1, 2",
    "reviews": "SELECT path, status, decision FROM reviews WHERE tenant_id = %s ORDER BY 1",
}
