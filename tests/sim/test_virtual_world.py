"""A town of real posts and gateways in virtual time: replayable, complete, and alive without what is broken."""

import random
from functools import cache

import pytest

from lamppost.wire import messages
from lampsim.faults import base as faults_base
from lampsim.town.generate import town
from lampsim.traffic.model import Trip, Trips
from lampsim.virtual import town_life
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING = START_UTC_S + 6 * 3600  # 18:00 UTC in February: dark


@cache
def small(posts: int = 40):
    return town(posts, 1, bus_posts=20)


def world(posts: int = 40, seed: int = 1, people: float = 25.0, seconds: int = 1800, **options) -> World:
    place = small(posts)
    trips = town_life.people(place, seconds / 3600, 18, seed, people) if people else None
    return World(place, town_life.plan(), trips, (), seed, EVENING, Options(**options))


def walker(place, street_posts: int = 6, start_s: float = 200.0) -> tuple[list[str], Trips]:
    """Somebody who walks past the lamps of the street with the most of them."""
    streets: dict[str, list] = {}
    for lamp in place.lamps:
        streets.setdefault((lamp.street, lamp.bus), []).append(lamp)
    lamps = max(streets.values(), key=len)[:street_posts]
    way = [(lamp.x_m, lamp.y_m) for lamp in lamps]
    return [lamp.id for lamp in lamps], Trips([Trip("anna", "pedestrian", way, start_s, 1.4)], 3600)


# --- the same again


def test_the_same_seed_gives_the_same_log_and_another_does_not() -> None:
    runs = [world(posts=24, people=20, seed=seed, seconds=900) for seed in (1, 1, 2)]
    for one in runs:
        one.run_s(900)
    assert runs[0].log_sha256 == runs[1].log_sha256 != runs[2].log_sha256
    first, second = runs[0].recording(), runs[1].recording()
    assert first.counters == second.counters
    assert (first.energy_mwh == second.energy_mwh).all()
    assert first.counters["detections"] > 50
    assert first.counters["level_changes"] > 300


@pytest.mark.parametrize("impair", [{}, {"loss": 0.05}])
def test_the_short_cuts_change_nothing(impair: dict) -> None:
    """Every post hears every byte, or only what means something to it: the same frames, the same light."""
    runs = [world(posts=24, people=40, seconds=600, exact=exact, **impair) for exact in (False, True)]
    for one in runs:
        one.run_s(600)
    short, exact = [one.recording() for one in runs]
    assert short.counters["detections"] == exact.counters["detections"] > 20
    for name in ("frames", "collisions", "level_changes", "items", "lost_frames"):
        assert short.counters[name] == exact.counters[name] or impair, name
    if not impair:
        for name in ("t_ms", "post", "target_pm", "fade_ms", "layer"):
            assert (getattr(short, f"change_{name}") == getattr(exact, f"change_{name}")).all(), name
        assert (short.latencies_ms == exact.latencies_ms).all()


# --- what a street is


def test_every_post_gets_time_and_plan_over_its_line() -> None:
    run = world(people=0)
    run.run_s(120)
    for post in run.posts.values():
        assert post.post is not None
        assert post.post.plan is not None
        clock_s = post.post.clock.utc_s(post.t_ms())
        assert clock_s is not None
        assert abs(clock_s - run.utc_s()) <= 1
        assert post.level_pm == 200, "20 % in the evening"
    gateway = next(iter(run.gateways.values()))
    assert {row["result"] for row in gateway.plans.report()["posts"].values()} == {"applied"}


def test_a_walker_is_lit_ahead_and_the_latency_is_that_of_the_line() -> None:
    place = small()
    lamps, trips = walker(place)
    run = World(place, town_life.plan(), trips, (), 3, EVENING)
    run.run_s(500)
    recording = run.recording()
    last = recording.changes(lamps[-1])
    rises = [recording.change_t_ms[i] for i in last if recording.change_layer[i] == 3]
    seen = [t for t, post in zip(recording.seen_t_ms, recording.seen_post, strict=True)
            if post == recording.index(lamps[-1])]  # fmt: skip
    assert rises, "the lamp at the end rises"
    assert seen
    assert rises[0] < seen[0] - 10_000, "long before the walker is there"
    assert 8 <= recording.latency_ms(50) <= 40, "a frame of 31 bytes at 19,200 baud, and its slot"


def made_by(post) -> set[int]:
    """The numbers of the items of a post that was started once: it goes on with another when it learns the time."""
    first, last = post.post.items.skipped
    return {*range(1, first), *range(last, post.post.items.next_seq)}


def test_readings_made_are_readings_received() -> None:
    run = world(people=0, seconds=7200, cycle_s=900)
    run.run_s(4 * 3600 - 600)
    run.run_s(1200)
    for name, post in run.posts.items():
        numbers = run.centre.posts[name, post.post.item_epoch]
        waiting = {item[0] for item in post.post.items.oldest(256)}
        made = made_by(post)
        assert made <= {number for number in made if number in numbers} | waiting
        assert not set(numbers.missing(100)) & made
        assert len(made) > 15
    assert run.centre.kinds[messages.READING] >= 15 * len(run.posts)
    assert run.centre.doubled == run.centre.repeated == 0


# --- gateways that die


@pytest.mark.parametrize("seed", range(3))
def test_a_gateway_killed_again_and_again_loses_and_doubles_nothing(seed: int) -> None:
    run = world(posts=24, seed=seed, people=40, seconds=1200, cycle_s=60)
    generator = random.Random(seed)
    gateway = next(iter(run.gateways.values()))
    for _ in range(8):
        run.run_s(generator.uniform(20, 100))
        gateway.kill()
        run.run_s(generator.uniform(0.01, 30))
        gateway.start()
    run.traffic = None
    run.run_s(1400)
    assert gateway.starts == 9
    assert run.centre.doubled == 0
    assert not run.centre.gaps()
    for name, post in run.posts.items():
        waiting = {item[0] for item in post.post.items.oldest(256)}
        for seq in made_by(post):
            assert seq in waiting or run.centre.has(name, post.post.item_epoch, seq), (name, seq)


def test_the_way_to_the_centre_is_gone_for_a_while_and_nothing_is_lost() -> None:
    run = world(posts=24, people=40, seconds=900, cycle_s=60)
    gateway = next(iter(run.gateways.values()))
    run.run_s(200)
    gateway.connect(False)
    before = run.centre.received
    run.run_s(300)
    assert run.centre.received == before
    assert gateway.store.rows
    gateway.kill()
    gateway.start()
    run.run_s(60)
    gateway.connect(True)
    run.run_s(300)
    assert not gateway.store.rows
    assert not run.centre.gaps()
    assert run.centre.doubled == 0


def test_the_corridor_works_with_the_gateway_dead() -> None:
    place = small()
    lamps, trips = walker(place, start_s=300.0)
    run = World(place, town_life.plan(), trips, (), 3, EVENING)
    run.run_s(250)
    for gateway in run.gateways.values():
        gateway.kill()
    run.run_s(300)
    recording = run.recording()
    rises = [recording.change_t_ms[i] for i in recording.changes(lamps[-1]) if recording.change_layer[i] == 3]
    assert rises
    assert recording.latency_ms(50) < 120, "silence rules, without polls"


# --- posts that lose power, clock, line


def test_posts_come_back_from_power_cuts_with_their_plan_and_numbers() -> None:
    run = world(posts=20, people=40, seconds=600, cycle_s=60)
    run.run_s(120)
    generator = random.Random(4)
    for _ in range(25):
        post = generator.choice(list(run.posts.values()))
        run.run_s(generator.uniform(0, 20))
        post.power_off()
        assert post.level_pm == 0
        run.run_s(generator.uniform(0, 5))
        post.power_on()
        assert post.post.plan is not None, "from its flash"
        assert post.level_pm == 1000, "full output until the time is known"
    run.run_s(900)  # everybody is at home
    for post in run.posts.values():
        assert post.level_pm == 200
    assert run.centre.doubled == 0
    boots = run.centre.kinds[messages.BOOT]
    assert 20 <= boots <= 45


def test_a_torn_write_leaves_the_record_before() -> None:
    run = world(posts=4, people=0, cycle_s=20)
    run.run_s(60)
    post = next(iter(run.posts.values()))
    plan = post.post.plan_hash
    post.flash_write = lambda name, data: data[: len(data) // 2]
    post.power_off()
    post.power_on()
    assert post.post.plan_hash == plan
    post.flash_write = None
    post.power_off()
    post.power_on()
    run.run_s(60)
    assert post.post.plan_hash == plan
    assert post.level_pm == 200


def test_a_fast_clock_that_wraps_is_kept_right_by_the_gateway() -> None:
    run = world(posts=4, people=0, cycle_s=900)
    post = next(iter(run.posts.values()))
    post.drift_ppm = 200
    post._tick0 = (1 << 30) - 100_000  # wraps after 100 s
    run.run_s(3 * 3600)
    clock_s, ms = post.post.clock.utc(post.t_ms())
    truth_ms = run.start_utc_s * 1000 + run.loop.now_us // 1000
    assert abs(clock_s * 1000 + ms - truth_ms) < 100


def test_a_split_line_lives_on_both_sides_and_mends() -> None:
    run = world(posts=20, people=0, cycle_s=10)
    run.run_s(60)
    bus = next(iter(run.wires))
    far = {post.name for post in run.posts.values() if post.address > 10}
    run.split(bus, 10)
    run.run_s(30)
    gateway = next(iter(run.gateways.values()))
    assert gateway.online == set(run.posts) - far
    assert all(run.posts[name].level_pm == 200 for name in far), "the plan goes on"
    run.mend(bus)
    run.run_s(120)
    assert gateway.online == set(run.posts)


def test_an_unplugged_post_keeps_its_light_and_tells_later() -> None:
    run = world(posts=4, people=0, cycle_s=30)
    run.run_s(60)
    post = next(iter(run.posts.values()))
    post.unplug()
    post.sense(True, 0)
    post.sense(False, 0)
    run.run_s(120)
    assert post.name not in next(iter(run.gateways.values())).online
    post.plug()
    run.run_s(120)
    assert run.centre.kinds[messages.PRESENCE] == 1


def test_noise_and_loss_delay_and_lose_nothing() -> None:
    run = world(posts=20, people=40, seconds=600, cycle_s=30, loss=0.1, bit_error=1e-4)
    run.run_s(600)
    run.traffic = None
    run.run_s(600)
    counters = run.counters()
    assert counters["lost_frames"] > 1000
    assert counters["bit_errors"] > 100
    assert counters["doubled"] == counters["gaps"] == 0
    assert counters["plans_applied"] == 20


def test_a_fault_happens_at_its_time_and_is_noted() -> None:
    class Dark(faults_base.Fault):
        name = "dark"

        def begin(self, world) -> None:
            next(iter(world.posts.values())).power_off()

        def end(self, world) -> None:
            next(iter(world.posts.values())).power_on()

    run = World(small(), town_life.plan(), None, [Dark(100.0, 50.0)], 1, EVENING)
    first = next(iter(run.posts.values()))
    run.run_s(99)
    assert first.powered
    run.run_s(2)
    assert not first.powered
    run.run_s(60)
    assert first.powered
    assert run.recording().faults[0]["at_s"] == 100.0


@pytest.mark.slow
def test_a_week() -> None:
    place = small(12)
    run = World(place, town_life.plan(), town_life.people(place, 24, 13, 1, 5.0), (), 1)
    run.run_s(7 * 86400)
    recording = run.recording()
    assert recording.counters["doubled"] == recording.counters["gaps"] == 0
    assert recording.counters["online"] == 12
    assert recording.counters["readings"] >= 12 * 7 * 95
    noon = [recording.level_pm(0, day * 86_400_000) for day in range(1, 8)]
    night = [recording.level_pm(0, day * 86_400_000 + 8 * 3_600_000) for day in range(7)]
    assert set(noon) == {0}
    assert min(night) >= 200
