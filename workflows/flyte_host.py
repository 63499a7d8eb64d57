"""The Flyte host: makes nodes out of blocks, in a workflow that is compiled or in a @dynamic that runs.

The static part of a graph becomes nodes whose ids are the block ids. A block in which a person may be asked becomes
a @dynamic (workflows/asking.py), every other one a single node.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks import nodes
from tasks.refs import asks, slots_of
from tasks.reply import Slots
from tasks.spec import AnyBlock, Graph, block_to_json
from tasks.views import Scope
from tasks.walk import RunBlock, needs, schedule_in_order


@dataclass(frozen=True)
class FlyteHost:
    """Makes nodes instead of running blocks: a value is the promise of a list of replies."""

    run: Any
    """The run, or the promise of it."""
    asking: Any
    """The @dynamic entity of the blocks in which a person may be asked."""
    base: str = ""
    """The path of the graph that is being made: node ids are relative to it."""

    def constant(self, slots: Slots) -> Mapping[str, Any]:
        return slots

    def schedule(self, graph: Graph, scope: Scope[Any], run: RunBlock[Any]) -> Scope[Any]:
        return schedule_in_order(graph, scope, run)

    def block(self, block: AnyBlock, scope: Scope[Any], path: str) -> Mapping[str, Any]:
        made = {ref if "." in ref else f"{ref}.out": scope.at(ref) for ref in needs(block, scope)}
        entity = self.asking if asks(block) else nodes.node
        name = node_id(path.removeprefix(self.base))
        promise = nodes.make_node(entity, name, block=block_to_json(block), path=path, run=self.run, made=made)
        return {slot: promise[slot] for slot in slots_of(block)}


def node_id(path: str) -> str:
    """The id of the node at a path within its graph."""
    return path.translate({ord("/"): "-", ord("["): "i", ord("]"): "", ord("@"): "t", ord("."): "-"}).strip("-")
