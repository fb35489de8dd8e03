import unittest

from lamppost.light import dates, sun

LOUVAIN = (50669300, 4615000)
TROMSO = (69649200, 18955300)


def texts(y, m, d, place):
    return [s and dates.text(s)[:19] for s in sun.times(dates.day_of(y, m, d), place[0], place[1])]


class TestTimes(unittest.TestCase):
    def test_the_night_of_midsummer_in_louvain_la_neuve(self):
        # To the second, and the same on every interpreter and word size: the sun is integers only.
        self.assertEqual(
            texts(2026, 6, 21, LOUVAIN),
            ["2026-06-21T02:42:43", "2026-06-21T03:28:41", "2026-06-21T19:58:01", "2026-06-21T20:43:59"],
        )

    def test_the_worked_example_of_nrel(self):
        # Reda and Andreas, Solar Position Algorithm (NREL/TP-560-34302), table A5.1: 17 October 2003, Golden, Colorado:
        # sunrise 6:12:43.46, sunset 17:18:51.02 at UTC-7 with 0.2666 + 0.5667 degrees below the horizon.
        _, sunrise, sunset, _ = sun.times(dates.day_of(2003, 10, 17), 39742476, -105178600)
        midnight = dates.day_of(2003, 10, 17) * 86400 + 7 * 3600
        self.assertAlmostEqual(sunrise - midnight, 6 * 3600 + 12 * 60 + 43.46, delta=1)
        self.assertAlmostEqual(sunset - midnight, 17 * 3600 + 18 * 60 + 51.02, delta=1)

    def test_the_date_is_that_of_the_place(self):
        # On the date line the solar noon of 21 June is at 0 h or 24 h UTC of that day.
        noon = dates.day_of(2026, 6, 21) * 86400 + 43200
        for lon_ud in (-180000000, -151210000, 0, 151210000, 180000000):
            _, sunrise, sunset, _ = sun.times(9668, -33870000, lon_ud)
            solar_noon = (sunrise + sunset) // 2
            self.assertLess(abs(solar_noon - (noon - lon_ud * 240 // 1000000)), 17 * 60)

    def test_the_whole_range(self):
        for day in (0, 1, 59, 60, 36523, 36524):
            dawn, sunrise, sunset, dusk = sun.times(day, LOUVAIN[0], LOUVAIN[1])
            self.assertTrue(day * 86400 < dawn < sunrise < sunset < dusk < (day + 1) * 86400)

    def test_from_one_day_to_the_next_nothing_jumps(self):
        # Longest step at this latitude: 2 min 20 s a day in spring. Over leap days, new years and the century's end.
        for first in (0, 50, 360, 9500, 36100):
            last = sun.times(first, LOUVAIN[0], LOUVAIN[1])
            for day in range(first + 1, min(first + 70, 36525)):
                now = sun.times(day, LOUVAIN[0], LOUVAIN[1])
                for a, b in zip(last, now):
                    self.assertLess(abs(b - a - 86400), 150)
                last = now


class TestLongIntegers(unittest.TestCase):
    def test_they_round_down_and_wrap_as_short_ones_do(self):
        # On a board everything over 30 bits is a long integer; here those over 62 are. The sun relies on these four.
        for n in (1, 5, 123456789):
            for k in (2**28, 2**72):
                self.assertEqual((-n * k - 1) >> 28, -n * (k >> 28) - 1)
                self.assertEqual((-n * k - 1) // k, -n - 1)
                self.assertEqual((-n * k - 1) & 0x3FFFFFFF, (-n * k - 1) % 2**30)
                self.assertEqual(sun._sine(n + k * 2**30), sun._sine(n))
        self.assertEqual(sun._sine(0), 0)
        self.assertAlmostEqual(sun._sine(-(2**28) - 2**72), -(2**28), delta=4)


class TestPolar(unittest.TestCase):
    def test_polar_night_keeps_its_twilight(self):
        dawn, sunrise, sunset, dusk = sun.times(dates.day_of(2026, 12, 21), TROMSO[0], TROMSO[1])
        self.assertIsNone(sunrise)
        self.assertIsNone(sunset)
        self.assertTrue(dawn < dusk)
        self.assertFalse(sun.above(dates.day_of(2026, 12, 21), TROMSO[0], TROMSO[1], False))

    def test_polar_day(self):
        day = dates.day_of(2026, 6, 21)
        self.assertEqual(sun.times(day, TROMSO[0], TROMSO[1]), (None, None, None, None))
        self.assertTrue(sun.above(day, TROMSO[0], TROMSO[1], False))
        self.assertTrue(sun.above(day, TROMSO[0], TROMSO[1], True))

    def test_white_night(self):
        dawn, sunrise, sunset, dusk = sun.times(dates.day_of(2026, 6, 21), 62000000, 0)
        self.assertIsNone(dawn)
        self.assertIsNone(dusk)
        self.assertTrue(sunrise < sunset)
        self.assertTrue(sun.above(dates.day_of(2026, 6, 21), 62000000, 0, True))

    def test_dark_at_noon(self):
        day = dates.day_of(2026, 12, 21)
        self.assertEqual(sun.times(day, 80000000, 0), (None, None, None, None))
        self.assertFalse(sun.above(day, 80000000, 0, False))
        self.assertFalse(sun.above(day, 80000000, 0, True))

    def test_the_poles_have_one_day_a_year(self):
        for lat_ud, up in ((90000000, range(90, 260)), (-90000000, range(280, 430))):
            for day in range(9497 + up.start, 9497 + up.stop, 10):
                self.assertEqual(sun.times(day, lat_ud, 0), (None, None, None, None))
                self.assertTrue(sun.above(day, lat_ud, 0, False))
                self.assertFalse(sun.above(day, -lat_ud, 0, False))


class TestRefusal(unittest.TestCase):
    def test_each_fault_is_named(self):
        for args, words in (
            ((-1, 0, 0), "day -1 is not in 0..36524"),
            ((36525, 0, 0), "day 36525"),
            ((0, 90000001, 0), "latitude 90000001"),
            ((0, -90000001, 0), "latitude -90000001"),
            ((0, 0, 180000001), "longitude 180000001"),
            ((0, 0, -180000001), "longitude -180000001"),
        ):
            with self.assertRaises(ValueError) as caught:
                sun.times(*args)
            self.assertIn(words, str(caught.exception))
            with self.assertRaises(ValueError):
                sun.above(args[0], args[1], args[2], False)


if __name__ == "__main__":
    unittest.main()
