"""The command line as a whole: its help, its errors, and that a real process behaves alike."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from uuid import uuid4

import click
import pytest

from scripts.radiant import COMMANDS
from tests.scripts.conftest import PROGRAM, QUESTION, Radiant, Tenant, on_terminal
from utils.settings import settings

LISTING = """
import sys
from scripts.radiant import main
main(["--help"], standalone_mode=False)
print([name for name in ("flytekit", "litellm", "pydantic", "psycopg2", "rich") if name in sys.modules])
"""
IMPORTED = """
import sys
from scripts.radiant import COMMANDS, main
for name in COMMANDS:
    main([name, "--help"], standalone_mode=False)
print([name for name in ("flytekit", "litellm", "psycopg2", "rich", "presidio_analyzer") if name in sys.modules])
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name: str) -> None:
    module, text = COMMANDS[name]
    command = getattr(import_module(module), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == text


@pytest.mark.parametrize("program", [LISTING, IMPORTED], ids=["radiant --help", "each command's --help"])
def test_help_imports_nothing_heavy(program: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("aprove", "r1"), "did you mean approve"),
        (("approve",), "Missing argument 'RUN'"),
        (("approve", "r1", "--bogus"), "No such option"),
        (("runs", "--status", "happy"), "is not one of"),
        (("runs", "--limit", "0"), "0 is not in the range"),
        (("costs", "--by", "phase"), "is not one of"),
        (("costs", "--days", "0"), "0 is not in the range"),
        (("inbox", "--tenant", "us"), "'us' is not a valid UUID"),
        (("resume", "r1", "--max-cost-usd", "-1"), "not in the range"),
        (("revise", "r1"), "Missing option '--guidance'"),
        (("show", "\udcff"), "RUN is not UTF-8 text"),
    ],
)
def test_a_mistake_is_one_line(arguments: tuple[str, ...], says: str, refused: Callable[..., str]) -> None:
    assert says in refused(*arguments)


def test_an_unknown_run_gives_the_nearest_ids(ours: Tenant, refused: Callable[..., str]) -> None:
    ours.run("quarterly-report")
    for command in ("show", "approve", "reject", "edit", "decide", "resume", "export"):
        assert "did you mean quarterly-report?" in refused(command, "quartely-report"), command


@pytest.mark.usefixtures("ours")
def test_where_there_is_no_run_the_error_says_so(refused: Callable[..., str]) -> None:
    assert refused("show", "r1") == "error: unknown run 'r1': there is none yet\n"
    assert refused("show", "a\nb\x1b[2J") == "error: unknown run 'a b': there is none yet\n"


def test_an_error_lists_some_names_and_counts_the_rest(ours: Tenant, refused: Callable[..., str]) -> None:
    for number in range(22):
        ours.run(f"a{number:02}")
    said = refused("show", "zzzzzz")
    assert said.endswith(": known: " + ", ".join(f"a{number:02}" for number in range(20)) + " and 2 more\n")


def test_a_user_of_the_tenant_speaks_for_it_alone(ours: Tenant, theirs: Tenant, refused: Callable[..., str]) -> None:
    assert "has no user" in refused("inbox", "--tenant", str(theirs.id), "--user", str(ours.admin))
    assert "has no user" in refused("inbox", "--tenant", str(theirs.id))
    assert "has no user" in refused("inbox", "--tenant", str(uuid4()))


def test_the_first_command_of_all_makes_the_personal_tenant(database: str, radiant: Radiant) -> None:
    result = radiant("inbox")
    assert (result.exit_code, result.stdout) == (0, "nothing waits for a person\n")


def test_a_process_prints_and_exits_as_the_same_command_here(ours: Tenant) -> None:
    run_id = ours.waiting()
    listed = subprocess.run([PROGRAM, "inbox"], capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[1].startswith(f"{run_id}  settle@1/review  general")
    approved = subprocess.run([PROGRAM, "approve", run_id], capture_output=True, text=True, check=True)
    assert approved.stdout == f"run {run_id}: approved; go on with `radiant resume {run_id}`\n"
    again = subprocess.run([PROGRAM, "approve", run_id], capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert again.stdout == ""
    assert "is decided already" in again.stderr


def test_a_terminal_that_is_wide_enough_shows_a_table(ours: Tenant) -> None:
    run_id = ours.waiting(replace(QUESTION, reason="[red]really[/red]?"))
    wide, narrow = on_terminal([PROGRAM, "inbox"]), on_terminal([PROGRAM, "inbox"], COLUMNS="60")
    assert "─" in wide
    assert "RUN" not in wide
    assert narrow.startswith("RUN")
    for printed in (wide, narrow):
        assert run_id in printed
        assert "[red]really[/red]?" in printed


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("RADIANT_TENANT_ID", "us", "RADIANT_TENANT_ID: Input should be a valid UUID"),
        ("RADIANT_COST_ALERT_THRESHOLD", "2", "RADIANT_COST_ALERT_THRESHOLD: Input should be less than"),
        ("RADIANT_TIERS", "{", "a RADIANT_ variable is no JSON"),
    ],
)
def test_a_setting_that_does_not_fit_is_one_line(
    variable: str, value: str, says: str, ours: Tenant, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    assert says in refused("inbox")


def test_no_database_is_one_line(
    use_database: Callable[[str], None], radiant: Radiant, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_database("postgresql://nobody@127.0.0.1:1/none")
    result = radiant("check")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no connection to the database as owner")
    assert result.stderr.count("\n") == 1
