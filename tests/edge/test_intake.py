"""Firmware on its way in: in order, resumed after a cut, repeated lines, and everything a laptop can get wrong."""

import unittest
from hashlib import sha256

from lamppost import intake_words
from lamppost.intake import Intake, IntakeError
from lamppost.limits import FIRMWARE_IMAGE_MAX

DATA = bytes(range(256)) * 2
DIGEST = sha256(DATA).digest()


class Store:
    def __init__(self):
        self.data = b""
        self.record = None

    def have(self):
        return len(self.data)

    def clear(self):
        self.data = b""

    def append(self, data):
        self.data += data

    def digest(self):
        return sha256(self.data).digest()

    def keep(self, record):
        self.record = record

    def kept(self):
        return self.record


class IntakeTest(unittest.TestCase):
    def setUp(self):
        self.store = Store()
        self.intake = Intake(self.store)

    def refused(self, words, call, *arguments):
        try:
            call(*arguments)
        except IntakeError as error:
            self.assertIn(words, str(error))
        else:
            self.fail("taken; should say: " + words)

    def test_in_order_then_wanted(self):
        self.assertEqual(self.intake.begin(512, DIGEST), 0)
        for at in range(0, 512, 96):
            self.assertEqual(self.intake.put(at, DATA[at : at + 96]), min(at + 96, 512))
        self.intake.install()
        self.assertTrue(self.intake.wanted)
        self.refused("being installed", self.intake.begin, 512, DIGEST)
        self.refused("being installed", self.intake.put, 0, b"x")
        self.intake.done("version 2 installed")
        self.assertIn("outcome version 2 installed", intake_words.status(self.intake))

    def test_goes_on_after_a_cut_and_begins_anew_for_another(self):
        self.intake.begin(512, DIGEST)
        self.intake.put(0, DATA[:200])
        again = Intake(self.store)
        self.assertEqual((again.size, again.have), (512, 200))
        self.assertEqual(again.begin(512, DIGEST), 200)
        self.assertEqual(again.put(104, DATA[104:200]), 200)  # the answer was lost, it comes twice
        self.refused("go on at byte 200", again.put, 300, b"x")
        self.refused("go on at byte 200", again.put, 150, DATA[150:250])
        self.refused("these are more", again.put, 200, DATA[200:] + b"x")
        self.assertEqual(again.begin(100, DIGEST), 0)

    def test_what_is_not_whole_or_not_announced(self):
        self.refused("no image", self.intake.put, 0, b"x")
        self.refused("not whole: 0 of 0", self.intake.install)
        self.refused("1 to %d bytes" % FIRMWARE_IMAGE_MAX, self.intake.begin, 0, DIGEST)
        self.refused("1 to", self.intake.begin, FIRMWARE_IMAGE_MAX + 1, DIGEST)
        self.refused("32 bytes", self.intake.begin, 5, b"")
        self.intake.begin(512, DIGEST)
        self.intake.put(0, bytes(512))
        self.refused("not those that were announced", self.intake.install)
        self.assertEqual((self.intake.have, self.intake.wanted), (0, False))

    def test_as_lines_of_the_console(self):
        digest = "".join(["%02x" % byte for byte in sha256(b"abc").digest()])
        self.assertEqual(intake_words.command(self.intake, ["begin", "3", digest]), ["have 0"])
        self.assertEqual(intake_words.command(self.intake, ["put", "0", "YWJj"]), ["have 3"])
        self.assertEqual(intake_words.command(self.intake, ["install"]), ["outcome checking and installing"])
        self.intake.done("fine")
        bad = (
            ["begin"],
            ["begin", "x", digest],
            ["begin", "3", "zz"],
            ["put", "0", "!"],
            ["eat"],
            ["put", "-1", "YWJj"],
        )
        for words in bad:
            self.assertRaises(IntakeError, intake_words.command, self.intake, words)

    def test_a_damaged_record_is_none(self):
        self.store.record = b"short"
        self.assertEqual(Intake(self.store).size, 0)
