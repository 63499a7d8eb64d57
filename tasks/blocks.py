"""What Each, Loop, Choose and Use mean, apart from where they run: both hosts use these."""

from uuid import UUID

from tasks.calls import Spot
from tasks.check import check_prompts
from tasks.estimate import estimate
from tasks.functions import find_pattern
from tasks.refs import ENDED, ITEM, SPENT, TURN, block_of
from tasks.reply import Replies, Reply, Slots, ok_of, reply
from tasks.run import Run
from tasks.spec import Choose, Each, GraphSpec, Loop, Pick, Use
from tasks.steps import holds, run_function
from tasks.views import Scope, look, value_of
from utils.errors import BadInput, RunFailed
from utils.ledger import record, spent

MOST_DEPTH = 8
"""How deep patterns that are known at run time only may use one another."""


def each_items(block: Each, scope: Scope[Replies], path: str) -> Replies:
    """The items of an Each, no more than it may have."""
    items = ok_of(scope.at(block.over))
    if len(items) > block.at_most:
        if block.beyond == "refuse":
            raise RunFailed(f"block '{path}': {len(items)} items, at most {block.at_most} are allowed")
        items = items[: block.at_most]
    return items


def gathered(items: Replies, made: list[Slots], slots: list[str]) -> Slots:
    """What the bodies of an Each gave, in item order; keys are those of the items, or item · reply."""
    return {slot: [r for i, gave in enumerate(made) for r in _of_item(items[i], i, gave[slot])] for slot in slots}


def _of_item(item: Reply, index: int, gave: Replies) -> Replies:
    label = item.key or str(index + 1)
    alone = len(gave) == 1
    return [r.but(key=label if alone else f"{label} · {r.key}", at=[index, *r.at]) for r in gave]


def start_slots(block: Loop, scope: Scope[Replies]) -> Slots:
    """A Loop's slots before its first turn."""
    return {slot: list(scope.at(c.start)) if c.start else [] for slot, c in block.carries.items()}


def in_turn(block: Loop, scope: Scope[Replies], slots: Slots, turn: int) -> Scope[Replies]:
    """What a Loop's body and its test see: the slots and the turn."""
    return scope.with_names({**slots, TURN: [reply(str(turn), key=TURN)]})


def loop_takes(block: Loop, scope: Scope[Replies], slots: Slots, turn: int) -> tuple[Scope[Replies], Slots]:
    """The body's scope in this turn, and the slots once the item that it takes is removed."""
    if not block.takes:
        return in_turn(block, scope, slots, turn), slots
    item, *rest = slots[block.takes]
    left = {**slots, block.takes: rest}
    return in_turn(block, scope, left, turn).with_names({ITEM: [item]}), left


def next_slots(block: Loop, slots: Slots, gave: Slots) -> Slots:
    """A Loop's slots after a turn."""
    after = dict(slots)
    for slot, carry in block.carries.items():
        if carry.next:
            before = slots[slot] if carry.how == "append" else []
            after[slot] = [*before, *gave[carry.next]]
    return after


def loop_ended(block: Loop, scope: Scope[Replies], slots: Slots, turn: int, path: str, run: Run) -> Slots | None:
    """What a Loop gives if it ends before the next turn, with why: by empty, test or bound; None if it goes on."""
    by = ""
    if block.until and (turn > 0 or block.asks_first):
        inner = in_turn(block, scope, slots, turn)
        if any(block_of(v.ref) == SPENT for v in block.until.sees.values()):
            inner = inner.with_names({SPENT: [_spent(run, path, turn)]})
        by = "test" if holds(block.until, inner, f"{path}@{turn}", run) else ""
    if not by and block.takes and not slots[block.takes]:
        by = "empty"
    if not by and turn == block.turns:
        by = "bound"
    if not by:
        return None
    ended = reply(f"{turn} turns, ended by {by}", key=ENDED, data={"turns": turn, "by": by})
    return {**slots, ENDED: [ended], SPENT: [_spent(run, path, turn)]}


def _spent(run: Run, path: str, turns: int) -> Reply:
    """What so many turns of a Loop have cost, from the ledger: in a replay later turns stand there too."""
    sums = spent(UUID(run.tenant_id), run.run_id, under=[f"{path}@{t}/" for t in range(1, turns + 1)])
    data = {"calls": sums.calls, "tokens": sums.tokens, "cost": float(sums.cost_usd)}
    return reply(f"{sums.calls} calls", key=SPENT, data=data)


def chosen(block: Choose, scope: Scope[Replies], path: str, run: Run) -> str:
    """The name of the body that a Choose takes."""
    seen = look(block.sees, scope, Pick.ANY)
    name = str(run_function(block.by, {n: s.picked for n, s in seen.items()}, scope, Spot(run, path)))
    if name not in block.bodies:
        if not block.default:
            raise RunFailed(f"block '{path}': '{name}' is none of its bodies: {', '.join(sorted(block.bodies))}")
        return block.default
    return name


def run_time_pattern(block: Use, scope: Scope[Replies], path: str, run: Run) -> tuple[GraphSpec, Use]:
    """The pattern that a Use names, validated, and the Use with the inputs that this pattern has.

    A pattern that is known at run time only is an id or the canonical JSON of a specification; it must keep within
    the Use's calls, and within MOST_DEPTH. What it was at the first try, it is in every later one.
    """
    if isinstance(block.pattern, str):
        return find_pattern(block.pattern), block
    named = value_of(block.pattern, scope)
    try:
        pattern = _recorded_pattern(named, path, run)
        check_prompts(block, pattern)
    except BadInput as error:
        raise RunFailed(f"block '{path}': {error.message}") from error
    if path.count("/") > MOST_DEPTH:
        raise RunFailed(f"block '{path}': patterns use one another more than {MOST_DEPTH} deep")
    if (calls := estimate(pattern).most_calls) > block.most_calls:
        raise RunFailed(f"block '{path}': '{pattern.id}' may make {calls} calls, {block.most_calls} are allowed")
    have = {i.name for i in pattern.inputs}
    binds = {name: ref for name, ref in block.binds.items() if name in have}
    for missing in (i.name for i in pattern.inputs if i.default is None and i.name not in binds):
        raise RunFailed(f"block '{path}': '{pattern.id}' needs the input '{missing}', which is not bound here")
    return pattern, block.model_copy(update={"binds": binds})


def _recorded_pattern(named: str, path: str, run: Run) -> GraphSpec:
    def make() -> str:
        found = GraphSpec.from_json(named) if named.lstrip().startswith("{") else find_pattern(named)
        return found.to_json()

    return GraphSpec.from_json(record(UUID(run.tenant_id), run.run_id, path, "pattern", make))
