"""Every fault of the registry in the big engine: it happens, is undone, and afterwards the town is as it should be."""

import random
from functools import cache

import pytest

from lampsim.faults import REGISTRY, Fault
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

    def off(self, post: VirtualPost) -> None:
        assert post.post is not None
        self.made.setdefault(post.name, set()).update(range(self.first[post.name], post.post.items.next_seq))
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
    assert run.centre.doubled == 0
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
        made = book.made.get(name, set()) | set(range(book.first[name], post.post.items.next_seq))
        there = {seq for seq in made if run.centre.has(name, post.post.item_epoch, seq)}
        assert made - there <= waiting | book.gone.get(name, set()), name
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
