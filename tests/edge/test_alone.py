"""Seven virtual days without a gateway: not one minute darker than the plan, whatever else fails."""

import unittest

from bench import NOON, Bench, plan_bytes

from lamppost.light.plan import Plan
from lamppost.limits import TICKS_MASK

MINUTE = 60000
POINTS = ((0, 630, 500), (0, 810, 150), (0, 1050, 900))  # 22:30, 01:30, 05:30


class AloneTest(unittest.TestCase):
    def week(self, cuts=(), clock_chip=True, trouble=None):
        """Minutes darker and brighter than the plan, in a week; the power is cut at the minutes in `cuts`."""
        raw = plan_bytes(700, neighbours=[(4, 300, 90)], points=POINTS)
        bench = Bench(saved={"plan": raw})
        truth = Plan.from_bytes(raw)
        bench.open()
        bench.set_time(NOON)
        darker = brighter = 0
        for minute in range(7 * 1440):
            utc_s = NOON + minute * 60
            if minute in cuts:
                bench.start()
                if clock_chip:
                    bench.give(("clock", utc_s, 0))
            if trouble:
                trouble(bench, minute)
            self.assertLess((bench.deadline - bench.ticks) & TICKS_MASK, 3600000 + 1)
            level, wanted = bench.post.dimmer.level(bench.post.clock.t_ms), truth.level_at(utc_s)
            darker += level < wanted
            brighter += level > wanted
            bench.run(MINUTE)
            bench.sent = []
        return darker, brighter

    def test_by_its_own_clock(self):
        darker, brighter = self.week()
        self.assertEqual(darker, 0)
        self.assertLess(brighter, 3)  # it began full

    def test_with_power_cuts_and_a_clock_chip(self):
        darker, brighter = self.week(cuts=(700, 701, 2100, 5000, 9001))
        self.assertEqual(darker, 0)
        self.assertLess(brighter, 8)

    def test_with_a_power_cut_and_no_clock_chip_it_burns(self):
        darker, brighter = self.week(cuts=(3000,), clock_chip=False)
        self.assertEqual(darker, 0)
        self.assertGreater(brighter, 3000)

    def test_with_sensors_that_fail(self):
        def trouble(bench, minute):
            if minute == 500:
                bench.give(("presence", 0, True, 0))  # and it stays
            if minute % 7 == 0:
                bench.give(("temp", 2000))  # nonsense
            if minute % 11 == 0:
                bench.give(("power", 0))
            if minute == 4000:
                bench.give(("flash", False, "life"))

        darker, brighter = self.week(trouble=trouble)
        self.assertEqual(darker, 0)
        self.assertLess(brighter, 40)  # the half hour in which the sensor was believed


if __name__ == "__main__":
    unittest.main()
