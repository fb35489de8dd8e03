"""Firmware in blocks for everybody at one post: any order, twice, forged, resumed in the middle, thrown away."""

import unittest
from hashlib import sha256

from wire_pair import BUS_KEY, frame, gateway, post

from lamppost.blocks import Blocks
from lamppost.intake import SPOILT, Intake
from lamppost.limits import BLOCK_BYTES, SEGMENT_BLOCKS
from lamppost.update import UpdateError
from lamppost.wire import contexts, messages
from lamppost.wire.errors import WireError
from lamppost.wire.frame import EVERYBODY, GATEWAY, header, pack
from lamppost.wire.post_link import Message
from lamppost.wire.seal import Key
from lamppost.wire.two_keys import TwoKeys

SEGMENT = BLOCK_BYTES * SEGMENT_BLOCKS
DATA = bytes([at * 7 % 251 for at in range(2 * SEGMENT + 300)])
DIGEST = sha256(DATA).digest()
ALL = (1 << SEGMENT_BLOCKS) - 1


class Store:
    def __init__(self):
        self.data = b""
        self.record = None
        self.full = False

    def have(self):
        return len(self.data)

    def clear(self):
        self.data = b""

    def append(self, data):
        if self.full:
            raise OSError(28)
        self.data += data

    def digest(self, pause=None):
        return sha256(self.data).digest()

    def keep(self, record):
        self.record = record

    def kept(self):
        return self.record


class Slots:
    version = 1
    trial = 0


class Updater:
    board = "rp2"
    minimum = 0

    def __init__(self):
        self.slots = Slots()

    def suits(self, manifest):
        if manifest.version < self.minimum:
            raise UpdateError("version %d is below the minimum %d" % (manifest.version, self.minimum))


class Board:
    """What Blocks need of a Post."""

    def __init__(self, store=None):
        self.store = store or Store()
        self.intake = Intake(self.store)
        self.intake.updater = Updater()
        self.link = post()
        self.blocks = Blocks(self, self.link)

    def firmware(self, what=messages.TAKE, board="rp2", version=2, data=DATA):
        """(code, segment, missing, text)"""
        values = [what, board, version, len(data), sha256(data).digest()]
        return self.blocks.answer(Message(GATEWAY, messages.FIRMWARE, values))

    def verdict(self):
        """(code, text)"""
        answer = self.firmware()
        return answer[0], answer[3]

    def missing(self, name=DIGEST[:8]):
        return self.blocks.answer(Message(GATEWAY, messages.MISSING, [name]))

    def hear(self, number, data=None, key=BUS_KEY, name=DIGEST[:8]):
        data = DATA[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES] if data is None else data
        signed = header(EVERYBODY, GATEWAY, messages.BLOCK, number) + messages.encode(messages.BLOCK, (name, data))
        self.link.receive(frame(pack(signed, Key(key).seal(contexts.BUS, signed))))


class BlocksTest(unittest.TestCase):
    def test_the_gateway_s_blocks_in_any_order_and_twice(self):
        """[D-5] [D-6]"""
        board, gate = Board(), gateway()
        self.assertEqual(board.firmware(), (messages.MORE, 0, ALL, ""))
        for number in range(31, 0, -1):
            for _ in range(2):
                data = DATA[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
                board.link.receive(frame(gate.block(number, DIGEST[:8], data)))
        self.assertEqual(board.missing(), (messages.MORE, 0, 1, ""))
        self.assertEqual(board.store.data, b"")
        board.hear(33)  # of the next one: too early
        board.hear(0)
        self.assertEqual(board.missing(), (messages.MORE, 1, ALL, ""))
        self.assertEqual(board.store.data, DATA[:SEGMENT])
        for number in range(67):
            board.hear(number)
        self.assertEqual(board.store.data, DATA)
        self.assertEqual(board.missing(), (messages.MORE, 3, 0, ""))

    def test_a_power_cut_keeps_what_lies_on_flash(self):
        """[D-7] whole segments, and what somebody sent through the service port, to the middle of a block"""
        for have in (0, 1, BLOCK_BYTES, SEGMENT - 1, SEGMENT, SEGMENT + 3 * BLOCK_BYTES + 5, len(DATA) - 1):
            board = Board()
            board.intake.begin(len(DATA), DIGEST)
            board.store.data = DATA[:have]
            again = Board(board.store)
            self.assertEqual(again.missing()[0], messages.AGAIN)
            code, segment, missing, _ = again.firmware()
            self.assertEqual((code, segment), (messages.MORE, have // SEGMENT))
            first = have % SEGMENT // BLOCK_BYTES
            last = min(SEGMENT_BLOCKS, -(-(len(DATA) - segment * SEGMENT) // BLOCK_BYTES))
            self.assertEqual(missing, (1 << last) - (1 << first))
            for number in range(67):
                again.hear(number)
            self.assertEqual(again.store.data, DATA)

    def test_who_has_not_the_bus_key_and_what_does_not_fit(self):
        """[D-6] [D-9]"""
        board = Board()
        board.hear(0)  # nothing was begun
        board.firmware()
        for wrong in ({"key": bytes(32)}, {"data": b"x"}, {"data": bytes(BLOCK_BYTES - 1)}):
            with self.assertRaises(WireError):
                board.hear(0, **wrong)
        board.hear(0, name=b"\x00" * 8)
        board.hear(67, data=b"x")
        board.hear(0xFFFFFFFF, data=b"x")
        self.assertEqual(board.missing(), (messages.MORE, 0, ALL, ""))
        self.assertEqual(board.link.time_floor, None)
        board.hear(0)
        board.hear(0, data=bytes(BLOCK_BYTES), key=bytes(32))  # it is there
        self.assertEqual(board.missing(), (messages.MORE, 0, ALL - 1, ""))

    def test_both_bus_keys_while_one_is_rolled_over(self):
        board = Board()
        board.firmware()
        called = []
        board.link.two = TwoKeys(bytes(32), BUS_KEY, {}, lambda: called.append(1))
        board.hear(0)
        board.hear(1, key=bytes(32))
        with self.assertRaises(WireError):
            board.hear(2, key=bytes([9] * 32))
        self.assertEqual(board.missing()[2], ALL - 3)
        self.assertEqual((called, board.link.two.heard), ([], {}))

    def test_whole_means_wanted_only_when_the_session_says_so(self):
        """[D-9]"""
        board = Board()
        board.firmware()
        for number in range(66):
            board.hear(number)
        self.assertEqual(board.firmware(messages.INSTALL)[0], messages.MORE)
        self.assertFalse(board.intake.wanted)
        board.hear(66)
        self.assertFalse(board.intake.wanted)
        self.assertEqual(board.firmware(), (messages.MORE, 3, 0, ""))
        self.assertEqual(board.firmware(messages.INSTALL), (messages.OK, 0, 0, "installing"))
        self.assertEqual(board.firmware(messages.INSTALL), (messages.OK, 0, 0, "installing"))
        self.assertEqual(board.firmware(data=DATA[:9])[0], messages.AGAIN)
        self.assertTrue(board.intake.wanted)
        self.assertFalse(board.intake.spoilt(None))

    def test_what_a_thief_put_there_is_thrown_away(self):
        """[D-9]"""
        board = Board()
        board.firmware()
        board.hear(5, data=bytes(BLOCK_BYTES))
        for number in range(67):
            board.hear(number)
        self.assertEqual(board.firmware(messages.INSTALL)[0], messages.OK)
        self.assertTrue(board.intake.spoilt(None))
        self.assertFalse(board.intake.wanted)
        self.assertEqual(board.firmware(), (messages.MORE, 0, ALL, SPOILT))
        for number in range(67):
            board.hear(number)
        self.assertEqual(board.store.data, DATA)

    def test_what_is_not_for_this_board(self):
        """[D-5]"""
        board = Board()
        self.assertEqual(board.firmware(board="esp32")[0], messages.OTHER)
        self.assertEqual(board.firmware(version=1)[0], messages.DONE)
        board.intake.updater.minimum = 3
        self.assertEqual(board.verdict(), (messages.REFUSED, "version 2 is below the minimum 3"))
        board.intake.updater.minimum = 0
        self.assertEqual(board.firmware(data=bytes(0)), (messages.REFUSED, 0, 0, "an image has 1 to 540672 bytes"))
        board.firmware()
        board.intake.done("refused: nobody has signed it")
        self.assertEqual(board.verdict(), (messages.REFUSED, "nobody has signed it"))
        self.assertEqual(board.firmware(data=DATA[:99])[0], messages.MORE)
        board.intake.updater.slots.trial = 1
        board.intake.updater.slots.version = 2
        board.intake.untried = True  # it lies in its folder, and the board has yet to start again
        self.assertEqual(board.verdict(), (messages.OK, "installing"))
        board.intake.untried = False
        self.assertEqual(board.verdict(), (messages.OK, "on trial"))
        board.intake = None
        code, _, _, text = board.firmware()
        self.assertEqual(code, messages.REFUSED)
        self.assertIn("no key of the site", text)

    def test_a_technician_who_sends_another_one_is_not_cut_off(self):
        board = Board()
        board.firmware()
        board.intake.begin(500, sha256(b"x").digest())
        board.intake.put(0, b"y" * 96)
        for number in range(67):  # none of it falls into the other image
            board.hear(number)
        self.assertEqual(board.store.data, b"y" * 96)
        self.assertEqual(board.missing()[0], messages.AGAIN)
        board = Board(board.store)
        self.assertEqual(board.verdict(), (messages.AGAIN, "another image is on its way"))
        board.intake.put(96, b"y" * 96)
        self.assertEqual(board.firmware()[0], messages.AGAIN)
        self.assertEqual(board.firmware()[0], messages.MORE)  # it has not gone on since

    def test_flash_that_is_full_loses_nothing(self):
        board = Board()
        board.firmware()
        board.store.full = True
        for number in range(32):
            board.hear(number)
        self.assertEqual(board.missing(), (messages.MORE, 0, ALL, ""))
        board.store.full = False
        for number in range(32):
            board.hear(number)
        self.assertEqual(board.store.data, DATA[:SEGMENT])


if __name__ == "__main__":
    unittest.main()
