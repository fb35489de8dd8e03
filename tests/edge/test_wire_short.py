"""Short frames: the whole counter found again, inputs in their order, lengths on the line."""

import unittest

from wire_pair import (
    BUS_KEY,
    POLL,
    Case,
    frame,
    gateway,
    open_session,
    post,
)

from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import go
from lamppost.wire.seal import Key, fits


class ShortTest(Case):
    def test_the_whole_counter_is_found_again(self):
        """[F-10] Up to 255 requests may be lost; one more, and the seal is wrong."""
        gate, end = gateway(), post()
        open_session(gate, end)
        for lost in (0, 1, 2, 100, 255, 254):
            for _ in range(lost):
                gate.request(1, messages.WHY, (0, 0))
            message = end.receive(frame(gate.request(1, messages.POLL, POLL)))
            self.assertEqual(message.number, gate._sessions[1].asked)
        for _ in range(256):
            gate.request(1, messages.WHY, (0, 0))
        self.refused("bad seal", end.receive, frame(gate.request(1, messages.POLL, POLL)))

    def test_a_poll_of_the_pending_session_is_found(self):
        """[F-10] [S-6]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for _ in range(300):
            end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.assertEqual(open_session(gate, end).number, 1)

    def test_a_still_belongs_to_its_poll(self):
        """[F-10] [S-8]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        late = frame(end.reply(messages.STILL, (1,)))
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.refused("bad seal", gate.receive, late)
        good = frame(end.reply(messages.STILL, (1,)))
        self.assertEqual(gate.receive(good).values, [1])
        self.refused("old counter", gate.receive, good)
        end.receive(frame(gate.request(1, messages.WHY, (0, 0))))
        self.refused("not the answer", gate.receive, frame(end.reply(messages.STILL, (1,))))

    def test_the_inputs_of_a_post_are_in_order_each_for_itself(self):
        """[B-3]"""
        gate, end, other = gateway(), post(number=10), post(2)
        open_session(gate, end)
        order = [(10, 0, 0), (11, 2, 0), (10, 0, 1), (11, 2, 1), (10, 0, 2), (12, 0, 0), (11, 2, 255)]
        for number, source, repeat in order:
            made = frame(end.event(number, 1, source, 0, repeat))
            for hearer in (gate, other):
                message = hearer.receive(made)
                self.assertEqual((message.number, message.values), (number, [1, source, 0, repeat]))
        for number, source, repeat in order:
            made = frame(end.event(number, 1, source, 500, repeat))
            for hearer in (gate, other):
                self.refused("old counter", hearer.receive, made)

    def test_a_go_is_no_message(self):
        """[F-11]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for src in (0, 1, 2):
            made = frame(go(src, 1, 250, b""))
            self.refused("everybody", end.receive, made)
            self.assertRaises(WireError, gate.receive, made)

    def test_nothing_without_a_seal_is_sealed(self):
        """[K-2] A frame of no seal at all must not be equal to a seal cut to nothing."""
        key = Key(BUS_KEY)
        for size in range(6):
            self.assertFalse(fits(key, contexts.BUS, b"x", key.seal(contexts.BUS, b"x")[:size]))

    def test_what_does_not_fit_is_not_sent(self):
        """[F-9]"""
        for values in (
            (-1, b""), (1 << 32, b""), (True, b""), (0, b"x"), (0, bytes(8)), (1, bytes(4)), (0, b"", 2),
            (0, b"", 1, 2), (0, b"", 1, 1, 1), (0, ""), (None, b""), (0, bytearray(2)),
        ):  # fmt: skip
            self.assertRaises(WireError, messages.encode, messages.POLL, values)
        for values in ((3, 0, 0, 0), (0, 4, 0, 0), (0, 0, -1, 0), (0, 0, 0, 256), (0, 0, 0), (0, 0, "", 0)):
            self.assertRaises(WireError, messages.encode, messages.EVENT, values)
        for values in ((256,), (), (1, 1), ("",)):
            self.assertRaises(WireError, messages.encode, messages.STILL, values)
        for values in ((1001, 0, 0, 0), (0, 1001, 0, 0), (0, 0, 16, 0), (0, 0, 0, 6553501), (0, 0, 0), (0, 0, 0, -1)):
            self.assertRaises(WireError, messages.encode, messages.MOVED, (1,) + values)
        for values in ((1, 256, b"", 0), (1, 2), (1, 2, b""), (1, 2, bytes(12), 0), (1, 2, b"", 2)):
            self.assertRaises(WireError, messages.encode, messages.GO, values)

    def test_the_lengths_on_the_line(self):
        """[F-9]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.assertEqual(len(gate.request(1, messages.POLL, POLL)), 12)
        self.assertEqual(len(end.reply(messages.STILL, (1,))), 12)
        self.assertEqual(len(end.reply(messages.MOVED, (1, 1000, 1000, 3, 30000))), 17)
        self.assertEqual(len(end.say()), 16)
        self.assertEqual(len(go(0, 1, 250, b"")), 9)
        self.assertEqual(len(gate.request(1, messages.POLL, (7, b"ab", 1))), 18)


if __name__ == "__main__":
    unittest.main()
