"""How long a run must take at least: its longest chain of calls, tools, looks into stores and questions to a person."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from uuid import UUID

from tasks.functions import find_pattern
from tasks.run import Run
from tasks.spec import AnyBlock, Ask, At, Choose, Each, Fan, Function, Graph, GraphSpec, Loop, Step, Use
from tasks.trace import Traced, traces
from tasks.walk import dependencies
from utils.ledger import ledger_of
from utils.settings import settings


@dataclass(frozen=True)
class _Ran:
    """What is recorded of a run: its blocks by path, and how many calls each member of a path made in a row."""

    blocks: Mapping[str, Traced]
    calls: Mapping[str, Counter[int]]
    call_seconds: float


def critical_path(pattern: GraphSpec, run: Run, call_seconds: float) -> float:
    """Seconds that the run had to take, where each call takes so long, and a tool or a person as long as they took.

    Pure functions take no time. Calls of one member are in a row (retries and repairs), members side by side.
    """
    calls: dict[str, Counter[int]] = {}
    for row in ledger_of(UUID(run.tenant_id), run.run_id):
        calls.setdefault(row.path, Counter())[row.member] += row.attempts
    ran = _Ran({t.path: t for t in traces(run)}, calls, call_seconds)
    return _graph(pattern, "", ran)


def _graph(graph: Graph, prefix: str, ran: _Ran) -> float:
    waits_for, ends = dependencies(graph), dict[str, float]()
    for block in graph.blocks:
        path = f"{prefix}/{block.id}" if prefix else block.id
        start = max((ends[before] for before in waits_for[block.id]), default=0.0)
        ends[block.id] = start + _block(block, path, ran)
    return max(ends.values(), default=0.0)


def _block(block: AnyBlock, path: str, ran: _Ran) -> float:
    if isinstance(block, Use):
        return _use(block, path, ran)
    if path not in ran.blocks or ran.blocks[path].state != "finished":
        return 0.0
    if isinstance(block, Ask):
        return ran.blocks[path].ms / 1000
    if isinstance(block, Each):
        return max((_graph(block.body, f"{path}[{n}]", ran) for n in _numbers(path, "[", "]", ran)), default=0.0)
    if isinstance(block, Loop):
        return sum(_graph(block.body, f"{path}@{turn}", ran) for turn in _numbers(path, "@", "/", ran))
    if isinstance(block, Choose):
        taken = [n for n in block.bodies if any(p.startswith(f"{path}.{n}/") for p in ran.blocks)]
        return sum(_graph(block.bodies[name], f"{path}.{name}", ran) for name in taken)
    return _leaf(block, path, ran)


def _use(block: Use, path: str, ran: _Ran) -> float:
    if isinstance(block.pattern, At):
        known = ran.blocks.get(path)
        return known.ms / 1000 if known else 0.0
    return _graph(find_pattern(block.pattern), path, ran)


def _leaf(block: Step | Fan, path: str, ran: _Ran) -> float:
    if made := ran.calls.get(path):
        waves = ceil(len(made) / settings().calls_at_once)
        return max(made.values()) * waves * ran.call_seconds
    actions = (block.does, *(m.does for m in block.members)) if isinstance(block, Fan) else (block.does,)
    pure = all(a is None or isinstance(a, Function) for a in actions)
    return 0.0 if pure else ran.blocks[path].ms / 1000


def _numbers(path: str, opens: str, closes: str, ran: _Ran) -> Iterator[int]:
    """The items or turns whose blocks ran."""
    start = f"{path}{opens}"
    found = {p[len(start) :].partition(closes)[0] for p in ran.blocks if p.startswith(start)}
    return (int(n) for n in sorted(found) if n.isdigit())
