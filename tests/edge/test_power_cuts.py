"""The power goes at every write to flash of a post's life, and again at every write of the start that follows.

A life is played once and its writes noted. Then, for each write and each thing that a cut can leave of it (done,
absent, torn, garbage), a new Post starts from that flash; its own first writes are cut in the same four ways; and a
last start must find every record as it was before or after the write, and never use a number twice.
"""

import unittest

from bench import NOON, Bench, plan_bytes

from lamppost.limits import TICKS_MASK
from lamppost.post import Post
from lamppost.store.journal import Journal
from lamppost.store.settings import Settings
from lamppost.store.typed import pin_record
from lamppost.wire import messages

WAYS = ("done", "absent", "torn", "garbage")  # "done" leaves what the next write's "absent" finds, which must know more
AGAIN = ("done", "torn", "garbage")  # "absent" is the flash of the start itself, or of the write before when it is done
PLANS = (plan_bytes(300), plan_bytes(450), plan_bytes(600))


class Flash:
    """Files in memory; `log` notes (name, data) of every write and what `note()` says of the post before it."""

    def __init__(self, files=None):
        self.files = dict(files or {})
        self.log = []
        self.note = lambda: (0, 0)

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        self.log.append((name, data, self.note()))
        self.files[name] = data

    def cut(self, name, data, way):
        """Leave of a write what a cut leaves."""
        if way == "done":
            self.files[name] = data
        elif way == "torn":
            self.files[name] = data[: len(data) // 2]
        elif way == "garbage":
            self.files[name] = b"\xa5" * len(data)


class Records:
    """The records of a Bench, over a Journal on a Flash."""

    def __init__(self, flash):
        self.flash = flash
        self._journal = Journal(flash)

    def get(self, name):
        return self._journal.get(name)

    def __contains__(self, name):
        return self.get(name) is not None

    def __setitem__(self, name, data):
        self._journal.put(name, data)

    def __getitem__(self, name):
        return self._journal.get(name)


class Diary(Bench):
    """A Bench that knows which numbers may have been said aloud: those given out before the event of this moment."""

    told = 0
    counter = 0

    def give(self, event):
        self.told = self.post.items.next_seq
        actions = Bench.give(self, event)
        for frame in self.sent:
            if frame.type == messages.EVENT:
                self.counter = max(self.counter, frame.counter)
        return actions


def life():
    """Play a post's life; return its Flash, and the flash before the life began."""
    flash = Flash()
    settings = Settings()
    for name, value in (
        ("identity", "p-3"),
        ("address", 3),
        ("post-key", bytes([3]) * 32),
        ("bus-key", bytes([9]) * 32),
    ):
        settings.put(name, value)
    settings.put("pin", pin_record("271828", b"saltsalt"))
    records = Records(flash)
    records["settings"] = settings.to_bytes()
    records["plan"] = PLANS[0]
    before = dict(flash.files)
    flash.log = []
    bench = Diary(saved=records)
    flash.note = lambda: (bench.told, bench.counter)
    bench.open()
    bench.set_time(NOON + 36000)
    for number, raw in ((200, PLANS[1]), (420, PLANS[2])):
        for turn in range(number):
            bench.give(("presence", turn % 4, True, 0))
            bench.run(700)
            bench.give(("presence", turn % 4, False, 0))
            bench.run(200)
            bench.sent = []
        bench.open()
        bench.send_plan(raw)
        bench.type("login 111111")
        bench.run(2000)
        bench.type("login 271828")
        bench.type("set reading-s %d" % number)
    bench.run(8 * 3600000)
    bench.open()
    ack = 0
    while True:
        items = bench.ask(messages.POLL, (ack, b""))[8]
        if not items:
            break
        ack = items[-1][0]
    bench.run(1300000)
    return flash, before


def started(flash):
    """A Post on this flash, and its first deed."""
    records = Records(flash)
    post = Post(records.get, lambda count: bytes(count))
    actions, _ = post.handle(("tick",), TICKS_MASK - 5)
    for action in actions:
        if action[0] == "save":
            records[action[1]] = action[2]
    return post, actions


class PowerCutTest(unittest.TestCase):
    def test_every_write_every_way_and_again_in_the_recovery(self):
        flash, files = life()
        names = {name.split(".")[0] for name, _, _ in flash.log}
        for name in ("settings", "plan", "counters", "life", "energy1", "ring00", "items", "wrong"):
            self.assertIn(name.rstrip("0123456789"), {one.rstrip("0123456789") for one in names}, name)
        cuts = 0
        last = len(flash.log) - 1
        for place, (name, data, said) in enumerate(flash.log):
            record = name.split(".")[0]
            old = Journal(Flash(files)).get(record)
            after = Flash(files)
            after.write(name, data)
            new = Journal(after).get(record)
            for way in WAYS if place == last else WAYS[1:]:
                left = Flash(files)
                left.cut(name, data, way)
                self.assertIn(Journal(left).get(record), (old, new))
                cuts += 1
                first = Flash(left.files)
                self.check(first, said)
                for number, (again, more, _) in enumerate(first.log):
                    for second in AGAIN:
                        state = Flash(left.files)
                        for done in first.log[:number]:
                            state.files[done[0]] = done[1]
                        state.cut(again, more, second)
                        self.check(state, said)
                        cuts += 1
            files = after.files
        self.assertGreater(cuts, 1000)
        print("%d writes, %d cuts, all survived" % (len(flash.log), cuts))

    def check(self, flash, said):
        """A start from this flash: whole settings, a whole plan, fresh numbers, a lamp that burns."""
        post, actions = started(flash)
        self.assertEqual((post.settings.identity, post.settings.address), ("p-3", 3))
        self.assertTrue(post.settings.provisioned)
        self.assertIn(post.settings.reading_s, (900, 200, 420))
        self.assertIn(post.plan.raw, PLANS)
        self.assertGreaterEqual(post.items.born_seq, said[0])
        self.assertGreater(post.items.born_seq, said[1])
        numbers = [item[0] for item in post.items.oldest(4096)]
        self.assertEqual(numbers, sorted(set(numbers)))
        self.assertIn("lamp", [action[0] for action in actions])


if __name__ == "__main__":
    unittest.main()
