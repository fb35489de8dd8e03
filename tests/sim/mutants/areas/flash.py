"""Records, the ring, and firmware through power cuts, worn flash and bad images."""

# ruff: noqa: E501 - the lines quote the source as it stands
from areas.base import EDGE_TEST, FLASH_TEST, POST, STORE, Mutant

MUTANTS = [
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
        "a flash that refuses is not said", POST + "upkeep.py", "self._flash_bad = not works", "self._flash_bad = False",
        FLASH_TEST,
    ),
    Mutant(
        "counts go to flash every five seconds", POST + "limits.py", "CHECKPOINT_MS = const(1200000)",
        "CHECKPOINT_MS = const(5000)", FLASH_TEST,
    ),
]  # fmt: skip
