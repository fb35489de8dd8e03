"""A line without a wire: its frames are payloads on the cabinet's own broker, under topics that say whose they are.

    <base>/down/<address>   the gateway to one post      <base>/up/<address>      a post to the gateway
    <base>/down/all         the gateway to all           <base>/event/<address>   a post's EVENT, to all

In the place of bus.py, section 15 of PROTOCOL.md. Rules kept here
- Everything is of QoS 0 and never retained: the bus repeats what was lost, and an old frame is worth nothing.
- What is not one whole frame of the sender whom its topic belongs to is counted and goes no further.
- Nothing waits for the broker: what it does not take is dropped. While it is gone the line is down.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Callable

import aiomqtt

from lamplighter.gateway import config
from lamplighter.gateway.centre import tls
from lamplighter.gateway.centre.refusals import reason
from lamplighter.gateway.centre.session import V311, Session, clean
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.driver import Driver
from lamplighter.gateway.lines.poll import Poller
from lamppost.limits import ADDRESS_MAX, FRAME_MAX
from lamppost.wire import messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, Frame, unpack

log = logging.getLogger("lamplighter.bus")

ROOT = "lamplighter-post"
OUT_MAX = 128  # two frames to each post of a line; what is older has been said again
INCOMING_MAX = 256  # four of each post
KEEP_ALIVE_S = 15
TIMEOUT_S = 5.0
AGAIN_MIN_S = 0.5
AGAIN_MAX_S = 15.0  # a broker on the same computer is back within seconds


def base(gateway: str, bus: str) -> str:
    """What every topic of a line begins with."""
    return f"{ROOT}/{gateway}/{bus}"


def way_down(data: bytes) -> str | None:
    """The last two levels of the topic for a frame of the gateway's; None for one that no post without a wire takes."""
    frame = unpack(data.strip(b"\0"))
    if frame.dst != EVERYBODY:
        return f"down/{frame.dst}" if 1 <= frame.dst <= ADDRESS_MAX else None
    if frame.type == messages.GO:
        named = set(frame.values()[2][::2])
        if len(named) == 1:
            return f"down/{named.pop()}"
    return "down/all"


def heard(way: str, data: bytes) -> bool:
    """Whether a payload under `way` (up/7, event/7) is one whole frame that this post may send there."""
    kind, _, sender = way.partition("/")
    if not 5 <= len(data) <= FRAME_MAX + 3 or data[0] or data[-1] or 0 in data[1:-1]:
        return False
    try:
        frame: Frame = unpack(data[1:-1])
    except WireError:
        return False
    if str(frame.src) != sender or not 1 <= frame.src <= ADDRESS_MAX or frame.type == messages.GO:
        return False
    return (frame.type == messages.EVENT) == (kind == "event")


class AirBus(Driver):
    """One line on a broker. `refused` counts payloads that were no frame of their sender, `dropped` frames that the
    broker did not take."""

    def __init__(self, settings: config.Bus, gateway: str, poller: Poller, act: Callable[[str, tuple], None]) -> None:
        super().__init__(settings, poller, act)
        assert settings.mqtt is not None
        self.refused = self.dropped = 0
        self.is_open = False
        self._mqtt = settings.mqtt
        self._base = base(gateway, settings.id)
        self._client_id = f"{gateway}-{settings.id}"
        self._out: deque[tuple[str, bytes]] = deque()
        self._some = asyncio.Event()
        self._said = ""

    async def open(self) -> None:
        """Nothing is held: the broker may come later than we do."""

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause_s = AGAIN_MIN_S
        try:
            while True:
                try:
                    await self._session()
                except (aiomqtt.MqttError, OSError) as error:
                    self._say(reason(ExceptionGroup("", [error])))
                if self.is_open:
                    pause_s = AGAIN_MIN_S
                    self._down()
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, AGAIN_MAX_S)
        finally:
            self.close()

    def close(self) -> None:
        super().close()
        self.is_open = False
        self._out.clear()

    def handle(self, event: tuple | None) -> None:
        """As Driver has it; but time passes only while there is somebody to ask."""
        if event is not None or self.is_open:
            super().handle(event)

    # --- one connection

    async def _session(self) -> None:
        settings = self._mqtt
        client = Session(
            settings.host,
            settings.port,
            identifier=self._client_id,
            username=settings.username,
            password=settings.password,
            protocol=V311,
            **clean(V311),
            keepalive=KEEP_ALIVE_S,
            tls_context=tls.context(settings),
            timeout=TIMEOUT_S,
            max_queued_incoming_messages=INCOMING_MAX,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )
        async with client:
            await client.subscribe([(f"{self._base}/up/+", 0), (f"{self._base}/event/+", 0)])
            log.info("%s: connected to broker %s:%d", self.settings.id, settings.host, settings.port)
            self._said = ""
            self.is_open = True
            self._out.clear()
            self.handle(None)
            tasks = [asyncio.create_task(self._listen(client)), asyncio.create_task(self._tell(client))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                done.pop().result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            data = message.payload
            way = str(message.topic)[len(self._base) + 1 :]
            if message.retain or not isinstance(data, bytes) or not heard(way, data):
                self.refused += 1
                self.poller.counters.errors += 1
                self.poller.counters.last_error = f"no frame of the post that {way[:20]!r} belongs to"
                continue
            self.handle(line.Received(data))

    async def _tell(self, client: aiomqtt.Client) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            while self._out:
                way, data = self._out.popleft()
                await client.publish(f"{self._base}/{way}", data, qos=0)

    def _send(self, data: bytes) -> None:
        way = way_down(data)
        if not self.is_open or way is None:
            self.dropped += 1
            return
        if len(self._out) >= OUT_MAX:
            self._out.popleft()
            self.dropped += 1
        self._out.append((way, data))
        self._some.set()

    def _down(self) -> None:
        self.is_open = False
        self._out.clear()
        log.warning("%s: the connection to the broker is lost; trying again", self.settings.id)
        self.handle(line.LineDown())

    def _deadline(self) -> int | None:
        return super()._deadline() if self.is_open else None

    def _say(self, text: str) -> None:
        if text != self._said:
            self._said = text
            log.error("%s: %s", self.settings.id, text)
