"""The post that keeps the line while the gateway is silent: who, when, what it says, and when it ceases to."""

import unittest

from bench import Bench

from lamppost.wire import messages
from lamppost.wire.access import Timing
from lamppost.wire.frame import Decoder, go
from lamppost.wire.keeper import Keeper
from lamppost.wire.seal import Key

USUAL = Timing(19200)


def said(keeper, t_ms):
    """(low, high, pairs, more) of the GO that is due by then, or None."""
    out = keeper.say(t_ms)
    return None if out is None else Decoder().feed(out[0])[0].values()


class KeeperTest(unittest.TestCase):
    def test_nobody_keeps_the_line_before_an_event_is_said_again(self):
        """[A-11]"""
        keeper = Keeper(1, USUAL)
        keeper.event(7, 0x107, False, 1000, 0)
        keeper.bytes_came(1010)
        self.assertIsNone(keeper.deadline)
        keeper.event(7, 0x107, True, 1200, 0)
        self.assertEqual(keeper.deadline, 1200 + USUAL.keep_ms + USUAL.rank_ms)
        self.assertIsNone(said(keeper, keeper.deadline - 1))
        self.assertEqual(said(keeper, keeper.deadline), [1, 0, b"\x07\x07", 0])
        self.assertIsNone(keeper.deadline)

    def test_a_gateway_that_is_heard_keeps_it(self):
        """[A-11] [A-12]"""
        keeper = Keeper(1, USUAL)
        keeper.event(7, 1, True, 1000, 0)
        keeper.gateway()
        self.assertIsNone(keeper.deadline)
        keeper.event(8, 1, False, 1500, 0)
        self.assertFalse(keeper.alone)
        keeper.event(8, 1, True, 1600, 0)
        self.assertTrue(keeper.alone)
        keeper.event(200, 9, False, 1700, 0)
        self.assertFalse(keeper.alone, "events of posts elsewhere are said by a gateway")

    def test_the_lowest_goes_first_and_then_whoever_kept_it_last(self):
        """[A-11]"""
        keepers = [Keeper(address, USUAL) for address in (2, 3, 9)]
        for keeper in keepers:
            keeper.event(7, 1, True, 1000, 0)
        self.assertEqual(min(keepers, key=lambda one: one.deadline), keepers[0])
        for keeper in keepers[:2]:  # the lowest has died: it says nothing, and hears nothing
            keeper.kept(9, 1, 0, 1100)
        keepers[2].say(keepers[2].deadline)
        for keeper in keepers:
            keeper.event(7, 2, False, 2000, 0)
        self.assertEqual(keepers[2].deadline, 2000 + USUAL.keep_ms)
        self.assertLess(keepers[2].deadline + 1, keepers[0].deadline)

    def test_places_of_a_go_are_not_cut_short(self):
        """[A-11]"""
        keeper = Keeper(1, USUAL)
        keeper.event(7, 1, True, 1000, 12)
        self.assertEqual(keeper.deadline, 1000 + USUAL.keep_ms + 13 * USUAL.rank_ms)

    def test_a_burst_gets_its_order_and_noise_does_not_for_ever(self):
        """[A-11]"""
        keeper = Keeper(4, USUAL)
        keeper.event(2, 1, True, 1000, 0)
        keeper.event(9, 3, False, 1100, 0)
        now = 2000
        for _ in range(3):
            keeper.bytes_came(now)
            now = keeper.deadline
            self.assertEqual(said(keeper, now)[:2], [2, 9])
            now += 100
        keeper.bytes_came(now)
        self.assertIsNone(keeper.deadline, "it is noise")
        keeper.bytes_came(now + 1000)
        self.assertIsNotNone(keeper.deadline)

    def test_two_who_kept_it_last_do_not_garble_each_other_for_ever(self):
        """[A-11]"""
        pair = [Keeper(address, USUAL) for address in (3, 8)]
        for keeper in pair:
            keeper.event(7, 1, True, 1000, 0)
            keeper.say(keeper.deadline)
            keeper._fruitless = 0
        now = 2000
        for _ in range(3):
            for keeper in pair:
                keeper.bytes_came(now)
            first, second = (keeper.deadline for keeper in pair)
            if first != second:
                break
            for keeper in pair:
                keeper.say(first)
            now = first + 20
        self.assertLess(first, second)

    def test_what_it_names_is_bounded_and_said_once(self):
        """[A-6]"""
        keeper = Keeper(1, USUAL)
        for address in range(2, 12):
            keeper.event(address, 5, True, 1000, 0)
            keeper.event(address, 5, True, 1001, 0)
        _, _, pairs, _ = said(keeper, 9999)
        self.assertEqual(pairs, b"".join(bytes((address, 5)) for address in range(7, 12)))
        keeper.event(3, 6, False, 20000, 0)
        self.assertEqual(said(keeper, 29999)[2], b"\x03\x06")

    def test_what_was_heard_while_a_gateway_was_there_is_not_named(self):
        """[A-11] It is said again first."""
        keeper = Keeper(1, USUAL)
        keeper.event(4, 9, False, 1000, 0)
        keeper.event(7, 3, True, 1100, 0)
        self.assertEqual(said(keeper, 9999)[2], b"\x07\x03")


class PostTest(unittest.TestCase):
    def test_a_post_whose_event_nobody_acknowledges_stops_when_a_keeper_names_it(self):
        """[A-6] [A-11]"""
        one = Bench(address=3)
        one.open()
        one.give(("presence", 0, True, 0))
        one.run(40)
        event = one.events()[0]
        one.give(("rx", go(5, 1, 0, bytes((3, event.counter & 255)))))
        one.give(("presence", 0, False, 0))
        one.run(2000)
        self.assertEqual(one.events(), [])

    def test_a_post_keeps_the_line_for_its_neighbour(self):
        """[A-11]"""
        one, other = Bench(address=3), Bench(address=9, seed=4)
        one.open()
        other.open()
        event = other.post.line._link.event(70, 0, 0)
        for _ in range(2):
            one.give(("rx", event))
            one.run(60)
        gos = [frame for frame in one.sent if frame.type == messages.GO]
        self.assertEqual([(frame.src, frame.values()[:3]) for frame in gos], [(3, [1, 0, bytes((9, 70))])])
        one.give(("rx", one.gateway.time((835401600, 0, 5))))
        one.sent = []
        one.give(("rx", other.post.line._link.event(71, 0, 0)))
        one.run(60)
        self.assertEqual([frame for frame in one.sent if frame.type == messages.GO], [])

    def test_a_repetition_that_somebody_forged_makes_no_keeper(self):
        """[A-11] Its number is old, but it takes the bus key to say so."""
        one, other, stranger = Bench(address=3), Bench(address=9, seed=4), Bench(address=9, seed=5)
        for bench in (one, other):
            bench.open()
        stranger.post.line._link.bus = Key(bytes(32))
        one.give(("rx", other.post.line._link.event(70, 0, 0)))
        for number in (70, 69, 70):
            one.give(("rx", stranger.post.line._link.event(number, 0, 0)))
            one.run(60)
        self.assertEqual([frame for frame in one.sent if frame.type == messages.GO], [])
        self.assertFalse(one.post.line.listening)
        self.assertTrue("bad seal" in one.post.line.last_refusal)


if __name__ == "__main__":
    unittest.main()
