"""When a post may speak unasked: in the slot behind a frame that expects no answer, at its place after a GO, and where
nobody speaks at all."""

import unittest

from lamppost.limits import EVENT_TRIES, EVENT_TRIES_ALONE
from lamppost.wire.access import RETRY_MS, SLOTS, Access, Outgoing, Timing

SLOW, USUAL, FAST = Timing(9600), Timing(19200), Timing(115200)
ME = 7


def access(byte=0, timing=USUAL, address=ME):
    return Access(address, timing, lambda size: bytes([byte]) * size)


class TimingTest(unittest.TestCase):
    def test_the_stated_moments(self):
        """[A-8]"""
        for timing, slot, rank, event in ((SLOW, 5, 3, 17), (USUAL, 4, 2, 9), (FAST, 4, 2, 2)):
            self.assertEqual((timing.slot_ms, timing.rank_ms, timing.event_ms), (slot, rank, event))
            self.assertEqual((timing.turn_ms, timing.late_ms, timing.reply_ms, timing.idle_ms), (2, 0, 20, 30))
        busy = Timing(38400, 8)
        self.assertEqual((busy.slot_ms, busy.rank_ms, busy.late_ms, busy.reply_ms, busy.idle_ms), (12, 4, 2, 50, 60))

    def test_a_start_can_be_heard_before_the_slot_ends_and_before_the_next_rank(self):
        """[A-8] For every speed and turn-around, whatever the phase of two clocks of whole milliseconds."""
        for baud in (9600, 19200, 38400, 57600, 115200):
            for turn in (1, 2, 3, 8, 10, 50):
                timing = Timing(baud, turn)
                shown_us = 10000000 // baud + 1000  # a character, and a millisecond of phase
                self.assertGreater(timing.slot_ms * 1000, (turn + timing.late_ms) * 1000 + shown_us)
                self.assertGreater(timing.rank_ms * 1000, timing.late_ms * 1000 + shown_us)
                self.assertGreater(timing.idle_ms, timing.reply_ms)
                self.assertGreater(timing.free_ms, timing.slot_ms)


class AccessTest(unittest.TestCase):
    def test_a_slot_stands_behind_a_frame_that_expects_no_answer(self):
        """[A-2]"""
        for end in (lambda one: one.done(1000), lambda one: one.event(3, 1000)):
            one = access()
            end(one)
            self.assertEqual(one.due(900), 1002)
            self.assertEqual(one.due(1002), 1002)
            self.assertTrue(one.may(1002))

    def test_who_comes_too_late_for_the_slot_waits_for_silence(self):
        """[A-2] [A-3]"""
        for byte in range(8):
            one = access(byte)
            one.done(1000)
            free = 1000 + USUAL.free_ms + USUAL.slot_ms * (byte % SLOTS)
            self.assertEqual(one.due(1003), free)
            self.assertFalse(one.may(1003), "its interpreter was late")
            self.assertEqual(one.due(900), free)
            self.assertTrue(one.may(free))

    def test_after_a_request_the_line_belongs_to_who_was_asked(self):
        """[A-3]"""
        one = access(2)
        one.request(1000)
        self.assertEqual(one.due(900), 1000 + USUAL.idle_ms + 2 * USUAL.slot_ms)

    def test_bytes_end_the_slot(self):
        """[A-4]"""
        one = access()
        one.done(1000)
        one.heard(1001)
        self.assertEqual(one.due(900), 1001 + USUAL.idle_ms)

    def test_a_go_gives_each_a_place(self):
        """[A-9]"""
        for rank, address in enumerate(range(5, 10)):
            one = access(address=address)
            one.go(5, 9, 1000)
            self.assertEqual(one.due(900), 1002 + rank * USUAL.rank_ms)

    def test_outside_a_go_nobody_speaks_while_its_places_are_counted(self):
        """[A-9]"""
        for address in (4, 10):
            one = access(address=address)
            one.go(5, 9, 1000)
            self.assertEqual(one.due(900), 1002 + 5 * USUAL.rank_ms + USUAL.free_ms)
            one.event(6, 1020)
            self.assertEqual(one.due(900), 1022 + 3 * USUAL.rank_ms + USUAL.free_ms)

    def test_an_event_in_a_go_moves_the_places_behind_it(self):
        """[A-9]"""
        one = access()
        one.go(5, 9, 1000)
        one.heard(1003)
        self.assertGreater(one.due(900), 1020, "somebody speaks")
        one.event(5, 1012)
        self.assertEqual(one.due(900), 1014 + USUAL.rank_ms)
        one.event(6, 1024)
        self.assertEqual(one.due(900), 1026)
        one.event(ME, 1036)
        self.assertGreater(one.due(900), 1036 + USUAL.turn_ms + 2 * USUAL.rank_ms, "its place is over")

    def test_places_that_nobody_took_are_over(self):
        """[A-9]"""
        one = access()
        one.go(1, 9, 1000)
        self.assertEqual(one.places, 9)
        late = 1002 + 9 * USUAL.rank_ms + USUAL.event_ms + 1
        one.event(2, late)
        self.assertEqual((one.places, one.due(900)), (0, late + USUAL.turn_ms))

    def test_a_go_without_places_only_acknowledges(self):
        """[A-9] [A-1]"""
        one = access()
        one.go(5, 9, 1000)
        one.go(1, 0, 1100)
        self.assertEqual(one.due(900), 1102)

    def test_the_next_request_ends_the_places(self):
        """[A-9]"""
        one = access()
        one.go(5, 9, 1000)
        one.request(1100)
        one.event(8, 1200)
        self.assertEqual(one.due(900), 1202)


class OutgoingTest(unittest.TestCase):
    def test_tries_are_counted_and_spread(self):
        """[A-6]"""
        event = Outgoing(9, (0, 0), 1000, 1002)
        self.assertEqual(event.next_ms, 1002)
        for number in range(1, EVENT_TRIES_ALONE + 1):
            self.assertFalse(event.over)
            event.tried(1000, 30)
            self.assertEqual(event.next_ms, 1000 + RETRY_MS * number + 30)
        self.assertTrue(event.over)
        self.assertEqual(event.since_ms, 1000)

    def test_a_failure_that_is_told_is_tried_again_at_once(self):
        """[A-6]"""
        event = Outgoing(9, (0, 0), 1000, 1002)
        event.missed(1001)
        self.assertEqual(event.next_ms, 1002, "it was never said")
        for number in range(EVENT_TRIES):
            self.assertFalse(event.over, number)
            event.tried(1100, 30)
            event.missed(1110)
            self.assertEqual(event.next_ms, 1110)
            event.missed(1120)
            self.assertEqual(event.next_ms, 1110, "told once")
        self.assertTrue(event.over)


if __name__ == "__main__":
    unittest.main()
