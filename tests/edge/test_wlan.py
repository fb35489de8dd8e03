"""The Wi-Fi of a microcontroller, with a stand-in for MicroPython's `network`: asked for, and again when it is lost."""

import sys
import unittest

CALLS = []


class Radio:
    connected = False

    def __init__(self, what):
        CALLS.append(("wlan", what))

    def active(self, on):
        CALLS.append(("active", on))

    def config(self, **what):
        CALLS.append(("config", what))

    def isconnected(self):
        return Radio.connected

    def connect(self, ssid, password):
        CALLS.append(("connect", ssid, password))

    def disconnect(self):
        CALLS.append(("disconnect",))


class Network:
    STA_IF = 0
    WLAN = Radio

    @staticmethod
    def country(code):
        CALLS.append(("country", code))


Radio.PM_NONE = 0
NOW = [0]
sys.modules["network"] = Network

from lamppost.boards import wlan  # noqa: E402 - it imports `network`


class Clock:
    @staticmethod
    def ticks_ms():
        return NOW[0]

    @staticmethod
    def ticks_diff(a, b):
        return a - b


wlan.time = Clock


class WlanTest(unittest.TestCase):
    def setUp(self):
        CALLS.clear()
        Radio.connected = False
        NOW[0] = 0

    def asked(self):
        return [call for call in CALLS if call[0] == "connect"]

    def test_it_is_asked_for_once_and_again_after_a_while(self):
        """[W-7]"""
        made = wlan.Wlan({"ssid": "street", "password": "pass", "country": "BE"})
        self.assertIn(("country", "BE"), CALLS)
        self.assertIn(("config", {"pm": 0}), CALLS)
        for NOW[0] in range(0, 10000, 100):
            self.assertFalse(made.up())
        self.assertEqual(self.asked(), [("connect", "street", "pass")])
        NOW[0] = 16000
        self.assertFalse(made.up())
        self.assertEqual(len(self.asked()), 2)
        Radio.connected = True
        self.assertTrue(made.up())
        Radio.connected = False
        self.assertFalse(made.up())  # lost: at once
        self.assertEqual(len(self.asked()), 3)

    def test_a_radio_that_is_busy_or_never_sleeps_stops_nobody(self):
        """[W-7]"""

        def busy(*_):
            raise OSError(16)

        kept = Radio.connect, Radio.config
        Radio.connect = busy
        Radio.config = lambda self, **what: int("x")
        try:
            made = wlan.Wlan({"ssid": "street", "password": "pass", "country": None})
            self.assertFalse(made.up())
        finally:
            Radio.connect, Radio.config = kept
        self.assertFalse([call for call in CALLS if call[0] == "country"])


if __name__ == "__main__":
    unittest.main()
