"""Single key presses from a terminal while a picture is shown: `async with Keys({"q": quit}):`.

Without a terminal on stdin nothing is read. The terminal's settings are restored however it ends.
"""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Callable, Mapping

READ_MAX = 64  # a key held down, or a paste: more than that is not meant as keys


class Keys:
    """Calls `keys[character]()` in the event loop; other keys do nothing. `fd` is stdin unless given."""

    def __init__(self, keys: Mapping[str, Callable[[], object]], fd: int | None = None) -> None:
        self._keys = keys
        self._fd = sys.stdin.fileno() if fd is None else fd
        self._before: list | None = None

    async def __aenter__(self) -> "Keys":
        if os.isatty(self._fd):
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
            asyncio.get_running_loop().add_reader(self._fd, self._read)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._before is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)

    def _read(self) -> None:
        data = os.read(self._fd, READ_MAX)
        if not data:  # the terminal is gone
            asyncio.get_running_loop().remove_reader(self._fd)
        for key in data.decode("ascii", "ignore"):
            if key in self._keys:
                self._keys[key]()
