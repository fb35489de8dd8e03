"""A POLL that was foreseen is answered without reading it, with the very bytes, and as safely, as one that is read."""

import unittest

from bench import Bench

from lamppost.wire import messages

PRESENCE = ("presence", 0, True, 0)
AGO_MS = 4000  # longer than an answer made ahead is good for


def at_rest(seed=1):
    """A post in session whose items lie on a disk, and which has answered a POLL of which it foresaw nothing."""
    bench = Bench(seed=seed)
    bench.open()
    told = bench.ask(messages.POLL, (0, b""))
    bench.ask(messages.POLL, (told[8][-1][0], b""))
    bench.run(10000)
    answer(bench, poll(bench))
    return bench


def poll(bench, *values):
    return bench.gateway.request(bench.address, messages.POLL, values or (0, b"", 0))


def answer(bench, request):
    """The bytes of the answer, b"" for none; what it takes to make the next one ahead has passed."""
    actions = bench.give(("rx", request))
    for _ in range(40):
        bench.run(1)
    answers, bench.sent = bench.sent, []
    kinds = [frame.type for frame in answers if frame.type != messages.EVENT]
    assert not actions
    assert len(kinds) <= 1
    return kinds[0] if kinds else None


class Reads:
    """Counts the frames that a post's link reads."""

    def __init__(self, bench):
        self.count = 0
        link = bench.post.line._link
        self._receive = link.receive
        link.receive = self.receive

    def receive(self, frame):
        self.count += 1
        return self._receive(frame)


class ForeseenTest(unittest.TestCase):
    def test_a_poll_of_a_post_at_rest_is_not_read_and_its_answer_is_right(self):
        bench = at_rest()
        reads = Reads(bench)
        for _ in range(20):
            request = poll(bench)
            bench.give(("rx", request))
            bench.run(5)
            (still,) = bench.heard()  # the gateway takes it: the seal and the counter are right
            self.assertEqual(still.kind, messages.STILL)
            bench.run(30)
        self.assertEqual(reads.count, 0)

    def test_it_may_come_in_pieces_and_is_read_behind_other_bytes(self):
        bench = at_rest()
        reads = Reads(bench)
        request = poll(bench)
        for at in range(len(request)):
            bench.give(("rx", request[at : at + 1]))
        bench.run(40)
        self.assertEqual([message.kind for message in bench.heard()], [messages.STILL])
        self.assertEqual(reads.count, 0)
        bench.give(("rx", b"\x00\x05noise\x00" + poll(bench)))
        bench.run(40)
        self.assertEqual([message.kind for message in bench.heard()], [messages.STILL])
        self.assertEqual(reads.count, 1)

    def test_behind_half_a_frame_it_is_none(self):
        bench = at_rest()
        request = poll(bench)
        bench.give(("rx", b"\x00\x05no"))
        self.assertEqual(answer(bench, request[1:]), None)
        self.assertEqual(answer(bench, poll(bench)), messages.STILL)

    def test_a_poll_is_answered_once(self):
        """[S-7]"""
        bench = at_rest()
        request = poll(bench)
        self.assertEqual(answer(bench, request), messages.STILL)
        self.assertEqual(answer(bench, request), None)

    def test_a_poll_that_was_lost_is_not_taken_after_a_later_one(self):
        """[S-7]"""
        bench = at_rest()
        lost, later = poll(bench), poll(bench)
        bench.give(("rx", later))
        self.assertEqual(answer(bench, lost), None, "also before the next answer is made ahead")
        bench.run(40)
        self.assertEqual(answer(bench, lost), None)
        self.assertEqual(answer(bench, poll(bench)), messages.STILL)

    def test_one_wrong_bit_is_refused(self):
        """[F-11]"""
        bench = at_rest()
        request = poll(bench)
        for at in range(1, len(request) - 1):
            for bit in range(8):
                wrong = bytearray(request)
                wrong[at] ^= 1 << bit
                self.assertEqual(answer(bench, bytes(wrong)), None, (at, bit))
        self.assertEqual(answer(bench, request), messages.STILL)

    def test_in_a_new_session_the_poll_of_the_old_one_is_refused(self):
        """[S-6]"""
        bench = at_rest()
        old = poll(bench)
        bench.open()
        self.assertEqual(answer(bench, poll(bench, 0, b"", 1)), messages.STATUS)
        self.assertEqual(answer(bench, old), None)

    def test_what_has_happened_since_is_told(self):
        for change in (PRESENCE, ("power", 99000), ("clock", 700000000, 0), ("voltage", 1000)):
            bench = at_rest()
            bench.give(("clock", 800000000, 0))
            answer(bench, poll(bench, 0, b"", 1))
            bench.run(500)
            bench.give(change)
            bench.run(500)
            reads = Reads(bench)
            self.assertTrue(answer(bench, poll(bench)) is not None, change)
            self.assertEqual(reads.count, 1, change)

    def test_after_some_seconds_it_is_made_anew(self):
        bench = at_rest()
        reads = Reads(bench)
        bench.run(AGO_MS)
        self.assertEqual(answer(bench, poll(bench)), messages.STILL)
        self.assertEqual(reads.count, 1)
        self.assertEqual(answer(bench, poll(bench)), messages.STILL)
        self.assertEqual(reads.count, 1)

    def test_a_hello_alone_changes_nothing(self):
        """[S-6]"""
        bench = at_rest()
        request = poll(bench)
        bench.give(("rx", bench.gateway.hello(bench.address)))
        bench.sent = []
        self.assertTrue(answer(bench, request) in (messages.STILL, messages.STATUS))

    def test_a_poll_that_asks_for_more_is_read(self):
        bench = at_rest()
        reads = Reads(bench)
        self.assertEqual(answer(bench, poll(bench, 0, b"", 1)), messages.STATUS)
        self.assertEqual(reads.count, 1)
        self.assertEqual(answer(bench, poll(bench, 0, bytes((9, 1)))), messages.STILL)
        self.assertEqual(reads.count, 2)
