"""A layered layout for small graphs, top to bottom: each block below what it waits for.

Layers by longest path, with at most a few blocks in each; order within a layer by barycentres (Sugiyama et al., 1981).
Edges that another way implies are left out, so that the picture shows what waits for what, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

GAP_X, GAP_Y = 26.0, 24.0
BEND = 14.0
"""The room that an edge takes which passes a layer by."""

Edge = tuple[str, str]


@dataclass(frozen=True)
class Size:
    """Width and height, in pixels."""

    width: float
    height: float


@dataclass
class Layout:
    """Where each block stands (its upper left corner), and the points that each edge runs through."""

    size: Size
    corners: dict[str, tuple[float, float]] = field(default_factory=dict)
    routes: list[tuple[Edge, list[tuple[float, float]]]] = field(default_factory=list)


def reduced(waits_for: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """The edges without those that a longer way implies. Keys stand in an order in which each follows what it needs."""
    above: dict[str, set[str]] = {}
    kept: dict[str, frozenset[str]] = {}
    for node, needs in waits_for.items():
        implied = {far for near in needs for far in above[near]}
        kept[node] = frozenset(needs - implied)
        above[node] = implied | needs
    return kept


def layers_of(waits_for: Mapping[str, frozenset[str]], widest: int) -> list[list[str]]:
    """The nodes by layer, each below all that it waits for, at most `widest` in one."""
    at: dict[str, int] = {}
    layers: list[list[str]] = []
    for node, needs in waits_for.items():
        layer = max((at[n] + 1 for n in needs), default=0)
        while layer < len(layers) and len(layers[layer]) >= widest:
            layer += 1
        while layer >= len(layers):
            layers.append([])
        layers[layer].append(node)
        at[node] = layer
    return layers


def layout(sizes: Mapping[str, Size], waits_for: Mapping[str, frozenset[str]], widest: int) -> Layout:
    """Places every node. `waits_for` names for each the nodes right before it, in a topological order."""
    edges = reduced(waits_for)
    layers = layers_of(edges, widest)
    level = {node: depth for depth, layer in enumerate(layers) for node in layer}
    chains = _with_bends(layers, edges, level)
    _order(layers, chains)
    return _placed(layers, chains, sizes)


def _with_bends(
    layers: list[list[str]], edges: Mapping[str, frozenset[str]], level: Mapping[str, int]
) -> list[tuple[Edge, list[str]]]:
    """Each edge as a chain through every layer that it passes; what it passes by joins the layers as a bend."""
    chains = []
    for node, needs in edges.items():
        for source in sorted(needs):
            bends = [f"{source} {node} {depth}" for depth in range(level[source] + 1, level[node])]
            for offset, bend in enumerate(bends, level[source] + 1):
                layers[offset].append(bend)
            chains.append(((source, node), [source, *bends, node]))
    return chains


def _order(layers: list[list[str]], chains: Sequence[tuple[Edge, list[str]]]) -> None:
    """Orders each layer by where its neighbours above, then below, stand."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for _, chain in chains:
        for upper, lower in pairwise(chain):
            above.setdefault(lower, []).append(upper)
            below.setdefault(upper, []).append(lower)
    for _ in range(3):
        for depth in range(1, len(layers)):
            _sort_by(layers[depth], layers[depth - 1], above)
        for depth in range(len(layers) - 2, -1, -1):
            _sort_by(layers[depth], layers[depth + 1], below)


def _sort_by(layer: list[str], other: Sequence[str], neighbours: Mapping[str, list[str]]) -> None:
    place = {node: (index + 0.5) / len(other) for index, node in enumerate(other)}
    own = {node: (index + 0.5) / len(layer) for index, node in enumerate(layer)}

    def centre(node: str) -> float:
        near = [place[n] for n in neighbours.get(node, []) if n in place]
        return sum(near) / len(near) if near else own[node]

    layer.sort(key=centre)


def _placed(
    layers: Sequence[Sequence[str]], chains: Sequence[tuple[Edge, list[str]]], sizes: Mapping[str, Size]
) -> Layout:
    bend = Size(BEND, 0)
    widths = [sum(sizes.get(n, bend).width for n in layer) + GAP_X * (len(layer) - 1) for layer in layers]
    whole = max(widths, default=0.0)
    spots: dict[str, tuple[float, float, Size]] = {}
    y = 0.0
    for layer, width in zip(layers, widths, strict=True):
        tall = max(sizes.get(n, bend).height for n in layer)
        x = (whole - width) / 2
        for node in layer:
            size = sizes.get(node, Size(BEND, tall))
            spots[node] = (x, y + (tall - size.height) / 2, size)
            x += size.width + GAP_X
        y += tall + GAP_Y
    made = Layout(Size(whole, max(0.0, y - GAP_Y)))
    made.corners = {n: (spots[n][0], spots[n][1]) for n in sizes}
    made.routes = [(edge, _points(chain, spots)) for edge, chain in chains]
    return made


def _points(chain: Sequence[str], spots: Mapping[str, tuple[float, float, Size]]) -> list[tuple[float, float]]:
    """From the foot of the first node, along both ends of each bend, to the head of the last."""
    points = []
    for index, node in enumerate(chain):
        x, y, size = spots[node]
        centre = x + size.width / 2
        if index > 0:
            points.append((centre, y))
        if index < len(chain) - 1:
            points.append((centre, y + size.height))
    return points
