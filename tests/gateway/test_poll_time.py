"""The time told to real Posts: after a step of the gateway's clock, and against crystals at their worst."""

from street import UTC_MS, Street

from lamplighter.gateway.lines import line
from lamppost.wire import messages
from lamppost.wire.frame import Decoder


def test_a_gateway_whose_clock_is_stepped_tells_every_post_in_its_session() -> None:
    """[T-6]"""
    street = Street(16)
    street.run(5000)
    for ahead_ms in (3_600_000, -7_200_000, 1_800):
        street.give(line.Clock(UTC_MS + street.now + ahead_ms, 10))

        def right(ahead_ms: int = ahead_ms) -> bool:
            true_s = (UTC_MS + street.now + ahead_ms) // 1000
            return all(abs(lamp.post.clock.utc_s(street.now) - true_s) <= 1 for lamp in street.lamps)

        assert street.run_until(right, 14_000) <= 12_000, "nobody is told more often than every ten seconds"
    street.run(street.now + 11_000)
    sessions = [frame for frame in sent(street) if frame.type == messages.SET_TIME]
    before = len(sessions)
    street.run(street.now + 30_000)
    assert len([frame for frame in sent(street) if frame.type == messages.SET_TIME]) == before, "all is well"


def test_posts_that_run_at_the_worst_drift_stay_within_twenty_milliseconds() -> None:
    """At 115,200 baud, in virtual time, the drift of each post unlearned."""
    street = Street(8, baud=115200)
    for lamp in street.lamps:
        lamp.handle = drifting(lamp, (lamp.address - 4) * 25)
    street.run(3000)
    worst = 0
    for _ in range(600):
        street.run(street.now + 173)
        for lamp in street.lamps:
            utc_s, ms = lamp.post.clock.utc(lamp.own_ms(street.now))
            worst = max(worst, abs(utc_s * 1000 + ms - UTC_MS - street.now))
    print("worst clock:", worst, "ms")
    assert worst <= 20


def sent(street: Street) -> list:
    """The frames of the gateway."""
    return [frame for _, who, data in street.frames if who is None for frame in Decoder().feed(data)]


def drifting(lamp, ppm: int):
    """`Lamp.handle` on a crystal that is so many millionths fast."""
    handle = lamp.handle
    lamp.own_ms = lambda now: now + now * ppm // 1_000_000

    def run(event, now: int) -> list[bytes]:
        frames = handle(event, lamp.own_ms(now))
        lamp.wake_ms = max(now + 1, lamp.wake_ms - now * ppm // 1_000_000)
        return frames

    return run
