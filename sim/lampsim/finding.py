"""New boards on a line, found and adopted in virtual time: the real Post, Poller and Finder on a line true to the byte.

`lampsim finding` prints how long it takes at each speed, how many searches, and what presence costs meanwhile.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping

import click

from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.search.finding import ADOPTED, Finder, Report
from lamppost.store.settings import Settings
from lamppost.wire.seal import Key

from .virtual.gateway import Port
from .virtual.loop import Loop
from .virtual.post import VirtualPost
from .virtual.wire import Wire

BUS_KEY = bytes(range(32))
BAUDS = (9_600, 19_200, 115_200)
LIMIT_S = 600
SETTLE_US = 8_000_000  # the posts that are known open their sessions
QUIET_US = 120_000_000
EVENT_EVERY_US = 2_000_000  # somebody on the line is seen


def board_key(number: int) -> bytes:
    """The factory key of a board."""
    return number.to_bytes(2, "big") * 16


class Table:
    """A Book: `keys` by identity; `place_of(identity)`; `took(address, identity, key)` is told of each adoption."""

    def __init__(
        self,
        keys: Mapping[str, bytes],
        place_of: Callable[[str], int | None],
        took: Callable[[int, str, bytes], None],
    ) -> None:
        self._keys, self._place_of, self._took = keys, place_of, took

    def knows(self, identity: str) -> bool:
        return identity in self._keys

    def keys(self, identity: str) -> list[bytes]:
        return [self._keys[identity]] if identity in self._keys else []

    def place(self, identity: str, key: bytes) -> int | None:
        return self._place_of(identity)

    def adopted(self, address: int, identity: str, key: bytes) -> None:
        self._took(address, identity, key)


class Bench:
    """A line with `known` posts in service (addresses from 1) and `boards` that have just been screwed in."""

    make = VirtualPost

    def __init__(self, baud: int, boards: int, known: int = 0, loss: float = 0.0, seed: int = 1) -> None:
        self.loop, self.name = Loop(), "gw"
        self.wire = Wire(self.loop, baud, seed, exact=True)
        self.wire.impair(loss)
        self.random = random.Random(f"{seed} finding")
        self.online: set[int] = set()
        self.report: Report | None = None
        self.waits_us: list[int] = []
        self.posts: dict[str, VirtualPost] = {}
        self._sensed_us: dict[int, int] = {}
        for number in range(1, known + 1):
            self._post(number, number)
        for number in range(1001, 1001 + boards):
            self._post(number, 0)
        keys = {number: board_key(number) for number in range(1, known + 1)}
        poller = Poller(keys, BUS_KEY, baud, self.random.randbytes, 0, lambda counter: None)
        self.port = Port(self, "bus0", self.wire, poller)  # type: ignore[arg-type] - takes what a gateway takes
        self.known, self.boards = known, boards

    def disturbed_on(self, port: Port) -> None:
        """Nobody disturbs this line but those who are searched for."""

    def take(self, port: Port, action: tuple) -> None:
        """What the Poller says."""
        if isinstance(action, line.Online):
            self.online.add(action.address)
        elif isinstance(action, line.Offline):
            self.online.discard(action.address)
        elif isinstance(action, line.Result):
            self.report = action.value
        elif isinstance(action, line.Heard):
            sensed_us = self._sensed_us.pop(action.address, None)
            if sensed_us is not None:
                self.waits_us.append(self.loop.now_us - sensed_us)
        elif isinstance(action, line.Items):
            last = max(item[0] for item in action.items)
            stored = line.Stored(action.address, action.epoch, last)
            self.loop.after(5000, lambda: port.handle(stored))

    def start(self) -> None:
        """Everybody has power; those who are known come into service."""
        for post in self.posts.values():
            post.power_on()
        self.port.open()
        self.port.handle(line.Clock(835_000_000_000, 50))
        self.loop.run_until(SETTLE_US)

    def sense(self, every_us: int = EVENT_EVERY_US) -> None:
        """From now on somebody is seen now and then by one of the known."""

        def seen() -> None:
            number = self.random.randrange(1, self.known + 1)
            if number not in self._sensed_us:
                self._sensed_us[number] = self.loop.now_us
                self.posts[f"b{number}"].sense(True, 0)
                self.loop.after(400_000, lambda: self.posts[f"b{number}"].sense(False, 0))
            self.loop.after(round(self.random.expovariate(1 / every_us)), seen)

        self.loop.after(every_us, seen)

    def find(self, finder: Finder | None = None, address: int = 0) -> int:
        """Search until it ends and all that were adopted are in service; return the microseconds it took."""
        began_us = self.loop.now_us
        self.port.handle(line.Search("find", (finder or self.finder()).run(address)))
        while self.report is None or not self._served(self.report):
            if self.loop.now_us - began_us > LIMIT_S * 1_000_000:
                raise TimeoutError(f"not done after {LIMIT_S} s: {self.report}")
            self.loop.run_until(self.loop.now_us + 10_000)
        return self.loop.now_us - began_us

    def swap(self) -> None:
        """Other boards in the places of those that were found last; wait until the line knows that they are gone."""
        last = max(number for number in map(_number, self.posts)) + 1
        for name in [name for name in self.posts if _number(name) > 1000]:
            self.posts.pop(name).power_off()
        self.report = None
        for number in range(last, last + self.boards):
            self._post(number, 0)
        gone = set(range(self.known + 1, self.known + 1 + self.boards))
        while gone & self.online:
            self.loop.run_until(self.loop.now_us + 100_000)
        for number in range(last, last + self.boards):
            self.posts[f"b{number}"].power_on()

    def finder(self) -> Finder:
        """Gives addresses in the order in which boards are found, behind those that are known."""
        keys = {name: board_key(_number(name)) for name in self.posts if name[1:].isdigit()}
        free = iter(range(self.known + 1, 193))
        places = {f"b{number}": number for number in range(1, self.known + 1)}

        def place(identity: str) -> int:
            if identity not in places:
                places[identity] = next(free)
            return places[identity]

        return Finder(Table(keys, place, self.adopt), BUS_KEY, self.random.randbytes)

    def adopt(self, address: int, identity: str, key: bytes) -> None:
        """A board has taken its place: the poll scheduler serves it."""
        self.loop.after(0, lambda: self.port.handle(line.Adopt(address, key)))

    def adopted(self) -> int:
        """How many took their place in the last search."""
        assert self.report is not None
        return sum(post.result == ADOPTED for post in self.report.posts)

    def _served(self, report: Report) -> bool:
        return {post.address for post in report.posts if post.result == ADOPTED} <= self.online

    def _post(self, number: int, address: int) -> None:
        settings = Settings()
        settings.put("identity", f"b{number}")
        settings.put("post-key", board_key(number))
        if address:
            settings.put("address", address)
            settings.put("bus-key", BUS_KEY)
        raw, name, key = settings.to_bytes(), f"b{number}", Key(BUS_KEY)
        self.posts[name] = self.make(
            self.loop, self.wire, name, address or number, number, raw, key, 1, lambda post, action: None
        )


def measure(
    baud: int, boards: int, loss: float, known: int, seed: int, times: int = 1, every_us: int = EVENT_EVERY_US
) -> dict:
    """`times` searches for other boards each: how long, how many searches; with known posts also what their events
    waited before and during them."""
    bench = Bench(baud, boards, known, loss, seed)
    bench.start()
    if known:
        bench.sense(every_us)
        bench.loop.run_until(bench.loop.now_us + QUIET_US)
    before, during, took_us, adopted = bench.waits_us, [], [], 0
    for number in range(times):
        if number:
            bench.swap()
        bench.waits_us = []
        took_us.append(bench.find())
        during += bench.waits_us
        adopted += bench.adopted()
    report = bench.report
    assert report is not None
    row = {
        "baud": baud, "boards": boards, "known": known, "loss": loss, "seconds": round(max(took_us) / 1e6, 1),
        "adopted": adopted, "searches": report.searches, "passes": report.passes, "complete": report.complete,
    }  # fmt: skip
    if times > 1:
        row |= {"times": times, "seconds_p50": round(sorted(took_us)[times // 2] / 1e6, 1)}
    if known:
        row |= {"event_ms_before": quantiles(before), "event_ms_during": quantiles(during)}
    return row


def _number(name: str) -> int:
    return int(name[1:])


def quantiles(waits_us: list[int]) -> list[float]:
    """[count, p50, p99] in milliseconds."""
    ordered = sorted(waits_us) or [0]
    return [
        len(waits_us),
        ordered[len(ordered) // 2] / 1000,
        ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / 1000,
    ]


@click.command()
@click.option("--boards", default=64, show_default=True, type=click.IntRange(1, 190), help="New boards on the line.")
@click.option(
    "--known", default=0, show_default=True, type=click.IntRange(0, 120), help="Posts in service, seeing people."
)
@click.option("--baud", "bauds", multiple=True, type=int, help="Speed of the line; repeat it. Default: three speeds.")
@click.option("--loss", default=0.0, show_default=True, type=click.FloatRange(0, 0.5), help="Share of frames missed.")
@click.option(
    "--every", default=2.0, show_default=True, type=click.FloatRange(0.05, 60), help="Seconds from event to event."
)
@click.option("--times", default=1, show_default=True, type=click.IntRange(1, 1000), help="Searches, for other boards.")
@click.option("--seed", default=1, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line.")
def finding(
    boards: int,
    known: int,
    bauds: tuple[int, ...],
    loss: float,
    every: float,
    times: int,
    seed: int,
    as_json: bool,
) -> None:
    """Find and adopt new boards on a line, in virtual time."""
    for baud in bauds or BAUDS:
        row = measure(baud, boards, loss, known, seed, times, round(every * 1e6))
        if as_json:
            click.echo(json.dumps(row))
            continue
        click.echo(
            f"{baud:>7} baud, {loss:.0%} lost: {row['adopted']} of {boards * times} boards in service"
            f" after {row['seconds']} s{' at most' if times > 1 else ''}, {row['searches']} searches in"
            f" {row['passes']} passes"
        )
        if known:
            before, during = row["event_ms_before"], row["event_ms_during"]
            click.echo(f"        events, count p50 p99 ms: before {before}, during {during}")
