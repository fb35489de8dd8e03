"""The line in virtual time hears what lampsim.line.Line hears, whatever short cuts it takes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, Decoder, header, pack
from lamppost.wire.seal import Key
from lampsim.line import Line
from lampsim.virtual.loop import Loop
from lampsim.virtual.wire import Wire

BAUD = 20_000  # a byte takes 500 us: neither side rounds, so ends that meet meet on both
NODES = ("gw", "a", "b", "c")


def frame(src: int, dst: int, counter: int) -> bytes:
    signed = header(dst, src, messages.TIME, counter) + messages.encode(messages.TIME, (counter, 2, 0))
    return pack(signed, Key(bytes(32)).seal(contexts.BUS, signed))


def frames(data: bytes) -> list[tuple[int, bytes, bytes]]:
    """Counter, what is signed and seal of each frame in there."""
    return [(seen.counter, bytes(seen.signed), bytes(seen.seal)) for seen in Decoder().feed(data)]


class Ear:
    """A station that keeps what it hears; a Frame counts as the bytes it was in."""

    def __init__(self, name: str, address: int, wire: Wire, sent: dict) -> None:
        self.name, self.address, self.wire = name, address, wire
        self.listening = False
        self.heard = b""
        self.passed_at: list[int] = []
        self._sent = sent

    def hear(self, data: bytes) -> None:
        self.heard += data

    def hear_late(self, data: bytes, at_us: int) -> None:
        self.heard += data
        self.passed_at.append(at_us)

    def hear_frame(self, frame, sender: str) -> None:
        self.heard += self._sent[self.wire.speaker, frame.counter]

    def cares(self, src: int) -> bool:
        return True

    def passed(self, kind: int, src: int, dst: int, end_us: int) -> None:
        self.passed_at.append(end_us)


def ears(exact: bool, **impair):
    loop, sent = Loop(), {}
    wire = Wire(loop, BAUD, 5, exact)
    wire.impair(**impair)
    found = {name: Ear(name, i, wire, sent) for i, name in enumerate(NODES)}
    for ear in found.values():
        wire.plug(ear)
    return loop, wire, found, sent


def say(loop: Loop, wire: Wire, sent: dict, node: str, data: bytes, counter: int) -> None:
    def speak() -> None:
        sent[node, counter] = data
        wire.send(node, data)

    loop.at(loop.now_us, speak)


WRITES = st.lists(
    st.tuples(st.sampled_from(NODES), st.integers(0, 60_000), st.booleans(), st.binary(min_size=1, max_size=30)),
    max_size=20,
)


@settings(max_examples=150, deadline=None)
@given(WRITES, st.booleans())
def test_everybody_hears_what_line_says(writes, exact: bool) -> None:
    loop, wire, found, sent = ears(exact)
    line, now = Line(BAUD, NODES, 1), 0
    want = dict.fromkeys(NODES, b"")
    for counter, (node, gap_us, noise, raw) in enumerate(writes, 1):
        now += gap_us
        data = raw if noise else frame(NODES.index(node), EVERYBODY, counter)
        loop.run_until(now)
        sent[node, counter] = data
        wire.send(node, data)
        for name, heard in line.due(now):
            want[name] += heard
        line.write(node, data, now)
    loop.run_until(now + 5_000_000)
    for name, heard in line.due(now + 5_000_000):
        want[name] += heard
    # Garbled bytes are drawn at random on both sides: where one is heard counts, not which.
    assert {name: len(ear.heard) for name, ear in found.items()} == {name: len(heard) for name, heard in want.items()}
    if not line.counters.garbled:
        assert {name: ear.heard for name, ear in found.items()} == want
    spoken = {seen for data in sent.values() for seen in frames(data)}
    for name, ear in found.items():  # garbled bytes may look like a frame by chance; its seal would be wrong
        good = [seen for seen in frames(want[name]) if seen in spoken]
        assert [seen for seen in frames(ear.heard) if seen in spoken] == good


@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.3]))
@settings(max_examples=20, deadline=None)
def test_frames_are_lost_whole_and_at_their_rate(seed: int, loss: float) -> None:
    loop, wire, found, sent = ears(False, loss=loss)
    for counter in range(1, 201):
        loop.run_until(counter * 100_000)
        data = frame(0, EVERYBODY, counter)
        sent["gw", counter] = data
        wire.send("gw", data)
    loop.run_until(60_000_000)
    got = [len(Decoder().feed(found[name].heard)) for name in "abc"]
    assert sum(got) + wire.counters.lost_frames == 600
    assert abs(wire.counters.lost_frames - 600 * loss) < 6 * (600 * loss) ** 0.5
    assert all(Decoder().feed(found[name].heard) is not None for name in "abc")


def test_bit_errors_come_at_their_rate_and_no_damaged_frame_passes() -> None:
    loop, wire, found, sent = ears(False, bit_error=1e-3)
    bits = 0
    for counter in range(1, 501):
        loop.run_until(counter * 100_000)
        data = frame(0, EVERYBODY, counter)
        bits += 3 * 8 * len(data)
        sent["gw", counter] = data
        wire.send("gw", data)
    loop.run_until(60_000_000)
    assert abs(wire.counters.bit_errors - bits * 1e-3) < 6 * (bits * 1e-3) ** 0.5
    for name in "abc":
        decoder = Decoder()
        assert all(f.signed[3:7] == f.counter.to_bytes(4, "big") for f in decoder.feed(found[name].heard))
        assert decoder.errors > 50


def test_a_frame_for_one_is_handed_to_one_and_the_others_learn_when_it_ended() -> None:
    loop, wire, found, sent = ears(False)
    data = frame(0, 2, 1)
    sent["gw", 1] = data
    wire.send("gw", data)
    loop.run_until(100_000)
    assert found["b"].heard == data
    assert found["a"].heard == found["c"].heard == b""
    end_us = len(data) * 10_000_000 // BAUD
    assert wire.catch_up(found["a"], 0) == end_us
    assert found["a"].passed_at == [end_us]
    assert wire.catch_up(found["a"], end_us) == end_us
    assert found["a"].passed_at == [end_us]


def test_who_begins_to_listen_in_the_middle_hears_that_somebody_speaks_and_then_the_rest() -> None:
    loop, wire, found, sent = ears(False)
    data = frame(0, 2, 1)
    sent["gw", 1] = data
    wire.send("gw", data)
    loop.run_until(5_000)
    found["a"].listening = True
    wire.listen(found["a"], True)
    assert found["a"].heard == data[:1], "that somebody speaks"
    loop.run_until(100_000)
    assert found["a"].heard == data


def test_an_unplugged_node_neither_hears_nor_is_heard() -> None:
    loop, wire, found, sent = ears(False)
    data = frame(1, EVERYBODY, 1)
    sent["a", 1] = data
    wire.send("a", data)
    loop.run_until(6_000)
    wire.unplug(found["a"])
    wire.unplug(found["c"])
    loop.run_until(100_000)
    assert data.startswith(found["b"].heard)
    assert 0 < len(found["b"].heard) < len(data)
    assert len(found["c"].heard) < len(data)
    wire.send("a", data)
    loop.run_until(200_000)
    assert len(found["b"].heard) < len(data)
