"""What a post answers to a search, what it takes from whom, and what a search cannot do to it."""

import json
import unittest
from binascii import unhexlify

from bench import BUS_KEY, NOON, Bench, plan_bytes, post_key

from lamppost.found import begins
from lamppost.limits import SERVED_MS
from lamppost.store.settings import Settings
from lamppost.wire import contexts, messages
from lamppost.wire.frame import FINDING, GATEWAY, header, pack
from lamppost.wire.hidden import hide
from lamppost.wire.seal import Key

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
ROUND = b"\x01\x02\x03\x04"
FACTORY = bytes(range(50, 82))
NEW_BUS_KEY = bytes(range(100, 132))


def search(number=ROUND, address=0, bits=0, prefix=b"", told=b"", seal=bytes(8)):
    signed = header(FINDING, GATEWAY, messages.SEARCH, 0)
    return pack(signed + messages.encode(messages.SEARCH, (number, address, bits, prefix, told)), seal)


def place(value, address, key=FACTORY, number=ROUND, bus_key=NEW_BUS_KEY):
    key = Key(key)
    hidden = hide(key, number + value, bus_key) if bus_key else b""
    signed = header(FINDING, GATEWAY, messages.PLACE, 0) + messages.encode(messages.PLACE, (value, address, hidden))
    return pack(signed, key.seal(contexts.PLACE + number + value, signed))


def board(key=FACTORY, plan=None):
    """A new board: identity and key from the factory, nothing else."""
    settings = Settings()
    settings.put("identity", "LL-000042".lower())
    if key:
        settings.put("post-key", key)
    saved = {"settings": settings.to_bytes()}
    if plan:
        saved["plan"] = plan
    return Bench(address=3, saved=saved)


class FoundTest(unittest.TestCase):
    def test_vectors(self):
        """[N-2] [N-4] [N-5]: a second implementation says the same, byte for byte."""
        with open(HERE + "/../vectors/finding.json") as file:
            told = json.load(file)
        steps = [unhexlify(step["line"]) for step in told["steps"]]
        value, number = unhexlify(told["value"]), unhexlify(told["round"])
        key, bus_key = unhexlify(told["post_key"]), unhexlify(told["bus_key"])
        bench = board(key)
        bench.post.random = lambda count: value
        self.assertEqual(bench.give(("rx", steps[0])), [("tx", steps[1])])
        self.assertEqual(place(value, told["address"], key, number, bus_key), steps[2])
        self.assertEqual(bench.give(("rx", steps[2]))[-1], ("tx", steps[3]))
        self.assertEqual(bench.post.settings.get("bus-key"), bus_key)

    def answer(self, bench, data):
        """The one frame a post answers, None for silence."""
        bench.sent = []
        bench.give(("rx", data))
        frames, bench.sent = bench.sent, []
        self.assertTrue(len(frames) <= 1)
        return frames[0] if frames else None

    def test_a_new_board_shows_itself_under_its_own_key(self):
        """[N-1] [N-2]"""
        bench = board()
        here = self.answer(bench, search())
        value, identity, address = here.values()
        self.assertEqual((here.dst, here.src, here.type), (GATEWAY, FINDING, messages.HERE))
        self.assertEqual((identity, address), ("ll-000042", 0))
        self.assertEqual(here.seal, Key(FACTORY).seal(contexts.HERE + ROUND, here.signed))
        self.assertEqual(self.answer(bench, search()).values()[0], value)
        self.assertNotEqual(self.answer(bench, search(b"next")).values()[0], value)

    def test_without_a_key_of_its_own_a_board_is_silent(self):
        """[N-1]"""
        bench = board(key=None)
        self.assertIsNone(self.answer(bench, search()))
        self.assertIsNone(self.answer(bench, place(bytes(8), 5, key=bytes(32))))
        self.assertEqual(bench.post.settings.address, 0)

    def test_only_the_half_that_is_asked_answers_and_who_was_heard_keeps_quiet(self):
        """[N-3]"""
        bench = board()
        value = self.answer(bench, search()).values()[0]
        for bits in (1, 5, 8, 13, 64):
            prefix = value[: (bits + 7) // 8]
            self.assertIsNotNone(self.answer(bench, search(bits=bits, prefix=prefix)))
            wrong = bytearray(prefix)
            wrong[(bits - 1) // 8] ^= 1 << (7 - (bits - 1) % 8)
            self.assertIsNone(self.answer(bench, search(bits=bits, prefix=bytes(wrong))))
        self.assertIsNotNone(self.answer(bench, search(told=b"\x00\x00\x00\x00" * 2)))
        self.assertIsNone(self.answer(bench, search(told=b"\x00\x00\x00\x00" + value[:4])))
        self.assertIsNone(self.answer(bench, search()))
        self.assertIsNotNone(self.answer(bench, search(b"next")))

    def test_a_prefix_is_compared_bit_by_bit(self):
        self.assertTrue(begins(b"\xa5\x0f", 0, b""))
        self.assertTrue(begins(b"\xa5\x0f", 12, b"\xa5\x00"))
        self.assertFalse(begins(b"\xa5\x0f", 13, b"\xa5\x00"))
        self.assertFalse(begins(b"\xa5\x0f", 12, b"\xa5"))

    def test_a_post_that_is_served_is_not_searched_for_except_by_its_address(self):
        """[N-2] [N-6]"""
        bench = Bench()
        self.assertIsNotNone(self.answer(bench, search()))
        bench.open()
        self.assertIsNone(self.answer(bench, search(b"1234")))
        self.assertIsNone(self.answer(bench, search(b"1234", address=4)))
        self.assertEqual(self.answer(bench, search(b"1234", address=3)).values()[1:], ["p-3", 3])
        bench.ticks += SERVED_MS
        self.assertIsNotNone(self.answer(bench, search(b"5678")))

    def test_address_and_bus_key_come_under_its_own_key_and_are_kept(self):
        """[N-4] [N-5]"""
        bench = board(plan=plan_bytes())
        value = self.answer(bench, search()).values()[0]
        made = place(value, 7)
        self.assertEqual(made.find(NEW_BUS_KEY[:8]), -1)
        placed = self.answer(bench, made)
        self.assertEqual((placed.type, placed.values()), (messages.PLACED, [value, 7]))
        self.assertEqual(placed.seal, Key(FACTORY).seal(contexts.PLACED + ROUND + value, placed.signed))
        bench.start()
        self.assertEqual(bench.post.settings.address, 7)
        self.assertEqual(bench.post.settings.get("bus-key"), NEW_BUS_KEY)
        self.assertIsNotNone(bench.post.line)

    def test_the_same_place_twice_is_answered_twice_and_done_once(self):
        """[N-5]"""
        bench = board()
        value = self.answer(bench, search()).values()[0]
        first = self.answer(bench, place(value, 7))
        writes = bench.post.writes
        self.assertEqual(self.answer(bench, place(value, 7)).values(), first.values())
        self.assertEqual(bench.post.writes, writes)
        self.assertEqual(self.answer(bench, place(value, 0, bus_key=b"")).values(), [value, 0])
        self.assertIsNone(bench.post.line)

    def test_a_forged_or_old_place_is_refused(self):
        """[N-4]"""
        bench = board()
        value = self.answer(bench, search()).values()[0]
        for forged in (
            place(value, 7, key=BUS_KEY), place(value, 7, key=bytes(32)), place(value, 7, number=b"old!"),
            place(bytes(8), 7), place(value, 251), place(value, 7, bus_key=bytes(31)),
        ):  # fmt: skip
            self.assertIsNone(self.answer(bench, forged))
            self.assertEqual(bench.post.settings.address, 0)
        recorded = place(value, 7)
        self.answer(bench, search(b"next"))
        self.assertIsNone(self.answer(bench, recorded))
        self.assertEqual(bench.post.settings.address, 0)

    def state(self, bench):
        line = bench.post.line
        return bench.post.settings.to_bytes(), bench.lamp, line.out, line._link.session, dict(bench.saved)

    def test_whoever_forges_a_search_changes_nothing(self):
        """[N-7]"""
        bench = Bench(saved={"plan": plan_bytes()})
        bench.open()
        before = (
            bench.post.settings.to_bytes(),
            bench.lamp,
            bench.post.line.out,
            bench.post.line._link.session,
            dict(bench.saved),
        )
        for number in range(200):
            actions = bench.give(("rx", search(number.to_bytes(4, "big"), address=number % 8, seal=b"whatever")))
            self.assertTrue(not [action for action in actions if action[0] != "tx"], actions)
        bench.sent = []
        after = (
            bench.post.settings.to_bytes(),
            bench.lamp,
            bench.post.line.out,
            bench.post.line._link.session,
            dict(bench.saved),
        )
        self.assertEqual(before, after)
        self.assertIsNotNone(bench.ask(messages.POLL, (0, b"")))

    def test_the_place_that_it_has_changes_nothing(self):
        """[N-9]"""
        bench = Bench(saved={"plan": plan_bytes()})
        value = self.answer(bench, search()).values()[0]
        line, saved = bench.post.line, dict(bench.saved)
        placed = self.answer(bench, place(value, 3, key=post_key(3), bus_key=BUS_KEY))
        self.assertEqual(placed.values(), [value, 3])
        self.assertTrue(bench.post.line is line, "it has forgotten nothing of what it heard")
        self.assertEqual(bench.saved, saved)

    def test_who_has_no_place_sees_by_its_own_sensor_and_goes_on_when_it_gets_one(self):
        bench = Bench(saved={"plan": plan_bytes()})
        bench.set_time(NOON + 12 * 3600)
        bench.give(("presence", 0, True, 0))
        bench.run(3000)
        bench.post.configure("address", 0, bench.post.clock.t_ms)
        bench.run(100)
        self.assertEqual(bench.post.dimmer.target_pm, 1000, "who was there is still there")
        bench.give(("presence", 0, False, 0))
        bench.run(20000)
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        bench.give(("presence", 0, True, 0))
        bench.run(3000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        value = self.answer(bench, search()).values()[0]
        self.assertIsNotNone(self.answer(bench, place(value, 5, key=post_key(3))))
        bench.run(100)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        bench.start()
        bench.post.configure("address", 0, 0)
        bench.start()
        bench.give(("clock", NOON + 12 * 3600, 0))
        bench.run(20000)
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        bench.give(("presence", 0, True, 0))
        bench.run(3000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000, "also where it has had none since it was powered")

    def test_keys_are_hidden_under_a_pad_that_is_its_own_inverse(self):
        key = Key(post_key(3))
        self.assertEqual(hide(key, b"fresh", hide(key, b"fresh", BUS_KEY)), BUS_KEY)
        self.assertNotEqual(hide(key, b"fresh", BUS_KEY), hide(key, b"fresh2", BUS_KEY))


if __name__ == "__main__":
    unittest.main()
