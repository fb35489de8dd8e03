"""One relay after another on the same port and broker: its rate, its delay, its memory, and what an outage costs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from .relays import Relay
from .stage import Centre, Elsewhere, Mosquitto, Port, Process, Source, StageError, now_us, own_cpu_s

READY_S = 120.0  # until a relay passes its first line on; the slowest takes some 10 s
PROBE_S = 0.5
LOOK_S = 0.25  # between two looks at its memory
SETTLE_S = 1.0
BUSY = 0.9  # of a core: then it is the benchmark that is measured


@dataclass(frozen=True)
class Load:
    """Lines at once and the longest time for them; lines a second for the delay, and how many; the outage."""

    flood: int = 50_000
    flood_s: float = 20.0
    steady_per_s: float = 30.0
    steady_s: float = 40.0
    outage_s: float = 30.0
    outage_per_s: float = 100.0
    quiet_s: float = 25.0  # after an outage: the slowest comes back to its broker within 15 s


QUICK = Load(2000, 4.0, 30.0, 2.0, 3.0, 100.0, 6.0)


@dataclass
class Row:
    """What was measured of one relay; `own_*`: of the source and the centre, as a share of one core."""

    relay: str
    does: str
    version: str = ""
    lines_per_s: float = 0.0
    flood: int = 0
    flood_missing: int = 0  # still under way when the time was over
    own_busy: float = 0.0
    elsewhere: float = 0.0  # of the machine: what others took of it while rate and delay were measured
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    steady: int = 0
    steady_missing: int = 0
    resident_mb: float = 0.0  # at the steady rate
    most_mb: float = 0.0
    outage_s: float = 0.0
    outage_lines: int = 0
    lost: int = 0
    repeated: int = 0  # on the wire
    repeated_after_upsert: int | None = None  # None: its messages carry no id to upsert by

    @property
    def source_bound(self) -> bool:
        return self.own_busy > BUSY

    def to_json(self) -> dict:
        rounded = {name: round(value, 3) if isinstance(value, float) else value for name, value in asdict(self).items()}
        return rounded | {"source_bound": self.source_bound}


async def measure(
    relay: Relay, load: Load, folder: Path, port: Port, broker: Mosquitto, told: Callable[[str], None]
) -> Row:
    """All figures of one relay. Raises StageError where it does not start or does not pass a line on."""
    row = Row(relay.name, relay.does)
    for step in (flood, steady, outage):
        told(f"{relay.name}: {step.__doc__}")
        async with Trial(relay, folder / step.__name__, port, broker) as trial:
            watch = Elsewhere(trial.cpu_s)
            await step(trial, load, row)
            if step is not outage:  # there the relay's own seconds are lost with it
                row.elsewhere = max(row.elsewhere, watch.share())
            row.most_mb = max(row.most_mb, trial.process.most_kb / 1024)
    return row


class Trial:
    """A relay that passes lines on, with an empty store."""

    def __init__(self, relay: Relay, folder: Path, port: Port, broker: Mosquitto) -> None:
        folder.mkdir(parents=True)
        self.relay, self.port, self.broker = relay, port, broker
        self.centre = Centre(broker, relay.filters, relay.ids)
        self.centre.answers = relay.answers
        command, environment = relay.prepare(folder, port, broker)
        self.process = Process(relay.name, command, folder, environment)

    async def __aenter__(self) -> Trial:
        self.port.empty()
        self.source = Source(self.port, self.relay.acknowledges)
        try:
            await self.centre.start()
            await self.process.start(self.port)
            await self._passes_on()
        except BaseException:
            await self.__aexit__()
            raise
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *_: object) -> None:
        if hasattr(self, "_looking"):
            self._looking.cancel()
        await self.process.kill()
        self.source.close()
        await self.centre.stop()

    def cpu_s(self) -> float:
        """Of all that is measured here."""
        return own_cpu_s() + self.process.cpu_s + self.broker.cpu_s

    async def _passes_on(self) -> None:
        """Lines, until one arrives and then all that were sent."""
        loop = asyncio.get_running_loop()
        end_s = loop.time() + READY_S
        while loop.time() < end_s and self.process.running:
            await self.source.flood(1, loop.time() + PROBE_S)
            if await self.centre.until(1, loop.time() + PROBE_S):
                await asyncio.sleep(PROBE_S)
                self.centre.begin(self.source.next)
                return
        raise StageError(f"{self.relay.name} passes no line on: {self.process.last_words()}")

    async def _look(self) -> None:
        while True:
            self.process.resident_kb()
            await asyncio.sleep(LOOK_S)


async def flood(trial: Trial, load: Load, row: Row) -> None:
    """as fast as it can"""
    loop, source, centre = asyncio.get_running_loop(), trial.source, trial.centre
    before_s, begin_us, end_s = own_cpu_s(), now_us(), loop.time() + load.flood_s
    centre.find_ids = None  # work of ours that would slow the others' arrivals
    writing = asyncio.create_task(source.flood(load.flood, end_s))
    await centre.until(load.flood, end_s)
    await writing
    row.own_busy = (own_cpu_s() - before_s) / ((now_us() - begin_us) / 1_000_000)
    arrived = len(centre.arrived)
    row.flood = source.next - centre.first
    row.flood_missing = row.flood - arrived
    row.lines_per_s = arrived / max(1, centre.last_us - begin_us) * 1_000_000


async def steady(trial: Trial, load: Load, row: Row) -> None:
    """delay and memory at a steady rate"""
    source, centre = trial.source, trial.centre
    await source.steady(load.steady_per_s, load.steady_s)
    row.resident_mb = trial.process.resident_kb() / 1024
    row.steady = source.next - centre.first
    await centre.until(row.steady, asyncio.get_running_loop().time() + load.quiet_s)
    delays = sorted(centre.arrived.values())
    row.steady_missing = row.steady - len(delays)
    if delays:
        row.p50_ms, row.p99_ms = _quantile(delays, 0.5) / 1000, _quantile(delays, 0.99) / 1000


async def outage(trial: Trial, load: Load, row: Row) -> None:
    """the broker away, and a kill -9 in the middle"""
    source, centre, process = trial.source, trial.centre, trial.process
    lines = asyncio.create_task(source.steady(load.outage_per_s, load.outage_s + 2 * SETTLE_S))
    try:
        await asyncio.sleep(SETTLE_S)
        await trial.broker.stop()
        back = asyncio.create_task(_back_after(trial.broker, load.outage_s))
        await asyncio.sleep(load.outage_s / 2)
        source.pause()
        await process.kill()
        await process.start(trial.port)
        source.go_on()
        await back
        await lines
        await source.again()
    finally:
        lines.cancel()
        await asyncio.gather(lines, return_exceptions=True)
    sent = source.next - centre.first
    await centre.quiet(sent, load.quiet_s, SETTLE_S)
    row.outage_s, row.outage_lines = load.outage_s, sent
    row.lost = sent - len(centre.arrived)
    row.repeated = centre.times - len(centre.arrived)
    if trial.relay.ids is not None:
        row.repeated_after_upsert = len(centre.ids) - len(set(centre.ids.values())) + centre.confused


async def _back_after(broker: Mosquitto, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await broker.start()


def _quantile(ordered: list[int], share: float) -> int:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
