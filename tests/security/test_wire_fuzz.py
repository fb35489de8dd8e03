"""Some 10**5 hostile inputs at every run; `python tests/security/fuzz_wire.py --seconds N` gives more."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_wire import Fuzz


@pytest.mark.parametrize("seed", range(10))
def test_hostile_bytes(seed: int) -> None:
    """[F-6] [F-7] [M-2] [S-10] [C-6]"""
    fuzz = Fuzz(seed)
    for _ in range(6000):
        fuzz.step()
    assert fuzz.accepted > 500, "the stolen key must get some messages through, or nothing behind the seal is tested"
