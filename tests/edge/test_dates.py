import unittest

from lamppost.light import dates


class TestDates(unittest.TestCase):
    def test_known_days(self):
        for day, date in (
            (0, (2000, 1, 1)),
            (-1, (1999, 12, 31)),
            (59, (2000, 2, 29)),
            (60, (2000, 3, 1)),
            (9668, (2026, 6, 21)),
            (36524, (2099, 12, 31)),
            (36525 + 59, (2100, 3, 1)),
            (-730119, (1, 1, 1)),
            (2921939, (9999, 12, 31)),
        ):
            self.assertEqual(dates.civil(day), date)
            self.assertEqual(dates.day_of(*date), day)

    def test_every_day_of_the_century_follows_its_eve(self):
        y, m, d = 1999, 12, 31
        for day in range(-1, 36526):
            self.assertEqual(dates.civil(day), (y, m, d))
            self.assertEqual(dates.day_of(y, m, d), day)
            d += 1
            if d > dates.month_days(y, m):
                m, d = m + 1, 1
            if m > 12:
                y, m = y + 1, 1

    def test_weekdays(self):
        self.assertEqual(dates.weekday(0), 5)  # a Saturday
        self.assertEqual(dates.weekday(dates.day_of(2026, 6, 21)), 6)
        self.assertEqual(dates.weekday(dates.day_of(1999, 12, 31)), 4)

    def test_leap_years(self):
        self.assertEqual([dates.month_days(y, 2) for y in (1900, 2000, 2024, 2026, 2100)], [28, 29, 29, 28, 28])

    def test_text(self):
        self.assertEqual(dates.text(0), "2000-01-01T00:00:00Z")
        self.assertEqual(dates.text(-1), "1999-12-31T23:59:59Z")
        self.assertEqual(dates.text(dates.day_of(2026, 6, 21) * 86400 + 20 * 3600 + 5 * 60), "2026-06-21T20:05:00Z")

    def test_dates_that_do_not_exist_are_refused_by_name(self):
        for date, words in (
            ((2026, 2, 29), "1..28, the days of 2026-02"),
            ((2100, 2, 29), "1..28, the days of 2100-02"),
            ((2026, 4, 31), "1..30"),
            ((2026, 4, 0), "day 0"),
            ((2026, 13, 1), "month 13"),
            ((2026, 0, 1), "month 0"),
            ((0, 1, 1), "year 0"),
            ((10000, 1, 1), "year 10000"),
        ):
            with self.assertRaises(ValueError) as caught:
                dates.day_of(*date)
            self.assertIn(words, str(caught.exception))

    def test_days_out_of_the_calendar_are_refused(self):
        for day in (-730120, 2921940):
            with self.assertRaises(ValueError):
                dates.civil(day)


if __name__ == "__main__":
    unittest.main()
