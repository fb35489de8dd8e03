"""The poll scheduler on bad lines, and on lines that lie: noise, jabber, recordings, forgeries, any bytes at all."""

import pytest
from asking import ask, plan_of
from hypothesis import given, settings
from hypothesis import strategies as st
from street import BUS_KEY, Lamp, Street, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.procedures import command, send_plan
from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, Decoder, header, pack
from lamppost.wire.seal import Key


@pytest.mark.parametrize("seed", range(4))
def test_on_a_bad_line_nothing_is_lost_and_nothing_happens_twice(seed: int) -> None:
    street = Street(4, seed=seed, loss=0.2, noise=0.05, duplicate=0.1)
    street.run(8000)
    sensed = dict.fromkeys(range(1, 5), 0)
    for turn in range(40):
        address = turn % 4 + 1
        street.sense(address)
        sensed[address] += 1
        street.run(street.now + 150)
    for number in range(10):
        ask(street, f"show{number}", 2, command(100 + number, messages.IDENTIFY, for_s=1))
        street.run(street.now + 3000)
    ask(street, "plan", 4, send_plan(plan_of(4)), 120_000, background=True)
    street.run_until(lambda: street.result("plan"), 120_000)
    street.run(street.now + 20_000)
    for address, count in sensed.items():
        got = [key for key, item in street.stored.items() if key[0] == address and item[1] == messages.PRESENCE]
        assert len(got) == count
        assert len(street.lamp(address).post.items) == 0
    results = [street.result(f"show{number}") for number in range(10)]
    acted = street.lamp(2).count("identify", 1)
    good = sum(bool(result and result.value and result.value.ok) for result in results)
    assert good <= acted <= 10, "each transaction acts once at most, and an ok is true"
    assert good >= 8


def test_a_post_with_another_key_is_refused_and_said() -> None:
    street = Street(lamps=[Lamp(1), Lamp(2, key=bytes(32))])
    street.run(10_000)
    assert street.online() == {1}
    assert street.lamp(2).post.line.refused > 0


def test_recorded_frames_change_nothing_when_played_again() -> None:
    street = Street(3)
    street.run(2000)
    street.sense(1)
    street.run(4000)
    recorded = [frame for _, sender, frame in street.frames if sender is not None]
    errors = street.poller.counters.errors
    said = len(street.said)
    poller, now = street.poller, street.now
    for frame in recorded:
        now += 1
        for action in poller.handle(line.Received(frame), now):
            assert isinstance(action, (line.Send, line.Offline)), action
    # An old event is no error: its sender may have missed the acknowledgement, and gets another.
    others = [seen for frame in recorded for seen in Decoder().feed(frame) if seen.type != messages.EVENT]
    assert 0 < len(recorded) - len(others) < 5
    assert poller.counters.errors - errors == len(others)
    assert len(street.said) == said


def test_a_forged_event_and_a_post_in_another_name_are_refused() -> None:
    street = Street(2)
    street.run(1000)
    signed = header(EVERYBODY, 1, messages.EVENT, 5000) + messages.encode(messages.EVENT, (0, 0, 0, 0))
    forged = pack(signed, Key(bytes(32)).seal(contexts.BUS, signed))
    unknown = header(EVERYBODY, 77, messages.EVENT, 1) + signed[7:]
    stranger = pack(unknown, Key(BUS_KEY).seal(contexts.BUS, unknown))
    for frame in (forged, stranger):
        street.give(line.Received(frame))
    assert not street.of(line.Heard)
    assert street.poller.counters.last_error == "address 77: unknown post 77"


def test_a_jabbering_post_does_not_stop_the_others_for_ever() -> None:
    street = Street(3)
    street.run(2000)
    for ms in range(2000, 6000, 5):
        street.at(ms, lambda: street.give(line.Received(b"\x55\xaa\x55")))
    street.run(6000)
    before = len(street.of(line.Status))
    street.run(9000)
    assert len(street.of(line.Status)) > before + 3
    assert street.online() == {1, 2, 3}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=80), st.integers(0, 200)), max_size=40))
def test_no_bytes_whatever_break_it(chunks) -> None:
    poller = Poller({1: post_key(1), 2: post_key(2)}, BUS_KEY, 19200, lambda n: bytes(n), 0, lambda counter: None)
    now = 0
    for data, wait_ms in chunks:
        now += wait_ms
        actions = poller.handle(line.Received(data), now) + poller.handle(None, now)
        assert all(isinstance(action, (line.Send, line.Offline)) for action in actions)
        assert poller.deadline() is not None
