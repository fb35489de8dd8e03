"""Readings and events waiting until the gateway has stored them.

Each has a sequence number that is never used twice: numbers are reserved ahead in flash, so a power cut skips some
and repeats none. Where flash refuses that, what comes from then on belongs to another epoch (numbers.py, refused.py)
and waits behind what is left of the one before. When a start learns the time it goes on with the number that the time
is: neighbours, who refuse a number below one they have heard, so hear a post again that has lost its count. While the
gateway listens they are in RAM only. When many wait, the oldest go to a ring in flash; when the gateway has been
silent for a while `keep` writes down the rest, so that a power cut takes at most what is newer. What was kept and
acknowledged later may be told again after a power cut, under its number: the gateway has it already.
An event on the line announces a PRESENCE item by its number; any other goes only after a STATUS has told it, so that
nobody can have it forgotten by an event that he forged.
Where there is no ring and the queue is full, the oldest reading goes before any event does; losses are counted.
"""

from lamppost.limits import ITEMS_JUMP_MAX, ITEMS_MAX, ITEMS_RESERVE, ITEMS_SPILL, RING_ITEMS
from lamppost.store.rows import Rows, read_rows
from lamppost.wire import messages

RECORD = "items"
_AHEAD = 8  # so many numbers before the last: what is asked for is then in flash, or refused, before one is said


class Items:
    """A queue of (seq, kind, utc_s, a, b, c). `reserve(seq)` stores that numbers below `seq` may be in use; those below
    `reserved` are already."""

    def __init__(self, next_seq: int, reserve, ring=None, reserved: int = 0):
        self.next_seq = self.born_seq = next_seq
        self.dropped = 0
        self.hold = False  # True while the board tells what flash refused: what was written last is not sure yet
        self.skipped = (0, 0)  # from and to: the numbers that the jump has left out
        self._reserved = reserved or next_seq  # 0: none can be, they are given out as they come
        self._reserve = reserve
        self._ring = ring
        self._waiting = Rows()
        self._later = None  # Rows: what belongs to the epoch that begins once nothing of this one waits
        self._flash = True  # takes segments
        self._spilled = 0  # of the first of `_waiting`: they have been given to the ring
        self._acked = self._told = 0
        self._kept_seq = 0  # the newest that `keep` wrote, 0: nothing is written down

    def __len__(self):
        return self.held() + (0 if self._later is None else len(self._later))

    def held(self) -> int:
        """How many wait of the epoch that is told now."""
        return len(self._waiting) - self._spilled + (len(self._ring) if self._ring is not None else 0)

    @property
    def first_seq(self) -> int:
        """The number of the oldest item that waits, that of the next one where none does."""
        held = self.oldest(1)
        return held[0][0] if held else self.next_seq

    @property
    def newest_seq(self) -> int:
        """The number of the newest item that waits, 0 where none does."""
        return self._waiting.last[0] if len(self._waiting) else 0

    def restore(self, raw: "bytes | None", epoch: int) -> None:
        """Take back what `keep` wrote before the power went."""
        known = self._ring.last_seq if self._ring is not None else 0
        self._waiting = Rows()
        for item in read_rows(raw, epoch, ITEMS_MAX):
            if known < item[0] < self.next_seq:
                self._waiting.append(item)
        self._kept_seq = self.newest_seq

    def keep(self, epoch: int) -> "bytes | None":
        """The record to write now, None where flash already says it."""
        self._settle()
        if self.newest_seq == self._kept_seq:
            return None
        self._kept_seq = self.newest_seq
        return self._waiting.to_bytes(epoch) if len(self._waiting) else b""

    def add(self, kind: int, utc_s: int, a: int = 0, b: int = 0, c: int = 0) -> int:
        """Queue an item; return its sequence number."""
        self._settle()
        self._ahead()
        seq = self.next_seq
        self.next_seq += 1
        queue = self._waiting if self._later is None else self._later
        if len(queue) >= ITEMS_MAX:
            self._make_room(queue)
        queue.append((seq, kind, utc_s, a, b, c))
        ring = self._ring
        if ring is not None and self._flash and not self._spilled and len(self._waiting) >= ITEMS_SPILL:
            self.dropped += ring.put(self._waiting.split(RING_ITEMS))
            self._spilled = RING_ITEMS  # they stay in RAM until flash has taken them
        return seq

    def jump(self, utc_s: int) -> None:
        """The time is known: go on with the number that it is, once in a start."""
        if not self.skipped[1]:
            before, self.next_seq = self.next_seq, max(self.next_seq, min(utc_s, ITEMS_JUMP_MAX))
            self.skipped = (before, self.next_seq)
            self._ahead()

    def _ahead(self) -> None:
        if self._reserved and self.next_seq > self._reserved - _AHEAD:
            self.secure()

    def secure(self) -> None:
        """Reserve numbers, from here on."""
        self._reserved = self.next_seq + ITEMS_RESERVE
        self._reserve(self._reserved)

    def tell(self, seq: int) -> None:
        """A STATUS carries every item that waits, up to and including `seq`."""
        if seq > self._told:
            self._told = seq

    def acknowledge(self, seq: int) -> None:
        """Forget the items up to and including `seq`: the gateway has them on disk. One that is no PRESENCE, and those
        after it, stay until they have been told.

        A number that was never given out is no acknowledgement: nothing goes.
        """
        if seq >= self.next_seq or seq <= self._acked:
            return
        self._settle()
        if self._ring and seq > self._told:  # it is not empty
            seq = self._told
        gone = 0
        for item in self._waiting:
            if item[0] > seq:
                break
            if item[1] != messages.PRESENCE and item[0] > self._told:
                seq = item[0] - 1
                break
            gone += 1
        self._acked = max(self._acked, seq)
        if self._ring is not None:
            self._ring.acknowledge(self._acked)
        self._waiting.drop(gone)

    def oldest(self, most: int) -> list:
        """At most `most` items, oldest first; they stay until acknowledged."""
        self._settle()
        if self._ring:  # is not empty
            held = self._ring.oldest(most, self._acked)
            if held:
                return held
        return self._waiting.first(most)

    def _settle(self) -> None:
        if self._spilled and not self.hold:
            self._waiting.drop(self._spilled)
            self._spilled = 0

    def _make_room(self, queue: Rows) -> None:
        self.dropped += 1
        kinds = [item[1] for item in queue]
        place = kinds.index(messages.READING) if messages.READING in kinds else 0
        kept = Rows()
        for item in queue:
            if place:
                kept.append(item)
            place -= 1
        queue.become(kept)
