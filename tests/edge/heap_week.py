"""A virtual week of a full post in a small heap: `micropython -X heapsize=112wK heap_week.py [DAYS]`, from .mpy.

A plan with 8 programs, 30 rules and 24 neighbours; each day 200 people here and 600 at neighbours, readings each 15
minutes, a power sensor; the gateway polls for the first half of the time and is gone for the rest, so that the ring in
flash fills. Flash is files in a folder, as on a board. Prints free memory after each day and fails where it does not
hold: exit code 1.
"""

import gc
import os
import sys

gc.threshold(16384)  # as choose.py does on a board: what imports leave must not lie between them

# ruff: noqa: E402
from rig import BUS_KEY, NOON, Random, post_key

from lamppost.boards.flash import FolderFlash
from lamppost.limits import TICKS_MASK
from lamppost.post import Post
from lamppost.store.journal import Journal
from lamppost.store.settings import Settings
from lamppost.wire import cbor, messages
from lamppost.wire.frame import Decoder
from lamppost.wire.gateway_link import GatewayLink

DAY_MS = 86400000
STEP_MS = 30000
SLACK_BYTES = 6000  # between two days: how full the queue is, and where the night's segment lies


def full_plan():
    """A compiled plan as large as a town's: 8 programs, 30 rules, 24 neighbours."""
    points = [[0, 600 + 30 * n, 1000 - 60 * n] for n in range(8)]
    periods = [[1, -10, 2, 10]]
    programs = [["program-%d" % n, 900 - 50 * n, 30, 0, periods, points] for n in range(8)]
    rules = [[n % 8, 2, 100 * (1 + n % 12) + 1, 100 * (1 + n % 12) + 28, 1 + n % 127] for n in range(30)]
    reaches = [[300, 1000], [600, 600], [900, 300]]
    profiles = [["walkers", 20, 1000, 8000, reaches, reaches, reaches]]
    near = [[10 + n, 300 * (1 + n // 2), 90 + 180 * (n % 2)] for n in range(24)]
    return cbor.encode(
        [
            1,
            "CET-1CEST,M3.5.0,M10.5.0/3",
            50669300,
            4615000,
            100,
            0,
            programs,
            rules,
            [],
            profiles,
            near,
            [0, 1000, 40000, 500],
        ]
    )


class Week:
    """One post, its gateway's link, and the clock."""

    def __init__(self, folder):
        self.journal = Journal(FolderFlash(folder))
        settings = Settings()
        for name, value in (("address", 3), ("post-key", post_key(3)), ("bus-key", BUS_KEY)):
            settings.put(name, value)
        self.journal.put("settings", settings.to_bytes())
        self.journal.put("plan", full_plan())
        self.ticks = 0
        self.link = GatewayLink({3: post_key(3)}, BUS_KEY, Random(7), 0, lambda counter: None)
        self.decoder = Decoder()
        self.ack = 0
        self.random = Random(5)
        self.post = Post(self.journal.get, Random(3))
        self.give(("clock", NOON, 0))

    def give(self, event):
        actions, _ = self.post.handle(event, self.ticks & TICKS_MASK)
        answers = []
        for action in actions:
            if action[0] == "save":
                self.journal.put(action[1], action[2])
            elif action[0] == "tx":
                answers += self.decoder.feed(action[1])
        return answers

    def poll(self, first):
        if first:
            for frame in self.give(("rx", self.link.hello(3))):
                self.link.receive(frame)
        request = self.link.request(3, messages.POLL, (self.ack, b"", 1))
        for frame in self.give(("rx", request)):
            message = self.link.receive(frame)
            if message.kind == messages.STATUS and message.values[8]:
                self.ack = message.values[8][-1][0]

    def day(self, polled):
        """A day in steps of half a minute."""
        for step in range(DAY_MS // STEP_MS):
            self.ticks += STEP_MS
            chance = self.random(2)
            if chance[0] < 18:  # some 200 of 2,880
                self.give(("presence", 0, True, chance[1] % 3))
                self.give(("presence", 0, False, 0))
            elif chance[0] < 71:
                self.post.overheard(10 + chance[1] % 24, chance[1] % 3, self.post.clock.t_ms)
            if step % 2 == 0:
                self.give(("power", 20000))
            else:
                self.give(("tick",))
            if polled and step % 10 == 0:
                self.poll(step == 0)


def main(days):
    folder = "/tmp/heap-week-%d" % int.from_bytes(os.urandom(4), "big")
    week = Week(folder)
    gc.collect()
    print("start: %d bytes free, %d used" % (gc.mem_free(), gc.mem_alloc()))
    free = []
    for day in range(days):
        week.day(day < (days + 1) // 2)
        gc.collect()
        free.append(gc.mem_free())
        items = week.post.items
        print("day %d: %d bytes free, %d items wait, %d writes" % (day + 1, free[-1], len(items), week.post.writes))
    for name in os.listdir(folder):
        os.remove(folder + "/" + name)
    os.rmdir(folder)
    steady = max(free[1:]) - min(free[1:]) if len(free) > 2 else 0
    print("%d days, at least %d bytes free, %d between days" % (days, min(free), steady))
    return 0 if week.post.items.dropped == 0 and steady < 4 * SLACK_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 7))
