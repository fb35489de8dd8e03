import unittest

from lamppost.limits import ITEMS_MAX, ITEMS_RESERVE
from lamppost.store.items import Items
from lamppost.store.journal import Journal
from lamppost.store.settings import KEYS, Settings, SettingsError
from lamppost.store.typed import parse, pin_fits, pin_record, show
from lamppost.wire import messages


class Flash:
    """Flash in memory; `tear` is what the next write leaves behind: a number of bytes, None for the whole."""

    def __init__(self):
        self.files = {}
        self.tear = None

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        if self.tear is not None:
            self.files[name] = data[: self.tear]
            raise OSError(5)
        self.files[name] = data


class JournalTest(unittest.TestCase):
    def test_reads_what_was_written_last(self):
        flash = Flash()
        journal = Journal(flash)
        self.assertIsNone(journal.get("plan"))
        for number in range(5):
            journal.put("plan", b"%d" % number)
            self.assertEqual(Journal(flash).get("plan"), b"%d" % number)
        self.assertEqual(sorted(flash.files), ["plan.0", "plan.1"])

    def test_a_write_cut_anywhere_leaves_the_old_record(self):
        whole = 13 + 5
        for cut in range(whole):
            flash = Flash()
            Journal(flash).put("a", b"first")
            Journal(flash).put("a", b"older")
            journal = Journal(flash)
            flash.tear = cut
            self.assertRaises(OSError, journal.put, "a", b"newer")
            flash.tear = None
            self.assertEqual(Journal(flash).get("a"), b"older", cut)
            again = Journal(flash)
            again.put("a", b"after")
            self.assertEqual(Journal(flash).get("a"), b"after", cut)

    def test_any_flipped_byte_is_noticed(self):
        flash = Flash()
        Journal(flash).put("a", b"old")
        Journal(flash).put("a", b"new")
        newest = "a.1" if flash.files["a.1"][6] == 2 else "a.0"
        good = flash.files[newest]
        for at in range(len(good)):
            flash.files[newest] = good[:at] + bytes([good[at] ^ 0x10]) + good[at + 1 :]
            self.assertEqual(Journal(flash).get("a"), b"old", at)


class SettingsTest(unittest.TestCase):
    def test_round_trip(self):
        settings = Settings()
        settings.put("identity", "park-07")
        settings.put("address", 7)
        settings.put("post-key", bytes(range(32)))
        again = Settings.from_bytes(settings.to_bytes())
        self.assertEqual(again.values, settings.values)
        self.assertFalse(again.provisioned)
        again.put("bus-key", bytes(32))
        self.assertTrue(again.provisioned)

    def test_refuses_and_keeps(self):
        settings = Settings()
        for name, value in (
            ("identity", "Big Post"),
            ("identity", ""),
            ("identity", "x" * 33),
            ("identity", 5),
            ("address", 251),
            ("address", -1),
            ("address", True),
            ("address", "5"),
            ("post-key", bytes(31)),
            ("pin", b"123456"),
            ("reading-s", 0),
            ("colour", 1),
        ):
            before = list(settings.values)
            self.assertRaises(SettingsError, settings.put, name, value)
            self.assertEqual(settings.values, before)

    def test_damaged_records_are_said_to_be(self):
        for raw in (b"", b"\x00", b"\x81", b"\xff" * 40, b"\xa0"):
            self.assertRaises(SettingsError, Settings.from_bytes, raw)

    def test_secrets_are_never_shown(self):
        settings = Settings()
        settings.put("post-key", bytes(range(32)))
        for name, _, _, _, secret in KEYS:
            if secret:
                self.assertIn(show(settings, name), ("set", "not set"))

    def test_typed_text(self):
        settings = Settings()
        salt = lambda count: bytes(count)  # noqa: E731
        self.assertEqual(parse(settings, "address", "12", salt), 12)
        self.assertEqual(parse(settings, "post-key", "ab" * 32, salt), b"\xab" * 32)
        for name, text in (("address", "twelve"), ("post-key", "zz" * 32), ("pin", "12345"), ("pin", "abcdef")):
            self.assertRaises(SettingsError, parse, settings, name, text, salt)

    def test_pin(self):
        record = pin_record("271828", b"saltsalt")
        self.assertEqual(len(record), 40)
        self.assertTrue(pin_fits("271828", record))
        self.assertFalse(pin_fits("271829", record))
        self.assertFalse(pin_fits("", record))
        self.assertNotEqual(record, pin_record("271828", b"pepperpe"))


class ItemsTest(unittest.TestCase):
    def test_numbers_are_reserved_before_use(self):
        reserved = [10]
        items = Items(10, reserved.append)
        for _ in range(ITEMS_RESERVE + 5):
            seq = items.add(messages.READING, 0)
            self.assertLess(seq, reserved[-1])
        self.assertEqual(len(reserved), 3)

    def test_acknowledged_items_go_and_others_stay(self):
        items = Items(1, lambda seq: None)
        for _ in range(6):
            items.add(messages.READING, 0)
        items.tell(5)
        items.acknowledge(4)
        self.assertEqual([item[0] for item in items.oldest(9)], [5, 6])
        items.acknowledge(4)
        items.acknowledge(0)
        items.acknowledge(7)  # never given out
        self.assertEqual(len(items), 2)

    def test_only_what_an_event_can_announce_goes_before_it_was_told(self):
        """[I-7] An event that was forged in the name of a reading takes it from nobody."""
        items = Items(1, lambda seq: None)
        for kind in (messages.PRESENCE, messages.PRESENCE, messages.READING, messages.PRESENCE, messages.FAULT):
            items.add(kind, 0)
        items.acknowledge(4)
        self.assertEqual([item[0] for item in items.oldest(9)], [3, 4, 5])
        items.tell(4)
        items.acknowledge(3)
        self.assertEqual([item[0] for item in items.oldest(9)], [4, 5])
        items.acknowledge(5)
        self.assertEqual([item[0] for item in items.oldest(9)], [5])
        items.tell(5)
        items.acknowledge(5)
        self.assertEqual(len(items), 0)

    def test_readings_go_before_events(self):
        items = Items(1, lambda seq: None)
        items.add(messages.PRESENCE, 0)
        items.add(messages.READING, 0)
        for _ in range(ITEMS_MAX):
            items.add(messages.PRESENCE, 0)
        kinds = [item[1] for item in items.oldest(ITEMS_MAX + 9)]
        self.assertEqual(len(kinds), ITEMS_MAX)
        self.assertNotIn(messages.READING, kinds)
        self.assertEqual(items.dropped, 2)
        self.assertEqual(items.oldest(1)[0][0], 3)


if __name__ == "__main__":
    unittest.main()
