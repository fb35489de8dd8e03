"""Every fault of the registry in the big engine: it happens, is undone, and afterwards the town is as it should be."""

import random
from functools import cache

import pytest

from lamppost.wire.post_link import event_place
from lampsim.faults import REGISTRY, Fault
from lampsim.faults.hostile import opened, stuffed
from lampsim.town.generate import town
from lampsim.virtual import town_life
from lampsim.virtual.post import VirtualPost
from lampsim.virtual.world import START_UTC_S, Options, World

EVENING = START_UTC_S + 6 * 3600  # 18:00 UTC in February: dark
PLAN_PM = 200
FAULTY_S, QUIET_S = 150, 420  # a plan that was lost on its way is sent again within 300 s


@cache
def small():
    return town(8, 1, bus_posts=4)


class Book:
    """What the posts made, and what a power cut took with it."""

    def __init__(self) -> None:
        self.first: dict[str, int] = {}
        self.made: dict[str, set[int]] = {}
        self.gone: dict[str, set[int]] = {}

    def on(self, post: VirtualPost) -> None:
        assert post.post is not None
        self.first[post.name] = post.post.items.oldest(1)[0][0]

    def now(self, post: VirtualPost) -> set[int]:
        """The numbers of this start; when it learns the time it leaves some out."""
        assert post.post is not None
        items, first = post.post.items, self.first[post.name]
        begin, end = items.skipped
        return {*range(first, begin), *range(max(first, end), items.next_seq)}

    def off(self, post: VirtualPost) -> None:
        assert post.post is not None
        self.made.setdefault(post.name, set()).update(self.now(post))
        self.gone.setdefault(post.name, set()).update(item[0] for item in post.post.items.oldest(1000))


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch) -> Book:
    kept, power_on, power_off = Book(), VirtualPost.power_on, VirtualPost.power_off

    def on(post: VirtualPost) -> None:
        before = post.post
        power_on(post)
        if post.post is not None and post.post is not before:
            kept.on(post)

    def off(post: VirtualPost) -> None:
        if post.post is not None:
            kept.off(post)
        power_off(post)

    monkeypatch.setattr(VirtualPost, "power_on", on)
    monkeypatch.setattr(VirtualPost, "power_off", off)
    return kept


def world(seed: int = 1, people: float = 60.0, **options) -> World:
    trips = town_life.people(small(), FAULTY_S / 3600, 18, seed, people) if people else None
    chosen = {"cycle_s": 5, "reading_s": 60} | options
    return World(small(), town_life.plan(), trips, (), seed, EVENING, Options(**chosen))


def drawn(run: World, name: str, seed: int, count: int = 3) -> list[Fault]:
    """Faults of one class, all over before FAULTY_S."""
    draw = random.Random(f"{name} {seed}")
    shape = run.stage.shape(FAULTY_S)
    found = []
    for _ in range(count):
        at_s = round(draw.uniform(0, FAULTY_S * 0.7), 3)
        found.append(REGISTRY[name].draw(draw, shape, at_s, round(draw.uniform(0.5, FAULTY_S - at_s - 1), 3)))
    return found


def is_well(run: World, book: Book) -> None:
    assert sorted(post for gateway in run.gateways.values() for post in gateway.online) == sorted(run.posts)
    assert not run.centre.gaps()
    excused = run.stage.stores_lost or run.stage.forged  # a new store; a forged event with a number of the post's own
    assert run.centre.doubled == 0 or excused
    for gateway in run.gateways.values():
        report = gateway.plans.report()
        assert report is not None
        assert {row["result"] for row in report["posts"].values()} == {"applied"}
        assert not gateway.store.rows
    for name, post in run.posts.items():
        assert post.post is not None
        assert post.level_pm >= PLAN_PM, name
        clock_s = post.post.clock.utc_s(post.t_ms())
        assert clock_s is not None
        assert abs(clock_s - run.utc_s()) <= 1
        waiting = {item[0] for item in post.post.items.oldest(1000)}
        made = book.made.get(name, set()) | book.now(post)
        there = {seq for seq in made if run.centre.has(name, post.post.item_epoch, seq)}
        lost = {seq for post, seq in run.stage.lost_items if post == name}
        assert made - there <= waiting | lost | book.gone.get(name, set()), name
        assert len(waiting) <= 1, "a reading of the last seconds"


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_town_recovers_from_each(name: str, book: Book) -> None:
    run = world()
    for fault in drawn(run, name, 1):
        run.apply(fault)
    run.run_s(FAULTY_S + QUIET_S)
    assert len(run.faults) == 3
    is_well(run, book)


def test_all_of_them_at_once_and_the_same_twice(book: Book) -> None:
    hashes = []
    for _ in range(2):
        run = world(seed=5, loss=0.02)
        for name in sorted(REGISTRY):
            for fault in drawn(run, name, 5, 1):
                run.apply(fault)
        run.run_s(FAULTY_S + QUIET_S)
        is_well(run, book)
        hashes.append(run.log_sha256)
    assert hashes[0] == hashes[1]


# --- what each does while it lasts


def alone(**options) -> tuple[World, VirtualPost]:
    run = world(people=0, **options)
    run.run_s(60)
    return run, run.posts["p0002"]


def test_a_dead_sensor_sees_nobody_and_a_stuck_one_somebody() -> None:
    run, post = alone()
    run.sense(post.name, True, 1)
    assert post.post is not None
    assert post.post._present
    run.stage.set_sensor(post.name, "dead")
    assert not post.post._present
    run.stage.set_sensor(post.name, "")
    assert post.post._present, "the same person is there still"
    run.sense(post.name, False, 1)
    assert not post.post._present
    run.stage.set_sensor(post.name, "stuck")
    run.sense(post.name, True, 0)
    run.sense(post.name, False, 0)
    assert post.post._present
    run.stage.power(post.name, False)
    run.stage.power(post.name, True)
    assert post.post._present


def test_a_lamp_that_fails_is_dark_and_its_post_measures_it() -> None:
    run, post = alone()
    run.stage.set_lamp(post.name, False)
    run.run_s(120)
    assert post.post is not None
    assert run.shown_pm(post.name) == post.level_pm == 0
    assert post.post.meter.power_mw == run.power_mw(post.name) < 1000
    run.stage.set_lamp(post.name, True)
    run.run_s(1)
    assert run.shown_pm(post.name) == PLAN_PM
    assert post.post.meter.power_mw == run.power_mw(post.name) > 1000


def test_a_torn_write_takes_the_power_and_leaves_the_record_before() -> None:
    run, post = alone()
    run.stage.power_torn(post.name, random.Random(1))
    assert post.post is not None
    boots, plan = post.post.boots, post.post.plan_hash
    run.desire(town_life.plan() | {"safeFloor": 7})
    run.run_s(60)
    assert not post.powered
    assert run.shown_pm(post.name) == 0
    run.stage.power(post.name, True)
    assert post.post is not None
    assert post.post.boots == boots + 1
    assert post.post.plan_hash == plan


def test_those_behind_a_cut_hear_each_other_and_no_gateway() -> None:
    run, _ = alone()
    lines = run.stage.shape(1).lines
    line = next(iter(lines))
    some = lines[line][2:]
    run.stage.part(line, some, True)
    run.run_s(120)
    online = {post for gateway in run.gateways.values() for post in gateway.online}
    assert online == set(run.posts) - set(some)
    addresses = [run.posts[name].address for name in some]
    run.sense(some[0], True, 0)
    run.run_s(1)
    other = run.posts[some[1]].post
    assert other is not None
    assert other.line is not None
    assert other.line._link.heard.get(event_place(addresses[0], (0, 0)), 0) > 0


def test_a_clock_that_drifts_keeps_what_it_has_counted() -> None:
    run, post = alone()
    before_ms = post.t_ms()
    run.stage.drift(post.name, 5000)
    assert post.t_ms() == before_ms
    run.run_s(100)
    assert post.t_ms() - before_ms == pytest.approx(100_500, abs=2)
    run.stage.drift(post.name, -5000)
    run.run_s(100)
    assert post.t_ms() - before_ms == pytest.approx(200_000, abs=3)


def test_nothing_that_a_stranger_says_is_taken() -> None:
    """Above all events with a false seal, which posts of the big engine take on trust from each other."""
    run, post = alone()
    neighbour = run.posts["p0001"]
    line = run.stage.shape(1).lines
    bus = next(name for name, posts in line.items() if post.name in posts)
    assert neighbour.name in line[bus]
    run.sense(neighbour.name, True, 0)
    run.sense(neighbour.name, False, 0)
    run.run_s(5)
    heard = [opened(data) for data in run.stage.overheard(bus)]
    event = next(body for body in reversed(heard) if body and body[0] >> 5 == 3 and body[1] == neighbour.address)
    assert post.post is not None
    assert post.post.line is not None
    known, refused = dict(post.post.line._link.heard), post.post.line.refused
    forged = bytearray(event)
    forged[2:6] = (int.from_bytes(event[2:6], "big") + 9).to_bytes(4, "big")
    for body in (bytes(event), bytes(forged)):
        run.stage.inject(bus, stuffed(body))
        run.run_s(0.5)
    assert post.post.line._link.heard == known
    assert post.post.line.refused == refused + 2


def test_what_a_dying_broker_took_comes_again_and_counts_once() -> None:
    run, _ = alone()
    run.stage.set_broker(False)
    items = sum(run.centre.kinds.values())
    run.run_s(200)
    taken = sum(run.centre.kinds.values()) - items
    run.stage.set_broker(True)
    run.run_s(10)
    assert run.centre.repeated == taken > 0
    assert run.centre.doubled == 0
