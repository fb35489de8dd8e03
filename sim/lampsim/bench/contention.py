"""The schemes in which posts take their chance: slotted ALOHA, and carrier sense with back-off.

- ALOHA: behind each exchange of poll and status comes one place for an event, as wide as that takes; whoever has one
  speaks there without listening. What the next poll does not acknowledge is said again after 0 to 2**tries - 1 places.
- Carrier sense: nobody is polled. A post reports by its own timer, as often as polls with a slot behind every frame
  would ask it, and says its events, both into silence: at once where the line has been silent for long
  enough, else after that and 0 to 7 slots. The gateway acknowledges an event at once; what is not acknowledged is said
  again after 0 to 8 * 2**tries - 1 slots. A report that was garbled is lost.
"""

from __future__ import annotations

import random
from collections import deque

from .air import GATEWAY, Event, Frame
from .setup import Setup

TRIES_MAX = 6  # doublings of the back-off
WIDTH = 8  # slots of the first back-off


class Aloha:
    def __init__(self, setup: Setup, seed: object):
        self.setup = setup
        self.statuses = 0
        self.round_bytes = setup.posts * (setup.lengths.poll + setup.lengths.status)
        self._draw = random.Random(f"{seed} aloha")
        self._mine: dict[int, deque[Event]] = {}
        self._rest: dict[int, int] = {}  # places that a post lets pass
        self._said: list[Event] = []
        self._acks = self._polled = 0
        self._frame = Frame(0, GATEWAY, "", 0)
        self._place_us = -1  # when the place for events begins, while it is to come
        self._poll(setup.gateway_us)

    def plans(self) -> list[Frame]:
        return [self._frame, *(self._events() if self._place_us >= 0 else [])]

    def arrive(self, event: Event) -> None:
        self._mine.setdefault(event.post, deque()).append(event)
        self._rest.setdefault(event.post, 0)

    def skip(self, until_us: int) -> None:
        s, n = self.setup, self.setup.lengths
        if self._mine or self._frame.kind != "poll" or self._acks:
            return
        exchange_us = s.span_us(n.poll) + s.turn_us + s.jitter_us // 2 + s.span_us(n.status)
        period_us = exchange_us + s.turn_us + s.jitter_us + s.span_us(n.event) + s.gateway_us
        count = (until_us - self._frame.start_us) // period_us
        if count > 0:
            self.statuses += count
            self._polled = (self._polled + count) % s.posts
            self._place_us += count * period_us if self._place_us >= 0 else 0
            self._poll(self._frame.start_us + count * period_us)

    def heard(self, frames: list[Frame], end_us: int) -> None:
        s, kind = self.setup, frames[0].kind
        if kind == "event":
            self._place_us = -1
            if len(frames) == 1:
                self._take(frames[0], end_us)
            self._said = [frame.about[0] for frame in frames]
            self._poll(max(self._frame.start_us, end_us + s.gateway_us))
        elif kind == "poll":
            self._place_us, self._acks = -1, 0
            self._settle()
            at_us = end_us + s.turn_us + s.jitter_us // 2
            self._polled = frames[0].dst % s.posts
            self._frame = Frame(at_us, frames[0].dst, "status", s.lengths.status, GATEWAY)
        else:
            self.statuses += 1
            self._place_us = end_us + s.turn_us
            self._rest = {post: max(0, rest - 1) for post, rest in self._rest.items()}
            self._poll(self._place_us + s.jitter_us + s.span_us(s.lengths.event) + s.gateway_us)

    def _events(self) -> list[Frame]:
        late = self.setup.jitter_us // 2
        return [
            Frame(self._place_us + late, post, "event", self.setup.lengths.event, about=(queue[0],), deaf=True)
            for post, queue in self._mine.items()
            if not self._rest[post] and queue[0].seen_us <= self._place_us
        ]

    def _poll(self, at_us: int) -> None:
        size = self.setup.lengths.poll + self.setup.lengths.hint * self._acks
        self._frame = Frame(at_us, GATEWAY, "poll", size, self._polled + 1)

    def _take(self, frame: Frame, end_us: int) -> None:
        frame.about[0].gateway_us = frame.about[0].near_us = end_us
        self._acks = 1

    def _settle(self) -> None:
        """A poll acknowledges, or does not."""
        for event in self._said:
            post = event.post
            if event.gateway_us >= 0:
                self._mine[post].popleft()
                if not self._mine[post]:
                    del self._mine[post], self._rest[post]
            else:
                event.tries = min(event.tries + 1, TRIES_MAX)
                self._rest[post] = 1 + self._draw.randrange(1 << event.tries)
        self._said = []


class CarrierSense:
    def __init__(self, setup: Setup, seed: object):
        self.setup = setup
        self.statuses = 0
        self.round_bytes = setup.posts * setup.lengths.status
        self._draw = random.Random(f"{seed} carrier sense")
        self._mine: dict[int, deque[Event]] = {}
        self._starts: dict[int, int] = {}
        exchange_us = setup.span_us(setup.lengths.poll + setup.lengths.status) + 2 * (setup.turn_us + setup.slot_us)
        self._every_us = setup.posts * exchange_us
        draw = self._draw.randrange
        self._due = {post: draw(self._every_us) for post in range(1, setup.posts + 1)}
        self._silent_us = 0
        self._reports = 0  # whole or not
        self._ack: Frame | None = None

    @property
    def _wait_us(self) -> int:
        return self.setup.turn_us + self.setup.slot_us

    def plans(self) -> list[Frame]:
        n = self.setup.lengths
        frames = [self._ack] if self._ack else []
        for post, start_us in self._starts.items():
            queue = self._mine.get(post)
            if queue:
                frames.append(Frame(start_us, post, "event", n.event, about=(queue[0],)))
            else:
                frames.append(Frame(start_us, post, "status", n.status, GATEWAY))
        post = min(self._due, key=self._due.__getitem__)
        if post not in self._starts:
            frames.append(Frame(self._begin_us(self._due[post]), post, "status", n.status, GATEWAY))
        return frames

    def arrive(self, event: Event) -> None:
        self._mine.setdefault(event.post, deque()).append(event)
        if event.post not in self._starts:
            self._starts[event.post] = self._begin_us(event.seen_us)

    def skip(self, until_us: int) -> None:
        """Pass over rounds of reports but the last, as many of them whole as so far."""
        count = (until_us - self._silent_us) // self._every_us - 1
        if count <= 0 or self._mine or self._ack or not self._reports:
            return
        self.statuses += round(count * self.setup.posts * self.statuses / self._reports)
        self._reports += count * self.setup.posts
        by_us = count * self._every_us
        self._silent_us += by_us
        self._due = {post: due_us + by_us for post, due_us in self._due.items()}
        self._starts = {post: start_us + by_us for post, start_us in self._starts.items()}

    def heard(self, frames: list[Frame], end_us: int) -> None:
        self._silent_us, self._ack = end_us, None
        for frame in frames:
            if frame.kind == "status":
                self._due[frame.src] += self._every_us
                self._reports += 1
            elif frame.kind == "event":
                self._said(frame.about[0], len(frames) == 1, end_us)
        if len(frames) == 1 and frames[0].kind == "status":
            self.statuses += 1
        self._starts = {}
        for post, due_us in self._due.items():
            if post in self._mine or due_us <= end_us:
                self._back_off(post, end_us)

    def _said(self, event: Event, whole: bool, end_us: int) -> None:
        s, queue = self.setup, self._mine[event.post]
        if not whole:  # no acknowledgement will come before the line is free again
            event.tries = min(event.tries + 1, TRIES_MAX)
            return
        event.gateway_us = event.near_us = end_us
        self._ack = Frame(end_us + s.gateway_us, GATEWAY, "ack", s.lengths.go)
        queue.popleft()
        if not queue:
            del self._mine[event.post]

    def _back_off(self, post: int, end_us: int) -> None:
        s, queue = self.setup, self._mine.get(post)
        slots = self._draw.randrange(WIDTH << (queue[0].tries if queue else 0))
        self._starts[post] = end_us + self._wait_us + slots * s.slot_us + self._draw.randrange(s.jitter_us + 1)

    def _begin_us(self, now_us: int) -> int:
        """When a post may begin that has something to say at `now_us`: at once on a line that has long been silent."""
        return max(now_us, self._silent_us + self._wait_us)
