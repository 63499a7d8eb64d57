"""The patterns that a graph may hand its work to by name, when it runs."""

from uuid import UUID

from tasks.calls import Spot
from tasks.estimate import estimate
from tasks.functions import find_pattern, pattern_files
from tasks.refs import bodies_of
from tasks.reply import Slots, reply
from tasks.spec import OUT, Graph, GraphSpec, Use
from tasks.tools import tool
from utils.patterns import disabled


@tool
def usable_patterns(spot: Spot, most_calls: int) -> Slots:
    """Every enabled pattern that answers a prompt with this run's models in so many calls: key is its id, text what it
    does.

    One that itself takes up a pattern by name is not among them: it might take up its caller.
    """
    models = len(set(spot.run.models))
    enabled = sorted(pattern_files().keys() - disabled(UUID(spot.run.tenant_id)))
    found = [p for p in map(find_pattern, enabled) if _answers(p) and p.distinct_models <= models]
    return {OUT: [reply(p.description, key=p.id) for p in found if estimate(p).most_calls <= most_calls]}


def _answers(pattern: GraphSpec) -> bool:
    needs = {i.name for i in pattern.inputs if i.default is None and i.type != "models"}
    return needs == {"prompt"} and "answer" in pattern.gives and not _by_name(pattern)


def _by_name(graph: Graph) -> bool:
    if any(isinstance(b, Use) and not isinstance(b.pattern, str) for b in graph.blocks):
        return True
    return any(_by_name(body) for block in graph.blocks for body in bodies_of(block).values())
