"""From posts that fall silent to one fault with its probable place. Pure: times are milliseconds of a monotonic clock.

A feeder that lost supply is one alarm and not 200. Posts hang on a line in a known order (that of the configuration),
so which of them are silent says where to look:

    all of them                      feeder: supply lost, or the line cut before the first post
    all from one post to the end     cut: between that post and the one before it
    three or more side by side       section: those posts lost supply, the line runs on through them
    any other                        post
    the serial port itself is gone   port: nothing is known of the posts
    half of a line, one same fault   common: such as under-voltage; the cause is not in the posts

and what disturbs a line (disturbed.py): jabber, a post that speaks without end; flood, more events in its name than a
post may say; noise, which comes from no post that is known.

Rules kept here: a post is silent after SILENT_MS and back after BACK_MS, so a flicker is none; a line is judged when
nothing has changed on it for SETTLE_MS, because a gateway notices 60 dead posts one after the other, but after
SETTLE_MAX_MS at the latest. An alarm that grows, shrinks or is better understood stays the same alarm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

SILENT_MS = 30_000  # a post that restarts is back within five seconds
BACK_MS = 10_000
SETTLE_MS = 10_000  # between the first and the last dead post of a line pass some 150 ms a post
SETTLE_MAX_MS = 60_000  # a line that flickers without end is judged all the same
SECTION_MIN = 3  # two neighbours may fail by chance, three share a supply
COMMON_MIN = 3

FEEDER, CUT, SECTION, POST, PORT, COMMON = "feeder", "cut", "section", "post", "port", "common"
JABBER, FLOOD, NOISE = DISTURBED = "jabber", "flood", "noise"


class Alarm(NamedTuple):
    """One fault of a line. `after` and `before` are the posts between which it probably lies; None: the cabinet, or
    not known."""

    kind: str
    bus: str
    posts: tuple[str, ...]
    after: str | None = None
    before: str | None = None
    fault: str | None = None

    def alike(self, other: Alarm) -> bool:
        """Whether one is what the other has become."""
        what = [(alarm.fault, alarm.kind if alarm.kind in DISTURBED else "") for alarm in (self, other)]
        return what[0] == what[1] and bool(set(self.posts) & set(other.posts))

    def text(self) -> str:
        """A line for a person."""
        count = f"{len(self.posts)} posts"
        return {
            FEEDER: f"{self.bus}: all {count} are silent; supply lost, or cut before {self.before}",
            CUT: f"{self.bus}: cut between {self.after} and {self.before}; {count} behind it are silent",
            SECTION: f"{self.bus}: {self.posts[0]} to {self.posts[-1]} lost supply; {count}",
            POST: f"{self.posts[0]} is silent",
            PORT: f"{self.bus}: its port or broker is gone; nothing is known of {count}",
            COMMON: f"{self.bus}: {count} report {self.fault}",
            JABBER: f"{self.posts[0]} speaks without end and is kept silent; its light goes on, look at the post",
            FLOOD: f"{self.posts[0]}: more events than a post may say; it is faulty, or somebody has the line's key",
            NOISE: f"{self.bus}: disturbed, and by no post that answers; look at the cable, its ends and its devices",
        }[self.kind]


class Change(NamedTuple):
    """An alarm begins or has changed (`on`), or is over."""

    number: int
    on: bool
    alarm: Alarm


@dataclass(slots=True)
class _Post:
    """`heard`: whether it answers now; `silent`: the same after its delay; None before anything is known."""

    heard: bool = False
    since_ms: int = 0
    silent: bool | None = None
    faults: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Line:
    order: list[str]
    open: bool = True
    changed_ms: int = 0
    dirty_ms: int | None = None  # since when something waits to be judged
    alarms: dict[int, Alarm] = field(default_factory=dict)
    disturbed: list[Alarm] = field(default_factory=list)


class Alarms:
    """All lines of a cabinet: for each its posts, from the cabinet outwards."""

    def __init__(self, lines: Mapping[str, Sequence[str]], now_ms: int) -> None:
        self._lines = {bus: _Line(list(posts)) for bus, posts in lines.items()}
        self._posts = {post: _Post(since_ms=now_ms) for posts in lines.values() for post in posts}
        self._bus = {post: bus for bus, posts in lines.items() for post in posts}
        self._number = 0

    def heard(self, post: str, there: bool, now_ms: int) -> None:
        """A post answers, or does not any more."""
        state = self._posts[post]
        if state.heard != there:
            state.heard, state.since_ms = there, now_ms

    def faults(self, post: str, names: Sequence[str], now_ms: int) -> None:
        """The faults a post reports of itself; they are debounced at the post."""
        state, found = self._posts[post], frozenset(names)
        if state.faults != found:
            state.faults = found
            self._touch(self._lines[self._bus[post]], now_ms)

    def port(self, bus: str, is_open: bool, now_ms: int) -> None:
        """Whether the serial port of a line is there."""
        line = self._lines[bus]
        if line.open != is_open:
            line.open = is_open
            self._touch(line, now_ms)

    def disturbed(self, bus: str, guilty: Sequence[str], floods: Sequence[str], noisy: bool, now_ms: int) -> None:
        """Which posts disturb a line and how, or that somebody does."""
        line = self._lines[bus]
        found = [Alarm(JABBER, bus, (post,)) for post in guilty] + [Alarm(FLOOD, bus, (post,)) for post in floods]
        if noisy:
            found.append(Alarm(NOISE, bus, tuple(line.order)))
        if line.disturbed != found:
            line.disturbed = found
            self._touch(line, now_ms)

    def active(self) -> list[tuple[int, Alarm]]:
        """Every alarm that is on, in order."""
        return sorted((number, alarm) for line in self._lines.values() for number, alarm in line.alarms.items())

    def tick(self, now_ms: int) -> list[Change]:
        """Call about once a second: what has begun, changed and ended."""
        for post, state in self._posts.items():
            due_ms = BACK_MS if state.heard else SILENT_MS
            if state.silent is not (not state.heard) and now_ms - state.since_ms >= due_ms:
                if state.silent is not None or not state.heard:
                    self._touch(self._lines[self._bus[post]], now_ms)
                state.silent = not state.heard
        changes: list[Change] = []
        for bus, line in self._lines.items():
            if line.dirty_ms is None:
                continue
            if now_ms - line.changed_ms >= SETTLE_MS or now_ms - line.dirty_ms >= SETTLE_MAX_MS:
                line.dirty_ms = None
                changes += self._replace(line, self._judge(bus, line))
        return changes

    def _touch(self, line: _Line, now_ms: int) -> None:
        line.changed_ms = now_ms
        if line.dirty_ms is None:
            line.dirty_ms = now_ms

    def _judge(self, bus: str, line: _Line) -> list[Alarm]:
        if not line.open:
            return [Alarm(PORT, bus, tuple(line.order))]
        silent = [self._posts[post].silent is True for post in line.order]
        return silences(bus, line.order, silent) + self._common(bus, line) + line.disturbed

    def _common(self, bus: str, line: _Line) -> list[Alarm]:
        there = [post for post in line.order if self._posts[post].silent is False]
        found = []
        for name in sorted({name for post in there for name in self._posts[post].faults}):
            having = tuple(post for post in there if name in self._posts[post].faults)
            if len(having) >= COMMON_MIN and 2 * len(having) >= len(there):
                found.append(Alarm(COMMON, bus, having, fault=name))
        return found

    def _replace(self, line: _Line, found: list[Alarm]) -> list[Change]:
        """Give each alarm the number of the one before it that shares most posts, or a new one."""
        before, changes, now = dict(line.alarms), [], {}
        for alarm in sorted(found, key=lambda one: -len(one.posts)):
            same = [n for n, old in before.items() if old.alike(alarm)]
            if same:
                number = max(same, key=lambda n: len(set(before[n].posts) & set(alarm.posts)))
                old = before.pop(number)
            else:
                self._number += 1
                number, old = self._number, None
            now[number] = alarm
            if alarm != old:
                changes.append(Change(number, True, alarm))
        changes += [Change(number, False, old) for number, old in before.items()]
        line.alarms = now
        return changes


def silences(bus: str, order: Sequence[str], silent: Sequence[bool]) -> list[Alarm]:
    """What the silent posts of a line mean; `order` from the cabinet outwards."""
    if len(order) > 1 and all(silent):
        return [Alarm(FEEDER, bus, tuple(order), None, order[0])]
    found = []
    for first, last in _runs(silent):
        posts = tuple(order[first : last + 1])
        after, before = order[first - 1] if first else None, order[first]
        if last == len(order) - 1 and len(posts) > 1:
            found.append(Alarm(CUT, bus, posts, after, before))
        elif len(posts) >= SECTION_MIN:
            found.append(Alarm(SECTION, bus, posts, after, order[last + 1]))
        else:
            found += [Alarm(POST, bus, (post,)) for post in posts]
    return found


def _runs(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    runs: list[tuple[int, int]] = []
    for index, flag in enumerate(flags):
        if flag and index and flags[index - 1]:
            runs[-1] = runs[-1][0], index
        elif flag:
            runs.append((index, index))
    return runs
