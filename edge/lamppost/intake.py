"""Firmware on its way to a post: bytes in order, kept over a power cut, counted and checked; then wanted, or not.

`store` has the bytes: have() -> how many, clear(), append(data), digest() -> SHA-256, and keep(record), kept() -> what
was last kept; each may raise OSError. Nothing here judges what the bytes are: lamppost.update does, before anything
of them runs.
"""

from binascii import a2b_base64

from lamppost.limits import FIRMWARE_IMAGE_MAX

PIECE = 96  # bytes in a line of the console: 128 characters of base64


class IntakeError(ValueError):
    """A piece is refused; the text says why and what to do."""


class Intake:
    """`wanted` is True once an image is whole and asked for; `outcome` says in words what became of the last one."""

    def __init__(self, store):
        self.wanted = False
        self.outcome = "nothing yet"
        self.running = ""  # what the board runs, in words
        self._store = store
        record = store.kept()
        self._size, self._digest = 0, b""
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

    def install(self) -> None:
        """Ask for the image to be checked and installed: the board does it between its other work."""
        self._idle()
        have = self.have
        if not self._size or have != self._size:
            raise IntakeError("the image is not whole: %d of %d bytes" % (have, self._size))
        if self._store.digest() != self._digest:
            self._store.clear()
            raise IntakeError("the bytes are not those that were announced; send the image again")
        self.wanted = True
        self.outcome = "checking and installing"

    def done(self, outcome: str) -> None:
        """The board has dealt with what was wanted."""
        self.wanted = False
        self.outcome = outcome

    def _idle(self) -> None:
        if self.wanted:
            raise IntakeError("an image is being installed; ask again later")

    # --- what the service console says, see console.py

    def status(self) -> list:
        """Lines of text."""
        head = ["running " + self.running, "have %d" % self.have, "size %d" % self._size]
        return head + ["outcome " + self.outcome]

    def command(self, words: list) -> list:
        """begin SIZE SHA256, put OFFSET BASE64, install. Raises IntakeError; OSError from the store."""
        try:
            if words[0] == "begin" and len(words) == 3:
                return ["have %d" % self.begin(int(words[1]), _hex(words[2]))]
            if words[0] == "put" and len(words) == 3:
                return ["have %d" % self.put(int(words[1]), a2b_base64(words[2]))]
        except IntakeError:
            raise
        except ValueError:
            raise IntakeError("numbers are whole, a SHA-256 is hexadecimal, bytes are base64")
        if words[0] == "install" and len(words) == 1:
            self.install()
            return ["outcome " + self.outcome]
        raise IntakeError("firmware takes: begin SIZE SHA256, put OFFSET BASE64, install; or nothing")


def _hex(text: str) -> bytes:
    return bytes([int(text[at : at + 2], 16) for at in range(0, len(text), 2)])
