"""Bad input: exit code 2, one clear line, nothing paid for, no rows half-written."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.conftest import as_owner
from tests.pyflyte import Done, pyflyte_run, think_tank
from utils.settings import settings

ASK = ("--prompt", "Why is the sky blue?")
AGENT = {"agent_id": "a", "role": "You are a physicist."}


def agents(*given: object) -> tuple[str, ...]:
    return (*ASK, "--agents", json.dumps(list(given)))


CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "empty prompt": (("--prompt", ""), "--prompt is empty"),
    "blank prompt": (("--prompt", " \n\t "), "--prompt is empty"),
    "oversized prompt": (("--prompt", "x" * 100_001), "100,001 characters: at most 100,000"),
    "NUL in the prompt": (("--prompt", "a\x00b"), "NUL character"),
    "a prompt that is no UTF-8": (("--prompt", "a\udcffb"), "--prompt is no UTF-8 text, at character 2"),
    "unknown pattern": ((*ASK, "--pattern", "consensus_votng"), "unknown pattern 'consensus_votng': did you mean"),
    "pattern with another case": ((*ASK, "--pattern", "AI_Judge"), "unknown pattern 'AI_Judge'"),
    "pattern as a path": ((*ASK, "--pattern", "../../etc/passwd"), "unknown pattern"),
    "unknown domain": ((*ASK, "--domain", "medcal"), "unknown domain 'medcal': did you mean medical"),
    "empty domain": ((*ASK, "--domain", ""), "unknown domain ''"),
    "unknown model": ((*ASK, "--models", "gpt-9000-turbo"), "unknown model or tier 'gpt-9000-turbo'"),
    "unknown tier": ((*ASK, "--models", "premum"), "did you mean premium"),
    "model without its key": ((*ASK, "--models", "anthropic/claude-sonnet-5-5"), "ANTHROPIC_API_KEY"),
    "one model unknown of two": ((*ASK, "--models", "rehearsal/ada,nonsense"), "unknown model or tier 'nonsense'"),
    "a rehearsal tier that does not exist": ((*ASK, "--models", "rehersal"), "did you mean rehearsal"),
    "too few models for the pattern": (
        (*ASK, "--pattern", "consensus_voting", "--models", "rehearsal/ada"),
        "3",
    ),
    "the same model three times": (
        (*ASK, "--pattern", "consensus_voting", "--models", "rehearsal/ada,rehearsal/ada,rehearsal/ada"),
        "3",
    ),
    "negative cap": ((*ASK, "--max_cost_usd", "-1"), "max_cost_usd"),
    "cap above the tenant's": ((*ASK, "--max_cost_usd", "1000"), "max_cost_usd"),
    "cap that is no number": ((*ASK, "--max_cost_usd", "nan"), "max_cost_usd"),
    "infinite cap": ((*ASK, "--max_cost_usd", "inf"), "max_cost_usd"),
    "run_id with a slash": ((*ASK, "--run_id", "a/b"), "run_id"),
    "run_id with a capital": ((*ASK, "--run_id", "Run1"), "run_id"),
    "run_id that starts with a digit": ((*ASK, "--run_id", "1run"), "run_id"),
    "run_id that is too long": ((*ASK, "--run_id", "r" * 64), "run_id"),
    "run_id with SQL": ((*ASK, "--run_id", "x'; drop table runs;--"), "run_id"),
    "tenant_id that is no UUID": ((*ASK, "--tenant_id", "acme"), "--tenant_id 'acme' is not a UUID"),
    "user_id that is no UUID": ((*ASK, "--user_id", "me"), "--user_id 'me' is not a UUID"),
    "a tenant that does not exist": ((*ASK, "--tenant_id", str(uuid4())), "user"),
    "a user of no tenant": ((*ASK, "--user_id", str(uuid4())), "user"),
    "agents that are no JSON": ((*ASK, "--agents", "[{"), "--agents is not JSON"),
    "agents that are no list": ((*ASK, "--agents", json.dumps(AGENT)), "--agents is not a JSON list"),
    "an agent that is no object": (agents("a"), "--agents: item 1 is not an object"),
    "an agent without a role": (agents({"agent_id": "a"}), "--agents: agent 1: role"),
    "an agent with an empty role": (agents({**AGENT, "role": ""}), "--agents: agent 1: role"),
    "an agent with an unknown field": (agents({**AGENT, "temprature": 1}), "--agents: agent 1: temprature"),
    "an agent that is too hot": (agents({**AGENT, "temperature": 7}), "--agents: agent 1: temperature"),
    "an agent without tokens": (agents({**AGENT, "max_tokens": 0}), "--agents: agent 1: max_tokens"),
    "an agent of an unknown model": (agents({**AGENT, "model": "gpt-9000"}), "unknown model or tier 'gpt-9000'"),
    "an agent with a tool": (agents({**AGENT, "tools": ["web"]}), "no tool is configured"),
    "two agents of one name": (agents(AGENT, AGENT), "two agents have the same agent_id"),
    "too many agents": (agents(*({**AGENT, "agent_id": f"a{i}"} for i in range(10))), "at most 9"),
    "agents from a file that is not there": ((*ASK, "--agents", "@nowhere.json"), "'nowhere.json' cannot be read"),
    "no prompt": ((), "--prompt"),
    "an option that does not exist": ((*ASK, "--modls", "x"), "--modls"),
    "a cap that is a word": ((*ASK, "--max_cost_usd", "much"), "max_cost_usd"),
}
PYFLYTE_OWN = {"no prompt", "an option that does not exist", "a cap that is a word"}
"""These pyflyte refuses by itself, in its own words and box."""


@pytest.fixture
def nothing_written(database: str) -> Iterator[None]:
    """The test must leave no row of a run, of whatever tenant."""
    with as_owner(database) as cursor:
        cursor.execute(_ROWS)
        before = cursor.fetchall()
        yield
        cursor.execute(_ROWS)
        assert cursor.fetchall() == before


@pytest.mark.parametrize("name", CASES)
@pytest.mark.usefixtures("no_provider", "nothing_written")
def test_bad_input_is_refused_before_anything_is_written(name: str) -> None:
    words, message = CASES[name]
    done = think_tank(*words)
    assert done.exit_code == 2, done
    assert message in done.stderr
    if name not in PYFLYTE_OWN:
        one_line(done)


def one_line(done: Done) -> None:
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.usefixtures("no_provider", "nothing_written")
def test_an_input_of_a_pattern_is_checked_too() -> None:
    stages = json.dumps([{"name": "one", "deliverable": "x", "criteria": "y"}])
    done = pyflyte_run("workflows/catalogue.py", "stage_gate_approval", *ASK, "--stages", stages)
    assert done.exit_code == 2
    assert "--stages: its length is 1, 3 to 6 is allowed" in done.stderr
    one_line(done)


@pytest.mark.usefixtures("no_provider", "database")
def test_an_unknown_pattern_of_the_catalogue_suggests_the_nearest() -> None:
    done = pyflyte_run("workflows/catalogue.py", "consensus_votng", *ASK)
    assert done.exit_code == 2, done
    assert "did you mean consensus_voting" in done.stderr
    one_line(done)


@pytest.mark.usefixtures("no_provider", "nothing_written")
def test_rehearsal_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_ENV", "production")
    settings.cache_clear()
    done = think_tank(*ASK)
    assert done.exit_code == 2
    one_line(done)


@pytest.mark.usefixtures("no_provider", "nothing_written")
def test_personal_data_is_refused_where_it_may_not_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RADIANT_PHI", "refuse")
    settings.cache_clear()
    done = think_tank("--prompt", "Write to jane.roe@example.org about MRN: 4471123.")
    assert done.exit_code == 2
    assert "RADIANT_PHI" in done.stderr
    one_line(done)


@pytest.mark.usefixtures("no_provider")
def test_a_database_that_is_not_there_says_what_to_set(use_database: Callable[[str], None], tmp_path: Path) -> None:
    use_database(f"postgresql:///radiant?host={tmp_path}")
    done = think_tank(*ASK)
    assert done.exit_code == 1
    assert "DATABASE_URL" in done.stderr
    one_line(done)


_ROWS = (
    " UNION ALL ".join(
        f"SELECT '{table}', count(*) FROM {table}"
        for table in ("runs", "model_calls", "budgets", "step_records", "reviews", "execution_manifests")
    )
    + " ORDER BY 1"
)
