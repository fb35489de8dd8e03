"""What the real posts, links and poll scheduler make of the bus: the same figures as of the models, in the same rows.

In one run on one line: the quiet cycle, single walkers in a dark street until the last lamp in reach acts, detections
at random, and bursts. Everything in virtual time, so that the load of the machine bends nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from .measure import Row, both_ms, completions
from .setup import Setup
from .watch import DOWN_MS, HOLD_S, Sight, Watch

QUIET_S = 30
ALONE_S = HOLD_S + DOWN_MS // 1000 + 4  # until the street is dark again
BURST_S = HOLD_S + 2  # nobody announces any more
SETTLE_S = 5


@dataclass(frozen=True)
class Load:
    """How much is measured; as in measure.py, and `walkers` one at a time in a dark street."""

    events: int = 200
    per_s: float = 0.5
    walkers: int = 30
    burst_count: int = 20
    burst_sizes: tuple[int, ...] = (8,)


def measure(
    setup: Setup, load: Load, seed: int, exact: bool = False, told: Callable[[str], None] = lambda what: None
) -> Row:
    """Run the real code on one line; `exact`: every post hears every byte. Raises TimeoutError where not all begin."""
    return _with_gateway(_switched_on(setup, seed, exact, told), setup, load, seed, told)


def measure_both(
    setup: Setup, load: Load, seed: int, exact: bool = False, told: Callable[[str], None] = lambda what: None
) -> list[Row]:
    """As `measure`, and then the same line when its gateway has died."""
    watch = _switched_on(setup, seed, exact, told)
    return [_with_gateway(watch, setup, load, seed, told), _without(watch, setup, load, seed, told)]


def _switched_on(setup: Setup, seed: int, exact: bool, told: Callable[[str], None]) -> Watch:
    told(f"real, {setup.posts} posts, {setup.baud} baud: switching on")
    return Watch(setup.posts, setup.baud, setup.turn_us, seed, exact)


def _without(watch: Watch, setup: Setup, load: Load, seed: int, told: Callable[[str], None]) -> Row:
    told("the gateway has died: detections at random")
    draw = random.Random(f"{seed} without")
    watch.gateway.kill()
    watch.run_s(SETTLE_S)
    for _ in range(3):  # who finds its event unanswered learns it from that
        watch.run_s(BURST_S)
        watch.detect(draw.randint(1, len(watch.posts)))
    watch.run_s(SETTLE_S)
    said = watch.said
    sights = at_random(watch, load, draw)
    heard = [sight for sight in sights if sight.line_us >= 0]
    nobody = (float("nan"), float("nan"))
    row = Row(
        "no gateway", setup, len(sights), nobody, both_ms(s.line_us - s.seen_us for s in heard),
        lost=len(sights) - len(heard), said=(watch.said - said) / max(1, len(sights)),
    )  # fmt: skip
    for size in load.burst_sizes:
        for kind in ("neighbours", "scattered"):
            if size <= setup.posts:
                told(f"no gateway, bursts of {size} {kind}")
                row.bursts[size, kind] = both_ms(burst(watch, size, kind == "neighbours", load.burst_count, draw, True))
    row.collisions = watch.wire.counters.collisions
    return row


def _with_gateway(watch: Watch, setup: Setup, load: Load, seed: int, told: Callable[[str], None]) -> Row:
    draw = random.Random(f"{seed} real")
    cycle_ms, of_bits = quiet(watch, setup)
    told("walkers in a dark street")
    lamp_ms, dark = walkers(watch, load.walkers, draw)
    told("detections at random")
    sights = at_random(watch, load, draw)
    heard = [sight for sight in sights if sight.gateway_us >= 0]
    row = Row(
        "real", setup, len(sights), both_ms(s.gateway_us - s.seen_us for s in heard),
        both_ms(s.line_us - s.seen_us for s in sights if s.line_us >= 0),
        cycle_ms=cycle_ms, cycle_of_bits=of_bits, lost=len(sights) - len(heard), lamp_ms=lamp_ms, dark=dark,
    )  # fmt: skip
    for size in load.burst_sizes:
        for kind in ("neighbours", "scattered"):
            if size <= setup.posts:
                told(f"bursts of {size} {kind}")
                row.bursts[size, kind] = both_ms(burst(watch, size, kind == "neighbours", load.burst_count, draw))
    row.collisions = watch.wire.counters.collisions
    return row


def quiet(watch: Watch, setup: Setup) -> tuple[float, float]:
    """Milliseconds between two reports of a post where nothing happens, and that against the bits of polls and
    reports."""
    watch.statuses = watch.frame_bytes = 0
    watch.run_s(QUIET_S)
    a_round = watch.statuses / setup.posts
    return QUIET_S * 1000 / a_round, QUIET_S * 1_000_000 / (watch.frame_bytes * setup.byte_us)


def walkers(watch: Watch, count: int, draw: random.Random) -> tuple[tuple[float, float], int]:
    """One at a time: until the last neighbour's lamp acts, of those where all did, and how many others there were."""
    spans, dark = [], 0
    for _ in range(count):
        watch.run_s(draw.random())
        sight = watch.detect(draw.randint(1, len(watch.posts)), follow_lamps=True)
        watch.run_s(ALONE_S)
        if sight is None:
            continue
        others = [at_us for address, at_us in sight.lamps_us.items() if address != sight.post]
        if len(others) < watch.neighbours(sight.post):
            dark += 1
        else:
            spans.append(max(others, default=sight.seen_us) - sight.seen_us)
    return both_ms(spans), dark


def at_random(watch: Watch, load: Load, draw: random.Random) -> list[Sight]:
    """Detections at posts drawn at random, as many a second on the line as `load` says."""
    sights = []
    while len(sights) < load.events:
        watch.run_s(draw.expovariate(load.per_s))
        sight = watch.detect(draw.randint(1, len(watch.posts)))
        if sight is not None:
            sights.append(sight)
    watch.run_s(SETTLE_S)
    return sights


def burst(
    watch: Watch, size: int, neighbours: bool, count: int, draw: random.Random, on_line: bool = False
) -> list[int]:
    """`count` times `size` sensors in the same microsecond: how long until the gateway had the last of each, or until
    it was on the line."""
    sights: list[Sight] = []
    for number in range(count):
        watch.run_s(BURST_S + draw.random())
        if neighbours:
            first = draw.randint(1, len(watch.posts) - size + 1)
            posts = list(range(first, first + size))
        else:
            posts = sorted(draw.sample(range(1, len(watch.posts) + 1), size))
        sights += [sight for sight in (watch.detect(post, number) for post in posts) if sight is not None]
    watch.run_s(SETTLE_S)
    if on_line:
        for sight in sights:
            sight.gateway_us = sight.line_us
    return completions(sights)
