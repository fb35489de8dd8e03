"""A stand-in for MicroPython's `machine` and for the time of a board, in virtual time, on both interpreters.

Everything that was opened stays in tables by pin or number; a test sets `levels`, feeds UARTs and reads what was
driven. `install()` puts it in place of the real modules and returns it fresh.
"""

import sys

PWRON_RESET, WDT_RESET = 1, 3


class State:
    """What one test has opened and driven."""

    def __init__(self):
        self.now_ms = 5
        self.levels = {}  # pin -> 0 or 1, for inputs; or raw 0..65535 for ADCs
        self.driven = {}  # pin -> 0 or 1
        self.history = []  # (now_ms, what, value)
        self.pulls = {}
        self.duties = {}
        self.uarts = {}
        self.edges = {}
        self.fed = 0
        self.watchdog_ms = None
        self.resets = 0
        self.memory = {}  # of the clock chip
        self.cause = PWRON_RESET
        self.timer = None
        self.asked = 0  # the I2C bus, how often


STATE = State()


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN, IRQ_FALLING = 0, 1, 2, 3, 4

    def __init__(self, number, mode=-1, pull=None, value=None):
        self.number = number
        if mode == Pin.OUT:
            self.value(value or 0)
        elif mode == Pin.IN:
            STATE.pulls[number] = pull

    def value(self, level=None):
        if level is None:
            return STATE.levels.get(self.number, 0)
        STATE.driven[self.number] = level
        STATE.history.append((STATE.now_ms, "pin %d" % self.number, level))
        return None

    def irq(self, handler, trigger):
        assert trigger == Pin.IRQ_FALLING
        STATE.edges[self.number] = handler


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        self.pin = pin.number
        self.duty_u16(duty_u16)

    def duty_u16(self, duty):
        assert 0 <= duty <= 65535
        STATE.duties[self.pin] = duty
        STATE.history.append((STATE.now_ms, "pwm %d" % self.pin, duty))


class ADC:
    def __init__(self, pin):
        self.pin = pin.number if isinstance(pin, Pin) else "adc %d" % pin

    def read_u16(self):
        return STATE.levels.get(self.pin, 0)


class UART:
    def __init__(self, number, baud, tx, rx, rxbuf, txbuf, timeout):
        self.baud = baud
        self.rx = b""
        self.tx = b""
        self.busy_until_ms = 0
        self.txbuf = txbuf
        STATE.uarts[number] = self

    def any(self):
        return len(self.rx)

    def read(self, count):
        data, self.rx = self.rx[:count], self.rx[count:]
        return data or None

    def write(self, data):
        """As a Pico's with timeout=0: what the buffer has no room for is not taken; None where that is all of it."""
        left = max(0, self.busy_until_ms - STATE.now_ms)
        data = data[: max(0, self.txbuf - left * self.baud // 10000)]
        self.tx += data
        self.busy_until_ms = STATE.now_ms + left + len(data) * 10000 // self.baud + 1
        return len(data) or None

    def txdone(self):
        return STATE.now_ms >= self.busy_until_ms


class I2C:
    def __init__(self, number, sda, scl, freq):
        pass

    def readfrom_mem(self, address, register, count):
        STATE.asked += 1
        if address not in STATE.memory:
            raise OSError(5)
        return STATE.memory[address][register : register + count]

    def writeto_mem(self, address, register, data):
        if address not in STATE.memory:
            raise OSError(5)
        old = STATE.memory[address]
        STATE.memory[address] = old[:register] + data + old[register + len(data) :]


class Timer:
    PERIODIC = 1

    def __init__(self, number):
        pass

    def init(self, period, mode, callback):
        STATE.timer = (period, callback)


class WDT:
    def __init__(self, timeout):
        STATE.watchdog_ms = timeout

    def feed(self):
        STATE.fed += 1


def reset():
    STATE.resets += 1


def reset_cause():
    return STATE.cause


def unique_id():
    return b"\xe6\x61\x41\x04\x03\x2b\x1f\x2d"


class Time:
    """What boards/micro.py asks of `time`."""

    @staticmethod
    def ticks_ms():
        return STATE.now_ms & 0x3FFFFFFF

    @staticmethod
    def sleep_ms(wait_ms):
        STATE.now_ms += wait_ms

    @staticmethod
    def ticks_diff(a, b):
        return (a - b) & 0x3FFFFFFF


def install():
    """Fresh state, with boards/micro.py on it."""
    STATE.__init__()
    sys.modules["machine"] = sys.modules[__name__]
    from lamppost.boards import micro

    micro.machine = sys.modules[__name__]
    micro.time = Time
    return STATE
