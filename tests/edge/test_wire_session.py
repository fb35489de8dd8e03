"""Sessions: how one opens, what a stranger may play into it, and when it ends."""

import unittest

from wire_pair import (
    POLL,
    STATUS,
    Case,
    forged,
    frame,
    gateway,
    offer,
    open_session,
    post,
    post_key,
)

from lamppost.wire import contexts, messages
from lamppost.wire.frame import GATEWAY, header, pack
from lamppost.wire.seal import Key


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


if __name__ == "__main__":
    unittest.main()
