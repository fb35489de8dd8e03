"""When a post may speak unasked: after replies and broadcasts at once, after a poll only when it stays silent."""

import unittest

from lamppost.limits import EVENT_TRIES
from lamppost.wire.access import IDLE_MS, RETRY_MS, SLOT_MS, SLOTS, Access, Outgoing
from lamppost.wire.frame import EVERYBODY, GATEWAY


def fixed(byte):
    return lambda size: bytes([byte]) * size


class AccessTest(unittest.TestCase):
    def test_a_window_opens_after_a_frame_that_expects_no_answer(self):
        """[A-2]"""
        for src, dst in ((3, GATEWAY), (3, EVERYBODY), (GATEWAY, EVERYBODY)):
            for byte in (0, 1, 2, 3, 4, 255):
                access = Access(fixed(byte))
                access.frame(src, dst, 1000)
                self.assertEqual(access.free_at(), 1000 + SLOT_MS * (1 + byte % SLOTS))

    def test_after_a_poll_the_line_belongs_to_the_polled_post(self):
        """[A-3]"""
        access = Access(fixed(2))
        access.frame(GATEWAY, 5, 1000)
        self.assertEqual(access.free_at(), 1000 + IDLE_MS + 2 * SLOT_MS)

    def test_bytes_close_the_window(self):
        """[A-4]"""
        access = Access(fixed(0))
        access.frame(3, GATEWAY, 1000)
        access.heard(1002)
        self.assertEqual(access.free_at(), 1002 + IDLE_MS)

    def test_idle_is_longer_than_any_reply_takes_to_begin(self):
        """[A-3] [A-5]"""
        self.assertGreater(IDLE_MS, 50)

    def test_tries_are_counted_and_spread(self):
        """[A-6]"""
        event = Outgoing(9, (0, 0), 1000)
        again = [event.tried(1000, 30) for _ in range(EVENT_TRIES)]
        self.assertEqual(again, [True] * (EVENT_TRIES - 1) + [False])
        self.assertEqual(event.next_ms, 1000 + RETRY_MS * EVENT_TRIES + 30)
        self.assertEqual(event.since_ms, 1000)


if __name__ == "__main__":
    unittest.main()
