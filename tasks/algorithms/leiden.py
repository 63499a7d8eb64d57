"""Communities of a weighted graph by the Leiden algorithm, for modularity; deterministic.

Source: Traag, Waltman and van Eck 2019, From Louvain to Leiden (doi:10.1038/s41598-019-41695-z). Nodes are visited in
order and merged where the gain is greatest, where the source draws; of gains alike the first stands.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from tasks.algorithms.points import connected

Weights = Mapping[tuple[str, str], float]
"""The weight between two nodes, in either order; a node and itself has none."""
EPSILON = 1e-12


@dataclass(frozen=True)
class _Network:
    """Nodes by number: what they are tied to, how strongly in all (their degree), and the sum of all degrees."""

    ties: list[dict[int, float]]
    degree: list[float]
    total: float

    def gain(self, node: int, tie: float, degree: float) -> float:
        """What it is worth to join a node to others of that degree, tied to it so strongly."""
        return tie - self.degree[node] * degree / self.total


def communities(nodes: Sequence[str], weights: Weights) -> list[list[str]]:
    """The nodes in communities, each connected, the largest first; nodes in their own order."""
    network, place = _network(nodes, weights), list(range(len(nodes)))
    label = list(range(len(nodes)))
    while network.total > 0:
        label = _moved(network, label)
        parts = _refined(network, label)
        if len(set(parts)) == len(parts):
            break
        network, number, label = _joined(network, parts, label)
        place = [number[parts[p]] for p in place]
    groups: dict[int, list[str]] = {}
    for name, where in zip(nodes, place, strict=True):
        groups.setdefault(label[where], []).append(name)
    whole = [part for group in groups.values() for part in _connected(group, weights)]
    return sorted(whole, key=lambda g: (-len(g), nodes.index(g[0])))


def modularity(groups: Sequence[Sequence[str]], weights: Weights) -> float:
    """How much more weight lies inside the groups than chance would put there."""
    nodes = [n for g in groups for n in g]
    network, number = _network(nodes, weights), {n: i for i, n in enumerate(nodes)}
    if not network.total:
        return 0.0
    value = 0.0
    for group in groups:
        inside = sum(network.ties[number[a]].get(number[b], 0.0) for a, b in combinations(group, 2))
        degree = sum(network.degree[number[n]] for n in group)
        value += 2 * inside / network.total - (degree / network.total) ** 2
    return value


def _network(nodes: Sequence[str], weights: Weights) -> _Network:
    number = {n: i for i, n in enumerate(nodes)}
    ties: list[dict[int, float]] = [{} for _ in nodes]
    for (one, other), weight in sorted(weights.items()):
        if one in number and other in number and one != other and weight > 0:
            a, b = number[one], number[other]
            ties[a][b] = ties[b][a] = ties[a].get(b, 0.0) + weight
    degree = [sum(t.values()) for t in ties]
    return _Network(ties, degree, sum(degree))


def _moved(network: _Network, label: list[int]) -> list[int]:
    """Each node to the community that gains most, until none would gain by moving."""
    label, waiting = list(label), deque(range(len(label)))
    queued = set(waiting)
    degree: dict[int, float] = {}
    for node, own in enumerate(label):
        degree[own] = degree.get(own, 0.0) + network.degree[node]
    while waiting:
        node = waiting.popleft()
        queued.discard(node)
        own = label[node]
        degree[own] -= network.degree[node]
        ties = _ties_to(network, node, label)
        best, most = own, network.gain(node, ties.get(own, 0.0), degree[own])
        for community in sorted(ties):
            if (gain := network.gain(node, ties[community], degree[community])) > most + EPSILON:
                best, most = community, gain
        degree[best] += network.degree[node]
        label[node] = best
        if best != own:
            disturbed = [n for n in network.ties[node] if label[n] != best and n not in queued]
            waiting.extend(disturbed)
            queued.update(disturbed)
    return label


def _ties_to(network: _Network, node: int, label: Sequence[int]) -> dict[int, float]:
    """How strongly a node is tied to each community."""
    ties: dict[int, float] = {}
    for other, weight in network.ties[node].items():
        ties[label[other]] = ties.get(label[other], 0.0) + weight
    return ties


def _refined(network: _Network, label: Sequence[int]) -> list[int]:
    """Each community anew from single nodes, which join what they are tied to: so every part is connected."""
    parts = list(range(len(label)))
    size, degree = [1] * len(label), list(network.degree)
    for node, own in enumerate(label):
        if size[parts[node]] > 1:
            continue
        inside = {parts[n]: 0.0 for n in network.ties[node] if label[n] == own}
        for other, weight in network.ties[node].items():
            if label[other] == own:
                inside[parts[other]] += weight
        gains = {p: network.gain(node, tie, degree[p]) for p, tie in sorted(inside.items())}
        best = max(gains, key=lambda p: gains[p], default=None)
        if best is not None and gains[best] > EPSILON:
            parts[node] = best
            size[best] += 1
            degree[best] += network.degree[node]
    return parts


def _joined(network: _Network, parts: list[int], label: list[int]) -> tuple[_Network, dict[int, int], list[int]]:
    """The network of the parts, the number of each part in it, and the community that each part is in."""
    number = {part: n for n, part in enumerate(dict.fromkeys(parts))}
    ties: list[dict[int, float]] = [{} for _ in number]
    degree, within = [0.0] * len(number), [0] * len(number)
    for node, part in enumerate(parts):
        here = number[part]
        degree[here] += network.degree[node]
        within[here] = label[node]
        for other, weight in network.ties[node].items():
            if (there := number[parts[other]]) != here:
                ties[here][there] = ties[here].get(there, 0.0) + weight
    return _Network(ties, degree, network.total), number, within


def _connected(group: list[str], weights: Weights) -> list[list[str]]:
    """A community as the parts of it that are connected: one, as a rule."""
    members = set(group)
    return connected(group, [pair for pair, w in weights.items() if w > 0 and members.issuperset(pair)])
