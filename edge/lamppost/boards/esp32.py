"""ESP32 (WROOM, WROVER). Its clock counts from 2000 like ours; its pins 34 to 39 are inputs without pulls.

Pins 6 to 11 hold the flash, 0, 2, 12 and 15 say at start how to boot (ESP32 datasheet, section 2.4), 1 and 3 are the
port that mpremote uses.
"""

from lamppost.boards.micro import Micro
from lamppost.boards.pins import Pins

_OUTPUTS = [4, 5, 13, 14] + list(range(16, 20)) + [21, 22, 23, 25, 26, 27, 32, 33]


class Board(Micro):
    """The hardware of an ESP32."""

    name = "esp32"
    pins = Pins(
        pins=_OUTPUTS + [34, 35, 36, 39],
        outputs=_OUTPUTS,
        analog=[32, 33, 34, 35, 36, 39],  # ADC 1: ADC 2 stops while Wi-Fi runs
        uarts=[None, None, None],
        watchdog_max_ms=60000,
    )

    def dali(self, lamp):
        """The RMT unit drives the line; answers are measured pulse by pulse."""
        from lamppost.boards.dali_esp32 import Line  # only a post with DALI pays for it

        return Line(lamp["tx"], lamp["rx"], lamp["active"])
