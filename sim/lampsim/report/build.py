"""What the planner wished for, as a study: place, people, policies and nights."""

import datetime

from ..town.model import Town
from . import place, simulate
from .assumptions import assumptions
from .make import lamps_of, simulate_all
from .people import Crowd, generated, recorded
from .policies import Choice, PolicyError, from_file, named
from .savings import MeterError
from .study import Lamps, Study
from .wishes import WIDTH_M, Wishes
from .workers import Report

# An hour of the evening, for each lamp: a quiet quarter, whose lamps see no less in a larger town.
PEDESTRIANS, CYCLISTS, CARS = 0.40, 0.08, 0.40
SPACING_M = (8.0, 60.0)  # lamps nearer than that share an area; farther apart they do not light what lies between
SHARED_ERROR = 0.005  # of all meters together: one calibration


def build(wishes: Wishes, report: Report) -> tuple[Study, MeterError]:
    """Simulate and sum. Raises TownError, TrafficError, PlanFileError, PolicyError, ValueError."""
    report("lamps and streets", 0.0)
    town, source = place.town_of(wishes.lamps, wishes.park, wishes.most, wishes.origin)
    zone = wishes.zone or place.nearest_zone(town.lat, town.lon)
    choices = _choices(wishes, zone)
    crowd = _crowd(wishes, town)
    report("people", 0.0)
    if wishes.traffic:
        people, words = recorded(wishes.traffic, wishes.traffic_start, zone), f"recorded, {wishes.traffic.name}"
    else:
        people, words = generated(town, crowd, zone, wishes.seed), crowd.words()
    days = [wishes.day + datetime.timedelta(days=n) for n in range(wishes.nights)]
    lamps = lamps_of(town, simulate.window(town.lat, town.lon, days[0]).start_s, wishes.clo)
    nights, policies, light = simulate_all(town, lamps, choices, people, days, wishes.seed, wishes.clo, report)
    areas, area_words = _areas(wishes, lamps)
    error = MeterError(wishes.meter_error, SHARED_ERROR)
    return Study(
        _name(wishes, town),
        source,
        town.lat,
        town.lon,
        zone,
        lamps,
        nights,
        policies,
        words,
        {kind: wishes.lux[kind] for kind in areas},
        areas,
        light,
        assumptions(wishes, town, zone, error, area_words),
    ), error


def _choices(wishes: Wishes, zone: str) -> list[Choice]:
    taken: set[str] = set()
    choices = []
    for name in wishes.policies:
        if name in taken:
            raise PolicyError(f"the policy {name!r} is named twice; name it once")
        taken.add(name)
        choices.append(named(name, zone))
    for path in wishes.plans:
        choices.append(from_file(path, taken))
        taken.add(choices[-1].id)
    return choices


def _crowd(wishes: Wishes, town: Town) -> Crowd:
    streets = sum(lamp.kind == "street" for lamp in town.lamps)
    usual = (PEDESTRIANS * len(town.lamps), CYCLISTS * len(town.lamps), CARS * streets)
    numbers = [round(many, 1) if wish is None else wish for wish, many in zip(wishes.crowd, usual, strict=True)]
    return Crowd(*numbers)


def _areas(wishes: Wishes, lamps: Lamps) -> tuple[dict[str, float], str]:
    found, words = {}, []
    for kind, spacing in lamps.spacing_m().items():
        if kind in wishes.area_m2:
            found[kind] = wishes.area_m2[kind]
            words.append(f"{kind} {found[kind]:g} m² as given")
        else:
            usual = min(max(spacing, SPACING_M[0]), SPACING_M[1])
            found[kind] = usual * WIDTH_M[kind]
            words.append(f"{kind} {found[kind]:.0f} m² (median spacing {usual:.0f} m × {WIDTH_M[kind]:g} m)")
    return found, ", ".join(words)


def _name(wishes: Wishes, town: Town) -> str:
    if wishes.lamps is None:
        return "Example park, Louvain-la-Neuve"
    name = town.lamps[0].street if wishes.park else town.name.replace("-", " ").replace("_", " ")
    return name.title() if name.isupper() or name.islower() else name
