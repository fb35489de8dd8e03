"""Signed firmware on a post of the checker's street: real images, and the Firmware of a board, on the post's flash.

The images are signed with a throw-away key. What is in them is no program: `kind` says what a post does that runs it
(good; dies two seconds after each start; deaf: hears no gateway), or what is wrong with it (BAD). To a board's Firmware
time goes SCALE times as fast, so that minutes hold a whole life.

The invariants: what runs is to the byte an image that was signed for this board, not below the minimum that one
confirmed before has set, the one confirmed last or one on trial; no more than three starts of one on trial; one that
dies is never kept, nor one that is deaf where the post has a line, nor one before it ran for as long as it should; a
trial ends.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from lamplighter.provision.secret_key import SecretKey
from lamppost.boards import firmware as boards
from lamppost.intake import Intake, IntakeError
from lamppost.sign.minisign import PublicKey
from lamppost.store.slots import HEALTHY_MS, Slots
from lamppost.update import MAGIC
from lampsim.check.broken import Broken
from lampsim.check.world.flash import Cut, Flash

if TYPE_CHECKING:
    from lampsim.check.world.post import StreetPost
    from lampsim.check.world.street import Street

GOOD = ("good", "dies", "deaf")
BAD = (
    "noise", "truncated", "flipped-bit", "flipped-manifest", "flipped-signature", "wrong-key", "wrong-board",
    "downgrade", "trailing", "twice", "outside", "absolute", "no-files", "other-file", "minimum-above", "not-text",
)  # fmt: skip
BOARD, DELIVERED = "street", 10  # and the version that posts are delivered with, which is the minimum too
INCOMING = "incoming.llf"
LOOK_US, SEND_US, RESTART_US = 1_000_000, 100_000, 1_000_000
SLOW_US = 8_000_000  # a board that checks and copies for a while, and then starts again
DIES_US = 2_000_000
SCALE = 40
ENDS_US = 60_000_000  # a post that has run and been asked for so long has nothing on trial
PIECE = 200
CAST = 10  # of so many versions one goes to a whole line at once, and is larger than a segment
STARTS_MAX = 3
Files = list[tuple[str, bytes]]


@cache
def _key(name: bytes) -> SecretKey:
    return SecretKey(sha256(b"throw-away " + name).digest(), name.ljust(8, b"!")[:8])


@cache
def _public() -> PublicKey:
    return PublicKey(_key(b"site").public_text())


def next_version(last: int, cast: bool) -> int:
    """The first version above `last` that is sent to one post, or to a whole line."""
    version = last + 1
    while _is_cast(version) != cast:
        version += 1
    return version


def _is_cast(version: int) -> bool:
    return version % CAST == CAST // 2


def files_of(version: int) -> Files:
    """What a version consists of."""
    draw = random.Random(f"firmware {version}")
    parts = [("lamppost/__init__.mpy", 0), ("lamppost/post.mpy", 1300), ("main.mpy", draw.randrange(1, 700))]
    if _is_cast(version):
        parts.append(("lamppost/wire.mpy", draw.randrange(2000, 7000)))
    return [(path, draw.randbytes(size)) for path, size in parts]


def image_of(version: int, kind: str, draw: random.Random) -> bytes:
    """An image of `version` (or, where it is to be too old, of one below DELIVERED)."""
    version = DELIVERED - 1 if kind == "downgrade" else version
    files = files_of(version)
    head = ["lamplighter firmware 1", f"board {BOARD if kind != 'wrong-board' else 'other'}", f"version {version}"]
    minimum = version + 1 if kind == "minimum-above" else version - (version > DELIVERED)
    head += [f"minimum {minimum}", f"label v{version}"]
    if kind in ("outside", "absolute"):
        files.append(("../records/slot.0" if kind == "outside" else "/main.mpy", draw.randbytes(40)))
    elif kind == "twice":
        files.append(files[1])
    elif kind == "no-files":
        files = []
    lines = head + [f"file {path} {len(data)} {sha256(data).hexdigest()}" for path, data in files]
    text = ("\n".join(lines) + "\n").encode()
    if kind == "not-text":
        text = text.replace(b"label v", b"label \xff")
    signature = _key(b"thief" if kind == "wrong-key" else b"site").sign(text, f"version {version}")
    if kind == "flipped-manifest":
        text = _flipped(text, draw)
    elif kind == "flipped-signature":
        at = signature.index(b"\n") + 1
        signature = signature[:at] + _flipped(signature[at:], draw)
    bodies = b"".join(data for _, data in files)
    if kind == "flipped-bit":
        bodies = _flipped(bodies, draw)
    elif kind == "other-file":
        bodies = draw.randbytes(len(bodies))
    data = MAGIC + len(text).to_bytes(2, "big") + len(signature).to_bytes(2, "big") + text + signature + bodies
    if kind == "noise":
        return draw.randbytes(len(data))
    if kind == "truncated":
        return data[: draw.randrange(1, len(data))]
    return data + b"more" if kind == "trailing" else data


def _flipped(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << draw.randrange(8)]) + data[at + 1 :]


class _Store:
    """The store of an Intake, on the post's flash."""

    def __init__(self, flash: Flash, journal) -> None:
        self._flash, self._journal = flash, journal

    def have(self) -> int:
        return len(self._flash.files.get(INCOMING, b""))

    def clear(self) -> None:
        if INCOMING in self._flash.files:
            self._flash.wipe(INCOMING)

    def append(self, data: bytes) -> None:
        self._flash.append(INCOMING, data)

    def part(self, offset: int, count: int) -> bytes:
        return self._flash.part(INCOMING, offset, count)

    def digest(self, pause=None) -> bytes:
        return sha256(self._flash.files.get(INCOMING, b"")).digest()

    def keep(self, record: bytes) -> None:
        self._journal.put("intake", record)

    def kept(self) -> bytes | None:
        return self._journal.get("intake")


class _Intake(Intake):
    """The real one; `asked` is called when the gateway has it install what came over the line."""

    def __init__(self, store: _Store, asked: Callable[[], None]) -> None:
        super().__init__(store)
        self._asked = asked

    def install(self, later: bool = False) -> None:
        super().install(later)
        if later:
            self._asked()


class _Board(boards.Firmware):
    """The Firmware of one start of a board. `folder` is what it runs."""

    def __init__(self, one: StreetPost, asked: Callable[[], None], restart: Callable[[], None]) -> None:
        self._begin(_Store(one.flash, one.journal), one.flash, BOARD, one.journal, restart, _public())
        self.intake: _Intake = _Intake(self._store, asked)
        self.intake.updater = self._updater
        self._say_what_runs()

    @property
    def slots(self) -> Slots:
        return self._slots

    def begin(self) -> str:
        """Choose a folder, as boards/choose.py does."""
        folder = self._slots.start()
        self._starts(folder == self._slots.spare)
        return folder

    def deliver(self) -> None:
        """What a workshop puts on it."""
        image = image_of(DELIVERED, "good", random.Random(0))
        self._updater.install(lambda offset, count: image[offset : offset + count])
        self._slots.start()
        self._slots.confirm()

    def digest(self) -> bytes:
        return self._store.digest()


class Firmware:
    """What the board of one post does with firmware, and what is known of it from outside."""

    def __init__(self, street: Street, one: StreetPost) -> None:
        self._street, self._one = street, one
        self.kinds = {DELIVERED: "good"}  # of every version that was sent
        self.running = self.confirmed = self._floor = DELIVERED
        self.outcomes: list[str] = []
        self._starts: dict[int, int] = {}
        self._sending: tuple[str, bytes] | None = None
        self._images: dict[bytes, tuple[int, str]] = {}  # (version, kind) by SHA-256 of what was sent to this post
        self.ran: set[int] = set()  # every version that was ever started
        self._restarting = False
        self._until_us = self._confirming = 0
        one.flash.cuts, cuts = [], one.flash.cuts
        self._board = _Board(one, self._asked, self._start_again)
        self._board.deliver()
        one.flash.cuts = cuts
        self._take()
        self._look()

    @property
    def slots(self) -> Slots:
        return self._board.slots

    @property
    def intake(self) -> _Intake:
        return self._board.intake

    def _take(self) -> None:
        if self._one.post is not None:
            self._one.post.intake = self.intake

    # --- as on a board

    def start(self) -> None:
        """The board has its power: choose a folder and run what is in it. Cut may come of it."""
        self._board = _Board(self._one, self._asked, self._start_again)
        folder = self._board.begin()
        self.running = version = self.slots.versions["ab".index(folder)]
        self._judge(folder, version)
        self.ran.add(version)
        self._restarting = False
        self._street.cabinet.casts.over(self._one)
        if self.kinds[version] == "dies":
            us = self._street.loop.now_us
            self._street.loop.at(us + DIES_US, lambda: self._restart() if self._one.on_us == us else None)

    def started(self) -> None:
        """The Post is put together."""
        self._take()

    def stopped(self) -> None:
        """The Post is gone; where the power went, so is the wish that something be installed."""
        if not self._restarting:
            self._street.cabinet.casts.over(self._one)

    def _restart(self, after_us: int = RESTART_US) -> None:
        self._restarting = True
        self._one.stop()
        self._street.loop.at(self._street.loop.now_us + after_us, self._one.start)

    def _start_again(self) -> None:
        """The board's Firmware wants it."""
        version = self.slots.version
        random = self._street.random_of("restart", self._one.name, version)
        self._restart(random.randrange(RESTART_US, SLOW_US) if _is_cast(version) else RESTART_US)

    def _asked(self) -> None:
        self._street.cabinet.casts.installs(self._one, self._image()[0])

    def _image(self) -> tuple[int, str]:
        """(version, kind) of what is on its way."""
        digest, none = self.intake.digest, (0, "nothing that was sent")
        return self._images.get(digest) or self._street.cabinet.casts.known.get(digest, none)

    def _look(self) -> None:
        self._street.loop.at(self._street.loop.now_us + LOOK_US, self._look)
        post = self._one.post
        if post is None:
            return
        wanted, (version, kind), whole = self.intake.wanted, self._image(), self._board.digest() == self.intake.digest
        on_trial, before, thrown_out = self.slots.trial, self.slots.version, self.slots.refused
        ran_ms, on_line = self._one.ran_ms() * SCALE, post.line is not None
        asked_ms = 0 if self.kinds[self.running] == "deaf" else post.upkeep.polled_ms
        if on_trial and before == self.running and ran_ms >= HEALTHY_MS and (asked_ms or not on_line):
            self._confirming = before
        try:
            with redirect_stdout(io.StringIO()):
                self._board.look(ran_ms, on_line, asked_ms, None)
        except Cut:
            return
        except OSError:  # what a board does whose program ends with an error
            self._restart()
            return
        if wanted and not self.intake.wanted and (on_trial or not self.slots.trial):
            self._refused(version, kind, before)
        elif wanted and not self.intake.wanted:
            self._installed(version, kind, whole, thrown_out)
        elif on_trial and not self.slots.trial:
            self._confirm(before, on_line)

    def _refused(self, version: int, kind: str, before: int) -> None:
        self.kinds.setdefault(version, kind)
        self.outcomes.append(f"{kind}: {self.intake.outcome}")
        self._street.cabinet.casts.over(self._one)
        if self.slots.version != before:
            raise self._broken(1, f"it keeps version {self.slots.version}, which it has not tried")

    def _installed(self, version: int, kind: str, whole: bool, thrown_out: int) -> None:
        self.kinds.setdefault(version, kind)
        self.outcomes.append(f"{kind}: installed")
        if kind not in GOOD or self.slots.version != version or not whole:
            raise self._broken(4, f"it installs an image that is bad: {kind}")
        if version == thrown_out:
            raise self._broken(1, f"it tries version {version} again, which it threw out last")
        self._starts[version] = 0  # a post remembers only the last one that it threw out

    # --- who sends

    def send(self, version: int, kind: str, draw: random.Random, until_us: int) -> None:
        """Somebody has this image and sends it until the post has it, or until then."""
        if kind in GOOD:
            self.kinds[version] = kind
        else:
            self.kinds.setdefault(version, kind)
        begin = self._sending is None
        data = image_of(version, kind, draw)
        self._images[sha256(data).digest()] = version, kind
        self._sending, self._until_us = (kind, data), until_us
        if begin:
            self._send()

    def _send(self) -> None:
        now_us = self._street.loop.now_us
        if self._sending is None or now_us > self._until_us:
            self._sending = None
            return
        self._street.loop.at(now_us + SEND_US, self._send)
        if self._one.post is None or self.intake.wanted:
            return
        data = self._sending[1]
        try:
            have = self.intake.begin(len(data), sha256(data).digest())
            if have < len(data):
                self.intake.put(have, data[have : have + PIECE])
            else:
                self.intake.install()
                self._sending = None
        except (Cut, OSError, IntakeError):
            return  # the power is gone, or it is tried again

    # --- from outside

    def _judge(self, folder: str, version: int) -> None:
        kind = self.kinds.get(version)
        if kind not in GOOD:
            raise self._broken(4, f"it runs version {version}, which nobody may install ({kind})")
        if self._one.flash.folder(folder) != dict(files_of(version)):
            raise self._broken(1, f"it runs folder {folder}, which is not what was signed as version {version}")
        if version < self._floor:
            raise self._broken(4, f"it runs version {version}, and one with the minimum {self._floor} was confirmed")
        if version == self.confirmed:
            return
        if not (self.slots.trial and version == self.slots.version):
            if version == self._confirming == self.slots.version:  # the power went when that had just been written
                self._confirm(version, False)
                return
            raise self._broken(1, f"it runs version {version}, which is not on trial; {self.confirmed} was confirmed")
        self._starts[version] = self._starts.get(version, 0) + 1
        if self._starts[version] > STARTS_MAX:
            raise self._broken(1, f"it starts version {version}, which is on trial, for the {STARTS_MAX + 1}th time")

    def _confirm(self, version: int, on_line: bool) -> None:
        kind = self.kinds[version]
        if kind == "dies" or (kind == "deaf" and on_line):
            raise self._broken(1, f"it keeps version {version} ({kind})")
        if version != self._confirming:
            raise self._broken(1, f"it keeps version {version} before it has tried it for long enough")
        self.confirmed, self._floor = version, max(self._floor, version - 1)

    def end(self) -> None:
        """All is quiet: nothing that runs is on trial any more. What flash could not count did not run."""
        one, now_us = self._one, self._street.loop.now_us
        asked = one.post is not None and one.post.upkeep.polled_ms and now_us - one.on_us > ENDS_US
        runs = self.running == self.slots.version
        if asked and runs and self.slots.trial and self.kinds[self.slots.version] == "good":
            raise self._broken(1, f"its version {self.slots.version} is on trial without end")

    def _broken(self, promise: int, what: str) -> Broken:
        return Broken(promise, self._one.name, self._street.loop.now_us, what)
