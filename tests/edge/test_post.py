import unittest

from bench import BUS_KEY, NOON, Bench, plan_bytes, post_key

from lamppost.light import dates
from lamppost.post import Post
from lamppost.wire import cbor, messages
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink

NIGHT = NOON + 10 * 3600  # 22:00Z, dark in Belgium
OVERRIDE = (7, messages.LEVEL, 6, 0, 400, 0, 600, "test")


def event_from(address, number, user_class=0, age_ms=0):
    """An EVENT frame of another post."""
    return PostLink(address, post_key(address), BUS_KEY, lambda n: bytes(n)).event(number, user_class, 0, age_ms)


class NeverDarkTest(unittest.TestCase):
    def test_full_output_without_plan_and_time(self):
        bench = Bench()
        self.assertEqual(bench.lamp, (1000, 0))

    def test_full_output_with_a_plan_while_the_time_is_unknown(self):
        bench = Bench()
        bench.open()
        bench.send_plan(plan_bytes())
        bench.start()
        self.assertEqual(bench.lamp, (1000, 0))
        bench.open()
        bench.set_time(NOON)
        self.assertEqual(bench.lamp[0], 0)

    def test_a_photocell_stands_in_for_the_time(self):
        bench = Bench(saved={"plan": plan_bytes()})
        bench.give(("lux", 20000))
        self.assertEqual(bench.lamp[0], 0)
        bench.give(("lux", 50))
        self.assertEqual(bench.lamp[0], 0)
        bench.give(("lux", 20))
        self.assertEqual(bench.lamp[0], 1000)
        bench.give(("lux", 20000))
        self.assertEqual(bench.lamp[0], 0)
        bench.give(("lux", None))  # the sensor is gone: its last word must not hold the lamp dark
        self.assertEqual(bench.lamp[0], 1000)

    def test_damaged_records_leave_the_light_on_and_are_said(self):
        bench = Bench(saved={"plan": b"\x81\x00", "counters": b"junk"})
        self.assertEqual(bench.lamp, (1000, 0))
        self.assertTrue(any("plan is damaged" in line for line in bench.logged))
        bench = Bench(saved={"settings": b"\xff"})
        self.assertEqual(bench.lamp, (1000, 0))
        self.assertTrue(any("unprovisioned" in line for line in bench.logged))
        bench.give(("rx", b"\x00anything\x00"))

    def test_unprovisioned_post_is_silent_and_lit(self):
        post = Post(lambda name: None, lambda n: bytes(n))
        actions, _ = post.handle(("presence", 0, True, 0), 5)
        self.assertIn(("lamp", 1000, 0), actions)
        self.assertFalse([action for action in actions if action[0] == "tx"])

    def test_a_night_without_gateway_follows_the_plan(self):
        bench = Bench(saved={"plan": plan_bytes(300, points=((0, 630, 500),))})
        bench.open()
        bench.set_time(NOON)
        levels = {}
        for hour in range(24):
            levels[hour] = bench.post.dimmer.target_pm
            bench.run(3600000)
        self.assertEqual(levels[7], 0)
        self.assertEqual(levels[8], 300)  # sunset is at 19:58:45Z; 22:30 in Brussels is 20:30Z
        self.assertEqual(levels[9], 500)
        self.assertEqual(levels[15], 500)  # 03:00Z; sunrise is at 03:31Z
        self.assertEqual(levels[16], 0)


class SessionTest(unittest.TestCase):
    def test_status_has_the_boot_item_until_acknowledged(self):
        bench = Bench()
        status = bench.open()
        self.assertEqual([item[1] for item in status[8]], [messages.BOOT])
        seq = status[8][0][0]
        self.assertEqual(len(bench.ask(messages.POLL, (seq - 1, b""))[8]), 1)
        self.assertEqual(bench.ask(messages.POLL, (seq, b""))[8], [])

    def test_a_status_with_many_items_fits_a_frame_and_all_arrive_in_order(self):
        bench = Bench()
        bench.open()
        for number in range(40):
            bench.post.items.add(messages.READING, 0xFFFFFFFF, 1000, 4000000000, 4000000000 + number)
        ack, seen = 0, []
        while True:
            status = bench.ask(messages.POLL, (ack, b""))
            if not status[8]:
                break
            seen += [item[0] for item in status[8]]
            ack = seen[-1]
        self.assertEqual(seen, list(range(seen[0], seen[0] + 41)))

    def test_item_numbers_and_counters_are_never_used_twice_over_power_cuts(self):
        bench = Bench()
        used, counters, epochs = set(), set(), set()
        for _ in range(4):
            bench.start()
            epochs.add(bench.post.item_epoch)
            for number in range(3):
                bench.give(("presence", number, True, 0))
                bench.run(400)
            said = {frame.counter for frame in bench.events()}
            self.assertFalse(said & counters)
            self.assertEqual(len(said), 3)
            counters |= said
            for item in bench.post.items.oldest(99):
                self.assertNotIn(item[0], used)
                used.add(item[0])
        self.assertEqual(len(epochs), 1)
        self.assertGreater(len(counters), 8)

    def test_the_first_thing_saved_comes_before_the_first_frame_sent(self):
        bench = Bench()
        bench.run(200)
        actions = bench.give(("presence", 0, True, 0))
        for _ in range(40):
            if "tx" in [action[0] for action in actions]:
                break
            bench.ticks += 5
            actions = bench.give(("tick",))
        (frame,) = bench.events()
        self.assertLess(frame.counter, cbor.decode(bench.saved["counters"])[0])

    def test_old_counter_wrong_seal_and_another_address_change_nothing(self):
        bench = Bench()
        bench.open()
        frame = bench.gateway.request(3, messages.COMMAND, OVERRIDE)
        bench.give(("rx", frame))
        self.assertEqual(bench.lamp[0], 400)
        bench.post.clear(6, bench.post.clock.t_ms)
        bench.run(2000)
        for data in (frame, frame[:12] + bytes([frame[12] ^ 1]) + frame[13:]):
            bench.give(("rx", data))
            self.assertEqual(bench.post.dimmer.target_pm, 1000)
        stranger = GatewayLink({3: bytes(32), 4: post_key(3)}, bytes(32), lambda n: bytes(n), 0, lambda c: None)
        bench.give(("rx", stranger.hello(3)))
        bench.give(("rx", stranger.hello(4)))
        bench.give(("rx", stranger.time((NOON, 0, 0))))
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        self.assertIsNone(bench.post.clock.utc_s(bench.post.clock.t_ms))
        self.assertGreater(bench.post.line.refused, 2)

    def test_a_command_sent_twice_acts_once(self):
        bench = Bench()
        bench.open()
        first = bench.ask(messages.COMMAND, OVERRIDE)
        self.assertEqual(first[1], messages.OK)
        bench.ask(messages.COMMAND, (8, messages.CLEAR, 6, 0, 0, 0, 0, ""))
        bench.run(2000)
        self.assertEqual(bench.ask(messages.COMMAND, OVERRIDE), first)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_refused_commands_say_why(self):
        bench = Bench()
        bench.open()
        bench.set_time(NIGHT)
        for number, values in enumerate(
            (
                (messages.LEVEL, 6, 0, 400, 0, 0, ""),
                (messages.LEVEL, 6, 0, 400, 0, 8 * 86400, ""),
                (messages.LEVEL, 6, 0, 400, NIGHT - 10, 600, ""),
                (messages.LEVEL, 7, 0, 400, 0, 60, ""),
                (messages.LEVEL, 9, 2, 400, 0, 60, ""),
                (messages.LEVEL, 4, 0, 400, 0, 60, ""),
                (messages.LEVEL, 8, 2, 0, 0, 60, ""),
                (messages.IDENTIFY, 0, 0, 0, 0, 0, ""),
                (99, 6, 0, 0, 0, 60, ""),
            )
        ):
            result = bench.ask(messages.COMMAND, (100 + number,) + values)
            self.assertEqual(result[1], messages.REFUSED, values)
            self.assertGreater(len(result[2]), 10)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_an_override_ends_by_itself(self):
        bench = Bench()
        bench.open()
        bench.ask(messages.COMMAND, OVERRIDE)
        bench.run(599000)
        self.assertEqual(bench.post.dimmer.target_pm, 400)
        bench.run(2000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_identify_shows_and_ends(self):
        bench = Bench()
        bench.open()
        actions = bench.give(("rx", bench.gateway.request(3, messages.COMMAND, (5, 3, 0, 0, 0, 0, 10, ""))))
        self.assertIn(("identify", 1), actions)
        bench.run(9990)
        self.assertIsNotNone(bench.post._identify_until)
        bench.run(20)
        self.assertIsNone(bench.post._identify_until)


class PlanTest(unittest.TestCase):
    def test_a_plan_is_verified_kept_and_reported(self):
        bench = Bench()
        bench.open()
        raw = plan_bytes()
        self.assertEqual(bench.send_plan(raw)[0], messages.DONE)
        self.assertEqual(bench.saved["plan"], raw)
        self.assertEqual(bench.ask(messages.POLL, (0, b""))[5], bench.post.plan.hash)
        bench.start()
        self.assertEqual(bench.post.plan.raw, raw)

    def test_what_is_no_plan_is_refused_and_the_old_one_stays(self):
        bench = Bench()
        bench.open()
        raw = plan_bytes()
        bench.send_plan(raw)
        for bad in (b"\x00", plan_bytes(level_pm=1700), raw + b"\x00", raw[:-1]):
            answer = bench.send_plan(bad)
            self.assertEqual(answer[0], messages.REFUSED)
            self.assertGreater(len(answer[2]), 5)
            self.assertEqual(bench.saved["plan"], raw)
            self.assertEqual(bench.post.plan.raw, raw)

    def test_wrong_hash_wrong_length_and_no_beginning_are_refused(self):
        bench = Bench()
        bench.open()
        raw = plan_bytes()
        self.assertEqual(bench.ask(messages.BLOB_DATA, (0, b"x"))[0], messages.AGAIN)
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, (1, 5000, bytes(32)))[0], messages.REFUSED)
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, (9, 50, bytes(32)))[0], messages.REFUSED)
        bench.ask(messages.BLOB_BEGIN, (1, len(raw), bytes(32)))
        self.assertEqual(bench.ask(messages.BLOB_DATA, (0, raw[:5]))[0], messages.AGAIN)
        for block in range((len(raw) + 127) // 128):
            answer = bench.ask(messages.BLOB_DATA, (block, raw[block * 128 : block * 128 + 128]))
        self.assertEqual(answer[0], messages.AGAIN)
        self.assertNotIn("plan", bench.saved)

    def test_an_interrupted_transfer_goes_on_where_it_was_and_repeats_are_confirmed(self):
        from hashlib import sha256

        bench = Bench()
        bench.open()
        raw = plan_bytes(neighbours=[(4 + n, 300 + n, n * 10) for n in range(20)])
        begin = (messages.BLOB_PLAN, len(raw), sha256(raw).digest())
        bench.ask(messages.BLOB_BEGIN, begin)
        bench.ask(messages.BLOB_DATA, (0, raw[:128]))
        self.assertEqual(bench.ask(messages.BLOB_DATA, (0, raw[:128]))[:2], [messages.MORE, 1])
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, begin)[:2], [messages.MORE, 1])
        last = (len(raw) - 1) // 128
        for block in range(1, last + 1):
            answer = bench.ask(messages.BLOB_DATA, (block, raw[block * 128 : block * 128 + 128]))
        self.assertEqual(answer[0], messages.DONE)
        self.assertEqual(bench.ask(messages.BLOB_DATA, (last, raw[last * 128 :]))[0], messages.DONE)
        self.assertEqual(bench.ask(messages.BLOB_BEGIN, begin)[0], messages.DONE)


class PresenceTest(unittest.TestCase):
    def setUp(self):
        self.bench = Bench(saved={"plan": plan_bytes(200, neighbours=((4, 250, 90), (5, 500, 90), (6, 800, 90)))})
        self.bench.open()
        self.bench.set_time(NIGHT)
        self.bench.run(20000)
        self.assertEqual(self.bench.post.dimmer.target_pm, 200)

    def test_own_detection_raises_is_announced_and_ends(self):
        bench = self.bench
        bench.give(("presence", 0, True, 0))
        self.assertEqual(bench.lamp, (1000, 1000))
        bench.run(300)
        events = [message for message in bench.heard() if message.kind == messages.EVENT]
        self.assertGreaterEqual(len(events), 1)
        bench.give(("presence", 0, False, 0))
        bench.run(11000)
        self.assertEqual(bench.lamp, (200, 8000))

    def test_somebody_who_stays_keeps_the_light_without_new_items(self):
        bench = self.bench
        waiting = len(bench.post.items)
        bench.give(("presence", 0, True, 0))
        bench.run(120000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        readings = [item for item in bench.post.items.oldest(99) if item[1] == messages.PRESENCE]
        self.assertEqual(len(readings), 1)
        self.assertLessEqual(len(bench.post.items), waiting + 2)

    def test_neighbours_raise_by_distance(self):
        for address, level in ((4, 1000), (5, 600), (6, 300), (7, 200)):
            self.setUp()
            self.bench.give(("rx", event_from(address, 5)))
            self.assertEqual(self.bench.post.dimmer.target_pm, level, address)

    def test_a_replayed_event_does_nothing(self):
        bench = self.bench
        frame = event_from(4, 5)
        bench.give(("rx", frame))
        bench.run(60000)
        self.assertEqual(bench.post.dimmer.target_pm, 200)
        bench.give(("rx", frame))
        self.assertEqual(bench.post.dimmer.target_pm, 200)

    def test_an_event_is_repeated_until_the_gateway_has_heard_it(self):
        bench = self.bench
        bench.give(("presence", 0, True, 0))
        bench.run(2000)
        tries = len(bench.events())
        self.assertGreaterEqual(tries, 2)
        self.assertLessEqual(tries, 3)
        bench.give(("presence", 0, False, 0))
        bench.give(("presence", 1, True, 0))
        while not bench.sent:
            bench.run(1)
        seq = bench.heard()[0].number
        bench.ask(messages.POLL, (0, bytes((3, seq & 255))))
        bench.run(2000)
        self.assertEqual(bench.events(), [])

    def test_no_event_while_another_post_owes_its_reply(self):
        bench = self.bench
        gateway = GatewayLink({9: post_key(9)}, BUS_KEY, lambda n: bytes(n), 0, lambda c: None)
        bench.give(("rx", gateway.hello(9)))
        bench.give(("presence", 0, True, 0))
        bench.run(29)
        self.assertEqual(bench.sent, [])
        bench.run(60)
        self.assertEqual(len(bench.heard()), 1)

    def test_presence_lights_nothing_by_day(self):
        bench = self.bench
        bench.set_time(NOON)
        bench.run(10000)
        bench.give(("presence", 0, True, 0))
        self.assertEqual(bench.post.dimmer.target_pm, 0)


class WhyTest(unittest.TestCase):
    def test_every_row_arrives_in_as_many_frames_as_it_takes(self):
        bench = Bench(saved={"plan": plan_bytes()})
        bench.open()
        bench.set_time(NIGHT)
        for number, layer in enumerate((4, 5, 6, 8)):
            op = {4: 1, 5: 2, 6: 0, 8: 1}[layer]
            bench.ask(
                messages.COMMAND, (number, messages.LEVEL, layer, op, 500, 0, 600, "the reason of layer %d" % layer)
            )
        bench.give(("presence", 0, True, 0))
        rows, answer = [], None
        while answer is None or len(rows) < answer[3]:
            answer = bench.ask(messages.WHY, (0, len(rows)))
            self.assertGreater(len(answer[5]), 0)
            rows += answer[5]
        self.assertEqual([row[0] for row in rows], [1, 3, 4, 5, 6, 8])
        self.assertEqual(sum(row[3] for row in rows), 1)
        self.assertEqual(answer[1], bench.post.dimmer.target_pm)

    def test_another_moment(self):
        bench = Bench(saved={"plan": plan_bytes(300)})
        bench.open()
        bench.set_time(NOON)
        answer = bench.ask(messages.WHY, (NIGHT + 86400, 0))
        self.assertEqual(answer[:2], [NIGHT + 86400, 300])
        self.assertEqual(bench.ask(messages.WHY, (NOON + 86400, 0))[1], 0)


class ConsoleTest(unittest.TestCase):
    def test_reading_needs_no_login(self):
        bench = Bench(pin=b"")
        bench.open()
        bench.set_time(NIGHT)
        for line in ("help", "info", "status", "why", "get", "get address", "log", "why 2026-12-24T22:30:00Z"):
            answer = bench.type(line)
            self.assertEqual(answer[-1], "ok", line)
            self.assertGreater(len(answer), 1, line)

    def test_errors_say_what_to_do_and_change_nothing(self):
        bench = Bench()
        saved = dict(bench.saved)
        for line in ("set address 9", "level 50 10m", "identify", "auto", "nonsense", "why yesterday", "get colour",
                     "why 9999-12-31T23:59:59Z", "why 1999-12-31T23:59:59Z", "energy 2200-01-01",
                     "login 123456", "x" * 300, "set address", "\x01\x02"):  # fmt: skip
            answer = bench.type(line)
            self.assertEqual(len(answer), 1, line)
            self.assertTrue(answer[0].startswith("error: "), line)
        self.assertEqual(bench.saved, saved)

    def test_login_and_its_growing_wait(self):
        from lamppost.store.typed import pin_record

        bench = Bench(pin=pin_record("271828", b"saltsalt"))
        self.assertTrue(bench.type("set reading-s 60")[0].startswith("error: login"))
        waits = []
        for _ in range(4):
            self.assertEqual(bench.type("login 111111"), ["error: wrong PIN"])
            self.assertTrue(bench.type("login 271828")[0].startswith("error: wait"))
            waits.append(bench.post.console._wait_until - bench.post.clock.t_ms)
            bench.run(waits[-1])
        self.assertEqual(waits, [1000, 2000, 4000, 8000])
        self.assertEqual(bench.type("login 271828"), ["ok"])
        self.assertEqual(bench.type("set reading-s 60"), ["ok"])
        self.assertEqual(bench.type("set turn-ms 9"), ["ok"])
        self.assertEqual(bench.post.line._timing.turn_ms, 9)
        self.assertEqual(bench.post.settings.get("reading-s"), 60)
        bench.run(901000)
        self.assertTrue(bench.type("set reading-s 70")[0].startswith("error: login"))

    def test_a_fresh_post_is_configured_and_joins_the_line(self):
        bench = Bench(saved={"settings": b"\xff"}, address=3)
        self.assertIsNone(bench.post.line)
        for line in ("set identity p-3", "set address 3", "set post-key " + "03" * 32, "set bus-key " + "09" * 32):
            self.assertEqual(bench.type(line), ["ok"])
        self.assertTrue(bench.type("set address 4")[0].startswith("error: this post has keys and no PIN"))
        self.assertIsNotNone(bench.open())
        bench.start()
        self.assertIsNotNone(bench.open())

    def test_level_by_hand_ends_by_itself(self):
        from lamppost.store.typed import pin_record

        bench = Bench(pin=pin_record("271828", b"saltsalt"))
        bench.type("login 271828")
        self.assertEqual(bench.type("level 40 2m"), ["ok"])
        self.assertEqual(bench.post.dimmer.target_pm, 400)
        bench.run(121000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        bench.type("level 40 2m")
        bench.type("auto")
        self.assertEqual(bench.post.dimmer.target_pm, 1000)

    def test_the_wait_after_wrong_pins_outlives_a_pulled_plug(self):
        from lamppost.store.typed import pin_record

        bench = Bench(pin=pin_record("271828", b"saltsalt"))
        for _ in range(3):
            bench.type("login 111111")
            bench.run(4000)
        bench.start()
        self.assertEqual(bench.type("login 271828"), ["error: wait 4 s after a wrong PIN"])
        bench.run(4000)
        self.assertEqual(bench.type("login 271828"), ["ok"])
        bench.start()
        self.assertEqual(bench.type("login 271828"), ["ok"])

    def test_a_level_is_set_like_a_setting(self):
        from lamppost.store.typed import pin_record

        bench = Bench(pin=pin_record("271828", b"saltsalt"))
        self.assertEqual(bench.type("set 40 10m"), ["error: login first"])
        bench.type("login 271828")
        self.assertEqual(bench.type("set 40 10m"), ["ok"])
        self.assertEqual(bench.post.dimmer.target_pm, 400)
        bench.run(601000)
        self.assertEqual(bench.post.dimmer.target_pm, 1000)
        for line in ("set 400 10m", "set 40 16m", "set 40 soon", "set 40"):
            self.assertTrue(bench.type(line)[0].startswith("error: "), line)

    def test_the_configuration_of_a_post_is_lines_that_another_takes(self):
        bench, other = Bench(address=3), Bench(saved={"settings": b"\xff"})
        bench.post.settings.put("reading-s", 77)
        lines = bench.type("config")
        for line in lines[:-1]:
            self.assertEqual(other.type(line), ["ok"], line)
        self.assertEqual(other.post.settings.get("reading-s"), 77)
        self.assertEqual(other.post.settings.address, 3)
        self.assertFalse(other.post.settings.provisioned)
        for secret in ("0303", "0909"):
            self.assertNotIn(secret, " ".join(lines))


class TimeTest(unittest.TestCase):
    def test_the_sun_of_the_place(self):
        bench = Bench(saved={"plan": plan_bytes(500)})
        bench.open()
        bench.set_time(dates.day_of(2026, 6, 21) * 86400 + 19 * 3600)
        bench.run(58 * 60000)
        self.assertEqual(bench.post.dimmer.target_pm, 0)
        bench.run(120000)
        self.assertEqual(bench.post.dimmer.target_pm, 500)

    def test_a_step_of_the_clock_recomputes_and_replays_nothing(self):
        bench = Bench(saved={"plan": plan_bytes(500)})
        bench.open()
        bench.set_time(NIGHT)
        bench.run(10000)
        for utc_s, level in ((NOON, 0), (NIGHT, 500), (NIGHT + 40 * 86400, 500), (NOON - 40 * 86400, 0)):
            bench.set_time(utc_s)
            bench.run(5000)
            self.assertEqual(bench.post.dimmer.target_pm, level)


if __name__ == "__main__":
    unittest.main()
