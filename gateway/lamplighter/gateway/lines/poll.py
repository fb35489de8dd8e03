"""The poll scheduler of one line: events and the time in, actions out. No clock, port, or event loop.

What is said is in speaking.py, what is heard in hearing.py; here is when. Rules kept:
- Whose turn it is among requests, polls and greetings: turns.py. Blocks for everybody take at most every second slot
  (cast.py), and so does a search (visit.py).
- Events of posts elsewhere (relay.py) go before all else, in the window too, while nobody is heard in it.
- A post whose clock is unknown or off is told the time in its session; the others hear the broadcast (line_clock.py).
- A post may forget an item only after Stored has said that it lies on disk.
"""

from __future__ import annotations

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.hearing import Hearing
from lamplighter.gateway.lines.roster import NEW, OFFLINE, SESSION
from lamplighter.gateway.lines.slot import FREE, GAP_MS, WAIT, WINDOW
from lamppost.wire import messages
from lamppost.wire.frame import Decoder


class Poller(Hearing):
    """One line, as in Speaking."""

    _deaf = True  # nothing is known of the line

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
            self._set_clock(event, t_ms)
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
            self._clock.due_now(t_ms)  # which tells everybody
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
            for other_ms in (
                self._roster.next_ms(),
                self._clock.due_ms(),
                self._clock.one_due_ms(),
                self._hints.due_ms(),
            ):
                if other_ms is not None and (first_ms is None or other_ms < first_ms):
                    first_ms = other_ms
        say_ms = self.mouth.next_ms()
        if say_ms is not None and (slot.phase == FREE or self._cutting()):
            say_ms = max(say_ms, slot.sent_ms)
            return say_ms if first_ms is None else min(say_ms, first_ms)
        return first_ms

    # --- events

    def _kept(self, kept: line.Kept) -> None:
        peer = self._roster.peers[kept.address]
        if peer.epoch == kept.epoch and kept.seq == peer.ack + 1:
            peer.ack = kept.seq  # and its status need not bring it: 30 ms of a line at 19,200 baud
        peer.urgent = True

    def _set_clock(self, clock: line.Clock, t_ms: int) -> None:
        if self._clock.set(clock, t_ms):
            for peer in self._roster.peers.values():  # whose clock is right is seen in a whole status only
                peer.full = True

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

    # --- whose turn it is

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
        time_due = self._clock.due_ms()
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
        job = self._turns.job()
        peer = None if job else self._turns.peer(t_ms)
        if job is None and (peer is None or peer.state == SESSION) and self._tell_one(t_ms):
            return True
        if job is None and peer is None:
            job = self._turns.left_over()
        if job is not None:
            kind, values = job.message
            self._ask_post(self._roster.peers[job.ask.address], kind, values, job, t_ms)
        elif peer is not None:
            self._poll(peer, t_ms) if peer.state == SESSION else self._hello(peer, t_ms)
        else:
            return self._acknowledge(t_ms)
        return True

    def _tell_one(self, t_ms: int) -> bool:
        """Tell a post the time in its session, if one is due, in the place of a poll but never of two in a row."""
        address = self._clock.turn(t_ms)
        if address is None:
            return False
        self._ask_post(self._roster.peers[address], messages.SET_TIME, self._time_values(t_ms), None, t_ms)
        return True
