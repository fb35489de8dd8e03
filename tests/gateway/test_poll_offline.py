"""Posts, lines and gateways that go away and come back: how soon, and where they go on."""

import pytest
from asking import ask
from street import BUS_KEY, UTC_MS, Street, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.procedures import command
from lamppost.wire import messages
from lamppost.wire.post_link import PostLink


def test_a_post_without_power_is_offline_soon_and_back_soon() -> None:
    street = Street(6)
    street.run(2000)
    street.lamp(4).powered = False
    took = street.run_until(lambda: 4 not in street.online(), 5000)
    assert took <= 2500
    ask(street, "late", 4, command(1, messages.IDENTIFY, for_s=1))
    assert street.result("late").error == "is offline"
    street.run(street.now + 10_000)
    street.lamp(4).powered = True
    street.lamp(4).start()
    assert street.run_until(lambda: 4 in street.online(), 5000) <= 2500


def test_dead_posts_take_a_small_share_of_the_line() -> None:
    street = Street(32)
    for lamp in street.lamps[:16]:
        lamp.powered = False
    street.run(10_000)
    start, before = street.now, len(street.of(line.Status))
    retries = street.poller.counters.retries
    street.run(start + 20_000)
    assert len(street.of(line.Status)) - before >= 20 * 16, "the living ones are polled as before"
    assert street.poller.counters.retries - retries <= 11


def test_a_repowered_line_is_back_at_once() -> None:
    street = Street(32)
    for lamp in street.lamps:
        lamp.powered = False
    street.run(20_000)
    assert not street.online()
    for lamp in street.lamps:
        lamp.powered = True
        lamp.start()
    assert street.run_until(lambda: len(street.online()) == 32, 20_000) <= 4000


def test_a_post_that_lost_its_counters_begins_a_new_epoch() -> None:
    street = Street(1)
    street.run(1000)
    first = street.of(line.Online)[-1].epoch
    street.lamp(1).wipe()
    street.run(5000)
    second = street.of(line.Online)[-1].epoch
    assert first != second
    street.sense(1)
    street.run(6000)
    assert len(street.lamp(1).post.items) == 0
    assert any(key[1] == second and item[1] == messages.PRESENCE for key, item in street.stored.items())


def test_a_restarted_gateway_goes_on_where_the_disk_says() -> None:
    street = Street(2)
    street.run(1000)
    for _ in range(5):
        street.sense(1)
        street.run(street.now + 200)
    epoch, stored = street.of(line.Items)[-1].epoch, max(key[2] for key in street.stored if key[0] == 1)
    keys = {1: post_key(1), 2: post_key(2)}
    epoch = next(key[1] for key in street.stored if key[0] == 1)
    street.poller = street.make_poller(keys, street.reserved[-1], {1: (epoch, stored)})
    street.give(line.Clock(UTC_MS + 3_600_000, 10))
    street.said.clear()
    street.run(street.now + 5000)
    assert street.online() == {1, 2}
    assert not [items for items in street.of(line.Items) if items.address == 1]
    assert abs(street.lamp(1).post.clock.utc_s(street.now) - (UTC_MS + 3_600_000 + 5000) // 1000) <= 1, "time is fresh"


def test_a_line_that_goes_down_says_so_and_recovers() -> None:
    street = Street(2)
    street.run(1000)
    ask(street, "x", 1, command(1, messages.IDENTIFY, for_s=1))
    street.give(line.LineDown())
    assert street.online() == set()
    assert street.result("x").error == "the line is down" or street.result("x").value is not None
    street.run(street.now + 3000)
    assert street.online() == {1, 2}


@pytest.mark.parametrize("baud", [9600, 115200])
def test_a_gateway_that_begins_or_comes_back_listens_first(baud) -> None:
    """[A-14] A post may be speaking, and one may keep the line."""
    street = Street(3, baud=baud)
    said = PostLink(1, post_key(1), BUS_KEY, bytes).event(1, 0, 0)
    poller = street.make_poller({1: post_key(1)}, 0)
    for _ in range(2):
        at = street.now
        assert not [action for action in poller.handle(None, at) if isinstance(action, line.Send)]
        for part in range(0, len(said), 4):  # it came in the middle of an event
            at += 12
            actions = poller.handle(line.Received(said[part : part + 4]), at)
            assert not [action for action in actions if isinstance(action, line.Send)]
        until = poller.deadline()
        assert until is not None
        assert at < until <= at + 60
        assert [action for action in poller.handle(None, until) if isinstance(action, line.Send)]
        poller.handle(line.LineDown(), until)
        street.now = until + 3000
