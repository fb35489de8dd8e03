"""A DALI line behind a serial bridge: a line of text for each frame, as the DALI HAT of ATX LED Consultants speaks it.

`hAABB` sends the frame, `tAABB` sends it twice as gear wants some commands; the bridge says `JCC` where a gear
has answered CC, `N` where none has, `X` or `Z` where what came was no frame. 19,200 baud. The bridge keeps the timing
of the line, so that a busy operating system cannot spoil it. python-dali's driver is the oracle in the tests.
"""

from lamppost.dali import bits, commands

_READ = 64


class Line:
    """`uart` has any(), read(count), write(data)."""

    late_ms = 40  # text there 3 ms, a wait for the answer in any case 20 ms, text back 3 ms, an operating system 10 ms

    def __init__(self, uart):
        self._uart = uart
        self._second = None  # the frame that the bridge has sent twice by itself

    def send(self, halves: list) -> None:
        """Have the frame sent."""
        frame = _frame(halves)
        if frame == self._second:
            self._second = None
            return
        twice = commands.sent_twice(frame)
        self._second = frame if twice else None
        self._take()
        self._uart.write(b"%s%04X\n" % (b"t" if twice else b"h", frame))

    def listen(self) -> None:
        """The bridge listens after every frame."""

    def answer(self) -> "int | None":
        """The answer to the last frame, None where nothing came, bits.GARBLED where it was no frame."""
        for line in self._take().split(b"\n"):
            if line[:1] == b"J":
                try:
                    value = int(line[1:], 16)
                except ValueError:
                    return bits.GARBLED
                return value if value < 256 else bits.GARBLED
            if line[:1] in (b"X", b"Z"):
                return bits.GARBLED
        return None

    def _take(self) -> bytes:
        return self._uart.read(_READ) if self._uart.any() else b""


def _frame(halves: list) -> int:
    value = 0
    for place in range(3, len(halves), 2):  # the second half of a bit is the bit; the start bit first
        value = value << 1 | halves[place]
    return value
