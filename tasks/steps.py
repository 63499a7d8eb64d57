"""Step and Fan: what a single node does, on either host."""

from collections.abc import Callable
from typing import Any

from tasks.calls import Spot, call_model
from tasks.functions import Refuse, invoke
from tasks.refs import ITEM, slots_of
from tasks.reply import Replies, Reply, Slots, first_cause, ok_of
from tasks.run import Run
from tasks.spec import (
    OUT,
    Action,
    Call,
    Fan,
    Function,
    Member,
    Pick,
    Step,
    Test,
)
from tasks.tools import perform_tool, recall, remember, signal
from tasks.views import Scope, look, value_of
from utils.concurrency import together
from utils.errors import RadiantError, RunFailed
from utils.settings import settings

_OVERRIDES = ("role", "model", "system", "prompt", "temperature", "max_tokens")


def perform(block: Step | Fan, scope: Scope[Replies], path: str, run: Run) -> Slots:
    """What a Step or a Fan gives; RunFailed where fewer replies are ok than its quorum and it may not go on."""
    slots = _fan(block, scope, path, run) if isinstance(block, Fan) else _step(block, scope, path, run)
    if missing := slots_of(block) - set(slots):
        raise RunFailed(f"block '{path}': its function gave no slot {', '.join(sorted(missing))}")
    everything = [r for replies in slots.values() for r in replies]
    good, quorum = len(ok_of(everything)), _quorum(block)
    if good < quorum and block.on_failure == "fail":
        cause = first_cause(everything) or "nothing to do"
        raise RunFailed(f"block '{path}': {good} of {len(everything)} replies succeeded, {quorum} needed: {cause}")
    return slots


def _quorum(block: Step | Fan) -> int:
    if block.quorum is not None:
        return block.quorum
    actions = [block.does] if isinstance(block, Step) else [block.does, *(m.does for m in block.members)]
    return 1 if any(isinstance(a, Call) for a in actions) else 0


def _step(block: Step, scope: Scope[Replies], path: str, run: Run) -> Slots:
    return act(block.does, block, scope, Spot(run, path))


def act(action: Action, block: Step | Fan, scope: Scope[Replies], spot: Spot) -> Slots:
    """One action at one spot."""
    default = Pick.OK if isinstance(action, Call) else Pick.ANY
    seen = look(block.sees, scope, default, spot.own)
    if isinstance(action, Call):
        return {OUT: [call_model(action, spot, seen, scope)]}
    picked = {name: one.picked for name, one in seen.items()}
    if isinstance(action, Function):
        return as_slots(run_function(action, picked, scope, spot), spot.path)
    if action.kind == "tool":
        return perform_tool(action, picked, scope, spot)
    if action.kind == "recall":
        return {OUT: recall(action, picked, spot)}
    if action.kind == "remember":
        return {OUT: remember(action, picked, spot)}
    return {OUT: signal(action, value_of(action.value, scope), value_of(action.source, scope), spot)}


def run_function(fn: Function | Test, views: dict[str, Replies], scope: Scope[Replies], spot: Spot) -> Any:
    """What a pure function gives; what it raises fails the run and names the block."""
    context = {"seed": spot.run.seed(spot.path), "now": spot.run.started, "key": spot.key}
    if scope.has("turn"):
        context["turn"] = int(scope.at("turn")[0].text)
    try:
        return invoke(fn.fn, {**views, **fn.args}, context)
    except Refuse as error:
        raise RunFailed(f"block '{spot.path}': {error.message}") from error
    except RadiantError:
        raise
    except Exception as error:
        raise RunFailed(f"block '{spot.path}': {fn.fn} failed: {type(error).__name__}: {error}") from error


def holds(test: Test, scope: Scope[Replies], path: str, run: Run) -> bool:
    """Whether a test holds of what it sees."""
    seen = look(test.sees, scope, Pick.ANY)
    return bool(run_function(test, {n: s.picked for n, s in seen.items()}, scope, Spot(run, path)))


def as_slots(value: Any, path: str) -> Slots:
    """A function's result as slots: a Reply, a list of them, or a dict of either by slot."""
    if isinstance(value, Reply):
        return {OUT: [value]}
    if isinstance(value, list) and all(isinstance(r, Reply) for r in value):
        return {OUT: value}
    if isinstance(value, dict):
        return {slot: as_slots(v, path)[OUT] for slot, v in value.items()}
    raise RunFailed(f"block '{path}': its function gave {type(value).__name__}, not replies")


def _items(block: Fan, scope: Scope[Replies], path: str, run: Run) -> list[Reply | None]:
    if block.by:
        outer = {n: v for n, v in block.sees.items() if v.ref.partition(".")[0] != ITEM}
        seen = look(outer, scope, Pick.ANY)
        made = run_function(block.by, {n: s.picked for n, s in seen.items()}, scope, Spot(run, path))
        return list(as_slots(made, path)[OUT])
    return list(ok_of(scope.at(block.over))) if block.over else [None]


def _fan(block: Fan, scope: Scope[Replies], path: str, run: Run) -> Slots:
    """Each item meets each member, item-major, all at once."""
    items = _items(block, scope, path, run)
    members: tuple[Member | None, ...] = block.members or (None,)
    width = len(items) * len(members)
    if width > block.at_most:
        if block.beyond == "refuse":
            raise RunFailed(f"block '{path}': {width} calls side by side, at most {block.at_most} are allowed")
        items = items[: block.at_most // len(members)]
    jobs: list[Callable[[], Reply]] = []
    for i, item in enumerate(items):
        for m, member in enumerate(members):
            jobs.append(_job(block, scope, _spot(run, path, (i, item), (m, member), len(members)), item, member))
    made = together(jobs, settings().calls_at_once)
    cut = width - len(jobs)
    note = [Reply(key="(cut)", status="skipped", cause=f"{cut} beyond {block.at_most}")] if cut > 0 else []
    return {OUT: _keyed(made) + note}


def _spot(run: Run, path: str, item: tuple[int, Reply | None], member: tuple[int, Member | None], of: int) -> Spot:
    (i, one), (m, who) = item, member
    names = [n for n in (one.key if one else "", who.key if who else "") if n]
    at = tuple(n for n, present in ((i, one), (m, who)) if present is not None)
    return Spot(run, path, i * of + m, " · ".join(names) or str(i + 1), frozenset(names), at)


def _job(
    block: Fan, scope: Scope[Replies], spot: Spot, item: Reply | None, member: Member | None
) -> Callable[[], Reply]:
    action = _of_member(block.does, member)
    inner = scope.with_names({ITEM: [item]}) if item is not None else scope

    def job() -> Reply:
        replies = act(action, block, inner, spot).get(OUT, [])
        if len(replies) != 1:
            raise RunFailed(f"block '{spot.path}': {len(replies)} replies for one item, one is right")
        return replies[0].but(key=replies[0].key or spot.key, at=list(spot.at))

    return job


def _of_member(does: Action | None, member: Member | None) -> Action:
    action = member.does if member and member.does else does
    if action is None:
        raise RunFailed("a Fan's member has nothing to do")
    if member is None or not isinstance(action, Call):
        return action
    changes = {n: getattr(member, n) for n in _OVERRIDES if getattr(member, n) is not None}
    return action.model_copy(update=changes)


def _keyed(replies: Replies) -> Replies:
    """Keys made unique in their list, by number, where two are alike."""
    seen: dict[str, int] = {}
    unique = []
    for one in replies:
        seen[one.key] = seen.get(one.key, 0) + 1
        unique.append(one if seen[one.key] == 1 else one.but(key=f"{one.key} #{seen[one.key]}"))
    return unique
