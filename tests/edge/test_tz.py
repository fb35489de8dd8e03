import unittest

from lamppost.light import dates, tz

BRUSSELS = "CET-1CEST,M3.5.0,M10.5.0/3"


def at(y, m, d, hour=0, minute=0, second=0):
    return dates.day_of(y, m, d) * 86400 + hour * 3600 + minute * 60 + second


class TestOffset(unittest.TestCase):
    def check(self, rule, *expected):
        zone = tz.Zone(rule)
        for utc_s, offset_s in expected:
            self.assertEqual(zone.offset_s(utc_s), offset_s, "%s at %s" % (rule, dates.text(utc_s)))

    def test_brussels_changes_at_one_utc(self):
        spring, autumn = at(2026, 3, 29, 1), at(2026, 10, 25, 1)
        self.check(BRUSSELS, (spring - 1, 3600), (spring, 7200), (autumn - 1, 7200), (autumn, 3600))

    def test_hours_may_reach_a_week_ahead_or_back(self):
        spring = at(2026, 3, 28, 23) + 167 * 3600  # midnight of the last Sunday of March in Belgium, and 167 hours
        autumn = at(2026, 10, 24, 22) - 167 * 3600
        rule = "CET-1CEST,M3.5.0/167,M10.5.0/-167"
        self.check(rule, (spring - 1, 3600), (spring, 7200), (autumn - 1, 7200), (autumn, 3600))

    def test_the_southern_summer_spans_new_year(self):
        rule = "AEST-10AEDT,M10.1.0,M4.1.0/3"
        self.check(rule, (at(2026, 1, 1), 39600), (at(2026, 4, 4, 16), 36000), (at(2026, 10, 3, 16), 39600))
        self.check(rule, (at(2026, 12, 31, 23, 59, 59), 39600), (at(2026, 4, 4, 15, 59, 59), 39600))

    def test_dublin_saves_daylight_backwards(self):
        self.check(
            "IST-1GMT0,M10.5.0,M3.5.0/1", (at(2026, 1, 1), 0), (at(2026, 3, 29, 1), 3600), (at(2026, 7, 1), 3600)
        )

    def test_lord_howe_changes_by_half_an_hour(self):
        self.check("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", (at(2026, 1, 1), 39600), (at(2026, 7, 1), 37800))

    def test_no_daylight_saving(self):
        self.check("<+0330>-3:30", (0, 12600), (at(2099, 7, 1), 12600))
        self.check("UTC0", (at(2026, 7, 1), 0))
        self.check("LMT5:17:32", (at(2026, 7, 1), -19052))

    def test_days_of_the_year(self):
        # J60 is 1 March in every year; 59 is 29 February in a leap year and 1 March in another.
        for year in (2024, 2026):
            self.check("AAA0BBB,J60/0,J300", (at(year, 3, 1) - 1, 0), (at(year, 3, 1), 3600))
        self.check("AAA0BBB,59/0,J300", (at(2024, 2, 29) - 1, 0), (at(2024, 2, 29), 3600))
        self.check("AAA0BBB,59/0,J300", (at(2026, 3, 1) - 1, 0), (at(2026, 3, 1), 3600))
        self.check("AAA0BBB,J59/0,J300", (at(2024, 2, 28) - 1, 0), (at(2024, 2, 28), 3600))

    def test_hours_beyond_a_day_and_before_midnight(self):
        self.check("EET-2EEST,M3.4.4/50,M10.4.4/50", (at(2026, 3, 28, 0) - 1, 7200), (at(2026, 3, 28, 0), 10800))
        self.check("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", (at(2026, 3, 29, 1) - 1, -7200), (at(2026, 3, 29, 1), -3600))

    def test_daylight_saving_all_year(self):
        zone = tz.Zone("EST5EDT,0/0,J365/25")
        for s in range(at(2025, 12, 30), at(2026, 1, 3), 1800):
            self.assertEqual(zone.offset_s(s), -14400)
            self.assertEqual(zone.utc_s(s), s + 14400)

    def test_jumping_between_years_forgets_nothing(self):
        zone = tz.Zone(BRUSSELS)
        self.assertEqual(zone.offset_s(at(2026, 7, 1)), 7200)
        self.assertEqual(zone.offset_s(at(2099, 1, 1)), 3600)
        self.assertEqual(zone.offset_s(at(2026, 7, 1)), 7200)


class TestUtc(unittest.TestCase):
    def test_a_skipped_wall_time_is_the_moment_of_the_skip(self):
        zone = tz.Zone(BRUSSELS)
        skip = at(2026, 3, 29, 1)
        self.assertEqual(zone.utc_s(at(2026, 3, 29, 1, 59, 59)), skip - 1)
        for minute in (0, 1, 30, 59):
            self.assertEqual(zone.utc_s(at(2026, 3, 29, 2, minute)), skip)
        self.assertEqual(zone.utc_s(at(2026, 3, 29, 3)), skip)
        self.assertEqual(zone.utc_s(at(2026, 3, 29, 3, 0, 1)), skip + 1)

    def test_a_wall_time_that_comes_twice_is_its_first(self):
        zone = tz.Zone(BRUSSELS)
        self.assertEqual(zone.utc_s(at(2026, 10, 25, 2, 30)), at(2026, 10, 25, 0, 30))
        self.assertEqual(zone.utc_s(at(2026, 10, 25, 2, 59, 59)), at(2026, 10, 25, 0, 59, 59))
        self.assertEqual(zone.utc_s(at(2026, 10, 25, 3)), at(2026, 10, 25, 2))

    def test_there_and_back_over_two_years(self):
        for rule in (BRUSSELS, "AEST-10AEDT,M10.1.0,M4.1.0/3", "IST-1GMT0,M10.5.0,M3.5.0/1", "<+0545>-5:45"):
            zone = tz.Zone(rule)
            for utc_s in range(at(2026, 1, 1), at(2028, 1, 1), 40 * 60):
                local_s = utc_s + zone.offset_s(utc_s)
                first = zone.utc_s(local_s)
                self.assertTrue(first <= utc_s)
                self.assertEqual(first + zone.offset_s(first), local_s)


class TestRefusal(unittest.TestCase):
    def test_each_fault_is_named(self):
        for rule, words in (
            ("", "1..64 characters"),
            (None, "1..64 characters"),
            ("A" * 65, "1..64 characters"),
            ("CE-1", "3 letters"),
            ("Europe/Brussels", "offset"),
            ("CET", "offset"),
            ("CET-25", "25 is not in 0..24"),
            ("CET-1:60", "minutes 60"),
            ("CET-1:30:61", "seconds 61"),
            ("CET-1CEST", ",M3.5.0"),
            ("CET-1CEST,M3.5.0", ",M3.5.0"),
            ("CET-1CEST,M13.5.0,M10.5.0", "month 13"),
            ("CET-1CEST,M3.6.0,M10.5.0", "week 6"),
            ("CET-1CEST,M3.5.7,M10.5.0", "weekday 7"),
            ("CET-1CEST,M3-5-0,M10.5.0", "week"),
            ("CET-1CEST,J0,J300", "0 is not in 1..365"),
            ("CET-1CEST,J366,J300", "366 is not in 1..365"),
            ("CET-1CEST,366,J300", "366 is not in 0..365"),
            ("CET-1CEST,M3.5.0/168,M10.5.0", "168 is not in 0..167"),
            ("CET-1CEST,M3.5.0,M10.5.0/3x", "end of the rule"),
            ("<+01-1", "the end of the name"),
            ("<+1>-1", "3 letters"),
            ("CET-1\nCEST,M3.5.0,M10.5.0", "3 letters"),
        ):
            with self.assertRaises(ValueError) as caught:
                tz.Zone(rule)
            self.assertIn(words, str(caught.exception), rule)
            self.assertFalse("\n" in str(caught.exception), "one line")


if __name__ == "__main__":
    unittest.main()
