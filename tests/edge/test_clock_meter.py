import unittest

from lamppost.clock import Clock
from lamppost.light.dimmer import Dimmer
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
        self.assertEqual(clock.set(3, 400, t_ms), 1600)
        self.assertEqual(clock.utc(t_ms), (3, 400))


class MeterTest(unittest.TestCase):
    def setUp(self):
        self.lamp = Dimmer()
        self.meter = Meter()
        self.meter.rated_mw, self.meter.standby_mw = 40000, 500
        self.meter.advance(self.lamp, 0)

    def go(self, level_pm, fade_ms, t_ms):
        self.meter.advance(self.lamp, t_ms)
        self.lamp.go(level_pm, fade_ms, t_ms)

    def test_estimate_and_energy(self):
        self.assertEqual(self.meter.power_mw, 500)
        self.go(1000, 0, 3600000)
        self.assertEqual(self.meter.energy_mwh, 500)
        self.go(500, 0, 7200000)
        self.assertEqual(self.meter.energy_mwh, 41000)
        self.meter.advance(self.lamp, 7200001)
        self.assertEqual(self.meter.power_mw, 500 + 40000 * 515 // 1000)

    def test_a_fade_counts_by_its_mean_power_and_not_by_where_it_began(self):
        self.go(1000, 0, 0)
        self.go(200, 3600000, 0)
        self.meter.advance(self.lamp, 2 * 3600000)
        down_mwh = 500 + 40000 * (1000 + 224) // 2000
        self.assertAlmostEqual(self.meter.energy_mwh, down_mwh + 500 + 40000 * 224 // 1000, delta=2)

    def test_it_makes_no_difference_how_often_it_is_asked(self):
        often, lamp = Meter(), Dimmer()
        often.rated_mw, often.standby_mw = 40000, 500
        often.advance(lamp, 0)
        for t_ms, level_pm, fade_ms in ((1000, 1000, 800), (1400, 300, 3000), (9007, 0, 0), (20000, 777, 60000)):
            self.go(level_pm, fade_ms, t_ms)
            for step_ms in range(often.since_ms, t_ms, 137):
                often.advance(lamp, step_ms)
            often.advance(lamp, t_ms)
            lamp.go(level_pm, fade_ms, t_ms)
        for step_ms in range(20000, 3600007, 1009):
            often.advance(lamp, step_ms)
        often.advance(lamp, 3600007)
        self.meter.advance(self.lamp, 3600007)
        self.assertAlmostEqual(self.meter.energy_mwh, often.energy_mwh, delta=often.energy_mwh // 1000)

    def test_a_fresh_sensor_wins_and_an_old_one_does_not(self):
        self.go(1000, 0, 0)
        self.meter.measured(12345, 1000)
        self.meter.advance(self.lamp, 2000)
        self.assertEqual(self.meter.power_mw, 12345)
        self.meter.advance(self.lamp, 62000)
        self.assertEqual(self.meter.power_mw, 40500)


if __name__ == "__main__":
    unittest.main()
