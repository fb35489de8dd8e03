"""The bench's line in turns says what the byte-true Line says, and passing over idle rounds changes nothing."""

import random

import pytest

from lampsim.bench.air import GATEWAY, Air, Event, Frame
from lampsim.bench.measure import SCHEMES
from lampsim.bench.setup import Setup, bursts, poisson
from lampsim.line import Line


def heard_on_line(
    setup: Setup, frames: list[Frame], seed: int
) -> tuple[dict[int, set[bytes]], list[bool], list[bytes]]:
    """Say the frames on a Line: by whom which of their bodies were heard, of each frame whether its talker had heard
    something of what was still being said when it began, and the bodies."""
    line = Line(setup.baud, [str(i) for i in range(setup.posts + 1)], seed)
    draw = random.Random(seed)
    bodies = [bytes(draw.randrange(1, 256) for _ in range(f.size - 2)) for f in frames]
    heard = {i: bytearray() for i in range(setup.posts + 1)}
    last_us = dict.fromkeys(heard, -1)
    knew = []

    def listen(until_us: int) -> None:
        while (due_us := line.next_due_us) is not None and due_us <= until_us:
            for name, data in line.due(due_us):
                heard[int(name)] += data
                last_us[int(name)] = due_us

    for frame, body in zip(frames, bodies, strict=True):
        listen(frame.start_us - 1)
        running = [f for f in frames if f.start_us < frame.start_us < f.start_us + setup.span_us(f.size)]
        knew.append(any(last_us[frame.src] > f.start_us for f in running if f.src != frame.src))
        line.write(str(frame.src), b"\0" + body + b"\0", frame.start_us)
    listen(1 << 60)
    pieces = {i: bytes(data).split(b"\0") for i, data in heard.items()}
    assert line.counters.frames == len(frames)
    return {i: set(mine) for i, mine in pieces.items()}, knew, bodies


@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("baud", [9600, 115200])
def test_a_run_replayed_byte_by_byte_is_heard_the_same(name, baud):
    setup = Setup(8, baud)
    said: list[tuple[Frame, bool]] = []
    events = bursts(setup, 3, 5, False, f"{name} {baud}")
    for event in events:
        event.seen_us = event.seen_us % 1_000_000 + event.burst * 2_000_000
    Air(baud, lambda frame, whole: said.append((frame, whole))).run(SCHEMES[name][1](setup, 3), events)
    said = said[:600]
    frames = [frame for frame, _ in said]
    assert any(not whole for _, whole in said) or name not in ("aloha", "csma", "slots", "slots-fold", "design")
    heard, knew, bodies = heard_on_line(setup, frames, 7)
    for (frame, whole), body in zip(said, bodies, strict=True):
        for hearer, mine in heard.items():
            if hearer != frame.src:
                assert (body in mine) == whole, (frame, hearer)
    for frame, early in zip(frames, knew, strict=True):
        assert not early or frame.deaf, f"{frame} began though its talker had heard that the line is in use"


@pytest.mark.parametrize("name", [name for name in SCHEMES if name != "csma"])
def test_passing_over_idle_rounds_changes_nothing(name):
    setup = Setup(6)
    runs = []
    for skipping in (True, False):
        scheme = SCHEMES[name][1](setup, 5)
        if not skipping:
            scheme.skip = lambda until_us: None
        events = poisson(setup, 40, 2.0, 5)
        end_us = Air(setup.baud).run(scheme, events)
        runs.append((end_us, scheme.statuses, [(e.gateway_us, e.near_us) for e in events]))
    assert runs[0] == runs[1]
    assert all(at_us >= 0 for at_us, _ in runs[0][2])


def test_two_that_begin_within_a_byte_collide_and_a_third_holds_back():
    class Three:
        statuses = round_bytes = 1
        heard_frames = None

        def plans(self):
            return [Frame(1000, 1, "event", 16), Frame(1400, 2, "event", 16), Frame(1600, 3, "event", 16)]

        def arrive(self, event):
            pass

        def skip(self, until_us):
            pass

        def heard(self, frames, end_us):
            self.heard_frames, self.end_us = frames, end_us
            event.gateway_us = end_us

    event = Event(0, 1, 0)
    scheme = Three()
    Air(19200).run(scheme, [event])
    assert [frame.src for frame in scheme.heard_frames] == [1, 2]
    assert scheme.end_us == 1400 + round(16 * 10_000_000 / 19200)


def test_a_deaf_talker_begins_in_the_middle_of_another():
    said = []

    class Deaf:
        statuses = round_bytes = 1

        def plans(self):
            return [Frame(0, GATEWAY, "poll", 12), Frame(5000, 1, "event", 16, deaf=True)]

        def arrive(self, event):
            pass

        def skip(self, until_us):
            pass

        def heard(self, frames, end_us):
            event.gateway_us = end_us

    event = Event(0, 1, 0)
    Air(19200, lambda frame, whole: said.append((frame.src, whole))).run(Deaf(), [event])
    assert said == [(GATEWAY, False), (1, False)]
