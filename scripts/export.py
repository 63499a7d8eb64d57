"""`radiant export`: all that is known of one run, as JSON, and its Deck, as HTML."""

import json
from pathlib import Path
from uuid import UUID

import click
from pydantic import BaseModel, ConfigDict, JsonValue

from scripts.identity import Identity, identified, in_run
from scripts.tables import to_json
from tasks.result import Result, Signal
from tasks.run import Run as TaskRun
from utils.db import tenant_transaction
from utils.errors import BadInput
from utils.ledger import LedgerRow, ledger_of
from utils.reviews import Review, reviews_of
from utils.runs import FullRun, Run, get_run


class RunExport(BaseModel):
    """A run in full. What is a JsonValue is as it is stored: a row by its columns, or a JSON text's value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Run
    spec: JsonValue
    inputs: JsonValue
    result: Result | None
    ledger: tuple[LedgerRow, ...]
    reviews: tuple[Review, ...]
    verdicts: tuple[JsonValue, ...]
    signals: tuple[JsonValue, ...]
    manifest: JsonValue
    audit: tuple[JsonValue, ...]


@click.command()
@identified
@in_run
@click.option("--json", "json_file", help="Where the JSON goes; - is stdout, the default.")
@click.option("--html", "html_file", help="Where the Deck goes; - is stdout.")
def export(me: Identity, run_id: str, json_file: str | None, html_file: str | None) -> None:
    """One run as JSON, and its Deck as HTML."""
    if json_file == html_file and json_file is not None:
        raise BadInput("--json and --html both go to the same place: name two")
    run = get_run(me.tenant, run_id)
    me.must_read(run)
    if html_file:
        _write(html_file, _deck(me.tenant, run))
    if json_file or not html_file:
        _write(json_file or "-", to_json(export_of(me.tenant, run)) + "\n")


def export_of(tenant_id: UUID, run: FullRun) -> RunExport:
    """All that the database holds of a run."""
    rows: dict[str, tuple[JsonValue, ...]] = {}
    with tenant_transaction(tenant_id, durable=False) as cursor:
        for name, query in _ROWS.items():
            cursor.execute(query, (tenant_id, run.run_id))
            rows[name] = tuple(row[0] for row in cursor.fetchall())
    return RunExport(
        run=Run(**{name: getattr(run, name) for name in Run.__dataclass_fields__}),
        spec=json.loads(run.spec),
        inputs=json.loads(run.inputs),
        result=Result.model_validate_json(run.result) if run.result else None,
        ledger=ledger_of(tenant_id, run.run_id),
        reviews=reviews_of(tenant_id, run.run_id),
        verdicts=rows["verdicts"],
        signals=rows["signals"],
        manifest=next(iter(rows["manifest"]), None),
        audit=rows["audit"],
    )


def _deck(tenant_id: UUID, run: FullRun) -> str:
    """The Deck as it was written, or made anew where another machine has the file."""
    if run.result is None:
        raise BadInput(f"run {run.run_id} is {run.status}: it has a Deck once it has concluded; --json works now")
    result = Result.model_validate_json(run.result)
    stored = Path(result.deck)
    return stored.read_text("utf-8") if result.deck and stored.is_file() else _drawn(tenant_id, run, result)


def _drawn(tenant_id: UUID, run: FullRun, result: Result) -> str:
    from tasks.deliver import deck_of
    from tasks.trace import traces

    with tenant_transaction(tenant_id, durable=False) as cursor:
        cursor.execute(_STARTED, (tenant_id, run.run_id))
        started = cursor.fetchone()
        cursor.execute(_SIGNALS, (tenant_id, run.run_id))
        signals = [Signal(**dict(zip(Signal.model_fields, row, strict=True))) for row in cursor.fetchall()]
    if started is None:
        raise BadInput(f"run {run.run_id} kept too little for a Deck: --json has all that is left of it")
    opened = TaskRun.model_validate(started[0])
    slots = {traced.path: traced.slots for traced in traces(opened)}
    lessons, learned = (slots.get(path, {}).get("out", []) for path in ("lessons", "learn"))
    return deck_of(opened, result, signals, lessons, learned)


def _write(name: str, text: str) -> None:
    if name == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"'{name}' cannot be written: {error.strerror}") from None
    click.echo(f"wrote {name}", err=True)


_ROWS = {
    "verdicts": "SELECT to_jsonb(c) FROM cato_checks c WHERE tenant_id = %s AND run_id = %s ORDER BY created_at, kind",
    "signals": "SELECT to_jsonb(s) FROM neural_learning_signals s WHERE tenant_id = %s AND run_id = %s "
    "ORDER BY created_at, id",
    "manifest": "SELECT to_jsonb(m) FROM execution_manifests m WHERE tenant_id = %s AND run_id = %s "
    "ORDER BY created_at DESC LIMIT 1",
    "audit": "SELECT to_jsonb(a) FROM audit_log a WHERE tenant_id = %s AND subject = %s ORDER BY id",
}
_STARTED = """
SELECT output -> 'run' FROM step_records WHERE tenant_id = %s AND run_id = %s AND path = '' AND kind = 'inputs'
"""
_SIGNALS = """
SELECT signal_type, signal_value::float8, source, confidence::float8, weight::float8, coalesce(model_id, ''),
    coalesce(node_id, '')
FROM neural_learning_signals WHERE tenant_id = %s AND run_id = %s ORDER BY created_at, id
"""
