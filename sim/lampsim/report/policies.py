"""The policies a report compares: plan files like any operator's, compiled and run by the real posts."""

import difflib
from dataclasses import dataclass
from pathlib import Path

from lamplighter.plans.document import Document, load_file, load_value

IDLE = 20  # % of light while nobody is near (NIGHT.md, AHEAD20)
OFF_FROM, OFF_UNTIL = "00:00", "05:30"  # NIGHT.md, PART


@dataclass(frozen=True)
class Choice:
    """A policy to be simulated: its plan, and what to call it."""

    id: str
    title: str
    summary: str
    document: Document


class PolicyError(ValueError):
    """There is no such policy; the text names the nearest."""


def named(name: str, zone: str) -> Choice:
    """One of `NAMES`, for lamps in a time zone. Raises PolicyError."""
    if name not in _MADE:
        near = difflib.get_close_matches(name, _MADE, 1)
        hint = f"did you mean {near[0]!r}?" if near else "there are " + ", ".join(_MADE)
        raise PolicyError(f"no policy is called {name!r}; {hint}")
    title, summary, program, profiles = _MADE[name]
    value = {
        "plan": name,
        "timeZone": zone,
        "safeFloor": 10,
        "controlPrograms": [program],
        "presenceProfiles": profiles,
        "calendars": [{"id": "every-night", "defaultProgram": name}],
        "groups": [{"id": "all", "posts": "all", "calendar": "every-night"}],
    }
    return Choice(name, title, summary, load_value(value, name))


def from_file(path: Path, taken: set[str]) -> Choice:
    """A plan file of the operator's own. Raises PlanFileError."""
    document = load_file(path)
    name, again = document.id, 2
    while name in taken:
        name, again = f"{document.id}-{again}", again + 1
    summary = str(document.source.get("description") or f"The plan file {path.name}.")
    return Choice(name, name.replace("-", " ").capitalize(), summary, document)


_NIGHT = [{"start": "sunset", "end": "sunrise"}]
_MADE: dict[str, tuple[str, str, dict, list]] = {
    "full": (
        "Full all night",
        "Full light from sunset to sunrise.",
        {"id": "full", "level": 100, "rampSeconds": 30, "activePeriods": _NIGHT},
        [],
    ),
    "part-night": (
        "Part-night",
        f"Full light, switched off from {OFF_FROM} to {OFF_UNTIL}.",
        {
            "id": "part-night",
            "level": 100,
            "rampSeconds": 30,
            "activePeriods": [{"start": "sunset", "end": OFF_FROM}, {"start": OFF_UNTIL, "end": "sunrise"}],
        },
        [],
    ),
    "presence": (
        "Presence",
        f"{IDLE} % while nobody is near; light runs ahead of people.",
        {"id": "presence", "level": IDLE, "rampSeconds": 30, "presence": "people", "activePeriods": _NIGHT},
        [
            {
                "id": "people",
                "holdSeconds": 8,
                "upMilliseconds": 1000,
                "downMilliseconds": 8000,
                "pedestrian": [
                    {"reachMetres": 30, "level": 100},
                    {"reachMetres": 60, "level": 60},
                    {"reachMetres": 90, "level": 30},
                ],
                "cyclist": [{"reachMetres": 60, "level": 100}, {"reachMetres": 100, "level": 60}],
                "car": [{"reachMetres": 110, "level": 100}],
            }
        ],
    ),
}
NAMES = tuple(_MADE)
