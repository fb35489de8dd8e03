"""A year of a policy by operating states: from its plan for every night, and what presence did in the simulated ones.

The plan is exact: the rule engine is asked for every moment of 365 nights at the place. What people add is measured in
the simulated nights, for each level the plan asks for, and applied to all hours of the year with that level.
"""

import datetime
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from lamplighter.plans.document import Document
from lamplighter.plans.preview import plan_at, target
from lamppost.light.plan import Plan

from .study import EPOCH, Lamps, YearState

RAISED_PM = 20  # above the plan's level by more than this, somebody is near; less is a fade's rounding
DAYS = 365

Ask = tuple[int, bool]  # the level of the plan (per mille), and whether it lies in an active period


@dataclass
class Seen:
    """What the simulated nights showed while the plan asked for one thing: lamp-seconds and Wh a rated watt."""

    seconds: float = 0.0
    raised_seconds: float = 0.0
    raised_wh: float = 0.0  # of the raised seconds
    rated_ws: float = 0.0  # rated watt-seconds of them


@dataclass
class Follows:
    """Lamps that follow the same part of a plan."""

    plan: Plan
    lamps: list[int] = field(default_factory=list)


def follows(document: Document, lat: float, lon: float, ids: tuple[str, ...]) -> list[Follows]:
    """The lamps by what they follow. Raises PlanFileError where no group names a lamp."""
    kinds: dict[tuple[str, ...], Follows] = {}
    place = round(lat * 1e6), round(lon * 1e6)
    for i, name in enumerate(ids):
        groups = tuple(group.id for group in document.groups_of(name))
        if groups not in kinds:
            kinds[groups] = Follows(plan_at(document, *place, name))
        kinds[groups].lamps.append(i)
    return list(kinds.values())


def asked(plan: Plan, start_s: int, end_s: int) -> list[tuple[int, int, Ask]]:
    """(from, until, what) over a span of UTC, half-open, without gaps."""
    found, at = [], start_s
    while at < end_s:
        level_pm, _, until_s = target(plan, at)
        until_s = min(until_s, end_s)
        found.append((at, until_s, (level_pm, bool(plan.at(at).active))))
        at = until_s
    return found


def look(lamps: Lamps, parts: list[Follows], levels_pm: np.ndarray, start_s: int, seen: dict[Ask, Seen]) -> None:
    """Add a simulated night to `seen`."""
    for part in parts:
        rated, drive = lamps.rated_w[part.lamps], lamps.drive[part.lamps][:, None]
        for begin, end, ask in asked(part.plan, start_s, start_s + levels_pm.shape[1]):
            levels = levels_pm[part.lamps, begin - start_s : end - start_s]
            raised = levels > ask[0] * drive + RAISED_PM
            power = lamps.power_w(levels_pm[:, begin - start_s : end - start_s])[part.lamps]
            row = seen[ask]
            row.seconds += levels.size
            row.raised_seconds += float(raised.sum())
            row.raised_wh += float((power * raised).sum()) / 3600
            row.rated_ws += float((raised * rated[:, None]).sum())


def states(lamps: Lamps, parts: list[Follows], seen: dict[Ask, Seen], year: int) -> tuple[YearState, ...]:
    """The operating states of `year` (365 days from 1 January), their hours as means over the lamps."""
    start_s = (datetime.date(year, 1, 1) - EPOCH.date()).days * 86400
    hours: dict[str, float] = defaultdict(float)
    energy: dict[str, float] = defaultdict(float)
    levels: dict[str, int] = {}
    for part in parts:
        share = len(part.lamps) / len(lamps)
        rated = float(lamps.rated_w[part.lamps].sum())
        for (level_pm, active), asked_h in _year_hours(part.plan, start_s).items():
            near = seen.get((level_pm, active), Seen()) if active else Seen()
            raised_h = asked_h * near.raised_seconds / near.seconds if near.seconds else 0.0
            name = _name(level_pm)
            levels[name] = level_pm
            power_w = float(lamps.power_w(level_pm * lamps.drive)[part.lamps].sum())
            hours[name] += share * (asked_h - raised_h)
            energy[name] += power_w * (asked_h - raised_h)
            if raised_h:
                hours["presence"] += share * raised_h
                energy["presence"] += rated * raised_h * near.raised_wh * 3600 / near.rated_ws
    order = sorted(hours, key=lambda name: (name == "standby", name == "presence", -levels.get(name, 0)))
    return tuple(YearState(name, hours[name], energy[name]) for name in order)


def _year_hours(plan: Plan, start_s: int) -> dict[Ask, float]:
    found: dict[Ask, float] = defaultdict(float)
    for begin, end, ask in asked(plan, start_s, start_s + DAYS * 86400):
        found[ask] += (end - begin) / 3600
    return found


def _name(level_pm: int) -> str:
    if level_pm == 0:
        return "standby"
    return "full" if level_pm >= 1000 else f"{level_pm / 10:g} %"
