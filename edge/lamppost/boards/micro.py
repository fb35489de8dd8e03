"""What boards with MicroPython's `machine` module have in common. A board's own file derives from `Micro`.

Every method opens one part and returns the smallest thing that drives it: a function, or an object with the few methods
named here. Pins are numbers; levels at a pin are 0 and 1; `active` says which of them means on.
"""

import asyncio
import os
import time

from lamppost.boards.ds3231 import Ds3231
from lamppost.limits import TICKS_MASK

TYPE_CHECKING = False
if TYPE_CHECKING:
    import machine
else:
    try:
        import machine
    except ImportError:  # a PC that only checks a board.json
        machine = None

_RX_BYTES = 512  # 270 ms at 19,200 baud: while firmware is checked, the line is looked at each 100 ms or so
_TX_BYTES = 512
_PORT_MS = 2  # nothing says that bytes have come; four at 19,200 baud


class Counter:
    """Counts the falling edges of a pin; `count` so far."""

    def __init__(self, pin):
        self.count = 0
        self._last_ms = 0
        pin.irq(self._edge, machine.Pin.IRQ_FALLING)

    def _edge(self, _) -> None:
        self.count += 1
        self._last_ms = time.ticks_ms()

    def age_ms(self) -> int:
        """Since the last one; wraps after 12 days."""
        return time.ticks_diff(time.ticks_ms(), self._last_ms)


class Micro:
    """A board. `name` is what board.json and firmware images call it, `pins` what its pins can do."""

    name = ""
    pins = None
    ended = False  # a process that is to end says so; a microcontroller never does

    def ticks(self) -> int:
        """Milliseconds that wrap at 2**30."""
        return time.ticks_ms() & TICKS_MASK  # pyright: ignore[reportOperatorIssue] - an int behind its alias

    def random(self, count: int) -> bytes:
        """Unpredictable bytes."""
        return os.urandom(count)

    def uart(self, port):
        """A serial port (a section of board.json) with any(), read(count), write(data), txdone()."""
        pin = machine.Pin
        return machine.UART(
            port["uart"],
            port["baud"],
            tx=pin(port["tx"]),
            rx=pin(port["rx"]),
            rxbuf=_RX_BYTES,
            txbuf=_TX_BYTES,
            timeout=0,
        )

    def switch(self, pin: int, active: int, on: int):
        """An output that begins as `on`; returns switch(on)."""
        out = machine.Pin(pin, machine.Pin.OUT, value=1 if on == active else 0)
        return lambda on: out.value(active if on else 1 - active)

    def contact(self, pin: int, active: int, pull: str):
        """An input; returns a function that says whether it is active."""
        pulls = {"up": machine.Pin.PULL_UP, "down": machine.Pin.PULL_DOWN, "none": None}
        into = machine.Pin(pin, machine.Pin.IN, pulls[pull])  # pyright: ignore[reportArgumentType] - None: no pull
        return lambda: into.value() == active

    def pwm(self, lamp, duty: int):
        """The dimming output (section `lamp`), begun with a duty of 0..65535; returns set_duty(0..65535)."""
        out = machine.PWM(machine.Pin(lamp["pin"]), freq=lamp["hz"], duty_u16=duty)
        return out.duty_u16

    def lux(self, section):
        """A light sensor on a measuring input; returns a function that gives lux, None where the sensor is gone."""
        read, lx_full = machine.ADC(machine.Pin(section["pin"])).read_u16, section["lx_full"]
        return lambda: read() * lx_full // 65535

    def counter(self, pin: int, pull: str):
        """A pulse input with `count` and age_ms()."""
        wanted = machine.Pin.PULL_UP if pull == "up" else None
        return Counter(machine.Pin(pin, machine.Pin.IN, wanted))  # pyright: ignore[reportArgumentType] - None: no pull

    def rtc(self, section):
        """The clock chip, with read() and write(utc_s)."""
        pin = machine.Pin
        return Ds3231(machine.I2C(section["i2c"], sda=pin(section["sda"]), scl=pin(section["scl"]), freq=100000))

    def watchdog(self, most_ms: int):
        """Start the watchdog; returns feed(). It cannot be stopped again."""
        return machine.WDT(timeout=most_ms).feed

    def temperature_dc(self) -> "int | None":
        """The board's temperature in tenths of a degree, None where it has no sensor."""
        return None

    def restart(self) -> None:
        """Begin again from main.py; does not return."""
        machine.reset()

    async def pause(self, wait_ms: int) -> None:
        """Let others run until there may be something to do, at most `wait_ms`."""
        await asyncio.sleep_ms(min(wait_ms, _PORT_MS))  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
