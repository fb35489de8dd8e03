"""The parts of a board without pins: contacts, light sensor, energy pulses, lamp and relay, port, clock chip."""

import unittest

from lamppost.boards.ds3231 import Ds3231
from lamppost.boards.inputs import PULSE_OLD_MS, Contact, Lux, Pulses
from lamppost.boards.lamp import STEP_MS, Lamp, Voltage, duty_of
from lamppost.boards.port import Port
from lamppost.light import dates


class ContactTest(unittest.TestCase):
    def test_bounces_shorter_than_the_times_are_nothing(self):
        contact = Contact(60, 200)
        told = []
        for t_ms in range(0, 2000, 20):
            active = t_ms % 80 < 40 if t_ms < 400 else 400 <= t_ms < 1000 or t_ms in (1100, 1120)
            state = contact.look(active, t_ms)
            if state is not None:
                told.append((t_ms, state))
        self.assertEqual(told, [(460, True), (1340, False)])

    def test_at_once(self):
        contact = Contact(0, 0)
        self.assertEqual([contact.look(on, 0) for on in (0, 1, 1, 0)], [None, True, None, False])


class LuxTest(unittest.TestCase):
    def test_a_headlight_is_nothing_dusk_is_told_in_steps(self):
        lux = Lux(10, 5000)
        told = []
        for t_ms in range(0, 100000, 1000):
            lx = 400 if t_ms in (10000, 11000, 12000) else 100 if t_ms < 40000 else 80
            found = lux.look(lx, t_ms)
            if found is not None:
                told.append((t_ms, found))
        self.assertEqual(told, [(0, 100), (45000, 80)])

    def test_a_quiet_sky_is_told_again(self):
        lux = Lux(10, 5000, 600000)
        told = [t_ms for t_ms in range(0, 1300000, 1000) if lux.look(50 + t_ms % 3000 // 1000, t_ms) is not None]
        self.assertEqual(told, [0, 600000, 1200000])

    def test_a_sensor_that_is_gone_is_said_once_and_what_comes_after_counts_at_once(self):
        lux = Lux(10, 5000)
        self.assertFalse(lux.forget())
        self.assertEqual(lux.look(80, 0), 80)
        self.assertEqual([lux.forget(), lux.forget()], [True, False])
        self.assertEqual(lux.look(81, 1000), 81)


class PulsesTest(unittest.TestCase):
    def test_power_from_the_time_between_two(self):
        pulses = Pulses(1000)  # 1 Wh each
        self.assertIsNone(pulses.look(0, 0, 1000))
        self.assertIsNone(pulses.look(1, 2000, 2000))
        self.assertEqual(pulses.look(2, 92000, 92000), 40000)  # 3,600 J in 90 s
        self.assertEqual(pulses.look(2, 92000, 150000), 40000)
        self.assertEqual(pulses.look(2, 92000, 92000 + 180000), 20000)  # the next is late
        self.assertEqual(pulses.look(2, 92000, 92000 + PULSE_OLD_MS), 0)
        self.assertEqual(pulses.look(6, 92000 + 720000, 92000 + 720000), 20000)  # four at once


class Recorder:
    def __init__(self):
        self.did = []

    def duty(self, value):
        self.did.append(value)

    def relay(self, on):
        self.did.append("on" if on else "off")

    def lantern(self, on):
        self.did.append("lit" if on else "out")


def lamp(recorder, **kinds):
    return Lamp(Voltage(recorder.duty, 0, 100, 1000, False), recorder.relay, 5, kinds.get("lantern"))


class LampTest(unittest.TestCase):
    def test_begins_full_with_its_relay_closed_first(self):
        recorder = Recorder()
        lamp(recorder)
        self.assertEqual(recorder.did, ["on", 65535])

    def test_a_fade_in_steps_and_the_relay_after_it(self):
        recorder = Recorder()
        one = lamp(recorder)
        recorder.did = []
        one.go(0, 1000, 0)
        for t_ms in range(STEP_MS, 10000, STEP_MS):
            one.step(t_ms)
            if recorder.did[-1] == "off":
                break
        self.assertEqual(t_ms, 6000)
        duties = recorder.did[:-1]
        self.assertEqual(duties, sorted(duties, reverse=True))
        self.assertTrue(45 <= len(duties) <= 52)
        self.assertEqual(duties[-1], 0)
        recorder.did = []
        one.go(500, 0, 20000)
        self.assertEqual(recorder.did, ["on", 36044])  # 1 V + half of 9 V

    def open_and_asked(self, fade_ms, asked_ms):
        """A lamp whose relay has opened at 5 s and stays open for 3 s, asked for full light at `asked_ms`."""
        recorder = Recorder()
        one = Lamp(Voltage(recorder.duty, 0, 100, 1000, False), recorder.relay, 5, None, 3)
        one.go(0, 0, 0)
        for t_ms in range(0, asked_ms, STEP_MS):
            one.step(t_ms)
        self.assertEqual(recorder.did[-1], "off")
        recorder.did = []
        one.go(1000, fade_ms, asked_ms)
        closed_ms = None
        for t_ms in range(asked_ms, asked_ms + 12000, STEP_MS):
            one.step(t_ms)
            if closed_ms is None and "on" in recorder.did:
                closed_ms = t_ms
        self.assertEqual(
            (recorder.did.count("on"), recorder.did[-1], one.closed), (1, 65535 if fade_ms else "on", True)
        )
        return closed_ms

    def test_a_relay_that_has_just_opened_stays_open_for_its_time_and_no_longer(self):
        self.assertEqual(self.open_and_asked(0, 5200), 8000)
        self.assertEqual(self.open_and_asked(10000, 5200), 8000)
        self.assertEqual(self.open_and_asked(1000, 8000), 8000)
        self.assertEqual(self.open_and_asked(1000, 60000), 60000)

    def test_a_light_that_is_no_longer_wanted_closes_no_relay(self):
        recorder = Recorder()
        one = Lamp(Voltage(recorder.duty, 0, 100, 1000, False), recorder.relay, 5, None, 3)
        one.go(0, 0, 0)
        for t_ms in range(0, 20000, STEP_MS):
            if t_ms in (5500, 6000):
                one.go(1000 if t_ms == 5500 else 0, 0, t_ms)
            one.step(t_ms)
        self.assertEqual(recorder.did, ["on", 65535, 0, "off", 65535, 0])

    def test_an_output_that_wants_it_is_told_when_its_mains_comes_back(self):
        recorder = Recorder()
        output = Voltage(recorder.duty, 0, 100, 1000, False)
        output.powered = recorder.did.append
        one = Lamp(output, recorder.relay, 5, None, 3)
        one.go(0, 0, 0)
        for t_ms in range(0, 9000, STEP_MS):
            if t_ms == 6000:
                one.go(1000, 0, t_ms)
            one.step(t_ms)
        self.assertEqual(recorder.did, ["on", 65535, 0, "off", 65535, "on", 8000])

    def test_begins_at_its_power_on_level(self):
        recorder = Recorder()
        one = Lamp(Voltage(recorder.duty, 0, 100, 1000, False), recorder.relay, 5, None, 3, 600)
        for t_ms in range(0, 2000, STEP_MS):
            one.step(t_ms)
        self.assertEqual(recorder.did, ["on", 41942])  # 1 V + 0.6 of 9 V
        one.go(1000, 0, 2000)
        self.assertEqual(recorder.did[2:], [65535])

    def test_light_again_before_the_relay_opens(self):
        recorder = Recorder()
        one = lamp(recorder)
        one.go(0, 0, 0)
        one.go(1000, 0, 3000)
        for t_ms in range(3000, 20000, STEP_MS):
            one.step(t_ms)
        self.assertEqual(recorder.did, ["on", 65535, 0, 65535])

    def test_turned_and_off_levels(self):
        recorder = Recorder()
        one = Voltage(recorder.duty, 50, 100, 900, True)
        for level_pm in (1000, 1000, 500, 1, 0):
            one.follow(level_pm, level_pm, 0)
        self.assertEqual(recorder.did, [65535 - 58981, 65535 - 32767, 65535 - 6605, 65535 - 3276])

    def test_a_driver_with_the_logarithmic_curve(self):
        """IEC 62386-102, section 9.3: light is 10 ** (3 x - 1) per cent at the share x of the way from low to high."""
        recorder = Recorder()
        one = Voltage(recorder.duty, 0, 100, 1000, False, True)
        for level_pm in (1, 10, 100, 500, 1000, 0):
            one.follow(level_pm, level_pm, 0)
        shares = [(duty / 65535 - 0.1) / 0.9 for duty in recorder.did[:5]]
        for share, level_pm in zip(shares, (1, 10, 100, 500, 1000)):
            self.assertTrue(abs(10 ** (3 * share) / level_pm - 1) < 0.01, (share, level_pm))
        self.assertEqual(recorder.did[5], 0)
        duties = [duty_of(level_pm, 0, 0, 1000, False, True) for level_pm in range(1, 1001)]
        self.assertEqual(duties, sorted(duties))

    def test_identify_never_leaves_a_person_in_the_dark(self):
        recorder = Recorder()
        one = lamp(recorder)
        one.go(0, 0, 0)
        one.step(6000)
        one.step(11000)
        self.assertEqual(recorder.did[-1], "off")
        recorder.did = []
        one.identify(1)
        for t_ms in range(20000, 23000, STEP_MS):
            one.step(t_ms)
        self.assertEqual(recorder.did, ["on", 65535, 0, 65535, 0, 65535, 0])
        one.identify(0)
        for t_ms in range(23000, 29000, STEP_MS):
            one.step(t_ms)
        self.assertEqual(recorder.did[-1], "off")

    def test_a_lantern_blinks_instead(self):
        recorder = Recorder()
        one = lamp(recorder, lantern=recorder.lantern)
        recorder.did = []
        one.identify(1)
        for t_ms in range(0, 2000, 500):
            one.step(t_ms)
        one.identify(0)
        self.assertEqual(recorder.did, ["lit", "out", "lit", "out", "lit", "out"])


class FakeUart:
    def __init__(self):
        self.rx = b""
        self.tx = b""
        self.sending = False

    def any(self):
        return len(self.rx)

    def read(self, count):
        data, self.rx = self.rx[:count], self.rx[count:]
        return data

    def write(self, data):
        self.tx += data
        self.sending = True
        return len(data)

    def txdone(self):
        return not self.sending


class PortTest(unittest.TestCase):
    def test_the_line_is_driven_while_something_is_sent(self):
        uart, drive = FakeUart(), []
        port = Port(uart, 19200, drive.append)
        port.write(b"x" * 48, 1000)  # 25 ms
        for t_ms in (1002, 1024, 1026):
            port.look(t_ms)
        self.assertEqual(drive, [1])
        uart.sending = False
        port.look(1028)
        port.look(1030)
        self.assertEqual((drive, uart.tx), ([1, 0], b"x" * 48))

    def test_the_beginning_at_once_then_whole_frames(self):
        uart = FakeUart()
        port = Port(uart, 19200)
        given = []
        frame = b"abcdefghijklmnopqrst\0"
        for place in range(len(frame)):
            uart.rx += frame[place : place + 1]
            data = port.look(place)
            if data:
                given.append((place, data))
        self.assertEqual(b"".join([data for _, data in given]), frame)
        self.assertEqual([place for place, _ in given], [0, 17, 20])  # said, kept for 16 ms, ended
        uart.rx = b"\0"
        self.assertEqual(port.look(50), b"\0")


class Chip:
    def __init__(self):
        self.memory = bytearray(19)
        self.there = True

    def readfrom_mem(self, address, register, count):
        if not self.there or address != 0x68:
            raise OSError(5)
        return bytes(self.memory[register : register + count])

    def writeto_mem(self, address, register, data):
        if not self.there:
            raise OSError(5)
        self.memory[register : register + len(data)] = data


class Ds3231Test(unittest.TestCase):
    def test_reads_what_it_wrote(self):
        chip = Chip()
        clock = Ds3231(chip)
        for text in ((2000, 1, 1, 0, 0, 0), (2028, 2, 29, 23, 59, 59), (2099, 12, 31, 9, 8, 7)):
            utc_s = dates.day_of(*text[:3]) * 86400 + text[3] * 3600 + text[4] * 60 + text[5]
            self.assertTrue(clock.write(utc_s))
            self.assertEqual(clock.read(), utc_s)
        self.assertEqual(bytes(chip.memory[:7]), bytes([0x07, 0x08, 0x09, 4, 0x31, 0x12, 0x99]))

    def test_no_time_without_battery_chip_or_sense(self):
        chip = Chip()
        clock = Ds3231(chip)
        clock.write(86400 * 100)
        chip.memory[15] = 0x80
        self.assertIsNone(clock.read())
        chip.memory[15] = 0
        for place, value in ((0, 0x60), (0, 0x0A), (2, 0x24), (4, 0x32), (5, 0x13), (5, 0x00)):
            before, chip.memory[place] = chip.memory[place], value
            self.assertIsNone(clock.read())
            chip.memory[place] = before
        self.assertIsNotNone(clock.read())
        chip.there = False
        self.assertIsNone(clock.read())
        self.assertFalse(clock.write(5))
