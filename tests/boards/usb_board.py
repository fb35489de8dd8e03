"""A board as a laptop finds it on a USB port: run_board.py with MicroPython's prompt, behind a pty."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import threading
import tty
from pathlib import Path

from board_process import HERE, MICROPYTHON
from ptys import raw_pty

CTRL_C = b"\x03"
SOFT_RESET = 43


class UsbBoard:
    """`port` is its USB port; `cut` unplugs it, and `start` plugs it in again with what its flash has."""

    def __init__(self, image: Path, platform: str = "rp2") -> None:
        self._image, self._platform = image, platform
        self._uarts = [raw_pty(), raw_pty()]
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.start()

    def start(self) -> None:
        self._run()
        self._over, self._end = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        os.close(self._end)
        self._thread.join()
        os.close(self._over)
        self._process.kill()
        self._ended()

    def close(self) -> None:
        self.cut()
        for descriptor in (self._master, self._slave, *self._uarts[0], *self._uarts[1]):
            os.close(descriptor)

    def _run(self, *more: str) -> None:
        assert MICROPYTHON
        words = [MICROPYTHON, "-X", "heapsize=192wK", HERE / "run_board.py", self._image]
        words += [*(os.ttyname(slave) for _, slave in self._uarts), self._platform, *more]
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env={})

    def _ended(self) -> int:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()
        return self._process.wait()

    def _carry(self) -> None:
        while True:
            said = self._process.stdout
            assert said
            for ready in select.select([said, self._master, self._over], [], [])[0]:
                if ready == self._over:
                    return
                if ready == self._master:
                    self._hear(os.read(self._master, 4096))
                elif data := os.read(said.fileno(), 4096):
                    os.write(self._master, data)
                else:
                    self._run(*(["main"] if self._ended() == SOFT_RESET else []))
                    break

    def _hear(self, data: bytes) -> None:
        if CTRL_C in data:
            self._process.send_signal(signal.SIGINT)
            data = data.replace(CTRL_C, b"")
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.write(data)
