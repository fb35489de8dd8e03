"""board.json: what is right is filled up with defaults, what is wrong is one line that says what to do."""

import json
import unittest

import fake_machine

fake_machine.install()

from lamppost.boards import config, esp32, rp2  # noqa: E402 - they import `machine`

PICO = {
    "board": "rp2",
    "bus": {"uart": 0, "tx": 0, "rx": 1, "enable": 2},
    "service": {"uart": 1, "tx": 4, "rx": 5},
    "lamp": {"kind": "0-10v", "pin": 15, "low_pm": 100},
    "relay": {"pin": 16},
    "presence": [{"pin": 10}, {"pin": 11, "class": "car", "pull": "down"}],
    "lux": {"pin": 26, "lx_full": 1000},
    "door": {"pin": 12, "pull": "up", "active": 0},
    "meter": {"pin": 13, "pulses_kwh": 1000},
    "rtc": {"sda": 20, "scl": 21},
}


def read(found, board=rp2.Board):
    return config.read(json.dumps(found), board.name, board.pins)


def changed(**sections):
    found = json.loads(json.dumps(PICO))
    for name, value in sections.items():
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name].update(value)
        elif value is None:
            del found[name]
        else:
            found[name] = value
    return found


class ConfigTest(unittest.TestCase):
    def refused(self, found, words, board=rp2.Board):
        try:
            read(found, board)
        except config.ConfigError as error:
            self.assertIn(words, str(error))
            self.assertNotIn("\n", str(error))
        else:
            self.fail("accepted; should say: " + words)

    def test_defaults_are_filled_in(self):
        whole = read(PICO)
        self.assertEqual(whole["bus"]["baud"], 19200)
        self.assertEqual(whole["lamp"]["high_pm"], 1000)
        self.assertEqual([sensor["class"] for sensor in whole["presence"]], ["pedestrian", "car"])
        self.assertEqual(whole["watchdog_ms"], 8388)
        self.assertIsNone(whole["identify"])
        small = read({"board": "rp2", "lamp": {"kind": "pwm", "pin": 3}})
        self.assertEqual((small["bus"], small["presence"], small["relay"]), (None, [], None))

    def test_an_unknown_key_names_the_nearest(self):
        self.refused(changed(presense=[]), "unknown key 'presense': did you mean 'presence'?")
        self.refused(changed(bus={"bauds": 9600}), "unknown key 'bus.bauds': did you mean 'baud'?")
        self.refused(changed(presence=[{"pin": 10, "on": 3}]), "'presence[0].on'")
        self.refused({"x" * 500: 1}, "unknown key 'xxx")

    def test_shapes_and_bounds(self):
        for text, words in ((b"{", "not JSON"), (b"[]", "one object"), (b" " * 5000, "over 4096 bytes")):
            with self.assertRaises(config.ConfigError) as caught:
                config.read(text, "rp2", rp2.Board.pins)
            self.assertIn(words, str(caught.exception))
        self.refused(changed(board="esp32"), 'is for board "esp32"')
        self.refused(changed(lamp=None), "lamp is missing")
        self.refused(changed(lamp={"kind": "neon"}), "lamp.kind is one of pwm, 0-10v, dali")
        self.refused(changed(bus={"baud": 1200}), "bus.baud is one of 9600, 19200")
        self.refused(changed(bus={"baud": True}), "bus.baud")
        self.refused(changed(bus=7), "bus is an object")
        self.refused(changed(presence={"pin": 10}), "presence is a list of at most 4")
        self.refused(changed(presence=[{"pin": 6}] * 5), "at most 4")
        self.refused(changed(watchdog_ms=9000), "watchdog_ms is a whole number from 1000 to 8388")
        self.refused(changed(relay={"active": 2}), "relay.active is one of 0, 1")
        self.refused(changed(relay={"min_off_s": 11}), "relay.min_off_s is a whole number from 0 to 10")
        self.refused(changed(relay={"stagger_ms": 101}), "relay.stagger_ms is a whole number from 0 to 100")
        self.refused(changed(lamp={"power_on_pm": 499}), "lamp.power_on_pm is a whole number from 500 to 1000")
        self.refused(changed(lamp={"inverted": 1}), "lamp.inverted is true or false")
        self.refused(changed(lamp={"curve": "s"}), "lamp.curve is one of logarithmic, linear")
        self.refused(changed(lamp={"pin": "15"}), "lamp.pin is a whole number")
        self.refused(changed(lamp={"low_pm": 900, "high_pm": 800}), "lamp.low_pm is below")
        self.refused({"board": "rp2", "lamp": {"kind": "pwm"}}, "lamp.pin is missing")
        self.refused({"board": "rp2", "lamp": {"kind": "dali", "tx": 3}}, "lamp.rx is missing")

    def test_pins(self):
        self.refused(changed(relay={"pin": 15}), "relay.pin: pin 15 is already used by lamp.pin")
        self.refused(changed(relay={"pin": 25}), "relay.pin: this board has no pin 25")
        self.refused(changed(lux={"pin": 14}), "lux.pin is one of 26, 27, 28")
        self.refused(changed(bus={"tx": 14}), "bus.tx of UART 0 is one of 0, 12, 16")
        self.refused(changed(service={"uart": 0, "tx": 12, "rx": 17}), "pin 12 is already used")
        self.refused(changed(door=None, service={"uart": 0, "tx": 12, "rx": 17}), "the bus has UART 0 already")
        self.refused(changed(service={"uart": 2}), "service.uart is 0 to 1")

    def test_esp32(self):
        lamp = {"kind": "pwm", "pin": 25}
        read({"board": "esp32", "lamp": lamp, "presence": [{"pin": 34}]}, esp32.Board)
        self.refused({"board": "esp32", "lamp": lamp, "relay": {"pin": 34}}, "can only be an input", esp32.Board)
        self.refused({"board": "esp32", "lamp": {"kind": "pwm", "pin": 6}}, "has no pin 6", esp32.Board)
        read({"board": "esp32", "lamp": lamp, "bus": {"uart": 2, "tx": 17, "rx": 16}}, esp32.Board)

    def test_nearest(self):
        self.assertEqual(config.nearest("prescence", ["bus", "presence", "relay"]), "presence")
        self.assertEqual(config.nearest("", ["bus", "rtc1"]), "bus")
