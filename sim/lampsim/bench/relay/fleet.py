"""A region's gateways on one mosquitto: how soon all are connected, how long a report takes, how much more would go.

Each session stands for a cabinet of 250 posts that report every quarter of an hour. A report is what the gateway makes
of one: the post's retained state, and a telemetry message with one item (at one report in 3.6 s a batch holds no more).
On connecting each session sends the retained state of all its posts, as the gateway does, at most 20 under way. Reports
come at random (Poisson). The centre is one session that hears everything with QoS 1.

Everything but mosquitto runs in this process, on one core. How busy it was, and how late it sent, stand beside the
figures; where that is the limit, the headroom is "at least".
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

from lamplighter.gateway.centre.broker import batch
from lamplighter.gateway.centre.topics import Topics, dump
from lamplighter.gateway.lines import line
from lamplighter.gateway.reports.fleet import State
from lamplighter.gateway.store.items import from_items
from lamplighter.gateway.store.outbox import Row
from lamplighter.plans.site import PostSite
from lamppost.wire import messages

from .mqtt import Client
from .stage import Elsewhere, Mosquitto, StageError, more_files, now_us, own_cpu_s

POSTS = 250
REPORT_S = 900
INFLIGHT = 20  # of the gateway's own window
AT_ONCE = 100  # connections being made: mosquitto's listen queue
GOAL_MS = 10.0
BUSY = 0.9
FACTOR_MAX = 256
TRIES = 2  # at a rate that is too much: it may have been somebody else's work on the machine
CLOSER = 2  # steps between the last rate that went and the first that did not
STATES_S = 600.0
DRAIN_S = 20.0
UTC_S = 835_000_000


@dataclass
class Rate:
    """One rate for some seconds; milliseconds from publish to PUBACK, and to the centre."""

    factor: float  # of the nominal rate
    per_s: float  # reports, two messages each
    puback_p50_ms: float
    puback_p99_ms: float
    centre_p50_ms: float
    centre_p99_ms: float
    missing: int
    own_busy: float  # of one core
    broker_busy: float
    late_p99_ms: float  # how late this process sent
    elsewhere: float = 0.0  # of the machine: what others took of it

    @property
    def within(self) -> bool:
        """What was sent late was not sent at this rate."""
        return not self.missing and max(self.puback_p99_ms, self.centre_p99_ms, self.late_p99_ms) <= GOAL_MS

    @property
    def generator_bound(self) -> bool:
        return self.own_busy > BUSY or self.late_p99_ms > GOAL_MS


@dataclass
class Fleet:
    """What was measured of `sessions` gateways."""

    sessions: int
    autosave_s: int
    connected_s: float = 0.0
    states: int = 0
    states_s: float = 0.0
    broker_mb: float = 0.0
    rates: list[Rate] = field(default_factory=list)

    @property
    def headroom(self) -> float:
        """The largest multiple of the nominal rate with a p99 within the goal; 0: none."""
        return max((rate.factor for rate in self.rates if rate.within), default=0.0)

    @property
    def at_least(self) -> bool:
        """Whether it was this process that could do no more, or nobody asked for more."""
        worse = [rate for rate in self.rates if not rate.within]
        return not worse or min(worse, key=lambda rate: rate.factor).generator_bound

    def to_json(self) -> dict:
        rates = [{k: round(v, 3) for k, v in asdict(rate).items()} | {"generator_bound": rate.generator_bound}
                 for rate in self.rates]  # fmt: skip
        return {
            "sessions": self.sessions, "posts": POSTS, "autosave_s": self.autosave_s,
            "connected_s": round(self.connected_s, 3),
            "states": self.states, "states_s": round(self.states_s, 2), "broker_mb": round(self.broker_mb, 1),
            "headroom": round(self.headroom, 2), "headroom_at_least": self.at_least, "rates": rates,
        }  # fmt: skip


class Cabinet:
    """One gateway's session."""

    def __init__(self, index: int) -> None:
        self.name = f"gw{index:04}"
        topics = Topics("lamplighter", "bench", self.name)
        self.telemetry = topics.telemetry.encode()
        self.state = topics.state("p000").encode()
        self.client = Client(f"bench-{self.name}")
        self.sent: dict[int, int] = {}  # when, by packet id

    def state_topic(self, post: int) -> bytes:
        return self.state.replace(b"p000", b"p%03d" % post)


class Load:
    """The sessions, the centre, and what is under way between them."""

    def __init__(self, broker: Mosquitto, count: int, seed: int) -> None:
        self.broker, self._draw = broker, random.Random(seed)
        self.cabinets = [Cabinet(index) for index in range(count)]
        self._seq = 0
        self._telemetry, self._state = _payloads()
        self._to_come: defaultdict[bytes, deque[int]] = defaultdict(deque)  # births by topic, in order
        self.under_way = 0
        self.pubacks: list[int] = []
        self.arrivals: list[int] = []
        self.late: list[int] = []
        self.centre = Client("bench-centre", self._arrived)

    async def connect(self) -> float:
        """Seconds until every session is there."""
        begin_us, gate = now_us(), asyncio.Semaphore(AT_ONCE)

        async def one(cabinet: Cabinet) -> None:
            async with gate:
                await cabinet.client.connect(self.broker.host, self.broker.port)

        async with asyncio.TaskGroup() as group:
            for cabinet in self.cabinets:
                group.create_task(one(cabinet))
        return (now_us() - begin_us) / 1_000_000

    async def tell_states(self) -> float:
        """Seconds until the broker has acknowledged the state of every post."""
        begin_us, left, done = now_us(), len(self.cabinets), asyncio.Event()

        def feed(cabinet: Cabinet) -> Callable[[int], None]:
            posts = iter(range(POSTS))
            under_way = 0

            def more(_: int = 0) -> None:
                nonlocal under_way, left
                under_way -= 1
                for post in posts:
                    cabinet.client.publish(cabinet.state_topic(post), self._state % (post, 0), retain=True)
                    under_way += 1
                    if under_way == INFLIGHT:
                        return
                if not under_way:
                    left -= 1
                    if not left:
                        done.set()

            under_way = 1
            return more

        for cabinet in self.cabinets:
            cabinet.client.acked = feed(cabinet)
            cabinet.client.acked(0)
        async with asyncio.timeout(STATES_S):
            await done.wait()
        for cabinet in self.cabinets:
            cabinet.client.acked = self._acked_by(cabinet)
        return (now_us() - begin_us) / 1_000_000

    async def listen(self) -> None:
        await self.centre.connect(self.broker.host, self.broker.port)
        await self.centre.subscribe("lamplighter/bench/+/telemetry", "lamplighter/bench/+/post/+/state")
        quiet = -1
        while quiet != len(self.arrivals):  # the retained states come first
            quiet = len(self.arrivals)
            await asyncio.sleep(1)

    async def at(self, factor: float, seconds: float) -> Rate:
        per_s = factor * len(self.cabinets) * POSTS / REPORT_S
        for values in (self.pubacks, self.arrivals, self.late):
            values.clear()
        own_s, broker_s, begin_us = own_cpu_s(), self.broker.cpu_s, now_us()
        watch = Elsewhere(lambda: own_cpu_s() + self.broker.cpu_s)
        await self._send(per_s, seconds)
        took_s = (now_us() - begin_us) / 1_000_000
        own_busy, broker_busy = (own_cpu_s() - own_s) / took_s, (self.broker.cpu_s - broker_s) / took_s
        elsewhere = watch.share()
        await self._drain()
        missing = self.under_way
        self.under_way = 0
        self._to_come.clear()
        return Rate(
            factor, per_s, _ms(self.pubacks, 0.5), _ms(self.pubacks, 0.99), _ms(self.arrivals, 0.5),
            _ms(self.arrivals, 0.99), missing, own_busy, broker_busy, _ms(self.late, 0.99),
            elsewhere,
        )  # fmt: skip

    def close(self) -> None:
        for client in (self.centre, *(cabinet.client for cabinet in self.cabinets)):
            client.close()

    async def _send(self, per_s: float, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        begin_s = loop.time()
        due_s = begin_s + self._draw.expovariate(per_s)
        while due_s < begin_s + seconds:
            now_s = loop.time()
            if now_s < due_s:
                await asyncio.sleep(due_s - now_s)
                continue
            if now_s > begin_s + 2 * seconds:
                return  # hopelessly late; the figures say so
            self.late.append(round((now_s - due_s) * 1_000_000))
            self._report(self._draw.choice(self.cabinets), self._draw.randrange(POSTS))
            due_s += self._draw.expovariate(per_s)
            if len(self.late) % INFLIGHT == 0:
                await asyncio.sleep(0)  # answers are read between, however late we are

    def _report(self, cabinet: Cabinet, post: int) -> None:
        self._seq += 1
        for topic, payload, retain in (
            (cabinet.state_topic(post), self._state % (post, self._seq % 60), True),
            (cabinet.telemetry, self._telemetry % (self._seq, post), False),
        ):
            born = now_us()
            self._to_come[topic].append(born)
            cabinet.sent[cabinet.client.publish(topic, payload, retain)] = born
            self.under_way += 2  # an acknowledgement and an arrival

    def _acked_by(self, cabinet: Cabinet) -> Callable[[int], None]:
        def acked(number: int) -> None:
            self.pubacks.append(now_us() - cabinet.sent.pop(number))
            self.under_way -= 1

        return acked

    def _arrived(self, topic: bytes, payload: bytes) -> None:
        births = self._to_come.get(topic)
        if births:
            self.arrivals.append(now_us() - births.popleft())
            self.under_way -= 1
        else:
            self.arrivals.append(0)  # a retained state of before

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        end_s = loop.time() + DRAIN_S
        while self.under_way and loop.time() < end_s:
            await asyncio.sleep(0.01)


async def measure(
    broker: Mosquitto,
    sessions: int,
    seconds: float,
    seed: int,
    told: Callable[[str], None],
    factor_max: float = FACTOR_MAX,
) -> Fleet:
    """On a broker of its own, which ends with it. Raises StageError."""
    more_files(sessions + 200)
    await broker.start()
    load = Load(broker, sessions, seed)
    result = Fleet(sessions, broker.autosave_s)
    try:
        told(f"fleet: {sessions} sessions connect")
        result.connected_s = await load.connect()
        told(f"fleet: the state of {sessions * POSTS} posts")
        result.states, result.states_s = sessions * POSTS, await load.tell_states()
        await load.listen()
        await _rates(load, result, seconds, told, factor_max)
        result.broker_mb = broker.resident_kb / 1024
    except (TimeoutError, ExceptionGroup, ConnectionError) as error:
        raise StageError(f"fleet of {sessions}: {error}; is the machine busy?") from None
    finally:
        load.close()
        await broker.stop()
    return result


async def _rates(load: Load, result: Fleet, seconds: float, told: Callable[[str], None], factor_max: float) -> None:
    """The nominal rate, twice that and so on until it is too much; then closer."""

    async def at(factor: float) -> Rate:
        told(f"fleet: {factor:.1f} times the nominal rate")
        rate = await load.at(factor, seconds)
        for _ in range(TRIES - 1):
            rate = rate if rate.within else await load.at(factor, seconds)
        result.rates.append(rate)
        return rate

    factor = 1.0
    while (await at(factor)).within and factor < factor_max:
        factor *= 2
    low, high = result.headroom, factor
    for _ in range(CLOSER if 0 < low < high else 0):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if (await at(middle)).within else (low, middle)
    result.rates.sort(key=lambda rate: rate.factor)


def _payloads() -> tuple[bytes, bytes]:
    """Templates of a telemetry message (seq, post) and of a state (post, second), made by the gateway's own code."""
    status = line.Status(17, 400, 400, 1, 0, 12_100, bytes(8), UTC_S, 0)
    reading = (1, messages.READING, UTC_S, 400, 12_100, 1_234_567)
    (entry,) = from_items("p000", line.Items(17, 1, [reading]), UTC_S)
    telemetry = batch("gw0000", "0badcafe", [Row(987_654, entry.body)])
    state = State(PostSite("p000", 17, "bus0", 50_669_300, 4_615_000), True, status, "", "0.1.0", 1, UTC_S)
    texts = [text.replace("%", "%%") for text in (telemetry, dump(state.payload()))]
    text = texts[0].replace("987654", "%d", 1).replace('"p000"', '"p%03d"', 1)
    where = texts[1].rindex('Z"')
    return text.encode(), (texts[1][: where - 2] + "%02d" + texts[1][where:]).replace('"p000"', '"p%03d"', 1).encode()


def _ms(values: list[int], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1000 if ordered else 0.0
