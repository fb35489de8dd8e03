"""Items in little memory: sixteen of the oldest lie open, sixteen at most of the newest, what is between is packed.

An item as a tuple takes a board 36 bytes, packed as CBOR some 15; and a heap in which hundreds of small pieces come and
go has no large one left after a week, where 20 pieces leave it whole.
"""

from lamppost.wire import cbor
from lamppost.wire.errors import WireError

CHUNK = 16  # items: what one STATUS carries at most, so that one is rarely unpacked twice


class Rows:
    """A queue of tuples of six whole numbers, oldest first, the first of each rising."""

    def __init__(self):
        self._front = []  # the oldest
        self._chunks = []  # CHUNK of them in each
        self._back = []  # the newest, fewer than CHUNK; empty where `_chunks` is and `_front` has room

    def __len__(self):
        return len(self._front) + CHUNK * len(self._chunks) + len(self._back)

    def __iter__(self):
        for row in self._front:
            yield row
        for chunk in self._chunks:
            for row in _unpacked(chunk):
                yield row
        for row in self._back:
            yield row

    @property
    def last(self) -> tuple:
        """The newest; there must be one."""
        return self._back[-1] if self._back else _unpacked(self._chunks[-1])[-1] if self._chunks else self._front[-1]

    def append(self, row: tuple) -> None:
        if not self._chunks and not self._back and len(self._front) < CHUNK:
            self._front.append(row)
            return
        self._back.append(row)
        if len(self._back) == CHUNK:
            self._chunks.append(_packed(self._back))
            self._back = []

    def first(self, most: int) -> list:
        """The oldest, `most` at most."""
        if most <= len(self._front):
            return self._front[:most]
        rows = []
        for row in self:
            if len(rows) >= most:
                break
            rows.append(row)
        return rows

    def become(self, other: "Rows") -> None:
        """Hold what `other` does, which is not used any more."""
        self._front, self._chunks, self._back = other._front, other._chunks, other._back

    def drop(self, count: int) -> None:
        """Forget the `count` oldest."""
        while count >= len(self._front) and self._front:
            count -= len(self._front)
            if self._chunks:
                self._front = _unpacked(self._chunks[0])
                self._chunks = self._chunks[1:]
            else:
                self._front, self._back = self._back, []
        if count:
            self._front = self._front[count:]

    def split(self, count: int) -> "Rows":
        """The `count` oldest as Rows of their own; they stay here too."""
        rows = Rows()
        rows._front = self._front[:count]
        left = count - len(rows._front)
        whole = min(left // CHUNK, len(self._chunks))
        rows._chunks = self._chunks[:whole]
        left -= whole * CHUNK
        if left:
            rows._back = (_unpacked(self._chunks[whole]) if whole < len(self._chunks) else self._back)[:left]
        return rows

    def to_bytes(self, epoch: int) -> bytes:
        """CBOR [epoch, [row, ...]]."""
        head = b"\x82" + cbor.encode(epoch) + cbor.array_head(len(self))
        return b"".join([head, _packed(self._front)] + self._chunks + [_packed(self._back)])


def read_rows(raw: "bytes | None", epoch: int, most: int) -> Rows:
    """The oldest `most` of a stored record; none where it is damaged or of another epoch."""
    rows = Rows()
    if not raw:
        return rows
    try:
        size, at = cbor.array_at(raw, 0)
        known, at = cbor.value_at(raw, at)
        if size != 2 or known != epoch:
            return rows
        count, at = cbor.array_at(raw, at)
        for place in range(count):
            row, at = cbor.value_at(raw, at)
            if not isinstance(row, list) or len(row) != 6 or any([type(field) is not int for field in row]):
                return Rows()
            if place < most:
                rows.append(tuple(row))
    except WireError:
        return Rows()
    return rows if at == len(raw) else Rows()


def _packed(rows: list) -> bytes:
    return b"".join([cbor.encode(row) for row in rows])


def _unpacked(chunk: bytes) -> list:
    rows = []
    at = 0
    while at < len(chunk):
        row, at = cbor.value_at(chunk, at)
        rows.append(tuple(row))
    return rows
