"""`radiant inbox` and `radiant show`: what waits for a person, and what they decide on. Sanitised throughout."""

import os
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from scripts.identity import Identity, identified, in_run
from scripts.tables import show_table
from tasks.result import Result
from utils.display import duration, printable
from utils.errors import BadInput, unknown
from utils.reviews import Choice, Review, open_reviews, reviews_of
from utils.runs import FullRun, get_run

if TYPE_CHECKING:
    from scripts.flyte_gates import Gate, Gates

YEAR = 365 * 24 * 3600
OPTIONS = {"reject": ' --reason "..."', "revise": ' --guidance "..."', "edit": "", "approve": ""}
"""The choices that have a command of their own, and what it takes."""


@dataclass(frozen=True)
class Place:
    """Whether the Flyte cluster is asked (None: where one is configured), and its project and domain."""

    remote: bool | None
    project: str | None
    domain: str | None

    def gates(self) -> "Gates | None":
        """The gates there; None where the cluster is not asked."""
        if self.remote is False or not (self.remote or _may_be_configured()):
            return None
        from scripts.flyte_gates import gates_here, is_configured

        return gates_here(self.project, self.domain) if self.remote or is_configured() else None


def _may_be_configured() -> bool:
    """Whether flytekit's configuration may name a cluster, as far as one can tell without importing it (a second)."""
    files = (Path("flytekit.config"), *(Path.home() / ".flyte" / name for name in ("config", "config.yaml")))
    return any(map(os.environ.get, ("FLYTECTL_CONFIG", "FLYTE_PLATFORM_URL"))) or any(f.exists() for f in files)


Decorator = Callable[[Callable[..., None]], Callable[..., None]]
Who = Callable[[UUID | None, UUID | None, bool | None], Identity | None]
"""From --tenant, --user and --remote: who types a command."""


def placed(remote: Decorator, who: Who) -> Decorator:
    """Adds --tenant, --user, --project, --domain and an option for the cluster to a command.

    It gets whom `who` says, and its Place.
    """

    def add(function: Callable[..., None]) -> Callable[..., None]:
        @remote
        @click.option("--project", help="The Flyte project; default from Flyte's configuration, else flytesnacks.")
        @click.option("--domain", help="Its domain; default from Flyte's configuration, else development.")
        @wraps(identified(function))
        def command(
            tenant: UUID | None,
            user: UUID | None,
            remote: bool | None,
            project: str | None,
            domain: str | None,
            **given: Any,
        ) -> None:
            function(who(tenant, user, remote), Place(remote, project, domain), **given)

        return command

    return add


def _remote(text: str) -> Decorator:
    return click.option("--remote", is_flag=True, default=None, help=text)


def _unless_remote(tenant: UUID | None, user: UUID | None, remote: bool | None) -> Identity | None:
    """What the cluster answers needs no database."""
    return None if remote else Identity.of(tenant, user)


@click.command()
@placed(_remote("All executions that wait on the Flyte cluster."), _unless_remote)
def inbox(me: Identity | None, place: Place) -> None:
    """All that waits for a person."""
    if me is None:
        _show_gates(place)
        return
    waiting = open_reviews(me.tenant)
    if not waiting:
        click.echo("nothing waits for a person")
        return
    show_table(
        ("run", "path", "domain", "reason", "time left"),
        [(r.run_id, r.path, r.domain, r.reason, time_left(r)) for r in waiting],
    )


@click.command()
@placed(_remote("RUN is an execution on the Flyte cluster, which says what it asks."), _unless_remote)
@in_run
@click.option("--path", default="", help="Which review, where the run has several.")
def show(me: Identity | None, place: Place, run_id: str, path: str) -> None:
    """What a run asks of a person, or what it concluded."""
    if me is None:
        _show_execution(place, run_id, path)
        return
    run = get_run(me.tenant, run_id)
    reviews = reviews_of(me.tenant, run_id)
    if path and path not in {r.path for r in reviews}:
        raise unknown("review", path, [r.path for r in reviews])
    waiting = [r for r in reviews if r.status == "open"]
    shown = [r for r in reviews if r.path == path] if path else waiting
    if run.result and not path:
        _show_result(me, run)
    else:
        click.echo(f"run {run.run_id} ({run.workflow}, {run.domain}): {run.status}")
    if run.error:
        click.echo(f"error: {printable(run.error)}")
    for review in shown:
        _show_review(review, me.flags, named=len(waiting) > 1)
    if not shown and run.concluded_at is None and run.status != "running":
        click.echo(f"go on with: radiant resume {run.run_id}{me.flags}")


def time_left(review: Review) -> str:
    """How long a review still waits."""
    return _until(review.expires_at)


def _until(end: datetime | None) -> str:
    if end is None:
        return "no limit"
    left = (end - datetime.now(UTC)).total_seconds()
    return "time is up" if left <= 0 else "no limit" if left > YEAR else duration(left)


def choose_review(me: Identity, run_id: str, path: str) -> Review:
    """The review of a run that can be decided now. Raises BadInput where there is none, or several and no path."""
    get_run(me.tenant, run_id)
    reviews = reviews_of(me.tenant, run_id)
    if not reviews:
        raise BadInput(f"run {run_id} asks nobody: see `radiant inbox`")
    if path:
        found = [r for r in reviews if r.path == path]
        if not found:
            raise unknown("review", path, [r.path for r in reviews])
    else:
        waiting = [r for r in reviews if r.status == "open"]
        found = [r for r in waiting if not r.overdue] or waiting[-1:] or [reviews[-1]]
    if len(found) > 1:
        raise BadInput(f"run {run_id} has {len(found)} open reviews: give --path {' or '.join(r.path for r in found)}")
    _must_be_open(found[0])
    return found[0]


def _must_be_open(review: Review) -> None:
    if review.status == "decided":
        when = review.resolved_at.astimezone() if review.resolved_at else None
        raise BadInput(
            f"the review '{review.path}' of run {review.run_id} is decided already"
            f" ({review.decision or 'answered'}{f', {when:%Y-%m-%d %H:%M}' if when else ''})"
        )
    if review.overdue or review.status == "expired":
        raise BadInput(
            f"the review '{review.path}' of run {review.run_id} has expired: "
            f"`radiant resume {review.run_id}` goes on from there"
        )


def waiting_gates(gates: "Gates", execution: str, path: str = "") -> "tuple[Gate, ...]":
    """The gates of an execution that wait, of a path if given. Raises BadInput where there is none."""
    if gates.run_of(execution) is None:
        raise BadInput(f"unknown execution '{execution}' in {gates.place}: see `radiant inbox --remote`")
    found = gates.of(execution)
    if found is None:
        raise BadInput(f"execution {execution} has ended: no gate of it waits")
    if path and path not in {g.path for g in found}:
        raise unknown("gate", path, [g.path for g in found])
    if not found:
        raise BadInput(f"execution {execution} waits at no gate: it was answered, or comes to it later")
    return tuple(g for g in found if path in ("", g.path))


def _show_gates(place: Place) -> None:
    gates = place.gates()
    found = gates.waiting() if gates else ()
    if not found:
        click.echo("no execution waits for a person")
        return
    show_table(
        ("execution", "gate", "answers", "since", "time left", "asks"),
        [(g.execution, g.signal, " ".join(g.choices) or "a text", *_times(g), g.asks) for g in found],
    )


def _times(gate: "Gate") -> tuple[str, str]:
    return f"{gate.since.astimezone():%Y-%m-%d %H:%M}", _until(gate.expires)


def _show_execution(place: Place, execution: str, path: str) -> None:
    gates = place.gates()
    for gate in waiting_gates(gates, execution, path) if gates else ():
        click.echo(f"\n{printable(gates.shown(gate))}\n" if gates else "")
        answers = " or ".join(gate.choices) or "a text"
        click.echo(f"Gate {gate.signal} waits for {answers}. Time left: {_until(gate.expires)}")


def _show_result(me: Identity, run: FullRun) -> None:
    from tasks.report import final_block

    result = Result.model_validate_json(run.result or "")
    if not me.reads(run):
        result = _sanitised(result)
    click.echo(final_block(result))


def _sanitised(result: Result) -> Result:
    from utils.phi import sanitise

    return result.model_copy(update={"answer": sanitise(result.answer).text})


def _show_review(review: Review, flags: str, *, named: bool) -> None:
    click.echo(f"\n{printable(review.shown)}\n\n{printable(review.reason)}")
    if review.form:
        click.echo(f"The answer is JSON of this form: {review.form}")
    if review.status == "open" and not review.overdue:
        click.echo(f"Time left: {time_left(review)}. Decide with:")
        path = f" --path {shlex.quote(review.path)}" if named else ""
        for command in _commands(review, path + flags):
            click.echo(f"  {command}")
        return
    said = f"decided: {review.decision or 'answered'}" if review.status == "decided" else "expired"
    by = f" by {review.resolved_by}" if review.resolved_by else ""
    click.echo(f"Review '{review.path}' {said}{by}")


def _commands(review: Review, rest: str) -> list[str]:
    """The commands that decide a review, one a choice."""
    if not review.choices:
        return [f"radiant decide {review.run_id} --answer '...'{rest}"]
    return [_command(review, choice, rest) for choice in review.choices]


def _command(review: Review, choice: Choice, rest: str) -> str:
    if choice.name in OPTIONS and not review.form:
        return f"radiant {choice.name} {review.run_id}{OPTIONS[choice.name]}{rest}"
    text = ' --text "..."' if choice.takes_text else ""
    answer = " --answer '...'" if review.form else ""
    return f"radiant decide {review.run_id} {shlex.quote(choice.name)}{text}{answer}{rest}"
