"""What keeps one post from taking the line: its own limit, and a gateway that bids it be silent."""

import unittest

from bench import NOON, Bench

from lamppost.limits import EVENT_BURST, EVENT_EVERY_MS, HUSH_MAX_S
from lamppost.wire import messages
from lamppost.wire.frame import go


def hush(number, for_s):
    return (number, messages.HUSH, 0, 0, 0, 0, for_s, "")


def ready():
    bench = Bench()
    bench.open()
    bench.set_time(NOON)
    bench.heard()
    return bench


def bounce(bench, ms, every_ms=50):
    """A contact that opens and closes; the numbers of the events that the post says, each once."""
    numbers = []
    for at in range(0, ms, every_ms):
        bench.give(("presence", 0, at // every_ms % 2 == 0, 0))
        bench.run(every_ms)
        numbers += [frame.counter for frame in bench.events()]
        bench.give(("rx", go(0, 1, 0, b"".join(bytes((3, number & 255)) for number in numbers[-4:]))))
    return sorted(set(numbers))


class HushTest(unittest.TestCase):
    def test_a_contact_that_bounces_says_eight_events_and_then_four_a_second(self):
        """[A-13]"""
        bench = ready()
        numbers = bounce(bench, 5000)
        self.assertGreaterEqual(len(numbers), EVENT_BURST)
        self.assertLessEqual(len(numbers), EVENT_BURST + 5000 // EVENT_EVERY_MS)
        waiting = len(bench.post.items)
        self.assertGreater(waiting, 45, "each is an item all the same")
        bench.give(("presence", 0, False, 0))
        bench.run(EVENT_BURST * EVENT_EVERY_MS)
        bench.give(("presence", 0, True, 0))
        bench.run(50)
        self.assertEqual(len(bench.events()), 1, "who was quiet may speak again")

    def test_who_is_bidden_says_nothing_unasked_but_answers_and_lights(self):
        """[X-6]"""
        bench = ready()
        self.assertEqual(bench.ask(messages.COMMAND, hush(1, 60)), [1, messages.OK, ""])
        bench.give(("presence", 0, True, 0))
        bench.run(100)
        self.assertEqual(bench.lamp[0], 1000)
        self.assertEqual(bench.sent, [])
        self.assertEqual([item[1] for item in bench.ask(messages.POLL, (0, b""))[-1]][-1], messages.PRESENCE)
        bench.run(58000)
        self.assertEqual(bench.events(), [])
        bench.give(("presence", 0, False, 0))
        bench.run(3000)
        bench.give(("presence", 0, True, 0))
        bench.run(50)
        self.assertEqual(len(bench.events()), 1, "it is over by itself")

    def test_what_waits_to_be_said_is_dropped_and_a_second_word_ends_the_silence(self):
        """[X-6]"""
        bench = ready()
        bench.give(("presence", 0, True, 0))
        bench.give(("rx", bench.gateway.request(3, messages.COMMAND, hush(1, 60))))
        bench.run(2000)
        self.assertEqual(bench.events(), [])
        self.assertEqual(bench.ask(messages.COMMAND, hush(2, 0))[1], messages.OK)
        bench.give(("presence", 1, True, 0))
        bench.run(50)
        self.assertEqual(len(bench.events()), 1)

    def test_who_is_bidden_does_not_keep_the_line(self):
        """[X-6] [A-11]"""
        bench, other = ready(), Bench(address=9, seed=4)
        bench.ask(messages.COMMAND, hush(1, 60))
        event = other.post.line._link.event(70, 0, 0)
        for _ in range(2):
            bench.give(("rx", event))
            bench.run(60)
        self.assertEqual(bench.sent, [])
        self.assertIsNone(bench.post.line.deadline(), "and it does not wait for it")

    def test_a_silence_is_bounded(self):
        """[X-6]"""
        bench = ready()
        for number, for_s, code in ((1, HUSH_MAX_S, messages.OK), (2, HUSH_MAX_S + 1, messages.REFUSED)):
            self.assertEqual(bench.ask(messages.COMMAND, hush(number, for_s))[1], code)


if __name__ == "__main__":
    unittest.main()
