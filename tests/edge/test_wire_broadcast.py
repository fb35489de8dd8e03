"""What is said to everybody under the bus key: time and events, each once, and nothing else."""

import unittest

from wire_pair import (
    BUS_KEY,
    EVENT,
    POLL,
    TIME,
    Case,
    Stored,
    forged,
    frame,
    gateway,
    offer,
    open_session,
    post,
)

from lamppost.wire import contexts, messages
from lamppost.wire.frame import EVERYBODY, GATEWAY
from lamppost.wire.seal import Key


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


if __name__ == "__main__":
    unittest.main()
