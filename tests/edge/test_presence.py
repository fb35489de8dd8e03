"""Presence: reach, hold, bounds and direction."""

import unittest

from light_helpers import WALK, plan

from lamppost.light.presence import CAR, CYCLIST, PEDESTRIAN, RISES, Presence

OWN = 10
# A street running east: posts 30 m apart, this one in the middle.
STREET = [[11, 300, 90], [12, 600, 90], [13, 900, 90], [14, 1200, 90], [9, 300, 270], [8, 600, 270], [7, 900, 270]]


def fresh(profiles=None):
    p = Presence()
    p.configure(plan(neighbours=STREET, profiles=profiles), OWN)
    return p


def level(p, t_ms):
    ask = p.ask(0, t_ms)
    return 0 if ask is None else ask[0]


def _passers_by(count):
    """(number, address, class, t_ms) of walkers and cars along the street, some of whom turn or are missed."""
    state, due = 7, []
    for who in range(count):
        state = state * 1103515245 + 12345 & 0x3FFFFFFF
        east, car, turns = state >> 20 & 1, state >> 21 & 1, (state >> 22) % 40
        t_ms, place = who * 40000 + (state >> 8) % 9000, 7 if east else 14
        for step in range(12):
            state = state * 1103515245 + 12345 & 0x3FFFFFFF
            if (state >> 16) % 8 and 7 <= place <= 14:
                due.append((t_ms, who, place, 2 * car))
            t_ms += 1500 + (state >> 10) % 1500 if car else 16000 + (state >> 10) % 9000
            place += 1 if (step < turns) == bool(east) else -1
    return [(who, place, user, t_ms) for t_ms, who, place, user in sorted(due)]


class Reach(unittest.TestCase):
    def test_light_counts_the_way_along_the_street_and_direction_the_place(self):
        p = Presence()
        p.configure(plan(neighbours=[[11, 200, 0, 500], [12, 200, 0]], profiles=[WALK]), OWN)
        p.detect(11, PEDESTRIAN, 1000)
        around = p.ask(0, 1000)
        p = Presence()
        p.configure(plan(neighbours=[[11, 500, 0], [12, 200, 0]], profiles=[WALK]), OWN)
        p.detect(11, PEDESTRIAN, 1000)
        self.assertEqual(around, p.ask(0, 1000))
        p = Presence()
        p.configure(plan(neighbours=[[12, 200, 0]], profiles=[WALK]), OWN)
        p.detect(12, PEDESTRIAN, 1000)
        self.assertTrue(around[0] < p.ask(0, 1000)[0])

    def test_the_profile_says_how_bright_how_far(self):
        for address, expected in ((OWN, 1000), (11, 1000), (12, 600), (13, 300), (14, 0), (9, 1000)):
            p = fresh()
            p.detect(address, PEDESTRIAN, 1000)
            self.assertEqual(level(p, 1000), expected, address)

    def test_each_class_has_its_own(self):
        for user, expected in ((PEDESTRIAN, 600), (CYCLIST, 800), (CAR, 1000)):
            p = fresh()
            p.detect(12, user, 1000)
            self.assertEqual(level(p, 1000), expected)

    def test_the_brightest_counts_and_then_the_next(self):
        p = fresh()
        p.detect(13, PEDESTRIAN, 0)
        p.detect(9, PEDESTRIAN, 1000)
        p.detect(8, CYCLIST, 5000)
        self.assertEqual(p.ask(0, 6000)[:2], (1000, 21000))
        self.assertEqual(p.ask(0, 21000)[:2], (800, 25000))
        self.assertIsNone(p.ask(0, 25000))

    def test_the_answer_holds_as_long_as_the_last_of_the_brightest(self):
        p = fresh()
        p.detect(11, PEDESTRIAN, 0)
        p.detect(9, PEDESTRIAN, 1000)
        p.detect(11, PEDESTRIAN, 9000)
        self.assertEqual(p.ask(0, 9000)[:2], (1000, 29000))

    def test_hold_is_from_the_last_detection(self):
        p = fresh()
        self.assertTrue(p.detect(11, PEDESTRIAN, 0))
        self.assertEqual(p.ask(0, 0), (1000, 20000, 1000, 8000, "walker 30 m away at post 11"))
        self.assertEqual(p.deadline(0), 20000)
        self.assertFalse(p.detect(11, PEDESTRIAN, 15000))
        self.assertEqual(p.ask(0, 20000)[:2], (1000, 35000))
        self.assertIsNone(p.ask(0, 35000))
        self.assertIsNone(p.deadline(35000))
        self.assertTrue(p.detect(11, PEDESTRIAN, 40000))

    def test_an_older_detection_seen_again_counts_though_another_holds(self):
        p = fresh()
        p.detect(11, PEDESTRIAN, 0)
        p.ask(0, 0)
        p.detect(13, PEDESTRIAN, 15000)
        p.ask(0, 25000)
        self.assertTrue(p.detect(11, PEDESTRIAN, 30000))
        self.assertEqual(level(p, 30000), 1000)

    def test_no_profile_no_light(self):
        p = fresh()
        p.detect(11, PEDESTRIAN, 0)
        self.assertIsNone(p.ask(-1, 0))
        self.assertEqual(level(p, 0), 1000)

    def test_strangers_are_ignored(self):
        p = fresh()
        version = p.version
        for address, user in ((99, 0), (0, 0), (-5, 0), (256, 0), (1 << 40, 0), (11, 3), (11, -1)):
            self.assertFalse(p.detect(address, user, 0))
        self.assertEqual(p.version, version)
        self.assertIsNone(p.ask(0, 0))
        nobody = Presence()
        nobody.configure(None, OWN)
        self.assertTrue(nobody.detect(OWN, 0, 0))
        self.assertIsNone(nobody.ask(0, 0))

    def test_a_new_plan_keeps_who_is_there(self):
        p = fresh()
        p.detect(11, PEDESTRIAN, 0)
        p.detect(13, PEDESTRIAN, 0)
        p.configure(plan(neighbours=[[13, 200, 0]]), OWN)
        self.assertEqual(p.ask(0, 10)[4], "walker 20 m away at post 13")

    def test_who_asks_only_when_told_to_misses_nothing(self):
        """`detect` may say no although the answer has changed, as long as its level has not."""
        told, always = fresh(), fresh()
        asks = steps = t_ms = until = seen_pm = 0
        for who, place, user, t_ms in _passers_by(3000):
            while until and until <= t_ms:
                ask = told.ask(0, until)
                seen_pm, until = (ask[0], ask[1]) if ask else (0, 0)
            late_ms = who % 4 // 3 * 300  # an event that was said again
            matters = told.detect(place, user, t_ms - late_ms)
            always.detect(place, user, t_ms - late_ms)
            steps += 1
            if matters == RISES:
                asks += 1
                ask = told.ask(0, t_ms)
                seen_pm, until = (ask[0], ask[1]) if ask else (0, 0)
            self.assertEqual(seen_pm, level(always, t_ms), (who, t_ms))
        self.assertTrue(steps // 10 < asks < steps // 2, (asks, steps))

    def test_memory_is_bounded(self):
        p = fresh()
        for i in range(3000):
            p.detect(7 + i % 8, i % 3, i * 100)
        self.assertLessEqual(len(p._seen), 24)


class Direction(unittest.TestCase):
    def passing(self, steps, user=PEDESTRIAN):
        """Detections (address, second); return the level after the last."""
        p = fresh()
        for address, second in steps:
            p.detect(address, user, second * 1000)
        return level(p, steps[-1][1] * 1000)

    def test_light_does_not_chase_behind(self):
        """A post behind counts as 12 m farther: 30 m as 42, 60 m as 72 and 90 m as 102."""
        self.assertEqual(self.passing([(OWN, 0), (11, 15)]), 1000)  # the grace of this post's own detection
        walk = [(9, 0), (OWN, 21), (11, 42), (12, 63), (13, 84)]
        for steps, expected in ((3, 600), (4, 300), (5, 0)):
            p = fresh()
            for address, second in walk[:steps]:
                p.detect(address, PEDESTRIAN, second * 1000)
            self.assertEqual(level(p, walk[steps - 1][1] * 1000 + 11000), expected)

    def test_who_is_seen_farther_on_has_left(self):
        p = fresh()
        p.ask(0, 0)
        p.detect(9, PEDESTRIAN, 0)
        p.detect(OWN, PEDESTRIAN, 21000)
        p.detect(OWN, PEDESTRIAN, 36000)
        p.detect(11, PEDESTRIAN, 42000)
        self.assertEqual(p.ask(0, 42000)[:2], (1000, 52500))  # half the hold and half a second
        self.assertEqual(level(p, 52500), 600)
        self.assertTrue(p.detect(OWN, PEDESTRIAN, 53000))  # another one, who is still here
        self.assertEqual(level(p, 53000), 1000)

    def test_two_posts_at_one_place(self):
        p = Presence()
        p.configure(plan(neighbours=[[11, 0, 0], [12, 300, 90], [13, 300, 90]]), OWN)
        for i, address in enumerate((11, OWN, 12, 13, 11)):
            p.detect(address, PEDESTRIAN, 10000 * i)
            self.assertTrue(level(p, 10000 * i) >= 600)

    def test_a_car_may_have_turned_where_a_sensor_missed_it(self):
        """It came from the south and is next seen 47 m on, round a corner: then all around is lit."""
        for lead, expected in (([21], 1000), ([20, 21], 1000)):
            p = Presence()
            p.configure(plan(neighbours=[[20, 966, 231], [21, 808, 248], [22, 300, 270]]), OWN)
            for i, address in enumerate(lead + [22]):
                p.detect(address, CAR, 3000 * i)
            self.assertEqual(level(p, 3000 * len(lead) + 2600), expected)

    def test_what_is_said_again_is_no_news(self):
        p = fresh()
        p.ask(0, 0)
        p.detect(9, PEDESTRIAN, 0)
        p.detect(OWN, PEDESTRIAN, 21000)
        self.assertFalse(p.detect(9, PEDESTRIAN, 400))
        p.detect(11, PEDESTRIAN, 21500)  # too fast for one walker
        for t_ms in (21000, 21400):
            self.assertFalse(p.detect(OWN, PEDESTRIAN, t_ms))
        self.assertEqual(level(p, 21500), 1000)

    def test_a_missed_sensor_between_is_bridged(self):
        self.assertEqual(self.passing([(9, 0), (11, 42)]), 600)
        self.assertEqual(self.passing([(8, 0), (13, 30)]), 300)  # 150 m in 30 s is no walker: nobody has moved

    def test_a_car_lights_the_road_ahead_only(self):
        for steps, expected in (
            ([(14, 0), (13, 2)], 1000), ([(13, 0), (14, 2)], 0), ([(9, 0), (8, 2)], 0), ([(13, 0)], 1000),
            ([(13, 0), (14, 0)], 1000), ([(14, 0), (13, 60)], 1000),
        ):  # fmt: skip
            p = fresh()
            for address, second in steps:
                p.detect(address, CAR, second * 1000)
            self.assertEqual(level(p, steps[-1][1] * 1000 + 2500), expected, steps)

    def test_a_side_street_counts_twice_for_a_car(self):
        """This post stands 40 m up a side street of a road on which a car comes from the west: posts 120 to 30 m west
        of the corner and 30 m east of it."""
        near = [[20, 1265, 252], [21, 985, 246], [22, 721, 236], [23, 500, 217], [24, 500, 143]]
        for steps, expected in (([20, 21, 22], 0), ([21, 22, 23], 1000), ([22, 23, 24], 0)):
            p = Presence()
            p.configure(plan(neighbours=near), OWN)
            for i, address in enumerate(steps):
                p.detect(address, CAR, 2000 * i)
            self.assertEqual(level(p, 6600), expected, steps)

    def test_after_a_bend_the_road_is_not_known(self):
        """A car comes from the south and turns east at a corner; this post is 75 m east of the corner."""
        p = Presence()
        p.configure(plan(neighbours=[[21, 875, 239], [22, 765, 259], [23, 600, 270]]), OWN)
        for i, address in enumerate((21, 22, 23)):
            p.detect(address, CAR, 2000 * i)
        self.assertEqual(level(p, 7000), 1000)

    def test_an_unknown_heading_lights_all_around(self):
        self.assertEqual(self.passing([(11, 0), (OWN, 21)], CAR), 1000)

    def test_light_runs_ahead(self):
        self.assertEqual(self.passing([(14, 0), (13, 21)]), 300)
        self.assertEqual(self.passing([(14, 0), (13, 21), (12, 42)]), 600)

    def test_doubt_lights(self):
        self.assertEqual(self.passing([(11, 0), (12, 1)]), 1000)  # 30 m in a second: two walkers
        self.assertEqual(self.passing([(11, 0), (12, 400)]), 600)  # too long ago
        self.assertEqual(self.passing([(13, 0), (OWN, 30), (12, 51)]), 600)  # someone is farther on
        self.assertEqual(self.passing([(13, 0), (11, 40), (12, 61)]), 600)

    def test_who_stays_behind_is_lit_again(self):
        p = fresh()
        p.detect(11, PEDESTRIAN, 0)
        p.detect(12, PEDESTRIAN, 21000)
        self.assertEqual(level(p, 21000), 300)
        p.detect(12, PEDESTRIAN, 31000)
        self.assertEqual(level(p, 31000), 300)
        self.assertTrue(p.detect(12, PEDESTRIAN, 41000))
        self.assertEqual(level(p, 41000), 600)

    def test_walk_and_reason(self):
        p = fresh([WALK[:4] + [[[750, 500]], [], []]])
        p.detect(11, PEDESTRIAN, 0)
        p.detect(12, PEDESTRIAN, 21000)
        self.assertEqual(p.ask(0, 21000)[4], "walker 60 m away at post 12, leaving")


if __name__ == "__main__":
    unittest.main()
