"""Events from line to line and from cabinet to cabinet: which are said again, where, and when.

A post's neighbours may hang on another line, or in the next cabinet. What their own gateway has verified it says again
on each line where somebody has that post in its table, sealed anew, at the alias that stands for it there
(lamplighter.plans.neighbourhood).

Rules kept here
- Only what a link has verified and found fresh comes in; what was relayed has an alias or comes from another cabinet,
  and neither goes any further: nothing goes in circles.
- The same detection is relayed once, however often it is said; a post gets BURST at once and PER_S afterwards.
- A line is told only of whom its lamps can light the way: where the nearest is within the plan's reach for that class.
- An event keeps its class, its input and its age; one that is older than AGE_MAX_MS lights nobody's way any more.
- A line says relayed events before it polls, but after RUN of them something else has its turn. Nobody acknowledges
  them, so on a line that has just shown losses each is said twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lamplighter.gateway.lines import line
from lamplighter.plans.model import Document
from lamplighter.plans.neighbourhood import Route

SAME_MS = 900  # repetitions of one detection; a sensor's next comes a second later (lamppost.light.presence)
BURST = 8  # four inputs that see two classes of user at once
PER_S = 2  # a post says who stays once a second at most (lamppost.post), from one input or another
KNOWN_ITEMS = 8  # the numbers of a post's last relayed items: a STATUS brings what the fast path brought
AGE_MAX_MS = 4000  # a car at 50 km/h has gone 55 m
QUEUE_MAX = 32  # events that wait for one line: at 19,200 baud a third of a second
RUN = 4  # relayed events in a row while others wait: as many as slots of a window
AGAIN_MS = 120  # after a burst, and before a car has gone two metres
TROUBLED_MS = 10_000  # a line that lost a frame in that time is said everything twice


class Told(NamedTuple):
    """What follows from an event: what to say on which line, and which other cabinets to tell."""

    lines: list[tuple[str, line.Say]]
    gateways: tuple[str, ...]


NOTHING = Told([], ())


class _Source:
    """One post whose events matter elsewhere."""

    __slots__ = ("filled_ms", "items", "moments", "tokens")

    def __init__(self, t_ms: int) -> None:
        self.tokens, self.filled_ms = float(BURST), t_ms
        self.moments: dict[tuple[int, int], int] = {}  # of the last detection, by class and input: at most 12
        self.items: deque[tuple[int, int]] = deque(maxlen=KNOWN_ITEMS)


class Relay:
    """The events of one cabinet. `routes` and `wanted` as in a Neighbourhood."""

    def __init__(self, routes: Mapping[str, Iterable[Route]], wanted: Mapping[str, tuple[str, ...]]) -> None:
        self._routes = {post: tuple(rows) for post, rows in routes.items()}
        self._wanted = dict(wanted)
        self._sources: dict[str, _Source] = {}  # at most the posts of both tables
        self._reach_dm: tuple[int, ...] | None = None
        self.refused = 0  # beyond the rate

    def plan(self, document: Document) -> None:
        """Heed how far the presence profiles of the plan in force reach for each class of user; before: everywhere."""
        profiles = document.profiles.values()
        self._reach_dm = tuple(
            max((reach[0] for profile in profiles for reach in profile.reaches[user_class]), default=0)
            for user_class in range(3)
        )

    def matters(self, post: str) -> bool:
        """Whether anybody elsewhere listens to this post."""
        return post in self._routes or post in self._wanted

    def event(self, post: str, item: tuple[int, int], user_class: int, source: int, age_ms: int, t_ms: int) -> Told:
        """A verified, fresh event of a post of ours, or of another cabinet's (by its key), detected `age_ms` ago.

        `item` is (item epoch, seq).
        """
        if not self.matters(post) or not 0 <= age_ms <= AGE_MAX_MS:
            return NOTHING
        one = self._sources.get(post)
        if one is None:
            one = self._sources[post] = _Source(t_ms)
        moment = t_ms - age_ms
        if abs(moment - one.moments.get((user_class, source), moment - SAME_MS)) < SAME_MS:
            return NOTHING
        one.tokens = min(BURST, one.tokens + (t_ms - one.filled_ms) * PER_S / 1000)
        one.filled_ms = t_ms
        if one.tokens < 1:
            self.refused += 1
            return NOTHING
        one.tokens -= 1
        one.moments[user_class, source] = moment
        one.items.append(item)
        says = [
            (route.bus, line.Say(route.alias, item[1], user_class, source, age_ms))
            for route in self._routes.get(post, ())
            if self._reach_dm is None or route.way_dm <= self._reach_dm[user_class]
        ]
        return Told(says, self._wanted.get(post, ()))

    def item(self, post: str, item: tuple[int, int], user_class: int, source: int, age_ms: int, t_ms: int) -> Told:
        """The same from a STATUS, whose age is good to a second; nothing where the fast path has brought it."""
        one = self._sources.get(post)
        if one is not None and item in one.items:
            return NOTHING
        return self.event(post, item, user_class, source, max(0, age_ms), t_ms)


class Saying:
    """One event that waits for its line."""

    __slots__ = ("again", "next_ms", "say", "since_ms")

    def __init__(self, say: line.Say, t_ms: int) -> None:
        self.say, self.since_ms = say, t_ms - say.age_ms
        self.next_ms, self.again = t_ms, False


class Mouth:
    """What one line has still to say for others; the Poller asks when the line is free."""

    def __init__(self) -> None:
        self.said = self.dropped = 0
        self.alias: int | None = None  # for whom it spoke last
        self._waiting: dict[tuple[int, int], Saying] = {}  # by alias and class, oldest first
        self._run = 0
        self._troubled_ms: int | None = None

    def add(self, say: line.Say, t_ms: int) -> None:
        """Take an event; a newer one of the same post and class takes the place of one that waits."""
        self._waiting.pop((say.address, say.user_class), None)
        if len(self._waiting) >= QUEUE_MAX:
            self._waiting.pop(next(iter(self._waiting)))
            self.dropped += 1
        self._waiting[say.address, say.user_class] = Saying(say, t_ms)

    def trouble(self, t_ms: int) -> None:
        """The line has lost a frame."""
        self._troubled_ms = t_ms

    def clear(self) -> None:
        """The line is gone, and so is the moment."""
        self.dropped += sum(not saying.again for saying in self._waiting.values())
        self._waiting.clear()

    def turn(self) -> None:
        """Something else had the line."""
        self._run = 0

    @property
    def may(self) -> bool:
        """Whether it comes before what else waits."""
        return self._run < RUN

    def next_ms(self) -> int | None:
        """When there is something to say; None for never."""
        return min((saying.next_ms for saying in self._waiting.values()), default=None) if self._waiting else None

    def take(self, t_ms: int) -> tuple[int, tuple[int, int, int, int]] | None:
        """(alias, (seq, class, input, age_ms)) of the event to say now, or None."""
        for key, saying in list(self._waiting.items()):
            if saying.next_ms > t_ms:
                continue
            age_ms = t_ms - saying.since_ms
            if age_ms > AGE_MAX_MS or (saying.again and not self._troubled(t_ms)):
                del self._waiting[key]
                self.dropped += not saying.again
                continue
            if saying.again:
                del self._waiting[key]
            else:
                saying.again, saying.next_ms = True, t_ms + AGAIN_MS
            self._run += 1
            self.said += 1
            say = saying.say
            self.alias = say.address
            return say.address, (say.seq, say.user_class, say.input, age_ms)
        return None

    def _troubled(self, t_ms: int) -> bool:
        return self._troubled_ms is not None and t_ms - self._troubled_ms < TROUBLED_MS
