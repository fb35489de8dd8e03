"""Two ends of a link: what is echoed or readdressed, contexts, addresses and keys."""

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

from lamppost.wire import contexts, messages
from lamppost.wire.frame import pack
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink


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
