"""How strongly a lamp is driven: virtual output and constant light output."""

import unittest

from bench import NOON, Bench, plan_bytes

from lamppost.light.output import HOURS_MAX, drive_pm, read_table, scaled
from lamppost.store.settings import SettingsError

HOUR = 3600000


class TableTest(unittest.TestCase):
    def test_straight_lines_between_the_steps(self):
        table = read_table("0:800,10000:900, 50000:1000")
        found = [drive_pm(table, hours) for hours in (0, 1, 5000, 9999, 10000, 30000, 50000, HOURS_MAX)]
        self.assertEqual(found, [800, 800, 850, 899, 900, 950, 1000, 1000])
        late = read_table("1000:800 2000:1000")
        self.assertEqual([drive_pm(late, hours) for hours in (0, 999, 1000, 1500)], [800, 800, 800, 900])
        self.assertEqual(drive_pm(read_table(""), 12345), 1000)

    def test_it_never_falls_with_the_hours(self):
        table = read_table("0:701 333:702 7777:950 90000:1000")
        drives = [drive_pm(table, hours) for hours in range(0, 100000, 97)]
        self.assertEqual(drives, sorted(drives))

    def test_refuses_what_would_be_dark_or_is_no_table(self):
        for text in ("0", "0:", ":900", "0:499", "0:1001", "0:900 0:950", "0:900 10:850", "0:9x0", "200001:900",
                     "-1:900", "0:900;1:950", " ".join(["%d:900" % n for n in range(9)]), "0:900:1"):  # fmt: skip
            self.assertRaises(ValueError, read_table, text)

    def test_light_is_never_scaled_to_nothing(self):
        self.assertEqual([scaled(level, 100) for level in (0, 1, 9, 10, 1000)], [0, 1, 1, 1, 100])


class PostTest(unittest.TestCase):
    def lamp(self, level_pm=1000):
        bench = Bench(saved={"plan": plan_bytes(level_pm)})
        bench.open()
        bench.set_time(NOON + 10 * 3600)
        bench.run(5000)
        return bench

    def test_virtual_output_scales_the_drive_and_the_power_and_no_reason(self):
        bench = self.lamp(500)
        full_mw = bench.post.meter.expected_mw(500)
        bench.post.configure("output-pm", 800, bench.post.clock.t_ms)
        bench.give(("tick",))
        self.assertEqual(bench.lamp, (400, 8000))
        self.assertEqual(bench.post.dimmer.target_pm, 500)
        self.assertLess(bench.post.meter.expected_mw(500), full_mw)
        lines = bench.type("why")
        self.assertEqual(lines[-3:], ["  10 scale to 80 %: virtual output", "level-percent 50", "ok"])
        bench.start()
        bench.give(("clock", NOON + 10 * 3600, 0))
        self.assertEqual(bench.lamp[0], 400)

    def test_constant_light_output_follows_the_hours_that_the_lamp_has_burnt(self):
        bench = self.lamp()
        bench.post.configure("clo", "0:800,100:1000", bench.post.clock.t_ms)
        bench.give(("tick",))
        self.assertEqual(bench.lamp[0], 800)
        for _ in range(10):
            bench.give(("clock", NOON + 10 * 3600, 0))
            bench.run(5 * HOUR)
        self.assertTrue(890 <= bench.lamp[0] <= 900, bench.lamp)
        self.assertIn("constant light output at 50 h", bench.type("why")[-3])
        bench.start()
        bench.give(("clock", NOON + 10 * 3600, 0))
        self.assertTrue(890 <= bench.lamp[0] <= 900, bench.lamp)

    def test_the_power_is_judged_against_the_drive(self):
        bench = self.lamp()
        bench.post.configure("output-pm", 400, bench.post.clock.t_ms)
        for _ in range(30):
            bench.give(("power", bench.post.meter.expected_mw(1000)))
            bench.run(10000)
        self.assertEqual(bench.post.upkeep.bits, 0)

    def test_a_table_that_makes_dark_is_refused(self):
        bench = self.lamp()
        self.assertRaises(SettingsError, bench.post.configure, "clo", "0:100", bench.post.clock.t_ms)
        self.assertRaises(SettingsError, bench.post.configure, "output-pm", 99, bench.post.clock.t_ms)


if __name__ == "__main__":
    unittest.main()
