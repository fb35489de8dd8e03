"""Raspberry Pi, any with 40 pins: inputs and switches by gpiozero, hardware PWM, serial ports, systemd's watchdog.

Pins are GPIO numbers. Not to be had: 0 and 1 (the HAT's memory), 2 and 3 (I2C), 14 and 15 (the UART), 18 (the PWM).
"""

import asyncio
import os
import signal
import time

from lamppost.boards import linux
from lamppost.boards.ds3231 import Ds3231
from lamppost.boards.pins import Pins
from lamppost.limits import TICKS_MASK

_FREE = list(range(4, 14)) + [16, 17] + list(range(19, 28))
_PULLS = {"up": True, "down": False, "none": None}
_DALI_BAUD = 19200


class Board:
    """The hardware of a Raspberry Pi; the methods are those of boards/micro.py. `sysfs`, `dev`: where they are."""

    name = "raspberry_pi"
    pins = Pins(pins=_FREE, outputs=_FREE, analog=[], uarts=[], watchdog_max_ms=60000, devices=True)
    sysfs = "/sys"
    dev = "/dev"

    def __init__(self):
        self.ended = False
        self._in_loop = False
        self._heard = asyncio.Event()
        self._systemd = linux.Systemd(os.environ)
        self._parts = []  # gpiozero lets go of a pin that nobody holds

    def ticks(self) -> int:
        return time.monotonic_ns() // 1000000 & TICKS_MASK

    def random(self, count: int) -> bytes:
        return os.urandom(count)

    def uart(self, port):
        return linux.Uart(port["device"], port["baud"], self._heard.set)

    def network(self):
        return linux.Network(self._heard.set)

    def switch(self, pin: int, active: int, on: int):
        from gpiozero import DigitalOutputDevice

        out = self._hold(DigitalOutputDevice(pin, active_high=bool(active), initial_value=bool(on)))
        return lambda on: out.on() if on else out.off()

    def contact(self, pin: int, active: int, pull: str):
        from gpiozero import InputDevice

        state = bool(active) if pull == "none" else None
        into = self._hold(InputDevice(pin, pull_up=_PULLS[pull], active_state=state))
        turned = (
            pull != "none" and bool(active) == _PULLS[pull]
        )  # to gpiozero a pulled pin is active at the other level
        return lambda: into.is_active != turned

    def pwm(self, lamp, duty: int):
        return linux.Pwm(self.sysfs, lamp["chip"], lamp["channel"], lamp["hz"], duty).set_duty

    def dali(self, lamp):
        from lamppost.boards.dali_bridge import Line  # only a post with DALI pays for it

        return Line(linux.Uart(lamp["device"], _DALI_BAUD))

    def lux(self, section):
        return linux.LightSensor(self.sysfs, section["device"]).lx

    def counter(self, pin: int, pull: str):
        from gpiozero import DigitalInputDevice

        state = None if pull == "up" else False
        return Counter(self._hold(DigitalInputDevice(pin, pull_up=_PULLS[pull], active_state=state)))

    def rtc(self, section):
        return Ds3231(linux.I2c("%s/i2c-%d" % (self.dev, section["i2c"])))

    def watchdog(self, most_ms: int):
        self._systemd.ready(most_ms)
        return self._systemd.feed

    def temperature_dc(self) -> "int | None":
        """The processor's: only of use where the board sits beside the driver."""
        try:
            with open(self.sysfs + "/class/thermal/thermal_zone0/temp") as file:
                return int(file.readline()) // 100
        except (OSError, ValueError):
            return None

    def restart(self) -> None:
        """The process ends; systemd begins it again, with the firmware that is then in force."""
        self.ended = True
        self._heard.set()

    async def pause(self, wait_ms: int) -> None:
        """Until a port has something or somebody ends the process, at most `wait_ms`."""
        if not self._in_loop:
            self._in_loop = True
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, self.restart)
        try:
            await asyncio.wait_for(self._heard.wait(), wait_ms / 1000)
        except asyncio.TimeoutError:
            pass
        self._heard.clear()

    def _hold(self, part):
        self._parts.append(part)
        return part


class Counter:
    """Counts the falling edges of a pin, which gpiozero sees in a thread of its own."""

    def __init__(self, pin):
        self.count = 0
        self._last_ns = time.monotonic_ns()
        pin.when_activated = self._edge

    def _edge(self) -> None:
        self._last_ns = time.monotonic_ns()
        self.count += 1

    def age_ms(self) -> int:
        """Since the last one."""
        return (time.monotonic_ns() - self._last_ns) // 1000000
