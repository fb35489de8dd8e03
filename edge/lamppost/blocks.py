"""Firmware that comes to all posts of a line at once, in blocks that may be lost: PROTOCOL.md, section 9.

Rules kept here
- A block is named by the first bytes of the image's SHA-256 and its number, so it may come twice, late, or from a
  recording, and changes nothing then. Those of one segment of 32 are collected in RAM, in any order; a whole segment
  goes to the store of the intake, where it outlives a power cut.
- BLOCKs are sealed with the bus key, which every post of the line has. So they prove nothing: what the image is, and
  that it is to be installed, comes in the session; the whole is checked against that SHA-256; its signature decides.
- What somebody sends through the service port meanwhile is not thrown away while it goes on.
"""

from lamppost.intake import SPOILT, IntakeError
from lamppost.limits import BLOCK_BYTES, SEGMENT_BLOCKS
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.seal import fits

_SEGMENT = BLOCK_BYTES * SEGMENT_BLOCKS
_WRITE = 8  # blocks that go to flash in one piece: no 4 KB of a heap lie in one piece after a week


class Blocks:
    """What the Post at `link` has of an image. `board`, `version`: what the gateway says that it is for."""

    def __init__(self, post, link):
        self._post = post
        self._link = link
        self.board, self.version = "", 0
        self._name = b""
        self._segment = self._missing = 0  # the one being collected, and a bit for each block that it lacks
        self._held = {}
        self._other = -1  # how much there was of another image when the gateway asked
        link.block = self.take

    def answer(self, message) -> tuple:
        """The values of the FIRMWARE_OK that answers a FIRMWARE or a MISSING."""
        if message.kind == messages.FIRMWARE:
            code, text = self._firmware(*message.values)
        elif message.values[0] == self._name and self._name == self._post.intake.digest[:8]:
            code, text = messages.MORE, ""
        else:
            code, text = messages.AGAIN, "no such image is on its way"
        while len(text.encode()) > 96:
            text = text[:-1]
        more = code == messages.MORE
        return code, self._segment if more else 0, self._missing if more else 0, text

    def take(self, frame) -> None:
        """Take a BLOCK. Raises WireError where it is one that we lack, and not what it should be."""
        at = frame.counter - self._segment * SEGMENT_BLOCKS
        if not 0 <= at < SEGMENT_BLOCKS or not self._missing >> at & 1:
            return
        name, data = frame.values()
        intake = self._post.intake
        if name != self._name or name != intake.digest[:8]:
            return
        two = self._link.two
        keys = (two.newer, two.older) if two else (self._link.bus,)
        if not [key for key in keys if fits(key, contexts.BUS, frame.signed, frame.seal)]:
            raise WireError("bad seal")
        if len(data) != min(BLOCK_BYTES, intake.size - frame.counter * BLOCK_BYTES):
            raise WireError("a block of the wrong length")
        self._held[at] = data
        self._missing &= ~(1 << at)
        if not self._missing:
            try:
                self._write(intake)
            except (IntakeError, OSError):
                pass  # what was not written is missing
            self._open(intake)

    def _firmware(self, what: int, board: str, version: int, size: int, digest: bytes):
        """(code, text) of the answer."""
        intake = self._post.intake
        if intake is None or intake.updater is None:
            return messages.REFUSED, "this board takes no firmware: it has no key of the site"
        updater = intake.updater
        slots = updater.slots
        self.board, self.version = board, version
        if board != updater.board:
            return messages.OTHER, "the image is for board '%s', this is '%s'" % (board, updater.board)
        mine = (size, digest) == (intake.size, intake.digest)
        if version == slots.version:
            if slots.trial:
                return messages.OK, "installing" if intake.untried else "on trial"
            return messages.DONE, ""
        if intake.wanted:
            return (messages.OK, "installing") if mine else (messages.AGAIN, "another image is being installed")
        if mine and intake.outcome.startswith("refused"):
            return messages.REFUSED, intake.outcome[9:]
        try:
            updater.suits(self)
        except ValueError as error:
            return (messages.AGAIN if slots.trial else messages.REFUSED), str(error)
        if not mine and self._name != intake.digest[:8] and intake.have not in (0, intake.size, self._other):
            self._other = intake.have
            return messages.AGAIN, "another image is on its way"
        try:
            if not mine or self._name != digest[:8]:
                intake.begin(size, digest)
                self._name = digest[:8]
                self._open(intake)
            if what == messages.INSTALL and intake.have == size:
                intake.install(True)
                return messages.OK, "installing"
            if intake.have < self._segment * _SEGMENT:
                self._open(intake)  # it was thrown away
        except IntakeError as error:
            return messages.REFUSED, str(error)
        except OSError as error:
            return messages.AGAIN, "flash refuses (%s)" % error
        return messages.MORE, SPOILT if intake.outcome == SPOILT else ""

    def _open(self, intake) -> None:
        """Collect the first segment that does not lie in the store whole."""
        have, size = intake.have, intake.size
        self._held = {}
        self._missing = 0
        self._segment = have // _SEGMENT if have < size else -(-size // _SEGMENT)
        for at in range(SEGMENT_BLOCKS):
            start = self._segment * _SEGMENT + at * BLOCK_BYTES
            if start < size and have < min(start + BLOCK_BYTES, size):
                self._missing |= 1 << at

    def _write(self, intake) -> None:
        """Put the whole segment into the store, behind what lies there of it."""
        for first in range(0, SEGMENT_BLOCKS, _WRITE):
            data = b"".join([self._held[at] for at in range(first, first + _WRITE) if at in self._held])
            if data:
                start = self._segment * _SEGMENT + min(at for at in self._held if at >= first) * BLOCK_BYTES
                skip = max(0, intake.have - start)
                intake.put(start + skip, data[skip:])
