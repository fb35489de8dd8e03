"""Energy by the hour, kept for at least 40 days in six records of eight days; only the one being written is in RAM.

A record: the number of the block (hours since 2000 / 192), four bytes, then for each of its 192 hours three bytes,
tenths of a watt-hour; big-endian. What is less than a tenth is carried into the next hour, so that the sum stays true.
Hours are those of UTC. Energy used while the time was unknown for over an hour has no hour: it is in the total only.
"""

BLOCK_HOURS = 192
BLOCKS = 6  # five whole ones and the one being written: 40 to 48 days
DAYS = 40
_UNIT_MWH = 100
_BYTES = 4 + 3 * BLOCK_HOURS
_MOST = (1 << 24) - 1  # 1.6 MWh in an hour: no lamp post


class Energy:
    """`load(name)` reads a stored record or None; `total_mwh` is what the meter counted when the power came."""

    def __init__(self, load, total_mwh: int):
        self._load = load
        self._total_mwh = total_mwh
        self._since_ms = 0
        self._block = -1
        self._data = bytearray()

    def account(self, utc_s: "int | None", total_mwh: int, t_ms: int) -> None:
        """Give what was used since the last call to the hour that ends, or runs, at utc_s."""
        if utc_s is None:
            return
        used_mwh = total_mwh - self._total_mwh
        if t_ms - self._since_ms > 3600000 + 60000 or used_mwh < 0:  # the time was unknown for longer
            used_mwh = 0
            self._total_mwh = total_mwh
        self._since_ms = t_ms
        tenths = used_mwh // _UNIT_MWH
        self._total_mwh += tenths * _UNIT_MWH
        hour = (utc_s - 1) // 3600
        self._open(hour // BLOCK_HOURS)
        at = 4 + hour % BLOCK_HOURS * 3
        held = int.from_bytes(self._data[at : at + 3], "big")
        self._data[at : at + 3] = min(held + tenths, _MOST).to_bytes(3, "big")

    def record(self):
        """(name, bytes) of the record to write, None while there is none."""
        return (_name(self._block), bytes(self._data)) if self._block >= 0 else None

    def day(self, day: int) -> list:
        """The tenths of a watt-hour in each of the 24 hours of a day (days since 2000); empty where nothing is kept."""
        block = day * 24 // BLOCK_HOURS
        data = self._data if block == self._block else _read(self._load(_name(block)), block)
        if data is None:
            return []
        first = 4 + day * 24 % BLOCK_HOURS * 3
        return [int.from_bytes(data[at : at + 3], "big") for at in range(first, first + 72, 3)]

    def _open(self, block: int) -> None:
        """The clock may go anywhere: what a record holds of another time than this is overwritten."""
        if block != self._block:
            data = _read(self._load(_name(block)), block)
            self._block = block
            self._data = bytearray(block.to_bytes(4, "big") + bytes(_BYTES - 4) if data is None else data)


def _name(block: int) -> str:
    return "energy%d" % (block % BLOCKS)


def _read(raw, block: int):
    if raw is None or len(raw) != _BYTES or int.from_bytes(raw[:4], "big") != block:
        return None
    return raw
