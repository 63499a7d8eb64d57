"""The plain host: runs blocks in this process, side by side where they do not need one another.

It runs whole graphs on a local machine, and bodies inside one node of a cluster.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf

from tasks.blocks import (
    chosen,
    each_items,
    gathered,
    loop_ended,
    loop_takes,
    next_slots,
    run_time_pattern,
    start_slots,
)
from tasks.kept import keep_failures, kept
from tasks.refs import slots_of
from tasks.reply import Replies, Slots, failed
from tasks.run import Run
from tasks.spec import AnyBlock, Ask, Choose, Each, Fan, Graph, Loop, Step, Use
from tasks.steps import holds, perform
from tasks.trace import trace
from tasks.views import Scope
from tasks.walk import RunBlock, schedule_in_threads, skipped, walk, walk_pattern
from utils.concurrency import together
from utils.errors import RunFailed, TimeUp
from utils.logs import bound
from utils.settings import settings
from utils.telemetry import span


@dataclass(frozen=True)
class PlainHost:
    """Runs blocks of one run in threads. `resumed`: an earlier try of the run may have been here."""

    run: Run
    resumed: bool = False
    until: float = inf
    """When, by the monotonic clock, no further block is started: TimeUp says so."""

    def constant(self, slots: Slots) -> Mapping[str, Replies]:
        return slots

    def schedule(self, graph: Graph, scope: Scope[Replies], run: RunBlock[Replies]) -> Scope[Replies]:
        return schedule_in_threads(graph, scope, run)

    def block(self, block: AnyBlock, scope: Scope[Replies], path: str) -> Mapping[str, Replies]:
        """What one block gives; it and its result stand in the run's trace."""
        if time.monotonic() > self.until:
            raise TimeUp(f"block '{path}' goes on in another node")
        with (
            bound(run=self.run.run_id, tenant=self.run.tenant_id, node=path),
            span(f"block {block.id}", kind=block.kind) as here,
            trace(self.run, block, path) as traced,
        ):
            if block.unless and holds(block.unless, scope, path, self.run):
                here.put(state="skipped")
                return traced.skip(skipped(block, scope, []))
            return traced.end(self._run(block, scope, path))

    def _run(self, block: AnyBlock, scope: Scope[Replies], path: str) -> Mapping[str, Replies]:
        if isinstance(block, Step | Fan):
            return self._as_before(path, lambda: perform(block, scope, path, self.run))
        if isinstance(block, Each):
            return self._each(block, scope, path)
        if isinstance(block, Loop):
            return self._loop(block, scope, path)
        if isinstance(block, Choose):
            name = chosen(block, scope, path, self.run)
            return walk(block.bodies[name], scope, f"{path}.{name}", self)
        if isinstance(block, Ask):
            from tasks.review import ask

            return ask(block, scope, path, self.run)
        return self._use(block, scope, path)

    def _each(self, block: Each, scope: Scope[Replies], path: str) -> Slots:
        items = each_items(block, scope, path)

        def one(index: int) -> Slots:
            inner = scope.with_names({"item": [items[index]]})
            try:
                return walk(block.body, inner, f"{path}[{index}]", self)
            except RunFailed as error:
                return {slot: [failed(error.message, key=items[index].key)] for slot in block.body.gives}

        def job(index: int) -> Callable[[], Slots]:
            return lambda: self._as_before(f"{path}[{index}]", lambda: one(index))

        made = together([job(i) for i in range(len(items))], settings().calls_at_once)
        return gathered(items, made, list(block.body.gives)) if items else {s: [] for s in slots_of(block)}

    def _loop(self, block: Loop, scope: Scope[Replies], path: str) -> Slots:
        slots, turn = start_slots(block, scope), 0
        while True:
            if by := loop_ended(block, scope, slots, turn, path, self.run):
                return by
            turn += 1
            inner, slots = loop_takes(block, scope, slots, turn)
            slots = next_slots(block, slots, walk(block.body, inner, f"{path}@{turn}", self))

    def _use(self, block: Use, scope: Scope[Replies], path: str) -> Slots:
        pattern, use = run_time_pattern(block, scope, path, self.run)
        made = walk_pattern(use, pattern, scope, path, self)
        return {slot: made.get(slot, []) for slot in slots_of(block)}

    def _as_before(self, path: str, make: Callable[[], Slots]) -> Slots:
        """What is made here now, or what an earlier try went on with although replies had failed."""
        before = kept(self.run, path) if self.resumed else None
        return keep_failures(self.run, path, make()) if before is None else before
