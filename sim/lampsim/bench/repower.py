"""A cabinet of posts repowered together: how soon all are on their plan and reporting, and how busy the lines are.

The posts keep plan and counters in flash and know no time until the gateway tells them. With `gateway_too` the cabinet
loses its power with them and its program starts `BOOT_S` after it has come back, as on a small Linux computer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from lamplighter.gateway.lines import line
from lamppost.light.layers import PRESENCE

from ..virtual.world import Options, World
from .watch import EVENING_UTC_S, plan, street

STEP_S = 0.1
LEVEL_PM = 200  # what watch.plan() asks of every lamp all night
FIRST_S = 3600  # a cabinet whose posts have not all their plan after an hour never will
OFF_S = 10
BOOT_S = 20
GIVE_UP_S = 600
LOAD_S = 1  # busy lines are looked at by the second


@dataclass
class Result:
    """Seconds from the return of the power until the last post had its level by the plan, knew the time, was in
    session, and had reported; the share of the busiest second of any line; looks at lamps that were darker than the
    plan."""

    posts: int
    lines: int
    baud: int
    gateway_too: bool
    first_on_plan_s: float
    lit_s: float = -1.0
    timed_s: float = -1.0
    reporting_s: float = -1.0
    peak_load: float = 0.0
    looks: int = 0
    darker: int = 0

    def to_json(self) -> dict:
        return {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}


def measure(
    posts: int,
    lines: int,
    baud: int,
    turn_us: int,
    seed: int,
    gateway_too: bool,
    told: Callable[[str], None] = lambda what: None,
) -> Result:
    """Commission `posts` on `lines` lines, cut the power for a moment, follow its return. Raises TimeoutError."""
    told(f"{posts} posts on {lines} lines, {baud} baud: switching on for the first time")
    world = World(street(posts, lines), plan(), None, (), seed, EVENING_UTC_S, Options(baud, 0))
    for post in world.posts.values():
        post.turn_us = turn_us
    first_s = _until(world, lambda: _all_run(world), FIRST_S, 1.0)
    _run_s(world, 5)
    told("power is cut")
    gateway = next(iter(world.gateways.values()))
    for post in world.posts.values():
        post.power_off()
    if gateway_too:
        gateway.kill()
    _run_s(world, OFF_S)
    told("power is back" + (", the gateway too" if gateway_too else ""))
    result = Result(len(world.posts), len(world.wires), baud, gateway_too, first_s)
    _follow(world, result)
    return result


def _follow(world: World, result: Result) -> None:
    """From the return of the power on."""
    gateway = next(iter(world.gateways.values()))
    reported: set[tuple[str, int]] = set()
    take = gateway.take

    def taken(port, action: tuple) -> None:
        if isinstance(action, line.Status):
            reported.add((port.bus, action.address))
        take(port, action)

    gateway.take = taken  # type: ignore[method-assign]
    begin_us = world.loop.now_us
    for post in world.posts.values():
        world.loop.after(supply_us(post.index), post.power_on)
    if result.gateway_too:
        world.loop.after(BOOT_S * 1_000_000, gateway.start)
    busy = {name: [wire.busy_us] for name, wire in world.wires.items()}
    per_load = round(LOAD_S / STEP_S)
    while min(result.lit_s, result.timed_s, result.reporting_s) < 0:
        if world.loop.now_us - begin_us > GIVE_UP_S * 1_000_000:
            raise TimeoutError(f"not every post reports {GIVE_UP_S} s after the power came back; run lampsim check")
        _run_s(world, STEP_S)
        now_s = (world.loop.now_us - begin_us) / 1_000_000
        for name, wire in world.wires.items():
            busy[name].append(wire.busy_us)
        if all(post.powered for post in world.posts.values()):
            _look(world, result)
            result.lit_s = now_s if result.lit_s < 0 and _lit(world) else result.lit_s
            result.timed_s = now_s if result.timed_s < 0 and _all_run(world) else result.timed_s
        if result.reporting_s < 0 and len(reported) == len(world.posts):
            result.reporting_s = now_s
    result.peak_load = max(
        (after - before) / (LOAD_S * 1_000_000)
        for marks in busy.values()
        for before, after in zip(marks, marks[per_load:] or marks[-1:], strict=False)
    )


def supply_us(index: int) -> int:
    """Power supplies of one street start within 50 ms of each other."""
    return index * 7919 % 50_000


def _look(world: World, result: Result) -> None:
    for name in world.posts:
        result.looks += 1
        result.darker += world.shown_pm(name) < LEVEL_PM


def _lit(world: World) -> bool:
    return all(world.shown_pm(name) == LEVEL_PM for name in world.posts)


def _all_run(world: World) -> bool:
    """Whether every post runs its plan by a known time, in session with the gateway."""
    for post in world.posts.values():
        real = post.post
        if real is None or not real.plan or real.clock.utc_s(post.t_ms()) is None:
            return False
        if real.decision is None or real.decision.layer >= PRESENCE:
            return False
    return all(len(gateway.online) == len(gateway.posts) for gateway in world.gateways.values())


def _run_s(world: World, seconds: float) -> None:
    world.loop.run_until(world.loop.now_us + round(seconds * 1_000_000))


def _until(world: World, done: Callable[[], bool], most_s: float, step_s: float) -> float:
    begin_us = world.loop.now_us
    while not done():
        _run_s(world, step_s)
        if world.loop.now_us - begin_us > most_s * 1_000_000:
            raise TimeoutError(f"not every post runs its plan after {most_s:g} s; run lampsim check")
    return (world.loop.now_us - begin_us) / 1_000_000
