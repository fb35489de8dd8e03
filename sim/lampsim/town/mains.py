"""The mains of a town: feeders switched off and on, outages and brown-outs, as events in the order of time.

What it promises
- An event names a feeder of the town, a second from the start, and the volts from then on: 0 is off.
- Lamps work from `WORKS_FROM_V` (a wide-range driver's and controller's cut-out) on; below, a post is without power.
- Switched feeders follow the sun, as an astronomical clock in the cabinet does.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lamppost.light import sun

from .model import Town, TownError

USUAL_V = 230.0
WORKS_FROM_V = 120.0
VOLTS_MAX = 400.0  # a lost neutral; more never comes out of a street cabinet
EVENTS_MAX = 100_000


@dataclass(frozen=True, slots=True, order=True)
class MainsEvent:
    """From `t_s` on, the feeder has `volts`."""

    t_s: float
    feeder: str
    volts: float = USUAL_V

    @property
    def on(self) -> bool:
        """Whether posts on it run."""
        return self.volts >= WORKS_FROM_V


class Mains:
    """All events of a scenario, in order; before the first, every feeder has USUAL_V."""

    def __init__(self, town: Town, events: Iterable[MainsEvent] = ()) -> None:
        """Raises TownError for an event that names no feeder, or an impossible voltage."""
        self.town, self.events = town, sorted(events)
        if len(self.events) > EVENTS_MAX:
            raise TownError(f"{len(self.events)} mains events, at most {EVENTS_MAX}; shorten the scenario")
        self._lamps = {feeder.id: feeder.lamps for feeder in town.feeders}
        for event in self.events:
            if event.feeder not in self._lamps:
                raise TownError(f"there is no feeder {event.feeder!r}; there are {', '.join(list(self._lamps)[:8])}")
            if not 0 <= event.volts <= VOLTS_MAX:
                raise TownError(f"feeder {event.feeder}: {event.volts} V; give 0 to {VOLTS_MAX:.0f}")

    def other(self, events: Iterable[MainsEvent]) -> "Mains":
        """The same feeders with other events."""
        return Mains(self.town, events)

    @property
    def feeders(self) -> list[str]:
        """Those that an event names, in order."""
        return sorted({event.feeder for event in self.events})

    def lamps(self, feeder: str) -> tuple[str, ...]:
        """The posts on a feeder."""
        return self._lamps[feeder]

    def volts(self, feeder: str, t_s: float) -> float:
        """Of a feeder at any moment."""
        found = USUAL_V
        for event in self.events:
            if event.t_s > t_s:
                break
            if event.feeder == feeder:
                found = event.volts
        return found


def outage(feeder: str, from_s: float, for_s: float, volts: float = 0.0) -> list[MainsEvent]:
    """Off (or a brown-out with `volts`), and back after `for_s`."""
    return [MainsEvent(from_s, feeder, volts), MainsEvent(from_s + for_s, feeder)]


def switched(feeders: Sequence[str], lat: float, lon: float, start_s: int, duration_s: int) -> list[MainsEvent]:
    """Feeders that have mains from sunset to sunrise only; `start_s` in UTC since 2000. Polar days are off whole."""
    lat_ud, lon_ud = round(lat * 1e6), round(lon * 1e6)
    moments: list[tuple[float, bool]] = []
    for day in range(start_s // 86400 - 1, (start_s + duration_s) // 86400 + 2):
        _, rise, down, _ = sun.times(day, lat_ud, lon_ud)
        if rise is None or down is None:
            up = sun.above(day, lat_ud, lon_ud, False)
            moments.append((day * 86400 + 43200 - round(lon * 240), not up))
        else:
            moments += [(rise, False), (down, True)]
    moments.sort()
    now = [on for at_s, on in moments if at_s <= start_s][-1]
    later = [(at_s - start_s, on) for at_s, on in moments if start_s < at_s < start_s + duration_s]
    steps = [(0.0, now), *((at_s, on) for (_, before), (at_s, on) in pairwise([(0.0, now), *later]) if on != before)]
    return [MainsEvent(at_s, one, USUAL_V if on else 0.0) for at_s, on in steps for one in feeders]
