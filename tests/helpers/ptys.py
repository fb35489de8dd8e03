"""Serial lines of the tests: raw ptys, and a program that joins two of them by their masters."""

import pty
import termios
import tty

COPIER = """
import os, select, sys
a, b = int(sys.argv[1]), int(sys.argv[2])
while True:
    for ready in select.select([a, b], [], [])[0]:
        os.write(b if ready == a else a, os.read(ready, 4096))
"""


def raw_pty() -> tuple[int, int]:
    """(master, slave) with the slave as MicroPython wants it: raw, and reading what is there."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    mode = termios.tcgetattr(slave)
    mode[6][termios.VMIN] = mode[6][termios.VTIME] = 0
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    return master, slave
