"""Boards that nobody serves, found by the daemon beside its polls: asked for at the cabinet, or when posts are silent.

Rules kept here
- One search of a line at a time, the next one waits. It goes on when whoever asked has gone, and is bounded by itself
  (finding.py).
- A post that answers is not given away: whoever replaces its board pulls the old one first.
- Where posts are silent, their line is searched for boards whose keys are known; after a search in vain the next one
  comes later and later. A board that belongs nowhere is named in the log once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.lines import line
from lamplighter.gateway.search import find_wire
from lamplighter.gateway.search.finding import ADOPTED, DEAF, UNKNOWN, UNPLACED, WRONG_KEY, Placed, Report
from lamplighter.gateway.search.hunt import SERVED_S, Hunt, Wanted

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

CALLERS_MAX = 4  # at once; a technician is one
ASK_S = 5.0  # until a caller has said what it wants
PROGRESS_S = 0.5
SILENT_MS = 60_000  # a post that is silent for so long may have lost its address
AGAIN_MIN_MS, AGAIN_MAX_MS = 60_000, 3_600_000  # 4 searches in vain take 0.3 s of a line's second turns
STRANGERS_MAX = 64  # that are named
STRANGE = (UNKNOWN, UNPLACED, WRONG_KEY)

log = logging.getLogger("lamplighter.find")


class Refused(Exception):
    """What was asked is not done: one line, and what to do."""

    def __init__(self, text: str, hint: str = "") -> None:
        super().__init__(text)
        self.hint = hint


class FindDesk:
    """The searches of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._names: dict[str, dict[int, str]] = {}
        for site in daemon.config.sites:
            self._names.setdefault(site.bus, {})[site.address] = site.id
        self._wired = [bus.id for bus in daemon.config.buses if bus.mqtt is None]
        self._under_way: set[str] = set()
        self._callers = 0
        self._since: dict[str, int] = {}  # post: since when it is silent
        self._looked: dict[str, tuple[frozenset[str], int, int]] = {}  # line: for whom, when next, and how long after
        self._strangers: set[str] = set()

    # --- asked for at the cabinet

    async def serve(self) -> None:
        """Answer `lamplighter find` until cancelled; without the socket all else goes on."""
        try:
            listener = self._listen()
        except OSError as error:
            log.warning("'lamplighter find' cannot ask: %s: %s", find_wire.NAME, error.strerror or error)
            await asyncio.Event().wait()
            return

        def called(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._daemon.spawn(self._caller(reader, writer))

        server = await asyncio.start_unix_server(called, sock=listener, limit=find_wire.LINE_MAX)
        try:
            async with server:
                await server.serve_forever()
        finally:
            with contextlib.suppress(OSError), find_wire.address(self._daemon.config.state_dir) as name:
                os.unlink(name)

    def _listen(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with find_wire.address(self._daemon.config.state_dir) as name:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name)  # of one that was killed: the lock on the folder is ours
                listener.bind(name)
                os.chmod(name, 0o600)  # before anybody can connect
                listener.listen(CALLERS_MAX)
        except OSError:
            listener.close()
            raise
        return listener

    async def _caller(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._callers += 1
        try:
            with contextlib.suppress(OSError):
                await self._answer(reader, writer)
        finally:
            self._callers -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one caller; OSError when it has gone, and then the search goes on."""
        try:
            if self._callers > CALLERS_MAX:
                raise Refused(f"{CALLERS_MAX} searches are asked for at once", "wait for them")
            wanted = await self._asked(reader)
            while wanted.bus in self._under_way:
                await self._say(writer, {"progress": {"waiting": True}})
                await asyncio.sleep(PROGRESS_S)
            hunt, ended = self._begin(wanted)
            while not ended.done():
                await self._say(writer, {"progress": hunt.progress()})
                await asyncio.wait([ended], timeout=PROGRESS_S)
            answer = {"report": ended.result()}
        except Refused as error:
            answer = {"error": str(error), "hint": error.hint}
        await self._say(writer, answer)

    @staticmethod
    async def _say(writer: asyncio.StreamWriter, value: dict[str, Any]) -> None:
        writer.write(find_wire.say(value))
        await writer.drain()

    async def _asked(self, reader: asyncio.StreamReader) -> Wanted:
        try:
            wanted = find_wire.read(await asyncio.wait_for(reader.readuntil(b"\n"), ASK_S))
        except (TimeoutError, asyncio.IncompleteReadError):
            raise Refused("nothing was asked") from None
        except asyncio.LimitOverrunError:
            raise Refused(f"over {find_wire.LINE_MAX} bytes; give a manifest with fewer boards") from None
        except ValueError as error:
            raise Refused(str(error)) from None
        if wanted.bus not in self._wired:
            raise Refused(f"there is no line {wanted.bus!r} with a wire", f"there are {', '.join(self._wired)}")
        here, rolling = set(self._names.get(wanted.bus, {}).values()), self._daemon.rollover.rolling
        for identity, post in wanted.replace.items():
            if post not in here:
                raise Refused(f"there is no post {post!r} on {wanted.bus}", "write --replace POST=IDENTITY")
            there = rolling.board_of(post)
            if there not in (None, identity):
                raise Refused(f"{post} still answers, with board {there}", "take that off the line, and wait 5 s")
        return wanted

    # --- the search

    def _begin(self, wanted: Wanted) -> tuple[Hunt, asyncio.Task[dict[str, Any]]]:
        bus = self._daemon.buses[wanted.bus]
        if not bus.is_open:
            raise Refused(f"{wanted.bus} is down", "look into the daemon's log")
        loop = asyncio.get_running_loop()
        hunt = Hunt(self._daemon.rollover.rolling, self._names.get(wanted.bus, {}), wanted, loop.call_soon)
        self._under_way.add(wanted.bus)
        task = self._daemon.spawn(self._search(hunt))
        task.add_done_callback(_ended)
        return hunt, task

    async def _search(self, hunt: Hunt) -> dict[str, Any]:
        """Search, and wait until those that were adopted are served; return what a person is told. Raises Refused."""
        bus = hunt.wanted.bus
        try:
            found: asyncio.Future[line.Result] = asyncio.get_running_loop().create_future()
            self._daemon.search(bus, hunt.finder.run(), found.set_result)
            result = await found
            if not isinstance(result.value, Report):
                raise Refused(f"{bus}: {result.error}", "search again when the line is served")
            if hunt.unkept:
                raise Refused(hunt.unkept, "make room on the disk and search again")
            self._note(bus, result.value)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SERVED_S):
                    while not hunt.served():
                        await asyncio.sleep(0.05)
            return hunt.told(result.value)
        finally:
            self._under_way.discard(bus)

    def _note(self, bus: str, report: Report) -> None:
        names = self._names.get(bus, {})
        for post in report.posts:
            if post.result == ADOPTED:
                log.info("%s: board %s has taken its place", names[post.address], post.identity)
            elif post.result == DEAF:
                log.warning("%s: board %s does not say that it has its place", bus, post.identity)
            elif post.result in STRANGE and post.identity not in self._strangers:
                self._stranger(bus, post)

    def _stranger(self, bus: str, post: Placed) -> None:
        if len(self._strangers) < STRANGERS_MAX:
            self._strangers.add(post.identity)
            log.warning("%s: board %s is here: %s; see lamplighter find", bus, post.identity, post.result)

    # --- when posts are silent

    def tick(self, now_ms: int) -> None:
        """Each second."""
        rolling = self._daemon.rollover.rolling
        for bus in self._wired:
            silent = set()
            for post in self._names.get(bus, {}).values():
                if rolling.board_of(post) is not None:
                    self._since.pop(post, None)
                elif now_ms - self._since.setdefault(post, now_ms) >= SILENT_MS:
                    silent.add(post)
            self._look(bus, frozenset(silent), now_ms)

    def _look(self, bus: str, silent: frozenset[str], now_ms: int) -> None:
        before, due_ms, pause_ms = self._looked.get(bus, (frozenset(), 0, 0))
        if not silent <= before:  # somebody has fallen silent since
            due_ms, pause_ms = now_ms, AGAIN_MIN_MS
        if silent and now_ms >= due_ms and bus not in self._under_way and self._daemon.buses[bus].is_open:
            self._begin(Wanted(bus))
            due_ms, pause_ms = now_ms + pause_ms, min(2 * pause_ms, AGAIN_MAX_MS)
        self._looked[bus] = silent, due_ms, pause_ms


def _ended(task: asyncio.Task) -> None:
    """Whoever asked may have gone."""
    if not task.cancelled() and task.exception() is not None:
        log.warning("a search has failed: %s", task.exception())
