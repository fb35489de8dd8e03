"""A DALI line on an ESP32: the RMT unit drives pulses by itself; an answer is measured pulse by pulse.

Its interrupts come too late to tell half bits apart, so `listen` waits for the line: it blocks for up to 20 ms, some
thirty times a minute. Nothing is sent by a post in that time, and what it receives lies in the UART's buffer.
"""

import esp32
import machine

from lamppost.dali import bits

_CLOCK_DIVIDER = 80  # of 80 MHz: microseconds
_BEGIN_US = 12000  # the latest start of an answer, from the first look
_LONGEST_US = 1100  # no level of a frame lasts longer
_EDGES_MAX = 17  # of an answer


class Line:
    """`active`: the level of the tx pin that pulls the line low. The rx pin is high while the line is."""

    def __init__(self, tx: int, rx: int, active: int):
        self._active = active
        self._out = esp32.RMT(pin=machine.Pin(tx), clock_div=_CLOCK_DIVIDER, idle_level=bool(1 - active))
        self._rx = machine.Pin(rx, machine.Pin.IN)
        self._answer = None

    def send(self, halves: list) -> None:
        """Drive the half bits, then rest."""
        durations = []
        before = None
        for half in halves:
            if half == before:
                durations[-1] += bits.HALF_US
            else:
                durations.append(bits.HALF_US)
            before = half
        self._out.write_pulses(tuple(durations), self._active)

    def listen(self) -> None:
        """Measure an answer, now: blocks until it is over, or cannot come any more."""
        durations = []
        wait_us = _BEGIN_US
        level = 0
        while len(durations) <= _EDGES_MAX:
            us = machine.time_pulse_us(self._rx, level, wait_us)
            if us < 0:
                break
            durations.append(us)
            wait_us = _LONGEST_US
            level = 1 - level
        self._answer = bits.from_runs(durations)

    def answer(self) -> "int | None":
        """What `listen` has heard: None where nothing came, bits.GARBLED where it was no frame."""
        return self._answer
