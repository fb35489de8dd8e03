"""The two nights of the demo, as plan files in TALQ's words for whatever lamps there are."""

from collections.abc import Sequence

from .inventory import Lamp

REACH = ((30, 100), (60, 60), (90, 30))  # metres, percent: light 90 m ahead of a walker (DESIGN.md)
FULL_REACH_M = 30


def evening(lamps: Sequence[Lamp]) -> dict:
    """From sunset on: park at 30 %, streets at 50 %, full light around people."""
    return _plan("evening", lamps, park=30, street=50)


def late(lamps: Sequence[Lamp]) -> dict:
    """The operator saves energy: park at 10 %, streets at 20 %, the same light around people."""
    return _plan("late-evening", lamps, park=10, street=20)


def zone(lamps: Sequence[Lamp]) -> str:
    """Belgium's time where the lamps stand about there, else the mean solar time of their longitude, in whole hours."""
    lamp = lamps[0]
    if 49 < lamp.lat < 52 and 2 < lamp.lon < 7:
        return "Europe/Brussels"
    return f"LST{-round(lamp.lon / 15)}"


def _plan(name: str, lamps: Sequence[Lamp], park: int, street: int) -> dict:
    kinds = sorted({lamp.kind for lamp in lamps})
    levels = {"park": park, "street": street}
    reaches = [{"reachMetres": metres, "level": level} for metres, level in REACH]
    return {
        "plan": name,
        "timeZone": zone(lamps),
        "safeFloor": 10,
        "controlPrograms": [
            {
                "id": kind,
                "level": levels[kind],
                "rampSeconds": 8,
                "presence": "people",
                "activePeriods": [{"start": "sunset", "end": "sunrise"}],
            }
            for kind in kinds
        ],
        "presenceProfiles": [
            {
                "id": "people",
                "holdSeconds": 4,
                "upMilliseconds": 800,
                "downMilliseconds": 3000,
                "pedestrian": reaches,
                "cyclist": reaches,
                "car": reaches,
            }
        ],
        "calendars": [{"id": kind, "rules": [], "defaultProgram": kind} for kind in kinds],
        "groups": [
            {"id": kind, "posts": [lamp.id for lamp in lamps if lamp.kind == kind], "calendar": kind} for kind in kinds
        ],
    }
