"""A tap between a client and a real broker: counts the publishes under way and makes the way back slow."""

import asyncio
import contextlib

CONNECT, PUBLISH, PUBACK = 1, 3, 4
SLOW_S = 0.005  # each way back takes so long: a client that may have more under way soon has


class Packets:
    """Bytes in, (type, flags, body) out: the fixed header of MQTT, section 2.1."""

    def __init__(self) -> None:
        self._data = bytearray()

    def feed(self, data: bytes):
        self._data += data
        while len(self._data) >= 2:
            length, at = 0, 1
            while True:
                if at >= len(self._data):
                    return
                byte = self._data[at]
                length |= (byte & 127) << 7 * (at - 1)
                at += 1
                if not byte & 128:
                    break
            if len(self._data) < at + length:
                return
            head, body = self._data[0], bytes(self._data[at : at + length])
            del self._data[: at + length]
            yield head >> 4, head & 15, body


class Tap:
    """`address` is where the client connects; `most` the highest number of QoS 1 publishes it had under way."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self._broker = broker
        self.most = self.count = 0
        self.levels: list[int] = []  # the protocol level of each CONNECT: 4 is 3.1.1

    async def __aenter__(self):
        self._tasks: set[asyncio.Task] = set()
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.address = self._server.sockets[0].getsockname()[:2]
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _connected(self, reader, writer) -> None:
        self._tasks.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader, writer) -> None:
        there, back = await asyncio.open_connection(*self._broker)
        under_way: set[bytes] = set()
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.gather(self._up(reader, back, under_way), self._down(there, writer, under_way))
        finally:
            for one in (writer, back):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()

    async def _up(self, reader, writer, under_way: set[bytes]) -> None:
        packets = Packets()
        while data := await reader.read(65536):
            for kind, flags, body in packets.feed(data):
                if kind == CONNECT:
                    self.levels.append(body[6])
                elif kind == PUBLISH and flags >> 1 & 3:
                    topic = int.from_bytes(body[:2], "big")
                    under_way.add(body[2 + topic : 4 + topic])
                    self.count += 1
                    self.most = max(self.most, len(under_way))
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    async def _down(self, reader, writer, under_way: set[bytes]) -> None:
        packets = Packets()
        while data := await reader.read(65536):
            await asyncio.sleep(SLOW_S)
            for kind, _, body in packets.feed(data):
                if kind == PUBACK:
                    under_way.discard(body[:2])
            writer.write(data)
            await writer.drain()
        writer.close()  # the broker has gone, or has hung up
