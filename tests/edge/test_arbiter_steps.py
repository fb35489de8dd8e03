"""A step that has no fade of its own, in the middle of a slow ramp, is a step: the ramp's next piece does not smear it.

Found by `lampsim check` (promise 1): with a ramp of fifteen minutes below, somebody was seen and got light half a
minute later.
"""

import unittest

from lamppost.light.arbiter import Arbiter
from lamppost.light.dimmer import Dimmer
from lamppost.light.plan import Plan
from lamppost.light.presence import Presence
from lamppost.wire import cbor

MIDNIGHT = 9678 * 86400  # 2026-07-01
START = MIDNIGHT + 600


def plan(scenes, level_pm=0, ramp_s=900, max_pm=1000):
    points = [[0, 720, 1000]]  # at midnight it begins to rise for a quarter of an hour
    program = ["p", level_pm, ramp_s, 0, [[0, 0, 0, 1439]], points]
    profile = ["walkers", 20, 0, 0, [[100, 900]], [], []]
    luminaire = [0, max_pm, 30000, 500]
    return Plan.from_bytes(
        cbor.encode([1, "UTC0", 50000000, 4000000, 100, 0, [program], [], scenes, [profile], [], luminaire])
    )


class Lamp:
    """A lamp that does what is decided, second by second."""

    def __init__(self, scenes, max_pm=1000):
        self.plan, self.presence, self.arbiter = plan(scenes, max_pm=max_pm), Presence(), Arbiter()
        self.dimmer = Dimmer()
        self.presence.configure(self.plan, 1)
        self.t_ms = 0
        self.decide()

    def decide(self):
        decision = self.decision = self.arbiter.decide(self.plan, self.presence, START + self.t_ms // 1000, self.t_ms)
        if decision.jump:
            self.dimmer.go(decision.now_pm, 0, self.t_ms)
        if decision.changed:
            self.dimmer.go(decision.level_pm, decision.fade_ms, self.t_ms)
        return decision

    def run(self, t_ms):
        """Decide whenever it is due until t_ms, then once more."""
        while self.decision.next_t_ms < t_ms:
            self.t_ms = self.decision.next_t_ms
            self.decide()
        self.t_ms = t_ms
        return self.decide()


class ClockSteps(unittest.TestCase):
    def test_after_a_step_of_the_clock_the_next_change_is_reckoned_anew(self):
        """Found by `lampsim check` (promise 2): a clock set 20 s on, and what was to come came 20 s late."""
        lamp = Lamp([["bright", START - 60, START + 400, 0, 1000, 0]])
        self.assertEqual(lamp.decision.level_pm, 1000)
        before = lamp.decision.next_t_ms
        self.assertGreater(before, 25000)
        on = lamp.arbiter.decide(lamp.plan, lamp.presence, START + 20, 1)
        self.assertLess(on.next_t_ms, 11000)


class Steps(unittest.TestCase):
    def test_somebody_gets_light_at_once_while_the_plan_ramps(self):
        lamp = Lamp([["dim", START - 60, START + 3600, 0, 100, 0]])
        lamp.run(10000)
        self.assertEqual(lamp.decision.level_pm, 100)
        lamp.presence.detect(1, 0, 10000)
        decision = lamp.run(10000)
        self.assertTrue(decision.jump)
        self.assertEqual((decision.now_pm, decision.level_pm), (900, 900))

    def test_a_short_ramp_within_a_long_one_is_followed_in_steps_of_its_own(self):
        """Found by `lampsim check` (promise 2): for half a minute the lamp went straight past where it should bend."""
        lamp = Lamp([["dim", START + 60, START + 3600, 0, 100, 60]], max_pm=600)
        lamp.run(59000)
        for second in range(60, 130):
            lamp.run(second * 1000)
            plan_pm = (600 + second) * 1000 // 900
            level_pm = min(600, plan_pm + (100 - plan_pm) * min(second - 60, 60) // 60)
            self.assertLess(abs(lamp.dimmer.level(lamp.t_ms) - level_pm), 15, second)

    def test_a_scene_without_a_ramp_begins_at_once_while_the_plan_ramps(self):
        lamp = Lamp([["full", START + 30, START + 60, 0, 1000, 0]])
        decision = lamp.run(30000)
        self.assertTrue(decision.jump)
        self.assertEqual(decision.now_pm, 1000)
        decision = lamp.run(60000)
        self.assertTrue(decision.jump)
        self.assertTrue(decision.now_pm < 800)

    def test_a_ramp_alone_has_no_steps(self):
        lamp = Lamp([["slow", START + 30, START + 600, 1, 800, 300]])
        for t_ms in range(1000, 700000, 1000):
            self.assertFalse(lamp.run(t_ms).jump)

    def test_a_lamp_that_cannot_be_full_follows_the_ramp_until_it_can_no_more(self):
        lamp = Lamp([], max_pm=900)
        for t_ms in range(0, 300000, 10000):  # at 90 % of a ramp to full output, six seconds of it a per cent
            lamp.run(t_ms)
            wanted = lamp.plan.luminaire_pm(lamp.plan.level_at(START + t_ms // 1000))
            self.assertTrue(abs(lamp.dimmer.level(t_ms) - wanted) <= 5)
