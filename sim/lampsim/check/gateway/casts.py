"""Firmware for whole lines on the checker's street: the real FirmwareDesk with its files, and what must hold of it.

The office's wish is retained at the broker: a gateway that was down, or that could not store it, gets it again. A
life of the gateway is a new desk over the same folder. The office sees only what the gateway reports.

The invariants, written here a second time: one post of a line installs first, and others, at most INSTALLING at once,
only when one has run the image; nobody installs what is not wanted any more; a block leaves the line to a poll that
is due; when all is quiet every post runs what is wanted, or the report says why not, and that is so.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import tempfile
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lamplighter.gateway.centre.topics import Topics
from lamplighter.gateway.lines.poll import Poller
from lamplighter.gateway.wanted.firmware import Answered, Rollout
from lamplighter.gateway.wanted.firmware_desk import FirmwareDesk
from lamplighter.plans.hashing import document_hash
from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.seal import Key
from lampsim.check.broken import Broken
from lampsim.check.gateway.disk import FAST
from lampsim.check.witness.overheard import Ear
from lampsim.check.world.firmware import BOARD, GOOD

if TYPE_CHECKING:
    from lampsim.check.gateway.cabinet import Cabinet
    from lampsim.check.world.post import StreetPost

INSTALLING = 4  # posts of a line at once
TICK_US, OFFER_US, AGAIN_US = 500_000, 5_000_000, 20_000_000
REPORTED_US = 5_000_000  # until a report has been made of what has changed
LATE_US = 10_000_000  # so long after it was taken back somebody may still be asked to install it
SETTLE_S = 1800  # tries five minutes apart, images that are deaf three times, all of a line one after the other
FOLLOWS_US = 500_000  # so soon after one of the gateway's a stranger says a block of his own
BLOCKS_KEPT = 300  # that a stranger has recorded, of each line
BYTES = 128  # of a block

logging.getLogger("lamplighter").addHandler(logging.NullHandler())  # what a daemon logs is no result of a check


class Casts:
    """What a FirmwareDesk sees of its Daemon, and what is known of its images from outside."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet, self._street = cabinet, cabinet.street
        self.known: dict[bytes, tuple[int, str]] = {}  # (version, kind) of every image that was ever wanted
        self._data: dict[bytes, bytes] = {}
        self._retained: bytes | None = None
        self._back_us: dict[int, int] = {}  # when a version was last seen to be wanted no more
        self._desk: FirmwareDesk | None = None
        wanted = any(fault.name in ("cast", "withdrawn-cast") for fault in cabinet.street.faults)
        self._place = tempfile.TemporaryDirectory(dir=FAST if FAST.is_dir() else None) if wanted else None
        self._under_way: dict[str, set[str]] = {}  # by line, posts that install
        self._told: dict[str, Any] = {}  # the last report
        self._recorded: dict[str, list[bytes]] = {bus: [] for bus in cabinet.street.buses}
        self.free_us: dict[str, int] = {}  # when the last block has been said
        self._hungry: dict[str, bool] = {}  # a poll was due when the last frame was said, and that was a block
        self.topics = Topics("lamps", "street", "cabinet")
        self.broker = self

    # --- what the office wants

    def want(self, version: int, kind: str, data: bytes) -> None:
        """An image for all posts, in the place of the one before."""
        digest = sha256(data).digest()
        self.known[digest], self._data[digest] = (version, kind), data
        board = BOARD if kind != "wrong-board" else "other"
        self._publish({"board": board, "image": b2a_base64(data, newline=False).decode()})

    def take_back(self) -> None:
        """No image any more."""
        self._publish({"board": BOARD, "image": None})

    def _publish(self, content: dict[str, Any]) -> None:
        self._retained = json.dumps({"v": 1, "hash": document_hash(content), "firmware": content}).encode()
        self._offer()

    def _offer(self) -> None:
        """What is retained comes on a connection, and again where it could not be stored."""
        if self._desk is None or self._retained is None or not self._cabinet.centre.broker:
            return
        before = self._wanted()
        self._desk.desire(self._retained)
        for version in before - self._wanted():
            self._back_us[version] = self._street.loop.now_us

    def _wanted(self) -> set[int]:
        images = self._desk._images.values() if self._desk is not None else ()
        return {self.known[image.digest][0] for image in images}

    # --- lives of the gateway

    def begin(self) -> None:
        """A gateway has started."""
        if self._place is None:
            return
        sites = [SimpleNamespace(id=site.id, bus=site.bus) for site in self._street.spec.sites]
        buses = [SimpleNamespace(id=bus) for bus in self._street.buses]
        self.config = SimpleNamespace(state_dir=Path(self._place.name), sites=sites, buses=buses)
        self.ledger = self._cabinet.ledger
        daemon: Any = self
        self._desk = FirmwareDesk(daemon)
        asyncio.run(self._desk.restore())
        self._cabinet.every(TICK_US, self._tick)
        self._cabinet.every(OFFER_US, self._offer)

    def kill(self) -> None:
        self._desk = None

    def remove(self) -> None:
        if self._place is not None:
            self._place.cleanup()

    def online(self, post: str, boots: int) -> None:
        if self._desk is not None:
            self._desk.online(post, boots)

    def offline(self, post: str) -> None:
        if self._desk is not None:
            self._desk.offline(post)

    def _tick(self) -> None:
        if self._desk is not None:
            self._desk.tick(self.now_ms())

    # --- what a FirmwareDesk wants of its Daemon

    def spawn(self, work) -> None:
        asyncio.run(work)

    def retain(self, topic: str, payload: str) -> None:
        assert topic == self.topics.reported("firmware")
        self._told = json.loads(payload)

    def ask(self, post: str, procedure, expires_ms: int, then: Answered, background: bool = False) -> None:
        self._cabinet.ask(post, procedure, expires_ms, then, background)

    def cast(self, bus: str, blocks: list[tuple[int, bytes, bytes]], then: Answered) -> None:
        self._cabinet.cast(bus, blocks, then)

    def now_ms(self) -> int:
        return self._cabinet.now_ms()

    # --- strangers

    def hostile(self, bus: str, kind: str, draw: random.Random) -> bytes | None:
        """A block as somebody says it who wants to spoil an image: HostileBlocks.kind."""
        if kind == "replay":
            return draw.choice(self._recorded[bus]) if self._recorded[bus] else None
        if not self._data or self._street.loop.now_us > self.free_us.get(bus, 0) + FOLLOWS_US:
            return None  # no blocks are said now: he would only jam the line
        digest = draw.choice([*list(self._data)[-1:] * 4, *self._data])  # mostly the last one
        size = len(self._data[digest])
        number = draw.randrange(-(-size // BYTES) + 2)
        if self._recorded[bus] and draw.random() < 0.7:  # he hears where it is, and is quicker
            number = Ear().hear(self._recorded[bus][-1])[0].counter + draw.randint(1, 6)
        length = min(BYTES, max(1, size - number * BYTES)) if draw.random() < 0.9 else draw.randint(1, BYTES)
        payload = messages.encode(messages.BLOCK, (digest[:8], draw.randbytes(length)))
        signed = header(EVERYBODY, GATEWAY, messages.BLOCK, number) + payload
        if kind == "forged":
            return pack(signed, draw.randbytes(8))
        return pack(signed, Key(self._cabinet.keys.all_of(bus)[0]).seal(contexts.BUS, signed))

    # --- what must hold

    def said(self, bus: str, poller: Poller, data: bytes) -> None:
        """The gateway says this."""
        if self._desk is None:
            return
        block = any(frame.kind == messages.BLOCK for frame in Ear().hear(data))
        due_ms = poller._roster.next_ms()
        due = due_ms is not None and due_ms <= self.now_ms()
        if block and due and self._hungry.get(bus):
            raise self._broken(3, f"line {bus}", "block follows block, and a poll has been due since before the first")
        self._hungry[bus] = block and due
        if block:
            self.free_us[bus] = self._street.loop.now_us + (len(data) + 2) * 10_000_000 // self._street.spec.baud
            self._recorded[bus] = [*self._recorded[bus][1 - BLOCKS_KEPT :], data]

    def installs(self, one: StreetPost, version: int) -> None:
        """The gateway has had a post install what came over the line."""
        now_us, line = self._street.loop.now_us, one.bus.name
        under_way = self._under_way.setdefault(line, set())
        under_way.add(one.name)
        others = [self._street.posts[name].firmware for name in self._street.spec.lines[line]]
        most = INSTALLING if any(other is not None and version in other.ran for other in others) else 1
        if len(under_way) > most:
            raise self._broken(1, one.name, f"{sorted(under_way)} install at once, at most {most} may")
        if version not in self._wanted() and now_us > self._back_us.get(version, -LATE_US) + LATE_US:
            raise self._broken(4, one.name, f"it is to install version {version}, which is not wanted any more")

    def over(self, one: StreetPost) -> None:
        """It has started again, has refused, or has lost its power."""
        self._under_way.get(one.bus.name, set()).discard(one.name)

    def quiet(self) -> None:
        """Nobody spoils anything any more: what was given up meanwhile a person looks at, and publishes it again."""
        if self._retained is None or not any(map(_given_up, self._rows().values())):
            return
        content = json.loads(self._retained)["firmware"]
        if content["image"] is not None and content["board"] == BOARD:
            self.take_back()
            self._publish(content)
        else:
            self._street.loop.at(self._street.loop.now_us + AGAIN_US, self.quiet)

    def settle(self) -> None:
        """Wait until everybody has it, or has said why not; not without end."""
        until_us = self._street.loop.now_us + SETTLE_S * 1_000_000
        while self._street.loop.now_us < until_us and not self._settled():
            self._street.loop.run_until(self._street.loop.now_us + 10_000_000)
        if self._rows():
            self._street.loop.run_until(self._street.loop.now_us + REPORTED_US)

    def end(self) -> None:
        """Everybody has what is wanted, or it is known why not."""
        if self._desk is None or self._retained is None:
            return
        wanted = json.loads(self._retained)
        board, text = wanted["firmware"]["board"], wanted["firmware"]["image"]
        digest = sha256(a2b_base64(text)).digest() if text is not None else b""
        kind = self.known[digest][1] if digest else "nothing"
        images = {rollout.image.digest for rollout in self._rollouts()}
        if self._told["hash"] == wanted["hash"]:
            mended = board != BOARD or images == ({digest} if digest else set())
        else:  # what is no image a gateway may refuse; it goes on with the one before
            mended = kind not in (*GOOD, "nothing") and bool(self._told["error"])
        rows = self._rows()
        if not mended or set(rows) != (set(self._street.posts) if images else set()):
            raise self._broken(3, "the gateway", f"it does not have what the office wants ({kind}): {self._told}")
        for post, row in rows.items():
            if not self._others() and self._told["posts"][post] != {"board": BOARD, **row}:
                raise self._broken(3, post, f"it is reported as {self._told['posts'][post]}, and is {row}")
            self._well(self._street.posts[post], row)

    def _rows(self) -> dict[str, dict[str, Any]]:
        """How far each post is with the image for its board that is in force."""
        rows: dict[str, dict[str, Any]] = {}
        for rollout in self._rollouts():
            rows |= rollout.report()
        return rows

    def _rollouts(self) -> list[Rollout]:
        found = self._desk._rollouts.items() if self._desk is not None else ()
        return [rollout for (_, board), rollout in found if board == BOARD]

    def _others(self) -> bool:
        """Whether an image for another kind of board is in force too."""
        return self._desk is not None and any(board != BOARD for _, board in self._desk._rollouts)

    def _settled(self) -> bool:
        return all(row["state"] in ("installed", "refused", "other board") for row in self._rows().values())

    def _well(self, one: StreetPost, row: dict[str, Any]) -> None:
        digest = self._rollouts()[0].image.digest
        version, kind = self.known[digest]
        state, reason, firmware = row["state"], row["reason"], one.firmware
        if "settings" in one.flash.refused or one.post is None:
            return  # it may not be in touch with its gateway
        if state == "installed":
            wrong = kind not in ("good", "deaf")  # who lost his place kept one that is deaf before he had it again
            if wrong or firmware is None or firmware.slots.version != version or firmware.slots.trial:
                raise self._broken(4, one.name, f"it is said to run version {version} ({kind}), and does not")
        elif state != "refused":
            raise self._broken(3, one.name, f"version {version} ({kind}) never came: {row}")
        elif kind == "good" and firmware is not None and not self._excused(one, firmware.slots, version, reason):
            raise self._broken(3, one.name, f"it does not get version {version}, and no reason is good: {row}")

    def _excused(self, one: StreetPost, slots, version: int, reason: str) -> bool:
        """Whether a good image is refused for a good reason."""
        if "below the minimum" in reason:
            return slots.minimum > version
        if "did not last" in reason:
            return slots.refused == version
        return "flash refuses" in reason and bool(one.flash.refused)

    def _broken(self, promise: int, who: str, what: str) -> Broken:
        return Broken(promise, who, self._street.loop.now_us, what)


def _given_up(row: dict[str, Any]) -> bool:
    return row["state"] == "refused" and any(
        words in row["reason"] for words in ("stolen bus key", "was not installed")
    )
