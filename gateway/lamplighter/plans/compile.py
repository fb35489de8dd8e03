"""From a checked plan to the bytes that one post gets: a CBOR array in a fixed order, only what that post needs.

Equal plans and places give equal bytes, so that the hash of the bytes names what a post runs. The order of fields is
the contract with `lamppost.light.plan`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lamplighter.plans.faults import Fault, PlanFileError, quote
from lamplighter.plans.model import Calendar, Document, Program, Scene
from lamplighter.plans.neighbours import Neighbour, neighbours
from lamplighter.plans.site import PostSite
from lamppost import limits
from lamppost.wire import cbor

VERSION = 1
NO_PROFILE = -1


def compile_for(document: Document, post: PostSite, sites: Iterable[PostSite]) -> bytes:
    """The compiled plan of `post`, with its neighbours among `sites`; at most limits.PLAN_BYTES_MAX bytes.

    Raises PlanFileError where no group names the post, or where its part of the plan is over a limit.
    """
    return compile_at(document, post, neighbours(post, sites))


def compile_at(document: Document, post: PostSite, near: Sequence[Neighbour]) -> bytes:
    """The compiled plan of `post` with a given neighbour table."""
    group = document.group_of(post.id)
    if group is None:
        reason = f'no group names the post {quote(post.id)}; add it to one, or write a group of "all" posts first'
        raise PlanFileError([Fault(0, reason)], document.name)
    calendar = document.calendars[group.calendar]
    scenes = scenes_of(document, post.id)
    parts = _parts(document, calendar, scenes)
    place = [VERSION, document.tz_rule, post.lat_ud, post.lon_ud, document.floor_pm]
    packed = cbor.encode([*place, *parts, [list(one) for one in near], list(post.luminaire)])
    _fits(len(packed), limits.PLAN_BYTES_MAX, "bytes", "switch points, rules or scenes", group, document)
    return packed


def scenes_of(document: Document, post: str) -> list[Scene]:
    """The event scenes that reach the post, in the order of the file."""
    mine = {group.id for group in document.groups_of(post)}
    return [scene for scene in document.scenes if mine.intersection(scene.groups)]


def _parts(document: Document, calendar: Calendar, scenes: list[Scene]) -> list[Any]:
    """default program, programs, rules, scenes, profiles."""
    programs = [document.programs[name] for name in calendar.programs()]
    profiles = list(dict.fromkeys(program.presence for program in programs if program.presence))
    index = {program.id: number for number, program in enumerate(programs)}
    _fits(len(scenes), limits.SCENES_MAX, "event scenes", "scenes for these posts", calendar, document)
    _fits(len(profiles), limits.PROFILES_MAX, "presence profiles", "profiles in its programs", calendar, document)
    return [
        index[calendar.default_program],
        [_program(program, profiles) for program in programs],
        [[index[rule.program], rule.kind, rule.a, rule.b, rule.weekdays] for rule in calendar.rules],
        [[s.id, s.start_s, s.end_s, s.op, s.level_pm, s.ramp_s] for s in scenes],
        [_profile(document, name) for name in profiles],
    ]


def _program(program: Program, profiles: list[str]) -> list[Any]:
    profile = profiles.index(program.presence) if program.presence else NO_PROFILE
    periods = [[*start, *end] for start, end in program.periods]
    points = [[*moment, level_pm] for moment, level_pm in program.points]
    return [program.id, program.level_pm, program.ramp_s, profile, periods, points]


def _profile(document: Document, name: str) -> list[Any]:
    profile = document.profiles[name]
    reaches = [[list(reach) for reach in one_class] for one_class in profile.reaches]
    return [profile.id, profile.hold_s, profile.up_ms, profile.down_ms, *reaches]


def _fits(count: int, most: int, what: str, fewer: str, where: Any, document: Document) -> None:
    if count > most:
        reason = f"a post of {quote(where.id)} would get {count} {what}, more than {most}; use fewer {fewer}"
        raise PlanFileError([Fault(where.line, reason)], document.name)
