"""The main job stops for a person, who decides at the terminal; going on pays for no call again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.result import Result
from tests.pyflyte import think_tank
from tests.scripts.conftest import Radiant, Tenant
from utils.ledger import LedgerRow, ledger_of
from utils.runs import get_run, lease

QUESTION = "Should Ada Lovelace, born 10 December 1815, write to ada@example.org or to the ministry?"


@pytest.fixture
def waiting(ours: Tenant, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of a rehearsed run of the main job that stopped for approval."""
    for name in ("OPENAI_API_KEY", "OPENAI_API_BASE", "LITELLM_PROXY_URL"):
        monkeypatch.delenv(name, raising=False)
    run_id = "memo"
    done = think_tank("--prompt", QUESTION, "--require_approval", "--run_id", run_id)
    assert done.exit_code == 3, done.stderr
    assert done.stdout.strip() in ("", "Running Execution on local.")
    assert get_run(ours.id, run_id).status == "waiting"
    return run_id


def paid(tenant: Tenant, run_id: str) -> dict[str, LedgerRow]:
    """The run's calls by place and request, but for the Librarian's, who reads what was decided."""
    rows = ledger_of(tenant.id, run_id)
    return {f"{r.path} {r.member} {r.attempt} {r.digest}": r for r in rows if not r.path.startswith("learn")}


def test_an_approved_answer_costs_nothing_more(waiting: str, ours: Tenant, radiant: Radiant) -> None:
    shown, before = radiant("show", waiting).stdout, paid(ours, waiting)
    assert "## answer" in shown
    assert "ada@example.org" not in shown
    assert len(before) > 3
    assert radiant("resume", waiting).exit_code == 3
    assert "approved; go on with" in radiant("approve", waiting).stdout

    given = radiant("resume", waiting)
    assert given.exit_code == 0, given.stderr
    assert paid(ours, waiting) == before
    result = Result.model_validate_json(get_run(ours.id, waiting).result or "")
    assert result.decision is not None
    assert (result.status, result.decision.resolution) == ("done", "approve")
    assert result.answer in given.stdout
    assert radiant("resume", waiting).stdout == given.stdout
    assert radiant("check").exit_code == 0
    deck = radiant("export", waiting, "--html", "-").stdout
    assert deck == Path(result.deck).read_text("utf-8")
    Path(result.deck).unlink()
    drawn = radiant("export", waiting, "--html", "-").stdout
    assert drawn.startswith(deck[:15])
    assert result.run_id in drawn


def test_a_run_that_another_process_walks_is_left_alone(waiting: str, ours: Tenant, radiant: Radiant) -> None:
    radiant("approve", waiting)
    with lease(ours.id, waiting):
        busy = radiant("resume", waiting)
    assert busy.exit_code == 1
    assert busy.stderr.splitlines()[-1].startswith(f"error: run {waiting} is under way in another process")
    assert radiant("resume", waiting).exit_code == 0


def test_an_edited_answer_is_the_persons_with_the_original_beside(
    waiting: str, ours: Tenant, radiant: Radiant, refused: Callable[..., str]
) -> None:
    before = paid(ours, waiting)
    radiant("edit", waiting, "--text", "To the ministry, and nowhere else.")
    assert "is decided already" in refused("approve", waiting)
    given = radiant("resume", waiting)
    assert given.exit_code == 0, given.stderr
    assert given.stdout.startswith("To the ministry, and nowhere else.\n")
    assert paid(ours, waiting) == before
    result = Result.model_validate_json(get_run(ours.id, waiting).result or "")
    assert result.decision is not None
    assert result.decision.original.startswith("Rehearsal")


def test_guidance_makes_one_more_synthesis_and_asks_again(waiting: str, ours: Tenant, radiant: Radiant) -> None:
    before = paid(ours, waiting)
    radiant("revise", waiting, "--guidance", "Name the ministry.")
    assert radiant("resume", waiting).exit_code == 3
    after = paid(ours, waiting)
    assert before.items() <= after.items()
    fresh = {row.path for place, row in after.items() if place not in before}
    assert len([path for path in fresh if path.endswith("/revise")]) == 1
    assert "settle@2/review" in radiant("inbox").stdout
    radiant("reject", waiting, "--reason", "still no name")
    assert radiant("resume", waiting).exit_code == 4
    assert radiant("resume", waiting).exit_code == 4
