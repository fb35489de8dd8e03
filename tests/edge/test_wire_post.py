"""The rules of edge/PROTOCOL.md that a whole post keeps: items, commands, reasons, blobs, and when it speaks."""

import unittest
from hashlib import sha256

from bench import ANSWER_MS, NOON, Bench, plan_bytes, post_key

from lamppost.limits import BLOCK_BYTES, EVENT_TRIES_ALONE, OVERRIDE_MAX_S, TRANSACTIONS_MAX
from lamppost.wire import contexts, messages
from lamppost.wire.frame import go, header, pack

NIGHT = NOON + 10 * 3600
PRESENCE = ("presence", 0, True, 0)
AWAY = ("presence", 0, False, 0)


def level(transaction, level_pm, for_s=600, layer=6, kind=messages.LEVEL, until_utc_s=0):
    return (transaction, kind, layer, 0, level_pm, until_utc_s, for_s, "test")


def joined():
    """A post in session, at night, on its plan."""
    bench = Bench()
    bench.open()
    bench.set_time(NIGHT)
    begin(bench, plan_bytes())
    data(bench, plan_bytes(), 0)
    data(bench, plan_bytes(), 1)
    return bench


def begin(bench, blob):
    return bench.ask(messages.BLOB_BEGIN, (messages.BLOB_PLAN, len(blob), sha256(blob).digest()))


def data(bench, blob, block):
    piece = blob[block * BLOCK_BYTES : (block + 1) * BLOCK_BYTES]
    return bench.ask(messages.BLOB_DATA, (block, piece or b"x"))


class AnswerTest(unittest.TestCase):
    def test_the_answer_comes_at_once_and_before_anything_else(self):
        """[A-5]"""
        bench = Bench()
        actions = bench.give(("rx", bench.gateway.hello(bench.address)))
        self.assertEqual(next(action[0] for action in actions if action[0] != "save"), "tx")
        self.assertEqual([message.kind for message in bench.heard()], [messages.HELLO_OK])

    def poll(self, bench):
        bench.give(("rx", bench.gateway.request(bench.address, messages.POLL, (0, b"", 1))))
        self.assertEqual(bench.sent, [])

    def test_the_answer_to_a_poll_lets_events_pass(self):
        """[A-10]"""
        bench = Bench()
        bench.open()
        self.poll(bench)
        bench.run(ANSWER_MS - 1)
        self.assertEqual(bench.sent, [])
        bench.run(1)
        self.assertEqual([message.kind for message in bench.heard()], [messages.STATUS])
        other = Bench(address=9, seed=4)
        other.open()
        self.poll(bench)
        for number in range(3):
            event = other.post.line._link.event(77 + number, 0, 0)
            bench.run(2)
            bench.give(("rx", event[:1]))
            bench.run(8)
            self.assertEqual(bench.sent, [])
            bench.give(("rx", event[1:]))
        bench.run(ANSWER_MS)
        self.assertEqual([message.kind for message in bench.heard()], [messages.STATUS])

    def test_its_own_event_goes_before_its_answer(self):
        """[A-10]"""
        bench = joined()
        bench.run(1000)
        bench.heard()
        self.poll(bench)
        bench.give(PRESENCE)
        bench.run(40)
        self.assertEqual([message.kind for message in bench.heard()], [messages.EVENT, messages.STATUS])

    def test_no_answer_is_given_over_what_is_no_event(self):
        """[A-10]"""
        other = Bench(address=9, seed=4)
        other.open()
        event = other.post.line._link.event(77, 0, 0)
        for junk in (b"\x55", event[:-1], b"\x00junk\x00"):
            bench = Bench()
            bench.open()
            self.poll(bench)
            bench.give(("rx", junk))
            bench.run(500)
            self.assertEqual(bench.heard(), [], junk)
            bench.give(("rx", b"\x00"))
            self.assertIsNotNone(bench.ask(messages.POLL, (0, b"")), "the next one is answered")

    def test_a_request_or_a_go_takes_the_place_of_the_poll(self):
        """[A-10]"""
        bench = Bench()
        bench.open()
        for data in (go(0, 1, 8, b""), bench.gateway.time((NIGHT, 0, 5))):
            self.poll(bench)
            bench.give(("rx", data))
            bench.run(500)
            self.assertEqual(bench.heard(), [])

    def test_no_answer_to_what_is_refused(self):
        """[S-10]"""
        bench = Bench()
        bench.open()
        good = bench.gateway.request(bench.address, messages.POLL, (0, b""))
        bench.give(("rx", good))
        bench.run(ANSWER_MS)
        self.assertEqual(len(bench.heard()), 1)
        for line in (good, good[:7] + bytes((good[7] ^ 1 or 2,)) + good[8:], good[1:-2]):
            bench.give(("rx", b"\x00" + line + b"\x00"))
            bench.run(500)
            self.assertEqual(bench.sent, [])


class StillTest(unittest.TestCase):
    def setUp(self):
        self.bench = joined()
        seen = self.bench.ask(messages.POLL, (0, b""))
        self.bench.ask(messages.POLL, (seen[8][-1][0], b""))
        self.bench.run(10000)

    def poll(self, *values):
        """What the answer to a POLL without `full` is."""
        bench = self.bench
        bench.give(("rx", bench.gateway.request(bench.address, messages.POLL, values or (0, b"", 0))))
        bench.run(ANSWER_MS)
        (message,) = [message for message in bench.heard() if message.kind != messages.EVENT]
        return message

    def test_a_post_at_rest_says_so(self):
        """[S-13]"""
        status = self.poll(0, b"", 1)
        self.assertEqual(status.kind, messages.STATUS)
        for _ in range(50):
            self.bench.run(1000)
            still = self.poll()
            self.assertEqual((still.kind, still.values), (messages.STILL, [status.number & 255]))
        self.bench.run(250000)
        self.assertEqual(self.poll().kind, messages.STATUS)

    def test_what_is_asked_for_is_said(self):
        """[S-13]"""
        self.poll()
        self.assertEqual(self.poll(0, b"", 1).kind, messages.STATUS)

    def test_whatever_changes_is_said(self):
        """[S-13]"""
        bench = self.bench
        changes = [
            lambda: bench.ask(messages.COMMAND, level(901, 700)),
            lambda: bench.ask(messages.COMMAND, level(902, 0, kind=messages.CLEAR)),
            lambda: bench.give(PRESENCE),
            lambda: (bench.give(AWAY), bench.run(20000)),
            lambda: bench.give(("power", 99000)),
            lambda: bench.send_plan(plan_bytes(level_pm=333)),
        ]
        for number, change in enumerate(changes):
            self.poll()
            change()
            bench.run(1000)
            self.assertIn(self.poll().kind, (messages.STATUS, messages.MOVED), number)
            bench.run(70000)
            for _ in range(2):  # the first tells the items, the second that they lie on a disk
                self.poll(bench.post.items.next_seq - 1, b"", 1)
            self.assertEqual(self.poll().kind, messages.STILL)

    def test_a_clock_that_has_stepped_is_said_at_once(self):
        """[S-13]"""
        bench = self.bench
        bench.give(("clock", 800000000, 0))
        self.poll(0, b"", 1)
        for ahead_s in (3600, -3600, 86400 * 200):
            bench.run(20000)
            self.assertTrue(self.poll().kind != messages.STATUS)
            now_s = bench.post.clock.utc_s(bench.post.clock.t_ms)
            bench.give(("clock", now_s + ahead_s, 0))
            status = self.poll()
            self.assertEqual(status.kind, messages.STATUS)
            self.assertTrue(abs(status.values[6] - now_s - ahead_s) <= 1)

    def test_where_only_the_light_moved_only_that_is_said(self):
        """[S-13]"""
        bench = self.bench
        status = self.poll(0, b"", 1)
        bench.ask(messages.COMMAND, level(901, 700))
        moved = self.poll()
        self.assertEqual((moved.kind, moved.values[0]), (messages.MOVED, status.number & 255))
        self.assertEqual(moved.values[2:4], [700, 6])
        self.assertEqual(self.poll().kind, messages.STILL, "said a moment ago")
        bench.run(1000)
        self.assertEqual((self.poll().values[1:4]), [700, 700, 6])
        bench.run(1000)
        self.assertEqual(self.poll().kind, messages.STILL)

    def test_a_new_session_begins_with_a_status(self):
        """[S-13]"""
        bench = self.bench
        self.poll()
        self.assertEqual(self.poll().kind, messages.STILL)
        bench.give(("rx", bench.gateway.hello(bench.address)))
        bench.heard()
        self.assertEqual(self.poll().kind, messages.STATUS)


class StayTest(unittest.TestCase):
    def test_somebody_who_stays_is_one_item_said_again_and_again(self):
        """[I-6]"""
        bench = joined()
        bench.give(PRESENCE)
        number = bench.post.items.next_seq - 1
        said = []
        for _ in range(6):
            bench.run(5000)
            said += [(message.number, message.values[3]) for message in bench.heard() if message.kind == messages.EVENT]
        self.assertEqual(said, [(number, repeat) for repeat in range(len(said))])
        self.assertGreater(len(said), 4)
        bench.open()
        self.assertEqual(bench.post.items.next_seq, number + 1)
        bench.run(6000)
        (item,) = bench.post.items.oldest(99)[-1:]
        self.assertEqual(item[:2] + item[3:], (number + 1, messages.PRESENCE, 0, 0, 1))
        said = [(message.number, message.values[3]) for message in bench.heard() if message.kind == messages.EVENT]
        self.assertEqual(said[0], (number + 1, 1))

    def test_after_255_repeats_comes_an_item(self):
        """[I-6]"""
        bench = joined()
        bench.give(PRESENCE)
        number = bench.post.items.next_seq - 1
        bench.run(256 * 5000)
        said = [(m.number, m.values[3]) for m in bench.heard() if m.kind == messages.EVENT]
        self.assertEqual(said[:256], [(number, repeat) for repeat in range(256)])
        self.assertEqual([item[5] for item in bench.post.items.oldest(99) if item[1] == messages.PRESENCE], [0, 1])


class ItemsTest(unittest.TestCase):
    def test_items_stay_until_acknowledged_and_come_again_in_order(self):
        """[I-1] [I-4]"""
        bench = joined()
        for _ in range(3):
            bench.give(PRESENCE)
            bench.give(AWAY)
        first = bench.ask(messages.POLL, (0, b""))
        again = bench.ask(messages.POLL, (0, b""))
        self.assertEqual(first[8], again[8])
        numbers = [item[0] for item in first[8]]
        self.assertEqual(numbers, sorted(numbers))
        self.assertEqual(first[7], len(numbers))
        rest = bench.ask(messages.POLL, (numbers[1], b""))
        self.assertEqual([item[0] for item in rest[8]], numbers[2:])

    def test_an_event_has_the_number_of_its_item(self):
        """[I-4]"""
        bench = joined()
        bench.give(PRESENCE)
        bench.run(200)
        event = next(message for message in bench.heard() if message.kind == messages.EVENT)
        items = bench.ask(messages.POLL, (0, b""))[8]
        self.assertEqual([item[0] for item in items if item[1] == messages.PRESENCE], [event.number])

    def test_numbers_go_on_after_a_power_cut_in_the_same_epoch(self):
        """[I-2]"""
        bench = joined()
        seen = [item[0] for item in bench.ask(messages.POLL, (0, b""))[8]]
        epoch = bench.post.item_epoch
        bench.start()
        fresh = [item[0] for item in bench.open()[8]]
        self.assertEqual(bench.post.item_epoch, epoch)
        self.assertGreater(min(fresh), max(seen))
        del bench.saved["counters"]
        bench.start()
        self.assertNotEqual(bench.post.item_epoch, epoch)

    def test_light_before_words(self):
        """[I-5]"""
        bench = joined()
        bench.run(2000)
        names = [action[0] for action in bench.give(PRESENCE)]
        self.assertIn("lamp", names)
        if "tx" in names:
            self.assertLess(names.index("lamp"), names.index("tx"))

    def test_an_event_is_tried_until_the_tries_are_used_up(self):
        """[A-6]"""
        bench = joined()
        bench.give(PRESENCE)
        bench.run(3000)
        events = bench.events()
        self.assertEqual(len(events), EVENT_TRIES_ALONE)
        self.assertEqual(len({event.counter for event in events}), 1)

    def test_a_hint_in_a_poll_to_another_post_ends_the_tries(self):
        """[A-6]"""
        bench = joined()
        bench.give(PRESENCE)
        bench.run(40)
        bench.heard()
        seq = bench.post.items.next_seq - 1
        hint = bytes((bench.address, seq & 255))
        signed = header(9, 0, messages.POLL, 5) + messages.encode(messages.POLL, (0, hint, 0))
        bench.give(("rx", pack(signed, bytes(8))))
        bench.run(3000)
        self.assertEqual(bench.heard(), [])


class CommandTest(unittest.TestCase):
    def test_a_repeated_transaction_acts_once_and_the_last_sixteen_are_remembered(self):
        """[X-1]"""
        bench = joined()
        first = bench.ask(messages.COMMAND, level(1, 400))
        for number in range(2, TRANSACTIONS_MAX + 1):
            bench.ask(messages.COMMAND, level(number, 500))
        lamp = bench.lamp
        self.assertEqual(bench.ask(messages.COMMAND, level(1, 900)), first)
        self.assertEqual(bench.lamp, lamp)

    def test_a_refusal_is_remembered_too(self):
        """[X-1]"""
        bench = joined()
        refused = bench.ask(messages.COMMAND, level(1, 400, layer=9))
        self.assertEqual(refused[1], messages.REFUSED)
        self.assertEqual(bench.ask(messages.COMMAND, level(1, 400)), refused)

    def test_layers_and_kinds(self):
        """[X-2] [X-4]"""
        bench = joined()
        for layer in range(10):
            code = bench.ask(messages.COMMAND, level(100 + layer, 900, layer=layer))[1]
            if layer not in (4, 5, 6, 8):
                self.assertEqual(code, messages.REFUSED, layer)
        self.assertEqual(bench.ask(messages.COMMAND, level(200, 400))[1], messages.OK)
        self.assertEqual(bench.ask(messages.COMMAND, level(201, 400, kind=9))[1], messages.REFUSED)
        self.assertEqual(bench.ask(messages.COMMAND, level(202, 0, for_s=3601, kind=messages.IDENTIFY))[1], 1)
        self.assertEqual(bench.ask(messages.COMMAND, level(203, 0, for_s=5, kind=messages.IDENTIFY))[1], 0)
        self.assertEqual(bench.ask(messages.COMMAND, level(204, 0, kind=messages.CLEAR))[1], messages.OK)

    def test_a_level_expires(self):
        """[X-3]"""
        bench = joined()
        before = bench.lamp[0]
        for for_s in (0, OVERRIDE_MAX_S + 1):
            self.assertEqual(bench.ask(messages.COMMAND, level(300 + for_s, 0, for_s))[1], messages.REFUSED)
        over = level(400, 500, until_utc_s=NIGHT - 1)
        self.assertEqual(bench.ask(messages.COMMAND, over)[1], messages.REFUSED)
        self.assertEqual(bench.lamp[0], before)
        soon = level(401, 500, for_s=6000, until_utc_s=NIGHT + 30)
        self.assertEqual(bench.ask(messages.COMMAND, soon)[1], messages.OK)
        self.assertEqual(bench.lamp[0], 500)
        bench.run(31000)
        self.assertEqual(bench.lamp[0], before)

    def test_every_row_of_why_comes_once(self):
        """[X-5]"""
        bench = joined()
        for layer in (4, 5, 6, 8):
            bench.ask(messages.COMMAND, level(500 + layer, 700, layer=layer))
        rows = []
        total = 1
        while len(rows) < total:
            answer = bench.ask(messages.WHY, (0, len(rows)))
            total = answer[3]
            self.assertEqual(answer[4], len(rows))
            self.assertGreater(len(answer[5]), 0)
            rows += answer[5]
        self.assertEqual(len(rows), total)
        layers = [row[0] for row in rows]
        self.assertEqual(layers, sorted(layers))


class BlobTest(unittest.TestCase):
    def test_begin_resume_and_done(self):
        """[D-1] [D-2]"""
        bench = Bench()
        bench.open()
        blob = plan_bytes()
        self.assertGreater(len(blob), BLOCK_BYTES)
        self.assertEqual(begin(bench, blob)[:2], [messages.MORE, 0])
        self.assertEqual(data(bench, blob, 1)[:2], [messages.MORE, 0])
        self.assertEqual(data(bench, blob, 0)[:2], [messages.MORE, 1])
        self.assertEqual(data(bench, blob, 0)[:2], [messages.MORE, 1])
        self.assertEqual(begin(bench, blob)[:2], [messages.MORE, 1])
        self.assertEqual(data(bench, blob, 1)[0], messages.DONE)
        self.assertEqual(begin(bench, blob)[0], messages.DONE)
        self.assertEqual(bench.ask(messages.POLL, (0, b""))[5], sha256(blob).digest()[:8])

    def test_what_is_wrong_changes_nothing(self):
        """[D-1] [D-3] [D-4]"""
        bench = joined()
        running = bench.ask(messages.POLL, (0, b""))[5]
        blob = plan_bytes(level_pm=300)
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, (9, 10, bytes(32)))[0], messages.REFUSED)
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, (1, 4097, bytes(32)))[0], messages.REFUSED)
        bench.ask(messages.BLOB_BEGIN, (messages.BLOB_PLAN, len(blob), bytes(32)))
        data(bench, blob, 0)
        self.assertEqual(data(bench, blob, 1)[0], messages.AGAIN)
        begin(bench, b"\x01")
        self.assertEqual(bench.ask(messages.BLOB_DATA, (0, b"\x01"))[0], messages.REFUSED)
        self.assertEqual(bench.ask(messages.POLL, (0, b""))[5], running)

    def test_what_a_bus_key_can_say_moves_no_level_down(self):
        """[B-1]"""
        bench = joined()
        bench.run(3000)
        before = bench.lamp[0]
        bus = bench.post.line._link.bus
        for kind, values in (
            (messages.COMMAND, level(9, 0)),
            (messages.BLOB_DATA, (0, b"x")),
            (messages.POLL, (0, b"", 0)),
        ):
            for src in (0, 9):
                signed = header(255, src, kind, 5000) + messages.encode(kind, values)
                bench.give(("rx", pack(signed, bus.seal(contexts.BUS, signed))))
                signed = header(bench.address, src, kind, 5000) + messages.encode(kind, values)
                bench.give(("rx", pack(signed, bus.seal(contexts.DOWN, signed))))
        self.assertEqual((bench.lamp[0], bench.sent), (before, []))
        self.assertNotEqual(post_key(bench.address), bench.post.settings.get("bus-key"))


if __name__ == "__main__":
    unittest.main()
