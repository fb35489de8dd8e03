"""The fade of one lamp."""

import unittest

from lamppost.light.dimmer import Dimmer


class Fades(unittest.TestCase):
    def test_a_straight_line_up_and_down(self):
        d = Dimmer()
        d.go(1000, 1000, 5000)
        self.assertEqual([d.level(5000 + t) for t in (0, 1, 500, 999, 1000, 9000)], [0, 1, 500, 999, 1000, 1000])
        self.assertEqual(d.done_ms, 6000)
        d.go(200, 8000, 10000)
        self.assertEqual([d.level(10000 + t) for t in (0, 1, 4000, 7999, 8000)], [1000, 1000, 600, 201, 200])

    def test_a_new_target_starts_from_the_level_of_that_moment(self):
        d = Dimmer(0)
        d.go(1000, 1000, 0)
        d.go(0, 500, 300)
        self.assertEqual([d.level(t) for t in (300, 550, 800)], [300, 150, 0])

    def test_no_fade_is_at_once(self):
        d = Dimmer(400)
        d.go(700, 0, 100)
        self.assertEqual(d.level(100), 700)
        d.go(100, -5, 100)
        self.assertEqual(d.level(100), 100)

    def test_rest(self):
        d = Dimmer(400)
        self.assertEqual(d.level(0), 400)
        self.assertEqual(d.level(1 << 40), 400)

    def test_weeks_of_uptime(self):
        d = Dimmer(0)
        start = 1 << 33
        d.go(1000, 3600000, start)
        self.assertEqual(d.level(start + 1800000), 500)


if __name__ == "__main__":
    unittest.main()
