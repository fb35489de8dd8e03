"""The DALI master beside python-dali: the same frames for every address and command; its own fake gear obeys ours."""

from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("dali", reason="python-dali is not installed; ./deploy/setup dev installs it")

from dali.address import GearBroadcast, GearBroadcastUnaddressed, GearGroup, GearShort
from dali.command import Command, from_frame
from dali.frame import ForwardFrame
from dali.gear import general
from dali.memory import diagnostics, energy, location, oem
from dali.tests import fakes

from lamppost.dali import commands, levels, memory
from lamppost.dali.gear import Gear
from lamppost.dali.master import Master

ADDRESSES = (
    [(commands.short(n), GearShort(n)) for n in range(64)]
    + [(commands.group(n), GearGroup(n)) for n in range(16)]
    + [(commands.BROADCAST, GearBroadcast()), (commands.BROADCAST_UNADDRESSED, GearBroadcastUnaddressed())]
)
# opcode here -> class there
STANDARD = {
    commands.OFF: general.Off, commands.RECALL_MAX_LEVEL: general.RecallMaxLevel,
    commands.RECALL_MIN_LEVEL: general.RecallMinLevel, commands.GO_TO_LAST_ACTIVE_LEVEL: general.GoToLastActiveLevel,
    commands.RESET: general.Reset, commands.IDENTIFY_DEVICE: general.IdentifyDevice,
    commands.SET_MAX_LEVEL: general.SetMaxLevel, commands.SET_MIN_LEVEL: general.SetMinLevel,
    commands.SET_SYSTEM_FAILURE_LEVEL: general.SetSystemFailureLevel,
    commands.SET_POWER_ON_LEVEL: general.SetPowerOnLevel, commands.SET_FADE_TIME: general.SetFadeTime,
    commands.SET_SHORT_ADDRESS: general.SetShortAddress, commands.ENABLE_WRITE_MEMORY: general.EnableWriteMemory,
    commands.QUERY_STATUS: general.QueryStatus, commands.QUERY_CONTROL_GEAR_PRESENT: general.QueryControlGearPresent,
    commands.QUERY_LAMP_FAILURE: general.QueryLampFailure, commands.QUERY_VERSION_NUMBER: general.QueryVersionNumber,
    commands.QUERY_CONTENT_DTR0: general.QueryContentDTR0, commands.QUERY_DEVICE_TYPE: general.QueryDeviceType,
    commands.QUERY_PHYSICAL_MINIMUM: general.QueryPhysicalMinimum,
    commands.QUERY_ACTUAL_LEVEL: general.QueryActualLevel, commands.QUERY_MAX_LEVEL: general.QueryMaxLevel,
    commands.QUERY_MIN_LEVEL: general.QueryMinLevel, commands.QUERY_POWER_ON_LEVEL: general.QueryPowerOnLevel,
    commands.QUERY_SYSTEM_FAILURE_LEVEL: general.QuerySystemFailureLevel,
    commands.QUERY_FADE_TIME_FADE_RATE: general.QueryFadeTimeFadeRate,
    commands.READ_MEMORY_LOCATION: general.ReadMemoryLocation,
}  # fmt: skip
SIXTEEN = {
    commands.GO_TO_SCENE: general.GoToScene, commands.SET_SCENE: general.SetScene,
    commands.REMOVE_FROM_SCENE: general.RemoveFromScene, commands.ADD_TO_GROUP: general.AddToGroup,
    commands.REMOVE_FROM_GROUP: general.RemoveFromGroup,
}  # fmt: skip


def frame_of(command: Command) -> int:
    return command.frame.as_integer


def test_every_opcode_of_ours_is_held_against_one_of_theirs() -> None:
    text = Path(commands.__file__).read_text().split("OFF = const")[1].split("# Special")[0]
    named = text.count("= const(") + 1
    assert named == len(STANDARD) + len(SIXTEEN)


def test_the_same_frame_for_every_address_and_command() -> None:
    count = 0
    for ours, theirs in ADDRESSES:
        for opcode, kind in STANDARD.items():
            assert commands.command(ours, opcode) == frame_of(kind(theirs)), (ours, kind)
            count += 1
        for opcode, kind in SIXTEEN.items():
            for number in range(16):
                assert commands.command(ours, opcode + number) == frame_of(kind(theirs, number))
                count += 1
        for arc in range(255):
            assert commands.level(ours, arc) == frame_of(general.DAPC(theirs, arc))
            count += 1
    for value in range(256):
        for code, kind in (
            (commands.DTR0, general.DTR0), (commands.DTR1, general.DTR1),
            (commands.WRITE_MEMORY_LOCATION, general.WriteMemoryLocation),
            (commands.WRITE_MEMORY_LOCATION_NO_REPLY, general.WriteMemoryLocationNoReply),
        ):  # fmt: skip
            assert commands.special(code, value) == frame_of(kind(value))
            count += 1
    assert count > 30_000


def test_what_is_sent_twice_and_what_is_answered() -> None:
    known = 0
    firsts = [0x00, 0x01, 0x7F, 0x87, 0xFD, 0xFE, 0xFF, *range(0xA0, 0xCC)]
    for frame in (first << 8 | second for first in firsts for second in range(256)):
        theirs = from_frame(ForwardFrame(16, frame))
        if type(theirs) is Command or "Unknown" in type(theirs).__name__ or "Reserved" in type(theirs).__name__:
            continue
        if frame & 0xFF >= 224 and frame >> 8 & 1 and not 0xA0 <= frame >> 8 <= 0xCB:
            continue  # application extended commands mean what the device type says
        known += 1
        assert commands.sent_twice(frame) == bool(theirs.sendtwice), (hex(frame), theirs)
        assert commands.answered(frame) == (theirs.response is not None), (hex(frame), theirs)
    assert known > 1_000


class Theirs:
    """A line with python-dali's fake gears on it."""

    def __init__(self, *gears: fakes.Gear) -> None:
        self._gears = gears
        self._answers: list[int] = []
        self._last: tuple[int, int] | None = None
        self.now_ms = 0

    def send(self, halves: list[int]) -> None:
        frame = int("".join(str(half) for half in halves[3::2]), 2)
        command = from_frame(ForwardFrame(16, frame))
        if command.sendtwice and self._last is None:
            self._last = (frame, self.now_ms)
            return
        if command.sendtwice:
            assert self._last is not None
            assert self._last[0] == frame
            assert self.now_ms - self._last[1] < 100
        self._last = None
        self._answers = [found for gear in self._gears if (found := gear.send(command)) is not None]

    def listen(self) -> None:
        pass

    def answer(self) -> int | None:
        assert len(self._answers) < 2
        return self._answers.pop() if self._answers else None


class Bank1(fakes.FakeMemoryBank):
    bank = oem.BANK_1
    initial_contents = (
        [0x77, None, 0xFF] + [0, 0, 0, 0, 0x30, 0x39] + [1, 2, 3, 4, 5, 6, 7, 8] + [0, 3, 26, 17, 0, 42, 0, 5]
        + [0, 198, 1, 8, 0, 0x13, 0x88, 80, 0x0F, 0xA0, 1] + list(b"grey".ljust(24, b"\0"))
        + list(b"Lumen X 40".ljust(60, b"\0"))
    )  # fmt: skip


class Bank202(fakes.FakeMemoryBank):
    bank = energy.BANK_202
    initial_contents: ClassVar = [0x0F, None, 0xFF, 1, 0xFE, 0, 0, 0, 1, 2, 3, 0xFD, 0, 0, 0x9C, 0x40]


class Bank205(fakes.FakeMemoryBank):
    bank = diagnostics.BANK_205
    head = (0x1C, None, 0xFF, 1, 0, 1, 2, 3, 0, 1, 0, 0x08, 0xFC, 50, 96, 0, 2)
    initial_contents: ClassVar = [*head, *([0] * 10), 105, 80]


class Bank206(fakes.FakeMemoryBank):
    bank = diagnostics.BANK_206
    initial_contents = (
        [0x20, None, 0xFF, 1]
        + [0] * 3
        + [0, 0, 9]
        + [0] * 4
        + [0, 0, 1, 0]
        + [0x01, 0xF4, 0x02, 0xBC, 0, 3]
        + [0] * 8
        + [100]
    )


def run(sequence, *gears: fakes.Gear):
    line = Theirs(*gears)
    master = Master(line)
    found: list = []
    master.start(sequence, found.append)
    while not found:
        line.now_ms += 2
        master.look(line.now_ms)
    return found[0]


# our field -> their value, and what one of ours is in theirs
THEIRS = {
    memory.LUMINAIRE: {
        "gtin": (oem.ManufacturerGTIN, 1), "serial": (oem.LuminaireID, 1), "year": (oem.YearOfManufacture, 1),
        "week": (oem.WeekOfManufacture, 1), "rated_w": (oem.InputPowerNominal, 1),
        "lowest_w": (oem.InputPowerMinimumDim, 1),
        "lumen": (oem.LightOutputNominal, 1), "cri": (oem.CRI, 1), "kelvin": (oem.CCT, 1),
        "colour": (oem.LuminaireColor, 1), "luminaire": (oem.LuminaireIdentification, 1),
    },
    memory.ENERGY: {"energy_mwh": (energy.ActiveEnergy, 1000), "power_mw": (energy.ActivePower, 1000)},
    memory.GEAR: {
        "operating_s": (diagnostics.ControlGearOperatingTime, 1), "starts": (diagnostics.ControlGearStartCounter, 1),
        "voltage_dv": (diagnostics.ControlGearExternalSupplyVoltage, 10),
        "hz": (diagnostics.ControlGearExternalSupplyVoltageFrequency, 1),
        "factor_percent": (diagnostics.ControlGearPowerFactor, 100),
        "failure": (diagnostics.ControlGearOverallFailureCondition, 1),
        "failures": (diagnostics.ControlGearOverallFailureConditionCounter, 1),
        "temperature_c": (diagnostics.ControlGearTemperature, 1),
        "output_percent": (diagnostics.ControlGearOutputCurrentPercent, 1),
    },
    memory.SOURCE: {
        "starts": (diagnostics.LightSourceStartCounter, 1), "on_s": (diagnostics.LightSourceOnTime, 1),
        "voltage_dv": (diagnostics.LightSourceVoltage, 10), "current_ma": (diagnostics.LightSourceCurrent, 1000),
        "failure": (diagnostics.LightSourceOverallFailureCondition, 1),
        "failures": (diagnostics.LightSourceOverallFailureConditionCounter, 1),
        "temperature_c": (diagnostics.LightSourceTemperature, 1),
    },
}  # fmt: skip


@pytest.mark.parametrize("bank", list(THEIRS))
def test_memory_banks_are_read_alike(bank: int) -> None:
    gear = fakes.Gear(5, memory_banks=(Bank1, Bank202, Bank205, Bank206))
    table = THEIRS[bank]
    assert [field[0] for field in memory.FIELDS[bank]] == list(table)
    ours = run(memory.read(commands.short(5), bank, list(table)), gear)
    for name, (kind, scale) in table.items():
        theirs = fakes.Bus([gear]).run_sequence(kind.read(GearShort(5)))
        assert theirs is not None
        assert not isinstance(theirs, location.FlagValue), name
        assert ours[name] == (theirs if isinstance(theirs, str) else int(theirs * scale)), name
    for name, first, size, _ in memory.FIELDS[bank]:
        places = [place.address for place in table[name][0].locations]
        assert places == list(range(first, first + size)), name


def test_their_gear_does_what_ours_says() -> None:
    gear = fakes.Gear(5, memory_banks=(Bank1, Bank202, Bank205))
    line = Theirs(gear)
    output = Gear(Master(line), commands.short(5))
    events = []

    def go(for_ms: int) -> None:
        for _ in range(for_ms // 2):
            line.now_ms += 2
            events.extend(output.look(line.now_ms))

    for level_pm in (1000, 500, 37, 0, 1000):
        output.follow(level_pm, level_pm, 0)
        go(400)
        assert gear.level == levels.arc_of(level_pm)
    go(70_000)
    assert gear.level == 254
