"""A post on a PC without a wire: its line is boards/air.py, on both interpreters."""

import asyncio
import json

from lamppost.boards import air_config
from lamppost.boards.air import AirPort
from lamppost.boards.host import ticks
from lamppost.boards.host_ports import PortError
from lamppost.clock import Clock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lamppost.post import Post

_LOOK_MS = 2  # as microcontrollers do


class AirLine:
    """A line without a wire, as boards/air.py has it, with the methods of a port; looked at each _LOOK_MS."""

    def __init__(self, path: str, random):
        """`path`: a board.json that has only "wifi". Raises PortError."""
        try:
            with open(path) as file:
                section = air_config.take(json.load(file), True)
        except (OSError, ValueError, KeyError) as error:
            raise PortError("cannot use %s (%s): write it, as edge/BOARDS.md says" % (path, error)) from None
        section["folder"] = path[: path.rindex("/")] if "/" in path else "."
        self._clock = Clock()
        self.post: "Post | None" = None  # who has the address
        self.port = AirPort(section, self._address, self, random)

    def start(self, received) -> None:
        self._task = asyncio.create_task(self._run(received))

    def write(self, data: bytes) -> None:
        self.port.write(data, self._clock.now(ticks()))

    async def _run(self, received) -> None:
        while True:
            data = self.port.look(self._clock.now(ticks()))
            if data:
                received(data)
            else:
                await asyncio.sleep(_LOOK_MS / 1000)

    def _address(self) -> int:
        return self.post.settings.address if self.post else 0

    def up(self) -> bool:
        return True

    def opened(self, made) -> None:
        """It is looked at anyway."""

    def closed(self, made) -> None:
        """The same."""
