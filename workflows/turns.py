"""The blocks of a body as nodes of their own (`--grain node`), for those who would rather watch."""

from collections.abc import Callable
from typing import Any

from flytekit import dynamic

from tasks import nodes
from tasks.blocks import chosen, each_items, loop_ended, loop_takes, next_slots, run_time_pattern, start_slots
from tasks.refs import slots_of
from tasks.reply import Reply, Slots
from tasks.run import Run
from tasks.spec import AnyBlock, Choose, Each, Loop, Use, block_from_json
from tasks.steps import holds
from tasks.trace import trace
from tasks.views import Scope
from tasks.walk import skipped, walk, walk_pattern
from utils.errors import RunFailed
from utils.warm import Warm
from workflows.asking import body
from workflows.flyte_host import FlyteHost


def expand(block: AnyBlock, scope: Scope[Any], path: str, run: Run, text: str) -> Any:
    """What an Each, Loop, Choose or Use gives, by nodes; `text` is the block as JSON."""
    if block.unless and holds(block.unless, scope, path, run):
        nothing: list[Reply] = []
        with trace(run, block, path) as traced:
            return dict(traced.skip(skipped(block, scope, nothing)))
    walks: dict[type, Callable[..., Any]] = {Each: _each, Loop: _loop, Choose: _choose, Use: _use}
    return walks[type(block)](block, scope, path, run, text)


def _each(parsed: Each, scope: Scope[Any], path: str, run: Run, text: str) -> Any:
    items = each_items(parsed, scope, path)
    if not items:
        return {slot: [] for slot in slots_of(parsed)}
    parts = [
        walk(parsed.body, scope.with_names({"item": [item]}), f"{path}[{i}]", _host(run, path))
        for i, item in enumerate(items)
    ]
    slots = sorted(parsed.body.gives)
    return nodes.make_node(nodes.gather, "gather", parts=parts, slots=slots, items={"items": items})


def _loop(parsed: Loop, scope: Scope[Any], path: str, run: Run, text: str) -> Any:
    given = {"block": text, "path": path, "run": run, "made": dict(scope.values)}
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
    following: Slots = nodes.make_node(turn, f"turn-{number + 2}", gave=dict(made_now), **again)
    return following


def _choose(parsed: Choose, scope: Scope[Any], path: str, run: Run, text: str) -> Any:
    name = chosen(parsed, scope, path, run)
    here = f"{path}.{name}"
    return dict(walk(parsed.bodies[name], scope, here, _host(run, here)))


def _use(parsed: Use, scope: Scope[Any], path: str, run: Run, text: str) -> Any:
    pattern, use = run_time_pattern(parsed, scope, path, run)
    gave = walk_pattern(use, pattern, scope, path, _host(run, path))
    return {slot: gave.get(slot, []) for slot in slots_of(parsed)}


def _host(run: Run, base: str) -> FlyteHost:
    return FlyteHost(run, body, base)
