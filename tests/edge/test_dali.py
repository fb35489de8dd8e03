"""The DALI master against a gear made of half bits: frames, fades, answers, memory banks, and what goes wrong."""

import unittest

from lamppost.dali import bits, commands, levels, memory
from lamppost.dali.gear import ASK_MS, REFRESH_MS, Gear
from lamppost.dali.master import QUEUE_MAX, Master


def decoded(halves):
    """16 bits from half bits, by other arithmetic than the code under test: the second half of each pair is the bit."""
    if len(halves) != 34 or halves[:2] != [0, 1]:
        return None
    value = 0
    for at in range(2, 34, 2):
        if halves[at] + halves[at + 1] != 1:
            return None
        value = value * 2 + halves[at + 1]
    return value


class FakeGear:
    """A control gear: hears half bits, fades, answers as edges; `banks` are lists of bytes, `powered` its mains."""

    def __init__(self, address=0):
        self.address = address
        self.arc = 254
        self.fade_code = 0
        self.failure_level = 254
        self.power_on_level = 254
        self.status = commands.LAMP_ON
        self.dtr0 = self.dtr1 = 0
        self.banks = {}
        self.latched = {}
        self.may_write = False
        self.powered = True
        self.heard = []
        self.writes = 0
        self._before = (None, -1000)

    def hear(self, frame, now_ms):
        """Take a frame; return the answer or None."""
        if not self.powered:
            return None
        self.heard.append(frame)
        first, second = frame >> 8, frame & 255
        twice = self._before[0] == frame and now_ms - self._before[1] <= 100
        self._before = (None if twice else frame, now_ms)
        if 0xA0 <= first <= 0xCB:
            return self._special(first, second)
        if first not in (self.address << 1, self.address << 1 | 1, 0xFE, 0xFF):
            return None
        if first & 1 == 0:
            self.arc = second if second < 255 else self.arc
            self.may_write = False
            return None
        if 32 <= second <= 129:
            if twice:
                self._configure(second)
            return None
        return self._query(second)

    def _special(self, first, second):
        if first == commands.DTR0:
            self.dtr0 = second
        elif first == commands.DTR1:
            self.dtr1 = second
        elif first == commands.WRITE_MEMORY_LOCATION_NO_REPLY and self.may_write and self.dtr0 == 2 and second == 0xAA:
            self.latched[self.dtr1] = list(self.banks[self.dtr1]) if self.dtr1 in self.banks else None
        return

    def _configure(self, opcode):
        self.may_write = opcode == commands.ENABLE_WRITE_MEMORY
        if opcode == commands.SET_FADE_TIME:
            self.fade_code = self.dtr0
        elif opcode == commands.SET_SYSTEM_FAILURE_LEVEL:
            self.failure_level = self.dtr0
            self.writes += 1
        elif opcode == commands.SET_POWER_ON_LEVEL:
            self.power_on_level = self.dtr0
            self.writes += 1

    def _query(self, opcode):
        self.may_write = False
        if opcode == commands.QUERY_STATUS:
            return self.status
        if opcode == commands.QUERY_SYSTEM_FAILURE_LEVEL:
            return self.failure_level
        if opcode == commands.QUERY_POWER_ON_LEVEL:
            return self.power_on_level
        if opcode == commands.READ_MEMORY_LOCATION:
            bank = self.latched.get(self.dtr1) or self.banks.get(self.dtr1)
            at, self.dtr0 = self.dtr0, min(self.dtr0 + 1, 255)
            return bank[at] if bank and at < len(bank) else None
        return None


class Bus:
    """A line in virtual time with gears on it; `stretch` bends the edges of answers, per cent."""

    def __init__(self, *gears):
        self.gears = gears
        self.now_ms = 0
        self.sent_at = []
        self.stretch = 0
        self._answers = []
        self._listening = False

    def send(self, halves):
        frame = decoded(halves)
        assert frame is not None
        self.sent_at.append((self.now_ms, frame))
        self._listening = False
        self._answers = [one for one in [gear.hear(frame, self.now_ms) for gear in self.gears] if one is not None]

    def listen(self):
        self._listening = True

    def answer(self):
        if not self._listening:
            return None
        if len(self._answers) > 1:
            return bits.from_runs([417, 300, 1250, 417])
        for one in self._answers:
            return bits.from_runs([us + us * self.stretch // 100 for us in bits.runs(one, 8)])
        return bits.from_runs([])


class Rig:
    def __init__(self, *gears, **options):
        self.bus = Bus(*gears)
        self.master = Master(self.bus)
        address, linear = options.get("address", commands.BROADCAST), options.get("linear", False)
        self.gear = Gear(self.master, address, linear, options.get("power_on_pm", 1000))
        self.events = []

    def run(self, for_ms):
        for _ in range(for_ms // 2):
            self.bus.now_ms += 2
            self.events += self.gear.look(self.bus.now_ms)

    def ask(self, sequence):
        found = []
        self.master.start(sequence, found.append)
        while not found:
            self.bus.now_ms += 2
            self.master.look(self.bus.now_ms)
        return found[0]


def query(frame):
    return (yield frame)


def bank_205():
    bank = [0] * 0x1D
    bank[0] = 0x1C
    bank[0x0B:0x0D] = [0x08, 0xFC]  # 230.0 V
    bank[0x0E] = 96
    bank[0x1B] = 105  # 45 C
    return bank


class BitsTest(unittest.TestCase):
    def test_frames_there_and_back(self):
        for value in (0, 1, 0xFE00, 0xFFFF, 0x5555, 0xAAAA, 0x0180):
            self.assertEqual(decoded(bits.halves(value)), value)
            self.assertEqual(bits.from_runs(bits.runs(value), 16), value)
        for value in range(256):
            runs = bits.runs(value, 8)
            self.assertEqual(bits.from_runs(runs), value)
            self.assertTrue(sum(runs) in (18 * 417, 17 * 417))
            for stretch in (-18, 18):
                self.assertEqual(bits.from_runs([us + us * stretch // 100 for us in runs]), value)

    def test_samples(self):
        for value in range(256):
            levels = bits.halves(value, 8)
            for half_tenths in (45, 50, 54):  # of a sample: a gear 10 % slow, right, 8 % fast
                line = [1] * 37
                for place, level in enumerate(levels):
                    count = (place + 1) * half_tenths // 10 - place * half_tenths // 10
                    line += [level] * count
                self.assertEqual(bits.from_samples(line + [1] * 60, 5), value)
        self.assertIsNone(bits.from_samples([1] * 100, 5))
        self.assertEqual(bits.from_samples([1, 1, 0, 1, 1], 5), bits.GARBLED)
        self.assertEqual(bits.from_samples([1] * 5 + [0] * 500, 5), bits.GARBLED)

    def test_what_is_no_frame(self):
        self.assertIsNone(bits.from_runs([]))
        good = bits.runs(0x5A, 8)
        for bad in (good[:-1], good + [417], [500 + 60] + good[1:], [100] + good, [417] * 40, [834] + good[1:], [5000]):
            self.assertEqual(bits.from_runs(bad), bits.GARBLED)


class LevelsTest(unittest.TestCase):
    def test_the_standard_curve(self):
        # table 3 of IEC 62386-102: arc power level and its light in per cent
        for arc, percent in ((1, 0.1), (60, 0.502), (85, 0.993), (126, 3.041), (170, 10.1), (229, 50.53), (254, 100)):
            self.assertTrue(abs(levels.level_of(arc) - percent * 10) <= 1, arc)
        for arc in range(181, 255):  # below, several arc power levels are one per mille
            self.assertEqual(levels.arc_of(levels.level_of(arc)), arc)
        self.assertEqual([levels.arc_of(pm) for pm in (-5, 0, 1, 1000)], [0, 0, 1, 254])
        before = 0
        for pm in range(1001):
            arc = levels.arc_of(pm)
            self.assertTrue(before <= arc <= 254)
            before = arc

    def test_the_linear_curve(self):
        self.assertEqual([levels.arc_of(pm, True) for pm in (0, 1, 500, 1000)], [0, 1, 127, 254])
        self.assertEqual([levels.level_of(arc, True) for arc in (0, 1, 127, 254)], [0, 4, 500, 1000])

    def test_fade_times(self):
        # table 7: code 1 is 0.7 s, 4 is 2.0 s, 8 is 8.0 s, 15 is 90.5 s
        self.assertEqual([levels.fade_ms(code) for code in (0, 1, 4, 8, 15)], [0, 707, 2000, 8000, 90510])
        for code in range(16):
            self.assertEqual(levels.fade_code(levels.fade_ms(code)), code)
        self.assertEqual([levels.fade_code(ms) for ms in (0, 300, 500, 1000, 8000, 10**6)], [0, 0, 1, 2, 8, 15])


class MasterTest(unittest.TestCase):
    def test_a_query_and_its_answer(self):
        rig = Rig(FakeGear(3))
        self.assertEqual(rig.ask(query(commands.command(commands.short(3), commands.QUERY_STATUS))), 4)
        self.assertIsNone(rig.ask(query(commands.command(commands.short(4), commands.QUERY_STATUS))))
        for rig.bus.stretch in (-15, 15):
            self.assertEqual(rig.ask(query(commands.command(commands.short(3), commands.QUERY_STATUS))), 4)
        rig.bus.stretch = 40
        self.assertEqual(rig.ask(query(commands.command(commands.short(3), commands.QUERY_STATUS))), bits.GARBLED)

    def test_two_that_answer_at_once_are_garbled(self):
        rig = Rig(FakeGear(3), FakeGear(4))
        frame = commands.command(commands.BROADCAST, commands.QUERY_STATUS)
        self.assertEqual(rig.ask(query(frame)), bits.GARBLED)

    def test_configuration_is_sent_twice_within_100_ms_with_nothing_between(self):
        rig = Rig(FakeGear())
        rig.ask(query(commands.command(commands.BROADCAST, commands.SET_FADE_TIME)))
        (first_ms, first), (second_ms, second) = rig.bus.sent_at
        self.assertEqual(first, second)
        self.assertTrue(30 <= second_ms - first_ms <= 94)

    def test_a_slow_line_is_waited_for(self):
        slow = Bus(FakeGear())
        slow.late_ms = 40
        master = Master(slow)
        sequence = query(commands.command(commands.BROADCAST, commands.QUERY_STATUS))
        master.start(sequence, lambda _: None)
        for slow.now_ms in range(0, 400, 2):
            if not slow._listening:
                listened_ms = slow.now_ms
            master.look(slow.now_ms)
        self.assertTrue(57 <= listened_ms - slow.sent_at[0][0] <= 61)

    def test_frames_keep_their_distance(self):
        rig = Rig(FakeGear())
        rig.ask(memory.read(commands.BROADCAST, memory.LUMINAIRE, ("gtin", "serial")))
        times = [at for at, _ in rig.bus.sent_at]
        gaps = [times[place + 1] - times[place] for place in range(len(times) - 1)]
        self.assertTrue(min(gaps) >= 15 + 14 + 2)  # a frame, its stop condition and the settling time

    def test_a_level_comes_before_a_sequence_and_ends_it(self):
        rig = Rig(FakeGear())
        rig.bus.gears[0].banks[1] = [65] * 0x78
        found = []
        rig.master.start(memory.read(commands.BROADCAST, memory.LUMINAIRE, ("luminaire",)), found.append)
        while len(rig.bus.sent_at) < 9:
            rig.bus.now_ms += 2
            rig.master.look(rig.bus.now_ms)
        asked_ms = rig.bus.now_ms
        rig.master.urge([commands.level(commands.BROADCAST, 99)])
        while rig.bus.gears[0].arc != 99:
            rig.bus.now_ms += 2
            rig.master.look(rig.bus.now_ms)
        self.assertTrue(rig.bus.now_ms - asked_ms <= 62)
        self.assertEqual(found, [None])

    def test_only_the_newest_level_is_sent(self):
        rig = Rig(FakeGear())
        for arc in range(10, 200):
            rig.master.urge([commands.level(commands.BROADCAST, arc)])
        rig.run(200)
        self.assertEqual([frame for _, frame in rig.bus.sent_at], [0xFE00 | 199])

    def test_a_dead_line_fills_no_queue(self):
        master = Master(Bus())
        taken = [master.start(query(commands.command(254, 144)), print) for _ in range(QUEUE_MAX + 5)]
        self.assertEqual(taken, [True] * QUEUE_MAX + [False] * 5)


class MemoryTest(unittest.TestCase):
    def test_reads_all_banks(self):
        gear = FakeGear()
        bank = [255] * 0x78
        bank[0x03:0x09] = [0, 0, 0, 0, 0x30, 0x39]
        bank[0x15:0x17] = [0, 42]
        bank[0x3C:0x43] = list(b"Lumen X")
        bank[0x43] = 0
        gear.banks[1] = bank
        gear.banks[205] = bank_205()
        gear.banks[202] = [15, 0, 0xFF, 1, 0xFF, 0, 0, 0, 0, 0x30, 0x39, 0xFE, 0, 0, 0x10, 0x00]
        gear.banks[206] = [0x20] + [0] * 0x1F + [0xFF]
        rig = Rig(gear)
        found = rig.ask(memory.read(254, 1, ("gtin", "serial", "rated_w", "luminaire", "colour")))
        self.assertEqual(found, {"gtin": 12345, "serial": None, "rated_w": 42, "luminaire": "Lumen X", "colour": None})
        self.assertEqual(
            rig.ask(memory.read(254, 202, ("energy_mwh", "power_mw"))), {"energy_mwh": 1234500, "power_mw": 40960}
        )
        found = rig.ask(memory.read(254, 205, ("voltage_dv", "factor_percent", "temperature_c")))
        self.assertEqual(found, {"voltage_dv": 2300, "factor_percent": 96, "temperature_c": 45})
        found = rig.ask(memory.read(254, 206, ("on_s", "temperature_c")))
        self.assertEqual(found, {"on_s": 0, "temperature_c": None})

    def test_values_are_of_one_moment(self):
        gear = FakeGear()
        gear.banks[205] = bank_205()
        rig = Rig(gear)
        found = []
        rig.master.start(memory.read(254, 205, ("voltage_dv",)), found.append)
        while not found:
            rig.bus.now_ms += 2
            rig.master.look(rig.bus.now_ms)
            if len(rig.bus.sent_at) == 7:  # between the two bytes
                gear.banks[205][0x0B:0x0D] = [0x09, 0x00]
        self.assertEqual(found, [{"voltage_dv": 2300}])

    def test_no_such_bank_no_gear(self):
        self.assertIsNone(Rig(FakeGear()).ask(memory.read(254, 202, ("power_mw",))))
        self.assertIsNone(Rig().ask(memory.read(254, 205, ("hz",))))

    def test_unknown_values(self):
        for raw, kind in ((b"\xff", "u"), (b"\xfe", "t"), (b"\xff\xfe", "u"), (b"\x00\xff\xff\xff\xff", "e"),
                          (b"\x07\x00\x00\x00\x01", "e"), (b"", "s"), (b"\x00abc", "s")):  # fmt: skip
            self.assertIsNone(memory.value(raw, kind))
        self.assertEqual(memory.value(b"\xff\xfe", "l"), 65534)
        self.assertEqual(memory.value(b"\xfa\x00\x0f\x42\x40", "e"), 1000)  # 10**-6
        self.assertEqual(memory.value(b"\x06\x00\x00\x00\x02", "e"), 2 * 10**9)


class GearTest(unittest.TestCase):
    def test_a_fade_is_the_gears_own(self):
        gear = FakeGear()
        rig = Rig(gear)
        for left_ms in range(1000, -1, -20):
            rig.gear.follow(500 + left_ms // 2, 500, left_ms)
            rig.run(20)
        self.assertEqual((gear.arc, gear.fade_code), (levels.arc_of(500), 2))
        self.assertEqual(len([frame for frame in gear.heard if frame >> 8 == 0xFE]), 1)
        rig.gear.follow(0, 0, 0)
        rig.run(200)
        self.assertEqual((gear.arc, gear.fade_code), (0, 0))

    def test_a_fade_that_turns_around(self):
        gear = FakeGear()
        rig = Rig(gear)
        rig.gear.follow(900, 100, 8000)
        rig.run(300)
        self.assertEqual((gear.arc, gear.fade_code), (levels.arc_of(100), 8))
        rig.gear.follow(700, 1000, 1000)
        rig.run(300)
        self.assertEqual((gear.arc, gear.fade_code), (254, 2))

    def test_an_hour_goes_step_by_step(self):
        gear = FakeGear()
        rig = Rig(gear)
        for second in range(0, 3510, 10):
            rig.gear.follow(1000 - second // 4, 100, 3600000 - second * 1000)
            rig.run(300)
            self.assertEqual(gear.arc, levels.arc_of(1000 - second // 4))
        self.assertEqual(gear.fade_code, 1)
        rig.gear.follow(122, 100, 90000)
        rig.run(300)
        self.assertEqual((gear.arc, gear.fade_code), (levels.arc_of(100), 15))

    def test_a_gear_that_lost_its_mains_is_told_again(self):
        gear = FakeGear()
        rig = Rig(gear)
        rig.gear.follow(300, 300, 0)
        rig.run(500)
        gear.powered = False
        rig.gear.follow(200, 200, 0)
        rig.run(500)
        gear.powered, gear.arc = True, 254
        rig.run(REFRESH_MS + 500)
        self.assertEqual(gear.arc, levels.arc_of(200))

    def test_a_dead_board_or_a_new_mains_leaves_it_full(self):
        gear = FakeGear()
        gear.failure_level, gear.power_on_level = 100, 255
        rig = Rig(gear)
        rig.run(3 * ASK_MS)
        self.assertEqual((gear.failure_level, gear.power_on_level, gear.writes), (254, 254, 2))

    def test_the_gear_has_the_power_on_level_of_the_lamp_and_is_full_without_a_line(self):
        gear = FakeGear()
        gear.failure_level = 100
        rig = Rig(gear, power_on_pm=600)
        rig.run(3 * ASK_MS)
        self.assertEqual((gear.failure_level, gear.power_on_level, gear.writes), (254, levels.arc_of(600), 2))

    def test_a_gear_that_its_relay_has_given_mains_is_told_its_level_within_a_second(self):
        gear = FakeGear()
        rig = Rig(gear)
        rig.gear.follow(300, 300, 0)
        rig.run(ASK_MS + 6000)
        gear.powered = False
        rig.gear.follow(200, 200, 0)
        rig.run(1000)
        gear.powered, gear.arc = True, 254
        rig.gear.powered(rig.bus.now_ms)
        gear.heard = []
        rig.run(690)
        self.assertEqual((gear.arc, gear.heard), (254, []))
        rig.run(100)
        self.assertEqual(gear.arc, levels.arc_of(200))

    def test_readings_become_events_each_minute(self):
        gear = FakeGear()
        gear.banks[205] = bank_205()
        gear.banks[202] = [15, 0, 0xFF, 1, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0, 0, 0x01, 0x90]
        rig = Rig(gear)
        rig.run(ASK_MS)
        told = [("power", 40000), ("gear", False), ("voltage", 230000), ("factor", 960), ("temp", 450)]
        self.assertEqual(rig.events, told)
        self.assertEqual(rig.gear.status, commands.LAMP_ON)
        rig.run(ASK_MS)
        self.assertEqual(rig.events, 2 * told)
        gear.powered = False
        rig.run(ASK_MS)
        self.assertEqual((rig.events, rig.gear.status), (2 * told, None))

    def test_a_failure_that_the_gear_or_its_lamp_has_is_told(self):
        gear = FakeGear()
        rig = Rig(gear)
        for status in (commands.LAMP_FAILURE, commands.GEAR_FAILURE, commands.LAMP_ON | commands.POWER_CYCLE_SEEN):
            gear.status = status
            rig.run(ASK_MS)
        self.assertEqual(rig.events, [("gear", True), ("gear", True), ("gear", False)])

    def test_a_new_level_in_between_asks_again_soon(self):
        gear = FakeGear()
        gear.banks[205] = bank_205()
        rig = Rig(gear)
        rig.run(2500)
        rig.gear.follow(400, 400, 0)
        rig.run(9000)
        self.assertEqual(gear.arc, levels.arc_of(400))
        self.assertTrue(("voltage", 230000) in rig.events)

    def test_a_line_without_gear_is_quiet_and_goes_on(self):
        rig = Rig()
        rig.gear.follow(400, 400, 0)
        rig.run(5 * ASK_MS)
        self.assertEqual(rig.events, [])
        self.assertIsNone(rig.master.answered_ms)
        self.assertTrue(len(rig.bus.sent_at) > 20)
