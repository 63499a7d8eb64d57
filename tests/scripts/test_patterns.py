"""`radiant patterns`: what is listed, found and shown, who may switch, and that a disabled pattern does not start."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

import pytest

from tasks.functions import pattern_files
from tasks.registry import catalogue
from tests.conftest import as_owner
from tests.pyflyte import pyflyte_run, think_tank
from tests.scripts.conftest import SPEC, Radiant, Tenant
from utils.db import tenant_transaction
from utils.patterns import performance_of
from utils.runs import OpenRequest, conclude_run, open_run, set_status
from workflows import catalogue as all_patterns

Refused = Callable[..., str]
Ended = Literal["done", "rejected", "failed", "running"]
ASK = ("--prompt", "Is 17 a prime number?")
IMPORTED = """
import sys, time
import flytekit
before, start = set(sys.modules), time.process_time()
import workflows.catalogue
print(time.process_time() - start, *(set(sys.modules) - before))
"""


def rows(printed: str) -> dict[str, str]:
    """The table's rows by their first cell."""
    table = printed.partition("\n\n")[0].splitlines()[1:]
    return {line.split()[0]: line for line in table}


def as_json(radiant: Radiant, *arguments: str) -> Any:
    return json.loads(radiant("patterns", *arguments, "--json").stdout)


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [one["row"]["pattern_id"] for one in found]


@pytest.mark.usefixtures("ours")
def test_the_whole_catalogue_is_listed_by_category(radiant: Radiant) -> None:
    result = radiant("patterns")
    found = rows(result.stdout)
    assert found.keys() == catalogue().keys()
    assert found["consensus_voting"].split()[-1] == "implemented"
    assert "127 patterns enabled" in result.stdout
    assert radiant("patterns", "list").stdout == result.stdout
    order = [catalogue()[name].category_id for name in found]
    assert list(dict.fromkeys(order)) == [c for i, c in enumerate(order) if i == 0 or order[i - 1] != c]


@pytest.mark.usefixtures("ours")
def test_filters_narrow_the_list(radiant: Radiant) -> None:
    def names(**field: str) -> set[str]:
        return {e.pattern_id for e in catalogue().values() if all(getattr(e, k) == v for k, v in field.items())}

    assert rows(radiant("patterns", "--category", "debate").stdout).keys() == names(category_id="debate")
    both = rows(radiant("patterns", "--category", "debate", "--complexity", "high").stdout).keys()
    assert both == names(category_id="debate", complexity="high")
    implemented = rows(radiant("patterns", "--status", "implemented").stdout).keys()
    assert implemented <= set(pattern_files())
    assert "ai_judge" in implemented
    assert radiant("patterns", "--disabled").stdout.startswith("no pattern is so")


@pytest.mark.usefixtures("ours")
def test_mistakes_are_one_line(refused: Refused) -> None:
    assert "did you mean debate?" in refused("patterns", "--category", "debat")
    assert "did you mean consensus_voting" in refused("patterns", "show", "consensus_votin")
    assert "unknown command 'shw': did you mean show?" in refused("patterns", "shw")
    assert "did you mean ai_judge" in refused("patterns", "disable", "ai_jude")
    assert "--search is empty" in refused("patterns", "--search", " ")
    assert "NUL" in refused("patterns", "--search", "a\x00b")
    assert "NUL" in refused("patterns", "show", "a\x00b")


@pytest.mark.usefixtures("ours", "no_provider")
@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("majority vote", "consensus_voting"),
        ("hallucinating", "hallucination_detection"),
        ("tree_of_thoughts", "tree_of_thoughts"),
        ("a cheap model first, then an expensive one", "model_cascade"),
        ("opponents who debate", "ai_debate"),
        ("versus", "side_by_side_comparison"),
    ],
)
def test_a_search_finds_by_words_and_meaning(radiant: Radiant, text: str, first: str) -> None:
    assert next(iter(rows(radiant("patterns", "--search", text).stdout))) == first


@pytest.mark.usefixtures("ours", "no_provider")
@pytest.mark.parametrize("text", ["zxqv blorp", "the", "!?", "';--", '"'])
def test_a_search_for_nothing_finds_nothing(radiant: Radiant, text: str) -> None:
    assert radiant("patterns", "--search", text).stdout.startswith("no pattern fits")


@pytest.mark.usefixtures("ours", "no_provider")
def test_a_search_keeps_to_the_filters_and_says_what_found_it(radiant: Radiant) -> None:
    found = as_json(radiant, "--search", "debate", "--category", "debate")
    assert found
    assert {one["pattern"]["row"]["category_id"] for one in found} == {"debate"}
    assert found[0]["by_words"] is True
    assert 0 < found[0]["similarity"] <= 1
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)


@pytest.mark.usefixtures("ours", "no_provider")
def test_a_pattern_is_shown_with_all_that_is_known_of_it(radiant: Radiant) -> None:
    printed = radiant("patterns", "show", "tree_of_thoughts").stdout
    assert "├─ search       loop ≤ 3 turns  <- root" in printed
    assert "prompt  text  required  The problem to think through." in printed
    assert "37 calls, 7 in a row, 34,304 tokens written; $0.00 with rehearsal/ada" in printed
    assert "arXiv:2305.10601" in printed
    assert "evidence:    right answers on simulated models: ahead of self-consistency with as many calls in" in printed
    assert "good verifier" in printed
    assert "your runs:   none yet" in printed
    given = as_json(radiant, "show", "tree_of_thoughts")
    assert given["estimate"] == {"most_calls": 37, "most_tokens": 34304, "depth": 7}
    assert given["spec"]["id"] == "tree_of_thoughts"
    assert given["pattern"]["row"]["execution_type"] == "hybrid"


@pytest.mark.usefixtures("ours")
def test_the_picture_is_svg(radiant: Radiant, refused: Refused, tmp_path: Path) -> None:
    target = tmp_path / "graph.svg"
    assert radiant("patterns", "show", "consensus_voting", "--svg", str(target)).exit_code == 0
    assert ElementTree.fromstring(target.read_text()).tag.endswith("svg")
    missing = str(tmp_path / "no" / "graph.svg")
    assert "cannot be written" in refused("patterns", "show", "consensus_voting", "--svg", missing)


@pytest.mark.usefixtures("ours")
def test_the_main_jobs_own_pattern_is_shown_and_never_switched(radiant: Radiant, refused: Refused) -> None:
    assert "Think Tank (think_tank_swarm), the main job's own" in radiant("patterns", "show", "think_tank_swarm").stdout
    assert "unknown pattern 'think_tank_swarm'" in refused("patterns", "disable", "think_tank_swarm")


def test_what_has_no_graph_is_shown_without_one(fresh_database: str, ours: Tenant, radiant: Radiant) -> None:
    radiant("patterns")
    with as_owner(fresh_database) as cursor:
        cursor.execute("""
            UPDATE orchestration_patterns SET implementation_status = 'planned', pattern_definition = NULL
            WHERE pattern_id = 'ai_judge'
        """)
    printed = radiant("patterns", "show", "ai_judge").stdout
    assert "AI Judge (ai_judge), planned" in printed
    assert "at most:" not in printed
    assert radiant("patterns", "show", "ai_judge", "--svg", "x.svg").exit_code == 2


@pytest.mark.usefixtures("no_provider")
def test_a_disabled_pattern_does_not_start(radiant: Radiant, ours: Tenant, theirs: Tenant) -> None:
    assert radiant("patterns", "disable", "consensus_voting").stdout == "consensus_voting is disabled\n"
    assert radiant("patterns", "disable", "consensus_voting").stdout == "consensus_voting was disabled already\n"
    assert rows(radiant("patterns", "--disabled").stdout).keys() == {"consensus_voting"}
    assert "consensus_voting" in rows(radiant("patterns", "--enabled", *theirs.flags).stdout)
    for done in (
        think_tank(*ASK, "--pattern", "consensus_voting"),
        pyflyte_run("workflows/catalogue.py", "consensus_voting", *ASK),
    ):
        assert done.exit_code == 2
        assert done.stderr.startswith("error: pattern 'consensus_voting' is disabled: ")
        assert done.stderr.count("\n") == 1
    with tenant_transaction(ours.id) as cursor:
        cursor.execute("SELECT count(*) FROM runs")
        assert cursor.fetchone() == (0,)
        cursor.execute("SELECT actor, action, subject FROM audit_log ORDER BY id")
        assert cursor.fetchall() == [(ours.admin, "pattern.disabled", "consensus_voting")]
    assert radiant("patterns", "enable", "consensus_voting").stdout == "consensus_voting is enabled\n"
    assert pyflyte_run("workflows/catalogue.py", "consensus_voting", *ASK).exit_code == 0
    assert "your runs:   1 rehearsal" in radiant("patterns", "show", "consensus_voting").stdout


@pytest.mark.parametrize("role", ["member", "approver"])
def test_only_an_admin_switches(ours: Tenant, refused: Refused, radiant: Radiant, role: Any) -> None:
    flags = ("--tenant", str(ours.id), "--user", str(ours.user(role)))
    assert f"your role is '{role}'" in refused("patterns", "disable", "ai_judge", *flags)
    assert "ai_judge" in rows(radiant("patterns", "--enabled", *flags).stdout)


def test_a_sync_says_what_it_did(fresh_database: str, radiant: Radiant) -> None:
    first = radiant("patterns", "sync")
    assert first.stdout.startswith("127 patterns, ")
    assert "; 127 changed, 127 embedded by " in first.stdout
    assert "; 0 changed, 0 embedded\n" in radiant("patterns", "sync").stdout


class Past:
    """Runs of a tenant that lie behind it."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant

    def run(self, workflow: str, status: Ended, *, rehearsal: bool = False, pattern: str = "") -> str:
        inputs = json.dumps({"prompt": "?"} | ({"pattern": pattern} if pattern else {}))
        asked = OpenRequest(self.tenant.id, self.tenant.admin, workflow, SPEC, inputs, rehearsal=rehearsal)
        run_id = open_run(asked).run_id
        if status in ("done", "rejected"):
            conclude_run(self.tenant.id, run_id, status, "{}")
        elif status == "failed":
            set_status(self.tenant.id, run_id, status)
        return run_id

    def manifest(self, run_id: str, pattern: str, ms: int, usd: float) -> None:
        with tenant_transaction(self.tenant.id) as cursor:
            cursor.execute(
                "INSERT INTO execution_manifests (tenant_id, output_id, run_id, user_id, models_used, status, "
                "orchestration_id, total_latency_ms, total_cost) VALUES (%s, %s, %s, %s, '{}', 'done', %s, %s, %s)",
                (self.tenant.id, run_id, run_id, self.tenant.admin, pattern, ms, usd),
            )

    def decided(self, run_id: str, value: float, source: str = "review") -> None:
        with tenant_transaction(self.tenant.id) as cursor:
            cursor.execute(
                "INSERT INTO neural_learning_signals (tenant_id, signal_type, run_id, signal_value, source) "
                "VALUES (%s, 'human_decision', %s, %s, %s)",
                (self.tenant.id, run_id, value, source),
            )


def test_performance_follows_from_the_tenants_own_runs(ours: Tenant, theirs: Tenant, radiant: Radiant) -> None:
    past = Past(ours)
    for workflow, ms, usd, decision in (("ai_judge", 1000, 0.01, 1.0), ("think_tank", 3000, 0.03, 0.0)):
        run_id = past.run(workflow, "done", pattern="ai_judge" if workflow == "think_tank" else "")
        past.manifest(run_id, "ai_judge", ms, usd)
        past.decided(run_id, decision)
    past.run("think_tank", "failed", pattern="ai_judge")
    past.run("ai_judge", "rejected")
    past.run("ai_judge", "running")
    rehearsed = past.run("ai_judge", "done", rehearsal=True)
    past.manifest(rehearsed, "ai_judge", 1, 0.0)
    past.decided(rehearsed, 0.0)
    Past(theirs).run("ai_judge", "failed")

    found = performance_of(ours.id, "ai_judge")
    assert (found.usage_count, found.rehearsal_count) == (5, 1)
    assert (found.success_rate, found.avg_satisfaction_score) == (0.5, 0.5)
    assert found.typical_latency_ms == 2000
    assert found.typical_cost_usd == pytest.approx(0.02)
    assert "5 runs, 50 % ended well, satisfaction 50 %, typically 2.0 s, $0.0200, 1 rehearsal" in (
        radiant("patterns", "show", "ai_judge").stdout
    )
    assert performance_of(theirs.id, "ai_judge").success_rate == 0


def test_a_signal_of_the_pattern_itself_is_no_satisfaction(ours: Tenant) -> None:
    past = Past(ours)
    past.decided(past.run("ai_judge", "done"), 1.0, source="pattern")
    assert performance_of(ours.id, "ai_judge").avg_satisfaction_score is None


def test_the_catalogue_is_imported_at_once_and_compiles_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    seconds, *modules = done.stdout.split()
    assert float(seconds) <= 0.3
    assert not {"workflows.compiler", "tasks.spec", "utils.db", "pydantic_settings"} & set(modules)


def test_each_pattern_is_an_attribute_of_the_catalogue_compiled_once() -> None:
    assert dir(all_patterns) == sorted(pattern_files())
    assert all_patterns.ai_judge is all_patterns.ai_judge
    assert all_patterns.ai_judge.name == "workflows.catalogue.ai_judge"
    with pytest.raises(AttributeError, match="unknown pattern 'ai_jude': did you mean ai_judge"):
        _ = all_patterns.ai_jude


def test_pyflyte_lists_the_patterns_of_the_catalogue() -> None:
    done = pyflyte_run("workflows/catalogue.py", "--help")
    assert done.exit_code == 0
    assert {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")} == set(pattern_files())
