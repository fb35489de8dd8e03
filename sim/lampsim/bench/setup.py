"""What a model of the line is given: how many posts, how fast, how long the frames are, how quick the boards.

Times are microseconds. All that is drawn comes from one seed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from .air import Event

SENSE_US = 100  # from the last bit of a byte to the moment a program sees it: a UART that interrupts at every byte
GATEWAY_US = 1000  # a program on Linux woken by its timer or its port; DESIGN.md's polling figures fit 1 ms as well
APART_US = 10_000_000  # between two bursts: each is over before the next in every scheme


@dataclass(frozen=True)
class Lengths:
    """Bytes on the line, with stuffing and delimiters. `hint` is what acknowledging one event adds to a poll, `item`
    what one event adds to a status. The full ones are frames before they were shortened."""

    event: int = 16
    poll: int = 12
    status: int = 13
    go: int = 9
    full_poll: int = 24
    full_status: int = 50
    hint: int = 2
    item: int = 7


SHORT = Lengths()
DESIGN = Lengths(poll=10, status=9, go=8)  # 19 bytes an exchange: what DESIGN.md's polling figures come to


@dataclass(frozen=True)
class Setup:
    """One line. `turn_us`: from the last byte of a frame to the first of a post's answer, at the earliest."""

    posts: int = 32
    baud: int = 19200
    turn_us: int = 2000
    lengths: Lengths = SHORT
    slot_bytes: float = 1.0  # how much of another's frame must be heard before it counts as begun

    @property
    def byte_us(self) -> float:
        return 10_000_000 / self.baud

    @property
    def jitter_us(self) -> int:
        """By how much a post may be late: what keeps it busy also varies, a quarter is assumed."""
        return self.turn_us // 4

    @property
    def gateway_us(self) -> int:
        """The turn-around of the gateway."""
        return min(self.turn_us, GATEWAY_US)

    @property
    def slot_us(self) -> int:
        """The shortest slot: the first byte of a late talker is heard before an early one begins in the next."""
        return round(self.slot_bytes * self.byte_us) + self.jitter_us + SENSE_US

    def span_us(self, size: int) -> int:
        return round(size * self.byte_us)

    def but(self, **changes: object) -> Setup:
        return replace(self, **changes)  # type: ignore[arg-type]


def poisson(setup: Setup, count: int, per_s: float, seed: object) -> list[Event]:
    """`count` detections at posts drawn at random, `per_s` a second on the line."""
    draw = random.Random(f"{seed} poisson")
    events, t_us = [], 0
    for number in range(count):
        t_us += round(draw.expovariate(per_s) * 1_000_000)
        events.append(Event(t_us, draw.randint(1, setup.posts), number))
    return events


def bursts(setup: Setup, count: int, size: int, neighbours: bool, seed: object) -> list[Event]:
    """`count` moments at which `size` posts see somebody in the same microsecond: neighbours in the street, whose
    addresses follow each other, or any."""
    draw = random.Random(f"{seed} bursts {size} {neighbours}")
    events = []
    for number in range(count):
        t_us = (number + 1) * APART_US + draw.randrange(APART_US // 10)
        if neighbours:
            first = draw.randint(1, setup.posts - size + 1)
            posts = list(range(first, first + size))
        else:
            posts = sorted(draw.sample(range(1, setup.posts + 1), size))
        events += [Event(t_us, post, number) for post in posts]
    return events
