"""A person at a terminal: asked in place, shown nothing personal, and answered in the same command."""

import os
import pty
import subprocess
import sys
from dataclasses import dataclass, field
from threading import Timer

import pytest

from utils.reviews import reviews_of
from utils.runs import get_run
from utils.settings import settings

INTERRUPT, END = "\x03", "\x04"
"""Ctrl-C and Ctrl-D, as a terminal sends them."""
MOST_SECONDS = 300
"""After which commands that do not end are killed."""
SECRET = "Should we write to jane.roe@example.org?"
SHELL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from flytekit.clis.sdk_in_container.pyflyte import main
for number, run_id in enumerate(sys.argv[2:], 1):
    words = ["run", "workflows/think_tank.py", "think_tank", "--prompt", sys.argv[1], "--require_approval"]
    try:
        main([*words, "--run_id", run_id], prog_name="pyflyte")
    except SystemExit as ended:
        print(f"[{run_id} ended with {ended.code}]", flush=True)
        if number == len(sys.argv) - 2:
            raise
"""
"""Commands one after the other in a process that imports everything once; it exits as the last of them. The terminal
is its own, so that Ctrl-C interrupts it."""


@dataclass
class Terminal:
    """Commands whose three streams are a terminal, by their run's id, and what they printed so far."""

    runs: tuple[str, ...]
    answers: list[tuple[str, str]]
    """Questions in the order in which they come, each with what the person then types."""
    printed: str = ""
    _answered: int = field(default=0, init=False)

    def run(self) -> int:
        """The exit code, after each question was answered once it stood there."""
        leader, follower = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("CI", "EDITOR", "VISUAL")}
        process = subprocess.Popen(
            [sys.executable, "-c", SHELL, SECRET, *self.runs],
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={**environment, "COLUMNS": "200", "TERM": "xterm"},
            start_new_session=True,
        )
        os.close(follower)
        too_long = Timer(MOST_SECONDS, process.kill)
        too_long.start()
        try:
            while part := os.read(leader, 4096):
                self.printed += part.decode(errors="replace")
                self._answer(leader)
        except OSError:  # Linux says EIO where the last holder of the terminal has gone
            pass
        os.close(leader)
        too_long.cancel()
        return process.wait(60)

    def _answer(self, leader: int) -> None:
        if self.answers and (at := self.printed.find(self.answers[0][0], self._answered)) >= 0:
            question, typed = self.answers.pop(0)
            self._answered = at + len(question)
            os.write(leader, (typed if typed in (INTERRUPT, END) else typed + "\n").encode())


def ended(run_id: str) -> tuple[str, str]:
    """How the run ended, and what was decided."""
    (review,) = reviews_of(settings().tenant_id, run_id)
    return get_run(settings().tenant_id, run_id).status, review.decision


@pytest.mark.usefixtures("no_provider", "database")
def test_a_person_is_asked_and_the_command_goes_on_as_decided() -> None:
    terminal = Terminal(
        ("approved", "edited", "rejected"),
        [
            ("Your decision", "approve"),
            ("Your decision", "edit"),
            ("Your text", "Write to [EMAIL 1] today."),
            ("Your decision", "reject"),
        ],
    )
    assert terminal.run() == 4, terminal.printed
    approved, _, rest = terminal.printed.partition("[approved ended with 0]")
    edited, _, rejected = rest.partition("[edited ended with 0]")
    assert "[rejected ended with 4]" in rejected, terminal.printed
    assert [ended(run) for run in terminal.runs] == [("done", "approve"), ("done", "edit"), ("rejected", "reject")]

    asked, _, given = approved.partition("Your decision")
    assert "[EMAIL 1]" in asked
    assert "jane.roe@example.org" not in asked
    assert "status" in given
    assert "Write to jane.roe@example.org today." in edited


@pytest.mark.usefixtures("no_provider", "database")
def test_who_leaves_the_question_leaves_the_review_open() -> None:
    terminal = Terminal(
        ("interrupted", "closed", "after-a-word"),
        [("Your decision", INTERRUPT), ("Your decision", END), ("Your decision", "edit"), ("Your text", INTERRUPT)],
    )
    assert terminal.run() == 3, terminal.printed
    for run in terminal.runs:
        assert f"run {run} waits for a person. Decide with `radiant approve {run}`" in terminal.printed
        assert f"[{run} ended with 3]" in terminal.printed, terminal.printed
        assert ended(run) == ("waiting", "")
    assert "Traceback" not in terminal.printed
