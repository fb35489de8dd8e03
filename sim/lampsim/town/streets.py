"""Streets where only lamps are known: ways drawn through the lamps of an inventory.

Two rules. Lamps that stand in their street's order, evenly, are joined in that order and lengthened by half a gap at
both ends. Others are joined as a relative neighbourhood graph (Toussaint, Pattern Recognition 12, 1980): two lamps are
neighbours where no third is nearer to both. It holds the shortest network and the loops that a town has; steps along
one street may be long, steps to another only short, so that no way leads through the houses of a block.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from .model import Point, Street, TownLamp
from .wiring import NEAR_M, near_pairs

TURN_M = 45.0  # from the last lamp of a street to the first of the next: across a crossing
EVEN = 2.5  # times the usual gap: a longer one means that lamps are missing, or out of order


def through_lamps(lamps: Sequence[TownLamp]) -> tuple[Street, ...]:
    """The streets of a town. Two lamps or more make one; a lonely lamp has no street."""
    by_street: dict[str, list[TownLamp]] = defaultdict(list)
    for lamp in lamps:
        by_street[lamp.street].append(lamp)
    if "" not in by_street and all(_even([p.at for p in members]) for members in by_street.values()):
        return tuple(_lengthened(name, members) for name, members in by_street.items() if len(members) > 1)
    return _joined(lamps)


def _even(points: list[Point]) -> bool:
    gaps = [math.dist(a, b) for a, b in pairwise(points)]
    return not gaps or max(gaps) <= min(NEAR_M, EVEN * max(1.0, sorted(gaps)[len(gaps) // 2]))


def _lengthened(name: str, members: list[TownLamp]) -> Street:
    points = [p.at for p in members]
    points = [_beyond(points[1], points[0]), *points, _beyond(points[-2], points[-1])]
    return Street(f"{members[0].kind}-{name}", members[0].kind, tuple(points))


def _beyond(a: Point, b: Point) -> Point:
    return round(b[0] + (b[0] - a[0]) / 2, 3), round(b[1] + (b[1] - a[1]) / 2, 3)


# --- the relative neighbourhood graph


def _joined(lamps: Sequence[TownLamp]) -> tuple[Street, ...]:
    points = [lamp.at for lamp in lamps]
    near: list[list[tuple[float, int]]] = [[] for _ in lamps]
    for distance_m, i, j in near_pairs(points, NEAR_M):
        near[i].append((distance_m, j))
        near[j].append((distance_m, i))
    for around in near:
        around.sort()
    links: list[list[int]] = [[] for _ in lamps]
    for i, around in enumerate(near):
        for distance_m, j in around:
            same = lamps[i].street == lamps[j].street
            if i < j and distance_m <= (NEAR_M if same else TURN_M) and _alone(i, j, distance_m, near, points):
                links[i].append(j)
                links[j].append(i)
    return tuple(_chains(lamps, links))


def _alone(i: int, j: int, distance_m: float, near: list[list[tuple[float, int]]], points: Sequence[Point]) -> bool:
    """No third lamp is nearer to both than they are to each other; two on one pole are alone as well."""
    for far_m, k in near[i]:
        if far_m >= distance_m:
            return True
        if k != j and math.dist(points[k], points[j]) < distance_m:
            return False
    return True


def _chains(lamps: Sequence[TownLamp], links: list[list[int]]) -> list[Street]:
    """Links as polylines: a chain runs on through every lamp that has two."""
    done: set[tuple[int, int]] = set()
    streets = []
    starts = sorted(range(len(lamps)), key=lambda i: (len(links[i]) == 2, i))
    for start in starts:
        for there in links[start]:
            if (start, there) in done:
                continue
            chain = [start, there]
            done |= {(start, there), (there, start)}
            while len(links[chain[-1]]) == 2 and chain[-1] != start:
                here = chain[-1]
                on = next(k for k in links[here] if k != chain[-2])
                if (here, on) in done:
                    break
                done |= {(here, on), (on, here)}
                chain.append(on)
            kind = "street" if any(lamps[i].kind == "street" for i in chain) else lamps[start].kind
            streets.append(Street(f"way-{len(streets)}", kind, tuple(lamps[i].at for i in chain)))
    return streets
