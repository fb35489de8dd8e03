"""A Post with a DALI lamp on a Pico and on an ESP32: half bits by stand-ins of their line hardware to a fake gear."""

import sys
import unittest

import fake_machine
from test_dali import Bus, FakeGear, bank_205

STATE = fake_machine.install()


class Wire:
    """What hangs on the pins: the bus in the state of this test, and the levels that a receiver would see."""

    bus = Bus()

    @staticmethod
    def send(halves):
        Wire.bus.now_ms = STATE.now_ms
        Wire.bus.send(halves)

    @staticmethod
    def answer_halves():
        from lamppost.dali import bits

        return bits.halves(Wire.bus._answers[0], 8) if Wire.bus._answers else []


class FakeRp2:
    """The parts of module rp2 that a DALI line uses."""

    class PIO:
        OUT_LOW, SHIFT_LEFT, JOIN_RX = 0, 1, 2

    class StateMachine:
        def __init__(self, number, program, freq, out_base=None, in_base=None):
            self.drives = out_base is not None
            self.freq = freq
            self.words = []
            self.on = 0

        def active(self, on):
            self.on = on
            if on and not self.drives:
                self.words = self._samples()

        def restart(self):
            pass

        def put(self, word):
            assert (self.drives, self.on, self.freq) == (True, 1, 24000)
            self.words.append(word)
            if len(self.words) == 2:
                levels = [self.words[at // 32] >> (31 - at % 32) & 1 for at in range(64)]
                self.words = []
                assert levels[34:] == [levels[63]] * 30  # rest
                Wire.send([1 if level == levels[63] else 0 for level in levels[:34]])

        def rx_fifo(self):
            return len(self.words)

        def get(self):
            word, self.words = self.words[0], self.words[1:]
            return word

        def _samples(self):
            line = [1] * 47
            for half in Wire.answer_halves():
                line += [half] * 5
            line = (line + [1] * 256)[:256]  # eight words: then the queue is full
            words = []
            for at in range(0, 256, 32):
                word = 0
                for level in line[at : at + 32]:
                    word = word << 1 | level
                words.append(word)
            return words

    @staticmethod
    def asm_pio(**_):
        return lambda program: program


class FakeEsp32:
    """The parts of module esp32, and time_pulse_us of machine."""

    class RMT:
        def __init__(self, pin, clock_div, idle_level):
            assert clock_div == 80
            self.idle = idle_level

        def write_pulses(self, durations, level):
            halves = []
            for us in durations:
                halves += [0 if level != self.idle else 1] * (us // 417)
                level = 1 - level
            Wire.send(halves)

    edges = ()

    @staticmethod
    def time_pulse_us(pin, level, timeout_us):
        from lamppost.dali import bits

        if level == 0 and timeout_us > 5000:
            FakeEsp32.edges = bits.runs(Wire.bus._answers[0], 8) if Wire.bus._answers else []
        if not FakeEsp32.edges:
            return -2 if level == 0 else -1
        us, FakeEsp32.edges = FakeEsp32.edges[0], FakeEsp32.edges[1:]
        return us - 20  # the interpreter between two calls


sys.modules["rp2"] = FakeRp2
sys.modules["esp32"] = FakeEsp32
fake_machine.time_pulse_us = FakeEsp32.time_pulse_us

from test_boards_run import Rig  # noqa: E402 - it imports `machine`

from lamppost.boards import esp32, rp2  # noqa: E402
from lamppost.dali import levels  # noqa: E402

PICO = {
    "board": "rp2",
    "service": {"uart": 1, "tx": 4, "rx": 5},
    "lamp": {"kind": "dali", "tx": 14, "rx": 15, "active": 1},
    "relay": {"pin": 16},
}
ESP32 = {
    "board": "esp32",
    "service": {"uart": 1, "tx": 18, "rx": 19},
    "lamp": {"kind": "dali", "tx": 25, "rx": 34, "active": 0, "address": 3},
}


class DaliTest(unittest.TestCase):
    def lives(self, found, board, address):
        gear = FakeGear(address)
        gear.banks[205] = bank_205()
        gear.arc = 0
        Wire.bus = Bus(gear)
        rig = Rig(found, board)
        rig.run(1000)
        self.assertEqual(gear.arc, 254)
        self.assertEqual(rig.type("level 40 1m", 1), "ok\n")
        rig.run(1000)
        self.assertEqual((gear.arc, gear.fade_code), (levels.arc_of(400), 2))
        rig.run(62000)
        self.assertEqual(gear.arc, 254)
        rig.run(70000)
        self.assertEqual(rig.board.gear.status, 4)
        self.assertEqual(rig.post.temp_dc, 450)

    def test_pico(self):
        self.lives(PICO, rp2.Board, 0)

    def test_a_transceiver_the_other_way_round(self):
        found = dict(PICO)
        found["lamp"] = {"kind": "dali", "tx": 14, "rx": 15, "active": 0}
        self.lives(found, rp2.Board, 0)

    def test_esp32(self):
        self.lives(ESP32, esp32.Board, 3)
