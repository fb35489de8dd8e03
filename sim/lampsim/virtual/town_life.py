"""A plausible town for `lampsim run`: its plan, and how many people are about in each hour of a winter day.

For each 1,000 posts some 30 people on foot and 10 cars are on their way at once when the evening is busiest, few at
night and by day. Trips run between any two places of the street graph (lampsim.traffic.walkers).
"""

from __future__ import annotations

from typing import Any

from ..town.model import Town
from ..traffic.model import Trips
from ..traffic.walkers import Ways, walkers

# On their way at once for each 1,000 posts, by local hour 0..23
ON_FOOT = (0.5, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 2, 2, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 1, 2, 5, 14, 30, 12, 4, 2, 1)
BY_CAR = (0.2, 0.1, 0.1, 0.1, 0.1, 0.1, 0.3, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.5, 2, 5, 10, 4, 1.5, 0.7, 0.3)
PILOT_HOURS = 6  # trips drawn to learn how long one takes
REACH = [{"reachMetres": 30, "level": 100}, {"reachMetres": 60, "level": 60}, {"reachMetres": 90, "level": 30}]
CAR_REACH = [{"reachMetres": 110, "level": 100}]  # stopping sight distance at 80 km/h (NIGHT.md)


def people(town: Town, hours: float, first_hour: int, seed: int, share: float = 1.0) -> Trips:
    """Trips of `hours` from local hour `first_hour` (0..23) on; `share` scales how many people there are."""
    ways = Ways(town)
    scale = share * len(town.lamps) / 1000
    rates = {}
    for kind, present in (("pedestrian", ON_FOOT), ("car", BY_CAR)):
        pilot = walkers(town, {kind: [20.0]}, PILOT_HOURS * 3600, seed, ways).trips
        trip_h = sum(trip.end_s - trip.start_s for trip in pilot) / max(1, len(pilot)) / 3600
        rates[kind] = [scale * present[(first_hour + i) % 24] / max(trip_h, 0.01) for i in range(24)]
    return walkers(town, rates, round(hours * 3600), seed, ways)


def plan() -> dict[str, Any]:
    """From sunset to sunrise: 20 % and light that runs ahead of people, 10 % after midnight."""
    return {
        "plan": "town",
        "timeZone": "Europe/Brussels",
        "safeFloor": 5,
        "controlPrograms": [
            {
                "id": "street",
                "level": 20,
                "rampSeconds": 30,
                "presence": "people",
                "activePeriods": [{"start": "sunset", "end": "sunrise"}],
                "switchPoints": [{"time": "00:00", "level": 10}, {"time": "05:30", "level": 20}],
            }
        ],
        "presenceProfiles": [
            {
                "id": "people",
                "holdSeconds": 20,
                "upMilliseconds": 1000,
                "downMilliseconds": 8000,
                "pedestrian": REACH,
                "cyclist": REACH,
                "car": CAR_REACH,
            }
        ],
        "calendars": [{"id": "always", "defaultProgram": "street"}],
        "groups": [{"id": "all", "posts": "all", "calendar": "always"}],
    }
