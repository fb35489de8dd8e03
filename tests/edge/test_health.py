"""Faults: each comes once, after its delay, stays between its thresholds, goes once; what the post does meanwhile."""

import unittest

from bench import NOON, Bench, plan_bytes

from lamppost import limits
from lamppost.boards.inputs import Pulses
from lamppost.health import DELAYS_S, Health
from lamppost.store.typed import pin_record
from lamppost.wire import faults, messages

NIGHT = NOON + 10 * 3600
STANDBY, RATED = 500, 40000


class Watch:
    """A Health under test; `at` is seconds."""

    def __init__(self):
        self.changes = []
        self.health = Health(self._changed)

    def _changed(self, number, on, value, t_ms):
        self.changes.append((number, on, value, t_ms // 1000))

    def lamp(self, at, level_pm, power_mw):
        expected = STANDBY + RATED * (30 + level_pm * 97 // 100) // 1000 if level_pm else STANDBY
        self.health.lamp(level_pm, expected, STANDBY, RATED, power_mw, at * 1000)


class ThresholdsTest(unittest.TestCase):
    def course(self, number, give, bad, between, good):
        """A value that is bad, hesitates, is bad for long, hesitates, is well for long: two changes, at their times."""
        watch = Watch()
        on_s, off_s = DELAYS_S[number]
        self.assertGreater(on_s, 0)
        at = 0
        for value, for_s in ((good, 60), (bad, on_s - 1), (between, 5), (bad, on_s + 20), (between, 4000)):
            for second in range(0, for_s, 1 if for_s < 2000 else 60):
                give(watch, at + second, value)
            at += for_s
        came = 60 + on_s - 1 + 5 + on_s
        self.assertEqual([change[:2] + change[3:] for change in watch.changes], [(number, True, came)])
        for value, for_s in ((good, off_s - 1), (between, 5), (good, off_s + 2)):
            for second in range(for_s):
                give(watch, at + second, value)
            at += for_s
        self.assertEqual(len(watch.changes), 2)
        self.assertEqual(watch.changes[1][:2] + watch.changes[1][3:], (number, False, at - 2))

    def test_voltage(self):
        def give(watch, at, mv):
            watch.health.voltage(mv, at * 1000)

        self.course(faults.VOLTAGE_LOW, give, 206999, 209000, 211001)
        self.course(faults.VOLTAGE_HIGH, give, 253001, 251000, 248999)

    def test_power_factor(self):
        self.course(faults.POWER_FACTOR, lambda w, at, pm: w.health.factor(pm, 1000, at * 1000), 799, 830, 851)

    def test_heat(self):
        self.course(faults.HOT, lambda w, at, dc: w.health.heat(dc, at * 1000), 801, 780, 749)

    def test_lamp_against_its_level_at_full_and_dimmed(self):
        self.course(faults.LAMP, lambda w, at, mw: w.lamp(at, 1000, mw), 20000, 24000, 29000)
        self.course(faults.LAMP, lambda w, at, mw: w.lamp(at, 300, mw), 6000, 8000, 13000)

    def test_a_driver_that_does_not_dim(self):
        self.course(faults.DRIVER, lambda w, at, mw: w.lamp(at, 300, mw), 40000, 18000, 13000)

    def test_day_burning(self):
        watch = Watch()
        for second in range(200):
            watch.lamp(second, 0, 40000)
        self.assertEqual(watch.changes, [(faults.DAY_BURNING, True, 40000, 120)])
        for second in range(200, 300):
            watch.lamp(second, 0, 700)
        self.assertEqual(watch.changes[1:], [(faults.DAY_BURNING, False, 700, 230)])

    def test_a_relay_that_does_not_open(self):
        def give(watch, at, mw):
            watch.health.relay_open(STANDBY, mw, at * 1000)

        self.course(faults.RELAY_STUCK, give, 400, 250, 0)

    def test_a_lamp_that_goes_out_and_comes_back_by_itself(self):
        watch = Watch()
        for turn in range(5):
            for minute in range(12):
                watch.lamp(turn * 720 + minute * 60, 1000, 300 if minute == 11 else 40000)
        self.assertEqual(watch.changes, [(faults.CYCLING, True, 5, 4 * 720 + 660)])
        for minute in range(1, 180):
            watch.lamp(3600 + minute * 60, 1000, 40000)
        self.assertEqual([change[:2] for change in watch.changes], [(faults.CYCLING, True), (faults.CYCLING, False)])

    def test_a_lamp_that_is_dimmed_and_switched_does_not_cycle(self):
        watch = Watch()
        for turn in range(40):
            watch.lamp(turn * 60, 1000, 40000)
            watch.lamp(turn * 60 + 20, 0, 500)
            watch.lamp(turn * 60 + 40, 300, 13000)
        self.assertEqual(watch.changes, [])

    def test_nonsense_from_a_temperature_sensor_is_no_fault(self):
        watch = Watch()
        for second in range(2000):
            watch.health.heat(limits.TEMPERATURE_MAX_DC + 1, second * 1000)
        self.assertEqual(watch.changes, [])

    def test_every_fault_has_a_name_of_its_own_and_a_bit(self):
        shown = [row[0] for row in faults.ROWS]
        self.assertEqual(len(shown), len(set(shown)))
        self.assertEqual(len(shown), len(DELAYS_S))
        self.assertLess(len(shown), 33)
        self.assertEqual(faults.names(1 << faults.LAMP | 1 << 31), ["lamp", "fault-31"])


def told(bench):
    """The FAULT items waiting: (number, on)."""
    return [item[3:5] for item in bench.post.items.oldest(999) if item[1] == messages.FAULT]


def bits(bench):
    return faults.names(bench.post.upkeep.bits)


class PostTest(unittest.TestCase):
    def night(self, level_pm=1000, **kwargs):
        bench = Bench(saved={"plan": plan_bytes(level_pm, **kwargs)})
        bench.open()
        bench.set_time(NIGHT)
        bench.run(20000)
        return bench

    def power(self, bench, seconds, power_mw):
        for _ in range(seconds // 10):
            bench.give(("power", power_mw))
            bench.run(10000)

    def test_a_failed_lamp_is_an_item_a_bit_of_status_and_words(self):
        bench = self.night()
        self.power(bench, 60, 40000)
        self.power(bench, 150, 500)
        self.assertEqual(told(bench), [(faults.LAMP, 1)])
        status = bench.ask(messages.POLL, (0, b""))
        self.assertEqual(status[3], 1 << faults.LAMP)
        self.assertEqual(bench.type("faults")[0], "lamp: " + faults.ROWS[faults.LAMP][1] + " (500 mW)")
        self.power(bench, 60, 40000)
        self.assertEqual(told(bench), [(faults.LAMP, 1), (faults.LAMP, 0)])
        self.assertEqual(bench.type("faults"), ["none", "ok"])

    def gear(self, bench, seconds, failed, power_mw=None):
        """What gear says each minute."""
        for _ in range(seconds // 60):
            if power_mw is not None:
                bench.give(("power", power_mw))
            bench.give(("gear", failed))
            bench.run(60000)

    def test_gear_without_a_power_bank_says_by_itself_that_its_lamp_failed(self):
        bench = self.night()
        self.gear(bench, 180, False)
        self.gear(bench, 60, True)
        self.gear(bench, 180, False)
        self.assertEqual(bits(bench), [])
        self.gear(bench, 180, True)
        bench.run(3600000)  # silent: nothing is known
        self.assertEqual(bits(bench), ["lamp"])
        bench.post.technician_level(0, 3600, bench.post.clock.t_ms)
        self.gear(bench, 180, False)
        self.assertEqual(bits(bench), ["lamp"])  # dark, it does not know
        bench.post.technician_end(bench.post.clock.t_ms)
        self.gear(bench, 180, False)
        self.assertEqual(told(bench), [(faults.LAMP, 1), (faults.LAMP, 0)])

    def test_gear_that_says_its_lamp_failed_is_believed_whatever_power_flows(self):
        bench = self.night()
        self.gear(bench, 180, True, 40000)
        self.assertEqual(bits(bench), ["lamp"])
        self.gear(bench, 180, False, 500)
        self.assertEqual(bits(bench), ["lamp"])
        self.gear(bench, 180, False, 40000)
        self.assertEqual(told(bench), [(faults.LAMP, 1), (faults.LAMP, 0)])

    def test_a_fade_is_no_lamp_failure(self):
        bench = self.night(100)
        for _ in range(30):
            bench.give(("presence", 0, True, 0))
            bench.give(("power", 4400))
            bench.run(1000)
            bench.give(("power", 4400))
            bench.give(("presence", 0, False, 0))
            bench.sent = []
            bench.run(20000)
        self.assertEqual(told(bench), [])

    def test_a_meter_that_goes_silent_says_nothing_of_the_lamp(self):
        bench = self.night()
        self.power(bench, 60, 40000)
        bench.run(3600000)
        self.assertEqual(bits(bench), ["meter-silent"])

    def test_a_post_alone_says_what_it_lacks_and_burns(self):
        bench = Bench()
        bench.open()
        bench.run(limits.GATEWAY_SILENT_S * 1000 + limits.UPKEEP_MS)
        self.assertEqual(bits(bench), ["clock-lost", "no-plan", "gateway-silent"])
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        bench.set_time(NIGHT)
        bench.ask(messages.POLL, (0, b""))
        bench.send_plan(plan_bytes(300))
        bench.run(limits.UPKEEP_MS)
        self.assertEqual(bits(bench), [])
        comes = [fault for fault in told(bench) if fault[1]]
        self.assertEqual(sorted(comes), [(number, 1) for number in sorted([n for n, _ in comes])])
        self.assertEqual(len(told(bench)), 6)

    def test_a_time_that_nobody_tells_any_more_is_lost_after_a_week(self):
        bench = self.night()
        bench.run(8 * 86400000)
        self.assertIn("clock-lost", bits(bench))

    def test_restarts_one_after_the_other(self):
        bench = Bench()
        for start in range(limits.SHORT_STARTS_ON + 1):
            self.assertEqual("resets" in bits(bench), start >= limits.SHORT_STARTS_ON, start)
            bench.run(30000)
            bench.start()
        bench.run((limits.SHORT_START_S + 1) * 1000)
        self.assertNotIn("resets", bits(bench))
        bench.start()
        self.assertNotIn("resets", bits(bench))

    def test_counters_of_an_older_firmware_are_taken(self):
        from lamppost.wire import cbor

        bench = Bench(saved={"counters": cbor.encode([5, 700, 9, 1234])})
        self.assertEqual((bench.post.item_epoch, bench.post.boots, bench.post.items.next_seq), (1234, 10, 701))

    def test_flash_that_refuses(self):
        bench = self.night()
        bench.give(("flash", False, "life"))
        self.assertEqual(bits(bench), ["flash-refuses"])
        bench.give(("flash", True, "life"))
        self.assertEqual(told(bench), [(faults.FLASH_REFUSES, 1), (faults.FLASH_REFUSES, 0)])

    def test_a_relay_that_does_not_open(self):
        bench = self.night(0)
        bench.give(("relay", False))
        self.power(bench, 120, 0)
        self.assertEqual(bits(bench), [])
        self.power(bench, 60, 900)
        self.assertEqual(bits(bench), ["relay-stuck"])
        bench.give(("relay", True))
        self.power(bench, 200, 900)
        self.assertEqual(bits(bench), ["relay-stuck"])  # nothing is known of it while it is closed
        bench.give(("relay", False))
        self.power(bench, 60, 0)
        self.assertEqual(bits(bench), [])

    def test_a_thermometer_that_falls_silent_while_it_is_hot_dims_not_for_ever(self):
        bench = self.night()
        for _ in range(40):  # two tenths of an hour
            bench.give(("temp", 950))
            bench.run(30000)
        self.assertEqual((bench.post.dimmer.target_pm, bits(bench)), (limits.DERATED_PM, ["hot"]))
        bench.run(limits.UPKEEP_MS - 60000)
        self.assertEqual(bench.post.dimmer.target_pm, limits.DERATED_PM)
        bench.run(limits.UPKEEP_MS)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        bench.run(400000)
        self.assertEqual(bits(bench), [])

    def test_an_open_door(self):
        bench = self.night()
        bench.give(("door", True))
        bench.run(4000)
        self.assertEqual(bits(bench), [])
        bench.run(2000)
        self.assertEqual(bits(bench), ["door-open"])
        bench.give(("door", False))
        bench.run(61000)
        self.assertEqual(told(bench), [(faults.DOOR_OPEN, 1), (faults.DOOR_OPEN, 0)])


class SensorTest(unittest.TestCase):
    def night(self):
        bench = Bench(saved={"plan": plan_bytes(200, neighbours=[(4, 300, 90)])})
        bench.open()
        bench.set_time(NIGHT)
        bench.run(5000)
        return bench

    def test_a_stuck_sensor_lights_half_an_hour_and_not_the_night(self):
        bench = self.night()
        bench.give(("presence", 0, True, 0))
        bench.run((limits.SENSOR_STUCK_S - 20) * 1000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        bench.run(60000)
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        self.assertEqual(bits(bench), ["sensor-stuck"])
        bench.sent = []
        bench.run(3600000)
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        self.assertEqual(bench.sent, [])  # nor does it light the neighbours
        bench.give(("presence", 0, False, 0))
        bench.run(limits.UPKEEP_MS + 61000)
        self.assertEqual(bits(bench), [])
        bench.give(("presence", 0, True, 0))
        bench.run(1000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_another_input_is_heeded_while_one_is_stuck(self):
        bench = self.night()
        bench.give(("presence", 0, True, 0))
        bench.run((limits.SENSOR_STUCK_S + 60) * 1000)
        bench.give(("presence", 1, True, 0))
        bench.run(1000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_a_bouncing_contact_is_stuck_too_and_floods_nothing(self):
        bench = self.night()
        for _ in range(2 * limits.SENSOR_STUCK_S // 10):
            bench.give(("presence", 0, True, 0))
            bench.run(9000)
            bench.give(("presence", 0, False, 0))
            bench.sent = []
            bench.run(1000)
        self.assertEqual(bits(bench), ["sensor-stuck"])
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        seen = [item for item in bench.post.items.oldest(999) if item[1] == messages.PRESENCE]
        self.assertLess(len(seen), limits.SENSOR_STUCK_S // 10 + 2)

    def test_people_who_come_and_go_all_evening_are_no_stuck_sensor(self):
        bench = self.night()
        for _ in range(400):
            bench.give(("presence", 0, True, 0))
            bench.run(20000)
            self.assertEqual(bench.post.dimmer.target_pm, 1000)
            bench.give(("presence", 0, False, 0))
            bench.sent = []
            bench.run(4000)
        self.assertNotIn("sensor-stuck", bits(bench))

    def test_a_dead_sensor_is_noticed_by_what_the_neighbours_see_and_darkens_nothing(self):
        bench = self.night()
        bench.give(("presence", 0, True, 0))
        bench.run(1000)
        bench.give(("presence", 0, False, 0))
        for _ in range(limits.SENSOR_DEAD_SEEN + 1):
            bench.run(200000)
            bench.set_time(NIGHT)  # it stays night
            bench.post.overheard(4, 0, bench.post.clock.t_ms)
            bench.give(("tick",))
            self.assertGreaterEqual(bench.post.dimmer.target_pm, 200)
        bench.run(2 * limits.UPKEEP_MS)
        self.assertIn("sensor-dead", bits(bench))
        bench.give(("presence", 0, True, 0))
        bench.run(1000)
        bench.give(("presence", 0, False, 0))
        bench.post.overheard(4, 0, bench.post.clock.t_ms)  # and there is somebody at a neighbour at all times
        bench.run(limits.UPKEEP_MS)
        self.assertNotIn("sensor-dead", bits(bench))

    def test_neighbours_that_are_heard_no_more_leave_the_plan_and_the_own_sensor(self):
        bench = self.night()
        bench.post.overheard(4, 0, bench.post.clock.t_ms)
        for _ in range(limits.SENSOR_DEAD_SEEN + 2):
            bench.run(180000)
            bench.set_time(NIGHT)
            bench.give(("presence", 0, True, 0))
            bench.run(1000)
            self.assertEqual(bench.post.dimmer.target_pm, 1000)
            bench.give(("presence", 0, False, 0))
            bench.sent = []
        bench.run(2 * limits.UPKEEP_MS)
        self.assertIn("neighbours-lost", bits(bench))
        bench.post.overheard(4, 0, bench.post.clock.t_ms)
        bench.give(("presence", 0, True, 0))
        bench.run(limits.UPKEEP_MS)
        self.assertNotIn("neighbours-lost", bits(bench))


class PendingTest(unittest.TestCase):
    def test_a_delay_that_ran_out_while_nothing_could_be_judged_wakes_nobody(self):
        """The lamp fails, and is then too dark for the power sensor to tell: before, the post was woken each ms."""
        watch, never = Watch(), 1000000000
        on_s = DELAYS_S[faults.LAMP][0]
        watch.lamp(0, 1000, 300)
        self.assertEqual(watch.health.due_ms(0, never), on_s * 1000)
        watch.lamp(on_s + 5, 1, 300)
        self.assertEqual(watch.changes, [])
        self.assertEqual(watch.health.due_ms((on_s + 5) * 1000, never), never)
        watch.lamp(on_s + 6, 1000, 300)
        self.assertEqual(watch.changes, [(faults.LAMP, True, 300, on_s + 6)])


class PulseMeterTest(unittest.TestCase):
    """A lamp of 40 W on a meter with 1,000 pulses a kWh: a pulse in 90 s, in six minutes at a fifth of the light."""

    def setUp(self):
        self.bench = Bench(saved={"plan": plan_bytes(200)}, pin=pin_record("271828", b"saltsalt"))
        self.bench.type("login 271828")
        self.pulses = Pulses(1000)
        self.count = self.last_ms = self.used = 0
        self.faults = set()

    def burn(self, percent, minutes, dead=False):
        """Keep a level for so long, of a lamp that takes what its level should take."""
        bench = self.bench
        self.assertEqual(bench.type("level %d 15m" % percent), ["ok"])
        for _ in range(minutes * 4):
            for _ in range(15):
                bench.run(1000)
                t_ms = bench.post.clock.t_ms
                meter = bench.post.meter
                self.used += 0 if dead else meter.expected_mw(bench.post.dimmer.level(t_ms))
                if self.used >= 3600000:
                    self.used -= 3600000
                    self.count, self.last_ms = self.count + 1, t_ms
            power_mw = self.pulses.look(self.count, self.last_ms, t_ms)
            if power_mw is not None:
                bench.give(("power", power_mw, self.pulses.most_mw, self.pulses.reach_ms))
            self.faults.update(bits(bench))

    def test_a_lamp_that_is_well_is_never_reported_whatever_its_level_does(self):
        for percent in (100, 20, 0, 20, 100, 0, 60, 0, 100):
            self.burn(percent, 14)
            if percent == 0:
                self.bench.give(("relay", False))
                self.burn(0, 10)
                self.bench.give(("relay", True))
        self.assertEqual(self.faults & {"lamp", "driver", "day-burning", "relay-stuck", "meter-silent"}, set())

    def test_one_that_is_dead_is_found_at_a_level_and_after_a_change(self):
        for before in (100, 0):
            self.setUp()
            self.burn(100, 14)
            self.burn(before, 14)
            self.assertEqual(self.faults & {"lamp"}, set())
            self.burn(100, 12, dead=True)
            self.assertIn("lamp", self.faults)


if __name__ == "__main__":
    unittest.main()
