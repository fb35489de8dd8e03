"""The checker can fail: a few deliberate bugs are caught here, all of them by `python tests/sim/mutants/run.py`."""

import sys
from pathlib import Path

import pytest

from lampsim.check.run import drawn, play
from lampsim.faults import loads

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(Path(__file__).parent / "mutants"))
import run as runner  # noqa: E402 - scripts beside their data
from mutants import MUTANTS, QUICK  # noqa: E402


def test_there_are_enough_and_each_has_its_own_name():
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 20


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_old_text_is_there_exactly_once(mutant):
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.old != mutant.new


@pytest.mark.parametrize("case", sorted({m.case for m in MUTANTS if m.case.faults}), ids=lambda case: case.seeds)
def test_without_a_bug_all_promises_hold_in_a_case(case):
    assert play(drawn(int(case.seeds))._replace(faults=tuple(loads(case.faults)))).text == ""


@pytest.mark.parametrize("name", QUICK)
def test_a_deliberate_bug_is_caught(name):
    mutant = next(mutant for mutant in MUTANTS if mutant.name == name)
    caught, how = runner.try_one(mutant)
    assert caught, how
