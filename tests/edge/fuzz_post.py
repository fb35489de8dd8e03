"""Hostile frames and console lines at a whole Post, also on a board's interpreter: `fuzz_post.py [INPUTS] [SEED]`.

`MICROPYPATH=edge:tests/edge:.frozen micropython tests/edge/fuzz_post.py` gives a million. Half are noise, mutated
frames of a session, and frames whose payload was mutated before it was sealed with the right key; half are console
lines, of somebody without and of one with the PIN. Nothing is raised, every 200 inputs the next good request and the
next good line are answered, and the heap in use after a collection does not grow with the inputs. What else there is
runs on CPython, in tests/security/.
"""

import gc
import sys

from bench import Bench, Random, plan_bytes

from lamppost.store.typed import pin_record
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key

GOOD_EVERY = 200
GROWTH_MAX = 16384  # bytes between the first thousand inputs and the last: tables that fill up to their bounds
LINES = (
    b"status", b"why 2026-12-24T22:30:00Z", b"get reading-s", b"set reading-s 600", b"set 40 10m", b"level 101 5m",
    b"auto", b"identify 30", b"log", b"faults", b"energy 2026-06-22", b"test", b"config", b"info", b"help", b"set a",
    b"why 2200-01-01T00:00:00Z", b"set clo 0:800,100000:1000", b"firmware begin 7 ab", b"set pin 12", b"set turn-ms 3",
)  # fmt: skip
HANDS_OFF = (b"address", b"key", b"pin", b"logout", b"login")  # with which a typist who has the PIN loses the post
BUS_KEY = bytes([9]) * 32
SAMPLES = {
    messages.TIME: (838000000, 250, 20), messages.COMMAND: (77, 1, 6, 0, 400, 0, 600, "quiet"),
    messages.WHY: (0, 0), messages.BLOB_BEGIN: (1, 140, bytes(32)), messages.BLOB_DATA: (0, bytes(128)),
}  # fmt: skip


class Fuzz:
    """One post, and who is hostile to it."""

    def __init__(self, seed):
        self.random = Random(seed)
        self.bench = Bench(saved={"plan": plan_bytes(300)}, pin=pin_record("271828", b"saltsalt"))
        self.bench.open()
        self.inputs = self.errors = 0
        self.login = bool(seed & 1)
        if self.login:
            self.bench.type("login 271828")

    def below(self, n):
        return int.from_bytes(self.random(3), "big") % n

    def step(self):
        kind = self.below(6)
        if kind < 3:
            data = self.line()
            self.bench.said = b""
            self.bench.give(("service", data))
            self.errors += self.bench.said.count(b"error: ")
        else:
            data = self.random(self.below(250)) if kind == 3 else self.frame(kind == 4)
            self.bench.give(("rx", data))
        self.bench.sent, self.bench.logged = [], []
        self.inputs += 1
        if self.inputs % GOOD_EVERY == 0:
            self.good()

    def line(self):
        if self.below(5) == 0:
            return self.random(self.below(200))
        text = self.mutate(LINES[self.below(len(LINES))]) if self.below(2) else LINES[self.below(len(LINES))]
        if self.login and any(word in text for word in HANDS_OFF):
            text = b"status"
        return text + b"\r"

    def frame(self, sealed):
        """A frame of a session; `sealed`: its payload was mutated before it was sealed, else all of it after."""
        kinds = tuple(SAMPLES) + (messages.POLL, messages.EVENT)
        kind = kinds[self.below(len(kinds))]
        line = self.bench.post.line
        session = line._link.session if line else None
        key, context, dst, src = Key(BUS_KEY), contexts.BUS, EVERYBODY, GATEWAY if kind == messages.TIME else 8
        if kind not in (messages.TIME, messages.EVENT):
            key, context, dst, src = session.key if session else key, contexts.DOWN, self.bench.address, GATEWAY
        payload = self.random(self.below(60))
        if kind in SAMPLES and self.below(4):
            payload = messages.encode(kind, SAMPLES[kind])
            payload = self.mutate(payload) if self.below(2) else payload
        signed = header(dst, src, kind, self.inputs + 1) + payload
        data = pack(signed, key.seal(context, signed))
        return data if sealed else self.mutate(data)

    def mutate(self, data):
        out = bytearray(data)
        for _ in range(self.below(4)):
            if out:
                out[self.below(len(out))] = self.below(256)
        cut = self.below(3 * len(out) + 1)
        return bytes(out[:cut]) if cut < len(out) else bytes(out)

    def good(self):
        """The next good frame and the next good line are taken."""
        bench = self.bench
        bench.give(("rx", b"\x00"))
        bench.give(("service", b"\r"))
        bench.run(2000)
        bench.sent, bench._heard = [], []  # the rig's own memory
        try:
            taken = bench.ask(messages.POLL, (0, b"")) is not None
        except (KeyError, WireError):
            taken = False
        if not taken:  # a request under a stolen session key has used the counters up to there: a new session
            taken = bench.open() is not None
        assert taken, "a good frame was not answered"
        assert bench.type("status")[-1] == "ok"
        items = bench.post.items
        items.tell(items.next_seq - 1)
        items.acknowledge(items.next_seq - 1)


def used():
    """Bytes of the heap in use after a collection, 0 where the interpreter does not say."""
    if not hasattr(gc, "mem_alloc"):
        return 0
    gc.collect()
    return gc.mem_alloc()


def run(inputs, seed=1, tell=None):
    """(inputs, errors said on the console, bytes by which the heap in use grew). Raises what it finds."""
    fuzz = Fuzz(seed)
    first = 0
    while fuzz.inputs < inputs:
        fuzz.step()
        if fuzz.inputs == min(1000, inputs // 2):
            first = used()
        if tell and fuzz.inputs % 100000 == 0:
            tell(fuzz.inputs, used() - first)
    return fuzz.inputs, fuzz.errors, used() - first


def main():
    inputs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    done, errors, grown = run(inputs, seed, lambda n, grown: print("%d inputs, heap in use +%d bytes" % (n, grown)))
    print("%d inputs, no finding; %d errors said, heap in use +%d bytes" % (done, errors, grown))
    assert grown < GROWTH_MAX, "the heap grows"


if __name__ == "__main__":
    main()
