"""The compiled plan: what is refused, and the level of chosen moments."""

import unittest

from light_helpers import CLOCK, DAWN, DUSK, SUNRISE, SUNSET, WALK, fields, plan, utc

from lamppost.light.plan import Plan, PlanError
from lamppost.wire import cbor


def walk(p, start, end):
    """Return [(start_s, level_pm)] of the segments that begin in start..end, in the order of time."""
    found = []
    at = start
    while at < end:
        segment = p.at(at)
        found.append((segment.start_s, segment.level_pm))
        at = segment.end_s
    return found


class Levels(unittest.TestCase):
    def test_a_winter_night(self):
        p = plan()
        levels = walk(p, utc(2026, 1, 10, 11), utc(2026, 1, 11, 11))
        day = utc(2026, 1, 10)
        h = 3600
        self.assertEqual(
            levels, [(day + 11 * h, 0), (day + 17 * h, 600), (day + 21 * h + 1800, 300), (day + 29 * h, 0)]
        )

    def test_reasons(self):
        p = plan(["park", 605, 0, 0, [[SUNSET, 10, CLOCK, 1080]], [[CLOCK, 630, 300]]])
        at = utc(2026, 1, 10, 12)
        reasons = []
        for _ in range(4):
            reasons.append(p.at(at).reason)
            at = p.at(at).end_s
        self.assertEqual(
            reasons, ["park: off by day", "park: sunset+10 -> 60.5 %", "park: 22:30 -> 30 %", "park: 06:00 -> off"]
        )

    def test_profile_only_inside_a_period(self):
        p = plan()
        self.assertEqual(p.at(utc(2026, 1, 10, 12)).profile, -1)
        self.assertFalse(p.at(utc(2026, 1, 10, 12)).active)
        self.assertEqual(p.at(utc(2026, 1, 10, 20)).profile, 0)
        self.assertTrue(p.at(utc(2026, 1, 10, 20)).active)

    def test_a_ramp_is_interpolated_in_integers(self):
        p = plan(["park", 600, 100, -1, [[CLOCK, 360, CLOCK, 1080]], [[CLOCK, 630, 300]]])
        on, dim = utc(2026, 1, 10, 17), utc(2026, 1, 10, 21, 30)
        self.assertEqual([p.level_at(on + s) for s in (-1, 0, 1, 50, 99, 100, 101)], [0, 0, 6, 300, 594, 600, 600])
        self.assertEqual([p.level_at(dim + s) for s in (-1, 0, 1, 99, 100)], [600, 600, 597, 303, 300])

    def test_a_ramp_that_was_cut_short_goes_on_from_where_it_was(self):
        p = plan(["park", 1000, 3600, -1, [[CLOCK, 360, CLOCK, 1080]], [[CLOCK, 390, 0]]])
        cut = utc(2026, 1, 10, 17, 30)
        self.assertEqual(p.level_at(cut - 1), 499)
        self.assertEqual(p.level_at(cut), 500)
        self.assertEqual(p.at(cut).previous_pm, 500)
        self.assertEqual(p.level_at(cut + 1800), 250)

    def test_many_short_ramps(self):
        points = [[CLOCK, 360 + 3 * i, 1000 * (i % 2)] for i in range(24)]
        p = plan(["park", 1000, 3600, -1, [[CLOCK, 360, CLOCK, 1080]], points])
        at = utc(2026, 1, 10, 17)
        levels = [p.level_at(at + s) for s in range(0, 5000, 7)]
        for i in range(1, len(levels)):
            self.assertLess(abs(levels[i] - levels[i - 1]), 4)

    def test_all_day_does_not_ramp_at_noon(self):
        p = plan(["tunnel", 700, 600, -1, [[CLOCK, 0, CLOCK, 1439]], []])
        # 11:59 is the last minute of a night that a clock time can name: the tunnel is off for that minute.
        self.assertEqual(walk(p, utc(2026, 1, 10, 11), utc(2026, 1, 11, 11))[1], (utc(2026, 1, 11, 10, 59), 0))
        p = plan(["tunnel", 700, 600, -1, [[SUNSET, -720, SUNRISE, 720]], []])
        for hour in range(24):
            self.assertEqual(p.level_at(utc(2026, 1, 10, hour)), 700)
            self.assertEqual(p.level_at(utc(2026, 1, 10, hour, 1)), 700)

    def test_program_change_at_noon_starts_from_the_night_before(self):
        always = [[SUNSET, -720, SUNRISE, 720]]
        p = plan(
            programs=[["a", 800, 1000, -1, always, []], ["b", 200, 1000, -1, always, []]],
            rules=[[1, 2, 111, 111, 127]],
        )
        noon = utc(2026, 1, 11, 11)
        self.assertEqual([p.level_at(noon + s) for s in (-1, 0, 500, 1000)], [800, 800, 500, 200])
        fresh = plan(
            programs=[["a", 800, 1000, -1, always, []], ["b", 200, 1000, -1, always, []]],
            rules=[[1, 2, 111, 111, 127]],
        )
        self.assertEqual(fresh.level_at(noon + 500), 500)

    def test_a_ramp_cut_short_after_noon_began_at_the_night_before(self):
        always = [[SUNSET, -720, SUNRISE, 720]]
        programs = [["a", 800, 0, -1, always, []], ["b", 200, 3600, -1, always, [[CLOCK, 10, 900]]]]
        for asked_before in (None, utc(2026, 1, 11, 10), utc(2026, 1, 9, 10), utc(2026, 1, 14, 10)):
            p = plan(programs=programs, rules=[[1, 2, 111, 111, 127]])
            if asked_before is not None:
                p.at(asked_before)
            self.assertEqual(p.at(utc(2026, 1, 11, 11, 10)).previous_pm, 700)
            self.assertEqual(p.at(utc(2026, 1, 12, 11)).previous_pm, 900)

    def test_points_before_the_period_count_and_the_later_in_the_list_wins(self):
        p = plan(["park", 600, 0, -1, [[CLOCK, 700, CLOCK, 1080]], [[CLOCK, 630, 300], [CLOCK, 630, 400]]])
        self.assertEqual(p.level_at(utc(2026, 1, 10, 22, 40)), 400)
        self.assertEqual(p.level_at(utc(2026, 1, 10, 21, 40)), 0)

    def test_a_period_that_ends_before_it_starts_is_empty(self):
        p = plan(["park", 600, 0, -1, [[CLOCK, 700, CLOCK, 700], [CLOCK, 800, CLOCK, 700]], []])
        self.assertEqual([level for _, level in walk(p, utc(2026, 1, 10, 11), utc(2026, 1, 12, 11))], [0, 0])

    def test_sun_follows_the_season(self):
        p = plan(["park", 600, 0, -1, [[DUSK, -5, DAWN, 5]], []])
        summer = walk(p, utc(2026, 6, 21, 10), utc(2026, 6, 22, 10))
        winter = walk(p, utc(2026, 12, 21, 11), utc(2026, 12, 22, 11))
        self.assertAlmostEqual(summer[1][0], utc(2026, 6, 21, 20, 40), delta=300)
        self.assertAlmostEqual(winter[1][0], utc(2026, 12, 21, 16, 10), delta=300)


class Calendars(unittest.TestCase):
    def program_ids(self, rules, nights):
        always = [[SUNSET, -720, SUNRISE, 720]]
        p = plan(programs=[["a", 800, 0, -1, always, []], ["b", 200, 0, -1, always, []]], rules=rules)
        return "".join([p.at(utc(y, m, d, 20)).reason[0] for y, m, d in nights])

    def test_yearly_wraps_over_new_year(self):
        nights = [(2026, 12, 23), (2026, 12, 24), (2026, 12, 31), (2027, 1, 1), (2027, 1, 6), (2027, 1, 7)]
        self.assertEqual(self.program_ids([[1, 2, 1224, 106, 127]], nights), "abbbba")

    def test_leap_day(self):
        nights = [(2028, 2, 28), (2028, 2, 29), (2028, 3, 1), (2027, 2, 28), (2027, 3, 1)]
        self.assertEqual(self.program_ids([[1, 2, 229, 229, 127]], nights), "abaaa")

    def test_the_night_belongs_to_the_day_of_its_first_noon(self):
        always = [[SUNSET, -720, SUNRISE, 720]]
        p = plan(programs=[["a", 800, 0, -1, always, []], ["b", 200, 0, -1, always, []]], rules=[[1, 0, 0, 0, 1 << 4]])
        self.assertEqual(p.level_at(utc(2026, 1, 9, 10, 59)), 800)  # Friday before noon: Thursday's night
        self.assertEqual(p.level_at(utc(2026, 1, 9, 11)), 200)
        self.assertEqual(p.level_at(utc(2026, 1, 10, 10, 59)), 200)
        self.assertEqual(p.level_at(utc(2026, 1, 10, 11)), 800)

    def test_first_match_wins(self):
        day = utc(2026, 1, 10) // 86400
        rules = [[0, 1, day, day, 127], [1, 1, day - 1, day + 1, 127]]
        self.assertEqual(self.program_ids(rules, [(2026, 1, 8), (2026, 1, 9), (2026, 1, 10), (2026, 1, 11)]), "abab")


class DaylightSaving(unittest.TestCase):
    def test_a_skipped_time_is_the_moment_of_the_change(self):
        p = plan(["park", 600, 0, -1, [[CLOCK, 360, CLOCK, 1080]], [[CLOCK, 870, 300]]])  # 02:30
        change = utc(2026, 3, 29, 1)
        self.assertEqual([p.level_at(change - 1), p.level_at(change)], [600, 300])

    def test_a_time_that_comes_twice_is_its_first(self):
        p = plan(["park", 600, 0, -1, [[CLOCK, 360, CLOCK, 1080]], [[CLOCK, 870, 300]]])
        first = utc(2026, 10, 25, 0, 30)
        self.assertEqual([p.level_at(first - 1), p.level_at(first), p.level_at(first + 3600)], [600, 300, 300])

    def test_a_zone_whose_clock_changes_at_noon(self):
        always = ["p", 600, 0, -1, [[SUNSET, -720, SUNRISE, 720]], []]
        for rule in ("AAA0BBB,J100/12,J300/12", "AAA0BBB,J100/11:30,J300/12:30", "AAA0BBB-20,J100/12,J300/12"):
            for day in (utc(2026, 4, 10), utc(2026, 10, 27)):
                p = plan(always, tz=rule)
                at = day - 86400
                while at < day + 2 * 86400:
                    segment = p.at(at)
                    self.assertTrue(segment.start_s <= at < segment.end_s, rule)
                    for moment in range(segment.start_s, segment.end_s, 1800):
                        self.assertEqual(plan(always, tz=rule).at(moment).start_s, segment.start_s)
                    at = segment.end_s

    def test_nights_of_23_and_25_hours(self):
        p = plan()
        for y, m, d, hours in ((2026, 3, 28, 23), (2026, 10, 24, 25), (2026, 6, 1, 24)):
            start = p.at(utc(y, m, d, 11)).start_s
            steps = walk(p, start, start + hours * 3600)
            self.assertEqual(steps[-1][1], 0)
            self.assertEqual(p.at(start + hours * 3600 - 1).end_s, start + hours * 3600)


class Places(unittest.TestCase):
    def levels(self, place, tz, y, m, d, period):
        p = plan(["p", 600, 0, -1, [period], []], place=place, tz=tz)
        return [p.level_at(utc(y, m, d, h)) for h in range(24)]

    def test_polar_night_is_lit_all_round(self):
        lit = self.levels((69650000, 18960000), "CET-1CEST,M3.5.0,M10.5.0/3", 2026, 12, 21, [SUNSET, 0, SUNRISE, 0])
        self.assertEqual(lit, [600] * 24)

    def test_polar_day_is_dark_all_round(self):
        lit = self.levels((69650000, 18960000), "CET-1CEST,M3.5.0,M10.5.0/3", 2026, 6, 21, [SUNSET, 0, SUNRISE, 0])
        self.assertEqual(lit, [0] * 24)

    def test_a_point_of_an_event_that_does_not_happen_is_ignored(self):
        p = plan(
            ["p", 600, 0, -1, [[CLOCK, 360, CLOCK, 1080]], [[DUSK, 0, 100], [DUSK, 720, 50]]],
            place=(69650000, 18960000),
        )
        self.assertEqual(p.level_at(utc(2026, 6, 21, 22)), 600)

    def test_the_civil_day_may_differ_from_the_solar_one(self):
        # Kiritimati: 14 h ahead of UTC at 157 degrees west, where the solar date is the day before.
        p = plan(["p", 600, 0, -1, [[SUNSET, 0, SUNRISE, 0]], []], place=(1870000, -157400000), tz="<+14>-14")
        for hour, level in ((21, 600), (3, 600), (12, 0), (15, 0)):
            self.assertEqual(p.level_at(utc(2026, 3, 10, hour) - 14 * 3600), level)

    def test_a_wrong_clock_still_lights(self):
        p = plan(["p", 600, 0, -1, [[SUNSET, 0, SUNRISE, 0]], []])
        for year in (1970, 1999, 2099, 2100, 2150, 2500):
            self.assertEqual(p.level_at(utc(year, 1, 10, 20)), 600, year)
            self.assertEqual(p.level_at(utc(year, 1, 10, 12)), 0, year)


class Refusals(unittest.TestCase):
    def refused(self, value, words):
        raw = value if isinstance(value, bytes) else cbor.encode(value)
        with self.assertRaises(PlanError) as caught:
            Plan.from_bytes(raw)
        text = str(caught.exception)
        self.assertIn(words, text)
        self.assertNotIn("\n", text)
        self.assertLess(len(text), 200)

    def changed(self, path, value):
        whole = fields(rules=[[0, 0, 0, 0, 127]], scenes=[["fest", 100, 200, 1, 1000, 10]], neighbours=[[2, 300, 90]])
        at = whole
        for key in path[:-1]:
            at[key] = list(at[key])
            at = at[key]
        at[path[-1]] = value
        return whole

    def test_bytes(self):
        for raw in (b"", b"\x00", b"\xff", b"\x80", b"\x81\x01", b"\x81\xf5", b"\xa0", b"x" * 5000, cbor.encode([2])):
            with self.assertRaises(PlanError):
                Plan.from_bytes(raw)
        self.refused(b"\x00" * 4097, "at most 4096")
        self.refused(cbor.encode([2] + fields()[1:]), "version 2")
        for other in (None, 5, "text", [1]):
            with self.assertRaises(PlanError):
                Plan.from_bytes(other)

    def test_every_field(self):
        for path, value, words in (
            ((1,), "nonsense", "TZ"),
            ((1,), 5, "TZ"),
            ((2,), 90000001, "latitude"),
            ((3,), -180000001, "longitude"),
            ((4,), 1001, "safe floor"),
            ((4,), True, "safe floor"),
            ((5,), 1, "default program"),
            ((6,), [], "default program"),
            ((6,), [fields()[6][0]] * 17, "programs"),
            ((6, 0), [1], "program 0"),
            ((6, 0, 0), "", "id"),
            ((6, 0, 0), "x" * 25, "id"),
            ((6, 0, 0), "a\nb", "control"),
            ((6, 0, 1), 1700, "program 0 level: 1700"),
            ((6, 0, 2), 3601, "ramp"),
            ((6, 0, 3), 1, "profile"),
            ((6, 0, 3), -2, "profile"),
            ((6, 0, 4), [[0, 0, 0, 0]] * 5, "periods"),
            ((6, 0, 4, 0), [0, 1440, 0, 0], "minutes after noon"),
            ((6, 0, 4, 0), [0, 0, 5, 0], "kind"),
            ((6, 0, 4, 0), [1, 721, 2, 0], "offset"),
            ((6, 0, 5), [[0, 0, 0]] * 25, "points"),
            ((6, 0, 5, 0), [0, 630, 1001], "level"),
            ((6, 0, 5, 0), [0, None, 100], "null"),
            ((7,), [[0, 0, 0, 0, 127]] * 65, "rules"),
            ((7, 0), [1, 0, 0, 0, 127], "program"),
            ((7, 0), [0, 3, 0, 0, 127], "kind"),
            ((7, 0), [0, 1, 20, 10, 127], "before its first"),
            ((7, 0), [0, 2, 230, 301, 127], "230 is not a month and day"),
            ((7, 0), [0, 2, 101, 1301, 127], "1301"),
            ((7, 0), [0, 0, 0, 0, 0], "weekdays"),
            ((8, 0), ["fest", 200, 200, 1, 1000, 10], "ends before"),
            ((8, 0), ["fest", 100, 200, 3, 1000, 10], "op"),
            ((8, 0, 2), 1 << 32, "end"),
            ((9, 0), ["w", 0, 1000, 8000, [], [], []], "hold"),
            ((9, 0), ["w", 601, 1000, 8000, [], [], []], "hold"),
            ((9, 0), ["w", 20, 1000, 600001, [], [], []], "down"),
            ((9, 0), ["w", 20, 1000, 8000, [[300, 1000], [200, 500]], [], []], "rise"),
            ((9, 0), ["w", 20, 1000, 8000, [[1, 1]] * 7, [], []], "at most 6"),
            ((10,), [[i + 1, 1, 1] for i in range(25)], "neighbours"),
            ((10,), [[2, 1, 1], [2, 2, 2]], "twice"),
            ((10, 0), [0, 1, 1], "address"),
            ((10, 0), [251, 1, 1], "address"),
            ((10, 0), [2, 1, 360], "bearing"),
            ((10, 0), [2, 100, 0, 99], "way"),
            ((10, 0), [2, 100, 0, 10001], "way"),
            ((10, 0), [2, 100, 0, None], "way"),
            ((10, 0), [2, 100, 0, 200, 1], "an array of 3 fields"),
            ((11,), [500, 400, 1, 1], "luminaire"),
            ((11,), [0, 0, 1, 1], "luminaire"),
            ((11,), [0, 1000, -1, 1], "rated"),
        ):
            with self.subTest(path=path, value=value):
                self.refused(self.changed(path, value), words)

    def test_the_whole_plan_is_kept(self):
        p = plan(neighbours=[[2, 300, 90]], luminaire=(100, 900, 30000, 500))
        self.assertEqual(len(p.hash), 8)
        self.assertEqual(p.raw, cbor.encode(fields(neighbours=[[2, 300, 90]], luminaire=(100, 900, 30000, 500))))
        self.assertEqual(p.neighbours, [(2, 300, 90)])
        self.assertEqual((p.min_pm, p.max_pm, p.rated_mw, p.standby_mw), (100, 900, 30000, 500))
        self.assertEqual([p.luminaire_pm(x) for x in (0, 1, 100, 500, 950)], [0, 100, 100, 500, 900])
        self.assertEqual(p.profiles[0].hold_ms, WALK[1] * 1000)

    def test_a_neighbour_may_be_farther_along_the_street(self):
        self.assertEqual(plan(neighbours=[[2, 300, 90, 700]]).neighbours, [(2, 300, 90, 700)])


if __name__ == "__main__":
    unittest.main()
