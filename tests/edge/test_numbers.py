"""Numbers of items where flash refuses to count them: none is lost or mistaken, and neighbours still hear."""

import unittest

from bench import NOON, Bench, plan_bytes, post_key

from lamppost.limits import ITEMS_KEEP_MS, ITEMS_RESERVE, ITEMS_SPILL
from lamppost.wire import messages
from lamppost.wire.errors import WireError
from lamppost.wire.post_link import PostLink

BUS_KEY = bytes([9]) * 32


class Centre:
    """Polls the post of a Bench as a gateway does, and keeps what it gets by (epoch, number)."""

    def __init__(self, bench):
        self.bench = bench
        self.got = {}
        self.events = []
        self.epoch = self.ack = 0

    def hello(self):
        bench = self.bench
        bench.give(("rx", bench.gateway.hello(bench.address)))
        for message in bench.heard():
            if message.kind == messages.HELLO_OK:
                self.ack = self.ack if self.epoch == message.values[2] else 0
                self.epoch = message.values[2]
                return
        raise AssertionError("no answer to a HELLO")

    def poll(self, times=1):
        """A poll; after two without an answer a new session, as poll.py does. Return the numbers told."""
        told = []
        silent = 0
        for _ in range(times):
            try:
                status = self.bench.ask(messages.POLL, (self.ack, b""))
            except KeyError:
                status = None
            if status is None:
                silent += 1
                if silent > 1:
                    self.hello()
                    silent = 0
                continue
            for item in status[8]:
                key = (self.epoch, item[0])
                if self.got.setdefault(key, item) != item:
                    raise AssertionError("two items are %r: %r and %r" % (key, self.got[key], item))
                told.append(item[0])
                self.ack = item[0]
        return told

    def drain(self):
        self.hello()
        told = []
        while True:
            some = self.poll(4)
            if not some:
                return told
            told += some

    def kinds(self, kind):
        return [item for item in self.got.values() if item[1] == kind]


def walk(bench, times):
    for _ in range(times):
        bench.give(("presence", 0, True, 0))
        bench.run(3000)
        bench.give(("presence", 0, False, 0))
        bench.run(3000)


class RefusedTest(unittest.TestCase):
    def test_starts_whose_flash_refuses_give_no_number_twice(self):
        """[I-2]"""
        bench = Bench()
        centre = Centre(bench)
        centre.drain()
        bench.refuses = lambda name: True
        for start in range(2, 7):
            bench.start()
            walk(bench, 3)
            centre.drain()
            self.assertEqual(len(centre.kinds(messages.PRESENCE)), 3 * (start - 1))
            self.assertEqual(len(centre.kinds(messages.BOOT)), start)
        self.assertEqual(len({epoch for epoch, _ in centre.got}), 6)

    def test_once_flash_works_again_the_next_start_goes_on(self):
        bench = Bench()
        bench.refuses = lambda name: True
        bench.start()
        centre = Centre(bench)
        walk(bench, 2)
        centre.drain()
        bench.refuses = lambda name: False
        bench.run(1300000)  # something is written
        walk(bench, 2)
        centre.drain()
        epoch, highest = centre.epoch, max(number for _, number in centre.got)
        bench.start()
        self.assertEqual(bench.post.item_epoch, epoch)
        self.assertGreater(bench.post.items.newest_seq, highest)
        before = len(centre.got)
        centre.drain()
        self.assertEqual(len(centre.got), before + 1)

    def test_what_waited_in_flash_is_told_first_and_in_its_own_epoch(self):
        bench = Bench()
        old = bench.post.item_epoch
        centre = Centre(bench)
        centre.drain()
        walk(bench, 5)
        waited = [item[0] for item in bench.post.items.oldest(99)]
        bench.run(2 * ITEMS_KEEP_MS)
        self.assertNotEqual(bench.saved["items"], b"")
        bench.refuses = lambda name: True
        for _ in range(2):  # flash cannot forget them either
            bench.start()
            walk(bench, 2)
            self.assertTrue(bench.post.numbers.parted)
            centre.drain()
            self.assertFalse(bench.post.numbers.parted)
            self.assertNotEqual(centre.epoch, old)
        self.assertEqual([number for number in waited if (old, number) not in centre.got], [])
        self.assertEqual(len(centre.kinds(messages.PRESENCE)), 5 + 2 * 2)
        self.assertEqual(len(centre.kinds(messages.BOOT)), 3)

    def test_while_it_waits_for_its_epoch_an_event_raises_light_and_is_not_stored(self):
        """[I-8]"""
        bench = Bench(saved={"plan": plan_bytes(200)})
        centre = Centre(bench)
        centre.drain()
        bench.set_time(NOON)
        bench.run(2 * ITEMS_KEEP_MS)
        bench.refuses = lambda name: True
        bench.start()
        bench.give(("clock", NOON, 0))
        centre.hello()
        self.assertTrue(bench.post.numbers.parted)
        bench.give(("presence", 0, True, 0))
        bench.run(300)
        said = bench.events()
        self.assertTrue(said)
        self.assertEqual({frame.values()[3] > 0 for frame in said}, {True})

    def test_a_refusal_on_the_way_leaves_what_is_counted_as_it_is(self):
        bench = Bench()
        centre = Centre(bench)
        centre.drain()
        old = centre.epoch
        bench.refuses = lambda name: name == "counters"
        known = bench.post.numbers._safe_seq
        for _ in range(ITEMS_RESERVE + 40):
            bench.post.items.add(messages.PRESENCE, 0, 1)
            bench.run(10)
            if len(bench.post.items) > 100:
                centre.poll(20)
        centre.drain()
        self.assertNotEqual(centre.epoch, old)
        self.assertEqual([number for epoch, number in centre.got if epoch == old and number >= known], [])
        self.assertEqual(len(centre.kinds(messages.PRESENCE)), ITEMS_RESERVE + 40)

    def test_a_segment_that_flash_refuses_stays_in_ram(self):
        bench = Bench()
        centre = Centre(bench)
        centre.drain()
        bench.refuses = lambda name: name[:4] == "ring"
        for _ in range(ITEMS_SPILL + 20):
            bench.post.items.add(messages.PRESENCE, 0, 1)
            bench.run(10)
        self.assertEqual((len(bench.post.items), bench.post.items.dropped), (ITEMS_SPILL + 21, 0))
        bench.refuses = lambda name: False
        bench.run(1300000)
        bench.post.items.add(messages.PRESENCE, 0, 1)
        bench.run(10)
        self.assertLess(len(bench.post.items._waiting), ITEMS_SPILL)
        centre.drain()
        self.assertEqual(len(centre.kinds(messages.PRESENCE)), ITEMS_SPILL + 21)


class NeighbourTest(unittest.TestCase):
    def test_a_board_in_the_place_of_another_is_heard_by_its_neighbours(self):
        """[I-9]"""
        neighbour = PostLink(4, post_key(4), BUS_KEY, lambda count: bytes(count))
        first = Bench()
        first.set_time(NOON)
        heard = 0
        for _ in range(3):
            heard += self.hears(neighbour, first)
        self.assertEqual(heard, 3)
        other = Bench(seed=5)  # the same place and keys, and it has never counted anything
        self.assertEqual(self.hears(neighbour, other), 0, "the control: numbers below are refused")
        other.set_time(NOON + 600)
        self.assertEqual(self.hears(neighbour, other), 1)

    def test_a_clock_far_ahead_does_not_use_up_the_numbers(self):
        bench = Bench()
        bench.set_time(0xFFFFFFFF)
        self.assertLess(bench.post.items.next_seq, 0xC0000000)
        before = bench.post.items.next_seq
        bench.set_time(NOON)
        self.assertEqual(bench.post.items.next_seq, before)

    def hears(self, neighbour, bench):
        bench.sent = []
        walk(bench, 1)
        taken = 0
        for frame in bench.events():
            try:
                taken += neighbour.receive(frame) is not None
            except WireError as error:
                self.assertEqual(str(error), "old counter")
        return min(taken, 1)


if __name__ == "__main__":
    unittest.main()
