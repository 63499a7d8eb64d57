"""The patterns that a graph may hand its work to by name, when it runs."""

from uuid import UUID

from tasks.calls import Spot
from tasks.estimate import estimate
from tasks.functions import pattern_files
from tasks.refs import bodies_of
from tasks.registry import built
from tasks.reply import Replies, Slots, reply
from tasks.retrieval import found
from tasks.spec import OUT, Graph, GraphSpec, Use
from tasks.tools import tool
from utils.patterns import disabled


@tool
def usable_patterns(spot: Spot, *, prompt: Replies, most_calls: int, at_most: int, always: str) -> Slots:
    """The enabled patterns that answer a prompt with this run's models in so many calls: key is the id, text what it
    does. `shown` are, of more than `at_most`, those that fit this prompt best, and `always`.

    One that itself takes up a pattern by name is not among them: it might take up its caller.
    """
    models = len(set(spot.run.models))
    enabled = sorted(pattern_files().keys() - disabled(UUID(spot.run.tenant_id)))
    whole = [p for p, _ in map(built, enabled) if p]
    fitting = [p for p in whole if _answers(p) and p.distinct_models <= models]
    usable = [reply(p.description, key=p.id) for p in fitting if estimate(p).most_calls <= most_calls]
    few = len(usable) <= at_most
    return {OUT: usable, "shown": usable if few else _shortlist(prompt, usable, at_most, always)}


def _shortlist(prompt: Replies, usable: Replies, at_most: int, always: str) -> Replies:
    """By words and meaning; in order of their ids."""
    described = [u.but(data={"id": u.key, "title": u.key.replace("_", " ")}) for u in usable]
    best = [always, *(p.data()["document"] for p in found(prompt[0].text, described, k=at_most))]
    rest = (u.key for u in usable)
    chosen = set(list(dict.fromkeys([*best, *rest]))[:at_most])
    return [u for u in usable if u.key in chosen]


def _answers(pattern: GraphSpec) -> bool:
    needs = {i.name for i in pattern.inputs if i.default is None and i.type != "models"}
    return needs == {"prompt"} and "answer" in pattern.gives and not _by_name(pattern)


def _by_name(graph: Graph) -> bool:
    if any(isinstance(b, Use) and not isinstance(b.pattern, str) for b in graph.blocks):
        return True
    return any(_by_name(body) for block in graph.blocks for body in bodies_of(block).values())
