"""Firmware on its way to a post: bytes in order, kept over a power cut, counted and checked; then wanted, or not.

`store` has the bytes: have() -> how many, clear(), append(data), digest() -> SHA-256, and keep(record), kept() -> what
was last kept; each may raise OSError. Nothing here judges what the bytes are: lamppost.update does, before anything
of them runs.
"""

from lamppost.limits import FIRMWARE_IMAGE_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from lamppost.update import Updater

SPOILT = "the bytes that came are not those that were announced"


class IntakeError(ValueError):
    """A piece is refused; the text says why and what to do."""


class Intake:
    """`wanted` is True once an image is whole and asked for; `outcome` says in words what became of the last one."""

    def __init__(self, store):
        self.wanted = False
        self.outcome = "nothing yet"
        self.untried = False  # what was installed last runs only after another start
        self.running = ""  # what the board runs, in words
        self.updater: "Updater | None" = None  # judges images for this board
        self._store = store
        record = store.kept()
        self._size, self._digest, self._unchecked = 0, b"", False
        if record is not None and len(record) == 36:
            self._size, self._digest = int.from_bytes(record[:4], "big"), record[4:]

    @property
    def have(self) -> int:
        """How many bytes are here."""
        return self._store.have() if self._size else 0

    @property
    def size(self) -> int:
        """How many bytes the image has, 0 where none is on its way."""
        return self._size

    def begin(self, size: int, digest: bytes) -> int:
        """An image of `size` bytes with this SHA-256 comes; return how many of its bytes are here already."""
        if not 0 < size <= FIRMWARE_IMAGE_MAX:
            raise IntakeError("an image has 1 to %d bytes" % FIRMWARE_IMAGE_MAX)
        if len(digest) != 32:
            raise IntakeError("a SHA-256 has 32 bytes")
        self._idle()
        if (size, digest) != (self._size, self._digest):
            self._store.clear()
            self._store.keep(size.to_bytes(4, "big") + digest)
            self._size, self._digest = size, digest
            self.outcome = "nothing yet"
        return self.have

    def put(self, offset: int, data: bytes) -> int:
        """Take the bytes at `offset`, which is what `have` says; return what it says then. One that came is fine."""
        self._idle()
        if not self._size:
            raise IntakeError("no image is on its way; begin one")
        if offset < 0 or not data:
            raise IntakeError("a piece begins at a byte of the image and has at least one")
        have = self.have
        if offset + len(data) <= have:
            return have  # the answer was lost, and it came again
        if offset != have:
            raise IntakeError("go on at byte %d" % have)
        if have + len(data) > self._size:
            raise IntakeError("the image has %d bytes, these are more" % self._size)
        self._store.append(data)
        return have + len(data)

    @property
    def digest(self) -> bytes:
        """The SHA-256 that was announced."""
        return self._digest

    def install(self, later: bool = False) -> None:
        """Ask for the image to be checked and installed: the board does it between its other work. With `later` it
        also looks only then (`spoilt`) whether the bytes are those that were announced."""
        self._idle()
        have = self.have
        if not self._size or have != self._size:
            raise IntakeError("the image is not whole: %d of %d bytes" % (have, self._size))
        self._unchecked = later
        if not later and self._store.digest() != self._digest:
            self._store.clear()
            raise IntakeError("the bytes are not those that were announced; send the image again")
        self.wanted = True
        self.outcome = "checking and installing"

    def spoilt(self, pause) -> bool:
        """Whether what is wanted is not what was announced; then it is thrown away."""
        if not self._unchecked or self._store.digest(pause) == self._digest:
            return False
        self._store.clear()
        self.done(SPOILT)
        return True

    def done(self, outcome: str) -> None:
        """The board has dealt with what was wanted."""
        self.wanted = False
        self.outcome = outcome

    def _idle(self) -> None:
        if self.wanted:
            raise IntakeError("an image is being installed; ask again later")
