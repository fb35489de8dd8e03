"""Records, the ring, and firmware through power cuts, worn flash and bad images."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, FLASH_TEST, GATEWAY, GATEWAY_TEST, POST, STORE, Case, Mutant

UNCOUNTED = Case("127", """[{"fault": "worn-flash", "at_s": 20, "for_s": 60, "post": "p02", "starts": 4}]""")

MUTANTS = [
    Mutant(
        "settings that flash refused are never kept", POST + "refused.py", "            post.keep_settings()\n",
        "            pass\n", EDGE_TEST + "rolling.py",
    ),
    # flash
    Mutant(
        "a journal writes over its newer copy", STORE + "journal.py",
        "copy, sequence = 1 - copy, sequence + 1", "copy, sequence = copy, sequence + 1",
        EDGE_TEST + "power_cuts.py",
    ),
    Mutant(
        "a journal believes a record without its CRC", STORE + "journal.py",
        "if crc32(data, crc32(head)) != int.from_bytes(raw[9:13], \"big\"):", "if False:", EDGE_TEST + "store.py",
    ),
    Mutant(
        "what went to the ring is told twice", STORE + "items.py", "if known < item[0] < self.next_seq",
        "if 0 < item[0] < self.next_seq", EDGE_TEST + "ring.py",
    ),
    Mutant(
        "items leave RAM before flash has them", STORE + "items.py",
        "self._spilled = RING_ITEMS  # they", "self._waiting = self._waiting[RING_ITEMS:]  # they",
        EDGE_TEST + "ring.py",
    ),
    Mutant(
        "items of another epoch are believed", STORE + "rows.py", "if size != 2 or known != epoch:", "if size != 2:",
        EDGE_TEST + "ring.py",
    ),
    Mutant(
        "wrong PINs are forgotten with the power", POST + "console.py",
        "        if wrong:\n            self._refuse(wrong[0], 0)\n", "", EDGE_TEST + "post.py",
    ),
    # flash and firmware, which only power cuts, worn flash and bad images show
    Mutant(
        "the copy that was read last wins", STORE + "journal.py", "found[0] > best_sequence:", "found[0] > -1:",
        FLASH_TEST,
    ),
    Mutant(
        "starts of an image on trial are not counted", STORE + "slots.py", "self.tries_left -= 1", "self.tries_left -= 0",
        FLASH_TEST,
    ),
    Mutant(
        "a trial that cannot be counted runs", STORE + "slots.py", "return self.spare\n", "return FOLDERS[self.active]\n",
        FLASH_TEST,
    ),
    Mutant(
        "a file is not held against what was signed", POST + "update.py", "size, pause) != digest:", "size, pause) == b\"\":",
        FLASH_TEST,
    ),
    Mutant(
        "an image may go on after its last file", POST + "update.py", "if image(at, 1):", "if image(at, 0):", FLASH_TEST
    ),
    Mutant(
        "firmware goes below the minimum", POST + "update.py", "if manifest.version < self.slots.minimum:",
        "if manifest.version < 0:", FLASH_TEST,
    ),
    Mutant(
        "a flash that refuses is not said", POST + "upkeep.py", "self.flash_bad = not works", "self.flash_bad = False",
        FLASH_TEST,
    ),
    Mutant(
        "starts that flash does not count share their numbers", POST + "refused.py",
        "        if numbers._kept:\n", "        if False:\n", case=UNCOUNTED,
    ),
    Mutant(
        "an epoch is told before the one that waits", POST + "refused.py",
        "    if items.held():\n        return False\n", "",
        EDGE_TEST + "numbers.py",
    ),
    Mutant(
        "a segment that flash refuses is gone", POST + "refused.py",
        "            items._spilled = 0\n", "",
        EDGE_TEST + "numbers.py",
    ),
    Mutant(
        "a post that learns the time counts on from below", STORE + "items.py", "max(self.next_seq, min(utc_s, ITEMS_JUMP_MAX))",
        "self.next_seq", EDGE_TEST + "numbers.py",
    ),
    Mutant(
        "of earlier epochs of a post nothing is known", GATEWAY + "store/outbox.py",
        "return Seen(epoch, stored, frozenset(), sure, tuple(others[-EPOCHS_MAX:]))",
        "return Seen(epoch, stored, frozenset(), sure)", GATEWAY_TEST + "outbox.py",
    ),
    Mutant(
        "counts go to flash every five seconds", POST + "limits.py", "CHECKPOINT_MS = const(1200000)",
        "CHECKPOINT_MS = const(5000)", FLASH_TEST,
    ),
]  # fmt: skip
