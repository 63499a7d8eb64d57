"""`radiant register`: every workflow and launch plan on a Flyte cluster, under one version."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import click

from scripts.tables import show_table
from utils.display import plural
from utils.errors import BadInput
from utils.settings import settings

if TYPE_CHECKING:
    from scripts.registration import Cluster, Entity, State, Target

AT_ONCE = 8
"""So many requests are under way at a time."""
ROOT = Path(__file__).parents[1]


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--project", help="The Flyte project; default from Flyte's configuration, else flytesnacks.")
@click.option("--domain", help="Its domain; default from Flyte's configuration, else development.")
@click.option("--version", help="What the graphs are registered as; default the commit.")
@click.option("--image", help="The image that holds this code; default RADIANT_IMAGE.")
@click.option("--activate/--no-activate", help="Start the schedules of this version, in the stead of older ones.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@click.option("--allow-dirty", is_flag=True, help="Register files that are not committed; the version says so.")
def register(
    names: tuple[str, ...],
    project: str | None,
    domain: str | None,
    version: str | None,
    image: str | None,
    activate: bool,
    dry_run: bool,
    allow_dirty: bool,
) -> None:
    """Register all workflows and launch plans on a Flyte cluster.

    With names, those alone. What is there with the same content is left as it is.
    """
    image = image or settings().image
    if not image:
        raise BadInput("which image holds this code? Give --image, or set RADIANT_IMAGE")
    version = checked_version(version, allow_dirty=allow_dirty)

    from scripts.registration import Cluster, Target, chosen, default_place, entities

    workflows, place = chosen(names), default_place()
    target = Target(project or place[0], domain or place[1], version, image)
    cluster = Cluster(target.project, target.domain)
    found = entities(workflows, target)
    schedules = [entity for entity in found if entity.schedule] if activate else []
    if dry_run:
        _show(cluster, found, schedules, retired=not names)
        return
    states = _send(cluster, found, target)
    changed = _activate(cluster, schedules, retired=not names)
    _summarise(found, states, target, changed)


def checked_version(given: str | None, *, allow_dirty: bool) -> str:
    """The version: the one that is given, else the commit; files that are not committed are refused, or told.

    A version is registered once: what it stands for must be found again.
    """
    if given and quote_plus(given) != given:
        raise BadInput(f"version '{given}': Flyte takes letters, digits and any of - . _ ~")
    try:
        commit, changes = _git("rev-parse", "--short=12", "HEAD"), _git("status", "--porcelain")
    except (OSError, subprocess.CalledProcessError):
        if given:
            return given
        raise BadInput("this is no git checkout: give --version") from None
    if changes and not allow_dirty:
        raise BadInput(
            f"{plural(len(changes.splitlines()), 'file')} changed since commit {commit}: "
            "commit first, or register the files as they are with --allow-dirty"
        )
    if given or not changes:
        return given or commit

    from utils.warm import code_digest

    return f"{commit}-dirty-{code_digest()}"


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _show(cluster: "Cluster", found: Sequence["Entity"], schedules: Sequence["Entity"], *, retired: bool) -> None:
    states = dict(_at_once(cluster.look, found))
    due, gone = _changes(cluster, schedules, retired=retired)
    rows = [(e.kind, e.name, e.id.version, states[e], _then(e, e in due)) for e in found]
    rows += [("launch plan", name, version, "exists", "would be deactivated") for name, version in gone.items()]
    show_table(("kind", "name", "version", "state", "schedule"), rows)
    _refuse_differing(states)


def _then(entity: "Entity", due: bool) -> str:
    return f"{entity.schedule}, would be activated" if due else entity.schedule


def _send(cluster: "Cluster", found: Sequence["Entity"], target: "Target") -> dict["Entity", "State"]:
    """Sends one kind after the other, and goes no further where something else stands under this version."""
    from scripts.registration import KINDS

    states: dict[Entity, State] = {}
    for kind in KINDS:
        for entity, state in _at_once(cluster.send, [e for e in found if e.kind == kind]):
            states[entity] = state
            if sys.stdout.isatty() and kind == "workflow":
                click.echo(f"{state:8}{entity.name}")
        _refuse_differing(states)
    return states


def _at_once(do: Callable[["Entity"], "State"], found: Sequence["Entity"]) -> Iterator[tuple["Entity", "State"]]:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        under_way = {threads.submit(do, entity): entity for entity in found}
        for done in as_completed(under_way):
            yield under_way[done], done.result()


def _refuse_differing(states: dict["Entity", "State"]) -> None:
    differing = sorted((e for e, state in states.items() if state == "differs"), key=lambda e: e.name)
    if differing:
        first, more = differing[0], len(differing) - 1
        others = f" and {more} more" if more else ""
        raise BadInput(
            f"{first.kind} {first.name}{others}: version {first.id.version} is there with other content: "
            "give another --version"
        )


def _changes(
    cluster: "Cluster", schedules: Sequence["Entity"], *, retired: bool
) -> tuple[list["Entity"], dict[str, str]]:
    """The launch plans to activate, and, if all are registered, those that are active and no longer exist."""
    if not schedules:
        return [], {}
    active = cluster.active()
    due = [plan for plan in schedules if active.get(plan.name) != plan.id.version]
    kept = {plan.name for plan in schedules}
    return due, {name: version for name, version in active.items() if retired and name not in kept}


def _activate(cluster: "Cluster", schedules: Sequence["Entity"], *, retired: bool) -> str:
    due, gone = _changes(cluster, schedules, retired=retired)
    for plan in due:
        cluster.activate(plan)
    for name, version in gone.items():
        cluster.deactivate(name, version)
    ended = f", {plural(len(gone), 'schedule')} deactivated" if gone else ""
    return f"; {plural(len(due), 'schedule')} activated{ended}" if schedules else ""


def _summarise(found: Sequence["Entity"], states: dict["Entity", "State"], target: "Target", changed: str) -> None:
    new = Counter(entity.kind for entity in found if states[entity] == "new")
    listed = ", ".join(plural(number, kind) for kind, number in new.items()) or "nothing"
    there = sum(state == "exists" for state in states.values())
    click.echo(
        f"registered {listed} as version {target.version} in {target.project}/{target.domain}; "
        f"{there:,} already there{changed}"
    )
