"""From detections to passages at posts and steps between posts, while they happen; nothing here outlives a step.

A post's sensor says one thing: somebody is in range. Its *edge* is the moment it begins to; the post announces that
again every REPEAT_MS while it lasts, under the same number. Whoever comes while somebody is there is not seen;
`seen_ms` is the time in which somebody was, and an edge within it, of a sensor that lost sight for a moment, is none.

A *step* links the edge of one post with the latest fitting edge of a near post: the speed lies within the gate of the
class of user, each edge is the origin of at most one step, and of several origins the likeliest is taken: least
|ln(speed / expected speed)| plus TURN_COST for turning back, where the expected speed is that of the step before, else
the usual one. An edge keeps speed and bearing of its step for that, at most TRAIL_MS; a person's way is two edges long
here and has no name. Gates as in lamppost.light.presence: walking to running 0.4 to 4 m/s, cycling 1 to 12, driving 2
to 22.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from lamplighter.gateway.footfall.flow_place import Near

REPEAT_MS = 5_000  # how often a post announces somebody who stays (lamppost.post)
HOLD_MS = 2_000  # a PIR sensor's output stays so long after the last movement
SLOWEST_MPS = (0.4, 1.0, 2.0)
FASTEST_MPS = (4.0, 12.0, 22.0)
USUAL_MPS = (1.35, 4.5, 11.0)  # where a step has none before it
DWELL_MS = (19_000, 7_000, 4_000)  # in range of 12 m, and the hold: where only the item told of an edge, no repeats
BRIEF_MS = (500, 3_000, 2_000)  # in range, of one who is gone before the first repeat: a car takes 2 s for 24 m
TRAIL_MS = 90_000  # 30 m at the slowest gate are 75 s
EDGES_MAX = 4  # of one post within the trail; more come only from a faulty sensor, or a crowd that no link would follow
COST_MAX = 1.2  # a third to three times the expected speed
TURN_COST = 1.0
PACE = 1.5  # pairs for directions: from the usual speed divided by this to the usual times this


class Step(NamedTuple):
    """Somebody went from a near post to this one."""

    origin: int
    speed_mps: float
    bearing_deg: float


class Edge:
    """When a post began to see somebody, and how they had come."""

    __slots__ = ("bearing_deg", "kind", "speed_mps", "t_ms", "used")

    def __init__(self, t_ms: int, kind: int) -> None:
        self.t_ms, self.kind, self.used = t_ms, kind, False
        self.speed_mps: float | None = None
        self.bearing_deg = 0.0


class Post:
    """One post: how long it has seen somebody since `begin`, and its latest edges."""

    __slots__ = ("edges", "free_ms", "kind", "kinds", "near", "pairs", "passed", "seen_ms", "since_ms", "start_ms")

    def __init__(self, near: tuple[Near, ...], now_ms: int) -> None:
        self.near = near
        self.edges: list[Edge] = []
        self.since_ms = self.start_ms = self.free_ms = now_ms  # the counts' beginning; the last presence's from and to
        self.seen_ms = self.kind = 0  # the class of who is there
        self.passed = 0
        self.kinds = [0, 0, 0]  # edges by class
        self.pairs: dict[tuple[int, int], int] = {}  # by origin post and class

    def edge(self, t_ms: int, repeats: bool, kind: int) -> bool:
        """Somebody came; False where somebody was there already (a sensor that lost sight for a moment)."""
        stay_ms = REPEAT_MS if repeats else DWELL_MS[kind]
        if t_ms < self.free_ms:
            self.free_ms = max(self.free_ms, t_ms + stay_ms)
            return False
        self._settle(t_ms)
        self.start_ms, self.free_ms, self.kind = t_ms, t_ms + stay_ms, kind
        self.passed += 1
        self.kinds[kind] += 1
        return True

    def stays(self, t_ms: int) -> None:
        """They are still there, and were all the time, even where repeats between were lost."""
        self.free_ms = max(self.free_ms, t_ms + REPEAT_MS)

    def begin(self, t_ms: int) -> None:
        """Count anew from t_ms on; edges that nobody will go on from are forgotten."""
        self.since_ms, self.seen_ms, self.passed = t_ms, 0, 0
        self.kinds, self.pairs = [0, 0, 0], {}
        self.edges = [edge for edge in self.edges if 0 <= t_ms - edge.t_ms < TRAIL_MS]

    def settle(self, t_ms: int) -> None:
        """Add what of the present presence lies before t_ms; `begin` is to follow."""
        self._settle(t_ms)

    def _settle(self, t_ms: int) -> None:
        start = max(self.start_ms, self.since_ms)
        # The true end lies REPEAT_MS / 2 before the latest possible one on average, and the sensor's hold before that.
        seen_to = self.free_ms - REPEAT_MS // 2 - HOLD_MS if self.free_ms > self.start_ms else self.start_ms
        self.seen_ms += max(0, min(max(seen_to, self.start_ms + BRIEF_MS[self.kind]), t_ms, self.free_ms) - start)
        self.start_ms = max(self.start_ms, min(t_ms, self.free_ms))


class Arrival(NamedTuple):
    """An edge at a post: the step it ends, if any; all pairs it makes."""

    step: Step | None
    pairs: list[tuple[int, float]]  # origin post, bearing in degrees


def link(posts: list[Post], index: int, t_ms: int, kind: int) -> Arrival:
    """Take an edge at post `index`."""
    edge, found = Edge(t_ms, kind), None
    pairs: list[tuple[int, float]] = []
    lowest = COST_MAX
    fast, slow = USUAL_MPS[kind] * PACE, USUAL_MPS[kind] / PACE
    for other, distance_m, to_bearing in posts[index].near:
        for origin in posts[other].edges:
            took_s = (t_ms - origin.t_ms) / 1000
            if origin.kind == kind and distance_m / fast <= took_s <= distance_m / slow:
                pairs.append((other, (to_bearing + 180) % 360))
                posts[index].pairs[other, kind] = posts[index].pairs.get((other, kind), 0) + 1
            if origin.used or origin.kind != kind or took_s <= 0:
                continue
            speed = distance_m / took_s
            if SLOWEST_MPS[kind] <= speed <= FASTEST_MPS[kind]:
                cost = _cost(origin, speed, (to_bearing + 180) % 360)
                if cost < lowest:
                    lowest, found = cost, (origin, other, speed, (to_bearing + 180) % 360)
    keep = [old for old in posts[index].edges if t_ms - old.t_ms < TRAIL_MS]
    posts[index].edges = [*keep, edge][-EDGES_MAX:]
    if found is None:
        return Arrival(None, pairs)
    origin, other, speed, heading = found
    origin.used = True
    edge.speed_mps, edge.bearing_deg = speed, heading
    return Arrival(Step(other, speed, heading), pairs)


def chance(posts: list[Post], index: int, other: int, distance_m: float, window_ms: int) -> float:
    """Pairs at a usual pace, from `other` to `index`, that nobody made: of edges of unrelated people.

    Of all the pairs of one edge here with one there, those not made by one person fall into a gate of width g with
    chance g / window, either way round.
    """
    here, there = posts[index], posts[other]
    found = 0.0
    for kind, usual_mps in enumerate(USUAL_MPS):
        share = min(0.25, 1000 * distance_m * (PACE - 1 / PACE) / usual_mps / window_ms)
        made = here.pairs.get((other, kind), 0) + there.pairs.get((index, kind), 0)
        found += max(0.0, (here.kinds[kind] * there.kinds[kind] - made) * share / (1 - 2 * share))
    return found


def _cost(origin: Edge, speed_mps: float, bearing_deg: float) -> float:
    expected = origin.speed_mps or USUAL_MPS[origin.kind]
    cost = abs(math.log(speed_mps / expected))
    if origin.speed_mps is not None and math.cos(math.radians(bearing_deg - origin.bearing_deg)) < -0.3:
        cost += TURN_COST
    return cost
