"""`radiant runs` and `radiant resume`."""

import json
from typing import get_args

import click

from scripts.identity import Identity, identified, in_run
from scripts.tables import show_json, show_table
from utils.errors import BadInput
from utils.runs import Concluded, Run, Status, Unfinished, get_run, list_runs


@click.command()
@identified
@click.option("--status", type=click.Choice([*get_args(Unfinished), *get_args(Concluded)]), help="Only these.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def runs(me: Identity, status: Status | None, limit: int, as_json: bool) -> None:
    """The latest runs."""
    found = list_runs(me.tenant, status=status, limit=limit)
    if as_json:
        show_json(found)
    elif found:
        show_table(("run", "status", "workflow", "domain", "started", "note"), [_row(run) for run in found])
    else:
        click.echo("no run yet" if status is None else f"no run is {status}")


@click.command()
@identified
@in_run
@click.option(
    "--max-cost-usd", "--max_cost_usd", "cap", type=click.FloatRange(0, min_open=True), help="Another cap of the run."
)
def resume(me: Identity, run_id: str, cap: float | None) -> None:
    """Go on with a run in this process.

    The workflow and the inputs are those that the run was started with. What it paid for is not paid again.
    """
    from tasks.opening import Asked
    from tasks.pattern_upkeep import SUFFIX
    from tasks.report import final_block
    from tasks.spec import GraphSpec
    from utils.console import Console
    from workflows.local import EXIT_CODES, run_here

    run = get_run(me.tenant, run_id)
    me.must_read(run)
    if run.workflow.endswith(SUFFIX):
        raise BadInput(
            f"run {run_id} is a pattern's upkeep, which goes on by its schedule, or now by "
            "`pyflyte run workflows/maintenance.py pattern_upkeep`"
        )
    values = json.loads(run.inputs)
    asked = Asked(
        domain=values.pop("domain"),
        models=values.pop("models"),
        max_cost_usd=cap or 0.0,
        run_id=run.run_id,
        tenant_id=str(me.tenant),
        user_id=str(run.user_id),
    )
    with Console():
        result, _ = run_here(GraphSpec.from_json(run.spec), values, asked)
    click.echo(final_block(result))
    raise click.exceptions.Exit(EXIT_CODES.get(result.status, 1))


def _row(run: Run) -> tuple[str, ...]:
    note = run.error or {"waiting": f"radiant show {run.run_id}"}.get(run.status, "")
    workflow = f"{run.workflow} (rehearsal)" if run.rehearsal else run.workflow
    return run.run_id, run.status, workflow, run.domain, f"{run.started_at.astimezone():%Y-%m-%d %H:%M}", note
