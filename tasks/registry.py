"""The registry of patterns: what the catalogue says of each, and what its file really is.

The catalogue is package data: workflows/patterns/catalogue.csv (its `mechanism`, as `amendment` changes it, is the
specification that a pattern's file follows) and categories.csv. Counts, status, width and bounds are derived.
"""

import csv
import importlib
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import cast
from uuid import UUID

from tasks.estimate import estimate
from tasks.functions import find_pattern, pattern_files
from tasks.refs import actions_of, block_of, bodies_of, refs
from tasks.spec import AnyBlock, Ask, Call, Each, Fan, Graph, GraphSpec, Loop, Use
from tasks.toolbox import needed_tools
from utils.db import tenant_transaction
from utils.display import clipped
from utils.errors import DatabaseUnavailable, RadiantError
from utils.patterns import (
    Category,
    Complexity,
    DerivedRow,
    ExecutionType,
    Impact,
    Stored,
    store,
    synced_digest,
)

PERSON = "person"
"""The capability that a pattern needs which asks somebody."""
DERIVED_FROM = ("workflows", "tasks")
"""The packages whose code and data the rows follow from."""


@dataclass(frozen=True)
class CatalogueEntry:
    """A row of the catalogue. Execution type and model count stand for a pattern only until its file is there."""

    pattern_id: str
    category_id: str
    name: str
    description: str
    research_basis: str
    complexity: str
    impact: str
    implemented_by: tuple[str, ...]
    execution_type: str
    parallelizable: bool
    typical_model_count: int
    trigger_keywords: tuple[str, ...]
    mechanism: str
    amendment: str


@dataclass(frozen=True)
class Synced:
    """What a sync found and changed. `broken` says of each pattern whose file does not build why not."""

    patterns: int
    implemented: int
    broken: dict[str, str]
    stored: Stored


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The catalogue by pattern id, in its order."""
    return {row["pattern_id"]: _entry(row) for row in _rows("catalogue.csv")}


def categories() -> tuple[Category, ...]:
    """The categories of the catalogue, each with the number of its patterns."""
    held = [entry.category_id for entry in catalogue().values()]
    return tuple(
        Category(r["category_id"], r["name"], r["description"], int(r["display_order"]), held.count(r["category_id"]))
        for r in _rows("categories.csv")
    )


def ensure_synced(tenant_id: UUID) -> None:
    """Syncs where the code is another than the one that the registry was derived from; else it costs 20 ms.

    Somebody who may not write shared rows sees what the last sync left.
    """
    with tenant_transaction(tenant_id, durable=False) as cursor:
        same = synced_digest(cursor) == digest()
    if not same:
        try:
            sync()
        except DatabaseUnavailable:
            with tenant_transaction(tenant_id, durable=False) as cursor:
                if not synced_digest(cursor):
                    raise


def sync(*, anew: bool = False) -> Synced:
    """Derives every row and stores it; a second one changes nothing. `anew` embeds with the model of today.

    Raises DatabaseUnavailable where the database does not let this process write shared rows.
    """
    rows = [derive(entry) for entry in catalogue().values()]
    stored = store(categories(), rows, digest(), anew=anew)
    implemented = sum(row.implementation_status == "implemented" for row in rows)
    return Synced(len(rows), implemented, {row.pattern_id: row.fault for row in rows if row.fault}, stored)


def derive(entry: CatalogueEntry) -> DerivedRow:
    """The registry's row of a pattern: implemented where its file builds, broken where it does not, else planned."""
    spec, fault = built(entry.pattern_id)
    bound = estimate(spec) if spec else None
    return DerivedRow(
        pattern_id=entry.pattern_id,
        category_id=entry.category_id,
        name=entry.name,
        description=entry.description,
        research_basis=entry.research_basis,
        complexity=cast(Complexity, entry.complexity),
        impact=cast(Impact, entry.impact),
        implemented_by=entry.implemented_by,
        implementation_status="implemented" if spec else "broken" if fault else "planned",
        fault=fault,
        execution_type=execution_type(spec) if spec else cast(ExecutionType, entry.execution_type),
        parallelizable=side_by_side(spec) if spec else entry.parallelizable,
        typical_model_count=spec.distinct_models if spec else entry.typical_model_count,
        most_calls=bound.most_calls if bound else None,
        most_tokens=bound.most_tokens if bound else None,
        depth=bound.depth if bound else None,
        trigger_keywords=entry.trigger_keywords,
        required_capabilities=capabilities(spec) if spec else (),
        pattern_definition=spec.to_json() if spec else None,
    )


def execution_type(graph: Graph) -> ExecutionType:
    """parallel: no call waits for another; serial: no two calls are made at once; hybrid: both happen."""
    if not side_by_side(graph):
        return "serial"
    return "hybrid" if in_a_row(graph) else "parallel"


def side_by_side(graph: Graph) -> bool:
    """Whether two calls can be under way at once."""
    calling = {b.id: b for b in graph.blocks if _calls(b)}
    above = _above(graph)
    if any(a not in above[b] and b not in above[a] for a in calling for b in calling if a != b):
        return True
    return any(_wide(b) or any(map(side_by_side, _inside(b))) for b in calling.values())


def in_a_row(graph: Graph) -> bool:
    """Whether a call can wait for another one."""
    calling = {b.id: b for b in graph.blocks if _calls(b)}
    above = _above(graph)
    if any(above[b] & calling.keys() for b in calling):
        return True
    repeats = any(isinstance(b, Loop) and b.turns > 1 for b in calling.values())
    return repeats or any(in_a_row(body) for b in calling.values() for body in _inside(b))


def capabilities(spec: GraphSpec) -> tuple[str, ...]:
    """The tools that a pattern cannot do without, and `person` where it asks one."""
    return (*sorted(needed_tools(spec)), *([PERSON] if _asks(spec) else []))


@cache
def digest() -> str:
    """The digest of what the registry's rows are derived from."""
    root = _patterns().parents[1]
    found = sha256()
    for file in sorted(f for name in DERIVED_FROM for f in (root / name).rglob("*") if f.suffix in (".py", ".csv")):
        found.update(f"{file.relative_to(root).as_posix()}\0".encode())
        found.update(sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _patterns() -> Path:
    return Path(importlib.import_module("workflows").__path__[0]) / "patterns"


def _rows(name: str) -> list[dict[str, str]]:
    with (_patterns() / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _entry(row: dict[str, str]) -> CatalogueEntry:
    return CatalogueEntry(
        pattern_id=row["pattern_id"],
        category_id=row["category_id"],
        name=row["name"],
        description=row["description"],
        research_basis=row["research_basis"],
        complexity=row["complexity"],
        impact=row["impact"],
        implemented_by=_list(row["implemented_by"]),
        execution_type=row["execution_type"],
        parallelizable=row["parallelizable"] == "true",
        typical_model_count=int(row["typical_model_count"]),
        trigger_keywords=_list(row["trigger_keywords"]),
        mechanism=row["mechanism"],
        amendment=row["amendment"],
    )


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


def built(pattern_id: str) -> tuple[GraphSpec | None, str | None]:
    """The pattern, or why it does not build; neither where there is no file."""
    if pattern_id not in pattern_files():
        return None, None
    try:
        return find_pattern(pattern_id), None
    except Exception as error:  # a file that does not even import must not hide the others
        said = error.message if isinstance(error, RadiantError) else f"{type(error).__name__}: {error}"
        return None, clipped(" ".join(said.split()), 500)


def _inside(block: AnyBlock) -> tuple[Graph, ...]:
    """The graphs inside a block, those of a pattern that it uses by name among them."""
    if isinstance(block, Use):
        return (find_pattern(block.pattern),) if isinstance(block.pattern, str) else ()
    return tuple(bodies_of(block).values())


def _calls(block: AnyBlock) -> bool:
    """Whether a model may be called in it. A pattern that is named at run time may do anything."""
    if isinstance(block, Use) and not isinstance(block.pattern, str):
        return True
    own = any(isinstance(a, Call) for a in actions_of(block))
    return own or any(_calls(b) for body in _inside(block) for b in body.blocks)


def _wide(block: AnyBlock) -> bool:
    if isinstance(block, Fan):
        return (block.at_most if block.over or block.by else len(block.members)) > 1
    return (isinstance(block, Each) and block.at_most > 1) or (
        isinstance(block, Use) and not isinstance(block.pattern, str)
    )


def _above(graph: Graph) -> dict[str, frozenset[str]]:
    """The blocks that each block waits for, directly or by others."""
    above: dict[str, frozenset[str]] = {}
    for block in graph.blocks:
        near = {block_of(r) for r in refs(block)} & above.keys()
        above[block.id] = frozenset(near).union(*(above[n] for n in near))
    return above


def _asks(graph: Graph) -> bool:
    return any(isinstance(b, Ask) or any(map(_asks, _inside(b))) for b in graph.blocks)
