"""Tools, memories and signals: what a step does beside calling a model and computing.

A tool is a function marked `@tool`, named by its dotted path; a store of memories is a module `tasks.<store>` with
`recall(query, k, spot, **views, **args)` and `remember(spot, **views, **args)`: the step's views (but for `query`), and
the args of the Recall or Remember.
What they returned is recorded by block path and read back on resume.
"""

import importlib
import inspect
import json
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from tasks.calls import Spot
from tasks.reply import Replies, Reply, Slots, canonical
from tasks.run import Run
from tasks.spec import OUT, At, Recall, Remember, Signal, Tool
from tasks.views import Scope, value_of
from utils.db import tenant_transaction
from utils.errors import RunFailed
from utils.ledger import record

F = TypeVar("F", bound=Callable[..., Slots])


def tool(fn: F) -> F:
    """Marks a function that a Tool may name: `fn(spot, **views and args) -> Slots`. It must be safe to do twice."""
    fn.__tool__ = True  # type: ignore[attr-defined]
    return fn


def frame_tool(fn: F) -> F:
    """Marks a tool of the frame (the gate, the end of a run), which no pattern may name, wherever it comes from."""
    fn.__frame__ = True  # type: ignore[attr-defined]
    return tool(fn)


def perform_tool(action: Tool, views: dict[str, Replies], scope: Scope[Replies], spot: Spot) -> Slots:
    """What a tool gives, from the record where it has run before."""
    name = value_of(action.name, scope)
    args = {n: value_of(v, scope) if isinstance(v, At) else v for n, v in action.args.items()}
    fn = _find(name)
    if getattr(fn, "__frame__", False) and spot.path.startswith(IN_BODY):
        raise RunFailed(f"block '{spot.path}': '{name}' is the frame's own tool: a pattern may not use it")
    _check_arguments(name, fn, (spot,), {**views, **args})
    return recorded(spot, "tool", lambda: fn(spot, **views, **args))


def recall(action: Recall, views: dict[str, Replies], spot: Spot) -> Replies:
    """What a store gives, from the record where it was asked before."""
    return recorded(spot, "recall", lambda: {OUT: looked_up(action, views, spot)})[OUT]


def looked_up(action: Recall, views: dict[str, Replies], spot: Spot) -> Replies:
    """What a store gives now: what fits the query, best first, or what its args ask for."""
    look_up = _of_store(action.store, "recall")
    named = {**{n: v for n, v in views.items() if n != QUERY}, **action.args}
    query = "\n".join(r.text for r in views.get(QUERY, []))
    _check_arguments(action.store, look_up, (query, action.k, spot), named)
    return look_up(query, action.k, spot, **named)


def remember(action: Remember, views: dict[str, Replies], spot: Spot) -> Replies:
    """What the store took of what it was offered."""
    offer = _of_store(action.store, "remember")
    _check_arguments(action.store, offer, (spot,), {**views, **action.args})
    return recorded(spot, "remember", lambda: {OUT: offer(spot, **views, **action.args)})[OUT]


def signal(action: Signal, value: str, source: str, spot: Spot) -> Replies:
    """A learning signal as a reply: `conclude` writes it with the run's others."""
    try:
        strength = min(1.0, max(0.0, float(value)))
    except ValueError as error:
        raise RunFailed(f"block '{spot.path}': the signal '{value[:60]}' is no number") from error
    data = {"signal_type": action.signal, "value": strength, "source": source.replace("\x00", " ")[:MOST_SOURCE]}
    made = Reply(key=action.signal, score=strength, fields=canonical(data))
    return recorded(spot, SIGNAL, lambda: {OUT: [made]})[OUT]


def signals_of(run: Run) -> Replies:
    """The learning signals that the blocks of a run gave, by path."""
    with tenant_transaction(UUID(run.tenant_id), durable=False) as cursor:
        cursor.execute(_SIGNALS, (run.tenant_id, run.run_id, SIGNAL))
        return [r for (output,) in cursor.fetchall() for r in load(output)[OUT]]


def recorded(spot: Spot, kind: str, make: Callable[[], Slots]) -> Slots:
    """Slots that are made once and read back ever after."""
    path = spot.path if spot.member == 0 else f"{spot.path}#{spot.member}"
    text = record(UUID(spot.run.tenant_id), spot.run.run_id, path, kind, lambda: dump(make()))
    return load(text)


def dump(slots: Slots) -> str:
    """Slots as JSON text."""
    return canonical({n: [r.model_dump(mode="json") for r in replies] for n, replies in slots.items()})


def load(text: str) -> Slots:
    """Slots back from their JSON text."""
    return {n: [Reply.model_validate(r) for r in replies] for n, replies in json.loads(text).items()}


def _find(name: str) -> Callable[..., Slots]:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute, None) if module.startswith("tasks.") else None
    if not getattr(found, "__tool__", False):
        raise RunFailed(f"unknown tool '{name}'")
    return found  # type: ignore[return-value]


def _of_store(name: str, what: str) -> Callable[..., Replies]:
    try:
        module = importlib.import_module(f"tasks.{name}") if name in STORES else None
        return getattr(module, what)  # type: ignore[no-any-return]
    except (ModuleNotFoundError, AttributeError) as error:
        raise RunFailed(f"unknown store of memories '{name}'") from error


def _check_arguments(name: str, fn: Callable[..., object], given: tuple[object, ...], named: dict[str, Any]) -> None:
    try:
        inspect.signature(fn).bind(*given, **named)
    except TypeError as error:
        raise RunFailed(f"'{name}' cannot be called with these views and args: {error}") from error


STORES = ("grimoire", "memories", "outcomes")
QUERY, SIGNAL = "query", "signal"
MOST_SOURCE = 300
"""Characters of the source of a signal: what is beyond is cut."""
IN_BODY = "body/"
"""Where the frame puts the pattern: the paths of all that is not the frame's own begin so."""
_SIGNALS = "SELECT output::text FROM step_records WHERE tenant_id = %s AND run_id = %s AND kind = %s ORDER BY path"
