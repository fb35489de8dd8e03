"""The little of MQTT 3.1.1 that a post needs: CONNECT, SUBSCRIBE, PUBLISH of QoS 0, PINGREQ; bytes in, bytes out.

No socket here, so nothing can wait: umqtt.simple and mqtt_as read whole packets, of any length that the peer names,
while the light would wait. A packet of more than PACKET_MAX bytes is counted and passed over without being kept.
Numbers in brackets are sections of the standard.
"""

CONNACK, PUBLISH, SUBACK, PINGRESP = 2, 3, 9, 13
PACKET_MAX = 384  # the longest frame has 212 bytes, a topic at most 128
PING = b"\xc0\x00"
_LENGTH_MAX = 4  # bytes of the remaining length [2.2.3]


class MqttError(ValueError):
    """What came is not MQTT, or the broker refuses; begin anew."""


def connect(client: str, user: str, password: str, keep_alive_s: int) -> bytes:
    """CONNECT with a clean session and without a will [3.1]."""
    flags = 0x02 | (0x80 | 0x40 if user else 0)
    body = _text("MQTT") + bytes((4, flags)) + keep_alive_s.to_bytes(2, "big") + _text(client)
    return _packet(0x10, body + (_text(user) + _text(password) if user else b""))


def subscribe(topics) -> bytes:
    """SUBSCRIBE number 1, all at QoS 0 [3.8]."""
    return _packet(0x82, b"\x00\x01" + b"".join([_text(topic) + b"\x00" for topic in topics]))


def publish(topic: str, payload: bytes) -> bytes:
    """PUBLISH at QoS 0, not retained [3.3]."""
    return _packet(0x30, _text(topic) + payload)


def published(first: int, body: bytes):
    """(topic as bytes, payload) of a PUBLISH; (b"", b"") of one that nobody asked for: retained, or above QoS 0."""
    size = 2 + int.from_bytes(body[:2], "big")
    if first & 0x0F or len(body) < size:
        return b"", b""
    return body[2:size], body[size:]


class Packets:
    """Cuts a stream into packets. `refused` counts those that were too long."""

    def __init__(self):
        self.refused = 0
        self._held = b""
        self._skip = 0

    def feed(self, data: bytes) -> list:
        """The packets that `data` completes: (type, first byte, body) each. Raises MqttError."""
        found = []
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        held = self._held + data
        while True:
            at, size = _length(held)
            if not at:
                break
            end = at + size
            if size > PACKET_MAX:
                self.refused += 1
                self._skip = max(0, end - len(held))
            elif end > len(held):
                break
            else:
                found.append((held[0] >> 4, held[0], held[at:end]))
            held = held[end:]
        self._held = held
        return found


def _length(data: bytes):
    """(where the body begins, how long it is); (0, 0) where that has not come yet."""
    size = 0
    for place in range(1, min(len(data), _LENGTH_MAX + 1)):
        size |= (data[place] & 127) << 7 * (place - 1)
        if data[place] < 128:
            return place + 1, size
    if len(data) > _LENGTH_MAX:
        raise MqttError("no length of a packet")
    return 0, 0


def _packet(first: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while size > 127:
        length += bytes((size & 127 | 128,))
        size >>= 7
    return bytes((first,)) + length + bytes((size,)) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
