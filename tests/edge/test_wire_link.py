"""Two ends of a link: sessions, freshness, and everything a stranger on the line may try."""

import unittest

from wire_pair import BUS_KEY, Randoms, Stored, frame, gateway, offer, open_session, post, post_key

from lamppost.limits import COUNTER_MAX, COUNTER_RESERVE
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, go, header, pack
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink
from lamppost.wire.seal import Key, fits

STATUS = (600, 600, 1, 0, 18200, b"", 0, 0, [])
EVENT = (0, 0, 50, 0)
TIME = (800000000, 250, 20)
POLL = (0, b"", 0)


def forged(key, context, dst, src, kind, counter, values):
    """A frame made by somebody who has `key`."""
    signed = header(dst, src, kind, counter) + messages.encode(kind, values)
    return frame(pack(signed, key.seal(context, signed)))


class Case(unittest.TestCase):
    def refused(self, why, call, *args):
        with self.assertRaises(WireError) as caught:
            call(*args)
        self.assertIn(why, str(caught.exception))


class SessionTest(Case):
    def test_opens_and_answers(self):
        """[S-1] [S-2] [S-4] [M-3]"""
        gate, end = gateway(), post()
        self.assertFalse(gate.has_session(1))
        message = open_session(gate, end)
        self.assertEqual((message.src, message.kind, message.values), (GATEWAY, messages.POLL, [0, b"", 0, 0]))
        answer = gate.receive(frame(end.reply(messages.STATUS, STATUS)))
        self.assertEqual((answer.src, answer.kind, answer.values), (1, messages.STATUS, list(STATUS)))

    def test_hello_ok_says_who_answers(self):
        gate, end = gateway(), post()
        message = gate.receive(offer(gate, end))
        self.assertEqual(message.values[2:], [7, 3, "post-1", "0.1.0", 1])
        self.assertTrue(gate.has_session(1))

    def test_hello_of_another_version_is_refused_and_says_so(self):
        """[S-3]"""
        for values in ((2, bytes(8), 1), (2, "other", "fields", 1)):
            signed = header(1, GATEWAY, messages.HELLO, 0) + messages.cbor.encode(values)
            made = frame(pack(signed, Key(post_key(1)).seal(contexts.HELLO, signed)))
            self.refused("version 2", post().receive, made)

    def test_hello_ok_of_another_version_is_refused(self):
        """[S-3]"""
        gate = gateway(first=1)
        gate.hello(1)
        random = (2).to_bytes(8, "big")
        signed = header(GATEWAY, 1, messages.HELLO_OK, 0)
        signed += messages.cbor.encode((2, bytes(8), 1, 1, "x", "y", 1))
        made = frame(pack(signed, Key(post_key(1)).seal(contexts.HELLO_OK + random, signed)))
        self.refused("version 2", gate.receive, made)
        self.assertFalse(gate.has_session(1))

    def test_a_doubled_hello_gets_the_same_answer(self):
        """[S-5] A line that doubles every frame must still open sessions."""
        gate, end = gateway(), post()
        hello = frame(gate.hello(1))
        first = end.welcome(end.receive(hello))
        second = end.welcome(end.receive(hello))
        self.assertEqual(first, second)
        gate.receive(frame(first))
        self.refused("bad seal", gate.receive, frame(second))
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))

    def test_a_replayed_hello_leaves_the_session(self):
        """[S-6]"""
        gate, end = gateway(), post()
        old = frame(gate.hello(1))
        open_session(gate, end)
        for _ in range(50):
            end.welcome(end.receive(old))
            self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))
            self.assertIsNotNone(gate.receive(frame(end.reply(messages.STATUS, STATUS))))

    def test_a_hello_replayed_before_the_first_poll_costs_one_more_hello(self):
        """[S-6] Whoever can do that could as well have garbled the poll; the gateway recovers by itself."""
        gate, end = gateway(), post()
        old = frame(gate.hello(1))
        answer = offer(gate, end)
        end.welcome(end.receive(old))
        gate.receive(answer)
        self.refused("bad seal", end.receive, frame(gate.request(1, messages.POLL, POLL)))
        gate.forget(1)
        self.assertIsNotNone(open_session(gate, end))

    def test_the_old_session_lasts_until_the_new_one_is_used(self):
        """[S-6] A lost HELLO_OK costs nothing."""
        gate, end = gateway(), post()
        open_session(gate, end)
        lost = offer(gate, end)
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))
        gate.receive(lost)
        before = end.session
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))
        self.assertFalse(before is end.session)

    def test_an_answer_to_an_older_hello_is_refused(self):
        """[S-2]"""
        gate, end = gateway(), post()
        late = offer(gate, end)
        gate.hello(1)
        self.refused("bad seal", gate.receive, late)

    def test_nothing_is_taken_before_a_session(self):
        """[S-1]"""
        end = post()
        key = Key(post_key(1))
        self.refused("bad seal", end.receive, forged(key, contexts.DOWN, 1, GATEWAY, messages.POLL, 1, POLL))
        self.refused("bad seal", gateway().receive, forged(key, contexts.UP, GATEWAY, 1, messages.STATUS, 1, STATUS))

    def test_a_recording_of_a_session_is_worth_nothing_after_a_power_cut(self):
        """[S-2]"""
        gate, end = gateway(), post()
        hello = frame(gate.hello(1))
        gate.receive(frame(end.welcome(end.receive(hello))))
        polls = [frame(gate.request(1, messages.POLL, POLL)) for _ in range(3)]
        again = post(first=2000)
        again.welcome(again.receive(hello))
        for poll in polls:
            self.refused("bad seal", again.receive, poll)

    def test_hello_of_a_stranger(self):
        """[S-1]"""
        made = forged(Key(post_key(2)), contexts.HELLO, 1, GATEWAY, messages.HELLO, 0, (1, bytes(8), 1))
        self.refused("bad seal", post().receive, made)


class CounterTest(Case):
    def test_a_request_is_taken_once(self):
        """[S-7]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for kind, values, why in ((messages.WHY, (0, 0), "old counter"), (messages.POLL, POLL, "bad seal")):
            first = frame(gate.request(1, kind, values))
            second = frame(gate.request(1, kind, values))
            end.receive(second)
            self.refused(why, end.receive, second)
            self.refused(why, end.receive, first)

    def test_an_answer_is_taken_once(self):
        """[S-7]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        answer = frame(end.reply(messages.STATUS, STATUS))
        gate.receive(answer)
        self.refused("old counter", gate.receive, answer)

    def test_a_late_answer_is_not_taken_for_the_next_one(self):
        """[S-8]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        late = frame(end.reply(messages.STATUS, STATUS))
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.refused("late answer", gate.receive, late)
        self.assertIsNotNone(gate.receive(frame(end.reply(messages.STATUS, STATUS))))

    def test_only_the_answer_that_belongs_to_the_request(self):
        """[S-8]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        self.refused("not the answer", gate.receive, frame(end.reply(messages.RESULT, (1, messages.OK, ""))))
        self.assertIsNotNone(gate.receive(frame(end.reply(messages.STATUS, STATUS))))

    def test_a_post_takes_only_requests(self):
        """[S-9]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for kind, values in ((messages.STATUS, STATUS), (messages.RESULT, (1, 0, "")), (messages.TIME, TIME)):
            self.refused("not a request", end.receive, frame(gate.request(1, kind, values)))
        self.assertIsNone(end.receive(frame(gate.request(1, messages.STILL, (0,)))))
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))

    def test_bad_values_under_a_good_seal_change_nothing(self):
        """[S-10]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        session = end.session
        signed = header(1, GATEWAY, messages.WHY, session.asked + 1) + b"\xf6"
        self.refused("not an array", end.receive, frame(pack(signed, session.key.seal(contexts.DOWN, signed))))
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))

    def test_a_request_that_cannot_be_encoded_uses_no_counter(self):
        gate, end = gateway(), post()
        open_session(gate, end)
        self.refused("pairs are", gate.request, 1, messages.POLL, (0, bytes(8), 0))
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))
        self.assertIsNotNone(gate.receive(frame(end.reply(messages.STATUS, STATUS))))

    def test_a_session_ends_at_the_last_counter(self):
        """[S-11]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        gate._sessions[1].asked = COUNTER_MAX - 1
        end.session.asked = COUNTER_MAX - 1
        self.assertIsNotNone(end.receive(frame(gate.request(1, messages.POLL, POLL))))
        self.assertIsNotNone(gate.receive(frame(end.reply(messages.STATUS, STATUS))))
        self.assertFalse(gate.has_session(1))
        self.refused("used up", gate.request, 1, messages.POLL, POLL)
        self.assertIsNotNone(open_session(gate, end))

    def test_counters_are_reserved_before_they_are_used(self):
        """[B-4]"""
        stored = Stored()
        gate = gateway(stored=stored)
        seen = []
        for _ in range(COUNTER_RESERVE + 2):
            seen.append(frame(gate.time(TIME)).counter)
            self.assertLessEqual(seen[-1], stored.value)
        self.assertEqual(seen, list(range(1, COUNTER_RESERVE + 3)))
        self.assertEqual(stored.writes, 2)
        self.assertGreater(frame(gateway(stored=stored).time(TIME)).counter, seen[-1])

    def test_a_reserve_that_fails_uses_nothing(self):
        """[B-4] Before, the second broadcast went out with a counter that was never stored."""

        def full(counter):
            raise OSError(28)

        gate = GatewayLink({1: post_key(1)}, BUS_KEY, Randoms(), 0, full)
        self.assertRaises(OSError, gate.time, TIME)
        self.assertRaises(OSError, gate.time, TIME)

    def test_the_last_counter(self):
        """[B-4]"""
        end = post(number=COUNTER_MAX)
        self.assertEqual(frame(end.say()).counter, COUNTER_MAX)
        self.refused("used up", end.say)
        gate = gateway(stored=Stored(COUNTER_MAX))
        self.refused("used up", gate.time, TIME)
        self.assertIsNotNone(open_session(gate, end))


class BroadcastTest(Case):
    def test_an_event_reaches_everybody_once(self):
        """[B-1] [B-3]"""
        gate, end, other = gateway(), post(1), post(2)
        open_session(gate, end)
        made = frame(end.say())
        for hearer in (gate, other):
            message = hearer.receive(made)
            self.assertEqual((message.src, message.kind, message.values), (1, messages.EVENT, list(EVENT)))
            self.refused("old counter", hearer.receive, made)

    def test_the_gateway_takes_events_only_when_it_knows_what_is_fresh(self):
        """[B-3] A recording played to a gateway that has just started was taken before."""
        gate, end = gateway(), post()
        old = [frame(end.say()) for _ in range(3)]
        self.refused("fresh", gate.receive, old[0])
        open_session(gate, end)
        for made in old:
            self.refused("old counter", gate.receive, made)
        self.assertIsNotNone(gate.receive(frame(end.say())))

    def test_a_post_that_lost_its_counter_is_heard_again(self):
        """[B-5] Before, its events were refused until the gateway started again."""
        gate, end = gateway(), post(number=5001)
        open_session(gate, end)
        gate.receive(frame(end.say()))
        wiped = post(first=3000)
        open_session(gate, wiped)
        self.assertIsNotNone(gate.receive(frame(wiped.say())))

    def test_an_event_during_hello_is_not_taken_twice(self):
        """[B-3]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        hello = end.receive(frame(gate.hello(1)))
        answer = frame(end.welcome(hello))
        made = frame(end.say())
        gate.receive(made)
        gate.receive(answer)
        self.refused("old counter", gate.receive, made)

    def test_time_is_taken_only_after_a_session_has_said_what_is_fresh(self):
        """[B-2]"""
        gate, end = gateway(), post()
        old = frame(gate.time(TIME))
        self.refused("fresh", end.receive, old)
        offer(gate, end)
        self.refused("fresh", end.receive, frame(gate.time(TIME)))
        open_session(gate, end)
        self.refused("old counter", end.receive, old)
        self.assertEqual(end.receive(frame(gate.time(TIME))).values, list(TIME))

    def test_a_replayed_hello_does_not_make_old_time_fresh(self):
        """[B-2]"""
        gate, end = gateway(), post()
        hello = frame(gate.hello(1))
        recorded = frame(gate.time(TIME))
        open_session(gate, end)
        end.receive(frame(gate.time(TIME)))
        end.welcome(end.receive(hello))
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.refused("old counter", end.receive, recorded)
        self.assertIsNotNone(end.receive(frame(gate.time(TIME))))

    def test_time_during_hello_is_not_taken_twice(self):
        """[B-2]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        answer = offer(gate, end)
        made = frame(gate.time(TIME))
        end.receive(made)
        gate.receive(answer)
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.refused("old counter", end.receive, made)

    def test_a_gateway_that_lost_its_counter_sets_the_time_again(self):
        """[B-5] Before, the posts refused its time until their power was cut."""
        end = post()
        old = gateway(stored=Stored(50000))
        open_session(old, end)
        end.receive(frame(old.time(TIME)))
        new = gateway(first=500)
        open_session(new, end)
        self.assertIsNotNone(end.receive(frame(new.time(TIME))))

    def test_the_bus_key_carries_only_time_and_events(self):
        """[B-1]"""
        end, bus = post(2), Key(BUS_KEY)
        gate = gateway()
        open_session(gate, end)
        values = (1, messages.LEVEL, 6, 0, 0, 0, 600, "dark")
        made = forged(bus, contexts.BUS, EVERYBODY, GATEWAY, messages.COMMAND, 999, values)
        self.refused("everybody", end.receive, made)
        made = forged(bus, contexts.BUS, EVERYBODY, 1, messages.TIME, 999, TIME)
        self.refused("everybody", end.receive, made)
        self.refused("everybody", gate.receive, forged(bus, contexts.BUS, EVERYBODY, 2, messages.TIME, 999, TIME))
        for src in (GATEWAY, 251, 255):
            made = forged(bus, contexts.BUS, EVERYBODY, src, messages.EVENT, 999, EVENT)
            self.refused("everybody", end.receive, made)
        self.refused("unknown post 0", gate.receive, forged(bus, contexts.BUS, EVERYBODY, 0, messages.EVENT, 9, EVENT))

    def test_the_bus_key_opens_no_session(self):
        """[B-1]"""
        made = forged(Key(BUS_KEY), contexts.HELLO, 1, GATEWAY, messages.HELLO, 0, (1, bytes(8), 1))
        self.refused("bad seal", post().receive, made)

    def test_a_bad_seal_moves_no_counter(self):
        """[S-10]"""
        gate, end, other = gateway(), post(1), post(2)
        open_session(gate, end)
        open_session(gate, other)
        liar = Key(bytes(32))
        for hearer in (gate, other):
            made = forged(liar, contexts.BUS, EVERYBODY, 1, messages.EVENT, 900, EVENT)
            self.refused("bad seal", hearer.receive, made)
        self.refused("bad seal", other.receive, forged(liar, contexts.BUS, EVERYBODY, 0, messages.TIME, 900, TIME))
        made = frame(end.say())
        self.assertIsNotNone(gate.receive(made))
        self.assertIsNotNone(other.receive(made))
        self.assertIsNotNone(other.receive(frame(gate.time(TIME))))


class ShortTest(Case):
    def test_the_whole_counter_is_found_again(self):
        """[F-10] Up to 255 requests may be lost; one more, and the seal is wrong."""
        gate, end = gateway(), post()
        open_session(gate, end)
        for lost in (0, 1, 2, 100, 255, 254):
            for _ in range(lost):
                gate.request(1, messages.WHY, (0, 0))
            message = end.receive(frame(gate.request(1, messages.POLL, POLL)))
            self.assertEqual(message.number, gate._sessions[1].asked)
        for _ in range(256):
            gate.request(1, messages.WHY, (0, 0))
        self.refused("bad seal", end.receive, frame(gate.request(1, messages.POLL, POLL)))

    def test_a_poll_of_the_pending_session_is_found(self):
        """[F-10] [S-6]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for _ in range(300):
            end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.assertEqual(open_session(gate, end).number, 1)

    def test_a_still_belongs_to_its_poll(self):
        """[F-10] [S-8]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        late = frame(end.reply(messages.STILL, (1,)))
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.refused("bad seal", gate.receive, late)
        good = frame(end.reply(messages.STILL, (1,)))
        self.assertEqual(gate.receive(good).values, [1])
        self.refused("old counter", gate.receive, good)
        end.receive(frame(gate.request(1, messages.WHY, (0, 0))))
        self.refused("not the answer", gate.receive, frame(end.reply(messages.STILL, (1,))))

    def test_the_inputs_of_a_post_are_in_order_each_for_itself(self):
        """[B-3]"""
        gate, end, other = gateway(), post(number=10), post(2)
        open_session(gate, end)
        order = [(10, 0, 0), (11, 2, 0), (10, 0, 1), (11, 2, 1), (10, 0, 2), (12, 0, 0), (11, 2, 255)]
        for number, source, repeat in order:
            made = frame(end.event(number, 1, source, 0, repeat))
            for hearer in (gate, other):
                message = hearer.receive(made)
                self.assertEqual((message.number, message.values), (number, [1, source, 0, repeat]))
        for number, source, repeat in order:
            made = frame(end.event(number, 1, source, 500, repeat))
            for hearer in (gate, other):
                self.refused("old counter", hearer.receive, made)

    def test_a_go_is_no_message(self):
        """[F-11]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        for src in (0, 1, 2):
            made = frame(go(src, 1, 250, b""))
            self.refused("everybody", end.receive, made)
            self.assertRaises(WireError, gate.receive, made)

    def test_nothing_without_a_seal_is_sealed(self):
        """[K-2] A frame of no seal at all must not be equal to a seal cut to nothing."""
        key = Key(BUS_KEY)
        for size in range(6):
            self.assertFalse(fits(key, contexts.BUS, b"x", key.seal(contexts.BUS, b"x")[:size]))

    def test_what_does_not_fit_is_not_sent(self):
        """[F-9]"""
        for values in (
            (-1, b""), (1 << 32, b""), (True, b""), (0, b"x"), (0, bytes(8)), (1, bytes(4)), (0, b"", 2),
            (0, b"", 1, 2), (0, b"", 1, 1, 1), (0, ""), (None, b""), (0, bytearray(2)),
        ):  # fmt: skip
            self.assertRaises(WireError, messages.encode, messages.POLL, values)
        for values in ((3, 0, 0, 0), (0, 4, 0, 0), (0, 0, -1, 0), (0, 0, 0, 256), (0, 0, 0), (0, 0, "", 0)):
            self.assertRaises(WireError, messages.encode, messages.EVENT, values)
        for values in ((256,), (), (1, 1), ("",)):
            self.assertRaises(WireError, messages.encode, messages.STILL, values)
        for values in ((1001, 0, 0, 0), (0, 1001, 0, 0), (0, 0, 16, 0), (0, 0, 0, 6553501), (0, 0, 0), (0, 0, 0, -1)):
            self.assertRaises(WireError, messages.encode, messages.MOVED, (1,) + values)
        for values in ((1, 256, b"", 0), (1, 2), (1, 2, b""), (1, 2, bytes(12), 0), (1, 2, b"", 2)):
            self.assertRaises(WireError, messages.encode, messages.GO, values)

    def test_the_lengths_on_the_line(self):
        """[F-9]"""
        gate, end = gateway(), post()
        open_session(gate, end)
        end.receive(frame(gate.request(1, messages.POLL, POLL)))
        self.assertEqual(len(gate.request(1, messages.POLL, POLL)), 12)
        self.assertEqual(len(end.reply(messages.STILL, (1,))), 12)
        self.assertEqual(len(end.reply(messages.MOVED, (1, 1000, 1000, 3, 30000))), 17)
        self.assertEqual(len(end.say()), 16)
        self.assertEqual(len(go(0, 1, 250, b"")), 9)
        self.assertEqual(len(gate.request(1, messages.POLL, (7, b"ab", 1))), 18)


class MirrorTest(Case):
    def test_own_frames_echoed_back(self):
        """[S-12]"""
        gate, end = gateway(), post()
        hello = frame(gate.hello(1))
        self.refused("unknown post 0", gate.receive, hello)
        answer = frame(end.welcome(end.receive(hello)))
        self.assertIsNone(end.receive(answer))
        gate.receive(answer)
        poll = frame(gate.request(1, messages.POLL, POLL))
        self.refused("unknown post 0", gate.receive, poll)
        end.receive(poll)
        self.assertIsNone(end.receive(frame(end.reply(messages.STATUS, STATUS))))
        self.refused("own address", end.receive, frame(end.say()))
        self.refused("unknown post 0", gate.receive, frame(gate.time(TIME)))

    def test_readdressed_frames(self):
        """[S-12]"""
        gate, end, other = gateway(), post(1), post(2)
        open_session(gate, end)
        open_session(gate, other)
        ask = frame(gate.request(1, messages.WHY, (0, 0)))
        poll = frame(gate.request(1, messages.POLL, POLL))
        self.assertIsNone(other.receive(poll))
        self.refused("bad seal", other.receive, frame(pack(b"\x02" + poll.signed[1:], poll.seal)))
        self.refused("only the gateway", end.receive, frame(pack(b"\x01\x02" + ask.signed[2:], ask.seal)))
        self.refused("not for the gateway", gate.receive, frame(pack(b"\x01\x02" + ask.signed[2:], ask.seal)))
        self.refused("unknown post 9", gate.receive, frame(pack(b"\x00\x09" + ask.signed[2:], ask.seal)))
        end.receive(poll)
        status = frame(end.reply(messages.STATUS, STATUS))
        self.refused("bad seal", gate.receive, frame(pack(b"\x00\x02" + status.signed[2:], status.seal)))
        turned = frame(pack(b"\x01\x00" + status.signed[2:], status.seal))
        self.refused("not a request", end.receive, turned)

    def test_no_context_is_the_beginning_of_another(self):
        """[K-3]"""
        names = [name for name in dir(contexts) if name == name.upper() and not name.startswith("_")]
        self.assertEqual(len(names), 11)
        for a in names:
            for b in names:
                if a != b:
                    self.assertFalse(getattr(contexts, b).startswith(getattr(contexts, a)))


class ConstructionTest(Case):
    def test_addresses_and_keys(self):
        """[F-8] [K-1]"""
        for address in (0, -1, 251, 255):
            self.assertRaises(ValueError, PostLink, address, post_key(1), BUS_KEY, Randoms())
            self.assertRaises(ValueError, GatewayLink, {address: post_key(1)}, BUS_KEY, Randoms(), 0, Stored())
        for key in (b"", bytes(31), bytes(33)):
            self.assertRaises(ValueError, PostLink, 1, key, BUS_KEY, Randoms())

    def test_a_post_the_table_does_not_know(self):
        self.assertRaises(KeyError, gateway((1,)).hello, 2)
        self.assertRaises(KeyError, gateway((1,)).request, 1, messages.POLL, POLL)


if __name__ == "__main__":
    unittest.main()
