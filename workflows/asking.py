"""Blocks with bodies, and blocks in which a person decides, on a cluster: @dynamic graphs.

A body is walked inside one node, as the local host does it (`--grain auto`), until it ends, a person must decide, or
the node has taken IN_PLACE seconds. Then the @dynamic makes a gate for each decision that is open, and a node that
walks the block again once they are made: what was made stands in the ledger and the run's records, and is read back.
`--grain node` gives the blocks of a body nodes of their own instead (workflows/turns.py).

A gate takes no inputs, so what is asked stands in the node before it. Its signal id is the block path with turn and
item: propeller keys signals by execution and name, and a second turn under the same name opens on the old answer.
"""

import time
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from flytekit import Deck, dynamic, task, wait_for_input

from tasks import nodes
from tasks.plain import PlainHost
from tasks.reply import Slots
from tasks.review import FORM_TRIES, TEN_YEARS
from tasks.run import Run
from tasks.spec import AnyBlock, Ask, Loop, block_from_json
from tasks.views import Scope
from utils.errors import BadInput, RunFailed, Unparsable, Waiting
from utils.json_replies import parse_json
from utils.reviews import Review, decide, find_review, reviews_of
from utils.runs import set_status
from utils.warm import Warm
from workflows.flyte_host import node_id

IN_PLACE = 120.0
"""Seconds that a body is walked in one node before it goes on in another."""
MOST_TURNS_AS_NODES = 20
MOST_TIMES = 500
"""How often a block may be walked anew: once a decision, once every IN_PLACE seconds."""


@dynamic(task_config=Warm("calls"), retries=nodes.RETRIES, timeout=nodes.TIMEOUT)
def body(block: str, path: str, run: Run, made: Slots, times: int) -> Slots:
    """A block with bodies, or in which a person decides; `times` counts how often it was walked before."""
    parsed, scope = block_from_json(block), Scope(made)
    with nodes.at_work(run, path):
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
    decisions = [_gate(review, run, path) for review in asked]
    again = nodes.make_node(body, "again", block=block, path=path, run=run, made=made, times=times + 1)
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


def _gate(review: Review, run: Run, path: str) -> Any:
    """What is asked, the gate, and the decision as a node; they are named by what is asked and where."""
    name = node_id(review.path.removeprefix(path)) or node_id(path.rpartition("/")[2])
    shown = nodes.make_node(show_question, f"{name}-asked", path=review.path, run=run)
    if not review.choices:
        following = nodes.make_node(answered, f"{name}-answered", path=review.path, run=run, choice="", asked=1)
        shown >> following
        return following
    kind = Enum("Decision", {c.name.upper(): c.name for c in review.choices})  # type: ignore[misc]
    choice = wait_for_input(review.path, _time_left(review), kind).with_overrides(node_name=name, name=review.reason)
    shown >> choice
    return nodes.make_node(answered, f"{name}-answered", path=review.path, run=run, choice=choice, asked=1)


def _time_left(review: Review) -> timedelta:
    """A gate has no end of its own: ten years stand for that."""
    if review.expires_at is None:
        return timedelta(seconds=TEN_YEARS)
    return max(review.expires_at - datetime.now(UTC), timedelta(seconds=1))


@task(task_config=Warm(), retries=nodes.RETRIES, enable_deck=True, deck_fields=())
def show_question(path: str, run: Run) -> str:
    """What the person decides on, sanitised, as a Deck and as output; the gate comes next."""
    review = _review(path, run)
    Deck("Decision", review.shown_deck)
    return f"{review.reason}\n\n{review.shown}"


@dynamic(task_config=Warm(), retries=nodes.RETRIES)
def answered(path: str, run: Run, choice: str, asked: int) -> str:
    """Asks for the text that a choice or a form takes, then records the decision, which it gives."""
    review = _review(path, run)
    if not review.form and choice not in {c.name for c in review.choices if c.takes_text}:
        return _record(review, run, choice, "", "")
    name = f"{path}/text" if asked == 1 else f"{path}/text~{asked}"
    text = wait_for_input(name, _time_left(review), str).with_overrides(node_name="text", name=_wanted(review, choice))
    given = nodes.make_node(text_given, "given", path=path, run=run, choice=choice, text=text, asked=asked)
    return cast(str, given)


def _wanted(review: Review, choice: str) -> str:
    return f"The text of '{choice}'" if choice else f"An answer as JSON: {review.form}"[:200]


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
