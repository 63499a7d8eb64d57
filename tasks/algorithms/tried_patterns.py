"""Patterns that can be tried many times over: from a prompt alone, by one model, leaving nothing behind."""

from tasks.estimate import estimate
from tasks.functions import Refuse, find_pattern, pure
from tasks.refs import actions_of, bodies_of
from tasks.reply import Replies, reply
from tasks.spec import Ask, Graph, GraphSpec, Recall, Remember, Signal, Tool, Use
from utils.errors import BadInput


@pure
def rivals(hand_made: Replies, most_calls: int) -> Replies:
    """The patterns that a workflow must beat: key and text are the id. Fails the run for one that cannot be tried."""
    names = dict.fromkeys(h.text for h in hand_made)
    return [reply(to_try(name, "hand_made", most_calls).id, key=name) for name in names]


def to_try(name: str, option: str, most_calls: int) -> GraphSpec:
    """The pattern that an option names. Fails the run for one that cannot be tried."""
    try:
        pattern = find_pattern(name)
    except BadInput as error:
        raise Refuse(f"--{option}: {error.message}") from error
    if why := _why_not(pattern):
        raise Refuse(f"--{option}: '{name}' {why}")
    if (calls := estimate(pattern).most_calls) > most_calls:
        raise Refuse(f"--{option}: '{name}' may make {calls} calls, {most_calls} are allowed")
    return pattern


def _why_not(pattern: GraphSpec) -> str:
    names = {i.name for i in pattern.inputs if i.default is None}
    if names != {"prompt"} or "answer" not in pattern.gives:
        return "does not give an answer to a prompt alone"
    if pattern.distinct_models > 1:
        return "needs several models"
    return "asks a person, remembers or acts, and cannot be tried" if _leaves_traces(pattern) else ""


def _leaves_traces(graph: Graph) -> bool:
    """Whether it asks, learns or acts somewhere, or takes up a pattern that nobody knows yet."""
    for block in graph.blocks:
        if isinstance(block, Ask) or (isinstance(block, Use) and not isinstance(block.pattern, str)):
            return True
        if any(
            isinstance(a, Remember | Recall | Signal) or (isinstance(a, Tool) and a.writes) for a in actions_of(block)
        ):
            return True
        if isinstance(block, Use) and _leaves_traces(find_pattern(str(block.pattern))):
            return True
        if any(_leaves_traces(body) for body in bodies_of(block).values()):
            return True
    return False
