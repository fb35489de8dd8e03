"""Commands to control gear (IEC 62386-102, tables 15 and 16) as 16-bit frames.

An address is the byte that `short`, `group` or the two broadcasts give. Opcodes are numbers; of those with sixteen
variants (scenes, groups) it is the first.
"""

try:
    from micropython import const  # pyright: ignore - on CPython there is only a stub of it
except ImportError:

    def const(x):  # pyright: ignore[reportAssignmentType, reportRedeclaration] - CPython has none
        return x


BROADCAST = const(0xFE)
BROADCAST_UNADDRESSED = const(0xFC)

OFF = const(0)
RECALL_MAX_LEVEL = const(5)
RECALL_MIN_LEVEL = const(6)
GO_TO_LAST_ACTIVE_LEVEL = const(10)
GO_TO_SCENE = const(16)
# From here to ENABLE_WRITE_MEMORY a gear acts only when it hears the frame twice within 100 ms
RESET = const(32)
IDENTIFY_DEVICE = const(37)
SET_MAX_LEVEL = const(42)
SET_MIN_LEVEL = const(43)
SET_SYSTEM_FAILURE_LEVEL = const(44)
SET_POWER_ON_LEVEL = const(45)
SET_FADE_TIME = const(46)
SET_SCENE = const(64)
REMOVE_FROM_SCENE = const(80)
ADD_TO_GROUP = const(96)
REMOVE_FROM_GROUP = const(112)
SET_SHORT_ADDRESS = const(128)
ENABLE_WRITE_MEMORY = const(129)
# From here on a gear answers
QUERY_STATUS = const(144)
QUERY_CONTROL_GEAR_PRESENT = const(145)
QUERY_LAMP_FAILURE = const(146)
QUERY_VERSION_NUMBER = const(151)
QUERY_CONTENT_DTR0 = const(152)
QUERY_DEVICE_TYPE = const(153)
QUERY_PHYSICAL_MINIMUM = const(154)
QUERY_ACTUAL_LEVEL = const(160)
QUERY_MAX_LEVEL = const(161)
QUERY_MIN_LEVEL = const(162)
QUERY_POWER_ON_LEVEL = const(163)
QUERY_SYSTEM_FAILURE_LEVEL = const(164)
QUERY_FADE_TIME_FADE_RATE = const(165)
READ_MEMORY_LOCATION = const(197)

# Special commands: the first byte of the frame
DTR0 = const(0xA3)
INITIALISE = const(0xA5)
RANDOMISE = const(0xA7)
COMPARE = const(0xA9)
VERIFY_SHORT_ADDRESS = const(0xB9)
QUERY_SHORT_ADDRESS = const(0xBB)
DTR1 = const(0xC3)
WRITE_MEMORY_LOCATION = const(0xC7)
WRITE_MEMORY_LOCATION_NO_REPLY = const(0xC9)

# Bits of QUERY_STATUS
GEAR_FAILURE = const(1)
LAMP_FAILURE = const(2)
LAMP_ON = const(4)
FADE_RUNNING = const(16)
POWER_CYCLE_SEEN = const(128)


def short(number: int) -> int:
    """The address byte of one gear, 0..63."""
    return number << 1


def group(number: int) -> int:
    """The address byte of a group, 0..15."""
    return 0x80 | number << 1


def level(address: int, arc: int) -> int:
    """Direct arc power control: fade to arc power level 0..254 in the fade time; 255 stops a fade where it is."""
    return address << 8 | arc


def command(address: int, opcode: int) -> int:
    """The frame of a standard command."""
    return (address | 1) << 8 | opcode


def special(code: int, data: int = 0) -> int:
    """The frame of a special command, which every gear hears."""
    return code << 8 | data


def sent_twice(frame: int) -> bool:
    """Whether gear wants to hear the frame twice within 100 ms."""
    first, second = frame >> 8, frame & 255
    if _is_special(first):
        return first in (INITIALISE, RANDOMISE)
    return bool(first & 1) and RESET <= second <= ENABLE_WRITE_MEMORY


def answered(frame: int) -> bool:
    """Whether a gear may answer the frame."""
    first, second = frame >> 8, frame & 255
    if _is_special(first):
        return first in (COMPARE, VERIFY_SHORT_ADDRESS, QUERY_SHORT_ADDRESS, WRITE_MEMORY_LOCATION)
    return bool(first & 1) and second >= QUERY_STATUS


def _is_special(first: int) -> bool:
    return 0xA0 <= first <= 0xCB
