"""All schemes by name, and what is measured of each: events, bursts, the cycle of reports.

Latencies are milliseconds from the sensor's edge to the last byte of the frame that tells it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from .air import Air, Scheme
from .contention import Aloha, CarrierSense
from .polling import Places, Polling, Token
from .setup import Setup, bursts, poisson
from .windows import Rules, Windows

BASIS = "polling"  # what the others are compared with

DESIGN = Rules(after_poll=0, after_status=4)

SCHEMES: dict[str, tuple[str, Callable[[Setup, object], Scheme]]] = {
    "polling-full": ("polls and statuses as long as they were", lambda setup, seed: Polling(setup, full=True)),
    BASIS: ("polls and statuses as short as they can be", lambda setup, seed: Polling(setup)),
    "token": ("the right to speak goes round", lambda setup, seed: Token(setup)),
    "tdma": ("a place in time for each post", lambda setup, seed: Places(setup)),
    "aloha": ("one place for events behind each status, without listening", Aloha),
    "csma": ("no polls: everything said into silence, with back-off", CarrierSense),
    "design": ("4 random slots behind a status; after a collision in order", lambda s, seed: Windows(s, DESIGN, seed)),
    "slots": ("1 slot behind every frame; after a collision in order", lambda s, seed: Windows(s, Rules(), seed)),
    "slots-fold": ("the same; after a collision 8 ranks first", lambda s, seed: Windows(s, Rules(fold=8), seed)),
}  # fmt: skip


@dataclass(frozen=True)
class Load:
    """How much is measured: single events at `per_s` on the line, and of each size so many bursts."""

    events: int = 1000
    per_s: float = 0.5
    burst_count: int = 100
    burst_sizes: tuple[int, ...] = (8,)


@dataclass
class Row:
    """One scheme on one line; milliseconds. `bursts` maps (size, "neighbours" or "scattered") to p50 and p99 of the
    time until the last of the burst was told."""

    scheme: str
    setup: Setup
    events: int
    gateway_ms: tuple[float, float]
    near_ms: tuple[float, float]
    bursts: dict[tuple[int, str], tuple[float, float]] = field(default_factory=dict)
    cycle_ms: float = 0.0
    cycle_of_bits: float = 0.0
    collisions: int = 0
    lost: int = 0
    lamp_ms: tuple[float, float] | None = None  # until the last neighbour's lamp acts; models have no lamps
    said: float = 0.0  # frames on the line for one event, where that was counted
    dark: int = 0  # of the walkers that was measured with, how many had a neighbour that did not act

    def to_json(self) -> dict:
        said = {"said": round(self.said, 2)} if self.said else {}
        lamps = {"edge_to_last_lamp_ms": _pair(self.lamp_ms), "not_lit": self.dark} if self.lamp_ms else {}
        return {
            "scheme": self.scheme,
            "posts": self.setup.posts,
            "baud": self.setup.baud,
            "turn_ms": self.setup.turn_us / 1000,
            "events": self.events,
            "event_to_gateway_ms": _pair(self.gateway_ms),
            "event_to_neighbours_ms": _pair(self.near_ms),
            "bursts_ms": {f"{size} {kind}": _pair(both) for (size, kind), both in self.bursts.items()},
            "cycle_ms": round(self.cycle_ms, 1),
            "cycle_of_bits": round(self.cycle_of_bits, 2),
            "collisions": self.collisions,
            "lost": self.lost,
            **lamps,
            **said,
        }


def _pair(both: tuple[float, float]) -> dict[str, float | None]:
    p50, p99 = (None if math.isnan(value) else round(value, 2) for value in both)
    return {"p50": p50, "p99": p99}


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest value that `share` per cent of them do not exceed; NaN of none."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[max(0, min(len(ordered) - 1, -int(-len(ordered) * share // 100) - 1))]


def both_ms(spans_us: Iterable[int]) -> tuple[float, float]:
    """Median and 99th percentile, in milliseconds."""
    spans = list(spans_us)
    return percentile(spans, 50) / 1000, percentile(spans, 99) / 1000


def measure(name: str, setup: Setup, load: Load, seed: int) -> Row:
    """Run one scheme on one line."""
    make = SCHEMES[name][1]
    scheme, air = make(setup, seed), Air(setup.baud)
    events = poisson(setup, load.events, load.per_s, seed)
    end_us = air.run(scheme, events)
    told = [e for e in events if e.gateway_us >= 0]
    row = Row(
        name, setup, len(events), both_ms(e.gateway_us - e.seen_us for e in told),
        both_ms(e.near_us - e.seen_us for e in events if e.near_us >= 0),
        cycle_ms=setup.posts * end_us / scheme.statuses / 1000, collisions=air.collisions,
        lost=len(events) - len(told),
    )  # fmt: skip
    row.cycle_of_bits = row.cycle_ms * 1000 / setup.span_us(scheme.round_bytes)
    for size in load.burst_sizes:
        if size > setup.posts:
            continue
        for kind in ("neighbours", "scattered"):
            events = bursts(setup, load.burst_count, size, kind == "neighbours", seed)
            Air(setup.baud).run(make(setup, seed), events)
            row.bursts[size, kind] = both_ms(completions(events))
    return row


class Told(Protocol):
    """Something seen, and when the gateway had it; -1: never."""

    burst: int
    gateway_us: int

    @property
    def seen_us(self) -> int: ...


def completions(events: Iterable[Told]) -> list[int]:
    """Of each burst that the gateway has whole, how long until it had the last."""
    last: dict[int, int] = {}
    lost = set()
    for event in events:
        last[event.burst] = max(last.get(event.burst, 0), event.gateway_us - event.seen_us)
        if event.gateway_us < 0:
            lost.add(event.burst)
    return [span_us for burst, span_us in last.items() if burst not in lost]
