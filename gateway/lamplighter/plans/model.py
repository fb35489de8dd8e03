"""A plan that has been checked, as values: what the compiler, the preview and the command line work with.

Levels are per mille, times integers (see `times`), references are names that exist. All of it is immutable.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from lamplighter.plans.hashing import document_hash
from lamplighter.plans.times import Moment

OPS = {"set": 0, "raise": 1, "cap": 2}
ANYONE = "0" * 32  # stands for a post that only groups of "all" name
USER_CLASSES = ("pedestrian", "cyclist", "car")


@dataclass(frozen=True, slots=True)
class Program:
    """A control program: one night's levels. `presence` names a profile, or is None."""

    id: str
    level_pm: int
    ramp_s: int
    presence: str | None
    periods: tuple[tuple[Moment, Moment], ...]
    points: tuple[tuple[Moment, int], ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """What a detection does: for each user class, (reach in dm, level in per mille), nearest first."""

    id: str
    hold_s: int
    up_ms: int
    down_ms: int
    reaches: tuple[tuple[tuple[int, int], ...], ...]
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """A calendar's rule, tested on the day of the night's first noon; `kind`, `a` and `b` as in `times`."""

    program: str
    kind: int
    a: int
    b: int
    weekdays: int
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Ordered rules, the first match wins, and the program of all other nights."""

    id: str
    rules: tuple[Rule, ...]
    default_program: str
    line: int = field(default=0, compare=False)

    def programs(self) -> list[str]:
        """The programs it needs, the default first, then in the order of the rules."""
        return list(dict.fromkeys([self.default_program, *(rule.program for rule in self.rules)]))


@dataclass(frozen=True, slots=True)
class Group:
    """Posts with one calendar; `posts` is None for all of them."""

    id: str
    posts: frozenset[str] | None
    calendar: str
    line: int = field(default=0, compare=False)

    def names(self, post: str) -> bool:
        return self.posts is None or post in self.posts


@dataclass(frozen=True, slots=True)
class Scene:
    """An event: from `start_s` to `end_s` (UTC seconds since 2000) the groups' level is set, raised or capped."""

    id: str
    groups: tuple[str, ...]
    start_s: int
    end_s: int
    op: int
    level_pm: int
    ramp_s: int
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Document:
    """A whole plan. `source` is the JSON it came from, as dicts and lists; `hash` is its name by content."""

    id: str
    tz_rule: str
    floor_pm: int
    programs: dict[str, Program]
    profiles: dict[str, Profile]
    calendars: dict[str, Calendar]
    groups: tuple[Group, ...]
    scenes: tuple[Scene, ...]
    source: dict[str, Any]
    name: str = field(default="plan", compare=False)

    @cached_property
    def hash(self) -> str:
        return document_hash(self.source)

    def group_of(self, post: str) -> Group | None:
        """The group whose calendar the post follows: the last one that names it."""
        return next((group for group in reversed(self.groups) if group.names(post)), None)

    def groups_of(self, post: str) -> list[Group]:
        """Every group that names the post: its event scenes reach the post whatever calendar it follows."""
        return [group for group in self.groups if group.names(post)]

    def group(self, name: str) -> Group | None:
        return next((group for group in self.groups if group.id == name), None)

    def posts_of(self, name: str, posts: Iterable[str]) -> list[str]:
        """Those of `posts` that the group names, in their order; nobody where there is no such group."""
        group = self.group(name)
        return [post for post in posts if group and group.names(post)]
