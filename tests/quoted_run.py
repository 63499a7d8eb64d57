"""A run in a process of its own, in which the prompt, every reply and a provider's complaint hold the same words."""

import os
import subprocess
import sys

from tests.fake_openai import Fault, Reply, Request
from tests.simulated import simulated

MODELS = ("openai/gpt-4o-mini", "openai/gpt-6-luna", "openai/gpt-6-sol", "openai/gpt-5.4-mini")
BROKEN = MODELS[-1]
"""The model whose provider refuses."""
SECRET = "quokkas in the archive"


def partly_broken(request: Request) -> Reply | Fault:
    """How the models' server behaves: tokens are 11 in and 7 out."""
    if BROKEN.endswith(request.body["model"]):
        return Fault("bad_request", f"cannot answer: {SECRET}")
    reply = simulated(request)
    return reply if "response_format" in request.body else Reply(f"{SECRET}\n{reply.text}")


def ask(run_id: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Asks MODELS; the run's status goes to stdout."""
    return python(_RUN, f"Where are the {SECRET}?", ",".join(MODELS), run_id, **environ)


def python(code: str, *words: str, **environ: str) -> "subprocess.CompletedProcess[str]":
    """Runs a piece of code, with this process's environment but for OpenTelemetry's."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        env={**known, **environ},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


_RUN = """
import sys
from tasks.opening import Asked
from workflows.frame import framed
from workflows.local import run_here

prompt, models, run_id = sys.argv[1:]
asked = Asked(models=models, run_id=run_id)
values = {"prompt": prompt, "models": models, "judge": "", "require_approval": False}
print(run_here(framed("consensus_voting"), values, asked)[0].status)
"""
