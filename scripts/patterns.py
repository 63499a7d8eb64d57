"""`radiant patterns`: the registry of patterns. Lists, filters, searches, enables and disables them, and shows one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args
from uuid import UUID

import click

from scripts.bench.patterns import Figure, figures_of, standing
from scripts.identity import Identity, identified, storable
from scripts.tables import show_json, show_table
from utils.display import duration, money, percent, plural, printable
from utils.errors import BadInput, unknown
from utils.patterns import (
    Complexity,
    Found,
    Pattern,
    PatternStatus,
    Performance,
    Wanted,
    find,
    listed,
    performance_of,
    search,
    stats,
    switch,
)

if TYPE_CHECKING:
    from tasks.estimate import Estimate
    from tasks.spec import GraphSpec

NO_EVIDENCE = "no evidence yet"
PROMPT = "x" * 2000
"""What stands for a prompt in an estimate of the cost: about 500 tokens."""


@dataclass(frozen=True)
class Shown:
    """All that is known of a pattern. `pattern` is None for the main job's own, which no catalogue names; without a
    graph there is no `spec`, and without models that can be called now no cost (USD, with those that a run gets).
    """

    pattern_id: str
    pattern: Pattern | None
    performance: Performance
    spec: "GraphSpec | None"
    estimate: "Estimate | None"
    models: tuple[str, ...]
    most_cost_usd: float | None
    evidence: tuple[Figure, ...]


class _Patterns(click.Group):
    """Lists where no command is named; a name that is none is a person's mistake like any other."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = bool(args) and args[0] in ctx.help_option_names
        listed = not args or (args[0].startswith("-") and not asks_for_help)
        return super().parse_args(ctx, ["list", *args] if listed else args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self.commands:
            raise unknown("command", args[0], self.commands)
        return super().resolve_command(ctx, args)


def _pattern_id(ctx: click.Context, parameter: click.Parameter, value: str) -> str:
    return storable(value, "PATTERN")


in_pattern = click.argument("pattern_id", metavar="PATTERN", callback=_pattern_id)


@click.group(cls=_Patterns)
def patterns() -> None:
    """The patterns: list, search, show, enable and disable them. Without a command it lists."""


@patterns.command("list")
@identified
@click.option("--category", help="Only of this category.")
@click.option("--search", "text", help="Those that fit a text, by words and by meaning, best first.")
@click.option("--status", type=click.Choice(get_args(PatternStatus)), help="Only these.")
@click.option("--complexity", type=click.Choice(get_args(Complexity)), help="Only these.")
@click.option("--enabled/--disabled", default=None, help="Only these.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(
    me: Identity,
    category: str | None,
    text: str | None,
    status: PatternStatus | None,
    complexity: Complexity | None,
    enabled: bool | None,
    as_json: bool,
) -> None:
    """The patterns by category, or those that fit a search."""
    from tasks.registry import categories, ensure_synced

    known = [c.category_id for c in categories()]
    if category is not None and category not in known:
        raise unknown("category", category, known)
    ensure_synced(me.tenant)
    wanted = Wanted(category, status, complexity, enabled)
    if text is None:
        _show_list(me, listed(me.tenant, wanted), as_json=as_json)
    elif not text.strip():
        raise BadInput("--search is empty: give words, or what the pattern should do")
    else:
        _show_found(search(me.tenant, storable(text, "--search"), wanted), as_json=as_json)


@patterns.command()
@identified
@in_pattern
@click.option("--svg", "svg_file", help="Where the picture of its graph goes, as SVG.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def show(me: Identity, pattern_id: str, svg_file: str | None, as_json: bool) -> None:
    """A pattern: its graph, inputs, what it may cost, evidence and citation."""
    from tasks.registry import ensure_synced

    ensure_synced(me.tenant)
    shown = shown_of(me.tenant, pattern_id)
    if svg_file:
        _write_svg(shown, svg_file)
    if as_json:
        show_json(shown)
    elif not svg_file:
        _show(shown)


@patterns.command()
@identified
@in_pattern
def enable(me: Identity, pattern_id: str) -> None:
    """Let this tenant use a pattern."""
    _switch(me, pattern_id, enabled=True)


@patterns.command()
@identified
@in_pattern
def disable(me: Identity, pattern_id: str) -> None:
    """Keep this tenant from using a pattern."""
    _switch(me, pattern_id, enabled=False)


@patterns.command("sync")
def sync_() -> None:
    """Derive the registry from the catalogue and the files anew, and embed with the model of now."""
    from tasks.registry import sync

    done = sync(anew=True)
    by = f" by {done.stored.model}" if done.stored.model else ""
    click.echo(
        f"{plural(done.patterns, 'pattern')}, {done.implemented:,} implemented; "
        f"{done.stored.changed:,} changed, {done.stored.embedded:,} embedded{by}"
    )
    for pattern_id, why in done.broken.items():
        click.echo(f"broken: {pattern_id}: {printable(why)}", err=True)
    if done.broken:
        raise click.exceptions.Exit(1)


def shown_of(tenant_id: UUID, pattern_id: str) -> Shown:
    """What is known of a pattern of the registry, or of the main job's own. Raises BadInput for an unknown one."""
    from tasks.estimate import cost_at_most, estimate
    from tasks.functions import find_pattern, pattern_files
    from tasks.registry import catalogue

    own = pattern_id in pattern_files() and pattern_id not in catalogue()
    pattern = None if own else find(tenant_id, pattern_id)
    built = own or (pattern is not None and pattern.row.implementation_status == "implemented")
    spec = find_pattern(pattern_id) if built else None
    bound = estimate(spec) if spec else None
    models = _models(spec) if spec else ()
    return Shown(
        pattern_id=pattern_id,
        pattern=pattern,
        performance=performance_of(tenant_id, pattern_id),
        spec=spec,
        estimate=bound,
        models=models,
        most_cost_usd=cost_at_most(bound, list(models), PROMPT) if bound and models else None,
        evidence=tuple(figures_of(pattern_id)),
    )


def _models(spec: "GraphSpec") -> tuple[str, ...]:
    """The models that a run without --models gets; none where too few can be called now."""
    from utils.models import resolve_models

    try:
        return resolve_models("", domain="general", at_least=spec.distinct_models)[: spec.distinct_models]
    except BadInput:
        return ()


def _switch(me: Identity, pattern_id: str, *, enabled: bool) -> None:
    from tasks.registry import ensure_synced

    ensure_synced(me.tenant)
    changed = switch(me.tenant, me.user, pattern_id, enabled=enabled)
    word = "enabled" if enabled else "disabled"
    click.echo(f"{pattern_id} is {word}" if changed else f"{pattern_id} was {word} already")


def _show_list(me: Identity, found: Sequence[Pattern], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    if found:
        show_table(("pattern", "name", "category", "complexity", "calls", "status"), [_row(one) for one in found])
    else:
        click.echo("no pattern is so")
    now = stats(me.tenant)
    click.echo(
        f"\n{plural(now.total_patterns, 'pattern')} enabled, {now.implemented_patterns:,} implemented. "
        "More: radiant patterns show PATTERN"
    )


def _row(one: Pattern) -> tuple[str, ...]:
    row = one.row
    calls = "" if row.most_calls is None else f"<= {row.most_calls:,}"
    return row.pattern_id, row.name, row.category_id, row.complexity.replace("_", " "), calls, _status(one)


def _status(one: Pattern) -> str:
    return one.row.implementation_status + ("" if one.enabled else ", disabled")


def _show_found(found: Sequence[Found], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
    elif found:
        rows = [(f.pattern.row.pattern_id, f.pattern.row.name, _status(f.pattern), _how(f)) for f in found]
        show_table(("pattern", "name", "status", "found by"), rows)
    else:
        click.echo("no pattern fits: try other words, or `radiant patterns` for all")


def _how(found: Found) -> str:
    words = ["words"] if found.by_words else []
    return ", ".join([*words, *([f"meaning {found.similarity:.2f}"] if found.similarity is not None else [])])


def _write_svg(shown: Shown, name: str) -> None:
    from tasks.drawing import draw

    if shown.spec is None:
        raise BadInput(f"pattern '{shown.pattern_id}' is {_what(shown)}: it has no graph to draw")
    try:
        Path(name).write_text(draw(shown.spec), encoding="utf-8")
    except OSError as error:
        raise BadInput(f"'{name}' cannot be written: {error.strerror}") from None
    click.echo(f"wrote {name}", err=True)


def _what(shown: Shown) -> str:
    return _status(shown.pattern) if shown.pattern else "the main job's own"


def _show(shown: Shown) -> None:
    from tasks.drawing import draw_text

    spec = shown.spec
    if spec:
        click.echo(f"{draw_text(spec)}\n")
        show_table(
            ("input", "type", "default", "what it is"),
            [(i.name, i.type, _default(i.default), i.help) for i in spec.inputs],
        )
        click.echo()
    for name, value in _facts(shown):
        click.echo(f"{name + ':':<13}{printable(value)}")
    if shown.evidence:
        click.echo()
        show_table(
            ("setting", "figure", "error", "as many calls", "one call", "calls", "questions"),
            [(f.setting, f.figure, f.error, f.equal_calls, f.one_call, f.calls, f.questions) for f in shown.evidence],
        )


def _default(value: object) -> str:
    return "required" if value is None else json.dumps(value) if value != "" else ""


def _facts(shown: Shown) -> Iterator[tuple[str, str]]:
    if shown.pattern:
        yield from _about(shown.pattern)
    elif shown.spec:
        yield "pattern", f"{shown.spec.title} ({shown.pattern_id}), {_what(shown)}"
        yield "what", shown.spec.description
    if shown.estimate:
        yield "at most", _bound(shown.estimate, shown)
    yield "your runs", _performance(shown.performance)
    yield "evidence", _evidence(shown.evidence)
    if shown.pattern:
        yield "citation", shown.pattern.row.research_basis
    if shown.spec:
        yield "run it", f'pyflyte run workflows/catalogue.py {shown.pattern_id} --prompt "..."'


def _evidence(figures: Sequence[Figure]) -> str:
    """What its figures below are, and how it stands by them."""
    if not figures:
        return NO_EVIDENCE
    note = f" ({figures[0].note})" if figures[0].note else ""
    return f"{figures[0].metric} on simulated models{note}: {standing(figures)}"


def _about(pattern: Pattern) -> Iterator[tuple[str, str]]:
    row = pattern.row
    yield "pattern", f"{row.name} ({row.pattern_id}), {_status(pattern)}"
    yield "what", row.description
    yield "category", f"{pattern.category}; complexity {row.complexity.replace('_', ' ')}, impact {row.impact}"
    models = "one model is enough" if row.typical_model_count == 1 else f"{row.typical_model_count} different models"
    yield "calls", f"{row.execution_type}, {models}"
    if row.fault:
        yield "broken", row.fault
    if row.required_capabilities:
        yield "needs", ", ".join(row.required_capabilities)
    yield "keywords", "; ".join(row.trigger_keywords)
    if row.implemented_by:
        yield "also in", ", ".join(row.implemented_by)


def _bound(bound: "Estimate", shown: Shown) -> str:
    said = f"{plural(bound.most_calls, 'call')}, {bound.depth:,} in a row, {plural(bound.most_tokens, 'token')} written"
    if shown.most_cost_usd is None:
        return f"{said}; no price: too few models can be called now"
    return f"{said}; {money(shown.most_cost_usd)} with {', '.join(shown.models)}"


def _performance(found: Performance) -> str:
    rehearsals = f"{plural(found.rehearsal_count, 'rehearsal')}" if found.rehearsal_count else ""
    if not found.usage_count:
        return rehearsals or "none yet"
    parts = [plural(found.usage_count, "run")]
    if found.success_rate is not None:
        parts.append(f"{percent(found.success_rate)} ended well")
    if found.avg_satisfaction_score is not None:
        parts.append(f"satisfaction {percent(found.avg_satisfaction_score)}")
    if found.typical_latency_ms is not None:
        parts.append(f"typically {duration(found.typical_latency_ms / 1000)}")
    if found.typical_cost_usd is not None:
        parts.append(money(found.typical_cost_usd))
    return ", ".join([*parts, *([rehearsals] if rehearsals else [])])
