"""The parts of a board that runs Linux: serial ports, PWM, light sensors, the I2C bus, and systemd's watchdog.

Everything is a file below /sys and /dev, so nothing compiled is needed. What is missing or pulled out is tried again;
only an output for the light that cannot be opened at all is a PartError.
"""

import asyncio
import errno
import fcntl
import os
import socket
import struct
import termios
import threading
import time

_AGAIN_S = 2.0  # an adapter that was plugged in again has its device after half a second
_PERMISSION_S = 3.0  # udev gives a new PWM channel to its group some tenths of a second after it has appeared
_SENSOR_S = 1.0
_SENSOR_OLD_S = 30.0
_ALL_SENT = 0x5459  # ioctl TIOCSERGETLSR: 1 when the UART's own shift register is empty too
_I2C_ADDRESS = 0x0703  # ioctl I2C_SLAVE


class PartError(Exception):
    """A part that the light needs cannot be used; the text is one line and says what to do."""


class Uart:
    """A serial port as boards/port.py wants it. `heard()` is called from the event loop when something has come.

    It is opened when it is first used, and again each two seconds where it is missing, so that a broken adapter
    costs the line and not the light.
    """

    def __init__(self, path: str, baud: int, heard=None):
        self._path = path
        self._baud = baud
        self._heard = heard
        self._serial = None
        self._loop = None
        self._again_s = 0.0
        self._said = False

    def any(self) -> int:
        """How many bytes wait."""
        port = self._opened()
        try:
            return port.in_waiting if port else 0
        except OSError as error:
            return self._lost(error)

    def read(self, count: int) -> bytes:
        """At most `count` bytes, those that are here."""
        port = self._opened()
        try:
            return port.read(min(count, port.in_waiting)) if port else b""
        except OSError as error:
            self._lost(error)
            return b""

    def write(self, data: bytes) -> int:
        """Send, without waiting; what a port does not take now is lost, as on a cable that is pulled: all is taken."""
        port = self._opened()
        if port is None:
            return len(data)
        try:
            try:
                taken = os.write(port.fileno(), data)
            except BlockingIOError:  # nobody reads at the other end
                taken = 0
            if taken < len(data):
                termios.tcflush(port.fileno(), termios.TCOFLUSH)
        except (OSError, termios.error) as error:  # also of an adapter that is pulled between the two
            self._lost(error)
        return len(data)

    def txdone(self) -> bool:
        """Whether the last byte has left."""
        port = self._serial
        try:
            if not port or port.out_waiting:
                return not port
            return bool(struct.unpack("i", fcntl.ioctl(port.fileno(), _ALL_SENT, bytes(4)))[0])
        except OSError as error:
            if error.errno not in (errno.ENOTTY, errno.EINVAL, errno.EOPNOTSUPP):
                self._lost(error)
            return True  # an adapter cannot say it, and drives its line by itself

    def _opened(self):
        if self._serial or time.monotonic() < self._again_s:
            return self._serial
        import serial  # pure Python

        try:
            self._serial = serial.Serial(self._path, self._baud, timeout=0, write_timeout=0, exclusive=True)
            self._said = False
            self._watch()
        except (OSError, ValueError) as error:
            self._lost(error)
        return self._serial

    def _watch(self) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:  # before there is one: looked at as often as everything else
            self._loop = None
        if self._loop and self._heard and self._serial:
            self._loop.add_reader(self._serial.fileno(), self._heard)

    def _lost(self, error) -> int:
        if not self._said:
            self._said = True
            print("log port %s: %s; tried again each %d s" % (self._path, error, _AGAIN_S), flush=True)
        self._again_s = time.monotonic() + _AGAIN_S
        port, self._serial = self._serial, None
        if port:
            if self._loop and self._heard:
                self._loop.remove_reader(port.fileno())
            port.close()
        return 0


class Network:
    """What boards/air.py wants: Linux keeps its Wi-Fi by itself. `heard()` is called when something has come."""

    def __init__(self, heard):
        self._heard = heard

    def up(self) -> bool:
        return True

    def opened(self, made) -> None:
        asyncio.get_running_loop().add_reader(made.fileno(), self._heard)

    def closed(self, made) -> None:
        asyncio.get_running_loop().remove_reader(made.fileno())


class Pwm:
    """A hardware PWM channel (/sys/class/pwm), begun with `duty`, 0..65535; it keeps its duty when this process ends.

    On the way to a new period the duty is never above it, which the kernel refuses, nor lower than it must be.
    """

    def __init__(self, sysfs: str, chip: int, channel: int, hz: int, duty: int):
        chip_folder = "%s/class/pwm/pwmchip%d" % (sysfs, chip)
        self._folder = "%s/pwm%d" % (chip_folder, channel)
        self._period_ns = 1000000000 // hz
        if not os.path.isdir(chip_folder):
            raise PartError("%s is missing: add dtoverlay=pwm to config.txt, or give lamp.chip" % chip_folder)
        try:
            if not os.path.isdir(self._folder):
                _put(chip_folder + "/export", channel)
            _patiently(lambda: self._begin(self._period_ns * duty // 65535))
        except OSError as error:
            raise PartError("cannot use PWM %s (%s): is this user in the group gpio?" % (self._folder, error)) from None
        self._duty = os.open(self._folder + "/duty_cycle", os.O_WRONLY)

    def set_duty(self, duty: int) -> None:
        """0..65535 of the period."""
        os.pwrite(self._duty, b"%d\n" % (self._period_ns * duty // 65535), 0)

    def _begin(self, duty_ns: int) -> None:
        folder = self._folder
        if _word(folder + "/polarity") == "inversed" and _word(folder + "/enable") == "1":
            _put(folder + "/enable", 0)  # the kernel turns no output that runs
        if _word(folder + "/polarity") == "inversed":
            _put(folder + "/polarity", "normal")
        if int(_word(folder + "/duty_cycle")) > self._period_ns:
            _put(folder + "/duty_cycle", self._period_ns)
        _put(folder + "/period", self._period_ns)
        _put(folder + "/duty_cycle", duty_ns)
        _put(folder + "/enable", 1)


class LightSensor:
    """A light sensor with a kernel driver (/sys/bus/iio), read in a thread of its own: some measure for 180 ms."""

    def __init__(self, sysfs: str, device: str):
        self._folder = "%s/bus/iio/devices/%s/" % (sysfs, device)
        self._found = (None, 0.0)
        threading.Thread(target=self._run, daemon=True, name=device).start()

    def lx(self) -> "int | None":
        """The light of the last second; None where the sensor does not answer."""
        lx, at_s = self._found
        return lx if time.monotonic() - at_s < _SENSOR_OLD_S else None

    def _run(self) -> None:
        while True:
            self._found = (self.measure(), time.monotonic())
            time.sleep(_SENSOR_S)

    def measure(self) -> "int | None":
        """Ask the sensor, now: in_illuminance_input, or raw times scale (the kernel's sysfs-bus-iio)."""
        try:
            return int(float(_word(self._folder + "in_illuminance_input")))
        except (OSError, ValueError):
            pass
        try:
            raw = float(_word(self._folder + "in_illuminance_raw"))
            return int(raw * float(_word(self._folder + "in_illuminance_scale")))
        except (OSError, ValueError):
            return None


class I2c:
    """An I2C bus (/dev/i2c-N) with MicroPython's names; every call opens it anew, since it is used once a day."""

    def __init__(self, path: str, ioctl=fcntl.ioctl):
        self._path = path
        self._ioctl = ioctl

    def readfrom_mem(self, address: int, register: int, count: int) -> bytes:
        """`count` bytes from a register. OSError where the chip does not answer."""
        file = self._open(address)
        try:
            os.write(file, bytes([register]))
            found = os.read(file, count)
        finally:
            os.close(file)
        if len(found) != count:
            raise OSError(errno.EIO, "the chip gave %d bytes of %d" % (len(found), count))
        return found

    def writeto_mem(self, address: int, register: int, data: bytes) -> None:
        """Write bytes from a register on. OSError where the chip does not answer."""
        file = self._open(address)
        try:
            os.write(file, bytes([register]) + data)
        finally:
            os.close(file)

    def _open(self, address: int) -> int:
        file = os.open(self._path, os.O_RDWR | os.O_NOCTTY)
        try:
            self._ioctl(file, _I2C_ADDRESS, address)
        except OSError:
            os.close(file)
            raise
        return file


class Systemd:
    """sd_notify(3): ready, and alive thrice within the watchdog's time; says nothing where there is no systemd."""

    def __init__(self, environ):
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._every_s = 0.0
        self._due_s = 0.0

    def ready(self, watchdog_ms: int) -> None:
        """The light is on and all is looked after; from here on silence for `watchdog_ms` means that it hangs."""
        self._every_s = watchdog_ms / 3000
        self._say("READY=1\nWATCHDOG_USEC=%d\nSTATUS=the light is on" % (watchdog_ms * 1000))

    def feed(self) -> None:
        """Called often."""
        now_s = time.monotonic()
        if now_s >= self._due_s:
            self._due_s = now_s + self._every_s
            self._say("WATCHDOG=1")

    def _say(self, text: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.setblocking(False)
                sender.sendto(text.encode(), address)
        except OSError:
            pass  # no systemd any more: the light does not depend on it


def _put(path: str, value) -> None:
    with open(path, "w") as file:
        file.write("%s\n" % value)


def _word(path: str) -> str:
    with open(path) as file:
        return file.readline().strip()


def _patiently(do) -> None:
    """Call `do` until it raises no OSError, for _PERMISSION_S at most."""
    end_s = time.monotonic() + _PERMISSION_S
    while True:
        try:
            return do()
        except OSError:
            if time.monotonic() >= end_s:
                raise
        time.sleep(0.02)
