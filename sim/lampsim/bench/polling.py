"""The schemes in which a post waits for its turn: plain polling, a token that goes round, fixed places in time.

What they do with an event
- Polling: it rides in the next status, and the gateway says it again as an EVENT for the neighbours: a status is sealed
  for the gateway alone.
- Token: whoever has the token says its events, and then its status, which hands the token on. The gateway has its turn
  too, for acknowledgements and the time.
- Places: a round has one place for each post, as wide as an EVENT and a guard; an event goes in place of the status.
"""

from __future__ import annotations

from collections import deque

from .air import GATEWAY, Event, Frame
from .setup import Setup

CLOCK_US = 500  # by how much two clocks set by one beacon may differ within a round: what PROTOCOL.md's TIME allows


class Turns:
    """What the three have in common: events that wait at their posts, and one talker at a time."""

    def __init__(self, setup: Setup, round_bytes: int):
        self.setup, self.round_bytes = setup, round_bytes
        self.statuses = 0
        self.waiting: dict[int, deque[Event]] = {}
        self.next = Frame(setup.gateway_us, GATEWAY, "", 0)

    def plans(self) -> list[Frame]:
        return [self.next]

    def arrive(self, event: Event) -> None:
        self.waiting.setdefault(event.post, deque()).append(event)

    def jump(self, until_us: int, round_us: int) -> None:
        """Pass over whole rounds."""
        count = (until_us - self.next.start_us) // round_us
        if not self.waiting and count > 0:
            self.statuses += count * self.setup.posts
            self.next = self.next._replace(start_us=self.next.start_us + count * round_us)


class Polling(Turns):
    def __init__(self, setup: Setup, full: bool = False):
        lengths = setup.lengths
        self._poll = lengths.full_poll if full else lengths.poll
        self._status = lengths.full_status if full else lengths.status
        super().__init__(setup, setup.posts * (self._poll + self._status))
        self._relays: list[Event] = []
        self._polled = setup.posts
        self._go_on(0)

    def skip(self, until_us: int) -> None:
        if self.next.kind == "poll":
            s = self.setup
            self.jump(until_us, s.posts * (s.span_us(self._poll) + s.turn_us + s.span_us(self._status) + s.gateway_us))

    def arrive(self, event: Event) -> None:
        super().arrive(event)
        if self.next.kind == "status" and self.next.src == event.post and event.seen_us <= self.next.start_us:
            self._answer(event.post, self.next.start_us)

    def heard(self, frames: list[Frame], end_us: int) -> None:
        frame = frames[0]
        if frame.kind == "poll":
            self._answer(frame.dst, end_us + self.setup.turn_us)
            return
        if frame.kind == "status":
            self.statuses += 1
            for event in frame.about:
                event.gateway_us = end_us
            self._relays += frame.about
        else:
            frame.about[0].near_us = end_us
        self._go_on(end_us)

    def _answer(self, post: int, at_us: int) -> None:
        about = tuple(e for e in self.waiting.get(post, ()) if e.seen_us <= at_us)
        size = self._status + self.setup.lengths.item * len(about)
        self.next = Frame(at_us, post, "status", size, GATEWAY, about)

    def _go_on(self, end_us: int) -> None:
        at_us = end_us + self.setup.gateway_us
        if self._relays:
            event = self._relays.pop(0)
            self.waiting[event.post].remove(event)
            if not self.waiting[event.post]:
                del self.waiting[event.post]
            self.next = Frame(at_us, GATEWAY, "event", self.setup.lengths.event, about=(event,))
        else:
            self._polled = self._polled % self.setup.posts + 1
            self.next = Frame(at_us, GATEWAY, "poll", self._poll, self._polled)


class Token(Turns):
    def __init__(self, setup: Setup):
        super().__init__(setup, setup.posts * setup.lengths.status + setup.lengths.go)
        self._holder = GATEWAY
        self._speak(setup.gateway_us)

    def skip(self, until_us: int) -> None:
        s = self.setup
        if self._holder == GATEWAY:
            round_us = s.span_us(s.lengths.go) + s.gateway_us
            self.jump(until_us, round_us + s.posts * (s.turn_us + s.jitter_us // 2 + s.span_us(s.lengths.status)))

    def arrive(self, event: Event) -> None:
        super().arrive(event)
        if self._holder == event.post and event.seen_us <= self.next.start_us:
            self._speak(self.next.start_us)

    def heard(self, frames: list[Frame], end_us: int) -> None:
        s, frame = self.setup, frames[0]
        if frame.kind == "event":
            event = self.waiting[self._holder].popleft()
            event.gateway_us = event.near_us = end_us
            if not self.waiting[self._holder]:
                del self.waiting[self._holder]
            self._speak(end_us + round(s.byte_us))
            return
        self.statuses += frame.kind == "status"
        self._holder = (self._holder + 1) % (s.posts + 1)
        self._speak(end_us + (s.turn_us + s.jitter_us // 2 if self._holder else s.gateway_us))

    def _speak(self, at_us: int) -> None:
        mine = [e for e in self.waiting.get(self._holder, ()) if e.seen_us <= at_us]
        lengths = self.setup.lengths
        if mine:
            self.next = Frame(at_us, self._holder, "event", lengths.event, about=(mine[0],))
        else:
            kind, size = ("status", lengths.status) if self._holder else ("token", lengths.go)
            self.next = Frame(at_us, self._holder, kind, size)


class Places(Turns):
    def __init__(self, setup: Setup):
        super().__init__(setup, setup.posts * setup.lengths.status + setup.lengths.go)
        s = setup
        self._width_us = s.span_us(max(s.lengths.event, s.lengths.status)) + s.jitter_us + 2 * CLOCK_US
        self._round_us = s.span_us(s.lengths.go) + s.gateway_us + s.posts * self._width_us
        self._begin_us = s.gateway_us
        self._place = GATEWAY
        self._speak()

    def skip(self, until_us: int) -> None:
        if self._place == GATEWAY:
            before_us = self.next.start_us
            self.jump(until_us, self._round_us)
            self._begin_us += self.next.start_us - before_us

    def arrive(self, event: Event) -> None:
        super().arrive(event)
        self._speak()

    def heard(self, frames: list[Frame], end_us: int) -> None:
        frame = frames[0]
        if frame.kind == "event":
            event = self.waiting[frame.src].popleft()
            event.gateway_us = event.near_us = end_us
            if not self.waiting[frame.src]:
                del self.waiting[frame.src]
        self.statuses += frame.kind == "status"
        self._place = (self._place + 1) % (self.setup.posts + 1)
        if self._place == GATEWAY:
            self._begin_us += self._round_us
        self._speak()

    def _speak(self) -> None:
        """What is said in the next place, by what has come before it begins."""
        s, post = self.setup, self._place
        if post == GATEWAY:
            self.next = Frame(self._begin_us, GATEWAY, "beacon", s.lengths.go)
            return
        first_us = self._begin_us + s.span_us(s.lengths.go) + s.gateway_us
        at_us = first_us + (post - 1) * self._width_us + CLOCK_US + s.jitter_us // 2
        mine = [e for e in self.waiting.get(post, ()) if e.seen_us <= at_us]
        if mine:
            self.next = Frame(at_us, post, "event", s.lengths.event, about=(mine[0],))
        else:
            self.next = Frame(at_us, post, "status", s.lengths.status)
