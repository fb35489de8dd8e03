"""The demo in the visitor's hands: people walk by themselves, and keys pull the cable, the power or the plug.

Nothing is counted against the system here: that is the story's part. Ends with `q`, or after `seconds`.
"""

import asyncio
import random
import time

from .keys import Keys
from .nightfall import Nightfall
from .plans import evening
from .street import Street

HELP = "g gateway's cable   k kill or start it   w walker   c cyclist   p power of a post   q quit"
DUSK_IN_S = 4.0
EVERY_S = 12.0  # a walker needs 40 s for the park: three or four are on their way
ACTIONS_MAX = 8  # keys pressed faster than they can be obeyed


class Play:
    """`await Play(street, seconds, seed).run()`."""

    def __init__(self, street: Street, seconds: float, seed: int) -> None:
        self.street, self.scene, self.seconds = street, street.scene, seconds
        self.night = Nightfall(street)
        self._random = random.Random(f"{seed} play")
        self._wanted: asyncio.Queue[str] = asyncio.Queue(ACTIONS_MAX)
        self._dark: str | None = None  # the post without power
        self.scene.chapters = ("Your turn",)

    async def run(self) -> None:
        """Start everything, then do what the keys say. Raises what `Street.start` raises."""
        self.scene.story = f"starting broker, line and {len(self.street.lamps)} posts"
        async with Keys({key: lambda key=key: self.press(key) for key in "gkwcpq"}):
            await self.street.start()
            await self.night.begin(DUSK_IN_S)
            daylight = asyncio.create_task(self.night.daylight())
            people = asyncio.create_task(self._people())
            try:
                await self.night.publish("evening.json", evening(self.street.lamps))
                self.scene.story = HELP
                await self._obey(time.monotonic() + self.seconds)
            finally:
                daylight.cancel()
                people.cancel()

    def press(self, key: str) -> None:
        """A key was pressed; where too many wait, it is dropped."""
        if not self._wanted.full():
            self._wanted.put_nowait(key)

    async def _obey(self, end: float) -> None:
        while (left_s := end - time.monotonic()) > 0:
            self.scene.progress = 1 - left_s / self.seconds
            try:
                key = await asyncio.wait_for(self._wanted.get(), min(left_s, 0.5))
            except TimeoutError:
                continue
            if key == "q":
                return
            await self._do(key)

    async def _do(self, key: str) -> None:
        if key == "g":
            self._cable()
        elif key == "k":
            await self._kill()
        elif key == "w":
            self._send("walker", "pedestrian")
        elif key == "c":
            self._send("cyclist", "cyclist")
        elif key == "p":
            await self._power()

    def _cable(self) -> None:
        if not self.scene.gateway.up:
            self.scene.tell("gateway", "the gateway is dead, its cable does nothing: k starts it")
        elif self.scene.gateway.plugged:
            self.street.unplug_gateway()
            self.scene.tell("gateway", "the gateway's cable is pulled: nobody polls, the posts hear each other")
        else:
            self.street.plug_gateway()
            self.scene.tell("gateway", "the gateway's cable is back")

    async def _kill(self) -> None:
        if self.scene.gateway.up:
            await self.street.kill_gateway()
            self.scene.tell("gateway", "kill -9 on the gateway")
        else:
            await self.street.restart_gateway()
            self.scene.tell("gateway", "the gateway starts again with what is on its disk")

    async def _power(self) -> None:
        if self._dark:
            await self.street.power_on(self._dark)
            self.scene.tell("post", f"{self._dark} has power again")
            self._dark = None
        else:
            self._dark = self._random.choice(sorted(self.street.posts))
            await self.street.power_off(self._dark)
            self.scene.tell("fault", f"the power of {self._dark} is cut")

    async def _people(self) -> None:
        while True:
            self._send("walker", "pedestrian")
            await asyncio.sleep(EVERY_S)

    def _send(self, name: str, kind: str) -> None:
        now_ms = self.street.now_ms
        self.street.people[:] = [person for person in self.street.people if person.end_ms > now_ms]
        number = self._random.randrange(len(self.scene.ways))
        self.night.send(name, kind, self.night.way(number, self._random.random() < 0.5))
