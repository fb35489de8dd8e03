"""Groups and scenes of one daemon: taken in, kept across restarts, reported. What is valid is decided in desired.py."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import dump
from lamplighter.gateway.wanted.desired import Groups, Rule, Wanted, read_groups, read_scenes

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.desired")

ERROR_MAX = 2000


class Keeper:
    """One kind of desired content: `content` is what is in force, by id."""

    def __init__(self, daemon: Daemon, what: str, read: Callable[[bytes, list[str]], Wanted]) -> None:
        self._daemon = daemon
        self._what = what
        self._read = read
        self._seen: bytes | None = None
        self._checking = asyncio.Lock()
        self.wanted = Wanted("", {}, 0)

    async def restore(self) -> None:
        """Put in force what was in force before the restart."""
        payload = self._daemon.ledger.kept(f"desired_{self._what}")
        if payload is not None:
            self._seen = payload.encode()
            await self._take(self._seen, keep=False)

    def desire(self, payload: bytes) -> None:
        """A payload has come; the same one again changes nothing."""
        if payload and payload != self._seen:
            self._seen = payload
            self._daemon.spawn(self._take(payload, keep=True))

    async def _take(self, payload: bytes, keep: bool) -> None:
        async with self._checking:
            error = ""
            try:
                wanted = await asyncio.to_thread(self._read, payload, list(self._daemon.fleet.states))
                if keep:
                    await asyncio.wrap_future(self._daemon.ledger.keep(f"desired_{self._what}", payload.decode()))
                self.wanted = wanted
                log.info("%s %s are in force: %d", self._what, wanted.hash, len(wanted.content))
            except ValueError as fault:
                error = str(fault)[:ERROR_MAX]
                log.error("desired %s are refused: %s", self._what, error)
            except sqlite3.Error as fault:
                error, self._seen = f"the gateway cannot store them: {fault}", None
                log.error("desired %s cannot be stored: %s", self._what, fault)
            self._daemon.broker.retain(self._daemon.topics.reported(self._what), dump(self.report(error)))

    def report(self, error: str) -> dict[str, Any]:
        """The reported payload: what is in force, and why a newer one is not."""
        wanted = self.wanted
        return {
            "v": 1, "hash": wanted.hash or None, "accepted": not error, "error": error or None,
            "count": len(wanted.content), "rules": wanted.rules,
        }  # fmt: skip


class DesiredDesk:
    """Both kinds."""

    def __init__(self, daemon: Daemon) -> None:
        self._groups = Keeper(daemon, "groups", read_groups)
        self._scenes = Keeper(daemon, "scenes", read_scenes)
        topics = daemon.topics
        self.keepers = {topics.desired("groups"): self._groups, topics.desired("scenes"): self._scenes}

    async def restore(self) -> None:
        for keeper in self.keepers.values():
            await keeper.restore()

    @property
    def groups(self) -> Groups:
        return self._groups.wanted.content

    @property
    def scenes(self) -> dict[str, tuple[Rule, ...]]:
        return self._scenes.wanted.content
