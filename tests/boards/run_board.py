"""Runs a board's flash image on the Unix port of MicroPython: its littlefs is mounted as /, `machine` is a stand-in.

    micropython -X heapsize=192wK run_board.py IMAGE BUS SERVICE [PLATFORM [main]]

BUS and SERVICE are ptys that are the board's UARTs. Pins and PWM are told on stdout (`pin 16 1`, `pwm 15 65535`), a
watchdog that is fed as `fed`; stdin takes `level PIN VALUE` and `speed N`, how much faster the board's clock runs. A
reset ends with code 42.

With PLATFORM, such as rp2, stdin and stdout are the board's USB port instead, as a laptop finds it: first MicroPython's
prompt, of which there is what mpremote wants, or with `main` first main.py. Ctrl-D at the prompt ends with code 43.
"""

import io
import os
import select
import sys
import time

import vfs

__import__("asyncio.core")  # with the real time, which its task queue, in C, has in any case

BLOCK = 4096
SOFT_RESET = 43
WINDOW = 256
IMAGE, BUS, SERVICE = sys.argv[1:4]
USB = len(sys.argv) > 4
PLATFORM = sys.argv[4] if USB else ""


class Disk:
    """The image as a block device; what was written is in the file at once."""

    def __init__(self, path):
        self.file = open(path, "r+b")
        self.blocks = os.stat(path)[6] // BLOCK

    def readblocks(self, number, buffer, offset=0):
        self.file.seek(number * BLOCK + offset)
        self.file.readinto(buffer)

    def writeblocks(self, number, buffer, offset=0):
        self.file.seek(number * BLOCK + offset)
        self.file.write(buffer)

    def ioctl(self, what, _):
        return {4: self.blocks, 5: BLOCK}.get(what, 0)


class Time:
    """The board's `time`: `speed` times the real one since `real_us`, when it was `ticks`."""

    speed = 1
    real_us = time.ticks_us()
    ticks = 1000

    @staticmethod
    def ticks_ms():
        return Time.ticks + (time.ticks_us() - Time.real_us) * Time.speed // 1000 & 0x3FFFFFFF

    @staticmethod
    def hurry(speed):
        Time.ticks, Time.real_us, Time.speed = Time.ticks_ms(), time.ticks_us(), speed

    @staticmethod
    def ticks_diff(a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    @staticmethod
    def ticks_add(a, b):
        return (a + b) & 0x3FFFFFFF

    @staticmethod
    def sleep_ms(wait_ms):
        print("slept", wait_ms)
        time.sleep_ms(wait_ms // Time.speed)

    @staticmethod
    def sleep(seconds):
        time.sleep(seconds / Time.speed)


stdin = select.poll()
stdin.register(sys.stdin, select.POLLIN)
levels = {}


def hear():
    while not USB and stdin.poll(0):
        words = sys.stdin.readline().split()
        if len(words) == 3 and words[0] == "level":
            levels[int(words[1])] = int(words[2])
        elif len(words) == 2 and words[0] == "speed":
            Time.hurry(int(words[1]))
        elif not words:
            sys.exit(3)  # the test is gone


class Pin:
    IN, OUT, PULL_UP, PULL_DOWN, IRQ_FALLING = 0, 1, 2, 3, 4

    def __init__(self, number, mode=-1, pull=None, value=None):
        self.number = number
        if mode == Pin.OUT:
            self.value(value or 0)

    def value(self, level=None):
        if level is None:
            hear()
            return levels.get(self.number, 0)
        print("pin", self.number, level)
        return None

    def irq(self, handler, trigger):
        pass


class PWM:
    def __init__(self, pin, freq=0, duty_u16=0):
        self.pin = pin.number
        self.duty_u16(duty_u16)

    def duty_u16(self, duty):
        print("pwm", self.pin, duty)


class UART:
    ports = ()  # by number

    def __init__(self, number, baud, tx, rx, rxbuf, txbuf, timeout):
        self.file = UART.ports[number]
        self.poll = select.poll()
        self.poll.register(self.file, select.POLLIN)

    def any(self):
        return 1 if self.poll.poll(0) else 0

    def read(self, count):
        return self.file.read(count)

    def write(self, data):
        return self.file.write(data)

    def txdone(self):
        return True


class ADC:
    def __init__(self, pin):
        pass

    def read_u16(self):
        return 13678


class WDT:
    said_ms = 0

    def __init__(self, timeout):
        print("watchdog", timeout)

    def feed(self):
        now_ms = time.ticks_ms()
        if now_ms - WDT.said_ms > 50:
            WDT.said_ms = now_ms
            print("fed")


class Timer:
    PERIODIC = 1

    def __init__(self, number):
        pass

    def init(self, period, mode, callback):
        pass


def prompt():
    """Serve the raw REPL, until a soft reset."""
    raw, code = False, b""
    while True:
        try:
            key = sys.stdin.buffer.read(1)
            if not key:
                sys.exit(3)
            if key == b"\x01" and code == b"\x05A":
                code = run(paste(), b"")
            elif key == b"\x01":
                raw, code = True, b""
                print("raw REPL; CTRL-B to exit\r\n>", end="")
            elif key == b"\x02":
                raw = False
                print("\r\n>>> ", end="")
            elif key == b"\x03":
                code = b""
            elif key != b"\x04":
                code += key
            elif not raw:
                print("MPY: soft reboot\r\n", end="")
                sys.exit(SOFT_RESET)
            else:
                code = run(code)
        except KeyboardInterrupt:
            code = b""


def paste():
    """The code that comes in raw-paste mode: WINDOW bytes at a time, until Ctrl-D."""
    put = sys.stdout.buffer.write
    put(b"R\x01" + bytes((WINDOW & 255, WINDOW >> 8)))
    code = bytearray()
    while True:
        key = sys.stdin.buffer.read(1)
        if key == b"\x04" or not key:
            put(b"\x04")
            return bytes(code)
        code.extend(key)
        if len(code) % WINDOW == 0:
            put(b"\x01")


def run(code, begun=b"OK"):
    sys.stdout.buffer.write(begun)
    error = ""
    try:
        exec(str(code, "utf-8"), names)
    except Exception as fault:
        text = io.StringIO()
        sys.print_exception(fault, text)
        error = text.getvalue()
    print("\x04" + error + "\x04>", end="")
    return b""


names = {"__name__": "__main__"}


class Sys:
    """The `sys` of a Pico."""

    platform = PLATFORM

    def __getattr__(self, name):
        return getattr(sys, name)


class Machine:
    Pin, PWM, UART, ADC, WDT, Timer = Pin, PWM, UART, ADC, WDT, Timer
    PWRON_RESET = 1

    @staticmethod
    def reset_cause():
        return 1

    @staticmethod
    def unique_id():
        return b"\0\x05"

    @staticmethod
    def reset():
        print("reset")
        sys.exit(42)


UART.ports = (open(BUS, "r+b"), open(SERVICE, "r+b"))
disk = Disk(IMAGE)
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(disk), "/")
sys.path[:] = ["", ".frozen"]
sys.modules["machine"] = Machine
sys.modules["time"] = Time
os.chdir("/")
if USB:
    sys.modules["sys"] = Sys()
if not USB or sys.argv[5:] == ["main"]:
    with open("/main.py") as file:
        exec(file.read(), {"__name__": "__main__"})
if USB:
    prompt()
