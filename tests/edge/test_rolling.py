"""Keys that take the place of others while a post runs: what it takes, when it forgets, and what a power cut leaves."""

import json
import unittest
from binascii import unhexlify

from bench import BUS_KEY, Bench, post_key

from lamppost.limits import GRACE_MS
from lamppost.store.settings import Settings
from lamppost.wire import cbor, contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.hidden import name_of
from lamppost.wire.seal import Key

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."
NEW_BUS = bytes(range(60, 92))
THIRD_BUS = bytes(range(92, 124))
NEW_POST = bytes(range(124, 156))
TIME = (835401600, 0, 5)


def time(key, counter):
    signed = header(EVERYBODY, GATEWAY, messages.TIME, counter) + messages.encode(messages.TIME, TIME)
    return pack(signed, Key(key).seal(contexts.BUS, signed))


def event(key, number, src=4, repeat=0):
    payload = messages.encode(messages.EVENT, (0, 0, 50, repeat))
    signed = header(EVERYBODY, src, messages.EVENT, number) + payload
    return pack(signed, Key(key).seal(contexts.BUS, signed))


class RollingTest(unittest.TestCase):
    def setUp(self):
        self.bench = Bench(address=3)
        self.bench.open()

    def key(self, what, secret, whole=True):
        """The code that a post answers to a KEY."""
        answer = self.bench.ask(messages.KEY, (what, name_of(secret), secret if whole else b""))
        self.assertEqual(answer[0], what)
        return answer[1]

    def taken(self, data):
        """Whether the post takes a frame that nobody answers."""
        before = self.bench.post.line.refused
        self.bench.give(("rx", data))
        return self.bench.post.line.refused == before

    def later(self):
        """What it says a few milliseconds later, as bytes."""
        actions = self.bench.give(("tick",))
        for _ in range(8):
            self.bench.ticks += 1
            actions += self.bench.give(("tick",))
        return [action[1] for action in actions if action[0] == "tx"]

    def says(self):
        """The bus key under which the post says an event: 1 the old, 2 the new."""
        self.bench.run(12000)
        self.bench.sent = []
        self.bench.give(("presence", 0, 1, 0))
        self.bench.run(600)
        self.bench.give(("presence", 0, 0, 0))
        frame = self.bench.events()[0]
        for number, key in ((1, BUS_KEY), (2, NEW_BUS)):
            if frame.seal == Key(key).seal(contexts.BUS, frame.signed)[:6]:
                return number
        return 0

    def restart(self):
        """Power cut and back, and a session."""
        self.bench.start()
        self.bench.open()

    def test_vectors(self):
        """[K-5] [K-6] [K-7] [K-8] [K-10]: a second implementation says the same, byte for byte."""
        with open(HERE + "/../vectors/rolling.json") as file:
            told = json.load(file)
        settings = Settings()
        for name, value in (("identity", "ll-000042"), ("address", told["address"])):
            settings.put(name, value)
        settings.put("post-key", unhexlify(told["post_key"]))
        settings.put("bus-key", unhexlify(told["bus_key"]))
        self.assertEqual(name_of(unhexlify(told["bus_key"])), unhexlify(told["names"]["bus_key"]))
        counters = cbor.encode([42, 42, 2, 7, 0])
        bench = self.bench = Bench(saved={"settings": settings.to_bytes(), "counters": counters})
        randoms = [unhexlify(random) for random in told["randoms"]]
        bench.post.random = bench.post.line._link._random = lambda count: randoms.pop(0) if count == 8 else bytes(count)
        for at, step in enumerate(told["steps"]):
            if step["to"] == "wait":
                bench.run(GRACE_MS + 1000)
            else:
                before = bench.post.line.refused
                bench.sent = []
                said = [action[1] for action in bench.give(("rx", unhexlify(step["line"]))) if action[0] == "tx"]
                if step["answer"] and not said:
                    said = self.later()
                self.assertEqual(said, [unhexlify(step["answer"])] if step["answer"] else [], step["say"])
                self.assertEqual(bench.post.line.refused, before, step["say"])
            for row in told["forbidden"]:
                if row["after"] == at:
                    kept = bench.saved["settings"]
                    self.assertFalse(self.taken(unhexlify(row["line"])), row["why"])
                    self.assertEqual(bench.saved["settings"], kept, row["why"])
        self.assertEqual(bench.post.settings.get("bus-key"), unhexlify(told["new_bus_key"]))
        self.assertEqual(bench.post.settings.get("post-key"), unhexlify(told["new_post_key"]))
        self.assertEqual(bench.post.settings.get("rollover"), b"")

    def test_before_the_switch_both_bus_keys_are_heard_and_the_old_one_is_spoken(self):
        """[K-6]"""
        self.assertFalse(self.taken(event(NEW_BUS, 1)))
        self.assertEqual(self.key(messages.BUS_NEXT, NEW_BUS), messages.OK)
        self.assertTrue(self.taken(event(BUS_KEY, 2)))
        self.assertEqual(self.says(), 1)
        self.bench.run(30 * GRACE_MS)  # however long it takes
        self.assertEqual(self.says(), 1)
        self.assertTrue(self.taken(event(BUS_KEY, 3)))

    def test_whoever_speaks_with_the_new_bus_key_brings_it_into_force(self):
        """[K-6] [K-7]"""
        for data in (event(NEW_BUS, 7), time(NEW_BUS, 7)):
            self.bench = Bench(address=3)
            self.bench.open()
            self.key(messages.BUS_NEXT, NEW_BUS)
            self.assertTrue(self.taken(data))
            self.assertEqual(self.says(), 2)
            self.assertTrue(self.taken(event(BUS_KEY, 7, src=5)))
            self.bench.run(GRACE_MS)
            self.assertFalse(self.taken(event(BUS_KEY, 8, src=5)))
            self.assertNotIn(BUS_KEY, self.bench.saved["settings"])

    def test_the_gateway_brings_it_into_force_in_a_session(self):
        """[K-6] [K-12]"""
        self.assertEqual(self.key(messages.BUS_NOW, NEW_BUS, False), messages.AGAIN)
        self.assertEqual(self.key(messages.BUS_NOW, BUS_KEY, False), messages.OK)
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.assertEqual(self.key(messages.BUS_NEXT, NEW_BUS), messages.OK)
        for _ in range(2):
            self.assertEqual(self.key(messages.BUS_NOW, NEW_BUS, False), messages.OK)
            self.assertEqual(self.says(), 2)

    def test_who_comes_late_takes_the_key_in_force_at_once(self):
        """[K-6]"""
        self.assertTrue(self.taken(event(BUS_KEY, 9)))
        self.assertEqual(self.key(messages.BUS_NOW, NEW_BUS), messages.OK)
        self.assertEqual(self.says(), 2)
        self.bench.run(GRACE_MS)
        self.assertFalse(self.taken(event(NEW_BUS, 9)))  # what was heard before counts on: that key was in use
        self.assertTrue(self.taken(event(NEW_BUS, 10)))

    def test_numbers_go_on_from_key_to_key(self):
        """[K-8]"""
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.assertTrue(self.taken(event(BUS_KEY, 20)))
        self.assertFalse(self.taken(event(NEW_BUS, 20)))
        self.assertTrue(self.taken(event(NEW_BUS, 21)))
        self.assertFalse(self.taken(event(BUS_KEY, 21)))
        self.assertTrue(self.taken(time(NEW_BUS, 30)))
        self.assertFalse(self.taken(time(BUS_KEY, 30)))
        self.bench.run(2 * GRACE_MS)
        self.assertFalse(self.taken(event(NEW_BUS, 21)))
        self.assertFalse(self.taken(time(NEW_BUS, 30)))
        self.assertTrue(self.taken(event(NEW_BUS, 22)))
        self.assertTrue(self.taken(time(NEW_BUS, 31)))

    def test_with_the_old_key_goes_the_deafness_that_its_thief_has_caused(self):
        """[K-8]"""
        self.assertTrue(self.taken(event(BUS_KEY, 0xFFFFFFFF)))
        self.assertTrue(self.taken(time(BUS_KEY, 0xFFFFFFFF)))
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.assertFalse(self.taken(event(NEW_BUS, 50)))  # deaf still: it may be what was heard under the old key
        self.assertFalse(self.taken(time(NEW_BUS, 50)))
        self.assertEqual(self.says(), 2)  # and yet it was heard that the new key is in force
        self.bench.run(GRACE_MS)
        self.assertFalse(self.taken(event(NEW_BUS, 50)))  # what was heard under the new key is old under it
        self.assertFalse(self.taken(time(NEW_BUS, 50)))
        self.assertTrue(self.taken(event(NEW_BUS, 51)))
        self.assertTrue(self.taken(time(NEW_BUS, 51)))
        self.assertFalse(self.taken(event(BUS_KEY, 0xFFFFFFFF)))

    def test_a_power_cut_leaves_the_bus_keys_as_they_were(self):
        """[K-6] [K-7] [K-13]"""
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.restart()
        self.assertEqual(self.says(), 1)
        self.assertTrue(self.taken(event(BUS_KEY, 5)))
        self.assertTrue(self.taken(event(NEW_BUS, 6)))
        self.restart()
        self.assertEqual(self.says(), 2)
        self.assertTrue(self.taken(event(BUS_KEY, 7)))
        self.bench.run(GRACE_MS)
        self.assertFalse(self.taken(event(BUS_KEY, 8)))
        self.restart()
        self.assertEqual(self.says(), 2)
        self.assertFalse(self.taken(event(BUS_KEY, 9)))

    def test_what_is_given_lies_in_flash_before_it_is_answered(self):
        """[K-13]"""
        for what, secret in ((messages.BUS_NEXT, NEW_BUS), (messages.BUS_NOW, NEW_BUS), (messages.POST_NEXT, NEW_POST)):
            values = (what, name_of(secret), secret)
            for saved in (["save"], []):  # [K-12]
                actions = self.bench.give(("rx", self.bench.gateway.request(3, messages.KEY, values)))
                self.assertEqual([action[0] for action in actions if action[0] in ("save", "tx")], saved)
                self.assertEqual(len(self.later()), 1)
                self.bench.heard()

    def test_a_key_of_its_own_that_flash_refuses_is_none(self):
        """[K-13]: answered OK the gateway would speak under that alone, and the post be lost with the power."""
        self.bench.refuses = lambda name: name == "settings"
        for _ in range(2):
            self.assertEqual(self.key(messages.POST_NEXT, NEW_POST), messages.AGAIN)
            self.assertIsNone(self.bench.post.line._link.next_key)
        self.bench.refuses = lambda name: False
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST), messages.OK)
        self.bench.refuses = lambda name: name == "settings"
        self.bench.post.configure("reading-s", 300, 0)  # refused too: what flash has already is not taken back for it
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST, False), messages.OK)
        self.restart()
        self.assertEqual(self.key(messages.POST_NEXT, THIRD_BUS), messages.AGAIN)  # the one before stays
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST), messages.OK)

    def test_a_bus_key_that_flash_refuses_is_good_until_the_power_goes(self):
        """[K-13]: a new key for a whole line does not wait for one flash that is worn out."""
        self.bench.refuses = lambda name: name == "settings"
        self.assertEqual(self.key(messages.BUS_NEXT, NEW_BUS), messages.OK)
        self.assertEqual(self.key(messages.BUS_NOW, NEW_BUS), messages.OK)
        self.assertEqual(self.says(), 2)
        self.restart()
        self.assertEqual(self.says(), 1)
        self.assertEqual(self.key(messages.BUS_NOW, NEW_BUS), messages.OK)
        self.bench.run(GRACE_MS)
        self.assertEqual(self.says(), 2)

    def test_settings_that_flash_refused_are_kept_when_it_works_again(self):
        self.bench.refuses = lambda name: name == "settings"
        self.bench.post.configure("reading-s", 300, 0)
        self.bench.run(10)
        self.bench.give(("tick",))
        self.assertEqual(Settings.from_bytes(self.bench.saved["settings"]).reading_s, 900)
        self.bench.refuses = lambda name: False
        self.bench.give(("flash", True, "life"))
        self.assertEqual(Settings.from_bytes(self.bench.saved["settings"]).reading_s, 300)

    def test_there_are_never_more_than_two_bus_keys(self):
        """[K-6]"""
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.assertEqual(self.key(messages.BUS_NEXT, THIRD_BUS), messages.OK)
        self.assertFalse(self.taken(event(NEW_BUS, 5)))
        self.assertTrue(self.taken(event(THIRD_BUS, 5)))
        self.assertEqual(self.key(messages.BUS_NEXT, NEW_BUS), messages.OK)
        self.assertFalse(self.taken(event(BUS_KEY, 6)))
        self.assertTrue(self.taken(event(THIRD_BUS, 6)))
        self.assertNotIn(BUS_KEY, self.bench.saved["settings"])

    def test_a_post_key_is_its_own_once_a_session_under_it_has_begun(self):
        """[K-10]"""
        bench, gate = self.bench, self.bench.gateway
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST, False), messages.AGAIN)
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST), messages.OK)
        self.assertEqual(self.key(messages.POST_NEXT, NEW_POST), messages.OK)
        bench.open()  # under the old key as before
        self.assertEqual(bench.post.settings.get("post-key"), post_key(3))
        gate.next_key(3, NEW_POST)
        bench.give(("rx", gate.hello(3)))
        bench.heard()
        self.assertTrue(gate.renewed(3))
        self.assertEqual(bench.post.settings.get("post-key"), post_key(3))  # anybody may say a recorded HELLO
        bench.start()
        bench.give(("rx", gate.hello(3)))
        bench.heard()
        self.assertFalse(gate.renewed(3))
        bench.give(("rx", gate.hello(3)))
        bench.heard()
        self.assertTrue(gate.renewed(3))
        self.assertIsNotNone(bench.ask(messages.POLL, (0, b"")))
        self.assertEqual(bench.post.settings.get("post-key"), NEW_POST)
        self.assertNotIn(post_key(3), bench.saved["settings"])
        gate.settle(3, NEW_POST)
        self.restart()
        gate.adopt(3, post_key(3))
        bench.give(("rx", gate.hello(3)))
        self.assertEqual(bench.heard(), [])

    def test_both_keys_roll_at_once(self):
        """[K-6] [K-10]"""
        self.key(messages.POST_NEXT, NEW_POST)
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.bench.gateway.next_key(3, NEW_POST)
        self.bench.open()
        self.assertEqual(self.bench.post.settings.get("post-key"), NEW_POST)
        self.assertTrue(self.taken(event(NEW_BUS, 6)))
        self.assertEqual(self.says(), 2)
        self.bench.run(GRACE_MS)
        self.assertEqual(self.bench.post.settings.get("rollover"), b"")
        self.restart()
        self.assertEqual(self.says(), 2)

    def test_what_a_technician_or_a_search_gives_ends_a_rollover(self):
        self.key(messages.POST_NEXT, NEW_POST)
        self.key(messages.BUS_NEXT, NEW_BUS)
        self.bench.post.configure("bus-key", THIRD_BUS, 0)
        self.assertEqual(self.bench.post.settings.get("rollover"), b"")
        self.assertFalse(self.taken(event(NEW_BUS, 6)))
        self.assertTrue(self.taken(event(THIRD_BUS, 6)))

    def test_no_key_is_logged_or_shown(self):
        """[K-5]"""
        self.key(messages.POST_NEXT, NEW_POST)
        self.key(messages.BUS_NOW, NEW_BUS)
        text = " ".join(self.bench.logged + self.bench.type("log") + self.bench.type("get"))
        for secret in (NEW_POST, NEW_BUS, BUS_KEY, post_key(3)):
            self.assertNotIn(secret[:4], text.encode())
            self.assertNotIn("".join(["%02x" % byte for byte in secret[:4]]), text)
        self.assertIn("rollover set", text)

    def test_a_recorded_frame_gives_no_key_away(self):
        """[K-5]"""
        frames = [self.bench.gateway.request(3, messages.KEY, (1, name_of(NEW_BUS), NEW_BUS)) for _ in range(2)]
        self.assertNotEqual(frames[0][20:60], frames[1][20:60])
        for data in frames:
            self.assertNotIn(NEW_BUS[:8], data)


if __name__ == "__main__":
    unittest.main()
