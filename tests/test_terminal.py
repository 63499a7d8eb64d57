"""A person at a terminal: asked in place, shown nothing personal, and answered in the same command."""

import os
import pty
import subprocess
import sys
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from utils.reviews import reviews_of
from utils.runs import list_runs
from utils.settings import settings

PYFLYTE = "from flytekit.clis.sdk_in_container.pyflyte import main; main(prog_name='pyflyte')"
SECRET = "Should we write to jane.roe@example.org?"


@dataclass
class Terminal:
    """A command whose three streams are a terminal, and what it printed so far."""

    words: tuple[str, ...]
    printed: str = ""
    answers: list[tuple[str, str]] = field(default_factory=list)

    def run(self) -> int:
        """Its exit code, after it was given each answer once its question stood there."""
        leader, follower = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("CI", "EDITOR", "VISUAL")}
        process = subprocess.Popen(
            [sys.executable, "-c", PYFLYTE, "run", "workflows/think_tank.py", "think_tank", *self.words],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={**environment, "COLUMNS": "200", "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(follower)
        try:
            while part := os.read(leader, 4096):
                self.printed += part.decode(errors="replace")
                if self.answers and self.answers[0][0] in self.printed:
                    os.write(leader, (self.answers.pop(0)[1] + "\n").encode())
        except OSError:  # Linux says EIO where the last holder of the terminal has gone
            pass
        os.close(leader)
        return process.wait(60)


def only_review() -> tuple[str, str]:
    (run,) = list_runs(settings().tenant_id)
    (review,) = reviews_of(UUID(str(settings().tenant_id)), run.run_id)
    return run.status, review.decision


@pytest.mark.usefixtures("no_provider", "database")
def test_require_approval_asks_and_goes_on() -> None:
    terminal = Terminal(("--prompt", SECRET, "--require_approval"), answers=[("Your decision", "approve")])
    assert terminal.run() == 0, terminal.printed
    assert only_review() == ("done", "approve")
    asked = terminal.printed.partition("Your decision")[0]
    assert "[EMAIL 1]" in asked
    assert "jane.roe@example.org" not in asked
    assert "status" in terminal.printed.partition("Your decision")[2]


@pytest.mark.usefixtures("no_provider", "database")
def test_reject_at_the_terminal_ends_with_4() -> None:
    terminal = Terminal(("--prompt", SECRET, "--require_approval"), answers=[("Your decision", "reject")])
    assert terminal.run() == 4, terminal.printed
    assert only_review() == ("rejected", "reject")


@pytest.mark.usefixtures("no_provider", "database")
def test_an_edit_is_asked_for_its_text() -> None:
    terminal = Terminal(
        ("--prompt", SECRET, "--require_approval"),
        answers=[("Your decision", "edit"), ("Your text", "Write to [EMAIL 1] today.")],
    )
    assert terminal.run() == 0, terminal.printed
    assert only_review() == ("done", "edit")
    assert "Write to jane.roe@example.org today." in terminal.printed
