"""What is needed now and then is forgotten, and where memory is too short for it the post goes on as it was."""

import gc
import sys
import unittest

from bench import NOON, Bench, plan_bytes

from lamppost.forget import CPYTHON
from lamppost.light.tz import Zone
from lamppost.wire import messages

SELDOM = ("light.read_plan", "light.checks", "light.tz_rule", "wire.faults")


def held():
    return [name for name in SELDOM if "lamppost." + name in sys.modules]


class ForgetTest(unittest.TestCase):
    def test_a_board_has_what_reads_plans_only_while_it_reads_one(self):
        bench = Bench()
        for level_pm in (300, 400):
            self.assertEqual(bench.post.take_plan(plan_bytes(level_pm), 1000), "")
            self.assertEqual(bench.post.plan.programs[0].level_pm, level_pm)
            self.assertIn("the plan", bench.post.take_plan(b"\x80", 2000).replace("plan refused", "the plan refused"))
        self.assertEqual(Zone("CET-1CEST,M3.5.0,M10.5.0/3").offset_s(NOON), 7200)
        if not CPYTHON:
            self.assertEqual(held(), [])

    def test_a_fault_is_said_in_words(self):
        bench = Bench()
        bench.give(("door", True))
        bench.run(60000)
        self.assertTrue([line for line in bench.logged if "door is open, or the post leans" in line])
        if not CPYTHON:
            self.assertEqual(held(), [])


class Full:
    """The heap taken but for the last `leave` pieces of 300 bytes, until `free`; a chain, for a list wants to grow."""

    def __init__(self, leave):
        self._chain = None
        try:
            while True:
                self._chain = (bytearray(224), self._chain)
        except MemoryError:
            pass
        for _ in range(leave):
            self._chain = self._chain[1]
        gc.collect()

    def free(self):
        self._chain = None
        gc.collect()


if not CPYTHON:

    class ShortTest(unittest.TestCase):
        def test_a_plan_that_no_memory_can_read_leaves_the_one_before_and_the_light(self):
            bench = Bench()
            bench.set_time(NOON + 12 * 3600)
            self.assertEqual(bench.post.take_plan(plan_bytes(300), 1000), "")
            bench.run(20000)
            lamp = bench.lamp
            raw = plan_bytes(400)
            full = Full(12)
            reason = bench.post.take_plan(raw, 2000)
            full.free()
            self.assertEqual(reason, "no memory for a plan of %d bytes" % len(raw))
            self.assertEqual(bench.post.plan.programs[0].level_pm, 300)
            self.assertEqual(held(), [])
            bench.run(20000)
            self.assertEqual(bench.lamp, lamp)
            self.assertEqual(bench.post.take_plan(raw, 3000), "")  # and again there is room
            self.assertEqual(bench.post.plan.programs[0].level_pm, 400)

        def test_a_fault_that_no_memory_can_tell_in_words_is_told_by_its_number(self):
            bench = Bench()
            full = Full(12)
            bench.post.upkeep._changed(20, True, 0, 1000)
            full.free()
            self.assertIn((messages.FAULT, 20, 1), [(i[1], i[3], i[4]) for i in bench.post.items.oldest(9)])
            self.assertEqual(bench.post.log_lines[-1][1], "fault comes: number 20")


if __name__ == "__main__":
    unittest.main()
