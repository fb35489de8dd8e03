"""The nine layers, their fades and the chain of reasons."""

import unittest

from light_helpers import plan, utc

from lamppost.light.arbiter import Arbiter
from lamppost.light.commands import CommandError
from lamppost.light.dimmer import Dimmer
from lamppost.light.layers import (
    CROWD,
    EMERGENCY,
    ENERGY,
    LUMINAIRE,
    OPERATOR,
    PLAN,
    PRESENCE,
    PROTECTION,
    SCENE,
    TECHNICIAN,
    derated_pm,
)
from lamppost.light.presence import Presence
from lamppost.light.program import CAP, RAISE, SET

EVENING = utc(2026, 1, 10, 18)  # the plan of the helpers gives 600
NIGHT = utc(2026, 1, 10, 23)  # 300
DAY = utc(2026, 1, 10, 12)  # 0
WEEK_S = 7 * 86400


class Lamp:
    """A post without its wires: it asks the arbiter when it is due and moves the dimmer as the docstring says."""

    def __init__(self, utc_s=EVENING, **kwargs):
        self.plan = plan(**kwargs)
        self.arbiter = Arbiter()
        self.presence = Presence()
        self.presence.configure(self.plan, 10)
        self.dimmer = Dimmer()
        self.utc_s = utc_s
        self.t_ms = 0
        self.lux = self.temperature = None
        self.decisions = 0
        self.decide()

    def decide(self):
        now = None if self.utc_s is None else self.utc_s + self.t_ms // 1000
        d = self.arbiter.decide(self.plan, self.presence, now, self.t_ms, self.lux, self.temperature, self.t_ms % 1000)
        if d.jump:
            self.dimmer.go(d.now_pm, 0, self.t_ms)
        if d.changed:
            self.dimmer.go(d.level_pm, d.fade_ms, self.t_ms)
            self.decisions += 1
        self.next_ms = d.next_t_ms
        return d

    def wait(self, ms):
        """Let time pass, asking only when due; return the level."""
        end = self.t_ms + ms
        while self.next_ms <= end:
            self.t_ms = self.next_ms
            self.decide()
        self.t_ms = end
        return self.dimmer.level(end)

    def give(self, layer, op, level, for_s=600, **kwargs):
        now = None if self.utc_s is None else self.utc_s + self.t_ms // 1000
        self.arbiter.commands.give(layer, op, level, "test", now, self.t_ms, for_s, **kwargs)
        return self.decide()


class Layers(unittest.TestCase):
    def test_plan_alone(self):
        for utc_s, level in ((EVENING, 600), (NIGHT, 300), (DAY, 0)):
            lamp = Lamp(utc_s)
            self.assertEqual(lamp.dimmer.level(0), level)
            self.assertEqual(lamp.decide().layer, PLAN)

    def test_it_follows_the_plan_through_a_night(self):
        lamp = Lamp(DAY)
        levels = [lamp.wait(3600000) for _ in range(24)]
        self.assertEqual(levels, [0] * 4 + [600] * 5 + [300] * 7 + [0] * 8)
        self.assertLess(lamp.decisions, 6)

    def test_presence_raises_and_ends(self):
        lamp = Lamp(NIGHT)
        lamp.presence.detect(10, 0, 0)
        d = lamp.decide()
        self.assertEqual((d.level_pm, d.fade_ms, d.layer, d.next_t_ms), (1000, 1000, PRESENCE, 20000))
        self.assertEqual(lamp.wait(500), 650)
        self.assertEqual(lamp.wait(19500), 1000)
        self.assertEqual(lamp.wait(4000), 650)
        self.assertEqual(lamp.wait(4000), 300)

    def test_presence_does_nothing_outside_a_period(self):
        lamp = Lamp(DAY)
        lamp.presence.detect(10, 0, 0)
        self.assertEqual(lamp.decide().level_pm, 0)

    def test_presence_waits_for_the_period(self):
        lamp = Lamp(utc(2026, 1, 10, 16, 59, 50))
        lamp.presence.detect(10, 0, 0)
        self.assertEqual(lamp.wait(9999), 0)
        self.assertGreater(lamp.wait(2000), 600)

    def test_crowd_raises_only(self):
        lamp = Lamp()
        self.assertEqual(lamp.give(CROWD, RAISE, 400).level_pm, 600)
        self.assertEqual(lamp.give(CROWD, RAISE, 800).level_pm, 800)
        with self.assertRaises(CommandError):
            lamp.give(CROWD, SET, 0)

    def test_energy_cap_stops_at_the_floor_and_never_raises(self):
        lamp = Lamp(floor=200)
        self.assertEqual(lamp.give(ENERGY, CAP, 50).level_pm, 200)
        lamp = Lamp(DAY, floor=200)
        self.assertEqual(lamp.give(ENERGY, CAP, 50).level_pm, 0)
        lamp = Lamp(NIGHT)
        lamp.give(ENERGY, CAP, 400)
        lamp.presence.detect(10, 0, 0)
        self.assertEqual(lamp.decide().level_pm, 400)

    def test_override_sets_above_presence_and_cap(self):
        lamp = Lamp(NIGHT)
        lamp.presence.detect(10, 0, 0)
        lamp.give(ENERGY, CAP, 400)
        d = lamp.give(OPERATOR, SET, 700)
        self.assertEqual((d.level_pm, d.fade_ms, d.layer, d.reason), (700, 1000, OPERATOR, "test"))

    def test_technician_above_operator_emergency_above_both(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 700)
        self.assertEqual(lamp.give(TECHNICIAN, SET, 0).level_pm, 0)
        d = lamp.give(EMERGENCY, RAISE, 1000)
        self.assertEqual((d.level_pm, d.fade_ms), (1000, 500))
        self.assertEqual(lamp.give(EMERGENCY, RAISE, 100).level_pm, 100)
        for op in (SET, CAP):
            with self.assertRaises(CommandError):
                lamp.give(EMERGENCY, op, 0)

    def test_protection_caps_everything(self):
        lamp = Lamp()
        lamp.give(EMERGENCY, RAISE, 1000)
        lamp.temperature = 875
        d = lamp.decide()
        self.assertEqual((d.level_pm, d.fade_ms, d.layer), (700, 10000, PROTECTION))
        levels = [derated_pm(t) for t in (None, -400, 800, 801, 875, 950, 1200, 1501)]
        self.assertEqual(levels, [1000, 1000, 1000, 996, 700, 400, 400, 1000])

    def test_luminaire_limits(self):
        lamp = Lamp(luminaire=(150, 800, 1, 1))
        for asked, level in ((0, 0), (1, 150), (400, 400), (1000, 800)):
            self.assertEqual(lamp.give(OPERATOR, SET, asked).level_pm, level)


class Scenes(unittest.TestCase):
    def scene(self, op, level, ramp=0, start=EVENING + 60, end=EVENING + 660):
        return [["fest", start, end, op, level, ramp]]

    def test_ops(self):
        for op, level, expected in (
            (SET, 100, 100),
            (RAISE, 100, 600),
            (RAISE, 900, 900),
            (CAP, 900, 600),
            (CAP, 1, 1),
        ):
            lamp = Lamp(scenes=self.scene(op, level))
            self.assertEqual(lamp.wait(59999), 600)
            self.assertEqual(lamp.wait(1), expected)
            self.assertEqual(lamp.wait(599999), expected)
            self.assertEqual(lamp.wait(1), 600)

    def test_ramp_in_and_out(self):
        lamp = Lamp(scenes=self.scene(RAISE, 1000, 100))
        self.assertEqual([lamp.wait(ms) for ms in (60000, 50000, 50000)], [600, 800, 1000])
        self.assertEqual(lamp.decide().layer, SCENE)
        self.assertEqual([lamp.wait(ms) for ms in (500000, 50000, 50000)], [1000, 800, 600])

    def test_a_scene_shorter_than_its_ramp(self):
        lamp = Lamp(scenes=self.scene(RAISE, 1000, 400, end=EVENING + 360))
        self.assertEqual(lamp.wait(360000), 900)
        self.assertAlmostEqual(lamp.wait(50000), 850, delta=3)
        self.assertAlmostEqual(lamp.wait(150000), 700, delta=3)
        self.assertEqual(lamp.wait(100000), 600)

    def test_restart_in_the_middle_of_a_ramp(self):
        lamp = Lamp(EVENING + 110, scenes=self.scene(RAISE, 1000, 100))
        self.assertEqual(lamp.dimmer.level(0), 800)
        self.assertAlmostEqual(lamp.wait(25000), 900, delta=4)


class Ramps(unittest.TestCase):
    DUSK = utc(2026, 1, 10, 17)
    SLOW = ("park", 600, 1000, 0, [[0, 360, 0, 1080]], [])

    def test_one_fade_to_the_end_of_the_ramp(self):
        lamp = Lamp(self.DUSK - 10, program=list(self.SLOW))
        self.assertEqual(lamp.wait(10000), 0)
        d = lamp.arbiter.decide(lamp.plan, lamp.presence, self.DUSK, 10000)
        self.assertEqual((d.level_pm, d.fade_ms), (600, 1000000))
        self.assertEqual(lamp.wait(500000), 300)
        self.assertEqual(lamp.decisions, 2)

    def test_restart_on_a_ramp_starts_from_its_level(self):
        lamp = Lamp(self.DUSK + 500, program=list(self.SLOW))
        self.assertEqual(lamp.dimmer.level(0), 300)
        self.assertEqual(lamp.wait(250000), 450)

    def test_presence_on_a_ramp_returns_to_the_ramp(self):
        lamp = Lamp(self.DUSK, program=list(self.SLOW))
        lamp.wait(400000)
        lamp.presence.detect(10, 0, lamp.t_ms)
        lamp.decide()
        self.assertEqual(lamp.wait(1000), 1000)
        self.assertEqual(lamp.wait(19000), 1000)
        lamp.wait(8000)
        self.assertAlmostEqual(lamp.wait(0), (420 + 8) * 600 // 1000, delta=2)
        self.assertAlmostEqual(lamp.wait(72000), 300, delta=2)

    def test_a_cap_bends_the_ramp(self):
        lamp = Lamp(self.DUSK, program=list(self.SLOW))
        lamp.give(ENERGY, CAP, 300, 3600)
        for s in range(0, 1200, 50):
            self.assertAlmostEqual(lamp.dimmer.level(lamp.t_ms), min(300, s * 600 // 1000), delta=12)
            lamp.wait(50000)


class Fades(unittest.TestCase):
    def test_a_command_that_changes_nothing_starts_no_fade(self):
        lamp = Lamp()
        self.assertFalse(lamp.give(CROWD, RAISE, 100).changed)

    def test_release_of_an_override(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000, 10)
        lamp.wait(10000)
        self.assertEqual(lamp.wait(500), 800)
        self.assertEqual(lamp.wait(500), 600)

    def test_emergency_during_a_slow_fade_is_fast(self):
        lamp = Lamp()
        lamp.give(CROWD, RAISE, 1000, 1)
        lamp.wait(1000)
        d = lamp.give(EMERGENCY, RAISE, 600)
        lamp.wait(8000)
        d = lamp.give(EMERGENCY, RAISE, 1000)
        self.assertEqual((d.level_pm, d.fade_ms), (1000, 500))

    def test_clock_step_and_new_plan_take_a_second(self):
        lamp = Lamp()
        lamp.utc_s = NIGHT
        d = lamp.decide()
        self.assertEqual((d.level_pm, d.fade_ms, d.jump), (300, 1000, False))
        lamp.wait(2000)
        lamp.plan = plan(program=["x", 900, 0, 0, [[0, 360, 0, 1080]], []])
        d = lamp.decide()
        self.assertEqual((d.level_pm, d.fade_ms), (900, 1000))

    def test_asking_again_changes_nothing(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000)
        for _ in range(3):
            d = lamp.decide()
            self.assertEqual((d.changed, d.jump, d.level_pm), (False, False, 1000))


class Commands(unittest.TestCase):
    def test_every_command_must_expire_within_a_week(self):
        lamp = Lamp()
        for bad in (
            {"for_s": 0},
            {"for_s": -5},
            {"for_s": WEEK_S + 1},
            {"for_s": 10, "until_s": EVENING + 10},
            {"for_s": 0, "until_s": EVENING},
            {"for_s": 0, "until_s": EVENING + WEEK_S + 1},
            {"for_s": 10, "from_s": EVENING + WEEK_S + 1},
            {"for_s": 0, "until_s": EVENING + 5, "from_s": EVENING + 5},
        ):
            with self.assertRaises(CommandError):
                lamp.give(OPERATOR, SET, 0, **bad)
        for layer, op, level in (
            (OPERATOR, 3, 0),
            (OPERATOR, SET, 1001),
            (OPERATOR, SET, -1),
            (PLAN, SET, 0),
            (99, 0, 0),
        ):
            with self.assertRaises(CommandError):
                lamp.give(layer, op, level)
        self.assertEqual(lamp.decide().level_pm, 600)
        lamp.give(OPERATOR, SET, 0, WEEK_S)

    def test_it_ends_to_the_millisecond(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 0, 10)
        self.assertEqual(lamp.wait(10000), 0)
        self.assertEqual(lamp.wait(1000), 600)

    def test_a_scheduled_one_begins_and_ends_by_utc(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000, 100, from_s=EVENING + 50)
        self.assertEqual(lamp.wait(49999), 600)
        self.assertEqual(lamp.wait(1001), 1000)
        self.assertEqual(lamp.wait(98999), 1000)
        self.assertEqual(lamp.wait(1001), 600)

    def test_a_duration_is_immune_to_a_clock_step(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000, 600)
        lamp.utc_s += 1800
        self.assertEqual(lamp.decide().level_pm, 1000)
        lamp.utc_s -= 7200
        lamp.decide()
        self.assertEqual(lamp.wait(599999), 1000)
        lamp.wait(1001)
        self.assertEqual(lamp.decide().layer, PLAN)

    def test_a_clock_step_back_makes_nothing_immortal(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000, 0, until_s=EVENING + 600)
        lamp.utc_s -= 365 * 86400
        lamp.decide()
        self.assertEqual(lamp.wait(599999), 1000)
        lamp.wait(2000)
        self.assertEqual(lamp.decide().layer, PLAN)

    def test_time_unknown(self):
        lamp = Lamp(None)
        self.assertEqual(lamp.give(OPERATOR, SET, 200, 10).level_pm, 200)
        self.assertEqual(lamp.wait(11000), 1000)
        lamp.give(OPERATOR, SET, 200, 0, until_s=EVENING + 30)
        self.assertEqual(lamp.decide().level_pm, 200)
        lamp.utc_s = EVENING + 600
        self.assertEqual(lamp.decide().layer, PLAN)

    def test_technician_ends_15_minutes_after_the_last_key(self):
        lamp = Lamp()
        lamp.give(TECHNICIAN, SET, 0, 3600)
        lamp.wait(600000)
        lamp.arbiter.commands.touch(lamp.t_ms)
        lamp.decide()
        self.assertEqual(lamp.wait(900000), 0)
        self.assertEqual(lamp.wait(1000), 600)
        lamp.give(TECHNICIAN, SET, 0, 60)
        lamp.arbiter.commands.touch(lamp.t_ms)
        self.assertEqual(lamp.wait(62000), 600)

    def test_newest_of_a_layer_and_clear(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 100)
        self.assertEqual(lamp.give(OPERATOR, SET, 200).level_pm, 200)
        self.assertTrue(lamp.arbiter.commands.clear(OPERATOR))
        self.assertFalse(lamp.arbiter.commands.clear(OPERATOR))
        self.assertEqual(lamp.decide().level_pm, 600)


class NeverDark(unittest.TestCase):
    def test_no_plan_is_full_output(self):
        lamp = Lamp(DAY)
        lamp.plan = None
        d = lamp.decide()
        self.assertEqual((d.level_pm, d.reason), (1000, "no plan: full output"))
        self.assertEqual(lamp.give(ENERGY, CAP, 0).level_pm, 1000)

    def test_time_unknown_without_a_sensor_is_full_output(self):
        lamp = Lamp(None)
        self.assertEqual(lamp.decide().level_pm, 1000)

    def test_a_photocell_that_sees_day_for_longer_than_one_lasts_is_not_believed(self):
        lamp = Lamp(None)
        lamp.lux = 90000
        for hour in range(25):
            lamp.t_ms = hour * 3600000
            self.assertEqual(lamp.decide().level_pm, 0, hour)
        lamp.t_ms = 24 * 3600000 + 1
        self.assertEqual(lamp.decide().level_pm, 1000)
        lamp.t_ms += 30 * 3600000
        self.assertEqual(lamp.decide().level_pm, 1000)
        lamp.lux = 20000
        self.assertEqual(lamp.decide().level_pm, 1000)
        lamp.lux = 90000
        self.assertEqual(lamp.decide().level_pm, 0)

    def test_time_unknown_with_a_photocell(self):
        lamp = Lamp(None)
        for lux, level in (
            (50000, 1000),
            (70000, 1000),
            (70001, 0),
            (50000, 0),
            (35000, 0),
            (34999, 1000),
            (50000, 1000),
            (90000, 0),
            (None, 1000),
        ):
            lamp.lux = lux
            self.assertEqual(lamp.decide().level_pm, level, lux)
        lamp.utc_s = DAY
        self.assertEqual(lamp.decide().level_pm, 0)


class Why(unittest.TestCase):
    def test_the_whole_chain(self):
        lamp = Lamp(NIGHT, scenes=[["fest", NIGHT, NIGHT + 100, 1, 400, 0]], luminaire=(0, 900, 1, 1))
        lamp.presence.detect(10, 0, 0)
        lamp.give(ENERGY, CAP, 500)
        lamp.give(EMERGENCY, RAISE, 1000, 60)
        level, chain = lamp.arbiter.why(lamp.plan, lamp.presence, NIGHT, 0, 900)
        self.assertEqual(level, 600)
        self.assertEqual(
            chain,
            [
                [PLAN, SET, 300, 0, utc(2026, 1, 11, 5), "park: 22:30 -> 30 %"],
                [SCENE, RAISE, 400, 0, NIGHT + 100, "fest"],
                [PRESENCE, RAISE, 1000, 0, NIGHT + 20, "walker here"],
                [ENERGY, CAP, 500, 0, NIGHT + 600, "test"],
                [EMERGENCY, RAISE, 1000, 0, NIGHT + 60, "test"],
                [PROTECTION, CAP, 600, 1, 0, "the driver is too hot"],
            ],
        )
        level, chain = lamp.arbiter.why(lamp.plan, lamp.presence, NIGHT, 0)
        self.assertEqual((level, chain[-2][3], chain[-1]), (900, 1, [LUMINAIRE, CAP, 900, 0, 0, "luminaire maximum"]))

    def test_another_moment(self):
        lamp = Lamp()
        lamp.give(OPERATOR, SET, 1000, 600)
        lamp.wait(60000)
        for moment, level in (
            (EVENING - 1, 600),
            (EVENING, 1000),
            (EVENING + 599, 1000),
            (EVENING + 600, 600),
            (NIGHT, 300),
            (DAY, 0),
        ):
            got, chain = lamp.arbiter.explain(lamp.plan, moment, EVENING + 60, lamp.t_ms)
            self.assertEqual((got, len(chain)), (level, 2 if level == 1000 else 1), moment)
        self.assertEqual(lamp.arbiter.explain(lamp.plan, NIGHT, None, lamp.t_ms)[0], 300)
        self.assertEqual(lamp.arbiter.explain(None, NIGHT, EVENING, lamp.t_ms)[0], 1000)
        self.assertFalse(lamp.decide().changed)

    def test_texts_fit(self):
        long = "a-name-of-24-characters!"
        lamp = Lamp(program=[long, 605, 0, 0, [[1, -120, 2, 100]], []])
        lamp.arbiter.commands.give(OPERATOR, SET, 1, "x" * 100, EVENING, 0, 60)
        _, chain = lamp.arbiter.why(lamp.plan, lamp.presence, EVENING, 0)
        self.assertEqual([len(link[5]) for link in chain], [40, 40])
        self.assertIn("sunset-120 -> 60.5 %", chain[0][5])


if __name__ == "__main__":
    unittest.main()
