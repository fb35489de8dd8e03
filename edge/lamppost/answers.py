"""What a post answers the gateway: sessions, status, commands, reasons, plans.

Every request can come twice (an answer may be lost), so every one is safe to repeat: items go only when acknowledged,
a command is remembered by its transaction, a block that is already there is confirmed.
"""

from hashlib import sha256

from lamppost.light.commands import CommandError
from lamppost.limits import BLOB_MAX, BLOCK_BYTES, FRAME_PAYLOAD_MAX, HUSH_MAX_S, OVERRIDE_MAX_S, TRANSACTIONS_MAX
from lamppost.wire import cbor, messages
from lamppost.wire.errors import WireError
from lamppost.wire.foreseen import Foreseen

_MAY = (4, 5, 6, 8)  # layers a gateway may move: crowd, energy cap, operator override, emergency
_STATUS_ITEMS = 8
IDENTIFY_MAX_S = 3600
_FORESEEN_MS = 3000  # an answer made ahead is good for; a line with 32 posts at 9,600 baud takes 2 s to come around


class Refusal(Exception):
    """A request is understood and refused; the text goes back in the answer."""


class Answers:
    """The requests of the gateway to one post; `post` is the Post, `link` its PostLink."""

    def __init__(self, post, link):
        self._post = post
        self._link = link
        self._results = []
        self._blob = None
        self._blocks = None  # firmware that comes to everybody at once
        self._told = None  # the low byte of the last STATUS's counter, what was told since then, when both were
        self._finished = None  # (last block, code, text) of the transfer that ended: its answer may have been lost
        self._handlers = {
            messages.HELLO: self._hello,
            messages.POLL: self._poll,
            messages.TIME: self._time,
            messages.SET_TIME: self._set_time,
            messages.COMMAND: self._command,
            messages.WHY: self._why,
            messages.BLOB_BEGIN: self._blob_begin,
            messages.BLOB_DATA: self._blob_data,
            messages.KEY: self._key,
            messages.FIRMWARE: self._firmware,
            messages.MISSING: self._firmware,
        }

    def answer(self, message, t_ms: int) -> "bytes | None":
        """The bytes of the reply to a Message, or None where none is due. Raises WireError on the unexpected."""
        handler = self._handlers.get(message.kind)
        if handler is None:
            raise WireError("not a request")
        if message.kind in messages.ANSWERS:
            self._post.found.served(t_ms)
        return handler(message, t_ms)

    def _hello(self, message, t_ms: int) -> bytes:
        post = self._post
        identity = post.settings.identity
        self._told = None
        epoch, number = post.item_epoch, post.items.next_seq
        return self._link.hello_ok(message, epoch, post.boots, identity, post.firmware, number)

    def _poll(self, message, t_ms: int) -> "bytes | None":
        ack, heard, full, more = message.values
        post = self._post
        post.items.acknowledge(ack)
        if post.numbers.turned():
            return None
        if post.line.out:
            post.line.acknowledged(heard, more, t_ms)
        post.upkeep.polled_ms = t_ms
        waiting = len(post.items)
        told = self._told
        if waiting or full or told is None:
            return self._status(message.number, waiting, t_ms)
        change = post.changed(told[1], told[2], told[3], t_ms)
        if not change:
            return self._link.reply(messages.STILL, (told[0],))
        if change > 1:
            return self._status(message.number, waiting, t_ms)
        values = post.status(t_ms)
        self._told = (told[0], values[:5] + told[1][5:], told[2], t_ms)
        return self._link.reply(messages.MOVED, (told[0], values[0], values[1], values[2], values[4]))

    def foresee(self, t_ms: int):
        """The next POLL and its answer if nothing changes, or None where a STILL will hardly do."""
        post, told = self._post, self._told
        if told is None or self._link.session is None or len(post.items) or post.dimmer.done_ms > t_ms:
            return None
        if post.changed(told[1], told[2], t_ms - _FORESEEN_MS, t_ms):
            return None
        return Foreseen(self._link, told[0], t_ms)

    def still(self, foreseen, t_ms: int) -> "bytes | None":
        """The answer to the POLL that was foreseen; None where it no longer fits. What changes slowly (the clock's
        error, the power) was looked at when it was foreseen, and is again before the next one."""
        post, told = self._post, self._told
        if told is None or t_ms - foreseen.made_ms > _FORESEEN_MS or not foreseen.take(self._link, told[0]):
            return None
        post.found.served(t_ms)
        post.upkeep.polled_ms = t_ms
        return foreseen.still

    def _status(self, number: int, waiting: int, t_ms: int) -> bytes:
        post = self._post
        values = post.status(t_ms)
        self._told = (number & 255, values, t_ms, t_ms)
        values = values + [min(waiting, 65535), []]
        room = FRAME_PAYLOAD_MAX - len(cbor.encode(values))
        for item in post.items.oldest(_STATUS_ITEMS):
            room -= len(cbor.encode(item))
            if room < 0:
                break
            values[-1].append(item)
        if values[-1]:
            post.items.tell(values[-1][-1][0])
        return self._link.reply(messages.STATUS, values)

    def _time(self, message, t_ms: int) -> None:
        utc_s, ms, uncertainty_ms = message.values
        self._post.time.hear(utc_s, ms, uncertainty_ms, t_ms)

    def _set_time(self, message, t_ms: int) -> bytes:
        return self._link.reply(messages.TIME_OK, self._post.time.session(*message.values, t_ms))

    def _key(self, message, t_ms: int) -> bytes:
        return self._link.reply(messages.KEY_OK, (message.values[0], self.rolling().take(message)))

    def rolling(self):
        """The keys that come and go beside those in force; most posts never need that code."""
        post = self._post
        if post.rolling is None:
            from lamppost.rolling import Rolling

            post.rolling = Rolling(post, self._link)
        return post.rolling

    def _firmware(self, message, t_ms: int) -> bytes:
        if self._blocks is None:
            from lamppost.blocks import Blocks

            self._blocks = Blocks(self._post, self._link)
        return self._link.reply(messages.FIRMWARE_OK, self._blocks.answer(message))

    def _command(self, message, t_ms: int) -> bytes:
        transaction = message.values[0]
        for result in self._results:
            if result[0] == transaction:
                return self._link.reply(messages.RESULT, result)
        try:
            text = self._act(message.values, t_ms)
            code = messages.OK
        except Refusal as refusal:
            text, code = _cut(str(refusal)), messages.REFUSED
        result = (transaction, code, text)
        self._results = self._results[1 - TRANSACTIONS_MAX :] + [result]
        return self._link.reply(messages.RESULT, result)

    def _act(self, values, t_ms: int) -> str:
        _, kind, layer, op, level_pm, until_utc_s, for_s, reason = values
        if kind == messages.IDENTIFY:
            if not 1 <= for_s <= IDENTIFY_MAX_S:
                raise Refusal("identify lasts 1 to %d s" % IDENTIFY_MAX_S)
            self._post.identify(for_s, t_ms)
            return ""
        if kind == messages.HUSH:
            if not 0 <= for_s <= HUSH_MAX_S:
                raise Refusal("a post keeps silent for 0 to %d s" % HUSH_MAX_S)
            self._post.line.hush(for_s, t_ms)
            return ""
        if layer not in _MAY:
            raise Refusal("layer %d is not the gateway's to move" % layer)
        if kind == messages.CLEAR:
            self._post.clear(layer, t_ms)
            return ""
        if kind != messages.LEVEL:
            raise Refusal("unknown kind of command %d" % kind)
        now = self._post.clock.utc_s(t_ms)
        if now is not None and until_utc_s:
            for_s = until_utc_s - now
            if for_s <= 0:
                raise Refusal("expired before it arrived")
        if not 1 <= for_s <= OVERRIDE_MAX_S:
            raise Refusal("a command lasts 1 s to %d s" % OVERRIDE_MAX_S)
        try:
            self._post.command(layer, op, level_pm, for_s, reason, t_ms)
        except CommandError as error:
            raise Refusal(str(error))
        return ""

    def _why(self, message, t_ms: int) -> bytes:
        utc_s, row = message.values
        at, level_pm, layer, chain = self._post.why(utc_s or None, t_ms)
        values = [at or 0, level_pm, layer, len(chain), row, []]
        room = FRAME_PAYLOAD_MAX - len(cbor.encode(values))
        for entry in chain[row : row + 16]:
            room -= len(cbor.encode(entry))
            if room < 0:
                break
            values[-1].append(entry)
        return self._link.reply(messages.WHY_OK, values)

    def _blob_begin(self, message, t_ms: int) -> bytes:
        kind, size, digest = message.values
        if kind != messages.BLOB_PLAN:
            return self._blob_ok(messages.REFUSED, 0, "unknown kind of blob %d" % kind)
        if not 1 <= size <= BLOB_MAX:
            return self._blob_ok(messages.REFUSED, 0, "a plan has 1 to %d bytes" % BLOB_MAX)
        if digest[:8] == self._post.plan_hash:
            return self._blob_ok(messages.DONE, 0, "")
        if self._blob is None or self._blob[:2] != (size, digest):
            self._blob = (size, digest, bytearray())
        return self._blob_ok(messages.MORE, len(self._blob[2]) // BLOCK_BYTES, "")

    def _blob_data(self, message, t_ms: int) -> bytes:
        block, data = message.values
        if self._blob is None:
            if self._finished is not None and self._finished[0] == block:
                return self._blob_ok(self._finished[1], 0, self._finished[2])
            return self._blob_ok(messages.AGAIN, 0, "no transfer was begun")
        size, digest, held = self._blob
        due = len(held) // BLOCK_BYTES
        if block == due:
            if len(data) != min(BLOCK_BYTES, size - len(held)):
                return self._blob_ok(messages.AGAIN, 0, "block %d has the wrong length" % block)
            held.extend(data)
        if len(held) < size:
            return self._blob_ok(messages.MORE, len(held) // BLOCK_BYTES, "")
        self._blob = None
        if sha256(held).digest() != digest:
            code, text = messages.AGAIN, "the whole does not match its SHA-256"
        else:
            text = self._post.take_plan(bytes(held), t_ms)
            code = messages.REFUSED if text else messages.DONE
        self._finished = (block, code, text)
        return self._blob_ok(code, 0, text)

    def _blob_ok(self, code: int, block: int, text: str) -> bytes:
        return self._link.reply(messages.BLOB_OK, (code, block, _cut(text)))


def _cut(text: str) -> str:
    """At most the 96 bytes an answer carries; a character cut in two is left out."""
    while len(text.encode()) > 96:
        text = text[:-1]
    return text
