"""A serial port of a board: bytes in, bytes out, and the driver-enable pin of an RS-485 transceiver.

Looked at each 2 ms or so. The beginning of something is handed on at once, since it says that the line is in use; then
bytes are gathered until a frame or a line ends, so that a frame for somebody else costs two calls and not twenty.
What the UART has no room for waits here: the console's `log` has 4 KB, and a Pico's buffer 512 bytes.
"""

_GATHER_MS = 16  # a third of the silence after which a post thinks that a line is free
_END = b"\0\r\n"  # of a frame, of a line of text
_READ = 256
_PIECES_MAX = (
    128  # that wait: twice the lines of the longest answer; what is more is lost, as on a cable that is pulled
)


class Port:
    """`uart` has any(), read(count), write(data) which says how many it took, txdone(); `enable` is a switch(on) or
    None; `baud` its speed."""

    def __init__(self, uart, baud: int, enable=None):
        self._uart = uart
        self._drive = enable or _nothing
        self._half_duplex = enable is not None
        self._us_a_byte = 10000000 // baud
        self._driving_until_ms = None
        self._waiting = []
        self._gathered = b""
        self._since_ms = 0
        self._inside = False

    @property
    def busy(self) -> bool:
        """Whether it wants to be looked at each 2 ms, though nothing comes."""
        return self._driving_until_ms is not None or bool(self._gathered or self._waiting)

    def look(self, t_ms: int) -> bytes:
        """What has come and should be handed on now; releases the line when all has been sent."""
        if self._waiting:
            self._push()
        elif self._driving_until_ms is not None and t_ms >= self._driving_until_ms and self._uart.txdone():
            self._driving_until_ms = None
            self._drive(0)
        if self._uart.any():
            if not self._gathered:
                self._since_ms = t_ms
            self._gathered += self._uart.read(_READ) or b""
        data = self._gathered
        if not data:
            return data
        ended = data[-1] in _END
        if self._inside and not ended and t_ms - self._since_ms < _GATHER_MS:
            return b""
        self._inside = not ended
        self._gathered = b""
        return data

    def write(self, data: bytes, t_ms: int) -> None:
        """Send, now; with a transceiver the line is driven until the last byte has left."""
        if self._half_duplex:
            self._drive(1)
            self._driving_until_ms = t_ms + len(data) * self._us_a_byte // 1000
        if len(self._waiting) < _PIECES_MAX:
            self._waiting.append(data)
        self._push()

    def _push(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            took = self._uart.write(data) or 0
            if took < len(data):
                self._waiting[0] = data[took:]
                return
            self._waiting.pop(0)


def _nothing(_) -> None:
    """What a port without a transceiver does to drive its line."""
