"""Properties of the frame decoder and of two real ends on a line that loses, doubles, reorders, delays and flips."""

import itertools
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from wire_channel import Faults, Line

from lamppost.limits import FRAME_MAX, FRAME_PAYLOAD_MAX
from lamppost.wire import messages, packed, seldom
from lamppost.wire.errors import WireError
from lamppost.wire.frame import Decoder, go, header, pack

SEALS = st.binary(min_size=8, max_size=8)
U8 = st.integers(0, 255)
SIGNED = st.builds(
    lambda dst, src, kind, counter, payload: header(dst, src, kind, counter) + payload,
    U8, U8, U8.filter(lambda kind: kind not in packed.KINDS), st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=FRAME_PAYLOAD_MAX),
)  # fmt: skip
PAIRS = st.integers(0, 1).flatmap(lambda count: st.binary(min_size=2 * count, max_size=2 * count))
SHORT = st.one_of(
    st.tuples(st.just(packed.POLL), st.tuples(st.integers(0, 0xFFFFFFFF), PAIRS, st.integers(0, 1))),
    st.tuples(st.just(packed.STILL), st.tuples(U8)),
    st.tuples(
        st.just(packed.EVENT),
        st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 5000), st.integers(0, 255)),
    ),
)
SIGNED_SHORT = st.builds(
    lambda dst, src, said, counter: header(dst, src, said[0], counter) + packed.encode(*said),
    U8, U8, SHORT, st.integers(0, 0xFFFFFFFF),
)  # fmt: skip
FRAMES = st.builds(pack, SIGNED | SIGNED_SHORT, SEALS) | st.builds(go, U8, U8, U8, PAIRS)
NOISE = st.binary(max_size=300)


def bodies(frames) -> list[bytes]:
    return [frame.signed + frame.seal for frame in frames]


def in_pieces(decoder: Decoder, stream: bytes, cuts: list[int]) -> list:
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [frame for a, b in itertools.pairwise(edges) for frame in decoder.feed(stream[a:b])]


@settings(max_examples=150, deadline=None)
@given(st.lists(FRAMES, max_size=6), NOISE, st.lists(st.integers(0, 5000), max_size=12))
def test_any_split_gives_the_same_frames(lines: list[bytes], rest: bytes, cuts: list[int]) -> None:
    """[F-1] [F-6]"""
    stream = b"".join(lines) + rest
    whole, pieces, single = Decoder(), Decoder(), Decoder()
    expected = bodies(whole.feed(stream))
    assert bodies(in_pieces(pieces, stream, cuts)) == expected
    assert bodies(in_pieces(single, stream, list(range(len(stream))))) == expected
    assert len(expected) >= len(lines)
    assert whole.errors == pieces.errors == single.errors


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(NOISE, FRAMES), max_size=6))
def test_frames_survive_noise_between_them(parts: list[tuple[bytes, bytes]]) -> None:
    """[F-6]"""
    clean = bodies(Decoder().feed(b"".join(line for _, line in parts)))
    heard = bodies(Decoder().feed(b"".join(noise + line for noise, line in parts)))
    assert [body for body in heard if body in clean] == clean


@settings(max_examples=300, deadline=None)
@given(st.lists(NOISE, max_size=8))
def test_any_bytes_raise_nothing_and_take_no_memory(chunks: list[bytes]) -> None:
    """[F-6] [F-7]"""
    decoder = Decoder()
    for chunk in chunks:
        decoder.feed(chunk)
        assert len(decoder._piece) <= FRAME_MAX + 1


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(sorted([*messages.FIELDS, *seldom.FIELDS])) | U8, st.binary(max_size=FRAME_PAYLOAD_MAX))
def test_any_payload_is_read_or_refused(kind: int, payload: bytes) -> None:
    """[M-2]"""
    try:
        values = messages.decode(kind, payload)
    except WireError:
        return
    assert messages.encode(kind, values) == payload


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1 << 32), st.sampled_from(Faults.KINDS), st.floats(0.02, 0.4))
def test_two_ends_on_a_bad_line(seed: int, kind: str, share: float) -> None:
    """[S-7] [S-8] [S-10] [B-3] Nothing wrong is accepted, nothing is taken twice, and the line recovers."""
    line = Line(Faults(random.Random(seed), {kind: share}), posts=3)
    for _ in range(60):
        line.round()
    line.faults.shares = {}
    for _ in range(6):
        line.round()
    line.check()


def test_all_faults_at_once() -> None:
    """[S-7] [S-8] [S-10] [B-3]"""
    for seed in range(8):
        line = Line(Faults(random.Random(seed), dict.fromkeys(Faults.KINDS, 0.06)), posts=3)
        for _ in range(200):
            line.round()
        line.faults.shares = {}
        for _ in range(6):
            line.round()
        line.check()


def test_a_line_that_doubles_every_frame_works() -> None:
    """[S-5]"""
    line = Line(Faults(random.Random(5), {"double": 1.0}), posts=3)
    for _ in range(20):
        line.round()
    line.check()
    assert line.answered >= 3 * 17
