"""A DALI line on the state machines of an RP2040 or RP2350: one drives half bits, one looks at the line.

Neither needs the interpreter while it works: half bits wait in one queue, samples in the other. Five samples a half bit
are 12,000 a second; the queue of 256 holds 21 ms, all of an answer's 16 (5.5 to 10.5 ms of rest and 9 bits).
"""

import machine
import rp2

from lamppost.dali import bits

_HALF_HZ = 2400
_CYCLES = 10  # of the program for a half bit
_SAMPLES = 5  # of each half bit


@rp2.asm_pio(out_init=rp2.PIO.OUT_LOW, out_shiftdir=rp2.PIO.SHIFT_LEFT, autopull=True, pull_thresh=32)
def _drive():
    out(pins, 1)[9]  # type: ignore  # noqa: F821 - the assembler's names


@rp2.asm_pio(in_shiftdir=rp2.PIO.SHIFT_LEFT, autopush=True, push_thresh=32, fifo_join=rp2.PIO.JOIN_RX)
def _look():
    in_(pins, 1)  # type: ignore  # noqa: F821 - the assembler's names


class Line:
    """`active`: the level of the tx pin that pulls the line low. The rx pin is high while the line is."""

    def __init__(self, tx: int, rx: int, active: int):
        self._pull = active
        pin = machine.Pin(tx, machine.Pin.OUT, value=1 - active)
        self._out = rp2.StateMachine(0, _drive, freq=_HALF_HZ * _CYCLES, out_base=pin)
        self._in = rp2.StateMachine(1, _look, freq=_HALF_HZ * _SAMPLES, in_base=machine.Pin(rx, machine.Pin.IN))
        self._out.active(1)

    def send(self, halves: list) -> None:
        """Drive the half bits, then rest."""
        self._in.active(0)
        level = 0
        count = 0
        for half in halves + [1] * (64 - len(halves)):
            level = level << 1 | (half ^ self._pull)
            count += 1
            if count == 32:
                self._out.put(level)
                level = count = 0

    def listen(self) -> None:
        """Begin to look for an answer."""
        while self._in.rx_fifo():
            self._in.get()
        self._in.restart()
        self._in.active(1)

    def answer(self) -> "int | None":
        """The answer since `listen`, None where nothing came, bits.GARBLED where it was no frame."""
        self._in.active(0)
        words = [self._in.get() for _ in range(self._in.rx_fifo())]
        return bits.from_samples(_levels(words), _SAMPLES)


def _levels(words):
    for word in words:
        for place in range(31, -1, -1):
            yield word >> place & 1
