"""The prompts of a pattern: where they stand, the pattern with others in their place, and its run made visible.

A node is a call, named by its block's id after those of the blocks around it: `refine/critique`.
"""

from collections.abc import Iterator, Mapping

from tasks.check import PLACEHOLDER
from tasks.functions import pure
from tasks.refs import ENDED, SPENT, bodies_of, slots_of
from tasks.reply import Replies
from tasks.spec import OUT, AnyBlock, Call, Choose, Each, Fan, Function, Graph, GraphSpec, Loop, Step, see
from utils.errors import SpecError

MOST_PROMPT = 6000
MOST_SHOWN = 2000
"""Characters of one reply in a trace."""
TRACE = "trace"


def nodes(graph: Graph, where: str = "") -> dict[str, str]:
    """The prompt of each node, in the order of the graph."""
    return dict(_nodes(graph, where))


def _nodes(graph: Graph, where: str) -> Iterator[tuple[str, str]]:
    for block in graph.blocks:
        if (call := _call(block)) is not None:
            yield where + block.id, call.prompt
        for name, body in bodies_of(block).items():
            yield from _nodes(body, f"{_inside(block, where + block.id, name)}/")


def _inside(block: AnyBlock, place: str, body: str) -> str:
    """The place of a body: a Choose has several, whose blocks may have the same ids."""
    return f"{place}.{body}" if isinstance(block, Choose) else place


def _call(block: AnyBlock) -> Call | None:
    """The call whose prompt is used, where a block has one."""
    if not isinstance(block, Step | Fan) or not isinstance(block.does, Call):
        return None
    own = isinstance(block, Fan) and bool(block.members) and all(m.does or m.prompt for m in block.members)
    return None if own else block.does


def with_prompt(spec: GraphSpec, node: str, prompt: str) -> GraphSpec:
    """The pattern with another prompt in one node. SpecError, in one line, for a prompt that does not fit there."""
    before = nodes(spec)[node]
    if len(prompt) > MOST_PROMPT:
        raise SpecError(f"the prompt has {len(prompt):,} characters: at most {MOST_PROMPT:,} are allowed")
    if missing := placeholders(before) - placeholders(prompt):
        raise SpecError(f"the prompt lacks {', '.join(sorted(missing))}")
    made = spec.model_copy(update={"blocks": _replaced(spec, {node: prompt}, "")})
    return GraphSpec.from_json(made.to_json())


def placeholders(prompt: str) -> set[str]:
    """The views and fields that a prompt names, as they stand in it."""
    return {f"{{{{{name}{field}}}}}" for name, field in PLACEHOLDER.findall(prompt)}


def _replaced(graph: Graph, prompts: Mapping[str, str], where: str) -> tuple[AnyBlock, ...]:
    return tuple(_with_prompts(block, prompts, where) for block in graph.blocks)


def _with_prompts(block: AnyBlock, prompts: Mapping[str, str], where: str) -> AnyBlock:
    name = where + block.id

    def inside(body: Graph, of: str) -> Graph:
        return body.model_copy(update={"blocks": _replaced(body, prompts, f"{_inside(block, name, of)}/")})

    if isinstance(block, Step | Fan) and isinstance(block.does, Call) and name in prompts:
        return block.model_copy(update={"does": block.does.model_copy(update={"prompt": prompts[name]})})
    if isinstance(block, Each | Loop):
        return block.model_copy(update={"body": inside(block.body, "body")})
    if isinstance(block, Choose):
        return block.model_copy(update={"bodies": {n: inside(b, n) for n, b in block.bodies.items()}})
    return block


def traced(spec: GraphSpec) -> GraphSpec:
    """The pattern with one more thing that it gives, `trace`: all that its blocks gave, in order."""
    steps: list[Step] = []
    for block in spec.blocks:
        for slot in sorted(slots_of(block) - {ENDED, SPENT}):
            views = see(replies=block.id if slot == OUT else f"{block.id}.{slot}")
            views |= see(before=steps[-1].id) if steps else {}
            of = Function(fn="tasks.algorithms.prompt_nodes.with_trace", args={"of": block.id})
            steps.append(Step(id=f"{TRACE}-{len(steps) + 1}", does=of, sees=views))
    gives = {**spec.gives, TRACE: steps[-1].id}
    return GraphSpec.from_json(spec.model_copy(update={"blocks": (*spec.blocks, *steps), "gives": gives}).to_json())


@pure
def with_trace(replies: Replies, of: str, before: Replies = []) -> Replies:  # noqa: B006 (never written to)
    """What was gathered before, and what one block gave, under its name."""
    return [*before, *(r.but(key=f"{of} {r.key}".strip(), text=(r.text or r.fields)[:MOST_SHOWN]) for r in replies)]
