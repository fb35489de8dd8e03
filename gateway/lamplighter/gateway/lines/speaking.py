"""What a gateway says on a line: each kind of frame, and what is then awaited, in the line's own time (slot.py).

Rules kept here:
- The line is half duplex. After a broadcast, and after a post's reply, it stays silent for a slot so that posts can
  send events.
- Every repetition is a new frame with a new counter; what must not happen twice is told apart by its transaction.
- What to say, and when, is decided above: poll.py.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.burst import Burst
from lamplighter.gateway.lines.cast import Casting
from lamplighter.gateway.lines.counters import Counters
from lamplighter.gateway.lines.hints import Hints
from lamplighter.gateway.lines.jobs import Job, Jobs
from lamplighter.gateway.lines.line_clock import LineClock
from lamplighter.gateway.lines.relay import Mouth
from lamplighter.gateway.lines.roster import Peer, Roster
from lamplighter.gateway.lines.slot import WINDOW, Slot
from lamplighter.gateway.lines.turns import Turns
from lamplighter.gateway.lines.visit import Visit
from lamppost.wire import messages, packed
from lamppost.wire.errors import WireError
from lamppost.wire.frame import GATEWAY, Decoder, go
from lamppost.wire.gateway_link import GatewayLink

BLOB_REPLY_MS = 200  # a board erases and writes flash before it answers the last block
TIME_BYTES = 32  # a TIME or SET_TIME frame on the wire

SLOW = (messages.BLOB_BEGIN, messages.BLOB_DATA, messages.KEY, messages.FIRMWARE, messages.MISSING)  # waits for flash


class Question(NamedTuple):
    """What is being waited for."""

    peer: Peer
    kind: int
    job: Job | None


class Speaking:
    """One line. `random(n)`, `counter` and `reserve(counter)` as in GatewayLink; `acks` as in Roster; `aliases` are the
    addresses at which line.Say may speak.

    `cycle_ms` above 0 paces a quiet line: a post is polled once in that time, at once when it has told an event, and
    until it holds no more items; the time is told three times in it. 0 polls as often as the line allows.
    """

    def __init__(
        self,
        post_keys: dict[int, bytes],
        bus_key: bytes,
        baud: int,
        random: Callable[[int], bytes],
        counter: int,
        reserve: Callable[[int], None],
        acks: dict[int, tuple[int, int]] | None = None,
        reply_ms: int = 0,
        cycle_ms: int = 0,
        aliases: Collection[int] = (),
        turn_ms: int = 2,
    ) -> None:
        self.counters = Counters()
        self.mouth = Mouth()
        self.baud = baud
        self._link = GatewayLink(post_keys, bus_key, random, counter, reserve)
        self._roster = Roster(sorted(post_keys), acks or {})
        self._jobs = Jobs()
        self._turns = Turns(self._roster, self._jobs)
        self._more: set[int] = set()  # posts that hold more items than their last status could carry
        self._clock = LineClock(cycle_ms)
        self.timekeeper = self._clock.timekeeper
        self._visit = Visit()
        self._casting = Casting()
        self._burst = Burst(sorted(post_keys))
        self._hints = self._new_hints()
        self._slot = self._new_slot(turn_ms, reply_ms)
        self._decoder = Decoder()
        self._aliases = frozenset(aliases)
        self._cycle_ms = cycle_ms
        self._question: Question | None = None
        self._asked_heard = 0  # how many bytes when it was asked
        self._actions: list = []

    def _new_slot(self, turn_ms: int, reply_ms: int) -> Slot:
        return Slot(self.baud, turn_ms, reply_ms)

    def _new_hints(self) -> Hints:
        return Hints()

    # --- to one post

    def _hello(self, peer: Peer, t_ms: int) -> None:
        self._turns.polls()
        self._send(self._link.hello(peer.address), t_ms)
        self._wait(Question(peer, messages.HELLO, None))

    def _poll(self, peer: Peer, t_ms: int) -> None:
        self._turns.polls()
        ack = peer.ack if peer.ack != peer.ack_told else 0
        pairs, more = self._hints.take(1 if ack else packed.PAIRS_MAX, t_ms)
        self._roster.polled(peer, t_ms)
        peer.poll_ms = max(peer.poll_ms, t_ms + self._cycle_ms)
        self._ask_post(peer, messages.POLL, (ack, pairs, int(peer.full), more), None, t_ms)
        peer.asked_ack = ack

    def _ask_post(self, peer: Peer, kind: int, values: tuple, job: Job | None, t_ms: int) -> None:
        if job is not None:
            self._turns.asks(job)
        try:
            data = self._link.request(peer.address, kind, values)
        except WireError as error:  # a procedure asked for something that no frame can carry
            self._error(f"address {peer.address}: {error}")
            if job is not None:
                self._ended(self._jobs.end(job, str(error)))
            return
        self._send(data, t_ms)
        self._wait(Question(peer, kind, job))

    # --- to everybody

    def _broadcast_time(self, t_ms: int) -> None:
        self._clock.said(t_ms)
        self._send(self._link.time(self._time_values(t_ms)), t_ms)
        self._slot.window(self._slot.until_ms)

    def _time_values(self, t_ms: int) -> tuple[int, int, int]:
        """The fields of a TIME whose last byte leaves when it is that time."""
        return self._clock.values(t_ms, self._slot.wire_ms(TIME_BYTES))

    def _cast(self, t_ms: int) -> None:
        block, result = self._casting.next()
        self._send(self._link.block(*block), t_ms)
        self._slot.window(self._slot.until_ms)
        self._ended(result)

    def _go(self, low: int, high: int, t_ms: int) -> None:
        """Give each post between two addresses a place of its own to say its event; none where low is above high."""
        pairs, more = self._hints.take(packed.GO_PAIRS_MAX, t_ms)
        self._send(go(GATEWAY, low, high, pairs, more), t_ms)
        self._slot.window(self._slot.until_ms, max(0, high - low))

    def _acknowledge(self, t_ms: int) -> bool:
        """Where no POLL comes to carry it, tell who said an event that it was heard; whether there was one to tell."""
        due_ms = self._hints.due_ms()
        if due_ms is None or due_ms > t_ms:
            return False
        self._go(1, 0, t_ms)
        return True

    def _say(self, t_ms: int) -> bool:
        said = self.mouth.take(t_ms)
        if said is None:
            return False
        alias, (_, user_class, port, age_ms) = said
        self._send(self._link.relay(alias, (user_class, port, age_ms, 0)), t_ms)
        self._slot.window(self._slot.until_ms)
        return True

    # --- the line

    def _send(self, data: bytes, t_ms: int) -> None:
        self.counters.frames_tx += 1
        self.counters.bytes += len(data)
        self._slot.sent(len(data), t_ms)
        self._actions.append(line.Send(data))

    def _wait(self, question: Question | None, slow: bool = False) -> None:
        self._question = question
        self._asked_heard = self.counters.heard_bytes
        kind = question.kind if question is not None else None
        self._slot.wait(BLOB_REPLY_MS if slow or kind in SLOW else 0, kind == messages.POLL)

    def _again(self, src: int, t_ms: int) -> None:
        """A frame that nobody waited for has ended."""
        if self._slot.phase == WINDOW:
            self._slot.again(self._burst.left(src), t_ms)

    def _ended(self, result: line.Result | None) -> None:
        if result is not None:
            self._actions.append(result)

    def _error(self, text: str, count: int = 1) -> None:
        self.counters.errors += count
        self.counters.last_error = text

    def _taken(self) -> list:
        actions, self._actions = self._actions, []
        return actions
