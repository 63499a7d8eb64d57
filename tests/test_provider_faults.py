"""The main job on a provider that fails in every way: what is retried, what stands in, what fails, and who pays.

By real HTTP through LiteLLM, with replies that arrive whole and in pieces.
"""

import json
import re
import threading
from collections import Counter
from decimal import Decimal
from typing import get_args

import pytest
from click.testing import CliRunner

from scripts.radiant import main as radiant_main
from tasks.result import Result
from tests.fake_openai import FakeOpenAI, Fault, Kind, Reply, Request
from tests.pyflyte import think_tank
from tests.simulated import simulated
from utils.db import tenant_transaction
from utils.ledger import LedgerRow, ledger_of, spent
from utils.runs import get_run
from utils.settings import settings
from workflows.think_tank_swarm import EDITOR

RUN = "faulty"
ASK = ("--prompt", "Should a 12-person startup move from a monolith to microservices?", "--run_id", RUN)
MODELS = ("openai/gpt-5.4-mini", "openai/gpt-6-luna", "openai/gpt-6-sol")
QUICK: tuple[Kind, ...] = tuple(k for k in get_args(Kind) if k != "hang")
PASSING: tuple[Kind, ...] = tuple(k for k in QUICK if k != "bad_request")
"""What may be gone at the next try, so that it is tried again."""

CAUSES = {
    "rate_limit": r"the provider's rate limit \(429\)",
    "server_error": r"an error at the provider \(500\)",
    "bad_request": r"the provider refused the request \(400\)",
    "reset": r"the connection to the provider broke",
    "malformed_body": r"its reply could not be read",
    "cut": r"the connection to the provider broke",
    "early_end": r"the connection to the provider broke",
}
"""What a person is told of each kind."""


@pytest.fixture
def fake(fake_openai: FakeOpenAI, database: str) -> FakeOpenAI:
    """A server that answers as it should."""
    fake_openai.behave = simulated
    return fake_openai


@pytest.fixture(params=[False, True], ids=["whole", "streamed"])
def either(request: pytest.FixtureRequest, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> FakeOpenAI:
    """A server whose replies arrive whole, and one whose replies arrive in pieces."""
    monkeypatch.setenv("RADIANT_STREAM", str(request.param))
    settings.cache_clear()
    return fake


def agents(*names: str) -> tuple[str, str]:
    return "--agents", json.dumps([{"agent_id": n, "role": f"You speak for {n}."} for n in names])


def agent(request: Request) -> str:
    """The specialist that asks, if one does."""
    found = re.match(r"You speak for (\w+)\.", system(request))
    return found[1] if found else ""


def system(request: Request) -> str:
    return str(request.body["messages"][0]["content"])


def chats(fake: FakeOpenAI) -> list[Request]:
    return [r for r in fake.requests if r.path.endswith("/chat/completions")]


def messages(request: Request) -> str:
    return json.dumps(request.body["messages"])


def result() -> Result:
    return Result.model_validate_json(get_run(settings().tenant_id, RUN).result or "")


def ledger() -> dict[tuple[str, int, int], LedgerRow]:
    """The run's calls by path, member and try."""
    return {(r.path, r.member, r.attempt): r for r in ledger_of(settings().tenant_id, RUN)}


def approve() -> None:
    done = CliRunner().invoke(radiant_main, ["approve", RUN], prog_name="radiant")
    assert done.exit_code == 0, done.output


def in_order() -> None:
    """What failed charged nothing and holds nothing back; what was settled is what the budgets say."""
    rows = ledger().values()
    assert all(r.charged_usd is None and r.error for r in rows if r.state != "settled")
    assert all(r.charged_usd and not r.error for r in rows if r.state == "settled")
    assert not any(r.lost for r in rows)
    settled = [r for r in rows if r.state == "settled"]
    assert spent(settings().tenant_id, RUN).calls == len(settled)
    with tenant_transaction(settings().tenant_id) as cursor:
        cursor.execute("SELECT settled_usd, reserved_usd FROM budgets WHERE kind = 'run'")
        charged = sum(Decimal(str(r.charged_usd)) for r in settled)
        assert cursor.fetchone() == (charged, 0)


def test_what_fails_once_is_tried_again_and_charged_once(either: FakeOpenAI) -> None:
    lock, seen = threading.Lock(), Counter[str]()

    def behave(request: Request) -> Reply | Fault:
        with lock:
            seen[messages(request)] += 1
            first, kind = seen[messages(request)] == 1, PASSING[len(seen) % len(PASSING)]
        return Fault(kind) if first else simulated(request)

    either.behave = behave
    done = think_tank(*ASK, *agents("one", "two", "three", "four"))
    assert done.exit_code == 0, done
    assert result().status == "done"
    assert len(seen) > len(PASSING)
    assert set(seen.values()) == {2}
    assert {bool(r.body.get("stream")) for r in chats(either)} == {settings().stream}
    assert {(r.state, r.attempts) for r in ledger().values()} == {("settled", 1)}
    assert len(ledger()) == len(seen)
    in_order()


def test_what_keeps_failing_is_a_failed_reply_with_its_cause(either: FakeOpenAI) -> None:
    names = (*QUICK, "well")
    either.behave = lambda r: Fault(agent(r)) if agent(r) in QUICK else simulated(r)  # type: ignore[arg-type]
    done = think_tank(*ASK, *agents(*names))
    assert done.exit_code == 0, done
    found = result()
    assert (found.status, found.outcome) == ("degraded", "degraded")
    assert "Not heard: " in found.answer
    replies = {r.key: r for r in found.replies}
    assert replies["well"].ok
    assert replies["well"].text
    asked = Counter(agent(r) for r in chats(either))
    rows = ledger()
    for member, name in enumerate(names[:-1]):
        assert (replies[name].status, replies[name].text) == ("failed", "")
        assert re.search(CAUSES[name], replies[name].cause), replies[name].cause
        assert "http" not in replies[name].cause
        row = rows["body/specialists", member, 0]
        assert (row.state, row.error, row.attempts) == ("failed", replies[name].cause, 1)
        assert asked[name] == (1 if name == "bad_request" else 1 + settings().call_retries)
    in_order()


def test_a_provider_that_hangs_is_a_timeout(either: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_CALL_TIMEOUT", "2")
    monkeypatch.setenv("RADIANT_CALL_RETRIES", "0")
    settings.cache_clear()
    either.behave = lambda r: Fault("hang") if agent(r) == "mute" else simulated(r)
    done = think_tank(*ASK, *agents("well", "mute"))
    either.released.set()
    assert done.exit_code == 0, done
    assert result().status == "degraded"
    mute = next(r for r in result().replies if r.key == "mute")
    assert mute.status == "timeout"
    assert mute.cause.endswith("gave no answer within 2 s")
    in_order()


def test_a_model_that_fails_is_stood_in_for(fake: FakeOpenAI) -> None:
    def behave(request: Request) -> Reply | Fault:
        first = request.body["model"] == MODELS[0].partition("/")[2]
        return Fault("server_error") if first and system(request).startswith(EDITOR) else simulated(request)

    fake.behave = behave
    done = think_tank(*ASK, "--models", ",".join(MODELS))
    assert done.exit_code == 0, done
    assert result().status == "done"
    row = ledger()["body/synthesis", 0, 0]
    assert (row.state, row.model_requested, row.model_used) == ("settled", MODELS[0], MODELS[1])
    in_order()


def test_where_nobody_answers_the_run_fails_and_goes_on_later(fake: FakeOpenAI) -> None:
    fake.behave = lambda _: Fault("server_error")
    done = think_tank(*ASK)
    assert done.exit_code == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("error: block 'body/specialists': 0 of 3 replies succeeded, 1 needed: model ")
    assert last.endswith("an error at the provider (500)")
    assert "Traceback" not in done.stderr
    assert get_run(settings().tenant_id, RUN).status == "failed"
    assert {r.state for r in ledger().values()} == {"failed"}
    assert len(ledger()) == 3
    in_order()

    fake.behave = simulated
    assert think_tank(*ASK).exit_code == 0
    assert result().status == "done"
    assert {(r.state, r.attempts) for (path, *_), r in ledger().items() if path == "body/specialists"} == {
        ("settled", 2)
    }
    in_order()


def test_resumed_it_makes_only_the_missing_calls(fake: FakeOpenAI) -> None:
    def behave(request: Request) -> Reply | Fault:
        ill = agent(request) == "ill" or system(request).startswith(EDITOR)
        return Fault("bad_request") if ill else simulated(request)

    fake.behave = behave
    asked = (*ASK, *agents("one", "two", "ill"))
    done = think_tank(*asked)
    assert done.exit_code == 1
    assert "error: block 'body/synthesis'" in done.stderr.splitlines()[-1]
    assert sorted(agent(r) for r in chats(fake) if agent(r)) == ["ill", "one", "two"]
    before = len(chats(fake))

    fake.behave = simulated
    assert think_tank(*asked).exit_code == 0
    assert result().status == "done"
    assert [agent(r) for r in chats(fake)[before:] if agent(r)] == ["ill"]
    in_order()


def test_json_that_is_malformed_is_repaired_once(either: FakeOpenAI) -> None:
    def behave(request: Request) -> Reply:
        repairs = len(request.body["messages"]) > 2
        wrong = system(request).startswith(EDITOR) and not repairs
        return Reply('{"answer": "Stay", "agreed": [') if wrong else simulated(request)

    either.behave = behave
    assert think_tank(*ASK).exit_code == 0
    assert result().status == "done"
    first, repair = ledger()["body/synthesis", 0, 0], ledger()["body/synthesis", 0, 100]
    assert (first.state, repair.state) == ("settled", "settled"), "both were paid for"
    (asked,) = [r for r in chats(either) if len(r.body["messages"]) > 2]
    assert '{"answer": "Stay"' in asked.body["messages"][-2]["content"]
    assert "no JSON in it" in asked.last
    in_order()


def test_json_that_stays_malformed_is_a_failed_reply(fake: FakeOpenAI) -> None:
    fake.behave = lambda r: Reply("I would rather not.") if system(r).startswith(EDITOR) else simulated(r)
    done = think_tank(*ASK)
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1].endswith("its answer does not fit its schema: the reply has no JSON in it")
    tries = sorted(attempt for path, _, attempt in ledger() if path == "body/synthesis")
    assert tries == [0, 1, 100, 101], "a try and its repair, twice"
    in_order()
    asked = len(chats(fake))
    assert think_tank(*ASK).exit_code == 1
    assert len(chats(fake)) == asked, "what was paid for is not paid for again"


def test_a_reply_that_was_cut_at_its_limit_says_so(either: FakeOpenAI) -> None:
    def behave(request: Request) -> Reply:
        return Reply("Stay with the mono", finish_reason="length") if agent(request) == "brief" else simulated(request)

    either.behave = behave
    assert think_tank(*ASK, *agents("well", "brief")).exit_code == 0
    brief = next(r for r in result().replies if r.key == "brief")
    assert (brief.status, brief.cause, brief.text) == ("success", "cut at max_tokens", "Stay with the mono")
    in_order()


@pytest.mark.parametrize(
    ("text", "cause"), [("endless " * 1000, "gave more than 4000 characters"), ("", "empty reply")]
)
def test_a_reply_that_is_no_answer_fails(
    either: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, text: str, cause: str
) -> None:
    monkeypatch.setenv("RADIANT_MAX_REPLY_CHARS", "4000")
    settings.cache_clear()
    either.behave = lambda r: Reply(text) if agent(r) == "odd" else simulated(r)
    done = think_tank(*ASK, *agents("well", "odd"))
    assert done.exit_code == 0, done
    assert result().status == "degraded"
    odd = next(r for r in result().replies if r.key == "odd")
    assert (odd.status, odd.text) == ("failed", "")
    assert cause in odd.cause
    in_order()


@pytest.mark.parametrize("kind", ["server_error", "hang"])
def test_judges_that_fail_leave_it_to_a_person(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    monkeypatch.setenv("RADIANT_CHECK_SECONDS", "1")
    settings.cache_clear()
    fake.behave = lambda r: Fault(kind) if "You are a judge" in system(r) else simulated(r)
    done = think_tank(*ASK)
    fake.released.set()
    assert done.exit_code == 3, done
    assert get_run(settings().tenant_id, RUN).status == "waiting"
    with tenant_transaction(settings().tenant_id) as cursor:
        cursor.execute("SELECT DISTINCT risk_level, verdict FROM cato_checks WHERE error IS NOT NULL")
        assert cursor.fetchall() == [("unknown", "escalate")]
        cursor.execute("SELECT shown FROM reviews")
        ((shown,),) = cursor.fetchall()
    assert "could not be checked" in shown


def test_a_librarian_that_fails_costs_the_lessons_not_the_run(fake: FakeOpenAI) -> None:
    fake.behave = lambda r: Fault("server_error") if "You are the librarian" in system(r) else simulated(r)
    fake.embeddings_fault = Fault("server_error")
    assert think_tank(*ASK).exit_code == 0
    assert result().status == "done"
    with tenant_transaction(settings().tenant_id) as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_heuristics")
        assert cursor.fetchone() == (0,)
    in_order()


def test_what_was_approved_is_what_is_given_though_the_provider_recovered(fake: FakeOpenAI) -> None:
    fake.behave = lambda r: Fault("server_error") if agent(r) == "ill" else simulated(r)
    asked = (*ASK, *agents("well", "ill", "other"), "--require_approval")
    assert think_tank(*asked).exit_code == 3
    before = len(chats(fake))
    fake.behave = simulated
    approve()
    done = think_tank(*asked)
    assert done.exit_code == 0, done
    assert len(chats(fake)) == before, "not one call more"
    assert (result().status, result().outcome) == ("degraded", "degraded")
    assert "Not heard: ill" in result().answer
    in_order()


def test_what_came_at_a_second_try_is_not_tried_again(fake: FakeOpenAI) -> None:
    lock, editing = threading.Lock(), Counter[str]()

    def behave(request: Request) -> Reply | Fault:
        with lock:
            editing[system(request)] += 1
        ill = system(request).startswith(EDITOR) and editing[system(request)] == 1
        return Fault("bad_request") if ill else simulated(request)

    fake.behave = behave
    asked = (*ASK, "--require_approval")
    assert think_tank(*asked).exit_code == 3
    assert [ledger()["body/synthesis", 0, attempt].state for attempt in (0, 1)] == ["failed", "settled"]
    before = len(chats(fake))
    approve()
    assert think_tank(*asked).exit_code == 0
    assert len(chats(fake)) == before, "not one call more"
    in_order()
