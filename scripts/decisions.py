"""`radiant approve`, `reject`, `revise`, `edit` and `decide`: each decides one review, once, and says how to go on.

Of a run on a Flyte cluster the decision is recorded with who made it, then its gate is told; where no database knows
the run, only the gate. The cluster is asked first, so that nothing is recorded where it does not answer.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import click

from scripts.identity import Identity, in_run, storable
from scripts.inbox import Place, choose_review, placed, waiting_gates
from utils import reviews
from utils.errors import BadInput, ClusterUnavailable, DatabaseUnavailable, RadiantError, Unparsable, unknown
from utils.reviews import Review
from utils.runs import get_run

if TYPE_CHECKING:
    from scripts.flyte_gates import Gate, Gates

SAID = {"approve": "approved", "reject": "rejected", "revise": "sent back for revision", "edit": "edited"}
TEXT_SECONDS = 60.0
"""How long the gate for a text may take to open once its decision is made."""
PATH = click.option("--path", default="", help="Which review, where the run has several.")
REMOTE = click.option(
    "--remote/--no-remote",
    default=None,
    help="RUN is an execution on the Flyte cluster, or is not; default: where one is configured that has it, it is. "
    "With --remote its gate is answered even where no database knows the run, without a record of who decided.",
)


@dataclass(frozen=True)
class Asked:
    """What a command decides: a review in the database, a gate on the cluster, or both."""

    me: Identity | None
    run_id: str
    review: Review | None = None
    gate: "Gate | None" = None
    gates: "Gates | None" = None

    @property
    def choices(self) -> tuple[str, ...]:
        if self.review:
            return tuple(c.name for c in self.review.choices)
        return self.gate.choices if self.gate else ()


def _if_there(tenant: UUID | None, user: UUID | None, remote: bool | None) -> Identity | None:
    """None where no database can be reached and the cluster is asked for."""
    try:
        return Identity.of(tenant, user)
    except DatabaseUnavailable:
        if remote:
            return None
        raise


def _on_review(function: Callable[..., None]) -> Callable[..., None]:
    """A command's who, where, RUN and --path."""
    return placed(REMOTE, _if_there)(in_run(PATH(function)))


@click.command()
@_on_review
def approve(me: Identity | None, place: Place, run_id: str, path: str) -> None:
    """Approve the answer of a run."""
    _decide(_asked(me, place, run_id, path), "approve")


@click.command()
@_on_review
@click.option("--reason", default="", help="Why, kept with the decision.")
def reject(me: Identity | None, place: Place, run_id: str, path: str, reason: str) -> None:
    """Reject the answer of a run."""
    asked = _asked(me, place, run_id, path)
    if reason and asked.review is None:
        raise BadInput("a reason is kept in the database, and none here knows this run: leave --reason out")
    _decide(asked, "reject", reason)


@click.command()
@_on_review
@click.option("--guidance", required=True, help="What the models shall change.")
def revise(me: Identity | None, place: Place, run_id: str, path: str, guidance: str) -> None:
    """Have the models redo the answer, by your guidance."""
    _decide(_asked(me, place, run_id, path), "revise", guidance)


@click.command()
@_on_review
@click.option("--text", help="Your text.")
@click.option("--file", "file", help="A file with your text; - reads it from stdin.")
def edit(me: Identity | None, place: Place, run_id: str, path: str, text: str | None, file: str | None) -> None:
    """Make your own text the answer.

    Placeholders for personal data may stay in it: they are replaced when the run goes on. Without --text and --file,
    your editor opens on the answer.
    """
    if text is not None and file is not None:
        raise BadInput("give --text or --file, not both")
    asked = _asked(me, place, run_id, path)
    _must_ask(asked, "edit")
    if asked.review and asked.review.status == "decided":
        _decide(asked, "edit")
        return
    given = text if text is not None else _from_file(file) if file is not None else _from_editor(asked)
    if asked.review:
        choose_review(_known(me), asked.review.run_id, asked.review.path)  # its time may have run out in the editor
    _decide(asked, "edit", given)


@click.command()
@_on_review
@click.argument("choice", default="")
@click.option("--text", default="", help="The text that a choice takes.")
@click.option("--answer", default="", help="The JSON that a form asks for.")
def decide(me: Identity | None, place: Place, run_id: str, path: str, choice: str, text: str, answer: str) -> None:
    """Decide a question that has other choices, or a form."""
    asked = _asked(me, place, run_id, path)
    if choice and not asked.choices:
        form = f"JSON of the form {asked.review.form}" if asked.review else "what its gate asks for"
        raise BadInput(f"this question has no choices: give --answer with {form}")
    if not choice and asked.choices:
        raise BadInput(f"give a CHOICE: {', '.join(asked.choices)}")
    _decide(asked, choice, text, answer)


def _asked(me: Identity | None, place: Place, run_id: str, path: str) -> Asked:
    """What is decided. Raises BadInput where it cannot be, or not by this command."""
    gates = place.gates()
    try:
        run = gates.run_of(run_id) if gates else None
    except ClusterUnavailable as error:
        if place.remote:
            raise
        raise ClusterUnavailable(f"{error.message}; --no-remote decides a run that is not there") from error
    if gates is None or (run is None and not place.remote):
        return Asked(me, run_id, choose_review(_known(me), run_id, path))
    waiting = waiting_gates(gates, run_id) if place.remote else gates.of(run_id)
    if waiting is None:
        return Asked(me, run_id, choose_review(_known(me), run or run_id, path))
    review = _review(me, run or run_id, path, [g.path for g in waiting], remote=bool(place.remote))
    wanted = review.path if review else path
    found = [g for g in waiting if wanted in ("", g.path)]
    if len(found) > 1:
        paths = " or ".join(g.path for g in found)
        raise BadInput(f"execution {run_id} waits at {len(found)} gates: give --path {paths}")
    if not found and review is None:
        raise unknown("gate", path, [g.path for g in waiting])
    if not found:
        raise RadiantError(f"execution {run_id} has not come to its gate '{wanted}' yet: try again in a moment")
    return Asked(me, run_id, review, found[0], gates)


def _review(me: Identity | None, run_id: str, path: str, waiting: list[str], *, remote: bool) -> Review | None:
    """The review of an execution's run: one that is open, else one that was decided here and its gate not told."""
    if me is None:
        return None
    try:
        get_run(me.tenant, run_id)
    except BadInput:
        if remote:
            return None
        raise BadInput(
            f"no run '{run_id}' is in this database, and an execution on the cluster is: set DATABASE_URL to the "
            "cluster's, or answer its gate with --remote, without a record of who decided"
        ) from None
    ours = [r for r in reviews.reviews_of(me.tenant, run_id) if path in ("", r.path)]
    untold = [r for r in ours if r.status == "decided" and r.path in waiting]
    if untold and not any(r.status == "open" for r in ours):
        return untold[0]
    return choose_review(me, run_id, path)


def _decide(asked: Asked, choice: str, text: str = "", answer: str = "") -> None:
    if choice:
        _must_ask(asked, choice)
    said = SAID.get(choice) or (f"decided '{choice}'" if choice else "answered")
    if asked.review is None:
        _answer(asked, choice, text or answer)
        click.echo(f"execution {asked.run_id}: {said}; who decided is not recorded, for no database here knows its run")
        return
    review = asked.review
    if review.status == "decided":
        if choice != review.decision:
            raise BadInput(f"the review '{review.path}' of run {review.run_id} is decided already ({review.decision})")
    else:
        fitting = _fitting(review, answer)
        review = reviews.decide(review, choice, storable(text, "the text"), by=_known(asked.me).user, answer=fitting)
    if asked.gate and asked.gates:
        at_text = asked.gate.signal != review.path
        asked.gates.answer(asked.gate, (at_text and (review.answer or review.text)) or review.decision)
        click.echo(f"run {review.run_id}: {said}; its execution goes on")
        return
    click.echo(f"run {review.run_id}: {said}{_how_to_go_on(_known(asked.me), review)}")


def _answer(asked: Asked, choice: str, text: str) -> None:
    """Tells the gate alone, and the gate for the text, which opens after it."""
    gate, gates = asked.gate, asked.gates
    if gate is None or gates is None:
        raise BadInput(f"execution {asked.run_id} waits at no gate")
    if not gate.choices:
        if not text:
            raise BadInput(f"the gate waits for a text ({gate.asks}): give --text or --answer")
        gates.answer(gate, text)
        return
    gates.answer(gate, choice)
    if not text:
        return
    second = gates.await_text(gate, TEXT_SECONDS)
    if second is None:
        raise RadiantError(
            f"execution {asked.run_id} was told '{choice}', and asked for no text within {TEXT_SECONDS:.0f} s: give it "
            f"with `radiant decide {asked.run_id} --remote --text ...` once it does"
        )
    gates.answer(second, text)


def _known(me: Identity | None) -> Identity:
    if me is None:
        raise DatabaseUnavailable("no database can be reached: --remote answers the gate of an execution without one")
    return me


def _must_ask(asked: Asked, choice: str) -> None:
    names = asked.choices
    if not names and asked.review is None:
        return  # the gate for the text of a choice that was made
    if choice not in names:
        listed = f"choose {', '.join(names)}" if names else "it asks for an answer"
        raise BadInput(f"'{choice}' is not asked here: {listed}, with `radiant decide {asked.run_id} ...`")


def _fitting(review: Review, answer: str) -> str:
    """The answer as canonical JSON that fits the review's form."""
    if not review.form:
        if answer:
            raise BadInput("this question has no form: leave --answer out")
        return ""
    if not answer:
        raise BadInput(f"give --answer with JSON of the form {review.form}")
    from utils.json_replies import parse_json

    try:
        fitting = parse_json(answer, review.form)
    except Unparsable as error:
        raise BadInput(f"--answer: {error.message}; the form is {review.form}") from None
    if "\\u0000" in json.dumps(json.loads(fitting)):
        raise BadInput("--answer holds a NUL character: remove it")
    return storable(fitting, "--answer")


def _from_file(name: str) -> str:
    try:
        return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"--file: '{name}' cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _from_editor(asked: Asked) -> str:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("give your text with --text or --file: there is no terminal for an editor")
    shown = asked.review.shown if asked.review else ""
    if asked.gate and asked.gates and not asked.review:
        shown = asked.gates.shown(asked.gate)
    text = click.edit(reviews.answer_part(shown))
    if text is None or not text.strip():
        raise BadInput("nothing was saved in the editor: the review is still open")
    return text.strip()


def _how_to_go_on(me: Identity, review: Review) -> str:
    left = [r for r in reviews.reviews_of(me.tenant, review.run_id) if r.status == "open"]
    if left:
        return f"; it still asks at {', '.join(r.path for r in left)}"
    run = get_run(me.tenant, review.run_id)
    if run.status != "waiting":
        return ""
    who = "go on" if me.reads(run) else "its user, or an admin, goes on"
    return f"; {who} with `radiant resume {review.run_id}{me.flags if me.reads(run) else ''}`"
