"""What a Witness knows of one post from one power-on to the next."""

from __future__ import annotations

from collections import deque

from lampsim.check.witness.overheard import Ear
from lampsim.check.witness.reference import Bounds, Command, SlowPlan

TRAIL_MS = 700_000  # longer than any hold, and than the trail from which a post reads a direction
SILENT_MS = 600_000  # a thermometer that has said nothing for so long is not believed
BREAK_MS = 2_000  # and this is no break


class Life:
    """Of a post on the line `bus`, powered at `born_us`; moments are milliseconds of the post's own clock."""

    def __init__(self, bus: str, born_us: int) -> None:
        self.ear = Ear()
        self.bus, self.born_us = bus, born_us
        self.commands: dict[int, Command] = {}
        self.acted: set[str] = set()
        self.seen: dict[tuple[int, int], int] = {}  # (address, class) -> when last, by the post's milliseconds
        self.left: dict[tuple[int, int], int] = {}  # since when somebody of that class was sensed elsewhere
        self.alone: set[tuple[int, int]] = set()  # first sensed while nobody else of that class was about
        self.since = [0, 0, 0]  # by class: when somebody came to the own sensor
        self.gone = [(0, -BREAK_MS)] * 3  # by class: since when somebody had been there who went, and when that was
        self.here: set[int] = set()  # classes at the own sensor now
        self.counters: dict[tuple[int, int], int] = {}  # of the last broadcast heard from an origin
        self.lux: int | None = None
        self.temperature_dc: int | None = None
        self.heated_ms = 0  # when that was measured
        self.past: deque[tuple[int, Bounds]] = deque()
        self.plan: SlowPlan | None = None
        self.raw: bytes | None = None
        self.inputs: tuple = ()  # of the last look: the clock's offset, and what `expected` was asked with
        self.planned_ms = self.next_seq = self.newest = 0  # the last: the epoch of the items that are made now
        self.before: tuple = ()
        self.second, self.wakes = 0, 0
        self.keys: set[bytes] = set()  # bus keys that it takes
        self.under: dict[bytes, dict[tuple[int, int], int]] = {}  # `counters` by the bus key that they came under

    def believed_dc(self, shown_dc: int | None, t_ms: int) -> int | None:
        """The temperature that counts: none where the last is ten minutes old; within ten minutes more a post sees
        that, and shows none (`shown_dc`)."""
        age_ms = t_ms - self.heated_ms
        late = age_ms >= SILENT_MS and shown_dc is None
        return None if late or age_ms > 2 * SILENT_MS + BREAK_MS else self.temperature_dc

    def sensed(self, address: int, user_class: int, t_ms: int) -> None:
        """Somebody was sensed somewhere: perhaps one who was elsewhere before."""
        here, others = (address, user_class), [k for k in self.seen if k[1] == user_class and k[0] != address]
        known = here in self.seen and t_ms - self.seen[here] < TRAIL_MS
        if not known or here in self.left:  # a new detection: who came from nowhere heads nowhere
            came = any(t_ms - self.seen[key] < TRAIL_MS for key in others)
            (self.alone.discard if came else self.alone.add)(here)
        self.seen[here] = max(self.seen.get(here, 0), t_ms)
        self.left.pop(here, None)
        for key in others:
            self.left.setdefault(key, t_ms)
