"""Our code against the committed vectors, which independent code wrote (tests/vectors/generate.py)."""

import json
import unittest
from binascii import hexlify, unhexlify

from lamppost.wire import cbor, cobs, contexts, messages
from lamppost.wire.crc import crc16
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, Decoder, go, header, pack, unpack
from lamppost.wire.gateway_link import GatewayLink
from lamppost.wire.post_link import PostLink
from lamppost.wire.seal import Key, equal, fits

HERE = __file__.rsplit("/", 1)[0] if "/" in __file__ else "."


def vectors(name):
    with open(HERE + "/../vectors/" + name + ".json") as file:
        return json.load(file)


def value_of(plain):
    """A value of the subset from its JSON form."""
    if isinstance(plain, dict):
        return unhexlify(plain["bytes"]) if "bytes" in plain else int(plain["int"])
    return [value_of(item) for item in plain] if isinstance(plain, list) else plain


def same(a, b):
    """Equal in value and in type: 0 is not False."""
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return type(a) is type(b) and a == b


def one(line):
    frames = Decoder().feed(line)
    assert len(frames) == 1
    return frames[0]


class VectorTest(unittest.TestCase):
    def test_cobs(self):
        """[F-2]"""
        rows = vectors("cobs")
        for row in rows["good"]:
            decoded, encoded = unhexlify(row["decoded"]), unhexlify(row["encoded"])
            self.assertEqual(cobs.encode(decoded), encoded)
            self.assertEqual(cobs.decode(encoded), decoded)
        for row in rows["forbidden"]:
            with self.assertRaises(WireError):
                cobs.decode(unhexlify(row["encoded"]))

    def test_crc(self):
        """[F-4]"""
        for row in vectors("crc"):
            self.assertEqual("%04x" % crc16(unhexlify(row["data"])), row["crc"])

    def test_cbor(self):
        """[C-1] [C-2] [C-3] [C-4] [C-5]"""
        rows = vectors("cbor")
        for row in rows["good"]:
            value, data = value_of(row["value"]), unhexlify(row["hex"])
            self.assertEqual(cbor.encode(value), data)
            self.assertTrue(same(cbor.decode(data), value), row["hex"])
        for row in rows["forbidden"]:
            with self.assertRaises(WireError):
                print("accepted:", row, cbor.decode(unhexlify(row["hex"])))

    def test_seals(self):
        """[K-2] [K-4]"""
        rows = vectors("seals")
        for row in rows["seals"]:
            key, context, data = Key(unhexlify(row["key"])), row["context"].encode(), unhexlify(row["data"])
            self.assertEqual(key.digest(context, data), unhexlify(row["hmac_sha256"]))
            self.assertTrue(equal(key.seal(context, data), unhexlify(row["seal"])))
        made = rows["session_key"]
        randoms = unhexlify(made["gateway_random"] + made["post_random"])
        secret = Key(unhexlify(made["post_key"])).digest(b"lamplighter 1 session:", randoms)
        self.assertEqual(secret, unhexlify(made["session_key"]))

    def test_frames(self):
        """[F-1] [F-3] [F-5] [F-6]"""
        rows = vectors("frames")
        for row in rows["good"]:
            got = one(unhexlify(row["line"]))
            for name in ("dst", "src", "type", "counter"):
                self.assertEqual(getattr(got, name), row[name])
            self.assertEqual(got.payload, unhexlify(row["payload"]))
            seal = Key(unhexlify(row["key"])).seal(row["context"].encode(), got.signed)
            self.assertEqual((got.seal, got.seal), (seal, unhexlify(row["seal"])))
            signed = header(row["dst"], row["src"], row["type"], row["counter"]) + got.payload
            self.assertEqual(hexlify(pack(signed, seal)).decode(), row["line"])
        for row in rows["forbidden"]:
            decoder = Decoder()
            self.assertEqual(decoder.feed(unhexlify(row["line"])), [], row["why"])
            self.assertEqual(decoder.errors, 1, row["why"])
            with self.assertRaises(WireError):
                unpack(unhexlify(row["line"])[1:-1])

    def test_short_frames(self):
        """[F-9] [F-10] [F-11]"""
        rows = vectors("short")
        for row in rows["good"]:
            got, values, kind = one(unhexlify(row["line"])), value_of(row["values"]), row["type"]
            self.assertEqual(got.type, kind)
            self.assertEqual(got.payload, unhexlify(row["payload"]))
            self.assertEqual(messages.encode(kind, values), got.payload)
            self.assertTrue(same(got.values(), values), row["line"])
            if kind == messages.GO:
                self.assertEqual(hexlify(go(row["address"], *values)).decode(), row["line"])
                continue
            key, context = Key(unhexlify(row["key"])), row["context"].encode()
            signed = got.with_counter(row["counter"])
            self.assertTrue(fits(key, context, signed, got.seal), row["line"])
            self.assertFalse(fits(key, context, got.with_counter(row["counter"] ^ 256), got.seal))
            self.assertEqual(hexlify(pack(signed, key.seal(context, signed))).decode(), row["line"])
        for row in rows["forbidden"]:
            decoder = Decoder()
            self.assertEqual(decoder.feed(unhexlify(row["line"])), [], row["why"])
            self.assertEqual(decoder.errors, 1, row["why"])
        for row in rows["forbidden_payloads"]:
            with self.assertRaises(WireError):
                print("accepted:", row, messages.decode(row["type"], unhexlify(row["payload"])))

    def test_messages(self):
        """[M-1] [M-2]"""
        rows = vectors("messages")
        for row in rows["good"]:
            values, payload = value_of(row["values"]), unhexlify(row["payload"])
            self.assertEqual(messages.encode(row["type"], values), payload)
            self.assertTrue(same(messages.decode(row["type"], payload), values))
        for row in rows["forbidden"]:
            with self.assertRaises(WireError):
                print("accepted:", row, messages.decode(row["type"], unhexlify(row["payload"])))


class SessionTest(unittest.TestCase):
    def ends(self, script):
        def given(name):
            return lambda size: unhexlify(script[name])[:size]

        address, secret, bus = script["address"], unhexlify(script["post_key"]), unhexlify(script["bus_key"])
        gate = GatewayLink({address: secret}, bus, given("gateway_random"), script["gateway_counter"], lambda n: None)
        return gate, PostLink(address, secret, bus, given("post_random"))

    def speak(self, step, gate, end, hello):
        """The bytes that our code makes of a step."""
        values, kind = value_of(step["values"]), step["type"]
        if kind == messages.HELLO:
            return gate.hello(end.address)
        if kind == messages.HELLO_OK:
            return end.hello_ok(hello, *values[2:7])
        if kind == messages.TIME:
            return gate.time(values)
        if kind == messages.BLOCK:
            return gate.block(step["counter"], *values)
        if kind == messages.EVENT:
            return end.event(step["counter"], *values)
        return gate.request(end.address, kind, values) if step["from"] == "gateway" else end.reply(kind, values)

    def taken(self, end, frame):
        """The values of a BLOCK as a post that waits for it gets them, sealed with the bus key."""
        taken = []
        end.block = taken.append
        self.assertIsNone(end.receive(frame))
        self.assertTrue(fits(end.bus, contexts.BUS, taken[0].signed, taken[0].seal))
        return taken[0].values()

    def test_transcript(self):
        """[S-2] [S-8] [M-3] Every step: our bytes are the vector's, and the other end takes them as they are meant."""
        script = vectors("session")
        gate, end = self.ends(script)
        heard = None
        for step in script["steps"]:
            line = self.speak(step, gate, end, heard)
            self.assertEqual(hexlify(line).decode(), step["line"], step["say"])
            if step["type"] == messages.BLOCK:
                self.assertTrue(same(self.taken(end, one(line)), value_of(step["values"])))
                continue
            heard = (end if step["from"] == "gateway" else gate).receive(one(line))
            self.assertEqual(heard.src, GATEWAY if step["from"] == "gateway" else end.address)
            self.assertEqual(heard.kind, step["type"])
            self.assertTrue(same(heard.values, value_of(step["values"])), step["say"])
            self.assertIn(step["dst"], (GATEWAY, end.address, EVERYBODY))
        for row in script["refused_after"]:
            with self.assertRaises(WireError):
                (end if row["to"] == "post" else gate).receive(one(unhexlify(row["line"])))
                print("accepted:", row["why"])
        self.assertIsNotNone(end.receive(one(gate.request(end.address, messages.POLL, (0, b"", 0)))))


if __name__ == "__main__":
    unittest.main()
