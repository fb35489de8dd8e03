"""A post's service port as a pty of ours: what a technician would type, from the simulation."""

import asyncio
import os
import termios
import tty

ANSWER_S = 5.0


class ServicePort:
    """`path` is the device the post opens; `ask` types a command and returns the lines of the answer."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        mode = termios.tcgetattr(self._slave)
        mode[6][termios.VMIN] = mode[6][termios.VTIME] = 0  # MicroPython reads what is there and does not wait
        termios.tcsetattr(self._slave, termios.TCSANOW, mode)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._text = b""
        self._grown = asyncio.Event()

    async def ask(self, command: str) -> list[str]:
        """Raises TimeoutError without an answer, ValueError with the post's own words when it refuses."""
        loop = asyncio.get_running_loop()
        self._text = b""
        loop.add_reader(self._master, self._read)
        try:
            os.write(self._master, command.encode("ascii") + b"\r")
            async with asyncio.timeout(ANSWER_S):
                return await self._answer()
        finally:
            loop.remove_reader(self._master)

    async def info(self) -> dict[str, str]:
        """The answer to `info`, by its first words."""
        return {key: value for key, _, value in (line.partition(" ") for line in await self.ask("info"))}

    def close(self) -> None:
        os.close(self._master)
        os.close(self._slave)

    async def _answer(self) -> list[str]:
        while True:
            lines = self._text.decode("ascii", "replace").split("\r\n")
            for place, line in enumerate(lines[:-1]):
                if line == "ok":
                    return lines[:place]
                if line.startswith("error: "):
                    raise ValueError(line[len("error: ") :])
            self._grown.clear()
            await self._grown.wait()

    def _read(self) -> None:
        try:
            self._text += os.read(self._master, 4096)
        except BlockingIOError:
            return
        self._grown.set()
