"""Memory banks of control gear: luminaire data (DiiA part 251), energy (part 252), diagnostics (part 253).

A field is (name, first location, bytes, kind): "u" a number, high byte first; "s" text; "e" one behind a power of ten;
"t" a temperature with an offset of 60; "l" a number of the luminaire. All ones mean that the gear does not know;
one less, except with "l", that it does not at the moment: None here.
"""

from lamppost.dali import commands

LATCH = 0xAA
_LATCH_BYTE = 2

LUMINAIRE = 1
ENERGY = 202
GEAR = 205
SOURCE = 206

FIELDS = {
    LUMINAIRE: (
        ("gtin", 0x03, 6, "l"), ("serial", 0x09, 8, "l"), ("year", 0x13, 1, "l"), ("week", 0x14, 1, "l"),
        ("rated_w", 0x15, 2, "l"), ("lowest_w", 0x17, 2, "l"), ("lumen", 0x1D, 3, "l"), ("cri", 0x20, 1, "l"),
        ("kelvin", 0x21, 2, "l"), ("colour", 0x24, 24, "s"), ("luminaire", 0x3C, 60, "s"),
    ),
    ENERGY: (("energy_mwh", 0x04, 7, "e"), ("power_mw", 0x0B, 5, "e")),
    GEAR: (
        ("operating_s", 0x04, 4, "u"), ("starts", 0x08, 3, "u"), ("voltage_dv", 0x0B, 2, "u"), ("hz", 0x0D, 1, "u"),
        ("factor_percent", 0x0E, 1, "u"), ("failure", 0x0F, 1, "u"), ("failures", 0x10, 1, "u"),
        ("temperature_c", 0x1B, 1, "t"), ("output_percent", 0x1C, 1, "u"),
    ),
    SOURCE: (
        ("starts", 0x07, 3, "u"), ("on_s", 0x0E, 4, "u"), ("voltage_dv", 0x12, 2, "u"), ("current_ma", 0x14, 2, "u"),
        ("failure", 0x16, 1, "u"), ("failures", 0x17, 1, "u"), ("temperature_c", 0x20, 1, "t"),
    ),
}  # fmt: skip
_MILLI = 3  # an "e" field is told in thousandths


def read(address: int, bank: int, names):
    """A sequence (see master.py) that returns {name: value or None} of the named fields, None without such a bank.

    The values are latched first where the bank can be, so that all bytes of one are of one moment.
    """
    yield commands.special(commands.DTR1, bank)
    if bank != LUMINAIRE:
        yield commands.special(commands.DTR0, _LATCH_BYTE)
        yield commands.command(address, commands.ENABLE_WRITE_MEMORY)
        yield commands.special(commands.WRITE_MEMORY_LOCATION_NO_REPLY, LATCH)
    found = {}
    answers = False
    for name, first, size, kind in FIELDS[bank]:
        if name not in names:
            continue
        yield commands.special(commands.DTR0, first)
        raw = []
        for _ in range(size):
            answer = yield commands.command(address, commands.READ_MEMORY_LOCATION)
            if answer is None or answer < 0:
                break
            raw.append(answer)
        answers = answers or bool(raw)
        found[name] = value(bytes(raw), kind) if len(raw) == size else None
    return found if answers else None


def value(raw: bytes, kind: str):
    """What the bytes of a field mean; None where the gear does not know."""
    if kind == "s":
        return _text(raw)
    scale = 0
    if kind == "e":
        scale = raw[0] - 256 if raw[0] > 127 else raw[0]
        raw = raw[1:]
        if not -6 <= scale <= 6:
            return None
    number = int.from_bytes(raw, "big")
    if number >= (1 << 8 * len(raw)) - (1 if kind == "l" else 2):
        return None
    if kind == "t":
        return number - 60
    if kind == "e":
        scale += _MILLI
        return number * 10**scale if scale >= 0 else number // 10**-scale
    return number


def _text(raw: bytes) -> "str | None":
    letters = []
    for byte in raw:
        if not 32 <= byte <= 126:
            break
        letters.append(chr(byte))
    return "".join(letters).strip() or None
