"""How much a graph may call at most, from its specification alone."""

from dataclasses import dataclass

from tasks.functions import find_pattern
from tasks.spec import AnyBlock, Ask, Call, Choose, Each, Fan, Graph, Loop, Step, Tool, Use
from utils.prices import price_ceiling, token_prices, tokens_at_most

USUAL_TOKENS = 2048
"""What a call counts with whose max_tokens is known at run time only (the default of AgentConfig, seed 002)."""


@dataclass(frozen=True)
class Estimate:
    """Upper bounds: model calls with neither retry nor repair, the tokens that they may answer, and calls in a row."""

    most_calls: int = 0
    most_tokens: int = 0
    depth: int = 0

    def then(self, other: "Estimate", times: int = 1) -> "Estimate":
        """This, and the other `times` times after it."""
        return Estimate(
            self.most_calls + times * other.most_calls,
            self.most_tokens + times * other.most_tokens,
            self.depth + times * other.depth,
        )

    def beside(self, times: int) -> "Estimate":
        """This `times` times, side by side."""
        return Estimate(self.most_calls * times, self.most_tokens * times, self.depth)


def estimate(graph: Graph) -> Estimate:
    """The bound of a graph: its blocks one after another."""
    total = Estimate()
    for block in graph.blocks:
        total = total.then(_of_block(block))
    return total


def _largest(parts: list[Estimate]) -> Estimate:
    return max(parts, key=lambda e: (e.most_calls, e.most_tokens), default=Estimate())


def _of_call(action: object) -> Estimate:
    if isinstance(action, Tool) and "asks" in action.args and isinstance(most := action.args.get("most_calls"), int):
        # Code whose functions ask models (tasks/code.py), one after another at worst.
        return Estimate(most, most * USUAL_TOKENS, most)
    if not isinstance(action, Call):
        return Estimate()
    return Estimate(1, action.max_tokens if isinstance(action.max_tokens, int) else USUAL_TOKENS, 1)


def _of_block(block: AnyBlock) -> Estimate:
    if isinstance(block, Step):
        return _of_call(block.does)
    if isinstance(block, Fan):
        if block.over or block.by:
            return _largest([_of_call(a) for a in (block.does, *(m.does for m in block.members))]).beside(block.at_most)
        each = [_of_call(m.does or block.does) for m in block.members]
        return Estimate(sum(e.most_calls for e in each), sum(e.most_tokens for e in each), 1 if each else 0)
    if isinstance(block, Each):
        return estimate(block.body).beside(block.at_most)
    if isinstance(block, Loop):
        return _of_loop(block)
    if isinstance(block, Choose):
        return _largest([estimate(body) for body in block.bodies.values()])
    if isinstance(block, Ask):
        return Estimate()
    return _of_use(block)


def _of_loop(loop: Loop) -> Estimate:
    """A session of code may make its calls in all turns together: each cell's limit counts those before it."""
    total = Estimate()
    for block in loop.body.blocks:
        is_session = isinstance(block, Step) and isinstance(block.does, Tool) and "earlier" in block.sees
        total = total.then(_of_block(block), 1 if is_session else loop.turns)
    return total


def _of_use(block: Use) -> Estimate:
    if isinstance(block.pattern, str):
        return estimate(find_pattern(block.pattern))
    return Estimate(block.most_calls, block.most_calls * 2048, block.most_calls)


def cost_at_most(bound: Estimate, models: list[str], prompt: str) -> float:
    """About what a graph may cost at most in USD, by the dearest of its models.

    Each call is taken to read the prompt, its instructions and one answer in full.
    """
    prices = [token_prices(m) or price_ceiling() for m in models] or [price_ceiling()]
    read, written = max(p[0] for p in prices), max(p[1] for p in prices)
    tokens_in = bound.most_calls * (tokens_at_most(prompt) + INSTRUCTIONS) + bound.most_tokens
    return tokens_in * read + bound.most_tokens * written


INSTRUCTIONS = 600
"""Tokens of a pattern's own prompt, about."""
