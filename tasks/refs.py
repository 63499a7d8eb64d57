"""What a block reads: the refs that bind blocks to one another, found in one place for checks, walks and graphs."""

from collections.abc import Iterable, Iterator

from tasks.functions import find_pattern
from tasks.spec import (
    OUT,
    Action,
    AnyBlock,
    Ask,
    At,
    Call,
    Choose,
    Each,
    Fan,
    Graph,
    Loop,
    Member,
    Signal,
    Step,
    Tool,
    Use,
)

ITEM, TURN, LESSONS = "item", "turn", "lessons"
ENDED, SPENT = "ended", "spent"


def block_of(ref: str) -> str:
    """The part of a ref that names an input, a block or a slot."""
    return ref.partition(".")[0]


def slots_of(block: AnyBlock) -> frozenset[str]:
    """The slots that a block gives."""
    if isinstance(block, Step):
        return frozenset(block.slots)
    if isinstance(block, Each):
        return frozenset(block.body.gives)
    if isinstance(block, Loop):
        return frozenset(block.carries) | {ENDED, SPENT}
    if isinstance(block, Choose):
        return frozenset(next(iter(block.bodies.values())).gives)
    if isinstance(block, Use):
        fixed = isinstance(block.pattern, str)
        return frozenset(find_pattern(str(block.pattern)).gives) if fixed else frozenset(block.slots)
    return frozenset({OUT})


def bodies_of(block: AnyBlock) -> dict[str, Graph]:
    """The bodies that lie inside a block, by name."""
    if isinstance(block, Each | Loop):
        return {"body": block.body}
    return dict(block.bodies) if isinstance(block, Choose) else {}


def bound_in(block: AnyBlock) -> frozenset[str]:
    """The names that a block binds inside its bodies."""
    if isinstance(block, Each):
        return frozenset({ITEM})
    if isinstance(block, Loop):
        return frozenset({*block.carries, TURN} | ({ITEM} if block.takes else set()))
    return frozenset()


def bound_in_test(block: Loop) -> frozenset[str]:
    """The names that a Loop binds for its stop test: an item is of a turn, and the test stands between turns."""
    return frozenset({*block.carries, TURN, SPENT})


def _values(*values: object) -> Iterator[str]:
    for value in values:
        if isinstance(value, At):
            yield value.ref


def _of_action(action: Action) -> Iterator[str]:
    if isinstance(action, Call):
        yield from _values(action.role, action.model, action.temperature, action.max_tokens, *action.fallbacks)
    elif isinstance(action, Tool):
        yield from _values(action.name, *action.args.values())
    elif isinstance(action, Signal):
        yield from _values(action.value, action.source)


def actions_of(block: AnyBlock) -> Iterator[Action]:
    """The actions of a Step or a Fan, members included."""
    if isinstance(block, Step | Fan) and block.does:
        yield block.does
    if isinstance(block, Fan):
        yield from (m.does for m in block.members if m.does)


def own_refs(block: AnyBlock) -> Iterator[str]:
    """The refs that the block itself reads, outside its bodies. Inside a Fan `item` is the fan's own."""
    local: set[str] = set()
    read: list[str] = [v.ref for v in block.sees.values()]
    if isinstance(block, Fan):
        local = {ITEM} if block.over or block.by else set()
        members: tuple[Member, ...] = block.members
        read += [block.over] if block.over else []
        read += [ref for m in members for ref in _values(m.role, m.model)]
    if isinstance(block, Step | Fan):
        read += [ref for action in actions_of(block) for ref in _of_action(action)]
    if isinstance(block, Each):
        read.append(block.over)
    if isinstance(block, Loop):
        read += [c.start for c in block.carries.values() if c.start]
    if isinstance(block, Ask):
        read += [v.ref for v in block.shows.values()]
    if isinstance(block, Use):
        read += [*block.binds.values(), *_values(block.pattern)]
    yield from (ref for ref in read if block_of(ref) not in local)
    if block.unless:
        yield from (v.ref for v in block.unless.sees.values())
    if block.otherwise:
        yield block.otherwise


def until_refs(block: AnyBlock) -> Iterator[str]:
    """The refs of a Loop's stop test to what encloses the Loop."""
    if isinstance(block, Loop) and block.until:
        yield from (v.ref for v in block.until.sees.values() if block_of(v.ref) not in bound_in_test(block))


def graph_refs(graph: Graph) -> Iterator[str]:
    """The refs that a body reads from outside itself."""
    own = {i.name for i in graph.inputs} | {b.id for b in graph.blocks}
    for block in graph.blocks:
        yield from (r for r in refs(block) if block_of(r) not in own)
    yield from (r for r in graph.gives.values() if block_of(r) not in own)


def refs(block: AnyBlock) -> frozenset[str]:
    """Every ref that a block and its bodies read from outside the block."""
    inner: Iterable[str] = [r for body in bodies_of(block).values() for r in graph_refs(body)]
    bound = bound_in(block)
    free = {r for r in inner if block_of(r) not in bound}
    return frozenset(free.union(until_refs(block), own_refs(block)))


def wants_lessons(block: AnyBlock) -> bool:
    """Whether a call somewhere inside takes the Grimoire's lessons, which every graph sees without naming them."""
    if isinstance(block, Use):
        return True
    if any(isinstance(a, Call) and a.lessons for a in actions_of(block)):
        return True
    return any(wants_lessons(b) for body in bodies_of(block).values() for b in body.blocks)
