"""`radiant approve`, `reject`, `revise`, `edit` and `decide`: each decides one review, once, and says how to go on."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import click

from scripts.identity import Identity, identified, in_run, storable
from scripts.inbox import choose_review
from utils import reviews
from utils.errors import BadInput, Unparsable
from utils.reviews import Review
from utils.runs import get_run

SAID = {"approve": "approved", "reject": "rejected", "revise": "sent back for revision", "edit": "edited"}
PATH = click.option("--path", default="", help="Which review, where the run has several.")


def _on_review(function: Callable[..., None]) -> Callable[..., None]:
    """A command's who, RUN and --path."""
    return identified(in_run(PATH(function)))


@click.command()
@_on_review
def approve(me: Identity, run_id: str, path: str) -> None:
    """Approve the answer of a run."""
    _decide(me, choose_review(me, run_id, path), "approve")


@click.command()
@_on_review
@click.option("--reason", default="", help="Why, kept with the decision.")
def reject(me: Identity, run_id: str, path: str, reason: str) -> None:
    """Reject the answer of a run."""
    _decide(me, choose_review(me, run_id, path), "reject", reason)


@click.command()
@_on_review
@click.option("--guidance", required=True, help="What the models shall change.")
def revise(me: Identity, run_id: str, path: str, guidance: str) -> None:
    """Have the models redo the answer, by your guidance."""
    _decide(me, choose_review(me, run_id, path), "revise", guidance)


@click.command()
@_on_review
@click.option("--text", help="Your text.")
@click.option("--file", "file", help="A file with your text; - reads it from stdin.")
def edit(me: Identity, run_id: str, path: str, text: str | None, file: str | None) -> None:
    """Make your own text the answer.

    Placeholders for personal data may stay in it: they are replaced when the run goes on. Without --text and --file,
    your editor opens on the answer.
    """
    if text is not None and file is not None:
        raise BadInput("give --text or --file, not both")
    review = choose_review(me, run_id, path)
    _must_ask(review, "edit")
    given = text if text is not None else _from_file(file) if file is not None else _from_editor(review)
    still = choose_review(me, run_id, review.path)  # its time may have run out in the editor
    _decide(me, still, "edit", given)


@click.command()
@_on_review
@click.argument("choice", default="")
@click.option("--text", default="", help="The text that a choice takes.")
@click.option("--answer", default="", help="The JSON that a form asks for.")
def decide(me: Identity, run_id: str, path: str, choice: str, text: str, answer: str) -> None:
    """Decide a question that has other choices, or a form."""
    review = choose_review(me, run_id, path)
    if choice and not review.choices:
        raise BadInput(f"this question has no choices: give --answer with JSON of the form {review.form}")
    if not choice and review.choices:
        raise BadInput(f"give a CHOICE: {', '.join(c.name for c in review.choices)}")
    _decide(me, review, choice, text, answer)


def _decide(me: Identity, review: Review, choice: str, text: str = "", answer: str = "") -> None:
    if choice:
        _must_ask(review, choice)
    fitting = _fitting(review, answer)
    reviews.decide(review, choice, storable(text, "the text"), by=me.user, answer=fitting)
    said = SAID.get(choice) or (f"decided '{choice}'" if choice else "answered")
    click.echo(f"run {review.run_id}: {said}{_how_to_go_on(me, review)}")


def _must_ask(review: Review, choice: str) -> None:
    names = [c.name for c in review.choices]
    if choice not in names:
        asked = f"choose {', '.join(names)}" if names else "it asks for an answer"
        raise BadInput(f"'{choice}' is not asked here: {asked}, with `radiant decide {review.run_id} ...`")


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


def _from_editor(review: Review) -> str:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise BadInput("give your text with --text or --file: there is no terminal for an editor")
    text = click.edit(reviews.answer_part(review.shown))
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
