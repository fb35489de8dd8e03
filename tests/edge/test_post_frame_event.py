"""A board whose receiver finds frames itself hands them over whole; the post does the same with them as with bytes."""

import unittest

from bench import ANSWER_MS, NOON, Bench, plan_bytes

from lamppost.limits import TICKS_MASK
from lamppost.wire import messages
from lamppost.wire.frame import Decoder


class FrameEventTest(unittest.TestCase):
    def setUp(self):
        saved = {"plan": plan_bytes(neighbours=((9, 250, 90),))}
        self.benches = [Bench(saved=dict(saved)), Bench(saved=dict(saved))]

    def both(self, data):
        """Give one the bytes and the other the frames in them; return what both did."""
        by_bytes, by_frames = self.benches
        one = by_bytes.give(("rx", data))
        two = []
        for frame in Decoder().feed(data):
            two += by_frames.give(("frame", frame))
        return one, two

    def test_the_same_happens(self):
        gateway = self.benches[0].gateway
        for _ in range(3):
            for data in (gateway.hello(3), gateway.time((NOON, 0, 5)), b"\x00noise\x00"):
                one, two = self.both(data)
                self.assertEqual(one, two)
                for frame in self.benches[0].sent:
                    gateway.receive(frame)
                self.benches[0].sent = self.benches[1].sent = []
            self.assertEqual(self.both(gateway.request(3, messages.POLL, (0, b""))), ([], []))
            for bench in self.benches:
                bench.run(ANSWER_MS)
            self.assertEqual([len(bench.sent) for bench in self.benches], [1, 1])
            self.assertEqual(self.benches[0].sent[0].payload, self.benches[1].sent[0].payload)
            for frame in self.benches[0].sent:
                gateway.receive(frame)
            self.benches[0].sent = self.benches[1].sent = []

    def test_an_event_of_a_neighbour_raises_the_light(self):
        other = Bench(address=9, seed=4)
        other.open()
        for bench in self.benches:
            bench.open()
            bench.set_time(NOON + 10 * 3600)
        other.give(("presence", 0, True, 0))
        other.run(200)
        data = other.post.line._link.event(77, 0, 0)
        one, two = self.both(data)
        self.assertEqual(one, two)
        self.assertEqual(one, [("lamp", 1000, 1000)])

    def test_an_unprovisioned_post_takes_none(self):
        data = self.benches[0].gateway.hello(3)
        bench = Bench(saved={"settings": None})
        self.assertEqual(bench.give(("frame", Decoder().feed(data)[0])), [])

    def test_what_passed_counts_as_heard(self):
        bench = self.benches[0]
        bench.give(("presence", 0, True, 0))
        line = bench.post.line
        self.assertTrue(line.listening)
        line.passed(messages.COMMAND, 0, 9, line.deadline() or 0)
        self.assertTrue(bench.post.clock.t_ms + 30 <= (line.deadline() or 0) <= TICKS_MASK)
        line.passed(messages.POLL, 0, 9, 5000)
        self.assertEqual(line.deadline(), 5002, "a slot stands behind it")
        self.assertFalse(self.benches[1].post.line.listening)
        self.benches[1].give(("rx", b"\x00half"))
        self.assertTrue(self.benches[1].post.line.listening)
        self.benches[1].give(("rx", b"\x00"))
        self.assertFalse(self.benches[1].post.line.listening)


if __name__ == "__main__":
    unittest.main()
