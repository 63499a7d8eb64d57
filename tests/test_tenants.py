"""Two tenants ask the same and learn on the same topic: nothing of one ever reaches the other."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg2
import pytest
from click.testing import CliRunner
from psycopg2 import errors
from psycopg2.extensions import make_dsn, parse_dsn

from scripts.radiant import main as radiant_main
from tasks.librarian import cleanup_expired_heuristics
from tests.conftest import as_owner
from tests.fake_openai import FakeOpenAI, Reply, Request
from tests.pyflyte import think_tank
from tests.simulated import simulated
from utils import db, migrate
from utils.accounts import ensure_personal
from utils.errors import BadInput
from utils.lessons import CleanupCount
from utils.runs import get_run
from utils.settings import settings

ASK = ("--prompt", "Should a startup move from a monolith to microservices?", "--require_approval", "--run_id")
SHARED = {"when": "a startup weighs moving from a monolith to microservices", "do": "list what each costs first"}
LIBRARIAN = "You are the librarian"


@dataclass(frozen=True)
class Member:
    """A tenant's one user; what the tenant learns holds its secret word."""

    secret: str
    tenant: UUID = field(default_factory=uuid4)
    user: UUID = field(default_factory=uuid4)

    def lesson(self) -> dict[str, str]:
        return {"when": "a small startup weighs a monolith", "do": f"ask the {self.secret} team first"}


AMBER, COBALT = Member("amber"), Member("cobalt")


@dataclass
class Office:
    """Where the members ask, one after the other, in one process."""

    fake: FakeOpenAI
    database: str
    monkeypatch: pytest.MonkeyPatch
    asking: Member = AMBER

    def __post_init__(self) -> None:
        self.fake.behave = self._behave

    def ask(self, member: Member, run_id: str, exit_code: int = 3) -> list[Request]:
        """The main job, by that member; gives all that models were sent for it."""
        self._sit_down(member)
        before = len(self.fake.requests)
        done = think_tank(*ASK, run_id)
        assert done.exit_code == exit_code, done
        return self.fake.requests[before:]

    def decide(self, member: Member, *words: str) -> None:
        self._sit_down(member)
        done = CliRunner().invoke(radiant_main, list(words), prog_name="radiant")
        assert done.exit_code == 0, done.output

    def grimoire(self, member: Member) -> dict[str, tuple[int, int, int, bool]]:
        """Each lesson's action with its helpful, harmful and confirmations, and whether it is provisional."""
        with as_owner(self.database) as cursor:
            cursor.execute(_LESSONS, (str(member.tenant),))
            rows = cursor.fetchall()
        assert len({row[0] for row in rows}) == len(rows), "no lesson twice"
        return {row[0]: row[1:] for row in rows}

    def _sit_down(self, member: Member) -> None:
        self.asking = member
        ensure_personal(member.tenant, member.user)
        self.monkeypatch.setenv("RADIANT_TENANT_ID", str(member.tenant))
        self.monkeypatch.setenv("RADIANT_USER_ID", str(member.user))
        settings.cache_clear()

    def _behave(self, request: Request) -> Reply:
        if system(request).startswith(LIBRARIAN):
            return Reply(json.dumps({"lessons": [SHARED, self.asking.lesson()]}))
        return simulated(request)


@pytest.fixture
def office(fake_openai: FakeOpenAI, fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(fake_openai, fresh_database, monkeypatch)


@pytest.fixture
def taught(office: Office) -> Office:
    """Both asked once, under the same run_id, and were taught the same lesson and one of their own."""
    for member, other in ((AMBER, COBALT), (COBALT, AMBER)):
        first = office.ask(member, "first")
        assert not any("<lessons>" in system(r) for r in chats(first)), "its Grimoire is empty"
        office.decide(member, "approve", "first")
        assert other.secret not in said(first + office.ask(member, "first", 0))
    return office


def system(request: Request) -> str:
    return str(request.body["messages"][0]["content"])


def chats(requests: list[Request]) -> list[Request]:
    return [r for r in requests if r.path.endswith("/chat/completions")]


def said(requests: list[Request]) -> str:
    return json.dumps([r.body for r in requests])


def test_the_same_lesson_of_two_tenants_is_two_lessons(taught: Office) -> None:
    for member in (AMBER, COBALT):
        new = (0, 0, 0, False)
        assert taught.grimoire(member) == {SHARED["do"]: new, member.lesson()["do"]: new}


def test_a_prompt_holds_the_lessons_of_its_own_tenant_only(taught: Office) -> None:
    for member, other in ((AMBER, COBALT), (COBALT, AMBER)):
        sent = taught.ask(member, "second")
        prompts = [system(r) for r in chats(sent) if "<lessons>" in system(r)]
        assert len(prompts) == 4, "three specialists and a synthesis"
        for prompt in prompts:
            assert prompt.count(member.lesson()["do"]) == 1
            assert prompt.count(SHARED["do"]) == 1
        assert other.secret not in said(sent)


def test_a_decision_rates_the_lessons_of_its_own_tenant_only(taught: Office) -> None:
    taught.ask(AMBER, "second")
    taught.ask(COBALT, "second")
    before = taught.grimoire(COBALT)
    taught.decide(AMBER, "approve", "second")
    taught.ask(AMBER, "second", 0)
    assert {counters[:2] for counters in taught.grimoire(AMBER).values()} == {(1, 0)}
    assert taught.grimoire(COBALT) == before
    taught.decide(COBALT, "reject", "second", "--reason", "wrong")
    taught.ask(COBALT, "second", 4)
    assert {counters[:2] for counters in taught.grimoire(AMBER).values()} == {(1, 0)}
    assert {counters[:2] for counters in taught.grimoire(COBALT).values()} == {(0, 1)}


def test_the_clean_up_of_one_leaves_the_other_its_lessons(taught: Office) -> None:
    kept = taught.grimoire(COBALT)
    with as_owner(taught.database) as cursor:
        cursor.execute(_EXPIRE, (str(AMBER.tenant),))
    assert cleanup_expired_heuristics() == CleanupCount(expired=2, low_confidence=0)
    assert taught.grimoire(AMBER) == {}
    assert taught.grimoire(COBALT) == kept
    assert "<lessons>" not in said(taught.ask(AMBER, "second"))
    assert COBALT.lesson()["do"] in said(taught.ask(COBALT, "second"))


def test_a_run_is_its_tenants_alone(taught: Office) -> None:
    taught.ask(AMBER, "only-here")
    with pytest.raises(BadInput, match="only-here"):
        get_run(COBALT.tenant, "only-here")
    taught.decide(COBALT, "inbox")
    refused = CliRunner().invoke(radiant_main, ["approve", "only-here"], prog_name="radiant")
    assert refused.exit_code == 2
    assert get_run(AMBER.tenant, "only-here").status == "waiting"
    sent = taught.ask(COBALT, "only-here")
    assert chats(sent), "a run of its own, though the other has one of that id"
    assert AMBER.secret not in said(sent)


@contextmanager
def as_app(database: str) -> Iterator["db.Cursor"]:
    """A connection of a login that may be the app, and nothing else, as in production."""
    login = f"radiant_test_{uuid4().hex}"
    with as_owner(database) as owner:
        owner.execute(f"CREATE ROLE {login} LOGIN NOINHERIT PASSWORD 'test' IN ROLE {migrate.APP_ROLE}")
        options = f"-c role={migrate.APP_ROLE}"
        connection = psycopg2.connect(make_dsn(database, user=login, password="test", options=options))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
            owner.execute(f"DROP ROLE {login}")


def test_a_connection_without_a_tenant_sees_no_rows(taught: Office) -> None:
    with as_owner(taught.database) as cursor:
        cursor.execute(_TABLES)
        tables = [table for (table,) in cursor.fetchall()]
        used = [table for table in tables if counted(cursor, table)]
    assert {"runs", "model_calls", "step_records", "knowledge_heuristics", "reviews", "budgets"} <= set(used)
    with as_app(taught.database) as cursor:
        assert {table: counted(cursor, table) for table in tables} == dict.fromkeys(tables, 0)
        cursor.execute("SELECT set_config('app.current_tenant_id', '', false)")
        assert counted(cursor, "knowledge_heuristics") == 0


def counted(cursor: "db.Cursor", table: str) -> int:
    cursor.execute(f"SELECT count(*) FROM {table}")
    (found,) = cursor.fetchone() or (-1,)
    return int(found)


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE radiant_maintenance",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "SET ROLE NONE; SELECT * FROM knowledge_heuristics",
        "SET row_security = off; SELECT * FROM knowledge_heuristics",
        "COPY knowledge_heuristics TO PROGRAM 'cat'",
        "CREATE FUNCTION public.peek() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "ALTER TABLE knowledge_heuristics OWNER TO radiant_app",
        "ALTER FUNCTION reclaim_reservations(interval) SECURITY DEFINER",
        "GRANT radiant_maintenance TO radiant_app",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
def test_the_app_cannot_get_around_it(database: str, statement: str) -> None:
    owner = parse_dsn(database).get("user", "postgres")
    with as_app(database) as cursor, pytest.raises(errors.InsufficientPrivilege):
        cursor.execute(statement.format(owner=owner))


def test_a_function_of_the_apps_own_is_not_shown_the_rows_of_others(taught: Office) -> None:
    with as_app(taught.database) as cursor:
        cursor.execute(_PEEK)
        cursor.execute("SELECT set_config('app.current_tenant_id', %s, false)", (str(AMBER.tenant),))
        cursor.execute("SELECT count(*) FROM knowledge_heuristics WHERE pg_temp.peek(action_template)")
        assert cursor.fetchone() == (2,)
        shown = "".join(cursor.connection.notices)
    assert AMBER.secret in shown
    assert COBALT.secret not in shown


_LESSONS = """
SELECT action_template, helpful, harmful, confirmations, provisional FROM knowledge_heuristics WHERE tenant_id = %s
"""
_EXPIRE = "UPDATE knowledge_heuristics SET expires_at = now() - interval '1 second' WHERE tenant_id = %s"
_TABLES = """
SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relrowsecurity
"""
_PEEK = """
CREATE FUNCTION pg_temp.peek(value text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001
AS $$ BEGIN RAISE NOTICE '%', value; RETURN true; END $$
"""
"""So cheap that a planner who may would ask it before the policy."""
