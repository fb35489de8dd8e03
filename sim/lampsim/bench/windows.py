"""Polls with slots for events, in every variety: the scheme of DESIGN.md and those that were tried to beat it.

The rules; T is the turn-around of a post, S a slot
- After a frame that opens slots (a status, an event; with `after_poll` a poll too) a post with an event begins T and a
  number of slots after the end, if it has heard nothing by then. Where there are several the number is drawn.
- The polled post answers T after the poll, after the slots where a poll opens some, and after the events said there.
- The gateway goes on when the slots have passed in silence.
- After bytes that were no frame everybody waits for the gateway. It says GO: each post takes the slot of its rank.
  What is said whole moves the next rank up to S after its end. Where a rank collides the window goes on behind it, and
  one more GO asks those who belong to such a rank, each in a slot of its own.
- Every frame of the gateway acknowledges what it has heard since its last one; whoever collided learns it that way.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass

from .air import GATEWAY, Event, Frame
from .setup import Setup


@dataclass(frozen=True)
class Rules:
    """`after_poll`, `after_status`: slots there. `fold`: ranks in the first GO, by the address's remainder, so that
    neighbours fall into different ones; 0: each post has its own, in the order of addresses."""

    after_poll: int = 1
    after_status: int = 1
    fold: int = 0


class Windows:
    def __init__(self, setup: Setup, rules: Rules, seed: object):
        self.setup, self.rules = setup, rules
        self.statuses = 0
        s, n = setup, setup.lengths
        self.round_bytes = s.posts * (n.poll + n.status)
        self._draw = random.Random(f"{seed} windows")
        self._mine: dict[int, deque[Event]] = {}
        self._starts: dict[int, int] = {}  # post -> when it would begin in this silence
        self._polled = 0
        self._gateway: Frame | None = None
        self._reply: Frame | None = None
        self._group: list[int] = []  # who is to be asked after a collision
        self._folded = False  # ... by remainders, as a first GO may
        self._ranks: dict[int, int] = {}  # of those whom the last GO named
        self._rank = -1  # the next of them; -1: that is over
        self._first_us = self._slots = 0  # the slots of this silence
        self._heard: list[Event] = []  # not acknowledged yet
        self._period_us = s.span_us(n.poll) + s.span_us(n.status) + s.turn_us + s.jitter_us // 2
        self._period_us += rules.after_poll * s.slot_us + s.turn_us + rules.after_status * s.slot_us
        self._plan(s.gateway_us)

    # --- what the line asks

    def plans(self) -> list[Frame]:
        size = self.setup.lengths.event
        frames = [Frame(t, post, "event", size, about=(self._mine[post][0],)) for post, t in self._starts.items()]
        return frames + [f for f in (self._gateway, self._reply) if f is not None]

    def arrive(self, event: Event) -> None:
        self._mine.setdefault(event.post, deque()).append(event)
        if len(self._mine[event.post]) == 1:
            self._enter(event.post, event.seen_us)

    def skip(self, until_us: int) -> None:
        """Pass over exchanges in which nobody has anything to say."""
        gateway = self._gateway
        if self._mine or self._group or self._heard or gateway is None or self._reply:
            return
        count = (until_us - gateway.start_us) // self._period_us
        if count > 0:
            self.statuses += count
            self._polled = (self._polled + count - 1) % self.setup.posts + 1
            self._first_us += count * self._period_us
            self._plan(gateway.start_us + count * self._period_us)

    def heard(self, frames: list[Frame], end_us: int) -> None:
        frame = frames[0]
        if len(frames) > 1:
            self._garbled(frames, end_us)
        elif frame.kind == "event":
            self._event(frame, end_us)
        elif frame.kind == "status":
            self.statuses += 1
            self._reply = None
            self._open(end_us, self.rules.after_status)
        elif frame.kind == "poll":
            self._heard, self._polled, self._rank, self._gateway = [], frame.dst, -1, None
            self._answer(frame.dst, end_us)
            self._open(end_us, self.rules.after_poll)
        else:
            self._heard = []
            self._go(end_us)

    # --- the gateway

    def _plan(self, at_us: int) -> None:
        """What the gateway says if the line is silent until then: a GO after a collision, else the next poll."""
        lengths = self.setup.lengths
        hints = lengths.hint * len(self._heard)
        if self._group:
            self._gateway = Frame(at_us, GATEWAY, "go", lengths.go + hints)
        else:
            self._gateway = Frame(at_us, GATEWAY, "poll", lengths.poll + hints, self._polled % self.setup.posts + 1)

    def _go(self, end_us: int) -> None:
        group, self._group = self._group, []
        parts = min(self.rules.fold or len(group), len(group)) if self._folded else len(group)
        self._ranks = {post: i % parts for i, post in enumerate(group)}
        self._rank = 0
        self._open(end_us, parts)

    def _garbled(self, frames: list[Frame], end_us: int) -> None:
        s = self.setup
        if self._reply is not None:  # whoever was polled holds back, and is asked again
            self._polled = (self._polled - 2) % s.posts + 1
            self._reply = None
        if self._rank >= 0:
            self._garbled_in_window({self._ranks[frame.src] for frame in frames}, end_us)
            return
        self._group, self._folded = list(range(1, s.posts + 1)), True
        self._starts, self._slots = {}, 0
        self._plan(end_us + s.gateway_us)

    def _garbled_in_window(self, hit: set[int], end_us: int) -> None:
        self._group += [post for post, rank in self._ranks.items() if rank in hit]
        self._folded = False
        ranks = self._rank + self._slots
        self._rank = max(hit) + 1
        self._open(end_us, ranks - self._rank, self.setup.slot_us)

    # --- the posts

    def _answer(self, post: int, end_us: int) -> None:
        s = self.setup
        at_us = end_us + s.turn_us + self.rules.after_poll * s.slot_us + s.jitter_us // 2
        self._reply = Frame(at_us, post, "status", s.lengths.status, GATEWAY)

    def _event(self, frame: Frame, end_us: int) -> None:
        event, queue = frame.about[0], self._mine[frame.src]
        event.gateway_us = event.near_us = end_us
        self._heard.append(event)
        queue.popleft()
        if not queue:
            del self._mine[frame.src]
        if self._rank >= 0:
            ranks = self._rank + self._slots
            self._rank = self._ranks[frame.src] + 1
            self._open(end_us, ranks - self._rank, self.setup.slot_us)
        elif self._reply:
            self._answer(self._reply.src, end_us)
            self._open(end_us, self.rules.after_poll)
        else:
            self._open(end_us, self.rules.after_status)

    def _open(self, end_us: int, slots: int, wait_us: int | None = None) -> None:
        """The slots of a silence that began at `end_us`; everybody who has an event takes one."""
        s = self.setup
        wait_us = s.turn_us if wait_us is None else min(wait_us, s.turn_us)
        self._first_us, self._slots = end_us + wait_us, slots
        self._starts = {}
        for post in self._mine:
            self._enter(post, end_us)
        if not self._reply:
            self._plan(end_us + (wait_us + slots * s.slot_us if slots else s.gateway_us))

    def _enter(self, post: int, now_us: int) -> None:
        """A post with an event takes its slot of this silence, if it has one and it has not passed."""
        s = self.setup
        passed = max(0, -((self._first_us - now_us) // s.slot_us))
        if self._rank >= 0:
            slot = self._ranks.get(post, -1) - self._rank
        elif passed < self._slots:
            slot = passed + self._draw.randrange(self._slots - passed)
        else:
            return
        if passed <= slot < self._slots:
            self._starts[post] = self._first_us + slot * s.slot_us + self._draw.randrange(s.jitter_us + 1)
