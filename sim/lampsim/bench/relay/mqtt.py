"""A small MQTT 3.1.1 client for load: one asyncio Protocol and a few KB a connection, QoS 0 and 1, nothing kept.

It stands for others' clients here; the gateway's own is lamplighter.gateway.centre.broker. It trusts the broker that
this benchmark started.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90
PACKET_IDS = 65_535
CONNECT_S = 60.0

Received = Callable[[bytes, bytes], None]


class Client(asyncio.Protocol):
    """`received(topic, payload)` gets every message, `acked(packet id)` every PUBACK, `lost()` the end."""

    def __init__(self, name: str, received: Received | None = None, clean: bool = True) -> None:
        self.ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()  # CONNACK's return code
        self.acked: Callable[[int], None] = lambda number: None
        self.lost: Callable[[], None] = lambda: None
        self._name, self._clean = name, clean
        self._received = received
        self._subscribed: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._next = 0

    async def connect(self, host: str, port: int) -> Client:
        """Raises OSError, or ConnectionError where the broker says no."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_S):
            await loop.create_connection(lambda: self, host, port)
            code = await self.ready
        if code:
            raise ConnectionError(f"the broker refused {self._name}: code {code}")
        return self

    async def subscribe(self, *filters: str) -> None:
        """QoS 1, all in one packet."""
        self._subscribed = asyncio.get_running_loop().create_future()
        topics = b"".join(_text(topic) + b"\x01" for topic in filters)
        self._write(_packet(SUBSCRIBE, self._id().to_bytes(2, "big") + topics))
        await self._subscribed

    def publish(self, topic: bytes, payload: bytes, retain: bool = False) -> int:
        """With QoS 1; the packet id that `acked` will get."""
        number = self._id()
        head = len(topic).to_bytes(2, "big") + topic + number.to_bytes(2, "big")
        self._write(_packet(PUBLISH | 2 | retain, head + payload))
        return number

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # --- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        flags = 2 if self._clean else 0
        self._write(_packet(CONNECT, _text("MQTT") + bytes((4, flags, 0, 0)) + _text(self._name)))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at, acks = 0, []
        while (end := _end(data, at)) > 0:
            self._take(data, at, end, acks)
            at = end
        self._rest = data[at:]
        if acks:
            self._write(b"".join(acks))

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for future in (self.ready, self._subscribed):
            if future is not None and not future.done():
                future.set_exception(ConnectionError(f"{self._name}: the broker hung up"))
        self.lost()

    def _take(self, data: bytes, at: int, end: int, acks: list[bytes]) -> None:
        kind = data[at] & 0xF0
        body = at + 1
        while data[body] & 0x80:
            body += 1
        body += 1
        if kind == PUBLISH:
            start = body + 2 + int.from_bytes(data[body : body + 2], "big")
            topic = data[body + 2 : start]
            if data[at] & 6:
                acks.append(b"\x40\x02" + data[start : start + 2])
                start += 2
            if self._received is not None:
                self._received(topic, data[start:end])
        elif kind == PUBACK:
            self.acked(int.from_bytes(data[body : body + 2], "big"))
        elif kind == CONNACK and not self.ready.done():
            self.ready.set_result(data[body + 1])
        elif kind == SUBACK and self._subscribed is not None and not self._subscribed.done():
            self._subscribed.set_result(None)

    def _id(self) -> int:
        self._next = self._next % PACKET_IDS + 1
        return self._next

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data


def _packet(first: int, body: bytes) -> bytes:
    length, size = len(body), bytearray()
    while True:
        length, low = divmod(length, 128)
        size.append(low | (0x80 if length else 0))
        if not length:
            return bytes((first,)) + bytes(size) + body


def _end(data: bytes, at: int) -> int:
    """Where the packet that begins at `at` ends; 0 while it is not whole."""
    length = shift = 0
    for place in range(at + 1, min(at + 5, len(data))):
        length |= (data[place] & 0x7F) << shift
        if data[place] < 0x80:
            end = place + 1 + length
            return end if end <= len(data) else 0
        shift += 7
    return 0
