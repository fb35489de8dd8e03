"""Run one test module under MicroPython: `micropython run_one.py test_name`. Exit code 1 on a failure or on no test."""

import gc
import sys
import unittest

gc.threshold(65536)  # sooner or later as on a board, or what a test keeps comes to lie all over the heap

if __name__ == "__main__":
    name = sys.argv[1]
    passed, failed, skipped = unittest.run(__import__(name))
    print("%d passed, %d failed, %d skipped" % (passed, failed, skipped))
    sys.exit(1 if failed or not (passed or skipped) else 0)
