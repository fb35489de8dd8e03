"""A post without a wire: frames as payloads of MQTT on the cabinet's broker; section 15 of PROTOCOL.md.

In the place of boards/port.py, and only imported where board.json has "wifi". Nothing here waits: the socket is looked
at, a step of connecting is made, and the light goes on. What cannot be sent now is dropped, as on a cable that is cut:
events are said again, items stay in the post. A frame counts only from the topic of its own sender.
"""

import errno
import select
import socket

from lamppost.boards import mqtt
from lamppost.limits import POST_ADDRESS_MAX
from lamppost.wire.access import EVENT_BYTES

KEEP_ALIVE_S = 20  # the broker gives a post up after 30 s, the post a broker after 20
PING_MS = 7000
CONNECT_MS = 10000  # from the first packet to SUBACK, the TLS handshake of a microcontroller (2 s) in it
AGAIN_MIN_MS = 500
AGAIN_MAX_MS = 30000
OUT_MAX = 1024  # bytes that wait to be sent: four of the longest frames, or the network stands still
FRAME_MAX = 212  # on the line
_READ = 512
_WAITING = (errno.EAGAIN, errno.EINPROGRESS, 2, 3)  # 2 and 3: TLS wants to read, to write (CPython's OpenSSL)
_IDLE, _OPENING, _GREETING, _ON = 0, 1, 2, 3


class AirPort:
    """`section` is "wifi" of a board.json, `address()` the post's, 0 without one, `random(n)` gives n bytes.

    `network` has up(), whether there is one now, opened(socket) and closed(socket). `refused` counts what was no frame
    of who may have sent it, `dropped` frames that could not be sent.
    """

    def __init__(self, section, address, network, random):
        self.refused = self.dropped = 0
        self.connections = 0
        self._section = section
        self._address_now = address
        self._network = network
        self._random = random
        self._address = 0
        self._stage = _IDLE
        self._socket = self._poll = None
        self._buffer = bytearray(_READ)
        self._again_ms = self._since_ms = self._heard_ms = self._sent_ms = 0
        self._pause_ms = AGAIN_MIN_MS
        self._said = ""
        self._lost_packets()

    @property
    def busy(self) -> bool:
        """Whether it wants to be looked at each 2 ms."""
        return bool(self._frames or self._out) or self._stage in (_OPENING, _GREETING)

    @property
    def is_on(self) -> bool:
        """Whether the broker has taken the subscriptions."""
        return self._stage == _ON

    def look(self, t_ms: int) -> bytes:
        """One frame that has come, b"" if none has; makes the next step of connecting."""
        if self._frames:
            return self._frames.pop(0)
        try:
            self._step(t_ms)
        except (OSError, ValueError, MemoryError) as error:
            self._close(error, t_ms)
        return self._frames.pop(0) if self._frames else b""

    def write(self, data: bytes, t_ms: int) -> None:
        """Send a frame, now or never."""
        if self._stage != _ON or len(self._out) > OUT_MAX:
            self.dropped += 1
            return
        way = "event" if _is_event(data) else "up"
        self._send(mqtt.publish("%s/%s/%d" % (self._section["topic"], way, self._address), data), t_ms)
        try:
            self._flush()
        except OSError as error:
            self._close(error, t_ms)

    # --- the connection, a step at a time

    def _step(self, t_ms: int) -> None:
        address = self._address_now()
        if self._stage == _IDLE:
            if address and t_ms >= self._again_ms and self._network.up():
                self._open(address, t_ms)
            return
        if address != self._address:
            raise OSError("address changed")
        if not self._network.up():
            raise OSError("no network")
        if self._stage == _OPENING and not self._opened(t_ms):
            return
        self._flush()
        self._receive(t_ms)
        if self._stage == _GREETING and t_ms - self._since_ms > CONNECT_MS:
            raise OSError("no answer")
        if t_ms - self._heard_ms > 1000 * KEEP_ALIVE_S:
            raise OSError("silent")
        if self._stage == _ON and t_ms - self._sent_ms > PING_MS:
            self._send(mqtt.PING, t_ms)

    def _open(self, address: int, t_ms: int) -> None:
        self._address, self._since_ms = address, t_ms
        self._stage = _OPENING
        place = socket.getaddrinfo(self._section["host"], self._section["port"], 0, socket.SOCK_STREAM)[0][-1]
        self._socket = socket.socket()
        self._socket.setblocking(False)
        try:
            self._socket.connect(place)
        except OSError as error:
            if error.args[0] not in _WAITING:
                raise
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLOUT)

    def _opened(self, t_ms: int) -> bool:
        """Whether there is a connection, on which CONNECT has been put then."""
        ready = self._poll.poll(0) if self._poll else []
        if not ready and t_ms - self._since_ms <= CONNECT_MS:
            return False
        if not ready or ready[0][1] & (select.POLLERR | select.POLLHUP):
            raise OSError("no connection")
        plain = self._socket
        try:
            plain.setsockopt(6, 1, 1)  # pyright: ignore - TCP_NODELAY: or each small frame waits for an acknowledgement
        except OSError:
            pass  # a board whose sockets have no such option
        section = self._section
        if section["ca"]:
            self._socket = _secured(plain, section)
        made = self._socket
        self._into = getattr(made, "recv_into", None) or made.readinto  # pyright: ignore - CPython's, MicroPython's
        self._put = getattr(made, "write", None) or made.send  # pyright: ignore
        self._network.opened(made)
        self._stage, self._heard_ms = _GREETING, t_ms
        self._send(mqtt.connect(section["user"], section["user"], section["secret"], KEEP_ALIVE_S), t_ms)
        return True

    def _receive(self, t_ms: int) -> None:
        try:
            count = self._into(self._buffer)
        except OSError as error:
            if error.args[0] not in _WAITING:
                raise
            count = None
        if count == 0:
            raise OSError("closed by the broker")
        if not count:
            return
        self._heard_ms = t_ms
        for kind, first, body in self._packets.feed(bytes(self._buffer[:count])):
            self._packet(kind, first, body, t_ms)

    def _packet(self, kind: int, first: int, body: bytes, t_ms: int) -> None:
        topic = self._section["topic"]
        if kind == mqtt.PUBLISH and self._stage == _ON:
            where, payload = mqtt.published(first, body)
            self._take(str(where, "utf-8"), payload)
        elif kind == mqtt.CONNACK and self._stage == _GREETING:
            if len(body) != 2 or body[1]:
                raise OSError("the broker refuses (%d)" % (body[1] if len(body) == 2 else -1))
            mine = "%s/down/%d" % (topic, self._address)
            self._send(mqtt.subscribe((mine, topic + "/down/all", topic + "/event/+")), t_ms)
        elif kind == mqtt.SUBACK and self._stage == _GREETING:
            if body[2:3] != b"\x00":  # another's topic: its own is refused
                raise OSError("the broker refuses the topics")
            self._stage, self._pause_ms, self._said = _ON, AGAIN_MIN_MS, ""
            self.connections += 1
        elif kind not in (mqtt.PINGRESP, mqtt.PUBLISH):
            raise OSError("no packet of a broker")

    def _take(self, where: str, data: bytes) -> None:
        """Keep what came under `where`, if it is one frame of the sender that this topic belongs to."""
        way = where[len(self._section["topic"]) :].split("/")
        if len(way) == 3 and way[1] == "event":
            if way[2] == str(self._address):
                return  # our own, come back
            good = _is_event(data) and way[2] == str(data[3])
        else:
            good = len(way) == 3 and way[1] == "down"
            if _is_event(data):
                good = good and data[3] > POST_ADDRESS_MAX  # what the gateway says for another line
        if good and 5 <= len(data) <= FRAME_MAX and data[0] == 0 and data.find(b"\x00", 1) == len(data) - 1:
            self._frames.append(data)
        else:
            self.refused += 1

    def _send(self, data: bytes, t_ms: int) -> None:
        self._out += data
        self._sent_ms = t_ms

    def _flush(self) -> None:
        while self._out:
            try:
                count = self._put(self._out)
            except OSError as error:
                if error.args[0] not in _WAITING:
                    raise
                return
            if not count:
                return
            self._out = self._out[count:]

    def _close(self, error, t_ms: int) -> None:
        text = str(error)
        if text != self._said:  # once, however long it lasts
            self._said = text
            print("log Wi-Fi line: %s; tried again, the light goes on" % text)
        made, self._socket, self._poll = self._socket, None, None
        if made:
            if self._stage > _OPENING:
                self._network.closed(made)
            try:
                made.close()
            except OSError:
                pass
        self._stage = _IDLE
        self._again_ms = t_ms + self._pause_ms + self._pause_ms * self._random(1)[0] // 512  # not all posts at once
        self._pause_ms = min(2 * self._pause_ms, AGAIN_MAX_MS)
        self.refused += self._packets.refused
        self._lost_packets()

    def _lost_packets(self) -> None:
        self._packets = mqtt.Packets()
        self._out = b""
        self._frames = []


def open_port(section, board, hardware):
    """The line of `board`, a PostBoard; None on a board without a radio, whose light goes on."""
    try:
        if hasattr(hardware, "network"):
            network = hardware.network()
        else:
            from lamppost.boards.wlan import Wlan

            network = Wlan(section)
    except ImportError:
        print("log this board has no radio: the post is without a line")
        return None
    return AirPort(section, lambda: board.post.settings.address if board.post else 0, network, hardware.random)


def _is_event(data: bytes) -> bool:
    """Whether a frame is an EVENT, whose source is its fourth byte then: by length and form (section 2)."""
    return len(data) == EVENT_BYTES and data[2] >> 5 == 3


def _secured(plain, section):
    """The socket under TLS: the broker shows a certificate for `name`, signed by the authority in the file `ca`."""
    import ssl  # 20 KB on a microcontroller

    with open(section["folder"] + "/" + section["ca"], "rb") as file:
        authority = file.read()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority)
    context.verify_mode = ssl.CERT_REQUIRED
    return context.wrap_socket(plain, server_hostname=section["name"], do_handshake_on_connect=False)
