"""The connection to the central broker: retained state, batches of the outbox, responses; and what comes back.

Rules kept here
- An item counts as delivered when the broker has acknowledged it (PUBACK) and that is on disk, never before; so while
  the disk is full no more than the window is sent.
- What the centre asks for again is sent again, under the same ids.
- At most `inflight` publishes are under way, and no more than the broker takes where it says so (MQTT 5, session.py);
  correctness needs no more than MQTT 3.1.1 and a clean session.
- Subscriptions are of QoS 0. Without a session QoS 1 would promise no more: what is under way when a connection breaks
  is lost with either, which is why a request is answered and what is desired is retained. And RabbitMQ makes a durable
  queue of QoS 1, on one node; were that node killed, the gateway could subscribe on no other (tests/cluster).
- What is whispered (other cabinets' business, by the second) goes out at once with QoS 0, or never.
- Retained state is kept here by topic and sent again, whole, on every connection.
- The broker may be away as long as it likes: nobody waits for it but this file.
- The certificate is read for each connection, and a renewed one taken up without a restart (see tls.py).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable

import aiomqtt

from lamplighter.gateway.centre import tls
from lamplighter.gateway.centre.refusals import reason
from lamplighter.gateway.centre.session import NAMES, Session, Versions, clean
from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.config import Mqtt
from lamplighter.gateway.store.outbox import EVENTS, FLOW, STREAMS, TELEMETRY, Outbox, Row

log = logging.getLogger("lamplighter.broker")

BATCH_ITEMS = 100  # some 20 KB: below every broker's packet limit, and a PUBACK each costs little
BATCH_BYTES = 64 * 1024
RESPONSES_MAX = 256  # answers waiting for the broker; older ones have expired for whoever asked
WHISPERS_MAX = 64  # of a busy moment; with no connection they are worth nothing
INCOMING_MAX = 1000  # requests read from the broker and not yet looked at
AGAIN_MAX = 4096  # ranges waiting to be sent again: five requests of the largest kind
DISK_S = 5.0  # until the next try to write down an acknowledgement on a full disk
ACK_S = 20.0  # a broker that acknowledges nothing for so long is gone
BACKOFF_MIN_S = 1.0
BACKOFF_MAX_S = 60.0
RENEWAL_S = 30.0  # a renewed certificate is taken up within this time; three stat calls cost nothing
OFFLINE = '{"v":1,"online":false}'


class Renewed(Exception):
    """The files of the certificate have changed: connect anew with them."""


class Broker:
    """`connected()` is called on every connection, `received(topic, payload)` for every message of `subscriptions`."""

    def __init__(
        self,
        settings: Mqtt,
        client_id: str,
        topics: Topics,
        gateway: str,
        outbox: Outbox,
        received: Callable[[str, bytes], None],
        listen_to: Iterable[str] = (),
        subscriptions: tuple[str, ...] = (),
    ) -> None:
        self.is_connected = False
        self._settings = settings
        self._client_id = client_id
        self._topics = topics
        self._gateway = gateway
        self._outbox = outbox
        self._received = received
        self._subscriptions = subscriptions or (topics.desired_plans, topics.request)
        self._retained_there = frozenset(topic for topic in self._subscriptions if "/desired/" in topic)
        self._retained: dict[str, str] = {}
        self._dirty: dict[str, None] = {}
        self._listen_to = frozenset(listen_to)  # never retained there
        self._whispers: deque[tuple[str, str]] = deque(maxlen=WHISPERS_MAX)
        self._whispered = asyncio.Event()
        self._responses: deque[tuple[str, str]] = deque(maxlen=RESPONSES_MAX)
        self._changed = asyncio.Event()
        self._fresh = {stream: asyncio.Event() for stream in STREAMS}
        self._stream_topics = {EVENTS: topics.events, TELEMETRY: topics.telemetry, FLOW: topics.flow}
        self._again: deque[tuple[int, int, int]] = deque()  # (stream, first, last) asked for again
        self._asked = asyncio.Event()
        self._said = ""
        self._ending = False
        self._versions = Versions(settings.version)
        self._wire = asyncio.Semaphore(1)  # publishes without an acknowledgement, of this connection

    def retain(self, topic: str, payload: str) -> None:
        """Publish as retained, now and on every later connection, until replaced."""
        self._retained[topic] = payload
        self._dirty[topic] = None
        self._changed.set()

    def respond(self, topic: str, payload: str) -> None:
        """Publish once, not retained."""
        self._responses.append((topic, payload))
        self._changed.set()

    def whisper(self, topic: str, payload: str) -> None:
        """Publish once with QoS 0, not retained, ahead of everything else; without a connection it is gone."""
        if self.is_connected:
            self._whispers.append((topic, payload))
            self._whispered.set()

    def fresh(self, streams: Iterable[int] = STREAMS) -> None:
        """The outbox has something new in these streams; looking into one for nothing costs a read and two threads'
        turns."""
        for stream in streams:
            self._fresh[stream].set()

    def again(self, ranges: list[tuple[int, int]]) -> bool:
        """Send these ids again, whatever their stream; False when too much is waiting to be sent again."""
        if len(self._again) + len(ranges) * len(STREAMS) > AGAIN_MAX:
            return False
        self._again.extend((stream, first, last) for first, last in ranges for stream in STREAMS)
        self._asked.set()
        return True

    def end(self) -> None:
        """Call it before run() is cancelled."""
        self._ending = True

    async def run(self) -> None:
        """Stay connected until cancelled."""
        pause_s = BACKOFF_MIN_S
        while True:
            other_version = False
            try:
                await self._session()
            except* aiomqtt.MqttError as errors:
                other_version = not self.is_connected and self._versions.refused(errors)
                if not other_version:
                    self._say(reason(errors))
            except* OSError as errors:
                self._say(reason(errors))
            except* Renewed:
                log.info("the certificate has been renewed; connecting with it")
            if self._ending:  # Python 3.11's TaskGroup forgets a cancellation that meets an error
                return
            if other_version:
                continue
            if self.is_connected:
                self.is_connected, pause_s = False, BACKOFF_MIN_S
                self._versions.lost()
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, BACKOFF_MAX_S)

    def _client(self) -> Session:
        settings, version = self._settings, self._versions.now
        return Session(
            settings.host,
            settings.port,
            identifier=self._client_id,
            username=settings.username,
            password=settings.password,
            protocol=version,
            **clean(version),
            keepalive=settings.keepalive_s,
            will=aiomqtt.Will(self._topics.status, OFFLINE, qos=1, retain=True),
            tls_context=tls.context(settings),
            timeout=ACK_S,
            max_inflight_messages=settings.inflight,
            max_queued_incoming_messages=INCOMING_MAX,
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],  # else a whisper waits 40 ms for an ACK
        )

    async def _session(self) -> None:
        """One connection, from connect to loss."""
        stamp = tls.stamp(self._settings)
        async with self._client() as client:
            self.is_connected, self._said = True, ""
            most = min(self._settings.inflight, client.receive_maximum)
            self._wire = asyncio.Semaphore(most)
            self._versions.connected()
            words = "connected to broker %s:%d with MQTT %s, %d under way at most"
            log.info(words, self._settings.host, self._settings.port, NAMES[self._versions.now], most)
            for topic in (*self._subscriptions, *sorted(self._listen_to)):
                await client.subscribe(topic, qos=0)
            self._whispers.clear()
            self._dirty = dict.fromkeys(self._retained)
            self._asked.set()
            self._changed.set()
            window = asyncio.Semaphore(self._settings.inflight)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._listen(client))
                    group.create_task(self._watch_certificate(stamp))
                    group.create_task(self._tell(client, window, group))
                    group.create_task(self._whisper(client))
                    group.create_task(self._repeat(client, window))
                    for stream in STREAMS:
                        group.create_task(self._deliver(client, window, group, stream))
            except asyncio.CancelledError:
                await self._farewell(client)
                raise

    async def _watch_certificate(self, stamp: tls.Stamp) -> None:
        """Raises Renewed when there are other files, and good ones."""
        while self._settings.tls:
            await asyncio.sleep(RENEWAL_S)
            if tls.stamp(self._settings) != stamp and tls.fits(self._settings):
                raise Renewed

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            topic, payload = str(message.topic), message.payload
            if not message.retain or topic in self._retained_there:  # a retained command would act at each connection
                self._received(topic, payload if isinstance(payload, bytes) else b"")

    async def _whisper(self, client: aiomqtt.Client) -> None:
        while True:
            await self._whispered.wait()
            self._whispered.clear()
            while self._whispers:
                await client.publish(*self._whispers.popleft(), qos=0)

    async def _tell(self, client: aiomqtt.Client, window: asyncio.Semaphore, group: asyncio.TaskGroup) -> None:
        """Send what is retained and has changed, and the responses."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            while self._responses:
                topic, payload = self._responses[0]
                await self._publish(client, topic, payload)
                if self._responses and self._responses[0] == (topic, payload):
                    self._responses.popleft()
            while self._dirty and not self._responses:
                topic = next(iter(self._dirty))
                del self._dirty[topic]
                await window.acquire()
                group.create_task(self._publish(client, topic, self._retained[topic], window, retain=True))

    async def _deliver(
        self, client: aiomqtt.Client, window: asyncio.Semaphore, group: asyncio.TaskGroup, stream: int
    ) -> None:
        """Send a stream of the outbox, oldest first, from what is not yet delivered."""
        fresh, cursor, epoch = self._fresh[stream], 0, self._outbox.epoch
        while True:
            fresh.clear()
            if epoch != self._outbox.epoch:  # the store was rebuilt and counts from the beginning
                cursor, epoch = 0, self._outbox.epoch
            most = 1 if stream == FLOW else BATCH_ITEMS
            rows = cut(await asyncio.to_thread(self._outbox.read, stream, cursor, most))
            if not rows:
                await fresh.wait()
                continue
            cursor = rows[-1].seq
            payload = (counts if stream == FLOW else batch)(self._gateway, epoch, rows)
            await window.acquire()
            group.create_task(self._deliver_one(client, window, stream, payload, rows))

    async def _deliver_one(
        self, client: aiomqtt.Client, window: asyncio.Semaphore, stream: int, payload: str, rows: list[Row]
    ) -> None:
        """The window is held until the acknowledgement is on disk."""
        try:
            await self._publish(client, self._stream_topics[stream], payload)
            while True:
                try:
                    await asyncio.wrap_future(self._outbox.acknowledge(stream, rows[0].seq, rows[-1].seq))
                    return
                except sqlite3.Error:  # said where it is noticed first, at the next item
                    await asyncio.sleep(DISK_S)
        finally:
            window.release()

    async def _repeat(self, client: aiomqtt.Client, window: asyncio.Semaphore) -> None:
        """Send what was asked for again. It waits behind nothing but the window, and nothing waits behind it."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            while self._again:
                stream, first, last = self._again[0]
                most = 1 if stream == FLOW else BATCH_ITEMS
                rows = cut(await asyncio.to_thread(self._outbox.between, stream, first, last, most))
                if rows:
                    payload = (counts if stream == FLOW else batch)(self._gateway, self._outbox.epoch, rows)
                    await window.acquire()
                    await self._publish(client, self._stream_topics[stream], payload, window)
                    self._again[0] = stream, rows[-1].seq + 1, last
                else:
                    self._again.popleft()

    async def _publish(
        self,
        client: aiomqtt.Client,
        topic: str,
        payload: str,
        window: asyncio.Semaphore | None = None,
        retain: bool = False,
    ) -> None:
        """With QoS 1, until the broker has acknowledged it; `window`, if given, is released then."""
        try:
            async with self._wire:
                await client.publish(topic, payload, qos=1, retain=retain)
        finally:
            if window is not None:
                window.release()

    async def _farewell(self, client: aiomqtt.Client) -> None:
        """A clean end: the last will is not sent then, so we say it ourselves.

        With QoS 0, which no Receive Maximum counts, ahead of the DISCONNECT on the same connection.
        """
        with contextlib.suppress(aiomqtt.MqttError):
            await client.publish(self._topics.status, OFFLINE, qos=0, retain=True, timeout=2)

    def _say(self, reason: str) -> None:
        """Say why there is no connection, once for each reason."""
        if reason != self._said:
            self._said = reason
            address = f"{self._settings.host}:{self._settings.port}"
            log.error("broker %s: %s; the street runs on, everything is kept; trying again", address, reason)


def batch(gateway: str, epoch: str, rows: list[Row]) -> str:
    """The payload of one events or telemetry message."""
    items = ",".join(f'{{"seq":{row.seq},{row.body[1:]}' for row in rows)
    return f'{{"v":1,"gateway":"{gateway}","epoch":"{epoch}","items":[{items}]}}'


def counts(gateway: str, epoch: str, rows: list[Row]) -> str:
    """The payload of a flow message: one row, itself an object."""
    (row,) = rows
    return f'{{"v":1,"gateway":"{gateway}","epoch":"{epoch}","seq":{row.seq},{row.body[1:]}'


def cut(rows: list[Row]) -> list[Row]:
    """As many of the rows as fit into one message, at least one."""
    size = 0
    for count, row in enumerate(rows):
        size += len(row.body)
        if size > BATCH_BYTES and count:
            return rows[:count]
    return rows
