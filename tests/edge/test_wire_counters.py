"""Freshness: what is taken once, and counters that survive power cuts."""

import unittest

from wire_pair import (
    BUS_KEY,
    POLL,
    STATUS,
    TIME,
    Case,
    Randoms,
    Stored,
    frame,
    gateway,
    open_session,
    post,
    post_key,
)

from lamppost.limits import COUNTER_MAX, COUNTER_RESERVE
from lamppost.wire import contexts, messages
from lamppost.wire.frame import GATEWAY, header, pack
from lamppost.wire.gateway_link import GatewayLink


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


if __name__ == "__main__":
    unittest.main()
