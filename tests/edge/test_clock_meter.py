import unittest

from lamppost.clock import Clock
from lamppost.limits import TICKS_MASK
from lamppost.meter import Meter


class ClockTest(unittest.TestCase):
    def test_time_runs_on_over_the_wrap(self):
        clock = Clock()
        ticks = TICKS_MASK - 5000
        clock.now(ticks)
        clock.set(800000000, 250, clock.t_ms)
        for second in range(1, 30):
            t_ms = clock.now((ticks + second * 1000) & TICKS_MASK)
            self.assertEqual(t_ms, second * 1000)
            self.assertEqual(clock.utc_s(t_ms), 800000000 + second)

    def test_a_tick_from_before_does_not_turn_time_back(self):
        clock = Clock()
        clock.now(1000)
        self.assertEqual(clock.now(1500), 500)
        self.assertEqual(clock.now(1499), 500)
        self.assertEqual(clock.now(1501), 501)

    def test_time_is_unknown_until_set(self):
        clock = Clock()
        t_ms = clock.now(0)
        self.assertIsNone(clock.utc_s(t_ms))
        self.assertEqual(clock.set(5, 0, t_ms), 0)
        self.assertEqual(clock.set(3, 500, t_ms), -1500)
        self.assertEqual(clock.utc_s(t_ms), 3)


class MeterTest(unittest.TestCase):
    def test_estimate_and_energy(self):
        meter = Meter()
        meter.rated_mw, meter.standby_mw = 40000, 500
        meter.advance(0, 0)
        self.assertEqual(meter.power_mw, 500)
        meter.advance(1000, 3600000)
        self.assertEqual(meter.energy_mwh, 500)
        self.assertEqual(meter.power_mw, 40500)
        meter.advance(500, 7200000)
        self.assertEqual(meter.energy_mwh, 41000)
        self.assertEqual(meter.power_mw, 500 + 40000 * 515 // 1000)

    def test_short_spans_add_up_exactly(self):
        one, many = Meter(), Meter()
        for meter in (one, many):
            meter.rated_mw, meter.standby_mw = 33333, 77
            meter.advance(333, 0)
        one.advance(333, 3600007)
        for t_ms in range(7, 3600008, 1000):
            many.advance(333, t_ms)
        self.assertEqual(one.energy_mwh, many.energy_mwh)

    def test_a_fresh_sensor_wins_and_an_old_one_does_not(self):
        meter = Meter()
        meter.rated_mw = 40000
        meter.measured(12345, 1000)
        meter.advance(1000, 2000)
        self.assertEqual(meter.power_mw, 12345)
        meter.advance(1000, 62000)
        self.assertEqual(meter.power_mw, 40000)


if __name__ == "__main__":
    unittest.main()
