"""What is heard on a line, and what is not: frames of posts in, actions for the gateway out.

Rules kept here:
- A post that lets an event pass before it answers a POLL is waited for; garbage in the place of an answer may be events
  that garbled each other (burst.py).
- What was lost may have been a STATUS that a STILL builds on: a post that did not answer is asked for a whole one.
"""

from __future__ import annotations

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.roster import SESSION, Peer
from lamplighter.gateway.lines.speaking import Speaking
from lamppost.wire import messages, packed
from lamppost.wire.errors import WireError
from lamppost.wire.frame import FINDING, GATEWAY, Frame
from lamppost.wire.post_link import Message

SEQ_MAX = 0xFFFFFFFF
ITEM_MAX = 1 << 63  # what an outbox column holds
REPLIES = messages.ANSWERS | {messages.HELLO: (messages.HELLO_OK,)}


class Hearing(Speaking):
    """One line, as in Speaking."""

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

    def _frame(self, frame: Frame, t_ms: int) -> None:
        if frame.src == GATEWAY or frame.src in self._aliases:  # an adapter that echoes
            return
        self.counters.frames_rx += 1
        if frame.src == FINDING:
            self._visited(frame, t_ms)
            return
        if frame.type == messages.GO:  # a post keeps the line: we were silent, or it has not heard us
            self._clock.due_soon(t_ms)
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

    # --- of a post

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
            peer.greeted = True
            self._clock.greeted(t_ms)
        self._clock.status(peer.address, values[6], t_ms)
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

    # --- answers

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


def _is_item(item: object) -> bool:
    if not isinstance(item, list) or len(item) != 6:
        return False
    if not all(isinstance(v, int) and not isinstance(v, bool) and abs(v) < ITEM_MAX for v in item):
        return False
    return 0 < item[0] <= SEQ_MAX and 0 <= item[1] <= 255 and 0 <= item[2] <= SEQ_MAX
