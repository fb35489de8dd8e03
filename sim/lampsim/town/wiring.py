"""Which lamp hangs on which line and which feeder: cables follow streets, so neighbours share a line.

The cable of a town is the minimum spanning tree of its lamps, where a step along the same street counts less than one
to another. Cut into the fewest connected pieces of at most `most` lamps (Kundu and Misra, "A linear tree partitioning
algorithm", SIAM J. Comput. 6, 1977), the pieces are the lines; cut with another size they are the
feeders. Deterministic.
"""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from .model import BUS_POSTS, BUS_POSTS_MAX, FEEDER_POSTS, GATEWAY_POSTS_MAX, Bus, Feeder, TownError, TownLamp

NEAR_M = 90.0  # three usual spacings: a lamp or two may be missing from an inventory
FAR_M = 400.0  # a cable between two streets; farther apart, they have lines of their own
OTHER_STREET = 1.7  # a step to another street counts as this much longer

Tree = list[list[int]]  # for each lamp, the lamps the cable goes on to


def wire(
    lamps: Sequence[TownLamp], bus_posts: int = BUS_POSTS, feeder_posts: int = FEEDER_POSTS
) -> tuple[tuple[TownLamp, ...], tuple[Bus, ...], tuple[Feeder, ...]]:
    """The lamps with bus, address and feeder, and these. At most `bus_posts` (1..64) a line. Raises TownError."""
    if not 1 <= bus_posts <= BUS_POSTS_MAX:
        raise TownError(f"{bus_posts} posts a bus; give 1 to {BUS_POSTS_MAX}")
    if feeder_posts < 1:
        raise TownError(f"{feeder_posts} lamps a feeder; give 1 or more")
    order = _walk(_cable(lamps))
    lines = [(f"bus{i}", piece) for i, piece in enumerate(_cut(order, bus_posts))]
    cables = [(f"feeder{i}", piece) for i, piece in enumerate(_cut(order, feeder_posts))]
    wired = list(lamps)
    for name, members in lines:
        for address, i in enumerate(members, 1):
            wired[i] = replace(wired[i], bus=name, address=address)
    for name, members in cables:
        for i in members:
            wired[i] = replace(wired[i], feeder=name)
    feeders = tuple(Feeder(name, tuple(lamps[i].id for i in members)) for name, members in cables)
    return tuple(wired), _gateways(lines, lamps), feeders


def _gateways(lines: list[tuple[str, list[int]]], lamps: Sequence[TownLamp]) -> tuple[Bus, ...]:
    """Lines next to each other share a cabinet, up to its number of posts."""
    buses, gateway, posts = [], 1, 0
    for name, members in lines:
        if posts + len(members) > GATEWAY_POSTS_MAX:
            gateway, posts = gateway + 1, 0
        posts += len(members)
        buses.append(Bus(name, tuple(lamps[i].id for i in members), f"gw{gateway}"))
    return tuple(buses)


# --- the cable


def near_pairs(points: Sequence[tuple[float, float]], radius_m: float) -> Iterator[tuple[float, int, int]]:
    """(distance, i, j) of all pairs i < j within `radius_m`."""
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for i, (x, y) in enumerate(points):
        cells[math.floor(x / radius_m), math.floor(y / radius_m)].append(i)
    for (cx, cy), here in cells.items():
        around = [j for dx in (-1, 0, 1) for dy in (-1, 0, 1) for j in cells.get((cx + dx, cy + dy), ())]
        for i in here:
            for j in around:
                if i < j and (distance_m := math.dist(points[i], points[j])) <= radius_m:
                    yield distance_m, i, j


class _Union:
    """Disjoint sets, to grow a spanning tree (Kruskal)."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def root(self, i: int) -> int:
        while self._above[i] != i:
            self._above[i] = self._above[self._above[i]]
            i = self._above[i]
        return i

    def join(self, i: int, j: int) -> bool:
        a, b = self.root(i), self.root(j)
        self._above[max(a, b)] = min(a, b)
        return a != b


def _cable(lamps: Sequence[TownLamp]) -> Tree:
    """The spanning tree, or one for each part of town that lies apart."""
    points = [lamp.at for lamp in lamps]
    union, tree = _Union(len(lamps)), [[] for _ in lamps]
    pairs = [
        (distance_m * (1.0 if lamps[i].street == lamps[j].street else OTHER_STREET), i, j)
        for distance_m, i, j in near_pairs(points, NEAR_M)
    ]
    _grow(pairs, union, tree)
    edge = _one_per_cell(points, union)
    _grow([(math.dist(points[i], points[j]), i, j) for i, j in edge], union, tree)
    return tree


def _one_per_cell(points: Sequence[tuple[float, float]], union: _Union) -> list[tuple[int, int]]:
    """Pairs between parts of town that lie apart by up to FAR_M: one lamp of a part stands for its cell of NEAR_M."""
    chosen: dict[tuple[int, int, int], int] = {}
    for i, (x, y) in enumerate(points):
        chosen.setdefault((math.floor(x / NEAR_M), math.floor(y / NEAR_M), union.root(i)), i)
    if len({part for _, _, part in chosen}) < 2:
        return []
    some = list(chosen.values())
    pairs = near_pairs([points[i] for i in some], FAR_M)
    return [(some[a], some[b]) for _, a, b in pairs if union.root(some[a]) != union.root(some[b])]


def _grow(pairs: list[tuple[float, int, int]], union: _Union, tree: Tree) -> None:
    for _, i, j in sorted(pairs):
        if union.join(i, j):
            tree[i].append(j)
            tree[j].append(i)


# --- cutting it


def _walk(tree: Tree) -> list[tuple[int, int]]:
    """(lamp, the one before it or -1) of every tree, from an end of it, each branch to its end; an order of a cable."""
    seen = [False] * len(tree)
    order: list[tuple[int, int]] = []
    for start in sorted(range(len(tree)), key=lambda i: (len(tree[i]) > 1, i)):
        stack = [(start, -1)] if not seen[start] else []
        while stack:
            here, before = stack.pop()
            seen[here] = True
            order.append((here, before))
            stack += [(there, here) for there in reversed(tree[here]) if there != before]
    return order


def _cut(order: list[tuple[int, int]], most: int) -> list[list[int]]:
    """Connected pieces of at most `most` lamps, the fewest there can be, each in the order of the walk."""
    children: dict[int, list[int]] = defaultdict(list)
    for here, before in order:
        if before >= 0:
            children[before].append(here)
    weight: dict[int, int] = {}
    heads = {here for here, before in order if before < 0}
    for here, _ in reversed(order):
        branches = sorted(children[here], key=lambda child: weight[child])
        total = 1 + sum(weight[child] for child in branches)
        while total > most:
            heaviest = branches.pop()
            heads.add(heaviest)
            total -= weight[heaviest]
        weight[here] = total
    piece_of: dict[int, int] = {}
    pieces: dict[int, list[int]] = {}
    for here, before in order:
        head = here if here in heads else piece_of[before]
        piece_of[here] = head
        pieces.setdefault(head, []).append(here)
    return list(pieces.values())
