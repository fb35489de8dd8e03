"""A feeder that is switched at dusk and dawn, and a post that nobody tells the time."""

import unittest

from bench import NOON, Bench, plan_bytes
from light_helpers import CLOCK, plan, utc

from lamppost import limits
from lamppost.energy import BLOCK_HOURS, BLOCKS, DAYS, Energy
from lamppost.life import Life
from lamppost.light.half_night import HalfNight
from lamppost.wire import cbor, messages

HOUR = 3600000
EVENING = ["street", 1000, 0, 0, [[1, 0, 2, 0]], [[CLOCK, 630, 600], [CLOCK, 720, 300], [CLOCK, 1050, 900]]]


class Feeder:
    """Periods of power, one after the other, as Life sees them."""

    def __init__(self):
        self.raw = None
        self.life = Life(None)

    def on(self, minutes):
        """The power comes, for so long. Return the Life of that period."""
        life = Life(self.raw)
        self.raw = life.checkpoint(0, 0, 0, 0)
        while life.due_ms <= minutes * 60000:
            self.raw = life.checkpoint(0, 0, 0, life.due_ms)
        return life


class LearningTest(unittest.TestCase):
    def test_three_nights_that_are_alike_are_learned(self):
        feeder = Feeder()
        lengths = [feeder.on(minutes).night_s // 60 for minutes in (600, 610, 615, 620, 620)]
        self.assertEqual(lengths[:3], [0, 0, 0])
        for length in lengths[3:]:
            self.assertTrue(600 <= length <= 620, length)

    def test_nights_get_longer_and_the_learned_one_follows(self):
        feeder = Feeder()
        for day in range(120):
            minutes = 480 + 4 * day
            life = feeder.on(minutes)
            if day >= 3:
                self.assertLess(abs(life.night_s // 60 - minutes), 30, day)

    def test_permanent_power_teaches_nothing(self):
        feeder = Feeder()
        for minutes in (600, 600, 600, 600, 3000, 600, 600):
            life = feeder.on(minutes)
        self.assertEqual(life.night_s, 0)

    def test_after_an_interruption_the_rest_of_the_night_is_not_guessed_and_the_next_is_known_again(self):
        for first in (1, 5, 25, 200, 400):
            feeder = Feeder()
            for _ in range(4):
                feeder.on(600)
            self.assertGreater(feeder.on(first).night_s, 0)
            self.assertEqual(feeder.on(600 - first).night_s, 0, first)
            self.assertGreater(feeder.on(600).night_s, 0, first)

    def test_many_short_interruptions(self):
        feeder = Feeder()
        for _ in range(4):
            feeder.on(600)
        pieces = [feeder.on(100).night_s for _ in range(5)]
        self.assertGreater(pieces[0], 0)
        self.assertEqual(pieces[1:], [0] * 4)

    def test_periods_of_no_order_are_no_nights(self):
        feeder = Feeder()
        for minutes in (300, 900, 500, 1100, 260, 700):
            self.assertEqual(feeder.on(minutes).night_s, 0)

    def test_a_damaged_record_begins_anew(self):
        bad = (b"", b"\xff", b"\x80", cbor.encode([1, 2, 3, 4, 5]), cbor.encode([1, 2, 3, 4, 5, [-1]]))
        for raw in bad + (cbor.encode([1, 2, 3, 4, 5, [600] * 99]), cbor.encode([1, 2, 3, 4, "x", []])):
            life = Life(raw)
            self.assertEqual((life.energy_mwh, life.night_s, life.nights_min), (0, 0, []))

    def test_writes_are_few(self):
        life = Life(None)
        writes = 0
        while life.due_ms < 30 * 86400000:
            life.checkpoint(0, 0, 0, life.due_ms)
            writes += 1
        self.assertLess(writes, 60 + 30 * 24 + 2)


class HalfNightTest(unittest.TestCase):
    def course(self, lamp, day, slip_s=0):
        """Every five minutes of a night: (what the post does, what the plan wants), from sunset to sunrise."""
        _, _, on_s, _ = lamp.sun(day)
        _, off_s, _, _ = lamp.sun(day + 1)
        half = HalfNight(off_s - on_s + slip_s)
        for after_s in range(0, off_s - on_s, 300):
            done = half.level_pm(lamp, after_s * 1000)
            yield 1000 if done < 0 else done, lamp.level_at(on_s + after_s)

    def test_never_darker_than_the_plan_on_any_night_of_the_year_and_it_saves(self):
        for place in ((50669300, 4615000), (43300000, 5400000), (58400000, 15600000)):
            lamp = plan(program=EVENING, place=place)
            saved = nights = 0
            for day in range(utc(2026, 1, 1) // 86400, utc(2027, 1, 1) // 86400, 9):
                levels = list(self.course(lamp, day, (day % 3 - 1) * 900))
                nights += len(levels)
                for done, wanted in levels:
                    self.assertGreaterEqual(done, wanted)
                    saved += (1000 - done) / 1000
            self.assertGreater(saved / nights, 0.1)  # a third of the way to what the plan itself would save

    def test_what_depends_on_the_sun_counts_where_it_is_bright(self):
        program = ["street", 300, 0, 0, [[1, 0, 2, 0]], [[2, -60, 800]]]
        lamp = plan(program=program)
        for done, wanted in self.course(lamp, utc(2026, 3, 3) // 86400):
            self.assertEqual((done, wanted <= 800), (800, True))

    def test_the_safe_floor_holds(self):
        lamp = plan(program=["dark", 0, 0, -1, [[1, 0, 2, 0]], []], floor=150)
        self.assertEqual(HalfNight(36000).level_pm(lamp, HOUR), 150)

    def test_a_feeder_that_stays_on_longer_than_any_night_burns_full(self):
        lamp = plan(program=EVENING)
        half = HalfNight(36000)
        self.assertEqual(half.level_pm(lamp, 6 * HOUR), 300)
        self.assertEqual(half.level_pm(lamp, 11 * HOUR), -1)
        self.assertEqual(HalfNight(0).level_pm(lamp, 6 * HOUR), -1)


def street_bytes():
    """The plan of EVENING as a post gets it, with a presence profile."""
    from light_helpers import fields

    return cbor.encode(fields(program=EVENING))


class PostTest(unittest.TestCase):
    def feeder(self, nights, raw=None):
        bench = Bench(saved={"plan": raw or street_bytes()})
        for hours in nights:
            bench.run(int(hours * HOUR))
            bench.start()
        return bench

    def levels(self, bench, hours):
        found = []
        for _ in range(hours):
            bench.run(HOUR)
            found.append(bench.post.dimmer.target_pm)
        return found

    def test_half_night_dimming_without_the_time(self):
        bench = self.feeder([13, 13, 13])
        levels = self.levels(bench, 13)
        self.assertEqual(levels[0], 1000)
        self.assertEqual(min(levels), 300)
        self.assertEqual(levels[-1], 900)
        deepest = levels.index(300)
        self.assertEqual(levels[:deepest], sorted(levels[:deepest], reverse=True))
        self.assertEqual(levels[deepest:], sorted(levels[deepest:]))
        bench.start()
        bench.run(7 * HOUR)
        self.assertIn("as learned from the nights", bench.type("why")[1])
        bench.give(("presence", 0, True, 0))
        bench.run(2000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_full_output_until_it_has_learned_and_after_an_interruption(self):
        self.assertEqual(set(self.levels(self.feeder([13, 13]), 12)), {1000})
        self.assertEqual(set(self.levels(self.feeder([13, 13, 13, 13, 3]), 9)), {1000})

    def test_a_night_does_not_count_twice_when_the_power_goes_again_at_once(self):
        bench = self.feeder([13, 13, 13])
        nights = list(bench.post.upkeep.life.nights_min)
        for _ in range(4):
            bench.run(60000)
            bench.start()
            self.assertEqual(bench.post.upkeep.life.nights_min, nights)
            self.assertEqual(bench.post.upkeep.life.night_s, 0)

    def test_a_photocell_goes_before_what_was_learned(self):
        bench = self.feeder([13, 13, 13])
        bench.give(("lux", 5))
        self.assertEqual(set(self.levels(bench, 12)), {1000})
        bench.give(("lux", 500))
        self.assertEqual(self.levels(bench, 1), [0])

    def test_the_time_goes_before_what_was_learned(self):
        bench = self.feeder([13, 13, 13], plan_bytes(450))
        bench.open()
        bench.set_time(NOON + 10 * 3600)
        bench.run(2000)
        self.assertEqual(bench.post.dimmer.target_pm, 450)
        self.assertNotIn("learned", bench.type("why")[1])

    def test_energy_and_burning_hours_go_on_over_power_cuts(self):
        bench = self.feeder([13, 13])
        meter = bench.post.meter
        full_mwh = (30000 + 500) * 25  # what two nights use, but for a checkpoint each
        self.assertTrue(full_mwh < meter.energy_mwh <= (30000 + 500) * 26, meter.energy_mwh)
        self.assertTrue(25 * 3600 < bench.post.upkeep.lit_s <= 26 * 3600, bench.post.upkeep.lit_s)
        self.assertGreater(bench.post.writes, 2 * 39)


class EnergyTest(unittest.TestCase):
    def test_every_hour_of_forty_days_and_no_more_than_six_records(self):
        saved = {}
        energy = Energy(saved.get, 0)
        total = t_ms = 0
        start = utc(2026, 3, 1)
        for hour in range(50 * 24):
            for quarter in range(1, 5):
                total += 1000 * (hour % 24) + 33
                t_ms += HOUR // 4
                energy.account(start + hour * 3600 + quarter * 900, total, t_ms)
            name, data = energy.record() or ("", b"")
            saved[name] = data
            if hour % 100 == 0:
                energy = Energy(saved.get, total - total % 100)  # a restart
                energy._since_ms = t_ms
        self.assertEqual(len(saved), BLOCKS)
        self.assertLess(max([len(data) for data in saved.values()]), 600)
        today = start // 86400 + 49
        for day in range(today - DAYS, today + 1):
            hours = energy.day(day)
            for hour in range(24):
                self.assertAlmostEqual(hours[hour], 40 * hour + 1, delta=1)
        self.assertEqual(energy.day(today - BLOCK_HOURS * BLOCKS // 24), [])

    def test_the_sum_is_true_though_hours_are_in_tenths(self):
        energy = Energy({}.get, 0)
        start = utc(2026, 3, 1)
        for hour in range(24):
            energy.account(start + hour * 3600 + 3600, 3333 * (hour + 1), hour * HOUR)
        self.assertEqual(sum(energy.day(start // 86400)), 3333 * 24 // 100)

    def test_what_was_used_in_hours_unknown_is_no_hour(self):
        energy = Energy({}.get, 0)
        start = utc(2026, 3, 1)
        energy.account(None, 5000, HOUR)
        energy.account(start + 100, 90000, 5 * HOUR)
        energy.account(start + 1000, 95000, 5 * HOUR + 900000)
        self.assertEqual(energy.day(start // 86400)[0], 50)

    def test_a_clock_that_jumps_loses_no_other_day(self):
        saved = {}
        energy = Energy(saved.get, 0)
        t_ms = 0
        for day, total in ((1, 10000), (40, 20000), (1, 30000)):
            t_ms += 1000
            energy.account(utc(2026, 3, 1) + day * 86400 + 60, total, t_ms)
            name, data = energy.record() or ("", b"")
            saved[name] = data
        self.assertEqual(energy.day(utc(2026, 3, 2) // 86400)[0], 200)
        self.assertEqual(energy.day(utc(2026, 4, 10) // 86400)[0], 100)

    def test_the_console_shows_days_and_hours(self):
        bench = Bench(saved={"plan": plan_bytes(1000)})
        bench.open()
        bench.set_time(NOON)
        bench.run(36 * HOUR)
        bench.ask(messages.POLL, (0, b""))
        lines = bench.type("energy")
        self.assertTrue(lines[0].startswith("total-wh "), lines[0])
        self.assertEqual([line.split()[0] for line in lines[2:-1]], ["2026-06-22", "2026-06-23"])
        hours = bench.type("energy 2026-06-22")
        self.assertEqual(len(hours), 25)
        self.assertEqual(hours[12], "12 0.5 Wh")  # standby
        self.assertEqual(hours[22], "22 40.5 Wh")

    def test_checkpoints_are_bounded(self):
        bench = Bench(saved={"plan": plan_bytes(1000)})
        bench.open()
        bench.set_time(NOON)
        before = bench.post.writes
        bench.run(30 * 24 * HOUR)
        alone = 30 * 24 * 2 + 30  # without a gateway, what waits is written down each half hour
        self.assertLess(bench.post.writes - before, 2 * (60 + 30 * 24) + alone)
        self.assertLess(bench.post.writes, limits.FLASH_WRITES_MAX // 3000)  # worn in 250 years


if __name__ == "__main__":
    unittest.main()
