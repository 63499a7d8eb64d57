"""`pyflyte run` in this process, as a person would type it: exit code, stdout and stderr."""

from dataclasses import dataclass

from click.testing import CliRunner
from flytekit.clis.sdk_in_container.pyflyte import main


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    exit_code: int
    stdout: str
    stderr: str


def pyflyte_run(*words: str) -> Done:
    """Runs `pyflyte run` with these words, without a terminal."""
    done = CliRunner().invoke(main, ["run", *words], prog_name="pyflyte")
    return Done(done.exit_code, done.stdout, done.stderr)


def think_tank(*words: str) -> Done:
    """Runs the main job."""
    return pyflyte_run("workflows/think_tank.py", "think_tank", *words)
