"""The nights of a plan at a place, before any post has it: every change of level, by the rule engine of the post.

Only the plan and its event scenes speak here; presence, crowds and commands are not known beforehand.
"""

from __future__ import annotations

import datetime
import itertools
from typing import NamedTuple

from lamplighter.plans.compile import compile_at
from lamplighter.plans.faults import Fault, PlanFileError, did_you_mean, quote
from lamplighter.plans.model import ANYONE, OPS, Document
from lamplighter.plans.site import PostSite
from lamplighter.plans.times import YEARS, day_number
from lamppost import limits
from lamppost.light import layers
from lamppost.light.plan import Plan
from lamppost.light.program import SET

NOON_S = 43200
NIGHTS_MAX = 3660  # ten years; three seconds of work
OP_NAMES = tuple(OPS)


class Change(NamedTuple):
    """From `utc_s` (seconds since 2000-01-01) the target is `level_pm`, for `reason`."""

    utc_s: int
    level_pm: int
    reason: str


def preview(
    document: Document, lat_ud: int, lon_ud: int, first: datetime.date, nights: int, post: str
) -> list[list[Change]]:
    """Each night's changes, of the nights whose first noon is on `first` and the days after it.

    A night's first change may be a level it begins with: the list of the first night has it unless it is 0, the others
    only where the level changes just then. Raises PlanFileError where no group names the post.
    """
    if not 1 <= nights <= NIGHTS_MAX or not YEARS[0] <= first.year <= YEARS[1]:
        raise ValueError(f"1 to {NIGHTS_MAX} nights of the years {YEARS[0]} to {YEARS[1]} can be shown")
    plan = plan_at(document, lat_ud, lon_ud, post)
    day = day_number(first)
    noons = [plan.tz.utc_s((day + night) * 86400 + NOON_S) for night in range(nights + 1)]
    level_pm, shown = 0, []
    for start_s, end_s in itertools.pairwise(noons):
        shown.append(changes(plan, start_s, end_s, level_pm))
        level_pm = shown[-1][-1].level_pm if shown[-1] else level_pm
    return shown


def plan_at(document: Document, lat_ud: int, lon_ud: int, post: str) -> Plan:
    """The plan that `post` would get at a place, without neighbours."""
    return Plan.from_bytes(compile_at(document, PostSite(post, 1, "preview", lat_ud, lon_ud), ()))


def post_of_group(document: Document, name: str) -> str:
    """A post that follows the group's calendar. Raises PlanFileError where there is none."""
    group = document.group(name)
    if group is None:
        known = [one.id for one in document.groups]
        raise PlanFileError([Fault(0, f"no group is named {quote(name)}; {did_you_mean(name, known)}")], document.name)
    posts = [ANYONE] if group.posts is None else sorted(group.posts)
    for post in posts:
        if document.group_of(post) is group:
            return post
    reason = f"no post follows the group {quote(name)}: later groups name all of its posts; preview one of those"
    raise PlanFileError([Fault(group.line, reason)], document.name)


def changes(plan: Plan, start_s: int, end_s: int, level_pm: int) -> list[Change]:
    """Every change of the target in start_s..end_s (half-open), given the level just before it."""
    found: list[Change] = []
    at = start_s
    while at < end_s:
        target_pm, reason, until_s = target(plan, at)
        if target_pm != level_pm:
            found.append(Change(at, target_pm, reason))
            level_pm = target_pm
        at = until_s
    return found


def target(plan: Plan, utc_s: int) -> tuple[int, str, int]:
    """The level of plan and scenes at a moment, ramps done; why; and until when that holds."""
    segment = plan.at(utc_s)
    until_s = segment.end_s
    asks = [(layers.PLAN, SET, segment.level_pm, limits.LEVEL_MAX, until_s, segment.reason)]
    for name, start_s, end_s, op, scene_pm, _ in plan.scenes:
        if utc_s < start_s:
            until_s = min(until_s, start_s)
        elif utc_s < end_s:
            until_s = min(until_s, end_s)
            reason = f"{name}: {OP_NAMES[op]} {percent(scene_pm)} %"
            asks.append((layers.SCENE, op, scene_pm, limits.LEVEL_MAX, end_s, reason))
    level_pm, winner = layers.fold(asks)
    return plan.luminaire_pm(level_pm), asks[winner][5], until_s


def percent(level_pm: int) -> str:
    """Per mille as percent, with one decimal where needed: `60`, `12.5`."""
    return str(level_pm // 10) if level_pm % 10 == 0 else f"{level_pm / 10:.1f}"
