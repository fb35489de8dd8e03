"""What a post's work costs on this interpreter, and by that on an RP2040: `micropython costs.py [ROUNDS]`.

Each row: what, the median in microseconds here, and the milliseconds of an RP2040 from LEAST to MOST times as much:
what functions of this kind were measured to take in its emulator (a CBOR array 80 and 110 times, a method call 210, an
HMAC over kept pads 270); a real one was 1.67 times as slow as that. The answer to a POLL leaves at its moment ([A-10],
4 ms after the POLL at 19,200 baud) or when it is ready, whichever is later, and "sending it" after that. Light does not
begin to rise before the seal of an EVENT is checked: that is a twentieth of the time.
"""

import sys
import time

from bench import NOON, Bench, plan_bytes

from lamppost.limits import TICKS_MASK
from lamppost.wire import messages
from lamppost.wire.contexts import BUS
from lamppost.wire.frame import Decoder, header, pack
from lamppost.wire.seal import fits

LEAST, MOST = 80, 270
REST_MS = 40  # until the next request: what is made ahead is made

try:
    now_us = time.ticks_us  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
except AttributeError:

    def now_us():
        return time.perf_counter_ns() // 1000


class Costs:
    """A post with a plan and 24 neighbours at rest, at night; `took` has the times by name."""

    def __init__(self):
        self.took = {}
        near = [(10 + n, 300 * (1 + n // 2), 90) for n in range(24)]
        self.bench = bench = Bench(saved={"plan": plan_bytes(neighbours=near)})
        bench.open()
        bench.set_time(NOON + 10 * 3600)
        items = bench.ask(messages.POLL, (0, b""))[8]
        while items:
            items = bench.ask(messages.POLL, (items[-1][0], b""))[8]
        bench.run(20000)  # the light is where it stays
        self.other = Bench(address=10, seed=5)  # a neighbour that sees people
        self.number = 0

    def give(self, name, event):
        """Hand over an event, with the time it takes; the actions."""
        bench = self.bench
        begun = now_us()
        actions, bench.deadline = bench.post.handle(event, bench.ticks & TICKS_MASK)
        self.took.setdefault(name, []).append(now_us() - begun)
        return actions

    def poll(self, name, full):
        bench = self.bench
        self.give(name, ("rx", bench.gateway.request(bench.address, messages.POLL, (0, b"", full, 0))))
        wait = (bench.deadline - bench.ticks) & TICKS_MASK
        bench.ticks += wait
        sent = self.give("sending it", ("tick",))
        bench.gateway.receive(Decoder().feed(sent[0][1])[0])
        bench.run(REST_MS)

    def detection(self):
        """Somebody at a neighbour: from the frame to the lamp's action."""
        self.number += 1
        data = self.other.post.line._link.event(self.number, 0, 0)
        actions = self.give("a neighbour's EVENT, to the lamp's action", ("rx", data))
        assert [action for action in actions if action[0] == "lamp"]
        frame = Decoder().feed(data)[0]
        begun = now_us()
        assert fits(self.bench.post.line._link.bus, BUS, frame.signed, frame.seal)
        self.took.setdefault("of which to check its seal", []).append(now_us() - begun)
        self.bench.run(25000)  # the light has gone down again

    def sealed(self):
        link = self.bench.post.line._link
        begun = now_us()
        signed = header(0, 3, messages.TIME_OK, 7) + messages.encode(messages.TIME_OK, (5, 12, 20))
        pack(signed, link.bus.seal(b"x", signed))
        self.took.setdefault("a long frame encoded and sealed", []).append(now_us() - begun)


def measure(rounds):
    """{what: median in microseconds}."""
    costs = Costs()
    for _ in range(rounds):
        costs.poll("a POLL read, its STATUS made", 1)
        costs.sealed()
    for _ in range(rounds):
        costs.poll("a POLL that was foreseen", 0)
    for _ in range(rounds):
        costs.detection()
    return {name: sorted(times)[len(times) // 2] for name, times in costs.took.items()}


def main(rounds):
    """Print the table."""
    medians = measure(rounds)
    for name in sorted(medians):
        us = medians[name]
        print("%-44s %5d us   %5.1f to %5.1f ms on an RP2040" % (name, us, us * LEAST / 1000, us * MOST / 1000))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400)
