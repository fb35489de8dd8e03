"""The firmware of one daemon's posts: a desired image is kept on disk, brought to every line, and reported.

An image lies in the state folder, one for each kind of board, and stays there until another takes its place: a post
that is put in later gets it too. Everything else is known by the posts, so a restart loses nothing.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

from lamplighter import firmware_image, whole_file
from lamplighter.firmware_image import Image, Wanted
from lamplighter.gateway.centre.topics import DESIRED_MAX, dump, parse
from lamplighter.gateway.lines import line
from lamplighter.gateway.wanted.firmware import OTHER, WAITING, Answered, Rollout

if TYPE_CHECKING:
    from lamplighter.gateway.daemon import Daemon

log = logging.getLogger("lamplighter.firmware")

HASH = "desired_firmware"  # the name under which the last accepted hash is kept
BOARDS_MAX = 8  # kinds of board in one cabinet; an image of each is in memory
EVERY_MS = 500
REPORT_EVERY_MS = 2000  # a report of 250 posts is 30 KB
ERROR_MAX = 2000


class FirmwareDesk:
    """All images and lines of one Daemon."""

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._folder = daemon.config.state_dir
        self._images: dict[str, Image] = {}
        self._rollouts: dict[tuple[str, str], Rollout] = {}  # by line and board
        self._boots: dict[str, int] = {}  # of the posts in session
        self._lines = {site.id: site.bus for site in daemon.config.sites}
        self._hash, self._error = "", ""
        self._taking = asyncio.Lock()
        self._reported: str | None = None
        self._due_ms = self._report_ms = 0

    async def restore(self) -> None:
        """Go on with the images that were wanted before the restart."""
        self._hash = self._daemon.ledger.kept(HASH) or ""
        for path in sorted(self._folder.glob("firmware-*.llf"))[:BOARDS_MAX]:
            try:
                self._put(Image.read(await asyncio.to_thread(path.read_bytes)))
            except (OSError, ValueError) as error:
                log.error("%s: %s; publish it again", path, error)

    def desire(self, payload: bytes) -> None:
        """A desired/firmware payload has come; the same one again changes nothing."""
        if payload:
            self._daemon.spawn(self._take(payload))

    def online(self, post: str, boots: int) -> None:
        """A post has opened a session."""
        self._boots[post] = boots
        for rollout in self._of(post):
            rollout.online(post, boots)

    def offline(self, post: str) -> None:
        self._boots.pop(post, None)
        for rollout in self._of(post):
            rollout.offline(post)

    def tick(self, now_ms: int) -> None:
        """Do what is due, and tell what has changed."""
        if now_ms < self._due_ms:
            return
        self._due_ms = now_ms + EVERY_MS
        for rollout in list(self._rollouts.values()):
            rollout.tick(now_ms)
        if now_ms - self._report_ms >= REPORT_EVERY_MS and (self._images or self._hash or self._error):
            report = dump(self.report())
            if report != self._reported:
                self._reported, self._report_ms = report, now_ms
                self._daemon.broker.retain(self._daemon.topics.reported("firmware"), report)

    def report(self) -> dict[str, Any]:
        """The reported/firmware payload."""
        images = {
            board: {"version": image.version, "label": image.label, "bytes": len(image.data)}
            for board, image in self._images.items()
        }
        return {
            "v": 1, "hash": self._hash or None, "accepted": not self._error, "error": self._error or None,
            "images": images, "posts": self._posts(),
        }  # fmt: skip

    # --- firmware.Deeds

    def ask(
        self, post: str, procedure: line.Procedure, expires_ms: int, then: Answered, background: bool = False
    ) -> None:
        self._daemon.ask(post, procedure, expires_ms, then, background)

    def cast(self, bus: str, blocks: list[tuple[int, bytes, bytes]], then: Answered) -> None:
        self._daemon.cast(bus, blocks, then)

    def now_ms(self) -> int:
        return self._daemon.now_ms()

    # --- inside

    def _of(self, post: str) -> list[Rollout]:
        return [rollout for (bus, _), rollout in self._rollouts.items() if bus == self._lines[post]]

    def _posts(self) -> dict[str, dict[str, Any]]:
        """Each post by the image for its board: the others are not for it."""
        posts: dict[str, dict[str, Any]] = {}
        for (_, board), rollout in self._rollouts.items():
            for post, row in rollout.report().items():
                known = posts.get(post)
                if known is None or known["state"] == OTHER or (known["state"] == WAITING and row["state"] != OTHER):
                    posts[post] = {"board": board, **row}
        return posts

    async def _take(self, payload: bytes) -> None:
        async with self._taking:
            try:
                wanted = await asyncio.to_thread(lambda: firmware_image.read(parse(payload, DESIRED_MAX)))
                if wanted.hash != self._hash:
                    await self._keep(wanted)
                self._error = ""
            except ValueError as error:
                self._error = str(error)[:ERROR_MAX]
                log.error("desired firmware is refused: %s", self._error)
            except (OSError, sqlite3.Error) as error:
                self._error = f"the gateway cannot store it: {error}"
                log.error("desired firmware cannot be stored: %s", error)
            self._reported = None

    async def _keep(self, wanted: Wanted) -> None:
        """On disk first, then in force."""
        path = self._folder / f"firmware-{wanted.board}.llf"
        if wanted.image is None:
            if wanted.board in self._images:
                await asyncio.to_thread(path.unlink, missing_ok=True)
                self._drop(wanted.board)
                log.info("no firmware is wanted any more for %s", wanted.board)
        else:
            if wanted.board not in self._images and len(self._images) >= BOARDS_MAX:
                raise ValueError(f"images for {BOARDS_MAX} kinds of board are here; take one back first")
            await asyncio.to_thread(whole_file.replace, path, wanted.image.data)
            self._put(wanted.image)
            log.info("firmware %d (%s) is wanted for %s", wanted.image.version, wanted.image.label, wanted.board)
        await asyncio.wrap_future(self._daemon.ledger.keep(HASH, wanted.hash))
        self._hash = wanted.hash

    def _put(self, image: Image) -> None:
        known = self._images.get(image.board)
        if known is not None and known.digest == image.digest:
            return
        self._drop(image.board)
        self._images[image.board] = image
        for bus in self._daemon.config.buses:
            posts = [post for post, line_id in self._lines.items() if line_id == bus.id]
            rollout = self._rollouts[bus.id, image.board] = Rollout(bus.id, posts, image, self)
            for post in posts:
                if post in self._boots:
                    rollout.online(post, self._boots[post])

    def _drop(self, board: str) -> None:
        self._images.pop(board, None)
        for key in [key for key in self._rollouts if key[1] == board]:
            self._rollouts.pop(key).ended = True
