"""Blocks with bodies, and blocks in which a person decides, on a cluster: @dynamic graphs.

A body is walked inside one node, as the local host does it (`--grain auto`), until it ends, a person must decide, or
the node has taken IN_PLACE seconds. Then the @dynamic makes a gate for each decision that is open, and a node that
walks the block again once they are made: what was made stands in the ledger and the run's records, and is read back.
`--grain node` gives the blocks of a body nodes of their own instead (workflows/turns.py).

A gate takes no inputs, so what is asked stands in the node before it: its id is the question (the console shows no
other name of a node), its Deck what to decide on. The gate's own id is short, and so are those of the nodes around it:
Flyte hashes them where together they are over 20 characters, and its console cannot open the dialog of such a gate
(`radiant approve EXECUTION` can). Its signal id is the block path with turn and item: propeller keys signals by
execution and name, and a second turn under the same name opens on the old answer.
"""

import re
import time
from datetime import UTC, datetime, timedelta
from enum import Enum
from html import escape
from textwrap import shorten
from typing import Any, cast
from uuid import UUID

from flytekit import Deck, dynamic, task, wait_for_input

from tasks import nodes
from tasks.plain import PlainHost
from tasks.reply import Slots
from tasks.review import FORM_TRIES, TEN_YEARS, how_to_decide
from tasks.run import Run
from tasks.spec import AnyBlock, Ask, Loop, block_from_json
from tasks.views import Scope
from utils.display import clipped
from utils.errors import BadInput, RunFailed, Unparsable, Waiting
from utils.json_replies import parse_json
from utils.reviews import Review, decide, find_review, reviews_of
from utils.runs import heartbeat, set_status
from utils.warm import Warm
from workflows.flyte_host import node_id

IN_PLACE = 120.0
"""Seconds that a body is walked in one node before it goes on in another."""
MOST_TURNS_AS_NODES = 20
MOST_TIMES = 500
"""How often a block may be walked anew: once a decision, once every IN_PLACE seconds."""
AGAIN, ANSWERED, TEXT = "on", "then", "text"
"""Node ids: `settle-0-then-0-text` and `settle-0-on-0-review` have 20 characters."""
MOST_NAME = 120
MOST_WORDS = 36
"""Characters of what is asked in the name of a gate, and in the id of the node before it."""
WANTED = {"revise": "What the models shall change", "edit": "The whole answer, as you would have it"}
"""What the text of a choice is, where its name does not say it."""


@dynamic(task_config=Warm("calls"), retries=nodes.RETRIES, timeout=nodes.TIMEOUT)
def body(block: str, path: str, run: Run, made: Slots, times: int) -> Slots:
    """A block with bodies, or in which a person decides; `times` counts how often it was walked before."""
    parsed, scope = block_from_json(block), Scope(made)
    with heartbeat(UUID(run.tenant_id), run.run_id):
        if run.grain == "node" and not _stays_in_place(parsed):
            from workflows.turns import expand

            return _slots(expand(parsed, scope, path, run, block))
        try:
            host = PlainHost(run, resumed=True, until=time.monotonic() + IN_PLACE)
            return dict(host.block(parsed, scope, path))
        except Waiting:
            asked = _open_under(path, run)
    if times == MOST_TIMES:
        raise RunFailed(f"block '{path}' was walked {times} times and did not end")
    if asked:
        set_status(UUID(run.tenant_id), run.run_id, "waiting")
    decisions = [_gate(review, run, path, alone=len(asked) == 1) for review in asked]
    again = nodes.make_node(body, AGAIN, block=block, path=path, run=run, made=made, times=times + 1)
    for decision in decisions:
        decision >> again
    return _slots(again)


def _stays_in_place(block: AnyBlock) -> bool:
    return isinstance(block, Ask) or (isinstance(block, Loop) and block.turns > MOST_TURNS_AS_NODES)


def _slots(made: Any) -> Slots:
    """Replies, or the promise of them: a @dynamic returns either."""
    return cast(Slots, made)


def _open_under(path: str, run: Run) -> list[Review]:
    """The decisions that a block waits for."""
    reviews = reviews_of(UUID(run.tenant_id), run.run_id)
    return [r for r in reviews if r.status == "open" and (r.path == path or r.path.startswith(_inside(path)))]


def _inside(path: str) -> tuple[str, ...]:
    return tuple(f"{path}{mark}" for mark in "/@[.")


def _gate(review: Review, run: Run, path: str, *, alone: bool) -> Any:
    """What is asked, the gate, and the decision as a node; of several, each is named by where it is asked."""
    name = node_id(review.path.rpartition("/")[2] if alone else review.path.removeprefix(path))
    name = f"{name}-gate" if name in (AGAIN, ANSWERED) else name
    run = run.model_copy(update={"prompt": ""})  # an approver may open the inputs of these nodes
    shown = _shown(f"{name}-asks", review.reason, review, run)
    choice: Any = ""
    if review.choices:
        kind = Enum("Decision", {c.name.upper(): c.name for c in review.choices})  # type: ignore[misc]
        choice = _wait(review, review.path, kind, name, review.reason)
        shown >> choice
    then = ANSWERED if alone else f"{name}-{ANSWERED}"
    following = nodes.make_node(answered, then, path=review.path, run=run, choice=choice, asked=1)
    if not review.choices:
        shown >> following
    return following


def _wait(review: Review, signal: str, kind: type, node: str, asks: str) -> Any:
    """A gate, with the time that is left to answer it."""
    return wait_for_input(signal, _time_left(review), kind).with_overrides(
        node_name=node, name=clipped(asks, MOST_NAME)
    )


def _shown(node: str, asks: str, review: Review, run: Run) -> Any:
    """The node before a gate, whose id ends with what is asked."""
    words = shorten(" ".join(re.findall("[a-z0-9]+", asks.lower())), MOST_WORDS, placeholder="")
    name = f"{node} {words}".strip().replace(" ", "-")
    return nodes.make_node(show_question, name, path=review.path, run=run, asks=asks)


def _time_left(review: Review) -> timedelta:
    """A gate has no end of its own: ten years stand for that."""
    if review.expires_at is None:
        return timedelta(seconds=TEN_YEARS)
    return max(review.expires_at - datetime.now(UTC), timedelta(seconds=1))


@task(task_config=Warm(), retries=nodes.RETRIES, enable_deck=True, deck_fields=())
def show_question(path: str, run: Run, asks: str) -> str:
    """What the person decides on, sanitised, as a Deck and as output; the gate that asks for it comes next."""
    review = _review(path, run)
    Deck("Decision", review.shown_deck)
    Deck("How to decide", f"<p>Answer the gate that follows. {escape(how_to_decide(review))}</p>")
    return f"{asks}\n\n{review.shown}"


@dynamic(task_config=Warm(), retries=nodes.RETRIES)
def answered(path: str, run: Run, choice: str, asked: int) -> str:
    """Asks for the text that a choice or a form takes, then records the decision, which it gives.

    Who decided with `radiant` has given the text there.
    """
    review = _review(path, run)
    takes_text = bool(review.form) or choice in {c.name for c in review.choices if c.takes_text}
    if not takes_text or review.status == "decided":
        return _record(review, run, choice, "", "")
    asks = WANTED.get(choice, f"The text of '{choice}'") if choice else f"An answer as JSON: {review.form}"
    shown = _shown("asks", asks, review, run)
    text = _wait(review, f"{path}/text" if asked == 1 else f"{path}/text~{asked}", str, TEXT, asks)
    shown >> text
    given = nodes.make_node(text_given, "given", path=path, run=run, choice=choice, text=text, asked=asked)
    return cast(str, given)


@dynamic(task_config=Warm(), retries=nodes.RETRIES)
def text_given(path: str, run: Run, choice: str, text: str, asked: int) -> str:
    """Records a decision with its text; a text that does not fit its form is asked for again, three times at most."""
    review = _review(path, run)
    if not review.form:
        return _record(review, run, choice, text, "")
    try:
        return _record(review, run, choice, "", parse_json(text, review.form))
    except Unparsable as error:
        if asked == FORM_TRIES:
            raise BadInput(f"the answer did not fit its form {FORM_TRIES} times: {error.message}") from error
    return cast(str, nodes.make_node(answered, "again", path=path, run=run, choice=choice, asked=asked + 1))


def _review(path: str, run: Run) -> Review:
    review = find_review(UUID(run.tenant_id), run.run_id, path)
    if review is None:
        raise RunFailed(f"block '{path}': its review was never opened")
    return review


def _record(review: Review, run: Run, choice: str, text: str, answer: str) -> str:
    """The decision. A retry finds what the first try recorded, and so does whoever decided with `radiant`.

    A signal does not say who sent it: the run's user answers for it.
    """
    if review.status != "decided":
        decide(review, choice, text, by=UUID(run.user_id), answer=answer, via="flyte")
    set_status(UUID(run.tenant_id), run.run_id, "running")
    return choice
