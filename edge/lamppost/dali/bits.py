"""Bits on a DALI line (IEC 62386-101, sections 8 and 9): Manchester half bits out, edges or samples in.

A line at rest is high, 1. A bit of 1 is a low half and a high half, a 0 the other way round; a frame is a start bit of
1 and then its bits from the highest. A forward frame has 16 bits, an answer 8.
"""

HALF_US = 417  # Te, 416.67 us
_ONE = (333, 500)  # what a receiver takes for one half bit, us (table 17)
_TWO = (666, 1000)  # and for two of the same level
FORWARD_BITS = 16
ANSWER_BITS = 8
GARBLED = -1  # more than one gear answered, or noise


def halves(value: int, bits: int = FORWARD_BITS) -> list:
    """The levels of the half bits of a frame, the start bit first."""
    levels = [0, 1]
    for place in range(bits - 1, -1, -1):
        one = value >> place & 1
        levels.append(1 - one)
        levels.append(one)
    return levels


def runs(value: int, bits: int = FORWARD_BITS) -> list:
    """The same as durations in microseconds, alternating low, high, low...; the last one ends at rest."""
    found = []
    before = None
    for level in halves(value, bits):
        if level == before:
            found[-1] += HALF_US
        else:
            found.append(HALF_US)
        before = level
    if len(found) & 1 == 0:  # a last high half is part of the rest
        found.pop()
    return found


def from_runs(durations, bits: int = ANSWER_BITS) -> "int | None":
    """The value of a frame from the times between its edges, low first; None without edges, GARBLED if it is none."""
    if not durations:
        return None
    levels = []
    for place, us in enumerate(durations):
        level = place & 1
        if _ONE[0] <= us <= _ONE[1]:
            levels.append(level)
        elif _TWO[0] <= us <= _TWO[1]:
            levels.append(level)
            levels.append(level)
        else:
            return GARBLED
    if len(levels) & 1:
        levels.append(1)  # the high half of a last 1 is the rest of the line
    return _value(levels, bits)


def _value(levels: list, bits: int) -> int:
    if len(levels) != 2 * bits + 2 or levels[0]:
        return GARBLED
    value = 0
    for at in range(0, len(levels), 2):
        if levels[at] == levels[at + 1]:
            return GARBLED
        value = value << 1 | levels[at + 1]
    return value & (1 << bits) - 1


def from_samples(samples, per_half: int, bits: int = ANSWER_BITS) -> "int | None":
    """The value of a frame in levels that were looked at `per_half` times each half bit; rest around it is fine."""
    durations = []
    level, count = 1, 0
    for sample in samples:
        if sample == level:
            count += 1
            continue
        if level == 0 or durations:
            durations.append(count * HALF_US // per_half)
        level, count = sample, 1
    if level == 0:
        durations.append(count * HALF_US // per_half)  # held low to the end: no frame
    return from_runs(durations, bits)
