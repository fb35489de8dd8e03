"""A post that speaks without end: the real gateway finds it among the real posts and keeps it silent."""

import pytest

from lamplighter.gateway.lines.disturbed import TRIAL_S
from lampsim.faults.lines import Jabber, MadPost
from lampsim.town.generate import town
from lampsim.virtual import town_life
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING = START_UTC_S + 6 * 3600


PLACE = town(32, 1, bus_posts=32)


def street(fault) -> World:
    return World(PLACE, town_life.plan(), None, (fault,), 1, EVENING, Options())


def line_of(world):
    (gateway,) = world.gateways.values()
    (line,) = gateway.disturbed.lines.values()
    return line


def silenced(world) -> dict[str, float]:
    """How long each post still has to keep silent, in seconds."""
    left = {name: (one.post.line.silent_ms - one.t_ms()) / 1000 for name, one in world.posts.items()}
    return {name: round(seconds) for name, seconds in left.items() if seconds > 0}


@pytest.mark.parametrize("number", [1, 17, 32])
def test_it_is_found_and_kept_silent_and_nobody_else_is(number) -> None:
    mad = PLACE.lamps[number - 1].id
    world = street(MadPost(60.0, 300.0, mad))
    world.run_s(60)
    line = line_of(world)
    assert line.guilty is None
    for second in range(61, 240):
        world.run_s(second - world.loop.now_us / 1e6)
        if line.guilty:
            break
    assert line.guilty == mad
    print(f"post {number} of 32 is named after {second - 60} s")
    assert second - 60 < 150
    world.run_s(2 * TRIAL_S)
    assert list(silenced(world)) == [mad]
    (gateway,) = world.gateways.values()
    assert mad in gateway.online, "it still answers"
    noise = next(iter(gateway.ports.values())).poller.counters.noise_bytes
    world.run_s(20)
    assert next(iter(gateway.ports.values())).poller.counters.noise_bytes == noise, "the line is quiet"


def test_noise_of_a_stranger_is_blamed_on_nobody() -> None:
    world = street(Jabber(60.0, 600.0, PLACE.lamps[0].bus))
    world.run_s(330)
    line = line_of(world)
    assert line.guilty is None
    assert line.noisy
    assert silenced(world) == {}


def test_a_street_full_of_people_is_no_disturbance() -> None:
    trips = town_life.people(PLACE, 0.25, 18, 1, 1500.0)
    world = World(PLACE, town_life.plan(), trips, (), 1, EVENING, Options(baud=19_200))
    said = []
    world.run_s(5)
    line = line_of(world)
    tick = line.tick
    line.tick = lambda *args: said.append(tick(*args))  # type: ignore[method-assign]
    world.run_s(895)
    counters = next(iter(next(iter(world.gateways.values())).ports.values())).poller.counters
    print(f"{counters.heard_bytes} bytes heard, {counters.noise_bytes} of them noise")
    assert counters.frames_rx > 3000
    assert not any(said)
    assert not line.noisy
