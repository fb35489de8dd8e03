"""A week without a gateway: what waits goes to flash, comes back after power cuts, in order, once."""

import unittest

from bench import NOON, Bench, plan_bytes

from lamppost.limits import ITEMS_MAX, ITEMS_SPILL, RING_ITEMS, RING_SEGMENTS
from lamppost.store.items import Items
from lamppost.store.ring import Ring
from lamppost.wire import cbor, messages


class Shelf:
    """Records in memory, and how often they were written."""

    def __init__(self):
        self.records = {}
        self.writes = 0

    def save(self, name, data):
        self.writes += 1
        self.records[name] = data

    def items(self, next_seq=1, epoch=7):
        items = Items(next_seq, lambda seq: None, Ring(self.records.get, self.save, epoch))
        items.restore(self.records.get("items"), epoch)
        return items


def drain(items):
    """Take everything as a gateway does; return the numbers."""
    seen = []
    while True:
        some = items.oldest(8)
        if not some:
            return seen
        seen += [item[0] for item in some]
        items.tell(seen[-1])
        items.acknowledge(seen[-1])


class RingTest(unittest.TestCase):
    def test_a_gateway_that_listens_costs_flash_nothing(self):
        shelf = Shelf()
        items = shelf.items()
        for _ in range(1000):
            seq = items.add(messages.READING, 0)
            items.tell(seq)
            items.acknowledge(seq)
        self.assertEqual(shelf.writes, 0)

    def test_two_thousand_items_in_order_each_once_and_ram_is_bounded(self):
        shelf = Shelf()
        items = shelf.items()
        made = []
        for number in range(RING_ITEMS * RING_SEGMENTS):
            made.append(items.add(messages.PRESENCE, number))
            self.assertLessEqual(len(items._waiting), ITEMS_SPILL)
            if shelf.writes * RING_ITEMS > len(made) - len(items._waiting):
                self.assertEqual(
                    items._waiting.first(1)[0][0], made[0] + (shelf.writes - 1) * RING_ITEMS
                )  # not before it is saved
            if len(made) == ITEMS_SPILL:  # in RAM until it is saved, which is after the event
                self.assertEqual((shelf.writes, len(items._waiting)), (1, ITEMS_SPILL))
            self.assertEqual(len(items), len(made))
            self.assertEqual(items.first_seq, 1)
        self.assertEqual(shelf.writes, (len(made) - ITEMS_SPILL) // RING_ITEMS + 1)
        self.assertEqual(drain(items), made)
        self.assertEqual((len(items), items.dropped, items.first_seq), (0, 0, items.next_seq))

    def test_a_full_ring_loses_its_oldest_and_says_how_many(self):
        shelf = Shelf()
        items = shelf.items()
        made = [items.add(messages.PRESENCE, 0) for _ in range(4000)]
        left = drain(items)
        self.assertEqual(left, made[-len(left) :])
        self.assertEqual(items.dropped, len(made) - len(left))
        self.assertEqual(items.dropped % RING_ITEMS, 0)
        self.assertGreaterEqual(len(left), RING_ITEMS * RING_SEGMENTS)

    def test_wear_is_spread_over_all_slots(self):
        shelf, writes = Shelf(), {}

        def save(name, data):
            writes[name] = writes.get(name, 0) + 1

        items = Items(1, lambda seq: None, Ring(shelf.records.get, save, 7))
        for _ in range(20000):
            items.add(messages.PRESENCE, 0)
            if items.next_seq % 1000 == 0:
                drain(items)
        self.assertEqual(len(writes), RING_SEGMENTS)
        self.assertLess(max(writes.values()) * RING_SEGMENTS, 2 * sum(writes.values()))

    def test_what_was_kept_comes_back_and_nothing_twice(self):
        for before in (0, 5, ITEMS_SPILL - 1, ITEMS_SPILL + 3, 700):
            shelf = Shelf()
            items = shelf.items()
            made = [items.add(messages.READING, 0) for _ in range(before)]
            data = items.keep(7)
            if data is not None:
                shelf.save("items", data)
            self.assertIsNone(items.keep(7))
            for _ in range(3):  # three power cuts
                again = shelf.items(items.next_seq + 500)
                self.assertEqual(len(again), before)
            newer = again.add(messages.BOOT, 0)
            self.assertEqual(drain(again), made + [newer])

    def test_what_was_kept_and_then_went_to_the_ring_is_told_once(self):
        shelf = Shelf()
        items = shelf.items()
        made = [items.add(messages.READING, 0) for _ in range(ITEMS_SPILL - 1)]
        shelf.save("items", items.keep(7))
        made.append(items.add(messages.READING, 0))
        again = shelf.items(items.next_seq)
        self.assertEqual(len(again), len(made) - 1)  # those in both places count once
        self.assertEqual(drain(again), made[:-1])  # the last was in RAM only

    def test_a_power_cut_without_keep_loses_only_what_was_in_ram(self):
        shelf = Shelf()
        items = shelf.items()
        made = [items.add(messages.READING, 0) for _ in range(1000)]
        again = shelf.items(items.next_seq)
        got = drain(again)
        self.assertEqual(got, made[: len(got)])
        self.assertLess(len(made) - len(got), ITEMS_SPILL)

    def test_records_of_another_epoch_or_damaged_are_none(self):
        shelf = Shelf()
        items = shelf.items()
        for _ in range(500):
            items.add(messages.READING, 0)
        self.assertEqual(len(shelf.items(items.next_seq, epoch=8)), 0)
        good = dict(shelf.records)
        for name in good:
            odd = (cbor.encode([7, [[1, 2, 3]]]), cbor.encode([7, [[1] * 5 + ["x"]]]))
            for raw in (b"", b"\xff", good[name][:-1]) + odd:
                shelf.records = dict(good)
                shelf.records[name] = raw
                got = drain(shelf.items(items.next_seq))
                self.assertEqual(got, sorted(got))
                self.assertEqual(len(got), (len(good) - 1) * RING_ITEMS)

    def test_without_flash_the_queue_is_still_bounded(self):
        items = Items(1, lambda seq: None)
        for _ in range(3000):
            items.add(messages.PRESENCE, 0)
        self.assertEqual(len(items), ITEMS_MAX)


class PostTest(unittest.TestCase):
    def test_a_week_alone_with_a_power_cut_each_day_tells_all_but_the_last_half_hours(self):
        bench = Bench(saved={"plan": plan_bytes(300)})
        bench.open()
        bench.set_time(NOON)
        bench.ask(messages.POLL, (bench.post.items.newest_seq, b""))
        made = set()
        for day in range(7):
            for _ in range(96):
                bench.run(880000)
                bench.give(("presence", 0, True, 0))
                bench.run(10000)  # not longer: while somebody is there, a post says so again and again
                bench.give(("presence", 0, False, 0))
                bench.sent = []
                made.add(bench.post.items.newest_seq)
            bench.start()
            bench.give(("clock", NOON + (day + 1) * 86400, 0))
            made.add(bench.post.items.newest_seq)
        bench.sent = []
        bench.open()
        seen, ack = [], 0
        while True:
            status = bench.ask(messages.POLL, (ack, b""))
            if not status[8]:
                break
            seen += [item[0] for item in status[8]]
            ack = seen[-1]
        self.assertEqual(seen, sorted(set(seen)))
        self.assertLess(len(made - set(seen)), 7 * 8)
        self.assertGreater(len(seen), 7 * 96 * 2 - 7 * 8)
        self.assertEqual(bench.post.items.dropped, 0)
        bench.run(1300000)
        self.assertEqual(bench.saved["items"], b"")  # nothing waits, and flash says so


if __name__ == "__main__":
    unittest.main()
