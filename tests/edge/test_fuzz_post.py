"""Some hostile inputs at every run, on both interpreters; `fuzz_post.py` gives as many as one likes."""

import unittest

import fuzz_post


class FuzzTest(unittest.TestCase):
    def test_hostile_frames_and_lines(self):
        for seed in (1, 2):
            done, errors, grown = fuzz_post.run(2000, seed)
            self.assertEqual(done, 2000)
            self.assertGreater(errors, 200)
            self.assertLess(grown, fuzz_post.GROWTH_MAX)


if __name__ == "__main__":
    unittest.main()
