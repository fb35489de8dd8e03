"""Which events their senders are told of, and whom a garbled burst asks."""

from hypothesis import given
from hypothesis import strategies as st
from street import Street, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.burst import FRUITLESS_MAX, PAUSE_MS, ROUNDS, Burst
from lamplighter.gateway.lines.hints import DUE_MS, HINTS_MAX, Hints


def test_each_is_told_twice_and_those_never_told_first() -> None:
    hints = Hints()
    for address in (1, 2, 3):
        hints.add(address, 0x102, 1000)
    assert hints.take(2, 1001) == (b"\x01\x02\x02\x02", 1)
    assert hints.take(2, 1002) == (b"\x03\x02\x01\x02", 0)
    assert hints.take(5, 1003) == (b"\x02\x02\x03\x02", 0)
    assert hints.take(5, 1004) == (b"", 0)


def test_one_that_is_heard_again_is_told_again() -> None:
    hints = Hints()
    hints.add(7, 9, 0)
    hints.take(5, 1)
    hints.add(7, 9, 2)
    assert hints.take(1, 3) == (b"\x07\x09", 0)


def test_a_low_byte_that_may_come_again_is_not_named() -> None:
    hints = Hints()
    hints.add(7, 9, 0)
    hints.add(8, 9, 10)
    assert hints.take(5, 1001) == (b"\x08\x09", 0)
    assert hints.take(5, 2000) == (b"", 0)


def test_it_is_due_before_the_sender_tries_again() -> None:
    hints = Hints()
    assert hints.due_ms() is None
    hints.add(7, 9, 100)
    hints.add(8, 9, 120)
    assert hints.due_ms() == 100 + DUE_MS
    hints.take(1, 110)
    assert hints.due_ms() == 120 + DUE_MS
    hints.take(5, 130)
    assert hints.due_ms() is None, "the second time rides in what is said anyway"


@given(st.lists(st.tuples(st.integers(1, 250), st.integers(0, 2**32)), max_size=300), st.integers(1, 5))
def test_hints_are_bounded_and_each_fresh_one_is_told(events, most) -> None:
    hints = Hints()
    for address, number in events:
        hints.add(address, number, 0)
    assert len(hints) <= HINTS_MAX
    told = set()
    while True:
        pairs, more = hints.take(most, 1)
        assert len(pairs) <= 2 * most
        told |= {tuple(pairs[at : at + 2]) for at in range(0, len(pairs), 2)}
        if not more:
            break
    wanted = list(dict.fromkeys((address, number & 255) for address, number in reversed(events)))
    assert told >= set(wanted[: HINTS_MAX // 2])


def test_every_address_gets_a_place_and_gaps_that_nobody_has_are_skipped() -> None:
    burst = Burst([1, 2, 3, 7, 20, 21])
    assert not burst.waiting
    burst.garbled(0)
    assert burst.waiting
    assert burst.next(1) == (1, 3)
    assert burst.left(2) == 1
    assert burst.left(7) == -1
    assert burst.next(2) == (7, 7)
    assert burst.next(3) == (20, 21)
    assert burst.next(4) is None
    assert not burst.under_way


def test_a_board_that_was_found_gets_a_place_too() -> None:
    street = Street(2)
    street.run_until(lambda: street.online() == {1, 2}, 10_000)
    street.give(line.Adopt(9, post_key(9)))
    street.poller._burst.garbled(street.now)
    assert [street.poller._burst.next(street.now) for _ in range(2)] == [(1, 2), (9, 9)]


def test_a_place_that_is_garbled_itself_is_given_once_more() -> None:
    burst = Burst([1, 2])
    burst.garbled(0)
    for _ in range(ROUNDS):
        assert burst.next(1) == (1, 2)
        burst.garbled(2)
    assert burst.next(3) is None


def test_noise_that_no_event_follows_is_not_asked_for_ever() -> None:
    burst = Burst([1, 2])
    now = 0
    for _ in range(FRUITLESS_MAX):
        burst.garbled(now)
        assert burst.next(now) == (1, 2)
        assert burst.next(now + 10) is None
        now += 20
    burst.garbled(now)
    assert not burst.waiting, "it is noise"
    burst.garbled(now + PAUSE_MS)
    assert burst.waiting
    burst.next(now + PAUSE_MS)
    burst.heard()
    assert burst.next(now + PAUSE_MS + 50) is None
    burst.garbled(now + PAUSE_MS + 60)
    assert burst.waiting, "somebody was there: noise is counted anew"
