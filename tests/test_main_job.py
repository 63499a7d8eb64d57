"""The main job as a person runs it: the answer, a person's decision, resuming, and what is on disk after."""

import os
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner

from scripts.radiant import main as radiant_main
from tests.fake_openai import FakeOpenAI, Fault, Reply, Request
from tests.pyflyte import Done, pyflyte_run, think_tank
from tests.simulated import simulated
from utils.db import tenant_transaction
from utils.ledger import ledger_of, spent
from utils.reviews import reviews_of
from utils.runs import get_run, list_runs
from utils.settings import settings

ASK = ("--prompt", "Should a 12-person startup move from a monolith to microservices?")


def tenant() -> UUID:
    return settings().tenant_id


def chats(fake: FakeOpenAI) -> list[Request]:
    """The chat completions that the server was asked for, embeddings apart."""
    return [r for r in fake.requests if r.path.endswith("/chat/completions")]


def only_run() -> str:
    (run,) = list_runs(tenant())
    return run.run_id


def radiant(*words: str) -> Done:
    done = CliRunner().invoke(radiant_main, list(words), prog_name="radiant")
    return Done(done.exit_code, done.stdout, done.stderr)


@pytest.mark.usefixtures("no_provider", "database")
def test_without_any_key_the_rehearsal_answers() -> None:
    done = think_tank(*ASK)
    assert done.exit_code == 0, done
    run = get_run(tenant(), only_run())
    assert run.status == "done"
    assert run.rehearsal
    assert "rehearsal" in done.stdout.lower()
    for fact in ("status", "confidence", "pattern", "models", "calls", "tokens", "cost", "time", run.run_id, "Deck"):
        assert fact.lower() in done.stdout.lower(), fact
    deck = settings().home / "decks" / str(tenant()) / f"{run.run_id}.html"
    assert str(deck) in done.stdout.replace("\n", "")
    assert "<html" in deck.read_text()
    assert "specialists: 3 calls" in done.stderr
    assert "specialists: 3 calls" not in done.stdout


@pytest.mark.usefixtures("database")
def test_what_a_run_writes(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = simulated
    assert think_tank(*ASK).exit_code == 0
    with tenant_transaction(tenant()) as cursor:
        cursor.execute(
            "SELECT count(*) FROM execution_manifests WHERE status IN ('done', 'degraded') AND NOT rehearsal"
        )
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT DISTINCT kind FROM cato_checks")
        assert {"epistemic", "ethical", "policy"} <= {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT signal_type FROM neural_learning_signals")
        assert {"outcome", "safety", "reply"} <= {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT input_prompt_hash FROM execution_manifests")
        assert ASK[1] not in str(cursor.fetchone())


@pytest.mark.usefixtures("database")
def test_the_same_run_id_gives_the_stored_answer_without_a_call(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = simulated
    first = think_tank(*ASK, "--run_id", "again")
    asked = len(fake_openai.requests)
    second = think_tank(*ASK, "--run_id", "again")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert second.stdout == first.stdout
    assert len(fake_openai.requests) == asked


@pytest.mark.usefixtures("database")
def test_the_same_run_id_with_other_inputs_is_refused(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = simulated
    think_tank(*ASK, "--run_id", "again")
    other = think_tank("--prompt", "Something else?", "--run_id", "again")
    assert other.exit_code == 2
    assert "inputs" in other.stderr
    assert "Something else" not in other.stderr


@pytest.fixture
def waiting(fake_openai: FakeOpenAI, database: str) -> FakeOpenAI:
    """A run that stopped for approval."""
    fake_openai.behave = simulated
    done = think_tank(*ASK, "--require_approval")
    assert done.exit_code == 3, done
    assert f"radiant approve {only_run()}" in done.stderr
    assert get_run(tenant(), only_run()).status == "waiting"
    return fake_openai


def test_approve_and_the_same_command_again_make_no_call_more(waiting: FakeOpenAI) -> None:
    before, asked = ledger_of(tenant(), only_run()), len(chats(waiting))
    assert radiant("approve", only_run()).exit_code == 0
    done = think_tank(*ASK, "--require_approval")
    assert done.exit_code == 0, done
    assert "approve" in done.stdout
    assert ledger_of(tenant(), only_run()) == before
    assert len(chats(waiting)) == asked
    with tenant_transaction(tenant()) as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_heuristics WHERE NOT provisional")
        assert cursor.fetchone() != (0,)


def test_without_a_decision_the_same_command_opens_a_new_run_that_waits_too(waiting: FakeOpenAI) -> None:
    assert think_tank(*ASK, "--require_approval").exit_code == 3
    assert {r.status for r in list_runs(tenant())} == {"waiting"}


def test_reject_ends_with_4_and_teaches_nothing(waiting: FakeOpenAI) -> None:
    assert radiant("reject", only_run(), "--reason", "wrong").exit_code == 0
    done = think_tank(*ASK, "--require_approval")
    assert done.exit_code == 4, done
    assert get_run(tenant(), only_run()).status == "rejected"
    with tenant_transaction(tenant()) as cursor:
        cursor.execute("SELECT count(*) FROM knowledge_heuristics")
        assert cursor.fetchone() == (0,)


def test_edit_makes_the_persons_text_the_answer_and_keeps_the_original(waiting: FakeOpenAI) -> None:
    assert radiant("edit", only_run(), "--text", "Stay with the monolith, says a person.").exit_code == 0
    done = think_tank(*ASK, "--require_approval")
    assert done.exit_code == 0, done
    assert "Stay with the monolith, says a person." in done.stdout
    from tasks.result import Result

    result = Result.model_validate_json(get_run(tenant(), only_run()).result or "")
    assert result.answer == "Stay with the monolith, says a person."
    assert result.decision is not None
    assert result.decision.original
    assert result.decision.original != result.answer


def test_revise_takes_guidance_into_one_more_synthesis_and_asks_again(waiting: FakeOpenAI) -> None:
    calls = spent(tenant(), only_run()).calls
    assert radiant("revise", only_run(), "--guidance", "Name the team size at which it pays.").exit_code == 0
    again = think_tank(*ASK, "--require_approval")
    assert again.exit_code == 3, again
    revising = [r for r in chats(waiting) if "Name the team size at which it pays." in r.last]
    assert len(revising) == 1
    assert spent(tenant(), only_run()).calls > calls
    assert [r.path for r in reviews_of(tenant(), only_run())] == ["settle@1/review", "settle@2/review"]
    assert radiant("approve", only_run()).exit_code == 0
    assert think_tank(*ASK, "--require_approval").exit_code == 0


def test_the_reviewer_sees_placeholders_and_the_answer_comes_back_whole(fake_openai: FakeOpenAI, database: str) -> None:
    secret = "Write to jane.roe@example.org; her MRN: 4471123 is on file."

    def behave(request: Request) -> Reply:
        reply = simulated(request)
        return Reply(reply.text.replace("Keep the monolith", secret).replace("monoliths", secret))

    fake_openai.behave = behave
    assert think_tank("--prompt", secret, "--require_approval").exit_code == 3
    (review,) = reviews_of(tenant(), only_run())
    for page in (review.shown, review.shown_deck, radiant("show", only_run()).stdout):
        assert "jane.roe@example.org" not in page
        assert "4471123" not in page
    assert "[EMAIL 1]" in review.shown
    assert radiant("edit", only_run(), "--text", "Answer [EMAIL 1] by Friday.").exit_code == 0
    done = think_tank("--prompt", secret, "--require_approval")
    assert "Answer jane.roe@example.org by Friday." in done.stdout


@pytest.mark.usefixtures("database")
def test_some_replies_that_failed_leave_the_run_degraded(fake_openai: FakeOpenAI) -> None:
    def behave(request: Request) -> Reply | Fault:
        return Fault("bad_request") if "sceptic" in str(request.body["messages"][0]).lower() else simulated(request)

    fake_openai.behave = behave
    done = think_tank(*ASK)
    assert done.exit_code == 0, done
    assert get_run(tenant(), only_run()).status == "degraded"
    assert "degraded" in done.stdout


@pytest.mark.usefixtures("database")
def test_when_every_call_fails_the_run_fails_in_one_line_and_resumes(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = lambda _: Fault("bad_request")
    done = think_tank(*ASK, "--run_id", "bad-day")
    assert done.exit_code == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert get_run(tenant(), "bad-day").status == "failed"
    fake_openai.behave = simulated
    assert think_tank(*ASK, "--run_id", "bad-day").exit_code == 0


@pytest.mark.usefixtures("database")
def test_over_the_cap_the_run_stops_with_5_and_keeps_what_it_made(fake_openai: FakeOpenAI) -> None:
    fake_openai.behave = simulated
    done = think_tank(*ASK, "--run_id", "poor", "--max_cost_usd", "0.000001")
    assert done.exit_code == 5, done
    assert get_run(tenant(), "poor").status == "over_budget"
    assert done.stderr.splitlines()[-1].startswith("error: ")
    richer = think_tank(*ASK, "--run_id", "poor", "--max_cost_usd", "5")
    assert richer.exit_code == 0, richer


@pytest.mark.parametrize(
    "pattern",
    [
        "consensus_voting",
        "ai_debate",
        "ai_judge",
        "self_refine",
        "self_consistency",
        "tree_of_thoughts",
        "chain_of_verification",
    ],
)
@pytest.mark.usefixtures("database", "no_provider")
def test_each_pattern_runs_by_name(pattern: str) -> None:
    by_option = think_tank(*ASK, "--pattern", pattern)
    by_name = pyflyte_run("workflows/catalogue.py", pattern, *ASK)
    assert (by_option.exit_code, by_name.exit_code) == (0, 0), (by_option, by_name)


def test_a_run_is_one_processs_at_a_time(fake_openai: FakeOpenAI, database: str) -> None:
    from utils.runs import lease

    fake_openai.behave = simulated
    assert think_tank(*ASK, "--run_id", "busy", "--require_approval").exit_code == 3
    with lease(tenant(), "busy"):
        done = think_tank(*ASK, "--run_id", "busy", "--require_approval")
    assert done.exit_code != 0
    assert "busy" in done.stderr


def test_called_from_python_it_gives_its_outputs(
    no_provider: pytest.MonkeyPatch, use_database: Callable[[str], None], database: str
) -> None:
    from workflows.think_tank import think_tank as workflow

    result, signals = workflow(prompt=ASK[1])  # type: ignore[misc]
    assert result.status == "done"
    assert {s.signal_type for s in signals} >= {"outcome", "reply"}
    assert Path(result.deck).exists()
    assert os.environ.get("RADIANT_ENV") is None
