"""Integrity: a whole tenant passes, and each fault is found."""

import pytest

from tests.conftest import as_owner
from tests.scripts.conftest import Radiant, Tenant
from tests.scripts.test_costs import pay
from utils.db import tenant_transaction
from utils.runs import set_status
from utils.settings import settings

SILENT = """
UPDATE runs SET alive_at = now() - interval '1 hour';
UPDATE model_calls SET reserved_at = now() - interval '1 hour'
"""
FAULTS = {
    "silent runs": SILENT,
    "reservations": f"UPDATE runs SET status = 'failed'; UPDATE model_calls SET state = 'reserved'; {SILENT}",
    "budgets": "UPDATE budgets SET settled_usd = settled_usd + 0.00000001 WHERE kind = 'run'",
    "reviews": "UPDATE runs SET status = 'waiting'",
    "manifests": "UPDATE runs SET status = 'done', result = '{}', concluded_at = now()",
    "orphaned budgets": "UPDATE budgets SET window_key = 'gone' WHERE kind = 'run'",
}


def wrong(radiant: Radiant, *arguments: str) -> dict[str, str]:
    """The rules that do not hold, with what is said of each; the exit code agrees."""
    result = radiant("check", *arguments)
    lines = [line for line in result.stdout.splitlines()[1:] if "WRONG" in line]
    assert result.exit_code == (1 if lines else 0), result.output
    return {line.split("  ")[0]: line.split("WRONG")[1].strip() for line in lines}


@pytest.fixture
def paid(ours: Tenant) -> str:
    """A run under way with one settled call."""
    run_id = ours.run()
    pay(ours, run_id, "openai/a", 0.02)
    return run_id


def test_a_whole_tenant_passes(paid: str, ours: Tenant, radiant: Radiant) -> None:
    ours.waiting()
    assert wrong(radiant) == {}
    printed = radiant("check").stdout
    assert "applied" in printed
    assert all(name in printed for name in (*FAULTS, "migrations", "row level security", "orphaned Decks"))


@pytest.mark.parametrize("rule", FAULTS)
def test_each_fault_is_found(rule: str, paid: str, ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    with tenant_transaction(ours.id) as cursor:
        cursor.execute(FAULTS[rule])
    found = wrong(radiant)
    assert ("gone" if rule == "orphaned budgets" else paid) in found[rule]
    assert wrong(radiant, *theirs.flags) == {}


def test_a_review_of_an_ended_run_is_found(ours: Tenant, radiant: Radiant) -> None:
    run_id = ours.waiting()
    with tenant_transaction(ours.id) as cursor:
        cursor.execute("UPDATE runs SET status = 'done', concluded_at = now()")
    assert run_id in wrong(radiant)["reviews"]


def test_a_table_that_keeps_nobody_apart_is_found(fresh_database: str, ours: Tenant, radiant: Radiant) -> None:
    with as_owner(fresh_database) as cursor:
        cursor.execute("ALTER TABLE reviews NO FORCE ROW LEVEL SECURITY")
    assert wrong(radiant)["row level security"].startswith("reviews: ")


def test_a_deck_without_its_run_is_found(paid: str, ours: Tenant, radiant: Radiant) -> None:
    decks = settings().home / "decks" / str(ours.id)
    decks.mkdir(parents=True)
    for run_id in (paid, "gone"):
        (decks / f"{run_id}.html").write_text("x")
    said = wrong(radiant)["orphaned Decks"]
    assert str(decks / "gone.html") in said
    assert paid not in said


def test_many_names_are_cut(ours: Tenant, radiant: Radiant) -> None:
    for number in range(7):
        set_status(ours.id, ours.run(f"run-{number}"), "waiting")
    assert wrong(radiant)["reviews"].startswith("run-0, run-1, run-2, run-3, run-4 and 2 more: ")
