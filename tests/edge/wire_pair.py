"""What the wire tests share: a gateway and posts with known keys, randoms that count up, stored reserves, forgeries."""

import unittest

from lamppost.wire import messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import Decoder, header, pack
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink

BUS_KEY = bytes(range(32, 64))
STATUS = (600, 600, 1, 0, 18200, b"", 0, 0, [])
EVENT = (0, 0, 50, 0)
TIME = (800000000, 250, 20)
POLL = (0, b"", 0)


def post_key(address):
    return bytes([address]) * 32


class Randoms:
    """`random(n)`: different at each call, the same in each run."""

    def __init__(self, first=1):
        self.at = first

    def __call__(self, size):
        self.at += 1
        return self.at.to_bytes(8, "big")[:size] if size < 8 else self.at.to_bytes(size, "big")


class Stored:
    """The flash of one counter: `reserve` writes, `value` survives."""

    def __init__(self, value=0):
        self.value = value
        self.writes = 0

    def __call__(self, counter):
        self.value = counter
        self.writes += 1


class Numbered(PostLink):
    """A post's end that numbers its events itself."""

    def __init__(self, address, number, first):
        PostLink.__init__(self, address, post_key(address), BUS_KEY, Randoms(first))
        self.number = number

    def say(self, user_class=0):
        """The bytes of the next event."""
        self.number += 1
        return self.event(self.number - 1, user_class, 0, 50)

    def welcome(self, hello):
        """The bytes of a HELLO_OK."""
        return self.hello_ok(hello, 7, 3, "post-%d" % self.address, "0.1.0", self.number)


def post(address=1, number=1, first=1000):
    return Numbered(address, number, first)


def gateway(addresses=(1, 2), stored=None, first=1):
    stored = stored or Stored()
    keys = {address: post_key(address) for address in addresses}
    return GatewayLink(keys, BUS_KEY, Randoms(first), stored.value, stored)


def frame(data):
    """The one Frame in the bytes of a sender."""
    frames = Decoder().feed(data)
    assert len(frames) == 1, frames
    return frames[0]


def offer(gate, end):
    """HELLO and HELLO_OK; return the frame of the answer, which the gateway has not got yet."""
    hello = end.receive(frame(gate.hello(end.address)))
    return frame(end.welcome(hello))


def open_session(gate, end):
    """Everything up to the first poll, which the post takes; return that Message."""
    gate.receive(offer(gate, end))
    return end.receive(frame(gate.request(end.address, messages.POLL, (0, b""))))


def forged(key, context, dst, src, kind, counter, values):
    """A frame made by somebody who has `key`."""
    signed = header(dst, src, kind, counter) + messages.encode(kind, values)
    return frame(pack(signed, key.seal(context, signed)))


class Case(unittest.TestCase):
    """One that knows refusals."""

    def refused(self, why, call, *args):
        with self.assertRaises(WireError) as caught:
            call(*args)
        self.assertIn(why, str(caught.exception))
