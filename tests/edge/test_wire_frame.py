"""Frames out of a stream: any cut, any noise, bounded memory, and the encoders' own refusals."""

import unittest

from wire_pair import frame, gateway, post

from lamppost.limits import FRAME_MAX, FRAME_PAYLOAD_MAX
from lamppost.wire import cbor, messages, seldom
from lamppost.wire.errors import WireError
from lamppost.wire.frame import Decoder, header, pack
from lamppost.wire.seal import equal

SEAL = b"\x00\x01\x00\x02\x00\x03\x00\xff"


def lines():
    """Some frames of every size, as bytes for the line."""
    sizes = (0, 1, 2, 9, 63, 127, 191, FRAME_PAYLOAD_MAX)
    return [pack(header(1, 0, 0x31, size) + bytes([size & 1]) * size, SEAL) for size in sizes]


def counters(frames):
    return [one.counter for one in frames]


class DecoderTest(unittest.TestCase):
    def test_whole_byte_by_byte_and_every_split(self):
        """[F-1] [F-6]"""
        stream = b"".join(lines())
        expected = counters(Decoder().feed(stream))
        self.assertEqual(expected, [0, 1, 2, 9, 63, 127, 191, FRAME_PAYLOAD_MAX])
        single = Decoder()
        got = []
        for at in range(len(stream)):
            got += single.feed(stream[at : at + 1])
        self.assertEqual(counters(got), expected)
        for size in (2, 3, 7, 64, 209, 210, 211):
            decoder = Decoder()
            got = []
            for at in range(0, len(stream), size):
                got += decoder.feed(stream[at : at + size])
            self.assertEqual((counters(got), decoder.errors), (expected, 0))

    def test_one_delimiter_between_two_frames_is_enough(self):
        """[F-1]"""
        a, b = lines()[3:5]
        self.assertEqual(counters(Decoder().feed(a + b[1:])), [9, 63])

    def test_a_trailing_rest_waits(self):
        line = lines()[4]
        decoder = Decoder()
        self.assertEqual(decoder.feed(line[:-1]), [])
        self.assertEqual(decoder.feed(b""), [])
        self.assertEqual(counters(decoder.feed(b"\x00")), [63])

    def test_half_an_answer_is_known_by_its_sender(self):
        answers = [pack(header(0, 3, kind, 1) + bytes(40), SEAL) for kind in (messages.STATUS, messages.HELLO_OK)]
        answers += [pack(header(0, 3, messages.STILL, 1) + messages.encode(messages.STILL, (7,)), SEAL[:6])]
        for data in answers:
            decoder = Decoder()
            for at in range(1, len(data) - 1):
                decoder.feed(data[at - 1 : at])
                self.assertEqual(decoder.begun_by(3), at >= 4, (data, at))
                self.assertFalse(decoder.begun_by(4))
            decoder.feed(data[len(data) - 2 :])
            self.assertFalse(decoder.begun_by(3))

    def test_bytearray_is_as_good(self):
        self.assertEqual(counters(Decoder().feed(bytearray(lines()[4]))), [63])

    def test_the_next_good_frame_after_noise(self):
        """[F-6] The leading delimiter ends whatever noise there was."""
        good = lines()[3]
        for noise in (b"\xff", b"\x01\x02", b"\x05\x05", bytes(5), b"\xaa" * 210, b"\xaa" * 211, b"\x55" * 5000):
            decoder = Decoder()
            self.assertEqual(counters(decoder.feed(noise + good)), [9])
            self.assertLessEqual(decoder.errors, 1)

    def test_every_single_bit_flip_is_refused(self):
        """[F-4]"""
        line = lines()[2]
        for bit in range(8, 8 * len(line) - 8):
            bad = bytearray(line)
            bad[bit // 8] ^= 1 << (bit % 8)
            self.assertEqual(Decoder().feed(bytes(bad)), [], bit)

    def test_memory_is_bounded(self):
        """[F-7]"""
        decoder = Decoder()
        for _ in range(300):
            decoder.feed(b"\x55" * 37)
            self.assertLessEqual(len(decoder._piece), FRAME_MAX + 1)
        self.assertEqual((decoder.errors, decoder.last_error), (1, "frame too long"))
        self.assertEqual(counters(decoder.feed(lines()[0])), [0])

    def test_errors_are_counted_and_named(self):
        decoder = Decoder()
        bad = bytearray(lines()[3])
        bad[4] ^= 8
        decoder.feed(bytes(bad) + b"\x01\x01\x00" + b"\x09\x00")
        self.assertEqual((decoder.errors, decoder.last_error), (3, "bad stuffing"))


class SenderTest(unittest.TestCase):
    def test_a_payload_too_long_is_not_sent(self):
        """[F-5]"""
        self.assertRaises(WireError, pack, header(1, 0, 0x31, 1) + bytes(FRAME_PAYLOAD_MAX + 1), SEAL)
        self.assertRaises(WireError, header, 1, 0, 1, 1 << 32)

    def test_the_longest_frame_has_the_stated_length(self):
        """[F-5]"""
        self.assertEqual(len(lines()[-1]), FRAME_MAX + 3)

    def test_the_largest_of_each_message_fits(self):
        """[M-4]"""
        full = {"u": lambda spec: spec[1], "i": lambda spec: spec[1], "s": lambda spec: "x" * spec[1]}
        full["b"] = lambda spec: bytes(spec[2])
        full["a"] = lambda spec: []
        for kind, fields in list(messages.FIELDS.items()) + list(seldom.FIELDS.items()):
            values = [full[spec[0]](spec) for _, spec in fields]
            if fields[0][0] == "version":
                values[0] = messages.VERSION
            self.assertLessEqual(len(messages.encode(kind, values)), FRAME_PAYLOAD_MAX, kind)
        item = [full[spec[0]](spec) for _, spec in messages.ITEM]
        row = [full[spec[0]](spec) for _, spec in messages.ROW]
        self.assertLessEqual(48 + len(cbor.encode(item)), FRAME_PAYLOAD_MAX)
        self.assertLessEqual(48 + len(cbor.encode(row)), FRAME_PAYLOAD_MAX)

    def test_types_outside_the_subset(self):
        """[C-1]"""
        for value in (1.5, {}, {1: 2}, object(), (1, [2, 1.0]), 1 << 64, -(1 << 64) - 1):
            self.assertRaises(WireError, cbor.encode, value)
        deep = 0
        for _ in range(7):
            deep = [deep]
        self.assertRaises(WireError, cbor.encode, deep)
        self.assertEqual(cbor.encode((1, bytearray(b"2"))), cbor.encode([1, b"2"]))

    def test_half_a_surrogate_pair_is_refused_and_nothing_else_happens(self):
        """[C-4] JSON from a broker may hold one; it raised UnicodeEncodeError in the gateway."""
        half = chr(0xD800)
        self.assertRaises(WireError, cbor.encode, half)
        self.assertRaises(WireError, messages.encode, messages.RESULT, (1, 0, half))

    def test_a_blob_of_empty_arrays_is_bounded(self):
        """[C-6]"""
        self.assertRaises(WireError, cbor.decode, b"\x99\x10\x01" + b"\x80" * 4097)
        self.assertEqual(len(cbor.decode(b"\x99\x04\x00" + b"\x80" * 1024)), 1024)
        half = b"\x99\x08\x01" + bytes(2049)
        self.assertRaises(WireError, cbor.decode, b"\x82" + half + half)

    def test_a_difference_anywhere_is_a_difference(self):
        """[K-2]"""
        for at in range(8):
            other = bytearray(SEAL)
            other[at] ^= 0x10
            self.assertFalse(equal(SEAL, bytes(other)), at)
        self.assertFalse(equal(SEAL, SEAL[:7]))
        self.assertTrue(equal(SEAL, bytes(bytearray(SEAL))))

    def test_reply_without_a_session(self):
        self.assertRaises(WireError, post().reply, messages.RESULT, (1, 0, ""))
        self.assertEqual(frame(gateway().hello(1)).type, messages.HELLO)


if __name__ == "__main__":
    unittest.main()
