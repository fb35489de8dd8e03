"""The rule engine of the posts without their bus: real Presence, Arbiter and Dimmer, told of every detection at once.

It isolates what the rules themselves cost: no latency, nothing lost, and a post hears all its neighbours, on whatever
line they are. What a post does between its sensor and its bus is done as in `lamppost.post`: a detection is told at
once, and again after half the hold (1 to 10 s) while somebody stays.
"""

import heapq
from collections.abc import Callable, Sequence

import numpy as np

from lamplighter.plans.neighbours import RADIUS_DM
from lamppost.light.arbiter import Arbiter
from lamppost.light.dimmer import Dimmer
from lamppost.light.plan import Plan
from lamppost.light.presence import Presence
from lamppost.limits import NEIGHBOURS_MAX
from lamppost.wire import cbor

from .course import Fade, mean_levels
from .data import Lamps, Users
from .sensors import Sightings
from .watch import edges

START_UTC_S = 820_000_000 - 820_000_000 % 86400 + 64800  # some day at 18:00
OWN = 250  # a post's own address; its neighbours are 1..24 in its own table
_CLOCK = 0


class Bench:
    """The posts of `lamps` with one presence `profile` (as a compiled plan has it) and an idle level."""

    def __init__(self, lamps: Lamps, profile: list, idle_pm: int = 100, presence: Callable[[], Presence] = Presence):
        self.tables = neighbour_tables(lamps)
        self.hearers: list[list[tuple[int, int]]] = [[(i, OWN)] for i in range(len(lamps))]
        for i, table in enumerate(self.tables):
            for address, (j, _, _) in enumerate(table, 1):
                self.hearers[j].append((i, address))
        self.idle_pm = idle_pm
        self.again_ms = max(1000, min(profile[1] * 500, 10000))  # as lamppost.post has it
        self.plans = [_plan(profile, idle_pm, table) for table in self.tables]
        self.presences = [presence() for _ in self.plans]
        for one, plan in zip(self.presences, self.plans, strict=True):
            one.configure(plan, OWN)
        self.arbiters = [Arbiter() for _ in self.plans]
        self.dimmers = [Dimmer(idle_pm) for _ in self.plans]
        self.fades: list[list[Fade]] = [[] for _ in self.plans]
        self.detections = 0
        self._due: list[tuple[int, int]] = []
        self._next = [0] * len(self.plans)

    def run(self, sightings: Sightings, users: Users) -> np.ndarray:
        """The mean level of each lamp in each second."""
        for i in range(len(self.plans)):
            self._decide(i, 0)
        again: list[tuple[int, int, int, int]] = []  # t_ms, lamp, class, which activation
        active: dict[tuple[int, int], int] = {}
        for count, (t_s, lamp, kind, up) in enumerate(edges(sightings, users)):
            t_ms = t_s * 1000
            while again and again[0][0] <= t_ms:
                due_ms, one, its, number = heapq.heappop(again)
                if active.get((one, its)) == number and not (due_ms == t_ms and (one, its, up) == (lamp, kind, False)):
                    self._tell(one, its, due_ms)
                    heapq.heappush(again, (due_ms + self.again_ms, one, its, number))
            if up:
                active[lamp, kind] = count
                self._tell(lamp, kind, t_ms)
                heapq.heappush(again, (t_ms + self.again_ms, lamp, kind, count))
            else:
                active.pop((lamp, kind), None)
        self._wake(users.seconds * 1000)
        return mean_levels(self.fades, self.idle_pm, users.seconds)

    def _tell(self, lamp: int, kind: int, t_ms: int) -> None:
        self._wake(t_ms)
        self.detections += 1
        for i, address in self.hearers[lamp]:
            if self.presences[i].detect(address, kind, t_ms):
                self._decide(i, t_ms)

    def _wake(self, t_ms: int) -> None:
        while self._due and self._due[0][0] <= t_ms:
            due_ms, i = heapq.heappop(self._due)
            if self._next[i] == due_ms:
                self._decide(i, due_ms)

    def _decide(self, i: int, t_ms: int) -> None:
        decision = self.arbiters[i].decide(
            self.plans[i], self.presences[i], START_UTC_S + t_ms // 1000, t_ms, sub_ms=t_ms % 1000
        )
        if decision.changed:
            fade_ms = 0 if decision.jump else decision.fade_ms
            self.fades[i].append((t_ms, self.dimmers[i].level(t_ms), decision.level_pm, fade_ms))
            self.dimmers[i].go(decision.level_pm, fade_ms, t_ms)
        self._next[i] = decision.next_t_ms
        heapq.heappush(self._due, (decision.next_t_ms, i))


def neighbour_tables(lamps: Lamps) -> list[list[tuple[int, int, int]]]:
    """For each lamp the nearest others, as the plan compiler has them: (lamp, distance_dm, bearing_deg)."""
    tables = []
    for i in range(len(lamps)):
        dx, dy = lamps.x_m - lamps.x_m[i], lamps.y_m - lamps.y_m[i]
        far = np.round(np.hypot(dx, dy) * 10).astype(int)
        bearing = np.round(np.degrees(np.arctan2(dx, dy))).astype(int) % 360
        near = [int(j) for j in np.lexsort((np.arange(len(far)), far)) if j != i and far[j] <= RADIUS_DM]
        tables.append([(j, int(far[j]), int(bearing[j])) for j in near[:NEIGHBOURS_MAX]])
    return tables


def _plan(profile: list, idle_pm: int, table: Sequence[tuple[int, int, int]]) -> Plan:
    program = ["night", idle_pm, 0, 0, [[_CLOCK, 0, _CLOCK, 1439]], []]
    near = [[address, far_dm, bearing] for address, (_, far_dm, bearing) in enumerate(table, 1)]
    fields = [1, "UTC0", 50669300, 4615000, 0, 0, [program], [], [], [profile], near, [0, 1000, 80000, 1000]]
    return Plan.from_bytes(cbor.encode(fields))
