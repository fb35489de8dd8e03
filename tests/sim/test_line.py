"""The simulated line keeps time to the byte, garbles exactly what overlaps, and replays from its seed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampsim.line import TRANSMIT_MAX, Line

BYTE_US = 1_000  # at 10,000 baud


def line(*nodes: str, **kwargs) -> Line:
    return Line(10_000, nodes or ("gw", "a", "b", "c"), **kwargs)


def heard(wire: Line, now_us: int) -> dict[str, bytes]:
    return dict(wire.due(now_us))


def test_everyone_but_the_sender_hears_each_byte_when_it_has_ended():
    wire = line()
    wire.write("gw", b"xyz\0", 500)
    assert wire.next_due_us == 1_500
    assert wire.next_end_us == 4_500
    assert wire.due(1_499) == []
    assert heard(wire, 1_500) == {"a": b"x", "b": b"x", "c": b"x"}
    assert heard(wire, 4_500) == {"a": b"yz\0", "b": b"yz\0", "c": b"yz\0"}
    assert wire.next_due_us is None
    assert wire.next_end_us is None
    assert (wire.counters.bytes, wire.counters.frames, wire.counters.collisions) == (4, 1, 0)
    assert wire.busy_us(9_999) == 4_000


def test_a_second_write_queues_behind_the_first():
    wire = line()
    wire.write("gw", b"one\0", 0)
    wire.write("gw", b"two\0", 1_200)
    assert wire.next_end_us == 8 * BYTE_US
    assert heard(wire, 8 * BYTE_US)["a"] == b"one\0two\0"
    assert wire.counters.frames == 2


def test_only_the_overlap_is_garbled_and_only_third_parties_hear_it():
    wire = line()
    wire.write("a", b"AAAAAA", 0)
    wire.write("b", b"BBBBBB", 3_500)
    got = heard(wire, 20_000)
    assert got["c"] == got["gw"]
    assert got["c"][:3] == b"AAA"
    assert got["c"].endswith(b"BBB")  # 6.0 .. 9.5 ms: the bytes of b that began after a fell silent
    middle = got["c"][3:-3]
    assert len(middle) == 3  # three damaged bytes seen, not six: the UART is busy with the first
    assert not set(middle) & set(b"A")
    assert got["a"] == b"BBB"
    assert got["b"] == b"AAA"
    assert wire.counters.collisions == 1
    assert wire.counters.garbled == 6


def test_bytes_that_touch_do_not_collide():
    wire = line()
    wire.write("a", b"A\0", 0)
    wire.write("b", b"B\0", 2_000)
    assert heard(wire, 9_000)["c"] == b"A\0B\0"
    assert wire.counters.collisions == 0


def test_an_unplugged_node_neither_hears_nor_is_heard_and_its_frame_is_cut():
    wire = line()
    wire.write("a", b"ABCD", 0)
    assert heard(wire, 2_000)["b"] == b"AB"
    wire.unplug("a")
    wire.write("a", b"more", 2_500)
    assert wire.due(20_000) == []
    wire.write("b", b"B", 21_000)
    assert "a" not in heard(wire, 23_000)
    wire.plug("a")
    wire.write("b", b"C", 30_000)
    assert heard(wire, 33_000)["a"] == b"C"


def test_a_lost_frame_is_lost_whole_and_by_each_hearer_on_its_own():
    wire = line(loss=0.5, seed=7)
    for i in range(200):
        wire.write("gw", b"frame\0", i * 10_000)
    got = heard(wire, 200 * 10_000)
    assert all(set(data.split(b"\0")) <= {b"frame", b""} for data in got.values())
    counts = {name: data.count(b"frame") for name, data in got.items()}
    assert all(70 < n < 130 for n in counts.values()), counts
    assert 600 - sum(counts.values()) == wire.counters.lost_frames


def test_bit_errors_come_at_their_rate():
    wire = line(bit_error=1e-3, seed=3)
    for i in range(100):
        wire.write("gw", bytes(1000), i * 2_000_000)
        wire.due((i + 1) * 2_000_000)
    bits = 100 * 1000 * 8 * 3
    assert wire.counters.bit_errors == pytest.approx(bits * 1e-3, rel=0.1)


def test_a_node_that_writes_too_much_loses_the_rest():
    wire = line()
    wire.write("a", bytes(TRANSMIT_MAX + 10), 0)
    assert wire.room("a") == 0
    assert wire.counters.dropped == 10
    wire.due(10 * BYTE_US)
    assert wire.room("a") == 10


def test_a_node_that_never_falls_silent_keeps_a_bounded_run():
    wire = line()
    for i in range(300):
        wire.write("a", bytes(100), i * 100 * BYTE_US)
        wire.due(i * 100 * BYTE_US + 50 * BYTE_US)
    assert len(wire._nodes["a"].data) <= 2 * TRANSMIT_MAX
    assert wire.busy_us(301 * 100 * BYTE_US) == 300 * 100 * BYTE_US


@pytest.mark.parametrize("kwargs", [{"loss": 1.0}, {"bit_error": -0.1}])
def test_impossible_figures_are_refused(kwargs):
    with pytest.raises(ValueError, match="probabilities"):
        line(**kwargs)


WRITES = st.lists(
    st.tuples(st.sampled_from("abc"), st.binary(min_size=1, max_size=12), st.integers(0, 4_000)), max_size=25
)


def play(writes, steps, **kwargs):
    """All deliveries of a list of (node, data, gap_us), asked for every `steps` microseconds and at the end."""
    wire, now, got = line("a", "b", "c", **kwargs), 0, {"a": b"", "b": b"", "c": b""}

    def take(until):
        for name, data in wire.due(until):
            got[name] += data

    for node, data, gap in writes:
        for moment in range(now, now + gap, steps):
            take(moment)
        now += gap
        wire.write(node, data, now)
    take(now + 10_000_000)
    return got, wire


@given(WRITES, st.integers(1, 2**32))
def test_how_often_one_asks_changes_nothing(writes, seed):
    kwargs = {"seed": seed, "loss": 0.2}
    (coarse, _), (fine, wire) = play(writes, 10_000_000, **kwargs), play(writes, 137, **kwargs)
    assert coarse == fine
    assert wire.next_due_us is None


@given(WRITES)
def test_nothing_is_heard_faster_than_the_wire_and_clean_bytes_arrive_in_order(writes):
    got, wire = play(writes, 500)
    assert wire.counters.bytes == sum(len(data) for _, data, _ in writes)
    for name, data in got.items():
        assert len(data) <= sum(len(d) for node, d, _ in writes if node != name)
    if wire.counters.garbled == 0:
        assert got["c"] == b"".join(data for node, data, _ in writes if node != "c")


@given(WRITES)
def test_what_c_hears_fits_in_the_time_the_wire_was_busy(writes):
    got, wire = play(writes, 500)
    assert len(got["c"]) * BYTE_US <= wire.busy_us(1 << 60)
