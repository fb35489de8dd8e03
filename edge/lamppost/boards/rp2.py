"""Raspberry Pi Pico, Pico W, Pico 2 (RP2040, RP2350).

Pins 23, 24, 25 and 29 belong to the board (power supply, LED, or the radio of a W). Pins of the UARTs: RP2040
datasheet, table 2 (section 1.4.3).
"""

from lamppost.boards import micro
from lamppost.boards.pins import Pins

_ALL = list(range(23)) + [26, 27, 28]


class Board(micro.Micro):
    """The hardware of a Pico."""

    name = "rp2"
    pins = Pins(
        pins=_ALL,
        outputs=_ALL,
        analog=[26, 27, 28],
        uarts=[([0, 12, 16], [1, 13, 17]), ([4, 8, 20], [5, 9, 21])],
        watchdog_max_ms=8388,  # 24 bits of half microseconds
    )

    def temperature_dc(self) -> "int | None":
        """The chip's sensor on ADC 4: 27 C is 0.706 V, falling 1.721 mV a degree (datasheet, section 4.9.5)."""
        microvolts = micro.machine.ADC(4).read_u16() * 3300000 // 65535
        return 270 - (microvolts - 706000) * 10 // 1721

    def dali(self, lamp):
        """Two state machines drive the line and look at it."""
        from lamppost.boards.dali_rp2 import Line  # only a post with DALI pays for it

        return Line(lamp["tx"], lamp["rx"], lamp["active"])
