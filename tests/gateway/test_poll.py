"""The poll scheduler against real Posts in virtual time, on a good line: items, events, and what it costs."""

from street import BUS_KEY, UTC_MS, Street

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamppost.wire import messages
from lamppost.wire.frame import Decoder


def test_every_post_comes_online_tells_its_status_and_gets_the_time() -> None:
    street = Street(24)
    took = street.run_until(lambda: len(street.online()) == 24, 5000)
    assert took <= 24 * 70, "a greeting and a poll each, with their windows"
    street.run(street.now + 3000)
    assert {status.address for status in street.of(line.Status)} == set(range(1, 25))
    for lamp in street.lamps:
        utc, sub_ms = lamp.post.clock.utc(street.now)
        assert abs(utc * 1000 + sub_ms - (UTC_MS + street.now)) <= 5, "the moment the last byte left"


def test_items_come_once_in_order_and_are_forgotten_when_stored() -> None:
    street = Street(3)
    street.run(1000)
    for _ in range(30):
        street.sense(2)
        street.run(street.now + 287)
    street.run(street.now + 2000)
    assert len(street.lamp(2).post.items) == 0
    seqs = [item[0] for items in street.of(line.Items) if items.address == 2 for item in items.items]
    assert seqs == sorted(seqs)
    assert sum(key[0] == 2 and item[1] == messages.PRESENCE for key, item in street.stored.items()) == 30


def test_a_post_keeps_items_until_they_lie_on_disk() -> None:
    street = Street(1, store_ms=3_600_000)
    street.run(20_000)
    assert street.of(line.Items)
    assert len(street.lamp(1).post.items) == 1, "the boot item is not acknowledged"


def test_an_event_arrives_at_once_and_again_as_the_same_item() -> None:
    street = Street(8)
    street.run(3010)  # between two polls: at the very moment of one they would collide
    street.sense(5, 1)
    took = street.run_until(lambda: street.of(line.Heard), 200)
    heard = street.of(line.Heard)[0]
    assert took <= 60
    assert (heard.address, heard.user_class, heard.input) == (5, 1, 0)
    street.run(street.now + 1000)
    assert (5, heard.epoch, heard.seq) in street.stored
    assert len(street.of(line.Heard)) == 1, "the hint in the polls stops repetitions"


def test_the_scheduler_does_not_spin() -> None:
    street = Street(3)
    street.run(2000)
    calls = street.calls
    street.run(12_000)
    assert street.calls - calls < 10 * 400, "some 30 exchanges a second, a handful of calls each"


class Quiet(Street):
    """A line where nothing is asked for minutes."""

    def make_poller(self, keys, counter, acks=None):
        reserve = self.reserved.append
        return Poller(keys, BUS_KEY, self.baud, self.random.randbytes, counter, reserve, acks, cycle_ms=600_000)


def test_where_nothing_is_asked_an_event_is_acknowledged_and_said_once() -> None:
    """[A-6]"""
    street = Quiet(4, baud=19200)
    street.run(60_000)
    lamp = street.lamp(2)
    street._lamp(lamp, ("presence", 0, 1, 0))  # somebody comes, and stays
    street.run(121_500)
    seen = [frame for _, _, data in street.frames for frame in Decoder().feed(data)]
    said = [(frame.counter, frame.values()[3]) for frame in seen if frame.type == messages.EVENT]
    assert len(said) == len(set(said)) >= 3
    assert not lamp.post.line.out
    assert sum(frame.type == messages.GO for frame in seen) >= len(said) - 1
