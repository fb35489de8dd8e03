"""A town in several processes is the town in one."""

from dataclasses import replace

import numpy as np
import pytest

from lamplighter.plans.document import load_value
from lampsim.recording import Recording
from lampsim.town.generate import town as generate
from lampsim.virtual import log, shares, town_life
from lampsim.virtual.sensing import Sensing
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING_S = START_UTC_S + 6 * 3600
HOURS = 0.25


def small(posts: int = 24, cabinets: int = 3):
    """A small town, a cabinet for every few lines."""
    town = generate(posts, 5, bus_posts=4)
    buses = tuple(replace(bus, gateway=f"gw{i % cabinets}") for i, bus in enumerate(town.buses))
    return replace(town, buses=buses)


@pytest.fixture(scope="module")
def parts():
    town = small()
    return town, load_value(town_life.plan()), town_life.people(town, HOURS, 19, 5, 20.0)


@pytest.fixture(scope="module")
def alone(parts) -> tuple[Recording, dict[str, str]]:
    town, plan, people = parts
    world = World(town, plan, people, (), 5, EVENING_S, Options(cycle_s=30))
    return world.run(HOURS), world.log.digests()


@pytest.mark.parametrize("jobs", [1, 2, 9])
def test_however_many_processes_the_run_is_the_same(parts, alone, jobs: int) -> None:
    told: list[float] = []
    ran = shares.run(*parts, 5, Options(cycle_s=30, progress=told.append), HOURS, jobs, EVENING_S)
    one, several = alone[0], ran.recording
    assert ran.jobs == min(jobs, 3)
    assert several.log_sha256 == one.log_sha256
    assert several.counters == one.counters
    assert one.counters["detections"] > 20
    assert one.counters["level_changes"] > 100
    for name in (
        "change_t_ms",
        "change_post",
        "change_target_pm",
        "seen_t_ms",
        "seen_post",
        "energy_mwh",
        "full_h",
        "light_left",
        "light_kept",
    ):
        assert np.array_equal(getattr(several, name), getattr(one, name)), name
    assert np.array_equal(several.latencies_ms, one.latencies_ms)
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_cabinet_that_does_something_else_has_another_hash(alone) -> None:
    digests = alone[1]
    assert set(digests) == {log.COMMON, "gw0", "gw1", "gw2"}
    assert log.whole(digests) == alone[0].log_sha256
    assert log.whole(digests | {"gw1": digests["gw0"]}) != alone[0].log_sha256
    assert log.whole(dict(reversed(digests.items()))) == alone[0].log_sha256


def test_a_share_holds_its_own_posts_only(parts) -> None:
    town, plan, people = parts
    world = World(town, plan, people, (), 5, EVENING_S, Options(cabinets=frozenset({"gw1"})))
    owner = {lamp: bus.gateway for bus in town.buses for lamp in bus.lamps}
    assert set(world.gateways) == {"gw1"}
    assert {owner[post] for post in world.posts} == {"gw1"}
    assert 0 < len(world.posts) < len(town.lamps)


def test_the_biggest_cabinet_goes_first() -> None:
    town = generate(2000, 1)
    posts = {bus.gateway: 0 for bus in town.buses}
    for bus in town.buses:
        posts[bus.gateway] += len(bus.lamps)
    found = shares.cabinets(town)
    assert set(found) == set(posts)
    sizes = [posts[cabinet] for cabinet in found]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(sizes) == 2000


def test_a_process_that_fails_ends_the_run(parts) -> None:
    town, plan, _ = parts
    with pytest.raises(AttributeError):
        shares.run(town, plan, object(), 5, Options(), HOURS, 2, EVENING_S)


def test_a_sensor_sees_the_same_whoever_else_is_looked_at() -> None:
    from lampsim.traffic.model import Trip, Trips
    from lampsim.virtual.loop import Loop

    points = [(20.0 * i, 0.0) for i in range(6)]

    def seen(only):
        loop, found = Loop(), []
        people = Trips([Trip("a", "pedestrian", [(-30.0, 3.0), (150.0, 3.0)], 0.0)], 200)
        hear = lambda i, active, kind: found.append((loop.now_us, i, active))  # noqa: E731
        Sensing(loop, points, people, hear, 3, detection=0.5, only=only).start()
        loop.run_until(200_000_000)
        return found

    every = seen(None)
    assert {i for _, i, _ in every} == set(range(6))
    assert seen([1, 4]) == [edge for edge in every if edge[1] in (1, 4)]
