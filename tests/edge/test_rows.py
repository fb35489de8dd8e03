"""Rows are a queue like any other, in less memory."""

import unittest

from rig import Random

from lamppost.store.rows import CHUNK, Rows, read_rows
from lamppost.wire import cbor


def row(seq):
    return (seq, seq % 5 + 1, 835401600 + seq, seq % 1000, 40000, seq * 70001)


def made(count):
    rows = Rows()
    for seq in range(1, count + 1):
        rows.append(row(seq))
    return rows


class RowsTest(unittest.TestCase):
    def test_whatever_is_done_they_are_the_list_that_they_stand_for(self):
        for seed in range(20):
            random = Random(seed + 1)
            rows, plain, seq = Rows(), [], 1
            for _ in range(200):
                what, count = random(2)
                if what < 150:
                    for _ in range(count % 40):
                        rows.append(row(seq))
                        plain.append(row(seq))
                        seq += 1
                else:
                    count = count % (len(plain) + 1) if what < 240 else min(count % 20, len(plain))
                    self.assertEqual(list(rows.split(count)), plain[:count])
                    rows.drop(count)
                    plain = plain[count:]
                most = random(1)[0] % 60
                self.assertEqual(rows.first(most), plain[:most], seed)
                self.assertEqual(len(rows), len(plain))
                if plain:
                    self.assertEqual(rows.last, plain[-1])
            self.assertEqual(list(rows), plain)
            self.assertLess(len(rows._front) + len(rows._back), 2 * CHUNK + 1)

    def test_what_is_written_is_the_cbor_of_the_list_and_is_read_back(self):
        for count in (0, 1, CHUNK, CHUNK + 1, 5 * CHUNK + 3, 128, 256):
            rows = made(count)
            rows.drop(count // 3)
            plain = list(rows)
            raw = rows.to_bytes(7)
            self.assertEqual(raw, cbor.encode([7, plain]))
            self.assertEqual(list(read_rows(raw, 7, 999)), plain)
            self.assertEqual(list(read_rows(raw, 7, 10)), plain[:10])
            part = rows.split(len(rows) // 2)
            self.assertEqual(part.to_bytes(7), cbor.encode([7, plain[: len(rows) // 2]]))

    def test_what_is_damaged_or_of_another_epoch_is_none(self):
        raw = made(40).to_bytes(7)
        self.assertEqual(len(read_rows(raw, 7, 99)), 40)
        for bad in (
            None,
            b"",
            raw[:-1],
            raw + b"\0",
            raw[1:],
            b"\x83" + raw[1:],
            cbor.encode([7, 5]),
            cbor.encode([7]),
        ):
            self.assertEqual(len(read_rows(bad, 7, 99)), 0)
        self.assertEqual(len(read_rows(raw, 8, 99)), 0)
        for odd in ([1] * 5, [1] * 7, [1] * 5 + ["x"], [1] * 5 + [None], 3):
            self.assertEqual(len(read_rows(cbor.encode([7, [list(row(1)), odd]]), 7, 99)), 0)
        for cut in range(len(raw)):
            self.assertEqual(len(read_rows(raw[:cut], 7, 99)), 0)


if __name__ == "__main__":
    unittest.main()
