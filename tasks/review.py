"""Ask: a person decides. What they see is sanitised, what they answer is recorded, and a replay reads it back."""

import json
import os
import sys
from uuid import UUID

from tasks.reply import Replies, Slots, reply
from tasks.run import Run
from tasks.spec import OUT, Ask, Pick
from tasks.views import Scope, look, show
from utils.errors import BadInput, Expired, Unparsable, Waiting
from utils.json_replies import parse_json
from utils.progress import paused
from utils.reviews import (
    Choice,
    Question,
    Review,
    answer_part,
    check_decision,
    decide,
    expire,
    find_review,
    open_review,
)
from utils.terminal import asking, line
from utils.warm import attempt

DOMAIN_TIMEOUTS = {"medical": 300, "financial": 600, "legal": 900}
"""Seconds that a review may wait, by domain (seed 002, DOMAIN_TIMEOUTS); 1800 elsewhere."""
TEN_YEARS = 315_360_000
FORM_TRIES = 3


def ask(block: Ask, scope: Scope[Replies], path: str, run: Run) -> Slots:
    """The decision on what an Ask shows. On a terminal it asks; without one it raises Waiting once the review is open.

    Raises Expired where nobody decided in time and the Ask has no choice for that.
    """
    review = find_review(UUID(run.tenant_id), run.run_id, path)
    if review is None or (review.status == "expired" and block.on_expiry == "expire"):
        review = open_review(UUID(run.tenant_id), run.run_id, path, question(block, scope, run))
    if review.overdue or review.status == "expired":
        return _overdue(block, review)
    if review.status == "open":
        if not _at_a_terminal():
            raise Waiting(f"run {run.run_id} waits for a person: {review.reason} {how_to_decide(review)}")
        review = _ask_at_terminal(review, run)
    return decided(review)


def timeout_of(block: Ask, domain: str) -> int:
    """Seconds that an Ask waits in a domain."""
    if block.waits is None:
        return TEN_YEARS
    return block.waits or DOMAIN_TIMEOUTS.get(domain, 1800)


def question(block: Ask, scope: Scope[Replies], run: Run) -> Question:
    """What a person is asked. A reviewer sees placeholders for personal data; the user sees their own data."""
    from tasks.deck import render_question

    seen = look(block.shows, scope, Pick.OK)
    parts = {name: show(one) for name, one in seen.items()}
    placeholders: dict[str, str] = {}
    if block.of == "reviewer":
        from utils.phi import sanitise

        for name, text in parts.items():
            clean = sanitise(text, placeholders)
            placeholders, parts[name] = dict(clean.placeholders), clean.text
    return Question(
        reason=block.question,
        domain=run.domain,
        shown="\n\n".join(f"## {name.replace('_', ' ')}\n{text}" for name, text in parts.items()),
        shown_deck=render_question(block.question, parts, run.domain, sanitised=block.of == "reviewer"),
        choices=tuple(Choice(c, c in block.text_for) for c in block.choices),
        form=json.dumps(block.form) if block.form else "",
        of=block.of,
        placeholders=placeholders,
        waits=timeout_of(block, run.domain),
        on_expiry="" if block.on_expiry == "expire" else block.on_expiry,
    )


def decided(review: Review) -> Slots:
    """A decision as a reply: key is the choice, text the person's own with placeholders restored."""
    from utils.phi import restore

    text = restore(review.text, review.placeholders)
    data = {
        "choice": review.decision,
        "text": text,
        "by": str(review.resolved_by or ""),
        "at": review.resolved_at.isoformat() if review.resolved_at else "",
        "answer": json.loads(restore(review.answer, review.placeholders)) if review.answer else None,
    }
    return {OUT: [reply(text or review.decision, key=review.decision or "answer", data=data)]}


def how_to_decide(review: Review) -> str:
    """What to type to decide a review."""
    if any(c.name == "approve" for c in review.choices):
        others = ", ".join(c.name for c in review.choices if c.name != "approve")
        return f"Decide with `radiant approve {review.run_id}` (or {others}); `radiant show {review.run_id}` shows it."
    return f"`radiant show {review.run_id}` shows it and how to decide."


def _overdue(block: Ask, review: Review) -> Slots:
    expire(review)
    if block.on_expiry == "expire":
        raise Expired(f"run {review.run_id}: nobody decided in time; the same command with its run_id asks again")
    return {OUT: [reply(block.on_expiry, key=block.on_expiry, data={"choice": block.on_expiry, "by": "expiry"})]}


def _at_a_terminal() -> bool:
    """Never in a service or a pod, whatever it was started from."""
    if attempt() is not None or os.environ.get("CI"):
        return False
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def _ask_at_terminal(review: Review, run: Run) -> Review:
    """Who leaves the question (Ctrl-C, Ctrl-D, an editor that fails) leaves the review open."""
    import click

    try:
        with asking(), paused():
            return _decision_at_terminal(review, run)
    except (click.Abort, click.ClickException):
        click.echo(err=True)
        raise Waiting(f"run {run.run_id} waits for a person. {how_to_decide(review)}") from None


def _decision_at_terminal(review: Review, run: Run) -> Review:
    import click

    click.echo(f"\n{review.shown}\n\n{review.reason}", err=True)
    choice, text, answer = "", "", ""
    if review.choices:
        choice = _choice_at_terminal([c.name for c in review.choices])
        if next(c for c in review.choices if c.name == choice).takes_text:
            text = _text_at_terminal(choice, review)
    if review.form:
        answer = _form_at_terminal(review.form)
    check_decision(review, choice, text)
    return decide(review, choice, text, by=UUID(run.user_id), answer=answer)


def _choice_at_terminal(names: list[str]) -> str:
    import click

    known = ", ".join(names)
    while (given := line(f"Your decision ({known})")) not in names:
        click.echo(f"{given!r} is none of {known}", err=True)
    return given


def _text_at_terminal(choice: str, review: Review) -> str:
    """An edit opens the person's editor on what was shown, where they have one; else the text is one line."""
    import click

    if choice == "edit" and (os.environ.get("VISUAL") or os.environ.get("EDITOR")):
        return (click.edit(answer_part(review.shown)) or "").strip()
    return line("Your text")


def _form_at_terminal(form: str) -> str:
    import click

    for _ in range(FORM_TRIES):
        try:
            return parse_json(line(f"Your answer as JSON {form}"), form)
        except Unparsable as error:
            click.echo(error.message, err=True)
    raise BadInput(f"the answer did not fit its form {FORM_TRIES} times: run the same command to be asked again")
