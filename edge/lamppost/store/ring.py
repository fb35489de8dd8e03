"""Items that wait in flash while there is no gateway: a ring of segments, the oldest overwritten when it is full.

Sized for a week: readings each 15 minutes are 672, which leaves 200 detections a day; a lit path has some hundred. A
segment is one record of 128 items (2.6 KB, one block of a board's flash), so a week alone costs 16 writes. While the
gateway listens nothing comes here.

A segment: CBOR [epoch of the item numbers, [[seq, kind, utc_s, a, b, c], ...]]; empty when its items have been
acknowledged. One that is damaged, or of another epoch, is no segment.
"""

from lamppost.limits import RING_ITEMS, RING_SEGMENTS
from lamppost.store.rows import Rows, read_rows


class Ring:
    """`load(name)` reads a record or None, `save(name, bytes)` writes one; `epoch` is that of the item numbers."""

    def __init__(self, load, save, epoch: int):
        self._load = load
        self._save = save
        self.epoch = epoch
        self._segments = []  # (first seq, last seq, slot, items), oldest first
        self._head = None  # what is left of the oldest segment, once it was asked for
        for slot in range(RING_SEGMENTS):
            rows = self._read(slot)
            if len(rows):
                self._segments.append((rows.first(1)[0][0], rows.last[0], slot, len(rows)))
        self._segments.sort()

    def __len__(self):
        return sum([segment[3] for segment in self._segments])

    @property
    def last_seq(self) -> int:
        """The newest number in flash, 0 without one."""
        return self._segments[-1][1] if self._segments else 0

    def oldest(self, most: int, acked: int) -> list:
        """At most `most` items of the oldest segment, of those above `acked`, oldest first."""
        if not self._segments:
            return []
        if self._head is None:
            self._head = self._read(self._segments[0][2])
        gone = 0
        for row in self._head:
            if row[0] > acked:
                break
            gone += 1
        self._head.drop(gone)
        return self._head.first(most)

    def put(self, rows: Rows) -> int:
        """Write a segment; return how many of the oldest items had to go for it."""
        first = rows.first(1)[0][0]
        dropped = 0
        if len(self._segments) >= RING_SEGMENTS:
            dropped = self._segments[0][3]
            slot = self._segments[0][2]
            self._forget_oldest()
        else:
            used = [segment[2] for segment in self._segments]
            slot = first // RING_ITEMS % RING_SEGMENTS  # each slot in its turn: wear is spread
            while slot in used:
                slot = (slot + 1) % RING_SEGMENTS
        if not self._segments:
            self._head = rows  # what is saved now cannot be loaded before it was done
        self._segments.append((first, rows.last[0], slot, len(rows)))
        self._save(_name(slot), rows.to_bytes(self.epoch))
        return dropped

    def taken_back(self) -> None:
        """Flash has refused what was `put` last."""
        self._segments = self._segments[:-1]
        if not self._segments:
            self._head = None

    def acknowledge(self, seq: int) -> None:
        """Free the segments that hold nothing above `seq`."""
        while self._segments and self._segments[0][1] <= seq:
            self._save(_name(self._segments[0][2]), b"")
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._segments = self._segments[1:]
        self._head = None

    def _read(self, slot: int) -> Rows:
        return read_rows(self._load(_name(slot)), self.epoch, RING_ITEMS)


def _name(slot: int) -> str:
    return "ring%02d" % slot
