"""A festival's crowd: it arrives over an hour or two, gathers on a square, and leaves all at once when it is over.

What it promises
- Everybody has a spot of their own on the ground, no nearer than the density one asks for.
- Leaving is what crowds do: each starts after a moment of their own, a way out takes no more than `FLOW_PER_S_M` for
  each metre of its width, and one walks slower where it is dense (Weidmann 1993).
- Deterministic by seed; nobody is created or lost: everyone who came leaves.
"""

import math
import random
from bisect import bisect_left
from dataclasses import dataclass

from ..town.graph import Graph
from ..town.model import Point, Town
from .model import TrafficError, Trip, Trips
from .walkers import Ways, speed

FLOW_PER_S_M = 1.2  # persons a second and metre of width: below the 1.3 of the Green Guide (2018) on level ground
EXIT_WIDTH_M = 4.0  # a street closed to cars, with stalls
PEOPLE_MAX = 50_000
JAM_PER_M2 = 5.4  # nobody moves (Weidmann)
FREE_MPS = 1.34
FAR_M = 60.0  # one comes from at least as far off the crowd's rim
HOMES_MAX = 40  # places people come from; more ways take longer to find and look the same


@dataclass(frozen=True, slots=True)
class Festival:
    """Times in seconds from the start of the scenario; `egress_s` is the mean time until somebody makes to go."""

    people: int
    square: str = ""  # the street of kind square; none: the first of the town
    arrive_from_s: int = 0
    arrive_to_s: int = 3600
    over_s: int = 7200
    egress_s: int = 300
    per_m2: float = 1.0  # persons a square metre when all are there

    def __post_init__(self) -> None:
        if not 1 <= self.people <= PEOPLE_MAX:
            raise TrafficError(f"{self.people} people; give 1 to {PEOPLE_MAX}")
        if not 0 <= self.arrive_from_s < self.arrive_to_s <= self.over_s:
            raise TrafficError("a festival's arrive_from_s, arrive_to_s and over_s come in this order")
        if not (0.05 <= self.per_m2 <= 4 and 1 <= self.egress_s <= 7200):
            raise TrafficError("a festival has 0.05 to 4 persons a square metre, and an egress_s of 1 to 7200")

    @property
    def radius_m(self) -> float:
        """Of the crowd when all are there."""
        return math.sqrt(self.people / self.per_m2 / math.pi)


def crowd(town: Town, plan: Festival, duration_s: int, seed: int = 0, ways: Ways | None = None) -> Trips:
    """A trip for each: in, to their spot, and out the way that is theirs. Raises TrafficError."""
    graph = (ways or Ways(town)).everywhere
    middle = ground(town, plan.square)
    gates = _gates(town, plan.square, graph)
    rng = random.Random(f"festival {seed}")
    homes = _homes(graph, gates, middle, plan, rng)
    spots = _spots(middle, plan, rng)
    leaving = _leave(homes, plan, rng)
    last = sorted(leaving)
    trips: list[Trip] = []
    for number, (home, spot, leave_s) in enumerate(zip(homes, spots, leaving, strict=True)):
        there = (plan.people - bisect_left(last, leave_s)) / plan.people
        trips += _guest(f"guest-{number}", [*home, spot], leave_s, there, plan, rng)
    return Trips(trips, duration_s)


def _guest(
    name: str, come: list[Point], leave_s: float, there: float, plan: Festival, rng: random.Random
) -> list[Trip]:
    """In, stay, out: three trips of one name, each begins when the one before ends. `there`: the share still there."""
    mps = speed("pedestrian", rng)
    walk_s = sum(map(math.dist, come, come[1:])) / mps
    begin_s = max(0.0, min(rng.triangular(plan.arrive_from_s, plan.arrive_to_s), leave_s - walk_s - 1))
    way_in = Trip(name, "pedestrian", come, round(begin_s, 3), mps)
    leave_s = max(leave_s, way_in.end_s)
    spot = come[-1]
    stay = Trip(name, "pedestrian", [spot, spot], way_in.end_s, mps, [(0, leave_s - way_in.end_s)])
    slow = max(0.3, walking_mps(plan.per_m2 * there) * mps / FREE_MPS)
    return [way_in, stay, Trip(name, "pedestrian", come[::-1], stay.end_s, round(slow, 2))]


def ground(town: Town, square: str = "") -> Point:
    """The middle of a square (or street) by its id, else of the first square. Raises TrafficError."""
    squares = [s for s in town.streets if (s.id == square if square else s.kind == "square")]
    if not squares:
        there = ", ".join(s.id for s in town.streets if s.kind == "square") or "none"
        raise TrafficError(f"no square {square!r} to gather on; the town's squares: {there}")
    xs, ys = [x for x, _ in squares[0].points], [y for _, y in squares[0].points]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2


def _gates(town: Town, square: str, graph: Graph) -> list[int]:
    """Where one comes onto the square: the crossings of the graph on its way, or all of its points."""
    way = next(s for s in town.streets if (s.id == square if square else s.kind == "square"))
    nodes = sorted({graph.node(*point) for point in way.points})
    return [node for node in nodes if len(graph.near[node]) > 2] or nodes


def walking_mps(per_m2: float) -> float:
    """The speed of a crowd by its density (Weidmann 1993): 1.34 alone, 0.6 at two a square metre, 0 in a jam."""
    if per_m2 <= 0.05:
        return FREE_MPS
    return max(0.0, FREE_MPS * (1 - math.exp(-1.913 * (1 / per_m2 - 1 / JAM_PER_M2))))


def _homes(graph: Graph, gates: list[int], middle: Point, plan: Festival, rng: random.Random) -> list[list[Point]]:
    """For each guest the way from where they come from to the gate nearest to it; they come from all over the town."""
    off_m = plan.radius_m + FAR_M
    far = [i for i, point in enumerate(graph.points) if i not in gates and math.dist(point, middle) > off_m]
    rng.shuffle(far)
    ways: list[list[Point]] = []
    for home in far:
        near = min(gates, key=lambda gate: math.dist(graph.points[gate], graph.points[home]))
        way = graph.way(home, near)
        ways += [way] if way else []
        if len(ways) == HOMES_MAX:
            break
    if not ways:
        raise TrafficError("the town is too small for this festival: nobody can come from anywhere; take more posts")
    return [list(rng.choice(ways)) for _ in range(plan.people)]


def _spots(middle: Point, plan: Festival, rng: random.Random) -> list[Point]:
    """Evenly over the disc (a sunflower's spiral), each within half a metre of its place, handed out at random."""
    spots = []
    for i in range(plan.people):
        radius, turn = plan.radius_m * math.sqrt((i + 0.5) / plan.people), i * math.pi * (3 - math.sqrt(5))
        x, y = middle[0] + radius * math.cos(turn), middle[1] + radius * math.sin(turn)
        spots.append((round(x + rng.uniform(-0.2, 0.2), 2), round(y + rng.uniform(-0.2, 0.2), 2)))
    rng.shuffle(spots)
    return spots


def _leave(homes: list[list[Point]], plan: Festival, rng: random.Random) -> list[float]:
    """When each sets out: after their own moment, in the queue of their way out."""
    wanted = [(plan.over_s + rng.expovariate(1 / plan.egress_s), i) for i in range(plan.people)]
    free_s: dict[Point, float] = {}
    leaving = [0.0] * plan.people
    for moment_s, i in sorted(wanted):
        way_out = homes[i][-1]
        leaving[i] = round(max(moment_s, free_s.get(way_out, 0.0)), 3)
        free_s[way_out] = leaving[i] + 1 / (FLOW_PER_S_M * EXIT_WIDTH_M)
    return leaving
