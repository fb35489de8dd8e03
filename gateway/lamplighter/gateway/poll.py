"""The poll scheduler of one line: events and the time in, actions out. No clock, port, or event loop.

Rules kept here:
- The line is half duplex. After a post's reply, and after a broadcast, it stays silent for a slot so that posts can
  send events, and a post lets events pass before it answers a POLL: slot.py. Garbage there: burst.py.
- Requests go before polls, but after four of them a poll has its turn; transfers take at most every second slot,
  and so do blocks for everybody (cast.py).
- Events of posts elsewhere (relay.py) go before all else, in the window too, while nobody is heard in it.
- Every repetition is a new frame with a new counter; what must not happen twice is told apart by its transaction.
- A post whose clock is unknown or off is told the time in its session (timekeeper.py); the others hear the broadcast.
- A post may forget an item only after Stored has said that it lies on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NamedTuple

from lamplighter.gateway import line
from lamplighter.gateway.burst import Burst
from lamplighter.gateway.cast import Casting
from lamplighter.gateway.hints import Hints
from lamplighter.gateway.jobs import FOREGROUND_RUN, Job, Jobs
from lamplighter.gateway.relay import Mouth
from lamplighter.gateway.roster import NEW, OFFLINE, SESSION, Peer, Roster
from lamplighter.gateway.slot import FREE, GAP_MS, WAIT, WINDOW, Slot
from lamplighter.gateway.timekeeper import Timekeeper
from lamplighter.gateway.visit import Visit
from lamppost.wire import messages, packed
from lamppost.wire.errors import WireError
from lamppost.wire.frame import FINDING, GATEWAY, Decoder, Frame, go
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import Message

BLOB_REPLY_MS = 200  # a board erases and writes flash before it answers the last block
TIME_EVERY_MS = 10_000  # a drift of 100 ppm is 1 ms in that time
TIME_APART_MS = 300  # the sessions of a whole line opening one after another share a broadcast
TIME_BYTES = 32  # a TIME or SET_TIME frame on the wire
STEP_MS = 500  # of this computer's clock: less is slewed by its time service
SEQ_MAX = 0xFFFFFFFF
ITEM_MAX = 1 << 63  # what an outbox column holds

SLOW = (messages.BLOB_BEGIN, messages.BLOB_DATA, messages.KEY, messages.FIRMWARE, messages.MISSING)  # waits for flash
REPLIES = messages.ANSWERS | {messages.HELLO: (messages.HELLO_OK,)}


class Counters:
    """What passed on the line since the start."""

    __slots__ = ("bytes", "errors", "frames_rx", "frames_tx", "heard_bytes", "last_error", "noise_bytes", "retries")

    def __init__(self) -> None:
        self.bytes = self.errors = self.frames_rx = self.frames_tx = self.retries = 0
        self.heard_bytes = self.noise_bytes = 0  # those of others; and what of them were no frames
        self.last_error = ""


class Question(NamedTuple):
    """What is being waited for."""

    peer: Peer
    kind: int
    job: Job | None


class Poller:
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
        self.timekeeper = Timekeeper(cycle_ms)
        self._visit = Visit()
        self._casting = Casting()
        self._link = GatewayLink(post_keys, bus_key, random, counter, reserve)
        self._roster = Roster(sorted(post_keys), acks or {})
        self._jobs = Jobs()
        self.mouth = Mouth()
        self._aliases = frozenset(aliases)
        self._decoder = Decoder()
        self._asked_heard = 0  # how many bytes when it was asked
        self.baud = baud
        self._slot = self._new_slot(turn_ms, reply_ms)
        self._cycle_ms = cycle_ms
        self._time_every_ms = max(TIME_EVERY_MS, cycle_ms // 3)
        self._more: set[int] = set()  # posts that hold more items than their last status could carry
        self._deaf = True  # nothing is known of the line
        self._question: Question | None = None
        self._utc_ahead_ms: int | None = None
        self._uncertainty_ms = 0
        self._time_ms = 0
        self._greeted = False  # somebody is there to be told the time
        self._time_sent_ms = -TIME_APART_MS
        self._hints = self._new_hints()
        self._burst = Burst(sorted(post_keys))
        self._run = 0
        self._last_background = self._last_hello = self._told_one = False
        self._actions: list = []

    def _new_slot(self, turn_ms: int, reply_ms: int) -> Slot:
        return Slot(self.baud, turn_ms, reply_ms)

    def _new_hints(self) -> Hints:
        return Hints()

    def handle(self, event, t_ms: int) -> list:
        """Take one event of line.py, or None when the deadline has come; return the actions, in order."""
        if self._deaf:  # posts may be speaking, and one may keep the line: first of all listen
            self._deaf = False
            self._slot.open(t_ms + GAP_MS)
        if isinstance(event, line.Received):
            self._received(event.data, t_ms)
        elif isinstance(event, line.Ask):
            self._ask(event)
        elif isinstance(event, line.Stored):
            self._stored(event)
        elif isinstance(event, line.Kept):
            self._kept(event)
        elif isinstance(event, line.Clock):
            self._clock(event, t_ms)
        elif isinstance(event, line.Say):
            self.mouth.add(event, t_ms)
        elif isinstance(event, line.Search):
            self._ended(self._visit.begin(event))
        elif isinstance(event, line.Cast):
            self._ended(self._casting.begin(event))
        elif isinstance(event, line.Adopt):
            self._link.adopt(event.address, event.key)
            self._roster.adopt(event.address, t_ms)
            self._burst.adopt(list(self._roster.peers))
            self.timekeeper.closed(event.address)
        elif isinstance(event, (line.BusKeys, line.PostKey)):
            self.rekey(event, t_ms)
        elif isinstance(event, line.LineDown):
            self._down(t_ms)
            return self._taken()
        self._step(t_ms)
        return self._taken()

    def rekey(self, event: line.BusKeys | line.PostKey, t_ms: int) -> None:
        """Take another key, now or before the first event."""
        if isinstance(event, line.BusKeys):
            self._link.bus_keys(*event)
            self._time_ms = min(self._time_ms, t_ms)  # which tells everybody
        elif event.settled:
            self._link.settle(event.address, event.key)
        else:
            self._link.next_key(event.address, event.key)
            self._link.forget(event.address)
            self._roster.adopt(event.address, t_ms)
            self.timekeeper.closed(event.address)

    def deadline(self) -> int | None:
        """When handle(None, t_ms) is due; None: nothing to wait for."""
        first_ms = self._jobs.next_ms()
        slot = self._slot
        if slot.phase != FREE:
            for other_ms in (slot.until_ms, slot.judge_ms):
                if other_ms is not None and (first_ms is None or other_ms < first_ms):
                    first_ms = other_ms
        elif self._visit.active or self._casting.waiting:
            return 0
        else:
            for other_ms in (self._roster.next_ms(), self._time_due(), self._one_time_due(), self._hints.due_ms()):
                if other_ms is not None and (first_ms is None or other_ms < first_ms):
                    first_ms = other_ms
        say_ms = self.mouth.next_ms()
        if say_ms is not None and (slot.phase == FREE or self._cutting()):
            say_ms = max(say_ms, slot.sent_ms)
            return say_ms if first_ms is None else min(say_ms, first_ms)
        return first_ms

    # --- events

    def _received(self, data: bytes, t_ms: int) -> None:
        self.counters.bytes += len(data)
        self.counters.heard_bytes += len(data)
        self._slot.received(len(data), t_ms)
        errors, noise = self._decoder.errors, self._decoder.noise
        for frame in self._decoder.feed(data):
            self._frame(frame, t_ms)
        if not self._visit.active:  # those who are searched for speak all at once
            self.counters.noise_bytes += self._decoder.noise - noise
        if self._decoder.errors != errors:
            self._visit.noise = True
            self.mouth.trouble(t_ms)
            self._error(self._decoder.last_error, self._decoder.errors - errors)

    def _kept(self, kept: line.Kept) -> None:
        peer = self._roster.peers[kept.address]
        if peer.epoch == kept.epoch and kept.seq == peer.ack + 1:
            peer.ack = kept.seq  # and its status need not bring it: 30 ms of a line at 19,200 baud
        peer.urgent = True

    def _clock(self, clock: line.Clock, t_ms: int) -> None:
        ahead_ms = clock.utc_ms - t_ms
        if self._utc_ahead_ms is None or abs(ahead_ms - self._utc_ahead_ms) >= STEP_MS:
            for peer in self._roster.peers.values():  # whose clock is right is seen in a whole status only
                peer.full = True
        self._utc_ahead_ms, self._uncertainty_ms = ahead_ms, clock.uncertainty_ms

    def _ask(self, ask: line.Ask) -> None:
        peer = self._roster.peers.get(ask.address)
        if peer is None or peer.state == OFFLINE:
            self._actions.append(line.Result(ask.id, ask.address, None, "is offline"))
        else:
            self._ended(self._jobs.add(ask))

    def _stored(self, stored: line.Stored) -> None:
        peer = self._roster.peers[stored.address]
        if peer.epoch == stored.epoch and stored.seq > peer.ack:
            peer.ack = stored.seq
            peer.urgent = not self._cycle_ms or stored.address in self._more  # and it can forget what it holds

    def _down(self, t_ms: int) -> None:
        self._decoder = Decoder()
        self.mouth.clear()
        self._burst.clear()
        self._slot.free()
        self._question, self._deaf = None, True
        gone = "the line is down"
        self._actions += self._jobs.drop(None, gone) + self._visit.drop(gone) + self._casting.drop(gone)
        for peer in self._roster.peers.values():
            self._link.forget(peer.address)
            self.timekeeper.closed(peer.address)
            if peer.state != OFFLINE:
                peer.state = OFFLINE
                self._actions.append(line.Offline(peer.address))
            peer.state, peer.hellos, peer.hello_ms = NEW, 0, t_ms

    # --- what is heard

    def _frame(self, frame: Frame, t_ms: int) -> None:
        if frame.src == GATEWAY or frame.src in self._aliases:  # an adapter that echoes
            return
        self.counters.frames_rx += 1
        if frame.src == FINDING:
            self._visited(frame, t_ms)
            return
        if frame.type == messages.GO:  # a post keeps the line: we were silent, or it has not heard us
            self._time_ms = min(self._time_ms, max(t_ms, self._time_sent_ms + TIME_APART_MS))
            self._again(frame.src, t_ms)
            return
        try:
            message = self._link.receive(frame)
        except WireError as error:
            if frame.type == messages.EVENT and str(error) == "old counter" and frame.src in self._roster.peers:
                self._hints.add(frame.src, frame.counter, t_ms)  # it was taken before: the acknowledgement was lost
            else:
                self._error(f"address {frame.src}: {error}")
            self._again(frame.src, t_ms)
            return
        peer = self._roster.peers[message.src]
        if message.kind == messages.EVENT:
            self._event(peer, message, t_ms)
        elif message.kind == messages.HELLO_OK:
            self._hello_ok(peer, message.values, t_ms)
        elif message.kind == messages.STATUS:
            self._status(peer, message, t_ms)
        elif message.kind in (messages.STILL, messages.MOVED):
            self._still(peer, *message.values)
        elif message.kind == messages.TIME_OK:
            self.timekeeper.told(peer.address, message.values, t_ms)
        self._settle(peer, message, t_ms)

    def _visited(self, frame: Frame, t_ms: int) -> None:
        """Somebody who is searched for has answered."""
        if self._visit.waiting:
            self._ended(self._visit.answer(frame))
            self._slot.window(t_ms)
        else:
            self._again(frame.src, t_ms)

    def _settle(self, peer: Peer, message: Message, t_ms: int) -> None:
        """The line after a good frame: the answer that was waited for, or something else."""
        question = self._question
        if question is None or question.peer is not peer or message.kind not in REPLIES[question.kind]:
            if not self._slot.event_passed(t_ms):
                self._again(peer.address, t_ms)
            return
        self._question = None
        peer.misses = 0
        if question.kind == messages.POLL:
            peer.ack_told = peer.asked_ack or peer.ack_told
        self._slot.window(t_ms)
        if question.job is not None and question.job in self._jobs:
            result = self._jobs.advance(question.job, message.values)
            peer.urgent = peer.urgent or result is not None  # its status tells what came of it
            self._ended(result)

    def _event(self, peer: Peer, event: Message, t_ms: int) -> None:
        user_class, port, age_ms, repeat = event.values
        peer.hello_ms = min(peer.hello_ms, t_ms)  # it lives
        if peer.state != SESSION:  # without a session its item epoch is not known: the items will tell
            return
        peer.urgent = peer.urgent or (not repeat and age_ms >= packed.AGE_MAX_MS)  # else when it is Kept
        self._hints.add(peer.address, event.number, t_ms)
        self._burst.heard()
        self._visit.walked(t_ms)
        self._actions.append(line.Heard(peer.address, peer.epoch, event.number, user_class, port, age_ms, repeat))

    def _hello_ok(self, peer: Peer, values: list, t_ms: int) -> None:
        version, _, epoch, boots, identity, firmware, _ = values
        if version != messages.VERSION:
            self._link.forget(peer.address)
            self._error(f"address {peer.address} speaks version {version}, not {messages.VERSION}; update it")
            return
        self._roster.opened(peer, epoch, t_ms)
        self.timekeeper.opened(peer.address)
        renewed = self._link.renewed(peer.address)
        self._actions.append(line.Online(peer.address, identity, firmware, epoch, boots, renewed))

    def _still(self, peer: Peer, as_of: int, *light: int) -> None:
        """Nothing, or only the light, has changed since the STATUS that answered the request with this counter."""
        self._more.discard(peer.address)
        if peer.status is None or peer.as_of != as_of:  # that one was lost
            peer.full = peer.urgent = True
            return
        if light:
            level_pm, target_pm, layer, power_mw = light
            peer.status = peer.status._replace(level_pm=level_pm, target_pm=target_pm, layer=layer, power_mw=power_mw)
        self._actions.append(peer.status)

    def _status(self, peer: Peer, message: Message, t_ms: int) -> None:
        values = message.values
        if not peer.greeted:  # the post takes the time from the first good frame of a session on
            peer.greeted = self._greeted = True
            self._time_ms = min(self._time_ms, max(t_ms, self._time_sent_ms + TIME_APART_MS))
        if self._utc_ahead_ms is not None:
            self.timekeeper.status(peer.address, values[6], (t_ms + self._utc_ahead_ms) // 1000, t_ms)
        status = line.Status(peer.address, *values[:8])
        peer.full, peer.as_of, peer.status = False, message.number & 255, status._replace(waiting=0)
        self._actions.append(status)
        items = [tuple(item) for item in values[8] if _is_item(item)]
        if len(items) != len(values[8]):
            self._error(f"address {peer.address}: an item that is none")
        self._more.discard(peer.address)
        if values[7] > len(items) > 0:
            self._more.add(peer.address)
        if items:
            if items[0][0] <= peer.ack_told:  # it was announced by an event that somebody forged
                peer.ack = peer.ack_told = items[0][0] - 1
            self._actions.append(line.Items(peer.address, peer.epoch, items))

    # --- the line

    def _step(self, t_ms: int) -> None:
        self._actions += self._jobs.expired(t_ms)
        slot = self._slot
        if slot.phase == WAIT and ((slot.judge(t_ms) and self._garbage()) or t_ms >= slot.until_ms):
            self._missed(t_ms)
        if slot.phase == WINDOW and t_ms >= slot.until_ms:
            slot.free()
            if slot.began_ms is not None:
                self._burst.garbled(t_ms)
        if slot.phase == FREE:
            if self._burst.waiting or self._jobs or self._due(t_ms):
                self._next(t_ms)
        elif self._cutting() and t_ms >= slot.sent_ms:
            self._say(t_ms)

    def _garbage(self) -> bool:
        """Whether what came behind a POLL, and is over, is no part of its answer."""
        return self._question is not None and not self._decoder.begun_by(self._question.peer.address)

    def _due(self, t_ms: int) -> bool:
        due_ms = self.deadline()
        return due_ms is not None and due_ms <= t_ms

    def _cutting(self) -> bool:
        """Whether an event from elsewhere may begin in this window: nobody is heard, and nobody waits too long."""
        silent = self._slot.phase == WINDOW and self._slot.began_ms is None and not self._decoder.begun
        return silent and self.mouth.may and not self._burst.under_way

    def _say(self, t_ms: int) -> bool:
        said = self.mouth.take(t_ms)
        if said is None:
            return False
        alias, (_, user_class, port, age_ms) = said
        self._send(self._link.relay(alias, (user_class, port, age_ms, 0)), t_ms)
        self._slot.window(self._slot.until_ms)
        return True

    def _next(self, t_ms: int) -> None:
        """Begin the next exchange, if one is due."""
        run = self._burst.next(t_ms)
        if run is not None:
            self._go(run[0], run[1], t_ms)
            return
        if self.mouth.may and self._say(t_ms):
            return
        if not self._exchange(t_ms) and not self._say(t_ms) and self._casting.waiting:
            self._cast(t_ms)

    def _exchange(self, t_ms: int) -> bool:
        """Time, a request, a poll or a greeting; whether there was one."""
        self.mouth.turn()
        time_due = self._time_due()
        if time_due is not None and time_due <= t_ms:
            self._broadcast_time(t_ms)
            return True
        if self._visit.turn(t_ms, self._hints.due_ms() is not None):
            self._decoder.forget()  # what others left without an end
            self._send(self._visit.data, t_ms)
            self._wait(None, self._visit.slow)
            return True
        if self._casting.turn():
            self._cast(t_ms)
            return True
        job = self._job(t_ms)
        peer = None if job else self._poll_or_hello(t_ms)
        if job is None and (peer is None or peer.state == SESSION) and self._tell_one(t_ms):
            return True
        if job is None and peer is None and self._jobs:
            present = self._in_session()  # the line has nothing else to do
            job = self._jobs.ready(present, background=True) or self._jobs.ready(present, background=False)
        if job is not None:
            self._last_background = job.ask.background
            kind, values = job.message
            self._ask_post(self._roster.peers[job.ask.address], kind, values, job, t_ms)
        elif peer is not None:
            self._run, self._last_background = 0, False
            self._poll(peer, t_ms) if peer.state == SESSION else self._hello(peer, t_ms)
        else:
            return self._acknowledge(t_ms)
        return True

    def _cast(self, t_ms: int) -> None:
        block, result = self._casting.next()
        self._send(self._link.block(*block), t_ms)
        self._slot.window(self._slot.until_ms)
        self._ended(result)

    def _acknowledge(self, t_ms: int) -> bool:
        """Where no POLL comes to carry it, tell who said an event that it was heard; whether there was one to tell."""
        due_ms = self._hints.due_ms()
        if due_ms is None or due_ms > t_ms:
            return False
        self._go(1, 0, t_ms)
        return True

    def _job(self, t_ms: int) -> Job | None:
        """The request whose turn it is before any poll."""
        if not self._jobs:
            return None
        present = self._in_session()
        if self._run < FOREGROUND_RUN:
            job = self._jobs.ready(present, background=False)
            if job is not None:
                self._run += 1
                return job
        self._run = 0
        return None if self._last_background else self._jobs.ready(present, background=True)

    def _poll_or_hello(self, t_ms: int) -> Peer | None:
        """They take turns, so that a line of new posts serves those it has, and the other way round."""
        self._last_hello = not self._last_hello
        choices = [self._roster.to_greet, self._roster.to_poll]
        for choose in choices if self._last_hello else reversed(choices):
            peer = choose(t_ms)
            if peer is not None:
                return peer
        return None

    def _in_session(self) -> set[int]:
        return {peer.address for peer in self._roster.peers.values() if peer.state == SESSION}

    def _hello(self, peer: Peer, t_ms: int) -> None:
        self._send(self._link.hello(peer.address), t_ms)
        self._wait(Question(peer, messages.HELLO, None))

    def _poll(self, peer: Peer, t_ms: int) -> None:
        ack = peer.ack if peer.ack != peer.ack_told else 0
        pairs, more = self._hints.take(1 if ack else packed.PAIRS_MAX, t_ms)
        self._roster.polled(peer, t_ms)
        peer.poll_ms = max(peer.poll_ms, t_ms + self._cycle_ms)
        self._ask_post(peer, messages.POLL, (ack, pairs, int(peer.full), more), None, t_ms)
        peer.asked_ack = ack

    def _ask_post(self, peer: Peer, kind: int, values: tuple, job: Job | None, t_ms: int) -> None:
        try:
            data = self._link.request(peer.address, kind, values)
        except WireError as error:  # a procedure asked for something that no frame can carry
            self._error(f"address {peer.address}: {error}")
            if job is not None:
                self._ended(self._jobs.end(job, str(error)))
            return
        self._send(data, t_ms)
        self._wait(Question(peer, kind, job))

    def _broadcast_time(self, t_ms: int) -> None:
        self._time_ms = t_ms + self._time_every_ms
        self._time_sent_ms = t_ms
        self._send(self._link.time(self._time_values(t_ms)), t_ms)
        self._slot.window(self._slot.until_ms)

    def _tell_one(self, t_ms: int) -> bool:
        """Tell a post the time in its session, if one is due, in the place of a poll but never of two in a row."""
        due_ms = None if self._told_one else self._one_time_due()
        self._told_one = due_ms is not None and due_ms <= t_ms
        if self._told_one:
            peer = self._roster.peers[self.timekeeper.next(t_ms)]
            self._ask_post(peer, messages.SET_TIME, self._time_values(t_ms), None, t_ms)
        return self._told_one

    def _time_values(self, t_ms: int) -> tuple[int, int, int]:
        """The fields of a TIME whose last byte leaves when it is that time."""
        utc_ms = t_ms + (self._utc_ahead_ms or 0) + self._slot.wire_ms(TIME_BYTES)
        return utc_ms // 1000, utc_ms % 1000, self._uncertainty_ms

    def _one_time_due(self) -> int | None:
        return None if self._utc_ahead_ms is None else self.timekeeper.due_ms()

    def _time_due(self) -> int | None:
        return self._time_ms if self._greeted and self._utc_ahead_ms is not None else None

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

    def _missed(self, t_ms: int) -> None:
        question, self._question = self._question, None
        self._slot.free()
        if self._visit.waiting:
            self._visit.noise |= self._decoder.begun and self.counters.heard_bytes != self._asked_heard
            self._ended(self._visit.answer(None))
        if question is None:
            return
        garbled = question.kind == messages.POLL and self._slot.began_ms is not None
        if garbled and self._burst.garbled(t_ms):
            question.peer.urgent = True  # who was asked kept silent: events garbled each other before its answer
            return
        self.counters.retries += 1
        noisy = self.counters.heard_bytes != self._asked_heard
        if question.peer.state == SESSION:  # one that is off says nothing of the line
            self.mouth.trouble(t_ms)
        peer = question.peer
        if question.kind == messages.HELLO:
            if self._roster.missed_hello(peer, t_ms, noisy):
                self._actions.append(line.Offline(peer.address))
                self._actions += self._jobs.drop(peer.address, "is offline")
            return
        peer.full = True  # what was lost may have been a STATUS that a STILL builds on
        if self._roster.missed_poll(peer, t_ms, noisy):
            self._link.forget(peer.address)
            self.timekeeper.closed(peer.address)
        if question.job is not None:
            self._ended(self._jobs.missed(question.job))

    def _go(self, low: int, high: int, t_ms: int) -> None:
        """Give each post between two addresses a place of its own to say its event; none where low is above high."""
        pairs, more = self._hints.take(packed.GO_PAIRS_MAX, t_ms)
        self._send(go(GATEWAY, low, high, pairs, more), t_ms)
        self._slot.window(self._slot.until_ms, max(0, high - low))

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


def _is_item(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 6:
        return False
    if not all(isinstance(v, int) and not isinstance(v, bool) and abs(v) < ITEM_MAX for v in item):
        return False
    return 0 < item[0] <= SEQ_MAX and 0 <= item[1] <= 255 and 0 <= item[2] <= SEQ_MAX
