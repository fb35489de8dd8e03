"""Who is on the street when: what the engine, the night benchmark and the reports ask of any traffic.

What it promises
- Time is `t_s`, seconds from the start of the scenario; where somebody is, is a pure function of it.
- A second without anybody costs nothing: `next_busy` leaps over it.
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple, Protocol

KINDS = ("pedestrian", "cyclist", "car")  # in the order of the wire's user classes 0, 1, 2
SPEED_MPS = {"pedestrian": 1.4, "cyclist": 5.0, "car": 13.9}

Point = tuple[float, float]


class TrafficError(ValueError):
    """No traffic can be made of this; the text is one line: what is wrong, and what to do."""


class User(NamedTuple):
    """One road user in one second; `kind` is one of KINDS, `heading_deg` clockwise from north."""

    id: str
    kind: str
    x_m: float
    y_m: float
    speed_mps: float
    heading_deg: float


class Traffic(Protocol):
    """What any source of road users offers."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can occur."""
        ...

    @property
    def duration_s(self) -> int:
        """Nobody is there at or after this second."""
        ...

    def users(self, t_s: int) -> Sequence[User]:
        """Everybody who is there in second `t_s`, in an order that is the same each time."""
        ...

    def next_busy(self, t_s: int) -> int | None:
        """The first second >= `t_s` with somebody; None when nobody comes any more."""
        ...


def busy_seconds(traffic: Traffic, start_s: int = 0, end_s: int | None = None) -> Iterator[int]:
    """The seconds with somebody, in order; of [start_s, end_s)."""
    t_s = traffic.next_busy(start_s)
    while t_s is not None and (end_s is None or t_s < end_s):
        yield t_s
        t_s = traffic.next_busy(t_s + 1)


class Trip:
    """Somebody who goes along `way` from `start_s` on at an even speed, waits where told to, and is gone at its end."""

    __slots__ = ("_along", "_at", "_piece", "end_s", "id", "kind", "speed_mps", "start_s", "way")

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's name everywhere else
        kind: str,
        way: Sequence[Point],
        start_s: float,
        speed_mps: float = 0.0,
        waits: Sequence[tuple[int, float]] = (),
    ) -> None:
        """`waits`: (index of a point of the way, seconds spent there). Raises TrafficError."""
        if kind not in KINDS or len(way) < 2 or speed_mps < 0:
            raise TrafficError(f"trip {id}: one of {', '.join(KINDS)} along two points or more")
        self.id, self.kind, self.start_s = id, kind, start_s
        self.speed_mps = speed_mps or SPEED_MPS[kind]
        points, rests = list(way), dict(waits)
        self.way = [p for i, p in enumerate(points) for _ in range(2 if i in rests else 1)]
        self._along = list(accumulate((math.dist(a, b) for a, b in pairwise(points)), initial=0.0))
        self._at = self._moments(rests)
        self.end_s = self._at[-1]
        self._piece = _NOWHERE

    def _moments(self, rests: dict[int, float]) -> list[float]:
        """When each point of `way` is reached; a point one waits at stands there twice."""
        found, rested = [], 0.0
        for i, gone_m in enumerate(self._along):
            found.append(self.start_s + rested + gone_m / self.speed_mps)
            if i in rests:
                rested += rests[i]
                found.append(self.start_s + rested + gone_m / self.speed_mps)
        return found

    def at(self, t_s: float) -> User | None:
        """The user at `t_s` (any fraction of a second); None before the start and from the end on."""
        if not self.start_s <= t_s < self.end_s:
            return None
        if not self._piece.begin_s <= t_s < self._piece.end_s:
            self._piece = self._piece_at(t_s)
        piece = self._piece
        if piece.standing is not None:
            return piece.standing
        gone_s = t_s - piece.begin_s
        x_m, y_m = piece.x_m + gone_s * piece.east_mps, piece.y_m + gone_s * piece.north_mps
        return User(self.id, self.kind, x_m, y_m, self.speed_mps, piece.heading_deg)

    def _piece_at(self, t_s: float) -> "_Piece":
        """The straight piece of the way that one is on; kept until the next, as most questions come in order."""
        i = min(bisect_right(self._at, t_s), len(self.way) - 1)
        begin_s, end_s = self._at[i - 1], self._at[i]
        (ax, ay), (bx, by) = self.way[i - 1], self.way[i]
        dx, dy = bx - ax, by - ay
        if (dx == 0 and dy == 0) or end_s <= begin_s:
            return _Piece(begin_s, end_s, ax, ay, 0.0, 0.0, 0.0, User(self.id, self.kind, ax, ay, 0.0, 0.0))
        heading = math.degrees(math.atan2(dx, dy)) % 360
        return _Piece(begin_s, end_s, ax, ay, dx / (end_s - begin_s), dy / (end_s - begin_s), heading, None)


class _Piece(NamedTuple):
    begin_s: float
    end_s: float
    x_m: float
    y_m: float
    east_mps: float
    north_mps: float
    heading_deg: float
    standing: User | None


_NOWHERE = _Piece(math.inf, -math.inf, 0.0, 0.0, 0.0, 0.0, 0.0, None)


class Trips:
    """Traffic of trips. Asking in rising order is cheap: it keeps who is under way."""

    def __init__(self, trips: Sequence[Trip], duration_s: int) -> None:
        self.trips = sorted(trips, key=lambda trip: (trip.start_s, trip.id))
        self.duration_s = duration_s
        self.kinds = tuple(kind for kind in KINDS if any(trip.kind == kind for trip in trips))
        self._begin()

    def _begin(self) -> None:
        self._next, self._under_way, self._now_s = 0, [], -math.inf

    def users(self, t_s: float) -> list[User]:
        """As `Traffic` says; also between two seconds."""
        if not 0 <= t_s < self.duration_s:
            return []
        self._go_to(t_s)
        return [user for trip in self._under_way if (user := trip.at(t_s))]

    def next_busy(self, t_s: int) -> int | None:
        self._go_to(t_s)
        if any(trip.start_s <= t_s < trip.end_s for trip in self._under_way) and 0 <= t_s < self.duration_s:
            return t_s
        for trip in self.trips[self._next :]:
            second = max(t_s, math.ceil(trip.start_s))
            if second >= self.duration_s:
                return None
            if second < trip.end_s:
                return second
        return None

    def _go_to(self, t_s: float) -> None:
        if t_s < self._now_s:
            self._begin()
        self._now_s = t_s
        under_way = [trip for trip in self._under_way if trip.end_s > t_s]
        while self._next < len(self.trips) and self.trips[self._next].start_s <= t_s:
            if self.trips[self._next].end_s > t_s:
                under_way.append(self.trips[self._next])
            self._next += 1
        self._under_way = under_way


class Several:
    """Several traffics on the same streets; ids must differ between them."""

    def __init__(self, parts: Sequence[Traffic]) -> None:
        self.parts = list(parts)
        self.kinds = tuple(kind for kind in KINDS if any(kind in part.kinds for part in parts))
        self.duration_s = max((part.duration_s for part in parts), default=0)

    def users(self, t_s: int) -> list[User]:
        return [user for part in self.parts for user in part.users(t_s)]

    def next_busy(self, t_s: int) -> int | None:
        return min((s for part in self.parts if (s := part.next_busy(t_s)) is not None), default=None)


class Cut:
    """Another traffic, begun `from_s` later and ended after `duration_s`: a part of a recorded night."""

    def __init__(self, whole: Traffic, from_s: int = 0, duration_s: int | None = None) -> None:
        self.whole, self.from_s = whole, from_s
        left = max(0, whole.duration_s - from_s)
        self.duration_s = left if duration_s is None else min(left, duration_s)
        self.kinds = whole.kinds

    def users(self, t_s: int) -> Sequence[User]:
        return self.whole.users(t_s + self.from_s) if 0 <= t_s < self.duration_s else []

    def next_busy(self, t_s: int) -> int | None:
        found = self.whole.next_busy(max(0, t_s) + self.from_s)
        return found - self.from_s if found is not None and found - self.from_s < self.duration_s else None
