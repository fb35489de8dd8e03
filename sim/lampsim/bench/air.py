"""A shared line in virtual time, one turn of talk after another: who begins, who overlaps, what is heard whole.

What it promises
- It says what `lampsim.line.Line` says of the same transmissions; a test replays whole runs through it. Half duplex; a
  byte is heard when its stop bit has passed; bytes that overlap are garbled, and a frame with one garbled byte is none.
- A talker that listens does not begin once the first byte of another has ended. Before that it cannot know, so two
  that begin within a byte of each other collide, and neither hears that.
- Time in which nobody speaks costs nothing: a run takes as long as its frames.

A scheme plans who would begin when if the line stayed silent; the line decides who does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from ..line import BITS_PER_BYTE

GATEWAY = 0
EVERYBODY = 255
LATE_US = 60_000_000  # how much longer a run may take until the last event has arrived; a scheme that loses some ends


class Event:
    """A detection at `post`: when it came, when the gateway had it, and when its neighbours had it; -1: not yet."""

    __slots__ = ("burst", "gateway_us", "near_us", "post", "seen_us", "tries")

    def __init__(self, seen_us: int, post: int, burst: int):
        self.seen_us, self.post, self.burst = seen_us, post, burst
        self.gateway_us = self.near_us = -1
        self.tries = 0


class Frame(NamedTuple):
    """What somebody would say from `start_us` on. `about` are the events in it; `deaf` begins whatever it hears."""

    start_us: int
    src: int
    kind: str
    size: int
    dst: int = EVERYBODY
    about: tuple[Event, ...] = ()
    deaf: bool = False


class Scheme(Protocol):
    """Rules of access. `plans`: all who would speak if the line stayed silent, never none; `heard`: what was said,
    garbled where it is more than one frame; `skip`: nothing comes before `until_us`, so pass over rounds that are all
    alike. `statuses` counts what the posts have reported, `round_bytes` are the bytes of one round of reports."""

    statuses: int
    round_bytes: int

    def plans(self) -> list[Frame]: ...
    def arrive(self, event: Event) -> None: ...
    def heard(self, frames: list[Frame], end_us: int) -> None: ...
    def skip(self, until_us: int) -> None: ...


class Air:
    """`said(frame, whole)` is told of everything, in the order of the beginnings."""

    def __init__(self, baud: int, said: Callable[[Frame, bool], None] | None = None):
        self.byte_us = BITS_PER_BYTE * 1_000_000 / baud
        self.collisions = 0
        self._said = said

    def run(self, scheme: Scheme, events: list[Event]) -> int:
        """Let `events` come, in the order of their births, until the gateway has all; return the time then."""
        at = now_us = 0
        late_us = events[-1].seen_us + LATE_US
        while at < len(events) or (now_us < late_us and any(e.gateway_us < 0 for e in events[-64:])):
            if at < len(events):
                scheme.skip(events[at].seen_us)
            plans = scheme.plans()
            first_us = min(frame.start_us for frame in plans)
            while at < len(events) and events[at].seen_us < first_us + self.byte_us:
                scheme.arrive(events[at])
                at += 1
                plans = scheme.plans()
                first_us = min(frame.start_us for frame in plans)
            now_us = self._turn(scheme, plans, first_us)
        return now_us

    def _turn(self, scheme: Scheme, plans: list[Frame], first_us: int) -> int:
        """The first begins, and with it whoever cannot have heard it by then."""
        frames: list[Frame] = []
        end_us = first_us
        for frame in sorted(plans):
            if frame.start_us < first_us + self.byte_us or (frame.deaf and frame.start_us < end_us):
                frames.append(frame)
                end_us = max(end_us, frame.start_us + round(frame.size * self.byte_us))
        self.collisions += len(frames) > 1
        if self._said:
            for frame in frames:
                self._said(frame, len(frames) == 1)
        scheme.heard(frames, end_us)
        return end_us
