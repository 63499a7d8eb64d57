"""A graph run in this process: what `pyflyte run` without --remote does."""

import os
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any, NoReturn
from uuid import UUID

from tasks.ending import recorded_status
from tasks.estimate import cost_at_most, estimate
from tasks.functions import find_pattern
from tasks.opening import Asked, Opened, open_asked
from tasks.plain import PlainHost
from tasks.reply import Replies
from tasks.result import Result, RunStatus, Signal
from tasks.spec import GraphSpec
from tasks.views import Scope
from tasks.walk import walk
from utils.errors import BadInput, RadiantError
from utils.governor import remaining
from utils.logs import bound, for_people, start_logging
from utils.runs import heartbeat, lease
from utils.settings import settings
from utils.telemetry import span
from utils.terminal import interruptible

EXIT_CODES: dict[RunStatus, int] = {"done": 0, "degraded": 0, "rejected": 4, "blocked": 4}


def run_here(spec: GraphSpec, values: Mapping[str, Any], asked: Asked) -> tuple[Result, list[Signal]]:
    """Runs a graph to its end on the plain host.

    Under `pyflyte run` the answer goes to stdout, progress and errors to stderr, and the process ends with the
    status's exit code; called from Python it returns the outputs, or raises a RadiantError.
    """
    if not under_pyflyte():
        return _run(spec, values, asked)
    import click

    from tasks.report import final_block
    from utils.console import Console

    try:
        with Console() if for_people() else nullcontext():
            result, _ = _run(spec, values, asked)
    except RadiantError as error:
        exit_with(error)
    click.echo(final_block(result))
    raise click.exceptions.Exit(EXIT_CODES.get(result.status, 1))


def _run(spec: GraphSpec, values: Mapping[str, Any], asked: Asked) -> tuple[Result, list[Signal]]:
    opened = open_asked(spec, values, asked)
    run = opened.run
    tenant = UUID(run.tenant_id)
    if opened.result is not None:
        return opened.result, []
    start_logging()
    with (
        interruptible(),
        lease(tenant, run.run_id),
        heartbeat(tenant, run.run_id),
        bound(run=run.run_id, tenant=run.tenant_id),
        span(f"run {run.workflow}", domain=run.domain) as here,
        recorded_status(run),
    ):
        if not opened.resumed:
            _confirm_estimate(opened)
        nothing: Scope[Replies] = Scope({})
        made = walk(spec, nothing.with_names(opened.inputs), "", PlainHost(run, resumed=opened.resumed))
        result = Result.model_validate_json(made["result"][0].fields)
        here.put(state=result.status)
    return result, [Signal.model_validate_json(s.fields) for s in made["signals"]]


def _confirm_estimate(opened: Opened) -> None:
    """Shows what the run may cost at most; above the alert threshold of its cap a person at a terminal confirms."""
    import click

    from tasks.report import estimate_line

    calls = estimate(find_pattern(opened.run.pattern))
    most = cost_at_most(calls, opened.run.models, opened.run.prompt)
    cap = remaining(UUID(opened.run.tenant_id), opened.run.run_id).run
    if for_people():
        click.echo(estimate_line(calls, most, cap), err=True)
    if most <= settings().cost_alert_threshold * cap:
        return
    if sys.stdin is not None and sys.stdin.isatty() and not os.environ.get("CI"):
        if not click.confirm("That is near or above the cap. Go on?", err=True):
            raise BadInput("not started: raise --max_cost_usd, or choose cheaper --models")
    elif for_people():
        click.echo("that is near or above the cap: the run stops where it would pass it", err=True)


def under_pyflyte() -> bool:
    """Whether `pyflyte run` asked for this run: then the process's output is ours."""
    import click

    context = click.get_current_context(silent=True)
    return context is not None and context.find_root().info_name == "pyflyte"


def exit_with(error: RadiantError) -> NoReturn:
    """One line on stderr, and the error's exit code."""
    import click

    click.echo(f"{'' if error.exit_code == 3 else 'error: '}{error.message}", err=True)
    raise click.exceptions.Exit(error.exit_code)
