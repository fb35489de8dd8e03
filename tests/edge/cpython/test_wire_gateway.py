"""The rules of edge/PROTOCOL.md that a gateway keeps: its poll scheduler and a whole post, on a line with a clock."""

import itertools

import pytest
from bench import BUS_KEY, Bench, Random, post_key

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.lines.roster import HELLO_TRIES, LONELY_EVERY_MS
from lamplighter.gateway.lines.slot import WINDOWS_MAX
from lamppost.limits import FRAME_MAX, TICKS_MASK
from lamppost.wire import messages
from lamppost.wire.access import Timing
from lamppost.wire.frame import Decoder, Frame, header, pack

BAUD = 19200
ADDRESS = 3
TIMING = Timing(BAUD)
TURN_MS = 2
PIECE = 8  # bytes that a port hands over at once


class Cabinet:
    """A Poller and, on the other end of a half duplex line, one post; every millisecond is a step."""

    def __init__(self):
        keys = {ADDRESS: post_key(ADDRESS)}
        self.poller = Poller(keys, BUS_KEY, BAUD, Random(5), 0, lambda counter: None)
        self.bench = Bench(ADDRESS)
        self.answers = True
        self.t_ms = 0
        self.sent: list[tuple[int, Frame]] = []  # when its first byte left, what
        self.raw: list[bytes] = []
        self.heard: list[int] = []  # when the last byte of a post's frame had come
        self.out: list = []
        self.to_post: list[tuple[int, bytes]] = []
        self.to_gateway: list[tuple[int, bytes, bool]] = []  # when, what, and whether a frame ends there

    def run(self, ms: int) -> None:
        for _ in range(ms):
            self.t_ms += 1
            self._deliver()
            due = self.poller.deadline()
            if due is not None and due <= self.t_ms:
                self._act(self.poller.handle(None, self.t_ms))

    def give(self, event) -> None:
        self._act(self.poller.handle(event, self.t_ms))

    def say(self, data: bytes) -> None:
        """Bytes from the post's side, whole at this moment."""
        self.heard.append(self.t_ms)
        self.give(line.Received(data))

    def kinds(self) -> list[int]:
        return [frame.type for _, frame in self.sent]

    def acks(self) -> list[int]:
        polls = [frame for _, frame in self.sent if frame.type == messages.POLL]
        return [messages.decode(messages.POLL, frame.payload)[0] for frame in polls]

    def _deliver(self) -> None:
        self.bench.ticks += 1
        for at, data in [row for row in self.to_post if row[0] <= self.t_ms]:
            self.to_post.remove((at, data))
            if self.answers:
                self._from_post(self.bench.give(("rx", data)))
        if self.answers and (self.bench.deadline - self.bench.ticks - 1) & TICKS_MASK > TICKS_MASK // 2:
            self._from_post(self.bench.give(("tick",)))
        for row in [row for row in self.to_gateway if row[0] <= self.t_ms]:
            self.to_gateway.remove(row)
            _, data, ends = row
            self.say(data) if ends else self.give(line.Received(data))

    def _from_post(self, actions) -> None:
        for action in actions:
            if action[0] == "tx":
                data, start_ms = action[1], self.t_ms + TURN_MS
                for at in range(0, len(data), PIECE):
                    end = min(at + PIECE, len(data))
                    self.to_gateway.append((start_ms + wire_ms(data[:end]), data[at:end], end == len(data)))

    def _act(self, actions) -> None:
        for action in actions:
            self.out.append(action)
            if isinstance(action, line.Send):
                self.raw.append(action.data)
                self.sent += [(self.t_ms, frame) for frame in Decoder().feed(action.data)]
                self.to_post.append((self.t_ms + wire_ms(action.data), action.data))


def wire_ms(data: bytes) -> int:
    return -(-len(data) * 10_000 // BAUD)


@pytest.fixture
def cabinet() -> Cabinet:
    made = Cabinet()
    made.give(line.Clock(838_000_000_000, 10))
    made.run(1500)
    assert made.bench.post.line is not None
    assert messages.POLL in made.kinds()
    assert messages.TIME in made.kinds()
    return made


def test_a_window_stays_open_after_each_answer_and_each_broadcast(cabinet: Cabinet) -> None:
    """[A-1]"""
    starts = [at for at, _ in cabinet.sent]
    for end in cabinet.heard:
        after = [at - end for at in starts if at >= end]
        assert not after or min(after) >= TIMING.slot_ms
    for (at, frame), (following, _) in itertools.pairwise(cabinet.sent):
        if frame.type == messages.TIME:
            assert following - at >= TIMING.slot_ms + 15


def test_an_event_in_the_window_opens_it_again_eight_times(cabinet: Cabinet) -> None:
    """[A-1]"""
    link = cabinet.bench.post.line._link
    cabinet.answers = False
    before = len(cabinet.sent)
    while len(cabinet.sent) == before:  # wait for a question, answer it by hand, then babble
        cabinet.run(1)
    cabinet.answers = True
    cabinet.run(80)
    answered = len(cabinet.heard)
    assert answered
    started = cabinet.t_ms
    number = 1000
    step = TIMING.slot_ms - 1
    while cabinet.t_ms - started < 20 * step:
        number += 1
        cabinet.say(link.event(number, 0, 0))
        cabinet.run(step)
    talk = [at for at, _ in cabinet.sent if at > started]
    assert talk, "a talkative post kept the line"
    assert talk[0] - started >= WINDOWS_MAX * step
    assert talk[0] - started <= (WINDOWS_MAX + 1) * TIMING.slot_ms + 2 * wire_ms(bytes(FRAME_MAX))


def asked(cabinet: Cabinet) -> None:
    """Run until a POLL has left whose answer the test gives itself."""
    cabinet.answers = False
    cabinet.run(200)
    cabinet.answers = True
    cabinet.run(400)
    cabinet.answers = False
    before = len(cabinet.sent)
    while len(cabinet.sent) == before or cabinet.sent[-1][1].type != messages.POLL:
        cabinet.run(1)
    cabinet.to_post.clear()
    cabinet.run(7)  # its 12 bytes
    cabinet.heard.clear()


def answer(cabinet: Cabinet) -> bytes:
    """What the post answers to the last POLL, whatever it hears meanwhile."""
    bench = cabinet.bench
    bench.give(("rx", cabinet.raw[-1]))
    for _ in range(10):
        bench.ticks += 1
        for action in bench.give(("tick",)):
            if action[0] == "tx":
                return action[1]
    raise AssertionError("it did not answer")


def test_events_behind_a_poll_are_no_missing_answer(cabinet: Cabinet) -> None:
    """[A-10]"""
    asked(cabinet)
    link = cabinet.bench.post.line._link
    retries = cabinet.poller.counters.retries
    reply = answer(cabinet)
    for number in range(3):
        cabinet.run(10)
        cabinet.say(link.event(cabinet.bench.post.items.next_seq + number, 0, 0))
    cabinet.run(4)
    cabinet.say(reply)
    cabinet.run(3)
    assert cabinet.poller.counters.retries == retries
    assert cabinet.poller._question is None, "the answer was taken"
    assert len([action for action in cabinet.out if isinstance(action, line.Heard)]) >= 3


def test_garbage_behind_a_poll_is_asked_for_by_go_and_is_no_miss(cabinet: Cabinet) -> None:
    """[A-9] [A-10]"""
    asked(cabinet)
    retries, sent = cabinet.poller.counters.retries, len(cabinet.sent)
    cabinet.run(2)
    cabinet.give(line.Received(b"\x00\x55"))
    cabinet.run(8)
    cabinet.give(line.Received(b"\x55" * 13 + b"\x00"))
    cabinet.run(8)
    following = [frame.type for _, frame in cabinet.sent[sent:]]
    assert following == [messages.GO]
    assert cabinet.poller.counters.retries == retries
    cabinet.run(60)
    assert messages.POLL in [frame.type for _, frame in cabinet.sent[sent:]], "who kept silent is asked again"


def test_an_answer_that_an_adapter_hands_over_late_is_no_garbage(cabinet: Cabinet) -> None:
    asked(cabinet)
    sent = len(cabinet.sent)
    whole = pack(header(0, ADDRESS, messages.STATUS, 1) + bytes(60), bytes(8))
    for piece in (whole[:18], whole[18:40], whole[40:-1]):
        cabinet.give(line.Received(piece))
        cabinet.run(16)
    assert len(cabinet.sent) == sent, "nobody speaks into it"


def test_two_misses_then_hello_then_offline_at_a_bounded_share(cabinet: Cabinet) -> None:
    """[A-7]"""
    cabinet.answers = False
    cabinet.sent.clear()
    cabinet.run(20_000)
    kinds = [kind for kind in cabinet.kinds() if kind != messages.TIME]
    assert kinds[:2] == [messages.POLL, messages.POLL]
    assert set(kinds[2:]) == {messages.HELLO}
    polls = [frame.counter for _, frame in cabinet.sent if frame.type == messages.POLL]
    assert polls[1] == polls[0] + 1, "a repetition is a new frame"
    assert any(isinstance(action, line.Offline) for action in cabinet.out)
    greetings = [at for at, frame in cabinet.sent if frame.type == messages.HELLO][HELLO_TRIES:]
    assert min(b - a for a, b in itertools.pairwise(greetings)) >= LONELY_EVERY_MS, "nobody else is there"
    cabinet.answers = True
    cabinet.run(5_000)
    assert messages.POLL in cabinet.kinds()[-8:]


def test_nothing_is_acknowledged_before_it_is_stored(cabinet: Cabinet) -> None:
    """[I-3]"""
    cabinet.run(3000)
    assert set(cabinet.acks()) == {0}
    items = [action for action in cabinet.out if isinstance(action, line.Items)][-1]
    last = items.items[-1][0]
    cabinet.give(line.Stored(ADDRESS, items.epoch ^ 1, last))
    cabinet.run(3000)
    assert set(cabinet.acks()) == {0}, "what was stored in another epoch is not this"
    assert len(cabinet.bench.post.items)
    cabinet.give(line.Stored(ADDRESS, items.epoch, last))
    cabinet.run(3000)
    assert set(cabinet.acks()) == {0, last}
    assert not len(cabinet.bench.post.items)


def polls(cabinet: Cabinet) -> list[list]:
    return [messages.decode(f.type, f.payload) for _, f in cabinet.sent if f.type == messages.POLL]


def test_the_whole_status_is_wanted_after_whatever_was_lost(cabinet: Cabinet) -> None:
    """[S-14]"""
    assert polls(cabinet)[0][2] == 1
    items = [action for action in cabinet.out if isinstance(action, line.Items)][-1]
    cabinet.give(line.Stored(ADDRESS, items.epoch, items.items[-1][0]))
    cabinet.run(5000)
    cabinet.sent.clear()
    cabinet.run(2000)
    assert {poll[2] for poll in polls(cabinet)} == {0}
    cabinet.answers = False
    cabinet.sent.clear()
    cabinet.run(120)
    assert polls(cabinet)[-1][2] == 1, "after one without an answer"
    cabinet.sent.clear()
    cabinet.answers = True
    cabinet.run(1000)
    assert [poll[2] for poll in polls(cabinet)][:2] == [1, 0], "a new session, or the second try"


def test_a_still_of_an_unknown_status_is_not_taken(cabinet: Cabinet) -> None:
    """[S-14]"""
    items = [action for action in cabinet.out if isinstance(action, line.Items)][-1]
    cabinet.give(line.Stored(ADDRESS, items.epoch, items.items[-1][0]))
    cabinet.run(5000)
    cabinet.sent.clear()
    while not polls(cabinet) or polls(cabinet)[-1][2]:
        cabinet.run(1)
    cabinet.run(60)
    cabinet.sent.clear()
    cabinet.out.clear()
    answers = cabinet.bench.post.line._answers
    answers._told = (77, *answers._told[1:])
    while not polls(cabinet):
        cabinet.run(1)
    cabinet.run(20)
    assert not [action for action in cabinet.out if isinstance(action, line.Status)]
    cabinet.run(1000)
    assert [poll[2] for poll in polls(cabinet)][:3] == [0, 1, 0]
    assert [action for action in cabinet.out if isinstance(action, line.Status)]


def test_who_stays_is_heard_and_not_stored(cabinet: Cabinet) -> None:
    """[I-6]"""
    cabinet.bench.give(("presence", 0, True, 0))
    cabinet.run(20_000)
    heard = [action for action in cabinet.out if isinstance(action, line.Heard)]
    assert [action.repeat for action in heard] == list(range(len(heard)))
    assert len(heard) >= 4
    assert len({action.seq for action in heard}) == 1


def test_a_new_epoch_is_acknowledged_from_the_beginning(cabinet: Cabinet) -> None:
    """[I-3] An old acknowledgement would delete items that nobody has stored."""
    items = next(action for action in cabinet.out if isinstance(action, line.Items))
    cabinet.give(line.Stored(ADDRESS, items.epoch, 1000))
    del cabinet.bench.saved["counters"]
    cabinet.bench.start()
    cabinet.sent.clear()
    cabinet.run(8000)
    after = cabinet.kinds().index(messages.HELLO)
    polls = [frame for _, frame in cabinet.sent[after:] if frame.type == messages.POLL]
    assert messages.decode(messages.POLL, polls[0].payload)[0] == 0
    assert len(cabinet.bench.post.items)
