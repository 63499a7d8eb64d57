"""A run in full: what goes out comes back, and stays within its tenant."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.export import RunExport
from tasks.result import Result
from tasks.spec import GraphSpec
from tests.scripts.conftest import INPUTS, SPEC, Radiant, Tenant
from tests.scripts.test_costs import pay
from utils.accounts import UserRole
from utils.db import tenant_transaction
from utils.ledger import ledger_of
from utils.reviews import reviews_of
from utils.runs import conclude_run, get_run

ROWS = """
INSERT INTO cato_checks (tenant_id, run_id, path, kind, content_digest, risk_level, verdict, score, reasons, latency_ms)
VALUES (%(tenant)s, %(run)s, 'cato', 'ethical', 'd', 'low', 'pass', 0.9, '["fine"]', 3);
INSERT INTO neural_learning_signals (tenant_id, run_id, signal_type, signal_value, source)
VALUES (%(tenant)s, %(run)s, 'outcome', 1, 'run');
INSERT INTO execution_manifests (tenant_id, output_id, run_id, user_id, models_used, status, total_cost)
VALUES (%(tenant)s, %(run)s, %(run)s, %(user)s, '{openai/a}', 'done', 0.02)
"""


def concluded(tenant: Tenant, deck: str = "") -> str:
    """A run that was paid for, approved, checked and concluded."""
    run_id = tenant.waiting()
    pay(tenant, run_id, "openai/a", 0.02)
    with tenant_transaction(tenant.id) as cursor:
        cursor.execute(ROWS, {"tenant": tenant.id, "run": run_id, "user": tenant.admin})
    result = Result(answer="Ja – größer.", status="done", pattern="consensus_voting", run_id=run_id, deck=deck)
    conclude_run(tenant.id, run_id, "done", result.model_dump_json())
    return run_id


def test_what_is_exported_can_be_read_back(ours: Tenant, radiant: Radiant) -> None:
    run_id = concluded(ours)
    radiant("approve", run_id)
    text = radiant("export", run_id).stdout
    back = RunExport.model_validate_json(text)
    stored = get_run(ours.id, run_id)
    assert back.run.run_id == run_id
    assert back.run.started_at == stored.started_at
    assert GraphSpec.from_json(json.dumps(back.spec)) == GraphSpec.from_json(SPEC)
    assert back.inputs == INPUTS
    assert back.result == Result.model_validate_json(stored.result or "")
    assert back.ledger == ledger_of(ours.id, run_id)
    assert back.reviews == reviews_of(ours.id, run_id)
    assert RunExport.model_validate_json(back.model_dump_json()) == back


def test_the_rows_of_a_run_are_whole(ours: Tenant, radiant: Radiant) -> None:
    run_id = concluded(ours)
    radiant("approve", run_id)
    found = json.loads(radiant("export", run_id).stdout)
    assert [(v["kind"], v["verdict"], v["score"], v["reasons"]) for v in found["verdicts"]] == [
        ("ethical", "pass", 0.9, ["fine"])
    ]
    assert [(s["signal_type"], s["signal_value"]) for s in found["signals"]] == [("outcome", 1)]
    assert (found["manifest"]["models_used"], found["manifest"]["total_cost"]) == (["openai/a"], 0.02)
    assert [(a["action"], a["actor"]) for a in found["audit"]] == [("review.decided", str(ours.admin))]


def test_a_run_that_has_not_ended_exports_what_there_is(
    ours: Tenant, radiant: Radiant, refused: Callable[..., str], tmp_path: Path
) -> None:
    run_id = ours.waiting()
    found = RunExport.model_validate_json(radiant("export", run_id).stdout)
    assert (found.result, found.manifest, found.run.status) == (None, None, "waiting")
    assert f"run {run_id} is waiting" in refused("export", run_id, "--html", str(tmp_path / "deck.html"))
    assert not (tmp_path / "deck.html").exists()


def test_files_and_stdout(ours: Tenant, radiant: Radiant, refused: Callable[..., str], tmp_path: Path) -> None:
    deck = tmp_path / "stored.html"
    deck.write_text("<h1>Größer</h1>", encoding="utf-8")
    run_id = concluded(ours, deck=str(deck))
    files = tmp_path / "run.json", tmp_path / "run.html"
    both = radiant("export", run_id, "--json", str(files[0]), "--html", str(files[1]))
    assert both.stdout == ""
    assert both.stderr.splitlines() == [f"wrote {files[1]}", f"wrote {files[0]}"]
    assert files[1].read_text("utf-8") == "<h1>Größer</h1>"
    assert files[0].read_text("utf-8") == radiant("export", run_id, "--json", "-").stdout
    assert radiant("export", run_id, "--html", "-").stdout == "<h1>Größer</h1>"
    assert "name two" in refused("export", run_id, "--html", "-", "--json", "-")
    assert "cannot be written" in refused("export", run_id, "--json", str(tmp_path / "no" / "such"))


def test_a_deck_that_is_on_another_machine_is_not_lost_silently(
    ours: Tenant, refused: Callable[..., str], tmp_path: Path
) -> None:
    run_id = concluded(ours, deck=str(tmp_path / "elsewhere.html"))
    assert "kept too little for a Deck" in refused("export", run_id, "--html", "-")


@pytest.mark.parametrize("role", ["member", "approver"])
def test_others_do_not_export_a_run(
    role: UserRole, ours: Tenant, radiant: Radiant, refused: Callable[..., str]
) -> None:
    user = ours.user(role)
    assert "is another user's" in refused("export", ours.run(), "--user", str(user))
    assert radiant("export", ours.run(user=user), "--user", str(user)).exit_code == 0


def test_no_tenant_exports_the_run_of_another(ours: Tenant, theirs: Tenant, refused: Callable[..., str]) -> None:
    assert "unknown run" in refused("export", concluded(theirs))


def test_runs_of_the_same_id_in_two_tenants_stay_apart(ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    ours.run("shared")
    theirs.run("shared")
    pay(theirs, "shared", "openai/secret", 0.1)
    assert RunExport.model_validate_json(radiant("export", "shared").stdout).ledger == ()
    assert len(RunExport.model_validate_json(radiant("export", "shared", *theirs.flags).stdout).ledger) == 1
