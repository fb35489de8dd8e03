"""What a board does before its firmware: light at its power-on level, the relay in the post's turn, bounded."""

import unittest

import fake_machine

STATE = fake_machine.install()

from lamppost.boards import choose  # noqa: E402 - it imports `machine`

RELAY = {"pin": 16, "stagger_ms": 50}


class Records:
    def __init__(self, turn=None):
        self.turn = turn

    def get(self, name):
        assert name == "turn"
        return self.turn


class ChooseTest(unittest.TestCase):
    def setUp(self):
        fake_machine.install()
        choose.machine = fake_machine
        choose.time = fake_machine.Time

    def closed_after_ms(self, relay, turn=None):
        """When the relay's pin was driven, after the start."""
        self.setUp()
        begun_ms = STATE.now_ms
        choose.close({"relay": relay}, Records(turn))
        at_ms, what, level = STATE.history[-1]
        self.assertEqual((what, level), ("pin 16", relay.get("active", 1)))
        return at_ms - begun_ms

    def test_posts_of_a_street_close_one_after_the_other(self):
        found = [self.closed_after_ms(RELAY, bytes([address])) for address in range(1, 41)]
        self.assertEqual(sorted(found), list(range(50, 2001, 50)))

    def test_no_turn_is_later_than_two_seconds(self):
        for step_ms in (1, 7, 50, 100):
            relay = dict(RELAY, stagger_ms=step_ms)
            found = [self.closed_after_ms(relay, bytes([address])) for address in range(1, 251)]
            self.assertTrue(max(found) <= 2000)
            self.assertTrue(len(set(found)) >= min(250, 2000 // step_ms))

    def test_without_an_address_the_serial_number_counts(self):
        place = sum(fake_machine.unique_id()) % 41
        for turn in (None, b"", b"\0"):
            self.assertEqual(self.closed_after_ms(RELAY, turn), place * 50)

    def test_at_once_where_it_is_not_asked_for_or_wrong(self):
        for step in (0, -5, 2001, "50", None, 1.5):
            self.assertEqual(self.closed_after_ms(dict(RELAY, stagger_ms=step), b"\x09"), 0)
        self.assertEqual(self.closed_after_ms({"pin": 16, "active": 0}, b"\x09"), 0)

    def test_a_restart_is_no_mains_return(self):
        STATE.cause = fake_machine.WDT_RESET
        choose.close({"relay": RELAY}, Records(b"\x09"))
        self.assertEqual((STATE.driven[16], STATE.history[-1][0]), (1, 5))

    def test_records_that_cannot_be_read_delay_nothing(self):
        choose.close({"relay": RELAY}, None)
        self.assertEqual((STATE.driven[16], STATE.history[-1][0]), (1, 5))

    def test_full_light_by_a_pin_and_a_power_on_level_by_pwm(self):
        choose.light({"lamp": {"kind": "0-10v", "pin": 15}})
        self.assertEqual((STATE.driven, STATE.duties), ({15: 1}, {}))
        choose.light({"lamp": {"kind": "0-10v", "pin": 15, "low_pm": 100, "power_on_pm": 600}})
        self.assertEqual(STATE.duties, {15: 41942})  # as boards/lamp.py has it: 1 V + 0.6 of 9 V
        choose.light({"lamp": {"kind": "pwm", "pin": 14, "power_on_pm": 600, "inverted": True}})
        self.assertEqual((STATE.driven[14], STATE.duties[14]), (0, 65535 - 39321))
        self.setUp()
        for lamp, power_on in (({"power_on_pm": 600}, False), ({"power_on_pm": 600, "curve": "logarithmic"}, True)):
            choose.light({"lamp": dict(kind="0-10v", pin=15, **lamp)}, power_on)
            self.assertEqual((STATE.driven, STATE.duties), ({15: 1}, {}))

    def test_a_board_that_is_forgotten_at_the_prompt_begins_again(self):
        choose._prompt()
        period_ms, callback = STATE.timer
        self.assertTrue(period_ms < STATE.watchdog_ms)
        for _ in range(10 * 60000 // period_ms):  # time enough to write the files of a new board
            callback(None)
        self.assertEqual(STATE.fed, 10 * 60000 // period_ms)
        for _ in range(24 * 3600000 // period_ms):
            callback(None)
        self.assertEqual(STATE.fed, 30 * 60000 // period_ms)

    def test_a_board_json_on_which_the_reader_itself_fails_is_none(self):
        class Reader:
            @staticmethod
            def load(file):
                raise MemoryError

        real, choose.json = choose.json, Reader
        try:
            self.assertEqual(choose._read(choose.__file__), {})
        finally:
            choose.json = real

    def test_a_wrong_board_json_raises_nothing(self):
        for found in ({}, {"lamp": None, "relay": 7}, {"lamp": {"pin": 15, "power_on_pm": "x"}}, {"relay": {}}):
            choose.light(found)
            choose.close(found, Records())
        self.assertEqual(STATE.driven, {15: 1})
