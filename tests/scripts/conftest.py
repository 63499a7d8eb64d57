"""Two tenants with their people, runs that wait, and `radiant` in this process."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from uuid import UUID, uuid4

import pytest
from click.testing import CliRunner, Result

from scripts.radiant import main
from tasks.functions import find_pattern
from utils.accounts import UserRole, ensure_personal
from utils.db import tenant_transaction
from utils.reviews import Choice, Question, open_review
from utils.runs import OpenRequest, new_run_id, open_run, set_status
from utils.settings import settings

PROGRAM = str(Path(sys.executable).with_name("radiant"))
SPEC = find_pattern("consensus_voting").to_json()
INPUTS = {"prompt": "Does Ada Lovelace qualify?", "domain": "general", "models": ""}
ANSWERS = (Choice("approve"), Choice("revise", True), Choice("edit", True), Choice("reject"))
SHOWN = "## prompt\nDoes [PERSON 1] qualify?\n\n## answer\nYes, [PERSON 1] does.\n\n## why\napproval was asked for"
QUESTION = Question("Approve?", "general", SHOWN, ANSWERS, placeholders={"[PERSON 1]": "Ada Lovelace"}, waits=1800)


@dataclass(frozen=True)
class Tenant:
    """A tenant with its first user, an admin."""

    id: UUID
    admin: UUID

    @property
    def flags(self) -> tuple[str, ...]:
        return "--tenant", str(self.id), "--user", str(self.admin)

    def user(self, role: UserRole) -> UUID:
        """One user more."""
        user = uuid4()
        with tenant_transaction(self.id) as cursor:
            cursor.execute(
                "INSERT INTO users (tenant_id, id, name, role) VALUES (%s, %s, %s, %s)",
                (self.id, user, role.title(), role),
            )
        return user

    def run(self, run_id: str = "", user: UUID | None = None) -> str:
        """A new run's id."""
        run_id = run_id or new_run_id()
        asked = OpenRequest(self.id, user or self.admin, "consensus_voting", SPEC, json.dumps(INPUTS), run_id)
        return open_run(asked).run_id

    def waiting(self, question: Question = QUESTION, *, path: str = "settle@1/review", user: UUID | None = None) -> str:
        """The id of a new run that waits for a person."""
        run_id = self.run(user=user)
        open_review(self.id, run_id, path, question)
        set_status(self.id, run_id, "waiting")
        return run_id


class Radiant(Protocol):
    """Runs a command line; what it printed and its exit code are in the result."""

    def __call__(self, *arguments: str, stdin: str = "") -> Result: ...


@pytest.fixture
def radiant() -> Radiant:
    def run(*arguments: str, stdin: str = "") -> Result:
        result = CliRunner().invoke(main, arguments, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def refused(radiant: Radiant) -> Callable[..., str]:
    """Runs a command line that must end as bad input; gives its one line."""

    def run(*arguments: str, stdin: str = "") -> str:
        result = radiant(*arguments, stdin=stdin)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1
        return result.stderr

    return run


@pytest.fixture
def ours(database: str) -> Tenant:
    """The personal tenant of the settings."""
    ensure_personal(settings().tenant_id, settings().user_id)
    return Tenant(settings().tenant_id, settings().user_id)


@pytest.fixture
def theirs(database: str) -> Tenant:
    """Another tenant."""
    other = Tenant(uuid4(), uuid4())
    ensure_personal(other.id, other.admin)
    return other


def on_terminal(command: list[str], **environment: str) -> str:
    """What a command prints where its three streams are a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command, stdin=follower, stdout=follower, stderr=follower, env={**os.environ, "COLUMNS": "200", **environment}
    )
    os.close(follower)
    printed = b""
    try:
        while part := os.read(leader, 4096):
            printed += part
    except OSError:  # Linux says EIO where the last holder of the terminal has gone
        pass
    os.close(leader)
    process.wait(30)
    return printed.decode()
