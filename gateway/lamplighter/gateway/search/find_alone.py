"""A line searched for boards while no daemon runs: it is served meanwhile, and what posts tell waits in them."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from typing import Any

import click

from lamplighter.gateway.clock import true_utc_ms, true_utc_s, uncertainty_ms
from lamplighter.gateway.config import Config
from lamplighter.gateway.lines import line
from lamplighter.gateway.lines.bus import Bus, PortError
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.rollover.keyring import Keyring, load_keyring, save_keyring
from lamplighter.gateway.rollover.rolling import Rolling, standing
from lamplighter.gateway.search.finding import Report
from lamplighter.gateway.search.hunt import SERVED_S, Hunt, Wanted
from lamplighter.gateway.store.database import Database
from lamplighter.gateway.store.ledger import Ledger
from lamplighter.gateway.store.outbox import Outbox
from lamplighter.terminal import Failed

GREET_S = 6.0  # five greetings of 64 posts, each in vain
SEARCH_S = 900.0  # 190 boards at 9,600 baud with a tenth of the frames lost take half of that


def search(config: Config, wanted: Wanted) -> dict[str, Any]:
    """Serve the line, search it, serve what was found; return what a person is told. Raises Failed."""
    try:
        return asyncio.run(_Alone(config, wanted).run())
    except PortError as error:
        raise Failed(str(error), "free the port, and search again") from None


class _Alone:
    """One line, and the Deeds of its Rolling: no key is rolled over here, but what is under way is known."""

    def __init__(self, config: Config, wanted: Wanted) -> None:
        self._config, self._wanted = config, wanted
        places = {site.id: (site.bus, site.address) for site in config.sites}
        ring = load_keyring(config.state_dir)
        self._rolling = Rolling(ring, config.keys.buses, config.keys.posts, places, self)
        self._names = {site.address: site.id for site in config.on_bus(wanted.bus)}

    async def run(self) -> dict[str, Any]:
        config, bus_id = self._config, self._wanted.bus
        self._found: asyncio.Future[line.Result] = asyncio.get_running_loop().create_future()
        database = Database(config.state_dir / "gateway.db", lambda text: click.echo(text, err=True))
        Outbox(database, config.outbox_mb << 20)  # makes its tables; items wait in their posts for the daemon
        ledger = Ledger(database)
        database.start()
        self._bus = self._line(ledger)
        running: asyncio.Task | None = None
        try:
            await self._bus.open()
            running = asyncio.create_task(self._bus.run())
            utc_ms = true_utc_ms()
            if utc_ms is not None:
                self._bus.handle(line.Clock(utc_ms + config.time_offset_s * 1000, uncertainty_ms()))
            known = [post for post in self._names.values() if post in config.keys.posts]
            await _until(lambda: all(self._rolling.board_of(post) is not None for post in known), GREET_S)
            return await self._search()
        except TimeoutError:
            raise PortError(f"the search of {bus_id} did not end in {SEARCH_S:.0f} s; is it jammed?") from None
        finally:
            if running is not None:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
            self._bus.close()
            await asyncio.to_thread(database.close)

    async def _search(self) -> dict[str, Any]:
        hunt = Hunt(self._rolling, self._names, self._wanted, asyncio.get_running_loop().call_soon)
        self._bus.handle(line.Search("find", hunt.finder.run()))
        result = await asyncio.wait_for(self._found, SEARCH_S)
        if not isinstance(result.value, Report):
            raise PortError(f"{self._wanted.bus}: {result.error}")
        if hunt.unkept:
            raise Failed(hunt.unkept, "make room on the disk and search again")
        await _until(hunt.served, SERVED_S)
        return hunt.told(result.value)

    def _line(self, ledger: Ledger) -> Bus:
        config, bus_id, rolling = self._config, self._wanted.bus, self._rolling
        settings = next(bus for bus in config.buses if bus.id == bus_id)
        keys = {address: rolling.posts[post] for address, post in self._names.items() if post in rolling.posts}
        poller = Poller(
            keys, rolling.buses[bus_id], settings.baud, secrets.token_bytes, ledger.counter(bus_id, true_utc_s()),
            lambda counter: ledger.reserve(bus_id, counter), reply_ms=settings.reply_ms or 0, turn_ms=settings.turn_ms,
        )  # fmt: skip
        addresses = {post: address for address, post in self._names.items()}
        for event in standing(rolling.ring, bus_id, rolling.buses[bus_id], addresses):
            poller.rekey(event, 0)
        return Bus(settings, poller, self._act)

    def _act(self, _: str, action: tuple) -> None:
        if isinstance(action, line.Online):
            self._rolling.online(self._names[action.address], action)
        elif isinstance(action, line.Offline):
            self._rolling.offline(self._names[action.address])
        elif isinstance(action, line.Result) and not self._found.done():
            self._found.set_result(action)

    # --- rolling.Deeds

    def save(self, ring: Keyring) -> None:
        save_keyring(self._config.state_dir, ring)

    def tell(self, bus: str, event: tuple) -> None:
        if bus == self._wanted.bus:
            self._bus.handle(event)

    def ask(self, post: str, procedure: line.Procedure, expires_ms: int, then: Callable[[line.Result], None]) -> None:
        raise NotImplementedError  # without a tick nothing is asked

    def draw(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def note(self, text: str) -> None:
        click.echo(text, err=True)


async def _until(done: Callable[[], bool], seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not done():
                await asyncio.sleep(0.05)
