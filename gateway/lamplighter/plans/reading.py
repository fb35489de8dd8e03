"""From the parsed JSON to the model: the shape of a plan file, key by key, and its references.

The order matters only inside: programs, profiles and calendars are read before what names them.
"""

from __future__ import annotations

from lamplighter.plans import bounds, times
from lamplighter.plans.faults import quote
from lamplighter.plans.model import OPS, USER_CLASSES, Calendar, Document, Group, Profile, Program, Rule, Scene
from lamplighter.plans.positions import Node
from lamplighter.plans.reader import Members, Reader, kind
from lamplighter.plans.times import Moment
from lamplighter.plans.zones import posix_rule
from lamppost import limits
from lamppost.light.tz import Zone

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_DAY = 127
NOON = Moment(times.CLOCK, 0)

_TOP = ("plan", "timeZone", "controlPrograms", "calendars", "groups")
_TOP_OPTIONAL = ("$schema", "description", "safeFloor", "presenceProfiles", "eventScenes")


def read_document(root: Node, reader: Reader) -> Document:
    """The plan in `root`; what is wrong with it is in the reader."""
    top = reader.members(root, "the plan", _TOP, _TOP_OPTIONAL)
    reader.text(top, "$schema", 200)
    rule = reader.parsed(top.get("timeZone"), posix_rule, "UTC0", '"timeZone"')
    profiles = reader.unique(
        reader.items(top, "presenceProfiles", (0, bounds.PROFILES_MAX), lambda n: read_profile(n, reader)),
        "presence profile",
    )
    programs = reader.unique(
        reader.items(top, "controlPrograms", (1, bounds.PROGRAMS_MAX), lambda n: read_program(n, reader, profiles)),
        "control program",
    )
    calendars = reader.unique(
        reader.items(top, "calendars", (1, bounds.CALENDARS_MAX), lambda n: read_calendar(n, reader, programs)),
        "calendar",
    )
    groups = reader.unique(
        reader.items(top, "groups", (1, bounds.GROUPS_MAX), lambda n: read_group(n, reader, calendars)), "group"
    )
    zone = Zone(rule)
    scenes = reader.unique(
        reader.items(top, "eventScenes", (0, bounds.SCENES_MAX), lambda n: read_scene(n, reader, groups, zone)),
        "event scene",
    )
    return Document(
        id=reader.ident(top.get("plan"), "the plan's name", bounds.ID_MAX),
        tz_rule=rule,
        floor_pm=reader.percent(top, "safeFloor", bounds.DEFAULT_FLOOR_PM),
        programs=programs,
        profiles=profiles,
        calendars=calendars,
        groups=tuple(groups.values()),
        scenes=tuple(scenes.values()),
        source=root.plain() if isinstance(root.value, dict) else {},
        name=reader.name,
    )


def read_program(node: Node, reader: Reader, profiles: dict[str, Profile]) -> Program:
    what = titled("control program", node)
    optional = ("description", "rampSeconds", "presence", "switchPoints")
    members = reader.members(node, what, ("id", "level", "activePeriods"), optional)
    presence = reader.refers(members.get("presence"), profiles, "presence profile")
    points = reader.items(members, "switchPoints", (0, limits.POINTS_MAX), lambda n: read_point(n, reader))
    seen: dict[Moment, int] = {}
    for moment, _, line in points:
        if seen.setdefault(moment, line) != line:
            reader.fault(line, f"a second switch point at the same time as line {seen[moment]}; remove one")
    periods = reader.items(members, "activePeriods", (0, limits.PERIODS_MAX), lambda n: read_period(n, reader))
    return Program(
        id=reader.ident(members.get("id"), "the id", limits.NAME_MAX),
        level_pm=reader.percent(members, "level"),
        ramp_s=reader.scaled(members, "rampSeconds", (0, limits.RAMP_MAX_S), "seconds", bounds.DEFAULT_RAMP_S),
        presence=presence or None,
        periods=tuple(periods),
        points=tuple((moment, level) for moment, level, _ in points),
        line=node.line,
    )


def read_period(node: Node, reader: Reader) -> tuple[Moment, Moment]:
    members = reader.members(node, "an active period", ("start", "end"))
    start = reader.parsed(members.get("start"), times.moment, NOON, '"start"')
    end = reader.parsed(members.get("end"), times.moment, NOON, '"end"')
    if {"start", "end"} <= members.keys() and start.kind == end.kind and start.offset >= end.offset and start != end:
        text = f"this period ends before it starts in every night ({members['start'].value} to {members['end'].value})"
        reader.fault(node.line, f"{text}; a night runs from noon to noon")
    elif {"start", "end"} <= members.keys() and members["start"].value == members["end"].value:
        reader.fault(node.line, "this period ends when it starts; give it a later end")
    return start, end


def read_point(node: Node, reader: Reader) -> tuple[Moment, int, int]:
    members = reader.members(node, "a switch point", ("time", "level"))
    moment = reader.parsed(members.get("time"), times.moment, NOON, '"time"')
    return moment, reader.percent(members, "level"), node.line


def read_profile(node: Node, reader: Reader) -> Profile:
    what = titled("presence profile", node)
    required = ("id", "holdSeconds", "upMilliseconds", "downMilliseconds")
    members = reader.members(node, what, required, ("description", *USER_CLASSES))
    ramp = (0, limits.FADE_MAX_MS)
    if node.value and not any(name in members for name in USER_CLASSES):
        reader.fault(node.line, f"{what} reacts to nobody; add {', '.join(USER_CLASSES)} or one of them")
    return Profile(
        id=reader.ident(members.get("id"), "the id", limits.NAME_MAX),
        hold_s=reader.scaled(members, "holdSeconds", (1, limits.HOLD_MAX_S), "seconds", 1),
        up_ms=reader.scaled(members, "upMilliseconds", ramp, "milliseconds", 0),
        down_ms=reader.scaled(members, "downMilliseconds", ramp, "milliseconds", 0),
        reaches=tuple(read_reaches(members, name, reader) for name in USER_CLASSES),
        line=node.line,
    )


def read_reaches(members: Members, key: str, reader: Reader) -> tuple[tuple[int, int], ...]:
    reaches = reader.items(members, key, (1, limits.REACHES_MAX), lambda n: read_reach(n, reader))
    seen: dict[int, int] = {}
    for reach, _, line in reaches:
        if seen.setdefault(reach, line) != line:
            reader.fault(line, f"a second level for the same reach as line {seen[reach]}; remove one")
    return tuple(sorted((reach, level) for reach, level, _ in reaches))


def read_reach(node: Node, reader: Reader) -> tuple[int, int, int]:
    members = reader.members(node, "a reach", ("reachMetres", "level"))
    reach = reader.scaled(members, "reachMetres", (0, bounds.REACH_MAX_M), "metres", 0, 10)
    return reach, reader.percent(members, "level"), node.line


def read_calendar(node: Node, reader: Reader, programs: dict[str, Program]) -> Calendar:
    members = reader.members(node, titled("calendar", node), ("id", "defaultProgram"), ("description", "rules"))
    rules = reader.items(members, "rules", (0, limits.RULES_MAX), lambda n: read_rule(n, reader, programs))
    always: Rule | None = None
    for rule in rules:
        if always:
            text = f"this rule can never match: the one on line {always.line} takes every night; move it up"
            reader.fault(rule.line, text)
        elif rule.kind == times.ALWAYS and rule.weekdays == EVERY_DAY:
            always = rule
    calendar = Calendar(
        id=reader.ident(members.get("id"), "the id", bounds.ID_MAX),
        rules=tuple(rules),
        default_program=reader.refers(members.get("defaultProgram"), programs, "control program"),
        line=node.line,
    )
    if len(calendar.programs()) > limits.PROGRAMS_MAX:
        text = f"a calendar may use {limits.PROGRAMS_MAX} programs; this one uses {len(calendar.programs())}, split it"
        reader.fault(node.line, text)
    return calendar


def read_rule(node: Node, reader: Reader, programs: dict[str, Program]) -> Rule:
    members = reader.members(node, "a rule", ("program",), ("description", "startDate", "endDate", "weekDays"))
    program = reader.refers(members.get("program"), programs, "control program")
    days = reader.items(members, "weekDays", (1, 7), lambda n: read_weekday(n, reader))
    mask = sum(1 << day for day in set(days)) or EVERY_DAY
    dates = [key for key in ("startDate", "endDate") if key in members]
    before = len(reader.faults)
    found = [reader.parsed(members[key], times.date, (times.ALWAYS, 0), f'"{key}"') for key in dates]
    if not dates or len(reader.faults) > before:
        return Rule(program, times.ALWAYS, 0, 0, 0 if dates else mask, node.line)
    kinds = {date_kind for date_kind, _ in found}
    if len(kinds) > 1 or (kinds == {times.YEARLY} and len(dates) == 1):
        text = "startDate and endDate must both be every year's (--12-24) or both have a year"
        reader.fault(node.line, f"{text}; add or change one")
    values = dict(zip(dates, (value for _, value in found), strict=True))
    rule = Rule(program, kinds.pop(), values.get("startDate", 0), values.get("endDate", times.DAY_MAX), mask, node.line)
    if why := never_matches(rule):
        reader.fault(node.line, f"this rule can never match: {why}")
    return rule


def never_matches(rule: Rule) -> str:
    """Why a rule with days of a year matches no night; an empty text when it can."""
    if rule.kind != times.DAYS:
        return ""
    if rule.b < rule.a:
        return "its endDate is before its startDate; swap them"
    # 2000-01-01 was a Saturday, day 5 when Monday is 0
    if rule.b - rule.a < 7 and not any(rule.weekdays >> ((day + 5) % 7) & 1 for day in range(rule.a, rule.b + 1)):
        return "none of its weekDays lies between its dates; correct one of the two"
    return ""


def read_weekday(node: Node, reader: Reader) -> int:
    if not isinstance(node.value, str) or node.value not in WEEKDAYS:
        shown = quote(node.value) if isinstance(node.value, str) else kind(node)
        reader.fault(node.line, f"{shown} is no day of the week; write one of {', '.join(WEEKDAYS)}")
        return 0
    return WEEKDAYS.index(node.value)


def read_group(node: Node, reader: Reader, calendars: dict[str, Calendar]) -> Group:
    members = reader.members(node, titled("group", node), ("id", "posts", "calendar"), ("description",))
    return Group(
        id=reader.ident(members.get("id"), "the id", bounds.ID_MAX),
        posts=read_posts(members, reader),
        calendar=reader.refers(members.get("calendar"), calendars, "calendar"),
        line=node.line,
    )


def read_posts(members: Members, reader: Reader) -> frozenset[str] | None:
    node = members.get("posts")
    if node is not None and isinstance(node.value, str):
        if node.value != "all":
            reader.fault(node.line, f'"posts" is {quote(node.value)}; write "all", or a list such as ["p01"]')
        return None
    seen: dict[str, int] = {}

    def read(item: Node) -> str:
        post = reader.ident(item, "the post", bounds.ID_MAX)
        if post and post in seen:
            reader.fault(item.line, f"the post {quote(post)} stands twice in this group; remove one")
        seen.setdefault(post, item.line)
        return post

    return frozenset(reader.items(members, "posts", (1, bounds.POSTS_MAX), read))


def read_scene(node: Node, reader: Reader, groups: dict[str, Group], zone: Zone) -> Scene:
    what = titled("event scene", node)
    members = reader.members(node, what, ("id", "groups", "start", "end"), ("description", "rampSeconds", *OPS))
    ops = [op for op in OPS if op in members]
    if len(ops) != 1 and isinstance(node.value, dict):
        reader.fault(node.line, f"{what} must have one of set, raise and cap, with a level; it has {len(ops)}")
    start = reader.parsed(members.get("start"), times.local, 0, '"start"')
    end = reader.parsed(members.get("end"), times.local, 0, '"end"')
    if start and end and zone.utc_s(end) <= zone.utc_s(start):
        reader.fault(node.line, f"{what} ends before it starts; swap start and end")
    names = reader.items(members, "groups", (1, bounds.SCENE_GROUPS_MAX), lambda n: reader.refers(n, groups, "group"))
    return Scene(
        id=reader.ident(members.get("id"), "the id", limits.NAME_MAX),
        groups=tuple(names),
        start_s=zone.utc_s(start),
        end_s=zone.utc_s(end),
        op=OPS[ops[0]] if ops else 0,
        level_pm=reader.percent(members, ops[0]) if ops else 0,
        ramp_s=reader.scaled(members, "rampSeconds", (0, limits.RAMP_MAX_S), "seconds", bounds.DEFAULT_RAMP_S),
        line=node.line,
    )


def titled(what: str, node: Node) -> str:
    """`control program "park"`, or `a control program` where its id cannot be read."""
    name = node.value.get("id") if isinstance(node.value, dict) else None
    return f"{what} {quote(name.value)}" if name and isinstance(name.value, str) else f"a {what}"
