"""Blocks in which a person may be asked, on a cluster: @dynamic graphs with gates.

A gate takes no inputs, so what is asked stands in the node before it. Its signal id is the block path with turn and
item: propeller keys signals by execution and name, and a second turn under the same name opens on the old answer.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from typing import Any, cast
from uuid import UUID

from flytekit import Deck, dynamic, task, wait_for_input

from tasks import nodes
from tasks.blocks import chosen, each_items, loop_ended, loop_takes, next_slots, run_time_pattern, start_slots
from tasks.refs import slots_of
from tasks.reply import Reply, Slots
from tasks.review import FORM_TRIES, decided, question, timeout_of
from tasks.run import Run
from tasks.spec import Ask, Choose, Each, Loop, Use, block_from_json
from tasks.steps import holds
from tasks.trace import trace
from tasks.views import Scope
from tasks.walk import skipped, walk, walk_pattern
from utils.errors import BadInput, RunFailed, Unparsable
from utils.json_replies import parse_json
from utils.reviews import Review, decide, find_review, open_review
from utils.warm import Warm
from workflows.flyte_host import FlyteHost


@dynamic(task_config=Warm("calls"), retries=nodes.RETRIES)
def asking(block: str, path: str, run: Run, made: Slots) -> Slots:
    """A block in which a person may be asked, as nodes of its own."""
    parsed, scope = block_from_json(block), Scope(made)
    if parsed.unless and holds(parsed.unless, scope, path, run):
        nothing: list[Reply] = []
        with trace(run, parsed, path) as traced:
            return dict(traced.skip(skipped(parsed, scope, nothing)))
    walks: dict[type, Callable[..., Any]] = {Ask: _ask, Each: _each, Loop: _loop, Choose: _choose, Use: _use}
    return _slots(walks[type(parsed)](parsed, scope, path, run, block, made))


def _slots(made: Any) -> Slots:
    """Replies, or the promise of them: a @dynamic returns either."""
    return cast(Slots, made)


def _ask(parsed: Ask, scope: Any, path: str, run: Run, block: str, made: Slots) -> Any:
    review = find_review(UUID(run.tenant_id), run.run_id, path)
    if review is not None and review.status == "decided":
        return decided(review)
    shown = nodes.make_node(show_question, "asked", block=block, path=path, run=run, made=made)
    if not parsed.choices:
        following = nodes.make_node(answered, "answered", block=block, path=path, run=run, choice="", asked=1)
        shown >> following
        return following
    kind = Enum("Decision", {c.upper(): c for c in parsed.choices})  # type: ignore[misc]
    choice = wait_for_input(path, timedelta(seconds=timeout_of(parsed, run.domain)), kind)
    shown >> choice
    return nodes.make_node(answered, "answered", block=block, path=path, run=run, choice=choice, asked=1)


@task(task_config=Warm(), retries=nodes.RETRIES, enable_deck=True)
def show_question(block: str, path: str, run: Run, made: Slots) -> str:
    """Opens the review; its Deck and its output show what the person decides on, sanitised."""
    asked = _parsed_ask(block, path)
    review = open_review(UUID(run.tenant_id), run.run_id, path, question(asked, Scope(made), run))
    Deck("Decision", review.shown_deck)
    return f"{review.reason}\n\n{review.shown}"


@dynamic(task_config=Warm(), retries=nodes.RETRIES)
def answered(block: str, path: str, run: Run, choice: str, asked: int) -> Slots:
    """Asks for the text that a choice or a form takes, then records the decision."""
    parsed = _parsed_ask(block, path)
    if choice not in parsed.text_for and parsed.form is None:
        return decided(_record(path, run, choice, "", ""))
    name = f"{path}/text" if asked == 1 else f"{path}/text~{asked}"
    text = wait_for_input(name, timedelta(seconds=timeout_of(parsed, run.domain)), str)
    return _slots(
        nodes.make_node(text_given, "given", block=block, path=path, run=run, choice=choice, text=text, asked=asked)
    )


@dynamic(task_config=Warm(), retries=nodes.RETRIES)
def text_given(block: str, path: str, run: Run, choice: str, text: str, asked: int) -> Slots:
    """Records a decision with its text; a text that does not fit its form is asked for again, three times at most."""
    parsed, review = _parsed_ask(block, path), _review(path, run)
    if parsed.form is None:
        return decided(_record(path, run, choice, text, ""))
    try:
        return decided(_record(path, run, choice, "", parse_json(text, review.form)))
    except Unparsable as error:
        if asked == FORM_TRIES:
            raise BadInput(f"the answer did not fit its form {FORM_TRIES} times: {error.message}") from error
    return _slots(nodes.make_node(answered, "again", block=block, path=path, run=run, choice=choice, asked=asked + 1))


def _parsed_ask(block: str, path: str) -> Ask:
    parsed = block_from_json(block)
    if not isinstance(parsed, Ask):
        raise RunFailed(f"block '{path}' asks nobody")
    return parsed


def _review(path: str, run: Run) -> Review:
    review = find_review(UUID(run.tenant_id), run.run_id, path)
    if review is None:
        raise RunFailed(f"block '{path}': its review was never opened")
    return review


def _record(path: str, run: Run, choice: str, text: str, answer: str) -> Review:
    """A retry finds what the first try recorded. The signal does not say who sent it: the run's user answers for it."""
    review = _review(path, run)
    if review.status == "decided":
        return review
    return decide(review, choice, text, by=UUID(run.user_id), answer=answer)


def _each(parsed: Each, scope: Any, path: str, run: Run, block: str, made: Slots) -> Any:
    items = each_items(parsed, scope, path)
    if not items:
        return {slot: [] for slot in slots_of(parsed)}
    parts = [
        walk(parsed.body, scope.with_names({"item": [item]}), f"{path}[{i}]", _host(run, path))
        for i, item in enumerate(items)
    ]
    slots = sorted(parsed.body.gives)
    return nodes.make_node(nodes.gather, "gather", parts=parts, slots=slots, items={"items": items})


def _loop(parsed: Loop, scope: Any, path: str, run: Run, block: str, made: Slots) -> Any:
    given = {"block": block, "path": path, "run": run, "made": made}
    return nodes.make_node(turn, "turn-1", **given, slots=start_slots(parsed, scope), gave={}, number=0)


@dynamic(task_config=Warm("calls"), retries=nodes.RETRIES)
def turn(block: str, path: str, run: Run, made: Slots, slots: Slots, gave: Slots, number: int) -> Slots:
    """A Loop after `number` turns: it ends, or walks the next turn and recurs with what that gave."""
    parsed, scope = block_from_json(block), Scope(made)
    if not isinstance(parsed, Loop):
        raise RunFailed(f"block '{path}' is no loop")
    now = next_slots(parsed, slots, gave) if number else slots
    ended = loop_ended(parsed, scope, now, number, path, run)
    if ended is not None:
        return ended
    inner, left = loop_takes(parsed, scope, now, number + 1)
    here = f"{path}@{number + 1}"
    made_now = walk(parsed.body, inner, here, _host(run, here))
    again = {"block": block, "path": path, "run": run, "made": made, "slots": left, "number": number + 1}
    return _slots(nodes.make_node(turn, f"turn-{number + 2}", gave=dict(made_now), **again))


def _choose(parsed: Choose, scope: Any, path: str, run: Run, block: str, made: Slots) -> Any:
    name = chosen(parsed, scope, path, run)
    here = f"{path}.{name}"
    return dict(walk(parsed.bodies[name], scope, here, _host(run, here)))


def _use(parsed: Use, scope: Any, path: str, run: Run, block: str, made: Slots) -> Any:
    pattern, use = run_time_pattern(parsed, scope, path, run)
    gave = walk_pattern(use, pattern, scope, path, _host(run, path))
    return {slot: gave.get(slot, []) for slot in slots_of(parsed)}


def _host(run: Run, base: str) -> FlyteHost:
    return FlyteHost(run, asking, base)
