"""The Flyte host: makes nodes out of blocks, in a workflow that is compiled or in a @dynamic that runs.

The static part of a graph becomes nodes whose ids are the block ids: a Step or a Fan one that calls, any other block
a @dynamic (workflows/asking.py), which walks its body in place or makes nodes of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks import nodes
from tasks.refs import slots_of
from tasks.reply import Slots
from tasks.spec import AnyBlock, Fan, Graph, Step, block_to_json
from tasks.views import Scope
from tasks.walk import RunBlock, needs, schedule_in_order


@dataclass(frozen=True)
class FlyteHost:
    """Makes nodes instead of running blocks: a value is the promise of a list of replies."""

    run: Any
    """The run, or the promise of it."""
    body: Any
    """The @dynamic entity of blocks that have bodies, or in which a person decides."""
    base: str = ""
    """The path of the graph that is being made: node ids are relative to it."""

    def constant(self, slots: Slots) -> Mapping[str, Any]:
        return slots

    def schedule(self, graph: Graph, scope: Scope[Any], run: RunBlock[Any]) -> Scope[Any]:
        return schedule_in_order(graph, scope, run)

    def block(self, block: AnyBlock, scope: Scope[Any], path: str) -> Mapping[str, Any]:
        made = {ref if "." in ref else f"{ref}.out": scope.at(ref) for ref in needs(block, scope)}
        given = {"block": block_to_json(block), "path": path, "run": self.run, "made": made}
        name = node_id(path.removeprefix(self.base))
        if isinstance(block, Step | Fan):
            promise = nodes.make_node(nodes.node, name, **given)
        else:
            promise = nodes.make_node(self.body, name, **given, times=0)
        return {slot: promise[slot] for slot in slots_of(block)}


def node_id(path: str) -> str:
    """The id of the node at a path within its graph."""
    return path.translate({ord("/"): "-", ord("["): "i", ord("]"): "", ord("@"): "t", ord("."): "-"}).strip("-")
