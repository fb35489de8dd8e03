"""Frames on the line: `00 COBS(dst src type counter:4 payload seal:8 crc:2) 00`, numbers big-endian; short ones as in
packed.py.

`Decoder.feed` takes whatever the UART gave and returns the whole frames; noise is counted, never raised. A receiver
finds its place again at the next zero byte. Memory is bounded by one longest frame.
"""

from lamppost.limits import FRAME_MAX, FRAME_PAYLOAD_MAX
from lamppost.wire import cobs, messages, packed
from lamppost.wire.crc import crc16
from lamppost.wire.errors import WireError

GATEWAY = 0
EVERYBODY = 255
FINDING = 254  # whoever is searched for; section "Finding posts" of PROTOCOL.md
HEADER = 7
_STUFFED_MAX = FRAME_MAX + 1


class Frame:
    """One frame, nothing of it verified yet. `signed` is what the seal covers, `counter` the whole counter; where only
    the low byte of it came (POLL) or nothing (STILL), `with_counter` gives what the seal covers."""

    __slots__ = ("_values", "counter", "dst", "payload", "seal", "signed", "src", "type")

    def __init__(self, dst: int, src: int, kind: int, counter: int, payload: bytes, seal: bytes, signed: bytes):
        self.dst = dst
        self.src = src
        self.type = kind
        self.counter = counter
        self.payload = payload
        self.seal = seal
        self.signed = signed
        self._values = None

    def values(self) -> list:
        """The values of the payload, as messages.decode has them; decoded once. Raises WireError."""
        if self._values is None:
            self._values = messages.decode(self.type, self.payload)
        return self._values

    def with_counter(self, counter: int) -> bytes:
        """What the seal covers if this is the counter."""
        return header(self.dst, self.src, self.type, counter) + self.payload


def header(dst: int, src: int, kind: int, counter: int) -> bytes:
    """The seven bytes a frame begins with. Raises WireError when the counter has run out."""
    if counter > 0xFFFFFFFF:
        raise WireError("counter used up")
    return bytes((dst, src, kind)) + counter.to_bytes(4, "big")


def pack(signed: bytes, seal: bytes) -> bytes:
    """The bytes for the line, of header and payload and their whole seal: CRC, stuffing, a delimiter on both sides."""
    if signed[2] in packed.KINDS:
        return b"\x00" + cobs.encode(packed.pack(signed, seal[: packed.SEAL_BYTES])) + b"\x00"
    if len(signed) > HEADER + FRAME_PAYLOAD_MAX:
        raise WireError("payload over %d bytes" % FRAME_PAYLOAD_MAX)
    body = signed + seal
    return b"\x00" + cobs.encode(body + crc16(body).to_bytes(2, "big")) + b"\x00"


def go(src: int, low: int, high: int, pairs: bytes, more: int = 0) -> bytes:
    """The bytes of a GO: no seal, for it proves nothing and moves nothing; a CRC, for noise must not be one."""
    body = packed.pack(header(EVERYBODY, src, packed.GO, 0) + packed.encode(packed.GO, (low, high, pairs, more)), b"")
    return b"\x00" + cobs.encode(body + crc16(body).to_bytes(2, "big")) + b"\x00"


def unpack(stuffed: bytes) -> Frame:
    """Return the Frame in what stood between two delimiters. Raises WireError."""
    if len(stuffed) > _STUFFED_MAX:
        raise WireError("frame too long")
    body = cobs.decode(stuffed)
    if len(body) <= packed.SHORT_MAX:
        return _short(body)
    if crc16(body[:-2]) != (body[-2] << 8 | body[-1]):
        raise WireError("bad CRC")
    if body[2] in packed.KINDS:
        raise WireError("message type %d is always short" % body[2])
    counter = int.from_bytes(body[3:7], "big")
    return Frame(body[0], body[1], body[2], counter, body[7:-10], body[-10:-2], body[:-10])


def _short(body: bytes) -> Frame:
    dst, src, kind, counter, payload, seal = packed.unpack(body)
    if kind == packed.GO and crc16(body[:-2]) != (seal[0] << 8 | seal[1]):
        raise WireError("bad CRC")
    return Frame(dst, src, kind, counter, payload, seal, header(dst, src, kind, counter) + payload)


class Decoder:
    """Cut a stream of bytes into frames. `errors` counts pieces that were none, `noise` their bytes; `last_error` says
    what was wrong."""

    def __init__(self):
        self.errors = self.noise = 0
        self.last_error = ""
        self._piece = bytearray()
        self._skip = False

    @property
    def begun(self) -> bool:
        """Whether a piece was heard whose end has not come."""
        return self._skip or len(self._piece) > 0

    def begun_by(self, src: int) -> bool:
        """Whether that piece may be the beginning of a frame that `src` sends to the gateway."""
        return len(self._piece) > 2 and self._piece[2] == src

    def ends(self, frame: bytes, data: bytes) -> bool:
        """Whether with `data`, which is not taken, just these bytes came: a frame from delimiter to delimiter."""
        return bool(data) and frame.endswith(data) and self._piece == frame[1 : -len(data)] and not self._skip

    def forget(self) -> None:
        """Begin anew: what came of a frame is dealt with."""
        self._piece = bytearray()

    def feed(self, data: bytes) -> list:
        """Return the Frames that `data` (any bytes, any length) completes, oldest first."""
        frames = []
        at = 0
        while True:
            end = data.find(b"\x00", at)
            if end < 0:
                self._keep(data, at, len(data))
                return frames
            self._keep(data, at, end)
            at = end + 1
            if self._piece and not self._skip:
                try:
                    frames.append(unpack(bytes(self._piece)))
                except WireError as error:
                    self._note(error)
            self._piece = bytearray()
            self._skip = False

    def _keep(self, data: bytes, at: int, end: int) -> None:
        if self._skip:
            self.noise += end - at
        elif len(self._piece) + end - at > _STUFFED_MAX:
            self.noise += end - at
            self._note("frame too long")
            self._piece = bytearray()
            self._skip = True
        else:
            self._piece.extend(data[at:end])

    def _note(self, error) -> None:
        self.errors += 1
        self.noise += len(self._piece)
        self.last_error = str(error)
