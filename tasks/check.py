"""What must hold of a whole graph before it constructs. Every error names the block and says what would be right."""

import re
from collections.abc import Iterable, Mapping

from tasks.functions import accepts, find_pattern
from tasks.refs import (
    ENDED,
    ITEM,
    SPENT,
    TURN,
    actions_of,
    block_of,
    bodies_of,
    bound_in,
    bound_in_test,
    own_refs,
    refs,
    slots_of,
)
from tasks.spec import (
    OUT,
    Action,
    AnyBlock,
    Ask,
    Call,
    Choose,
    Each,
    Fan,
    Function,
    Graph,
    GraphSpec,
    Loop,
    Pick,
    Recall,
    Remember,
    Sees,
    Signal,
    Step,
    Test,
    Tool,
    Use,
)
from utils.errors import BadInput, SpecError

PLACEHOLDER = re.compile(r"\{\{\s*([a-z][a-z0-9_]*)((?:\.[A-Za-z0-9_]+)?)\s*\}\}")
Scope = Mapping[str, frozenset[str]]
"""Name -> the slots it has."""
_PLAIN = frozenset({OUT})


def check(spec: GraphSpec) -> None:
    """Raises SpecError where a graph has a dangling ref, a cycle, an unknown function, an output nobody reads ..."""
    _check_graph(spec, {}, spec.id)
    read = {block_of(r) for b in spec.blocks for r in refs(b)} | {block_of(r) for r in spec.gives.values()}
    for given in spec.inputs:
        if given.name not in read:
            raise SpecError(f"pattern '{spec.id}': nobody reads the input '{given.name}'")


def _check_graph(graph: Graph, outer: Scope, where: str) -> None:
    if not graph.blocks:
        raise SpecError(f"'{where}' has no blocks")
    for block in graph.blocks:
        if isinstance(block, Use) and isinstance(block.pattern, str):
            _target(block, block.pattern)
    _unique(graph, where)
    scope: dict[str, frozenset[str]] = {**outer, **{i.name: _PLAIN for i in graph.inputs}}
    later = {b.id for b in graph.blocks}
    for block in graph.blocks:
        _check_refs(block, own_refs(block), scope, later)
        _check_block(block, scope)
        later.discard(block.id)
        scope[block.id] = slots_of(block)
    for name, ref in graph.gives.items():
        _check_ref(f"'{where}' gives '{name}'", ref, scope, set())
    _all_read(graph)


def folded(block_id: str) -> str:
    """The node id that Flyte makes of a block id: a hyphen at the end is dropped."""
    return block_id[:-1] if block_id.endswith("-") else block_id


def _node_ids(graph: Graph, prefix: str = "") -> Iterable[tuple[str, str]]:
    for block in graph.blocks:
        yield folded(prefix + block.id), block.id
        if isinstance(block, Use) and isinstance(block.pattern, str) and block.unless is None:
            yield from _node_ids(find_pattern(block.pattern), f"{prefix}{block.id}-")


def _unique(graph: Graph, where: str) -> None:
    seen: dict[str, str] = {}
    for node, block_id in _node_ids(graph):
        if node in seen:
            raise SpecError(f"block '{block_id}' and block '{seen[node]}' of '{where}' both become the node '{node}'")
        seen[node] = block_id
    names = [*(i.name for i in graph.inputs), *(b.id for b in graph.blocks)]
    for taken in sorted({ITEM, TURN} & set(names)):
        raise SpecError(f"'{taken}' in '{where}': that name is bound inside bodies, choose another")
    for taken in {i.name for i in graph.inputs} & {b.id for b in graph.blocks}:
        raise SpecError(f"block '{taken}' of '{where}' has the name of an input")


def _check_refs(block: AnyBlock, read: Iterable[str], scope: Scope, later: set[str]) -> None:
    for ref in read:
        _check_ref(f"block '{block.id}'", ref, scope, later)


def _check_ref(who: str, ref: str, scope: Scope, later: set[str]) -> None:
    name, _, slot = ref.partition(".")
    if name in later:
        raise SpecError(f"{who} reads '{ref}', which is itself or comes later: a cycle, or the wrong order")
    if name not in scope:
        raise SpecError(f"{who} reads '{ref}', which nothing gives; in sight: {', '.join(sorted(scope))}")
    if (slot or OUT) not in scope[name]:
        have = ", ".join(f"{name}.{s}" for s in sorted(scope[name]))
        raise SpecError(f"{who} reads '{ref}', but '{name}' gives {have or 'nothing'}")


def _all_read(graph: Graph) -> None:
    read = {r for b in graph.blocks for r in refs(b)} | set(graph.gives.values())
    names = {block_of(r) for r in read}
    for block in graph.blocks:
        if block.id not in names and not _acts(block):
            raise SpecError(f"block '{block.id}': nobody reads what it gives")
        if isinstance(block, Step) and block.id in names:
            for slot in block.slots:
                if not {f"{block.id}.{slot}", *([block.id] if slot == OUT else [])} & read:
                    raise SpecError(f"block '{block.id}': nobody reads its slot '{slot}'")


def _acts(block: AnyBlock) -> bool:
    """Whether a block is there for what it does, not for what it gives."""
    for action in actions_of(block):
        if isinstance(action, Remember | Signal) or (isinstance(action, Tool) and action.writes):
            return True
    return any(_acts(b) for body in bodies_of(block).values() for b in body.blocks)


def _check_block(block: AnyBlock, scope: Scope) -> None:
    if block.otherwise and block.unless is None:
        raise SpecError(f"block '{block.id}': `otherwise` without `unless`")
    if block.otherwise and slots_of(block) != _PLAIN:
        raise SpecError(f"block '{block.id}': `otherwise` stands for the slot out alone, and it gives others")
    if block.unless:
        _check_test(block.id, block.unless, extra=set())
    if block.sees and isinstance(block, Each | Loop | Ask | Use):
        raise SpecError(f"block '{block.id}': its `sees` is for nothing: it computes nothing of what it sees")
    if not isinstance(block, Fan):
        _keyed_views(block.id, block.sees)
    for action in actions_of(block):
        _check_action(block, action)
    if isinstance(block, Fan):
        _check_fan(block)
    elif isinstance(block, Each):
        _check_graph(block.body, {**scope, ITEM: _PLAIN}, block.id)
        _gives_something(block.id, block.body)
    elif isinstance(block, Loop):
        _check_loop(block, scope)
    elif isinstance(block, Choose):
        _check_choose(block, scope)
    elif isinstance(block, Ask):
        _keyed_views(block.id, block.shows)
    elif isinstance(block, Use):
        _check_use(block)


def _gives_something(block_id: str, body: Graph) -> None:
    if not body.gives:
        raise SpecError(f"block '{block_id}': its body gives nothing")


def _keyed_views(block_id: str, sees: Sees) -> None:
    for name, view in sees.items():
        if view.pick in (Pick.OWN, Pick.OTHERS):
            raise SpecError(
                f"block '{block_id}': view '{name}' picks {view.pick.value}, which has a meaning in a Fan only"
            )


def _check_test(block_id: str, test: Test, extra: set[str]) -> None:
    if wrong := accepts(test.fn, {*test.sees, *test.args, *extra}):
        raise SpecError(f"block '{block_id}': {wrong}")


def _check_function(block_id: str, function: Function, views: Iterable[str]) -> None:
    try:
        wrong = accepts(function.fn, {*views, *function.args})
    except SpecError as error:
        raise SpecError(f"block '{block_id}': {error.message}") from error
    if wrong:
        raise SpecError(f"block '{block_id}': {wrong}")


def _check_action(block: AnyBlock, action: Action) -> None:
    if isinstance(action, Function):
        _check_function(block.id, action, block.sees)
    elif isinstance(action, Call):
        _check_prompt(block.id, _texts(block, action), set(block.sees))
    elif isinstance(action, Recall) and _ranks(action) and "query" not in block.sees:
        raise SpecError(f"block '{block.id}': a Recall needs a view named query")
    if isinstance(block, Step) and block.slots != (OUT,) and not isinstance(action, Function | Tool):
        raise SpecError(f"block '{block.id}': only a function or a tool gives other slots than out")


def _ranks(recall: Recall) -> bool:
    """Whether a look-up takes what fits a query, and not all, or the latest."""
    return recall.store != "outcomes" and recall.args.get("order") != "latest"


def _check_prompt(block_id: str, texts: list[str], views: set[str]) -> None:
    used = {m.group(1) for text in texts for m in PLACEHOLDER.finditer(text)}
    if dangling := used - views:
        raise SpecError(f"block '{block_id}': its prompt names {', '.join(sorted(dangling))}, which it does not see")
    if idle := views - used:
        raise SpecError(f"block '{block_id}': it sees {', '.join(sorted(idle))}, which its prompt does not use")


def _check_fan(block: Fan) -> None:
    if block.over and block.by:
        raise SpecError(f"block '{block.id}': items come from `over` or from `by`, not from both")
    if not (block.over or block.by or block.members):
        raise SpecError(f"block '{block.id}': it has neither items nor members")
    if block.does is None and not (block.members and all(m.does for m in block.members)):
        raise SpecError(f"block '{block.id}': a member has nothing to do")
    keys = [m.key for m in block.members]
    if len(set(keys)) != len(keys):
        raise SpecError(f"block '{block.id}': two members have the same key")
    if len(block.members) > block.at_most:
        raise SpecError(f"block '{block.id}': {len(keys)} members, at_most {block.at_most}")
    if block.by:
        _check_function(block.id, block.by, (n for n, v in block.sees.items() if block_of(v.ref) != ITEM))


def _check_loop(block: Loop, scope: Scope) -> None:
    if taken := {ITEM, TURN, ENDED, SPENT} & set(block.carries):
        raise SpecError(f"block '{block.id}': a Loop binds {', '.join(sorted(taken))} itself, choose another slot")
    if block.takes and block.takes not in block.carries:
        raise SpecError(f"block '{block.id}': takes '{block.takes}', which it does not carry")
    if not block.carries:
        raise SpecError(f"block '{block.id}': it carries nothing from turn to turn")
    inner = {**scope, **dict.fromkeys(bound_in(block), _PLAIN)}
    _check_graph(block.body, inner, block.id)
    for slot, carry in block.carries.items():
        if carry.next and carry.next not in block.body.gives:
            raise SpecError(
                f"block '{block.id}': slot '{slot}' goes on with '{carry.next}', which its body does not give"
            )
        if not carry.next and slot != block.takes:
            raise SpecError(f"block '{block.id}': slot '{slot}' never changes: read it from outside instead")
    if idle := set(block.body.gives) - {c.next for c in block.carries.values()}:
        raise SpecError(f"block '{block.id}': no slot carries {', '.join(sorted(idle))} of its body")
    if block.until:
        _check_test(block.id, block.until, extra=set())
        between = {**scope, **dict.fromkeys(bound_in_test(block), _PLAIN)}
        for view in block.until.sees.values():
            _check_ref(f"block '{block.id}'", view.ref, between, set())


def _check_choose(block: Choose, scope: Scope) -> None:
    if len(block.bodies) < 2:
        raise SpecError(f"block '{block.id}': one body is no choice: use `unless`")
    _check_function(block.id, block.by, block.sees)
    gives = {frozenset(body.gives) for body in block.bodies.values()}
    if len(gives) > 1:
        raise SpecError(f"block '{block.id}': its bodies give different names")
    if block.default and block.default not in block.bodies:
        raise SpecError(f"block '{block.id}': default '{block.default}' is none of its bodies")
    for name, body in block.bodies.items():
        _check_graph(body, scope, f"{block.id}/{name}")
        _gives_something(block.id, body)


def _check_use(block: Use) -> None:
    if not isinstance(block.pattern, str):
        if not block.slots:
            raise SpecError(f"block '{block.id}': say which slots are read of a pattern known at run time")
        return
    target = _target(block, block.pattern)
    names = {i.name for i in target.inputs}
    if extra := set(block.binds) - names:
        raise SpecError(f"block '{block.id}': '{block.pattern}' has no input {', '.join(sorted(extra))}")
    if missing := {i.name for i in target.inputs if i.default is None} - set(block.binds):
        raise SpecError(f"block '{block.id}': '{block.pattern}' also needs {', '.join(sorted(missing))}")
    check_prompts(block, target)


def check_prompts(use: Use, target: GraphSpec) -> None:
    """Raises SpecError unless each prompt of a Use takes the place of a call's, and names what that call sees."""
    calls = {b.id: (b, b.does) for b in target.blocks if isinstance(b, Step | Fan) and isinstance(b.does, Call)}
    if unknown_blocks := set(use.prompts) - set(calls):
        raise SpecError(f"block '{use.id}': '{target.id}' has no call {', '.join(sorted(unknown_blocks))}")
    for name, prompt in use.prompts.items():
        block, call = calls[name]
        _check_prompt(f"{use.id}/{name}", [prompt, *_texts(block, call)[1:]], set(block.sees))


def _texts(block: AnyBlock, call: Call) -> list[str]:
    """All that a call's views may stand in, its own prompt first."""
    members = block.members if isinstance(block, Fan) else ()
    return [call.prompt, call.system, *(t for m in members for t in (m.prompt, m.system) if t)]


def _target(block: Use, pattern: str) -> GraphSpec:
    try:
        return find_pattern(pattern)
    except BadInput as error:
        raise SpecError(f"block '{block.id}': {error.message}") from error
