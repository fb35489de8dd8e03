"""Signed updates: every kind of bad image, trials, and a power cut at every flash operation, also in the recovery."""

import unittest

from signing import Signer, image, manifest, reader

from lamppost.limits import FIRMWARE_FILES_MAX, FIRMWARE_MAX
from lamppost.sign.minisign import PublicKey
from lamppost.store.journal import Journal
from lamppost.store.slots import TRIES, Slots
from lamppost.update import CHUNK, Manifest, UpdateError, Updater

SIGNER = Signer(b"s" * 32)
OTHER = Signer(b"o" * 32, b"otherkey")
FILES = [("lamppost/post.mpy", b"p" * (2 * CHUNK + 7)), ("main.py", b"import x\n"), ("empty", b"")]
GOOD = image(SIGNER, FILES)


class Cut(Exception):
    """The power is gone."""


class Flash:
    """Flash in memory. `cut_at` counts operations down to a cut; `how` is what the cut one leaves behind."""

    def __init__(self):
        self.records = {}
        self.files = {}
        self.cut_at = None
        self.how = "absent"
        self.full = False
        self.operations = 0

    def read(self, name):
        return self.records.get(name)

    def write(self, name, data):
        self._step(self.records, name, data, b"")

    def wipe(self, folder):
        names = sorted([name for name in self.files if name.startswith(folder + "/")])
        for name in names:
            self._step(self.files, name, None, b"")

    def append(self, path, data):
        self._step(self.files, path, self.files.get(path, b"") + data, self.files.get(path, b""))

    def part(self, path, offset, count):
        if path not in self.files:
            raise OSError(2)
        return self.files[path][offset : offset + count]

    def _step(self, store, name, data, before):
        if self.full:
            raise OSError(28)
        self.operations += 1
        if self.cut_at is not None:
            self.cut_at -= 1
            if self.cut_at < 0:
                self._leave(store, name, data, before)
                raise Cut()
        self._put(store, name, data)

    def _leave(self, store, name, data, before):
        if self.how == "done":
            self._put(store, name, data)
        elif self.how == "torn" and data is not None:
            store[name] = data[: (len(before) + len(data)) // 2]
        elif self.how == "garbage" and data is not None:
            store[name] = before + b"\xa5" * (len(data) - len(before))

    def _put(self, store, name, data):
        if data is None:
            store.pop(name, None)
        else:
            store[name] = data


def slots(flash):
    return Slots(Journal(flash))


def updater(flash):
    return Updater(flash, slots(flash), "testboard", [PublicKey(SIGNER.key_text())])


class Trusting(Updater):
    """Checks the signature of the one good image once: what follows is about flash."""

    found = None

    def inspect(self, image, pause=None):
        if Trusting.found is None:
            Trusting.found = Updater.inspect(self, image, pause)
        return Trusting.found


def trusting(flash):
    return Trusting(flash, slots(flash), "testboard", [PublicKey(SIGNER.key_text())])


def content(flash, folder):
    return {name[2:]: data for name, data in flash.files.items() if name.startswith(folder + "/")}


class ManifestTest(unittest.TestCase):
    def test_says_what_is_signed(self):
        raw = manifest(FILES, version=7, minimum=3)
        found = Manifest(reader(b"12345" + raw + b"more"), 5, len(raw))
        self.assertEqual((found.board, found.version, found.minimum, found.label), ("testboard", 7, 3, "0.2.0"))
        self.assertEqual([(path, size) for path, size, _ in found.files()], [(p, len(d)) for p, d in FILES])

    def test_refuses_every_other_shape(self):
        good = manifest(FILES)
        line = b"file x 1 " + b"0" * 64 + b"\n"
        bad = [
            b"", b"\n", good[:-1], good + b"\n", good.replace(b"firmware 1", b"firmware 2"), good + b"\xff\n",
            good.replace(b"version 2", b"version -2"), good.replace(b"version 2", b"version 02"),
            good.replace(b"version 2", b"version 1000000000"), good.replace(b"minimum 1", b"minimum 3"),
            good.replace(b"board testboard", b"board "), good.replace(b"board testboard", b"boat testboard"),
            good.replace(b"label 0.2.0", b"label " + b"x" * 25), good + b"also\n", good + b"file x\n",
            good + b"file x 1 " + b"0" * 63 + b"\n", good + line + line, good + line.replace(b" x ", b" ../x "),
            good + line.replace(b" x ", b" /x "), good + line.replace(b" x ", b" a//x "),
            good + line.replace(b" x ", b" .x "),
            good + line.replace(b" x ", b" A "), good + line.replace(b" x ", b" " + b"x" * 49 + b" "),
            good + line.replace(b" 1 ", b" %d " % (FIRMWARE_MAX + 1)), good + line.replace(b" 1 ", b" 1e3 "),
            b"".join([good] + [line.replace(b" x ", b" x%d " % i) for i in range(FIRMWARE_FILES_MAX)]),
        ]  # fmt: skip
        for text in bad:
            self.assertRaises(UpdateError, Manifest, reader(text), 0, len(text))


class InstallTest(unittest.TestCase):
    def refused(self, data, words, flash=None):
        flash = flash or Flash()
        before = dict(flash.records)
        try:
            updater(flash).install(reader(data))
        except UpdateError as error:
            self.assertTrue(words in str(error), str(error))
        else:
            self.fail("installed: " + words)
        self.assertEqual(flash.records, before)

    def test_a_good_image_is_tried_and_kept(self):
        flash = Flash()
        self.assertEqual(updater(flash).install(reader(GOOD)).version, 2)
        self.assertEqual(content(flash, "b"), dict(FILES))
        again = slots(flash)
        self.assertEqual(again.start(), "b")
        again.confirm()
        for _ in range(10):
            self.assertEqual(slots(flash).start(), "b")
        self.assertEqual(slots(flash).minimum, 1)

    def test_bad_images_are_refused_with_a_reason(self):
        text = manifest(FILES)
        self.refused(b"", "not a firmware image")
        self.refused(b"LLF2" + GOOD[4:], "not a firmware image")
        self.refused(GOOD[:40], "ends too early")
        self.refused(GOOD[:-9], "ends too early")
        self.refused(GOOD + b"x", "goes on")
        self.refused(b"LLF1\xff\xff\x00\x10" + GOOD[8:], "too long")
        self.refused(b"LLF1\x00\x10\xff\xff" + GOOD[8:], "too long")
        self.refused(GOOD[:-9] + b"Import x\n", "not what was signed")
        self.refused(image(SIGNER, FILES, text=text.replace(b"2", b"3", 1), signature=SIGNER.minisign(text)), "changed")
        self.refused(image(OTHER, FILES), "not known here")
        self.refused(image(SIGNER, FILES, signature=b"no"), "not a minisign signature")
        self.refused(image(SIGNER, FILES, signature=SIGNER.minisign(text, kind=b"ED")), "pre-hashed")
        swapped = SIGNER.minisign(text, "one").replace(b"comment: one", b"comment: two")
        self.refused(image(SIGNER, FILES, signature=swapped), "trusted comment")
        self.refused(image(SIGNER, FILES, board="another"), "for board")
        self.refused(image(SIGNER, FILES, version=0, minimum=0), "already runs")
        self.refused(image(SIGNER, [("../main.py", b"x")]), "no folder may have")

    def test_no_downgrade_below_a_confirmed_minimum(self):
        flash = Flash()
        updater(flash).install(reader(image(SIGNER, FILES, version=5, minimum=4)))
        self.refused(image(SIGNER, FILES, version=6), "on trial", flash)
        one = slots(flash)
        one.start()
        one.confirm()
        self.refused(image(SIGNER, FILES, version=3), "below the minimum 4", flash)
        updater(flash).install(reader(image(SIGNER, FILES, version=4)))

    def test_a_minimum_holds_only_once_its_image_is_confirmed(self):
        flash = Flash()
        updater(flash).install(reader(image(SIGNER, FILES, version=9, minimum=9)))
        for _ in range(TRIES + 1):
            last = slots(flash).start()
        self.assertEqual(last, "a")
        self.assertEqual((slots(flash).minimum, slots(flash).refused), (0, 9))
        updater(flash).install(reader(image(SIGNER, FILES, version=2)))

    def test_an_image_that_never_gets_healthy_is_thrown_out(self):
        flash = Flash()
        updater(flash).install(reader(GOOD))
        self.assertEqual([slots(flash).start() for _ in range(TRIES + 3)], ["b"] * TRIES + ["a"] * 3)

    def test_a_trial_that_cannot_be_counted_is_not_run(self):
        flash = Flash()
        updater(flash).install(reader(GOOD))
        flash.full = True
        self.assertEqual([slots(flash).start() for _ in range(9)], ["a"] * 9)

    def test_a_full_flash_leaves_the_running_firmware(self):
        flash = Flash()
        flash.full = True
        self.assertRaises(OSError, updater(flash).install, reader(GOOD))
        self.assertEqual(slots(flash).start(), "a")

    def test_a_damaged_record_is_what_the_board_was_delivered_with(self):
        for junk in (b"", b"\x80", b"LJ1" + bytes(40)):
            flash = Flash()
            flash.records = {"slot.0": junk, "slot.1": junk}
            self.assertEqual(slots(flash).start(), "a")

    def test_the_watchdog_is_fed_on_the_way(self):
        fed = []
        updater(Flash()).install(reader(GOOD), lambda: fed.append(1))
        self.assertTrue(len(fed) > 60)


class PowerCutTest(unittest.TestCase):
    def test_a_cut_anywhere_and_another_in_the_recovery(self):
        total = Flash()
        self.life(total)
        survived = 0
        for how in ("done", "absent", "torn", "garbage"):
            for first in range(total.operations):
                for second in (None, 0, 1, 3):
                    self.cut_twice(how, first, second)
                    survived += 1
        self.assertTrue(survived >= 4 * 4 * 9)

    def life(self, flash):
        trusting(flash).install(reader(GOOD))
        one = slots(flash)
        one.start()
        one.confirm()

    def cut_twice(self, how, first, second):
        flash = Flash()
        flash.files = {"a/main.py": b"old", "b/stale": b"x"}
        flash.how = how
        for cut_at in (first, second):
            flash.cut_at = cut_at
            try:
                self.again(flash)
                break
            except Cut:
                self.boots(flash)
        flash.cut_at = None
        self.again(flash)
        self.assertEqual(slots(flash).start(), "b")
        self.assertEqual(content(flash, "b"), dict(FILES))
        self.assertEqual(flash.files["a/main.py"], b"old")

    def again(self, flash):
        """What a post does after each start until the image it holds has been taken and confirmed."""
        if slots(flash).version != 2:
            trusting(flash).install(reader(GOOD))
        one = slots(flash)
        one.start()
        one.confirm()

    def boots(self, flash):
        """After a cut the firmware in force is whole: the old one, or the new one with every byte."""
        flash.cut_at = None
        folder = "ab"[slots(flash).active]
        if folder == "b":
            self.assertEqual(content(flash, "b"), dict(FILES))
        self.assertEqual(flash.files["a/main.py"], b"old")
