"""Many silent posts are one alarm with a place; a flicker is none; an alarm that changes stays the same alarm."""

import random

import pytest

from lamplighter.gateway.reports.alarms import BACK_MS, SETTLE_MAX_MS, SETTLE_MS, SILENT_MS, Alarm, Alarms, silences

POSTS = [f"p{number:02}" for number in range(1, 31)]


class Street:
    """Two lines of 30 posts in virtual time, a tick a second."""

    def __init__(self) -> None:
        self.lines = {"bus0": POSTS, "bus1": [f"q{number:02}" for number in range(1, 31)]}
        self.now_ms = 1_000_000
        self.alarms = Alarms(self.lines, self.now_ms)
        self.changes = []
        for posts in self.lines.values():
            self.set(posts, True)
        self.run(60)
        assert self.changes == [], "a street that starts well has no alarm"

    def set(self, posts, there: bool, spread_ms: int = 0) -> None:
        """The posts fall silent or come back, one after the other within spread_ms."""
        for index, post in enumerate(posts):
            self.alarms.heard(post, there, self.now_ms + spread_ms * index // max(1, len(posts)))

    def run(self, seconds: int) -> list:
        before = len(self.changes)
        for _ in range(seconds):
            self.now_ms += 1000
            self.changes += self.alarms.tick(self.now_ms)
        return self.changes[before:]

    def active(self) -> list[Alarm]:
        return [alarm for _, alarm in self.alarms.active()]


LONG_S = (SILENT_MS + SETTLE_MAX_MS) // 1000 + 5


def test_a_feeder_that_lost_supply_is_one_alarm() -> None:
    street = Street()
    street.set(POSTS, False, spread_ms=5000)
    (change,) = street.run(LONG_S)
    assert change.on
    assert change.alarm.kind == "feeder"
    assert len(change.alarm.posts) == 30
    assert change.alarm.text() == "bus0: all 30 posts are silent; supply lost, or cut before p01"
    street.set(POSTS, True, spread_ms=3000)
    (over,) = street.run(60)
    assert (over.number, over.on) == (change.number, False)
    assert street.active() == []


@pytest.mark.parametrize("first", [1, 14, 28])
def test_a_cut_names_its_place(first) -> None:
    street = Street()
    street.set(POSTS[first:], False, spread_ms=8000)
    (change,) = street.run(LONG_S)
    assert (change.alarm.kind, change.alarm.after, change.alarm.before) == ("cut", POSTS[first - 1], POSTS[first])
    assert f"cut between {POSTS[first - 1]} and {POSTS[first]}" in change.alarm.text()


def test_a_section_in_the_middle_and_single_posts() -> None:
    street = Street()
    street.set([*POSTS[4:9], "p20", "p22", "p23", "p30"], False)
    found = {change.alarm.posts: change.alarm.kind for change in street.run(LONG_S)}
    assert found == {
        tuple(POSTS[4:9]): "section", ("p20",): "post", ("p22",): "post", ("p23",): "post", ("p30",): "post"
    }  # fmt: skip


def test_a_flicker_is_no_alarm_and_no_end_of_one() -> None:
    street = Street()
    for _ in range(20):
        street.set(POSTS[3:6], False)
        assert street.run(SILENT_MS // 1000 - 2) == []
        street.set(POSTS[3:6], True)
        assert street.run(3) == []
    street.set(["p05"], False)
    assert len(street.run(LONG_S)) == 1
    for _ in range(10):
        street.set(["p05"], True)
        assert street.run(BACK_MS // 1000 - 2) == []
        street.set(["p05"], False)
        assert street.run(5) == []


def test_an_alarm_that_grows_stays_the_same_alarm() -> None:
    street = Street()
    street.set(POSTS[20:], False)
    (first,) = street.run(LONG_S)
    street.set(POSTS[14:20], False)
    (grown,) = street.run(LONG_S)
    assert grown.number == first.number
    assert (grown.alarm.after, len(grown.alarm.posts)) == ("p14", 16)
    street.set(POSTS, False)
    (all_of_it,) = street.run(LONG_S)
    assert (all_of_it.number, all_of_it.alarm.kind) == (first.number, "feeder")
    street.set(POSTS[:29], True)
    (shrunk,) = street.run(60)
    assert (shrunk.number, shrunk.alarm.kind, shrunk.alarm.posts) == (first.number, "post", ("p30",))


def test_a_line_that_flickers_without_end_is_judged_all_the_same() -> None:
    street = Street()
    street.set(["p30"], False)
    street.run(SILENT_MS // 1000 + 1)
    changes = []
    for turn in range(SETTLE_MAX_MS // 4000 + 2):
        street.alarms.faults("p02", ["door-open"] if turn % 2 else [], street.now_ms)
        changes += street.run(4)
    assert [change.alarm.posts for change in changes] == [("p30",)]


def test_a_port_that_is_gone_says_nothing_of_the_posts() -> None:
    street = Street()
    street.alarms.port("bus1", False, street.now_ms)
    street.set(street.lines["bus1"], False)
    assert {change.alarm.kind for change in street.run(LONG_S)} == {"port"}
    street.alarms.port("bus1", True, street.now_ms)
    street.set(street.lines["bus1"], True)
    assert street.run(LONG_S)[-1].on is False
    assert street.active() == []


def test_the_same_fault_on_half_a_line_is_one_alarm() -> None:
    street = Street()
    for post in POSTS[:15]:
        street.alarms.faults(post, ["supply-low"], street.now_ms)
    for post in street.lines["bus1"][:14]:
        street.alarms.faults(post, ["supply-low"], street.now_ms)
    (change,) = street.run(SETTLE_MS // 1000 + 2)
    assert (change.alarm.kind, change.alarm.bus, change.alarm.fault) == ("common", "bus0", "supply-low")
    assert len(change.alarm.posts) == 15


def test_a_gateway_that_starts_beside_a_dead_line_tells_it_once() -> None:
    alarms = Alarms({"bus0": POSTS}, 0)
    changes = [change for second in range(1, 200) for change in alarms.tick(second * 1000)]
    assert [change.alarm.kind for change in changes] == ["feeder"]


def test_every_silent_post_is_in_exactly_one_alarm() -> None:
    chance = random.Random(3)
    for _ in range(2000):
        order = POSTS[: chance.randrange(1, 31)]
        silent = [chance.random() < chance.choice((0.1, 0.5, 0.95)) for _ in order]
        found = [post for alarm in silences("bus0", order, silent) for post in alarm.posts]
        assert sorted(found) == [post for post, quiet in zip(order, silent, strict=True) if quiet]
