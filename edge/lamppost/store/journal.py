"""Small records that outlive a power cut: each in two copies, written in turn, the newer whole one counts.

A record is `LJ1 sequence:4 length:2 crc:4 data`. A write goes to the older copy, so whatever a cut leaves behind
(nothing, a part, garbage) the other copy still holds the state before. Nothing is atomic across two records.

`flash` is injected: `read(name) -> bytes or None` and `write(name, data)`, which may raise OSError.
"""

from binascii import crc32

_MAGIC = b"LJ1"
_HEAD = 13


class Journal:
    """Records by name (a-z, at most 16 characters) over a `flash`."""

    def __init__(self, flash):
        self._flash = flash
        self._newest = {}

    def get(self, name: str) -> "bytes | None":
        """The newest whole copy of a record, or None where there is none."""
        best = None
        best_sequence = -1
        for copy in (0, 1):
            found = _open(self._flash.read("%s.%d" % (name, copy)))
            if found is not None and found[0] > best_sequence:
                best_sequence, best = found
                self._newest[name] = (copy, best_sequence)
        return best

    def put(self, name: str, data: bytes) -> None:
        """Write a record; OSError from the flash passes through and leaves the copy before in force."""
        if name not in self._newest and self.get(name) is None:
            self._newest[name] = (1, 0)
        copy, sequence = self._newest[name]
        copy, sequence = 1 - copy, sequence + 1
        self._flash.write("%s.%d" % (name, copy), _close(sequence, data))
        self._newest[name] = (copy, sequence)


def _close(sequence: int, data: bytes) -> bytes:
    head = sequence.to_bytes(4, "big") + len(data).to_bytes(2, "big")
    return _MAGIC + head + crc32(data, crc32(head)).to_bytes(4, "big") + data  # no copy more: 2.6 KB in one piece


def _open(raw: "bytes | None"):
    """Return (sequence, data) of a whole copy, else None."""
    if raw is None or len(raw) < _HEAD or raw[:3] != _MAGIC:
        return None
    head, data = raw[3:9], raw[_HEAD:]
    if len(data) != int.from_bytes(head[4:6], "big"):
        return None
    if crc32(data, crc32(head)) != int.from_bytes(raw[9:13], "big"):
        return None
    return int.from_bytes(head[:4], "big"), data
