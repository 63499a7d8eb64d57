"""The walker: what is ready, what it sees, what is skipped and what carries over. It knows no Flyte.

A host says how one block runs and how blocks that do not need one another are scheduled. The plain host runs them
in threads of this process; workflows/compiler.py has the Flyte host.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import pairwise
from typing import Protocol, TypeVar

from tasks.functions import find_pattern
from tasks.refs import LESSONS, block_of, refs, slots_of, wants_lessons
from tasks.reply import Reply, Slots, reply
from tasks.spec import AnyBlock, Call, Fan, Graph, GraphSpec, Step, Use
from tasks.views import Scope
from utils.errors import Waiting

V = TypeVar("V")
Made = dict[str, V]


class Host(Protocol[V]):
    """How blocks run: a value `V` is a list of replies, or the promise of one."""

    def block(self, block: AnyBlock, scope: Scope[V], path: str) -> Mapping[str, V]:
        """What one block gives, by slot."""

    def schedule(self, graph: Graph, scope: Scope[V], run: "RunBlock[V]") -> Scope[V]:
        """Runs every block of a graph once what it reads is there; the scope with all that they gave."""

    def constant(self, slots: Slots) -> Mapping[str, V]:
        """Replies that are known already, as values of this host."""


RunBlock = Callable[[AnyBlock, Scope[V]], Mapping[str, V]]


def walk(graph: Graph, scope: Scope[V], path: str, host: Host[V]) -> Made[V]:
    """What a graph gives, by name, once all its blocks have run in `host`."""

    def run(block: AnyBlock, seen: Scope[V]) -> Mapping[str, V]:
        here = f"{path}/{block.id}" if path else block.id
        if isinstance(block, Use) and isinstance(block.pattern, str) and block.unless is None:
            return walk_pattern(block, find_pattern(block.pattern), seen, here, host)
        return host.block(block, seen, here)

    final = host.schedule(graph, scope, run)
    return {name: final.at(ref) for name, ref in graph.gives.items()}


def walk_pattern(use: Use, pattern: GraphSpec, scope: Scope[V], path: str, host: Host[V]) -> Made[V]:
    """Another pattern, in place: it sees its bound inputs, the defaults of the others, and the lessons."""
    bound = {name: scope.at(ref) for name, ref in use.binds.items()}
    if LESSONS not in bound and scope.has(LESSONS):
        bound[LESSONS] = scope.at(LESSONS)
    rest = {i.name: input_replies(i.default) for i in pattern.inputs if i.name not in bound}
    empty: Scope[V] = Scope({})
    inner = empty.with_names(bound).with_names(host.constant(rest))
    return walk(with_prompts(pattern, use.prompts), inner, path, host)


def with_prompts(pattern: GraphSpec, prompts: Mapping[str, str]) -> Graph:
    """The pattern's graph with other prompts in the blocks that `prompts` names."""
    if not prompts:
        return pattern
    blocks = tuple(_with_prompt(b, prompts[b.id]) if b.id in prompts else b for b in pattern.blocks)
    return Graph(inputs=pattern.inputs, blocks=blocks, gives=pattern.gives)


def _with_prompt(block: AnyBlock, prompt: str) -> AnyBlock:
    if isinstance(block, Step | Fan) and isinstance(block.does, Call):
        return block.model_copy(update={"does": block.does.model_copy(update={"prompt": prompt})})
    return block


def input_replies(value: object) -> list[Reply]:
    """An input's value as the replies that blocks see: one of a scalar, one an item of a list."""
    if value is None:
        return []
    values = value if isinstance(value, list) else [value]
    return [_as_reply(v, i) for i, v in enumerate(values)]


def _as_reply(value: object, index: int) -> Reply:
    if isinstance(value, dict):
        named = value.get("key") or value.get("name") or value.get("id") or value.get("agent_id") or index + 1
        text = value.get("text") or value.get("prompt") or ""
        return reply(str(text), key=str(named), data=value, at=[index])
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return reply(text, key=text if len(text) <= 120 else str(index + 1), at=[index])


def needs(block: AnyBlock, scope: Scope[V]) -> list[str]:
    """The refs that a block reads, with the lessons where it takes them and they are in sight."""
    wanted = set(refs(block))
    if wants_lessons(block) and scope.has(LESSONS):
        wanted.add(LESSONS)
    if scope.has("turn"):
        wanted.add("turn")
    return sorted(wanted)


def skipped(block: AnyBlock, scope: Scope[V], nothing: V) -> Mapping[str, V]:
    """What a block gives that `unless` skipped."""
    if block.otherwise:
        return {slot: scope.at(block.otherwise) for slot in slots_of(block)}
    return dict.fromkeys(slots_of(block), nothing)


def schedule_in_order(graph: Graph, scope: Scope[V], run: RunBlock[V]) -> Scope[V]:
    """One block after another, as they stand: each comes after what it reads."""
    for block in graph.blocks:
        scope = scope.with_slots(block.id, run(block, scope))
    return scope


def schedule_in_threads(graph: Graph, scope: Scope[V], run: RunBlock[V]) -> Scope[V]:
    """Every block as soon as what it reads is there.

    Where one fails no other is started, those under way are let end, and the error is raised; where one waits for a
    person, all that does not depend on it still runs, so that nothing but the decision is left to wait for.
    """
    waits_for = dependencies(graph)
    if _is_chain(graph.blocks, waits_for):
        return schedule_in_order(graph, scope, run)
    pending = list(graph.blocks)
    errors: list[Exception] = []
    waiting: list[Waiting] = []
    done: set[str] = set()
    running: dict[Future[Mapping[str, V]], AnyBlock] = {}
    with ThreadPoolExecutor(max_workers=len(pending)) as pool:
        while True:
            for block in [b for b in pending if not errors and waits_for[b.id] <= done]:
                pending.remove(block)
                running[pool.submit(copy_context().run, run, block, scope)] = block
            if not running:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                block = running.pop(future)
                try:
                    scope = scope.with_slots(block.id, future.result())
                    done.add(block.id)
                except Waiting as person:
                    waiting.append(person)
                except Exception as error:
                    errors.append(error)
    if failures := [*errors, *waiting]:
        raise failures[0]
    return scope


def dependencies(graph: Graph) -> dict[str, frozenset[str]]:
    """Which blocks of a graph each of its blocks waits for."""
    ids = {b.id for b in graph.blocks}
    lessons = {LESSONS}
    return {
        b.id: frozenset(({block_of(r) for r in refs(b)} | (lessons if wants_lessons(b) else set())) & ids - {b.id})
        for b in graph.blocks
    }


def _is_chain(blocks: Sequence[AnyBlock], waits_for: Mapping[str, frozenset[str]]) -> bool:
    return all(before.id in waits_for[after.id] for before, after in pairwise(blocks))
