"""The Wi-Fi of a microcontroller as boards/air.py wants it: asked for, looked at, and asked for again when lost."""

import time

import network  # pyright: ignore[reportMissingModuleSource] - a board has it

_AGAIN_MS = 15000  # a network that answers has taken us in by then


class Wlan:
    """`section` is "wifi" of a board.json; its password is given to the radio and kept nowhere else."""

    def __init__(self, section):
        self._section = section
        self._asked_ms = None
        country = section["country"]
        if country:
            network.country(country)
        self._wlan = network.WLAN(network.STA_IF)
        self._wlan.active(True)
        try:
            self._wlan.config(pm=network.WLAN.PM_NONE)  # mains power: asleep, it would hear an event 100 ms late
        except (ValueError, AttributeError):
            pass  # a radio that never sleeps

    def up(self) -> bool:
        """Whether the post is in its network; if not, it is asked for each _AGAIN_MS."""
        if self._wlan.isconnected():
            self._asked_ms = None
            return True
        now = time.ticks_ms()  # pyright: ignore[reportAttributeAccessIssue] - MicroPython's
        if self._asked_ms is None or time.ticks_diff(now, self._asked_ms) > _AGAIN_MS:  # pyright: ignore
            self._asked_ms = now
            try:
                self._wlan.disconnect()
                self._wlan.connect(self._section["ssid"], self._section["password"])
            except OSError:
                pass  # the radio is busy: again next time
        return False

    def opened(self, made) -> None:
        """Looked at each 2 ms anyway."""

    def closed(self, made) -> None:
        """The same."""
