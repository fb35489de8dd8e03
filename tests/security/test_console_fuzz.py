"""Some 10**4 lines typed at a console at every run; `python tests/security/fuzz_console.py` types 10**6."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fuzz_console import Fuzz


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_typed(seed: int) -> None:
    fuzz = Fuzz(seed, login=bool(seed & 1))
    for _ in range(3000):
        fuzz.step()
